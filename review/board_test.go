package review_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// watched is an engine that tells what is asked of it, and gives out small pages.
type watched struct {
	*engine.Engine
	loads  atomic.Int64 // reads from the beginning
	beside atomic.Int64 // reads under way
	most   atomic.Int64 // of them at once
	given  atomic.Int64 // records, but for those that only tell where others begin
	small  int
	enter  func(since engine.Position)
}

func (w *watched) Changes(ctx context.Context, scope store.Scope, since engine.Position, limits engine.ChangesLimits) (*engine.ChangesPage, error) {
	if n := w.beside.Add(1); n > w.most.Load() {
		w.most.Store(n)
	}
	defer w.beside.Add(-1)
	for range 20 {
		runtime.Gosched() // so that whoever does not wait for its turn is met here
	}
	if since == (engine.Position{}) {
		w.loads.Add(1)
	}
	if w.enter != nil {
		w.enter(since)
	}
	if err := ctx.Err(); err != nil {
		return nil, &engine.Error{Kind: engine.Unavailable, Cause: err}
	}
	if limits.Records == 1 {
		return w.Engine.Changes(ctx, scope, since, limits)
	}
	if w.small > 0 {
		limits.Records = w.small
	}
	page, err := w.Engine.Changes(ctx, scope, since, limits)
	if err == nil {
		w.given.Add(int64(len(page.Changes)))
	}
	return page, err
}

func watch(w *world, own *watched, change ...func(*review.Config)) *review.Service {
	w.t.Helper()
	own.Engine = w.engine
	cfg := review.Config{Records: own, Access: w, Key: make([]byte, 16), Now: w.clock}
	for _, f := range change {
		f(&cfg)
	}
	s, err := review.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

func total(t testing.TB, s *review.Service, caller engine.Caller, scopes ...store.Scope) int {
	t.Helper()
	req := &roundsv1.ListTicketsRequest{}
	for _, scope := range scopes {
		req.Scopes = append(req.Scopes, string(scope))
	}
	resp, err := s.ListTickets(context.Background(), caller, req)
	if err != nil {
		t.Fatal(err)
	}
	return int(resp.GetTotal())
}

func tickets(w *world, scope store.Scope, from, to int) {
	for i := from; i < to; i++ {
		w.write(scope, made(uid(fmt.Sprint(scope, i)), ticket(&roundsv1.Ticket{Title: "t"})))
	}
}

// TestOneLoads: of many who ask about a scope at once one reads it, and the others wait; what was committed before a question is in its answer.
func TestOneLoads(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	tickets(w, site, 0, 40)
	own := &watched{small: 7}
	s := watch(w, own)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if n := total(t, s, boss, site); n < 40 {
				t.Errorf("%d tickets of 40", n)
			}
		})
	}
	all.Wait()
	if n := own.loads.Load(); n != 1 {
		t.Errorf("the scope was read %d times", n)
	}
	if n := own.most.Load(); n != 1 {
		t.Errorf("%d read it at once", n)
	}
	if stats := s.Stats(); stats.Boards != 1 || stats.Loads != 1 || stats.Bytes == 0 {
		t.Errorf("stats %+v", stats)
	}
	for i := range 5 {
		tickets(w, site, 40+i, 41+i)
		if n := total(t, s, boss, site); n != 41+i {
			t.Errorf("%d tickets of %d", n, 41+i)
		}
	}
}

// TestLoadGoesOn: who gives up while a scope is read does not lose what was read: the next one goes on from there.
func TestLoadGoesOn(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	tickets(w, site, 0, 20)
	ctx, cancel := context.WithCancel(t.Context())
	own := &watched{small: 5}
	own.enter = func(since engine.Position) {
		if since.Seq >= 10 {
			cancel()
		}
	}
	s := watch(w, own)
	_, err := s.ListTickets(ctx, boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}})
	if own := (*engine.Error)(nil); !errors.As(err, &own) || own.Kind != engine.Unavailable {
		t.Fatalf("it answered %v", err)
	}
	if n := total(t, s, boss, site); n != 20 {
		t.Errorf("%d tickets of 20", n)
	}
	if n := own.loads.Load(); n != 1 {
		t.Errorf("the scope was read %d times from the beginning", n)
	}
}

// TestHalfReadBoardsAreBounded: what was read of scopes whose callers gave up counts, too, and goes when all take too much.
func TestHalfReadBoardsAreBounded(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	own := &watched{small: 5}
	s := watch(w, own, func(c *review.Config) { c.MaxBytes = 1 })
	for i := range 6 {
		scope := store.Scope("site/" + uid(fmt.Sprint("half ", i)))
		w.roles[string(boss.Person)][scope] = []roundsv1.Role{manager}
		tickets(w, scope, 0, 20)
		ctx, cancel := context.WithCancel(t.Context())
		own.enter = func(since engine.Position) {
			if since.Seq >= 10 {
				cancel()
			}
		}
		if _, err := s.ListTickets(ctx, boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(scope)}}); err == nil {
			t.Fatal("it answered")
		}
		cancel()
	}
	if stats := s.Stats(); stats.Boards != 1 || stats.Bytes == 0 {
		t.Errorf("of six boards that were read in part %+v stay, wanted the last one", stats)
	}
}

