package boltstore_test

import (
	"os"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/boltstore"
	"github.com/rounds-sync/rounds/sync/store/storetest"
)

func TestMain(m *testing.M) {
	os.Exit(storetest.Main(m, func(dir string) (store.Store, error) {
		return boltstore.Open(boltstore.Config{Dir: dir})
	}))
}

func open(t testing.TB, cfg boltstore.Config) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, dir string) store.Store {
		return open(t, boltstore.Config{Dir: dir})
	}, storetest.Options{SerialUpdates: true, Seeds: []uint64{21, 22, 23, 24, 25, 26}})
}

func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	storetest.RunKill(t, func(t testing.TB, dir string) store.Store {
		return open(t, boltstore.Config{Dir: dir})
	}, 2, rounds)
}
