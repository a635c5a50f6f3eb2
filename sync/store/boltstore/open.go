package boltstore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/rounds-sync/rounds/sync/store"
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
