package arbitration_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// deadline is one step of a round of a ticket.
func deadline(t *roundsv1.Ticket, step roundsv1.Step, round uint32) *roundsv1.Deadline {
	for _, d := range t.GetDeadlines() {
		if d.GetStep() == step && d.GetRound() == round {
			return d
		}
	}
	return nil
}

// TestRow16: the deadline passes and the ticket goes a level up; then a completion from before the deadline comes. Well known: it was in time, the level stays and
// is marked as a false alarm, and all levels are told. Otherwise a person says. With the completion first there is no breach.
func TestRow16(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"trust A", "trust B: in time", "trust B: too late", "B first"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).site(t).shift()
			s := w.phone("S")
			w.x.do(w.id, start())
			w.x.sync()
			w.x.works(w.id)
			done, _ := w.x.completes(w.id, 1)
			due := deadline(w.ticket(w.id), roundsv1.Step_STEP_FINISH, 1)
			if due.GetDueUs() <= w.Now().UnixMicro() {
				t.Fatalf("the deadline is %v", due)
			}
			if name == "B first" {
				w.x.sync()
			}
			before := w.ticket(w.id).GetEscalationLevel()
			w.later(time.UnixMicro(due.GetDueUs()).Sub(w.Now()) + time.Minute)
			if name == "B first" {
				w.came(done, applied)
				ticket := w.inState(w.id, isInReview)
				if d := deadline(ticket, roundsv1.Step_STEP_FINISH, 1); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET {
					t.Errorf("%v", d)
				}
				w.settled()
				return
			}
			w.until("the breach to be noticed", func() bool {
				return deadline(w.ticket(w.id), roundsv1.Step_STEP_FINISH, 1).GetState() == roundsv1.DeadlineState_DEADLINE_STATE_BREACHED &&
					w.ticket(w.id).GetEscalationLevel() > before
			})
			level := w.ticket(w.id).GetEscalationLevel()
			if name != "trust A" {
				w.x.clock.reboot()
				w.x.clock.skew = time.Hour // somebody set the wall clock: no anchor is left
			}
			// Hours later, at the lift lobby.
			w.pass(time.Hour)
			w.x.sync()

			w.came(done, applied)
			w.x.told(roundsv1.NoticeCode_NOTICE_CODE_BREACHED, w.id)
			ticket := w.inState(w.id, isInReview)
			if ticket.GetEscalationLevel() != level {
				t.Errorf("the level went from %d to %d", level, ticket.GetEscalationLevel())
			}
			d := deadline(ticket, roundsv1.Step_STEP_FINISH, 1)
			if name == "trust A" {
				if d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC || !d.GetOfflineFalseAlarm() {
					t.Errorf("%v", d)
				}
				w.flagged(ticket, "offline_false_alarm")
				s.noQuestions(w.id)
				w.corrected(s, w.f)
				w.settled()
				return
			}
			if d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED || d.GetOfflineFalseAlarm() {
				t.Errorf("%v", d)
			}
			asked := s.asked(roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, w.id, supervisor, []string{w.x.id()},
				roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET, roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED)
			action, want := roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET, roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC
			if name == "trust B: too late" {
				action, want = roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED, roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
			}
			w.came(s.choose(asked, action), applied)
			s.decided(asked, s, action)
			if d := deadline(w.ticket(w.id), roundsv1.Step_STEP_FINISH, 1); d.GetState() != want {
				t.Errorf("decided: %v", d)
			}
			if action == roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET {
				w.flagged(w.ticket(w.id), "offline_false_alarm")
				w.corrected(s, w.f, w.x)
			} else {
				w.f.sync()
				w.f.notTold(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.id)
			}
			w.settled()
		})
	}
}

// corrected requires that these were told that the ticket was late, or that it had come to their level, and that it was not late after all.
func (w *shift) corrected(people ...*phone) {
	w.t.Helper()
	for _, p := range people {
		p.sync()
		if p.notices(roundsv1.NoticeCode_NOTICE_CODE_BREACHED, w.id)+p.notices(roundsv1.NoticeCode_NOTICE_CODE_ESCALATED, w.id) == 0 {
			w.t.Errorf("%s was not told that it was late", p.name)
		}
		p.told(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.id)
	}
}

// TestRow16Response: nobody answers a report in time, which the dispatchers are told; a dispatcher had, without a signal. All who were told hear of it, each once.
func TestRow16Response(t *testing.T) {
	t.Parallel()
	s := newWorld(t).site(t)
	w := s.shift()
	h, d2 := s.phone("H"), s.phone("D2")
	ref := h.create("", ofTicket(&roundsv1.Ticket{Title: "漏水", CustomerWords: "漏水", ReporterId: h.id(), Channel: roundsv1.Channel_CHANNEL_APP,
		CategoryId: s.categories["pipes"], Location: &roundsv1.Location{Words: "三号楼", Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}))
	w.id = string(ref.ID)
	h.sync()
	d2.sync()
	d2.do(w.id, triage(w.categories["pipes"])) // no signal
	w.later(20 * time.Minute)
	w.until("the breach to be noticed", func() bool { return deadline(w.ticket(w.id), roundsv1.Step_STEP_RESPOND, 1).GetBreachedUs() != 0 })
	w.d.sync()
	w.d.told(roundsv1.NoticeCode_NOTICE_CODE_BREACHED, w.id)

	d2.sync()

	if d := deadline(w.ticket(w.id), roundsv1.Step_STEP_RESPOND, 1); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC {
		t.Errorf("%v", d)
	}
	w.corrected(w.d)
	if n := w.d.notices(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.id); n != 1 {
		t.Errorf("told of the correction %d times", n)
	}
	w.settled()
}
