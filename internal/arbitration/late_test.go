package arbitration_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

const lateEvidence = roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE

// TestLateFactTold: what arrives for a ticket that has ended is told to whoever ended it: once for each closure, to who confirmed that one; and to who cancelled it.
func TestLateFactTold(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	t.Run("closed twice", func(t *testing.T) {
		s := world.site(t)
		h, w := s.phone("H"), s.shift()
		r, r2 := s.phone("R"), s.phone("R2")
		w.crew()
		w.reviewable(1)
		r.approves(w.id, 1)
		r.sync()
		for range 2 {
			w.y.works(w.id)
			w.y.sync()
		}
		r.sync()
		if n := r.notices(lateEvidence, w.id); n != 1 {
			t.Errorf("who confirmed it was told %d times, want once for the closure", n)
		}
		w.flagged(w.ticket(w.id), "late")

		h.sync()
		h.do(w.id, dispute(1))
		h.sync()
		w.all()
		if got := w.ticket(w.id); slices.Contains(got.GetFlags(), "late") {
			t.Errorf("open again, and still marked %v", got.GetFlags())
		}
		w.f.do(w.id, dispatch(w.x))
		w.f.sync()
		w.x.sync()
		w.x.do(w.id, start())
		w.pass(time.Minute)
		w.x.completes(w.id, 2)
		w.x.sync()
		w.inState(w.id, isInReview)
		r2.sync()
		r2.approves(w.id, 2)
		r2.sync()
		w.stands(w.id, isClosed)
		w.y.works(w.id)
		w.y.sync()
		r.sync()
		r2.sync()
		if n, m := r.notices(lateEvidence, w.id), r2.notices(lateEvidence, w.id); n != 1 || m != 1 {
			t.Errorf("of the second closure: who confirmed the first was told %d times, who confirmed the second %d, want 1 each in all", n, m)
		}
		w.settled()
	})
	t.Run("cancelled", func(t *testing.T) {
		s := world.site(t)
		w := s.shift()
		c := s.phone("S")
		c.do(w.id, cancel())
		c.sync()
		w.x.works(w.id)
		w.x.sync()
		c.sync()
		c.told(lateEvidence, w.id)
		w.f.sync()
		w.f.notTold(lateEvidence, w.id)
		w.settled()
	})
}
