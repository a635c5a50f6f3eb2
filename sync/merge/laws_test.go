package merge_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// told is a loss in short: "lost to B" or "won over B".
func told(losses []*roundsv1.Loss) []string {
	var out []string
	for _, l := range losses {
		verb := "won over "
		if l.GetLost() {
			verb = "lost to "
		}
		out = append(out, fmt.Sprintf("%d %s%s%s", l.GetField(), l.GetKey(), verb, l.GetBy().GetDeviceId()))
	}
	return out
}

// TestP4Laws tells each policy's law on one example, in every order of the concurrent ones.
func TestP4Laws(t *testing.T) {
	const supervisor, dispatcher = roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_DISPATCHER
	const butler, worker = roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_WORKER
	pass, fail := roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	type T = roundsv1.Ticket
	answer := func(r roundsv1.AnswerResult, note string) *T {
		return &T{Answers: map[string]*roundsv1.Answer{"pump": {Result: r, Note: note}}}
	}
	reading := func(id string, v float64) *T {
		return &T{Readings: []*roundsv1.Reading{{Id: id, Value: v}}}
	}
	attr := func(v string) *T { return &T{Attributes: map[string]string{"k": v}} }
	created := step{device: "A", time: 1,
		act: edit(&T{Title: "old", CategoryId: "old", Priority: 4, ContactPhone: "1", Tags: []string{"wet"}, CustomerWords: "drips"})}
	tests := []struct {
		name    string
		history []step
		steps   []step
		want    *T // the fields that it sets
		beside  int
		asks    []merge.FieldNumber
	}{
		{name: "LATEST: the later counts (row 22)", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{Title: "nine"}, title)},
			{device: "C", time: 8, base: 1, act: edit(&T{Title: "eight"}, title)},
		}, want: &T{Title: "nine"}},
		{name: "LATEST: at one time the greater device", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{Title: "of B"}, title)},
			{device: "C", time: 9, base: 1, act: edit(&T{Title: "of C"}, title)},
		}, want: &T{Title: "of C"}},
		{name: "RANKED: the higher role counts, the other is a suggestion (row 23)", steps: []step{
			{device: "B", time: 9, base: 1, roles: []roundsv1.Role{worker}, act: edit(&T{CategoryId: "power"}, category)},
			{device: "C", time: 8, base: 1, roles: []roundsv1.Role{butler, dispatcher}, act: edit(&T{CategoryId: "water"}, category)},
		}, want: &T{CategoryId: "water"}, beside: 1},
		{name: "RANKED: a role that is not listed is last", steps: []step{
			{device: "B", time: 9, base: 1, roles: []roundsv1.Role{roundsv1.Role_ROLE_AUDITOR}, act: edit(&T{CategoryId: "power"}, category)},
			{device: "C", time: 8, base: 1, roles: []roundsv1.Role{roundsv1.Role_ROLE_SYSTEM}, act: edit(&T{CategoryId: "water"}, category)},
		}, want: &T{CategoryId: "water"}, beside: 1},
		{name: "RANKED: the best role held counts, whatever the order they are told in", steps: []step{
			{device: "B", time: 9, base: 1, roles: []roundsv1.Role{worker}, act: edit(&T{CategoryId: "power"}, category)},
			{device: "C", time: 8, base: 1, roles: []roundsv1.Role{dispatcher, roundsv1.Role_ROLE_RESIDENT},
				act: edit(&T{CategoryId: "water"}, category)},
		}, want: &T{CategoryId: "water"}, beside: 1},
		{name: "RANKED: of one role the latest", steps: []step{
			{device: "B", time: 9, base: 1, roles: []roundsv1.Role{butler}, act: edit(&T{CategoryId: "power"}, category)},
			{device: "C", time: 8, base: 1, roles: []roundsv1.Role{butler}, act: edit(&T{CategoryId: "water"}, category)},
		}, want: &T{CategoryId: "power"}, beside: 1},
		{name: "RANKED by the value: a tag scan before words", steps: []step{
			{device: "B", time: 9, base: 1, roles: []roundsv1.Role{supervisor},
				act: edit(&T{Location: &roundsv1.Location{Words: "lobby", Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}, location)},
			{device: "C", time: 8, base: 1,
				act: edit(&T{Location: &roundsv1.Location{PlaceId: "p", Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}}, location)},
		}, want: &T{Location: &roundsv1.Location{PlaceId: "p", Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}}, beside: 1},
		{name: "MAX: who saw the greatest may lower it, and who did not see that does not undo it", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{Priority: 1}, priority)},
			{device: "C", time: 8, base: 1, act: edit(&T{Priority: 2}, priority)},
		}, want: &T{Priority: 2}, beside: 1},
		{name: "MAX: equal values are one", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{Priority: 3}, priority)},
			{device: "C", time: 8, base: 1, act: edit(&T{Priority: 3}, priority)},
		}, want: &T{Priority: 3}},
		{name: "MAX: an enum value of a newer app counts by its number", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{Priority: 77}, priority)},
			{device: "C", time: 8, base: 1, act: edit(&T{Priority: 4}, priority)},
		}, want: &T{Priority: 77}, beside: 1},
		{name: "ASK: the earliest is shown, and a person is asked", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{ContactPhone: "139"}, phone)},
			{device: "C", time: 8, base: 1, act: edit(&T{ContactPhone: "138"}, phone)},
			{device: "D", time: 8, base: 1, act: edit(&T{ContactPhone: "137"}, phone)},
		}, want: &T{ContactPhone: "138"}, beside: 2, asks: []merge.FieldNumber{phone}},
		{name: "ASK: one answer is no question", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{ContactPhone: "139"}, phone)},
			{device: "C", time: 8, base: 1, act: edit(&T{ContactPhone: "139"}, phone)},
		}, want: &T{ContactPhone: "139"}},
		{name: "ASK: cleared and set are two answers", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(&T{}, phone)},
			{device: "C", time: 8, base: 1, act: edit(&T{ContactPhone: "138"}, phone)},
		}, want: &T{ContactPhone: "138"}, beside: 1, asks: []merge.FieldNumber{phone}},
		{name: "ANSWERS: the worse counts, both are kept (row 27)", steps: []step{
			{device: "B", time: 8, base: 1, act: fact(answer(pass, ""))},
			{device: "C", time: 9, base: 1, act: fact(answer(fail, ""))},
		}, want: answer(fail, ""), beside: 1},
		{name: "ANSWERS: the same in other words stands beside, the earliest shown", steps: []step{
			{device: "B", time: 9, base: 1, act: fact(answer(pass, "later"))},
			{device: "C", time: 8, base: 1, act: fact(answer(pass, "earlier"))},
		}, want: answer(pass, "earlier"), beside: 1},
		{name: "SET: removed and added at once is there (row 24)", steps: []step{
			{device: "B", time: 9, base: 1, act: editRemoving(&T{}, &T{Tags: []string{"wet"}}, tags)},
			{device: "C", time: 8, base: 1, act: edit(&T{Tags: []string{"wet"}}, tags)},
		}, want: &T{Tags: []string{"wet"}}},
		{name: "SET: a remove takes what it saw", steps: []step{
			{device: "B", time: 9, base: 1, act: editRemoving(&T{}, &T{Tags: []string{"wet"}}, tags)},
			{device: "C", time: 8, base: 1, act: edit(&T{Tags: []string{"loud", "bad", "loud"}}, tags)},
		}, want: &T{Tags: []string{"bad", "loud"}}},
		{name: "MAP: a removal that came late does not hurt a later put", steps: []step{
			{device: "B", time: 9, base: 1, act: edit(attr("new"), settings)},
			{device: "C", time: 8, base: 1, act: editRemoving(&T{}, attr(""), settings)},
		}, want: attr("new")},
		{name: "MAP: an older put that came late does not bring a key back", steps: []step{
			{device: "B", time: 8, base: 1, act: edit(&T{Attributes: map[string]string{"k": "old", "other": "1"}}, settings)},
			{device: "C", time: 9, base: 1, act: editRemoving(&T{}, attr(""), settings)},
		}, want: &T{Attributes: map[string]string{"other": "1"}}},
		{name: "APPEND: in the order of their time, the earlier of one id", steps: []step{
			{device: "B", time: 9, base: 1, act: fact(reading("r1", 9))},
			{device: "C", time: 8, base: 1, act: fact(reading("r2", 8))},
			{device: "D", time: 7, base: 1, act: fact(reading("r1", 7))},
		}, want: &T{Readings: []*roundsv1.Reading{{Id: "r1", Value: 7}, {Id: "r2", Value: 8}}}},
		{name: "COUNTER: deltas add up (row 28)", steps: []step{
			{device: "B", time: 9, base: 1, act: fact(&T{PartsUsed: map[string]int64{"seal": -1}, Visits: 1})},
			{device: "C", time: 8, base: 1, act: fact(&T{PartsUsed: map[string]int64{"seal": -1}, Visits: 2})},
		}, want: &T{PartsUsed: map[string]int64{"seal": -2}, Visits: 3}},
		{name: "FIXED: of two creations the earlier", history: []step{}, steps: []step{
			{device: "B", time: 9, act: edit(&T{CustomerWords: "pours", ReporterId: "b"})},
			{device: "C", time: 8, act: edit(&T{CustomerWords: "drips", HouseholdId: "c"})},
		}, want: &T{CustomerWords: "drips", ReporterId: "b", HouseholdId: "c"}, beside: 1},
		{name: "FIXED: an empty value fixes nothing", history: []step{}, steps: []step{
			{device: "B", time: 9, act: edit(&T{CustomerWords: "pours"}, words)},
			{device: "C", time: 8, act: edit(&T{}, words, title)},
		}, want: &T{CustomerWords: "pours"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.history == nil {
				tt.history = []step{created}
			}
			for _, order := range orders(tt.steps) {
				s := &server{t: t}
				for _, st := range tt.history {
					s.arrive(st)
				}
				var last merge.Result
				for _, i := range order {
					if last = s.arrive(tt.steps[i]); last.Problem != nil {
						t.Fatalf("order %v: %v", order, last.Problem)
					}
				}
				want := tt.want.ProtoReflect()
				for f := range maps.Keys(fieldsOf(tt.want)) {
					if got := valueOf(t, s.now.GetRecord(), f, ""); got != valueOf(t, ticket(tt.want), f, "") {
						t.Errorf("order %v: %v\nwant: %v", order, s.now.GetRecord(), want)
					}
				}
				beside := 0
				for _, w := range s.now.GetWrites() {
					beside += len(w.GetSiblings()) + len(w.GetSiblingElements())
				}
				if beside != tt.beside {
					t.Errorf("order %v: %d values beside the shown ones, want %d: %v", order, beside, tt.beside, s.now)
				}
				if !slices.Equal(last.Asks, tt.asks) {
					t.Errorf("order %v: asks %v, want %v", order, last.Asks, tt.asks)
				}
			}
		})
	}
}

