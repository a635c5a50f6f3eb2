package arbitration_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

const (
	evaluate  = roundsv1.NoticeCode_NOTICE_CODE_EVALUATE
	stale     = roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL
	reviewNow = roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW
)

// opinion requires that a ticket has one review of a round by a person with a verdict.
func (s *site) opinion(t *roundsv1.Ticket, round uint32, by *phone, verdict roundsv1.Verdict) {
	s.t.Helper()
	n := 0
	for _, r := range t.GetReviews() {
		if r.GetRound() == round && r.GetPersonId() == by.id() && r.GetVerdict() == verdict && r.GetTimeUs() > 0 {
			n++
		}
	}
	if n != 1 {
		s.t.Errorf("%d reviews %v of round %d by %s, want one: %v", n, verdict, round, by.name, t.GetReviews())
	}
}

// TestRow08: sent back to round 2, and then photos of round 1 come: they are of round 1, and do not satisfy round 2. So it is in both orders.
func TestRow08(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		r := s.phone("R")
		w.reviewable(1)
		r.do(w.id, reject(1))
		old := w.x.shoots(w.id)

		inOrder(aFirst, r, w.x)
		w.looked(old)
		if !aFirst {
			r.sync()
		}
		if p := w.photo(old); p.GetRound() != 1 {
			s.t.Errorf("a photo of round %d", p.GetRound())
		}
		w.x.sync()
		if ticket := w.stands(w.id, isRework); ticket.GetRound() != 2 {
			s.t.Fatalf("round %d", ticket.GetRound())
		}
		w.x.do(w.id, start())
		alone := w.x.do(w.id, submit(2, old))
		w.x.sync()
		w.x.refused(alone, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		if said := w.outcome(alone).GetProblem().GetFacts(); said["required"] != "1" || said["have"] != "0" || said["round"] != "2" {
			s.t.Errorf("the photo of round 1 is counted: %v", said)
		}
		w.stands(w.id, isStarted)
		_, fresh := w.x.completes(w.id, 2)
		w.x.sync()
		w.looked(fresh)
		ticket := w.inState(w.id, isInReview)
		for _, c := range ticket.GetCompletions() {
			if slices.Contains(c.GetPhotoIds(), old) && c.GetRound() != 1 || slices.Contains(c.GetPhotoIds(), fresh) != (c.GetRound() == 2) {
				s.t.Errorf("the manifest of round %d is %v", c.GetRound(), c.GetPhotoIds())
			}
		}
		if p := w.photo(old); p.GetRound() != 1 || slices.Contains(ticket.GetShownPhotoIds(), old) {
			s.t.Errorf("the photo of round %d is shown beside those of round 2: %v", p.GetRound(), ticket.GetShownPhotoIds())
		}
	})
}

// TestRow08Mislabelled: a photo that was captured before the rejection and says that it is of round 2 does not satisfy round 2 either.
func TestRow08Mislabelled(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		r := s.phone("R")
		w.reviewable(1)
		old := w.x.shoots(w.id, inRound(2))
		w.pass(10 * time.Minute)
		r.do(w.id, reject(1))
		r.sync()
		w.x.sync()
		w.x.do(w.id, start())
		alone := w.x.do(w.id, submit(2, old))
		w.x.sync()
		w.looked(old)
		// The photo came after the rejection, and the look at it says that it was taken before: it is listed, and cannot count.
		w.came(alone, applied)
		if p := w.photo(old); p.GetState() != isHard || finds(p, roundsv1.CheckCode_CHECK_CODE_BEFORE_REJECTION).GetSeverity() != roundsv1.Severity_SEVERITY_HARD {
			s.t.Fatalf("a photo from before the rejection is %v: %v", p.GetState(), p.GetFindings())
		}
		w.stands(w.id, isDone)
		_, fresh := w.x.completes(w.id, 2)
		w.x.sync()
		w.looked(fresh)
		w.stands(w.id, isDone)
		r2 := s.phone("R2")
		early := r2.approves(w.id, 2)
		r2.sync()
		r2.refused(early, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		// Out of sight it does not stand in the way.
		r2.hides(old)
		r2.sync()
		w.inState(w.id, isInReview)
		r2.sync()
		w.came(func() client.Ref { yes := r2.approves(w.id, 2); r2.sync(); return yes }(), applied)
		w.stands(w.id, isClosed)
	})
}

