package merge_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Numbers of Ticket's fields that the tests name.
const (
	title    merge.FieldNumber = 1
	category merge.FieldNumber = 3
	priority merge.FieldNumber = 4
	location merge.FieldNumber = 5
	words    merge.FieldNumber = 6
	tags     merge.FieldNumber = 11
	phone    merge.FieldNumber = 15
	settings merge.FieldNumber = 17
	parts    merge.FieldNumber = 18
	visits   merge.FieldNumber = 19
	readings merge.FieldNumber = 20
	answers  merge.FieldNumber = 23
	state    merge.FieldNumber = 40
	flags    merge.FieldNumber = 50
	newer    merge.FieldNumber = 900 // unknown to this build
)

const recordID = "0199c0de-0000-7000-8000-000000000001"

// choose returns a number below n. It is a seeded generator, or reads what a fuzzer made.
type choose func(n int) int

func seeded(seed uint64) choose {
	r := rand.New(rand.NewPCG(seed, 1))
	return r.IntN
}

// step is one mutation before it has a seq: what it saw is told by base, an index into the arrivals before it, and its device.
type step struct {
	device string
	time   int64
	roles  []roundsv1.Role
	base   int // how many of the arrivals before it the device had seen
	act    *roundsv1.Mutation
}

func (s step) String() string {
	return fmt.Sprintf("%s@%d base %d %v", s.device, s.time, s.base, s.act)
}

// ticket wraps a ticket.
func ticket(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

// edit makes an edit of the fields named.
func edit(t *roundsv1.Ticket, fields ...merge.FieldNumber) *roundsv1.Mutation {
	return editRemoving(t, nil, fields...)
}

func editRemoving(t, removed *roundsv1.Ticket, fields ...merge.FieldNumber) *roundsv1.Mutation {
	e := &roundsv1.Edit{Record: ticket(t)}
	if removed != nil {
		e.Removed = ticket(removed)
	}
	for _, f := range fields {
		e.Fields = append(e.Fields, uint32(f))
	}
	return &roundsv1.Mutation{RecordId: recordID, Act: &roundsv1.Mutation_Edit{Edit: e}}
}

// fact makes a fact.
func fact(t *roundsv1.Ticket) *roundsv1.Mutation {
	return &roundsv1.Mutation{RecordId: recordID, Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: ticket(t)}}}
}

// at lays a mutation on a version.
func at(m *roundsv1.Mutation, base uint64) *roundsv1.Mutation {
	m = proto.CloneOf(m)
	m.Base = base
	return m
}

func by(seq uint64, device string, time int64, roles ...roundsv1.Role) *roundsv1.Stamp {
	return &roundsv1.Stamp{Seq: seq, DeviceId: device, TimeUs: time, PersonId: "p-" + device, Roles: roles}
}

// server takes mutations in their order of arrival.
type server struct {
	t        testing.TB
	now      *roundsv1.Change
	history  []*roundsv1.Change // after each arrival
	results  []merge.Result
	problems []roundsv1.ProblemCode
	seq      uint64
	swift    bool // leave out the checks of every single application
}

// arrive applies a step and checks what holds of every application.
func (s *server) arrive(st step) merge.Result {
	s.t.Helper()
	m := proto.CloneOf(st.act)
	m.Base = 0
	if st.base > 0 {
		m.Base = s.history[st.base-1].GetVersion()
	}
	s.seq += 3 // other records have changes, too
	in := merge.Input{Mutation: m, Stamp: by(s.seq, st.device, st.time, st.roles...)}
	if s.swift {
		r := merge.Apply(s.now, in)
		s.take(r)
		return r
	}
	before, beforeMutation := marshal(s.t, s.now), proto.CloneOf(m)
	r := merge.Apply(s.now, in)
	if string(marshal(s.t, s.now)) != string(before) || !proto.Equal(m, beforeMutation) {
		s.t.Fatalf("Apply modified what it was given: %v", st)
	}
	if s.now != nil {
		// What was read from the disk merges as what was never away from memory.
		again := merge.Apply(unmarshal(s.t, before), in)
		if string(marshal(s.t, again.Change)) != string(marshal(s.t, r.Change)) || !proto.Equal(again.Problem, r.Problem) {
			s.t.Fatalf("a stored record merges otherwise: %v", st)
		}
	}
	if r.Problem == nil {
		if r.Changed == (r.Change == s.now) || r.Changed != (r.Change.GetVersion() == s.seq) {
			s.t.Fatalf("Changed is %v, the change is another: %v", r.Changed, r.Change != s.now)
		}
		check(s.t, r.Change)
	}
	s.take(r)
	return r
}

func (s *server) take(r merge.Result) {
	s.results = append(s.results, r)
	s.problems = append(s.problems, r.Problem.GetCode())
	if r.Problem == nil {
		s.now = r.Change
	}
	s.history = append(s.history, s.now)
}