func fieldsOf(r *roundsv1.Ticket) map[merge.FieldNumber]bool {
	out := map[merge.FieldNumber]bool{}
	fields := r.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if r.ProtoReflect().Has(fields.Get(i)) {
			out[fields.Get(i).Number()] = true
		}
	}
	return out
}

// TestMaxLowered: what B took away stays away, whoever comes after without having seen B.
func TestP4MaxIsNotUndone(t *testing.T) {
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&roundsv1.Ticket{Title: "x", Priority: 4})})
	s.arrive(step{device: "B", time: 2, base: 1, act: edit(&roundsv1.Ticket{Priority: 1}, priority)})
	s.arrive(step{device: "C", time: 3, base: 1, act: edit(&roundsv1.Ticket{Title: "y"}, title)})
	if got := s.now.GetRecord().GetTicket().GetPriority(); got != 1 {
		t.Errorf("an edit of the title set the priority to %v", got)
	}
	s.arrive(step{device: "D", time: 4, base: 3, act: edit(&roundsv1.Ticket{Priority: 0}, priority)})
	if got := s.now.GetRecord().GetTicket().GetPriority(); got != 0 {
		t.Errorf("cleared by who saw all: %v", got)
	}
}

// TestP5Losses: who loses is told to both sides.
func TestP5Losses(t *testing.T) {
	type T = roundsv1.Ticket
	created := &T{Title: "old", CategoryId: "old", Tags: []string{"wet"}, CustomerWords: "drips", Attributes: map[string]string{"k": "0"}}
	tests := []struct {
		name       string
		first, sec step
		want       []string
	}{
		{"LATEST lost", step{device: "B", time: 9, base: 1, act: edit(&T{Title: "b"}, title)},
			step{device: "C", time: 8, base: 1, act: edit(&T{Title: "c"}, title)}, []string{"1 lost to B"}},
		{"LATEST won", step{device: "B", time: 8, base: 1, act: edit(&T{Title: "b"}, title)},
			step{device: "C", time: 9, base: 1, act: edit(&T{Title: "c"}, title)}, []string{"1 won over B"}},
		{"LATEST equal", step{device: "B", time: 8, base: 1, act: edit(&T{Title: "b"}, title)},
			step{device: "C", time: 9, base: 1, act: edit(&T{Title: "b"}, title)}, nil},
		{"LATEST seen", step{device: "B", time: 8, base: 1, act: edit(&T{Title: "b"}, title)},
			step{device: "C", time: 9, base: 2, act: edit(&T{Title: "c"}, title)}, nil},
		{"LATEST of one lane", step{device: "B", time: 8, base: 1, act: edit(&T{Title: "b"}, title)},
			step{device: "B", time: 9, base: 1, act: edit(&T{Title: "c"}, title)}, nil},
		{"ASK beside", step{device: "B", time: 8, base: 1, act: edit(&T{ContactPhone: "1"}, phone)},
			step{device: "C", time: 9, base: 1, act: edit(&T{ContactPhone: "2"}, phone)}, []string{"15 lost to B"}},
		{"ASK equal", step{device: "B", time: 8, base: 1, act: edit(&T{ContactPhone: "1"}, phone)},
			step{device: "C", time: 9, base: 1, act: edit(&T{ContactPhone: "1"}, phone)}, nil},
		{"ASK shown", step{device: "B", time: 9, base: 1, act: edit(&T{ContactPhone: "1"}, phone)},
			step{device: "C", time: 8, base: 1, act: edit(&T{ContactPhone: "2"}, phone)}, []string{"15 won over B"}},
		{"ANSWERS same in other words", step{device: "B", time: 9, base: 1,
			act: fact(&T{Answers: map[string]*roundsv1.Answer{"i": {Result: 2, Note: "x"}}})},
			step{device: "C", time: 8, base: 1, act: fact(&T{Answers: map[string]*roundsv1.Answer{"i": {Result: 2}}})}, nil},
		{"ANSWERS with and without a reading", step{device: "B", time: 9, base: 1,
			act: fact(&T{Answers: map[string]*roundsv1.Answer{"i": {Result: 2, Reading: proto.Float64(0)}}})},
			step{device: "C", time: 8, base: 1,
				act: fact(&T{Answers: map[string]*roundsv1.Answer{"i": {Result: 2}}})}, []string{"23 iwon over B"}},
		{"ANSWERS worse", step{device: "B", time: 9, base: 1, act: fact(&T{Answers: map[string]*roundsv1.Answer{"i": {Result: 2}}})},
			step{device: "C", time: 8, base: 1,
				act: fact(&T{Answers: map[string]*roundsv1.Answer{"i": {Result: 4}}})}, []string{"23 iwon over B"}},
		{"SET stays", step{device: "B", time: 9, base: 1, act: edit(&T{Tags: []string{"wet"}}, tags)},
			step{device: "C", time: 8, base: 1, act: editRemoving(&T{}, &T{Tags: []string{"wet"}}, tags)}, []string{"11 wetlost to B"}},
		{"SET removed and added", step{device: "B", time: 9, base: 1, act: edit(&T{Tags: []string{"wet"}}, tags)},
			step{device: "C", time: 8, base: 1, act: editRemoving(&T{Tags: []string{"wet"}}, &T{Tags: []string{"wet"}}, tags)}, nil},
		{"MAP removed", step{device: "B", time: 9, base: 1, act: editRemoving(&T{}, &T{Attributes: map[string]string{"k": ""}}, settings)},
			step{device: "C", time: 8, base: 1, act: edit(&T{Attributes: map[string]string{"k": "1"}}, settings)}, []string{"17 klost to B"}},
		{"APPEND same id", step{device: "B", time: 9, base: 1, act: fact(&T{Readings: []*roundsv1.Reading{{Id: "r", Value: 1}}})},
			step{device: "C", time: 8, base: 1, act: fact(&T{Readings: []*roundsv1.Reading{{Id: "r", Value: 2}}})}, []string{"20 rwon over B"}},
		{"FIXED created twice", step{device: "B", time: 9, act: edit(&T{CustomerWords: "pours"})},
			step{device: "C", time: 8, act: edit(&T{Title: "c"})}, []string{"1 won over A"}},
		{"newer field", step{device: "B", time: 9, base: 1, act: edit(withNewer(1), newer)},
			step{device: "C", time: 8, base: 1, act: edit(withNewer(2), newer)}, []string{"900 lost to B"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{t: t}
			s.arrive(step{device: "A", time: 3, act: edit(created)})
			s.arrive(tt.first)
			shown := proto.CloneOf(s.now.GetRecord())
			r := s.arrive(tt.sec)
			if got := told(r.Losses); !slices.Equal(got, tt.want) {
				t.Errorf("losses %q, want %q", got, tt.want)
			}
			for _, l := range r.Losses {
				f := merge.FieldNumber(l.GetField())
				if f != tags && f != readings && valueOf(t, l.GetOther(), f, l.GetKey()) != valueOf(t, shown, f, l.GetKey()) {
					t.Errorf("the other value is %v, shown was %v", l.GetOther(), shown)
				}
			}
		})
	}
}

