package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

func TestDeltaCarriesOnlyTheFieldsThatChanged(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "old", Description: "a long description that nobody wants twice", Tags: []string{"x"}}))
		a.do(site, id(2), create(&roundsv1.Ticket{Title: "untouched"}))
		a.sync()
		b.sync()
		a.do(site, id(1), title("new"))
		a.sync()
		b.sync()
		changes := b.pages[len(b.pages)-1].GetChanges()
		if len(changes) != 1 || !proto.Equal(changes[0].GetRecord().GetTicket(), &roundsv1.Ticket{Title: "new"}) {
			t.Fatalf("delta: %v", changes)
		}
		if got := b.ticket(id(1)); got.GetTitle() != "new" || got.GetDescription() == "" {
			t.Fatalf("b has %v", got)
		}
		b.sync()
		if page := b.pages[0]; len(page.GetChanges()) != 0 || !page.GetComplete() {
			t.Fatalf("nothing changed, yet: %v", page)
		}
	})
}

func TestPagesAreBoundedByBytes(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		for n := range 300 {
			a.do(site, id(n), create(&roundsv1.Ticket{Title: fmt.Sprintf("ticket %d", n), Description: string(bytes.Repeat([]byte("水"), 100))}))
		}
		a.sync()
		const budget = 10_000
		for pulls := 0; ; pulls++ {
			req := b.request(site)
			req.MaxBytes = budget
			resp, err := b.exchange(req)
			if err != nil {
				t.Fatal(err)
			}
			if size := proto.Size(resp.GetPages()[0]); size > budget+1000 {
				t.Fatalf("a page of %d bytes", size)
			}
			b.take(resp)
			if !resp.GetMore() {
				if pulls < 5 {
					t.Fatalf("%d pulls", pulls)
				}
				break
			}
			if resp.GetPages()[0].GetComplete() {
				t.Fatal("complete, and more")
			}
			if pulls == 2 { // the scope changes under the pull
				a.do(site, id(299), title("changed meanwhile"))
				a.do(site, id(0), delete_())
				a.sync()
			}
		}
		if len(b.replicas[site]) != 299 || b.ticket(id(299)).GetTitle() != "changed meanwhile" || b.ticket(id(0)) != nil {
			t.Fatalf("%d records, %v, %v", len(b.replicas[site]), b.ticket(id(299)), b.ticket(id(0)))
		}
	})
}

func delete_() *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{Kind: "ticket"}}}
}

func TestTombstonesWaitForEveryDevice(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b, c := w.phone("a"), w.phone("b"), w.phone("c")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "kept"}))
		a.do(site, id(2), create(&roundsv1.Ticket{Title: "deleted"}))
		a.sync()
		b.sync()
		c.sync()
		maintain := func(want int) {
			t.Helper()
			if removed, err := w.Maintain(context.Background(), site); err != nil || removed != want {
				t.Fatalf("%d tombstones removed, %v; want %d", removed, err, want)
			}
		}
		maintain(0)
		a.do(site, id(2), delete_())
		a.sync()
		b.sync()
		if b.record(site, id(2)) != nil {
			t.Fatal("b still has it")
		}
		maintain(0) // c has not passed it
		c.sync()
		if c.record(site, id(2)) != nil {
			t.Fatal("c still has it")
		}
		maintain(0) // nobody has said yet that the answer arrived
		for _, p := range []*phone{a, b, c} {
			p.sync()
		}
		maintain(1)
		for _, p := range []*phone{a, b, c} {
			if p.sync(); p.pages[0].GetReset_() {
				t.Fatal("who had passed the tombstone has to begin anew")
			}
		}
		w.audit(site)
	})
}

func TestCursorBehindTheTombstonesIsReset(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		for n := range 3 {
			a.do(site, id(n), create(&roundsv1.Ticket{Title: "t"}))
		}
		a.sync()
		b.sync()
		a.do(site, id(2), delete_())
		a.sync()
		b.do(site, id(1), title("made while away for more than a year"))
		w.clock.pass(401 * 24 * time.Hour)
		if removed, err := w.Maintain(context.Background(), site); err != nil || removed != 1 {
			t.Fatal(removed, err)
		}
		b.sync()
		if !b.pages[0].GetReset_() || b.record(site, id(2)) != nil || len(b.replicas[site]) != 2 {
			t.Fatalf("no fresh snapshot: %v", b.pages[0])
		}
		if b.status(1) != "APPLIED" || b.ticket(id(1)).GetTitle() != "made while away for more than a year" {
			t.Fatal("what was not sent is lost")
		}
	})
}

