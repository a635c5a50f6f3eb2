package merge

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Value is a value that stands in a record.
type Value struct {
	// Stamp tells who wrote it.
	Stamp *roundsv1.Stamp
	// Record has this field only, and of ANSWERS and MAP this key only; nothing, where the field was cleared or the key removed.
	Record *roundsv1.Record
	// Shown tells that it is the one that the record shows.
	Shown bool
}

// Values returns the values of a field that stand beside each other, the shown one first and the others as they rank. The key is asked
// for fields under ANSWERS and MAP only. Values that mean the same (for ANSWERS: by the fields that make two answers the same) are
// one. It returns nil for a field that was never written or that this build does not know, and for fields under SET, APPEND and COUNTER.
func Values(c *roundsv1.Change, f FieldNumber, key string) []Value {
	of, msg, ok := schemaOf(c.GetRecord())
	if !ok || of.lookup(f) == nil {
		return nil
	}
	m := &merger{of: of, rec: msg, writes: c.GetWrites()}
	s := slot{f: of.lookup(f)}
	if s.f.keyed {
		s.key = key
	}
	all := m.survivors(s)
	s.order(all)
	var out []Value
	for i, v := range all {
		if slices.ContainsFunc(all[:i], func(w survivor) bool { return s.same(w.val, v.val) }) {
			continue
		}
		only := of.typ.New()
		if v.val.set {
			s.put(only, v.val)
		}
		out = append(out, Value{Stamp: v.stamp, Record: of.record(only), Shown: i == 0})
	}
	return out
}
