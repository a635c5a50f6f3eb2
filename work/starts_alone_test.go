package work_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// begun is a start at nine, which comes when the ticket has moved on at ten, unseen; what is asked of the ticket had been seen.
func begun(now roundsv1.TicketState, changes ...func(*roundsv1.Ticket)) func() engine.Case {
	at := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	return func() engine.Case {
		c := stands(start(), now, false, append([]func(*roundsv1.Ticket){func(t *roundsv1.Ticket) {
			t.Moves = []*roundsv1.Move{{State: stateDispatched, Round: 2, TimeUs: at.Add(-time.Hour).UnixMicro()}, {State: now, Round: 2, TimeUs: at.Add(time.Hour).UnixMicro()}}
		}}, changes...)...)()
		c.Time = at
		before := &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: 5, DeviceId: "another", TimeUs: 5}, Shown: []uint32{42, 43, 52}}
		c.Current.Writes = []*roundsv1.Write{before, {Stamp: &roundsv1.Stamp{Seq: 7, DeviceId: "another", TimeUs: 7}, Shown: []uint32{40, 57}}}
		return c
	}
}

// TestRow17_StartGuardsAlone: a start that comes late is one of somebody with a part in the ticket, from before what stands, with what is asked of a start; and the ledger
// has room for so many.
func TestRow17_StartGuardsAlone(t *testing.T) {
	const (
		overLimit  = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
		superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
		noRight    = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	)
	often := but{"begun late too often", of(func(t *roundsv1.Ticket) {
		for range 256 {
			t.Moves = append([]*roundsv1.Move{{State: stateInProgress, Late: true, Round: 2}}, t.GetMoves()...)
		}
	}), overLimit}
	later := but{"later than what stands", func(c *engine.Case) { c.Time = c.Time.Add(2 * time.Hour) }, superseded}
	stranger := but{"who has no part in it", of(func(t *roundsv1.Ticket) { t.FormerAssigneeIds = nil }), superseded}
	unpictured := but{"without a photo from before", of(func(t *roundsv1.Ticket) {
		t.Round, t.Requirements = 1, &roundsv1.Requirements{CategoryId: "pump", BeforePhoto: true}
	}), codeMissing}
	another := but{"what another has", of(func(t *roundsv1.Ticket) { t.AssigneeId = uid("another") }), noRight}
	had := func(t *roundsv1.Ticket) { t.FormerAssigneeIds = []string{uid("me")} }
	has := func(t *roundsv1.Ticket) { t.AssigneeId = uid("me") }
	approved := func(people ...string) func(*roundsv1.Ticket) {
		return func(t *roundsv1.Ticket) {
			for _, name := range people {
				t.ApproverIds = append(t.ApproverIds, uid(name))
			}
		}
	}
	rules := work.New(work.Config{Reference: office{}})
	for _, now := range []roundsv1.TicketState{stateDone, stateInReview, stateClosed} {
		alone{"start (17) of one that is " + now.String(), begun(now, had), []but{often, later, stranger}}.holds(t, rules)
	}
	for _, now := range []roundsv1.TicketState{stateInProgress, statePaused, stateRework} {
		alone{"start (17) of one that is " + now.String(), begun(now, has), []but{often, unpictured, another}}.holds(t, rules)
	}
	alone{"start (37)", begun(stateClosed, had, approved("me")), []but{often, later, stranger}}.holds(t, rules)
	alone{"start (37), beside another's approval", begun(stateClosed, had, approved("me", "first")), []but{often, later, stranger}}.holds(t, rules)
}

// TestRow17_PauseGuardsAlone: a pause that comes late is asked what every pause is asked.
func TestRow17_PauseGuardsAlone(t *testing.T) {
	was := func(now roundsv1.TicketState, act *roundsv1.TicketCommand) func() engine.Case {
		return func() engine.Case {
			c := begun(now, func(t *roundsv1.Ticket) { t.AssigneeId, t.Moves[0].State = uid("me"), stateInProgress })()
			c.Mutation = mutation(uid("record"), proto.CloneOf(act))
			c.Mutation.Base, c.Mutation.BaseTimeUs = 5, 5
			return c
		}
	}
	buts := []but{
		{"without a reason", says(func(c *roundsv1.TicketCommand) { c.GetPause().Reason = "" }), codeMissing},
		{"for no reason of the site", says(func(c *roundsv1.TicketCommand) { c.GetPause().Reason = "tired" }), codeInvalid},
		{"stopping the clocks, which nothing shows", says(func(c *roundsv1.TicketCommand) { c.GetPause().Reason = "parts" }), codeMissing},
		{"stopped too often", of(func(t *roundsv1.Ticket) {
			for range 256 {
				t.Moves = append([]*roundsv1.Move{{State: statePaused, StopsClock: true, Round: 2}}, t.GetMoves()...)
			}
		}), roundsv1.ProblemCode_PROBLEM_CODE_LIMIT},
	}
	for _, now := range []roundsv1.TicketState{statePaused, stateDone, stateInReview, stateClosed} {
		alone{"pause (17) of one that is " + now.String(), was(now, pauseFor("shift", nil)), buts}.holds(t, work.New(work.Config{Reference: office{}}))
	}
}
