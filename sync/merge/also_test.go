package merge_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// What the rules write besides comes to the same bytes in one Apply as in two, whatever was there and whether it touches what the mutation wrote.
func TestAlsoIsASecondApply(t *testing.T) {
	record := func(ticket *roundsv1.Ticket) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: ticket}}
	}
	random := rand.New(rand.NewPCG(1, 2))
	var current *roundsv1.Change
	together := 0
	for n := range 2000 {
		if n%20 == 0 {
			current = nil
		}
		m := &roundsv1.Mutation{RecordId: "0199c0de-0000-7000-8000-000000000001"}
		device := []string{"a", "b", "c"}[random.IntN(3)]
		words := []string{"x", "y", "z"}[random.IntN(3)]
		switch {
		case current == nil:
			m.Act = &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: record(&roundsv1.Ticket{Title: words, Tags: []string{words}, CustomerWords: words,
				Priority: roundsv1.Priority(random.IntN(4)), Visits: 1, Attributes: map[string]string{words: words}})}}
		case random.IntN(3) == 0:
			m.Act = &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: record(&roundsv1.Ticket{Visits: 1, Readings: []*roundsv1.Reading{{Id: words}}})}}
		default:
			m.Base = uint64(random.IntN(int(current.GetVersion()) + 1))
			m.Act = &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: record(&roundsv1.Ticket{Title: words, Priority: roundsv1.Priority(random.IntN(5)),
				ContactPhone: words, Tags: []string{words}}), Fields: []uint32{1, 4, 11, 15}}}
		}
		also := &roundsv1.Edit{Record: record(&roundsv1.Ticket{Title: "by the rules", State: roundsv1.TicketState_TICKET_STATE_NEW, Round: uint32(random.IntN(3)),
			Priority: roundsv1.Priority_PRIORITY_URGENT, Flags: []string{words}}), Fields: [][]uint32{{40, 41}, {40, 50}, {1, 40}, {4}, {50}}[random.IntN(5)]}
		in := merge.Input{Mutation: m, Stamp: &roundsv1.Stamp{Seq: uint64(n + 1), DeviceId: device, TimeUs: int64(n + random.IntN(20))}, Capacity: merge.Device}
		first := merge.Apply(current, in)
		if first.Problem != nil {
			continue
		}
		second := merge.Apply(first.Change, merge.Input{Mutation: &roundsv1.Mutation{RecordId: m.GetRecordId(), Act: &roundsv1.Mutation_Edit{Edit: also}},
			Stamp: in.Stamp, Capacity: merge.Rules})
		in.Also = also
		one := merge.Apply(current, in)
		if (one.Problem == nil) != (second.Problem == nil) {
			t.Fatalf("step %d: %v and %v", n, one.Problem, second.Problem)
		}
		if one.Problem != nil {
			continue
		}
		a, err := merge.Marshal(one.Change)
		if err != nil {
			t.Fatal(err)
		}
		b, err := merge.Marshal(second.Change)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) || one.Changed != (first.Changed || second.Changed) || len(one.Losses) != len(first.Losses)+len(second.Losses) {
			t.Fatalf("step %d: one Apply gives\n%v\ntwo give\n%v", n, one.Change, second.Change)
		}
		together++
		current = one.Change
	}
	if together < 500 {
		t.Fatalf("only %d steps were compared", together)
	}
}
