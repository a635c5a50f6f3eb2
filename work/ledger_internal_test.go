package work

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestFold: a full ledger loses pauses of earlier rounds first, the oldest first, and keeps its order and its first move.
func TestFold(t *testing.T) {
	at := int64(0)
	move := func(s roundsv1.TicketState, round uint32, stops bool) *roundsv1.Move {
		at++
		return &roundsv1.Move{State: s, Round: round, TimeUs: at, StopsClock: stops}
	}
	build := func(pairs1, pairs2 int, stops2 bool) []*roundsv1.Move {
		at = 0
		all := []*roundsv1.Move{move(roundsv1.TicketState_TICKET_STATE_NEW, 1, false), move(moveInProgress, 1, false)}
		for range pairs1 {
			all = append(all, move(movePaused, 1, true), move(moveInProgress, 1, false))
		}
		all = append(all, move(roundsv1.TicketState_TICKET_STATE_REWORK, 2, false), move(moveInProgress, 2, false))
		for range pairs2 {
			all = append(all, move(movePaused, 2, stops2), move(moveInProgress, 2, false))
		}
		return all
	}
	for _, test := range []struct {
		pairs1, pairs2 int
		stops2         bool
		left1, left2   int
	}{
		{100, 100, true, 100, 100},
		{250, 10, true, 243, 10},
		{10, 300, false, 10, 64},
		{0, 260, true, 0, -1}, // nothing but the oldest can go
	} {
		all := build(test.pairs1, test.pairs2, test.stops2)
		kept := insertMove(all, move(movePaused, 2, true))
		count := func(round uint32) (n int) {
			for i, m := range kept {
				if m.GetState() == movePaused && m.GetRound() == round && i < len(kept)-1 {
					n++
				}
			}
			return n
		}
		if len(kept) > maxMoves || !slices.IsSortedFunc(kept, func(a, b *roundsv1.Move) int { return int(a.GetTimeUs() - b.GetTimeUs()) }) ||
			kept[0].GetState() != roundsv1.TicketState_TICKET_STATE_NEW || kept[len(kept)-1].GetTimeUs() != at || len(all) != 4+2*(test.pairs1+test.pairs2) {
			t.Fatalf("%+v: %d kept", test, len(kept))
		}
		if count(1) != test.left1 || test.left2 >= 0 && count(2) != test.left2 {
			t.Errorf("%+v: left %d and %d", test, count(1), count(2))
		}
	}
}
