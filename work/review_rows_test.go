package work_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

const stateRework = roundsv1.TicketState_TICKET_STATE_REWORK

func answered(item string, result roundsv1.AnswerResult) *roundsv1.Fact {
	return &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{item: {Result: result, Note: "seen"}}})}
}

func TestRow07_CompletionOfAClosedTicket(t *testing.T) {
	for _, result := range []roundsv1.AnswerResult{pass, fail} {
		w := newTown(t, "light")
		w.foreman.done(w.id, dispatch("Y"))
		w.y.done(w.id, start())
		w.finished(w.y, w.id, 1)
		w.r.sync()
		w.r.done(w.id, w.r.approves(w.id, 1))
		photo := uid("late")
		seqs := []uint64{w.x.do(photo, shot(w.id, 1)), w.x.do(w.id, answered("lamp", result)), w.x.do(w.id, submit(1, photo))}
		w.x.sync()
		w.x.applied(seqs...)
		ticket := w.chief.inState(w.id, stateClosed)
		flagged(t, ticket, "late")
		w.told(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, w.id, "R", 0)
		w.completed(ticket, 1, "X", "Y")
		for _, c := range ticket.GetCompletions() {
			if c.GetLate() != (c.GetPersonId() == uid("X")) {
				t.Fatalf("%v", c)
			}
		}
		if result == pass {
			w.noQuestions()
			continue
		}
		question, c := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, w.id)
		if len(c.GetSides()) != 2 || c.GetSides()[0].GetPersonId() != uid("R") || c.GetSides()[1].GetPersonId() != uid("X") {
			t.Fatalf("%v", c)
		}
		w.chief.done(question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN))
		if ticket := w.chief.inState(w.id, stateTriaged); ticket.GetRound() != 2 {
			t.Fatalf("%v", ticket)
		}
	}
}

// TestRow08: photos of round n do not satisfy round n + 1.
func TestRow08_PhotosOfTheRoundBefore(t *testing.T) {
	w := newTown(t, "light")
	old := w.inReview()
	late := uid("taken before the reject")
	stored := w.x.do(late, shot(w.id, 1))
	w.r.done(w.id, rejectFor(1, "not_clean"))
	w.x.sync()
	w.x.applied(stored)
	if !slices.Contains(w.x.outcomes[stored].GetFlags(), "older_round") {
		t.Fatalf("%v", w.x.outcomes[stored])
	}
	w.x.done(w.id, start())
	seq := w.x.do(w.id, submit(2, old, late))
	w.x.sync()
	w.x.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	if facts := w.x.outcomes[seq].GetProblem().GetFacts(); facts["required"] != "1" || facts["have"] != "0" || facts["round"] != "2" {
		t.Fatalf("%v", facts)
	}
	w.finished(w.x, w.id, 2)
	w.chief.inState(w.id, stateInReview)
}

func TestRow10_OlderDigestWithNothingAgainstIt(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	act := w.r.do(w.id, w.r.approves(w.id, 1))
	w.x.done(w.id, answered("lamp", pass))
	w.r.sync()
	w.r.applied(act)
	flagged(t, w.chief.inState(w.id, stateClosed), "approved_before_late_evidence")
	w.told(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, w.id, "R", 0)
}

func TestRow11_StaleApproval(t *testing.T) {
	resident := func(w *town) *phone { return w.phone("household", resident) }
	for name, against := range map[string]func(*town, string){
		"a failed item": func(w *town, _ string) { w.x.done(w.id, answered("lamp", fail)) },
		"a hard photo":  func(w *town, photo string) { w.looked(w.id, photo, roundsv1.PhotoState_PHOTO_STATE_HARD) },
		"a dispute":     func(w *town, _ string) { resident(w).done(w.id, dispute(1)) },
		"and no digest": func(w *town, _ string) { w.x.done(w.id, answered("lamp", fail)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			photo := w.inReview()
			decision := w.r.approves(w.id, 1)
			if name == "and no digest" {
				decision = approve(1)
			}
			act := w.r.do(w.id, decision)
			against(w, photo)
			w.r.sync()
			if name == "and no digest" {
				w.r.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST)
				w.chief.inState(w.id, stateInReview)
				return
			}
			w.r.parked(act, roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL)
			if got := w.r.outcomes[act].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST {
				t.Fatal(got)
			}
			w.chief.inState(w.id, stateInReview)
			// Who looks again decides: but a photo that cannot count keeps it from being closed.
			again := w.r.do(w.id, w.r.approves(w.id, 1))
			w.r.sync()
			if name == "a hard photo" {
				w.r.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
				return
			}
			w.r.applied(again)
			w.chief.inState(w.id, stateClosed)
		})
	}
}

