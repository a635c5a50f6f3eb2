package server_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
)

// TestOneMalformedActStandsAlone: an act that breaks a rule of its schema is refused by itself, with the field and a sentence, and nothing of it stands
// anywhere; the acts before and behind it are done.
func TestOneMalformedActStandsAlone(t *testing.T) {
	w := start(t)
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	d := desk{w, t}
	named := func(title string) *roundsv1.DeskAct {
		act := creation(&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: title}}})
		act.ActId, act.Scope, act.RecordId = uuid.NewString(), string(w.site), uuid.Must(uuid.NewV7()).String()
		return act
	}
	but := func(change func(*roundsv1.DeskAct)) *roundsv1.DeskAct {
		act := named("x")
		change(act)
		return act
	}
	acts := []*roundsv1.DeskAct{named("first"),
		but(func(a *roundsv1.DeskAct) { a.ActId = "1" }),
		but(func(a *roundsv1.DeskAct) { a.ActId = "" }),
		but(func(a *roundsv1.DeskAct) { a.RecordId = strings.Repeat("9", 4000) }),
		but(func(a *roundsv1.DeskAct) { a.Act = nil }),
		named("second"),
		but(func(a *roundsv1.DeskAct) { a.Scope = "" }),
		but(func(a *roundsv1.DeskAct) { a.GetEdit().GetRecord().GetTicket().Title = strings.Repeat("x", 1025) }),
		but(func(a *roundsv1.DeskAct) { a.Act = &roundsv1.DeskAct_Command{Command: &roundsv1.Command{}} }),
		{},
		named("third")}
	wrong := map[int]string{1: "act_id", 2: "act_id", 3: "record_id", 4: "act", 6: "scope", 7: "edit.record.ticket.title", 8: "command", 9: "act"}
	seq, _ := d.stands(t)
	for name, options := range map[string][]connect.ClientOption{"binary": nil, "JSON": {connect.WithProtoJSON()}} {
		resp, err := roundsv1connect.NewWorkServiceClient(w.http, w.base, options...).Decide(t.Context(), as(w.device, &roundsv1.DecideRequest{Acts: acts}))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, got := range resp.Msg.GetResults() {
			field, isWrong := wrong[i]
			p := got.GetProblem()
			switch {
			case got.GetActId() != acts[i].GetActId():
				t.Errorf("%s: act %d is answered as %q", name, i, got.GetActId())
			case !isWrong && got.GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED:
				t.Errorf("%s: act %d: %v", name, i, got)
			case isWrong && (p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD || !strings.HasPrefix(p.GetField(), field) ||
				p.GetSentence().GetZh() == "" || p.GetSentence().GetEn() == ""):
				t.Errorf("%s: act %d: %v, want %s", name, i, got, field)
			}
		}
		if n := len(resp.Msg.GetResults()); n != len(acts) {
			t.Errorf("%s: %d results", name, n)
		}
	}
	now, records := d.stands(t)
	if now != seq+3 || len(records) != 3 { // the second call changed nothing
		t.Errorf("%d entries, %d records", now-seq, len(records))
	}
}
