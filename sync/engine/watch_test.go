package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// stream is an open Watch of a phone.
type stream struct {
	t        *testing.T
	messages chan *roundsv1.WatchResponse
	ended    chan error
	stop     context.CancelFunc
}

// watch opens a stream; hold, if not nil, is received from before each message is taken, which makes a slow reader.
func (p *phone) watch(t *testing.T, hold chan struct{}) *stream {
	ctx, stop := context.WithCancel(context.Background())
	s := &stream{t: t, messages: make(chan *roundsv1.WatchResponse, 100), ended: make(chan error, 1), stop: stop}
	req := &roundsv1.WatchRequest{Cursors: []*roundsv1.ScopeCursor{{Scope: string(site), Cursor: p.cursors[site]}}}
	go func() {
		s.ended <- p.w.Watch(ctx, p.caller(), req, func(resp *roundsv1.WatchResponse) error {
			if hold != nil {
				<-hold
			}
			decoded, err := engine.Decoded(resp)
			s.messages <- decoded
			return err
		})
	}()
	return s
}

func (s *stream) next() *roundsv1.WatchResponse {
	s.t.Helper()
	select {
	case m := <-s.messages:
		return m
	case err := <-s.ended:
		s.ended <- err // for who asks how it ended
		select {
		case m := <-s.messages: // sent before the end
			return m
		default:
			s.t.Fatalf("the stream ended: %v", err)
		}
	case <-time.After(time.Hour): // of the test's own clock
		s.t.Fatal("nothing came")
	}
	return nil
}

func TestWatchSendsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newMemory())
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "before", Description: "d"}))
		a.sync()
		s := b.watch(t, nil)
		b.apply(s.next().GetPages()[0])
		if b.ticket(id(1)).GetTitle() != "before" {
			t.Fatalf("b has %v", b.ticket(id(1)))
		}
		for _, words := range []string{"one", "two", "three"} {
			a.do(site, id(1), title(words))
			a.sync()
			page := s.next().GetPages()[0]
			if got := page.GetChanges()[0].GetRecord().GetTicket(); got.GetDescription() != "" {
				t.Errorf("more than the delta: %v", got)
			}
			if b.apply(page); b.ticket(id(1)).GetTitle() != words {
				t.Fatalf("b has %v, want %s", b.ticket(id(1)), words)
			}
		}
		if beat := s.next(); len(beat.GetPages()) != 0 || beat.GetServerTimeUs() == 0 {
			t.Fatalf("no heartbeat: %v", beat)
		}
		s.stop()
		if err := <-s.ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if w.Watchers() != 0 {
			t.Fatal("the stream left something behind")
		}
	})
}

func TestSlowWatcherHoldsUpNobodyAndMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newMemory())
		a, slow := w.phone("a"), w.phone("slow")
		hold := make(chan struct{})
		s := slow.watch(t, hold)
		for n := range 200 {
			a.do(site, id(n%50), create(&roundsv1.Ticket{Title: "t"}))
			a.do(site, id(n%50), reading(n))
			a.sync() // returns although the stream is stuck
		}
		synctest.Wait()
		close(hold)
		for slow.cursors[site] == nil || len(slow.replicas[site]) < 50 || string(slow.cursors[site]) != string(a.cursors[site]) {
			slow.apply(s.next().GetPages()[0])
		}
		s.stop()
		<-s.ended
	})
}

func TestWatchEndsWithTheRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newMemory())
		a, b, c := w.phone("a"), w.phone("b"), w.phone("c")
		sb, sc := b.watch(t, nil), c.watch(t, nil)
		sb.next()
		sc.next()
		w.access.set(func(x *access) {
			x.until[b.person] = w.clock.Now()
			x.revoked[c.device] = roundsv1.Revocation_REVOCATION_IMMEDIATE
		})
		w.Recheck()
		if page := sb.next().GetPages()[0]; page.GetRevoked() != roundsv1.Revocation_REVOCATION_GRACEFUL {
			t.Fatalf("P8: %v", page)
		}
		if m := sc.next(); m.GetRevoked() != roundsv1.Revocation_REVOCATION_IMMEDIATE {
			t.Fatalf("P8: %v", m)
		}
		if err := <-sc.ended; err != nil {
			t.Fatal(err)
		}
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "secret"}))
		a.sync()
		if beat := sb.next(); len(beat.GetPages()) != 0 {
			t.Fatalf("P8: %v", beat)
		}
		sb.stop()
		<-sb.ended
	})
}

func TestCloseTellsWatchersToResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newMemory())
		a := w.phone("a")
		s := a.watch(t, nil)
		s.next()
		if err := w.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if m := s.next(); m.GetResumeAfter().AsDuration() <= 0 {
			t.Fatalf("not told to resume: %v", m)
		}
		if err := <-s.ended; err != nil {
			t.Fatal(err)
		}
		var refused *engine.Error
		if _, err := a.exchange(a.request(site)); !errors.As(err, &refused) || refused.Kind != engine.Unavailable {
			t.Fatalf("a closed engine answers %v", err)
		}
	})
}
