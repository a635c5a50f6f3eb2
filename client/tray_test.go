package client_test

import (
	"errors"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func rejectNotes(words string) func(client.Scope, *roundsv1.Mutation) *roundsv1.Outcome {
	return func(_ client.Scope, m *roundsv1.Mutation) *roundsv1.Outcome {
		if m.GetEdit().GetRecord().GetTicket().GetNotes() == words {
			return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED,
				Problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, Sentence: &roundsv1.Text{En: "not you"}}}
		}
		return nil
	}
}

func TestTrayRejectedIsMendedOrDiscarded(t *testing.T) {
	s := newServer(t)
	s.judge = rejectNotes("bad")
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	notes := func(words string) {
		t.Helper()
		if _, err := d.Edit(t.Context(), site, id1, ticket(&roundsv1.Ticket{Notes: words}), "notes"); err != nil {
			t.Fatal(err)
		}
	}
	notes("bad")
	notes("bad")
	if got := d.get(site, id1).Record.GetTicket().GetNotes(); got != "bad" {
		t.Fatalf("pending notes are %q", got)
	}
	d.sync()
	if got := d.get(site, id1).Record.GetTicket().GetNotes(); got != "" {
		t.Fatalf("notes that were refused are still shown: %q", got)
	}
	items := d.tray()
	if len(items) != 2 || items[0].Outcome.GetProblem().GetSentence().GetEn() != "not you" || items[0].ID != id1 || items[0].Kind != "ticket" {
		t.Fatalf("tray %+v", items)
	}
	mended := items[0].Mutation
	mended.GetEdit().GetRecord().GetTicket().Notes = "good"
	if _, err := d.Resend(t.Context(), items[0].Key, mended); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Resend(t.Context(), items[0].Key, mended); !errors.Is(err, client.ErrNotInTray) {
		t.Fatalf("sent twice: %v", err)
	}
	if err := d.Discard(t.Context(), items[1].Key); err != nil {
		t.Fatal(err)
	}
	if err := d.Discard(t.Context(), items[1].Key); !errors.Is(err, client.ErrNotInTray) {
		t.Fatalf("discarded twice: %v", err)
	}
	d.sync()
	if got := d.get(site, id1).Record.GetTicket().GetNotes(); got != "good" || len(d.tray()) != 0 {
		t.Fatalf("notes %q, tray %+v", got, d.tray())
	}
	d.wantExactlyOnce()
}

// What waits closes by itself when its conflict was decided, whichever comes first, the outcome or the decision.
func TestTrayWaitingClosesWithItsConflict(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	// A fact on a record that is not there: the server keeps it until it is.
	reading := ticket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: string(id2), Quantity: "pressure", Value: 3, Unit: "bar"}}})
	if _, err := d.Fact(t.Context(), site, id1, reading); err != nil {
		t.Fatal(err)
	}
	if report := d.sync(); report.Quarantined != 1 {
		t.Fatalf("report %+v", report)
	}
	items := d.tray()
	if len(items) != 1 || items[0].Status != client.TrayWaiting {
		t.Fatalf("tray %+v", items)
	}
	s.write(site, client.RecordID(items[0].Outcome.GetConflictId()), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{
		Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: "admitted"}}})
	d.sync()
	items = d.tray()
	if len(items) != 1 || items[0].Status != client.TrayClosed || items[0].Resolution != "admitted" {
		t.Fatalf("tray %+v", items)
	}
}

// Commands show what they will do where the app can foresee it, and count as pending where not.
func TestForesee(t *testing.T) {
	start := &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{
		Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}}}
	for _, foreseen := range []bool{false, true} {
		s := newServer(t)
		d := newRig(t, s, 1)
		if foreseen {
			d.cfg.Foresee = func(*roundsv1.Change, *roundsv1.Mutation) *roundsv1.Edit { return startEffect() }
		}
		d.open(d.disk)
		d.create(site, id1, "lamp")
		d.sync()
		if _, err := d.Command(t.Context(), site, id1, start); err != nil {
			t.Fatal(err)
		}
		v := d.get(site, id1)
		if running := v.Record.GetTicket().GetState() == roundsv1.TicketState_TICKET_STATE_IN_PROGRESS; running != foreseen || v.Pending != 1 {
			t.Fatalf("foreseen %v: %+v", foreseen, v)
		}
		d.sync()
		if v = d.get(site, id1); v.Record.GetTicket().GetState() != roundsv1.TicketState_TICKET_STATE_IN_PROGRESS || v.Pending != 0 {
			t.Fatalf("after the sync: %+v", v)
		}
	}
}

func TestListShowsWhatIsQueuedToo(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	want := map[client.RecordID]bool{}
	for i := range 300 {
		id := client.DerivedID(id1, string(rune('a'+i%26)), string(rune('a'+i/26)))
		want[id] = true
		if i%3 == 0 {
			s.write(site, id, ticket(&roundsv1.Ticket{Title: "from the server"}))
		}
	}
	d.sync()
	for id := range want {
		if _, err := d.Get(t.Context(), site, "ticket", id); errors.Is(err, client.ErrNoRecord) {
			d.create(site, id, "queued")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	last := client.RecordID("")
	for v, err := range d.List(t.Context(), site, "ticket") {
		if err != nil {
			t.Fatal(err)
		}
		if v.ID <= last || !want[v.ID] {
			t.Fatalf("%s after %s", v.ID, last)
		}
		last = v.ID
		delete(want, v.ID)
		d.edit(site, v.ID, "inside the loop")
	}
	if len(want) != 0 {
		t.Fatalf("%d records were not listed", len(want))
	}
}
