package storetest

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
)

func testLimits(t *testing.T, s suite) {
	st := s.new(t)
	write := func(key, value []byte) error {
		return st.Update(ctx, scope, func(w store.Writer) error { return w.Set(key, value) })
	}
	longest := bytes.Repeat([]byte{0xff}, store.MaxKey)
	must(t, write(longest, []byte("v")))
	must(t, write(bytes.Repeat([]byte{0}, store.MaxKey), []byte("v")))
	wantIs(t, "an empty key", write(nil, []byte("v")), store.ErrInvalid)
	wantIs(t, "a long key", write(make([]byte, store.MaxKey+1), nil), store.ErrInvalid)
	wantIs(t, "a large value", write([]byte("k"), make([]byte, store.MaxValue+1)), store.ErrInvalid)
	wantIs(t, "deleting an empty key", st.Update(ctx, scope, func(w store.Writer) error { return w.Delete(nil) }), store.ErrInvalid)
	wantIs(t, "an ignored error of Set", st.Update(ctx, scope, func(w store.Writer) error {
		_ = w.Set([]byte("before"), nil)
		_ = w.Set(nil, nil)
		_ = w.Set([]byte("after"), nil)
		return nil
	}), store.ErrInvalid)
	for _, scope := range []store.Scope{"", store.Scope(strings.Repeat("x", store.MaxScope+1))} {
		wantIs(t, "View", st.View(ctx, scope, func(store.Reader) error { panic("ran") }), store.ErrInvalid)
		wantIs(t, "Update", st.Update(ctx, scope, func(store.Writer) error { panic("ran") }), store.ErrInvalid)
		wantIs(t, "Drop", st.Drop(ctx, scope), store.ErrInvalid)
	}
	view(t, st, scope, func(r store.Reader) {
		wantList(t, "keys in reverse", keys(t, r, store.Span{Reverse: true}), string(longest), strings.Repeat("\x00", store.MaxKey))
		wantGet(t, r, string(longest), "v")
	})
}

// filler makes n bytes that do not compress and tell from which seed they are.
func filler(seed uint64, n int) []byte {
	var key, iv [aes.BlockSize]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	out := make([]byte, n)
	cipher.NewCTR(block, iv[:]).XORKeyStream(out, out) // of all sources the quickest where the race detector looks on
	return out
}

func testLargeValues(t *testing.T, s suite) {
	dir := t.TempDir()
	st := s.open(t, dir)
	sizes := []int{0, 1, 100, 4 << 10, 64<<10 - 1, 64 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20, store.MaxValue}
	want := make([][]byte, len(sizes))
	for i, size := range sizes {
		want[i] = filler(uint64(i), size)
		must(t, st.Update(ctx, scope, func(w store.Writer) error {
			must(t, w.Set(fmt.Appendf(nil, "%02d", i), want[i]))
			got, err := w.Get(fmt.Appendf(nil, "%02d", i))
			if err != nil || !bytes.Equal(got, want[i]) {
				t.Errorf("own write of %d bytes: got %d bytes, %v", size, len(got), err)
			}
			return nil
		}))
	}
	check := func() {
		t.Helper()
		view(t, st, scope, func(r store.Reader) {
			i := 0
			var kept [][]byte
			for e, err := range r.Scan(store.Span{}) {
				must(t, err)
				if !bytes.Equal(e.Value, want[i]) {
					t.Errorf("Scan: value of %d bytes differs (got %d)", sizes[i], len(e.Value))
				}
				got, err := r.Get(e.Key)
				if err != nil || !bytes.Equal(got, want[i]) {
					t.Errorf("Get: value of %d bytes differs (got %d, %v)", sizes[i], len(got), err)
				}
				kept = append(kept, got)
				i++
			}
			for i, value := range kept { // what Get returned is valid to the end of the transaction
				if !bytes.Equal(value, want[i]) {
					t.Errorf("the value of %d bytes did not last", sizes[i])
				}
			}
			if i != len(sizes) {
				t.Errorf("Scan met %d values, want %d", i, len(sizes))
			}
		})
	}
	check()
	must(t, st.Close())
	st = s.open(t, dir)
	check()
	for i := range sizes {
		set(t, st, scope, fmt.Sprintf("%02d", i), "small")
	}
	view(t, st, scope, func(r store.Reader) {
		for i := range sizes {
			wantGet(t, r, fmt.Sprintf("%02d", i), "small")
		}
	})
	must(t, st.Close())
}

