package engine

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// What is read of the journal in one view of the store at most, when entries are searched.
const (
	entriesAtOnce    = 2000
	entryBytesAtOnce = 8 << 20
	entryHitsAtOnce  = 500
)

// entryPage is what was found in a stretch of the journal.
type entryPage struct {
	hits    []uint64
	through uint64 // the last seq that was looked at, or the one before the first where there was none
	next    uint64 // where to go on; 0 at the end of the journal
}

// findEntries looks for journal entries from a seq on, as far as one page goes.
func findEntries(r store.Reader, from uint64, wanted func(head *roundsv1.EntryHead, content []byte) bool) (entryPage, error) {
	page := entryPage{through: from - 1}
	looked, size := 0, 0
	span := store.Prefix([]byte{tableJournal})
	span.From = seqKey(tableJournal, from)
	for entry, err := range r.Scan(span) {
		if err != nil {
			return page, err
		}
		seq, err := keySeq(entry.Key)
		if err != nil {
			return page, err
		}
		if looked == entriesAtOnce || size >= entryBytesAtOnce || len(page.hits) == entryHitsAtOnce {
			page.next = seq
			return page, nil
		}
		head, content, _, err := journal.Open(entry.Value)
		if err != nil {
			return page, fmt.Errorf("engine: journal entry %d: %w", seq, err)
		}
		if wanted(head, content) {
			page.hits = append(page.hits, seq)
		}
		looked, size, page.through = looked+1, size+len(entry.Value), seq
	}
	return page, nil
}

// about: whether an entry is about a record. One that the server could not read as anything is, where its content names the record.
func about(head *roundsv1.EntryHead, content []byte, name recordName) bool {
	if ref := head.GetRecord(); ref != nil {
		return ref.GetId() == name.id && ref.GetKind() == string(name.kind)
	}
	m := new(roundsv1.Mutation)
	return proto.Unmarshal(content, m) == nil && m.GetRecordId() == name.id
}

// carried returns what finds the entries that carry a value which has to go.
func (r *redaction) carried(name recordName) func(*roundsv1.EntryHead, []byte) bool {
	return func(head *roundsv1.EntryHead, content []byte) bool {
		if !about(head, content, name) {
			return false
		}
		for _, loss := range head.GetOutcome().GetLosses() {
			if slices.Contains(r.fields, loss.GetField()) {
				return true
			}
		}
		return len(content) > 0 && r.carries(name.kind, content)
	}
}

// carries: whether a mutation holds a value of the fields, as far as can be told. What this build cannot read may.
func (r *redaction) carries(kind merge.Kind, content []byte) bool {
	m := new(roundsv1.Mutation)
	if err := proto.Unmarshal(content, m); err != nil || len(m.ProtoReflect().GetUnknown()) > 0 {
		return true
	}
	switch act := m.GetAct().(type) {
	case *roundsv1.Mutation_Fact:
		return r.holds(act.Fact.GetRecord())
	case *roundsv1.Mutation_Edit:
		return r.holds(act.Edit.GetRecord()) || act.Edit.GetRemoved() != nil && r.holds(act.Edit.GetRemoved())
	case *roundsv1.Mutation_Command:
		return act.Command.GetDelete() == nil && slices.ContainsFunc(r.fields, func(field uint32) bool { return written(kind, field) })
	}
	return true
}

// written: whether a command may have written a field, out of what it says itself. Devices write the fields of the other policies, which stand in no
// command but as a repetition of what the record says.
func written(kind merge.Kind, field uint32) bool {
	switch policy, _ := merge.PolicyOf(kind, merge.FieldNumber(field)); policy {
	case roundsv1.MergePolicy_MERGE_POLICY_FIXED, roundsv1.MergePolicy_MERGE_POLICY_ASK:
		return false
	}
	return true
}

// holds: whether a record has a value of the fields.
func (r *redaction) holds(record *roundsv1.Record) bool {
	found := true // of a kind that this build does not know
	record.ProtoReflect().Range(func(_ protoreflect.FieldDescriptor, kind protoreflect.Value) bool {
		found = len(kind.Message().GetUnknown()) > 0
		kind.Message().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			found = found || slices.Contains(r.fields, uint32(field.Number()))
			return !found
		})
		return false
	})
	return found
}