func withNewer(v uint64) *roundsv1.Ticket {
	r := &roundsv1.Ticket{}
	r.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, newer, protowire.VarintType), v))
	return r
}

// TestProblems: what is refused, and with what.
func TestProblems(t *testing.T) {
	type T = roundsv1.Ticket
	invalid, fixed := roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FIXED
	noRecord, limit := roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
	newerApp, workflow := roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_WORKFLOW
	ofServer, ofFacts := roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FACT
	deleted := roundsv1.ProblemCode_PROBLEM_CODE_DELETED
	nothing := &roundsv1.Mutation{Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: &roundsv1.Record{}}}}
	comment := func(c *roundsv1.Comment) *roundsv1.Mutation {
		record := &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: c}}
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: record}}}
	}
	many := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint("tag", i))
		}
		return out
	}
	a := func(m *roundsv1.Mutation) step { return step{device: "A", time: 1, act: m} }
	created := a(edit(&T{Title: "x", CustomerWords: "drips", Visits: 5}))
	said := a(comment(&roundsv1.Comment{Words: "hm"}))
	tests := []struct {
		name    string
		history []step
		device  string
		base    int
		act     *roundsv1.Mutation
		want    roundsv1.ProblemCode
		path    string
		changed bool
	}{
		{"command", nil, "B", 0, &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{}}}, newerApp, "", false},
		{"kind of a newer app", nil, "B", 0, nothing, newerApp, "edit", false},
		{"another kind", []step{created}, "B", 1, comment(&roundsv1.Comment{Words: "x"}), invalid, "fact.record", false},
		{"evidence without a record", nil, "B", 0, fact(&T{Visits: 1}), noRecord, "record_id", false},
		{"workflow", []step{created}, "B", 1, edit(&T{State: 2}, state), workflow, "edit.record.ticket.state", false},
		{"workflow at creation", nil, "B", 0, edit(&T{State: 2}), workflow, "edit.record.ticket.state", false},
		{"workflow as a fact", []step{created}, "B", 1, fact(&T{State: 2}), workflow, "fact.record.ticket.state", false},
		{"server", []step{created}, "B", 1, edit(&T{Flags: []string{"late"}}, flags), ofServer, "edit.record.ticket.flags", false},
		{"edited fact", []step{created}, "B", 1, edit(&T{}, readings), ofFacts, "edit.record.ticket.readings", false},
		{"fact without an id", []step{created}, "B", 1, fact(&T{Readings: []*roundsv1.Reading{{}}}), invalid, "fact.record.ticket.readings", false},
		{"title as a fact", []step{created}, "B", 1, fact(&T{Title: "y"}), invalid, "fact.record.ticket.title", false},
		{"newer evidence", []step{created}, "B", 1, fact(withNewer(1)), newerApp, "fact.record.ticket.900", false},
		{"fixed", []step{created}, "B", 1, edit(&T{CustomerWords: "pours"}, words), fixed, "edit.record.ticket.customer_words", false},
		{"fixed, cleared", []step{created}, "B", 1, edit(&T{}, words), fixed, "edit.record.ticket.customer_words", false},
		{"fixed by its own device", []step{created}, "A", 0, edit(&T{CustomerWords: "pours"}, words), fixed, "edit.record.ticket.customer_words", false},
		{"fixed, late", []step{a(edit(&T{Title: "x"}))}, "B", 1, edit(&T{CustomerWords: "pours"}, words), fixed, "edit.record.ticket.customer_words", false},
		{"fixed, repeated", []step{created}, "B", 1, edit(&T{CustomerWords: "drips"}, words), 0, "", false},
		{"fact repeated", []step{said}, "A", 0, comment(&roundsv1.Comment{Words: "hm"}), 0, "", false},
		{"fact repeated with more", []step{said}, "A", 0, comment(&roundsv1.Comment{Words: "hm", Hidden: &roundsv1.Hidden{}}), 0, "", false},
		{"id of a fact used again", []step{said}, "A", 0, comment(&roundsv1.Comment{Words: "no"}), fixed, "fact.record.comment.words", false},
		{"id of a fact used by two", []step{said}, "B", 0, comment(&roundsv1.Comment{Words: "no"}), 0, "", true},
		{"removing of a scalar", []step{created}, "B", 1, editRemoving(&T{}, &T{Title: "x"}, title), invalid, "edit.record.ticket.title", false},
		{"removing of a sum", []step{created}, "B", 1, editRemoving(&T{}, &T{Visits: 1}, visits), invalid, "edit.record.ticket.visits", false},
		{"field zero", []step{created}, "B", 1, edit(&T{}, 0), invalid, "edit.fields", false},
		{"field too great", []step{created}, "B", 1, edit(&T{}, math.MaxInt32), invalid, "edit.fields", false},
		{"overflow", []step{created}, "B", 1, fact(&T{Visits: math.MaxInt64}), limit, "fact.record.ticket.visits", false},
		{"too many tags", []step{created}, "B", 1, edit(&T{Tags: many(merge.MaxElements + 1)}, tags), limit, "edit.record.ticket.tags", false},
		{"as many tags as may be", []step{created}, "B", 1, edit(&T{Tags: many(merge.MaxElements)}, tags), 0, "", true},
		{"mask of nothing", []step{created}, "B", 1, edit(&T{Title: "y"}), 0, "", false},
		{"not named", []step{created}, "B", 1, edit(&T{Title: "y", Priority: 1}, priority), 0, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{t: t}
			for _, st := range tt.history {
				s.arrive(st)
			}
			r := s.arrive(step{device: tt.device, time: 9, base: tt.base, act: tt.act})
			if r.Problem.GetCode() != tt.want || r.Problem.GetField() != tt.path {
				t.Fatalf("%v, want %v at %q", r.Problem, tt.want, tt.path)
			}
			if (r.Problem == nil) != (r.Change != nil) || r.Changed != tt.changed {
				t.Errorf("%+v", r)
			}
			if text := r.Problem.GetSentence(); r.Problem != nil && (text.GetZh() == "" || !strings.HasSuffix(text.GetEn(), ".")) {
				t.Errorf("it does not say what to do: %v", text)
			}
		})
	}
	s := &server{t: t}
	s.arrive(created)
	if r := merge.Apply(nil, merge.Input{Mutation: at(edit(&T{Title: "x"}, title), 5), Stamp: by(9, "B", 9)}); r.Problem.GetCode() != noRecord {
		t.Errorf("an edit on top of nothing: %+v", r)
	}
	gone := merge.Tombstone(s.now, by(10, "B", 9))
	if r := merge.Apply(gone, merge.Input{Mutation: fact(&T{Visits: 1}), Stamp: by(11, "B", 9)}); r.Problem.GetCode() != deleted {
		t.Errorf("a fact on a tombstone: %+v", r)
	}
}

