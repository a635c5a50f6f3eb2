package work_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// TestSubmitWithPointedItems: what a reviewer pointed at is answered anew before the work is reported as done, whoever reports it, also where it changed meanwhile what is
// asked of the ticket.
func TestSubmitWithPointedItems(t *testing.T) {
	a, b := uid("a"), uid("b")
	make := func(at roundsv1.TicketState, former bool, changes ...func(*roundsv1.Ticket)) func() engine.Case {
		return func() engine.Case {
			ticket := pumpTicket(append([]func(*roundsv1.Ticket){func(t *roundsv1.Ticket) {
				t.State, t.Round = at, 2
				t.Reviews = []*roundsv1.Review{{Round: 1, PersonId: uid("first"), Verdict: roundsv1.Verdict_VERDICT_REJECTED, ItemIds: []string{"dry"}}}
				t.Moves = []*roundsv1.Move{{State: stateRework, Round: 2, TimeUs: 6}}
			}}, changes...)...)
			if former {
				ticket.AssigneeId, ticket.FormerAssigneeIds, ticket.AssignEpoch = uid("another"), []string{uid("me")}, 2
			}
			c := guard(ticket, submit(2, a, b), map[string]*roundsv1.Record{a: photoRecord(2), b: photoRecord(2)})
			// "dry" was answered in this round, "bar" in the one before; what is asked, and of whom, is of 7, and unseen.
			at := func(seq uint64, shown []uint32, answered ...string) *roundsv1.Write {
				w := &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: seq, DeviceId: "another", TimeUs: int64(seq)}, Shown: shown}
				for _, item := range answered {
					w.Elements = append(w.Elements, &roundsv1.ElementKey{Field: 23, Key: item})
				}
				return w
			}
			c.Current.Writes = []*roundsv1.Write{at(5, nil, "bar"), at(7, []uint32{40, 42, 43, 52, 57}, "dry")}
			c.Mutation.Base, c.Mutation.BaseTimeUs, c.Saw = 6, 6, false
			return c
		}
	}
	buts := []but{{"an item that was pointed at is as it was", of(func(t *roundsv1.Ticket) { t.Reviews[0].ItemIds = []string{"dry", "bar"} }), codeMissing}}
	done := func(t *roundsv1.Ticket) { t.PerformerIds = []string{uid("me")} }
	for _, row := range []alone{
		{"submit", make(stateInProgress, false), buts},
		{"submit (1)", make(stateDispatched, true), buts},
		{"submit (4), by who had it", make(stateDone, true), buts},
		{"submit (4), by who reported it", make(stateDone, false, done), buts},
	} {
		row.holds(t, work.New(work.Config{Reference: office{}}))
	}
}

// TestRow06_SubmitBesideAnOpenTask: a completion of a ticket that was merged is not one of the other while a task of that is open.
func TestRow06_SubmitBesideAnOpenTask(t *testing.T) {
	into := func(task roundsv1.TicketState) func(*engine.Case) {
		return both(knows(uid("target"), ticketRecord(&roundsv1.Ticket{State: stateTriaged, Round: 2, ChildIds: []string{uid("task")}})),
			knows(uid("task"), ticketRecord(&roundsv1.Ticket{State: task})))
	}
	of := stands(submit(2, uid("photo")), stateMerged, false, func(t *roundsv1.Ticket) {
		t.FormerAssigneeIds, t.MergedIntoId = []string{uid("me")}, uid("target")
	})
	alone{"submit (6)", func() engine.Case {
		c := of()
		into(stateCancelled)(&c)
		return c
	}, []but{{"a task of the other is open", into(stateTriaged), codeState}}}.holds(t, plainRules())
}

// TestAdmittedCompletionOfTheCrew: where a completion of one of the crew is let in, the ticket stays whose it is.
func TestAdmittedCompletionOfTheCrew(t *testing.T) {
	for _, at := range []roundsv1.TicketState{stateInProgress, statePaused} {
		for crew, want := range map[string]string{"me": "another", "somebody else": "me"} {
			c := stands(submit(2, uid("photo")), at, false, func(t *roundsv1.Ticket) {
				t.AssigneeId, t.CrewIds, t.FormerAssigneeIds = uid("another"), []string{uid(crew)}, []string{uid("me")}
			})()
			c.Admitted = true
			v := plainRules().Judge(c)
			if got := after(t, c, v.Effect).GetTicket(); v.Problem != nil || got.GetState() != stateDone || got.GetAssigneeId() != uid(want) {
				t.Errorf("of one that is %v, with %s in the crew: %v, %v of %v", at, crew, v.Problem, got.GetState(), got.GetAssigneeId())
			}
		}
	}
}

// TestLateCompletionGuardsAlone: on what is closed a completion is kept of who has a part in the ticket and had not seen it closed, be they an approver or not.
func TestLateCompletionGuardsAlone(t *testing.T) {
	closed := func(approvers ...string) func(*roundsv1.Ticket) {
		return func(t *roundsv1.Ticket) {
			t.FormerAssigneeIds = []string{uid("me")}
			for _, name := range approvers {
				t.ApproverIds = append(t.ApproverIds, uid(name))
			}
		}
	}
	buts := []but{
		{"by who has no part in it", of(func(t *roundsv1.Ticket) { t.FormerAssigneeIds = nil }), roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"by who had seen it closed", func(c *engine.Case) { c.Saw, c.Mutation.Base, c.Mutation.BaseTimeUs = true, 7, 7 }, codeState},
	}
	late := func(approvers ...string) func() engine.Case {
		return stands(submit(2, uid("photo")), stateClosed, false, closed(approvers...))
	}
	for _, row := range []alone{
		{"submit (7)", late("first"), buts},
		{"submit (37)", late("me"), buts},
		{"submit (37), beside another's approval", late("me", "first"), buts},
	} {
		row.holds(t, plainRules())
	}
}
