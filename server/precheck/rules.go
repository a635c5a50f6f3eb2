package precheck

import (
	"slices"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// newPlan reads the rules of a message type.
func newPlan(d protoreflect.MessageDescriptor) *plan {
	p := &plan{}
	if rules, ok := proto.GetExtension(d.Options(), validate.E_Message).(*validate.MessageRules); ok && rules != nil && proto.Size(rules) > 0 {
		p.unknown = true
	}
	for i := range d.Oneofs().Len() {
		one := d.Oneofs().Get(i)
		if rules, ok := proto.GetExtension(one.Options(), validate.E_Oneof).(*validate.OneofRules); ok && rules.GetRequired() {
			p.oneofs = append(p.oneofs, one)
		}
	}
	for i := range d.Fields().Len() {
		if f, needed := newField(d.Fields().Get(i)); needed {
			p.fields = append(p.fields, f)
		}
	}
	return p
}

// newField reads the rules of a field, and whether there is anything to look at.
func newField(d protoreflect.FieldDescriptor) (field, bool) {
	rules, _ := proto.GetExtension(d.Options(), validate.E_Field).(*validate.FieldRules)
	f := field{is: d, presence: d.HasPresence(), required: rules.GetRequired()}
	switch rules.GetIgnore() {
	case validate.Ignore_IGNORE_ALWAYS:
		return f, false
	case validate.Ignore_IGNORE_IF_ZERO_VALUE:
		f.passZero = true
	}
	of := d
	if d.IsMap() {
		of = d.MapValue()
	}
	f.descend = of.Message() != nil
	f.check = checkOf(rules, d.Enum())
	if f.check != nil && emptyPasses(f.check, rules, d) {
		f.passZero = true // most fields are not set: then there is nothing to get
	}
	return f, f.check != nil || f.descend || f.required
}

// emptyPasses tells whether a field that is not set surely keeps its rules.
func emptyPasses(c check, rules *validate.FieldRules, d protoreflect.FieldDescriptor) bool {
	switch {
	case d.IsList():
		return known(rules.GetRepeated(), "max_items", "items")
	case d.IsMap():
		return known(rules.GetMap(), "max_pairs", "keys", "values")
	case d.Message() != nil:
		return false
	}
	return c(d.Default())
}

// known tells whether all that is set in rules is among the names.
func known(rules proto.Message, names ...protoreflect.Name) bool {
	all := true
	rules.ProtoReflect().Range(func(d protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		all = slices.Contains(names, d.Name())
		return all
	})
	return all && len(rules.ProtoReflect().GetUnknown()) == 0
}

func never(protoreflect.Value) bool { return false }

// checkOf makes the check of a field's own rules; nil where there are none, never where there is one that is not known here.
func checkOf(rules *validate.FieldRules, enum protoreflect.EnumDescriptor) check {
	if rules == nil {
		return nil
	}
	if len(rules.GetCel()) > 0 || len(rules.GetCelExpression()) > 0 {
		return never
	}
	switch t := rules.GetType().(type) {
	case nil:
		return nil
	case *validate.FieldRules_String_:
		return stringCheck(t.String_)
	case *validate.FieldRules_Bytes:
		return bytesCheck(t.Bytes)
	case *validate.FieldRules_Int64:
		return bounded(t.Int64, protoreflect.Value.Int, t.Int64.HasGte(), t.Int64.GetGte(), t.Int64.HasLte(), t.Int64.GetLte())
	case *validate.FieldRules_Uint32:
		return bounded(t.Uint32, protoreflect.Value.Uint, t.Uint32.HasGte(), uint64(t.Uint32.GetGte()), t.Uint32.HasLte(), uint64(t.Uint32.GetLte()))
	case *validate.FieldRules_Double:
		return bounded(t.Double, protoreflect.Value.Float, t.Double.HasGte(), t.Double.GetGte(), t.Double.HasLte(), t.Double.GetLte())
	case *validate.FieldRules_Float:
		return bounded(t.Float, protoreflect.Value.Float, t.Float.HasGte(), float64(t.Float.GetGte()), t.Float.HasLte(), float64(t.Float.GetLte()))
	case *validate.FieldRules_Enum:
		return enumCheck(t.Enum, enum)
	case *validate.FieldRules_Repeated:
		return listCheck(t.Repeated, enum)
	case *validate.FieldRules_Map:
		return mapCheck(t.Map)
	}
	return never
}

func stringCheck(rules *validate.StringRules) check {
	if !known(rules, "min_bytes", "max_bytes", "uuid") {
		return never
	}
	low, high, limited, uuid := rules.GetMinBytes(), rules.GetMaxBytes(), rules.HasMaxBytes(), rules.GetUuid()
	return func(v protoreflect.Value) bool {
		s := v.String()
		n := uint64(len(s))
		return n >= low && (!limited || n <= high) && (!uuid || isUUID(s))
	}
}

func bytesCheck(rules *validate.BytesRules) check {
	if !known(rules, "len", "min_len", "max_len") {
		return never
	}
	low, high, limited, exact, length := rules.GetMinLen(), rules.GetMaxLen(), rules.HasMaxLen(), rules.HasLen(), rules.GetLen()
	return func(v protoreflect.Value) bool {
		n := uint64(len(v.Bytes()))
		return n >= low && (!limited || n <= high) && (!exact || n == length)
	}
}

// bounded makes a check of a least and a greatest value. A number that is none keeps neither, so it is left to decide.
func bounded[N int64 | uint64 | float64](rules proto.Message, get func(protoreflect.Value) N, hasLow bool, low N, hasHigh bool, high N) check {
	if !known(rules, "gte", "lte") || (hasLow && hasHigh && low > high) {
		return never
	}
	return func(v protoreflect.Value) bool {
		n := get(v)
		return (!hasLow || n >= low) && (!hasHigh || n <= high)
	}
}

func enumCheck(rules *validate.EnumRules, enum protoreflect.EnumDescriptor) check {
	if !known(rules, "defined_only", "not_in") || enum == nil {
		return never
	}
	defined, not := rules.GetDefinedOnly(), rules.GetNotIn()
	return func(v protoreflect.Value) bool {
		n := v.Enum()
		return (!defined || enum.Values().ByNumber(n) != nil) && !slices.Contains(not, int32(n))
	}
}

// elementCheck makes the check of the elements of a list or of a map's keys or values.
func elementCheck(rules *validate.FieldRules, enum protoreflect.EnumDescriptor) check {
	if rules == nil {
		return nil
	}
	if rules.GetRequired() || rules.GetIgnore() != validate.Ignore_IGNORE_UNSPECIFIED {
		return never
	}
	return checkOf(rules, enum)
}

func listCheck(rules *validate.RepeatedRules, enum protoreflect.EnumDescriptor) check {
	if !known(rules, "min_items", "max_items", "items") {
		return never
	}
	low, high, limited, each := rules.GetMinItems(), rules.GetMaxItems(), rules.HasMaxItems(), elementCheck(rules.GetItems(), enum)
	return func(v protoreflect.Value) bool {
		list := v.List()
		n := uint64(list.Len())
		if n < low || (limited && n > high) {
			return false
		}
		for i := 0; each != nil && i < list.Len(); i++ {
			if !each(list.Get(i)) {
				return false
			}
		}
		return true
	}
}

func mapCheck(rules *validate.MapRules) check {
	if !known(rules, "min_pairs", "max_pairs", "keys", "values") {
		return never
	}
	low, high, limited := rules.GetMinPairs(), rules.GetMaxPairs(), rules.HasMaxPairs()
	keys, values := elementCheck(rules.GetKeys(), nil), elementCheck(rules.GetValues(), nil)
	return func(v protoreflect.Value) bool {
		m := v.Map()
		n := uint64(m.Len())
		if n < low || (limited && n > high) {
			return false
		}
		if keys == nil && values == nil {
			return true
		}
		sure := true
		m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			sure = (keys == nil || keys(k.Value())) && (values == nil || values(v))
			return sure
		})
		return sure
	}
}

// isUUID tells whether a text is a UUID in its usual form, in any case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F'):
			return false
		}
	}
	return true
}
