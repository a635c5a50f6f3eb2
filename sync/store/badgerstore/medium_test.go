package badgerstore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
)

const scope = store.Scope("site/1")

var ctx = context.Background()

func set(s store.Store, key string, value []byte) error {
	return s.Update(ctx, scope, func(w store.Writer) error { return w.Set([]byte(key), value) })
}

func wantGet(t *testing.T, s store.Store, key, want string) {
	t.Helper()
	if err := s.View(ctx, scope, func(r store.Reader) error {
		value, err := r.Get([]byte(key))
		if err == nil && string(value) != want {
			err = fmt.Errorf("got %.100q", value)
		}
		return err
	}); err != nil {
		t.Errorf("Get(%q): %v, want %q", key, err, want)
	}
}

func mustClose(t *testing.T, s *badgerstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, badgerstore.Config{Dir: dir})
	for _, readOnly := range []bool{false, true} {
		if _, err := badgerstore.Open(badgerstore.Config{Dir: dir, ReadOnly: readOnly}); !errors.Is(err, store.ErrInUse) {
			t.Errorf("second Open (read-only %t): %v", readOnly, err)
		}
	}
	if err := set(s, "k", []byte("v")); err != nil {
		t.Errorf("the first one suffered: %v", err)
	}
	mustClose(t, s)
	s = open(t, badgerstore.Config{Dir: dir})
	wantGet(t, s, "k", "v")
	mustClose(t, s)
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := badgerstore.Open(badgerstore.Config{Dir: filepath.Join(dir, "none"), ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of a directory that does not exist: %v", err)
	}
	s := open(t, badgerstore.Config{Dir: dir})
	if err := set(s, "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	a := open(t, badgerstore.Config{Dir: dir, ReadOnly: true})
	b := open(t, badgerstore.Config{Dir: dir, ReadOnly: true})
	wantGet(t, a, "k", "v")
	wantGet(t, b, "k", "v")
	if err := set(a, "k", nil); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Update: %v", err)
	}
	if err := a.Drop(ctx, scope); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Drop: %v", err)
	}
	mustClose(t, a)
	mustClose(t, b)
}

// mount mounts a small filesystem of its own for a test, where the machine lets it.
func mount(t *testing.T, options string) (dir string) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounting needs root on Linux")
	}
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "rounds-test", dir).CombinedOutput(); err != nil {
		t.Skipf("no mount: %v: %s", err, out)
	}
	t.Cleanup(func() { unmount(t, dir) })
	return dir
}

// unmount unmounts what mount has mounted. It may be busy for a moment: the child that a test beside this one starts has copies of all descriptors until its exec.
func unmount(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for given := time.Now().Add(2 * time.Minute); ; <-tick.C {
		out, err := exec.Command("umount", dir).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(given) {
			t.Fatalf("umount: %v: %s", err, out)
		}
	}
}

func TestReadOnlyMedium(t *testing.T) {
	dir := mount(t, "size=64m")
	mustClose(t, open(t, badgerstore.Config{Dir: dir, MinFreeBytes: 1 << 20}))
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Skipf("no remount: %v: %s", err, out)
	}
	if _, err := badgerstore.Open(badgerstore.Config{Dir: dir, MinFreeBytes: 1 << 20}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Open on a read-only medium: %v", err)
	}
}

func TestFullInjected(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 40)
	cfg := badgerstore.Config{
		Dir: t.TempDir(), MinFreeBytes: 1 << 30,
		FreeBytes: func(string) (uint64, error) { return free.Load(), nil },
	}
	s := open(t, cfg)
	if err := set(s, "k", []byte("old")); err != nil {
		t.Fatal(err)
	}
	free.Store(1<<30 - 1)
	if err := set(s, "k", []byte("new")); !errors.Is(err, store.ErrFull) {
		t.Errorf("Update on a full disk: %v", err)
	}
	if err := s.Drop(ctx, scope); !errors.Is(err, store.ErrFull) {
		t.Errorf("Drop on a full disk: %v", err)
	}
	wantGet(t, s, "k", "old")
	free.Store(1<<30 + 1000)
	if err := set(s, "large", make([]byte, 1000)); !errors.Is(err, store.ErrFull) {
		t.Errorf("Update that would eat from the reserve: %v", err)
	}
	if err := set(s, "k", []byte("new")); err != nil {
		t.Errorf("Update after there is room again: %v", err)
	}
	wantGet(t, s, "k", "new")
	mustClose(t, s)

	free.Store(1<<28 - 1)
	if _, err := badgerstore.Open(cfg); !errors.Is(err, store.ErrFull) {
		t.Errorf("Open without room: %v", err)
	}
	free.Store(1 << 29) // enough to open and read, not to write
	s = open(t, cfg)
	wantGet(t, s, "k", "new")
	if err := set(s, "k", []byte("newer")); !errors.Is(err, store.ErrFull) {
		t.Errorf("Update: %v", err)
	}
	mustClose(t, s)
}