// TestRow09: sent back to round 2, and then a completion of round 1 comes, or comes again: it is of round 1, the state stays. With the completion first it is
// row 4.
func TestRow09(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		r := s.phone("R")
		w.crew()
		photo := w.reviewable(1)
		r.do(w.id, reject(1))
		late, _ := w.y.completes(w.id, 1)
		again := w.x.do(w.id, submit(1, photo))

		r.sync()
		w.y.sync()
		w.x.sync()

		ticket := w.stands(w.id, isRework)
		w.came(late, applied)
		w.came(again, applied)
		w.performers(ticket, 1, w.x, w.y)
		w.performers(ticket, 2)
		if ticket.GetRound() != 2 {
			s.t.Errorf("round %d", ticket.GetRound())
		}
		w.f.noQuestions(w.id)
	})
}

// TestRow10: new evidence without a flag, and an approval that had not seen it: accepted, with a note. With the approval first it is closed, and the reviewer
// is told of late evidence.
func TestRow10(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		r := s.phone("R")
		w.crew()
		w.reviewable(1)
		approved := r.approves(w.id, 1)
		more, late := w.y.completes(w.id, 1)

		if aFirst {
			w.y.sync()
			w.looked(late)
			w.inState(w.id, isInReview)
			r.sync()
		} else {
			r.sync()
			w.y.sync()
			w.looked(late)
		}
		w.came(approved, applied)
		w.came(more, applied)
		ticket := w.stands(w.id, isClosed)
		w.performers(ticket, 1, w.x, w.y)
		w.opinion(ticket, 1, r, roundsv1.Verdict_VERDICT_APPROVED)
		if aFirst {
			w.flagged(ticket, "approved_before_late_evidence")
		}
		r.told(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, w.id)
		r.noQuestions(w.id)
	})
}

// TestRow10Queued: an approval that was queued before the work was reported as done is no older look at the evidence: nobody looked. It is refused, in words that
// say what to do, and once the reviewer has looked it counts. The same holds of one that was queued while the photos were on their way (11).
func TestRow10Queued(t *testing.T) {
	both(t, func(s *site, started bool) {
		w := s.shift()
		r := s.phone("R")
		if started {
			w.x.do(w.id, start())
			w.x.sync()
		}
		r.sync()
		queued := r.approves(w.id, 1)
		if !started {
			w.x.do(w.id, start())
		}
		w.x.works(w.id)
		_, photo := w.x.completes(w.id, 1)
		w.x.sync()
		w.looked(photo)
		w.inState(w.id, isInReview)
		r.sync()

		r.refused(queued, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST)
		if said := w.outcome(queued).GetProblem().GetSentence(); !strings.Contains(said.GetEn(), "look at the photos, and approve it again") || !strings.Contains(said.GetZh(), "查看照片") {
			s.t.Errorf("the refusal does not say what to do: %v", said)
		}
		ticket := w.stands(w.id, isInReview)
		if len(ticket.GetReviews()) != 0 || len(ticket.GetApproverIds()) != 0 {
			s.t.Errorf("it was looked at by nobody: %v, %v", ticket.GetReviews(), w.names(ticket.GetApproverIds()))
		}
		r.noQuestions(w.id)
		again := r.approves(w.id, 1)
		r.sync()
		w.came(again, applied)
		w.stands(w.id, isClosed)
	})
}

// TestRow11Queued: as TestRow10Queued, where something speaks against the work that the reviewer did not see: then it waits.
func TestRow11Queued(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		r := s.phone("R")
		queued := r.approves(w.id, 1)
		w.f.fact(w.id, ofTicket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"lamp": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: "仍不亮"}}}))
		w.f.sync()
		w.x.do(w.id, start())
		w.x.works(w.id)
		_, photo := w.x.completes(w.id, 1)
		w.x.sync()
		w.looked(photo)
		w.inState(w.id, isInReview)
		r.sync()
		w.came(queued, parked)
		w.stands(w.id, isInReview)
		r.asked(stale, w.id, supervisor, []string{r.id(), w.f.id()}, reviewNow)
	})
}