// TestRules: the server's rules write what a device may not, and what they write counts whatever the clocks say.
func TestRules(t *testing.T) {
	type T = roundsv1.Ticket
	s := &server{t: t}
	s.arrive(step{device: "A", time: 100, act: edit(&T{ContactPhone: "1", Title: "x", CustomerWords: "drips"})})
	s.arrive(step{device: "B", time: 200, act: edit(&T{ContactPhone: "2", CustomerWords: "pours"})})
	in := merge.Input{Capacity: merge.Rules, Stamp: by(50, "", 150), Mutation: edit(
		&T{State: 3, Flags: []string{"late"}, ContactPhone: "3", Title: "y", Readings: []*roundsv1.Reading{{Id: "r"}}},
		state, flags, phone, title, words, readings)}
	r := merge.Apply(s.now, in)
	if r.Problem != nil || len(r.Losses) != 0 || len(r.Asks) != 0 {
		t.Fatalf("%+v", r)
	}
	check(t, r.Change)
	want := &T{State: 3, Flags: []string{"late"}, ContactPhone: "3", Title: "y", Readings: []*roundsv1.Reading{{Id: "r"}}}
	if !proto.Equal(r.Change.GetRecord().GetTicket(), want) {
		t.Errorf("%v\nwant: %v", r.Change.GetRecord(), want)
	}
	if r.Change.GetTimeUs() != 200 || r.Change.GetVersion() != 50 {
		t.Errorf("time %d version %d: a time is never lowered", r.Change.GetTimeUs(), r.Change.GetVersion())
	}
	if made := merge.Apply(nil, in); made.Problem != nil || made.Change.GetEntered() != 50 {
		t.Errorf("%+v", made)
	}
}

