package work_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/deadline"
)

// waits makes a remark about a call, and pauses for the owner, which stops the clocks. It returns the pause's mutation.
func (w *town) waits(p *phone) uint64 {
	remarked := uid("a call of " + string(p.person))
	p.do(remarked, remark(w.id, "called"))
	return p.do(w.id, pauseFor("owner", &roundsv1.RecordRef{Kind: "comment", Id: remarked}))
}

// finishDue is when the work had to be done, from a time on, and what became of that.
func (w *town) finishDue(from time.Time) (time.Duration, roundsv1.DeadlineState) {
	d := deadline.Find(w.chief.ticket(w.id).GetDeadlines(), roundsv1.Step_STEP_FINISH, 1)
	return time.UnixMicro(d.GetDueUs()).Sub(from), d.GetState()
}

// TestRow3_PauseOfWhoHadIt: a pause by who lost the ticket before it does not stop the clocks of who has it, whichever of pause and completion comes first.
func TestRow3_PauseOfWhoHadIt(t *testing.T) {
	for name, pauseFirst := range map[string]bool{"the pause first": true, "the completion first": false} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			base := w.now
			w.foreman.done(w.id, dispatch("Y")) // X has no signal
			w.y.done(w.id, start())
			w.now = base.Add(time.Hour)
			pause := w.waits(w.x)
			w.now = base.Add(30 * time.Hour)
			if pauseFirst {
				w.x.sync()
			}
			w.y.done(w.id, submit(1, uid("p")))
			w.x.sync()
			w.x.refused(pause, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH)
			if due, state := w.finishDue(base); due > 25*time.Hour || state != roundsv1.DeadlineState_DEADLINE_STATE_BREACHED {
				t.Errorf("due after %v: %v", due, state)
			}
		})
	}
}

// TestRow17_PauseBeforeItWasGivenAway: a pause of who still had the ticket then is put where it belongs, although somebody else has it by now.
func TestRow17_PauseBeforeItWasGivenAway(t *testing.T) {
	w := newTown(t, "light")
	base := w.now
	second := w.second("X's second", "X", worker)
	w.x.done(w.id, start())
	second.sync()
	w.now = base.Add(time.Hour)
	pause := w.waits(second) // without signal
	w.now = base.Add(2 * time.Hour)
	resumed := second.do(w.id, resume())
	w.now = base.Add(3 * time.Hour)
	w.x.done(w.id, pauseFor("other", nil))
	w.foreman.done(w.id, dispatch("Y"))
	w.y.done(w.id, start())
	w.now = base.Add(4 * time.Hour)
	second.sync()
	second.applied(pause)
	second.applied(resumed)
	if due, _ := w.finishDue(base); due < 24*time.Hour+50*time.Minute {
		t.Errorf("the hour of waiting is not in it: due after %v", due)
	}
}

// TestRow17_ResumeOfTheCrew: of the crew nobody ends the assignee's pause, whichever comes first.
func TestRow17_ResumeOfTheCrew(t *testing.T) {
	for name, crewFirst := range map[string]bool{"the crew first": true, "the assignee first": false} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			w.x.done(w.id, start())
			w.x.done(w.id, &roundsv1.Edit{Fields: []uint32{13}, Record: ticketRecord(&roundsv1.Ticket{CrewIds: []string{uid("Y")}})})
			w.all()
			base := w.now
			w.now = base.Add(time.Hour)
			pause := w.waits(w.x)
			w.now = base.Add(5 * time.Hour)
			resumed, done := w.x.do(w.id, resume()), w.x.do(w.id, submit(1, uid("p")))
			w.now = base.Add(90 * time.Minute)
			waited := w.y.do(w.id, pauseFor("other", nil))
			w.now = base.Add(2 * time.Hour)
			cut := w.y.do(w.id, resume())
			w.now = base.Add(6 * time.Hour)
			if crewFirst {
				w.y.sync()
			}
			w.x.sync()
			w.y.sync()
			for _, id := range []uint64{pause, resumed, done} {
				w.x.applied(id)
			}
			for _, id := range []uint64{waited, cut} {
				if w.y.outcomes[id].GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
					t.Errorf("taken: %v", w.y.outcomes[id])
				}
			}
			if due, _ := w.finishDue(base); due < 27*time.Hour {
				t.Errorf("due after %v, want a day and the four hours of waiting", due)
			}
		})
	}
}
