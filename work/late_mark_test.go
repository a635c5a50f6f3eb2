package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestLateMarkOfATicket: what comes for a closed ticket marks it, and who confirmed it is told once. The mark stays in that round until the ticket is closed anew, by
// somebody who saw what was late, or goes with the round; what comes after that is told again.
func TestLateMarkOfATicket(t *testing.T) {
	late := func(w *town) bool { return slices.Contains(w.chief.ticket(w.id).GetFlags(), "late") }
	told := func(w *town) (n int) {
		w.chief.sync()
		for _, c := range w.chief.replica {
			if notice := c.GetRecord().GetNotice(); notice.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE && notice.GetSubject().GetId() == w.id {
				n++
			}
		}
		return n
	}
	approves := func(w *town, p *phone) {
		p.sync()
		p.done(w.id, p.approves(w.id, 1))
		w.chief.inState(w.id, stateClosed)
	}
	for name, again := range map[string]struct {
		open func(*town) // takes the closure back; the mark stays or goes with it
		mark bool
		end  func(*town) // ends the ticket anew
	}{
		"an objection, and a supervisor confirms": {func(w *town) {
			objects := reject(1) // without having seen the closure
			objects.GetReject().Reason = "other"
			act := w.q.do(w.id, objects)
			w.q.sync()
			w.q.applied(act)
			w.chief.inState(w.id, stateInReview)
		}, true, func(w *town) { approves(w, w.chief) }},
		"its approver worked, and another confirms": {func(w *town) {
			w.r.done(uid("own"), shot(w.id, 1))
			w.chief.inState(w.id, stateInReview)
		}, true, func(w *town) { approves(w, w.q) }},
		"opened again": {func(w *town) { w.chief.done(w.id, reopen(1)) }, false, func(w *town) { w.chief.done(w.id, cancel()) }},
	} {
		for what, fact := range map[string]func(*town, string){
			"photos": func(w *town, n string) { w.y.done(uid("late "+n), shot(w.id, 1)) },
			"labour": func(w *town, n string) {
				act := labour("Y")
				act.GetRecord().GetTicket().GetLabour()[0].Id = uid(n)
				w.y.done(w.id, act)
			},
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				w := newTown(t, "light")
				w.inReview()
				approves(w, w.r)
				fact(w, "one")
				fact(w, "two")
				if !late(w) || told(w) != 1 {
					t.Fatalf("late %v, told %d times", late(w), told(w))
				}
				again.open(w)
				if late(w) != again.mark {
					t.Fatalf("late %v", late(w))
				}
				again.end(w)
				before := told(w)
				if late(w) {
					t.Fatal("the mark outlives who looked")
				}
				fact(w, "three")
				if !late(w) || told(w) != before+1 {
					t.Fatalf("late %v, told %d times, before %d", late(w), told(w), before)
				}
			})
		}
	}
}
