package work_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/checklist"
)

const unknownVersion = roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION

// desk is an organisation whose versions of one checklist a test says: which are drafts, which it does not have, and what a version asks.
type desk struct {
	library
	draft, lost map[uint32]bool
	change      func(*roundsv1.Checklist)
}

func (d *desk) Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist {
	list := d.library.Checklist(scope, series, version)
	if version == 0 {
		for list.GetVersion() > 0 && d.draft[list.GetVersion()] {
			list = d.library.Checklist(scope, series, list.GetVersion()-1)
		}
	}
	if list == nil || d.lost[list.GetVersion()] {
		return nil
	}
	list.Published = !d.draft[list.GetVersion()]
	if d.change != nil {
		d.change(list)
	}
	return list
}

func (d *desk) Category(_ store.Scope, id merge.RecordID) *roundsv1.Category {
	return map[string]*roundsv1.Category{"pump": {AfterPhotos: 1, ChecklistId: uid("list")}}[string(id)]
}

func newDesk(newest uint32) *desk {
	return &desk{library: library{newest}, draft: map[uint32]bool{}, lost: map[uint32]bool{}}
}

func newPatrolOf(t *testing.T, d *desk, i *roundsv1.Inspection) *patrol {
	s := newSiteOf(t, work.Config{Reference: d})
	p := &patrol{site: s, id: uid("round"), x: s.phone("X", worker), y: s.phone("Y", worker), chief: s.phone("S", supervisor), lead: s.phone("F", foreman)}
	i.ChecklistId = uid("list")
	p.lead.done(p.id, &roundsv1.Edit{Record: round(i)})
	return p
}

// TestADraftIsNotWalked: a draft may be changed, so no round is released with one, by whichever way it becomes one that is walked.
func TestADraftIsNotWalked(t *testing.T) {
	d := newDesk(8)
	d.draft[8] = true
	p := newPatrolOf(t, d, &roundsv1.Inspection{ChecklistVersion: 8})
	p.lead.sync()
	act := p.lead.do(p.id, walk("release"))
	p.lead.sync()
	p.lead.refused(act, unknownVersion)
	p.x.sync()
	act = p.x.do(p.id, walk("start"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_MISSED}, 40)
	p.x.sync()
	p.x.refused(act, unknownVersion)
	d.draft[8] = false
	p.lead.sync()
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PLANNED}, 40)
	p.lead.done(p.id, walk("release"))
}

// TestRow31_WhatARoundComesTo is reckoned by the version that it was released with alone: score, red lines, limits, what has to be answered and what a failure needs,
// whatever is published since, and whenever the answers come.
func TestRow31_WhatARoundComesTo(t *testing.T) {
	d := newDesk(7)
	p := newPatrolOf(t, d, &roundsv1.Inspection{})
	p.lead.done(p.id, walk("release"))
	p.x.done(p.id, walk("start"))
	d.newest = 8
	d.change = func(list *roundsv1.Checklist) { // of the newest: one item more, other limits and weights, no red line
		if list.GetVersion() == 8 {
			list.Items[0].Weight, list.Items[0].RedLine, list.Items[0].FailWithoutNote, list.Items[0].FailWithoutPhoto = 9, true, true, true
			list.Items[1].Weight, list.Items[1].RedLine, list.Items[1].High = 1, false, proto.Float64(12)
		}
	}
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, ""), "pressure": measured(3)}))
	p.x.sync()
	act := p.x.do(p.id, walk("submit"))
	p.x.sync()
	p.x.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING) // 7 wants a photo and a note
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", uid("photo"))}))
	p.x.done(p.id, walk("submit")) // and does not ask about the cover
	if i := p.round(); i.GetScore() != 75 || i.GetFailed() || i.GetTally().GetOpen() != 0 {
		t.Fatalf("%v", i)
	}
	p.y.done(p.id, answers(map[string]*roundsv1.Answer{"pressure": measured(9)})) // late: above the limit of 7, which is a red line there
	if i := p.round(); i.GetScore() != 0 || !i.GetFailed() || p.tickets()["pressure"] == nil || i.GetChecklistVersion() != 7 {
		t.Fatalf("%v", i)
	}
}

