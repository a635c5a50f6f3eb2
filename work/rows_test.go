package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

const (
	stateTriaged    = roundsv1.TicketState_TICKET_STATE_TRIAGED
	stateDispatched = roundsv1.TicketState_TICKET_STATE_DISPATCHED
	stateInProgress = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS
	statePaused     = roundsv1.TicketState_TICKET_STATE_PAUSED
	stateDone       = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
	stateCancelled  = roundsv1.TicketState_TICKET_STATE_CANCELLED
	stateClosed     = roundsv1.TicketState_TICKET_STATE_CLOSED
)

// shift is a site at work: a ticket dispatched to X, and everybody has seen that.
type shift struct {
	*site
	id                         string
	x, y, foreman, desk, chief *phone
}

func newShift(t *testing.T) *shift {
	s := newSite(t)
	w := &shift{site: s, id: uid("ticket"), x: s.phone("X", worker), y: s.phone("Y", worker), foreman: s.phone("F", foreman),
		desk: s.phone("D", dispatcher), chief: s.phone("S", supervisor)}
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "light out", ReporterId: uid("household")})})
	w.desk.done(w.id, triage())
	w.foreman.done(w.id, dispatch("X"))
	w.x.sync()
	w.y.sync()
	return w
}

// completed requires one completion of the round by each of the people.
func (w *shift) completed(ticket *roundsv1.Ticket, round uint32, people ...string) {
	w.t.Helper()
	var got []string
	for _, c := range ticket.GetCompletions() {
		if c.GetRound() == round {
			got = append(got, c.GetPersonId())
		}
	}
	var want []string
	for _, p := range people {
		want = append(want, uid(p))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Fatalf("completions of round %d by %v, want %v", round, got, want)
	}
}

// TestShift walks a ticket through its whole life but for the evidence.
func TestShift(t *testing.T) {
	w := newShift(t)
	for _, act := range []*roundsv1.TicketCommand{accept(1), start(), pause(), resume(), submit(1, uid("photo"))} {
		w.x.done(w.id, act)
	}
	ticket := w.x.inState(w.id, stateDone)
	w.completed(ticket, 1, "X")
	if ticket.GetCompletions()[0].GetTimeUs() == 0 || ticket.GetReportedTimeUs() == 0 || ticket.GetPauseReason() != "" || !slices.Contains(ticket.GetCrewIds(), uid("X")) {
		t.Fatalf("%v", ticket)
	}
	w.chief.sync()
	seq := w.chief.do(w.id, approve(1))
	w.chief.sync()
	w.chief.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.chief.inState(w.id, stateDone)
}

// TestShiftOffline queues the whole work in one lane.
func TestShiftOffline(t *testing.T) {
	w := newShift(t)
	var seqs []uint64
	for _, act := range []any{accept(1), start(), labour("X"), pause(), resume(), submit(1)} {
		seqs = append(seqs, w.x.do(w.id, act))
	}
	w.x.sync()
	w.x.applied(seqs...)
	w.x.inState(w.id, stateDone)
}

func TestRow01_CompletionByTheFormerAssigneeBeforeTheNewOneStarts(t *testing.T) {
	for _, accepts := range []bool{false, true} {
		w := newShift(t)
		w.foreman.done(w.id, dispatch("Y"))
		if accepts {
			w.y.done(w.id, accept(2))
		}
		work, done := w.x.do(w.id, labour("X")), w.x.do(w.id, submit(1, uid("p1")))
		w.x.sync()
		w.x.applied(work, done)
		ticket := w.foreman.inState(w.id, stateDone)
		w.completed(ticket, 1, "X")
		if ticket.GetAssigneeId() != uid("X") || ticket.GetAssignEpoch() != 3 || len(ticket.GetLabour()) != 1 ||
			!slices.Contains(ticket.GetFlags(), "done_by_former_assignee") || !slices.Contains(w.x.outcomes[done].GetFlags(), "done_by_former_assignee") {
			t.Fatalf("%v", ticket)
		}
	}
}

