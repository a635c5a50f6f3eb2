package merge

import (
	"errors"
	"fmt"
	"slices"

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
	var later fieldSet
	for i := len(c.GetWrites()) - 1; i >= 0; i-- {
		if w := c.GetWrites()[i]; w.GetStamp().GetSeq() > since {
			eachName(w, later.add)
		}
	}
	if later.isEmpty() {
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
// that local is the server's change as it was at the seq that the delta was made for. An ErrPatch says that local is not there, is of
// another record, from before its return to the working set, or newer than the page. Neither argument is modified; the result may
// share messages with both.
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
	var carried fieldSet
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
