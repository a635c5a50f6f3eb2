// Package fileblobs is the embedded driver of package media: objects and parts are files in a folder, and the URLs that it gives out are served by
// its own Handler, which the server mounts.
//
//	format                         what wrote this folder
//	sha256/ab/cd/<hash>            objects, by their addresses
//	large/… small/… report/…
//	uploads/<id>/<offset>-<size>   parts that came whole
//	tmp/…                          what is being written or thrown away; emptied by Open
//
// A file gets its name only when its bytes are synced, and its folder is synced before anybody is told, so the death of the process or of the machine
// leaves whole parts and whole objects, or nothing. Parts and originals never change once they have a name.
package fileblobs

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

// Path is the prefix of all paths that the Handler serves, to be mounted there.
const Path = door.Path

// KeyBytes is the size of Config.Key.
const KeyBytes = door.KeyBytes

// Config says where objects are kept and how they are reached. Dir, Key and Now have to be given.
type Config struct {
	// Dir is the folder, made if it does not exist.
	Dir string
	// URL is the public base under which the Handler can be reached, as in "https://rounds.example"; "": SetURL will say. Until then Plan and Link
	// answer media.ErrUnavailable.
	URL string
	// Key signs URLs: KeyBytes random bytes. URLs that were given out stop working when it changes.
	Key []byte
	// Now is the clock that URLs expire and uploads rest by.
	Now func() time.Time
	// MinFreeBytes is what is left free on the medium: what would take of it is answered with media.ErrFull. 0: 256 MiB. Negative: nothing is.
	MinFreeBytes int64
	// FreeBytes tells what may still be written to the file system of a folder; nil: the system is asked.
	FreeBytes func(dir string) (int64, error)
	// MaxUploadBytes is the size of the largest upload; 0: 256 MiB.
	MaxUploadBytes int64
	// Standstill is how long a connection may stand still before it is given up; 0: 30 s.
	Standstill time.Duration
	// SyncDelay is added to each sync, to see how a slow disk would do.
	SyncDelay time.Duration
	// Logger hears of faults that nobody else is told; nil: none. It is never given a URL.
	Logger *slog.Logger
}

// Defaults of Config.
const (
	defaultMinFree    = 256 << 20
	defaultMaxUpload  = 256 << 20
	defaultStandstill = 30 * time.Second
)

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" || c.Now == nil {
		return c, fmt.Errorf("%w: fileblobs needs a folder and a clock", media.ErrInvalid)
	}
	if c.MinFreeBytes == 0 {
		c.MinFreeBytes = defaultMinFree
	}
	if c.FreeBytes == nil {
		c.FreeBytes = freeBytes
	}
	if c.MaxUploadBytes == 0 {
		c.MaxUploadBytes = defaultMaxUpload
	}
	if c.Standstill == 0 {
		c.Standstill = defaultStandstill
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Blobs is a media.Driver in a folder. Its methods may be called from any number of goroutines. Only one process at a time has a folder open.
type Blobs struct {
	cfg    Config
	door   *door.Door
	unlock func() error
	gate   gate
	syncs  *syncer
	temps  temps
	turns  turns
	folds  folders
	begun  begun
	coming atomic.Int64 // bytes of files that are being written: not yet missing from what is free
	buf    sync.Pool    // of *[]byte, to copy bodies with
}

var _ media.Driver = (*Blobs)(nil)

// Handler serves the URLs that Plan and Link give out, below Path.
func (b *Blobs) Handler() http.Handler { return b.door }

// SetURL says under which public base the Handler can be reached; it holds for URLs given out from now on. ErrInvalid: it is none.
func (b *Blobs) SetURL(public string) error { return b.door.SetURL(public) }

// Close lets nobody in any more, waits for calls that are running, and lets go of the folder. Repeating it does nothing.
func (b *Blobs) Close() error {
	if !b.gate.close() {
		return nil
	}
	return b.unlock()
}

// Check implements media.Objects: it writes a file, syncs it, reads it back and removes it.
func (b *Blobs) Check(ctx context.Context) error {
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := b.room(1); err != nil {
		return err
	}
	t, err := b.temp()
	if err != nil {
		return err
	}
	defer t.discard()
	probe := []byte("can this be read back?")
	if _, err := t.Write(probe); err != nil {
		return fault(err)
	}
	if err := b.syncFile(t.File); err != nil {
		return fault(err)
	}
	read, err := os.ReadFile(t.Name())
	if err != nil {
		return fault(err)
	}
	if string(read) != string(probe) {
		return fmt.Errorf("fileblobs: what was written is not what is read")
	}
	return nil
}

// enter begins a call. Whoever got no error calls leave when it ends.
func (b *Blobs) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !b.gate.enter() {
		return nil, media.ErrClosed
	}
	return b.gate.leave, nil
}

// room answers ErrFull if so many bytes more would leave too little free.
func (b *Blobs) room(size int64) error {
	if b.cfg.MinFreeBytes < 0 {
		return nil
	}
	free, err := b.cfg.FreeBytes(b.cfg.Dir)
	if err != nil {
		return fault(err)
	}
	if free-b.coming.Load()-size < b.cfg.MinFreeBytes {
		return media.ErrFull
	}
	return nil
}

func (b *Blobs) path(parts ...string) string {
	return filepath.Join(append([]string{b.cfg.Dir}, parts...)...)
}
