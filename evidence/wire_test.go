package evidence_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
)

// TestStatesAreSmallOnTheWire: how far a photo has come costs a device some hundred bytes; what it has of the photo, the preview above all, is not sent again.
func TestStatesAreSmallOnTheWire(t *testing.T) {
	w := newWorld(t)
	li, boss := w.phone("li", worker), w.phone("boss", dispatcher, manager)
	var cursor []byte
	pull := func(what string, changes, most int) {
		t.Helper()
		now := w.clock().UnixMicro()
		resp, err := w.engine.Exchange(t.Context(), boss.Caller, &roundsv1.ExchangeRequest{
			Clock:   &roundsv1.Clock{WallUs: now, BootId: "boot", MonotonicUs: now},
			Cursors: []*roundsv1.ScopeCursor{{Scope: string(site), Cursor: cursor}}})
		if err != nil {
			t.Fatal(err)
		}
		// The engine cuts changes as bytes: a device reads them from the wire.
		sent, err := proto.Marshal(resp.GetPages()[0])
		page := &roundsv1.ScopePage{}
		if err != nil || proto.Unmarshal(sent, page) != nil {
			t.Fatal(err)
		}
		cursor = page.GetCursor()
		t.Logf("%s: %d bytes", what, len(sent))
		if len(page.GetChanges()) != changes || len(sent) > most {
			t.Fatalf("%s: %d changes in %d bytes, which ought to be %d in %d at most", what, len(page.GetChanges()), len(sent), changes, most)
		}
		if photo := page.GetChanges()[0].GetRecord().GetPhoto(); what != "promise" && len(photo.GetPreview()) != 0 {
			t.Errorf("%s: the preview came again", what)
		}
	}
	li.do(site, uid("ticket"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "a lamp"}}}})
	pull("ticket", 1, 1<<10)
	content := image(1, drawn.After)
	id := li.promise(content, func(p *roundsv1.Photo) { p.Preview = bytes.Repeat([]byte("preview "), 1024) })
	pull("promise", 2, 9<<10) // the ticket knows who photographed finished work
	plan := li.plan(site, content)
	pull("declared", 1, 300)
	li.put(plan[0].GetUpload().GetParts(), content)
	li.finish(site, content)
	pull("stored", 1, 300)
	w.settled(id)
	pull("settled", 1, 1<<10)
}
