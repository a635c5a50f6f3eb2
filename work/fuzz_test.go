package work_test

import (
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// everyField calls found with the number of each field that is set in a record's kind.
func everyField(found func(uint32)) func(protoreflect.FieldDescriptor, protoreflect.Value) bool {
	return func(_ protoreflect.FieldDescriptor, kind protoreflect.Value) bool {
		kind.Message().Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			found(uint32(fd.Number()))
			return true
		})
		return true
	}
}

// FuzzJudge: nothing that can be decoded makes the rules panic, change what they were given or contradict themselves, and nothing but an
// approval by somebody else or a forced closure by two people closes a ticket.
func FuzzJudge(f *testing.F) {
	encode := func(m proto.Message) []byte {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	for op, act := range ticketActs() {
		for _, at := range []roundsv1.TicketState{stateTriaged, stateDispatched, stateInProgress, stateDone, stateCancelled, stateClosed, 8} {
			f.Add(encode(ideal(op, at)), encode(mutation(uid("record"), act)), uint16(0xfff), uint8(len(op)))
		}
	}
	for _, act := range inspectionActs() {
		f.Add(encode(change(empty("inspection"))), encode(mutation(uid("record"), act)), uint16(0xfff), uint8(1))
	}
	f.Add(encode(change(empty("conflict"))), encode(mutation(uid("record"), admit())), uint16(0xfff), uint8(1))
	f.Add(encode(change(empty("photo"))), encode(mutation(uid("record"), labour("X"))), uint16(1), uint8(3))
	f.Add([]byte{}, encode(mutation(uid("record"), &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{State: stateClosed})})), uint16(0xfff), uint8(9))

	rules := work.New(work.Config{})
	f.Fuzz(func(t *testing.T, currentBytes, mutationBytes []byte, roleBits uint16, flags uint8) {
		current, m := &roundsv1.Change{}, &roundsv1.Mutation{}
		if proto.Unmarshal(currentBytes, current) != nil || proto.Unmarshal(mutationBytes, m) != nil {
			return
		}
		if len(currentBytes) == 0 {
			current = nil
		}
		kind, _ := merge.KindOfMutation(m)
		person := []string{uid("me"), uid("worker"), ""}[flags%3]
		c := engine.Case{Scope: scopeOf([]string{"site", "org", "desk", "user"}[flags>>4&3]), Kind: kind, Current: current, Mutation: m,
			Person: engine.PersonID(person), Device: "mine", Saw: flags&4 != 0, Admitted: flags&8 != 0}
		for role := range 12 {
			if roleBits>>role&1 == 1 {
				c.Roles = append(c.Roles, roundsv1.Role(role))
			}
		}
		if flags&64 != 0 {
			c.Lookup = lookup
		}
		currentBefore, mutationBefore := proto.Clone(current), proto.Clone(m)
		v := rules.Judge(c)
		if !proto.Equal(current, currentBefore) || !proto.Equal(m, mutationBefore) {
			t.Fatal("the case was changed")
		}
		if again := rules.Judge(c); !reflect.DeepEqual(v, again) && !sameVerdict(v, again) {
			t.Fatalf("judged differently:\n%+v\n%+v", v, again)
		}
		if v.Problem != nil {
			checkProblem(t, v.Problem)
		}
		if v.Problem != nil && v.Park == 0 && (v.Effect != nil || v.Derived != nil || v.Admit != 0) || v.Park != 0 && (v.Problem == nil || v.Effect != nil || v.Admit != 0) {
			t.Fatalf("a refusal with effects: %+v", v)
		}
		for _, d := range v.Derived {
			if d.Edit.GetRecord().GetTicket().GetState() == stateClosed && current.GetRecord().GetTicket().GetParentId() == "" {
				t.Fatalf("closed beside another: %v", d.Edit)
			}
		}
		if ticket := v.Effect.GetRecord().GetTicket(); ticket.GetState() == stateClosed {
			mayClose(t, c, ticket)
		}
		if foreseen, ok := rules.Foresee(current, m, engine.PersonID(person)); ok && len(foreseen.GetFields()) == 0 {
			t.Fatal("an effect that names no fields")
		}
	})
}

func sameVerdict(a, b engine.Verdict) bool {
	return proto.Equal(a.Problem, b.Problem) && proto.Equal(a.Effect, b.Effect) && a.Park == b.Park && a.Admit == b.Admit && len(a.Derived) == len(b.Derived)
}

// mayClose is P9 as far as it can be told without the bytes.
func mayClose(t *testing.T, c engine.Case, effect *roundsv1.Ticket) {
	t.Helper()
	before, act := c.Current.GetRecord().GetTicket(), c.Mutation.GetCommand().GetTicket()
	person := string(c.Person)
	if before.GetAssigneeId() == person && person != "" || slices.Contains(before.GetCrewIds(), person) ||
		slices.ContainsFunc(before.GetCompletions(), func(c *roundsv1.Completion) bool { return c.GetPersonId() == person }) {
		t.Fatalf("closed by who did the work: %v", before)
	}
	switch {
	case act.GetApprove() != nil:
		if before.GetState() != roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW || c.Lookup == nil && slices.ContainsFunc(before.GetCompletions(),
			func(c *roundsv1.Completion) bool {
				return c.GetRound() == before.GetRound() && len(c.GetPhotoIds()) > 0
			}) {
			t.Fatalf("approved without evidence: %v", before)
		}
	case act.GetForceClose() != nil:
		if len(before.GetApproverIds()) == 0 || slices.Contains(before.GetApproverIds(), person) || !slices.Contains(effect.GetFlags(), "forced") {
			t.Fatalf("forced by one: %v", before)
		}
	default:
		t.Fatalf("closed by %v", c.Mutation)
	}
}
