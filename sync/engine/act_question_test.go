package engine_test

import (
	"context"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

func TestQuestionsAreCompleted(t *testing.T) {
	w := newWorld(t, newMemory())
	panics := false
	w.open(func(c *engine.Config) {
		c.Question = func(c *roundsv1.Conflict, _ engine.Case) {
			if panics {
				panic("no")
			}
			c.OwnerRole, c.RemindUs = roundsv1.Role_ROLE_SUPERVISOR, c.GetOpenedTimeUs()+1
			c.Actions = []roundsv1.ConflictAction{roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT}
			c.Sides = []*roundsv1.Side{{PersonId: c.GetPersonId(), JournalSeq: c.GetJournalSeq()}}
			c.State, c.JournalSeq, c.Subject = roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, 0, nil
		}
	})
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t", ContactPhone: "1"}))
	a.sync()
	b.sync()
	a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "2"}, 15))
	a.do(site, id(2), reading(2))
	b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "3"}, 15))
	a.sync()
	b.sync()
	open := b.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN)
	for _, c := range open {
		if c.GetOwnerRole() != roundsv1.Role_ROLE_SUPERVISOR || c.GetRemindUs() != c.GetOpenedTimeUs()+1 || len(c.GetActions()) != 1 || len(c.GetSides()) != 1 ||
			c.GetSides()[0].GetPersonId() == "" || c.GetSubject() == nil || c.GetField() == 0 && c.GetJournalSeq() != c.GetSides()[0].GetJournalSeq() {
			t.Fatalf("%v", c)
		}
	}
	if len(open) != 2 {
		t.Fatalf("%d questions are open", len(open))
	}
	panics = true
	a.do(site, id(3), reading(3))
	a.sync()
	if got := a.status(4); got != "QUARANTINED" || len(a.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN)) != 3 {
		t.Fatalf("%s, %v", got, a.conflicts(roundsv1.ConflictState_CONFLICT_STATE_OPEN))
	}
	w.audit(site)
}

// A question that is asked again has nothing of its first life.
func TestAQuestionIsAskedAnew(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	ask := func() {
		a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "2"}, 15))
		b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "3"}, 15))
		a.sync()
		b.sync()
		a.sync()
	}
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t", ContactPhone: "1"}))
	a.sync()
	b.sync()
	ask()
	var question string
	for id, change := range a.replicas[site] {
		if change.GetRecord().GetConflict() != nil {
			question = id
		}
	}
	decided := &roundsv1.Conflict{OwnerId: string(b.person), Decision: roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD, DecisionReason: "called", Reminders: 3, RemindUs: 7}
	if err := w.Write(context.Background(), site, writes(engine.Derived{RecordID: merge.RecordID(question), Edit: &roundsv1.Edit{Fields: []uint32{14, 15, 43, 44, 45},
		Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: decided}}}})); err != nil {
		t.Fatal(err)
	}
	a.sync()
	a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "4"}, 15)) // answers it
	a.sync()
	b.sync()
	ask()
	got := a.record(site, question).GetRecord().GetConflict()
	if got.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || got.GetOwnerId() != "" || got.GetDecision() != 0 || got.GetDecisionReason() != "" || got.GetReminders() != 0 ||
		got.GetRemindUs() != 0 {
		t.Fatalf("%v", got)
	}
}
