package work_test

import (
	"slices"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func hide(why string) *roundsv1.Edit {
	return &roundsv1.Edit{Fields: []uint32{16}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
		Hidden: &roundsv1.Hidden{Reason: why}}}}}
}

// TestApproveOfWhatIsHidden: a photo that is taken out of sight during the review proves nothing any more.
func TestApproveOfWhatIsHidden(t *testing.T) {
	w := newTown(t, "light")
	photo := w.inReview()
	w.q.done(photo, hide("a face"))
	w.r.sync()
	act := w.r.do(w.id, w.r.approves(w.id, 1))
	w.r.sync()
	w.r.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.chief.inState(w.id, stateInReview)
}

// TestApproveOfAMergedTicketsWork: who worked on a ticket that was merged into another decides on neither.
func TestApproveOfAMergedTicketsWork(t *testing.T) {
	w := newTown(t, "light")
	other := uid("other")
	w.report(other, "light")
	w.foreman.done(other, dispatch("Y"))
	photo := uid("by R")
	w.r.done(photo, shot(w.id, 1, hash(photo)))
	w.desk.sync()
	w.desk.done(w.id, mergeInto(other))
	w.y.sync()
	w.y.done(other, start())
	w.y.done(other, submit(1, photo))
	w.looked(other, photo, stateClean)
	w.chief.inState(other, stateInReview)
	w.r.sync()
	act := w.r.do(other, w.r.approves(other, 1))
	w.r.sync()
	w.r.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
}

// TestForceCloseByWhoWorked: who asked for a forced closure, and worked on the ticket before it was confirmed, does not count as one of two.
func TestForceCloseByWhoWorked(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	w.x.done(w.id, submit(1, uid("lost")))
	w.chief.sync()
	w.chief.done(w.id, forceClose("R"))
	w.chief.done(w.id, labour("S"))
	w.r.sync()
	act := w.r.do(w.id, forceClose("S"))
	w.r.sync()
	w.r.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT) // a supervisor asks first
	w.chief.inState(w.id, stateDone)
	other := w.phone("T", supervisor)
	other.sync()
	other.done(w.id, forceClose("R"))
	if ticket := w.chief.inState(w.id, stateDone); !slices.Equal(ticket.GetApproverIds(), []string{uid("T")}) {
		t.Fatalf("%v", ticket)
	}
	w.r.sync()
	w.r.done(w.id, forceClose("T"))
	if ticket := w.chief.inState(w.id, stateClosed); !slices.Equal(ticket.GetApproverIds(), []string{uid("T"), uid("R")}) {
		t.Fatalf("%v", ticket)
	}
}

