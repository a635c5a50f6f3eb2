package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/sync/store/storetest"
)

// shelf keeps stores by folder name, so that the suite can open one again.
type shelf struct {
	mu     sync.Mutex
	stores map[string]*memstore.Store
}

func (s *shelf) open(cfg memstore.Config) storetest.Open {
	return func(_ testing.TB, dir string) store.Store {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stores == nil {
			s.stores = map[string]*memstore.Store{}
		}
		if old := s.stores[dir]; old != nil {
			s.stores[dir] = old.Clone()
		} else {
			s.stores[dir] = memstore.New(cfg)
		}
		return s.stores[dir]
	}
}

func TestConformance(t *testing.T) {
	var seeds []uint64
	for seed := range uint64(24) {
		seeds = append(seeds, seed+1)
	}
	storetest.Run(t, new(shelf).open(memstore.Config{}), storetest.Options{Seeds: seeds})
}

func TestConformanceParanoid(t *testing.T) {
	storetest.Run(t, new(shelf).open(memstore.Config{Paranoid: true}), storetest.Options{Again: true})
}

const scope = store.Scope("site/1")

var ctx = context.Background()

func set(s store.Store, key, value string) error {
	return s.Update(ctx, scope, func(w store.Writer) error { return w.Set([]byte(key), []byte(value)) })
}

func get(t *testing.T, s store.Store, key string) string {
	t.Helper()
	got := "none"
	err := s.View(ctx, scope, func(r store.Reader) error {
		value, err := r.Get([]byte(key))
		if err == nil {
			got = string(value)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestFaults strikes each step that writes with each fault, and looks at what the caller is told and what is durable.
func TestFaults(t *testing.T) {
	writes := map[memstore.Step]func(*memstore.Store) error{
		memstore.StepCommit: func(s *memstore.Store) error { return set(s, "k", "new") },
		memstore.StepDrop:   func(s *memstore.Store) error { return s.Drop(ctx, scope) },
	}
	done := map[memstore.Step]string{memstore.StepCommit: "new", memstore.StepDrop: "none"}
	for _, test := range []struct {
		fault   memstore.Fault
		err     error
		durable bool
		crashed bool
	}{
		{memstore.None, nil, true, false},
		{memstore.Fail, memstore.ErrInjected, false, false},
		{memstore.ReplyLost, memstore.ErrReplyLost, true, false},
		{memstore.Full, store.ErrFull, false, false},
		{memstore.CrashBefore, memstore.ErrCrashed, false, true},
		{memstore.CrashAfter, memstore.ErrCrashed, true, true},
	} {
		for step, write := range writes {
			t.Run(fmt.Sprintf("%s/%s", step, test.fault), func(t *testing.T) {
				armed := false
				s := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
					if armed && op.Step == step {
						armed = false
						return test.fault
					}
					return memstore.None
				}})
				if err := set(s, "k", "old"); err != nil {
					t.Fatal(err)
				}
				armed = true
				if err := write(s); !errors.Is(err, test.err) {
					t.Errorf("got %v, want %v", err, test.err)
				}
				if err := set(s, "later", "1"); test.crashed != errors.Is(err, memstore.ErrCrashed) {
					t.Errorf("after the fault: %v", err)
				}
				if err := s.View(ctx, scope, func(store.Reader) error { return nil }); test.crashed != errors.Is(err, store.ErrClosed) {
					t.Errorf("View after the fault: %v", err)
				}
				want := "old"
				if test.durable {
					want = done[step]
				}
				if got := get(t, s.Crash(), "k"); got != want {
					t.Errorf("durable is %q, want %q", got, want)
				}
				if err := set(s, "later", "1"); !errors.Is(err, memstore.ErrCrashed) {
					t.Errorf("the crashed store answers %v", err)
				}
			})
		}
	}
}

func TestReadFaults(t *testing.T) {
	for _, step := range []memstore.Step{memstore.StepView, memstore.StepGet, memstore.StepScan, memstore.StepUpdate, memstore.StepScopes} {
		for fault, want := range map[memstore.Fault]error{memstore.Fail: memstore.ErrInjected, memstore.CrashBefore: memstore.ErrCrashed} {
			s := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
				if op.Step == step {
					return fault
				}
				return memstore.None
			}})
			_, scopes := s.Scopes(ctx)
			err := errors.Join(scopes, set(s, "k", "v"), s.View(ctx, scope, func(r store.Reader) error {
				for _, err := range r.Scan(store.Span{}) {
					if err != nil {
						return err
					}
				}
				_, err := r.Get([]byte("k"))
				return err
			}))
			if !errors.Is(err, want) {
				t.Errorf("%s at %s: got %v, want %v", fault, step, err, want)
			}
		}
	}
}

