package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestRow17_StartEarlierThanWhatStands: a start that comes after later moves is put where it belongs, and the ticket stays where it is.
func TestRow17_StartEarlierThanWhatStands(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(w *town)
		want      roundsv1.TicketState
		refused   bool
	}{
		"begun": {func(w *town) { w.x.done(w.id, start()) }, stateInProgress, false},
		"paused": {func(w *town) {
			w.x.done(w.id, start())
			w.x.done(w.id, pauseFor("other", nil))
		}, statePaused, false},
		"reported as done": {func(w *town) {
			w.x.done(w.id, start())
			w.x.done(w.id, submit(1, uid("promised")))
		}, stateDone, false},
		"in review": {func(w *town) { w.inReview() }, stateInReview, false},
		"sent back": {func(w *town) {
			w.inReview()
			w.r.done(w.id, rejectFor(1, "not_clean"))
		}, stateRework, false},
		"closed": {func(w *town) {
			w.inReview()
			w.r.done(w.id, w.r.approves(w.id, 1))
		}, stateClosed, false},
		"cancelled": {func(w *town) { w.chief.done(w.id, cancel()) }, stateCancelled, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			second := w.second("X's second", "X", worker)
			second.sync()
			begun := second.do(w.id, start())
			at := w.now
			w.now = w.now.Add(time.Hour)
			test.meanwhile(w)
			before := w.chief.ticket(w.id)
			second.sync()
			if test.refused {
				second.refused(begun, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
				return
			}
			second.applied(begun)
			ticket := w.chief.inState(w.id, test.want)
			moves := ticket.GetMoves()
			i := slices.IndexFunc(moves, func(m *roundsv1.Move) bool { return m.GetTimeUs() == at.UnixMicro() })
			if i < 0 || len(moves) != len(before.GetMoves())+1 {
				t.Fatalf("%v", moves)
			}
			if m := moves[i]; m.GetState() != stateInProgress || !m.GetLate() || m.GetRound() != 1 || m.GetPersonId() != uid("X") || moves[i-1].GetState() != stateDispatched {
				t.Fatalf("%v", moves)
			}
			if !slices.Contains(ticket.GetPerformerIds(), uid("X")) || ticket.GetRound() != before.GetRound() || ticket.GetPauseReason() != before.GetPauseReason() {
				t.Fatalf("%v", ticket)
			}
		})
	}
}

// TestRow17_StartAfterTheClosure: work that began after the ticket was closed is not part of it, also where the customer was asked since.
func TestRow17_StartAfterTheClosure(t *testing.T) {
	w := newTown(t, "light")
	second := w.second("X's second", "X", worker)
	w.inReview()
	second.sync()
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.now = w.now.Add(time.Hour)
	begun := second.do(w.id, start())
	w.now = w.now.Add(time.Hour)
	w.chief.done(w.id, followUp(1, true))
	second.sync()
	second.refused(begun, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	w.chief.inState(w.id, stateClosed)
}

// TestRow18_StartWhileTheOtherWasAtWork: who began while the other was at work, of which the server hears after a pause, joins the crew: the ledger has one beginning,
// and the pause stays.
func TestRow18_StartWhileTheOtherWasAtWork(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	second := w.second("X's second", "X", worker)
	second.sync()
	other := w.second("X's third", "X", worker)
	other.sync()
	w.now = w.now.Add(time.Minute)
	again := second.do(w.id, start())
	w.now = w.now.Add(time.Minute)
	w.x.done(w.id, pauseFor("other", nil))
	before := w.chief.inState(w.id, statePaused)
	second.sync()
	second.applied(again)
	if ticket := w.chief.inState(w.id, statePaused); len(ticket.GetMoves()) != len(before.GetMoves()) || !slices.Contains(ticket.GetCrewIds(), uid("X")) {
		t.Fatalf("%v", ticket)
	}
}

// TestRow17_StartOfAStranger: whose the ticket never was begins nothing, however early.
func TestRow17_StartOfAStranger(t *testing.T) {
	w := newTown(t, "light")
	stray := w.y.do(w.id, start())
	w.now = w.now.Add(time.Hour)
	w.x.done(w.id, start())
	w.y.sync()
	w.y.refused(stray, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.finished(w.x, w.id, 1)
	w.r.sync()
	w.r.done(w.id, w.r.approves(w.id, 1))
	stray = w.q.do(w.id, start())
	w.q.sync()
	if w.q.outcomes[stray].GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED {
		t.Fatalf("%v", w.q.outcomes[stray])
	}
	w.chief.inState(w.id, stateClosed)
}

// TestRow37_ApproverHadBegun: a start that comes late shows that the approver did part of the work.
func TestRow37_ApproverHadBegun(t *testing.T) {
	for _, signed := range []bool{false, true} {
		w := newTown(t, "light")
		w.foreman.done(w.id, dispatch("R"))
		second := w.second("R's second", "R", butler)
		second.sync()
		begun := second.do(w.id, start())
		w.foreman.done(w.id, dispatch("X"))
		w.inReview()
		other := w.q.do(w.id, w.q.approves(w.id, 1))
		w.r.done(w.id, w.r.approves(w.id, 1))
		if signed {
			w.q.sync()
			w.q.applied(other)
		}
		second.sync()
		second.applied(begun)
		want := stateInReview
		if signed {
			want = stateClosed
		}
		ticket := w.chief.inState(w.id, want)
		flagged(t, ticket, "self_approval", "late")
		if slices.Contains(ticket.GetApproverIds(), uid("R")) || !slices.Contains(ticket.GetPerformerIds(), uid("R")) {
			t.Fatalf("%v", ticket)
		}
	}
}
