package merge

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// fieldSet is a set of field numbers: low ones in a word, others in a map.
type fieldSet struct {
	low  uint64
	high map[FieldNumber]struct{}
}

func (s *fieldSet) add(f FieldNumber) {
	if f >= 0 && f < 64 {
		s.low |= 1 << f
		return
	}
	if s.high == nil {
		s.high = map[FieldNumber]struct{}{}
	}
	s.high[f] = struct{}{}
}

func (s *fieldSet) has(f FieldNumber) bool {
	if f >= 0 && f < 64 {
		return s.low&(1<<f) != 0
	}
	_, ok := s.high[f]
	return ok
}

func (s *fieldSet) isEmpty() bool { return s.low == 0 && len(s.high) == 0 }

func (s *fieldSet) sorted() []uint32 {
	var out []uint32
	for f := range uint32(64) {
		if s.has(FieldNumber(f)) {
			out = append(out, f)
		}
	}
	for f := range s.high {
		out = append(out, uint32(f))
	}
	slices.Sort(out)
	return out
}

// rawKind returns the number and the content of a kind that this build does not know.
func rawKind(r *roundsv1.Record) (FieldNumber, []byte, bool) {
	raw := r.ProtoReflect().GetUnknown()
	spans, _ := spansOf(raw)
	for _, s := range spans {
		if num, typ, n := protowire.ConsumeTag(raw[s.start:s.end]); typ == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(raw[s.start+n : s.end])
			return num, content, true
		}
	}
	return 0, nil, false
}

func recordOfRaw(num FieldNumber, content []byte) *roundsv1.Record {
	r := &roundsv1.Record{}
	r.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), content))
	return r
}

// restrictRecord returns a record of the same kind with those fields only that keep names; nil where there is no kind.
func restrictRecord(r *roundsv1.Record, keep func(FieldNumber) bool) *roundsv1.Record {
	of, msg, ok := schemaOf(r)
	if !ok {
		if num, content, ok := rawKind(r); ok {
			return recordOfRaw(num, keepRaw(content, keep))
		}
		return nil
	}
	part := of.typ.New()
	msg.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if keep(fd.Number()) {
			part.Set(fd, v)
		}
		return true
	})
	if raw := msg.GetUnknown(); len(raw) > 0 {
		part.SetUnknown(keepRaw(raw, keep))
	}
	return of.record(part)
}

// isEmptyRecord tells whether a record has a kind at most.
func isEmptyRecord(r *roundsv1.Record) bool {
	if _, msg, ok := schemaOf(r); ok {
		return !hasAny(msg)
	}
	_, content, _ := rawKind(r)
	return len(content) == 0
}

// joinRecords returns the fields of both; where both have one, that of b. Neither is modified.
func joinRecords(a, b *roundsv1.Record) (*roundsv1.Record, error) {
	if a == nil || b == nil {
		return cmp.Or(a, b), nil
	}
	left, leftMsg, known := schemaOf(a)
	right, rightMsg, alsoKnown := schemaOf(b)
	if !known && !alsoKnown {
		n, x, ok := rawKind(a)
		o, y, also := rawKind(b)
		if ok && also && n == o {
			return recordOfRaw(n, sortRaw(slices.Concat(x, y))), nil
		}
	}
	if left == nil || left != right {
		return nil, fmt.Errorf("%w: it is of another kind", ErrPatch)
	}
	own := left.copy(leftMsg)
	rightMsg.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.IsMap() && own.Has(fd) {
			into := copyMap(own, fd)
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				into.Set(k, v)
				return true
			})
			return true
		}
		own.Set(fd, v)
		return true
	})
	if raw := rightMsg.GetUnknown(); len(raw) > 0 {
		own.SetUnknown(sortRaw(slices.Concat(own.GetUnknown(), raw)))
	}
	return left.record(own), nil
}
