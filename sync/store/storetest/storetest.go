// Package storetest is the conformance suite that every store passes. It knows nothing of a store but the contract in package
// store.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
)

// Open opens the store that rests in dir, an existing folder that is empty at first; it fails the test if it cannot. The suite
// closes the store, and opens the same folder again to see what is durable.
type Open func(t testing.TB, dir string) store.Store

// Options say in what a store legitimately differs from others.
type Options struct {
	// SerialUpdates: an Update waits for those of other scopes too.
	SerialUpdates bool
	// Seeds of the random histories; nil is 1 to 12. With the race detector every other one is played.
	Seeds []uint64
	// Again: the suite runs on this store in another configuration as well. With the race detector what is large is left to that run.
	Again bool
}

// Run runs the suite.
func Run(t *testing.T, open Open, options Options) {
	s := suite{open: open, Options: options}
	for _, test := range []struct {
		name string
		run  func(*testing.T, suite)
	}{
		{"Empty", testEmpty},
		{"SetGetDelete", testSetGetDelete},
		{"ScanOrder", testScanOrder},
		{"ScanSpans", testScanSpans},
		{"ScanStopsEarly", testScanStopsEarly},
		{"ScansNest", testScansNest},
		{"OwnWrites", testOwnWrites},
		{"Rollback", testRollback},
		{"Panic", testPanic},
		{"SnapshotDuringUpdate", testSnapshotDuringUpdate},
		{"SnapshotSurvivesCommits", testSnapshotSurvivesCommits},
		{"UpdatesTakeTurns", testUpdatesTakeTurns},
		{"ScopesInParallel", testScopesInParallel},
		{"ManyScopesAtOnce", testManyScopesAtOnce},
		{"ScopeIsolation", testScopeIsolation},
		{"Scopes", testScopes},
		{"Drop", testDrop},
		{"DropIsSeenWhole", testDropIsSeenWhole},
		{"Limits", testLimits},
		{"LargeValues", testLargeValues},
		{"LargeValuesAtOnce", testLargeValuesAtOnce},
		{"LargeTransactions", testLargeTransactions},
		{"LargeTransactionIsSeenWhole", testLargeTransactionIsSeenWhole},
		{"Context", testContext},
		{"Closed", testClosed},
		{"CloseWaits", testCloseWaits},
		{"Durable", testDurable},
		{"History", testHistory},
	} {
		t.Run(test.name, func(t *testing.T) {
			if raced && options.Again && strings.HasPrefix(test.name, "Large") {
				t.Skip("in another configuration")
			}
			test.run(t, s)
		})
	}
}

type suite struct {
	open Open
	Options
}

// new opens an empty store that is closed when the test ends.
func (s suite) new(t *testing.T) store.Store {
	st := s.open(t, t.TempDir())
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return st
}

const scope = store.Scope("site/1")

var ctx = context.Background()

func set(t testing.TB, st store.Store, scope store.Scope, pairs ...string) {
	t.Helper()
	must(t, st.Update(ctx, scope, func(w store.Writer) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := w.Set([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	}))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func wantGet(t testing.TB, r store.Reader, key, want string) {
	t.Helper()
	value, err := r.Get([]byte(key))
	if err != nil || string(value) != want {
		t.Errorf("Get(%q) = %q, %v; want %q", key, clip(string(value)), err, clip(want))
	}
}

func wantNone(t testing.TB, r store.Reader, key string) {
	t.Helper()
	if value, err := r.Get([]byte(key)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get(%q) = %q, %v; want ErrNotFound", key, clip(string(value)), err)
	}
}

// keys reads the keys of a span.
func keys(t testing.TB, r store.Reader, span store.Span) []string {
	t.Helper()
	out := []string{}
	for e, err := range r.Scan(span) {
		must(t, err)
		out = append(out, string(e.Key))
	}
	return out
}

// pairs reads the keys and values of a span.
func pairs(t testing.TB, r store.Reader, span store.Span) []string {
	t.Helper()
	out := []string{}
	for e, err := range r.Scan(span) {
		must(t, err)
		out = append(out, string(e.Key), string(e.Value))
	}
	return out
}

func view(t testing.TB, st store.Store, scope store.Scope, read func(store.Reader)) {
	t.Helper()
	must(t, st.View(ctx, scope, func(r store.Reader) error {
		read(r)
		return nil
	}))
}

// content reads a whole scope.
func content(t testing.TB, st store.Store, scope store.Scope) (all []string) {
	t.Helper()
	view(t, st, scope, func(r store.Reader) { all = pairs(t, r, store.Span{}) })
	return all
}

func wantList[T ~string](t testing.TB, what string, got []T, want ...T) {
	t.Helper()
	same := len(got) == len(want)
	for i := 0; same && i < len(got); i++ {
		same = got[i] == want[i]
	}
	if !same {
		t.Errorf("%s:\n got %s\nwant %s", what, clip(fmt.Sprintf("%q", got)), clip(fmt.Sprintf("%q", want)))
	}
}

func clip(s string) string {
	if len(s) > 2000 {
		return s[:2000] + fmt.Sprintf("... (%d bytes)", len(s))
	}
	return s
}
