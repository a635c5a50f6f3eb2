package arbitration_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// TestRow01: reassigned X→Y, Y not started; X reports it as done: it is done, by X. With X first it is row 35: F's command comes too late.
func TestRow01(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		w.reassigned()
		labour := w.x.works(w.id)
		done, photo := w.x.completes(w.id, 1)

		w.f.sync()
		w.y.sync()
		w.y.told(roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, w.id)
		w.x.sync()

		ticket := w.inState(w.id, isInReview)
		w.came(done, applied)
		w.came(labour, applied)
		w.performers(ticket, 1, w.x)
		w.looked(photo)
		if ticket.GetAssigneeId() != w.x.id() {
			t.Errorf("the ticket is %v's", w.names([]string{ticket.GetAssigneeId()}))
		}
		w.y.told(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, w.id)
		w.f.told(roundsv1.NoticeCode_NOTICE_CODE_DONE_BY_OTHER, w.id)
		w.f.noQuestions(w.id)
	})
}

// TestRow02: reassigned X→Y and Y has started; X reports it as done: a question to the foreman. Before Y's start it is row 1, before the reassignment row 35.
func TestRow02(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for name, action := range map[string]roundsv1.ConflictAction{
		"take X's result": roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT,
		"go on with Y":    roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON,
	} {
		t.Run(name, func(t *testing.T) {
			w := world.site(t).shift()
			w.reassigned()
			w.x.works(w.id)
			done, _ := w.x.completes(w.id, 1)

			w.f.sync()
			w.y.sync()
			w.y.do(w.id, start())
			w.y.works(w.id)
			w.y.sync()
			w.x.sync()

			ticket := w.stands(w.id, isStarted)
			if ticket.GetAssigneeId() != w.y.id() {
				t.Error("the ticket is not Y's any more")
			}
			w.came(done, parked)
			w.x.inTray(done, client.TrayWaiting)
			w.laboured(w.id, map[*phone]int{w.x: 1, w.y: 1})
			asked := w.f.asked(roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, w.id, foreman, []string{w.x.id(), w.y.id()},
				roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT, roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON)

			w.came(w.f.choose(asked, action), applied)
			w.f.decided(asked, w.f, action)
			w.x.inTray(done, client.TrayClosed)
			w.laboured(w.id, map[*phone]int{w.x: 1, w.y: 1})
			if action == roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT {
				w.performers(w.inState(w.id, isInReview), 1, w.x)
			} else {
				w.performers(w.stands(w.id, isStarted), 1)
				w.y.sync()
				going, _ := w.y.completes(w.id, 1)
				w.y.sync()
				w.came(going, applied)
			}
			w.settled()
		})
	}
}

// TestRow03: reassigned X→Y; X starts, or goes on and pauses: the labour is kept, the state stays, X is told to stop. With X first the work has begun, and a
// dispatch that had not seen it does not take it away: F is refused and told.
func TestRow03(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for name, begun := range map[string]bool{"start": false, "pause": true} {
		t.Run(name+", A first", func(t *testing.T) {
			w := world.site(t).shift()
			if begun {
				w.x.do(w.id, start())
				w.x.do(w.id, pause("contractor"))
				w.x.sync()
				w.all()
			}
			w.reassigned()
			acts := []client.Ref{w.x.do(w.id, start())}
			labour := w.x.works(w.id)
			if begun {
				acts = append(acts, w.x.do(w.id, pause("shift")))
			}

			w.f.sync()
			w.x.sync()

			ticket := w.stands(w.id, isDispatched)
			if ticket.GetAssigneeId() != w.y.id() {
				t.Error("the ticket is not Y's")
			}
			for _, act := range acts {
				w.x.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH)
			}
			w.came(labour, applied)
			w.laboured(w.id, map[*phone]int{w.x: 1, w.y: 0})
			w.x.told(roundsv1.NoticeCode_NOTICE_CODE_STOP, w.id)
			w.f.noQuestions(w.id)
			w.settled()
		})
	}
	t.Run("start, B first", func(t *testing.T) {
		w := world.site(t).shift()
		given := w.reassigned()
		begun := w.x.do(w.id, start())
		w.x.works(w.id)

		w.x.sync()
		w.f.sync()

		w.came(begun, applied)
		w.f.refused(given, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		if w.stands(w.id, isStarted).GetAssigneeId() != w.x.id() {
			t.Error("the ticket is not X's any more")
		}
		w.laboured(w.id, map[*phone]int{w.x: 1})
		w.settled()
	})
}

// TestRow04: both report the same round as done: one round, two manifests, two performers; what is required is held against both again.
func TestRow04(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		w.crew()
		a, b := w.y, w.x
		if !aFirst {
			a, b = b, a
		}
		w.x.do(w.id, start())
		first, _ := a.completes(w.id, 1)
		second, late := b.completes(w.id, 1)

		a.sync()
		w.inState(w.id, isInReview)
		b.words()
		ticket := w.stands(w.id, isDone) // its second photo is only promised
		w.performers(ticket, 1, a, b)
		b.sync()
		w.looked(late)

		ticket = w.inState(w.id, isInReview)
		w.came(first, applied)
		w.came(second, applied)
		w.performers(ticket, 1, a, b)
		for _, c := range ticket.GetCompletions() {
			if len(c.GetPhotoIds()) != 1 {
				s.t.Errorf("a manifest of %d photos", len(c.GetPhotoIds()))
			}
		}
		if ticket.GetRound() != 1 {
			s.t.Errorf("round %d", ticket.GetRound())
		}
		w.f.noQuestions(w.id)
	})
}

