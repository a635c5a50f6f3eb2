package client_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

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
	_, err = d.Edit(t.Context(), site, id1, ticket(&roundsv1.Ticket{Tags: []string{"fine", "bad\xff"}}), "tags")
	if !errors.As(err, &refused) || refused.Problem.GetField() != "edit.record.ticket.tags" || refused.Problem.GetSentence().GetZh() == "" {
		t.Fatalf("a text that nobody can read: %v", err)
	}
	if got := d.status(site).Queued; got != 1 {
		t.Fatalf("%d queued, want the creation only", got)
	}
}

// A mutation carries what the person was looking at: the record as of the last pull, or the view that was named.
func TestBaseIsWhatThePersonSaw(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	s.write(site, id1, ticket(&roundsv1.Ticket{Title: "first"}))
	d.sync()
	seen := d.get(site, id1)
	s.write(site, id1, ticket(&roundsv1.Ticket{Title: "second"}))
	d.sync()
	now := d.get(site, id1)
	d.edit(site, id1, "on top of the second")
	edit := &roundsv1.Mutation{RecordId: string(id1), Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{
		Record: ticket(&roundsv1.Ticket{Notes: "on top of the first"}), Fields: []uint32{14}}}}
	if _, err := d.Do(t.Context(), site, edit, client.Seen(seen)); err != nil {
		t.Fatal(err)
	}
	d.create(site, id2, "new")
	d.sync()
	me, _ := d.Identity()
	want := []struct {
		base uint64
		us   int64
	}{{now.Version, now.Change.GetTimeUs()}, {seen.Version, seen.Change.GetTimeUs()}, {0, 0}}
	for i, content := range s.scope(site).lane(me.Device).contents {
		m := new(roundsv1.Mutation)
		if err := proto.Unmarshal(content, m); err != nil {
			t.Fatal(err)
		}
		if m.GetBase() != want[i].base || m.GetBaseTimeUs() != want[i].us || m.GetClock().GetBootId() == "" {
			t.Errorf("mutation %d has base %d at %d, want %+v", i, m.GetBase(), m.GetBaseTimeUs(), want[i])
		}
	}
}

// What was refused is not shown any more as soon as that is known, also while the pull is not complete.
func TestRejectedIsTakenFromTheTopAtOnce(t *testing.T) {
	s := newServer(t)
	s.judge = rejectNotes("bad")
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	s.pageBytes = 100
	for i := range 10 {
		s.write(site, client.DerivedID(id2, string(rune('a'+i))), ticket(&roundsv1.Ticket{Title: "one for each page of the pull"}))
	}
	if _, err := d.Edit(t.Context(), site, id1, ticket(&roundsv1.Ticket{Notes: "bad"}), "notes"); err != nil {
		t.Fatal(err)
	}
	s.before = func(n int) error {
		if n > 2 {
			return errCut
		}
		return nil
	}
	if _, err := d.Sync(t.Context()); err == nil {
		t.Fatal("the pull was to be cut")
	}
	if v := d.get(site, id1); v.Record.GetTicket().GetNotes() != "" || v.Pending != 0 {
		t.Fatalf("still shown: %+v", v)
	}
}