// TestCrashInMidUpdate crashes a store while the function of an Update runs.
func TestCrashInMidUpdate(t *testing.T) {
	s := memstore.New(memstore.Config{})
	if err := set(s, "k", "old"); err != nil {
		t.Fatal(err)
	}
	var next *memstore.Store
	err := s.Update(ctx, scope, func(w store.Writer) error {
		next = s.Crash()
		if _, err := w.Get([]byte("k")); !errors.Is(err, memstore.ErrCrashed) {
			t.Errorf("Get in a crashed store: %v", err)
		}
		return w.Set([]byte("k"), []byte("new"))
	})
	if !errors.Is(err, memstore.ErrCrashed) {
		t.Errorf("Update: %v", err)
	}
	if got := get(t, next, "k"); got != "old" {
		t.Errorf("durable is %q", got)
	}
}

func TestUnsynced(t *testing.T) {
	never := memstore.New(memstore.Config{Unsynced: true})
	if err := set(never, "a", "1"); err != nil {
		t.Fatal(err)
	}
	if got := get(t, never.Crash(), "a"); got != "none" {
		t.Errorf("without a sync, a crash left %q", got)
	}
	s := memstore.New(memstore.Config{Unsynced: true})
	if err := set(s, "a", "1"); err != nil {
		t.Fatal(err)
	}
	s.Sync()
	if err := set(s, "b", "1"); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "b"); got != "1" {
		t.Errorf("before the crash b is %q", got)
	}
	next := s.Crash()
	if a, b := get(t, next, "a"), get(t, next, "b"); a != "1" || b != "none" {
		t.Errorf("after the crash a is %q and b is %q, want 1 and none", a, b)
	}
}