// TestRow01_NotForWhoSawIt: who knows that the ticket is another's, or whom it never was given to, cannot report it as done.
func TestRow01_NotForWhoSawIt(t *testing.T) {
	w := newShift(t)
	never := w.y.do(w.id, submit(1))
	z := w.phone("Z", worker)
	blind := z.do(w.id, submit(1)) // saw nothing, but there was nobody before X
	w.y.sync()
	z.sync()
	w.y.refused(never, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	z.refused(blind, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.foreman.done(w.id, dispatch("Y"))
	w.x.sync()
	knew := w.x.do(w.id, submit(1))
	w.x.sync()
	w.x.refused(knew, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.x.inState(w.id, stateDispatched)
}

// doubleWork ends with Y at work and X's completion parked.
func doubleWork(t *testing.T) (w *shift, question string) {
	w = newShift(t)
	w.foreman.done(w.id, dispatch("Y"))
	w.y.done(w.id, start())
	w.y.done(w.id, labour("Y"))
	work, done := w.x.do(w.id, labour("X")), w.x.do(w.id, submit(1, uid("p1")))
	w.x.sync()
	w.x.applied(work)
	question = w.x.parked(done, roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK)
	if sides := w.foreman.sides(question); !slices.Equal(sides, []string{uid("Y"), uid("X")}) {
		t.Fatalf("the sides are %v", sides)
	}
	ticket := w.foreman.inState(w.id, stateInProgress)
	w.completed(ticket, 1)
	if ticket.GetAssigneeId() != uid("Y") || len(ticket.GetLabour()) != 2 || !slices.Contains(ticket.GetFlags(), "double_work") {
		t.Fatalf("%v", ticket)
	}
	return w, question
}

// sides are the people of both sides of a question.
func (p *phone) sides(question string) (people []string) {
	p.t.Helper()
	p.sync()
	for _, s := range p.replica[question].GetRecord().GetConflict().GetSides() {
		people = append(people, s.GetPersonId())
	}
	return people
}

func TestRow02_DoubleWorkIsAQuestion(t *testing.T) {
	t.Run("take X's result", func(t *testing.T) {
		w, question := doubleWork(t)
		w.foreman.done(question, admit())
		w.completed(w.foreman.inState(w.id, stateDone), 1, "X")
		c := w.foreman.replica[question].GetRecord().GetConflict()
		if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED || c.GetResolution() != "admitted" || c.GetResolvedById() != uid("F") {
			t.Fatalf("%v", c)
		}
		again := w.chief.do(question, dismiss())
		w.chief.sync()
		w.chief.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	})
	t.Run("go on with Y", func(t *testing.T) {
		w, question := doubleWork(t)
		w.foreman.done(question, dismiss())
		w.completed(w.foreman.inState(w.id, stateInProgress), 1)
		w.y.done(w.id, submit(1))
		w.completed(w.foreman.inState(w.id, stateDone), 1, "Y")
	})
}

func TestRow03_StartOrPauseByTheFormerAssignee(t *testing.T) {
	for _, yStarts := range []bool{false, true} {
		w := newShift(t)
		w.x.done(w.id, start()) // X is crew, until it is given to Y
		w.x.done(w.id, pause())
		w.foreman.done(w.id, dispatch("Y"))
		want := stateDispatched
		if yStarts {
			w.y.done(w.id, start())
			want = stateInProgress
		}
		seqs := []uint64{w.x.do(w.id, resume()), w.x.do(w.id, pause()), w.x.do(w.id, start())}
		work := w.x.do(w.id, labour("X"))
		w.x.sync()
		for _, seq := range seqs {
			w.x.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH)
		}
		w.x.applied(work)
		if ticket := w.x.inState(w.id, want); ticket.GetAssigneeId() != uid("Y") || slices.Contains(ticket.GetCrewIds(), uid("X")) {
			t.Fatalf("%v", ticket)
		}
	}
}

func TestRow04_TwoCompletionsOfOneRound(t *testing.T) {
	w := newShift(t)
	w.foreman.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CrewIds: []string{uid("Y")}}), Fields: []uint32{13}})
	w.x.sync()
	w.y.sync()
	x, y := w.x.do(w.id, submit(1, uid("p1"))), w.y.do(w.id, submit(1, uid("p2")))
	w.y.sync()
	w.x.sync()
	w.y.applied(y)
	w.x.applied(x)
	w.completed(w.foreman.inState(w.id, stateDone), 1, "X", "Y")
	// A resend with one photo more adds to the manifest and makes no third bundle.
	w.x.done(w.id, submit(1, uid("p1"), uid("p3")))
	ticket := w.foreman.inState(w.id, stateDone)
	w.completed(ticket, 1, "X", "Y")
	for _, c := range ticket.GetCompletions() {
		if c.GetPersonId() == uid("X") && !slices.Equal(c.GetPhotoIds(), []string{uid("p1"), uid("p3")}) {
			t.Fatalf("%v", c)
		}
	}
	// Somebody who had no part in it has no say.
	z := w.phone("Z", worker)
	z.sync()
	seq := z.do(w.id, submit(1))
	z.sync()
	z.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
}

