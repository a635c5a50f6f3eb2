package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
)

func testOwnWrites(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "1", "c", "3", "e", "5")
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		must(t, w.Set([]byte("b"), []byte("2")))
		must(t, w.Set([]byte("c"), []byte("three")))
		must(t, w.Delete([]byte("e")))
		must(t, w.Set([]byte("f"), []byte("6")))
		wantGet(t, w, "a", "1")
		wantGet(t, w, "b", "2")
		wantGet(t, w, "c", "three")
		wantNone(t, w, "e")
		want := []string{"a", "1", "b", "2", "c", "three", "f", "6"}
		wantList(t, "forwards", pairs(t, w, store.Span{}), want...)
		wantList(t, "backwards", pairs(t, w, store.Span{Reverse: true}), reversePairs(want)...)
		wantList(t, "span", keys(t, w, store.Span{From: []byte("b"), To: []byte("f")}), "b", "c")
		wantList(t, "span in reverse", keys(t, w, store.Span{From: []byte("b"), To: []byte("f"), Reverse: true}), "c", "b")

		must(t, w.Delete([]byte("b")))
		must(t, w.Set([]byte("e"), []byte("back")))
		must(t, w.Delete([]byte("f")))
		must(t, w.Delete([]byte("a")))
		wantNone(t, w, "b")
		wantGet(t, w, "e", "back")
		wantList(t, "after more writes", pairs(t, w, store.Span{}), "c", "three", "e", "back")
		return nil
	}))
	wantList(t, "committed", content(t, st, scope), "c", "three", "e", "back")
}

func testRollback(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "1")
	refused := errors.New("refused")
	err := st.Update(ctx, scope, func(w store.Writer) error {
		must(t, w.Set([]byte("a"), []byte("2")))
		must(t, w.Set([]byte("b"), []byte("2")))
		return refused
	})
	if err != refused {
		t.Errorf("Update returned %v, want the very error of its function", err)
	}
	if err := st.Update(ctx, "site/new", func(w store.Writer) error {
		must(t, w.Set([]byte("a"), []byte("2")))
		return refused
	}); err != refused {
		t.Errorf("Update returned %v, want the very error of its function", err)
	}
	if err := st.View(ctx, scope, func(store.Reader) error { return refused }); err != refused {
		t.Errorf("View returned %v, want the very error of its function", err)
	}
	wantList(t, "content", content(t, st, scope), "a", "1")
	scopes, err := st.Scopes(ctx)
	must(t, err)
	wantList(t, "scopes", scopes, scope)
}

func testPanic(t *testing.T, s suite) {
	st := s.new(t)
	caught := func(f func()) (value any) {
		defer func() { value = recover() }()
		f()
		return nil
	}
	got := caught(func() {
		_ = st.Update(ctx, scope, func(w store.Writer) error {
			must(t, w.Set([]byte("a"), nil))
			panic("in Update")
		})
	})
	if got != "in Update" {
		t.Errorf("the panic of an Update's function came out as %v", got)
	}
	set(t, st, scope, "b", "1")
	got = caught(func() {
		_ = st.View(ctx, scope, func(r store.Reader) error {
			for range r.Scan(store.Span{}) {
				panic("in Scan")
			}
			return nil
		})
	})
	if got != "in Scan" {
		t.Errorf("the panic in a Scan came out as %v", got)
	}
	wantList(t, "content", content(t, st, scope), "b", "1")
}

// testSnapshotDuringUpdate looks at a scope while an Update has written but not committed.
func testSnapshotDuringUpdate(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "old", "b", "old")
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		must(t, w.Set([]byte("a"), []byte("new")))
		must(t, w.Delete([]byte("b")))
		must(t, w.Set([]byte("c"), []byte("new")))
		seen := make(chan []string)
		go func() {
			var all []string
			_ = st.View(ctx, scope, func(r store.Reader) error {
				for e, err := range r.Scan(store.Span{}) {
					if err != nil {
						return err
					}
					all = append(all, string(e.Key), string(e.Value))
				}
				return nil
			})
			seen <- all
		}()
		wantList(t, "seen beside an Update", <-seen, "a", "old", "b", "old")
		return nil
	}))
	wantList(t, "after the commit", content(t, st, scope), "a", "new", "c", "new")
}

