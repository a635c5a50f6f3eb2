package badgerstore

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/sync/store"
)

var ctx = context.Background()

func mustOpen(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func set(s *Store, scope store.Scope, key string, value []byte) error {
	return s.Update(ctx, scope, func(w store.Writer) error { return w.Set([]byte(key), value) })
}

// TestGoldenKeys pins the bytes of format 1. Whoever has to change it raises formatName and teaches Open the old format.
func TestGoldenKeys(t *testing.T) {
	for want, got := range map[string][]byte{
		"01":                       formatKey(),
		"02736974652f31":           scopeKey("site/1"),
		"030102030405060708":       droppedKey(0x0102030405060708),
		"040000000000000009":       largeKey(9),
		"05000000000000000aff006b": appendDataKey(nil, 10, []byte("\xff\x00k")),
		"000000000000000a":         encodeSpace(10),
		hex.EncodeToString([]byte("rounds store 1")): []byte(formatName),
		"d1cd3641" + "01" + "026b31" + "037678ff" + "00" + "026b32" + "01" + "026b33" + "00": encodeWrites([]write{
			{key: []byte("k1"), value: []byte("vx\xff")}, {key: []byte("k2"), delete: true}, {key: []byte("k3")},
		}),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("got %x, want %s", got, want)
		}
	}
}

func FuzzDecodeWrites(f *testing.F) {
	f.Add(encodeWrites([]write{{key: []byte("k"), value: []byte("v")}, {key: []byte("gone"), delete: true}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		writes, err := decodeWrites(in)
		if err != nil {
			return
		}
		again, err := decodeWrites(encodeWrites(writes))
		if err != nil || len(again) != len(writes) {
			t.Errorf("%d writes came back as %d, %v", len(writes), len(again), err)
		}
	})
}

// stored returns all full keys with their values, as badger holds them.
func stored(t *testing.T, s *Store) string {
	t.Helper()
	at := s.snapshots.acquire()
	defer s.snapshots.release(at)
	txn := s.db.NewTransactionAt(uint64(at), false)
	defer txn.Discard()
	var out strings.Builder
	must(t, each(txn, nil, func(key, value []byte) error {
		fmt.Fprintf(&out, "%x=%x\n", key, value)
		return nil
	}))
	return out.String()
}

// storedKeys returns all full keys.
func storedKeys(t *testing.T, s *Store) (keys []string) {
	t.Helper()
	at := s.snapshots.acquire()
	defer s.snapshots.release(at)
	txn := s.db.NewTransactionAt(uint64(at), false)
	defer txn.Discard()
	must(t, each(txn, nil, func(key, _ []byte) error {
		keys = append(keys, string(key))
		return nil
	}))
	return keys
}

// TestGoldenStore pins what some calls leave in badger.
func TestGoldenStore(t *testing.T) {
	s := mustOpen(t, Config{Dir: t.TempDir(), GCInterval: -1})
	must(t, set(s, "b", "k", []byte("v")))
	must(t, set(s, "a", "k1", []byte("v1")))
	must(t, set(s, "a", "k2", nil))
	must(t, set(s, "c", "gone", nil))
	must(t, s.Drop(ctx, "c"))
	must(t, s.CollectGarbage(ctx))
	want := "01=726f756e64732073746f72652031\n" +
		"0261=0000000000000002\n0262=0000000000000001\n" +
		"0500000000000000016b=76\n" +
		"0500000000000000026b31=7631\n0500000000000000026b32=\n"
	if got := stored(t, s); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	must(t, s.Close())
}

// TestStillbornFiles opens a directory as a process leaves it that is killed while it makes or removes a log file.
func TestStillbornFiles(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Config{Dir: dir})
	must(t, set(s, "s", "k", nil))
	must(t, s.Close())
	for _, name := range []string{"00001.mem", "00007.mem", "000009.vlog"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	s = mustOpen(t, Config{Dir: dir})
	must(t, s.View(ctx, "s", func(r store.Reader) error {
		_, err := r.Get([]byte("k"))
		return err
	}))
	must(t, set(s, "s", "k2", nil))
	must(t, s.Close())
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Config{Dir: dir})
	must(t, s.committer.apply([]write{{key: formatKey(), value: []byte("rounds store 2")}}))
	must(t, s.Close())
	_, err := Open(Config{Dir: dir})
	if !errors.Is(err, store.ErrFormat) || !strings.Contains(fmt.Sprint(err), "rounds store 2") {
		t.Errorf("Open of a future format: %v", err)
	}
}

var write1 = flag.Bool("write-testdata", false, "write testdata/format1 anew")

