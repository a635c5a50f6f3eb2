package work_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// retake has the foreman decide that photos of a ticket, which are lost, are to be taken again.
func (w *town) retake(ticket string) {
	w.t.Helper()
	w.write(func(v engine.View) ([]engine.Derived, error) {
		current, err := v.Get("ticket", merge.RecordID(ticket))
		if err != nil {
			return nil, err
		}
		question, _, err := work.EvidenceLost(current, v.Get, nil, v.Now().UnixMicro())
		return []engine.Derived{question}, err
	})
	question, _ := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, ticket)
	w.foreman.done(question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE))
	flagged(w.t, w.chief.ticket(ticket), work.FlagRetake)
}

// TestWhatIsWork: whoever reads a meter, uses a part or goes there does some of the work, and does not vouch for it.
func TestWhatIsWork(t *testing.T) {
	for name, fact := range map[string]*roundsv1.Ticket{
		"a reading": {Readings: []*roundsv1.Reading{{Id: uid("reading"), Value: 4}}},
		"a part":    {PartsUsed: map[string]int64{"bulb": 1}},
		"a visit":   {Visits: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			w.inReview()
			w.r.done(w.id, &roundsv1.Fact{Record: ticketRecord(fact)})
			own := w.r.do(w.id, w.r.approves(w.id, 1))
			w.r.sync()
			w.r.refused(own, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
			w.q.sync()
			w.q.done(w.id, w.q.approves(w.id, 1))
			w.q.done(w.id, &roundsv1.Fact{Record: ticketRecord(fact)})
			flagged(t, w.chief.inState(w.id, stateInReview), "self_approval")
		})
	}
}

// TestPartsAreWork: who reported a ticket does not cancel it when a part was used.
func TestPartsAreWork(t *testing.T) {
	w := newTown(t, "light")
	w.y.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{PartsUsed: map[string]int64{"bulb": 1}})})
	w.desk.sync()
	act := w.desk.do(w.id, cancel())
	w.desk.sync()
	w.desk.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
}

