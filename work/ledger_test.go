package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/deadline"
)

func pauseFor(reason string, proof *roundsv1.RecordRef) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: reason, Proof: proof}}}
}

func remark(ticket, words string) *roundsv1.Fact {
	return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket}, Words: words}}}}
}

func due(ticket *roundsv1.Ticket, step roundsv1.Step) *roundsv1.Deadline {
	for _, d := range ticket.GetDeadlines() {
		if d.GetStep() == step && d.GetRound() == ticket.GetRound() {
			return d
		}
	}
	return nil
}

// TestLedger: every change of the state is a move, at its effective time, exact, with who made it.
func TestLedger(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, accept(1))
	w.x.done(w.id, start())
	call := uid("call")
	w.x.done(call, remark(w.id, "called the owner"))
	w.x.done(w.id, pauseFor("owner", &roundsv1.RecordRef{Kind: "comment", Id: call}))
	w.told(roundsv1.NoticeCode_NOTICE_CODE_CLOCK_STOPPED, w.id, "", foreman)
	if d := due(w.chief.ticket(w.id), roundsv1.Step_STEP_FINISH); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_STOPPED {
		t.Fatalf("%v", d)
	}
	w.x.done(w.id, resume())
	w.finished(w.x, w.id, 1)
	w.r.sync()
	w.r.done(w.id, rejectFor(1, "not_clean"))
	ticket := w.chief.ticket(w.id)
	want := []roundsv1.TicketState{roundsv1.TicketState_TICKET_STATE_NEW, stateTriaged, stateDispatched, roundsv1.TicketState_TICKET_STATE_ACCEPTED, stateInProgress,
		statePaused, stateInProgress, stateDone, stateInReview, stateRework}
	if !slices.Equal(movesOf(ticket), want) {
		t.Fatalf("%v", movesOf(ticket))
	}
	for i, m := range ticket.GetMoves() {
		people := []string{"D", "D", "F", "X", "X", "X", "X", "X", "", "R"}
		by := ""
		if people[i] != "" {
			by = uid(people[i])
		}
		round := uint32(1)
		if i == len(want)-1 {
			round = 2
		}
		if !m.GetExact() || m.GetLate() || m.GetPersonId() != by || m.GetRound() != round || m.GetStopsClock() != (m.GetState() == statePaused) ||
			i > 0 && m.GetTimeUs() <= ticket.GetMoves()[i-1].GetTimeUs() {
			t.Errorf("move %d: %v", i, m)
		}
	}
	if d := due(ticket, roundsv1.Step_STEP_FINISH); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_OPEN || d.GetRound() != 2 {
		t.Fatalf("%v", d)
	}
}

