package merge

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// merger folds one mutation into one record. It copies what it changes, and throws all away when the mutation is refused.
type merger struct {
	of    *schema
	in    Input
	act   string // "fact" or "edit", for the paths of problems
	stamp *roundsv1.Stamp
	cur   *roundsv1.Change // nil: there is none

	rec protoreflect.Message // the kind's message: the current one's until own is set
	own bool
	// adopted: rec began as the mutation's, with all its fields but those that are added to.
	adopted bool
	maps    []FieldNumber     // map fields of rec that are ours
	writes  []*roundsv1.Write // the current ones
	ours    []bool            // which of them are copies
	mine    *roundsv1.Write   // what the mutation writes

	changed []FieldNumber
	losses  []*roundsv1.Loss
	flags   []string
}

// newMerger checks what concerns the record as a whole.
func newMerger(cur *roundsv1.Change, in Input) (*merger, *roundsv1.Problem) {
	m := &merger{in: in, stamp: in.Stamp, cur: cur}
	if m.stamp == nil {
		m.stamp = &roundsv1.Stamp{}
	}
	var record *roundsv1.Record
	switch act := in.Mutation.GetAct().(type) {
	case *roundsv1.Mutation_Fact:
		m.act, record = "fact", act.Fact.GetRecord()
	case *roundsv1.Mutation_Edit:
		m.act, record = "edit", act.Edit.GetRecord()
	}
	of, _, ok := schemaOf(record)
	if !ok {
		return nil, problem(roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, m.act)
	}
	m.of, m.mine = of, &roundsv1.Write{Stamp: m.stamp}
	if cur == nil {
		m.mine.Shown, m.changed = make([]uint32, 0, 16), make([]FieldNumber, 0, 16)
	}
	if cur == nil {
		if in.Mutation.GetBase() > 0 && in.Capacity == Device {
			return nil, problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "record_id")
		}
		m.rec = of.typ.Zero()
		return m, nil
	}
	if cur.GetDeleted() {
		return nil, problem(roundsv1.ProblemCode_PROBLEM_CODE_DELETED, "record_id")
	}
	k, msg, ok := schemaOf(cur.GetRecord())
	if !ok || k != of {
		return nil, problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, m.act+".record")
	}
	m.rec = msg
	m.writes = slices.Clone(cur.GetWrites())
	m.ours = make([]bool, len(m.writes))
	return m, nil
}

// saw tells whether the mutation's author had seen what that stamp wrote. Of its own device's writes those count that came before it in the
// lane, which their times tell: one that was kept back and let in later did not see what its device wrote meanwhile.
func (m *merger) saw(stamp *roundsv1.Stamp) bool {
	return m.in.Capacity == Rules || stamp.GetSeq() <= m.in.Mutation.GetBase() ||
		stamp.GetDeviceId() == m.stamp.GetDeviceId() && stamp.GetTimeUs() <= m.stamp.GetTimeUs()
}

// mutable returns the kind's message as our own.
func (m *merger) mutable() protoreflect.Message {
	if !m.own {
		m.rec, m.own = m.of.copy(m.rec), true
	}
	return m.rec
}

// mutableMap returns a map of the record as our own.
func (m *merger) mutableMap(f *field) protoreflect.Map {
	msg := m.mutable()
	if !slices.Contains(m.maps, f.num) {
		m.maps = append(m.maps, f.num)
		return copyMap(msg, f.fd)
	}
	return msg.Mutable(f.fd).Map()
}

// show puts a value into the record.
func (m *merger) show(s slot, val value) {
	if s.f.keyed {
		s.putKey(m.mutableMap(s.f), val)
		return
	}
	s.put(m.mutable(), val)
}

// write returns a current write as our own.
func (m *merger) write(i int) *roundsv1.Write {
	if !m.ours[i] {
		m.writes[i], m.ours[i] = copyWrite(m.writes[i]), true
	}
	return m.writes[i]
}

// mark notes that the field differs after this mutation. It may be called more than once for the field in hand.
func (m *merger) mark(f *field) {
	if n := len(m.changed); n == 0 || m.changed[n-1] != f.num {
		m.changed = append(m.changed, f.num)
	}
}

