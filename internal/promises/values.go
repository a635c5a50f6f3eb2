package promises

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// rulesWrite names the fields that commands write although their policy lets devices write them, too. Where a command was carried out on a
// record, what stands in them cannot be told from the journal alone.
func rulesWrite() map[ref][]protoreflect.FieldNumber {
	return map[ref][]protoreflect.FieldNumber{{kind: "ticket"}: {3, 4, 13}, {kind: "inspection"}: {2}} // category, priority, crew; the checklist's version
}

// put is one write of one slot: a field, or one key of a field with many.
type put struct {
	*entry
	value   string // canonical bytes of a message with this alone; "" where it was cleared or removed
	rank    int64
	removes bool  // of a set: it takes the element away
	delta   int64 // of a counter
}

// slot is one place in a record.
type slot struct {
	field protoreflect.FieldNumber
	key   string
}

// past is what the journal says of one record.
type past struct {
	of        ref
	desc      protoreflect.MessageDescriptor
	puts      map[slot][]put
	slots     []slot // the keys of puts, by first appearance
	deleted   bool
	commanded bool
	unclear   map[protoreflect.FieldNumber]bool // not to be told from the journal
}

// values works out for every record what must stand in it, and holds that against what does: P5, and the shown value against its policy.
func (c *check) values(h *history) {
	c.kept(h)
	if h.scope.Records == nil {
		return
	}
	live := map[ref]*roundsv1.Change{}
	for _, change := range slices.Concat(h.scope.Evicted, h.scope.Records) {
		kind, _ := merge.KindOf(change.GetRecord())
		live[ref{kind, change.GetRecordId()}] = change
	}
	for _, r := range h.refs {
		p := h.past(r)
		if p == nil {
			continue
		}
		change := live[r]
		switch {
		case change == nil && len(p.puts) > 0 && !p.deleted && !h.evicted(r):
			c.find(P5, h.scope.Name, "%s %s was made, never deleted, and is not there", r.kind, r.id)
		case change != nil && p.deleted:
			c.find(P5, h.scope.Name, "%s %s was deleted, and is there", r.kind, r.id)
		case change != nil:
			for _, s := range p.slots {
				c.slot(h, p, s, change)
			}
		}
	}
}

// kept wants every fact to be merged or kept for somebody, and what is kept to have its question.
func (c *check) kept(h *history) {
	for _, e := range h.entries {
		if !e.isMutation() {
			continue
		}
		fact := e.mutation.GetFact() != nil
		if fact {
			c.counts.Facts++
		}
		switch last := h.final(e); last.status() {
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
			if fact {
				c.counts.KeptFacts++
			}
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED, roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT:
			if fact {
				c.counts.QuarantinedFacts++
			}
			if _, asked := h.acts[ref{"conflict", last.GetOutcome().GetConflictId()}]; !asked {
				c.find(P5, h.scope.Name, "entry %d is kept for somebody, and nobody is asked: no conflict %q", e.GetSeq(), last.GetOutcome().GetConflictId())
			}
			if last.GetOutcome().GetProblem().GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD && h.appeared(last) && !h.decided(last) {
				c.find(P6, h.scope.Name, "entry %d waited for its record, which came, and it still waits", e.GetSeq())
			}
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
			if fact && !malformed(last.GetOutcome().GetProblem().GetCode()) {
				c.find(P5, h.scope.Name, "the fact in entry %d was dropped: %v", e.GetSeq(), last.GetOutcome().GetProblem().GetCode())
			}
		}
	}
}

// appeared: whether something was merged into the record of an entry after it.
func (h *history) appeared(e *entry) bool {
	return slices.ContainsFunc(h.acts[e.ref()], func(later *entry) bool { return later.GetSeq() > e.GetSeq() && later.stands() })
}

// decided: whether a person decided on a mutation that is kept.
func (h *history) decided(e *entry) bool {
	return slices.ContainsFunc(h.acts[ref{"conflict", e.GetOutcome().GetConflictId()}], func(by *entry) bool {
		return by.stands() && by.mutation.GetCommand() != nil
	})
}

// malformed: whether a fact that is refused for this is none.
func malformed(code roundsv1.ProblemCode) bool {
	switch code {
	case roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT,
		roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FIXED, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_WORKFLOW:
		return true
	}
	return false
}

// evicted: whether a record left the working set and nothing brought it back.
func (h *history) evicted(r ref) bool {
	for _, e := range slices.Backward(h.acts[r]) {
		if e.GetType() == roundsv1.EntryType_ENTRY_TYPE_EVICTED {
			return true
		}
		if e.stands() {
			return false
		}
	}
	return false
}

