package directory

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// content is the message of a record's kind.
func content(record *roundsv1.Record) protoreflect.Message {
	r := record.ProtoReflect()
	field := r.WhichOneof(r.Descriptor().Oneofs().ByName("kind"))
	if field == nil {
		return nil
	}
	return r.Mutable(field).Message()
}

// editOf is what makes a record say what another says: nil where it does already. Of sets, maps and sums it carries the difference alone. Before nil makes
// the record.
func editOf(kind merge.Kind, before, after *roundsv1.Record) *roundsv1.Edit {
	if before == nil {
		return &roundsv1.Edit{Record: after}
	}
	was, is := content(before), content(after)
	edit := &roundsv1.Edit{Record: blank(after), Removed: nil}
	to := content(edit.Record)
	for i := range is.Descriptor().Fields().Len() {
		field := is.Descriptor().Fields().Get(i)
		old, now := was.Get(field), is.Get(field)
		if was.Has(field) == is.Has(field) && old.Equal(now) {
			continue
		}
		policy, _ := merge.PolicyOf(kind, merge.FieldNumber(field.Number()))
		switch policy {
		case roundsv1.MergePolicy_MERGE_POLICY_SET:
			if !diffSet(edit, after, field, old.List(), now.List()) {
				continue // the same in another order
			}
		case roundsv1.MergePolicy_MERGE_POLICY_MAP:
			diffMap(edit, after, field, old.Map(), now.Map())
		case roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
			to.Set(field, protoreflect.ValueOfInt64(now.Int()-old.Int()))
		case roundsv1.MergePolicy_MERGE_POLICY_SERVER, roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW, roundsv1.MergePolicy_MERGE_POLICY_APPEND:
			continue
		default:
			if is.Has(field) {
				to.Set(field, now)
			}
		}
		edit.Fields = append(edit.Fields, uint32(field.Number()))
	}
	if len(edit.Fields) == 0 {
		return nil
	}
	return edit
}

// blank is an empty record of the same kind.
func blank(record *roundsv1.Record) *roundsv1.Record {
	r := record.ProtoReflect()
	field := r.WhichOneof(r.Descriptor().Oneofs().ByName("kind"))
	made := &roundsv1.Record{}
	made.ProtoReflect().Set(field, made.ProtoReflect().NewField(field))
	return made
}

func removed(edit *roundsv1.Edit, of *roundsv1.Record) protoreflect.Message {
	if edit.Removed == nil {
		edit.Removed = blank(of)
	}
	return content(edit.Removed)
}

func diffSet(edit *roundsv1.Edit, of *roundsv1.Record, field protoreflect.FieldDescriptor, old, now protoreflect.List) (differs bool) {
	was, is := stringsOf(old), stringsOf(now)
	for _, s := range is {
		if !slices.Contains(was, s) {
			content(edit.Record).Mutable(field).List().Append(protoreflect.ValueOfString(s))
			differs = true
		}
	}
	for _, s := range was {
		if !slices.Contains(is, s) {
			removed(edit, of).Mutable(field).List().Append(protoreflect.ValueOfString(s))
			differs = true
		}
	}
	return differs
}

func stringsOf(l protoreflect.List) []string {
	all := make([]string, l.Len())
	for i := range all {
		all[i] = l.Get(i).String()
	}
	return all
}

func diffMap(edit *roundsv1.Edit, of *roundsv1.Record, field protoreflect.FieldDescriptor, old, now protoreflect.Map) {
	now.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if !old.Has(k) || !old.Get(k).Equal(v) {
			content(edit.Record).Mutable(field).Map().Set(k, v)
		}
		return true
	})
	old.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		if !now.Has(k) {
			removed(edit, of).Mutable(field).Map().Set(k, protoreflect.ValueOfString(""))
		}
		return true
	})
}

// sameBytes encodes a message the same way each time, within one build of the program.
func sameBytes(m proto.Message) []byte {
	b, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m) // nothing in these messages can fail
	return b
}

// overMap returns what puts every entry of a map into another.
func overMap(to protoreflect.Map) func(protoreflect.MapKey, protoreflect.Value) bool {
	return func(k protoreflect.MapKey, v protoreflect.Value) bool {
		to.Set(k, v)
		return true
	}
}