// lose names a value that lost: lost tells that it was this mutation's, and that other is what is shown.
func (m *merger) lose(s slot, lost bool, by *roundsv1.Stamp, other value) {
	msg := m.of.typ.New()
	if other.set {
		s.put(msg, other)
	}
	m.losses = append(m.losses, &roundsv1.Loss{Field: uint32(s.f.num), Key: s.key, Lost: lost, By: by, Other: m.of.record(msg)})
}

// survivors returns the values that stand in a slot, in the order of their writes.
func (m *merger) survivors(s slot) []survivor {
	var all []survivor
	for i, w := range m.writes {
		switch {
		case s.isShownIn(w):
			all = append(all, survivor{write: i, stamp: w.GetStamp(), val: s.get(m.rec)})
		case s.isBesideIn(w):
			all = append(all, survivor{write: i, stamp: w.GetStamp(), val: s.besideIn(w, m.of), beside: true})
		}
	}
	return all
}

// finish makes the record anew.
func (m *merger) finish() Result {
	if m.cur != nil && len(m.changed) == 0 {
		return Result{Change: m.cur, Losses: m.losses, Asks: m.asks(m.writes), Flags: m.flags}
	}
	c := &roundsv1.Change{
		RecordId: m.in.Mutation.GetRecordId(),
		Version:  m.stamp.GetSeq(),
		TimeUs:   m.stamp.GetTimeUs(),
		Entered:  m.stamp.GetSeq(),
	}
	if m.cur != nil {
		c.RecordId, c.TimeUs = m.cur.GetRecordId(), max(c.TimeUs, m.cur.GetTimeUs())
		if !m.cur.GetEvicted() {
			c.Entered = m.cur.GetEntered()
		}
	}
	for _, num := range m.maps {
		if fd := m.of.lookup(num).fd; m.rec.Get(fd).Map().Len() == 0 {
			m.rec.Clear(fd)
		}
	}
	c.Record = m.of.record(m.mutable())
	c.Writes = m.finishWrites()
	return Result{Change: c, Changed: true, Losses: m.losses, Asks: m.asks(c.Writes), Flags: m.flags}
}

// finishWrites puts the mutation's write in its place. Every changed field is named in it, and touched in no other: so a field's last
// change is the greatest seq that names it, which is all that Delta asks.
func (m *merger) finishWrites() []*roundsv1.Write {
	var named, changed fieldSet
	eachName(m.mine, named.add)
	for _, f := range m.changed {
		changed.add(f)
		if !named.has(f) {
			m.mine.Touched = append(m.mine.Touched, uint32(f))
		}
	}
	gone := func(f uint32) bool { return changed.has(FieldNumber(f)) }
	out := make([]*roundsv1.Write, 0, len(m.writes)+1)
	for i, w := range m.writes {
		if len(w.GetTouched()) > 0 && slices.ContainsFunc(w.GetTouched(), gone) {
			w = m.write(i)
			w.Touched = slices.DeleteFunc(w.Touched, gone)
		}
		if !m.ours[i] || !isEmpty(w) {
			out = append(out, w)
		}
	}
	if isEmpty(m.mine) {
		return out
	}
	sortWrite(m.mine)
	return insertWrite(out, m.mine)
}

// insertWrite puts a write that is ours into an ordered list that is ours. One of the same stamp is joined with it.
func insertWrite(list []*roundsv1.Write, w *roundsv1.Write) []*roundsv1.Write {
	if n := len(list); n == 0 || compareWrites(list[n-1], w) < 0 {
		return append(list, w) // nearly always: the newest comes last
	}
	i, found := slices.BinarySearchFunc(list, w, compareWrites)
	if found {
		list[i] = joinWrites(list[i], w)
		return list
	}
	return slices.Insert(list, i, w)
}

// asks returns the fields under ASK that have values beside the shown one.
func (m *merger) asks(writes []*roundsv1.Write) []FieldNumber {
	var asks []FieldNumber
	for _, w := range writes {
		for _, n := range w.GetSiblings() {
			if f := m.of.lookup(FieldNumber(n)); f != nil && f.policy == roundsv1.MergePolicy_MERGE_POLICY_ASK {
				asks = append(asks, f.num)
			}
		}
	}
	slices.Sort(asks)
	return slices.Compact(asks)
}