// TestRow11: a new hard flag, a fail in the checklist or a dispute, and an approval that had not seen it: it waits, the reviewer is asked again, the state stays. Where
// the flag is on a photo of a second bundle, that bundle has to be verified first, and the ticket waits for it (decision 0013). With the approval first it is row 7.
func TestRow11(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for _, name := range []string{"a hard flag", "a hard flag in a second bundle", "a fail", "a dispute"} {
		t.Run(name, func(t *testing.T) {
			s := world.site(t)
			h := s.phone("H")
			w := s.shift()
			r := w.phone("R")
			w.crew()
			w.reviewable(1)
			h.sync()
			approved := r.approves(w.id, 1)
			state, hard, against := isInReview, "", w.y
			switch name {
			case "a dispute":
				against = h
				h.do(w.id, dispute(1))
				h.sync()
			case "a fail":
				against = w.f
				w.f.fact(w.id, ofTicket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"lamp": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: "仍不亮"}}}))
				w.f.sync()
			default:
				bad := w.y.shootsBytes([]byte("this is no image"), w.id, inRound(1))
				if state = isInReview; name != "a hard flag" {
					w.y.do(w.id, submit(1, bad))
					state = isDone
				}
				w.y.sync()
				w.looked(bad)
				hard = bad
			}
			r.sync()

			w.came(approved, parked)
			w.stands(w.id, state)
			r.inTray(approved, client.TrayWaiting)
			r.asked(stale, w.id, supervisor, []string{r.id(), against.id()}, reviewNow)

			// Looking again answers it; while a photo stands refused, it does not pass.
			if hard != "" {
				still := r.approves(w.id, 1)
				r.sync()
				r.refused(still, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
				w.stands(w.id, state)
			}
			if state == isDone {
				r.hides(hard)
				r.sync()
				w.inState(w.id, isInReview)
				r.sync()
			}
			again := r.do(w.id, reject(1))
			r.sync()
			w.came(again, applied)
			w.stands(w.id, isRework)
			w.settled()
			t.Run("the question closes by itself", func(t *testing.T) {
				w.until("the answer", func() bool { return len(r.questions(stale, w.id)) == 0 })
				r.noQuestions(w.id)
				r.inTray(approved, client.TrayClosed)
			})
		})
	}
}

// TestRow12: approved by R1, and rejected by R2 who had not seen that: back to review for the supervisor, with both opinions. After a day the closure stands.
// With the rejection first it is row 13.
func TestRow12(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for name, rest := range map[string]time.Duration{"within a day": time.Hour, "after a day": 25 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			at := world.site(t)
			h := at.phone("H")
			w := at.shift()
			r1, r2, s := w.phone("R1"), w.phone("R2"), w.phone("S")
			w.reviewable(1)
			// Residents do not read the scope; what is meant for them is sent on from there, so a supervisor's phone shows it.
			evaluated := func(times int) {
				t.Helper()
				s.sync()
				n := 0
				for _, f := range s.held("notice") {
					if notice := f.record.GetNotice(); notice.GetCode() == evaluate && notice.GetSubject().GetId() == w.id && slices.Contains(notice.GetPersonIds(), h.id()) {
						n++
					}
				}
				if n != times {
					t.Errorf("the household was asked to evaluate it %d times, want %d", n, times)
				}
			}
			evaluated(0)
			yes := r1.approves(w.id, 1)
			r1.sync()
			w.stands(w.id, isClosed)
			evaluated(1)
			w.pass(rest)
			no := r2.do(w.id, reject(1))
			r2.sync()

			w.came(yes, applied)
			if rest > 24*time.Hour {
				r2.refused(no, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
				w.stands(w.id, isClosed)
				s.noQuestions(w.id)
				w.settled()
				return
			}
			w.came(no, applied)
			ticket := w.stands(w.id, isInReview)
			w.opinion(ticket, 1, r1, roundsv1.Verdict_VERDICT_APPROVED)
			w.opinion(ticket, 1, r2, roundsv1.Verdict_VERDICT_OBJECTED)
			if ticket.GetClosedTimeUs() != 0 || len(ticket.GetApproverIds()) != 0 {
				t.Errorf("it still counts as closed: %v, by %v", ticket.GetClosedTimeUs(), w.names(ticket.GetApproverIds()))
			}
			r1.told(roundsv1.NoticeCode_NOTICE_CODE_DISSENT, w.id)
			s.asked(roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, w.id, supervisor, []string{r1.id(), r2.id()}, reviewNow)
			// The evaluation that was sent is kept, and not sent again for the same round; for the next it is.
			evaluated(1)
			decided := s.approves(w.id, 1)
			s.sync()
			w.came(decided, applied)
			w.stands(w.id, isClosed)
			s.noQuestions(w.id)
			evaluated(1)
			h.do(w.id, dispute(1))
			h.sync()
			w.all()
			w.f.do(w.id, dispatch(w.x))
			w.f.sync()
			w.x.sync()
			w.x.do(w.id, start())
			w.x.completes(w.id, 2)
			w.x.sync()
			w.inState(w.id, isInReview)
			s.sync()
			s.approves(w.id, 2)
			s.sync()
			w.stands(w.id, isClosed)
			evaluated(2)
			w.settled()
		})
	}
}