// format1 fills a store with what testdata/format1 holds.
func format1(s *Store) error {
	return errors.Join(
		set(s, "site/1", "ticket", []byte("lamp broken")),
		set(s, "site/1", "deleted", []byte("x")),
		s.Update(ctx, "site/1", func(w store.Writer) error { return w.Delete([]byte("deleted")) }),
		set(s, "site/2", "large", make([]byte, inlineBytes+1)),
		set(s, "site/3", "dropped", []byte("x")),
		s.Drop(ctx, "site/3"),
		set(s, "user/1", "\x00\xff", nil),
	)
}

// TestOpensFormat1 opens a directory that the first release of this format wrote.
func TestOpensFormat1(t *testing.T) {
	const from = "testdata/format1"
	if *write1 {
		must(t, os.RemoveAll(from))
		s := mustOpen(t, Config{Dir: from})
		must(t, format1(s))
		must(t, s.Close())
	}
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(from)))
	s := mustOpen(t, Config{Dir: dir})
	for _, want := range []struct {
		scope      store.Scope
		key, value string
	}{{"site/1", "ticket", "lamp broken"}, {"site/2", "large", string(make([]byte, inlineBytes+1))}, {"user/1", "\x00\xff", ""}} {
		must(t, s.View(ctx, want.scope, func(r store.Reader) error {
			n := 0
			for e, err := range r.Scan(store.Span{}) {
				if err != nil || string(e.Key) != want.key || string(e.Value) != want.value {
					t.Errorf("scope %s: %q with %d bytes, %v", want.scope, e.Key, len(e.Value), err)
				}
				n++
			}
			if n != 1 {
				t.Errorf("scope %s: %d keys", want.scope, n)
			}
			return nil
		}))
	}
	scopes, err := s.Scopes(ctx)
	if err != nil || fmt.Sprint(scopes) != "[site/1 site/2 user/1]" {
		t.Errorf("scopes %v, %v", scopes, err)
	}
	must(t, set(s, "site/1", "new", nil))
	must(t, s.Close())
}

// TestLargeInterrupted stops a large transaction before each of its pieces, as a crash would.
func TestLargeInterrupted(t *testing.T) {
	const keys, size = 500, 10_000
	write := func(s *Store, mark string, size int) error {
		return s.Update(ctx, "s", func(w store.Writer) error {
			for i := range keys {
				if err := w.Set(fmt.Appendf(nil, "%06d", i), append([]byte(mark), make([]byte, size)...)); err != nil {
					return err
				}
			}
			return w.Delete([]byte("zzz"))
		})
	}
	for stop := range 6 {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			cfg := Config{Dir: t.TempDir(), MemTableBytes: 8 << 20, NoSync: true}
			s := mustOpen(t, cfg)
			must(t, write(s, "old", 0))
			must(t, set(s, "s", "zzz", nil))
			pulled, pieces := errors.New("the plug is pulled"), 0
			s.committer.interrupt = func(piece int) error {
				pieces++
				if piece == stop {
					return pulled
				}
				return nil
			}
			err := write(s, "new", size)
			if stop < pieces-1 || pieces == 0 {
				t.Fatalf("%d pieces, stopped at %d", pieces, stop)
			}
			if pieces > stop && !errors.Is(err, pulled) {
				t.Fatalf("Update: %v", err)
			}
			check := func(want string, all int) {
				t.Helper()
				n := 0
				must(t, s.View(ctx, "s", func(r store.Reader) error {
					for e, err := range r.Scan(store.Span{}) {
						must(t, err)
						if string(e.Key) != "zzz" && string(e.Value[:3]) != want {
							t.Fatalf("key %s is %s, want %s", e.Key, e.Value[:3], want)
						}
						n++
					}
					return nil
				}))
				if n != all {
					t.Errorf("%d keys, want %d", n, all)
				}
			}
			if err != nil {
				check("old", keys+1) // readers see nothing of it
				if err := set(s, "other", "k", nil); !errors.Is(err, errBroken) {
					t.Errorf("a write after it: %v", err)
				}
			}
			must(t, s.Close())
			s = mustOpen(t, cfg)
			check("new", keys)
			if slices.ContainsFunc(storedKeys(t, s), func(key string) bool { return key[0] == 4 }) {
				t.Error("the large transaction was not removed")
			}
			must(t, s.Close())
		})
	}
}

