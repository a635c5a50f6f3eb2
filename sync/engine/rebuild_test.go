package engine_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// older is another definition of the same indexes, whose entries must all go.
type older struct{}

func (older) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	entries := words{}.Entries(kind, change)
	for i := range entries {
		entries[i].Key = append([]byte("older "), entries[i].Key...)
	}
	return append(entries, engine.IndexEntry{Name: "gone", Key: []byte(change.GetRecordId())})
}

const rebuilt = 1010 // records, more than two pages of a rebuilding take, and their older entries, more than two pages of a clearing

// aged is a store with many records, indexed by the older definition or, without it, not at all.
func aged(t *testing.T, index engine.Index) (*memstore.Store, map[string]merge.Kind) {
	memory := newMemory()
	w := newWorld(t, memory)
	w.index(index, "older")
	a := w.phone("a")
	ids := map[string]merge.Kind{}
	for n := range rebuilt {
		a.do(site, id(n), create(&roundsv1.Ticket{Title: fmt.Sprint("t", n%7), Tags: []string{"x", "y"}}))
		ids[id(n)] = "ticket"
		if n%500 == 0 {
			a.sync()
		}
	}
	a.do(site, id(3), delete_())
	a.sync()
	if err := w.Evict(context.Background(), site, "ticket", merge.RecordID(id(4))); err != nil {
		t.Fatal(err)
	}
	return memory, ids
}

var indexNames = []engine.IndexName{"title", "tag", "state", "gone"}

// TestRebuilding makes the two stores that are long to make once, and gives each test copies of its own.
func TestRebuilding(t *testing.T) {
	bare, records := aged(t, nil)
	indexed, same := aged(t, older{})
	if !maps.Equal(records, same) {
		t.Fatal("the two stores have other records")
	}
	test := func(name string, run func(*testing.T, *memstore.Store, map[string]merge.Kind), of *memstore.Store) {
		t.Run(name, func(t *testing.T) { run(t, of.CloneWith(memstore.Config{Paranoid: true}), maps.Clone(records)) })
	}
	test("indexes are added to a store without", builtAnew, bare)
	test("indexes are changed", builtAnew, indexed)
	test("nobody waits", nobodyWaits, bare)
	for _, fault := range []memstore.Fault{memstore.CrashAfter, memstore.ReplyLost, memstore.Fail} {
		test("interrupted by "+fault.String(), func(t *testing.T, memory *memstore.Store, ids map[string]merge.Kind) {
			interrupted(t, memory, ids, fault)
		}, indexed)
	}
}

func builtAnew(t *testing.T, memory *memstore.Store, ids map[string]merge.Kind) {
	w := newWorld(t, memory)
	w.index(words{}, "newer")
	w.wantIndexes(indexNames, ids)
	steps := memory.Steps()
	w.index(words{}, "newer") // the next engine has nothing to do
	w.find("gone", store.Span{})
	if used := memory.Steps() - steps; used > 6 {
		t.Fatalf("finding takes %d steps of the store when the indexes stand", used)
	}
	w.index(older{}, "older") // a step back is another version, too
	w.find("gone", store.Span{})
	w.index(words{}, "newer")
	if _, err := w.Maintain(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	w.wantIndexes(indexNames, ids)
}

// Whatever stands between two engines with the same version: what an engine without indexes wrote is not missed.
func TestIndexesAfterAnEngineWithoutThem(t *testing.T) {
	w := newWorld(t, newMemory())
	w.index(words{}, "1")
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "first"}))
	a.sync()
	w.open()
	a.do(site, id(1), title("second"))
	a.sync()
	a.do(site, id(2), create(&roundsv1.Ticket{Title: "third"}))
	a.sync()
	w.index(words{}, "1")
	a.do(site, id(2), title("fourth"))
	a.sync()
	w.wantIndexes(indexNames, map[string]merge.Kind{id(1): "ticket", id(2): "ticket"})
}

// A rebuilding is cut after every commit that it makes, by a crash or by an error of the store after which nobody knows what was done, with writes before
// and behind the place that it has reached. It goes on where it was, and ends in what the records say.
func interrupted(t *testing.T, memory *memstore.Store, ids map[string]merge.Kind, fault memstore.Fault) {
	commits, left := 0, 0
	memory = memory.CloneWith(memstore.Config{Paranoid: true, Fault: func(op memstore.Op) memstore.Fault {
		if op.Step != memstore.StepCommit || op.Writes == 0 {
			return memstore.None
		}
		if left--; left == 0 {
			return fault
		}
		return memstore.None
	}})
	w := newWorld(t, memory)
	w.index(words{}, "newer")
	w.phone("a") // its key is known
	writer := w.phone("writer")
	for ; ; commits++ {
		left = 2 // the write's own commit, and one page
		if fault == memstore.Fail {
			left += commits // else it comes no further
		}
		at := commits * 97 % rebuilt
		if err := w.Write(context.Background(), site, func(engine.View) ([]engine.Derived, error) {
			return []engine.Derived{
				{RecordID: merge.RecordID(id(10 + at)), Edit: title(fmt.Sprint("moved ", commits))},
				{RecordID: merge.RecordID(id(rebuilt + 10 - commits)), Edit: title("near the end")},
				{RecordID: merge.RecordID(id(100_000 - commits)), Edit: create(&roundsv1.Ticket{Title: "new"})},
			}, nil
		}); err != nil {
			t.Fatal(err)
		}
		ids[id(rebuilt+10-commits)], ids[id(100_000-commits)], ids[id(10+at)] = "ticket", "ticket", "ticket"
		writer.do(site, id(commits), title("by a phone"))
		var failed error
		for _, err := range w.Find(context.Background(), site, "title", store.Span{}) {
			failed = err
		}
		if failed == nil {
			break
		}
		if fault == memstore.CrashAfter {
			memory = memory.Crash()
			w.store = memory
			w.index(words{}, "newer")
		}
	}
	if commits < 3 {
		t.Fatalf("the rebuilding took %d commits: this test tests nothing", commits)
	}
	left = 0
	writer.sync()
	for seq := range writer.lane(site).contents {
		if conflict := writer.outcome(site, uint64(seq+1)).GetConflictId(); conflict != "" {
			ids[conflict] = "conflict"
		}
	}
	w.wantIndexes(indexNames, ids)
	w.audit(site)
}

// A rebuilding whose reader went away ends with the next one, and writers are not kept out meanwhile.
func nobodyWaits(t *testing.T, memory *memstore.Store, ids map[string]merge.Kind) {
	w := newWorld(t, memory)
	w.index(words{}, "newer")
	ctx, leave := context.WithCancel(context.Background())
	leave()
	for _, err := range w.Find(ctx, site, "title", store.Span{}) {
		if err == nil {
			t.Fatal("found without waiting")
		}
	}
	a := w.phone("b")
	a.do(site, id(1), title("meanwhile"))
	a.do(site, id(2000), create(&roundsv1.Ticket{Title: "meanwhile"}))
	ids[id(2000)] = "ticket"
	a.sync()
	w.wantIndexes(indexNames, ids)
	if got := strings.Join(w.find("title", store.Prefix([]byte("meanwhile"))), " "); strings.Count(got, "meanwhile") != 1 {
		t.Fatalf("found %s", got) // the edit lost nothing: it named a base of 0 on a record that stood, so it waits or is merged
	}
}