// TestDigestOfNothingOfAClosedTicket: who approves what is closed, and cannot have seen the evidence, is told that it is closed, and not to approve it again.
func TestDigestOfNothingOfAClosedTicket(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	w.finished(w.x, w.id, 1)
	blind := approve(1)
	blind.GetApprove().ReviewDigest = make([]byte, 32)
	act := w.q.do(w.id, blind) // on a phone that has not heard of the photos
	w.r.sync()
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.q.sync()
	w.q.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST)
	says := w.q.outcomes[act].GetProblem().GetSentence()
	if !strings.Contains(says.GetZh(), "已关闭") || !strings.Contains(says.GetEn(), "it is closed") || strings.Contains(says.GetEn(), "again") {
		t.Error(says)
	}
}

// TestDigestOfNothing: a digest that is of no version is refused, and so is none, whatever was looked at.
func TestDigestOfNothing(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	false1 := approve(1)
	false1.GetApprove().ReviewDigest = make([]byte, 32)
	act := w.r.do(w.id, false1)
	w.r.sync()
	w.r.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST)
	blind := w.q.do(w.id, approve(1))
	w.x.done(w.id, answered("lamp", pass))
	w.q.sync()
	w.q.refused(blind, roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST)
	still := w.q.do(w.id, approve(1)) // looked at what stands, and does not say so
	w.q.sync()
	w.q.refused(still, roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST)
	w.q.done(w.id, w.q.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}

// TestRow12_NotForWhoSawTheClosure: it is disputed or opened again, not sent back.
func TestRow12_NotForWhoSawTheClosure(t *testing.T) {
	w := newTown(t, "light")
	photo := w.inReview()
	nonsense := w.q.do(w.id, reject(1))
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.q.sync()
	w.q.refused(nonsense, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD) // "dirty" is no reason of the site
	objection := w.q.do(w.id, rejectFor(1, "not_clean", photo))
	w.q.sync()
	w.q.refused(objection, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	w.chief.inState(w.id, stateClosed)
}

func rejectFor(round uint32, reason string, photos ...string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: round, Reason: reason, Words: "the corner", PhotoIds: photos}}}
}

func TestRow12_WithinADay(t *testing.T) {
	for _, later := range []time.Duration{0, 25 * time.Hour} {
		w := newTown(t, "light")
		photo := w.inReview()
		if later == 0 {
			objection := w.q.do(w.id, rejectFor(1, "not_clean", photo))
			w.r.done(w.id, w.r.approves(w.id, 1))
			w.q.sync()
			w.q.applied(objection)
			ticket := w.chief.inState(w.id, stateInReview)
			if ticket.GetClosedTimeUs() != 0 || len(ticket.GetApproverIds()) != 0 || ticket.GetRound() != 1 || len(ticket.GetReviews()) != 2 ||
				ticket.GetReviews()[1].GetVerdict() != roundsv1.Verdict_VERDICT_OBJECTED || !slices.Equal(ticket.GetReviews()[1].GetPhotoIds(), []string{photo}) {
				t.Fatalf("%v", ticket)
			}
			question, c := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, w.id)
			if c.GetOwnerRole() != supervisor || c.GetSides()[0].GetPersonId() != uid("R") || c.GetSides()[1].GetPersonId() != uid("Q") {
				t.Fatalf("%v", c)
			}
			w.told(roundsv1.NoticeCode_NOTICE_CODE_DISSENT, w.id, "R", 0)
			// Neither of the two decides, but a supervisor; and the question is gone then.
			w.r.sync()
			again := w.r.do(w.id, w.r.approves(w.id, 1))
			w.r.sync()
			w.r.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
			w.chief.done(w.id, w.chief.approves(w.id, 1))
			w.chief.inState(w.id, stateClosed)
			if _, c := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, w.id); c.GetState() == openState {
				t.Fatalf("%s is open", question)
			}
			continue
		}
		w.r.done(w.id, w.r.approves(w.id, 1))
		w.now = w.now.Add(later)
		objection := w.q.do(w.id, rejectFor(1, "not_clean", photo))
		w.q.sync()
		w.q.refused(objection, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		w.chief.inState(w.id, stateClosed)
	}
}

