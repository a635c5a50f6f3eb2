package review_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TestPagesAreBoundedInBytes: records may be as large as they like: a page ends behind what fills it, and the next one goes on there.
func TestPagesAreBoundedInBytes(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	for i := range 40 {
		w.write(site, made(uid(fmt.Sprint("large", i)), ticket(&roundsv1.Ticket{Title: "t", Description: strings.Repeat("x", 60_000), Notes: strings.Repeat("y", 60_000)})))
	}
	seen := map[string]bool{}
	for token, pages := "", 0; ; pages++ {
		resp, err := w.service.ListTickets(t.Context(), boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}, PageSize: 500, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(resp); size > 4<<20+192<<10 || len(resp.GetRows()) == 0 || resp.GetTotal() != 40 {
			t.Fatalf("a page of %d bytes, %d rows of %d", size, len(resp.GetRows()), resp.GetTotal())
		}
		for _, row := range resp.GetRows() {
			if seen[row.GetRecordId()] || row.GetRecord() == nil {
				t.Fatalf("%s again, or without its record", row.GetRecordId())
			}
			seen[row.GetRecordId()] = true
		}
		if token = resp.GetNextPageToken(); token == "" {
			if len(seen) != 40 || pages == 0 {
				t.Errorf("%d tickets on %d pages", len(seen), pages+1)
			}
			return
		}
	}
}

// TestQueuePagesAreBoundedInBytes: so are those of the queue, each item with its photos.
func TestQueuePagesAreBoundedInBytes(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	for i := range 40 {
		w.waiting(fmt.Sprint("large", i), int64(i+1), func(t *roundsv1.Ticket, p *roundsv1.Photo) {
			t.Description = strings.Repeat("x", 60_000)
			p.Findings = []string{strings.Repeat("y", 60_000)}
		})
	}
	req := &roundsv1.ReviewQueueRequest{Scopes: []string{string(site)}, PageSize: 100}
	seen := map[string]bool{}
	for pages := 1; ; pages++ {
		resp, err := w.service.ReviewQueue(t.Context(), boss, req)
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(resp); size > 4<<20+192<<10 || len(resp.GetItems()) == 0 || resp.GetTotal() != 40 {
			t.Fatalf("a page of %d bytes, %d items of %d", size, len(resp.GetItems()), resp.GetTotal())
		}
		for _, item := range resp.GetItems() {
			if id := item.GetRow().GetRecordId(); seen[id] || len(item.GetPhotos()) != 1 {
				t.Fatalf("%s again, or without its photo", id)
			}
			seen[item.GetRow().GetRecordId()] = true
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			if len(seen) != 40 || pages < 2 {
				t.Errorf("%d items on %d pages", len(seen), pages)
			}
			return
		}
	}
}

// counted counts how often histories are read, and single entries.
type counted struct {
	*engine.Engine
	all, one int
}

func (c *counted) Histories(ctx context.Context, scope store.Scope, of []*roundsv1.RecordRef, span engine.HistorySpan) iter.Seq2[engine.HistoryEntry, error] {
	c.all += len(of)
	return c.Engine.Histories(ctx, scope, of, span)
}

func (c *counted) History(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, span engine.HistorySpan) iter.Seq2[engine.HistoryEntry, error] {
	if span == (engine.HistorySpan{}) {
		c.all++
	} else {
		c.one++
	}
	return c.Engine.History(ctx, scope, kind, id, span)
}

// TestStoriesAreBoundedInBytes: a page of a story holds what is on it, however much was said before, and ends behind what fills it; and each is one pass.
func TestStoriesAreBoundedInBytes(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	const remarks = 150 // twice a page and more, so that the page lets go of some while it is read
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(uid("long")), Edit: &roundsv1.Edit{Record: ticket(&roundsv1.Ticket{Title: "t"})}})
	for i := range remarks {
		w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(uid(fmt.Sprint("remark", i))), Fact: &roundsv1.Fact{Record: comment(&roundsv1.Comment{
			Subject: of("ticket", uid("long")), Words: strings.Repeat("x", 60_000)})}})
	}
	if _, err := w.engine.Maintain(t.Context(), site); err != nil { // or each of the remarks would be looked for in the whole journal
		t.Fatal(err)
	}
	own := &counted{Engine: w.engine}
	s, err := review.New(review.Config{Records: own, Access: w, Key: make([]byte, 16), Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, newest := range []bool{false, true} {
		seen, token, pages := map[uint64]bool{}, "", 0
		for own.all, own.one = 0, 0; pages == 0 || token != ""; pages++ {
			resp, err := s.Story(t.Context(), boss, &roundsv1.StoryRequest{Scope: string(site), Record: of("ticket", uid("long")), PageSize: 500, PageToken: token, NewestFirst: newest})
			if err != nil {
				t.Fatal(err)
			}
			token = resp.GetNextPageToken()
			if size := proto.Size(resp); size > 4<<20+192<<10 || size < 4<<20 && token != "" || len(resp.GetEntries()) == 0 {
				t.Fatalf("a page of %d bytes, %d entries", size, len(resp.GetEntries()))
			}
			for _, e := range resp.GetEntries() {
				if seen[e.GetSeq()] || e.GetAct() == nil {
					t.Fatalf("entry %d again, or without what was done", e.GetSeq())
				}
				seen[e.GetSeq()] = true
			}
			if len(seen) != 0 && token == "" && (len(seen) != int(resp.GetTotal()) || len(seen) < remarks+1) {
				t.Errorf("%d entries of %d", len(seen), resp.GetTotal())
			}
		}
		if pages != 3 || own.all != pages*(remarks+1) || own.one > 0 {
			t.Errorf("%d pages; %d histories were read, and %d entries again", pages, own.all, own.one)
		}
	}
}
