package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// doneBy has somebody do a task, or the ticket itself, and somebody else approve it.
func (w *town) doneBy(id string, worker, reviewer *phone, round uint32) {
	w.t.Helper()
	w.finished(worker, id, round)
	w.approved(reviewer, id, round)
}

// approved has somebody look, and approve.
func (w *town) approved(reviewer *phone, id string, round uint32) {
	w.t.Helper()
	reviewer.sync()
	reviewer.done(id, reviewer.approves(id, round))
}

// refusedTo requires that somebody who has seen everything is refused an act.
func (w *town) refusedTo(p *phone, id string, act any, code roundsv1.ProblemCode) {
	w.t.Helper()
	p.sync()
	seq := p.do(id, act)
	p.sync()
	p.refused(seq, code)
}

// disputedTown is a flood that its two tasks closed, and that the household disputes.
func disputedTown(t *testing.T) (w *town, tasks [2]string) {
	w, tasks = splitTown(t)
	w.all()
	w.doneBy(tasks[0], w.x, w.r, 1)
	w.doneBy(tasks[1], w.y, w.r, 1)
	w.chief.inState(w.id, stateClosed)
	w.phone("household", resident).done(w.id, dispute(1))
	if past := w.chief.inState(w.id, stateTriaged).GetPastChildIds(); !slices.Equal(past, tasks[:]) {
		t.Fatalf("of earlier rounds are %v", past)
	}
	return w, tasks
}

// TestTasksOfAnEarlierRoundDoNotCloseIt (P9): what the customer disputes is not closed again on the evidence of the round before.
func TestTasksOfAnEarlierRoundDoNotCloseIt(t *testing.T) {
	w, _ := disputedTown(t)
	w.refusedTo(w.foreman, w.id, split("words"), roundsv1.ProblemCode_PROBLEM_CODE_MISSING) // the tasks that were done cover nothing
	w.foreman.done(w.id, split("light"))
	third := w.chief.ticket(w.id).GetChildIds()[2]
	w.chief.done(third, cancel())
	if parent := w.chief.inState(w.id, stateTriaged); len(parent.GetApproverIds()) > 0 || slices.Contains(parent.GetFlags(), "closed_by_tasks") {
		t.Fatalf("%v", parent)
	}
	w.told(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, w.id, "", foreman)
	w.foreman.done(w.id, split("light"))
	fourth := w.chief.ticket(w.id).GetChildIds()[3]
	w.foreman.done(fourth, dispatch("Y"))
	w.all()
	w.doneBy(fourth, w.y, w.q, 1)
	if parent := w.chief.inState(w.id, stateClosed); !slices.Equal(parent.GetApproverIds(), []string{uid("Q")}) {
		t.Fatalf("approved by %v, want who approved what was done in the round", parent.GetApproverIds())
	}
}

// TestATaskApprovedOnceMoreDoesNotCloseIt: an objection to a task of the round before, and its approval, are about the same work.
func TestATaskApprovedOnceMoreDoesNotCloseIt(t *testing.T) {
	w, tasks := splitTown(t)
	w.doneBy(tasks[0], w.x, w.r, 1)
	w.finished(w.y, tasks[1], 1)
	w.q.sync()
	w.approved(w.r, tasks[1], 1)
	w.phone("household", resident).done(w.id, dispute(1))
	objection := w.q.do(tasks[1], rejectFor(1, "not_clean"))
	w.q.sync()
	w.q.applied(objection)
	w.chief.inState(tasks[1], stateInReview)
	w.approved(w.chief, tasks[1], 1)
	w.chief.inState(w.id, stateTriaged)
	// Work on it in its own next round counts.
	w.chief.done(tasks[1], reopen(1))
	if past := w.chief.ticket(w.id).GetPastChildIds(); !slices.Equal(past, tasks[:1]) {
		t.Fatalf("of earlier rounds are %v", past)
	}
	w.foreman.done(tasks[1], dispatch("Y"))
	w.all()
	w.doneBy(tasks[1], w.y, w.r, 2)
	w.chief.inState(w.id, stateClosed)
}

// TestATaskThatOpensItLeavesTheOthersDone: what is opened again by one of its tasks closes with that, and the others still count; not those of the round before.
func TestATaskThatOpensItLeavesTheOthersDone(t *testing.T) {
	w, tasks := disputedTown(t)
	w.foreman.done(w.id, split("light"))
	third := w.chief.ticket(w.id).GetChildIds()[2]
	w.foreman.done(third, dispatch("X"))
	w.all()
	w.doneBy(third, w.x, w.q, 1)
	w.chief.inState(w.id, stateClosed)
	w.chief.done(third, reopen(1))
	if parent := w.chief.inState(w.id, stateTriaged); parent.GetRound() != 3 || !slices.Equal(parent.GetPastChildIds(), tasks[:]) {
		t.Fatalf("round %d, of earlier ones are %v", parent.GetRound(), parent.GetPastChildIds())
	}
	w.chief.done(third, cancel())
	w.chief.inState(w.id, stateTriaged) // all that was done was disputed
}

