package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
)

// awkwardScopes are names that a store's own encoding could confuse, in order.
func awkwardScopes() []store.Scope {
	return []store.Scope{
		"\x00", "\x00\x00", "\x01", "\x01a", "a", "a\x00", "a\x00\x00", "aa", "ab", "b", "format", "scopes",
		"site/1", "site/10", "site/2", store.Scope(strings.Repeat("x", 254)), store.Scope(strings.Repeat("x", 255)),
		"\xff", "\xff\xff", store.Scope(strings.Repeat("\xff", 255)),
	}
}

func testScopeIsolation(t *testing.T, s suite) {
	st := s.new(t)
	scopes := awkwardScopes()
	for i, scope := range scopes {
		for _, key := range awkward() {
			set(t, st, scope, key, fmt.Sprintf("%d %s", i, key))
		}
	}
	check := func(gone map[int]bool) {
		t.Helper()
		for i, scope := range scopes {
			want := []string{}
			for _, key := range awkward() {
				if !gone[i] {
					want = append(want, key, fmt.Sprintf("%d %s", i, key))
				}
			}
			wantList(t, fmt.Sprintf("scope %q", scope), content(t, st, scope), want...)
			view(t, st, scope, func(r store.Reader) {
				wantList(t, fmt.Sprintf("scope %q in reverse", scope), pairs(t, r, store.Span{Reverse: true}), reversePairs(want)...)
			})
		}
	}
	check(nil)
	must(t, st.Drop(ctx, scopes[4]))
	check(map[int]bool{4: true})
	must(t, st.Drop(ctx, scopes[0]))
	must(t, st.Drop(ctx, scopes[len(scopes)-1]))
	check(map[int]bool{0: true, 4: true, len(scopes) - 1: true})
}

func testScopes(t *testing.T, s suite) {
	st := s.new(t)
	scopes := awkwardScopes()
	for _, i := range []int{5, 2, 19, 11, 0, 7, 16, 3, 14, 9, 1, 18, 12, 6, 10, 4, 17, 8, 13, 15} {
		set(t, st, scopes[i], "k", "v")
	}
	list := func() []store.Scope {
		got, err := st.Scopes(ctx)
		must(t, err)
		return got
	}
	wantList(t, "scopes", list(), scopes...)
	must(t, st.Update(ctx, scopes[3], func(w store.Writer) error { return w.Delete([]byte("k")) }))
	must(t, st.Update(ctx, "emptied at once", func(w store.Writer) error {
		return errors.Join(w.Set([]byte("k"), nil), w.Delete([]byte("k")))
	}))
	must(t, st.Drop(ctx, scopes[17]))
	want := slices.Delete(slices.Delete(slices.Clone(scopes), 17, 18), 3, 4)
	wantList(t, "scopes after two were emptied", list(), want...)
	set(t, st, scopes[3], "k", "again")
	set(t, st, scopes[17], "k", "again")
	wantList(t, "scopes after they were filled again", list(), scopes...)
}

func testDrop(t *testing.T, s suite) {
	st := s.new(t)
	for i := range 40 {
		set(t, st, scope, fmt.Sprintf("key %d", i), strings.Repeat("v", 1000))
	}
	set(t, st, "site/12", "k", "stays")
	must(t, st.Drop(ctx, scope))
	wantList(t, "dropped scope", content(t, st, scope))
	wantList(t, "the other", content(t, st, "site/12"), "k", "stays")
	set(t, st, scope, "key 7", "new")
	wantList(t, "the scope in its second life", content(t, st, scope), "key 7", "new")
	must(t, st.Drop(ctx, scope))
	must(t, st.Drop(ctx, scope))
	wantList(t, "dropped twice", content(t, st, scope))
}

// testDropIsSeenWhole checks that a View which is open over a Drop keeps all keys.
func testDropIsSeenWhole(t *testing.T, s suite) {
	st := s.new(t)
	want := []string{}
	for i := range 200 {
		key := fmt.Sprintf("key %03d", i)
		set(t, st, scope, key, "v")
		want = append(want, key, "v")
	}
	view(t, st, scope, func(r store.Reader) {
		done := make(chan error)
		go func() {
			done <- errors.Join(st.Drop(ctx, scope), st.Update(ctx, scope, func(w store.Writer) error {
				return w.Set([]byte("key 000"), []byte("second life"))
			}))
		}()
		must(t, <-done)
		wantList(t, "the old snapshot", pairs(t, r, store.Span{}), want...)
		wantGet(t, r, "key 000", "v")
	})
	wantList(t, "a later View", content(t, st, scope), "key 000", "second life")
}
