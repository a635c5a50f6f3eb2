package engine_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TestActsThatWaitKeepTheirRoles: an act through the server that waits for its record is judged, when that appears, with the roles that were vouched for when it came;
// so is one that a person lets in. Access, which knows of no role, is not asked again.
func TestActsThatWaitKeepTheirRoles(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		manager := []roundsv1.Role{roundsv1.Role_ROLE_MANAGER}
		w.judge(func(c engine.Case) engine.Verdict {
			if c.Mutation.GetCommand().GetTicket() != nil && !slices.Equal(c.Roles, manager) {
				return engine.Verdict{Problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT}}
			}
			return rules{}.Judge(c)
		})
		worker, keeper := w.phone("worker"), w.phone("keeper")
		w.access.set(func(a *access) { a.until[keeper.person] = w.clock.Now().Add(-time.Hour) })
		waits := keeper.act([]engine.DeskAct{{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Base: 99, Command: start(), Roles: manager},
			{ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(1)), Base: 99, Fact: reading(4), Roles: manager}}, "QUARANTINED", "QUARANTINED")
		worker.do(site, id(1), create(&roundsv1.Ticket{Title: "pump"}))
		worker.sync()
		worker.sync()
		if got := worker.ticket(id(1)); got.GetState() != roundsv1.TicketState_TICKET_STATE_IN_PROGRESS || len(got.GetReadings()) != 1 {
			t.Fatalf("what waited for the record was not judged with its roles: %v", got)
		}
		for _, head := range w.audit(site) {
			if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED && !slices.Equal(head.GetRoles(), manager) {
				t.Errorf("journalled with %v", head.GetRoles())
			}
		}
		for _, o := range waits {
			if c := worker.record(site, o.GetConflictId()).GetRecord().GetConflict(); c.GetResolution() != "record appeared: applied" {
				t.Errorf("the question: %v", c)
			}
		}

		// A phone's mutation, whose roles nobody vouched for, is held against Access as ever.
		gone := w.phone("gone")
		seq := gone.do(site, id(2), start())
		gone.sync()
		w.access.set(func(a *access) { a.until[gone.person] = w.clock.Now().Add(-time.Hour) })
		worker.do(site, id(2), create(&roundsv1.Ticket{Title: "lift"}))
		worker.sync()
		worker.sync()
		if got := worker.ticket(id(2)); got.GetState() != roundsv1.TicketState_TICKET_STATE_NEW {
			t.Fatalf("%v: lane seq %d was let in without a right", got, seq)
		}
	})
}
