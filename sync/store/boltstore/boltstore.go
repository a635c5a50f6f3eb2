// Package boltstore keeps a store in one file with bbolt (a B+ tree): the store of a device. It opens in milliseconds, takes
// little memory, and survives the death of the process and of the machine at any instruction.
//
// All Updates of a store take turns, also those of different scopes, and each has a sync of its own.
package boltstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// Format 1 of the file: the bucket "meta" holds "format"; the bucket "scopes" holds a bucket for each scope that has keys.
const (
	fileName   = "rounds.db"
	metaBucket = "meta"
	formatKey  = "format"
	formatName = "rounds store 1"
	scopesName = "scopes"
)

// growBytes is the step in which the file grows: small, since a device counts what an app takes.
const growBytes = 1 << 20

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

// Open opens the store in a directory. It answers store.ErrInUse, ErrReadOnly, ErrFull and ErrFormat.
func Open(cfg Config) (*Store, error) {
	s := &Store{cfg: cfg}
	if err := s.open(); err != nil {
		if s.db != nil {
			_ = s.db.Close()
		}
		return nil, fmt.Errorf("boltstore: open %s: %w", cfg.Dir, mediumError(err))
	}
	return s, nil
}

func (s *Store) open() error {
	path := filepath.Join(s.cfg.Dir, fileName)
	if s.cfg.ReadOnly {
		if _, err := os.Stat(path); err != nil {
			return err
		}
	} else if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         cmp.Or(s.cfg.LockTimeout, 50*time.Millisecond),
		ReadOnly:        s.cfg.ReadOnly,
		NoSync:          s.cfg.NoSync,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: cmp.Or(s.cfg.MapBytes, 256<<20),
	})
	switch {
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", store.ErrFormat, err)
	case err != nil:
		return err
	}
	s.db = db
	db.AllocSize = growBytes
	fresh := false
	if err := db.View(func(tx *bbolt.Tx) error {
		fresh, err = checkFormat(tx)
		return err
	}); err != nil || !fresh {
		return err
	}
	if s.cfg.ReadOnly {
		return fmt.Errorf("%w: the file holds nothing", store.ErrFormat)
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte(metaBucket))
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucket([]byte(scopesName)); err != nil {
			return err
		}
		return meta.Put([]byte(formatKey), []byte(formatName))
	}); err != nil {
		return err
	}
	if s.cfg.NoSync {
		return nil
	}
	return errors.Join(syncDir(s.cfg.Dir), syncDir(filepath.Dir(s.cfg.Dir)))
}

// syncDir makes the names in a directory durable: that of a new file is not by syncing the file.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		err = nil // a filesystem that keeps its names without being asked
	}
	return errors.Join(err, d.Close())
}

func checkFormat(tx *bbolt.Tx) (fresh bool, err error) {
	meta := tx.Bucket([]byte(metaBucket))
	if meta == nil {
		if key, _ := tx.Cursor().First(); key != nil {
			return false, fmt.Errorf("%w: the file holds no store of this program", store.ErrFormat)
		}
		return true, nil
	}
	if format := meta.Get([]byte(formatKey)); string(format) != formatName {
		return false, fmt.Errorf("%w: %q; this program knows %q", store.ErrFormat, format, formatName)
	}
	return false, nil
}

// mediumError tells an error of bbolt or of the operating system in the terms of package store.
func mediumError(err error) error {
	kind := error(nil)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrTimeout):
		kind = store.ErrInUse
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		kind = store.ErrFull
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM),
		errors.Is(err, bolterrors.ErrDatabaseReadOnly):
		kind = store.ErrReadOnly
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}

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

// reader reads the bucket of a scope, which is nil when it has no keys.
type reader struct{ bucket *bbolt.Bucket }

var _ store.Reader = reader{}

// Get implements store.Reader.
func (r reader) Get(key []byte) ([]byte, error) {
	if r.bucket == nil || len(key) == 0 {
		return nil, store.ErrNotFound
	}
	found, value := r.bucket.Cursor().Seek(key) // Bucket.Get does not tell an empty value from none
	if found == nil || !bytes.Equal(found, key) {
		return nil, store.ErrNotFound
	}
	return value, nil
}

// Scan implements store.Reader.
func (r reader) Scan(span store.Span) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) { scan(r.bucket, span, yield) }
}

func scan(bucket *bbolt.Bucket, span store.Span, yield func(store.Entry, error) bool) {
	if bucket == nil {
		return
	}
	c := bucket.Cursor()
	if span.Reverse {
		for key, value := last(c, span.To); key != nil && bytes.Compare(key, span.From) >= 0; key, value = c.Prev() {
			if !yield(store.Entry{Key: key, Value: value}, nil) {
				return
			}
		}
		return
	}
	key, value := c.Seek(span.From)
	for ; key != nil && (span.To == nil || bytes.Compare(key, span.To) < 0); key, value = c.Next() {
		if !yield(store.Entry{Key: key, Value: value}, nil) {
			return
		}
	}
}

// last moves to the greatest key less than to.
func last(c *bbolt.Cursor, to []byte) (key, value []byte) {
	if to != nil {
		if key, _ := c.Seek(to); key != nil {
			return c.Prev()
		}
	}
	return c.Last()
}

// writer writes the bucket of a scope, which it makes when it has to.
type writer struct {
	all     *bbolt.Bucket
	scope   store.Scope
	bucket  *bbolt.Bucket
	changed bool
	budget  guard.Budget
	err     error
}

var _ store.Writer = (*writer)(nil)

// Get implements store.Reader.
func (w *writer) Get(key []byte) ([]byte, error) { return reader{w.bucket}.Get(key) }

// Scan implements store.Reader.
func (w *writer) Scan(span store.Span) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) { scan(w.bucket, span, yield) }
}

// Set implements store.Writer.
func (w *writer) Set(key, value []byte) error {
	if err := w.budget.Spend(key, value); err != nil {
		return err
	}
	if w.bucket == nil && w.err == nil {
		w.bucket, w.err = w.all.CreateBucket([]byte(w.scope))
	}
	if w.err == nil {
		w.changed = true
		w.err = w.bucket.Put(key, value)
	}
	return w.err
}

// Delete implements store.Writer.
func (w *writer) Delete(key []byte) error {
	if err := w.budget.Spend(key, nil); err != nil {
		return err
	}
	if w.bucket == nil || w.err != nil {
		return w.err
	}
	w.changed = true
	w.err = w.bucket.Delete(key)
	return w.err
}
