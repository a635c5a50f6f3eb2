package merge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// ErrPatch says that a change cannot be laid on what the device has: it needs the whole record.
var ErrPatch = errors.New("merge: the delta does not fit the local record")

// Delta returns what a device needs that has everything through the seq since: the whole change where the record entered the working
// set later or every field of it was touched later, else the fields that were; nil where nothing was. A tombstone or an eviction is
// returned as it is, to who does not have it. The result may share messages with c.
func Delta(c *roundsv1.Change, since uint64) *roundsv1.Change {
	switch {
	case c == nil || c.GetVersion() <= since:
		return nil
	case c.GetDeleted() || c.GetEvicted() || c.GetEntered() > since:
		return c
	}
	later := newFieldSet()
	for i := len(c.GetWrites()) - 1; i >= 0; i-- {
		if w := c.GetWrites()[i]; w.GetStamp().GetSeq() > since {
			eachName(w, later.add)
		}
	}
	if later.len() == 0 {
		return c // its version says that something changed: better too much than too little
	}
	whole := true
	writes := make([]*roundsv1.Write, 0, 4)
	for _, w := range c.GetWrites() {
		part := restrictWrite(w, later.has)
		whole = whole && part == w
		if part != nil {
			writes = append(writes, part)
		}
	}
	if whole {
		return c
	}
	return &roundsv1.Change{
		RecordId:    c.GetRecordId(),
		Version:     c.GetVersion(),
		Record:      restrictRecord(c.GetRecord(), later.has),
		Writes:      writes,
		TimeUs:      c.GetTimeUs(),
		DeltaFields: later.sorted(),
		Entered:     c.GetEntered(),
	}
}

// Patch lays a page's change on the device's own; local is nil where the device has none. A whole change replaces it, a delta replaces
// the fields that it carries. What comes out has the same canonical encoding as the change that the server made the page from, provided
// that local is the server's change as it was at the seq that the delta was made for. An ErrPatch says that local is of another
// record, is older than its return to the working set, is newer than the page, or is not there. Neither argument is modified; the result may share
// messages with both.
func Patch(local, page *roundsv1.Change) (*roundsv1.Change, error) {
	switch {
	case page == nil:
		return nil, fmt.Errorf("%w: there is no change", ErrPatch)
	case len(page.GetDeltaFields()) == 0:
		return page, nil
	case local == nil || local.GetDeleted() || local.GetEvicted() || len(local.GetDeltaFields()) > 0:
		return nil, fmt.Errorf("%w: there is no whole local record", ErrPatch)
	case local.GetRecordId() != page.GetRecordId():
		return nil, fmt.Errorf("%w: it is of another record", ErrPatch)
	case local.GetVersion() > page.GetVersion() || local.GetEntered() != page.GetEntered():
		return nil, fmt.Errorf("%w: it is of another time", ErrPatch)
	}
	carried := newFieldSet()
	for _, f := range page.GetDeltaFields() {
		carried.add(FieldNumber(f))
	}
	others := func(f FieldNumber) bool { return !carried.has(f) }
	record, err := joinRecords(restrictRecord(local.GetRecord(), others), restrictRecord(page.GetRecord(), carried.has))
	if err != nil {
		return nil, err
	}
	writes := make([]*roundsv1.Write, 0, len(local.GetWrites())+len(page.GetWrites()))
	for _, w := range local.GetWrites() {
		if part := restrictWrite(w, others); part != nil {
			writes = append(writes, part)
		}
	}
	for _, w := range page.GetWrites() {
		if part := restrictWrite(w, carried.has); part != nil {
			writes = insertWrite(writes, part)
		}
	}
	c := &roundsv1.Change{
		RecordId: page.GetRecordId(),
		Version:  page.GetVersion(),
		Record:   record,
		Writes:   writes,
		TimeUs:   page.GetTimeUs(),
		Entered:  page.GetEntered(),
	}
	if raw := page.ProtoReflect().GetUnknown(); len(raw) > 0 {
		c.ProtoReflect().SetUnknown(raw)
	}
	return c, nil
}

// fieldSet is a set of field numbers: low ones in a word, others in a map.
type fieldSet struct {
	low  uint64
	high map[FieldNumber]struct{}
}

func newFieldSet() *fieldSet { return &fieldSet{} }

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

func (s *fieldSet) len() int {
	if s.low != 0 {
		return 1 + len(s.high)
	}
	return len(s.high)
}

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

// restrictWrite returns the part of a write that is about the fields that keep names: itself where that is all, nil where it is nothing.
func restrictWrite(w *roundsv1.Write, keep func(FieldNumber) bool) *roundsv1.Write {
	all := true
	eachName(w, func(f FieldNumber) { all = all && keep(f) })
	if all {
		return w
	}
	part := copyWrite(w)
	number := func(n uint32) bool { return !keep(FieldNumber(n)) }
	key := func(k *roundsv1.ElementKey) bool { return !keep(FieldNumber(k.GetField())) }
	part.Shown = slices.DeleteFunc(part.Shown, number)
	part.Siblings = slices.DeleteFunc(part.Siblings, number)
	part.Touched = slices.DeleteFunc(part.Touched, number)
	part.Elements = slices.DeleteFunc(part.Elements, key)
	part.SiblingElements = slices.DeleteFunc(part.SiblingElements, key)
	if isEmpty(part) {
		return nil
	}
	if values := restrictRecord(part.GetSiblingValues(), keep); isEmptyRecord(values) {
		part.SiblingValues = nil
	} else {
		part.SiblingValues = values
	}
	return part
}

// joinWrites joins what two parts of one write name. Neither is modified.
func joinWrites(a, b *roundsv1.Write) *roundsv1.Write {
	w := copyWrite(a)
	w.Shown = append(w.Shown, b.GetShown()...)
	w.Siblings = append(w.Siblings, b.GetSiblings()...)
	w.Touched = append(w.Touched, b.GetTouched()...)
	w.Elements = append(w.Elements, b.GetElements()...)
	w.SiblingElements = append(w.SiblingElements, b.GetSiblingElements()...)
	if values, err := joinRecords(a.GetSiblingValues(), b.GetSiblingValues()); err == nil {
		w.SiblingValues = values
	}
	sortWrite(w)
	w.Shown, w.Siblings, w.Touched = slices.Compact(w.Shown), slices.Compact(w.Siblings), slices.Compact(w.Touched)
	same := func(x, y *roundsv1.ElementKey) bool { return compareElements(x, y) == 0 }
	w.Elements, w.SiblingElements = slices.CompactFunc(w.Elements, same), slices.CompactFunc(w.SiblingElements, same)
	return w
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
	own := copyMessage(leftMsg)
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