// TestSweep drops scopes and finds that nothing stays behind, whoever sweeps.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	tick := make(chan time.Time)
	s := mustOpen(t, Config{Dir: dir, GCTick: tick})
	for _, scope := range []store.Scope{"a", "b"} {
		must(t, s.Update(ctx, scope, func(w store.Writer) error {
			for i := range 2500 {
				if err := w.Set(fmt.Appendf(nil, "%d", i), nil); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	s.sweeps.Lock() // the janitor must wait
	must(t, s.Drop(ctx, "a"))
	must(t, set(s, "a", "second life", nil))
	if n := strings.Count(stored(t, s), "\n05"); n != 5001 {
		t.Errorf("%d data keys before the sweep, want 5001", n)
	}
	s.sweeps.Unlock()
	must(t, s.Drop(ctx, "b"))
	tick <- time.Time{}
	must(t, s.CollectGarbage(ctx)) // waits for the round that runs
	if got := stored(t, s); strings.Count(got, "\n05") != 1 || strings.Contains(got, "\n03") {
		t.Errorf("after the sweep: %d data keys", strings.Count(got, "\n05"))
	}
	must(t, s.Close())
	s = mustOpen(t, Config{Dir: dir})
	must(t, s.View(ctx, "a", func(r store.Reader) error {
		_, err := r.Get([]byte("second life"))
		return err
	}))
	must(t, s.Close())
}

// TestValueLogGC overwrites large values, and frees the value log of all but the last.
func TestValueLogGC(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), GCInterval: -1, NoSync: true, MemTableBytes: 8 << 20}
	value := make([]byte, inlineBytes+1000)
	const lives = 7 // each leaves a table, and badger compacts when there are five
	for life := range lives {
		s := mustOpen(t, cfg)
		for i := range 3 {
			value[0] = byte(life)
			must(t, set(s, "s", fmt.Sprint(i), value))
		}
		must(t, s.Close())
	}
	s := mustOpen(t, cfg)
	before, err := s.Size()
	must(t, err)
	must(t, s.db.Flatten(1)) // badger learns from compactions what is garbage
	must(t, s.CollectGarbage(ctx))
	after, err := s.Size()
	must(t, err)
	t.Logf("%d bytes before, %d after", before, after)
	if after > before/2 {
		t.Errorf("the directory had %d bytes and still has %d", before, after)
	}
	must(t, s.View(ctx, "s", func(r store.Reader) error {
		for i := range 3 {
			got, err := r.Get([]byte(fmt.Sprint(i)))
			if err != nil || len(got) != len(value) || got[0] != lives-1 {
				t.Errorf("value %d: %d bytes, %v", i, len(got), err)
			}
		}
		return nil
	}))
	must(t, s.Close())
}

// TestSnapshotOutlivesCompaction holds a View open while badger compacts away all that nobody needs.
func TestSnapshotOutlivesCompaction(t *testing.T) {
	s := mustOpen(t, Config{Dir: t.TempDir(), GCInterval: -1, NoSync: true, MemTableBytes: 8 << 20})
	must(t, set(s, "s", "k", []byte("old")))
	must(t, set(s, "s", "gone", []byte("old")))
	filler := make([]byte, inlineBytes-1)
	overwrite := func() {
		must(t, s.Update(ctx, "s", func(w store.Writer) error {
			return errors.Join(w.Set([]byte("k"), []byte("new")), w.Delete([]byte("gone")))
		}))
		compacted := func() bool {
			levels := s.db.Levels()
			return levels[0].NumTables == 0 && levels[len(levels)-1].NumTables > 0
		}
		for round := 0; round < 3 || !compacted(); round++ { // each fills a table
			if round == 60 {
				t.Error("badger does not compact")
				return
			}
			for i := range 10 {
				must(t, set(s, "filler", fmt.Sprint(i), filler))
			}
			if round >= 2 {
				must(t, s.db.Flatten(1))
			}
		}
	}
	must(t, s.View(ctx, "s", func(r store.Reader) error {
		done := make(chan struct{})
		go func() {
			defer close(done)
			overwrite()
		}()
		<-done
		for _, key := range []string{"k", "gone"} {
			if got, err := r.Get([]byte(key)); err != nil || string(got) != "old" {
				t.Errorf("the open View reads %s as %q, %v", key, got, err)
			}
		}
		return nil
	}))
	overwrite()
	if len(s.snapshots.open) != 0 {
		t.Errorf("%d moments are still held", len(s.snapshots.open))
	}
	must(t, s.Close())
}

func TestSnapshots(t *testing.T) {
	var s snapshots
	s.publish(5)
	a, b := s.acquire(), s.acquire()
	if got := s.publish(7); got != 5 {
		t.Errorf("needed is %d, want 5", got)
	}
	c := s.acquire()
	s.release(a)
	if got := s.publish(8); got != 5 {
		t.Errorf("needed is %d, want 5", got)
	}
	s.release(b)
	if got := s.publish(9); got != 7 {
		t.Errorf("needed is %d, want 7", got)
	}
	s.release(c)
	if got := s.publish(10); got != 10 {
		t.Errorf("needed is %d, want 10", got)
	}
	d := s.acquire()
	s.publish(11)
	e := s.acquire()
	s.release(e) // not the oldest
	if got := s.publish(12); got != d {
		t.Errorf("needed is %d, want %d", got, d)
	}
}
