package boltstore_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/boltstore"
)

const scope = store.Scope("site/1")

var ctx = context.Background()

func set(s store.Store, scope store.Scope, key string, value []byte) error {
	return s.Update(ctx, scope, func(w store.Writer) error { return w.Set([]byte(key), value) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, boltstore.Config{Dir: dir})
	for _, readOnly := range []bool{false, true} {
		if _, err := boltstore.Open(boltstore.Config{Dir: dir, ReadOnly: readOnly}); !errors.Is(err, store.ErrInUse) {
			t.Errorf("second Open (read-only %t): %v", readOnly, err)
		}
	}
	must(t, set(s, scope, "k", []byte("v")))
	must(t, s.Close())
	s = open(t, boltstore.Config{Dir: dir})
	wantGet(t, s, "k", "v")
	must(t, s.Close())
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := boltstore.Open(boltstore.Config{Dir: filepath.Join(dir, "none"), ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of a directory that does not exist: %v", err)
	}
	s := open(t, boltstore.Config{Dir: dir})
	must(t, set(s, scope, "k", []byte("v")))
	must(t, s.Close())
	a := open(t, boltstore.Config{Dir: dir, ReadOnly: true})
	b := open(t, boltstore.Config{Dir: dir, ReadOnly: true})
	wantGet(t, a, "k", "v")
	wantGet(t, b, "k", "v")
	if err := set(a, scope, "k", nil); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Update: %v", err)
	}
	if err := a.Drop(ctx, scope); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Drop: %v", err)
	}
	must(t, a.Close())
	must(t, b.Close())
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
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

func TestReadOnlyMedium(t *testing.T) {
	dir := mount(t, "size=8m")
	must(t, open(t, boltstore.Config{Dir: dir}).Close())
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Skipf("no remount: %v: %s", err, out)
	}
	if _, err := boltstore.Open(boltstore.Config{Dir: dir}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Open on a read-only medium: %v", err)
	}
	must(t, open(t, boltstore.Config{Dir: dir, ReadOnly: true}).Close())
}

// TestFullMedium fills a real filesystem until the store refuses, and finds everything there that was taken.
func TestFullMedium(t *testing.T) {
	medium := mount(t, "size=24m")
	dir := filepath.Join(medium, "store")
	ballast := filepath.Join(medium, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 8<<20), 0o600))
	s := open(t, boltstore.Config{Dir: dir})
	taken := 0
	value := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 100_000) }
	fill := func() {
		t.Helper()
		for ; taken < 1000; taken++ {
			err := set(s, scope, fmt.Sprintf("%06d", taken), value(taken))
			if errors.Is(err, store.ErrFull) {
				return
			}
			must(t, err)
		}
		t.Fatal("a filesystem of 24 MB took 100 MB")
	}
	check := func() {
		t.Helper()
		n := 0
		must(t, s.View(ctx, scope, func(r store.Reader) error {
			for e, err := range r.Scan(store.Span{}) {
				if want := fmt.Sprintf("%06d", n); err != nil || string(e.Key) != want || !bytes.Equal(e.Value, value(n)) {
					return fmt.Errorf("want %s, got %s, %v", want, e.Key, err)
				}
				n++
			}
			return nil
		}))
		if n != taken {
			t.Errorf("found %d keys, want %d", n, taken)
		}
	}
	fill()
	check()
	if err := set(s, scope, "a", value(1)); !errors.Is(err, store.ErrFull) {
		t.Errorf("another Update: %v", err)
	}
	must(t, s.Close())
	s = open(t, boltstore.Config{Dir: dir})
	check()
	first := taken
	must(t, os.Remove(ballast))
	fill()
	check()
	if first < 10 || taken < first+10 {
		t.Errorf("%d keys before, %d after there was room again", first, taken-first)
	}
	must(t, s.Close())
	s = open(t, boltstore.Config{Dir: dir})
	check()
	must(t, s.Close())
}