func TestEvictedRecordsLeaveDevicesAndComeBack(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "old work"}))
		a.sync()
		b.sync()
		for range 2 { // once more changes nothing
			if err := w.Evict(context.Background(), site, "ticket", merge.RecordID(id(1))); err != nil {
				t.Fatal(err)
			}
		}
		a.sync()
		b.sync()
		fresh := w.phone("fresh")
		fresh.sync()
		if a.record(site, id(1)) != nil || b.record(site, id(1)) != nil || fresh.record(site, id(1)) != nil {
			t.Fatal("still on a device")
		}
		if found, err := w.Record(context.Background(), site, "ticket", merge.RecordID(id(1))); err != nil || found.GetRecord().GetTicket().GetTitle() != "old work" {
			t.Fatalf("not found: %v %v", found, err)
		}
		a.do(site, id(1), reading(1)) // a late fact
		a.sync()
		b.sync()
		if got := b.ticket(id(1)); got.GetTitle() != "old work" || len(got.GetReadings()) != 1 {
			t.Fatalf("b has %v", got)
		}
		if heads := w.audit(site); len(heads) != 3 {
			t.Fatalf("%d entries", len(heads))
		}
	})
}

func TestDifferenceIsLocatedAndRepaired(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		for n := range 20 {
			a.do(site, id(n), create(&roundsv1.Ticket{Title: fmt.Sprint(n)}))
		}
		a.sync()
		b.sync()
		cursor := b.cursors[site]
		check := func(first, last int, replica map[string]*roundsv1.Change) *roundsv1.RecordRange {
			var sum merge.StateHash
			for n := first; n <= last; n++ {
				sum.Add(merge.Hash(replica[id(n)]))
			}
			return &roundsv1.RecordRange{First: &roundsv1.RecordRef{Kind: "ticket", Id: id(first)}, Last: &roundsv1.RecordRef{Kind: "ticket", Id: id(last)}, StateHash: sum[:]}
		}
		b.replicas[site][id(13)].GetRecord().GetTicket().Title = "a bit fell over"
		ask := func(max uint32) []*roundsv1.RangeRepair {
			resp, err := b.exchange(&roundsv1.ExchangeRequest{Clock: b.clock(), MaxBytes: max, Checks: []*roundsv1.RangeCheck{{Scope: string(site), Cursor: cursor,
				Ranges: []*roundsv1.RecordRange{check(0, 9, b.replicas[site]), check(10, 19, b.replicas[site])}}}})
			if err != nil {
				t.Fatal(err)
			}
			return resp.GetRepairs()
		}
		repairs := ask(0)
		if len(repairs) != 1 || len(repairs[0].GetChanges()) != 10 || repairs[0].GetRange().GetFirst().GetId() != id(10) {
			t.Fatalf("repairs: %v", repairs)
		}
		if repairs := ask(200); len(repairs) != 1 || !repairs[0].GetSplit() || len(repairs[0].GetChanges()) != 0 {
			t.Fatalf("a range that does not fit is not split: %v", repairs)
		}
		twice := &roundsv1.RangeCheck{Scope: string(site), Cursor: cursor, Ranges: []*roundsv1.RecordRange{check(0, 9, b.replicas[site]), check(9, 19, b.replicas[site])}}
		for _, checks := range [][]*roundsv1.RangeCheck{{twice}, {{Scope: string(site), Cursor: cursor}, {Scope: string(site), Cursor: cursor}}} {
			var refused *engine.Error
			if _, err := b.exchange(&roundsv1.ExchangeRequest{Clock: b.clock(), Checks: checks}); !errors.As(err, &refused) || refused.Kind != engine.Invalid {
				t.Fatalf("the same records are to be hashed twice: %v", err)
			}
		}
		a.do(site, id(3), title("meanwhile"))
		a.sync()
		if repairs := ask(0); len(repairs) != 2 || !repairs[0].GetStale() {
			t.Fatalf("compared with another moment: %v", repairs)
		}
	})
}

