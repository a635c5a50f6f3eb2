package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dgraph-io/badger/v4"

	"github.com/rounds-sync/rounds/sync/store"
)

// Open opens the store in a directory and finishes what a crash left half done. It answers store.ErrInUse, ErrReadOnly, ErrFull
// (there is too little room even to open) and ErrFormat.
func Open(cfg Config) (*Store, error) {
	s, err := open(cfg.withDefaults())
	if err != nil {
		return nil, openError(cfg.Dir, err)
	}
	return s, nil
}

func open(cfg Config) (s *Store, err error) {
	if err := prepare(cfg); err != nil {
		return nil, err
	}
	unlock, err := lockDir(cfg.Dir, cfg.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlock())
		}
	}()
	if err := removeStillborn(cfg); err != nil {
		return nil, err
	}
	db, err := badger.OpenManaged(cfg.badger())
	if err != nil {
		return nil, err
	}
	s = &Store{
		cfg:       cfg,
		db:        db,
		unlock:    unlock,
		queue:     make(chan *request, 256),
		committed: make(chan struct{}),
		kick:      make(chan struct{}, 1),
		janitored: make(chan struct{}),
	}
	s.committer = committer{
		store: s, db: db, last: stamp(db.MaxVersion()),
		maxBytes: db.MaxBatchSize() - db.MaxBatchSize()/16, maxWrites: db.MaxBatchCount() - 8,
	}
	db.SetDiscardTs(uint64(s.snapshots.publish(s.committer.last)))
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go s.committer.run(s.queue, s.committed)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.janitor(ctx)
	return s, nil
}

// prepare looks at the directory before badger touches it.
func prepare(cfg Config) error {
	if cfg.ReadOnly {
		_, err := os.Stat(cfg.Dir)
		return err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := writable(cfg.Dir); err != nil {
		return err
	}
	free, err := cfg.FreeBytes(cfg.Dir)
	if err != nil {
		return err
	}
	if int64(min(free, 1<<62)) < cfg.MinFreeBytes/4 {
		return fmt.Errorf("%w: opening needs %d bytes free, there are %d", store.ErrFull, cfg.MinFreeBytes/4, free)
	}
	return nil
}

// removeStillborn removes the empty log files that a process leaves which is killed while it makes or removes one. Badger would
// not open a directory with them. It needs the lock of the directory.
func removeStillborn(cfg Config) error {
	if cfg.ReadOnly || !locksItself {
		return nil
	}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if kind := filepath.Ext(entry.Name()); kind != ".mem" && kind != ".vlog" {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() == 0 {
			cfg.Logger.Info("removing an empty log file", "dir", cfg.Dir, "file", entry.Name())
			if err := os.Remove(filepath.Join(cfg.Dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// openError tells an error of opening in the terms of package store. Badger hides the system's errors in text.
func openError(dir string, err error) error {
	says := func(errno syscall.Errno) bool {
		return errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error())
	}
	kind := error(nil)
	switch {
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrFormat), errors.Is(err, store.ErrInUse):
	case strings.Contains(err.Error(), "Cannot acquire directory lock"):
		kind = store.ErrInUse
	case says(syscall.EROFS), says(syscall.EACCES), says(syscall.EPERM):
		kind = store.ErrReadOnly
	case says(syscall.ENOSPC), says(syscall.EDQUOT):
		kind = store.ErrFull
	}
	if kind != nil {
		return fmt.Errorf("badgerstore: open %s: %w: %w", dir, kind, err)
	}
	return fmt.Errorf("badgerstore: open %s: %w", dir, err)
}

// begin checks the format, or writes it into an empty directory, and reads what the store must know from the start.
func (s *Store) begin() error {
	txn := s.db.NewTransactionAt(uint64(s.snapshots.visible), false)
	defer txn.Discard()
	format, err := get(txn, formatKey())
	switch {
	case err == nil && string(format) != formatName:
		return fmt.Errorf("%w: %q; this program knows %q", store.ErrFormat, format, formatName)
	case errors.Is(err, store.ErrNotFound) && s.snapshots.visible == 0 && !s.cfg.ReadOnly:
		return s.committer.apply([]write{{key: formatKey(), value: []byte(formatName)}})
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w: the directory holds no store of this program", store.ErrFormat)
	case err != nil:
		return err
	}
	var greatest space
	if err := each(txn, []byte{kindScope}, func(_, value []byte) error {
		sp, err := decodeSpace(value)
		greatest = max(greatest, sp)
		return err
	}); err != nil {
		return err
	}
	if err := each(txn, []byte{kindDropped}, func(key, _ []byte) error {
		sp, err := decodeSpace(key[1:])
		greatest = max(greatest, sp)
		return err
	}); err != nil {
		return err
	}
	s.spaces.Store(uint64(greatest))
	return each(txn, []byte{kindLarge}, func(key, value []byte) error {
		if s.cfg.ReadOnly {
			return fmt.Errorf("%w: a transaction is half written; open for writing first", store.ErrReadOnly)
		}
		writes, err := decodeWrites(value)
		if err != nil {
			return err
		}
		return s.committer.finish(key, writes)
	})
}
