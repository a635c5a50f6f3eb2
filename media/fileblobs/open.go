package fileblobs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

// format is what the file of that name says. A later version of the layout gets another number, and this one does not touch it.
const format = "rounds fileblobs 1\n"

const (
	formatName  = "format"
	tempName    = "tmp"
	uploadsName = "uploads"
)

// Open opens a folder, or makes one. It answers media.ErrUnavailable if another process has it open, and media.ErrInvalid if it is a folder of
// something else or of a version that this one does not know. Whoever got it closes it.
func Open(cfg Config) (_ *Blobs, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Blobs{cfg: cfg, syncs: newSyncer(cfg.SyncDelay)}
	b.buf.New = func() any {
		buf := make([]byte, copyBytes)
		return &buf
	}
	b.door, err = door.New(door.Config{Key: cfg.Key, Now: cfg.Now, Standstill: cfg.Standstill, Logger: cfg.Logger}, behind{b})
	if err != nil {
		return nil, err
	}
	if cfg.URL != "" {
		if err := b.door.SetURL(cfg.URL); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fault(err)
	}
	if b.unlock, err = lockDir(cfg.Dir); err != nil {
		return nil, fault(err)
	}
	if err := b.prepare(); err != nil {
		return nil, errors.Join(fault(err), b.unlock())
	}
	return b, nil
}

// prepare checks the format, makes the folders, and throws away what an earlier life did not finish.
func (b *Blobs) prepare() error {
	found, err := os.ReadFile(b.path(formatName))
	fresh := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !fresh:
		return err
	case fresh:
		if err := b.mustBeEmpty(); err != nil {
			return err
		}
	case string(found) != format:
		return fmt.Errorf("%w: %s was written by another version", media.ErrInvalid, b.cfg.Dir)
	}
	for _, name := range []string{
		tempName, uploadsName, string(media.Original), string(media.Large), string(media.Small), string(media.Report),
	} {
		if err := os.Mkdir(b.path(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := b.emptyTemp(); err != nil {
		return err
	}
	if fresh {
		if err := b.writeFormat(); err != nil {
			return err
		}
	}
	return errors.Join(b.syncs.dir(b.cfg.Dir), b.syncs.dir(filepath.Dir(b.cfg.Dir)))
}

// mustBeEmpty refuses a folder in which something else lives. What an Open that was killed has made is none.
func (b *Blobs) mustBeEmpty() error {
	entries, err := os.ReadDir(b.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case tempName, uploadsName, string(media.Original), string(media.Large), string(media.Small), string(media.Report), "lost+found", tempName + ".lock":
		default:
			return fmt.Errorf("%w: %s holds something else: %s", media.ErrInvalid, b.cfg.Dir, e.Name())
		}
	}
	return nil
}

func (b *Blobs) writeFormat() error {
	t, err := b.temp()
	if err != nil {
		return err
	}
	defer t.discard()
	if _, err := t.WriteString(format); err != nil {
		return err
	}
	if err := b.syncFile(t.File); err != nil {
		return err
	}
	return os.Rename(t.Name(), b.path(formatName))
}

// emptyTemp removes everything in tmp that nobody is writing now.
func (b *Blobs) emptyTemp() error {
	entries, err := os.ReadDir(b.path(tempName))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if b.temps.has(e.Name()) {
			continue
		}
		if err := os.RemoveAll(b.path(tempName, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