func marshal(t testing.TB, c *roundsv1.Change) []byte {
	t.Helper()
	b, err := merge.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unmarshal(t testing.TB, b []byte) *roundsv1.Change {
	t.Helper()
	c := &roundsv1.Change{}
	if err := proto.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// check tells what holds of every record: it is canonical, and record and writes tell the same story.
func check(t testing.TB, c *roundsv1.Change) {
	t.Helper()
	b := marshal(t, c)
	if again := marshal(t, unmarshal(t, b)); string(again) != string(b) {
		t.Fatalf("not canonical:\n%x\n%x", b, again)
	}
	kind, ok := merge.KindOf(c.GetRecord())
	if !ok {
		t.Fatalf("a record without a kind: %v", c)
	}
	msg := c.GetRecord().ProtoReflect()
	msg = msg.Get(msg.Descriptor().Fields().ByName(protoreflect.Name(kind))).Message()
	named := map[merge.FieldNumber]bool{}
	last := uint64(0)
	for i, w := range c.GetWrites() {
		for _, later := range c.GetWrites()[i:] {
			for _, f := range w.GetTouched() {
				of := func(k *roundsv1.ElementKey) bool { return k.GetField() == f }
				if slices.Contains(later.GetShown(), f) || slices.Contains(later.GetSiblings(), f) || later != w && slices.Contains(later.GetTouched(), f) ||
					slices.ContainsFunc(later.GetElements(), of) || slices.ContainsFunc(later.GetSiblingElements(), of) {
					t.Fatalf("%d is touched in %v, and named in %v", f, w, later)
				}
			}
		}
	}
	for _, w := range c.GetWrites() {
		seq := w.GetStamp().GetSeq()
		if seq <= last && last > 0 || seq > c.GetVersion() || w.GetStamp().GetTimeUs() > c.GetTimeUs() {
			t.Fatalf("write %d behind %d in version %d: %v", seq, last, c.GetVersion(), c)
		}
		last = seq
		some := false
		for _, list := range [][]uint32{w.GetShown(), w.GetSiblings(), w.GetTouched()} {
			if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
				t.Fatalf("numbers out of order: %v", w)
			}
			for _, f := range list {
				named[merge.FieldNumber(f)], some = true, true
			}
		}
		for _, list := range [][]*roundsv1.ElementKey{w.GetElements(), w.GetSiblingElements()} {
			for i, k := range list {
				named[merge.FieldNumber(k.GetField())], some = true, true
				if i > 0 && (list[i-1].GetField() > k.GetField() || list[i-1].GetField() == k.GetField() && list[i-1].GetKey() >= k.GetKey()) {
					t.Fatalf("elements out of order: %v", w)
				}
			}
		}
		if !some || len(w.GetSiblings())+len(w.GetSiblingElements()) == 0 && w.GetSiblingValues() != nil {
			t.Fatalf("a write that names nothing, or keeps what it does not name: %v", w)
		}
	}
	msg.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !named[fd.Number()] {
			t.Fatalf("nobody wrote %s: %v", fd.Name(), c)
		}
		return true
	})
}

// standing tells everything that stands in a record, but for seqs: what is shown, and every value with its device and time.
func standing(t testing.TB, c *roundsv1.Change) []string {
	t.Helper()
	if c == nil {
		return []string{"no record"}
	}
	record, err := proto.MarshalOptions{Deterministic: true}.Marshal(c.GetRecord())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{fmt.Sprintf("record %x", record)}
	for _, w := range c.GetWrites() {
		who := fmt.Sprintf("%s@%d ", w.GetStamp().GetDeviceId(), w.GetStamp().GetTimeUs())
		for _, f := range w.GetShown() {
			out = append(out, who+"shows "+strconv.Itoa(int(f)))
		}
		for _, k := range w.GetElements() {
			out = append(out, fmt.Sprintf("%sshows %d %q", who, k.GetField(), k.GetKey()))
		}
		for _, f := range w.GetSiblings() {
			out = append(out, fmt.Sprintf("%sbeside %d %s", who, f, valueOf(t, w.GetSiblingValues(), merge.FieldNumber(f), "")))
		}
		for _, k := range w.GetSiblingElements() {
			out = append(out, fmt.Sprintf("%sbeside %d %q %s", who, k.GetField(), k.GetKey(),
				valueOf(t, w.GetSiblingValues(), merge.FieldNumber(k.GetField()), k.GetKey())))
		}
	}
	slices.Sort(out)
	return out
}

