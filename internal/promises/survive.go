package promises

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// slot holds what stands in one slot of a record against what the writes say must stand there.
func (c *check) slot(h *history, p *past, s slot, change *roundsv1.Change) {
	fd := p.desc.Fields().ByNumber(s.field)
	if p.unclear[s.field] {
		return
	}
	v := verdict{c: c, h: h, p: p, s: s, fd: fd, change: change, record: body(change.GetRecord()), puts: p.puts[s]}
	switch ruleOf(fd).GetPolicy() {
	case roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW, roundsv1.MergePolicy_MERGE_POLICY_SERVER:
	case roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
		v.counter()
	case roundsv1.MergePolicy_MERGE_POLICY_APPEND:
		v.appended()
	case roundsv1.MergePolicy_MERGE_POLICY_SET:
		v.element()
	case roundsv1.MergePolicy_MERGE_POLICY_RANKED, roundsv1.MergePolicy_MERGE_POLICY_MAX, roundsv1.MergePolicy_MERGE_POLICY_ASK,
		roundsv1.MergePolicy_MERGE_POLICY_ANSWERS, roundsv1.MergePolicy_MERGE_POLICY_FIXED:
		v.register()
	default:
		v.latest()
	}
}

// verdict is one slot while it is looked at.
type verdict struct {
	c      *check
	h      *history
	p      *past
	s      slot
	fd     protoreflect.FieldDescriptor
	change *roundsv1.Change
	record protoreflect.Message
	puts   []put // in journal order
}

func (v *verdict) find(promise Name, format string, args ...any) {
	where := string(v.fd.Name())
	if v.s.key != "" {
		where += "[" + v.s.key + "]"
	}
	v.c.find(promise, v.h.scope.Name, "%s %s: %s: "+format, append([]any{v.p.of.kind, v.p.of.id, where}, args...)...)
}

// replaced: whether a later write saw this one.
func (v *verdict) replaced(i int) bool {
	return slices.ContainsFunc(v.puts[i+1:], func(w put) bool { return w.saw(v.puts[i].entry) })
}

// latest: the write with the latest effective time is shown; each other was seen by a later one, or is named in an outcome.
func (v *verdict) latest() {
	winner := slices.MaxFunc(v.puts, earlier)
	shown := read(v.record, v.fd, v.s.key)
	if shown != winner.value {
		v.find(P4, "shown is not what entry %d wrote, which is the latest", winner.GetSeq())
	}
	told := map[string]bool{shown: true, "": true}
	for i, w := range v.puts {
		if v.replaced(i) || v.named(w) {
			told[w.value] = true
		}
	}
	for _, w := range v.puts {
		if !told[w.value] {
			v.find(P5, "what entry %d wrote is not shown, was seen by none that came later, and is named in no outcome", w.GetSeq())
		}
	}
}

// named: whether the value of a write is named as lost, in its own outcome or in that of the one it lost to.
func (v *verdict) named(w put) bool {
	for _, e := range v.h.acts[v.p.of] {
		for _, loss := range e.GetOutcome().GetLosses() {
			if loss.GetField() != uint32(v.s.field) || loss.GetKey() != v.s.key {
				continue
			}
			if loss.GetLost() && e.GetSeq() == w.GetSeq() || !loss.GetLost() && loss.GetBy().GetSeq() == w.GetSeq() {
				return true
			}
		}
	}
	return false
}

// register: what no later write saw stands, all of it, and the policy says which is shown.
func (v *verdict) register() {
	fixed := ruleOf(v.fd).GetPolicy() == roundsv1.MergePolicy_MERGE_POLICY_FIXED
	var stay []put
	for i, w := range v.puts {
		if (fixed || !v.replaced(i)) && !w.removes {
			stay = append(stay, w)
		}
	}
	standing := v.standing()
	for _, w := range stay {
		if !slices.Contains(standing, w.value) {
			v.find(P5, "what entry %d wrote was seen by none that came later, and does not stand", w.GetSeq())
		}
	}
	for _, value := range standing {
		if value != "" && !slices.ContainsFunc(stay, func(w put) bool { return w.value == value }) {
			v.find(P5, "a value stands that nobody wrote, or that was replaced")
		}
	}
	if len(stay) == 0 {
		return
	}
	first := slices.MinFunc(stay, v.before)
	if read(v.record, v.fd, v.s.key) != first.value {
		v.find(P4, "shown is not what entry %d wrote, which comes first by its policy", first.GetSeq())
	}
}

// before orders values as the policy shows them.
func (v *verdict) before(a, b put) int {
	if a.rank != b.rank {
		if a.rank > b.rank {
			return -1
		}
		return 1
	}
	switch ruleOf(v.fd).GetPolicy() {
	case roundsv1.MergePolicy_MERGE_POLICY_ASK, roundsv1.MergePolicy_MERGE_POLICY_FIXED, roundsv1.MergePolicy_MERGE_POLICY_ANSWERS:
		return earlier(a, b)
	}
	return earlier(b, a)
}

// standing returns the values that stand in the slot, the shown one first.
func (v *verdict) standing() []string {
	all := []string{read(v.record, v.fd, v.s.key)}
	for _, w := range v.change.GetWrites() {
		beside := slices.Contains(w.GetSiblings(), uint32(v.s.field))
		if v.s.key != "" {
			beside = slices.ContainsFunc(w.GetSiblingElements(), func(k *roundsv1.ElementKey) bool {
				return k.GetField() == uint32(v.s.field) && k.GetKey() == v.s.key
			})
		}
		if beside {
			all = append(all, read(body(w.GetSiblingValues()), v.fd, v.s.key))
		}
	}
	return all
}

// element: an element of a set is there while any add is that nobody who came later saw.
func (v *verdict) element() {
	want := false
	for i, w := range v.puts {
		want = want || !w.removes && !v.replaced(i)
	}
	if has := slices.Contains(listed(v.record, v.fd), v.s.key); has != want {
		v.find(P5, "the element is there: %v, and should be: %v", has, want)
	}
}

// counter: the deltas add up.
func (v *verdict) counter() {
	var want, has int64
	for _, w := range v.puts {
		want += w.delta
	}
	if v.s.key == "" {
		has = v.record.Get(v.fd).Int()
	} else if sum := v.record.Get(v.fd).Map().Get(protoreflect.ValueOfString(v.s.key).MapKey()); sum.IsValid() {
		has = sum.Int()
	}
	if has != want {
		v.find(P5, "the sum is %d, and the deltas add up to %d", has, want)
	}
}

// appended: of each fact the earliest with its id stands, once.
func (v *verdict) appended() {
	first := slices.MinFunc(v.puts, earlier)
	list, found := v.record.Get(v.fd).List(), 0
	for i := range list.Len() {
		item := list.Get(i).Message()
		if item.Get(item.Descriptor().Fields().ByName("id")).String() != v.s.key {
			continue
		}
		if found++; encode(item) != first.value {
			v.find(P5, "the fact is not the one of entry %d", first.GetSeq())
		}
	}
	if found != 1 {
		v.find(P5, "the fact of entry %d is there %d times", first.GetSeq(), found)
	}
}
