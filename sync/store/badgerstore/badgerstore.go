// Package badgerstore keeps a store in a directory with Badger (an LSM tree): the store of a server on a single machine.
//
// Commits of different scopes that come together share one write and one sync of the medium. A View reads the latest durable
// moment and waits for nobody. One process at a time may have the directory open for writing.
//
// # A full disk
//
// Badger writes through memory maps of files with holes, and a process that writes into a hole for which the disk has no room
// is killed (SIGBUS). So the store looks at the free space before each commit, and refuses with store.ErrFull while there is
// less than a reserve (Config.MinFreeBytes). The reserve is what badger may still need in the background for what it has
// already taken; whoever else writes to the same filesystem must leave it alone. Reading goes on, and so does writing once
// there is room again.
package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// Store is a store.Store in a directory.
type Store struct {
	cfg  Config
	db   *badger.DB
	gate guard.Gate
	// unlock lets go of the directory.
	unlock func() error

	turns     guard.Turns
	snapshots snapshots
	spaces    atomic.Uint64 // the last space given out

	queue     chan *request
	committed chan struct{} // closed when the committer has ended
	committer committer

	sweeps    sync.Mutex    // held by the one round of CollectGarbage
	kick      chan struct{} // wakes the janitor after a Drop
	stop      context.CancelFunc
	janitored chan struct{} // closed when the janitor has ended
}

var _ store.Store = (*Store)(nil)

// View implements store.Store.
func (s *Store) View(ctx context.Context, scope store.Scope, read func(store.Reader) error) error {
	if err := errors.Join(scope.Check(), ctx.Err()); err != nil {
		return err
	}
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	r, end, err := s.reader(scope)
	if err != nil {
		return err
	}
	defer end()
	return read(r)
}

// reader begins to read a scope. The caller calls end.
func (s *Store) reader(scope store.Scope) (r *reader, end func(), err error) {
	at := s.snapshots.acquire()
	txn := s.db.NewTransactionAt(uint64(at), false)
	end = func() {
		txn.Discard()
		s.snapshots.release(at)
	}
	sp, err := lookup(txn, scope)
	if err != nil {
		end()
		return nil, nil, err
	}
	return &reader{txn: txn, space: sp}, end, nil
}

// lookup returns the space of a scope, 0 if it has none.
func lookup(txn *badger.Txn, scope store.Scope) (space, error) {
	value, err := get(txn, scopeKey(scope))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return decodeSpace(value)
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, scope store.Scope, update func(store.Writer) error) error {
	return s.inTurn(ctx, scope, func(r *reader) ([]write, error) {
		w := &writer{reader: r}
		if r.space == 0 { // if it writes, the scope begins with it
			w.target = space(s.spaces.Add(1))
		} else {
			w.target = r.space
		}
		if err := update(w); err != nil {
			return nil, err
		}
		if err := w.budget.Err(); err != nil {
			return nil, err
		}
		writes := w.writes()
		if r.space == 0 && len(writes) > 0 {
			writes = append(writes, write{key: scopeKey(scope), value: encodeSpace(w.target)})
		}
		return writes, nil
	})
}

// Drop implements store.Store. The keys are gone at once; their bytes are freed in the background.
func (s *Store) Drop(ctx context.Context, scope store.Scope) error {
	err := s.inTurn(ctx, scope, func(r *reader) ([]write, error) {
		if r.space == 0 {
			return nil, nil
		}
		return []write{{key: scopeKey(scope), delete: true}, {key: droppedKey(r.space)}}, nil
	})
	if err == nil {
		s.wake()
	}
	return err
}

// inTurn waits for the scope's turn, calls decide, and commits what that returns.
func (s *Store) inTurn(ctx context.Context, scope store.Scope, decide func(*reader) ([]write, error)) error {
	if err := errors.Join(scope.Check(), ctx.Err()); err != nil {
		return err
	}
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if s.cfg.ReadOnly {
		return store.ErrReadOnly
	}
	giveBack, err := s.turns.Take(ctx, scope)
	if err != nil {
		return err
	}
	defer giveBack()
	writes, err := func() ([]write, error) {
		r, end, err := s.reader(scope)
		if err != nil {
			return nil, err
		}
		defer end()
		return decide(r)
	}()
	if err != nil || len(writes) == 0 {
		return err
	}
	return s.commit(writes)
}

// Scopes implements store.Store.
func (s *Store) Scopes(ctx context.Context) ([]store.Scope, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.gate.Enter(); err != nil {
		return nil, err
	}
	defer s.gate.Leave()
	at := s.snapshots.acquire()
	defer s.snapshots.release(at)
	txn := s.db.NewTransactionAt(uint64(at), false)
	defer txn.Discard()
	return scopes(txn)
}

func scopes(txn *badger.Txn) (list []store.Scope, err error) {
	data := txn.NewIterator(iteratorOptions([]byte{kindData}))
	defer data.Close()
	err = each(txn, []byte{kindScope}, func(key, value []byte) error {
		sp, err := decodeSpace(value)
		if err != nil {
			return err
		}
		prefix := appendDataKey(nil, sp, nil)
		if data.Seek(prefix); data.ValidForPrefix(prefix) {
			list = append(list, store.Scope(key[1:]))
		}
		return nil
	})
	return list, err
}

// Close implements store.Store.
func (s *Store) Close() error {
	if !s.gate.Close() {
		return nil
	}
	s.stop()
	<-s.janitored
	close(s.queue)
	<-s.committed
	if err := errors.Join(s.db.Close(), s.unlock()); err != nil {
		return fmt.Errorf("badgerstore: close %s: %w", s.cfg.Dir, err)
	}
	return nil
}

// Size returns what the directory takes on the disk, in bytes.
func (s *Store) Size() (int64, error) {
	var total int64
	err := filepath.WalkDir(s.cfg.Dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += bytesOnDisk(info)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // a file that badger removed meanwhile
		err = nil
	}
	return total, err
}
