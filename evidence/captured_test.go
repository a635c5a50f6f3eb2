package evidence_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
)

// sentBack brings a ticket of tiles into its second round, on one photo, and returns the capture and the bytes of that, and clocks of a later moment of the first round.
func (w *world) sentBack(boss, li *phone) (taken *roundsv1.Clock, bytes []byte, unsent *roundsv1.Clock) {
	w.t.Helper()
	w.phone("admin", admin).do(orgScope, uid("tiles"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{AfterPhotos: 1}}}})
	w.prepared("pump", uid("tiles"), boss, li)
	bytes = image(90, drawn.After)
	good := li.promise(bytes, of("pump"), func(p *roundsv1.Photo) { p.Shared, taken = true, p.Captured })
	w.pass(time.Second)
	now := w.clock()
	unsent = &roundsv1.Clock{WallUs: now.UnixMicro(), BootId: "boot", MonotonicUs: now.UnixMicro()}
	li.upload(site, bytes)
	li.submit("pump", good)
	w.work(func() { w.until(func() bool { return w.ticket("pump").GetState() == inReview }) })
	w.pass(3 * time.Hour)
	boss.do(site, uid("pump"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: 1, Reason: "dirty", Words: "still dirty"}}})
	w.pass(time.Hour)
	return taken, bytes, unsent
}

// TestCapture: a photo is of the moment of the shutter, not of the record of it: one that was taken before the rejection, and is declared after it, proves nothing of the
// next round. Where the clocks of the two do not belong together, or are not said, it is of when it was declared.
func TestCapture(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*roundsv1.Clock) *roundsv1.Clock
		state  roundsv1.PhotoState
	}{
		{"before the rejection", func(c *roundsv1.Clock) *roundsv1.Clock { return c }, stateHard},
		{"before the device started anew", func(c *roundsv1.Clock) *roundsv1.Clock { c.BootId = "another"; return c }, stateClean},
		{"by a clock that is ahead", func(c *roundsv1.Clock) *roundsv1.Clock { c.MonotonicUs += 1e12; return c }, stateClean},
		{"without a boot", func(c *roundsv1.Clock) *roundsv1.Clock { c.BootId = ""; return c }, stateClean},
		{"without clocks", func(*roundsv1.Clock) *roundsv1.Clock { return nil }, stateClean},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			boss, li := w.phone("boss", dispatcher, manager), w.phone("li", worker)
			_, _, unsent := w.sentBack(boss, li)
			content := image(93, drawn.After)
			id := li.promise(content, of("pump"), func(p *roundsv1.Photo) { p.Round, p.Captured = 2, test.change(unsent) })
			li.upload(site, content)
			w.settled(id)
			if got := w.photo(id).GetState(); got != test.state || w.found(id, "BEFORE_REJECTION") != (test.state == stateHard) {
				t.Errorf("%v: %v", got, w.photo(id).GetFindings())
			}
			li.do(site, uid("pump"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
				SubmitCompletion: &roundsv1.TicketSubmit{Round: 2, PhotoIds: []string{id}}}})
			if test.state == stateHard {
				w.settled(id)
				if got := w.ticket("pump").GetState(); got == inReview {
					t.Errorf("the ticket is %v", got)
				}
				return
			}
			w.work(func() { w.until(func() bool { return w.ticket("pump").GetState() == inReview }) })
		})
	}
}

// TestSharedBetweenRounds: the very bytes that were sent back prove nothing of the next round, also where both records say that the capture is shared.
func TestSharedBetweenRounds(t *testing.T) {
	w := newWorld(t)
	boss, li := w.phone("boss", dispatcher, manager), w.phone("li", worker)
	taken, bytes, _ := w.sentBack(boss, li)
	id := li.promise(bytes, of("pump"), func(p *roundsv1.Photo) { p.Round, p.Shared, p.Captured = 2, true, taken })
	li.plan(site, bytes)
	li.finish(site, bytes)
	w.settled(id)
	if w.photo(id).GetState() != stateHard || !w.found(id, "REUSED") || !w.found(id, "BEFORE_REJECTION") {
		t.Errorf("%v: %v", w.photo(id).GetState(), w.photo(id).GetFindings())
	}
}