// TestStaleApprovalIsNotLetIn: who is asked again approves or sends back, whoever offers to let the old approval in.
func TestStaleApprovalIsNotLetIn(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	act := w.r.do(w.id, w.r.approves(w.id, 1))
	w.x.done(w.id, answered("lamp", fail))
	w.r.sync()
	question := w.r.parked(act, roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL)
	w.chief.sync()
	in := w.chief.do(question, admit())
	w.chief.sync()
	w.chief.refused(in, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	w.chief.inState(w.id, stateInReview)
}

// TestRow06_TheOtherIsClosed: work on a ticket that was merged comes late to the one that it goes on in.
func TestRow06_TheOtherIsClosed(t *testing.T) {
	w := newTown(t, "light")
	other := uid("other")
	w.report(other, "light")
	w.desk.done(w.id, mergeInto(other))
	w.foreman.sync()
	w.foreman.done(other, dispatch("Y"))
	w.y.sync()
	w.y.done(other, start())
	w.finished(w.y, other, 1)
	w.r.sync()
	w.r.done(other, w.r.approves(other, 1))
	photo := uid("by X")
	act := []uint64{w.x.do(photo, shot(w.id, 1)), w.x.do(w.id, submit(1, photo))}
	w.x.sync()
	w.x.applied(act...)
	flagged(t, w.chief.inState(other, stateClosed), "late")
	w.completed(w.chief.ticket(other), 1, "X", "Y")
}

// TestLongWords: what is said at length is taken, however it is cut.
func TestLongWords(t *testing.T) {
	for name, words := range map[string]string{"whole": strings.Repeat("a", 65536), "runes": "a" + strings.Repeat("\U0001F600", 5000)} {
		w := newTown(t, "light")
		w.inReview()
		act := rejectFor(1, "not_clean")
		act.GetReject().Words = words
		seq := w.r.do(w.id, act)
		w.r.sync()
		if got := w.r.outcomes[seq]; got.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestTasksDoNotCloseOwnWork: a ticket that somebody worked on is not closed by its tasks: least of all on the word of who did that work.
func TestTasksDoNotCloseOwnWork(t *testing.T) {
	w := newTown(t, "flood")
	w.foreman.done(w.id, dispatch("R"))
	w.r.sync()
	w.r.done(w.id, start())
	w.desk.sync()
	w.desk.done(w.id, split("light"))
	task := w.desk.ticket(w.id).GetChildIds()[0]
	w.foreman.sync()
	w.foreman.done(task, dispatch("Y"))
	w.y.sync()
	w.finished(w.y, task, 1)
	w.r.sync()
	w.r.done(task, w.r.approves(task, 1))
	w.chief.inState(task, stateClosed)
	w.chief.inState(w.id, stateInProgress)
	w.finished(w.r, w.id, 1)
	w.q.sync()
	w.q.done(w.id, w.q.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}

// TestPhotoOfAMergedTicketByTheApprover takes the closure back of the ticket that it goes on in.
func TestPhotoOfAMergedTicketByTheApprover(t *testing.T) {
	w := newTown(t, "light")
	other := uid("other")
	w.report(other, "light")
	w.desk.done(w.id, mergeInto(other))
	w.foreman.sync()
	w.foreman.done(other, dispatch("Y"))
	w.y.sync()
	w.y.done(other, start())
	w.finished(w.y, other, 1)
	w.r.sync()
	w.r.done(other, w.r.approves(other, 1))
	photo := uid("by R")
	w.r.done(photo, shot(w.id, 1))
	flagged(t, w.chief.inState(other, stateInReview), "self_approval")
	again := w.r.do(other, w.r.approves(other, 1))
	w.r.sync()
	w.r.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
}

// TestDrawingsAreNoPhotos: a drawing on a photo, of an earlier round perhaps, does not stand for a photo of the finished work.
func TestDrawingsAreNoPhotos(t *testing.T) {
	drawn := func(p *roundsv1.Photo) { p.AnnotationOfId = uid("of round 1") }
	w := newTown(t, "light")
	w.x.done(w.id, start())
	drawing, real := uid("drawing"), uid("real")
	w.x.done(drawing, shot(w.id, 1, hash(drawing), drawn))
	seq := w.x.do(w.id, submit(1, drawing))
	w.x.sync()
	w.x.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.x.done(w.id, submit(1, drawing, real)) // the other is not here yet
	w.looked(w.id, drawing, stateClean)
	w.chief.inState(w.id, stateDone)
	w.x.done(real, shot(w.id, 1, hash(real)))
	w.looked(w.id, real, stateClean)
	w.chief.inState(w.id, stateInReview)
}

// TestApproveOfAWalkUnseen: an approval counts for the answers that the reviewer had, and not for one that came meanwhile; without a digest it counts for none.
func TestApproveOfAWalkUnseen(t *testing.T) {
	p := newPatrol(t, 7, &roundsv1.Inspection{})
	p.x.done(p.id, walk("start"))
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3)}))
	p.x.done(p.id, walk("submit"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	p.chief.sync()
	nothing := p.chief.do(p.id, walk("approve"))
	blind := p.chief.do(p.id, p.chief.approvesWalk(p.id))
	p.y.sync()
	p.y.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full")}))
	p.chief.sync()
	p.chief.refused(nothing, roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST)
	p.chief.refused(blind, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST)
}

// TestWhoPhotographedAnItem walked some of the round.
func TestWhoPhotographedAnItem(t *testing.T) {
	p := newPatrol(t, 7, &roundsv1.Inspection{})
	photo := uid("by S")
	p.chief.done(photo, &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
		Subject: &roundsv1.RecordRef{Kind: "inspection", Id: p.id}, Role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM, SizeBytes: 9}}}})
	p.x.done(p.id, walk("start"))
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", photo), "pressure": measured(3)}))
	p.x.done(p.id, walk("submit"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	p.chief.sync()
	own := p.chief.do(p.id, walk("approve"))
	p.chief.sync()
	p.chief.refused(own, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
}
