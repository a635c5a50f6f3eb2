package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// Whatever happens in a scope (refused pushes, faults of the store, deletions, evictions, maintenance, new epochs), who watches it holds at every
// complete page what a fresh device would get; apply compares the state hash of each.
func TestP3WatchersHoldWhatAFreshDeviceGets(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { watchHistory(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func watchHistory(t *testing.T, random *rand.Rand) {
	var fault memstore.Fault
	w := newWorld(t, memstore.New(memstore.Config{Paranoid: true, Fault: func(op memstore.Op) memstore.Fault {
		if op.Step != memstore.StepCommit {
			return memstore.None
		}
		return fault
	}}))
	ctx := context.Background()
	a, c, prompt, slow := w.phone("a"), w.phone("c"), w.phone("prompt"), w.phone("slow")
	hold := make(chan struct{}, 1000)
	streams := map[*phone]*stream{prompt: prompt.watch(t, nil), slow: slow.watch(t, hold)}
	drain := func(p *phone) {
		for synctest.Wait(); len(streams[p].messages) > 0; synctest.Wait() {
			for _, page := range (<-streams[p].messages).GetPages() {
				p.apply(page)
			}
		}
	}
	for range 120 {
		w.clock.pass(time.Duration(random.IntN(1000)) * time.Millisecond)
		p, record := a, id(random.IntN(6))
		if random.IntN(2) == 0 {
			p = c
		}
		switch n := random.IntN(20); {
		case n < 3:
			p.do(site, record, create(&roundsv1.Ticket{Title: "new", Tags: []string{"x"}}))
		case n < 9:
			p.do(site, record, edit(&roundsv1.Ticket{Title: fmt.Sprint(n), ContactPhone: fmt.Sprint(random.IntN(3))}, 1, 15))
		case n < 11:
			p.do(site, record, reading(random.IntN(500)))
		case n < 12:
			p.do(site, record, delete_())
		case n < 13:
			fault = []memstore.Fault{memstore.Fail, memstore.ReplyLost, memstore.Full}[random.IntN(3)]
			if _, err := p.exchange(p.request(site)); err != nil && fault == memstore.None {
				t.Fatal(err)
			}
			fault = memstore.None
		case n < 14:
			must(t, w.Evict(ctx, site, "ticket", merge.RecordID(record)))
		case n < 15:
			_, err := w.Maintain(ctx, site)
			must(t, err)
		case n < 16 && random.IntN(6) == 0:
			must(t, w.NewEpoch(ctx, site))
		case n < 17:
			must(t, w.MarkStable(ctx, site, journal.Seq(random.Uint64N(50))))
		default:
			p.sync()
		}
		drain(prompt)
		if random.IntN(10) == 0 {
			hold <- struct{}{}
			drain(slow)
		}
	}
	for _, p := range []*phone{a, c, a, c} {
		p.sync()
	}
	close(hold)
	fresh := w.phone("fresh")
	fresh.sync()
	for name, p := range map[string]*phone{"prompt": prompt, "slow": slow, "a": a, "c": c} {
		if streams[p] != nil {
			drain(p)
			streams[p].stop()
			<-streams[p].ended
		} else {
			p.sync()
		}
		if len(p.replicas[site]) != len(fresh.replicas[site]) {
			t.Fatalf("P3: %s has %d records, a fresh device %d", name, len(p.replicas[site]), len(fresh.replicas[site]))
		}
		for id, change := range fresh.replicas[site] {
			if !proto.Equal(change, p.replicas[site][id]) {
				t.Fatalf("P3: %s: %s differs:\n%v\n%v", name, id, change, p.replicas[site][id])
			}
		}
	}
	w.audit(site)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
