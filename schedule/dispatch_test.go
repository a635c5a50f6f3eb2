package schedule_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// givesOut makes a worker that gives out tickets as a server does. Whoever's name begins with "boss" may not be given any.
func (w *world) givesOut(fail func() error) {
	w.t.Helper()
	cfg := w.config()
	boss := engine.PersonID(uid("boss"))
	cfg.MayWork = func(person engine.PersonID, _ store.Scope, _ time.Time) bool { return person != boss }
	cfg.Dispatch = func(ctx context.Context, to schedule.Giving) (bool, error) {
		if fail != nil {
			if err := fail(); err != nil {
				return false, err
			}
		}
		outcomes, err := w.engine.Act(ctx, engine.Caller{Person: work.Dispatcher, Device: work.Dispatcher}, to.Scope, []engine.DeskAct{{
			ID: engine.ActID(uid(to.Ticket + string(to.Person) + to.Reason)), RecordID: merge.RecordID(to.Ticket), Base: to.Version, Roles: []roundsv1.Role{roundsv1.Role_ROLE_DISPATCHER},
			Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{
				Dispatch: &roundsv1.TicketDispatch{AssigneeId: string(to.Person), Reason: to.Reason}}}}}}})
		if err != nil {
			return false, err
		}
		return outcomes[0].GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, nil
	}
	var err error
	if w.worker, err = schedule.New(cfg); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) automatic() {
	w.ref.set(w.t, site, map[string]string{"dispatch.automatic": "true"})
}

func (w *world) hire(name string, skills ...string) {
	w.put(site, uid(name), &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: name,
		Line: roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING, Skills: skills}}})
}

// triage makes a ticket whose category is known.
func (w *world) triage(id, skill string) {
	w.report(id, func(t *roundsv1.Ticket) {
		t.State, t.CategoryId = roundsv1.TicketState_TICKET_STATE_TRIAGED, uid("lamps")
		t.Requirements.Skill = skill
		t.Moves = append(t.Moves, &roundsv1.Move{State: t.State, TimeUs: w.clock().UnixMicro(), Round: 1, Exact: true})
	})
}

// The server gives tickets to whoever has the fewest, by a dispatch that stands in the journal with its reason; the person is told as by a dispatcher.
func TestTicketsAreGivenOut(t *testing.T) {
	w := newWorld(t)
	w.automatic()
	w.givesOut(nil)
	w.hire("ann", "electric")
	w.hire("bob", "electric", "lift")
	w.hire("boss", "electric", "lift")
	for _, id := range []string{"a", "b", "c", "d"} {
		w.triage(id, "electric")
	}
	w.tick()
	had := map[string]int{}
	for _, id := range []string{"a", "b", "c", "d"} {
		given := w.ticket(uid(id))
		had[given.GetAssigneeId()]++
		if given.GetState() != roundsv1.TicketState_TICKET_STATE_DISPATCHED || given.GetAssignEpoch() != 1 {
			t.Errorf("%s: %v", id, given)
		}
	}
	if had[uid("ann")] != 2 || had[uid("bob")] != 2 {
		t.Errorf("given to %v", had)
	}
	w.triage("e", "lift")
	w.tick()
	if to := w.ticket(uid("e")).GetAssigneeId(); to != uid("bob") {
		t.Errorf("a lift given to %s", to)
	}
	told := slices.DeleteFunc(w.notices(), func(n string) bool { return !strings.HasPrefix(n, "ASSIGNED") })
	if len(told) != 5 || w.worker.Stats().Dispatched != 5 {
		t.Errorf("%v, %+v", told, w.worker.Stats())
	}
	reason := ""
	for entry, err := range w.engine.History(context.Background(), site, "ticket", merge.RecordID(uid("e")), engine.HistorySpan{}) {
		if err != nil {
			t.Fatal(err)
		}
		if entry.Head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DESK && entry.Head.GetPersonId() == work.Dispatcher {
			reason = string(entry.Content)
		}
	}
	if !strings.Contains(reason, "with 2 open tickets") {
		t.Errorf("the journal says %q", reason)
	}
}

// Where nobody fits, the foreman is told once, and the ticket is given out when somebody comes; a failure is tried again; a site that did not ask for it is left alone.
func TestNobodyToGiveATicketTo(t *testing.T) {
	w := newWorld(t)
	var down error
	w.givesOut(func() error { return down })
	w.hire("ann", "electric")
	w.triage("left alone", "electric")
	w.tick()
	if s := w.ticket(uid("left alone")).GetState(); s != roundsv1.TicketState_TICKET_STATE_TRIAGED {
		t.Errorf("it was given out although the site has not asked for it: %v", s)
	}
	w.automatic()
	w.triage("lift", "lift")
	for range 5 {
		w.pass(2 * time.Minute).tick()
	}
	if s := w.ticket(uid("left alone")).GetState(); s != roundsv1.TicketState_TICKET_STATE_DISPATCHED {
		t.Errorf("%v", s)
	}
	told := slices.DeleteFunc(w.notices(), func(n string) bool { return n != "UNASSIGNED foreman" })
	if s := w.ticket(uid("lift")).GetState(); s != roundsv1.TicketState_TICKET_STATE_TRIAGED || len(told) != 1 {
		t.Errorf("%v, told %v", s, told)
	}
	down = errors.New("the disk is slow")
	w.hire("bob", "lift")
	w.pass(2 * time.Hour)
	if err := w.worker.Tick(context.Background()); err == nil {
		t.Error("nothing was said of the failure")
	}
	down = nil
	w.pass(2 * time.Hour).tick()
	if to := w.ticket(uid("lift")).GetAssigneeId(); to != uid("bob") {
		t.Errorf("given to %q", to)
	}
}

// A crew that cannot be read keeps no ticket waiting for longer than it has to: it is read again soon, by itself.
func TestACrewThatCannotBeReadIsReadAgain(t *testing.T) {
	w := newWorld(t)
	w.automatic()
	w.givesOut(nil)
	w.hire("ann", "electric")
	w.triage("lamp", "electric")
	failing := func(_ store.Scope, what string) error {
		if what == "read "+uid("ann") {
			return errors.New("the record is damaged")
		}
		return nil
	}
	w.records.fail.Store(&failing)
	if err := w.worker.Tick(context.Background()); err == nil {
		t.Error("nothing was said of the failure")
	}
	if next := w.worker.Next(); next.IsZero() || next.After(w.clock().Add(time.Minute)) {
		t.Errorf("it is read again at %v", next)
	}
	w.records.fail.Store(nil)
	w.pass(time.Minute).tick()
	if to := w.ticket(uid("lamp")).GetAssigneeId(); to != uid("ann") {
		t.Errorf("given to %q", to)
	}
}