func TestRow13_ApprovalOfWhatWasSentBack(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	act := w.q.do(w.id, w.q.approves(w.id, 1))
	w.r.done(w.id, rejectFor(1, "not_clean"))
	w.told(roundsv1.NoticeCode_NOTICE_CODE_REJECTED, w.id, "X", 0)
	w.q.sync()
	w.q.applied(act)
	ticket := w.chief.inState(w.id, stateRework)
	if r := ticket.GetReviews(); len(r) != 2 || r[1].GetVerdict() != roundsv1.Verdict_VERDICT_DISSENT || r[1].GetRound() != 1 || len(ticket.GetApproverIds()) != 0 {
		t.Fatalf("%v", ticket)
	}
	w.told(roundsv1.NoticeCode_NOTICE_CODE_DISSENT, w.id, "R", 0)
}

func TestRow14_TwoApprovals(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	second := w.q.do(w.id, w.q.approves(w.id, 1))
	own := w.second("R's second", "R", butler)
	own.sync()
	again := own.do(w.id, own.approves(w.id, 1))
	w.r.done(w.id, w.r.approves(w.id, 1))
	before := w.chief.ticket(w.id)
	w.q.sync()
	own.sync()
	w.q.applied(second)
	own.applied(again)
	ticket := w.chief.inState(w.id, stateClosed)
	if !slices.Equal(ticket.GetApproverIds(), []string{uid("R"), uid("Q")}) || ticket.GetClosedTimeUs() != before.GetClosedTimeUs() ||
		len(ticket.GetMoves()) != len(before.GetMoves()) {
		t.Fatalf("%v", ticket)
	}
}

func TestRow15_ApprovalOfARoundThatWasOpenedAgain(t *testing.T) {
	w := newTown(t, "light")
	household := w.phone("household", resident)
	w.inReview()
	act := w.q.do(w.id, w.q.approves(w.id, 1))
	w.r.done(w.id, w.r.approves(w.id, 1))
	household.done(w.id, dispute(1))
	w.q.sync()
	w.q.applied(act)
	ticket := w.chief.inState(w.id, stateTriaged)
	if r := ticket.GetReviews(); len(r) != 2 || r[1].GetRound() != 1 || r[1].GetVerdict() != roundsv1.Verdict_VERDICT_APPROVED || len(ticket.GetApproverIds()) != 0 {
		t.Fatalf("%v", ticket)
	}
}

