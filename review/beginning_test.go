package review_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
)

// manyTickets is a site that is read in several places at once.
const manyTickets = 6600

// many makes such a site. Every third ticket was changed again, so that there are holes among the versions, and the last of them are close together.
func many(w *world) {
	var list []engine.Derived
	put := func(one engine.Derived) {
		if list = append(list, one); len(list) == 500 {
			w.write(site, list...)
			list = nil
		}
	}
	for i := range manyTickets {
		put(made(uid(fmt.Sprint(site, i)), ticket(&roundsv1.Ticket{Title: fmt.Sprint("first ", i)})))
	}
	for i := 0; i < manyTickets; i += 3 {
		put(changed(uid(fmt.Sprint(site, i)), ticket(&roundsv1.Ticket{Title: fmt.Sprint("again ", i)}), 1))
	}
	w.write(site, list...)
}

// foundTitles are those of all tickets, as lists show them and as full text finds them; each of them has to be that of its record.
func foundTitles(t *testing.T, w *world, s *review.Service, boss engine.Caller) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, word := range []string{"first", "again", "meanwhile"} {
		req := &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}, PageSize: 500, Filter: &roundsv1.TicketFilter{Text: word}}
		for {
			resp, err := s.ListTickets(t.Context(), boss, req)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range resp.GetRows() {
				title := row.GetRecord().GetTicket().GetTitle()
				if _, again := all[row.GetRecordId()]; again || !strings.HasPrefix(title, word) {
					t.Fatalf("%s: %q was found by %q, or a second time", row.GetRecordId(), title, word)
				}
				all[row.GetRecordId()] = title
			}
			if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
	}
	return all
}

// TestTheBeginningIsReadInSeveralPlaces at once, and while people write and change: the board is what the engine has then, each record once.
func TestTheBeginningIsReadInSeveralPlaces(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	many(w)
	want := map[string]string{}
	for i := range manyTickets {
		want[uid(fmt.Sprint(site, i))] = fmt.Sprint([]string{"again ", "first ", "first "}[i%3], i)
	}
	var (
		mu     sync.Mutex // guards what follows, and want
		random = rand.New(rand.NewPCG(3, 3))
		asked  int
		two    = make(chan struct{})
	)
	own := &watched{small: 250}
	own.enter = func(since engine.Position) {
		if since.Began == 0 {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked == 2 {
			close(two)
		}
		if asked == 1 { // who reads alone waits here for good
			mu.Unlock()
			<-two
			mu.Lock()
		}
		if asked > 20 {
			return
		}
		title := fmt.Sprint("meanwhile ", asked)
		for _, id := range []string{uid(fmt.Sprint(site, random.IntN(manyTickets))), uid(fmt.Sprint(site, random.IntN(manyTickets)))} {
			w.write(site, changed(id, ticket(&roundsv1.Ticket{Title: title}), 1))
			want[id] = title
		}
		w.write(site, made(uid(title), ticket(&roundsv1.Ticket{Title: title})))
		want[uid(title)] = title
	}
	s := watch(w, own)
	if n := total(t, s, boss, site); n != len(want) {
		t.Errorf("%d tickets of %d", n, len(want))
	}
	got := foundTitles(t, w, s, boss)
	for id, title := range want {
		if got[id] != title {
			t.Errorf("%s is %q, not %q", id, got[id], title)
		}
	}
	if len(got) != len(want) || asked < 20 || s.Stats().Loads != 1 {
		t.Errorf("%d tickets of %d after %d pages and %d loads", len(got), len(want), asked, s.Stats().Loads)
	}
}

// TestTheBeginningGoesOn: who gives up does not lose what several readers have read, and a restore meanwhile begins anew.
func TestTheBeginningGoesOn(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	many(w)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	own := &watched{small: 250}
	own.enter = func(engine.Position) {
		if own.given.Load() >= manyTickets*2/3 {
			cancel()
		}
	}
	s := watch(w, own)
	_, err := s.ListTickets(ctx, boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}})
	if own := (*engine.Error)(nil); !errors.As(err, &own) || own.Kind != engine.Unavailable {
		t.Fatalf("it answered %v", err)
	}
	before := own.given.Load()
	if n := total(t, s, boss, site); n != manyTickets || s.Stats().Loads != 1 {
		t.Errorf("%d tickets of %d after %d loads", n, manyTickets, s.Stats().Loads)
	}
	if again := own.given.Load() - before; again >= manyTickets { // a third, and what readers met behind the ends of their spans
		t.Errorf("%d records of %d were read by who went on", again, manyTickets)
	}

	var mu sync.Mutex // guards asked
	asked := 0
	own.enter = func(engine.Position) {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked == 10 {
			if err := w.engine.NewEpoch(t.Context(), site); err != nil {
				t.Error(err)
			}
		}
	}
	s = watch(w, own)
	if n := total(t, s, boss, site); n != manyTickets || s.Stats().Loads != 2 {
		t.Errorf("%d tickets of %d after %d loads", n, manyTickets, s.Stats().Loads)
	}
}
