package merge_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestEveryFieldHasAPolicy: every field of every kind declares a policy that means something for its type, and merges by it.
func TestEveryFieldHasAPolicy(t *testing.T) {
	kinds := (&roundsv1.Record{}).ProtoReflect().Descriptor().Oneofs().ByName("kind").Fields()
	if kinds.Len() != len(merge.Kinds()) {
		t.Fatalf("%d kinds, known are %v", kinds.Len(), merge.Kinds())
	}
	for i := range kinds.Len() {
		kind := merge.Kind(kinds.Get(i).Name())
		if !slices.Contains(merge.Kinds(), kind) {
			t.Errorf("%s is not known", kind)
		}
		fields := kinds.Get(i).Message().Fields()
		for j := range fields.Len() {
			fd := fields.Get(j)
			rule, ok := proto.GetExtension(fd.Options(), roundsv1.E_Merge).(*roundsv1.FieldMerge)
			if !ok || rule.GetPolicy() == roundsv1.MergePolicy_MERGE_POLICY_UNSPECIFIED {
				t.Errorf("%s declares no policy", fd.FullName())
				continue
			}
			if fault := misfit(fd, rule); fault != "" {
				t.Errorf("%s: %v %s", fd.FullName(), rule, fault)
			}
			if got, known := merge.PolicyOf(kind, fd.Number()); !known || got != rule.GetPolicy() {
				t.Errorf("%s merges by %v, declared is %v", fd.FullName(), got, rule.GetPolicy())
			}
			if fd.ContainingOneof() != nil {
				t.Errorf("%s: fields of a oneof would merge apart", fd.FullName())
			}
		}
	}
	if _, known := merge.PolicyOf("ticket", newer); known {
		t.Error("a field that nobody declared has a policy")
	}
}

// misfit tells what is wrong with a rule.
func misfit(fd protoreflect.FieldDescriptor, rule *roundsv1.FieldMerge) string {
	single := !fd.IsList() && !fd.IsMap()
	value := fd.Message()
	if fd.IsMap() {
		value = fd.MapValue().Message()
	}
	enumIn := func(name string) bool {
		by := value.Fields().ByName(protoreflect.Name(name))
		return by != nil && by.Kind() == protoreflect.EnumKind && by.Cardinality() != protoreflect.Repeated
	}
	if fd.IsMap() && fd.MapKey().Kind() != protoreflect.StringKind {
		return "has keys that are no strings"
	}
	switch rule.GetPolicy() {
	case roundsv1.MergePolicy_MERGE_POLICY_RANKED:
		if rule.GetRankBy() == "" && len(rule.GetRoles()) == 0 {
			return "does not say what ranks"
		}
		if rule.GetRankBy() != "" && (!single || value == nil || !enumIn(rule.GetRankBy())) {
			return "ranks by what is no enum field"
		}
		return ""
	case roundsv1.MergePolicy_MERGE_POLICY_MAX:
		if !single || fd.Kind() != protoreflect.EnumKind && fd.Kind() != protoreflect.Int64Kind && fd.Kind() != protoreflect.Int32Kind &&
			fd.Kind() != protoreflect.Uint32Kind {
			return "does not compare"
		}
	case roundsv1.MergePolicy_MERGE_POLICY_ANSWERS:
		if !fd.IsMap() || value == nil || !enumIn(rule.GetRankBy()) {
			return "is no map of messages ranked by an enum field"
		}
		for _, name := range rule.GetSameBy() {
			if value.Fields().ByName(protoreflect.Name(name)) == nil {
				return "compares by what is not there"
			}
		}
		return ""
	case roundsv1.MergePolicy_MERGE_POLICY_SET:
		if !fd.IsList() || fd.Kind() != protoreflect.StringKind {
			return "is no list of strings"
		}
	case roundsv1.MergePolicy_MERGE_POLICY_MAP:
		if !fd.IsMap() {
			return "is no map"
		}
	case roundsv1.MergePolicy_MERGE_POLICY_APPEND:
		if !fd.IsList() || value == nil || value.Fields().ByName("id") == nil || value.Fields().ByName("id").Kind() != protoreflect.StringKind {
			return "is no list of messages with an id"
		}
	case roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
		of := fd
		if fd.IsMap() {
			of = fd.MapValue()
		}
		if fd.IsList() || of.Kind() != protoreflect.Int64Kind {
			return "is no int64"
		}
	}
	if len(rule.GetRoles())+len(rule.GetSameBy()) > 0 || rule.GetRankBy() != "" {
		return "has options that it does not ask"
	}
	return ""
}

// TestKindOf: the kind is the name of the field that is set, of facts, edits and commands alike.
func TestKindOf(t *testing.T) {
	command := func(c *roundsv1.Command) *roundsv1.Mutation {
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: c}}
	}
	tests := []struct {
		m    *roundsv1.Mutation
		want merge.Kind
	}{
		{edit(&roundsv1.Ticket{}), "ticket"},
		{fact(&roundsv1.Ticket{}), "ticket"},
		{command(&roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: &roundsv1.InspectionCommand{}}}), "inspection"},
		{command(&roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{Kind: "photo"}}}), "photo"},
		{command(&roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{Kind: "robot"}}}), ""},
		{command(&roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{}}}), ""},
		{command(&roundsv1.Command{}), ""},
		{command(nil), ""},
		{&roundsv1.Mutation{}, ""},
		{nil, ""},
	}
	for _, tt := range tests {
		if got, ok := merge.KindOfMutation(tt.m); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%v: %q, %v", tt.m, got, ok)
		}
	}
	for _, k := range merge.Kinds() {
		if k == "" {
			t.Error("a kind without a name")
		}
	}
}