// past collects the writes of a record; nil for a kind that the schema does not have, and where contents were removed: then the journal alone does not
// tell any more what was written.
func (h *history) past(r ref) *past {
	if slices.ContainsFunc(h.acts[r], func(e *entry) bool { return e.redacted || e.GetReason() != "" }) {
		return nil
	}
	field := (&roundsv1.Record{}).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(r.kind))
	if field == nil {
		return nil
	}
	p := &past{of: r, desc: field.Message()}
	p.begin()
	for _, e := range h.acts[r] {
		switch command := e.mutation.GetCommand(); {
		case !e.stands() || e.mutation == nil:
		case command.GetDelete() != nil:
			p.begin() // what comes later, when the tombstone is gone, is a new record
			p.deleted = true
		case command != nil:
			p.commanded = true
		case e.mutation.GetFact() != nil:
			p.deleted = false
			p.fact(e, body(e.mutation.GetFact().GetRecord()))
		default:
			p.deleted = false
			p.edit(e, e.mutation.GetEdit())
		}
	}
	if p.commanded {
		for _, f := range rulesWrite()[ref{kind: r.kind}] {
			p.unclear[f] = true
		}
	}
	return p
}

func (p *past) begin() {
	p.puts, p.slots, p.unclear, p.commanded = map[slot][]put{}, nil, map[protoreflect.FieldNumber]bool{}, false
}

// body returns the kind's message of a record.
func body(r *roundsv1.Record) protoreflect.Message {
	m := r.ProtoReflect()
	if fd := m.WhichOneof(m.Descriptor().Oneofs().ByName("kind")); fd != nil && m.IsValid() {
		return m.Get(fd).Message()
	}
	return nil
}

func (p *past) add(s slot, w put) {
	if _, known := p.puts[s]; !known {
		p.slots = append(p.slots, s)
	}
	p.puts[s] = append(p.puts[s], w)
}

// edit collects what an edit writes.
func (p *past) edit(e *entry, edit *roundsv1.Edit) {
	set, removed := body(edit.GetRecord()), body(edit.GetRemoved())
	if set == nil || len(edit.GetFields()) == 0 && e.base != 0 {
		return
	}
	named := func(fd protoreflect.FieldDescriptor) bool {
		if len(edit.GetFields()) == 0 {
			return set.Has(fd) || removed != nil && removed.Has(fd)
		}
		return slices.Contains(edit.GetFields(), uint32(fd.Number()))
	}
	for i := range p.desc.Fields().Len() {
		if fd := p.desc.Fields().Get(i); named(fd) {
			p.write(e, fd, set, removed)
		}
	}
}

// fact collects what a fact adds. A field that is no evidence depends on whether the fact made the record.
func (p *past) fact(e *entry, set protoreflect.Message) {
	if set == nil {
		return
	}
	set.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		switch ruleOf(fd).GetPolicy() {
		case roundsv1.MergePolicy_MERGE_POLICY_APPEND, roundsv1.MergePolicy_MERGE_POLICY_ANSWERS, roundsv1.MergePolicy_MERGE_POLICY_COUNTER,
			roundsv1.MergePolicy_MERGE_POLICY_FIXED:
			p.write(e, fd, set, nil)
		default:
			p.unclear[fd.Number()] = true
		}
		return true
	})
}

// write collects what is written to one field.
func (p *past) write(e *entry, fd protoreflect.FieldDescriptor, set, removed protoreflect.Message) {
	of := func(m protoreflect.Message, s slot) string { return read(m, fd, s.key) }
	switch ruleOf(fd).GetPolicy() {
	case roundsv1.MergePolicy_MERGE_POLICY_SET:
		added := listed(set, fd)
		for _, el := range listed(removed, fd) {
			if !slices.Contains(added, el) {
				p.add(slot{fd.Number(), el}, put{entry: e, removes: true})
			}
		}
		for _, el := range added {
			p.add(slot{fd.Number(), el}, put{entry: e, value: el})
		}
	case roundsv1.MergePolicy_MERGE_POLICY_APPEND:
		list := set.Get(fd).List()
		for i := range list.Len() {
			item := list.Get(i).Message()
			id := item.Get(item.Descriptor().Fields().ByName("id")).String()
			p.add(slot{fd.Number(), id}, put{entry: e, value: encode(item)})
		}
	case roundsv1.MergePolicy_MERGE_POLICY_COUNTER:
		if !fd.IsMap() {
			p.add(slot{field: fd.Number()}, put{entry: e, delta: set.Get(fd).Int()})
			return
		}
		for _, key := range keys(set, fd) {
			p.add(slot{fd.Number(), key}, put{entry: e, delta: set.Get(fd).Map().Get(protoreflect.ValueOfString(key).MapKey()).Int()})
		}
	case roundsv1.MergePolicy_MERGE_POLICY_MAP, roundsv1.MergePolicy_MERGE_POLICY_ANSWERS:
		all := append(keys(set, fd), keys(removed, fd)...)
		slices.Sort(all)
		for _, key := range slices.Compact(all) {
			s := slot{fd.Number(), key}
			p.add(s, put{entry: e, value: of(set, s), rank: rankOf(e, fd, set, key), removes: of(set, s) == ""})
		}
	case roundsv1.MergePolicy_MERGE_POLICY_FIXED:
		if s := (slot{field: fd.Number()}); set.Has(fd) {
			p.add(s, put{entry: e, value: of(set, s)})
		}
	default:
		s := slot{field: fd.Number()}
		p.add(s, put{entry: e, value: of(set, s), rank: rankOf(e, fd, set, "")})
	}
}

