package work_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/deadline"
)

// TestRow16_TooLateByABadClock: a phone ten hours ahead, set right and restarted before it had signal, says that work of twenty hours took thirty. Nobody trusts that clock,
// so a person says whether the deadline was missed; until then it is held against nobody.
func TestRow16_TooLateByABadClock(t *testing.T) {
	w := newTown(t, "light") // a day to finish
	began := w.now
	w.x.done(w.id, start())
	w.now = began.Add(30 * time.Hour)
	done := w.x.do(w.id, submit(1, uid("p")))
	w.now = began.Add(40 * time.Hour)
	w.x.restarted = true
	w.x.sync()
	w.x.applied(done)
	if trust := w.x.outcomes[done].GetTrust(); trust != roundsv1.Trust_TRUST_B {
		t.Fatal(trust)
	}
	if d := deadline.Find(w.chief.ticket(w.id).GetDeadlines(), roundsv1.Step_STEP_FINISH, 1); d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED {
		t.Errorf("%v", d)
	}
	var asked int
	for _, c := range w.chief.replica {
		if q := c.GetRecord().GetConflict(); q.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME {
			asked++
			for _, side := range q.GetSides() {
				if side.GetTimeUs() == 0 {
					t.Errorf("a side without its time: %v", side)
				}
			}
		}
	}
	if asked != 1 {
		t.Errorf("%d questions, want one", asked)
	}
}
