package work_test

import (
	"context"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestOrphans is row 34: what was recorded without knowing that the ticket was archived, or erased in part, waits for a supervisor; what is recorded afterwards is
// taken as ever.
func TestOrphans(t *testing.T) {
	const orphan = roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN
	for name, gone := range map[string]func(w *shift) error{
		"archived": func(w *shift) error { return w.engine.Evict(context.Background(), siteScope, "ticket", w.id) },
		"erased": func(w *shift) error {
			return w.engine.Redact(context.Background(), siteScope, "ticket", w.id, []uint32{1}, "asked for by the household")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newShift(t)
			first := w.x.do(w.id, labour("X"))
			if err := gone(w); err != nil {
				t.Fatal(err)
			}
			w.x.sync()
			question := w.x.parked(first, orphan)
			if n := len(w.chief.ticket(w.id).GetLabour()); n != 0 {
				t.Fatalf("%d labour before anybody decided", n)
			}
			w.chief.done(question, admit())
			if n := len(w.chief.ticket(w.id).GetLabour()); n != 1 {
				t.Errorf("%d labour after it was let in", n)
			}
			w.y.sync()
			w.y.done(w.id, labour("Y"))
			if n := len(w.chief.ticket(w.id).GetLabour()); n != 2 {
				t.Errorf("%d labour of both", n)
			}
		})
	}
}
