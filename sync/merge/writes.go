package merge

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// compareWrites orders writes as they stand in a Change.
func compareWrites(a, b *roundsv1.Write) int {
	x, y := a.GetStamp(), b.GetStamp()
	return cmp.Or(
		cmp.Compare(x.GetSeq(), y.GetSeq()),
		strings.Compare(x.GetDeviceId(), y.GetDeviceId()),
		cmp.Compare(x.GetTimeUs(), y.GetTimeUs()))
}

// copyWrite copies a write so that its lists may be changed. Sibling values are shared until they are replaced.
func copyWrite(w *roundsv1.Write) *roundsv1.Write {
	own := &roundsv1.Write{
		Stamp:           w.GetStamp(),
		Shown:           slices.Clone(w.GetShown()),
		Siblings:        slices.Clone(w.GetSiblings()),
		SiblingValues:   w.GetSiblingValues(),
		Elements:        slices.Clone(w.GetElements()),
		SiblingElements: slices.Clone(w.GetSiblingElements()),
		Touched:         slices.Clone(w.GetTouched()),
	}
	if raw := w.ProtoReflect().GetUnknown(); len(raw) > 0 {
		own.ProtoReflect().SetUnknown(raw)
	}
	return own
}

// sortWrite brings a write's lists into their canonical order.
func sortWrite(w *roundsv1.Write) {
	slices.Sort(w.Shown)
	slices.Sort(w.Siblings)
	slices.Sort(w.Touched)
	slices.SortFunc(w.Elements, compareElements)
	slices.SortFunc(w.SiblingElements, compareElements)
}

func compareElements(a, b *roundsv1.ElementKey) int {
	return cmp.Or(cmp.Compare(a.GetField(), b.GetField()), strings.Compare(a.GetKey(), b.GetKey()))
}

// isEmpty tells whether a write names nothing any more.
func isEmpty(w *roundsv1.Write) bool {
	return len(w.GetShown()) == 0 && len(w.GetSiblings()) == 0 && len(w.GetElements()) == 0 && len(w.GetSiblingElements()) == 0 &&
		len(w.GetTouched()) == 0
}

// eachName calls yield with every field number that a write names, often more than once.
func eachName(w *roundsv1.Write, yield func(FieldNumber)) {
	for _, list := range [...][]uint32{w.GetShown(), w.GetSiblings(), w.GetTouched()} {
		for _, f := range list {
			yield(FieldNumber(f))
		}
	}
	for _, list := range [...][]*roundsv1.ElementKey{w.GetElements(), w.GetSiblingElements()} {
		for _, k := range list {
			yield(FieldNumber(k.GetField()))
		}
	}
}

func hasElement(list []*roundsv1.ElementKey, f FieldNumber, key string) bool {
	for _, k := range list {
		if k.GetField() == uint32(f) && k.GetKey() == key {
			return true
		}
	}
	return false
}

func dropElement(list []*roundsv1.ElementKey, f FieldNumber, key string) []*roundsv1.ElementKey {
	return slices.DeleteFunc(list, func(k *roundsv1.ElementKey) bool { return k.GetField() == uint32(f) && k.GetKey() == key })
}

func dropNumber(list []uint32, f FieldNumber) []uint32 {
	return slices.DeleteFunc(list, func(n uint32) bool { return n == uint32(f) })
}

// isShownIn and isBesideIn tell whether a write's value of the slot is shown, or stands beside the shown one.
func (s slot) isShownIn(w *roundsv1.Write) bool {
	if s.f.keyed {
		return hasElement(w.GetElements(), s.f.num, s.key)
	}
	return slices.Contains(w.GetShown(), uint32(s.f.num))
}

func (s slot) isBesideIn(w *roundsv1.Write) bool {
	if s.f.keyed {
		return hasElement(w.GetSiblingElements(), s.f.num, s.key)
	}
	return slices.Contains(w.GetSiblings(), uint32(s.f.num))
}

// nameIn lets a write that is ours name its value of the slot, shown or beside.
func (s slot) nameIn(w *roundsv1.Write, of *schema, val value, beside bool) {
	switch {
	case s.f.keyed && beside:
		w.SiblingElements = append(w.SiblingElements, &roundsv1.ElementKey{Field: uint32(s.f.num), Key: s.key})
	case s.f.keyed:
		w.Elements = append(w.Elements, &roundsv1.ElementKey{Field: uint32(s.f.num), Key: s.key})
	case beside:
		w.Siblings = append(w.Siblings, uint32(s.f.num))
	default:
		w.Shown = append(w.Shown, uint32(s.f.num))
	}
	if beside && val.set {
		s.putBeside(w, of, val)
	}
}

// unnameIn takes the slot out of a write that is ours.
func (s slot) unnameIn(w *roundsv1.Write, of *schema) {
	beside := s.isBesideIn(w)
	if s.f.keyed {
		w.Elements = dropElement(w.Elements, s.f.num, s.key)
		w.SiblingElements = dropElement(w.SiblingElements, s.f.num, s.key)
	} else {
		w.Shown, w.Siblings = dropNumber(w.Shown, s.f.num), dropNumber(w.Siblings, s.f.num)
	}
	if beside {
		s.putBeside(w, of, value{})
	}
}

// putBeside writes the slot into the write's sibling values, which are replaced: the old ones may be shared.
func (s slot) putBeside(w *roundsv1.Write, of *schema, val value) {
	var msg protoreflect.Message
	if k, old, ok := schemaOf(w.GetSiblingValues()); ok && k == of {
		msg = of.copy(old)
	} else {
		msg = of.typ.New()
	}
	s.put(msg, val)
	w.SiblingValues = nil
	if hasAny(msg) {
		w.SiblingValues = of.record(msg)
	}
}

// besideIn reads the slot from a write's sibling values.
func (s slot) besideIn(w *roundsv1.Write, of *schema) value {
	if k, msg, ok := schemaOf(w.GetSiblingValues()); ok && k == of {
		return s.get(msg)
	}
	return value{}
}

// hasAny tells whether a message has any field set.
func hasAny(msg protoreflect.Message) bool {
	any := len(msg.GetUnknown()) > 0
	if !any {
		msg.Range(func(protoreflect.FieldDescriptor, protoreflect.Value) bool {
			any = true
			return false
		})
	}
	return any
}
