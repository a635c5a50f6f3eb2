// Package memstore is a store in memory, made for tests and simulations: deterministic, without goroutines of its own, cheap to
// make by the thousand, with crashes and faults on demand, and strict about the protocol of package store: what a lenient store
// would let pass, it answers with a panic that says what was done wrong.
package memstore

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// Config makes a store. The zero value is a store without faults.
type Config struct {
	// Fault, if not nil, decides what becomes of each step of each call. It is called from the goroutine of that call, without
	// a lock held, and so from several at a time if the store is used so.
	Fault func(Op) Fault
	// Unsynced makes a liar of the store: Update and Drop return before their writes are durable, which they become only when
	// Sync is called. A crash loses the rest. It stands for a medium or a store that skips the fsync, and serves to prove that
	// a test would notice.
	Unsynced bool
	// Paranoid hands out copies of all keys and values, compares and overwrites them when they cease to be valid, and compares
	// what it was given when the transaction ends: whoever keeps or changes a slice against the contract is found out. It
	// costs about three times the time.
	Paranoid bool
}

// Store is a store.Store in memory.
type Store struct {
	cfg   Config
	gate  guard.Gate
	turns guard.Turns
	ops   atomic.Uint64

	mu      sync.Mutex // guards all below
	crashed bool
	current *spaces
	durable *spaces // the same as current unless Config.Unsynced
}

var _ store.Store = (*Store)(nil)

type spaces = btree.Map[store.Scope, *space]

// space is the committed content of one scope: a tree that nobody changes any more, shared by the stores cloned from each other.
type space struct {
	forking sync.Mutex // copying a tree marks the original
	tree    *btree.BTreeG[item]
}

// item is a key with its value; neither is ever changed.
type item struct{ key, value []byte }

func newTree() *btree.BTreeG[item] {
	less := func(a, b item) bool { return bytes.Compare(a.key, b.key) < 0 }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true, Degree: 8})
}

// fork returns a tree with the content of the space that may be changed.
func (sp *space) fork() *btree.BTreeG[item] {
	if sp == nil {
		return newTree()
	}
	sp.forking.Lock()
	defer sp.forking.Unlock()
	return sp.tree.Copy()
}

// New returns an empty store.
func New(cfg Config) *Store {
	s := &Store{cfg: cfg, current: new(spaces)}
	s.durable = s.current
	if cfg.Unsynced {
		s.durable = new(spaces)
	}
	return s
}

// Crash ends this store where it stands, as a power cut would, and returns a new one, with the same Config, that holds just
// what was durable at that instant. A store that a Fault crashed before is found as it was then.
func (s *Store) Crash() *Store {
	s.crash()
	return s.Clone()
}

// Clone returns a new store, with the same Config, that holds what is durable in this one, which goes on. It takes the same
// short time however much the store holds.
func (s *Store) Clone() *Store { return s.CloneWith(s.cfg) }

// CloneWith is Clone with another Config.
func (s *Store) CloneWith(cfg Config) *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := New(cfg)
	c.ops.Store(s.ops.Load())
	c.current = s.durable.Copy()
	c.durable = c.current
	if cfg.Unsynced {
		c.durable = c.current.Copy()
	}
	return c
}

// Sync makes everything durable that was committed. It matters only with Config.Unsynced.
func (s *Store) Sync() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Unsynced && !s.crashed {
		s.durable = s.current.Copy()
	}
}

// Steps returns the N of the last Op. It stays 0 without Config.Fault.
func (s *Store) Steps() uint64 { return s.ops.Load() }

func (s *Store) crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashed = true
}

func (s *Store) alive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crashed {
		return ErrCrashed
	}
	return nil
}

// enter begins a call.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.alive(); err != nil {
		return err
	}
	return s.gate.Enter()
}

func (s *Store) space(scope store.Scope) *space {
	s.mu.Lock()
	defer s.mu.Unlock()
	sp, _ := s.current.Get(scope)
	return sp
}

// publish makes sp the content of scope, unless the store has crashed.
func (s *Store) publish(scope store.Scope, sp *space) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crashed {
		return ErrCrashed
	}
	if sp == nil || sp.tree.Len() == 0 {
		s.current.Delete(scope)
	} else {
		s.current.Set(scope, sp)
	}
	return nil
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, scope store.Scope, read func(store.Reader) error) error {
	if err := scope.Check(); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.gate.Leave()
	if err := s.readFault(StepView, scope); err != nil {
		return err
	}
	t := &tx{store: s, scope: scope}
	if sp := s.space(scope); sp != nil {
		t.tree = sp.tree
	}
	defer t.end()
	return read(reader{t})
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, scope store.Scope, write func(store.Writer) error) error {
	if err := scope.Check(); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.gate.Leave()
	giveBack, err := s.turns.Take(ctx, scope)
	if err != nil {
		return err
	}
	defer giveBack()
	if err := s.readFault(StepUpdate, scope); err != nil {
		return err
	}
	t := &tx{store: s, scope: scope}
	if t.base = s.space(scope); t.base != nil {
		t.tree = t.base.tree
	}
	if err := t.run(write); err != nil {
		return err
	}
	if err := t.budget.Err(); err != nil {
		return err
	}
	if t.writes == 0 {
		return s.alive()
	}
	return s.writeStep(StepCommit, scope, t.writes, func() error {
		return s.publish(scope, &space{tree: t.tree})
	})
}

// Scopes implements store.Store.
func (s *Store) Scopes(ctx context.Context) ([]store.Scope, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.gate.Leave()
	if err := s.readFault(StepScopes, ""); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.Keys(), nil
}

// Drop implements store.Store.
func (s *Store) Drop(ctx context.Context, scope store.Scope) error {
	if err := scope.Check(); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.gate.Leave()
	giveBack, err := s.turns.Take(ctx, scope)
	if err != nil {
		return err
	}
	defer giveBack()
	return s.writeStep(StepDrop, scope, 1, func() error { return s.publish(scope, nil) })
}

// Close implements store.Store. What was written stays in memory: Clone of a closed store opens it again.
func (s *Store) Close() error {
	s.gate.Close()
	return nil
}
