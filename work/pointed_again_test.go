package work_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// submitWalk is a submission of a round.
func submitWalk(round uint32) *roundsv1.InspectionCommand {
	act := walk("submit")
	act.GetSubmit().Round = round
	return act
}

// returnFor is a return of the first round that names what is to be looked at.
func returnFor(items ...string) *roundsv1.InspectionCommand {
	act := walk("return")
	act.GetReturn().ItemIds = items
	return act
}

// returnedAt is a round along two checkpoints, each with every item, that X walked and S returned for some of it, once X has begun it again.
func returnedAt(t *testing.T, items ...string) *patrol {
	p := walkedAt(t)
	p.chief.done(p.id, returnFor(items...))
	p.x.done(p.id, walkStart(gate))
	p.now = p.now.Add(time.Minute)
	return p
}

// walkedAt is the same while it waits for its review.
func walkedAt(t *testing.T) *patrol {
	p := newPatrol(t, 8, &roundsv1.Inspection{Title: "pump room", CheckpointIds: []string{gate, pit}})
	if err := p.engine.Write(context.Background(), siteScope, func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: pit, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{
			Name: &roundsv1.Text{Zh: "集水井", En: "Sump"}}}}}}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	p.x.done(p.id, walkStart(gate))
	all := map[string]*roundsv1.Answer{}
	for _, place := range []string{gate, pit} {
		p.x.visit(p.id, place, payload(place), 0)
		all[place+"/gutter"], all[place+"/pressure"], all[place+"/cover"] = answer(pass, ""), measured(3), answer(pass, "")
	}
	p.x.done(p.id, answers(all))
	p.x.done(p.id, walk("submit"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	p.chief.sync()
	return p
}

func walkStart(place string) *roundsv1.InspectionCommand {
	return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{ScanPayload: payload(place)}}}
}

// TestReturnedRoundIsWalkedAgain: of a round that was returned each pointed item is answered again and each pointed checkpoint visited again, or its items skipped with a
// reason; a refusal names what is missing.
func TestReturnedRoundIsWalkedAgain(t *testing.T) {
	again := func(p *patrol, keys ...string) {
		for _, key := range keys {
			p.x.done(p.id, answers(map[string]*roundsv1.Answer{key: answer(pass, "looked again")}))
		}
	}
	skips := func(p *patrol, key, why string) {
		p.x.done(p.id, answers(map[string]*roundsv1.Answer{key: answer(skipped, why)}))
	}
	scans := func(p *patrol, payload string) { p.x.visit(p.id, pit, payload, time.Second); p.x.sync() }
	for name, c := range map[string]struct {
		points []string
		does   func(*patrol)
		facts  map[string]string // what the refusal says; nil: it is taken
	}{
		"nothing":                      {[]string{pit + "/cover"}, func(*patrol) {}, map[string]string{"unanswered": pit + "/cover"}},
		"answered":                     {[]string{pit + "/cover"}, func(p *patrol) { again(p, pit+"/cover") }, map[string]string{"checkpoints": pit, "places": "集水井", "places_en": "Sump"}},
		"answered and visited":         {[]string{pit + "/cover"}, func(p *patrol) { again(p, pit+"/cover"); scans(p, payload(pit)) }, nil},
		"visited":                      {[]string{pit + "/cover"}, func(p *patrol) { scans(p, payload(pit)) }, map[string]string{"unanswered": pit + "/cover"}},
		"the tag is broken":            {[]string{pit + "/cover"}, func(p *patrol) { again(p, pit+"/cover"); scans(p, "") }, nil},
		"the tag is another's":         {[]string{pit + "/cover"}, func(p *patrol) { again(p, pit+"/cover"); scans(p, payload(gate)) }, map[string]string{"checkpoints": pit}},
		"skipped without a reason":     {[]string{pit + "/cover"}, func(p *patrol) { skips(p, pit+"/cover", "") }, map[string]string{"reasons": pit + "/cover"}},
		"skipped with a reason":        {[]string{pit + "/cover"}, func(p *patrol) { skips(p, pit+"/cover", "locked") }, nil},
		"an item wherever it is asked": {[]string{"cover"}, func(p *patrol) { again(p, pit+"/cover"); scans(p, payload(pit)) }, map[string]string{"unanswered": gate + "/cover"}},
		"a checkpoint": {[]string{pit}, func(p *patrol) { again(p, pit+"/cover", pit+"/gutter"); scans(p, payload(pit)) },
			map[string]string{"unanswered": pit + "/pressure"}},
		"one of two skipped": {[]string{pit + "/cover", pit + "/gutter"}, func(p *patrol) { skips(p, pit+"/cover", "rusted"); again(p, pit+"/gutter") },
			map[string]string{"checkpoints": pit}},
	} {
		t.Run(name, func(t *testing.T) {
			p := returnedAt(t, c.points...)
			c.does(p)
			seq := p.x.tries(p.id, submitWalk(2))
			if c.facts == nil {
				p.x.applied(seq)
				return
			}
			p.x.refused(seq, codeMissing)
			why := p.x.outcomes[seq].GetProblem()
			checkProblem(t, why)
			for fact, want := range c.facts {
				if why.GetFacts()[fact] != want {
					t.Errorf("%s: %q in %v", fact, why.GetFacts()[fact], why)
				}
			}
			if place := c.facts["places"]; !strings.Contains(why.GetSentence().GetZh(), place) {
				t.Errorf("does not name %s: %v", place, why.GetSentence())
			}
		})
	}
}