// TestRow13: rejected by R1, and approved by R2 who had not seen that: quality first. With the approval first it is row 12.
func TestRow13(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		r1, r2 := s.phone("R1"), s.phone("R2")
		w.reviewable(1)
		no := r1.do(w.id, reject(1))
		yes := r2.approves(w.id, 1)

		r1.sync()
		r2.sync()

		w.came(no, applied)
		w.came(yes, applied)
		ticket := w.stands(w.id, isRework)
		w.opinion(ticket, 1, r1, roundsv1.Verdict_VERDICT_REJECTED)
		w.opinion(ticket, 1, r2, roundsv1.Verdict_VERDICT_DISSENT)
		if ticket.GetRound() != 2 || len(ticket.GetApproverIds()) != 0 {
			s.t.Errorf("round %d, approved by %v", ticket.GetRound(), w.names(ticket.GetApproverIds()))
		}
		r1.told(roundsv1.NoticeCode_NOTICE_CODE_DISSENT, w.id)
		r1.noQuestions(w.id)
	})
}

// TestRow14: approved twice: closed once, with both who signed.
func TestRow14(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		r1, r2 := s.phone("R1"), s.phone("R2")
		w.reviewable(1)
		acts := []client.Ref{r1.approves(w.id, 1), r2.approves(w.id, 1)}

		inOrder(aFirst, r1, r2)

		for _, act := range acts {
			w.came(act, applied)
		}
		ticket := w.stands(w.id, isClosed)
		if got := ticket.GetApproverIds(); len(got) != 2 {
			s.t.Errorf("approved by %v", w.names(got))
		}
		w.opinion(ticket, 1, r1, roundsv1.Verdict_VERDICT_APPROVED)
		w.opinion(ticket, 1, r2, roundsv1.Verdict_VERDICT_APPROVED)
		r1.noQuestions(w.id)
	})
}

// TestRow15: closed, and the resident opens it again; an approval of the round before comes late: on record, without effect. With the approval first it is
// row 14, and the resident's word comes after it: the same in the end.
func TestRow15(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		h := s.phone("H")
		w := s.shift()
		r1, r2 := s.phone("R1"), s.phone("R2")
		w.reviewable(1)
		yes := r2.approves(w.id, 1)
		r1.approves(w.id, 1)
		r1.sync()
		h.sync()
		no := h.do(w.id, dispute(1))

		inOrder(aFirst, h, r2)

		w.came(no, applied)
		w.came(yes, applied)
		ticket := w.stands(w.id, isTriaged)
		if ticket.GetRound() != 2 || len(ticket.GetApproverIds()) != 0 || ticket.GetEscalationLevel() != 1 {
			s.t.Errorf("round %d, level %d, approved by %v", ticket.GetRound(), ticket.GetEscalationLevel(), w.names(ticket.GetApproverIds()))
		}
		w.opinion(ticket, 1, r2, roundsv1.Verdict_VERDICT_APPROVED)
		w.f.noQuestions(w.id)
	})
}

