package work_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// waysToWork are the acts by which it turns out that "me" did some of the work of a closed ticket, which "me" reported, and had before another.
func waysToWork() map[string]func() any {
	own := func() *roundsv1.Record { return ticketRecord(&roundsv1.Ticket{Visits: 1}) } // of what is work an edit sets counters alone
	const visits = 19
	return map[string]func() any{
		"the creation, once more": func() any { return &roundsv1.Edit{Record: own()} },
		"an edit":                 func() any { return &roundsv1.Edit{Record: own(), Fields: []uint32{visits}} },
		"a fact":                  func() any { return labour("me") },
		"a start":                 func() any { return start() },
		"a completion":            func() any { return submit(2, uid("photo")) },
		"one of an older round":   func() any { return submit(1, uid("photo")) },
	}
}

// closedBy is a case of an act by "me" on a ticket that some people approved, which its author has not seen.
func closedBy(act any, change func(*roundsv1.Ticket), approvers ...string) engine.Case {
	at := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	current := ideal("", stateClosed)
	t := current.GetRecord().GetTicket()
	t.FormerAssigneeIds, t.ClosedTimeUs = []string{uid("me")}, at.UnixMicro()
	t.Moves = []*roundsv1.Move{{State: stateClosed, Round: 2, TimeUs: at.UnixMicro()}}
	for _, name := range approvers {
		t.ApproverIds = append(t.ApproverIds, uid(name))
	}
	change(t)
	c := caseOf("ticket", current, act, false)
	c.Current.Writes[0].Shown = append(c.Current.Writes[0].GetShown(), 57)
	c.Time = at.Add(-time.Hour) // it was done before the closure
	return c
}

// TestRow37_EachWay: whatever shows that an approver did some of the work takes that approval back, unless somebody else's stands or there is nothing that could be
// reviewed; and what shows nothing of the kind changes nothing, also where nobody is named who approved it.
func TestRow37_EachWay(t *testing.T) {
	as := func(*roundsv1.Ticket) {}
	flagged := func(flag string) func(*roundsv1.Ticket) {
		return func(t *roundsv1.Ticket) { t.Flags = []string{flag} }
	}
	for way, act := range waysToWork() {
		for _, test := range []struct {
			name      string
			approvers []string
			change    func(*roundsv1.Ticket)
			state     roundsv1.TicketState
			left      []string
			self      bool
		}{
			{"who approved it alone", []string{"me"}, as, stateInReview, nil, true},
			{"beside one who did not work", []string{"me", "first"}, as, stateClosed, []string{"first"}, true},
			{"beside one who worked, too", []string{"me", "first"}, func(t *roundsv1.Ticket) { t.PerformerIds = []string{uid("first")} }, stateInReview, nil, true},
			{"who closed it by force", []string{"me"}, flagged("forced"), stateClosed, []string{"me"}, true},
			{"of one that its tasks closed", []string{"me"}, flagged("closed_by_tasks"), stateClosed, []string{"me"}, true},
			{"who did not approve it", []string{"first"}, as, stateClosed, []string{"first"}, false},
			{"of one that nobody is named for", nil, as, stateClosed, nil, false},
		} {
			c := closedBy(act(), test.change, test.approvers...)
			v := plainRules().Judge(proto0(c))
			if v.Problem != nil || v.Park != 0 {
				t.Errorf("%s of %s: %v, kept as %v", way, test.name, v.Problem, v.Park)
				continue
			}
			got := after(t, c, v.Effect).GetTicket()
			var left []string
			for _, name := range test.left {
				left = append(left, uid(name))
			}
			if got.GetState() != test.state || !slices.Equal(got.GetApproverIds(), left) || slices.Contains(got.GetFlags(), "self_approval") != test.self {
				t.Errorf("%s of %s: %v, approved by %d, flags %v", way, test.name, got.GetState(), len(got.GetApproverIds()), got.GetFlags())
			}
			if slices.Contains(v.Flags, "self_approval") != test.self {
				t.Errorf("%s of %s: flags of the outcome %v", way, test.name, v.Flags)
			}
			if older := way == "one of an older round"; slices.Contains(v.Flags, "older_round") != older {
				t.Errorf("%s of %s: flags of the outcome %v", way, test.name, v.Flags)
			}
			if late := slices.Contains(got.GetFlags(), "late"); late && !test.self && way == "a start" {
				t.Errorf("%s of %s: it counts as a late fact", way, test.name)
			}
		}
	}
}

// proto0 is a case that judging leaves as it was.
func proto0(c engine.Case) engine.Case {
	c.Current, c.Mutation = proto.CloneOf(c.Current), proto.CloneOf(c.Mutation)
	return c
}

// TestRow37_GuardsAlone: what shows that an approver worked is asked what every act of its kind is asked, and refused for each of it alone.
func TestRow37_GuardsAlone(t *testing.T) {
	const noRight = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	asButler := func(c *engine.Case) { c.Roles = []roundsv1.Role{butler} }
	written := func(change func(*roundsv1.Ticket)) func(*engine.Case) {
		return func(c *engine.Case) {
			edit := c.Mutation.GetEdit()
			change(edit.GetRecord().GetTicket())
			if len(edit.GetFields()) > 0 {
				edit.Fields = append(edit.GetFields(), 13, 4)
			}
		}
	}
	crew := but{"names a crew, and leads none", both(asButler, written(func(t *roundsv1.Ticket) { t.CrewIds = []string{uid("mate")} })), noRight}
	category := but{"says how urgent it is, and may not", both(func(c *engine.Case) { c.Roles = []roundsv1.Role{resident} },
		written(func(t *roundsv1.Ticket) { t.Priority = roundsv1.Priority_PRIORITY_URGENT })), noRight}
	own := but{"says how urgent it is, and worked", both(func(c *engine.Case) { c.Current.GetRecord().GetTicket().PerformerIds = []string{uid("me")} },
		written(func(t *roundsv1.Ticket) { t.Priority = roundsv1.Priority_PRIORITY_URGENT })), noRight}
	many := but{"65 photos", says(func(c *roundsv1.TicketCommand) { c.GetSubmitCompletion().PhotoIds = crowdOf(65) }), roundsv1.ProblemCode_PROBLEM_CODE_LIMIT}
	begun := but{"begun too often", of(func(t *roundsv1.Ticket) {
		for range 256 {
			t.Moves = append([]*roundsv1.Move{{State: stateInProgress, Late: true, Round: 2}}, t.GetMoves()...)
		}
	}), roundsv1.ProblemCode_PROBLEM_CODE_LIMIT}
	buts := map[string][]but{"the creation, once more": {crew, category, own}, "an edit": {crew, category, own}, "a start": {begun},
		"a completion": {many}, "one of an older round": {many}}
	for way, act := range waysToWork() {
		for _, approvers := range [][]string{{"me"}, {"me", "first"}} {
			alone{way, func() engine.Case { return closedBy(act(), func(*roundsv1.Ticket) {}, approvers...) }, buts[way]}.holds(t, plainRules())
		}
	}
}
