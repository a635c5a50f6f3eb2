package review_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/policy"
)

// TestStoryTellsWhatWasReplaced: a command's entry says where the ticket stood and who had it before; one of the server says nothing of what only the rules know.
func TestStoryTellsWhatWasReplaced(t *testing.T) {
	w := newWorld(t, func(c *review.Config) {
		c.Policy = func(store.Scope) policy.Policy {
			return policy.Policy{PauseReasons: []policy.PauseReason{{Code: "tools", Words: &roundsv1.Text{Zh: "等工具", En: "waiting for tools"}}}}
		}
	})
	boss := w.person("boss", manager, supervisor)
	x, y := w.person("X", worker), w.person("Y", worker)
	for _, name := range []string{"X", "Y"} {
		w.write(site, made(uid(name), &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: "name of " + name}}}))
	}
	id := uid("t")
	act := func(who engine.Caller, command *roundsv1.TicketCommand) {
		t.Helper()
		c, err := w.engine.Record(t.Context(), site, "ticket", merge.RecordID(id))
		if err != nil {
			t.Fatal(err)
		}
		if o := w.act(who, site, engine.DeskAct{RecordID: merge.RecordID(id), Base: journal.Seq(c.GetVersion()), Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: command}}}); o.GetStatus() !=
			roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			t.Fatalf("%v came to %v", command, o)
		}
	}
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: ticket(&roundsv1.Ticket{Title: "leak", CategoryId: uid("pipes"),
		Location: &roundsv1.Location{Words: "lobby", Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})}})
	w.write(site, changed(id, ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_TRIAGED, Moves: []*roundsv1.Move{
		{State: roundsv1.TicketState_TICKET_STATE_NEW, TimeUs: w.now.UnixMicro(), PersonId: uid("boss"), Round: 1},
		{State: roundsv1.TicketState_TICKET_STATE_TRIAGED, TimeUs: w.now.UnixMicro() + 1, Round: 1}}}), 40, 53))
	to := func(who engine.Caller) *roundsv1.TicketCommand {
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: string(who.Person), Reason: "nearest"}}}
	}
	act(boss, to(x))
	act(boss, to(y))
	act(y, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: 2}}})
	act(y, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}})
	act(y, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: "tools"}}})
	act(boss, to(x))
	w.write(site, changed(id, ticket(&roundsv1.Ticket{AssigneeId: uid("Y"), EscalationLevel: 1, Flags: []string{"late"}}), 42, 44, 50))

	all := slices.DeleteFunc(w.story(boss, &roundsv1.StoryRequest{Record: of("ticket", id), RecordAlone: true}), func(e *roundsv1.StoryEntry) bool { return e.GetOperation() == "create" })
	for i, want := range []struct {
		operation string
		fields    []uint32
		was       *roundsv1.Ticket
		en, zh    string
	}{
		{"edit", []uint32{40}, &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_NEW}, "The server changed state, moves (before: new)", "（此前：待受理）"},
		{"dispatch", []uint32{40, 42}, &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_TRIAGED}, " to name of X (before: triaged): nearest", "派单给name of X（此前：待派单）：nearest"},
		{"dispatch", []uint32{42}, &roundsv1.Ticket{AssigneeId: uid("X")}, " to name of Y, instead of name of X: nearest", "派单给name of Y，代替name of X：nearest"},
		{"accept", []uint32{40}, &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_DISPATCHED}, "accepted it (before: dispatched)", "接单（此前：待接单）"},
		{"start", []uint32{40}, &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_ACCEPTED}, "started (before: accepted)", "开工（此前：已接单）"},
		{"pause", []uint32{40}, &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_IN_PROGRESS}, "paused (before: in progress): waiting for tools", "挂起（此前：处理中）：等工具"},
		{"dispatch", []uint32{40, 42}, &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_PAUSED, AssigneeId: uid("Y")}, " to name of X, instead of name of Y (before: paused)", "派单给name of X，代替name of Y（此前：挂起）"},
		{"edit", []uint32{42}, &roundsv1.Ticket{AssigneeId: uid("X")}, "The server changed assignee, escalation level (now 1), flags (something came late), instead of name of X", "，代替name of X"},
	} {
		if i >= len(all) {
			t.Fatalf("only %v", doings(all))
		}
		e := all[i]
		if e.GetOperation() != want.operation || !slices.Equal(e.GetReplacedFields(), want.fields) || !proto.Equal(e.GetReplaced().GetTicket(), want.was) ||
			!contains(e.GetSentence().GetEn(), want.en) || !contains(e.GetSentence().GetZh(), want.zh) {
			t.Errorf("%d: %s %v replaced %v, %v;\nnot %v, %v, %s, %s", i, e.GetOperation(), e.GetSentence(), e.GetReplacedFields(), e.GetReplaced(), want.fields, want.was, want.en, want.zh)
		}
	}
	if len(all) != 8 {
		t.Errorf("%v", doings(all))
	}
}
