package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// history applies random mutations of several devices, seeing more or less of each other, to one ticket and returns its changes.
func history(seed uint64) []*roundsv1.Change {
	r := rand.New(rand.NewPCG(seed, 1))
	record := func(t *roundsv1.Ticket) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
	}
	edit := func(t *roundsv1.Ticket, removed *roundsv1.Ticket, fields ...uint32) *roundsv1.Mutation {
		e := &roundsv1.Edit{Record: record(t), Fields: fields}
		if removed != nil {
			e.Removed = record(removed)
		}
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Edit{Edit: e}}
	}
	fact := func(t *roundsv1.Ticket) *roundsv1.Mutation {
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: record(t)}}}
	}
	words := func() string { return fmt.Sprint("字", r.IntN(5)) }
	var current *roundsv1.Change
	var all []*roundsv1.Change
	for seq := uint64(1); seq <= 40; seq++ {
		var m *roundsv1.Mutation
		switch r.IntN(9) {
		case 0:
			m = edit(&roundsv1.Ticket{Title: words()}, nil, 1)
		case 1:
			m = edit(&roundsv1.Ticket{Description: words(), Notes: words()}, nil, 2, 14)
		case 2:
			m = edit(&roundsv1.Ticket{ContactPhone: words()}, nil, 15)
		case 3:
			m = edit(&roundsv1.Ticket{Tags: []string{words(), "ü"}}, nil, 11)
		case 4:
			m = edit(&roundsv1.Ticket{}, &roundsv1.Ticket{Tags: []string{words()}}, 11)
		case 5:
			m = edit(&roundsv1.Ticket{Attributes: map[string]string{words(): words(), "k": ""}}, nil, 17)
		case 6:
			m = fact(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{words(): {Result: roundsv1.AnswerResult(1 + r.IntN(4))}}})
		case 7:
			m = fact(&roundsv1.Ticket{Visits: int64(r.IntN(3)), Readings: []*roundsv1.Reading{{Id: fmt.Sprint("r", seq), Value: r.Float64()}}})
		case 8:
			m = edit(&roundsv1.Ticket{Priority: roundsv1.Priority(1 + r.IntN(4)), CategoryId: words()}, nil, 3, 4)
		}
		if current == nil {
			m = edit(&roundsv1.Ticket{Title: "t", Description: "d", Tags: []string{"a"}, CustomerWords: "c", ContactPhone: "1"}, nil)
		}
		m.RecordId = "0199c0de-0000-7000-8000-000000000001"
		if current != nil {
			m.Base, m.BaseTimeUs = r.Uint64N(seq), current.GetTimeUs()
		}
		device := r.IntN(4)
		stamp := &roundsv1.Stamp{Seq: seq, DeviceId: fmt.Sprint("device ", device), TimeUs: 1000 + r.Int64N(100), PersonId: "p",
			Roles: []roundsv1.Role{roundsv1.Role(2 + device)}}
		if done := merge.Apply(current, merge.Input{Mutation: m, Stamp: stamp, Capacity: merge.Device}); done.Problem == nil && done.Change != current {
			current = done.Change
			all = append(all, proto.CloneOf(current))
		}
	}
	return all
}

// TestDeltaOnBytes: cutting bytes gives what decoding gives, byte by byte, and is nearly always able to.
func TestDeltaOnBytes(t *testing.T) {
	tried, cut := 0, 0
	for seed := range uint64(6) {
		for _, change := range history(seed) {
			encoded, err := merge.Marshal(change)
			if err != nil {
				t.Fatal(err)
			}
			for since := uint64(0); since < change.GetVersion(); since++ {
				want, err := merge.Marshal(deltaFor(change, since))
				if err != nil {
					t.Fatal(err)
				}
				tried++
				got, ok := cutDelta(encoded, since)
				if ok {
					cut++
					if !bytes.Equal(got, want) {
						t.Fatalf("seed %d, version %d since %d:\n%x\nis not\n%x", seed, change.GetVersion(), since, got, want)
					}
				}
				if got, err = delta(encoded, since); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("seed %d, version %d since %d: delta: %v", seed, change.GetVersion(), since, err)
				}
			}
		}
	}
	if cut*2 < tried {
		t.Errorf("only %d of %d were cut as bytes", cut, tried)
	}
	t.Logf("%d of %d were cut as bytes", cut, tried)
}

// TestDeltaOfOthers: tombstones, evictions and damaged bytes are not cut.
func TestDeltaOfOthers(t *testing.T) {
	change := history(1)[20]
	for name, breakIt := range map[string]func(*roundsv1.Change){
		"deleted": func(c *roundsv1.Change) { c.Deleted = true },
		"evicted": func(c *roundsv1.Change) { c.Evicted = true },
		"empty":   func(c *roundsv1.Change) { c.Record = nil },
		"unknown": func(c *roundsv1.Change) { c.ProtoReflect().SetUnknown([]byte{0x9a, 0x06, 0x01, 'x'}) },
	} {
		other := proto.CloneOf(change)
		breakIt(other)
		encoded, err := merge.Marshal(other)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := cutDelta(encoded, 1); ok {
			t.Errorf("%s was cut", name)
		}
	}
	encoded, err := merge.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(encoded) {
		cutDelta(encoded[:n], 1) // must not panic
	}
}

// FuzzDelta: whatever the bytes, cutting them panics never, and where they are canonical it agrees with decoding.
func FuzzDelta(f *testing.F) {
	for seed := range uint64(4) {
		for _, c := range history(seed) {
			encoded, err := merge.Marshal(c)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(encoded, c.GetVersion()/2)
		}
	}
	f.Fuzz(func(t *testing.T, encoded []byte, since uint64) {
		got, ok := cutDelta(encoded, since)
		change := new(roundsv1.Change)
		if !ok || proto.Unmarshal(encoded, change) != nil || change.GetVersion() <= since {
			return
		}
		if canonical, err := merge.Marshal(change); err != nil || !bytes.Equal(canonical, encoded) {
			return
		}
		want, err := merge.Marshal(deltaFor(change, since))
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%x\nis not\n%x", got, want)
		}
	})
}
