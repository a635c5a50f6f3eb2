package engine_test

import (
	"fmt"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// decided resolves a conflict as rules do.
func decided(how string) *roundsv1.Edit {
	return &roundsv1.Edit{Fields: []uint32{40, 41}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{
		Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: how}}}}
}

func (p *phone) conflicts(state roundsv1.ConflictState) (found []*roundsv1.Conflict) {
	for _, change := range p.replicas[site] {
		if c := change.GetRecord().GetConflict(); c != nil && c.GetState() == state {
			found = append(found, c)
		}
	}
	return found
}

func dismiss() *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "no"}}}}}
}

// While a field that must not be guessed has several values a question is open, also the second time.
func TestAskIsAskedAgain(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	for round := range 3 {
		a.sync()
		b.sync()
		w.clock.pass(time.Second)
		a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: fmt.Sprint("a", round)}, 15))
		b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: fmt.Sprint("b", round)}, 15))
		a.sync()
		b.sync()
		if open := b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN); len(open) != 1 || open[0].GetResolution() != "" || open[0].GetLaneSeq() == 0 {
			t.Fatalf("round %d: the question is not open: %v", round, b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_RESOLVED))
		}
		b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "1"}, 15)) // having seen both
		b.sync()
		if open := b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN); len(open) != 0 {
			t.Fatalf("round %d: still asked: %v", round, open)
		}
	}
	w.audit(site)
}
