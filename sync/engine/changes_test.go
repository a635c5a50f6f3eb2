package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// follower is a view in memory that is kept up to date with Changes.
type follower struct {
	w      *world
	at     engine.Position
	holds  map[string]*roundsv1.Change
	pages  int
	resets int
}

func (w *world) follower() *follower { return &follower{w: w, holds: map[string]*roundsv1.Change{}} }

// catchUp takes in what is new, in pages of some records.
func (f *follower) catchUp(limits engine.ChangesLimits) {
	f.w.t.Helper()
	for more := true; more; f.pages++ {
		if f.pages > 5000 {
			f.w.t.Fatal("there is always more")
		}
		page, err := f.w.Changes(context.Background(), site, f.at, limits)
		if err != nil {
			f.w.t.Fatal(err)
		}
		if page.Reset {
			f.holds = map[string]*roundsv1.Change{}
			f.resets++
		}
		if limits.Records > 0 && len(page.Changes) > limits.Records {
			f.w.t.Fatalf("%d records on a page of %d", len(page.Changes), limits.Records)
		}
		last := uint64(0)
		for _, change := range page.Changes {
			if change.GetVersion() <= last || change.GetVersion() > uint64(page.Position.Seq) {
				f.w.t.Fatalf("version %d behind %d on a page through %d", change.GetVersion(), last, page.Position.Seq)
			}
			last = change.GetVersion()
			f.holds[change.GetRecordId()] = change
		}
		f.at, more = page.Position, page.More
	}
}

// want holds what the follower has against the records of the scope.
func (f *follower) want(ids map[string]merge.Kind) {
	f.w.t.Helper()
	for id, kind := range ids {
		stands, err := f.w.Record(context.Background(), site, kind, merge.RecordID(id))
		if err != nil {
			f.w.t.Fatal(err)
		}
		have := f.holds[id]
		if gone := func(c *roundsv1.Change) bool { return c == nil || c.GetDeleted() }; gone(stands) && gone(have) {
			continue // the one or the other may have forgotten the tombstone
		}
		if !proto.Equal(stands, have) {
			f.w.t.Fatalf("%s: the follower has %v, the scope %v", id, have, stands)
		}
	}
	for id, have := range f.holds {
		if _, known := ids[id]; !known && !have.GetDeleted() && have.GetRecord().GetConflict() == nil {
			f.w.t.Fatalf("the follower has %v", have)
		}
	}
}

func TestP3AFollowerHoldsWhatTheScopeHolds(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		ctx := context.Background()
		random := rand.New(rand.NewPCG(5, 5))
		w := newWorld(t, s)
		a := w.phone("a")
		f, slow := w.follower(), w.follower()
		f.catchUp(engine.ChangesLimits{})
		ids := map[string]merge.Kind{}
		for round := range 12 {
			for range 15 {
				n := id(random.IntN(20))
				if a.record(site, n) == nil && ids[n] == "" {
					a.do(site, n, create(&roundsv1.Ticket{Title: "t"}))
					ids[n] = "ticket"
				} else if random.IntN(8) == 0 {
					a.do(site, n, delete_())
				} else {
					a.do(site, n, title(fmt.Sprint(round, random.IntN(100))))
				}
			}
			a.sync()
			if err := w.Evict(ctx, site, "ticket", merge.RecordID(id(random.IntN(20)))); err != nil {
				t.Fatal(err)
			}
			f.catchUp(engine.ChangesLimits{Records: 1 + random.IntN(5)})
			f.want(ids)
			if round%5 == 4 {
				a.sync()
				if _, err := w.Maintain(ctx, site); err != nil {
					t.Fatal(err)
				}
				slow.catchUp(engine.ChangesLimits{Bytes: 400})
				slow.want(ids)
			}
			if round == 6 {
				if err := w.NewEpoch(ctx, site); err != nil {
					t.Fatal(err)
				}
			}
		}
		if f.resets != 1 || f.pages < 40 || slow.pages < 12 {
			t.Fatalf("%d resets, %d pages, %d pages", f.resets, f.pages, slow.pages)
		}
	})
}