// TestRow17: reported as done, and then a pause and its end come that were earlier: they are put into the ledger of time, and the state stays. In the order in
// which it happened the ledger is the same.
func TestRow17(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		w.x.do(w.id, start())
		w.x.sync()
		due := deadline(w.ticket(w.id), roundsv1.Step_STEP_FINISH, 1).GetDueUs()
		x2 := s.phone("X'")
		x2.sync()
		w.pass(time.Minute)
		proof := x2.shoots(w.id)
		paused := x2.do(w.id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: "owner",
			Proof: &roundsv1.RecordRef{Kind: "photo", Id: proof}}}})
		w.pass(time.Hour)
		resumed := x2.do(w.id, resume())
		w.pass(time.Minute)
		done, _ := w.x.completes(w.id, 1)

		inOrder(aFirst, w.x, x2)

		for _, act := range []client.Ref{paused, resumed, done} {
			w.came(act, applied)
		}
		ticket := w.inState(w.id, isInReview)
		var ledger []roundsv1.TicketState
		for i, m := range ticket.GetMoves() {
			if i > 0 && m.GetTimeUs() < ticket.GetMoves()[i-1].GetTimeUs() {
				s.t.Errorf("the ledger is not in the order of time: %v", ticket.GetMoves())
			}
			if m.GetState() == isPaused && (m.GetLate() != aFirst || m.GetReason() != "owner" || !m.GetStopsClock()) {
				s.t.Errorf("the pause in the ledger: %v", m)
			}
			ledger = append(ledger, m.GetState())
		}
		want := []roundsv1.TicketState{isStarted, isPaused, isStarted, isDone, isInReview}
		if n := len(ledger); n < len(want) || !slices.Equal(ledger[n-len(want):], want) {
			s.t.Errorf("the ledger is %v, want it to end with %v", ledger, want)
		}
		finish := deadline(ticket, roundsv1.Step_STEP_FINISH, 1)
		pause := w.outcome(resumed).GetTimeUs() - w.outcome(paused).GetTimeUs()
		if moved := finish.GetDueUs() - due; moved != pause || pause < time.Hour.Microseconds() || finish.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET {
			s.t.Errorf("the work was to be finished %d µs later after a pause of %d, and is %v", moved, pause, finish)
		}
		w.f.told(roundsv1.NoticeCode_NOTICE_CODE_CLOCK_STOPPED, w.id)
		w.f.noQuestions(w.id)
	})
}

// TestRow37: approved by R, and then a fact shows that R did part of the work: back to review, for somebody else. With the fact first R is refused.
func TestRow37(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		r, chief := s.phone("R"), s.phone("S")
		r2 := s.phone("R'")
		w.reviewable(1)
		r2.sync()
		r2.works(w.id)
		yes := r.approves(w.id, 1)

		inOrder(aFirst, r, r2)

		if !aFirst {
			r.refused(yes, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
			w.stands(w.id, isInReview)
			return
		}
		w.came(yes, applied)
		ticket := w.stands(w.id, isInReview)
		w.flagged(ticket, "self_approval")
		if ticket.GetClosedTimeUs() != 0 || len(ticket.GetApproverIds()) != 0 {
			s.t.Errorf("it still counts as closed: %v, by %v", ticket.GetClosedTimeUs(), w.names(ticket.GetApproverIds()))
		}
		chief.asked(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, w.id, supervisor, []string{r.id()}, reviewNow)
		r.sync()
		r.refused(func() client.Ref { again := r.approves(w.id, 1); r.sync(); return again }(), roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
		chief.sync()
		other := chief.approves(w.id, 1)
		chief.sync()
		w.came(other, applied)
		w.stands(w.id, isClosed)
		chief.noQuestions(w.id)
	})
}