// TestHiddenByWhoWorked: a photo that cannot count stands in the way until somebody takes it out of sight who did none of the work.
func TestHiddenByWhoWorked(t *testing.T) {
	w := newTown(t, "light")
	w.foreman.done(w.id, dispatch("F"))
	w.foreman.done(w.id, start())
	bad, good := uid("bad"), uid("good")
	for _, photo := range []string{bad, good} {
		w.foreman.done(photo, shot(w.id, 1, hash(photo)))
	}
	w.foreman.done(w.id, submit(1, bad, good))
	w.looked(w.id, bad, roundsv1.PhotoState_PHOTO_STATE_HARD)
	w.foreman.done(bad, hide("blurred"))
	w.looked(w.id, good, stateClean)
	w.chief.inState(w.id, stateDone)
	w.r.done(bad, hide("seen, it does not matter"))
	w.looked(w.id, good, stateClean)
	w.chief.inState(w.id, stateInReview)
	// Who takes it away and works on the ticket then has not looked at it as somebody else.
	w.r.done(w.id, labour("R"))
	w.q.sync()
	act := w.q.do(w.id, w.q.approves(w.id, 1))
	w.q.sync()
	w.q.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.q.done(bad, hide("seen by somebody else"))
	w.q.done(w.id, w.q.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}

// TestHiddenByWhoWalked: the same of a round.
func TestHiddenByWhoWalked(t *testing.T) {
	p := newPatrol(t, 7, &roundsv1.Inspection{})
	bad := uid("bad")
	p.lead.done(bad, itemShot(p.id))
	p.x.done(p.id, walk("start"))
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", bad), "pressure": measured(3)}))
	p.x.done(p.id, walk("submit"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	p.hard(bad)
	p.lead.done(bad, hide("blurred"))
	p.chief.sync()
	act := p.chief.do(p.id, p.chief.approvesWalk(p.id))
	p.chief.sync()
	p.chief.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	p.chief.done(bad, hide("looked at"))
	p.chief.done(p.id, p.chief.approvesWalk(p.id))
}

// hard lets the server find that a photo cannot count.
func (p *patrol) hard(photo string) {
	p.t.Helper()
	err := p.engine.Write(p.t.Context(), siteScope, func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(photo), Edit: &roundsv1.Edit{Fields: []uint32{40}, Record: &roundsv1.Record{
			Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_HARD}}}}}}, nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestOneProofForOnePause: what showed one pause that stopped the clocks does not show the next; nor does what was made before the round.
func TestOneProofForOnePause(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	w.x.done(uid("call"), remark(w.id, "the owner is away"))
	proof := &roundsv1.RecordRef{Kind: "comment", Id: uid("call")}
	pauses := func() uint64 {
		w.now = w.now.Add(time.Minute)
		act := w.x.do(w.id, pauseFor("owner", proof))
		w.x.sync()
		return act
	}
	w.x.applied(pauses())
	w.x.done(w.id, resume())
	w.x.refused(pauses(), roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.chief.inState(w.id, stateInProgress)
	w.x.done(uid("again"), remark(w.id, "still away"))
	proof = &roundsv1.RecordRef{Kind: "comment", Id: uid("again")}
	w.x.applied(pauses())
	w.x.done(w.id, resume())
	w.x.done(uid("third"), remark(w.id, "still away"))
	w.finished(w.x, w.id, 1)
	w.r.sync()
	w.r.done(w.id, rejectFor(1, "not_clean"))
	w.x.done(w.id, start())
	proof = &roundsv1.RecordRef{Kind: "comment", Id: uid("third")}
	w.x.refused(pauses(), roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
}

// TestRejectSaysWhy: work goes back with words, and what is pointed at is of this round.
func TestRejectSaysWhy(t *testing.T) {
	w := newTown(t, "light")
	old := w.inReview()
	for _, words := range []string{"", "  "} {
		act := rejectFor(1, "not_clean", old)
		act.GetReject().Words = words
		seq := w.r.do(w.id, act)
		w.r.sync()
		w.r.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		if field := w.r.outcomes[seq].GetProblem().GetField(); field != "command.ticket.reject.words" {
			t.Fatalf("%q", field)
		}
	}
	w.x.done(w.id, answered("lamp", pass))
	w.r.done(w.id, rejectFor(1, "not_clean", old))
	w.x.done(w.id, start())
	fresh := w.finished(w.x, w.id, 2)
	w.r.sync()
	item := rejectFor(2, "not_clean")
	item.GetReject().ItemIds = []string{"lamp"} // answered in the round before
	for _, act := range []*roundsv1.TicketCommand{rejectFor(2, "not_clean", old), item} {
		seq := w.r.do(w.id, act)
		w.r.sync()
		w.r.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
	}
	w.x.done(w.id, answered("lamp", pass))
	w.r.sync()
	item.GetReject().PhotoIds = []string{fresh}
	w.r.done(w.id, item)
	w.chief.inState(w.id, stateRework)
}

// TestSplitAsksForAsMuch: a ticket is not split into tasks none of which asks for what it asks for itself.
func TestSplitAsksForAsMuch(t *testing.T) {
	w := newTown(t, "pump")
	w.desk.sync()
	for _, tasks := range [][]string{{"words"}, {"light", "tiles"}} {
		act := w.desk.do(w.id, split(tasks...))
		w.desk.sync()
		w.desk.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		if said := w.desk.outcomes[act].GetProblem().GetFacts()["demands_en"]; said != "2 photos of the finished work, a photo from before the work, the live camera, its checklist" {
			t.Fatalf("%q", said)
		}
	}
	w.desk.done(w.id, split("words", "pump"))
	w.desk.done(w.id, split("words")) // it has one that does
}

// TestTasksProveTheTicket: the ticket ends with its tasks only where one that was done asked for as much; else it goes on, for a completion of its own.
func TestTasksProveTheTicket(t *testing.T) {
	w := newTown(t, "light")
	w.desk.sync()
	w.desk.done(w.id, split("light", "words"))
	light, words := work.TaskID(merge.RecordID(w.id), 0, "light"), work.TaskID(merge.RecordID(w.id), 1, "words")
	w.foreman.done(string(words), dispatch("Y"))
	w.chief.done(string(light), cancel())
	w.y.sync()
	w.y.done(string(words), submit(1))
	w.looked(string(words), uid("none"), stateClean)
	w.chief.inState(string(words), stateInReview)
	w.r.sync()
	w.r.done(string(words), w.r.approves(string(words), 1))
	w.chief.inState(string(words), stateClosed)
	w.chief.inState(w.id, stateDispatched)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, w.id, "", foreman)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, w.id, "", supervisor)
	w.x.sync()
	w.x.done(w.id, start())
	w.finished(w.x, w.id, 1)
	w.q.sync()
	w.q.done(w.id, w.q.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}
