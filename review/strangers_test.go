package review_test

import (
	"context"
	"errors"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TestNamesOfStrangers: who is not in the site's list of staff is named by their account, in stories, lists, queues and questions; the list goes first.
func TestNamesOfStrangers(t *testing.T) {
	fault := error(nil)
	w := newWorld(t, func(c *review.Config) {
		c.Person = func(_ context.Context, scope store.Scope, person engine.PersonID) (string, error) {
			if scope == site && (string(person) == uid("chief") || string(person) == uid("X")) {
				return "周总监", fault
			}
			return "", fault
		}
	})
	chief := w.person("chief", manager)
	w.write(site, made(uid("X"), staff("鲍清")))
	w.write(site, made(uid("t"), ticket(&roundsv1.Ticket{Title: "leak", State: pending, Round: 1, AssigneeId: uid("X"), ReporterId: uid("chief"), CrewIds: []string{uid("nobody")}})))
	w.write(site, made(uid("q"), conflict(&roundsv1.Conflict{Subject: of("ticket", uid("t")), State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, OwnerId: uid("chief"),
		Type: roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, Sides: []*roundsv1.Side{{PersonId: uid("chief")}}})))
	w.act(chief, site, engine.DeskAct{RecordID: merge.RecordID(uid("c")), Fact: &roundsv1.Fact{Record: comment(&roundsv1.Comment{Subject: of("ticket", uid("t")), Words: "look"})}})

	list, err := w.service.ListTickets(t.Context(), chief, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}})
	if err != nil {
		t.Fatal(err)
	}
	if n := list.GetNames(); n[uid("chief")].GetZh() != "周总监" || n[uid("X")].GetZh() != "鲍清" || n[uid("nobody")] != nil {
		t.Errorf("a list: %v", n)
	}
	_, names := w.queue(chief, 10)
	if names[uid("chief")].GetEn() != "周总监" {
		t.Errorf("the review queue: %v", names)
	}
	inbox, err := w.service.Inbox(t.Context(), chief, &roundsv1.InboxRequest{Scopes: []string{string(site)}})
	if err != nil || len(inbox.GetItems()) != 1 || inbox.GetNames()[uid("chief")].GetZh() != "周总监" || inbox.GetItems()[0].GetSides()[0].GetPerson().GetZh() != "周总监" {
		t.Errorf("questions: %v, %v", inbox, err)
	}
	told := ""
	for _, e := range w.story(chief, &roundsv1.StoryRequest{Record: of("ticket", uid("t"))}) {
		told += e.GetSentence().GetZh() + "\n"
	}
	if !contains(told, "周总监 添加备注") {
		t.Errorf("the story: %s", told)
	}
	fault = errors.New("no disk")
	_, err = w.service.ListTickets(t.Context(), chief, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}})
	if own := (*engine.Error)(nil); !errors.As(err, &own) || own.Kind != engine.Internal {
		t.Errorf("a directory that cannot be read: %v", err)
	}
}