// TestEpoch: after a restore the board is built anew, and what is no longer there is not in it.
func TestEpoch(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	tickets(w, site, 0, 12)
	own := &watched{small: 5}
	s := watch(w, own)
	if n := total(t, s, boss, site); n != 12 {
		t.Fatalf("%d tickets of 12", n)
	}
	if err := w.engine.NewEpoch(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	tickets(w, site, 12, 14)
	if n := total(t, s, boss, site); n != 14 {
		t.Errorf("%d tickets of 14", n)
	}
	if n := s.Stats().Loads; n != 2 {
		t.Errorf("%d loads", n)
	}
}

// TestBounded: boards that were not asked for the longest time are dropped when all take too much; the one that is asked stays.
func TestBounded(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	var scopes []store.Scope
	for i := range 6 {
		scope := store.Scope("site/" + uid(fmt.Sprint("site ", i)))
		w.roles[string(boss.Person)][scope] = []roundsv1.Role{manager}
		scopes = append(scopes, scope)
		tickets(w, scope, 0, 10)
	}
	own := &watched{}
	whole := watch(w, own)
	total(t, whole, boss, scopes[0])
	one := whole.Stats().Bytes
	s := watch(w, own, func(c *review.Config) { c.MaxBytes = 3*one + one/2 })
	for _, scope := range scopes {
		total(t, s, boss, scope)
	}
	if stats := s.Stats(); stats.Boards != 3 || stats.Bytes > 3*one+one/2 {
		t.Errorf("%+v; one takes %d", stats, one)
	}
	loads := own.loads.Load()
	total(t, s, boss, scopes[5])
	total(t, s, boss, scopes[3])
	if own.loads.Load() != loads {
		t.Error("one that was asked lately was read again")
	}
	total(t, s, boss, scopes[0])
	if own.loads.Load() != loads+1 {
		t.Error("one that was dropped was not read again")
	}
	if n := total(t, s, boss, scopes...); n != 60 {
		t.Errorf("%d tickets of 60 in one question about more than is kept", n)
	}
	small := watch(w, own, func(c *review.Config) { c.MaxBytes = 1 })
	total(t, small, boss, scopes[0])
	total(t, small, boss, scopes[1])
	if stats := small.Stats(); stats.Boards != 1 {
		t.Errorf("%+v", stats)
	}
}

// TestSizeIsHonest: what a board says that it takes is not far from what the heap grows by.
func TestSizeIsHonest(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	large(w, 400)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for tries := 0; ; tries++ { // what other tests left behind may go in between
		before := heap()
		s := watch(w, &watched{})
		total(t, s, boss, site)
		grown, told := float64(heap())-float64(before), float64(s.Stats().Bytes)
		runtime.KeepAlive(s)
		switch {
		case told >= grown*0.6 && told <= grown*1.7:
			return
		case tries == 4:
			t.Fatalf("it says %.0f bytes, and the heap grew by %.0f", told, grown)
		}
	}
}

// TestBeside: many ask about everything while records are written; under the race detector this is what holds the locks to their word.
func TestBeside(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	r := rand.New(rand.NewPCG(5, 5))
	fill(w, r, 10)
	ids := []string{uid(fmt.Sprint(site, " ticket ", 1)), uid(fmt.Sprint(site, " ticket ", 2))}
	var asking sync.WaitGroup
	done := make(chan struct{})
	scopes := []string{string(site), string(farSite)}
	for i := range 4 {
		asking.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				var err error
				switch (n + i) % 5 {
				case 0:
					_, err = w.service.ListTickets(context.Background(), boss, &roundsv1.ListTicketsRequest{Scopes: scopes, Filter: &roundsv1.TicketFilter{Text: "漏"}})
				case 1:
					_, err = w.service.ReviewQueue(context.Background(), boss, &roundsv1.ReviewQueueRequest{Scopes: scopes})
				case 2:
					_, err = w.service.Inbox(context.Background(), boss, &roundsv1.InboxRequest{Scopes: scopes})
				case 3:
					_, err = w.service.Story(context.Background(), boss, &roundsv1.StoryRequest{Scope: scopes[0], Record: of("ticket", ids[0])})
				case 4:
					_, err = w.service.ListNotices(context.Background(), boss, &roundsv1.ListNoticesRequest{Scopes: scopes})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 60 {
		w.write(site, changed(ids[i%2], ticket(draw(r, w.clock())), 1, 40, 54),
			made(uid(fmt.Sprint("p", i)), photo(&roundsv1.Photo{Subject: of("ticket", ids[i%2]), Round: 1, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER})),
			made(uid(fmt.Sprint("q", i)), conflict(&roundsv1.Conflict{Subject: of("ticket", ids[i%2]), State: roundsv1.ConflictState_CONFLICT_STATE_OPEN})))
	}
	close(done)
	asking.Wait()
	w.service.Close()
	_, err := w.service.Inbox(t.Context(), boss, &roundsv1.InboxRequest{Scopes: scopes})
	if own := (*engine.Error)(nil); !errors.As(err, &own) || own.Kind != engine.Unavailable || own.Problem.GetSentence().GetZh() == "" {
		t.Errorf("after Close it answered %v", err)
	}
	if stats := w.service.Stats(); stats.Boards != 0 {
		t.Errorf("after Close %+v", stats)
	}
}

// TestConfig: all faults are told at once.
func TestConfig(t *testing.T) {
	_, err := review.New(review.Config{MaxBytes: -1})
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, part := range []string{"Records", "Access", "Now", "Key", "MaxBytes"} {
		if !contains(err.Error(), part) {
			t.Errorf("%q is not told in: %v", part, err)
		}
	}
}

// slow are records of which one is read slowly: something happens between its reading and the answer.
type slow struct {
	review.Records
	meanwhile func(kind merge.Kind, id string)
}

func (s *slow) Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	change, err := s.Records.Record(ctx, scope, kind, id)
	if s.meanwhile != nil {
		s.meanwhile(kind, string(id))
	}
	return change, err
}

// TestWhatIsKeptIsNeverOld: records that were read are kept until they change, and what changed while it was read is not kept.
func TestWhatIsKeptIsNeverOld(t *testing.T) {
	ctx := context.Background()
	records := &slow{}
	w := newWorld(t, func(c *review.Config) { records.Records, c.Records = c.Records, records })
	boss := w.person("boss", supervisor)
	w.write(site, made(uid("t"), ticket(&roundsv1.Ticket{Title: "one", State: pending, Round: 1, Completions: []*roundsv1.Completion{
		{Round: 1, PersonId: uid("worker"), PhotoIds: []string{uid("p")}}}})),
		made(uid("p"), photo(&roundsv1.Photo{Subject: of("ticket", uid("t")), Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Round: 1, Preview: []byte("small"),
			State: roundsv1.PhotoState_PHOTO_STATE_CLEAN})))
	reads := 0
	count := func(merge.Kind, string) { reads++ }
	records.meanwhile = count
	queue := func() *roundsv1.ReviewItem {
		t.Helper()
		resp, err := w.service.ReviewQueue(ctx, boss, &roundsv1.ReviewQueueRequest{Scopes: []string{string(site)}})
		if err != nil || len(resp.GetItems()) != 1 || len(resp.GetItems()[0].GetPhotos()) != 1 {
			t.Fatalf("%v %v", resp, err)
		}
		return resp.GetItems()[0]
	}
	first := queue()
	if reads == 0 || len(first.GetPhotos()[0].GetPhoto().GetPreview()) > 0 {
		t.Errorf("%d reads: %v", reads, first.GetPhotos()[0])
	}
	reads = 0
	if again := queue(); reads != 0 || !proto.Equal(again, first) {
		t.Errorf("%d reads for a page that did not change: %v", reads, again)
	}
	w.write(site, changed(uid("t"), ticket(&roundsv1.Ticket{Title: "two"}), 1))
	if title := queue().GetRow().GetRecord().GetTicket().GetTitle(); title != "two" || reads != 1 {
		t.Errorf("%q after %d reads", title, reads)
	}
	w.write(site, changed(uid("p"), photo(&roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_HARD}), 40))
	if item := queue(); item.GetPhotos()[0].GetPhoto().GetState() != roundsv1.PhotoState_PHOTO_STATE_HARD || bytes.Equal(item.GetDigest(), first.GetDigest()) {
		t.Errorf("the queue shows %v with the old digest", item.GetPhotos()[0].GetPhoto().GetState())
	}
	w.write(site, made(uid("q"), conflict(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, State: roundsv1.ConflictState_CONFLICT_STATE_OPEN,
		Subject: of("ticket", uid("t")), OwnerRole: supervisor, Sides: []*roundsv1.Side{{Record: of("ticket", uid("t"))}}})))
	for range 2 {
		reads = 0
		inbox, err := w.service.Inbox(ctx, boss, &roundsv1.InboxRequest{Scopes: []string{string(site)}})
		if err != nil || len(inbox.GetItems()) != 1 || inbox.GetItems()[0].GetSubjectTitle() != "two" {
			t.Fatalf("%v %v", inbox, err)
		}
	}
	if reads != 0 {
		t.Errorf("%d reads for an inbox that did not change", reads)
	}
	// While one call holds what it read, the ticket changes, and another call takes that in.
	w.write(site, changed(uid("t"), ticket(&roundsv1.Ticket{Title: "three"}), 1))
	records.meanwhile = func(kind merge.Kind, _ string) {
		if kind != "ticket" {
			return
		}
		records.meanwhile = count
		w.write(site, changed(uid("t"), ticket(&roundsv1.Ticket{Title: "four"}), 1))
		queue()
	}
	queue()
	if title := queue().GetRow().GetRecord().GetTicket().GetTitle(); title != "four" {
		t.Errorf("what was read before the change was kept: %q", title)
	}
}
