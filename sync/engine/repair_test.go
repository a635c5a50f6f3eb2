package engine_test

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// One record that is larger than an answer is sent whole, or its device would ask for ever smaller ranges.
func TestRepairOfOneLargeRecord(t *testing.T) {
	w := newWorld(t, newMemory())
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: strings.Repeat("x", 1000)}))
	a.sync()
	ref := &roundsv1.RecordRef{Kind: "ticket", Id: id(1)}
	resp, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), MaxBytes: 100, Checks: []*roundsv1.RangeCheck{{Scope: string(site), Cursor: a.cursors[site],
		Ranges: []*roundsv1.RecordRange{{First: ref, Last: ref, StateHash: make([]byte, 32)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.GetRepairs(); len(got) != 1 || got[0].GetSplit() || len(got[0].GetChanges()) != 1 {
		t.Fatalf("%v", got)
	}
}