func TestRow05_WorkAfterCancel(t *testing.T) {
	cancelled := func(t *testing.T) (*shift, string) {
		w := newShift(t)
		w.chief.done(w.id, cancel())
		work, done := w.x.do(w.id, labour("X")), w.x.do(w.id, submit(1, uid("p1")))
		w.x.sync()
		w.x.applied(work)
		if !slices.Contains(w.x.outcomes[work].GetFlags(), "late") {
			t.Fatalf("%v", w.x.outcomes[work])
		}
		question := w.x.parked(done, roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL)
		if sides := w.chief.sides(question); !slices.Equal(sides, []string{uid("S"), uid("X")}) {
			t.Fatalf("the sides are %v", sides)
		}
		ticket := w.chief.inState(w.id, stateCancelled)
		if !slices.Contains(ticket.GetFlags(), "work_after_cancel") || !slices.Contains(ticket.GetFlags(), "late") || len(ticket.GetCompletions()) != 0 {
			t.Fatalf("%v", ticket)
		}
		w.foreman.sync()
		not := w.foreman.do(question, admit()) // it takes a supervisor
		w.foreman.sync()
		w.foreman.refused(not, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
		return w, question
	}
	t.Run("reinstated", func(t *testing.T) {
		w, question := cancelled(t)
		w.chief.done(question, admit())
		w.completed(w.chief.inState(w.id, stateDone), 1, "X")
	})
	t.Run("confirmed", func(t *testing.T) {
		w, question := cancelled(t)
		w.chief.done(question, dismiss())
		w.chief.inState(w.id, stateCancelled)
	})
	t.Run("not for who saw it", func(t *testing.T) {
		w := newShift(t)
		w.chief.done(w.id, cancel())
		w.x.sync()
		seq := w.x.do(w.id, submit(1))
		w.x.sync()
		w.x.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	})
}

// TestRow09 reaches the second round by a dispute of a forced closure, because nothing leads to a review here.
func TestRow09_CompletionOfAnOlderRound(t *testing.T) {
	w := newShift(t)
	butler := w.phone("B", butler)
	w.x.done(w.id, submit(1, uid("p1")))
	w.chief.done(w.id, forceClose("B"))
	butler.done(w.id, forceClose("S"))
	butler.done(w.id, dispute(1))
	w.foreman.done(w.id, dispatch("X"))
	w.x.done(w.id, start())
	for _, photos := range [][]string{{uid("p1")}, {uid("p1"), uid("p2")}} { // a resend, and one with more
		seq := w.x.do(w.id, submit(1, photos...))
		w.x.sync()
		w.x.applied(seq)
		if !slices.Contains(w.x.outcomes[seq].GetFlags(), "older_round") {
			t.Fatalf("%v", w.x.outcomes[seq])
		}
		ticket := w.foreman.inState(w.id, stateInProgress)
		w.completed(ticket, 1, "X")
		w.completed(ticket, 2)
		if ticket.GetRound() != 2 || !slices.Equal(ticket.GetCompletions()[0].GetPhotoIds(), photos) {
			t.Fatalf("%v", ticket)
		}
	}
	future := w.x.do(w.id, submit(3))
	w.x.sync()
	w.x.refused(future, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
}

func TestRow18_TwoOfACrewStart(t *testing.T) {
	w := newShift(t)
	w.foreman.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CrewIds: []string{uid("Y")}}), Fields: []uint32{13}})
	w.x.sync()
	w.y.sync()
	y, x := []uint64{w.y.do(w.id, start()), w.y.do(w.id, labour("Y"))}, []uint64{w.x.do(w.id, start()), w.x.do(w.id, labour("X"))}
	w.y.sync()
	w.x.sync()
	w.y.applied(y...)
	w.x.applied(x...)
	ticket := w.foreman.inState(w.id, stateInProgress)
	if len(ticket.GetLabour()) != 2 || !slices.Contains(ticket.GetCrewIds(), uid("X")) || !slices.Contains(ticket.GetCrewIds(), uid("Y")) {
		t.Fatalf("%v", ticket)
	}
}

