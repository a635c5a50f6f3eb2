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
	storetest.Run(t, func(t testing.TB, dir string) store.Store {
		return open(t, boltstore.Config{Dir: dir})
	}, storetest.Options{SerialUpdates: true})
}

func TestKill(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	storetest.RunKill(t, func(t testing.TB, dir string) store.Store {
		return open(t, boltstore.Config{Dir: dir})
	}, 2, rounds)
}