// TestCounters: sums below zero are flagged, sums of zero not kept.
func TestCounters(t *testing.T) {
	type T = roundsv1.Ticket
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&T{Visits: 1, PartsUsed: map[string]int64{"a": 2, "b": 1}})})
	r := s.arrive(step{device: "B", time: 2, base: 1, act: fact(&T{Visits: -2, PartsUsed: map[string]int64{"a": -2}})})
	if !slices.Equal(r.Flags, []string{merge.FlagCounterBelowZero}) {
		t.Errorf("flags %v", r.Flags)
	}
	if got := s.now.GetRecord().GetTicket(); got.GetVisits() != -1 || len(got.GetPartsUsed()) != 1 {
		t.Errorf("%v", got)
	}
	if r = s.arrive(step{device: "C", time: 2, act: fact(&T{PartsUsed: map[string]int64{"b": 0, "c": 1}})}); len(r.Flags) != 0 {
		t.Errorf("flagged, though it did not touch what is below zero: %v", r.Flags)
	}
	if r = s.arrive(step{device: "C", time: 3, act: fact(&T{PartsUsed: map[string]int64{"b": 0}})}); r.Changed {
		t.Error("a delta of zero changed something")
	}
	if r = s.arrive(step{device: "C", time: 4, act: fact(&T{Visits: 1})}); len(r.Flags) != 0 || s.now.GetRecord().GetTicket().GetVisits() != 0 {
		t.Errorf("flagged at zero: %v", r.Flags)
	}
}

