package badgerstore_test

import (
	"os"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
	"github.com/rounds-sync/rounds/sync/store/storetest"
)

func TestMain(m *testing.M) {
	os.Exit(storetest.Main(m, func(dir string) (store.Store, error) {
		return badgerstore.Open(badgerstore.Config{Dir: dir, MemTableBytes: 8 << 20})
	}))
}

func open(t testing.TB, cfg badgerstore.Config) *badgerstore.Store {
	t.Helper()
	s, err := badgerstore.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, dir string) store.Store {
		return open(t, badgerstore.Config{Dir: dir})
	}, storetest.Options{Seeds: []uint64{1, 2, 3, 4}, Again: true})
}

// TestConformanceSmall has small tables, so that the suite meets flushes and transactions that are written in pieces.
func TestConformanceSmall(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, dir string) store.Store {
		return open(t, badgerstore.Config{Dir: dir, MemTableBytes: 8 << 20, NoSync: true})
	}, storetest.Options{Seeds: []uint64{101, 102, 103}})
}

func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	storetest.RunKill(t, func(t testing.TB, dir string) store.Store {
		return open(t, badgerstore.Config{Dir: dir, MemTableBytes: 8 << 20})
	}, 1, rounds)
}
