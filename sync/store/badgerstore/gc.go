package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/rounds-sync/rounds/sync/store"
)

// janitor sweeps after each Drop and collects garbage at intervals, until its context ends.
func (s *Store) janitor(ctx context.Context) {
	defer close(s.janitored)
	if s.cfg.ReadOnly {
		return
	}
	tick := s.cfg.GCTick
	if tick == nil && s.cfg.GCInterval > 0 {
		ticker := time.NewTicker(s.cfg.GCInterval)
		defer ticker.Stop()
		tick = ticker.C
	}
	s.wake() // for what the last process left unswept
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
			s.sweeps.Lock()
			err = s.sweep(ctx)
			s.sweeps.Unlock()
		case <-tick:
			err = s.collect(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("collecting garbage", "dir", s.cfg.Dir, "err", err)
		}
	}
}

// wake has the janitor sweep soon.
func (s *Store) wake() {
	select {
	case s.kick <- struct{}{}:
	default: // it is awake already
	}
}

// CollectGarbage frees the bytes of dropped scopes, and of large values that were overwritten or deleted as far as badger
// knows of them. It also happens in the background.
func (s *Store) CollectGarbage(ctx context.Context) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if s.cfg.ReadOnly {
		return store.ErrReadOnly
	}
	return s.collect(ctx)
}

func (s *Store) collect(ctx context.Context) error {
	s.sweeps.Lock()
	defer s.sweeps.Unlock()
	if err := s.sweep(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		// Rewriting a value log file writes at most its live half anew.
		free, err := s.cfg.FreeBytes(s.cfg.Dir)
		if err != nil {
			return err
		}
		if int64(min(free, 1<<62)) < s.cfg.MinFreeBytes/2+2*store.MaxTransaction {
			return fmt.Errorf("%w: no room to rewrite the value log", store.ErrFull)
		}
		err = s.db.RunValueLogGC(0.5)
		if errors.Is(err, badger.ErrNoRewrite) || errors.Is(err, badger.ErrRejected) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("badgerstore: value log: %w", err)
		}
	}
	return ctx.Err()
}

// sweep deletes the keys of dropped spaces. It needs s.sweeps.
func (s *Store) sweep(ctx context.Context) error {
	for {
		sp, err := s.firstDropped()
		if err != nil || sp == 0 {
			return err
		}
		from := appendDataKey(nil, sp, nil)
		for from != nil {
			if err := ctx.Err(); err != nil {
				return err
			}
			if from, err = s.sweepSome(sp, from); err != nil {
				return err
			}
		}
	}
}

// firstDropped returns a dropped space, or 0 if there is none.
func (s *Store) firstDropped() (sp space, err error) {
	at := s.snapshots.acquire()
	defer s.snapshots.release(at)
	txn := s.db.NewTransactionAt(uint64(at), false)
	defer txn.Discard()
	it := txn.NewIterator(iteratorOptions([]byte{kindDropped}))
	defer it.Close()
	if it.Rewind(); it.Valid() {
		sp, err = decodeSpace(it.Item().Key()[1:])
	}
	return sp, err
}

// sweepSome deletes some keys of a dropped space beginning at from, and returns where to go on: nil when nothing is left, and then
// the space is forgotten too. It reads in a transaction of its own, so as not to hold on to an old moment.
func (s *Store) sweepSome(sp space, from []byte) (next []byte, err error) {
	at := s.snapshots.acquire()
	defer s.snapshots.release(at)
	txn := s.db.NewTransactionAt(uint64(at), false)
	defer txn.Discard()
	it := txn.NewIterator(iteratorOptions(appendDataKey(nil, sp, nil)))
	defer it.Close()
	var deletes []write
	for it.Seek(from); it.Valid(); it.Next() {
		if len(deletes) == 1000 {
			return it.Item().KeyCopy(nil), s.commit(deletes)
		}
		deletes = append(deletes, write{key: it.Item().KeyCopy(nil), delete: true})
	}
	return nil, s.commit(append(deletes, write{key: droppedKey(sp), delete: true}))
}