// TestRow37: a fact of whatever sort shows that the approver worked.
func TestRow37_ApproverDidPartOfTheWork(t *testing.T) {
	for name, fact := range map[string]func(*town, *phone) uint64{
		"labour":      func(w *town, _ *phone) uint64 { return w.x.do(w.id, labour("R")) },
		"scan":        func(w *town, p *phone) uint64 { return p.do(w.id, scanned()) },
		"answer":      func(w *town, p *phone) uint64 { return p.do(w.id, answered("lamp", pass)) },
		"after-photo": func(w *town, p *phone) uint64 { return p.do(uid("by R"), shot(w.id, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			w.inReview()
			other := w.second("R's second", "R", butler)
			other.sync()
			w.r.done(w.id, w.r.approves(w.id, 1))
			p := other
			if name == "labour" {
				p = w.x
			}
			act := fact(w, other)
			p.sync()
			p.applied(act)
			ticket := w.chief.inState(w.id, stateInReview)
			flagged(t, ticket, "self_approval", "late")
			if len(ticket.GetApproverIds()) != 0 || ticket.GetClosedTimeUs() != 0 || !slices.Contains(ticket.GetPerformerIds(), uid("R")) &&
				!slices.ContainsFunc(ticket.GetLabour(), func(l *roundsv1.Labour) bool { return l.GetPersonId() == uid("R") }) {
				t.Fatalf("%v", ticket)
			}
			question, _ := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, w.id)
			w.r.sync()
			own := w.r.do(w.id, w.r.approves(w.id, 1))
			w.r.sync()
			w.r.refused(own, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
			w.q.sync()
			w.q.done(w.id, w.q.approves(w.id, 1))
			w.chief.inState(w.id, stateClosed)
			if c := w.chief.replica[question].GetRecord().GetConflict(); c.GetState() == openState {
				t.Fatalf("%v", c)
			}
		})
	}
}

func scanned() *roundsv1.Fact {
	return &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: uid("scan"), Payload: "B2"}}})}
}

// TestAskForMore: the ticket stays in review, the performers are told, and a completion takes the mark away.
func TestAskForMore(t *testing.T) {
	w := newTown(t, "light")
	photo := w.inReview()
	w.r.done(w.id, askMore(1, photo))
	flagged(t, w.chief.inState(w.id, stateInReview), "more_asked")
	w.told(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, w.id, "X", 0)
	foreign := w.r.do(w.id, askMore(1, uid("photo of another ticket")))
	w.r.sync()
	w.r.refused(foreign, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
	w.x.sync()
	w.x.done(w.id, submit(1, photo, uid("more")))
	if ticket := w.chief.inState(w.id, stateDone); slices.Contains(ticket.GetFlags(), "more_asked") {
		t.Fatalf("%v", ticket)
	}
}

// TestAfterClosure: what the customer and the leaders make of a closed ticket.
func TestAfterClosure(t *testing.T) {
	step := func(ticket *roundsv1.Ticket, of roundsv1.Step, round uint32) *roundsv1.Deadline {
		for _, d := range ticket.GetDeadlines() {
			if d.GetStep() == of && d.GetRound() == round {
				return d
			}
		}
		return nil
	}
	closedTown := func() *town {
		w := newTown(t, "light")
		w.inReview()
		w.r.done(w.id, w.r.approves(w.id, 1))
		return w
	}
	visit := roundsv1.Step_STEP_FOLLOW_UP
	w := closedTown()
	if d := step(w.chief.ticket(w.id), visit, 1); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_OPEN {
		t.Fatalf("%v", d)
	}
	w.desk.done(w.id, followUp(1, true))
	if d := step(w.chief.inState(w.id, stateClosed), visit, 1); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET || d.GetDoneUs() == 0 {
		t.Fatalf("%v", d)
	}
	w = closedTown()
	household := w.phone("household", resident)
	household.done(w.id, customerAccept(1))
	if ticket := w.chief.inState(w.id, stateClosed); ticket.GetAcceptance() != roundsv1.Acceptance_ACCEPTANCE_ACCEPTED ||
		step(ticket, visit, 1).GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET {
		t.Fatalf("%v", ticket)
	}
	for level, act := range map[uint32]*roundsv1.TicketCommand{1: followUp(1, false), 0: reopen(1)} {
		w := closedTown()
		w.chief.done(w.id, act)
		ticket := w.chief.inState(w.id, stateTriaged)
		if ticket.GetRound() != 2 || ticket.GetEscalationLevel() != level || ticket.GetAssigneeId() != "" || len(ticket.GetApproverIds()) != 0 || ticket.GetClosedTimeUs() != 0 ||
			!slices.Equal(ticket.GetFormerAssigneeIds(), []string{uid("X")}) || step(ticket, roundsv1.Step_STEP_FINISH, 2) == nil {
			t.Fatalf("%v", ticket)
		}
		w.told(roundsv1.NoticeCode_NOTICE_CODE_REOPENED, w.id, "X", 0)
	}
}
