package schedule

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rounds-sync/rounds/sync/store"
)

const (
	// never is later than everything that is due, microseconds.
	never int64 = math.MaxInt64
	// gather is how long hints come together before their scopes are looked through.
	gather = 50 * time.Millisecond
	// longestSleep bounds a sleep, so that a server's clock that jumps is noticed. Waking up reads nothing.
	longestSleep = time.Minute
	// firstRest and longestRest bound how long a scope or a record rests that could not be done. It doubles with each failure.
	firstRest   = time.Second
	longestRest = time.Hour
	// allAfter is how long changes of what an organisation shares come together: they may concern every site.
	allAfter = time.Minute
	// mostPasses bounds what one Tick goes through.
	mostPasses = 1000
)

// Worker does what is due. Its methods may be called from any number of goroutines, but Run and Tick one at a time.
type Worker struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // holds one when there may be something to do

	mu    sync.Mutex // guards what follows
	known map[store.Scope]*place
	heap  timers
	dirty map[store.Scope]struct{}
	allAt int64 // when all scopes are to be looked through, microseconds; 0: no need
	stats Stats
}

// place is what is known of a scope: all of it can be lost. Only who looks through the scope touches failures and what follows.
type place struct {
	scope    store.Scope
	at       int64 // when its earliest is due, microseconds; never: nothing is
	pos      int   // in the heap; -1: not in it
	failures int   // in a row
	rests    map[string]rest
	through  uint64 // the version through which tickets were held against each other
	asked    follower
	aging    aging
}

// aging is when the earliest notice of a scope is old: whatever is told later is old later, so nothing is read before that. The zero aging knows of none.
type aging struct {
	life, next int64
}

// rest is how long an entry of an index is passed over, because it was done or could not be done.
type rest struct {
	until    int64
	failures int
}

// New makes a Worker. It reads nothing until Run or Tick. The error tells everything that is missing in the Config.
func New(cfg Config) (*Worker, error) {
	cfg, err := cfg.whole()
	if err != nil {
		return nil, err
	}
	return &Worker{cfg: cfg, log: cfg.Logger, wake: make(chan struct{}, 1), known: map[store.Scope]*place{}, dirty: map[store.Scope]struct{}{}}, nil
}

// Changed says that a scope may hold something to do. It is cheap and never blocks: engine.Config.Committed may be this. Of scopes that hold no work, nothing is
// looked at; what an organisation shares may concern each of its sites, so they are looked through, a minute later at the latest.
func (w *Worker) Changed(scope store.Scope) {
	class, _, _ := strings.Cut(string(scope), "/")
	w.mu.Lock()
	switch {
	case class == "site":
		w.dirty[scope] = struct{}{}
	case class == "org" && w.allAt == 0:
		w.allAt = w.cfg.Now().Add(allAfter).UnixMicro()
	default:
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run does what is due, each thing when it is, until ctx ends. At its beginning it reads of each scope what is due first; after that, of those that Changed
// named. What fails is tried again, later each time.
func (w *Worker) Run(ctx context.Context) {
	for failures := 0; ; failures++ {
		err := w.markAll(ctx)
		if err == nil {
			break
		}
		if ctx.Err() == nil {
			w.log.Error("reading the scopes failed", "error", err)
		}
		if !w.sleep(ctx, min(firstRest<<min(failures, 6), longestSleep), nil) {
			return
		}
	}
	for ctx.Err() == nil {
		w.pass(ctx, w.cfg.Workers)
		if !w.sleep(ctx, w.until(), w.wake) {
			return
		}
		// Hints come in groups, and a commit of the Worker is one too.
		if w.hinted() && !w.sleep(ctx, gather, nil) {
			return
		}
	}
}

// Tick does all that is due now in all scopes, each thing once, on the caller's goroutine, and what becomes due by that. It is for tests and simulations, which set
// the clock themselves. The error joins those of what failed; a later Tick tries it again.
func (w *Worker) Tick(ctx context.Context) error {
	if err := w.markAll(ctx); err != nil {
		return err
	}
	var faults []error
	for range mostPasses {
		did, err := w.pass(ctx, 1)
		if err != nil {
			faults = append(faults, err)
		}
		if did == 0 && w.until() > 0 || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(faults, ctx.Err())...)
}

// Next is when something is due next, as far as is known; the zero time where nothing is.
func (w *Worker) Next() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.heap) == 0 {
		return time.Time{}
	}
	return time.UnixMicro(w.heap[0].at)
}