func TestClonesAreIndependent(t *testing.T) {
	s := memstore.New(memstore.Config{})
	for i := range 1000 {
		if err := set(s, fmt.Sprint(i), "common"); err != nil {
			t.Fatal(err)
		}
	}
	a, b := s.Clone(), s.Clone()
	var wg sync.WaitGroup
	for name, st := range map[string]*memstore.Store{"s": s, "a": a, "b": b} {
		wg.Go(func() {
			for i := range 1000 {
				if i%3 == 0 {
					if err := set(st, fmt.Sprint(i), name); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for name, st := range map[string]*memstore.Store{"s": s, "a": a, "b": b} {
		if x, y := get(t, st, "999"), get(t, st, "998"); x != name || y != "common" {
			t.Errorf("store %s holds %q and %q", name, x, y)
		}
	}
}

// TestProtocol breaks the contract in every way that the fake promises to notice.
func TestProtocol(t *testing.T) {
	for name, offend := range map[string]func(*memstore.Store){
		"Get after the end": func(s *memstore.Store) {
			var kept store.Reader
			_ = s.View(ctx, scope, func(r store.Reader) error { kept = r; return nil })
			_, _ = kept.Get([]byte("k"))
		},
		"Scan after the end": func(s *memstore.Store) {
			var kept store.Reader
			_ = s.View(ctx, scope, func(r store.Reader) error { kept = r; return nil })
			kept.Scan(store.Span{})
		},
		"iteration after the end": func(s *memstore.Store) {
			var steps func(func(store.Entry, error) bool)
			_ = s.View(ctx, scope, func(r store.Reader) error { steps = r.Scan(store.Span{}); return nil })
			steps(func(store.Entry, error) bool { return true })
		},
		"Set after the end": func(s *memstore.Store) {
			var kept store.Writer
			_ = s.Update(ctx, scope, func(w store.Writer) error { kept = w; return nil })
			_ = kept.Set([]byte("k"), nil)
		},
		"Delete after the end": func(s *memstore.Store) {
			var kept store.Writer
			_ = s.Update(ctx, scope, func(w store.Writer) error { kept = w; return nil })
			_ = kept.Delete([]byte("k"))
		},
		"Set while iterating": func(s *memstore.Store) {
			_ = s.Update(ctx, scope, func(w store.Writer) error {
				for e := range w.Scan(store.Span{}) {
					_ = w.Set(e.Key, nil)
				}
				return nil
			})
		},
		"Delete while iterating": func(s *memstore.Store) {
			_ = s.Update(ctx, scope, func(w store.Writer) error {
				for e := range w.Scan(store.Span{}) {
					_ = w.Delete(e.Key)
				}
				return nil
			})
		},
		"changing a value read": func(s *memstore.Store) {
			_ = s.View(ctx, scope, func(r store.Reader) error {
				value, _ := r.Get([]byte("k"))
				value[0]++
				return nil
			})
		},
		"changing an entry": func(s *memstore.Store) {
			_ = s.View(ctx, scope, func(r store.Reader) error {
				for e := range r.Scan(store.Span{}) {
					e.Value[0]++
				}
				return nil
			})
		},
		"changing a value given": func(s *memstore.Store) {
			_ = s.Update(ctx, scope, func(w store.Writer) error {
				value := []byte("given")
				_ = w.Set([]byte("k"), value)
				value[0]++
				return nil
			})
		},
		"changing a key deleted": func(s *memstore.Store) {
			_ = s.Update(ctx, scope, func(w store.Writer) error {
				key := []byte("k")
				_ = w.Delete(key)
				key[0]++
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := memstore.New(memstore.Config{Paranoid: true})
			if err := set(s, "k", "value"); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if recover() == nil {
					t.Error("went unnoticed")
				}
				if got := get(t, s, "k"); got != "value" {
					t.Errorf("and left k as %q", got)
				}
			}()
			offend(s)
		})
	}
}

// TestLoansAreCalledIn keeps slices for too long and finds rubbish in them.
func TestLoansAreCalledIn(t *testing.T) {
	s := memstore.New(memstore.Config{Paranoid: true})
	if err := set(s, "k", "value"); err != nil {
		t.Fatal(err)
	}
	var fromGet, fromScan []byte
	_ = s.View(ctx, scope, func(r store.Reader) error {
		fromGet, _ = r.Get([]byte("k"))
		for e := range r.Scan(store.Span{}) {
			fromScan = e.Value
		}
		if string(fromScan) == "value" {
			t.Error("an entry outlived its step")
		}
		return nil
	})
	if string(fromGet) == "value" {
		t.Error("a value outlived its transaction")
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := memstore.New(memstore.Config{})
	value := make([]byte, 600)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		err := s.Update(ctx, scope, func(w store.Writer) error {
			for n := range 3 {
				if err := w.Set(fmt.Appendf(nil, "%d/%08d", n, i), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkView(b *testing.B) {
	s := memstore.New(memstore.Config{})
	for i := range 10_000 {
		if err := set(s, fmt.Sprintf("%08d", i), "value"); err != nil {
			b.Fatal(err)
		}
	}
	key := []byte("00005000")
	b.ReportAllocs()
	for b.Loop() {
		_ = s.View(ctx, scope, func(r store.Reader) error {
			_, err := r.Get(key)
			return err
		})
	}
}

func BenchmarkNewAndCrash(b *testing.B) {
	s := memstore.New(memstore.Config{})
	for i := range 10_000 {
		if err := set(s, fmt.Sprintf("%08d", i), "value"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		s = s.Crash()
	}
}