// ruleOf reads the merge rule that is declared on a field.
func ruleOf(fd protoreflect.FieldDescriptor) *roundsv1.FieldMerge {
	rule, _ := proto.GetExtension(fd.Options(), roundsv1.E_Merge).(*roundsv1.FieldMerge)
	return rule
}

// rankOf is how high a written value ranks, by the rule of its field.
func rankOf(e *entry, fd protoreflect.FieldDescriptor, m protoreflect.Message, key string) int64 {
	rule, v := ruleOf(fd), m.Get(fd)
	if key != "" {
		v = v.Map().Get(protoreflect.ValueOfString(key).MapKey())
		fd = fd.MapValue()
	}
	switch {
	case rule.GetPolicy() == roundsv1.MergePolicy_MERGE_POLICY_MAX && fd.Enum() != nil:
		return int64(v.Enum())
	case rule.GetPolicy() == roundsv1.MergePolicy_MERGE_POLICY_MAX:
		return v.Int()
	case rule.GetRankBy() != "" && v.IsValid():
		if at, ok := v.Message().Interface().(*roundsv1.Location); ok && at.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_GPS && at.GetAccuracyM() > 30 {
			return int64(roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX) // too rough to be a fix
		}
		return int64(v.Message().Get(fd.Message().Fields().ByName(protoreflect.Name(rule.GetRankBy()))).Enum())
	}
	best, roles := 0, e.GetRoles()
	if e.rules {
		roles = []roundsv1.Role{roundsv1.Role_ROLE_SYSTEM}
	}
	for _, role := range roles {
		if at := slices.Index(rule.GetRoles(), role); at >= 0 {
			best = max(best, len(rule.GetRoles())-at)
		}
	}
	return int64(best)
}

// read returns the canonical bytes of a message with one field, or one key of it, alone; "" where there is nothing.
func read(m protoreflect.Message, fd protoreflect.FieldDescriptor, key string) string {
	if m == nil || !m.Has(fd) {
		return ""
	}
	only := m.New()
	if key == "" {
		only.Set(fd, m.Get(fd))
		return encode(only)
	}
	k := protoreflect.ValueOfString(key).MapKey()
	v := m.Get(fd).Map().Get(k)
	if !v.IsValid() {
		return ""
	}
	only.Mutable(fd).Map().Set(k, v)
	return encode(only)
}

func encode(m protoreflect.Message) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func listed(m protoreflect.Message, fd protoreflect.FieldDescriptor) []string {
	if m == nil {
		return nil
	}
	var all []string
	for i := range m.Get(fd).List().Len() {
		all = append(all, m.Get(fd).List().Get(i).String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func keys(m protoreflect.Message, fd protoreflect.FieldDescriptor) []string {
	if m == nil {
		return nil
	}
	var all []string
	m.Get(fd).Map().Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		all = append(all, k.String())
		return true
	})
	slices.Sort(all)
	return all
}

// earlier orders writes by effective time, then device, then place in the journal.
func earlier(a, b put) int {
	return cmp.Or(cmp.Compare(a.GetOutcome().GetTimeUs(), b.GetOutcome().GetTimeUs()), strings.Compare(a.author(), b.author()),
		cmp.Compare(a.GetSeq(), b.GetSeq()))
}

// author is the device by which ties are broken; the rules have none.
func (e *entry) author() string {
	if e.rules {
		return ""
	}
	return e.GetDeviceId()
}
