package merge_test

import (
	"bytes"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestRedact: whatever became of a record, without some of its fields no value of them stands in it, the others stand as they were, and a device wherever
// it stood gets it with its next pull.
func TestRedact(t *testing.T) {
	cleared := 0
	for seed := range uint64(redactSeeds) {
		n := seeded(1000 + seed)
		s := randomHistory(t, n, 14)
		current := s.history[len(s.history)-1]
		if current.GetDeleted() {
			continue
		}
		frozen := proto.CloneOf(current)
		var fields []merge.FieldNumber
		for field := range fieldsOf(current.GetRecord().GetTicket()) {
			if n(2) == 0 {
				fields = append(fields, field)
			}
		}
		after := merge.Redact(current, fields, by(current.GetVersion()+1, "", current.GetTimeUs()+1))
		if !proto.Equal(current, frozen) {
			t.Fatalf("seed %d: what was given is changed", seed)
		}
		if len(fields) == 0 {
			if after != current {
				t.Fatalf("seed %d: nothing was to go, and the record changed", seed)
			}
			continue
		}
		check(t, after)
		cleared += len(fields)
		for field, stood := range fieldsOf(current.GetRecord().GetTicket()) {
			gone := slices.Contains(fields, field)
			stands := fieldsOf(after.GetRecord().GetTicket())[field]
			if stood && stands == gone || len(merge.Values(after, field, "")) > 0 && gone {
				t.Fatalf("seed %d: field %d, which was to go: %v, stands: %v\n%v", seed, field, gone, stands, after)
			}
		}
		for _, local := range s.history {
			if local.GetEvicted() || local.GetEntered() != current.GetEntered() {
				continue
			}
			page := merge.Delta(after, local.GetVersion())
			got, err := merge.Patch(local, unmarshal(t, marshal(t, page)))
			if err != nil || !bytes.Equal(marshal(t, got), marshal(t, after)) {
				t.Fatalf("seed %d: a device at %d gets %v, %v\nwant %v", seed, local.GetVersion(), got, err, after)
			}
		}
		// What is written later is merged as if nobody had written the field.
		later := merge.Apply(after, merge.Input{Mutation: at(edit(&roundsv1.Ticket{Title: "anew"}, title), after.GetVersion()),
			Stamp: by(after.GetVersion()+1, "a", after.GetTimeUs()+1)})
		if later.Problem != nil || later.Change.GetRecord().GetTicket().GetTitle() != "anew" {
			t.Fatalf("seed %d: %v", seed, later.Problem)
		}
		check(t, later.Change)
	}
	if cleared < 100 {
		t.Fatalf("only %d fields were cleared", cleared)
	}
	if merge.Redact(nil, []merge.FieldNumber{title}, by(2, "", 2)) != nil {
		t.Fatal("no record became one")
	}
	gone := merge.Tombstone(&roundsv1.Change{RecordId: "r", Version: 1, Record: ticket(&roundsv1.Ticket{Title: "t"})}, by(2, "a", 2))
	if merge.Redact(gone, []merge.FieldNumber{title}, by(3, "", 3)) != gone {
		t.Fatal("a tombstone changed")
	}
}

// TestRedactFixed: the customer's words are gone, and who has seen the record cannot write them again.
func TestRedactFixed(t *testing.T) {
	mutation := &roundsv1.Mutation{RecordId: "p", Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Comment{
		Comment: &roundsv1.Comment{Words: "my door code is 4711", PersonId: "her"}}}}}}
	made := merge.Apply(nil, merge.Input{Mutation: mutation, Stamp: by(1, "a", 1)})
	if made.Problem != nil {
		t.Fatal(made.Problem)
	}
	after := merge.Redact(made.Change, []merge.FieldNumber{2}, by(2, "", 2))
	if bytes.Contains(marshal(t, after), []byte("4711")) || after.GetRecord().GetComment().GetPersonId() != "her" {
		t.Fatalf("%v", after)
	}
	again := &roundsv1.Mutation{RecordId: "p", Base: 2, BaseTimeUs: 2, Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Fields: []uint32{2},
		Record: mutation.GetFact().GetRecord()}}}
	if got := merge.Apply(after, merge.Input{Mutation: again, Stamp: by(3, "a", 3)}); got.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FIXED {
		t.Fatalf("%v %v", got.Problem, got.Change)
	}
}