// Who follows from where a scope stands reads what comes, and nothing of what is there; also of a scope that nobody has touched since the start.
func TestAFollowerFromNowOn(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		ctx := context.Background()
		w := newWorld(t, s)
		a := w.phone("a")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		a.sync()
		for _, restart := range []bool{false, true} {
			if restart {
				w.open()
			}
			at, err := w.Position(ctx, site)
			if err != nil {
				t.Fatal(err)
			}
			f := w.follower()
			f.at = at
			f.catchUp(engine.ChangesLimits{})
			if len(f.holds) != 0 || f.at != at {
				t.Fatalf("behind %v stand %v", at, f.holds)
			}
			n := id(10)
			if restart {
				n = id(11)
			}
			a.do(site, n, create(&roundsv1.Ticket{Title: "new"}))
			a.sync()
			f.catchUp(engine.ChangesLimits{})
			if len(f.holds) != 1 || f.holds[n] == nil || f.resets != 0 {
				t.Fatalf("%v", f.holds)
			}
		}
	})
}

// A deletion that is forgotten before a follower read it, and a past that is another, make it begin anew; it is told so.
func TestAFollowerBeginsAnew(t *testing.T) {
	w := newWorld(t, newMemory())
	a := w.phone("a")
	for n := range 5 {
		a.do(site, id(n), create(&roundsv1.Ticket{Title: "t"}))
	}
	a.sync()
	late, ahead := w.follower(), w.follower()
	late.catchUp(engine.ChangesLimits{})
	a.do(site, id(1), delete_())
	a.sync()
	a.sync() // tells that it has the deletion
	if removed, err := w.Maintain(context.Background(), site); err != nil || removed != 1 {
		t.Fatalf("%d tombstones removed, %v", removed, err)
	}
	late.catchUp(engine.ChangesLimits{Records: 2})
	if late.resets != 1 || len(late.holds) != 4 || late.holds[id(1)] != nil {
		t.Fatalf("%d resets, %v", late.resets, late.holds)
	}
	ahead.catchUp(engine.ChangesLimits{})
	ahead.at.Seq += 10 // what it saw is gone
	ahead.catchUp(engine.ChangesLimits{})
	if ahead.resets != 1 || ahead.at != late.at {
		t.Fatalf("%d resets, at %v", ahead.resets, ahead.at)
	}
}

// Where nothing is new the store is not asked; after a commit, also one of which the store told nothing good, it is.
func TestNothingNewCostsNoTransaction(t *testing.T) {
	steps := 0
	fail := false
	memory := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		steps++
		if fail && op.Step == memstore.StepCommit {
			return memstore.ReplyLost
		}
		return memstore.None
	}})
	w := newWorld(t, memory)
	a := w.phone("a")
	f := w.follower()
	f.catchUp(engine.ChangesLimits{})
	steps = 0
	f.catchUp(engine.ChangesLimits{})
	if steps != 0 {
		t.Fatalf("%d steps of the store for nothing in an empty scope", steps)
	}
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	f.catchUp(engine.ChangesLimits{})
	steps = 0
	for range 10 {
		f.catchUp(engine.ChangesLimits{})
	}
	if steps != 0 {
		t.Fatalf("%d steps of the store for nothing", steps)
	}
	w.clock.pass(time.Minute)
	fail = true
	if err := w.Write(context.Background(), site, writes(engine.Derived{RecordID: merge.RecordID(id(1)), Edit: title("done, and the reply is lost")})); err == nil {
		t.Fatal("no error")
	}
	fail = false
	f.catchUp(engine.ChangesLimits{})
	if got := f.holds[id(1)].GetRecord().GetTicket().GetTitle(); got != "done, and the reply is lost" {
		t.Fatalf("the follower has %q", got)
	}
	w.open() // another engine on the same store
	f.catchUp(engine.ChangesLimits{})
	if f.resets != 0 {
		t.Fatal("a restart made the follower begin anew")
	}
}