func (w *Worker) markAll(ctx context.Context) error {
	scopes, err := w.cfg.Scopes(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, scope := range scopes {
		if strings.HasPrefix(string(scope), "site/") {
			w.dirty[scope] = struct{}{}
		}
	}
	return nil
}

// sleep waits for a time, or until woken; false: ctx ended.
func (w *Worker) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}

// hinted: whether Changed named a scope.
func (w *Worker) hinted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.dirty) > 0
}

// until is how long there is nothing to do.
func (w *Worker) until() time.Duration {
	now := w.cfg.Now().UnixMicro()
	w.mu.Lock()
	defer w.mu.Unlock()
	d := longestSleep
	if len(w.heap) > 0 {
		d = min(d, time.Duration(min(w.heap[0].at-now, longestSleep.Microseconds()))*time.Microsecond)
	}
	if w.allAt != 0 {
		d = min(d, time.Duration(w.allAt-now)*time.Microsecond)
	}
	if len(w.dirty) > 0 {
		d = min(d, gather)
	}
	return max(d, 0)
}

// take returns the scopes that have something due or were named, in their order.
func (w *Worker) take(now int64) []*place {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.allAt != 0 && w.allAt <= now {
		w.allAt = 0
		for scope := range w.known {
			w.dirty[scope] = struct{}{}
		}
	}
	for len(w.heap) > 0 && w.heap[0].at <= now {
		p := heap.Pop(&w.heap).(*place)
		w.dirty[p.scope] = struct{}{}
	}
	places := make([]*place, 0, len(w.dirty))
	for _, scope := range slices.Sorted(maps.Keys(w.dirty)) {
		p := w.known[scope]
		if p == nil {
			p = &place{scope: scope, at: never, pos: -1}
			w.known[scope] = p
		}
		places = append(places, p)
	}
	clear(w.dirty)
	return places
}

// set notes when a scope's earliest is due.
func (w *Worker) set(p *place, at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.at = at
	switch {
	case at == never && p.pos >= 0:
		heap.Remove(&w.heap, p.pos)
	case at == never:
	case p.pos >= 0:
		heap.Fix(&w.heap, p.pos)
	default:
		heap.Push(&w.heap, p)
	}
}

// pass looks once through all scopes that have something due or were named. It returns how many things it did.
func (w *Worker) pass(ctx context.Context, workers int) (did int, err error) {
	places := w.take(w.cfg.Now().UnixMicro())
	if workers == 1 || len(places) < 2 {
		for _, p := range places {
			n, fault := w.visit(ctx, p)
			did, err = did+n, errors.Join(err, fault)
		}
		return did, err
	}
	var group sync.WaitGroup
	var mu sync.Mutex // guards did and err
	next := make(chan *place)
	for range min(workers, len(places)) {
		group.Go(func() {
			for p := range next {
				n, fault := w.visit(ctx, p)
				mu.Lock()
				did, err = did+n, errors.Join(err, fault)
				mu.Unlock()
			}
		})
	}
	for _, p := range places {
		next <- p
	}
	close(next)
	group.Wait()
	return did, err
}

// visit does what a scope has due, and notes when the next is.
func (w *Worker) visit(ctx context.Context, p *place) (did int, err error) {
	if ctx.Err() != nil {
		w.mu.Lock()
		w.dirty[p.scope] = struct{}{}
		w.mu.Unlock()
		return 0, nil
	}
	next, did, broken, err := w.look(ctx, p)
	if !broken {
		p.failures = 0
		w.set(p, next)
		if did > 0 { // what was done may have made more due, and the hint of its commit may be late
			w.mu.Lock()
			w.dirty[p.scope] = struct{}{}
			w.mu.Unlock()
		}
		return did, err
	}
	// The scope as a whole could not be read or written.
	w.set(p, w.cfg.Now().Add(restAfter(p.failures)).UnixMicro())
	p.failures++
	if ctx.Err() != nil {
		return did, nil
	}
	w.count(func(s *Stats) { s.Failures++ })
	w.log.Error("looking through a scope failed", "scope", string(p.scope), "failures", p.failures, "error", err)
	return did, err
}

func restAfter(failures int) time.Duration {
	return min(firstRest<<min(failures, 20), longestRest)
}

// timers is a heap of scopes by when their earliest is due. It implements heap.Interface.
type timers []*place

var _ heap.Interface = (*timers)(nil)

// Len implements sort.Interface.
func (t timers) Len() int { return len(t) }

// Less implements sort.Interface.
func (t timers) Less(i, j int) bool { return t[i].at < t[j].at }

// Swap implements sort.Interface.
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].pos, t[j].pos = i, j
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	p := x.(*place)
	p.pos = len(*t)
	*t = append(*t, p)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	old := *t
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	p.pos = -1
	return p
}
