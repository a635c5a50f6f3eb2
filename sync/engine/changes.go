package engine

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// Epoch is drawn anew whenever a scope's past may have changed: after a restore from a backup.
type Epoch [8]byte

// Position is how far a follower of a scope's changes is. The zero Position is the beginning.
type Position struct {
	// Epoch of the scope when the changes were read.
	Epoch Epoch
	// Seq through which the follower has read.
	Seq journal.Seq
	// Began is the scope's seq when the follower began to read from the beginning, as long as it has not come to the end; else 0.
	Began journal.Seq
}

// ChangesLimits bound one page of changes. The zero value of a field means its default.
type ChangesLimits struct {
	// Records on the page. Default: 1,000.
	Records int
	// Bytes of their encoding; a page has at least one record, however large. Default: 1 MiB.
	Bytes int
}

// ChangesPage is what changed in a scope.
type ChangesPage struct {
	// Changes in the order of their versions: of each record that changed since, its present version, whole. Those that were deleted and those that were
	// evicted are among them, marked as such; an evicted one is whole too. They are the caller's.
	Changes []*roundsv1.Change
	// Position behind them: of a follower that takes them in, the next since.
	Position Position
	// Reset says that the follower has to forget what it holds of the scope first, and that these changes begin at the beginning: the scope's past is
	// another (a restore), or deletions are forgotten that the follower has not seen.
	Reset bool
	// More says that there was more than the limits let through: ask again.
	More bool
}

// Changes reads what changed in a scope since a position, for the server's own views in memory. The first page of a zero Position begins with all that
// is there. A commit that returned before the call is in it, unless the page is full. Where nothing is new it costs no transaction of the store. It asks
// for nobody's rights. An error is an *Error.
func (e *Engine) Changes(ctx context.Context, scope store.Scope, since Position, limits ChangesLimits) (*ChangesPage, error) {
	s := e.scope(scope)
	if at, known := s.knownPosition(); known && at == since {
		return &ChangesPage{Position: since}, nil
	}
	records, size := or(limits.Records, 1000), or(limits.Bytes, 1<<20)
	page := &ChangesPage{}
	generation := s.generation()
	err := e.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		head, err := readHead(r)
		if err != nil {
			return err
		}
		s.learn(generation, head)
		now := positionOf(head)
		// Who reads from the beginning has nothing of what was deleted before it began.
		page.Reset = since != Position{} && (since.Epoch != now.Epoch || since.Seq > now.Seq || uint64(or(since.Began, since.Seq)) < head.GetFloor())
		if page.Reset || since == (Position{}) {
			since = Position{Began: now.Seq}
		}
		page.Position = now
		for entry, err := range r.Scan(store.Span{From: seqKey(tableChange, uint64(since.Seq)+1), To: seqKey(tableChange, head.GetSeq()+1)}) {
			if err != nil {
				return err
			}
			seq, err := keySeq(entry.Key)
			if err != nil || len(entry.Value) == 0 {
				return errors.Join(errKey, err)
			}
			if n := len(page.Changes); n > 0 && (n >= records || size < len(entry.Value)) {
				page.More, page.Position.Seq, page.Position.Began = true, journal.Seq(page.Changes[n-1].GetVersion()), since.Began
				return nil
			}
			change := new(roundsv1.Change)
			if err := proto.Unmarshal(entry.Value[1:], change); err != nil {
				return fmt.Errorf("engine: change %d: %w", seq, err)
			}
			page.Changes = append(page.Changes, change)
			size -= len(entry.Value)
		}
		return nil
	})
	if err != nil {
		return nil, wrap(err)
	}
	return page, nil
}

// Position tells where a scope stands: who takes it as the next since of Changes follows what is committed from now on, and leaves out what is there. A commit
// that returned before the call is behind it. An error is an *Error.
func (e *Engine) Position(ctx context.Context, scope store.Scope) (Position, error) {
	s := e.scope(scope)
	if at, known := s.knownPosition(); known {
		return at, nil
	}
	var at Position
	generation := s.generation()
	err := e.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		head, err := readHead(r)
		if err != nil {
			return err
		}
		s.learn(generation, head)
		at = positionOf(head)
		return nil
	})
	if err != nil {
		return Position{}, wrap(err)
	}
	return at, nil
}

func positionOf(head *roundsv1.ScopeHead) Position {
	at := Position{Seq: journal.Seq(head.GetSeq())}
	copy(at.Epoch[:], head.GetEpoch())
	return at
}

// knownPosition returns where the scope stands, as far as that is known without asking the store.
func (s *scope) knownPosition() (Position, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stands == nil {
		return Position{}, false
	}
	return *s.stands, true
}

func (s *scope) generation() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}

// learn notes where the scope stands as a reader found it, unless a commit has ended since the reader noted the generation: the commit knows better.
func (s *scope) learn(generation uint64, head *roundsv1.ScopeHead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.commits == generation {
		at := positionOf(head)
		s.stands = &at
	}
}

// ended notes where the scope stands after a commit; nil where that is not known.
func (s *scope) ended(head *roundsv1.ScopeHead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	if s.stands = nil; head != nil {
		at := positionOf(head)
		s.stands = &at
	}
}
