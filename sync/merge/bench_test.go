package merge_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// creation is a report as a phone makes it: ten fields.
func creation() *roundsv1.Mutation {
	return edit(&roundsv1.Ticket{
		Title: "water in the lift pit", Description: "ankle deep, brown, smells", CategoryId: "0199c0de-0000-7000-8000-00000000000c",
		Priority: roundsv1.Priority_PRIORITY_URGENT, Location: &roundsv1.Location{PlaceId: "0199c0de-0000-7000-8000-00000000000d", Source: 4},
		CustomerWords: "the lift smells", ReporterId: "0199c0de-0000-7000-8000-00000000000e", Channel: roundsv1.Channel_CHANNEL_PATROL,
		Tags: []string{"water"}, ContactPhone: "13800000000",
	})
}

func BenchmarkApplyCreate(b *testing.B) {
	in := merge.Input{Mutation: creation(), Stamp: by(5, "A", 1)}
	b.ReportAllocs()
	for b.Loop() {
		if r := merge.Apply(nil, in); !r.Changed {
			b.Fatal(r.Problem)
		}
	}
}

func BenchmarkApplyOneField(b *testing.B) {
	now := merge.Apply(nil, merge.Input{Mutation: creation(), Stamp: by(5, "A", 1)}).Change
	in := merge.Input{Mutation: at(edit(&roundsv1.Ticket{Title: "water"}, title), 5), Stamp: by(9, "B", 2)}
	b.ReportAllocs()
	for b.Loop() {
		if r := merge.Apply(now, in); !r.Changed {
			b.Fatal(r.Problem)
		}
	}
}

// BenchmarkApplyReading adds one reading to a thousand less one.
func BenchmarkApplyReading(b *testing.B) {
	t := &roundsv1.Ticket{}
	for i := range merge.MaxFacts - 1 {
		t.Readings = append(t.Readings, &roundsv1.Reading{Id: recordID[:32] + string(rune('a'+i%26)) + string(rune('a'+i/26)), Quantity: "pressure"})
	}
	now := merge.Apply(nil, merge.Input{Mutation: creation(), Stamp: by(5, "A", 1)}).Change
	now = merge.Apply(now, merge.Input{Mutation: fact(t), Stamp: by(6, "B", 2)}).Change
	in := merge.Input{Mutation: fact(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: "last"}}}), Stamp: by(9, "C", 3)}
	b.ReportAllocs()
	for b.Loop() {
		if r := merge.Apply(now, in); !r.Changed {
			b.Fatal(r.Problem)
		}
	}
}

// edited returns a ticket before and after the edit of one field.
func edited() (before, after *roundsv1.Change) {
	before = merge.Apply(nil, merge.Input{Mutation: creation(), Stamp: by(5, "A", 1)}).Change
	return before, merge.Apply(before, merge.Input{Mutation: at(edit(&roundsv1.Ticket{Title: "water"}, title), 5), Stamp: by(9, "B", 2)}).Change
}

func BenchmarkDelta(b *testing.B) {
	_, now := edited()
	b.ReportAllocs()
	for b.Loop() {
		merge.Delta(now, 5)
	}
}

func BenchmarkPatch(b *testing.B) {
	before, now := edited()
	page := merge.Delta(now, 5)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := merge.Patch(before, page); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	_, now := edited()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := merge.Marshal(now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHashEncoded(b *testing.B) {
	_, now := edited()
	enc := marshal(b, now)
	b.ReportAllocs()
	for b.Loop() {
		merge.HashEncoded(enc)
	}
}