// TestRow17: a pause and a resumption that come after the completion and are earlier than it are put where they belong.
func TestRow17_PauseEarlierThanTheCompletion(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	second := w.second("X's second", "X", worker)
	second.sync()
	w.now = w.now.Add(time.Minute)
	call := uid("call")
	seqs := []uint64{second.do(call, remark(w.id, "no answer"))}
	paused := w.now
	seqs = append(seqs, second.do(w.id, pauseFor("owner", &roundsv1.RecordRef{Kind: "comment", Id: call})))
	w.now = w.now.Add(time.Hour)
	seqs = append(seqs, second.do(w.id, resume()))
	w.now = w.now.Add(time.Minute)
	w.finished(w.x, w.id, 1)
	before := w.chief.inState(w.id, stateInReview)
	second.sync()
	second.applied(seqs...)
	ticket := w.chief.inState(w.id, stateInReview)
	want := []roundsv1.TicketState{roundsv1.TicketState_TICKET_STATE_NEW, stateTriaged, stateDispatched, stateInProgress, statePaused, stateInProgress, stateDone, stateInReview}
	if !slices.Equal(movesOf(ticket), want) {
		t.Fatalf("%v", movesOf(ticket))
	}
	late := ticket.GetMoves()[4:6]
	if !late[0].GetLate() || !late[1].GetLate() || !late[0].GetStopsClock() || late[0].GetTimeUs() < paused.UnixMicro() || ticket.GetPauseReason() != "" {
		t.Fatalf("%v", late)
	}
	gained := due(ticket, roundsv1.Step_STEP_FINISH).GetDueUs() - due(before, roundsv1.Step_STEP_FINISH).GetDueUs()
	if gained != late[1].GetTimeUs()-late[0].GetTimeUs() || gained < time.Hour.Microseconds() {
		t.Fatalf("the deadline moved by %d µs", gained)
	}
	// A pause of a time at which nobody worked is none.
	stray := second.do(w.id, pauseFor("other", nil))
	second.sync()
	second.refused(stray, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
}

// breach lets the server notice that a step was missed.
func (w *town) breach() {
	w.t.Helper()
	w.write(func(v engine.View) ([]engine.Derived, error) {
		current, err := v.Get("ticket", merge.RecordID(w.id))
		if err != nil {
			return nil, err
		}
		all, noticed := deadline.Notice(current.GetRecord().GetTicket().GetDeadlines(), v.Now().UnixMicro())
		if len(noticed) == 0 {
			w.t.Fatal("nothing to notice")
		}
		return []engine.Derived{{RecordID: merge.RecordID(w.id), Edit: &roundsv1.Edit{Fields: []uint32{44, 54}, Record: ticketRecord(&roundsv1.Ticket{
			EscalationLevel: 1, Deadlines: all})}}}, nil
	})
}

// TestRow16: work that was in time without signal corrects a breach where the phone's time is known, and is a question where it is not.
func TestRow16_InTimeWithoutSignal(t *testing.T) {
	finish := roundsv1.Step_STEP_FINISH
	for _, known := range []bool{true, false} {
		w := newTown(t, "light")
		w.x.done(w.id, start())
		photo := uid("photo")
		seqs := []uint64{w.x.do(photo, shot(w.id, 1)), w.x.do(w.id, submit(1, photo))}
		w.x.restarted = !known // nobody knows how long it was off
		w.now = w.now.Add(25 * time.Hour)
		w.breach()
		if d := due(w.chief.ticket(w.id), finish); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_BREACHED {
			t.Fatalf("%v", d)
		}
		w.x.sync()
		w.x.applied(seqs...)
		ticket := w.chief.inState(w.id, stateDone)
		d := due(ticket, finish)
		if ticket.GetEscalationLevel() != 1 {
			t.Fatal("an escalation was erased")
		}
		if known {
			if d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC || !d.GetOfflineFalseAlarm() || !slices.Contains(w.x.outcomes[seqs[1]].GetFlags(), "offline_false_alarm") {
				t.Fatalf("%v %v", d, w.x.outcomes[seqs[1]])
			}
			flagged(t, ticket, "offline_false_alarm")
			w.told(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.id, "", foreman)
			w.told(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.id, "", supervisor)
			continue
		}
		if d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED {
			t.Fatalf("%v (trust %v)", d, w.x.outcomes[seqs[1]].GetTrust())
		}
		question, c := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, w.id)
		if len(c.GetSides()) != 2 || c.GetSides()[1].GetPersonId() != uid("X") {
			t.Fatalf("%v", c)
		}
		w.chief.done(question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET))
		if d := due(w.chief.ticket(w.id), finish); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC {
			t.Fatalf("%v", d)
		}
	}
}

// TestCompletionSaysWhenItCame: beside when it was made, as the phone knows; and a completion that is sent again with another photo does not begin anew.
func TestCompletionSaysWhenItCame(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	photo, more := uid("photo"), uid("more")
	w.x.do(photo, shot(w.id, 1))
	w.x.do(w.id, submit(1, photo))
	made := w.now
	w.now = w.now.Add(30 * time.Hour)
	w.x.sync()
	came := w.now
	c := w.chief.inState(w.id, stateDone).GetCompletions()[0]
	if c.GetTimeUs() != made.UnixMicro() || c.GetTakenUs() != came.UnixMicro() {
		t.Fatalf("made %v, came %v: %v", made.UnixMicro(), came.UnixMicro(), c)
	}
	w.x.done(w.id, submit(1, photo, more))
	if again := w.chief.ticket(w.id).GetCompletions()[0]; len(again.GetPhotoIds()) != 2 || again.GetTakenUs() != came.UnixMicro() {
		t.Fatalf("%v", again)
	}
}