func TestP3AndP7DevicesAtTheSameCursorAreEqual(t *testing.T) {
	for seed := range uint64(equalSeeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onStores(t, func(t *testing.T, s store.Store) {
				w := newWorld(t, s)
				random := rand.New(rand.NewPCG(seed, 1))
				phones := []*phone{w.phone("a"), w.phone("b"), w.phone("c")}
				for range 60 {
					p := phones[random.IntN(len(phones))]
					record := id(random.IntN(6))
					w.clock.pass(time.Duration(random.IntN(1000)) * time.Millisecond)
					switch random.IntN(8) {
					case 0, 1:
						if p.record(site, record) == nil {
							p.do(site, record, create(&roundsv1.Ticket{Title: string(p.device[:4]), Tags: []string{"new"}}))
						}
					case 2:
						p.do(site, record, title(fmt.Sprint(random.IntN(100))))
					case 3:
						p.do(site, record, edit(&roundsv1.Ticket{Tags: []string{fmt.Sprint(random.IntN(4))}, Priority: roundsv1.Priority(random.IntN(5))}, 4, 11))
					case 4:
						p.do(site, record, reading(random.IntN(500)))
					case 5:
						p.do(site, record, edit(&roundsv1.Ticket{ContactPhone: fmt.Sprint(random.IntN(3)), Visits: 1}, 15, 19))
					default:
						p.sync()
						for seq := uint64(1); seq <= p.lane(site).confirmed; seq++ {
							if own := p.pages[len(p.pages)-1].GetOwnLaneSeq(); own < seq {
								t.Fatalf("P7: own lane seq %d is not in the snapshot, which is through %d", seq, own)
							}
						}
					}
				}
				for range 2 {
					for _, p := range phones {
						p.sync()
					}
				}
				fresh := w.phone("fresh")
				fresh.sync()
				phones = append(phones, fresh)
				for _, p := range phones[1:] {
					if len(p.replicas[site]) != len(phones[0].replicas[site]) {
						t.Fatalf("P3: %d records here, %d there", len(p.replicas[site]), len(phones[0].replicas[site]))
					}
					for id, change := range phones[0].replicas[site] {
						if !proto.Equal(change, p.replicas[site][id]) {
							t.Fatalf("P3: %s differs:\n%v\n%v", id, change, p.replicas[site][id])
						}
					}
				}
				w.audit(site)
			})
		})
	}
}

func TestP8ScopesStayApart(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		desk := store.Scope("desk/0199c0de-0000-7000-8000-000000000001")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "for all"}))
		a.do(desk, id(2), comment("for supervisors"))
		a.sync(site, desk)
		b.sync(site)
		if len(b.replicas) != 1 || b.record(site, id(2)) != nil {
			t.Fatalf("b has %v", b.replicas)
		}
		w.access.set(func(x *access) { x.revoked[b.device] = roundsv1.Revocation_REVOCATION_IMMEDIATE })
		b.do(site, id(3), comment("found on the lost phone"))
		b.do(site, id(1), title("by the thief"))
		req := b.request(site)
		resp, err := b.exchange(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.GetRevoked() != roundsv1.Revocation_REVOCATION_IMMEDIATE || len(resp.GetPages()) != 0 {
			t.Fatalf("a lost phone reads on: %v", resp)
		}
		got := resp.GetLanes()[0].GetOutcomes()
		if got[0].GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED || got[1].GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED {
			t.Fatalf("outcomes: %v", got)
		}
	})
}

func TestP11NewEpochBringsBackWhatDevicesHold(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a := w.phone("a")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "in the backup"}))
		a.sync()
		if err := w.MarkStable(context.Background(), site, 1); err != nil {
			t.Fatal(err)
		}
		if resp := a.sync(); resp.GetPages()[0].GetStable() != 1 {
			t.Fatalf("stable through %d", resp.GetPages()[0].GetStable())
		}
		backup := copyStore(t, s)
		a.do(site, id(1), title("after the backup"))
		a.do(site, id(2), create(&roundsv1.Ticket{Title: "new after the backup"}))
		if resp := a.sync(); resp.GetPages()[0].GetStable() != 1 {
			t.Fatalf("stable through %d", resp.GetPages()[0].GetStable())
		}
		// The disk is lost; the backup of the night comes back.
		w.store = backup
		w.open()
		if err := w.NewEpoch(context.Background(), site); err != nil {
			t.Fatal(err)
		}
		resp, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{{Scope: string(site), Confirmed: 3}},
			Cursors: []*roundsv1.ScopeCursor{{Scope: string(site), Cursor: a.cursors[site]}}})
		if err != nil {
			t.Fatal(err)
		}
		if !resp.GetPages()[0].GetReset_() || resp.GetLanes()[0].GetTaken() != 1 {
			t.Fatalf("the device is not told: %v", resp)
		}
		a.take(resp)
		if _, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{a.batch(site, 2, 3)}}); err != nil {
			t.Fatal(err)
		}
		b := w.phone("b")
		b.sync()
		if b.ticket(id(1)).GetTitle() != "after the backup" || b.ticket(id(2)).GetTitle() != "new after the backup" {
			t.Fatalf("P11: b has %v", b.replicas[site])
		}
		w.audit(site)
	})
}

// copyStore copies a store's content into a new one, as a backup does.
func copyStore(t *testing.T, from store.Store) store.Store {
	t.Helper()
	to := newMemory()
	ctx := context.Background()
	scopes, err := from.Scopes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		if err := from.View(ctx, scope, func(r store.Reader) error {
			return to.Update(ctx, scope, func(w store.Writer) error {
				for entry, err := range r.Scan(store.Span{}) {
					if err != nil {
						return err
					}
					if err := w.Set(bytes.Clone(entry.Key), bytes.Clone(entry.Value)); err != nil {
						return err
					}
				}
				return nil
			})
		}); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