// TestFullMedium fills a real filesystem until the store refuses, twice, and finds everything there that was taken.
func TestFullMedium(t *testing.T) {
	t.Parallel()
	medium := mount(t, "size=170m")
	cfg := badgerstore.Config{Dir: filepath.Join(medium, "store"), MemTableBytes: 8 << 20, MinFreeBytes: 96 << 20}
	s := open(t, cfg)
	ballast := filepath.Join(medium, "ballast")
	const keys, size = 20, 20 << 10 // of a transaction
	taken := 0
	fill := func() {
		t.Helper()
		for {
			value := noise(taken, size)
			err := s.Update(ctx, scope, func(w store.Writer) error {
				for i := range keys {
					if err := w.Set(fmt.Appendf(nil, "%08d/%02d", taken, i), value); err != nil {
						return err
					}
				}
				return nil
			})
			if errors.Is(err, store.ErrFull) {
				return
			}
			if err != nil {
				t.Fatalf("transaction %d: %v", taken, err)
			}
			if taken++; taken > 2000 {
				t.Fatal("a filesystem of 170 MB took over 800 MB")
			}
		}
	}
	check := func() {
		t.Helper()
		n, value := 0, []byte(nil)
		if err := s.View(ctx, scope, func(r store.Reader) error {
			for e, err := range r.Scan(store.Span{}) {
				if err != nil {
					return err
				}
				if n%keys == 0 {
					value = noise(n/keys, size)
				}
				if want := fmt.Sprintf("%08d/%02d", n/keys, n%keys); string(e.Key) != want || !bytes.Equal(e.Value, value) {
					return fmt.Errorf("want %s, got %s", want, e.Key)
				}
				n++
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if n != keys*taken {
			t.Errorf("found %d keys, want %d", n, keys*taken)
		}
	}
	// Somebody else takes a part of the medium.
	if err := os.WriteFile(ballast, make([]byte, 30<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	fill()
	check()
	first := taken
	if first < 20 {
		t.Errorf("only %d transactions before the medium was full", first)
	}
	mustClose(t, s)
	s = open(t, cfg)
	check()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	fill()
	check()
	if taken < first+20 {
		t.Errorf("%d transactions before, only %d after there was room again", first, taken-first)
	}
	mustClose(t, s)
	s = open(t, cfg)
	check()
	mustClose(t, s)
}

// noise does not compress.
func noise(seed, n int) []byte {
	out := make([]byte, n+7)
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for i := 0; i+8 <= len(out); i += 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		binary.LittleEndian.PutUint64(out[i:], x)
	}
	return out[:n]
}

func TestBackup(t *testing.T) {
	s := open(t, badgerstore.Config{Dir: t.TempDir(), MemTableBytes: 8 << 20, NoSync: true})
	for i := range 300 {
		if err := s.Update(ctx, store.Scope(fmt.Sprint("scope/", i%3)), func(w store.Writer) error {
			return w.Set(fmt.Appendf(nil, "key %03d", i), noise(i, i*i/8))
		}); err != nil {
			t.Fatal(err)
		}
	}
	var backup bytes.Buffer
	if err := s.Backup(ctx, &writerThatWrites{to: &backup, also: func() error { return set(s, "later", nil) }}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(ctx, bytes.NewReader(backup.Bytes())); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("Load into a store with content: %v", err)
	}
	mustClose(t, s)

	s = open(t, badgerstore.Config{Dir: t.TempDir(), MemTableBytes: 8 << 20, NoSync: true})
	if err := s.Load(ctx, bytes.NewReader(backup.Bytes())); err != nil {
		t.Fatal(err)
	}
	scopes, err := s.Scopes(ctx)
	if err != nil || fmt.Sprint(scopes) != "[scope/0 scope/1 scope/2]" {
		t.Errorf("scopes %v, %v", scopes, err)
	}
	for i := range 300 {
		if err := s.View(ctx, store.Scope(fmt.Sprint("scope/", i%3)), func(r store.Reader) error {
			value, err := r.Get(fmt.Appendf(nil, "key %03d", i))
			if err == nil && !bytes.Equal(value, noise(i, i*i/8)) {
				err = errors.New("another value")
			}
			return err
		}); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
	}
	mustClose(t, s)

	for _, damage := range []func([]byte) []byte{
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { return b[:len(b)/2] },
		func(b []byte) []byte { return nil },
		func(b []byte) []byte { b[0]++; return b },
		func(b []byte) []byte { b[len(b)/2]++; return b },
		func(b []byte) []byte { b[len(b)-1]++; return b },
	} {
		s := open(t, badgerstore.Config{Dir: t.TempDir(), MemTableBytes: 8 << 20, NoSync: true})
		if err := s.Load(ctx, bytes.NewReader(damage(bytes.Clone(backup.Bytes())))); err == nil {
			t.Error("a damaged backup was loaded")
		}
		mustClose(t, s)
	}
}

// writerThatWrites commits something once the backup has begun.
type writerThatWrites struct {
	to   *bytes.Buffer
	also func() error
}

func (w *writerThatWrites) Write(p []byte) (int, error) {
	if w.also != nil {
		if err := w.also(); err != nil {
			return 0, err
		}
		w.also = nil
	}
	return w.to.Write(p)
}

func TestSyncDelay(t *testing.T) {
	const delay = 30 * time.Millisecond
	s := open(t, badgerstore.Config{Dir: t.TempDir(), SyncDelay: delay})
	start := time.Now()
	if err := set(s, "k", nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < delay {
		t.Errorf("an Update took %v, less than the sync", took)
	}
	mustClose(t, s)
}
