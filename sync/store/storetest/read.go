package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
)

func testEmpty(t *testing.T, s suite) {
	st := s.new(t)
	view(t, st, scope, func(r store.Reader) {
		wantNone(t, r, "a")
		wantList(t, "keys", keys(t, r, store.Span{}))
		wantList(t, "keys in reverse", keys(t, r, store.Span{Reverse: true}))
	})
	scopes, err := st.Scopes(ctx)
	must(t, err)
	wantList(t, "scopes", scopes)
	must(t, st.Drop(ctx, scope))
	must(t, st.Update(ctx, scope, func(store.Writer) error { return nil }))
}

func testSetGetDelete(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "1", "b", "2", "empty", "")
	must(t, st.Update(ctx, scope, func(w store.Writer) error { return w.Set([]byte("nil"), nil) }))
	view(t, st, scope, func(r store.Reader) {
		wantGet(t, r, "a", "1")
		wantGet(t, r, "b", "2")
		wantGet(t, r, "empty", "")
		wantGet(t, r, "nil", "")
		wantNone(t, r, "c")
		wantNone(t, r, "")
	})
	set(t, st, scope, "a", "new")
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		if err := w.Delete([]byte("never there")); err != nil {
			return err
		}
		return w.Delete([]byte("b"))
	}))
	wantList(t, "content", content(t, st, scope), "a", "new", "empty", "", "nil", "")
}

// awkward are keys that a store's own encoding could confuse, in order.
func awkward() []string {
	return []string{
		"\x00", "\x00\x00", "\x00\xff", "!badger!txn", "a", "a\x00", "a\x00b", "aa", "ab", "b",
		"k", "\xfe\xff", "\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	}
}

func testScanOrder(t *testing.T, s suite) {
	st := s.new(t)
	want := awkward()
	for _, i := range []int{7, 0, 12, 3, 15, 9, 1, 14, 5, 10, 2, 13, 8, 4, 11, 6} {
		set(t, st, scope, want[i], fmt.Sprint(i))
	}
	view(t, st, scope, func(r store.Reader) {
		wantList(t, "forwards", keys(t, r, store.Span{}), want...)
		for i, key := range want {
			wantGet(t, r, key, fmt.Sprint(i))
		}
		slices.Reverse(want)
		wantList(t, "backwards", keys(t, r, store.Span{Reverse: true}), want...)
	})
}

func testScanSpans(t *testing.T, s suite) {
	st := s.new(t)
	all := awkward()
	for _, neighbour := range []store.Scope{"site/0", "site/10", "site", "site/2"} {
		for _, key := range all {
			set(t, st, neighbour, key, "a neighbour's")
		}
	}
	for _, key := range all {
		set(t, st, scope, key, "v"+key)
	}
	edges := append([]string{"", "\x00\x00\x00", "a\x00\x00", "c", "\xff\xfe", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"}, all...)
	bound := func(edge string) []byte {
		if edge == "" {
			return nil
		}
		return []byte(edge)
	}
	view(t, st, scope, func(r store.Reader) {
		for _, from := range edges {
			for _, to := range edges {
				want := []string{}
				for _, key := range all {
					if key >= from && (to == "" || key < to) {
						want = append(want, key, "v"+key)
					}
				}
				span := store.Span{From: bound(from), To: bound(to)}
				wantList(t, fmt.Sprintf("[%q, %q)", from, to), pairs(t, r, span), want...)
				span.Reverse = true
				want = reversePairs(want)
				wantList(t, fmt.Sprintf("[%q, %q) in reverse", from, to), pairs(t, r, span), want...)
			}
		}
		wantList(t, "an empty, non-nil To", keys(t, r, store.Span{To: []byte{}}))
		wantList(t, "an empty, non-nil To in reverse", keys(t, r, store.Span{To: []byte{}, Reverse: true}))
		wantList(t, "prefix a", keys(t, r, store.Prefix([]byte("a"))), "a", "a\x00", "a\x00b", "aa", "ab")
		wantList(t, "prefix ff", keys(t, r, store.Prefix([]byte("\xff"))), all[12:]...)
	})
}

func reversePairs(in []string) []string {
	out := make([]string, 0, len(in))
	for i := len(in) - 2; i >= 0; i -= 2 {
		out = append(out, in[i], in[i+1])
	}
	return out
}

func testScanStopsEarly(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "1", "b", "2", "c", "3")
	first := func(r store.Reader, reverse bool) (key string) {
		for e, err := range r.Scan(store.Span{Reverse: reverse}) {
			must(t, err)
			return string(e.Key)
		}
		return ""
	}
	view(t, st, scope, func(r store.Reader) {
		wantList(t, "first of both ends", []string{first(r, false), first(r, true), first(r, false)}, "a", "c", "a")
	})
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		must(t, w.Set([]byte("0"), nil))
		wantList(t, "first in an Update", []string{first(w, false), first(w, true)}, "0", "c")
		return w.Set([]byte("d"), []byte("4"))
	}))
	wantList(t, "content", content(t, st, scope), "0", "", "a", "1", "b", "2", "c", "3", "d", "4")
}

func testScansNest(t *testing.T, s suite) {
	st := s.new(t)
	set(t, st, scope, "a", "1", "b", "2")
	nest := func(r store.Reader) (out []string) {
		for outer, err := range r.Scan(store.Span{}) {
			must(t, err)
			for inner, err := range r.Scan(store.Span{Reverse: true}) {
				must(t, err)
				value, err := r.Get(inner.Key)
				must(t, err)
				out = append(out, string(outer.Key)+string(outer.Value)+string(inner.Key)+string(value))
			}
		}
		return out
	}
	want := []string{"a1b2", "a1a1", "b2b2", "b2a1"}
	view(t, st, scope, func(r store.Reader) { wantList(t, "nested", nest(r), want...) })
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		must(t, w.Set([]byte("b"), []byte("2")))
		wantList(t, "nested in an Update", nest(w), want...)
		return nil
	}))
}
