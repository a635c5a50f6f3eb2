package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// secondTown is a town whose people the server knows, with work whose photo does not come.
func secondTown(t *testing.T) *town {
	staff := people{}
	for who, role := range map[string]roundsv1.Role{"X": worker, "Y": worker, "F": foreman, "D": dispatcher, "S": supervisor, "R": butler, "Q": butler} {
		staff[engine.PersonID(uid(who))] = []roundsv1.Role{role}
	}
	w := newTownOf(t, work.Config{Reference: office{}, People: staff}, "light")
	w.promised()
	return w
}

// TestSecondPersonOfAForcedClosure is refused where they could not confirm it: who did some of the work, on the ticket or by another's word, and who has no role for it.
func TestSecondPersonOfAForcedClosure(t *testing.T) {
	w := secondTown(t)
	w.foreman.done(w.id, labour("F"))
	w.desk.done(w.id, labour("Q"))
	for _, second := range []string{"X", "F", "Q", "Y", "nobody"} {
		w.chief.sync()
		act := w.chief.do(w.id, forceClose(second))
		w.chief.sync()
		w.chief.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
		if field := w.chief.outcomes[act].GetProblem().GetField(); field != "command.ticket.force_close.second_person_id" {
			t.Errorf("%s: the field is %q", second, field)
		}
	}
	w.chief.done(w.id, forceClose("R"))
	w.told(roundsv1.NoticeCode_NOTICE_CODE_REMINDER, w.id, "R", 0)
}

// TestForcedClosureAskedAnew: the asker names another, who is told; the first request is not confirmed any more by who knew of that alone.
func TestForcedClosureAskedAnew(t *testing.T) {
	w := secondTown(t)
	w.chief.done(w.id, forceClose("Q"))
	w.q.sync()
	stale := w.q.do(w.id, forceClose("S"))
	w.chief.done(w.id, forceClose("R"))
	w.told(roundsv1.NoticeCode_NOTICE_CODE_REMINDER, w.id, "R", 0)
	if ticket := w.chief.inState(w.id, stateDone); !slices.Equal(ticket.GetApproverIds(), []string{uid("S")}) {
		t.Fatalf("%v", ticket)
	}
	w.q.sync()
	w.q.refused(stale, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	w.r.done(w.id, forceClose("S"))
	if ticket := w.chief.inState(w.id, stateClosed); !slices.Equal(ticket.GetApproverIds(), []string{uid("S"), uid("R")}) {
		t.Fatalf("%v", ticket)
	}
}
