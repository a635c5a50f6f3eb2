package auth

import (
	"container/heap"
	"context"
	"sync"
)

// Change says that what somebody may do, or the state of a device, may have become another. It is a hint to look again.
type Change struct {
	// Person is who it is about; empty: everybody.
	Person PersonID
	// Device is the one device that it is about; empty: all of that person.
	Device DeviceID
}

// maxPending bounds what waits for a subscriber; beyond it one Change about everybody stands for all.
const maxPending = 4096

// Subscription hears of changes. Changes that nobody has taken yet are held once each, so none is lost and a slow subscriber holds
// up nobody.
type Subscription struct {
	hub    *hub
	ready  chan struct{}
	mu     sync.Mutex // guards pending
	waits  map[Change]struct{}
	closed chan struct{}
	once   sync.Once
}

// Subscribe begins to hear of changes: suspensions, grants, moves of nodes and revocations, also those that take effect by the clock
// while Run runs. One subscription serves a whole server. Close it when done.
func (a *Authority) Subscribe() *Subscription {
	s := &Subscription{hub: &a.hub, ready: make(chan struct{}, 1), waits: map[Change]struct{}{}, closed: make(chan struct{})}
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	if a.hub.subscribers == nil {
		a.hub.subscribers = map[*Subscription]struct{}{}
	}
	a.hub.subscribers[s] = struct{}{}
	return s
}

// Next waits for changes and returns those that came since the last call, in no order. By then MayRead, DeviceState and the like
// tell of them. Its error is the context's, or ErrClosed after Close. One goroutine calls it at a time.
func (s *Subscription) Next(ctx context.Context) ([]Change, error) {
	for {
		select {
		case <-s.closed:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.ready:
		}
		s.mu.Lock()
		list := make([]Change, 0, len(s.waits))
		for c := range s.waits {
			list = append(list, c)
		}
		clear(s.waits)
		s.mu.Unlock()
		if len(list) > 0 {
			return list, nil
		}
	}
}

// Close ends the subscription. It may be called more than once and from any goroutine.
func (s *Subscription) Close() {
	s.once.Do(func() {
		s.hub.mu.Lock()
		delete(s.hub.subscribers, s)
		s.hub.mu.Unlock()
		close(s.closed)
	})
}

func (s *Subscription) add(changes []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, all := s.waits[Change{}]; !all {
		for _, c := range changes {
			if c == (Change{}) || len(s.waits) >= maxPending {
				clear(s.waits)
				s.waits[Change{}] = struct{}{}
				break
			}
			s.waits[c] = struct{}{}
		}
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// hub tells subscribers.
type hub struct {
	mu          sync.Mutex // guards subscribers
	subscribers map[*Subscription]struct{}
}

func (h *hub) tell(changes []Change) {
	if len(changes) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subscribers {
		s.add(changes)
	}
}

// bound is a moment at which the rights of a person change by themselves.
type bound struct {
	at     int64
	person uid
}

// calendar holds the bounds to come, the nearest first.
type calendar struct {
	mu     sync.Mutex // guards bounds
	bounds boundHeap
}

// add notes those ends of a span that lie ahead.
func (c *calendar) add(person uid, s span, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range [2]int64{s.from, s.until} {
		if at > now && at != forever {
			heap.Push(&c.bounds, bound{at, person})
		}
	}
}

// due takes out what has come.
func (c *calendar) due(now int64) []Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Change
	for len(c.bounds) > 0 && c.bounds[0].at <= now {
		list = append(list, Change{Person: PersonID(heap.Pop(&c.bounds).(bound).person.String())})
	}
	return list
}

func (c *calendar) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bounds = nil
}

type boundHeap []bound

func (h boundHeap) Len() int           { return len(h) }
func (h boundHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h boundHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *boundHeap) Push(b any)        { *h = append(*h, b.(bound)) }
func (h *boundHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

var _ heap.Interface = (*boundHeap)(nil)
