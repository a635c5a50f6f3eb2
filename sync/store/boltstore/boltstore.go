// Package boltstore keeps a store in one file with bbolt (a B+ tree): the store of a device. It opens in milliseconds, takes
// little memory, and survives the death of the process and of the machine at any instruction.
//
// All Updates of a store take turns, also those of different scopes, and each has a sync of its own.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// Config says where and how a store is kept. Only Dir has to be given.
type Config struct {
	// Dir is the directory, made if it does not exist.
	Dir string
	// ReadOnly opens an existing directory for reading; several processes may do so at a time. Update and Drop answer
	// store.ErrReadOnly.
	ReadOnly bool
	// NoSync leaves out the syncs: what was committed survives the death of the process but not that of the machine. For tests.
	NoSync bool
	// LockTimeout is how long Open waits for another process to let go of the directory; 0 is 50 ms.
	LockTimeout time.Duration
	// MapBytes is the address space set aside for the file, in bytes; 0 is 256 MiB. A file that outgrows it is mapped anew, for
	// which an Update waits until no View runs.
	MapBytes int
}

// Store is a store.Store in a file.
type Store struct {
	cfg   Config
	db    *bbolt.DB
	gate  guard.Gate
	turns guard.Turns
}

var _ store.Store = (*Store)(nil)

// writers is the name of the one turn that all Updates take.
const writers = store.Scope("all")

// View implements store.Store.
func (s *Store) View(ctx context.Context, scope store.Scope, read func(store.Reader) error) error {
	if err := errors.Join(scope.Check(), ctx.Err()); err != nil {
		return err
	}
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	tx, err := s.db.Begin(false)
	if err != nil {
		return fmt.Errorf("boltstore: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	return read(reader{scopes(tx).Bucket([]byte(scope))})
}

func scopes(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(scopesName)) }

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, scope store.Scope, write func(store.Writer) error) error {
	return s.inTurn(ctx, scope, func(all *bbolt.Bucket) (changed bool, err error) {
		w := &writer{all: all, scope: scope, bucket: all.Bucket([]byte(scope))}
		if err := write(w); err != nil {
			return false, err
		}
		if err := errors.Join(w.budget.Err(), w.err); err != nil {
			return false, err
		}
		if w.bucket != nil && w.changed { // a scope without keys has no bucket
			if key, _ := w.bucket.Cursor().First(); key == nil {
				return true, all.DeleteBucket([]byte(scope))
			}
		}
		return w.changed, nil
	})
}

// Drop implements store.Store.
func (s *Store) Drop(ctx context.Context, scope store.Scope) error {
	return s.inTurn(ctx, scope, func(all *bbolt.Bucket) (changed bool, err error) {
		err = all.DeleteBucket([]byte(scope))
		if errors.Is(err, bolterrors.ErrBucketNotFound) {
			return false, nil
		}
		return true, err
	})
}

// inTurn waits for the turn of all writers, and commits what change did unless it failed or says that it did nothing.
func (s *Store) inTurn(ctx context.Context, scope store.Scope, change func(all *bbolt.Bucket) (bool, error)) error {
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
	giveBack, err := s.turns.Take(ctx, writers)
	if err != nil {
		return err
	}
	defer giveBack()
	tx, err := s.db.Begin(true)
	if err != nil {
		return fmt.Errorf("boltstore: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	changed, err := change(scopes(tx))
	if err != nil || !changed {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("boltstore: commit: %w", mediumError(err))
	}
	return nil
}

// Scopes implements store.Store.
func (s *Store) Scopes(ctx context.Context) (list []store.Scope, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.gate.Enter(); err != nil {
		return nil, err
	}
	defer s.gate.Leave()
	err = s.db.View(func(tx *bbolt.Tx) error {
		return scopes(tx).ForEachBucket(func(scope []byte) error {
			list = append(list, store.Scope(scope))
			return nil
		})
	})
	return list, err
}

// Close implements store.Store.
func (s *Store) Close() error {
	if !s.gate.Close() {
		return nil
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("boltstore: close %s: %w", s.cfg.Dir, err)
	}
	return nil
}