// TestEviction: what was evicted comes back whole when somebody writes it.
func TestEviction(t *testing.T) {
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&roundsv1.Ticket{Title: "x"})})
	out := proto.CloneOf(s.now)
	out.Evicted, out.Version = true, 7
	r := merge.Apply(out, merge.Input{Mutation: at(fact(&roundsv1.Ticket{Visits: 1}), 3), Stamp: by(9, "B", 9)})
	if r.Change.GetEvicted() || r.Change.GetEntered() != 9 || r.Change.GetRecord().GetTicket().GetTitle() != "x" {
		t.Errorf("%+v", r.Change)
	}
	if d := merge.Delta(r.Change, 8); len(d.GetDeltaFields()) != 0 {
		t.Errorf("a device that dropped it gets a delta: %v", d)
	}
}

// TestValues: what a person is shown of a question.
func TestValues(t *testing.T) {
	type T = roundsv1.Ticket
	answer := func(r roundsv1.AnswerResult, note string) *T {
		return &T{Answers: map[string]*roundsv1.Answer{"i": {Result: r, Note: note}}}
	}
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&T{Title: "x"})})
	var last merge.Result
	for i, v := range []*T{answer(2, "a"), answer(4, "b"), answer(2, "c"), answer(4, "d")} {
		last = s.arrive(step{device: string(rune('B' + i)), time: int64(20 - i), base: 1, act: fact(v)})
	}
	if lost := told(last.Losses); !slices.Equal(lost, []string{"23 iwon over D"}) {
		t.Errorf("two that say the same lost twice: %v", lost)
	}
	got := merge.Values(s.now, answers, "i")
	if len(got) != 2 || !got[0].Shown || got[1].Shown || got[0].Stamp.GetDeviceId() != "E" || got[1].Stamp.GetDeviceId() != "D" ||
		!proto.Equal(got[0].Record.GetTicket(), answer(4, "d")) || !proto.Equal(got[1].Record.GetTicket(), answer(2, "c")) {
		t.Errorf("%+v", got)
	}
	if got := merge.Values(s.now, title, ""); len(got) != 1 || got[0].Record.GetTicket().GetTitle() != "x" {
		t.Errorf("%+v", got)
	}
	if got := merge.Values(s.now, newer, ""); got != nil {
		t.Errorf("%+v", got)
	}
}

