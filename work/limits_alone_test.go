package work_test

import (
	"strconv"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// crowdOf are so many ids.
func crowdOf(n int) (ids []string) {
	for i := range n {
		ids = append(ids, uid("one of many "+strconv.Itoa(i)))
	}
	return ids
}

// TestLimitsAlone: a completion is within the limits in whichever row it is taken: of a ticket that another has, that was cancelled, merged or closed, and of a round
// before. 64 photos are; the 65th, or a ticket that is full of completions, is refused.
func TestLimitsAlone(t *testing.T) {
	const overLimit = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
	former := func(t *roundsv1.Ticket) { t.FormerAssigneeIds = []string{uid("me")} }
	admitted := func(of func() engine.Case) func() engine.Case {
		return func() engine.Case {
			c := of()
			c.Admitted = true
			return c
		}
	}
	buts := []but{
		{"65 photos", says(func(c *roundsv1.TicketCommand) { c.GetSubmitCompletion().PhotoIds = crowdOf(65) }), overLimit},
		{"256 completions of others", of(func(t *roundsv1.Ticket) {
			for _, id := range crowdOf(256) {
				t.Completions = append(t.Completions, &roundsv1.Completion{Round: 1, PersonId: id})
			}
		}), overLimit},
	}
	most := func(round uint32) *roundsv1.TicketCommand { return submit(round, crowdOf(64)...) }
	for _, a := range []alone{
		{"submit (2), taken", admitted(stands(most(2), stateInProgress, false, former)), buts},
		{"submit (5), taken", admitted(stands(most(2), stateCancelled, false, former)), buts},
		{"submit (7)", stands(most(2), stateClosed, false, former), buts},
		{"submit (9)", stands(most(1), stateRework, false, former), buts},
		{"submit (9), of one that was cancelled", stands(most(1), stateCancelled, false, former), buts},
		{"submit (9), of one that is closed", stands(most(1), stateClosed, false, former), buts},
	} {
		a.holds(t, plainRules())
	}
	full := but{"256 completions of others on the ticket that it was merged into", func(c *engine.Case) {
		target := &roundsv1.Ticket{State: stateTriaged, Round: 2}
		for _, id := range crowdOf(256) {
			target.Completions = append(target.Completions, &roundsv1.Completion{Round: 1, PersonId: id})
		}
		knows(uid("target"), ticketRecord(target))(c)
	}, overLimit}
	merged := stands(most(2), stateMerged, false, former, func(t *roundsv1.Ticket) { t.MergedIntoId = uid("target") })
	alone{"submit (6)", func() engine.Case {
		c := merged()
		knows(uid("target"), ticketRecord(&roundsv1.Ticket{State: stateTriaged, Round: 2}))(&c)
		return c
	}, append(buts[1:], full)}.holds(t, plainRules()) // the other ticket has few, and would take it
}

// TestRow17_PauseOfAStranger: whoever has no part in a ticket pauses nothing and resumes nothing, however early that was, and wherever the ticket stands by now.
func TestRow17_PauseOfAStranger(t *testing.T) {
	at := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	moved := func(minutes int, to roundsv1.TicketState) *roundsv1.Move {
		return &roundsv1.Move{State: to, Round: 2, TimeUs: at.Add(time.Duration(minutes) * time.Minute).UnixMicro()}
	}
	given := func(minutes int) func(*engine.Case) { // to another
		return func(c *engine.Case) {
			c.Current.GetRecord().GetTicket().AssigneeId = uid("another")
			stamp := &roundsv1.Stamp{Seq: 5, DeviceId: "another", TimeUs: at.Add(time.Duration(minutes) * time.Minute).UnixMicro()}
			c.Current.Writes = append([]*roundsv1.Write{{Stamp: stamp, Shown: []uint32{42}}}, c.Current.GetWrites()...)
		}
	}
	for _, now := range []roundsv1.TicketState{stateDispatched, stateInProgress, statePaused, stateRework, stateDone, stateInReview, stateClosed} {
		for name, act := range map[string]*roundsv1.TicketCommand{"pause": pauseFor("shift", nil), "resume": resume()} {
			before := stateInProgress
			if name == "resume" {
				before = statePaused
			}
			make := func() engine.Case {
				c := stands(act, now, false, func(t *roundsv1.Ticket) {
					t.FormerAssigneeIds = []string{uid("me")}
					t.Moves = []*roundsv1.Move{moved(-60, before), moved(60, now)}
				})()
				c.Time = at
				given(30)(&c)
				return c
			}
			notThen := func(c *engine.Case) {
				c.Current.GetRecord().GetTicket().Moves[0].State = roundsv1.TicketState_TICKET_STATE_ACCEPTED
			}
			later := func(c *engine.Case) { c.Time = at.Add(2 * time.Hour) }
			stranger := of(func(t *roundsv1.Ticket) { t.FormerAssigneeIds = nil })
			rules := work.New(work.Config{Reference: office{}})
			if v := rules.Judge(make()); v.Problem != nil {
				t.Errorf("%s of a ticket that is %v: %v", name, now, v.Problem)
			}
			for why, change := range map[string]func(*engine.Case){"a stranger": stranger, "given to another before": given(-30), "it was not going on then": notThen, "later than what stands": later} {
				c := make()
				change(&c)
				if v := rules.Judge(c); v.Problem == nil || v.Effect != nil {
					t.Errorf("%s of a ticket that is %v, but %s: %v", name, now, why, v.Effect)
				}
			}
		}
	}
}

// TestApproveWithoutItsList: where the checklist that a ticket was worked through with is not at hand nobody can say that it is complete, so nothing is approved, nor
// goes to review.
func TestApproveWithoutItsList(t *testing.T) {
	const unknown = roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION
	sound := func(p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_CLEAN }
	photos := map[string]*roundsv1.Record{uid("a"): photoRecord(1, sound, hash("a")), uid("b"): photoRecord(1, sound, hash("b")), uid("from before"): photoRecord(1, sound, asBefore)}
	pinned := func(version uint32) *roundsv1.Ticket {
		return pumpTicket(func(t *roundsv1.Ticket) {
			t.State, t.AssigneeId, t.ShownPhotoIds = stateInReview, uid("you"), []string{uid("from before")}
			t.Completions = []*roundsv1.Completion{{Round: 1, PersonId: uid("you"), PhotoIds: []string{uid("a"), uid("b")}}}
			t.Requirements.ChecklistVersion = version
		})
	}
	for version, want := range map[uint32]roundsv1.ProblemCode{3: 0, 4: unknown} {
		c := guard(pinned(version), approve(1), photos)
		sum, err := work.Digest(c.Current, c.Lookup)
		if err != nil {
			t.Fatal(err)
		}
		c.Mutation.GetCommand().GetTicket().GetApprove().ReviewDigest = sum
		judged(t, "approve", c, want, nil)
		waits := pinned(version)
		waits.State = stateDone
		current := change(ticketRecord(waits))
		if _, ok := work.New(work.Config{Reference: office{}}).Verified(siteScope, current, nil, nil, c.Lookup); ok != (want == 0) {
			t.Errorf("with version %d it goes to review: %v", version, ok)
		}
	}
}

// TestSubmitWithoutItsList: nobody reports as done what has a checklist that is not at hand: not who has it, nor who had it, nor once more.
func TestSubmitWithoutItsList(t *testing.T) {
	a, b := uid("a"), uid("b")
	make := func(at roundsv1.TicketState, former bool) func() engine.Case {
		return func() engine.Case {
			ticket := pumpTicket(func(t *roundsv1.Ticket) { t.State = at })
			if former {
				ticket.AssigneeId, ticket.FormerAssigneeIds, ticket.AssignEpoch = uid("another"), []string{uid("me")}, 2
			}
			c := guard(ticket, submit(1, a, b), map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1)})
			before := &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: 5, DeviceId: "another", TimeUs: 5}, Shown: []uint32{52}}
			c.Current.Writes = []*roundsv1.Write{before, {Stamp: &roundsv1.Stamp{Seq: 7, DeviceId: "another", TimeUs: 7}, Shown: []uint32{40, 42, 43, 57}}}
			c.Mutation.Base, c.Mutation.BaseTimeUs, c.Saw = 5, 5, false
			return c
		}
	}
	unlisted := []but{{"its list is not at hand", of(func(t *roundsv1.Ticket) { t.Requirements.ChecklistVersion = 4 }), roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION}}
	for _, row := range []alone{
		{"submit", make(stateInProgress, false), unlisted},
		{"submit (1)", make(stateDispatched, true), unlisted},
		{"submit (4), by who had it", make(stateDone, true), unlisted},
		{"submit (4), by who has it", make(stateDone, false), unlisted},
	} {
		row.holds(t, work.New(work.Config{Reference: office{}}))
	}
}
