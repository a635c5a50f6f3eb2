package promises_test

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// toCategory is an edit of a ticket's category.
func toCategory(category string) *roundsv1.Edit {
	return &roundsv1.Edit{Record: ofTicket(&roundsv1.Ticket{CategoryId: category}), Fields: []uint32{3}}
}

// TestWhoCategorises: the model finds a category that somebody changed who may not, and nothing where the rules refuse that.
func TestWhoCategorises(t *testing.T) {
	for name, c := range map[string]struct {
		who, says string
	}{
		"a worker":               {"x", "says of which category it is"},
		"the foreman who has it": {"boss", "who has a part in the work"},
	} {
		t.Run(name, func(t *testing.T) {
			edits := func(y *yard) {
				id := y.given("lamp")
				y.gives(id, c.who)
				y.does(c.who, "ticket", id, toCategory("word"))
			}
			y := open(t, nil)
			edits(y)
			if found := y.found(); len(found) > 0 {
				t.Errorf("found %q", found)
			}
			y = open(t, &hole{act: func(c *engine.Case) {
				if c.Mutation.GetEdit() != nil {
					c.Person, c.Roles = "another", []roundsv1.Role{roundsv1.Role_ROLE_MANAGER}
				}
			}})
			edits(y)
			if found := strings.Join(y.found(), "\n"); !strings.Contains(found, c.says) {
				t.Errorf("found %q", found)
			}
		})
	}
}

// TestLabels: a category that is changed once the work is reported as done asks nothing before the next round, and the model has it so.
func TestLabels(t *testing.T) {
	y := open(t, nil)
	id := y.given("lamp")
	y.works(id, 1)
	y.must("desk", "ticket", id, toCategory("pump"))
	y.approved("r", id)
	y.stands(id, isClosed)
	y.must("desk", "ticket", id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reopen{Reopen: &roundsv1.TicketReopen{Round: 1, Reason: "it is dark again"}}})
	y.gives(id, "x")
	y.works(id, 2)
	y.stands(id, roundsv1.TicketState_TICKET_STATE_DISPATCHED) // the pump has a checklist, which nobody answered
	if found := y.found(); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

// TestSettled: once somebody else says of which category the ticket is, who made it ask for less may work on it for less, and the model has it so.
func TestSettled(t *testing.T) {
	y := open(t, nil)
	id := y.given("lamp")
	y.must("boss", "ticket", id, toCategory("word"))
	y.must("desk", "ticket", id, toCategory("word"))
	y.gives(id, "boss")
	y.must("boss", "ticket", id, submit(1))
	y.stands(id, isDone)
	if found := y.found(); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

// TestDisputeOfMerged: what is said of a ticket that was merged opens the one that it goes on in, and the model has it so.
func TestDisputeOfMerged(t *testing.T) {
	y := open(t, nil)
	into, other := y.given("lamp"), id("another report")
	y.must("desk", "ticket", other, &roundsv1.Edit{Record: ofTicket(&roundsv1.Ticket{Title: "the same"})})
	y.must("desk", "ticket", other, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: into}}})
	dispute := &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispute{Dispute: &roundsv1.TicketDispute{Round: 1, Words: "it flickers"}}}
	y.works(into, 1)
	act, seen := y.approval(into)
	y.must("desk", "ticket", other, dispute) // news for the reviewer
	if o := y.does("r", "ticket", into, act, seen); o.GetConflictId() == "" {
		t.Errorf("%v", o)
	}
	y.approved("r", into)
	y.stands(into, isClosed)
	y.must("desk", "ticket", other, dispute)
	y.stands(into, roundsv1.TicketState_TICKET_STATE_TRIAGED)
	y.stands(other, roundsv1.TicketState_TICKET_STATE_MERGED)
	if found := y.found(); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}