func TestRow19_TwoDispatches(t *testing.T) {
	w := newShift(t)
	second := w.phone("D2", dispatcher)
	second.sync()
	w.foreman.done(w.id, dispatch("Y"))
	seq := second.do(w.id, dispatch("X"))
	second.sync()
	second.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	if ticket := second.inState(w.id, stateDispatched); ticket.GetAssigneeId() != uid("Y") {
		t.Fatalf("%v", ticket)
	}
	// One click does it again, now with open eyes.
	second.done(w.id, dispatch("X"))
	// What is not about the dispatch does not make it stale.
	w.x.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Tags: []string{"B2"}}), Fields: []uint32{11}})
	seq = second.do(w.id, dispatch("Y"))
	second.sync()
	second.applied(seq)
	// Nor does what the same device did just before.
	w.x.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Tags: []string{"lamp"}}), Fields: []uint32{11}})
	first, again := second.do(w.id, dispatch("X")), second.do(w.id, dispatch("Y"))
	second.sync()
	second.applied(first, again)
}

func TestRow20_DeclinedOnOnePhoneAcceptedOnAnother(t *testing.T) {
	t.Run("not given to anybody else", func(t *testing.T) {
		w := newShift(t)
		second := w.second("X's second", "X", worker)
		second.sync()
		w.x.done(w.id, decline(1))
		if ticket := w.x.inState(w.id, stateTriaged); ticket.GetAssigneeId() != "" {
			t.Fatalf("%v", ticket)
		}
		seq := second.do(w.id, accept(1))
		second.sync()
		second.applied(seq)
		ticket := w.foreman.inState(w.id, stateDispatched)
		if ticket.GetAssigneeId() != uid("X") || ticket.GetAssignEpoch() != 2 || !slices.Contains(ticket.GetFlags(), "accept_after_decline") {
			t.Fatalf("%v", ticket)
		}
		second.done(w.id, accept(2))
	})
	t.Run("already with Y", func(t *testing.T) {
		w := newShift(t)
		second := w.second("X's second", "X", worker)
		second.sync()
		w.x.done(w.id, decline(1))
		w.foreman.done(w.id, dispatch("Y"))
		seq := second.do(w.id, accept(1))
		second.sync()
		second.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH)
	})
	t.Run("not by somebody else", func(t *testing.T) {
		w := newShift(t)
		w.x.done(w.id, decline(1))
		seq := w.y.do(w.id, accept(1))
		w.y.sync()
		w.y.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	})
}

// TestRow20_DisputedIsNotDeclined: who took the work on, and disputes it later, declines no dispatch by that.
func TestRow20_DisputedIsNotDeclined(t *testing.T) {
	w := newTown(t, "light")
	other, leads := w.second("X's second", "X", worker), w.second("X's desk", "X", worker, dispatcher)
	other.sync()
	seq := other.do(w.id, accept(1))
	w.inReview()
	w.r.done(w.id, w.r.approves(w.id, 1))
	leads.sync()
	leads.done(w.id, dispute(1))
	w.chief.inState(w.id, stateTriaged)
	other.sync()
	other.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
}

// TestRow37_ApproverReportedAnEarlierRound: who did the work of a round does not vouch for the next, also where the server hears of it after the closure.
func TestRow37_ApproverReportedAnEarlierRound(t *testing.T) {
	w := newTown(t, "light")
	w.foreman.done(w.id, dispatch("R"))
	second := w.second("R's second", "R", butler)
	second.sync()
	early := second.do(w.id, submit(1, uid("promised")))
	w.foreman.done(w.id, dispatch("X"))
	w.inReview()
	w.q.sync()
	w.q.done(w.id, rejectFor(1, "not_clean"))
	w.finished(w.x, w.id, 2)
	w.r.sync()
	w.r.done(w.id, w.r.approves(w.id, 2))
	w.chief.inState(w.id, stateClosed)
	second.sync()
	second.applied(early)
	if ticket := w.chief.inState(w.id, stateInReview); ticket.GetRound() != 2 || len(ticket.GetApproverIds()) != 0 {
		t.Fatalf("%v", ticket)
	}
}