// TestReturnIsOfTheRound: a reviewer points at items, answers and checkpoints of the round, and at nothing else.
func TestReturnIsOfTheRound(t *testing.T) {
	p := walkedAt(t)
	for _, id := range []string{"lamp", roof, roof + "/cover"} {
		seq := p.chief.tries(p.id, returnFor("cover", id))
		p.chief.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
		why := p.chief.outcomes[seq].GetProblem()
		if checkProblem(t, why); !strings.Contains(why.GetSentence().GetZh(), "「"+id+"」") || strings.Contains(why.GetSentence().GetEn(), "cover”, ") {
			t.Errorf("%v", why)
		}
	}
	p.chief.done(p.id, returnFor("cover", gate, pit+"/gutter"))
}

// TestReturnUnseen: a phone that has not seen the return submits the round before: that is kept with its round, and the state stays. What it had answered and scanned by
// then is not of the next round.
func TestReturnUnseen(t *testing.T) {
	p := walkedAt(t)
	p.x.sync()
	p.x.do(p.id, answers(map[string]*roundsv1.Answer{pit + "/cover": answer(pass, "before the return")}))
	p.x.visit(p.id, pit, payload(pit), time.Second)
	seq := p.x.do(p.id, submitWalk(1))
	p.now = p.now.Add(time.Minute)
	p.chief.done(p.id, returnFor(pit+"/cover"))
	p.x.sync()
	p.x.applied(seq)
	i := p.round()
	if flags := p.x.outcomes[seq].GetFlags(); !slices.Equal(flags, []string{"older_round"}) || i.GetState() != roundReturned || i.GetRound() != 2 || len(i.GetCompletions()) != 1 {
		t.Fatalf("%v: %v", flags, i)
	}
	y := p.y.tries(p.id, submitWalk(1)) // somebody else had walked it, too
	p.y.applied(y)
	if got := p.round().GetCompletions(); len(got) != 2 || got[1].GetRound() != 1 || got[1].GetPersonId() != uid("Y") {
		t.Fatalf("%v", got)
	}
	p.x.done(p.id, walkStart(gate))
	p.x.refused(p.x.tries(p.id, submitWalk(2)), codeMissing)
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{pit + "/cover": answer(pass, "looked again")}))
	p.x.refused(p.x.tries(p.id, submitWalk(2)), codeMissing)
	p.x.visit(p.id, pit, payload(pit), 2*time.Second)
	p.x.done(p.id, submitWalk(2))
}

// TestPointedItemsAreAnsweredAgain: what a reviewer points at when work is sent back is answered anew before the work is reported as done, also where no checklist asks for
// it; a phone that has not seen the rejection submits the round before.
func TestPointedItemsAreAnsweredAgain(t *testing.T) {
	valve := func(a *roundsv1.Answer) *roundsv1.Fact {
		return &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"valve": a}})}
	}
	w := newTown(t, "light")
	w.x.done(w.id, valve(answer(pass, "")))
	photo := w.inReview()
	unseen := w.x.do(w.id, submit(1, photo))
	w.x.do(w.id, valve(answer(pass, "before that")))
	w.now = w.now.Add(time.Minute)
	back := rejectFor(1, "not_done")
	back.GetReject().ItemIds = []string{"valve"}
	w.r.done(w.id, back)
	w.x.sync()
	w.x.applied(unseen)
	w.chief.inState(w.id, roundsv1.TicketState_TICKET_STATE_REWORK)
	if flags := w.x.outcomes[unseen].GetFlags(); !slices.Contains(flags, "older_round") {
		t.Errorf("%v", flags)
	}
	w.x.done(w.id, start())
	w.x.done(uid("p2"), shot(w.id, 2))
	refused := func() {
		t.Helper()
		seq := w.x.tries(w.id, submit(2, uid("p2")))
		w.x.refused(seq, codeMissing)
		why := w.x.outcomes[seq].GetProblem()
		if checkProblem(t, why); why.GetFacts()["items"] != "valve" || !strings.Contains(why.GetSentence().GetZh(), "「valve」") {
			t.Errorf("%v", why)
		}
	}
	refused()
	w.x.done(w.id, valve(answer(skipped, "")))
	refused()
	w.x.done(w.id, valve(answer(skipped, "walled in")))
	w.x.done(w.id, submit(2, uid("p2")))
}