// TestNewerFields: what this build does not know is kept, and sorted into its place.
func TestNewerFields(t *testing.T) {
	s := &server{t: t}
	two := withNewer(1)
	raw := protowire.AppendVarint(protowire.AppendTag(nil, newer-1, protowire.VarintType), 5)
	two.ProtoReflect().SetUnknown(append(two.ProtoReflect().GetUnknown(), raw...))
	s.arrive(step{device: "A", time: 1, act: edit(two)})
	if got := s.now.GetRecord().GetTicket().ProtoReflect().GetUnknown(); len(got) != 6 || !slices.Equal(got[:3], raw) {
		t.Errorf("%x", got)
	}
	s.arrive(step{device: "A", time: 2, act: edit(&roundsv1.Ticket{}, newer)})
	if got := s.now.GetRecord().GetTicket().ProtoReflect().GetUnknown(); !slices.Equal(got, raw) {
		t.Errorf("%x", got)
	}
	s.arrive(step{device: "A", time: 3, act: edit(withNewer(7), newer)})
	patched, err := merge.Patch(s.history[1], merge.Delta(s.now, s.history[1].GetVersion()))
	if err != nil || !slices.Equal(marshal(t, patched), marshal(t, s.now)) {
		t.Errorf("%v, %v\nwant: %v", patched, err, s.now)
	}
	full := &roundsv1.Ticket{}
	var b []byte
	for i := range merge.MaxUnknown + 1 {
		b = protowire.AppendVarint(protowire.AppendTag(b, newer+protowire.Number(i), protowire.VarintType), 5)
	}
	full.ProtoReflect().SetUnknown(b)
	if r := s.arrive(step{device: "A", time: 4, act: edit(full)}); r.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_LIMIT {
		t.Errorf("%+v", r.Problem)
	}
}

