package client_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store"
)

// away lets a person lose the right to the site with three facts that wait and a command that was refused, in the same exchange that tells of it. It returns the
// questions of the facts.
func away(t *testing.T, s *server, d *rig, how roundsv1.Revocation) (questions []client.RecordID) {
	t.Helper()
	d.create(site, id1, "lamp")
	d.sync()
	s.judge = func(_ client.Scope, m *roundsv1.Mutation) *roundsv1.Outcome {
		why := &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, Sentence: &roundsv1.Text{Zh: "水泵房", En: "the secret pump room"}}
		if m.GetFact() == nil {
			return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED, Problem: why}
		}
		id := s.openConflict(s.scope(site))
		questions = append(questions, client.RecordID(id))
		return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED, Problem: why, ConflictId: id}
	}
	s.denied[site] = how
	for n := range 3 {
		reading := ticket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: string(client.DerivedID(id2, string(rune('a'+n)))), Quantity: "the secret pump room", Unit: "bar"}}})
		if _, err := d.Fact(t.Context(), site, id1, reading); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Command(t.Context(), site, id1, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{
		Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: "the secret pump room"}}}}}); err != nil {
		t.Fatal(err)
	}
	if report := d.sync(); report.Quarantined != 3 && how == roundsv1.Revocation_REVOCATION_GRACEFUL {
		t.Fatalf("report %+v", report)
	}
	if len(d.tray()) != 0 {
		t.Fatalf("the scope is gone, its tray is not: %+v", d.tray())
	}
	s.judge = nil
	return questions
}

// TestTrayComesBackWithTheScope: who lost the right to a site and gets it back finds what waits, what became of it, and what was refused, also after a restart; what was
// said stays gone from the device meanwhile, and after.
func TestTrayComesBackWithTheScope(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	questions := away(t, s, d, roundsv1.Revocation_REVOCATION_GRACEFUL)
	wantNothingSaid(t, d)
	resolve := func(id client.RecordID, how string) {
		s.write(site, id, &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: how}}})
	}
	resolve(questions[0], "admitted")
	delete(s.scope(site).records, "conflict/"+string(questions[1])) // decided, and left the working set since
	d.open(d.disk)
	delete(s.denied, site)
	d.sync()
	items := d.tray()
	var got []client.TrayStatus
	for _, item := range items {
		got = append(got, item.Status)
		if item.ID != id1 || item.Kind != "ticket" || item.Outcome.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT ||
			item.Outcome.GetProblem().GetSentence().GetZh() == "" || item.Outcome.GetProblem().GetSentence().GetEn() == "" {
			t.Errorf("%+v", item)
		}
	}
	if want := []client.TrayStatus{client.TrayClosed, client.TrayClosed, client.TrayWaiting, client.TrayForgotten}; !slices.Equal(got, want) || items[0].Resolution != "admitted" {
		t.Fatalf("tray holds %v, want %v", got, want)
	}
	if items[3].Mutation.GetCommand().GetTicket().GetPause() == nil || items[0].Mutation.GetFact().GetRecord().GetTicket() == nil {
		t.Errorf("which acts: %v, %v", items[3].Mutation, items[0].Mutation)
	}
	wantNothingSaid(t, d)
	if _, err := d.Resend(t.Context(), items[3].Key, nil); !errors.Is(err, client.ErrNotInTray) {
		t.Errorf("what says nothing is sent again: %v", err)
	}
	resolve(questions[2], "dismissed")
	d.sync()
	if items = d.tray(); items[2].Status != client.TrayClosed || items[2].Resolution != "dismissed" {
		t.Errorf("decided later: %+v", items[2])
	}
	for _, item := range items {
		if err := d.Discard(t.Context(), item.Key); err != nil {
			t.Fatal(err)
		}
	}
	d.open(d.disk)
	d.sync()
	if len(d.tray()) != 0 {
		t.Errorf("discarded, and back: %+v", d.tray())
	}
}

// TestTrayOfALostPhoneIsGone: of a scope that was given up at once nothing is remembered, and another person on the same phone gets nobody's tray.
func TestTrayOfALostPhoneIsGone(t *testing.T) {
	for _, how := range []roundsv1.Revocation{roundsv1.Revocation_REVOCATION_IMMEDIATE, roundsv1.Revocation_REVOCATION_GRACEFUL} {
		s := newServer(t)
		d := newRig(t, s, 1)
		away(t, s, d, how)
		if how == roundsv1.Revocation_REVOCATION_GRACEFUL {
			next := identity(t, 2)
			s.keys[next.Device] = next.Key.Public().(ed25519.PublicKey)
			if err := d.Reenrol(t.Context(), next); err != nil {
				t.Fatal(err)
			}
		}
		delete(s.denied, site)
		d.sync()
		if len(d.tray()) != 0 {
			t.Errorf("%v: %+v", how, d.tray())
		}
	}
}

// wantNothingSaid: nothing of what was written stands anywhere on the device.
func wantNothingSaid(t *testing.T, d *rig) {
	t.Helper()
	scopes, err := d.disk.Scopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		if err := d.disk.View(t.Context(), scope, func(r store.Reader) error {
			for entry, err := range r.Scan(store.Span{}) {
				if err != nil {
					return err
				}
				said := slices.Clone(entry.Value)
				for _, text := range strings.Split(string(entry.Value), `"`) { // what JSON holds of messages
					if message, err := base64.StdEncoding.DecodeString(text); err == nil {
						said = append(said, message...)
					}
				}
				if bytes.Contains(said, []byte("secret")) || bytes.Contains(said, []byte("水泵房")) {
					t.Errorf("key %q of %q says it", entry.Key, scope)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
