package client_test

import (
	"errors"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func TestOneRoundTripPushesAndPulls(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	s.write(site, id2, ticket(&roundsv1.Ticket{Title: "from the desk"}))
	d.create(site, id1, "lamp")
	d.edit(site, id1, "lamp out")
	d.wantTitle(site, id1, "lamp out")
	report := d.sync()
	if report.Exchanges != 1 || report.Sent != 2 || report.Applied != 2 {
		t.Fatalf("report %+v", report)
	}
	d.wantTitle(site, id1, "lamp out")
	d.wantTitle(site, id2, "from the desk")
	d.wantSame(site)
	if v := d.get(site, id1); v.Pending != 0 || v.Version == 0 {
		t.Fatalf("after the pull: %+v", v)
	}
	if report := d.sync(); report.Exchanges != 1 || report.Sent != 0 || report.Changed != 0 {
		t.Fatalf("nothing new: %+v", report)
	}
}

func TestDoRefusesWhatCanNeverBeAccepted(t *testing.T) {
	d := newRig(t, newServer(t), 1)
	d.create(site, id1, "lamp")
	_, err := d.Edit(t.Context(), site, id1, ticket(&roundsv1.Ticket{CustomerWords: "other"}), "customer_words")
	var refused *client.ProblemError
	if !errors.As(err, &refused) || refused.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FIXED {
		t.Fatalf("a fixed field: %v", err)
	}
	_, err = d.Edit(t.Context(), site, id1, ticket(&roundsv1.Ticket{}), "state")
	if !errors.As(err, &refused) || refused.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_FIELD_WORKFLOW {
		t.Fatalf("a workflow field: %v", err)
	}
	if _, err = d.Edit(t.Context(), site, id1, ticket(&roundsv1.Ticket{}), "no_such"); !errors.As(err, &refused) {
		t.Fatalf("a field that is not there: %v", err)
	}
	if got := d.status(site).Queued; got != 1 {
		t.Fatalf("%d queued, want the creation only", got)
	}
}
