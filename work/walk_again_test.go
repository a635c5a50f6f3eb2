package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

const (
	roundApproved = roundsv1.InspectionState_INSPECTION_STATE_APPROVED
	roundReturned = roundsv1.InspectionState_INSPECTION_STATE_RETURNED
	roundInReview = roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW
)

// questions are those about the round, by their ids.
func (p *patrol) questions() map[string]*roundsv1.Conflict {
	p.chief.sync()
	all := map[string]*roundsv1.Conflict{}
	for id, c := range p.chief.replica {
		if q := c.GetRecord().GetConflict(); q.GetSubject().GetId() == p.id {
			all[id] = q
		}
	}
	return all
}

// walkedAndApproved is a round that X walked and S approved.
func walkedAndApproved(t *testing.T) *patrol {
	p := newPatrol(t, 8, &roundsv1.Inspection{Title: "pump room"})
	p.x.done(p.id, walk("start"))
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3), "cover": answer(fail, "cracked", uid("crack"))}))
	p.x.done(p.id, walk("submit"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	photo := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: p.id}, State: stateClean}
	p.x.do(uid("crack"), &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: photo.Subject, SizeBytes: 9}}}})
	p.x.sync()
	(&town{shift: &shift{site: p.site, chief: p.chief}, rules: work.New(work.Config{Reference: library{8}})}).looked(p.id, uid("crack"), stateClean)
	p.chief.done(p.id, p.chief.approvesWalk(p.id))
	if got := p.round().GetState(); got != roundApproved {
		t.Fatal(got)
	}
	return p
}

// TestAnApprovedRoundThatFailsLate: a late answer that fails asks a supervisor whether the approval holds, and makes its ticket as ever. What the reviewer saw fail
// already, and what passes, asks nobody.
func TestAnApprovedRoundThatFailsLate(t *testing.T) {
	for _, again := range []bool{true, false} {
		p := walkedAndApproved(t)
		p.y.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, "dry"), "cover": answer(fail, "broken", uid("another crack"))}))
		if q := p.questions(); len(q) != 0 {
			t.Fatalf("%v", q)
		}
		p.y.done(p.id, answers(map[string]*roundsv1.Answer{"pressure": measured(9)}))
		p.y.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full of leaves", uid("leaves"))}))
		if i := p.round(); i.GetState() != roundApproved || !slices.Contains(i.GetFlags(), "late") || !i.GetFailed() {
			t.Fatalf("%v", i)
		}
		if made := p.tickets(); made["gutter"] == nil || made["pressure"] == nil {
			t.Fatalf("%v", made)
		}
		all := p.questions()
		if len(all) != 1 {
			t.Fatalf("%d questions", len(all))
		}
		for id, q := range all {
			if q.GetType() != roundsv1.ConflictType_CONFLICT_TYPE_REOPEN || q.GetState() != openState || q.GetOwnerRole() != supervisor || len(q.GetSides()) < 2 ||
				q.GetSides()[0].GetPersonId() != uid("S") || q.GetSides()[1].GetPersonId() != uid("Y") || q.GetSides()[1].GetSentence().GetEn() != "Late answers fail: Water pressure." {
				t.Fatalf("%v", q)
			}
			if !again {
				p.chief.done(id, decide(roundsv1.ConflictAction_CONFLICT_ACTION_LEAVE_CLOSED))
				if got := p.round().GetState(); got != roundApproved {
					t.Fatal(got)
				}
				continue
			}
			p.chief.done(id, decide(roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN))
		}
		if !again {
			continue
		}
		i := p.round()
		last := i.GetReviews()[len(i.GetReviews())-1]
		if i.GetState() != roundReturned || i.GetRound() != 2 || i.GetStateReason() == "" || last.GetVerdict() != roundsv1.Verdict_VERDICT_REJECTED || last.GetRound() != 1 ||
			!slices.Equal(last.GetItemIds(), []string{"cover", "gutter", "pressure"}) {
			t.Fatalf("%v", i)
		}
		told := false
		for _, c := range p.chief.replica {
			n := c.GetRecord().GetNotice()
			told = told || n.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_REOPENED && slices.Contains(n.GetPersonIds(), uid("X"))
		}
		if !told {
			t.Error("the inspector was not told")
		}
		// It is walked again, and what failed is answered anew.
		p.x.done(p.id, walk("start"))
		p.x.sync()
		submit := walk("submit")
		submit.GetSubmit().Round = 2
		seq := p.x.do(p.id, submit)
		p.x.sync()
		p.x.refused(seq, codeMissing)
		if got := p.x.outcomes[seq].GetProblem().GetFacts()["unanswered"]; got != "gutter,pressure,cover" {
			t.Errorf("asked anew: %q", got)
		}
	}
}