// TestLimits: what would grow without end is refused, and the record stays as it is.
func TestLimits(t *testing.T) {
	type T = roundsv1.Ticket
	acts := map[string]struct {
		act func(i int) *roundsv1.Mutation
		max int
	}{
		"values of a field":     {func(i int) *roundsv1.Mutation { return edit(&T{ContactPhone: fmt.Sprint(i)}, phone) }, merge.MaxSurvivors},
		"adds of an element":    {func(int) *roundsv1.Mutation { return edit(&T{Tags: []string{"a"}}, tags) }, merge.MaxSurvivors},
		"creations of a record": {func(i int) *roundsv1.Mutation { return edit(&T{CustomerWords: fmt.Sprint(i)}) }, merge.MaxSurvivors},
		"removed keys": {func(i int) *roundsv1.Mutation {
			return editRemoving(&T{}, &T{Attributes: map[string]string{fmt.Sprint(i): ""}}, settings)
		}, merge.MaxRemembered},
		"facts": {func(i int) *roundsv1.Mutation { return fact(&T{Readings: []*roundsv1.Reading{{Id: fmt.Sprint(i)}}}) }, merge.MaxFacts},
		"parts": {func(i int) *roundsv1.Mutation { return fact(&T{PartsUsed: map[string]int64{fmt.Sprint(i): 1}}) }, merge.MaxElements},
	}
	for name, tt := range acts {
		t.Run(name, func(t *testing.T) {
			s := &server{t: t, swift: true}
			s.arrive(step{device: "A", time: 1, act: edit(&T{Title: "x"})})
			for i := range tt.max {
				if r := s.arrive(step{device: fmt.Sprint("B", i), time: int64(i + 2), act: tt.act(i)}); r.Problem != nil {
					t.Fatalf("%d: %v", i, r.Problem)
				}
			}
			if r := s.arrive(step{device: "C", time: 1, act: tt.act(tt.max)}); r.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_LIMIT {
				t.Errorf("%v, want a limit", r.Problem)
			}
			check(t, s.now)
		})
	}
}

// TestOneStampTwice: two mutations that the caller gives one stamp stand in one write.
func TestOneStampTwice(t *testing.T) {
	type T = roundsv1.Ticket
	answer := func(item string, r roundsv1.AnswerResult) *roundsv1.Mutation {
		return fact(&T{Answers: map[string]*roundsv1.Answer{item: {Result: r}}})
	}
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&T{Answers: map[string]*roundsv1.Answer{"i": {Result: 4}, "j": {Result: 4}}})})
	c, stamp := s.now, by(9, "B", 2)
	for _, item := range []string{"i", "j"} {
		before := marshal(t, c)
		r := merge.Apply(c, merge.Input{Mutation: answer(item, 2), Stamp: stamp})
		if !slices.Equal(marshal(t, c), before) {
			t.Fatal("Apply modified what it was given")
		}
		c = r.Change
		check(t, c)
	}
	if w := c.GetWrites(); len(w) != 2 || len(w[1].GetSiblingElements()) != 2 || len(w[1].GetSiblingValues().GetTicket().GetAnswers()) != 2 {
		t.Errorf("%v", c)
	}
}
