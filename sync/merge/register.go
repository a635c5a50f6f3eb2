package merge

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// first writes a register in a record that nobody wrote before, which is how nearly all records begin.
func (m *merger) first(s slot, val value) {
	if !m.adopted || s.f.keyed || s.f.fd == nil {
		m.show(s, val)
	}
	s.nameIn(m.mine, m.of, val, false)
	m.mark(s.f)
}

// latest writes a register that keeps one value: the mutation's, where it saw the one that stands or is later than it.
func (m *merger) latest(s slot, val value) {
	if len(m.writes) == 0 {
		m.first(s, val)
		return
	}
	all := m.survivors(s)
	var top *survivor
	if len(all) > 0 {
		s.order(all)
		top = &all[0]
	}
	if top != nil && !m.saw(top.stamp) {
		wins := compareTime(m.stamp, top.stamp) > 0
		if !s.equal(val, top.val) {
			m.lose(s, !wins, top.stamp, top.val)
		}
		if !wins {
			return
		}
	}
	for _, old := range all {
		s.unnameIn(m.write(old.write), m.of)
	}
	m.show(s, val)
	s.nameIn(m.mine, m.of, val, false)
	m.mark(s.f)
}

// register writes a register of many values: it takes away those that the mutation saw, and adds the mutation's own. Without adds
// it only takes away.
func (m *merger) register(s slot, val value, adds bool) *roundsv1.Problem {
	if len(m.writes) == 0 && adds {
		m.first(s, val)
		return nil
	}
	all := m.survivors(s)
	stay := all[:0]
	for _, v := range all {
		if m.saw(v.stamp) {
			s.unnameIn(m.write(v.write), m.of)
			m.mark(s.f)
			continue
		}
		stay = append(stay, v)
	}
	if adds {
		if len(stay) >= MaxSurvivors {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, s.f)
		}
		stay = append(stay, survivor{write: -1, stamp: m.stamp, val: val})
		m.mark(s.f)
	}
	if adds || len(stay) < len(all) {
		m.settle(s, stay)
	}
	m.tell(s, stay, val, adds)
	return nil
}

// settle shows the first of the values that stand, by the field's policy, and lets the others stand beside it.
func (m *merger) settle(s slot, stay []survivor) {
	if len(stay) == 0 {
		m.show(s, value{})
		return
	}
	s.order(stay)
	m.show(s, stay[0].val)
	for _, v := range stay {
		beside := !s.equal(v.val, stay[0].val)
		switch {
		case v.write < 0:
			s.nameIn(m.mine, m.of, v.val, beside)
		case beside != v.beside:
			w := m.write(v.write)
			s.unnameIn(w, m.of)
			s.nameIn(w, m.of, v.val, beside)
			sortWrite(w)
		}
	}
}

// tell names what lost: the mutation's value to the shown one, or the others to the mutation's. Values that mean the same do not lose
// to each other, and of several that mean the same the first is named.
func (m *merger) tell(s slot, stay []survivor, val value, adds bool) {
	if len(stay) == 0 {
		return
	}
	if top := stay[0]; !adds || !s.same(top.val, val) {
		m.lose(s, true, top.stamp, top.val)
		return
	}
	for i, v := range stay {
		told := func(w survivor) bool { return s.same(w.val, v.val) }
		if v.write >= 0 && !s.same(v.val, val) && !slices.ContainsFunc(stay[:i], told) {
			m.lose(s, false, v.stamp, v.val)
		}
	}
}

// fixed writes a register that is set when the record is made. Nothing is ever taken away, so whether a mutation saw a value, and hence
// whether it is refused, does not depend on what else arrived. An empty value fixes nothing.
func (m *merger) fixed(s slot, val value) *roundsv1.Problem {
	if m.in.Capacity == Rules || len(m.writes) == 0 && val.set && m.in.Mutation.GetBase() == 0 {
		return m.register(s, val, true)
	}
	all := m.survivors(s)
	saw, repeats := m.in.Mutation.GetBase() > 0, false
	for _, v := range all {
		saw = saw || m.saw(v.stamp)
		repeats = repeats || s.equal(v.val, val) && (m.saw(v.stamp) || m.in.Mutation.GetBase() > 0)
	}
	switch {
	case repeats || !val.set && (!saw || len(all) == 0):
		return nil
	case saw:
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FIXED, s.f)
	case len(all) >= MaxSurvivors:
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, s.f)
	}
	all = append(all, survivor{write: -1, stamp: m.stamp, val: val})
	m.mark(s.f)
	m.settle(s, all)
	m.tell(s, all, val, true)
	return nil
}

// keys writes the keys of a map, each a register of its own. A key that is both removed and put is put.
func (m *merger) keys(f *field, msg, removed protoreflect.Message) *roundsv1.Problem {
	put, gone := sortedKeys(f, msg), sortedKeys(f, removed)
	gone = slices.DeleteFunc(gone, func(key string) bool {
		_, found := slices.BinarySearch(put, key)
		return found
	})
	for _, key := range slices.Concat(put, gone) {
		s := slot{f: f, key: key}
		val := s.get(msg)
		if f.policy == roundsv1.MergePolicy_MERGE_POLICY_MAP {
			// A removal is a write, too: remembered, it keeps an older put that comes later from bringing the key back.
			m.latest(s, val)
		} else if p := m.register(s, val, val.set); p != nil {
			return p
		}
	}
	if len(put)+len(gone) > 0 && m.crowded(f) {
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, f)
	}
	return nil
}

// crowded tells whether a keyed field has more keys than it may.
func (m *merger) crowded(f *field) bool {
	if m.rec.Get(f.fd).Map().Len() > MaxElements {
		return true
	}
	if f.policy != roundsv1.MergePolicy_MERGE_POLICY_MAP {
		return false
	}
	remembered := 0
	for _, w := range append(m.writes[:len(m.writes):len(m.writes)], m.mine) {
		for _, k := range w.GetElements() {
			if k.GetField() == uint32(f.num) {
				remembered++
			}
		}
	}
	return remembered > MaxRemembered
}

// sortedKeys returns the keys of a map field in order; msg may be nil.
func sortedKeys(f *field, msg protoreflect.Message) []string {
	if msg == nil || !msg.Has(f.fd) {
		return nil
	}
	keys := make([]string, 0, msg.Get(f.fd).Map().Len())
	msg.Get(f.fd).Map().Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k.String())
		return true
	})
	slices.Sort(keys)
	return keys
}
