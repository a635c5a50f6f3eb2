package review

import (
	"context"
	"sync"
	"sync/atomic"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// What a board reads of the engine at once.
const (
	pageRecords = 2000
	pageBytes   = 2 << 20
)

// board is what the service remembers of one scope.
//
// There are two locks. turn is held while the engine is asked what is new, so that one call at a time reads it and the others, which need the same, wait: it
// is a channel, so that a call whose context ends waits no longer. mu guards what is there for reading: those who scan hold it for reading, beside each other;
// who holds turn takes it for writing only to put in a page that is decoded already. A board that is read from the beginning is built beside the one that is
// there, under turn alone, and stays if the call that began it goes away: the next one goes on.
type board struct {
	scope   store.Scope
	records Records
	loads   *atomic.Int64

	turn     chan struct{}   // holds one token while somebody has the turn
	building *content        // guarded by turn; nil: none is being built
	rest     *rest           // of what is being built, to be read by several readers; guarded by turn; nil: none is known
	position engine.Position // how far building has come, or where there is none, content; guarded by turn

	mu      sync.RWMutex
	content *content // guarded by mu; nil until it was built once
	recent  *recent

	used    int   // calls that hold it; guarded by boards.mu
	asked   int64 // when it was asked last, in calls; guarded by boards.mu
	counted int64 // bytes that boards.bytes counts of it; guarded by boards.mu
	bytes   atomic.Int64
}

func newBoard(scope store.Scope, records Records, loads *atomic.Int64) *board {
	return &board{scope: scope, records: records, loads: loads, turn: make(chan struct{}, 1), recent: newRecent()}
}

// follow takes in what was committed before the call.
func (b *board) follow(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return &engine.Error{Kind: engine.Unavailable, Cause: ctx.Err(), Problem: problem(0, "", "查询已取消。", "The query was given up.")}
	}
	defer func() { <-b.turn }()
	defer func() { b.bytes.Store(b.size()) }()
	for {
		if b.position == (engine.Position{}) && b.building == nil {
			b.begin()
		}
		if b.rest != nil {
			if err := b.readRest(ctx); err != nil {
				return err
			}
			b.recent.clear() // readers of the rest forget no record by itself
			reset := b.rest.reset
			if b.position, b.rest = b.rest.until, nil; reset {
				b.begin()
			}
		}
		page, err := b.records.Changes(ctx, b.scope, b.position, engine.ChangesLimits{Records: pageRecords, Bytes: pageBytes})
		if err != nil {
			return err
		}
		if page.Reset {
			b.begin()
		}
		if b.position == (engine.Position{}) {
			b.rest = restOf(page)
		}
		b.take(page)
		if !page.More && b.building != nil {
			b.mu.Lock()
			b.content, b.building = b.building, nil
			b.mu.Unlock()
		}
		if !page.More {
			return nil
		}
	}
}

// begin begins a content from the beginning. The caller has the turn.
func (b *board) begin() {
	b.building, b.rest, b.position = newContent(), nil, engine.Position{}
	b.loads.Add(1)
	b.recent.clear()
}

// size is what the board takes, bytes; also what is being built, which stays if its caller goes away. The caller has the turn.
func (b *board) size() int64 {
	sum := b.recent.size()
	for _, c := range []*content{b.content, b.building} {
		if c != nil {
			sum += c.size()
		}
	}
	return sum
}

// take puts a page in. The caller has the turn.
func (b *board) take(page *engine.ChangesPage) {
	defer func() { b.position = page.Position }()
	b.recent.forget(page.Changes)
	if b.building != nil {
		b.building.apply(page.Changes)
		return
	}
	if len(page.Changes) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.content.apply(page.Changes)
}

// read calls look with what is there. It must not keep it, nor wait for anything.
func (b *board) read(look func(*content)) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	look(b.content)
}

// boards are those of all scopes that were asked about.
type boards struct {
	records Records
	most    int64
	loads   atomic.Int64

	mu    sync.Mutex // guards what follows, and used and asked of each board
	of    map[store.Scope]*board
	calls int64
	bytes int64 // what all take, each as of when it was given back last
}

func newBoards(records Records, most int64) *boards {
	return &boards{records: records, most: most, of: map[store.Scope]*board{}}
}

// take returns the board of a scope, to be given back.
func (s *boards) take(scope store.Scope) *board {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of[scope]
	if b == nil {
		b = newBoard(scope, s.records, &s.loads)
		s.of[scope] = b
	}
	s.calls++
	b.used, b.asked = b.used+1, s.calls
	return b
}

// giveBack says that a call no longer looks at a board, and drops those that were not asked for the longest time while all take too much. The one that was
// asked last stays.
func (s *boards) giveBack(b *board) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.used--
	if s.of[b.scope] == b {
		size := b.bytes.Load()
		s.bytes, b.counted = s.bytes+size-b.counted, size
	}
	for s.bytes > s.most {
		var oldest, newest *board
		for _, one := range s.of {
			if newest == nil || one.asked > newest.asked {
				newest = one
			}
		}
		for _, one := range s.of {
			if one.used == 0 && one != newest && (oldest == nil || one.asked < oldest.asked) {
				oldest = one
			}
		}
		if oldest == nil {
			return
		}
		s.bytes -= oldest.counted
		delete(s.of, oldest.scope)
	}
}

// clear forgets all boards. Who looks at one goes on.
func (s *boards) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.of)
	s.bytes = 0
}

func (s *boards) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{Boards: len(s.of), Loads: s.loads.Load()}
	for _, b := range s.of {
		stats.Bytes += b.bytes.Load()
	}
	return stats
}

// apply takes in changes, in the order of their versions.
func (c *content) apply(changes []*roundsv1.Change) {
	for _, change := range changes {
		c.one(change)
	}
}
