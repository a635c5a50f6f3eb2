package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The values that lost are content of the scope: who may no longer read it is not told them.
func TestP8OutcomesCarryNothingToWhoMayNotRead(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	b.sync()
	a.do(site, id(1), title("by a, while there was a right"))
	w.clock.pass(time.Minute)
	w.access.set(func(x *access) { x.until[a.person] = w.clock.Now() })
	w.clock.pass(time.Minute)
	b.do(site, id(1), title("secret"))
	b.sync()
	for range 2 { // the first answer, and the one that is repeated
		resp, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{a.batch(site, 2, 2)}})
		if err != nil {
			t.Fatal(err)
		}
		outcomes := resp.GetLanes()[0].GetOutcomes()
		got := outcomes[len(outcomes)-1]
		if len(got.GetLosses()) != 1 || got.GetLosses()[0].GetOther() != nil {
			t.Fatalf("P8: %v", got)
		}
	}
}

// A lost phone that is catching up is cut off in the middle, not when it has everything.
func TestP8WatchStopsInTheMiddleOfCatchingUp(t *testing.T) {
	w := newWorld(t, newMemory())
	a, lost := w.phone("a"), w.phone("lost")
	for n := range 50 {
		a.do(site, id(n), create(&roundsv1.Ticket{Title: strings.Repeat("x", 1000)}))
	}
	a.sync()
	sent, told := 0, false
	err := w.Watch(context.Background(), lost.caller(), &roundsv1.WatchRequest{MaxBytes: 2000, Cursors: []*roundsv1.ScopeCursor{{Scope: string(site)}}},
		func(resp *roundsv1.WatchResponse) error {
			if told = resp.GetRevoked() == roundsv1.Revocation_REVOCATION_IMMEDIATE; told {
				return nil
			}
			if sent++; sent == 3 {
				w.access.set(func(x *access) { x.revoked[lost.device] = roundsv1.Revocation_REVOCATION_IMMEDIATE })
			}
			if sent > 40 {
				return errors.New("the stream broke")
			}
			return nil
		})
	if err != nil || !told || sent > 3 {
		t.Fatalf("P8: %d pages, told %v, %v", sent, told, err)
	}
}
