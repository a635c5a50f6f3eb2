package server_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// A server makes the rounds of a plan by itself and notices a missed deadline, one that was missed while it was down too, and counts both.
func TestScheduleRuns(t *testing.T) {
	w := start(t)
	now := w.clock.Now()
	plan, ticket := "0199c0de-0000-7000-8000-00000000d001", "0199c0de-0000-7000-8000-00000000d002"
	began := now.UTC().Truncate(time.Hour).Add(time.Hour)
	putRecords(t, w, map[string]*roundsv1.Record{
		plan: {Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{Recurrence: "DTSTART:" + began.Add(8*time.Hour).Format("20060102T150405"), WindowUs: time.Hour.Microseconds()}}},
		ticket: {Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_NEW, Round: 1,
			Deadlines: []*roundsv1.Deadline{{Step: roundsv1.Step_STEP_RESPOND, Round: 1, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN, DueUs: now.Add(-time.Hour).UnixMicro()}}}}},
	})
	round := untilRecord(t, w, "inspection", string(schedule.RoundID(merge.RecordID(plan), began.UnixMicro())), func(r *roundsv1.Record) bool { return r.GetInspection() != nil })
	if round.GetInspection().GetState() != roundsv1.InspectionState_INSPECTION_STATE_RELEASED {
		t.Errorf("%v", round)
	}
	late := untilRecord(t, w, "ticket", ticket, func(r *roundsv1.Record) bool { return r.GetTicket().GetDeadlines()[0].GetBreachedUs() != 0 })
	if late.GetTicket().GetEscalationLevel() != 1 {
		t.Errorf("%v", late)
	}
	wants := []string{`rounds_deadlines_breached_total{step="respond"} 1`, `rounds_inspections_scheduled_total{what="made"} 1`, "rounds_escalations_total 1",
		"rounds_schedule_scopes_waiting 1", "rounds_schedule_failures_total 0"}
	eventually(t, "metrics", func() bool {
		resp, err := http.Get("http://" + w.AdminAddr().String() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(string(text), want+"\n") })
	})
}

// A restart loses no timer: what became due while the server was down is noticed when it is up again, and what is due later is noticed then.
func TestARestartLosesNoTimer(t *testing.T) {
	w := start(t)
	down, later := "0199c0de-0000-7000-8000-00000000d003", "0199c0de-0000-7000-8000-00000000d004"
	open := func(after time.Duration) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_NEW, Round: 1,
			Deadlines: []*roundsv1.Deadline{{Step: roundsv1.Step_STEP_RESPOND, Round: 1, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN,
				DueUs: w.clock.Now().Add(after).UnixMicro()}}}}}
	}
	putRecords(t, w, map[string]*roundsv1.Record{down: open(20 * time.Minute), later: open(2 * time.Hour)})
	breached := func(id string) bool {
		change, err := w.Engine().Record(t.Context(), w.site, "ticket", merge.RecordID(id))
		if err != nil {
			t.Fatal(err)
		}
		return change.GetRecord().GetTicket().GetDeadlines()[0].GetState() == roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := func() {
		t.Helper()
		cfg := base(t)
		cfg.Data, cfg.Inject.Store, cfg.Inject.Now = w.data, w.store, w.clock.Now
		var err error
		if w.Server, err = server.Start(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.add(time.Hour)
	again()
	eventually(t, "the deadline that passed while the server was down", func() bool { return breached(down) })
	if breached(later) {
		t.Error("a deadline counts as passed an hour before it is")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.clock.add(2 * time.Hour)
	again()
	eventually(t, "the later deadline", func() bool { return breached(later) })
}

// A site that asks for it has its tickets given out, by the rules and with the reason in the journal; who gave it is no person.
func TestTicketsAreGivenOut(t *testing.T) {
	w := start(t)
	for _, req := range company()[:6] {
		w.enter(w.device, req)
	}
	w.enter(w.device, table(staff, "code,name,site,role,line,skills", "E1,王建国,S1,worker,engineering,lift", "E2,李秀英,S1,manager,engineering,lift", "E3,张志强,S1,worker,cleaning,"))
	w.enter(w.device, table(policies, "node,key,value", "S1,dispatch.automatic,true"))
	site := w.siteOf("S1")
	people := w.list(w.node("S1"), "staff")
	ticket := "0199c0de-0000-7000-8000-00000000d005"
	err := w.Engine().Write(t.Context(), site, func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(ticket), Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{
			State: roundsv1.TicketState_TICKET_STATE_TRIAGED, Round: 1, CategoryId: w.list(w.node("S1"), "category")["ENG-01"].GetRecordId(),
			ReportedTimeUs: w.clock.Now().UnixMicro()}}}}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var given *roundsv1.Ticket
	eventually(t, "the ticket is given out", func() bool {
		change, err := w.Engine().Record(t.Context(), site, "ticket", merge.RecordID(ticket))
		if err != nil {
			t.Fatal(err)
		}
		given = change.GetRecord().GetTicket()
		return given.GetState() == roundsv1.TicketState_TICKET_STATE_DISPATCHED
	})
	if given.GetAssigneeId() != people["E1"].GetRecordId() || given.GetAssignEpoch() != 1 {
		t.Errorf("given to %q", given.GetAssigneeId())
	}
}

// putRecords writes records as the server.
func putRecords(t *testing.T, w *world, records map[string]*roundsv1.Record) {
	t.Helper()
	err := w.Engine().Write(t.Context(), w.site, func(engine.View) (list []engine.Derived, _ error) {
		for id, record := range records {
			list = append(list, engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: record}})
		}
		return list, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// untilRecord waits until a record is as it should be.
func untilRecord(t *testing.T, w *world, kind merge.Kind, id string, is func(*roundsv1.Record) bool) *roundsv1.Record {
	t.Helper()
	var found *roundsv1.Record
	eventually(t, string(kind)+" "+id, func() bool {
		change, err := w.Engine().Record(t.Context(), w.site, kind, merge.RecordID(id))
		if err != nil {
			t.Fatal(err)
		}
		found = change.GetRecord()
		return found != nil && is(found)
	})
	return found
}

// patience is how long the server may take for what it does in its own time, on a machine that has much else to do. It only ends a test that would never end.
const patience = 2 * time.Minute

// eventually asks again and again until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not as it should be", what)
		case <-tick.C:
		}
	}
}
