package review_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestInboxIsBoundedInBytes: questions may be as long as they like: a page ends behind what fills it, and the next one goes on there.
func TestInboxIsBoundedInBytes(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	for i := range 40 {
		w.write(site, made(uid(fmt.Sprint("long", i)), conflict(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK,
			State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, OpenedTimeUs: int64(i + 1), Subject: of("ticket", uid("t")),
			Sentence: &roundsv1.Text{Zh: strings.Repeat("水", 40_000)}, Sides: []*roundsv1.Side{{Sentence: &roundsv1.Text{En: strings.Repeat("x", 50_000)}}}})))
	}
	var seen []string
	for token, pages := "", 0; ; pages++ {
		resp, err := w.service.Inbox(t.Context(), boss, &roundsv1.InboxRequest{Scopes: []string{string(site)}, PageSize: 500, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(resp); size > 4<<20+512<<10 || len(resp.GetItems()) == 0 || resp.GetTotal() != 40 {
			t.Fatalf("a page of %d bytes, %d items of %d", size, len(resp.GetItems()), resp.GetTotal())
		}
		for _, item := range resp.GetItems() {
			seen = append(seen, item.GetRow().GetRecordId())
		}
		if token = resp.GetNextPageToken(); token == "" {
			var want []string
			for i := range 40 {
				want = append(want, uid(fmt.Sprint("long", i)))
			}
			same(t, "all of them", seen, want)
			if pages == 0 {
				t.Error("one page")
			}
			return
		}
	}
}