// TestWhoDidATaskDoesNotApproveTheTicket (P9).
func TestWhoDidATaskDoesNotApproveTheTicket(t *testing.T) {
	splitByR := func(t *testing.T) (w *town, task string) {
		w = newTown(t, "flood")
		w.x.done(w.id, start())
		w.foreman.done(w.id, split("flood"))
		task = w.chief.ticket(w.id).GetChildIds()[0]
		w.foreman.done(task, dispatch("R"))
		return w, task
	}
	t.Run("known before", func(t *testing.T) {
		w, task := splitByR(t)
		w.r.done(task, start())
		w.doneBy(task, w.r, w.q, 1)
		w.finished(w.x, w.id, 1)
		w.r.sync()
		w.refusedTo(w.r, w.id, w.r.approves(w.id, 1), roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
		w.refusedTo(w.r, w.id, rejectFor(1, "not_clean"), roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
		w.approved(w.q, w.id, 1)
	})
	t.Run("of one that was cancelled nothing is decided", func(t *testing.T) {
		w, task := splitByR(t)
		w.r.done(task, start())
		w.chief.done(task, cancel())
		w.finished(w.x, w.id, 1)
		w.approved(w.r, w.id, 1)
	})
	for name, fact := range map[string]func(w *town, task string){
		"learnt later": func(w *town, task string) { w.r.done(task, labour("R")) },
		"learnt later by a photo": func(w *town, task string) {
			w.r.done(uid("late photo"), shot(task, 1, hash("late photo")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, task := splitByR(t)
			w.foreman.done(task, dispatch("Y"))
			w.doneBy(task, w.y, w.q, 1)
			w.finished(w.x, w.id, 1)
			w.approved(w.r, w.id, 1)
			fact(w, task)
			flagged(t, w.chief.inState(w.id, stateInReview), "self_approval")
			w.asked(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, w.id)
			w.chief.inState(task, stateClosed)
		})
	}
}

// TestWhoAskedForAForcedClosureAndWorkedOnATask is not one of the two.
func TestWhoAskedForAForcedClosureAndWorkedOnATask(t *testing.T) {
	w := newTown(t, "flood")
	w.x.done(w.id, start())
	w.foreman.done(w.id, split("flood"))
	task := w.chief.ticket(w.id).GetChildIds()[0]
	w.foreman.done(task, dispatch("Y"))
	w.all()
	w.doneBy(task, w.y, w.q, 1)
	w.x.done(uid("lost"), shot(w.id, 1))
	w.x.done(w.id, submit(1, uid("lost")))
	w.chief.done(w.id, forceClose("R"))
	w.chief.done(task, labour("S"))
	w.refusedTo(w.r, w.id, forceClose("S"), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.chief.inState(w.id, stateDone)
}

// TestATaskThatIsReinstatedOpensItsTicket: what was cancelled with its tasks goes on with one that is reinstated.
func TestATaskThatIsReinstatedOpensItsTicket(t *testing.T) {
	w, tasks := splitTown(t)
	photo := uid("late photo")
	w.x.do(photo, shot(tasks[0], 1, hash(photo)))
	word := w.x.do(tasks[0], submit(1, photo))
	for _, id := range tasks {
		w.chief.done(id, cancel())
	}
	w.chief.inState(w.id, stateCancelled)
	w.x.sync()
	question := w.x.parked(word, roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL)
	w.second("desk 2", "S", supervisor).done(question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE))
	if parent := w.chief.inState(w.id, stateTriaged); parent.GetRound() != 2 || parent.GetAssigneeId() != "" || parent.GetStateReason() != "" {
		t.Fatalf("%v", parent)
	}
	w.looked(tasks[0], photo, stateClean)
	w.approved(w.r, tasks[0], 1)
	flagged(t, w.chief.inState(w.id, stateClosed), "closed_by_tasks")
}

// TestWhatAPersonCancelledStaysSo: a ticket that a supervisor cancelled is not opened by a task of it.
func TestWhatAPersonCancelledStaysSo(t *testing.T) {
	w, tasks := splitTown(t)
	photo := uid("late photo")
	w.x.do(photo, shot(tasks[0], 1, hash(photo)))
	word := w.x.do(tasks[0], submit(1, photo))
	w.foreman.done(w.id, labour("Z")) // so that it does not end with its tasks
	for _, id := range append(tasks[:], w.id) {
		w.chief.done(id, cancel())
	}
	w.x.sync()
	question := w.x.parked(word, roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL)
	w.second("desk 2", "S", supervisor).done(question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE))
	w.chief.inState(tasks[0], stateDone)
	w.chief.inState(w.id, stateCancelled)
}

// TestWhoReportedItDoesNotCancelThroughTasks: once a ticket was accepted its reporter cancels it no more, and so none of its tasks.
func TestWhoReportedItDoesNotCancelThroughTasks(t *testing.T) {
	w := newTown(t, "flood")
	w.foreman.done(w.id, split("light", "flood"))
	tasks := w.chief.ticket(w.id).GetChildIds()
	home := w.phone("household", resident)
	home.done(tasks[0], cancel()) // nobody has accepted it
	w.x.done(w.id, accept(1))
	w.refusedTo(home, tasks[1], cancel(), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.chief.inState(w.id, roundsv1.TicketState_TICKET_STATE_ACCEPTED)
	w.chief.done(tasks[1], cancel())
	w.chief.inState(w.id, stateCancelled)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, w.id, "X", 0)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_DECIDED, w.id, "household", 0)
}