// TestRow18: X and Y of one crew start: one IN_PROGRESS, both in the crew, two intervals of labour. Both orders are the same question.
func TestRow18(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		w.crew()
		acts := []client.Ref{w.y.do(w.id, start()), w.x.do(w.id, start())}
		w.y.works(w.id)
		w.x.works(w.id)

		inOrder(aFirst, w.y, w.x)

		ticket := w.stands(w.id, isStarted)
		for _, act := range acts {
			w.came(act, applied)
		}
		for _, p := range []*phone{w.x, w.y} {
			if !slices.Contains(ticket.GetCrewIds(), p.id()) {
				s.t.Errorf("%s is not in the crew", p.name)
			}
		}
		if ticket.GetAssigneeId() != w.x.id() {
			s.t.Error("X is not the assignee any more")
		}
		w.laboured(w.id, map[*phone]int{w.x: 1, w.y: 1})
		w.f.noQuestions(w.id)
	})
}

// TestRow19: two dispatchers dispatch: the one who came first stands, the other is refused, told, and may do it again with one touch.
func TestRow19(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		d2 := s.phone("D2")
		id := w.reported("电梯异响")
		s.all()
		d1, to1, to2 := w.d, w.x, w.y
		if !aFirst {
			d1, d2, to1, to2 = d2, d1, w.y, w.x
		}
		stands := d1.do(id, dispatch(to1))
		late := d2.do(id, dispatch(to2))

		d1.sync()
		d2.sync()

		w.came(stands, applied)
		if ticket := w.stands(id, isDispatched); ticket.GetAssigneeId() != to1.id() || ticket.GetAssignEpoch() != 1 {
			s.t.Errorf("given to %v, epoch %d", w.names([]string{ticket.GetAssigneeId()}), ticket.GetAssignEpoch())
		}
		item := d2.refused(late, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		to1.told(roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, id)
		to2.notTold(roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, id)

		again, err := d2.device.Resend(s.t.Context(), item.Key, nil)
		d2.noted(again, err, false)
		d2.sync()
		w.came(again, applied)
		if ticket := w.stands(id, isDispatched); ticket.GetAssigneeId() != to2.id() || ticket.GetAssignEpoch() != 2 {
			s.t.Errorf("given again to %v, epoch %d", w.names([]string{ticket.GetAssigneeId()}), ticket.GetAssignEpoch())
		}
		to1.told(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, id)
		to2.told(roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, id)
	})
}

// TestRow20: X declines on one phone and accepts on another. Not dispatched again yet: it is X's again, to be confirmed, and the foreman is told. With Y
// already: X is refused and told. With the acceptance first the refusal on the other phone answers what is no longer asked.
func TestRow20(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	play := func(t *testing.T) (w *shift, x2 *phone, no, yes client.Ref) {
		w = world.site(t).shift()
		x2 = w.phone("X'")
		w.id = w.reported("地库积水")
		w.f.sync()
		w.f.do(w.id, dispatch(w.x))
		w.f.sync()
		w.all()
		return w, x2, w.x.do(w.id, decline(1)), x2.do(w.id, accept(1))
	}
	t.Run("not dispatched again", func(t *testing.T) {
		w, x2, no, yes := play(t)
		w.x.sync()
		x2.sync()
		w.came(no, applied)
		w.came(yes, applied)
		if ticket := w.stands(w.id, isDispatched); ticket.GetAssigneeId() != w.x.id() || ticket.GetAssignEpoch() != 2 {
			t.Errorf("given to %v, epoch %d", w.names([]string{ticket.GetAssigneeId()}), ticket.GetAssignEpoch())
		}
		w.f.told(roundsv1.NoticeCode_NOTICE_CODE_DONE_BY_OTHER, w.id)
		w.x.sync()
		confirmed := w.x.do(w.id, accept(2))
		w.x.sync()
		w.came(confirmed, applied)
		w.settled()
	})
	t.Run("with Y already", func(t *testing.T) {
		w, x2, no, yes := play(t)
		w.x.sync()
		w.f.sync()
		w.f.do(w.id, dispatch(w.y))
		w.f.sync()
		x2.sync()
		w.came(no, applied)
		x2.refused(yes, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH)
		if ticket := w.stands(w.id, isDispatched); ticket.GetAssigneeId() != w.y.id() {
			t.Errorf("given to %v", w.names([]string{ticket.GetAssigneeId()}))
		}
		w.settled()
	})
	t.Run("accepted first", func(t *testing.T) {
		w, x2, no, yes := play(t)
		x2.sync()
		w.x.sync()
		w.came(yes, applied)
		w.x.refused(no, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		if ticket := w.ticket(w.id); ticket.GetState() != roundsv1.TicketState_TICKET_STATE_ACCEPTED || ticket.GetAssigneeId() != w.x.id() {
			t.Errorf("%v of %v", ticket.GetState(), w.names([]string{ticket.GetAssigneeId()}))
		}
		w.settled()
	})
}