// testSnapshotSurvivesCommits commits while a View is open.
func testSnapshotSurvivesCommits(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "old", "b", "old", "d", "old")
	view(t, st, scope, func(r store.Reader) {
		wantGet(t, r, "a", "old")
		step := 0
		for e, err := range r.Scan(store.Span{}) {
			must(t, err)
			if step == 0 {
				done := make(chan error)
				go func() {
					done <- errors.Join(
						st.Update(ctx, scope, func(w store.Writer) error {
							return errors.Join(w.Set([]byte("a"), []byte("new")), w.Delete([]byte("b")), w.Set([]byte("c"), []byte("new")))
						}),
						st.Update(ctx, scope, func(w store.Writer) error { return w.Set([]byte("d"), []byte("new")) }),
					)
				}()
				must(t, <-done)
			}
			step++
			if string(e.Value) != "old" {
				t.Errorf("the open scan meets %q = %q", e.Key, e.Value)
			}
		}
		if step != 3 {
			t.Errorf("the open scan met %d keys, want 3", step)
		}
		wantList(t, "a new scan of the old snapshot", pairs(t, r, store.Span{}), "a", "old", "b", "old", "d", "old")
		wantNone(t, r, "c")
	})
	wantList(t, "a later View", content(t, st, scope), "a", "new", "c", "new", "d", "new")
}

func increment(w store.Writer, key string) error {
	value, err := w.Get([]byte(key))
	var n uint64
	switch {
	case err == nil:
		n = binary.BigEndian.Uint64(value)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return w.Set([]byte(key), binary.BigEndian.AppendUint64(nil, n+1))
}

func testUpdatesTakeTurns(t *testing.T, s suite) {
	st := s.new(t)
	const workers, each = 8, 12
	var inside atomic.Int32
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if err := st.Update(ctx, scope, func(w store.Writer) error {
					if inside.Add(1) != 1 {
						t.Error("two Updates of one scope at the same time")
					}
					defer inside.Add(-1)
					err := increment(w, "n")
					for range 10 { // let others in, if they can come in
						runtime.Gosched()
					}
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, st, scope, func(r store.Reader) {
		wantGet(t, r, "n", string(binary.BigEndian.AppendUint64(nil, workers*each)))
	})
}

func testScopesInParallel(t *testing.T, s suite) {
	if s.SerialUpdates {
		t.Skip("this store serialises all Updates")
	}
	st := s.new(t)
	inA, inB := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- st.Update(ctx, "a", func(w store.Writer) error {
			close(inA)
			<-inB // an Update of b begins while this one runs
			return w.Set([]byte("k"), []byte("a"))
		})
	}()
	must(t, st.Update(ctx, "b", func(w store.Writer) error {
		close(inB)
		<-inA
		return w.Set([]byte("k"), []byte("b"))
	}))
	must(t, <-done)
	wantList(t, "a", content(t, st, "a"), "k", "a")
	wantList(t, "b", content(t, st, "b"), "k", "b")
}

// testManyScopesAtOnce lets commits meet: each scope keeps two keys equal, and readers check that they are.
func testManyScopesAtOnce(t *testing.T, s suite) {
	st := s.new(t)
	const scopes, each = 16, 10
	var wg sync.WaitGroup
	for i := range scopes {
		scope := store.Scope(fmt.Sprintf("s%d", i))
		wg.Go(func() {
			for range each {
				err := st.Update(ctx, scope, func(w store.Writer) error {
					return errors.Join(increment(w, "x"), increment(w, "y"))
				})
				if err != nil {
					t.Errorf("Update of %s: %v", scope, err)
				}
			}
		})
		wg.Go(func() {
			var last string
			for range each {
				err := st.View(ctx, scope, func(r store.Reader) error {
					x, errX := r.Get([]byte("x"))
					y, errY := r.Get([]byte("y"))
					if string(x) != string(y) || (errX == nil) != (errY == nil) {
						t.Errorf("View of %s: x is %x (%v), y is %x (%v)", scope, x, errX, y, errY)
					}
					if string(x) < last {
						t.Errorf("View of %s went back from %x to %x", scope, last, x)
					}
					last = string(x)
					return nil
				})
				if err != nil {
					t.Errorf("View of %s: %v", scope, err)
				}
			}
		})
	}
	wg.Wait()
	for i := range scopes {
		want := string(binary.BigEndian.AppendUint64(nil, each))
		scope := store.Scope(fmt.Sprintf("s%d", i))
		wantList(t, string(scope), content(t, st, scope), "x", want, "y", want)
	}
}