// TestReopenAnswersItself: a question whether to open a round again is closed where the round is not approved any more.
func TestReopenAnswersItself(t *testing.T) {
	question := change(&roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, State: openState}}})
	for _, state := range []roundsv1.InspectionState{roundApproved, roundReturned} {
		if _, ok := work.Answered(question, change(round(&roundsv1.Inspection{State: state}))); ok != (state == roundReturned) {
			t.Errorf("%v: %v", state, ok)
		}
	}
}

// TestRow37_WalkByTheApprover: who approved a round and had begun it, or submitted the round before it, walked some of it, as the server hears late: somebody else decides.
// Where it was approved by somebody else that changes nothing, and who knows that it was approved begins nothing any more.
func TestRow37_WalkByTheApprover(t *testing.T) {
	submit := walk("submit")
	submit.GetSubmit().Round = 1
	for _, test := range []struct {
		name string
		act  *roundsv1.InspectionCommand
		by   string
		saw  bool
		want roundsv1.InspectionState
		code roundsv1.ProblemCode
	}{
		{"had begun", walk("start"), "me", false, roundInReview, 0},
		{"had begun what another approved", walk("start"), "another", false, roundApproved, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"begins, and knows", walk("start"), "me", true, roundApproved, codeState},
		{"submitted the round before", submit, "me", false, roundInReview, 0},
		{"submitted the round before, and knows", submit, "me", true, roundInReview, 0},
		{"submitted the round before, and another approved", submit, "another", false, roundApproved, 0},
	} {
		approval := &roundsv1.Review{Round: 2, PersonId: uid(test.by), Verdict: roundsv1.Verdict_VERDICT_APPROVED}
		c := caseOf("inspection", change(round(&roundsv1.Inspection{State: roundApproved, Round: 2, InspectorId: uid("X"), Reviews: []*roundsv1.Review{approval}})), test.act, test.saw)
		v := plainRules().Judge(c)
		if v.Problem.GetCode() != test.code {
			t.Errorf("%s: %v", test.name, v.Problem)
		}
		got := after(t, c, v.Effect).GetInspection()
		back := test.want == roundInReview
		if got.GetState() != test.want || slices.Contains(got.GetFlags(), "self_approval") != back || slices.Contains(got.GetPerformerIds(), uid("me")) != (test.code == 0) {
			t.Errorf("%s: %v", test.name, got)
		}
		asked := slices.ContainsFunc(v.Derived, func(d engine.Derived) bool {
			return d.Edit.GetRecord().GetConflict().GetType() == roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL
		})
		if asked != back {
			t.Errorf("%s: a supervisor is asked: %v", test.name, asked)
		}
	}
}

// TestRow37_StartOfARoundAlone: a start that shows that the approver had begun the round is one of who was meant to walk it, at a tag where there is a route.
func TestRow37_StartOfARoundAlone(t *testing.T) {
	approval := &roundsv1.Review{Round: 2, PersonId: uid("me"), Verdict: roundsv1.Verdict_VERDICT_APPROVED}
	for _, test := range []struct {
		name   string
		change func(*roundsv1.Inspection)
		scan   string
		code   roundsv1.ProblemCode
	}{
		{"of nobody, without a route", func(*roundsv1.Inspection) {}, "", 0},
		{"of the approver, with a tag", func(i *roundsv1.Inspection) { i.AssigneeId, i.CheckpointIds = uid("me"), []string{gate} }, "a tag", 0},
		{"without one", func(i *roundsv1.Inspection) { i.CheckpointIds = []string{gate} }, "", codeMissing},
		{"of somebody else", func(i *roundsv1.Inspection) { i.AssigneeId = uid("X") }, "", roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
	} {
		i := &roundsv1.Inspection{State: roundApproved, Round: 2, InspectorId: uid("X"), Reviews: []*roundsv1.Review{approval}}
		test.change(i)
		start := walk("start")
		start.GetStart().ScanPayload = test.scan
		c := caseOf("inspection", change(round(i)), start, false)
		c.Roles = []roundsv1.Role{worker}
		if v := plainRules().Judge(c); v.Problem.GetCode() != test.code {
			t.Errorf("%s: %v", test.name, v.Problem)
		}
	}
}
