package fileblobs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/rounds-sync/rounds/media"
)

// copyBytes is the size of the buffers that bodies are copied with: large enough that a system call costs little, small enough for hundreds.
const copyBytes = 128 << 10

// fault wraps what the system says, once. Errors of package media and of contexts stay what they are.
func fault(err error) error {
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("%w: %w", media.ErrFull, err)
	}
	return fmt.Errorf("fileblobs: %w", err)
}

// temps gives out names in tmp. The zero value is ready.
type temps struct {
	mu   sync.Mutex // guards all below
	last uint64
	live map[string]bool
}

// take returns a name that nobody has; Open emptied tmp, so counting is enough.
func (t *temps) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	name := strconv.FormatUint(t.last, 36)
	if t.live == nil {
		t.live = map[string]bool{}
	}
	t.live[name] = true
	return name
}

func (t *temps) give(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, name)
}

func (t *temps) has(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live[name]
}

// tempFile is a file that is being written and has no name that counts.
type tempFile struct {
	*os.File
	blobs *Blobs
	name  string
}

func (b *Blobs) temp() (*tempFile, error) {
	name := b.temps.take()
	f, err := os.OpenFile(b.path(tempName, name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		b.temps.give(name)
		return nil, fault(err)
	}
	return &tempFile{File: f, blobs: b, name: name}, nil
}

// discard ends a temporary file. One that was renamed meanwhile keeps its new name. What cannot be removed, Sweep or Open will.
func (t *tempFile) discard() {
	_ = t.Close()
	_ = os.Remove(t.Name())
	t.blobs.temps.give(t.name)
}

// throw moves a folder into tmp, at which moment it is gone, and removes it. What cannot be removed, Sweep or Open will.
func (b *Blobs) throw(dir string) error {
	name := b.temps.take()
	defer b.temps.give(name)
	gone := b.path(tempName, name)
	if err := os.Rename(dir, gone); err != nil {
		return err
	}
	_ = os.RemoveAll(gone)
	return nil
}

func (b *Blobs) syncFile(f *os.File) error {
	b.syncs.wait()
	return f.Sync()
}

// syncer syncs folders, and lets those who want the same one share: while one sync is running, all who come wait for one more.
type syncer struct {
	delay time.Duration

	mu   sync.Mutex // guards all below
	dirs map[string]*syncing
}

// syncing is a folder that somebody syncs or waits to.
type syncing struct {
	users   int        // guarded by syncer.mu
	next    *batch     // guarded by syncer.mu; not begun yet
	running sync.Mutex // held by whoever syncs
}

type batch struct {
	done chan struct{}
	err  error
}

func newSyncer(delay time.Duration) *syncer {
	return &syncer{delay: delay, dirs: map[string]*syncing{}}
}

func (s *syncer) wait() {
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
}

// dir returns when a sync of a folder that began after the call has ended.
func (s *syncer) dir(path string) error {
	s.mu.Lock()
	d := s.dirs[path]
	if d == nil {
		d = new(syncing)
		s.dirs[path] = d
	}
	d.users++
	mine, leads := d.next, false
	if mine == nil {
		mine, leads = &batch{done: make(chan struct{})}, true
		d.next = mine
	}
	s.mu.Unlock()
	if leads {
		d.running.Lock()
		s.mu.Lock()
		d.next = nil
		s.mu.Unlock()
		s.wait()
		mine.err = syncDir(path)
		d.running.Unlock()
		close(mine.done)
	}
	<-mine.done
	s.mu.Lock()
	if d.users--; d.users == 0 {
		delete(s.dirs, path)
	}
	s.mu.Unlock()
	return mine.err
}

// all syncs folders beside each other.
func (s *syncer) all(paths []string) error {
	if len(paths) == 1 {
		return s.dir(paths[0])
	}
	errs := make([]error, len(paths))
	var running sync.WaitGroup
	for i, path := range paths {
		running.Go(func() { errs[i] = s.dir(path) })
	}
	running.Wait()
	return errors.Join(errs...)
}
