package engine_test

import (
	"fmt"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// decided resolves a conflict as rules do.
func decided(how string) *roundsv1.Edit {
	return &roundsv1.Edit{Fields: []uint32{40, 41}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{
		Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: how}}}}
}

func (p *phone) conflicts(state roundsv1.ConflictState) (found []*roundsv1.Conflict) {
	for _, change := range p.replicas[site] {
		if c := change.GetRecord().GetConflict(); c != nil && c.GetState() == state {
			found = append(found, c)
		}
	}
	return found
}

func dismiss() *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "no"}}}}}
}

// While a field that must not be guessed has several values a question is open, also the second time.
func TestAskIsAskedAgain(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	for round := range 3 {
		a.sync()
		b.sync()
		w.clock.pass(time.Second)
		a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: fmt.Sprint("a", round)}, 15))
		b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: fmt.Sprint("b", round)}, 15))
		a.sync()
		b.sync()
		if open := b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN); len(open) != 1 || open[0].GetResolution() != "" || open[0].GetLaneSeq() == 0 {
			t.Fatalf("round %d: the question is not open: %v", round, b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_RESOLVED))
		}
		b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "1"}, 15)) // having seen both
		b.sync()
		if open := b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN); len(open) != 0 {
			t.Fatalf("round %d: still asked: %v", round, open)
		}
	}
	w.audit(site)
}

// What a person dismissed stays out when its record appears.
func TestDismissedMutationStaysOut(t *testing.T) {
	w := newWorld(t, newMemory())
	w.judge(func(c engine.Case) engine.Verdict {
		if c.Mutation.GetCommand().GetConflict().GetDismiss() != nil {
			return engine.Verdict{Effect: decided("dismissed")}
		}
		return rules{}.Judge(c)
	})
	a, b := w.phone("a"), w.phone("b")
	b.do(site, id(1), reading(7))
	b.sync()
	conflict := b.outcome(site, 1).GetConflictId()
	a.sync()
	a.do(site, conflict, dismiss())
	a.sync()
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	if a.status(1) != "APPLIED" || len(a.ticket(id(1)).GetReadings()) != 0 || a.record(site, conflict).GetRecord().GetConflict().GetResolution() != "dismissed" {
		t.Fatalf("a dismissed fact came in: %v, %v", a.ticket(id(1)), a.record(site, conflict).GetRecord())
	}
	w.audit(site)
}

// Two supervisors who let the same thing in let it in once, whatever the rules look at.
func TestAdmittedTwiceCountsOnce(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b, c := w.phone("a"), w.phone("b"), w.phone("c")
	b.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	b.sync()
	a.sync()
	w.access.set(func(x *access) { x.until[a.person] = w.clock.Now() })
	w.clock.pass(time.Minute)
	a.do(site, id(1), &roundsv1.Fact{Record: record(&roundsv1.Ticket{Visits: 1})})
	a.sync()
	b.sync()
	c.sync()
	conflict := a.outcome(site, 1).GetConflictId()
	b.do(site, conflict, admit())
	c.do(site, conflict, admit())
	b.sync()
	c.sync()
	if b.status(2) != "APPLIED" || c.status(1) != "REJECTED" || c.ticket(id(1)).GetVisits() != 1 {
		t.Fatalf("P5: %v, %v, %d visits", b.outcome(site, 2), c.outcome(site, 1), c.ticket(id(1)).GetVisits())
	}
	w.audit(site)
}

// What waits for a record is judged when the rules make it, as when a device does.
func TestQuarantinedMutationIsJudgedWhenItsRecordIsDerived(t *testing.T) {
	w := newWorld(t, newMemory())
	w.judge(func(c engine.Case) engine.Verdict {
		v := rules{}.Judge(c)
		if c.Mutation.GetEdit().GetRecord().GetTicket().GetTitle() == "makes another" {
			v.Derived = []engine.Derived{{RecordID: merge.RecordID(id(2)), Edit: create(&roundsv1.Ticket{Title: "derived"})}}
		}
		return v
	})
	a, b := w.phone("a"), w.phone("b")
	b.do(site, id(2), reading(7))
	b.sync()
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "makes another"}))
	a.sync()
	if got := a.ticket(id(2)); len(got.GetReadings()) != 1 || len(a.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN)) != 0 {
		t.Fatalf("it waits on: %v", a.replicas[site])
	}
	w.audit(site)
}

// A mutation that is let in late is earlier than what its own device wrote after it.
func TestLateAdmissionDoesNotTakeAwayWhatItsDeviceWroteAfter(t *testing.T) {
	w := newWorld(t, newMemory())
	parks := true
	w.judge(func(c engine.Case) engine.Verdict {
		if parks && c.Mutation.GetFact().GetRecord().GetTicket().GetAnswers()["valve"].GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_PASS && !c.Admitted {
			return engine.Verdict{Park: roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME}
		}
		return rules{}.Judge(c)
	})
	answer := func(r roundsv1.AnswerResult) *roundsv1.Fact {
		return &roundsv1.Fact{Record: record(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"valve": {Result: r}}})}
	}
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	a.do(site, id(1), answer(roundsv1.AnswerResult_ANSWER_RESULT_PASS))
	w.clock.pass(time.Minute)
	a.do(site, id(1), answer(roundsv1.AnswerResult_ANSWER_RESULT_FAIL))
	a.sync()
	b.sync()
	b.do(site, a.outcome(site, 2).GetConflictId(), admit())
	b.sync()
	if b.status(1) != "APPLIED" || b.ticket(id(1)).GetAnswers()["valve"].GetResult() != roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
		t.Fatalf("P5: the later answer is gone: %v, %v", b.outcome(site, 1), b.ticket(id(1)))
	}
	w.audit(site)
}

// A fact on a record that was deleted is kept as an orphan of it, and a question is open; a command on it is refused.
func TestFactOnADeletedRecord(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	b.sync()
	b.do(site, id(1), reading(7))
	b.do(site, id(1), edit(&roundsv1.Ticket{Title: "u"}, 1))
	a.do(site, id(1), delete_())
	a.sync()
	b.sync()
	if b.status(1) != "QUARANTINED" || b.status(2) != "REJECTED" {
		t.Errorf("%v, %v", b.outcome(site, 1), b.outcome(site, 2))
	}
	open := b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN)
	if len(open) != 1 || open[0].GetType() != roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN || open[0].GetSubject().GetId() != id(1) ||
		open[0].GetJournalSeq() != b.outcome(site, 1).GetSeq() {
		t.Errorf("%v", open)
	}
	w.audit(site)
}