func testLargeTransactions(t *testing.T, s suite) {
	dir := t.TempDir()
	st := s.open(t, dir)
	const count = 3 << 10
	value := func(i int) []byte { return filler(uint64(i), []int{1000, 10_000, 1000}[i%3]) } // 12 MB in all
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		for i := range count {
			if err := w.Set(fmt.Appendf(nil, "key %06d", i), value(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	err := st.Update(ctx, scope, func(w store.Writer) error {
		if err := w.Delete([]byte("key 000000")); err != nil {
			return err
		}
		for i := range 3 {
			if err := w.Set(fmt.Appendf(nil, "large %d", i), make([]byte, store.MaxValue-100)); err != nil {
				return err
			}
		}
		return nil
	})
	wantIs(t, "a transaction over the limit", err, store.ErrTooLarge)
	for range 2 {
		view(t, st, scope, func(r store.Reader) {
			i := 0
			for e, err := range r.Scan(store.Span{}) {
				must(t, err)
				if string(e.Key) != fmt.Sprintf("key %06d", i) || !bytes.Equal(e.Value, value(i)) {
					t.Fatalf("entry %d is %q with %d bytes", i, e.Key, len(e.Value))
				}
				i++
			}
			if i != count {
				t.Errorf("%d entries, want %d", i, count)
			}
		})
		must(t, st.Close())
		st = s.open(t, dir)
	}
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		for i := range count {
			if err := w.Delete(fmt.Appendf(nil, "key %06d", i)); err != nil {
				return err
			}
		}
		return nil
	}))
	wantList(t, "after deleting all", content(t, st, scope))
	must(t, st.Close())
}

