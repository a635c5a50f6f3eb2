package merge

import (
	"reflect"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Kind is the name of a kind of record: the name of its field in Record ("ticket").
type Kind string

// RecordID names a record among those of its kind in its scope: a UUID in lower case.
type RecordID string

// KindOf returns the kind of a record. It is false when nothing is set, or a kind that this build does not know.
func KindOf(r *roundsv1.Record) (Kind, bool) {
	k, _, ok := schemaOf(r)
	if !ok {
		return "", false
	}
	return k.kind, true
}

// KindOfMutation returns the kind of the record that a mutation is about: of a fact or an edit its record's, of a command the one it
// is named after, of a delete the one it names. It is false when this build does not know it.
func KindOfMutation(m *roundsv1.Mutation) (Kind, bool) {
	switch act := m.GetAct().(type) {
	case *roundsv1.Mutation_Fact:
		return KindOf(act.Fact.GetRecord())
	case *roundsv1.Mutation_Edit:
		return KindOf(act.Edit.GetRecord())
	case *roundsv1.Mutation_Command:
		kind := Kind(act.Command.GetDelete().GetKind())
		if kind == "" {
			msg := act.Command.ProtoReflect()
			if fd := msg.WhichOneof(msg.Descriptor().Oneofs().ByName("command")); fd != nil {
				kind = Kind(fd.Name())
			}
		}
		if _, ok := tables().byKind[kind]; ok {
			return kind, true
		}
	}
	return "", false
}

// Kinds returns every kind that this build knows, by the numbers of their fields in Record. The slice is the caller's.
func Kinds() []Kind {
	all := tables().all
	kinds := make([]Kind, len(all))
	for i, k := range all {
		kinds[i] = k.kind
	}
	return kinds
}

// PolicyOf returns the policy by which a field merges. It is false for a field that this build does not know; such a field merges as
// one value, by LATEST.
func PolicyOf(k Kind, f FieldNumber) (roundsv1.MergePolicy, bool) {
	if s := tables().byKind[k]; s != nil {
		if f := s.lookup(f); f != nil {
			return f.policy, true
		}
	}
	return roundsv1.MergePolicy_MERGE_POLICY_UNSPECIFIED, false
}

// schema is what the descriptors say of one kind.
type schema struct {
	kind  Kind
	oneof protoreflect.FieldDescriptor // in Record
	typ   protoreflect.MessageType
	// fields is ascending by number, byNumber finds the low ones at once.
	fields   []*field
	byNumber [64]*field
	added    []*field // those whose elements or deltas are added to what stands
	exported []int    // the indexes of the fields of the Go struct that hold what copy copies
}

// field is what the descriptors say of one field of a kind.
type field struct {
	num    FieldNumber
	fd     protoreflect.FieldDescriptor // nil for a field that this build does not know
	typ    protoreflect.MessageType     // the kind's
	name   string
	policy roundsv1.MergePolicy
	keyed  bool // a map whose keys are registers of their own
	// ranks holds, by role, how high it ranks; nil where roles are not asked.
	ranks map[roundsv1.Role]int64
	// rankBy and sameBy are fields inside the value.
	rankBy protoreflect.FieldDescriptor
	sameBy []protoreflect.FieldDescriptor
	id     protoreflect.FieldDescriptor // of an element, for APPEND
}

type schemas struct {
	all    []*schema
	byKind map[Kind]*schema
	byNum  map[FieldNumber]*schema
	oneof  protoreflect.OneofDescriptor
}

// tables is made from the descriptors once, and not changed after.
var tables = sync.OnceValue(func() *schemas {
	record := (&roundsv1.Record{}).ProtoReflect()
	t := &schemas{byKind: map[Kind]*schema{}, byNum: map[FieldNumber]*schema{}, oneof: record.Descriptor().Oneofs().ByName("kind")}
	for i := range t.oneof.Fields().Len() {
		fd := t.oneof.Fields().Get(i)
		t.all = append(t.all, newSchema(fd, record.NewField(fd).Message().Type()))
	}
	slices.SortFunc(t.all, func(a, b *schema) int { return int(a.oneof.Number() - b.oneof.Number()) })
	for _, s := range t.all {
		t.byKind[s.kind], t.byNum[s.oneof.Number()] = s, s
	}
	return t
})

func newSchema(oneof protoreflect.FieldDescriptor, typ protoreflect.MessageType) *schema {
	s := &schema{kind: Kind(oneof.Name()), oneof: oneof, typ: typ}
	for i := range typ.Descriptor().Fields().Len() {
		f := newField(typ.Descriptor().Fields().Get(i))
		f.typ = typ
		s.fields = append(s.fields, f)
		if int(f.num) < len(s.byNumber) {
			s.byNumber[f.num] = f
		}
		if f.adds() {
			s.added = append(s.added, f)
		}
	}
	slices.SortFunc(s.fields, func(a, b *field) int { return int(a.num - b.num) })
	for _, f := range reflect.VisibleFields(reflect.TypeOf(typ.Zero().Interface()).Elem()) {
		if f.IsExported() && len(f.Index) == 1 {
			s.exported = append(s.exported, f.Index[0])
		}
	}
	return s
}

// copy copies the outermost level of a kind's message, and shares what is below. Through the Go struct, which every kind has, this
// takes a fraction of what it takes field by field through protoreflect, and it is a good part of what an edit costs.
func (s *schema) copy(msg protoreflect.Message) protoreflect.Message {
	own := s.typ.New()
	if !msg.IsValid() {
		return own
	}
	from, to := reflect.ValueOf(msg.Interface()).Elem(), reflect.ValueOf(own.Interface()).Elem()
	for _, i := range s.exported {
		if v := from.Field(i); !v.IsZero() {
			to.Field(i).Set(v)
		}
	}
	if raw := msg.GetUnknown(); len(raw) > 0 {
		own.SetUnknown(raw)
	}
	return own
}

func newField(fd protoreflect.FieldDescriptor) *field {
	rule, _ := proto.GetExtension(fd.Options(), roundsv1.E_Merge).(*roundsv1.FieldMerge)
	f := &field{num: fd.Number(), fd: fd, name: string(fd.Name()), policy: rule.GetPolicy()}
	if !fits(f.policy, fd) {
		// The tests keep such a declaration out. Should one get through, server and devices still agree.
		f.policy = roundsv1.MergePolicy_MERGE_POLICY_LATEST
	}
	value := fd.Message()
	if fd.IsMap() {
		value = fd.MapValue().Message()
	}
	switch f.policy {
	case roundsv1.MergePolicy_MERGE_POLICY_ANSWERS:
		f.keyed = true
		for _, name := range rule.GetSameBy() {
			if by := value.Fields().ByName(protoreflect.Name(name)); by != nil {
				f.sameBy = append(f.sameBy, by)
			}
		}
		f.rankBy = enumNamed(value, rule.GetRankBy())
	case roundsv1.MergePolicy_MERGE_POLICY_MAP:
		f.keyed = true
	case roundsv1.MergePolicy_MERGE_POLICY_APPEND:
		f.id = value.Fields().ByName("id")
	case roundsv1.MergePolicy_MERGE_POLICY_RANKED:
		if value != nil && rule.GetRankBy() != "" {
			f.rankBy = enumNamed(value, rule.GetRankBy())
			break
		}
		f.ranks = map[roundsv1.Role]int64{}
		for i, role := range rule.GetRoles() {
			f.ranks[role] = int64(len(rule.GetRoles()) - i)
		}
	}
	return f
}

// adds tells whether a write of the field adds to what stands, and does not replace it as a whole.
func (f *field) adds() bool {
	switch f.policy {
	case roundsv1.MergePolicy_MERGE_POLICY_SET, roundsv1.MergePolicy_MERGE_POLICY_APPEND, roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
		return true
	}
	return f.keyed
}

// enumNamed returns the enum field of that name, or nil.
func enumNamed(in protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := in.Fields().ByName(protoreflect.Name(name)); fd != nil && fd.Kind() == protoreflect.EnumKind && !fd.IsList() {
		return fd
	}
	return nil
}

// fits tells whether a policy is declared and means something for a field of this type.
func fits(p roundsv1.MergePolicy, fd protoreflect.FieldDescriptor) bool {
	switch p {
	case roundsv1.MergePolicy_MERGE_POLICY_LATEST, roundsv1.MergePolicy_MERGE_POLICY_FIXED, roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW,
		roundsv1.MergePolicy_MERGE_POLICY_SERVER, roundsv1.MergePolicy_MERGE_POLICY_ASK, roundsv1.MergePolicy_MERGE_POLICY_RANKED:
		return true
	case roundsv1.MergePolicy_MERGE_POLICY_MAX:
		return !fd.IsList() && !fd.IsMap() && isWhole(fd.Kind())
	case roundsv1.MergePolicy_MERGE_POLICY_ANSWERS:
		return fd.IsMap() && fd.MapKey().Kind() == protoreflect.StringKind && fd.MapValue().Message() != nil
	case roundsv1.MergePolicy_MERGE_POLICY_MAP:
		return fd.IsMap() && fd.MapKey().Kind() == protoreflect.StringKind
	case roundsv1.MergePolicy_MERGE_POLICY_SET:
		return fd.IsList() && fd.Kind() == protoreflect.StringKind
	case roundsv1.MergePolicy_MERGE_POLICY_APPEND:
		if !fd.IsList() || fd.Message() == nil {
			return false
		}
		id := fd.Message().Fields().ByName("id")
		return id != nil && id.Kind() == protoreflect.StringKind && !id.IsList()
	case roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
		if fd.IsMap() {
			return fd.MapKey().Kind() == protoreflect.StringKind && fd.MapValue().Kind() == protoreflect.Int64Kind
		}
		return !fd.IsList() && fd.Kind() == protoreflect.Int64Kind
	}
	return false
}

// isWhole tells whether values of a type compare as whole numbers.
func isWhole(k protoreflect.Kind) bool {
	switch k {
	case protoreflect.EnumKind, protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind,
		protoreflect.Sfixed32Kind, protoreflect.Sfixed64Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return true
	}
	return false
}

// lookup returns a field by its number, or nil.
func (s *schema) lookup(n FieldNumber) *field {
	if n >= 0 && int(n) < len(s.byNumber) {
		return s.byNumber[n]
	}
	if i, ok := slices.BinarySearchFunc(s.fields, n, func(f *field, n FieldNumber) int { return int(f.num) - int(n) }); ok {
		return s.fields[i]
	}
	return nil
}

// unknown stands for a field of a newer app: one value, kept as it came.
func unknown(n FieldNumber) *field {
	return &field{num: n, policy: roundsv1.MergePolicy_MERGE_POLICY_LATEST}
}

// record wraps a kind's message.
func (s *schema) record(msg protoreflect.Message) *roundsv1.Record {
	r := &roundsv1.Record{}
	r.ProtoReflect().Set(s.oneof, protoreflect.ValueOfMessage(msg))
	return r
}

// schemaOf returns the schema of a record's kind, and the kind's message.
func schemaOf(r *roundsv1.Record) (*schema, protoreflect.Message, bool) {
	if r.GetKind() == nil {
		return nil, nil, false
	}
	t, msg := tables(), r.ProtoReflect()
	fd := msg.WhichOneof(t.oneof)
	if fd == nil {
		return nil, nil, false
	}
	return t.byNum[fd.Number()], msg.Get(fd).Message(), true
}
