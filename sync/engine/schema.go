package engine

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// onlyAdds: whether all that a fact carries is added to fields of a record that has to be there, so that it makes no record by itself.
func onlyAdds(record *roundsv1.Record) bool {
	kind, ok := merge.KindOf(record)
	if !ok {
		return false
	}
	adds := true
	record.ProtoReflect().Range(func(_ protoreflect.FieldDescriptor, body protoreflect.Value) bool {
		adds = len(body.Message().GetUnknown()) == 0
		body.Message().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			switch policy, _ := merge.PolicyOf(kind, field.Number()); policy {
			case roundsv1.MergePolicy_MERGE_POLICY_APPEND, roundsv1.MergePolicy_MERGE_POLICY_ANSWERS, roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
			default:
				adds = false
			}
			return adds
		})
		return false
	})
	return adds
}

// asks returns the fields of a change that must not be guessed and have more than one value, in order.
func asks(change *roundsv1.Change) []merge.FieldNumber {
	var fields []merge.FieldNumber
	kind, _ := merge.KindOf(change.GetRecord())
	for _, write := range change.GetWrites() {
		for _, field := range write.GetSiblings() {
			policy, _ := merge.PolicyOf(kind, merge.FieldNumber(field))
			// Two people who entered the same value stand beside each other without a question.
			if policy == roundsv1.MergePolicy_MERGE_POLICY_ASK && len(merge.Values(change, merge.FieldNumber(field), "")) > 1 {
				fields = append(fields, merge.FieldNumber(field))
			}
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}