// valueOf encodes what a ticket has in one field, or under one key of it.
func valueOf(t testing.TB, r *roundsv1.Record, f merge.FieldNumber, key string) string {
	t.Helper()
	only := &roundsv1.Ticket{}
	from, to := r.GetTicket().ProtoReflect(), only.ProtoReflect()
	fd := from.Descriptor().Fields().ByNumber(f)
	switch {
	case fd == nil:
		for raw := from.GetUnknown(); len(raw) > 0; {
			num, _, n := protowire.ConsumeField(raw)
			if num == f {
				to.SetUnknown(append(to.GetUnknown(), raw[:n]...))
			}
			raw = raw[n:]
		}
	case !from.Has(fd):
	case key != "" && fd.IsMap():
		k := protoreflect.ValueOfString(key).MapKey()
		if v := from.Get(fd).Map().Get(k); v.IsValid() {
			to.Mutable(fd).Map().Set(k, v)
		}
	default:
		to.Set(fd, from.Get(fd))
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(only)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", b)
}

// randomAct makes something that a person might do to a ticket. Values are few, so that they meet.
func randomAct(n choose, created bool) *roundsv1.Mutation {
	if created && n(4) == 0 {
		return fact(randomEvidence(n))
	}
	t, gone := &roundsv1.Ticket{}, &roundsv1.Ticket{}
	var fields []merge.FieldNumber
	for range 1 + n(4) {
		fields = append(fields, randomField(n, t, gone, created))
	}
	if !created && n(2) == 0 {
		return edit(t)
	}
	return editRemoving(t, gone, fields...)
}

func randomField(n choose, t, gone *roundsv1.Ticket, created bool) merge.FieldNumber {
	word := string(rune('a' + n(3)))
	switch n(12) {
	case 0:
		t.Title = []string{"", "leak", "flood", "smell"}[n(4)]
		return title
	case 1:
		t.CategoryId = []string{"", "water", "power", "lift"}[n(4)]
		return category
	case 2:
		t.Priority = roundsv1.Priority(n(6))
		return priority
	case 3:
		if n(4) > 0 {
			t.Location = &roundsv1.Location{Words: word, Source: roundsv1.LocationSource(n(4)), Latitude: []float64{0, 31.2}[n(2)]}
		}
		return location
	case 4:
		t.ContactPhone = []string{"", "138", "139"}[n(3)]
		return phone
	case 5:
		if n(2) == 0 {
			t.Tags = append(t.Tags, word)
		} else {
			gone.Tags = append(gone.Tags, word)
		}
		return tags
	case 6:
		if n(2) == 0 {
			t.Attributes = map[string]string{word: []string{"", "1", "2"}[n(3)], "x": "y"}
		} else {
			gone.Attributes = map[string]string{word: ""}
		}
		return settings
	case 7:
		t.PartsUsed = map[string]int64{word: int64(n(5) - 2)}
		return parts
	case 8:
		t.Visits = int64(n(5) - 2)
		return visits
	case 9:
		if n(3) == 0 {
			gone.Answers = map[string]*roundsv1.Answer{word: nil}
			gone.Answers[word] = &roundsv1.Answer{}
		} else {
			t.Answers = map[string]*roundsv1.Answer{word: randomAnswer(n)}
		}
		return answers
	case 10:
		if created && n(8) > 0 {
			return title
		}
		t.CustomerWords = []string{"", "it drips", "it pours"}[n(3)]
		return words
	}
	if n(3) > 0 {
		t.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, newer, protowire.VarintType), uint64(n(3))))
	}
	return newer
}

func randomEvidence(n choose) *roundsv1.Ticket {
	t := &roundsv1.Ticket{}
	for range 1 + n(2) {
		switch n(4) {
		case 0, 1:
			t.Readings = append(t.Readings, &roundsv1.Reading{Id: "r" + strconv.Itoa(n(6)), Value: float64(n(3))})
		case 2:
			t.Answers = map[string]*roundsv1.Answer{string(rune('a' + n(2))): randomAnswer(n)}
		default:
			t.PartsUsed = map[string]int64{"a": int64(n(3) - 2)}
		}
	}
	return t
}

func randomAnswer(n choose) *roundsv1.Answer {
	a := &roundsv1.Answer{Result: roundsv1.AnswerResult(n(5)), Note: []string{"", "seen"}[n(2)]}
	if n(3) == 0 {
		a.Reading = proto.Float64(float64(n(2)))
	}
	return a
}

// randomSteps makes count steps of four devices that had seen some of the first arrivals: no more than the bases name, ever more by
// each device. lanes holds each device's effective time and base so far.
func randomSteps(n choose, count int, bases []int, known map[int]int64, lanes map[string]*lane, created bool) []step {
	steps := make([]step, 0, count)
	for range count {
		device := string(rune('A' + n(4)))
		l := lanes[device]
		if l == nil {
			l = &lane{}
			lanes[device] = l
		}
		l.base = max(l.base, bases[n(len(bases))])
		l.time = max(l.time, known[l.base]) + 1 + int64(n(6))
		roles := []roundsv1.Role{roundsv1.Role(1 + n(6))}
		st := step{device: device, time: l.time, base: l.base, roles: roles}
		st.act = randomAct(n, l.base > 0 || created)
		steps = append(steps, st)
	}
	return steps
}

type lane struct {
	base int
	time int64
}

// orders returns every order of the numbers below n in which the steps of one device keep theirs.
func orders(steps []step) [][]int {
	var out [][]int
	var rec func(done []int)
	rec = func(done []int) {
		if len(done) == len(steps) {
			out = append(out, slices.Clone(done))
			return
		}
		for i, st := range steps {
			if slices.Contains(done, i) {
				continue
			}
			first := true
			for j := range i {
				first = first && (steps[j].device != st.device || slices.Contains(done, j))
			}
			if first {
				rec(append(done, i))
			}
		}
	}
	rec(nil)
	return out
}
