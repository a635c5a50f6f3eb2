package schedule_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
)

// Row 21.
func TestPossibleDuplicates(t *testing.T) {
	w := newWorld(t)
	at := func(category, place, words string) func(*roundsv1.Ticket) {
		return func(t *roundsv1.Ticket) {
			t.CategoryId, t.Location, t.Requirements = category, &roundsv1.Location{PlaceId: place, Words: words}, nil
		}
	}
	leak, tower := uid("leak"), uid("tower 3")
	questions := func() int {
		n := 0
		w.visit(site, func(_ string, r *roundsv1.Record) {
			if c := r.GetConflict(); c != nil {
				if n++; c.GetType() != roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE || len(c.GetSides()) != 2 {
					t.Errorf("%v", c)
				}
			}
		})
		return n
	}
	w.report("t1", at(leak, tower, ""))
	w.tick()
	w.pass(119 * time.Minute)
	w.report("t2", at(leak, tower, "stairs"))
	w.report("light", at(uid("light"), tower, ""))
	w.report("elsewhere", at(leak, uid("tower 4"), "stairs"))
	w.report("child", at(leak, tower, ""), func(t *roundsv1.Ticket) { t.ParentId = uid("t1") })
	w.tick()
	if n := questions(); n != 1 || w.worker.Stats().Twins != 1 {
		t.Errorf("%d questions", n)
	}
	for _, id := range []string{"t1", "t2"} {
		if !slices.Contains(w.ticket(uid(id)).GetFlags(), work.FlagPossibleDuplicate) {
			t.Errorf("%s is not marked", id)
		}
	}
	seq := w.seq()
	w.tick()
	w.start()
	w.tick()
	if w.seq() != seq {
		t.Error("asked again")
	}
	w.pass(2 * time.Minute)
	w.report("late", at(leak, tower, ""), func(t *roundsv1.Ticket) { t.ReportedTimeUs -= (30 * time.Hour).Microseconds() })
	w.report("later", at(leak, tower, ""), func(t *roundsv1.Ticket) { t.ReportedTimeUs -= (29 * time.Hour).Microseconds() })
	w.tick()
	if n := questions(); n != 2 {
		t.Errorf("%d questions: two reports of two phones that had no signal for more than a day", n)
	}
	w.report("t3", at(leak, tower, "")) // two hours and more after the first
	w.report("t4", at(leak, "", " stairs "))
	w.tick()
	if n := questions(); n != 5 { // and t3 and t2, t4 and t2, t4 and elsewhere
		t.Errorf("%d questions", n)
	}
	w.move("t3", triaged, uid("ann"), 0)
	w.tick()
	if n := questions(); n != 5 {
		t.Errorf("%d questions after a change", n)
	}
	w.ref.set(t, site, map[string]string{"service.duplicate": "0s"})
	w.report("t5", at(leak, tower, ""))
	w.tick()
	if n := questions(); n != 5 {
		t.Errorf("%d questions where nobody wants any", n)
	}
}
