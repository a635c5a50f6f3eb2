package arbitration_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// TestRow05: cancelled, and X reports it as done: it stays cancelled and a supervisor is asked, again every day, until there is an answer. With X first it is
// row 35.
func TestRow05(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for name, action := range map[string]roundsv1.ConflictAction{
		"reinstated": roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE,
		"confirmed":  roundsv1.ConflictAction_CONFLICT_ACTION_CONFIRM_CANCEL,
	} {
		t.Run(name, func(t *testing.T) {
			w := world.site(t).shift()
			s := w.phone("S")
			s.do(w.id, cancel())
			w.x.works(w.id)
			done, photo := w.x.completes(w.id, 1)

			s.sync()
			w.x.sync()

			w.came(done, parked)
			w.x.inTray(done, client.TrayWaiting)
			w.flagged(w.stands(w.id, isCancelled), "work_after_cancel")
			w.laboured(w.id, map[*phone]int{w.x: 1})
			asked := s.asked(roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL, w.id, supervisor, []string{w.x.id(), s.id()},
				roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE, roundsv1.ConflictAction_CONFLICT_ACTION_CONFIRM_CANCEL)

			for day := range uint32(2) {
				w.later(24*time.Hour + time.Minute)
				w.until("a reminder", func() bool { return w.record("conflict", asked.id).GetConflict().GetReminders() > day })
				s.told(roundsv1.NoticeCode_NOTICE_CODE_REMINDER, asked.id)
			}
			asked = s.asked(roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL, w.id, supervisor, nil) // it is still there

			w.came(s.choose(asked, action), applied)
			s.decided(asked, s, action)
			w.x.inTray(done, client.TrayClosed)
			if action == roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE {
				w.looked(photo)
				w.performers(w.inState(w.id, isInReview), 1, w.x)
			} else {
				w.stands(w.id, isCancelled)
			}
			w.settled()
		})
	}
}

// TestRow06: merged into T2, and X reports T1 as done: judged on T2, the facts visible on both. With X first it is row 35.
func TestRow06(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		t2 := w.reported("楼道灯不亮,二单元")
		w.f.sync()
		w.f.do(t2, dispatch(w.x))
		w.f.sync()
		// Only what was not accepted yet is merged.
		t1 := w.reported("楼道灯不亮,又一次")
		w.f.sync()
		w.f.do(t1, dispatch(w.x))
		w.f.sync()
		s.all()
		w.d.do(t1, mergeInto(t2))
		w.x.works(t1)
		done, photo := w.x.completes(t1, 1)

		w.d.sync()
		w.x.sync()

		if o := s.outcome(done); o.GetStatus() != applied && o.GetStatus() != merged {
			s.t.Fatalf("%v", o)
		}
		if got := s.stands(t1, isMerged); got.GetMergedIntoId() != t2 || len(got.GetLabour()) != 1 {
			s.t.Errorf("merged into %q with %d intervals of labour", got.GetMergedIntoId(), len(got.GetLabour()))
		}
		ticket := s.inState(t2, isInReview)
		w.performers(ticket, 1, w.x)
		if c := ticket.GetCompletions(); len(c) != 1 || !slices.Contains(c[0].GetPhotoIds(), photo) {
			s.t.Errorf("T2's manifests are %v", c)
		}
		if len(ticket.GetLabour()) != 1 {
			s.t.Errorf("T2 shows %d intervals of labour", len(ticket.GetLabour()))
		}
		w.d.noQuestions(t1)
	})
}

// closedByY lets Y do the work after all and R confirm it, while X has no signal.
func (w *shift) closedByY(r *phone) {
	w.t.Helper()
	w.reassigned()
	w.f.sync()
	w.y.sync()
	w.y.do(w.id, start())
	w.y.completes(w.id, 1)
	w.y.sync()
	w.inState(w.id, isInReview)
	r.sync()
	r.approves(w.id, 1)
	r.sync()
	w.stands(w.id, isClosed)
}

// TestRow07: closed with Y's work, and X reports it as done: it stays closed, the reviewer sees the late evidence, and a fail in X's checklist is a question. With
// X first it is row 1 or 35.
func TestRow07(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for _, name := range []string{"nothing wrong", "a fail: leave closed", "a fail: reopen"} {
		t.Run(name, func(t *testing.T) {
			w := world.site(t).shift()
			r, s := w.phone("R"), w.phone("S")
			w.closedByY(r)
			w.x.works(w.id)
			if name != "nothing wrong" {
				w.x.fact(w.id, ofTicket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"lamp": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: "灯座烧坏"}}}))
			}
			done, photo := w.x.completes(w.id, 1)
			w.x.sync()
			w.looked(photo)

			ticket := w.stands(w.id, isClosed)
			if status := w.outcome(done).GetStatus(); status == rejected {
				t.Errorf("%v", w.outcome(done))
			}
			w.flagged(ticket, "late")
			w.laboured(w.id, map[*phone]int{w.x: 1})
			r.told(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, w.id)
			if name == "nothing wrong" {
				s.noQuestions(w.id)
				w.settled()
				return
			}
			asked := s.asked(roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, w.id, supervisor, []string{w.x.id()},
				roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN, roundsv1.ConflictAction_CONFLICT_ACTION_LEAVE_CLOSED)
			if name == "a fail: reopen" {
				w.came(s.choose(asked, roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN), applied)
				if ticket := w.ticket(w.id); ticket.GetState() == isClosed || ticket.GetRound() != 2 {
					t.Errorf("opened again: %v, round %d", ticket.GetState(), ticket.GetRound())
				}
			} else {
				w.came(s.choose(asked, roundsv1.ConflictAction_CONFLICT_ACTION_LEAVE_CLOSED), applied)
				w.stands(w.id, isClosed)
			}
			s.noQuestions(w.id)
			w.settled()
		})
	}
}

// TestRow35: reported as done, and a foreman, a dispatcher or a supervisor without a signal reassigns, merges or cancels: refused and shown; the supervisor may
// still cancel on what stands. With the other side first these are the rows 1, 5 and 6.
func TestRow35(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		chief := s.phone("S")
		other := w.reported("二单元的灯")
		s.all()
		done, _ := w.x.completes(w.id, 1)
		again := w.reassigned()
		off := chief.do(w.id, cancel())
		merging := w.d.do(w.id, mergeInto(other))

		w.x.sync()
		w.f.sync()
		w.d.sync()
		chief.sync()

		w.came(done, applied)
		w.f.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		w.d.refused(merging, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		chief.refused(off, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		w.performers(w.inState(w.id, isInReview), 1, w.x)

		chief.sync()
		now := chief.do(w.id, cancel())
		chief.sync()
		w.came(now, applied)
		w.stands(w.id, isCancelled)
	})
}
