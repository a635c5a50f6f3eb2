package review_test

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestStoryOfWhatWaits: what somebody without the right adds to a ticket is told in its story: that it waits; who let it in; who left it out, and why. So are photos and
// remarks, of which there is no record until somebody lets them in. Who decides sees what it is.
func TestStoryOfWhatWaits(t *testing.T) {
	w := newWorld(t)
	boss, auditor := w.person("boss", manager), w.person("auditor", roundsv1.Role_ROLE_AUDITOR)
	id := uid("t")
	w.write(site, made(uid("boss"), staff("陈经理")), made(uid("auditor"), staff("鲍清")), made(id, ticket(&roundsv1.Ticket{Title: "leak"})))
	waits := func(record string, what *roundsv1.Record) string {
		t.Helper()
		o := w.act(auditor, site, engine.DeskAct{RecordID: merge.RecordID(record), Fact: &roundsv1.Fact{Record: what}})
		if o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED {
			t.Fatalf("it does not wait: %v", o)
		}
		return o.GetConflictId()
	}
	decide := func(question string, c *roundsv1.ConflictCommand) {
		t.Helper()
		q, err := w.engine.Record(t.Context(), site, "conflict", merge.RecordID(question))
		if err != nil {
			t.Fatal(err)
		}
		if o := w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(question), Base: journal.Seq(q.GetVersion()), Command: &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: c}}}); o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			t.Fatalf("not decided: %v", o)
		}
	}
	told := func() (all []string) {
		for _, e := range w.story(boss, &roundsv1.StoryRequest{Record: of("ticket", id)}) {
			if e.GetRecord().GetKind() != "conflict" {
				all = append(all, e.GetSentence().GetEn()+" / "+e.GetSentence().GetZh())
			}
		}
		return all
	}
	expect := func(when string, wants ...string) {
		t.Helper()
		all := strings.Join(told(), "\n")
		for _, want := range wants {
			if strings.Count(all, want) != 1 {
				t.Errorf("%s the story has %q not once:\n%s", when, want, all)
			}
		}
	}
	shot := waits(uid("photo"), photo(&roundsv1.Photo{Subject: of("ticket", id), Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Round: 1}))
	said := waits(uid("remark"), comment(&roundsv1.Comment{Subject: of("ticket", id), Words: "look"}))
	measured := waits(id, ticket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: uid("reading"), Quantity: "pressure", Value: 3.2, Unit: "bar"}}}))
	expect("before anybody decided", "鲍清 added a photo (waits for a person", "鲍清 added a remark (waits for a person", "鲍清 added readings (pressure 3.2 bar) (waits for a person: Whoever sent this had no right to at that time", "鲍清 添加照片（等待人工处理")

	resp, err := w.service.Inbox(t.Context(), boss, &roundsv1.InboxRequest{Scopes: []string{string(site)}})
	if err != nil || len(resp.GetItems()) != 3 {
		t.Fatalf("%v, %v", resp, err)
	}
	for i, want := range []string{"A photo of the finished work, round 1", "A remark: “look”.", "A reading of pressure: 3.2 bar."} {
		item := resp.GetItems()[i]
		sides := item.GetSides()
		if len(sides) != 2 || item.GetSubjectTitle() != "leak" || !strings.HasPrefix(sides[1].GetSide().GetSentence().GetEn(), want) || sides[1].GetPerson().GetZh() != "鲍清" {
			t.Errorf("who decides is told %v, not %q", item, want)
		}
	}

	decide(shot, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "of another place"}}})
	decide(said, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}})
	expect("then", "鲍清 added a photo (waited for a person; left out by 陈经理: of another place)", "鲍清 added a remark (waited for a person; let in by 陈经理)",
		"陈经理 let in what had waited from 鲍清", "鲍清 added readings (pressure 3.2 bar) (waits for a person", "陈经理 采纳 鲍清 提交的内容", "未采纳，陈经理")
	decide(measured, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}})
	if all := strings.Join(told(), "\n"); strings.Contains(all, "waits for a person") || strings.Count(all, "陈经理 let in what had waited from 鲍清") != 2 {
		t.Errorf("in the end:\n%s", all)
	}
	alone := w.story(boss, &roundsv1.StoryRequest{Record: of("ticket", id), RecordAlone: true})
	for _, e := range alone {
		if e.GetRecord().GetKind() != "ticket" {
			t.Errorf("the ticket alone tells of %v", e.GetRecord())
		}
	}
}
