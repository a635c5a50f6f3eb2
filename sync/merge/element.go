package merge

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// elements adds to a set and removes from it. An element that is both removed and added is added.
func (m *merger) elements(f *field, msg, removed protoreflect.Message) *roundsv1.Problem {
	add, gone := sortedStrings(f, msg), sortedStrings(f, removed)
	if len(add)+len(gone) == 0 {
		return nil
	}
	live := sortedStrings(f, m.rec)
	for _, el := range gone {
		if _, again := slices.BinarySearch(add, el); again {
			continue
		}
		took, stay := m.take(f, el)
		if took {
			m.mark(f)
		}
		if len(stay) > 0 {
			m.loseElement(f, el, stay[0])
		} else if i, found := slices.BinarySearch(live, el); found && took {
			live = slices.Delete(live, i, i+1)
		}
	}
	for _, el := range add {
		// An add that saw another stands for it, too: who removes this one knew of that one.
		if _, stay := m.take(f, el); len(stay) >= MaxSurvivors {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, f)
		}
		m.mine.Elements = append(m.mine.Elements, &roundsv1.ElementKey{Field: uint32(f.num), Key: el})
		m.mark(f)
		if i, found := slices.BinarySearch(live, el); !found {
			live = slices.Insert(live, i, el)
		}
	}
	if len(live) > MaxElements && len(add) > 0 {
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, f)
	}
	if len(m.changed) > 0 && m.changed[len(m.changed)-1] == f.num {
		setStrings(f, m.mutable(), live)
	}
	return nil
}

// take takes away the adds of an element that the mutation saw, and returns the stamps of those that stay.
func (m *merger) take(f *field, el string) (took bool, stay []*roundsv1.Stamp) {
	for i, w := range m.writes {
		if !hasElement(w.GetElements(), f.num, el) {
			continue
		}
		if !m.saw(w.GetStamp()) {
			stay = append(stay, w.GetStamp())
			continue
		}
		own := m.write(i)
		own.Elements = dropElement(own.Elements, f.num, el)
		took = true
	}
	return took, stay
}

// loseElement tells that an element was not removed, because by added it unseen.
func (m *merger) loseElement(f *field, el string, by *roundsv1.Stamp) {
	msg := m.of.typ.New()
	setStrings(f, msg, []string{el})
	m.losses = append(m.losses, &roundsv1.Loss{Field: uint32(f.num), Key: el, Lost: true, By: by, Other: m.of.record(msg)})
}

// sortedStrings returns the elements of a set in order, each once, in a slice of its own; msg may be nil.
func sortedStrings(f *field, msg protoreflect.Message) []string {
	if msg == nil || !msg.Has(f.fd) {
		return nil
	}
	list := msg.Get(f.fd).List()
	out := make([]string, list.Len())
	for i := range out {
		out[i] = list.Get(i).String()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func setStrings(f *field, msg protoreflect.Message, elements []string) {
	if len(elements) == 0 {
		msg.Clear(f.fd)
		return
	}
	own := msg.NewField(f.fd)
	for _, el := range elements {
		own.List().Append(protoreflect.ValueOfString(el))
	}
	msg.Set(f.fd, own)
}

// item is one fact of an APPEND field.
type item struct {
	id    string
	val   protoreflect.Value
	stamp *roundsv1.Stamp
	write int // index of its write; -1 for the one that is being made
}

func compareItems(a, b item) int {
	return cmp.Or(
		cmp.Compare(a.stamp.GetTimeUs(), b.stamp.GetTimeUs()),
		strings.Compare(a.stamp.GetDeviceId(), b.stamp.GetDeviceId()),
		strings.Compare(a.id, b.id))
}

// facts adds to an APPEND field. Of two facts with one id the earlier counts, and the other is named as lost unless it says the same.
func (m *merger) facts(f *field, msg protoreflect.Message) *roundsv1.Problem {
	if !msg.Has(f.fd) {
		return nil
	}
	if m.appends(f, msg) {
		m.append(f, msg)
		return nil
	}
	items, byID := m.items(f)
	list, added := msg.Get(f.fd).List(), false
	for i := range list.Len() {
		it := item{id: list.Get(i).Message().Get(f.id).String(), val: list.Get(i), stamp: m.stamp, write: -1}
		if it.id == "" {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, f)
		}
		at, found := byID[it.id]
		if !found {
			byID[it.id] = len(items)
			items, added = append(items, it), true
			continue
		}
		old := items[at]
		earlier := cmp.Or(cmp.Compare(it.stamp.GetTimeUs(), old.stamp.GetTimeUs()),
			strings.Compare(it.stamp.GetDeviceId(), old.stamp.GetDeviceId())) < 0
		if !sameMessage(it.val.Message(), old.val.Message()) {
			m.loseItem(f, !earlier, old)
		}
		if earlier {
			if old.write >= 0 {
				w := m.write(old.write)
				w.Elements = dropElement(w.Elements, f.num, it.id)
			}
			items[at], added = it, true
		}
	}
	switch {
	case len(items) > MaxFacts:
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, f)
	case !added:
		return nil
	}
	if !slices.IsSortedFunc(items, compareItems) {
		slices.SortStableFunc(items, compareItems)
	}
	rec := m.mutable()
	own := rec.NewField(f.fd)
	for _, it := range items {
		own.List().Append(it.val)
		if it.write < 0 {
			m.mine.Elements = append(m.mine.Elements, &roundsv1.ElementKey{Field: uint32(f.num), Key: it.id})
		}
	}
	rec.Set(f.fd, own)
	m.mark(f)
	return nil
}