// TestGrows lets the file outgrow its map while Views come and go.
func TestGrows(t *testing.T) {
	s := open(t, boltstore.Config{Dir: t.TempDir(), MapBytes: 1 << 20, NoSync: true})
	value := make([]byte, 1<<20)
	for i := range 40 {
		must(t, set(s, scope, fmt.Sprint(i), value))
		must(t, s.View(ctx, scope, func(r store.Reader) error {
			_, err := r.Get(fmt.Append(nil, i/2))
			return err
		}))
	}
	must(t, s.Close())
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	write := func(change func(tx *bbolt.Tx) error) {
		db, err := bbolt.Open(filepath.Join(dir, "rounds.db"), 0o600, nil)
		must(t, err)
		must(t, db.Update(change))
		must(t, db.Close())
	}
	wantErr := func(what string) {
		t.Helper()
		if _, err := boltstore.Open(boltstore.Config{Dir: dir}); !errors.Is(err, store.ErrFormat) {
			t.Errorf("Open of %s: %v", what, err)
		}
	}
	write(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("somebody else's"))
		return err
	})
	wantErr("a file of another program")
	must(t, os.RemoveAll(dir))
	must(t, open(t, boltstore.Config{Dir: dir}).Close())
	write(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("rounds store 2"))
	})
	wantErr("a future format")
	must(t, os.WriteFile(filepath.Join(dir, "rounds.db"), bytes.Repeat([]byte("no"), 10_000), 0o600))
	wantErr("a file that is none of bbolt's")
}

var writeTestdata = flag.Bool("write-testdata", false, "write testdata/format1 anew")

func format1(s store.Store) error {
	return errors.Join(
		set(s, "site/1", "ticket", []byte("lamp broken")),
		set(s, "site/1", "deleted", []byte("x")),
		s.Update(ctx, "site/1", func(w store.Writer) error { return w.Delete([]byte("deleted")) }),
		set(s, "site/3", "dropped", []byte("x")),
		s.Drop(ctx, "site/3"),
		set(s, "user/1", "\x00\xff", nil),
	)
}

// golden is what bbolt holds after format1.
const golden = `"meta"
  "format" = "rounds store 1"
"scopes"
  "site/1"
    "ticket" = "lamp broken"
  "user/1"
    "\x00\xff" = ""
`

func dump(t *testing.T, dir string) string {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, "rounds.db"), 0o600, &bbolt.Options{ReadOnly: true})
	must(t, err)
	defer db.Close()
	var out strings.Builder
	var walk func(b *bbolt.Bucket, indent string) error
	walk = func(b *bbolt.Bucket, indent string) error {
		return b.ForEach(func(k, v []byte) error {
			if child := b.Bucket(k); child != nil {
				fmt.Fprintf(&out, "%s%q\n", indent, k)
				return walk(child, indent+"  ")
			}
			fmt.Fprintf(&out, "%s%q = %q\n", indent, k, v)
			return nil
		})
	}
	must(t, db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			fmt.Fprintf(&out, "%q\n", name)
			return walk(b, "  ")
		})
	}))
	return out.String()
}

// TestGolden pins what stands in the file of format 1. Whoever has to change it raises the format's name.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	s := open(t, boltstore.Config{Dir: dir})
	must(t, format1(s))
	must(t, s.Close())
	if got := dump(t, dir); got != golden {
		t.Errorf("got\n%s\nwant\n%s", got, golden)
	}
}

// TestOpensFormat1 opens a directory that the first release of this format wrote.
func TestOpensFormat1(t *testing.T) {
	const from = "testdata/format1"
	if *writeTestdata {
		must(t, os.RemoveAll(from))
		s := open(t, boltstore.Config{Dir: from})
		must(t, format1(s))
		must(t, s.Close())
	}
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(from)))
	s := open(t, boltstore.Config{Dir: dir})
	wantGet(t, s, "ticket", "lamp broken")
	scopes, err := s.Scopes(ctx)
	if err != nil || fmt.Sprint(scopes) != "[site/1 user/1]" {
		t.Errorf("scopes %v, %v", scopes, err)
	}
	must(t, s.Close())
	if got := dump(t, dir); got != golden {
		t.Errorf("got\n%s\nwant\n%s", got, golden)
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := open(b, boltstore.Config{Dir: b.TempDir()})
	defer s.Close()
	value := make([]byte, 600)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := set(s, scope, fmt.Sprintf("%08d", i), value); err != nil {
			b.Fatal(err)
		}
	}
}

func filled(b *testing.B, dir string) *boltstore.Store {
	s := open(b, boltstore.Config{Dir: dir})
	if err := s.Update(ctx, scope, func(w store.Writer) error {
		for i := range 20_000 {
			if err := w.Set(fmt.Appendf(nil, "%08d", i), make([]byte, 600)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkScan(b *testing.B) {
	s := filled(b, b.TempDir())
	defer s.Close()
	keys := 0
	for b.Loop() {
		_ = s.View(ctx, scope, func(r store.Reader) error {
			for e := range r.Scan(store.Span{}) {
				keys += min(1, len(e.Value))
			}
			return nil
		})
	}
	b.ReportMetric(float64(keys)/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	if err := filled(b, dir).Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := open(b, boltstore.Config{Dir: dir})
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
