package merge

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// edit folds an edit in, field by field in the order of their numbers.
func (m *merger) edit(e *roundsv1.Edit) *roundsv1.Problem {
	_, msg, _ := schemaOf(e.GetRecord())
	var removed protoreflect.Message
	if e.GetRemoved() != nil {
		of, msg, ok := schemaOf(e.GetRemoved())
		if ok && of != m.of {
			return problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "edit.removed")
		}
		removed = msg
	}
	if len(e.GetFields()) == 0 {
		if m.in.Mutation.GetBase() != 0 {
			return nil
		}
		m.adopt(msg)
		return m.each(msg, removed, m.apply)
	}
	fields := slices.Clone(e.GetFields())
	slices.Sort(fields)
	for _, n := range slices.Compact(fields) {
		num := FieldNumber(n)
		if n > uint32(protowire.MaxValidNumber) || !num.IsValid() {
			return problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "edit.fields")
		}
		f := m.of.lookup(num)
		if f == nil {
			f = unknown(num)
		}
		if p := m.apply(f, msg, removed); p != nil {
			return p
		}
	}
	return m.checkUnknown()
}

// besides tells whether an edit of the rules is there and touches nothing that the mutation changed.
func (m *merger) besides(also *roundsv1.Edit) bool {
	return also != nil && len(also.GetFields()) > 0 && also.GetRemoved() == nil && !slices.ContainsFunc(also.GetFields(), func(n uint32) bool {
		return slices.Contains(m.changed, FieldNumber(n))
	})
}

// also folds in what the rules write besides.
func (m *merger) also(also *roundsv1.Edit) *roundsv1.Problem {
	if of, _, ok := schemaOf(also.GetRecord()); !ok || of != m.of {
		return problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "edit.record")
	}
	m.act, m.in.Capacity, m.adopted = "edit", Rules, false
	return m.edit(also)
}

// adopt lets a new record begin as a copy of what makes it, so that not every field has to be put. Fields that are added to begin empty.
func (m *merger) adopt(msg protoreflect.Message) {
	if m.cur != nil || !msg.IsValid() {
		return
	}
	m.rec, m.own, m.adopted = m.of.copy(msg), true, true
	for _, f := range m.of.added {
		if m.rec.Has(f.fd) {
			m.rec.Clear(f.fd)
		}
	}
}

// fact folds a fact in.
func (m *merger) fact(fact *roundsv1.Fact) *roundsv1.Problem {
	_, msg, _ := schemaOf(fact.GetRecord())
	makes, repeats := false, m.in.Mutation.GetBase() > 0
	for _, f := range m.of.fields {
		if f.policy == roundsv1.MergePolicy_MERGE_POLICY_FIXED && msg.Has(f.fd) {
			makes = true
			for _, s := range m.survivors(slot{f: f}) {
				repeats = repeats || m.saw(s.stamp)
			}
		}
	}
	if m.cur == nil && !makes && m.in.Capacity == Device {
		return problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "record_id")
	}
	return m.each(msg, nil, func(f *field, msg, _ protoreflect.Message) *roundsv1.Problem {
		switch f.policy {
		case roundsv1.MergePolicy_MERGE_POLICY_APPEND, roundsv1.MergePolicy_MERGE_POLICY_ANSWERS, roundsv1.MergePolicy_MERGE_POLICY_COUNTER,
			roundsv1.MergePolicy_MERGE_POLICY_FIXED, roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW, roundsv1.MergePolicy_MERGE_POLICY_SERVER:
			return m.apply(f, msg, nil)
		}
		switch {
		case m.in.Capacity == Rules || makes && !repeats:
			return m.apply(f, msg, nil)
		case makes:
			return nil // made before, and perhaps edited since: a repeat changes nothing
		case f.fd == nil:
			// Perhaps evidence of a sort that only a newer app knows. Were it merged as one value, it would overwrite other evidence.
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, f)
		}
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, f)
	})
}

// each calls apply with every field that is set in either message; removed may be nil.
func (m *merger) each(msg, removed protoreflect.Message,
	apply func(f *field, msg, removed protoreflect.Message) *roundsv1.Problem) *roundsv1.Problem {
	for _, f := range m.of.fields {
		if msg.Has(f.fd) || removed != nil && removed.Has(f.fd) {
			if p := apply(f, msg, removed); p != nil {
				return p
			}
		}
	}
	for _, num := range rawNumbers(msg.GetUnknown()) {
		f := m.of.lookup(num)
		if f != nil {
			continue // a known field in a wire type that it does not have
		}
		if p := apply(unknown(num), msg, removed); p != nil {
			return p
		}
	}
	return m.checkUnknown()
}

// checkUnknown bounds what a device can hang onto a record without this build's knowing what it is.
func (m *merger) checkUnknown() *roundsv1.Problem {
	count := func(writes ...*roundsv1.Write) (n int) {
		for _, w := range writes {
			for _, f := range w.GetShown() {
				if m.of.lookup(FieldNumber(f)) == nil {
					n++
				}
			}
		}
		return n
	}
	if count(m.mine) > 0 && count(m.mine)+count(m.writes...) > MaxUnknown {
		return problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, m.act+".record")
	}
	return nil
}

// apply folds one field in, by its policy. What msg holds of it is set, added or, where there is nothing, cleared.
func (m *merger) apply(f *field, msg, removed protoreflect.Message) *roundsv1.Problem {
	removes := removed != nil && f.fd != nil && removed.Has(f.fd)
	device := m.in.Capacity == Device
	switch f.policy {
	case roundsv1.MergePolicy_MERGE_POLICY_ANSWERS, roundsv1.MergePolicy_MERGE_POLICY_MAP:
		return m.keys(f, msg, removed)
	case roundsv1.MergePolicy_MERGE_POLICY_SET:
		return m.elements(f, msg, removed)
	case roundsv1.MergePolicy_MERGE_POLICY_APPEND:
		if device && m.act == "edit" {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FACT, f)
		}
		if removes {
			break
		}
		return m.facts(f, msg)
	case roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
		if removes {
			break
		}
		return m.count(f, msg)
	case roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW:
		if device {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_FIELD_WORKFLOW, f)
		}
	case roundsv1.MergePolicy_MERGE_POLICY_SERVER:
		if device {
			return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER, f)
		}
	}
	if removes {
		return m.problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, f)
	}
	s := slot{f: f}
	switch f.policy {
	case roundsv1.MergePolicy_MERGE_POLICY_RANKED, roundsv1.MergePolicy_MERGE_POLICY_MAX, roundsv1.MergePolicy_MERGE_POLICY_ASK:
		return m.register(s, s.get(msg), true)
	case roundsv1.MergePolicy_MERGE_POLICY_FIXED:
		return m.fixed(s, s.get(msg))
	}
	m.latest(s, s.get(msg))
	return nil
}
