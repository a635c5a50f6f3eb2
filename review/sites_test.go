package review_test

import (
	"context"
	"fmt"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// sites writes so many small sites, each with some tickets, at which the caller is a manager.
func sites(w *world, caller engine.Caller, n, tickets int) []store.Scope {
	var all []store.Scope
	for i := range n {
		scope := store.Scope("site/" + uid(fmt.Sprint("small site ", i)))
		var list []engine.Derived
		for j := range tickets {
			list = append(list, made(uid(fmt.Sprint("ticket ", i, " ", j)), ticket(&roundsv1.Ticket{Title: fmt.Sprint("泵房漏水 ", j), AssigneeId: uid(fmt.Sprint("worker ", j%4))})))
		}
		w.write(scope, list...)
		w.mu.Lock()
		w.roles[string(caller.Person)][scope] = []roundsv1.Role{manager}
		w.mu.Unlock()
		all = append(all, scope)
	}
	return all
}

func asks(t testing.TB, s *review.Service, caller engine.Caller, scope store.Scope) {
	t.Helper()
	if _, err := s.ListTickets(context.Background(), caller, &roundsv1.ListTicketsRequest{Scopes: []string{string(scope)}}); err != nil {
		t.Fatal(err)
	}
}

// TestManySitesOneAfterTheOther: who asks about many sites, one after the other, does not have the service remember more than its bound: the sites that were asked
// about the longest time ago are forgotten, and are there again when they are asked about.
func TestManySitesOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	all := sites(w, boss, 60, 10)
	one, err := review.New(review.Config{Records: w.engine, Access: w, Key: make([]byte, 16), Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	asks(t, one, boss, all[0])
	each := one.Stats().Bytes
	s, err := review.New(review.Config{Records: w.engine, Access: w, Key: make([]byte, 16), Now: w.clock, MaxBytes: 10 * each})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		for _, scope := range all {
			asks(t, s, boss, scope)
			if stats := s.Stats(); stats.Bytes > 11*each || stats.Boards > 12 {
				t.Fatalf("%+v, of %d each", stats, each)
			}
		}
	}
	if stats := s.Stats(); stats.Loads != 120 || stats.Boards < 8 {
		t.Errorf("%+v", stats)
	}
}

// stuck is an engine that does not answer about one scope until it is let go.
type stuck struct {
	*engine.Engine
	at           store.Scope
	began, letGo chan struct{}
}

func (s *stuck) Changes(ctx context.Context, scope store.Scope, since engine.Position, limits engine.ChangesLimits) (*engine.ChangesPage, error) {
	if scope == s.at {
		close(s.began)
		<-s.letGo
	}
	return s.Engine.Changes(ctx, scope, since, limits)
}

// TestASiteThatIsReadHoldsUpNoOther: while one site's board is read, however long that takes, calls about others are answered, and so are the figures.
func TestASiteThatIsReadHoldsUpNoOther(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	all := sites(w, boss, 3, 2)
	own := &stuck{Engine: w.engine, at: all[0], began: make(chan struct{}), letGo: make(chan struct{})}
	s, err := review.New(review.Config{Records: own, Access: w, Key: make([]byte, 16), Now: w.clock, MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	done := make(chan error, 1)
	go func() {
		_, err := s.ListTickets(context.Background(), boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(all[0])}})
		done <- err
	}()
	select {
	case <-own.began:
	case err := <-done:
		t.Fatalf("nothing was read: %v", err)
	}
	asks(t, s, boss, all[1])
	asks(t, s, boss, all[2])
	if stats := s.Stats(); stats.Loads < 3 {
		t.Errorf("%+v", stats)
	}
	close(own.letGo)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// BenchmarkSites asks about many small sites, 20 tickets each: the first time, when each is read; then about one of them again and again, while all the others are
// remembered. The figures of the second are to be the same for one site and for all 6,600 of a company.
func BenchmarkSites(b *testing.B) {
	for _, n := range []int{1, 1000, 6600} {
		w := newWorld(b)
		boss := w.person("boss", manager)
		all := sites(w, boss, n, 20)
		fresh := func() *review.Service {
			s, err := review.New(review.Config{Records: w.engine, Access: w, Key: make([]byte, 16), Now: w.clock})
			if err != nil {
				b.Fatal(err)
			}
			return s
		}
		b.Run(fmt.Sprintf("first/%d", n), func(b *testing.B) {
			for b.Loop() {
				s := fresh()
				for _, scope := range all {
					asks(b, s, boss, scope)
				}
				b.ReportMetric(float64(s.Stats().Bytes)/float64(n), "bytes/site")
				b.ReportMetric(float64(s.Stats().Boards), "boards")
				s.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/site")
		})
		b.Run(fmt.Sprintf("again/%d", n), func(b *testing.B) {
			s := fresh()
			defer s.Close()
			for _, scope := range all {
				asks(b, s, boss, scope)
			}
			b.ResetTimer()
			for b.Loop() {
				asks(b, s, boss, all[0])
			}
		})
	}
}