// TestAVersionThatIsLost: where the server does not have what a round or a ticket was pinned to, nothing is taken for complete, and the refusal says why; facts are kept.
func TestAVersionThatIsLost(t *testing.T) {
	t.Run("round", func(t *testing.T) {
		d := newDesk(7)
		p := newPatrolOf(t, d, &roundsv1.Inspection{})
		p.lead.done(p.id, walk("release"))
		p.x.done(p.id, walk("start"))
		d.newest, d.lost[7] = 8, true
		p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3)}))
		p.x.sync()
		act := p.x.do(p.id, walk("submit"))
		p.x.sync()
		p.x.refused(act, unknownVersion)
		if got := p.x.outcomes[act].GetProblem().GetFacts()["version"]; got != "7" {
			t.Fatalf("version %q", got)
		}
		d.lost[7] = false
		p.x.done(p.id, walk("submit"))
		if i := p.round(); i.GetScore() != 100 || i.GetChecklistVersion() != 7 {
			t.Fatalf("%v", i)
		}
	})
	t.Run("ticket", func(t *testing.T) {
		d := newDesk(7)
		w := newTownOf(t, work.Config{Reference: d}, "pump")
		w.x.done(w.id, start())
		w.x.done(uid("photo"), shot(w.id, 1))
		d.newest, d.lost[7] = 8, true
		act := w.x.do(w.id, submit(1, uid("photo")))
		w.x.sync()
		w.x.refused(act, unknownVersion)
		d.lost[7] = false
		act = w.x.do(w.id, submit(1, uid("photo")))
		w.x.sync()
		w.x.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING) // its items are not answered
		w.x.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3)}})})
		w.x.done(w.id, submit(1, uid("photo")))
		d.lost[7] = true
		w.looked(w.id, uid("photo"), stateClean)
		w.chief.inState(w.id, stateDone) // it waits
		d.lost[7] = false
		w.looked(w.id, uid("photo"), stateClean)
		w.chief.inState(w.id, stateInReview)
	})
}

// TestACategoryWhoseListIsADraft asks for no checklist, and what is published later is asked of later tickets alone.
func TestACategoryWhoseListIsADraft(t *testing.T) {
	d := newDesk(7)
	d.draft[7] = true
	w := newTownOf(t, work.Config{Reference: d}, "pump")
	w.x.done(w.id, start())
	d.draft[7] = false
	w.finished(w.x, w.id, 1)
	w.chief.inState(w.id, stateInReview)
	w.report(uid("later"), "pump")
	if need := w.chief.ticket(uid("later")).GetRequirements(); need.GetChecklistId() != uid("list") || need.GetChecklistVersion() != 7 {
		t.Fatalf("%v", need)
	}
}

// TestPublishedListsAreNotTakenAway: a version that is published is deleted by nobody, a draft is.
func TestPublishedListsAreNotTakenAway(t *testing.T) {
	for _, published := range []bool{true, false} {
		c := caseOf("checklist", change(listRecord(func(l *roundsv1.Checklist) { l.Published = published })), &roundsv1.Delete{Reason: "old"}, true)
		c.Scope, c.Roles = "org/"+siteScope[len("site/"):], []roundsv1.Role{roundsv1.Role_ROLE_ADMIN}
		v := work.New(work.Config{}).Judge(c)
		if (v.Problem != nil) != published || v.Park != 0 {
			t.Errorf("published %v: %v", published, v)
		} else if published {
			checkProblem(t, v.Problem)
		}
	}
}

// TestAVersionBesideOneWithoutASeries: a list from before there were series is the version of the series that has its id: neither takes the place of the other.
func TestAVersionBesideOneWithoutASeries(t *testing.T) {
	old := listRecord(func(l *roundsv1.Checklist) { l.SeriesId = "" })
	third := checklist.RecordID(uid("list"), 3)
	for name, one := range map[string]struct {
		have world
		id   string
		made *roundsv1.Record
		want bool
	}{
		"the same version, after":    {world{uid("list"): old}, string(third), listRecord(), false},
		"another version, after":     {world{uid("list"): old}, string(checklist.RecordID(uid("list"), 4)), listRecord(func(l *roundsv1.Checklist) { l.Version = 4 }), true},
		"without a series, after":    {world{string(third): listRecord()}, uid("list"), old, false},
		"without a series, in front": {world{}, uid("list"), old, true},
	} {
		c := caseOf("checklist", nil, &roundsv1.Edit{Record: one.made}, false)
		c.Scope, c.Roles, c.Lookup, c.Mutation.RecordId = "org/"+siteScope[len("site/"):], []roundsv1.Role{roundsv1.Role_ROLE_ADMIN}, one.have.lookup, one.id
		v := work.New(work.Config{}).Judge(c)
		if (v.Problem == nil) != one.want {
			t.Errorf("%s: %v", name, v.Problem)
		}
		if v.Problem != nil && v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD {
			t.Errorf("%s: %v", name, v.Problem)
		}
	}
}