// testLargeTransactionIsSeenWhole reads while a transaction commits that a store may have to write in pieces.
func testLargeTransactionIsSeenWhole(t *testing.T, s suite) {
	st := s.new(t)
	const count, size, rounds = 1200, 5000, 2
	write := func(round int) error {
		return st.Update(ctx, scope, func(w store.Writer) error {
			for i := range count {
				value := append(fmt.Appendf(nil, "%d ", round), filler(uint64(i), size)...)
				if err := w.Set(fmt.Appendf(nil, "key %06d", i), value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	must(t, write(0))
	done := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		for round := range rounds {
			if err := write(round + 1); err != nil {
				done <- err
				return
			}
		}
		close(done)
	})
	for running := true; running; {
		select {
		case err := <-done:
			must(t, err)
			running = false
		default:
		}
		view(t, st, scope, func(r store.Reader) {
			seen := map[string]int{}
			for i := 0; i < count; i += 19 { // points across all pieces
				value, err := r.Get(fmt.Appendf(nil, "key %06d", i))
				must(t, err)
				round, _, _ := strings.Cut(string(value[:4]), " ")
				seen[round]++
			}
			if len(seen) != 1 {
				t.Errorf("a View sees parts of several transactions: %v", seen)
			}
		})
		if t.Failed() {
			break
		}
	}
	wg.Wait()
}

// testLargeValuesAtOnce commits large values of many scopes together.
func testLargeValuesAtOnce(t *testing.T, s suite) {
	st := s.new(t)
	const scopes, size = 8, 9 << 20
	value := func(i int) []byte { return filler(uint64(i), size) }
	var wg sync.WaitGroup
	for i := range scopes {
		wg.Go(func() {
			if err := st.Update(ctx, store.Scope(fmt.Sprint(i)), func(w store.Writer) error {
				return w.Set([]byte("large"), value(i))
			}); err != nil {
				t.Errorf("scope %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range scopes {
		view(t, st, store.Scope(fmt.Sprint(i)), func(r store.Reader) {
			if got, err := r.Get([]byte("large")); err != nil || !bytes.Equal(got, value(i)) {
				t.Errorf("scope %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
}

func testContext(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "1")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	wantIs(t, "View", st.View(cancelled, scope, func(store.Reader) error { panic("ran") }), context.Canceled)
	wantIs(t, "Update", st.Update(cancelled, scope, func(store.Writer) error { panic("ran") }), context.Canceled)
	wantIs(t, "Drop", st.Drop(cancelled, scope), context.Canceled)
	_, err := st.Scopes(cancelled)
	wantIs(t, "Scopes", err, context.Canceled)

	// One that waits for its turn gives up.
	waiting, giveUp := context.WithCancel(ctx)
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		done := make(chan error)
		go func() { done <- st.Update(waiting, scope, func(store.Writer) error { panic("ran") }) }()
		giveUp()
		wantIs(t, "Update in waiting", <-done, context.Canceled)
		return w.Set([]byte("b"), []byte("2"))
	}))

	// One that runs is not disturbed: its outcome is known.
	running, stop := context.WithCancel(ctx)
	must(t, st.Update(running, scope, func(w store.Writer) error {
		stop()
		return w.Set([]byte("c"), []byte("3"))
	}))
	wantList(t, "content", content(t, st, scope), "a", "1", "b", "2", "c", "3")
}

func testClosed(t *testing.T, s suite) {
	st := s.open(t, t.TempDir())
	set(t, st, scope, "a", "1")
	must(t, st.Close())
	wantIs(t, "View", st.View(ctx, scope, func(store.Reader) error { panic("ran") }), store.ErrClosed)
	wantIs(t, "Update", st.Update(ctx, scope, func(store.Writer) error { panic("ran") }), store.ErrClosed)
	wantIs(t, "Drop", st.Drop(ctx, scope), store.ErrClosed)
	_, err := st.Scopes(ctx)
	wantIs(t, "Scopes", err, store.ErrClosed)
	if err := st.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

// testCloseWaits closes a store while a View and an Update run.
func testCloseWaits(t *testing.T, s suite) {
	dir := t.TempDir()
	st := s.open(t, dir)
	set(t, st, scope, "a", "1")
	var wg sync.WaitGroup
	inView, inUpdate, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		if err := st.View(ctx, scope, func(r store.Reader) error {
			close(inView)
			<-goOn
			wantGet(t, r, "a", "1")
			return nil
		}); err != nil {
			t.Errorf("View: %v", err)
		}
	})
	wg.Go(func() {
		if err := st.Update(ctx, scope, func(w store.Writer) error {
			close(inUpdate)
			<-goOn
			return w.Set([]byte("a"), []byte("2"))
		}); err != nil {
			t.Errorf("Update: %v", err)
		}
	})
	<-inView
	<-inUpdate
	closed := make(chan error, 1)
	go func() { closed <- st.Close() }()
	select {
	case <-closed:
		t.Error("Close returned while transactions ran")
	default:
	}
	close(goOn)
	wg.Wait()
	must(t, <-closed)
	st = s.open(t, dir)
	wantList(t, "content", content(t, st, scope), "a", "2")
	must(t, st.Close())
}

func testDurable(t *testing.T, s suite) {
	dir := t.TempDir()
	want := map[store.Scope][]string{}
	for life := range 4 {
		st := s.open(t, dir)
		for scope, pairs := range want {
			wantList(t, fmt.Sprintf("life %d, scope %q", life, scope), content(t, st, scope), pairs...)
		}
		for _, scope := range awkwardScopes() {
			key, value := fmt.Sprintf("life %d", life), fmt.Sprintf("in %d", life)
			set(t, st, scope, key, value)
			want[scope] = append(want[scope], key, value)
		}
		dropped := awkwardScopes()[life]
		must(t, st.Drop(ctx, dropped))
		want[dropped] = nil
		must(t, st.Close())
	}
}
