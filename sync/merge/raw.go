package merge

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// span is one encoded field within a message's bytes, its tag included.
type span struct {
	num        FieldNumber
	start, end int
}

// spansOf cuts encoded fields apart. It is false for bytes that are no encoding; what is well-formed before the fault is returned.
func spansOf(raw []byte) ([]span, bool) {
	var spans []span
	for at := 0; at < len(raw); {
		num, _, n := protowire.ConsumeField(raw[at:])
		if n <= 0 {
			return spans, false
		}
		spans = append(spans, span{num, at, at + n})
		at += n
	}
	return spans, true
}

// rawField returns the bytes of every occurrence of one field, in their order.
func rawField(raw []byte, f FieldNumber) []byte {
	if len(raw) == 0 {
		return nil
	}
	return keepRaw(raw, func(n FieldNumber) bool { return n == f })
}

// keepRaw returns the bytes of the fields that keep names, in their order.
func keepRaw(raw []byte, keep func(FieldNumber) bool) []byte {
	var out []byte
	spans, _ := spansOf(raw)
	for _, s := range spans {
		if keep(s.num) {
			out = append(out, raw[s.start:s.end]...)
		}
	}
	return out
}

// replaceRaw puts the bytes of one field in place of what stands there of it, and orders the fields by number.
func replaceRaw(raw []byte, f FieldNumber, with []byte) []byte {
	return sortRaw(slices.Concat(keepRaw(raw, func(n FieldNumber) bool { return n != f }), with))
}

// sortRaw orders encoded fields by number in a slice of its own; the occurrences of one field keep their order.
func sortRaw(raw []byte) []byte {
	spans, _ := spansOf(raw)
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.num, b.num) })
	var out []byte
	for _, s := range spans {
		out = append(out, raw[s.start:s.end]...)
	}
	return out
}

// rawNumbers returns the numbers of the encoded fields, ascending, each once.
func rawNumbers(raw []byte) []FieldNumber {
	if len(raw) == 0 {
		return nil
	}
	spans, _ := spansOf(raw)
	nums := make([]FieldNumber, len(spans))
	for i, s := range spans {
		nums[i] = s.num
	}
	slices.Sort(nums)
	return slices.Compact(nums)
}