func TestRow35_DoneBeforeAnOfflineForemanActs(t *testing.T) {
	w := newShift(t)
	other := uid("other ticket")
	w.desk.done(other, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "another"})})
	w.foreman.sync()
	w.desk.sync()
	w.chief.sync()
	w.x.done(w.id, submit(1))
	reassign, stop, join := w.foreman.do(w.id, dispatch("Y")), w.chief.do(w.id, cancel()), w.desk.do(w.id, mergeInto(other))
	w.foreman.sync()
	w.chief.sync()
	w.desk.sync()
	w.foreman.refused(reassign, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	w.chief.refused(stop, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	w.desk.refused(join, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	w.completed(w.x.inState(w.id, stateDone), 1, "X")
	w.chief.done(w.id, cancel()) // explicitly, on the current version
	w.chief.inState(w.id, stateCancelled)
}

// TestForceClose: two people, each by an act of their own, and not those who did the work.
func TestForceClose(t *testing.T) {
	w := newShift(t)
	butler := w.phone("B", butler)
	w.x.done(w.id, submit(1))
	refused := func(p *phone, act *roundsv1.TicketCommand, code roundsv1.ProblemCode) {
		t.Helper()
		p.sync()
		seq := p.do(w.id, act)
		p.sync()
		p.refused(seq, code)
		p.inState(w.id, stateDone)
	}
	refused(w.foreman, forceClose("S"), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)    // a supervisor asks first
	refused(w.chief, forceClose("S"), roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD) // alone
	w.chief.done(w.id, forceClose("B"))
	w.chief.inState(w.id, stateDone)
	w.chief.done(w.id, forceClose("F")) // twice is not two
	if ticket := w.chief.inState(w.id, stateDone); !slices.Equal(ticket.GetApproverIds(), []string{uid("S")}) {
		t.Fatalf("%v", ticket)
	}
	refused(w.chief, forceClose("S"), roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
	refused(w.foreman, forceClose("X"), roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD) // does not name who asked
	// Work that goes on takes the request back.
	w.x.done(w.id, submit(1, uid("found")))
	if ticket := w.chief.inState(w.id, stateDone); len(ticket.GetApproverIds()) != 0 || slices.Contains(ticket.GetFlags(), "force_close_asked") {
		t.Fatalf("%v", ticket)
	}
	refused(butler, forceClose("S"), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.chief.done(w.id, forceClose("B"))
	butler.done(w.id, forceClose("S"))
	ticket := w.chief.inState(w.id, stateClosed)
	if !slices.Equal(ticket.GetApproverIds(), []string{uid("S"), uid("B")}) || !slices.Equal(ticket.GetFlags(), []string{"forced"}) {
		t.Fatalf("%v", ticket)
	}
	// A fact still comes in, marked.
	w.x.done(w.id, labour("X"))
	if ticket := w.chief.inState(w.id, stateClosed); !slices.Contains(ticket.GetFlags(), "late") || len(ticket.GetLabour()) != 1 {
		t.Fatalf("%v", ticket)
	}
}

// TestPerformerMayNotForce: the second person must not have done the work.
func TestPerformerMayNotForce(t *testing.T) {
	w := newShift(t)
	w.foreman.done(w.id, dispatch("F"))
	w.foreman.done(w.id, start())
	w.foreman.done(w.id, submit(1))
	w.chief.done(w.id, forceClose("R"))
	w.foreman.sync()
	seq := w.foreman.do(w.id, forceClose("S"))
	w.foreman.sync()
	w.foreman.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
	w.foreman.inState(w.id, stateDone)
}

// TestLatePhoto: a photo of a ticket that has ended marks the ticket.
func TestLatePhoto(t *testing.T) {
	w := newShift(t)
	w.chief.done(w.id, cancel())
	photo := uid("photo")
	w.x.done(photo, &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: w.id}, Round: 1, SizeBytes: 9}}}})
	if ticket := w.chief.inState(w.id, stateCancelled); !slices.Contains(ticket.GetFlags(), "late") {
		t.Fatalf("%v", ticket)
	}
}

// TestFactWithoutRight is quarantined, and let in by a supervisor, not by its author.
func TestFactWithoutRight(t *testing.T) {
	w := newShift(t)
	auditor := w.phone("A", roundsv1.Role_ROLE_AUDITOR)
	auditor.sync()
	seq := auditor.do(w.id, labour("A"))
	auditor.sync()
	question := auditor.parked(seq, roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT)
	if got := auditor.outcomes[seq].GetStatus(); got != roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED {
		t.Fatalf("%v", got)
	}
	w.roles[auditor.person] = []roundsv1.Role{supervisor} // promoted since
	auditor.sync()
	own := auditor.do(question, admit())
	auditor.sync()
	auditor.refused(own, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
	w.chief.done(question, admit())
	if ticket := w.chief.ticket(w.id); len(ticket.GetLabour()) != 1 {
		t.Fatalf("%v", ticket)
	}
}