// appends tells whether all that is to be done is to put facts behind those that stand, which is how they nearly always come: one
// fact, with an id of its own, later than the others.
func (m *merger) appends(f *field, msg protoreflect.Message) bool {
	list := msg.Get(f.fd).List()
	if list.Len() != 1 || m.rec.Get(f.fd).List().Len() >= MaxFacts {
		return false
	}
	id := list.Get(0).Message().Get(f.id).String()
	for _, w := range m.writes {
		of := false
		for _, k := range w.GetElements() {
			if k.GetField() == uint32(f.num) {
				of = true
				if k.GetKey() == id {
					return false
				}
			}
		}
		if of && compareTime(w.GetStamp(), m.stamp) >= 0 {
			return false
		}
	}
	return id != ""
}

// append puts one fact behind those that stand.
func (m *merger) append(f *field, msg protoreflect.Message) {
	rec := m.mutable()
	own, old := rec.NewField(f.fd), rec.Get(f.fd).List()
	for i := range old.Len() {
		own.List().Append(old.Get(i))
	}
	fact := msg.Get(f.fd).List().Get(0)
	own.List().Append(fact)
	rec.Set(f.fd, own)
	m.mine.Elements = append(m.mine.Elements, &roundsv1.ElementKey{Field: uint32(f.num), Key: fact.Message().Get(f.id).String()})
	m.mark(f)
}

// items returns the facts that stand, in their order, and where each is.
func (m *merger) items(f *field) ([]item, map[string]int) {
	if !m.rec.Has(f.fd) {
		return nil, map[string]int{}
	}
	list := m.rec.Get(f.fd).List()
	items, byID := make([]item, list.Len(), list.Len()+1), make(map[string]int, list.Len()+1)
	for i := range items {
		it := item{id: list.Get(i).Message().Get(f.id).String(), val: list.Get(i), write: len(m.writes)}
		items[i], byID[it.id] = it, i
	}
	for i, w := range m.writes {
		for _, k := range w.GetElements() {
			if at, found := byID[k.GetKey()]; found && k.GetField() == uint32(f.num) {
				items[at].write, items[at].stamp = i, w.GetStamp()
			}
		}
	}
	return items, byID
}

func (m *merger) loseItem(f *field, lost bool, other item) {
	msg := m.of.typ.New()
	own := msg.NewField(f.fd)
	own.List().Append(other.val)
	msg.Set(f.fd, own)
	m.losses = append(m.losses, &roundsv1.Loss{Field: uint32(f.num), Key: other.id, Lost: lost, By: other.stamp, Other: m.of.record(msg)})
}

// count adds deltas to a sum, or to the sums of a map. A sum of zero is not kept. One that overflows is refused and not cut off:
// cut-off sums would depend on the order.
func (m *merger) count(f *field, msg protoreflect.Message) *roundsv1.Problem {
	if !msg.Has(f.fd) {
		return nil
	}
	if !f.fd.IsMap() {
		sum, ok := m.add(f, m.rec.Get(f.fd).Int(), msg.Get(f.fd).Int())
		if !ok {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, f)
		}
		m.mutable().Set(f.fd, protoreflect.ValueOfInt64(sum))
		return nil
	}
	for _, key := range sortedKeys(f, msg) {
		k := protoreflect.ValueOfString(key).MapKey()
		delta := msg.Get(f.fd).Map().Get(k).Int()
		if delta == 0 {
			continue
		}
		old := int64(0)
		if v := m.rec.Get(f.fd).Map().Get(k); v.IsValid() {
			old = v.Int()
		}
		sum, ok := m.add(f, old, delta)
		if !ok {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, f)
		}
		if sums := m.mutableMap(f); sum == 0 {
			sums.Clear(k)
		} else {
			sums.Set(k, protoreflect.ValueOfInt64(sum))
		}
	}
	if m.crowded(f) {
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, f)
	}
	return nil
}

// add returns a sum, and false when it overflows. It marks the field, and flags a sum below zero.
func (m *merger) add(f *field, sum, delta int64) (int64, bool) {
	if delta > 0 && sum > math.MaxInt64-delta || delta < 0 && sum < math.MinInt64-delta {
		return 0, false
	}
	sum += delta
	m.mark(f)
	if sum < 0 && !slices.Contains(m.flags, FlagCounterBelowZero) {
		m.flags = append(m.flags, FlagCounterBelowZero)
	}
	return sum, true
}
