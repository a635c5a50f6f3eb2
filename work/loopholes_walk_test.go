package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
)

func noRole(p *roundsv1.Photo) { p.Role = roundsv1.PhotoRole_PHOTO_ROLE_UNSPECIFIED }

// TestRow37_PhotoOfARoundByItsApprover: who approved a round and took a photo of an item, which comes late, walked some of it: somebody else decides. A photo by anybody
// else, or of something else, leaves the approval.
func TestRow37_PhotoOfARoundByItsApprover(t *testing.T) {
	photo := uid("late photo")
	for name, some := range map[string]struct {
		act  func(*patrol)
		back bool
	}{
		"of an item":             {func(p *patrol) { p.chief.do(photo, itemShot(p.id)) }, true},
		"of the finished work":   {func(p *patrol) { p.chief.do(photo, itemShot(p.id, func(p *roundsv1.Photo) { p.Role = roleAfter })) }, true},
		"named by somebody else": {func(p *patrol) { p.y.do(photo, itemShot(p.id, func(p *roundsv1.Photo) { p.PersonId = uid("S") })) }, true},
		"that an answer rests on": {func(p *patrol) {
			p.y.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, "", photo)}))
			p.chief.do(photo, itemShot(p.id, noRole))
		}, true},
		"without a role":   {func(p *patrol) { p.chief.do(photo, itemShot(p.id, noRole)) }, false},
		"by somebody else": {func(p *patrol) { p.y.do(photo, itemShot(p.id)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := walkedAndApproved(t)
			some.act(p)
			p.y.sync()
			p.chief.sync()
			got := p.round()
			if back := got.GetState() == roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW; back != some.back {
				t.Fatalf("%v", got.GetState())
			}
			if slices.Contains(got.GetFlags(), "self_approval") != some.back || !slices.Contains(got.GetFlags(), "late") {
				t.Fatalf("%v", got.GetFlags())
			}
			var asked int
			for _, q := range p.questions() {
				if q.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL && q.GetState() == openState {
					asked++
				}
			}
			if !some.back {
				if asked != 0 {
					t.Fatalf("%d questions", asked)
				}
				return
			}
			if asked != 1 {
				t.Fatalf("%d questions", asked)
			}
			p.decidesNot(p.chief)
			(&town{shift: &shift{site: p.site, chief: p.chief}, rules: work.New(work.Config{Reference: library{8}})}).looked(p.id, photo, stateClean)
			other := p.phone("T", supervisor)
			other.sync()
			other.done(p.id, other.approvesWalk(p.id))
			if got := p.round(); got.GetState() != roundsv1.InspectionState_INSPECTION_STATE_APPROVED {
				t.Fatalf("%v", got.GetState())
			}
			for _, q := range p.questions() {
				if q.GetState() == openState {
					t.Fatalf("still asked: %v", q)
				}
			}
		})
	}
}

// TestLateMarkOfARound: what comes after a decision marks the round, and who decided is told once; the mark stays in that round until somebody decides on it anew, or it
// is walked again.
func TestLateMarkOfARound(t *testing.T) {
	told := func(p *patrol) (n int) {
		p.chief.sync()
		for _, c := range p.chief.replica {
			if notice := c.GetRecord().GetNotice(); notice.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE && notice.GetSubject().GetId() == p.id &&
				slices.Contains(notice.GetPersonIds(), uid("S")) {
				n++
			}
		}
		return n
	}
	late := func(p *patrol) bool { return slices.Contains(p.round().GetFlags(), "late") }
	for name, again := range map[string]struct {
		act   func(*patrol)
		stays bool
	}{
		"nothing more": {func(*patrol) {}, true},
		"an answer that fails, and it is opened again": {func(p *patrol) {
			p.y.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", uid("photo"))}))
			for id := range p.questions() {
				p.chief.done(id, decide(roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN))
			}
		}, false},
		"its approver walked, and another approves": {func(p *patrol) {
			p.chief.done(uid("own"), itemShot(p.id))
			if !late(p) {
				t.Fatal("the mark is gone before somebody decided")
			}
			other := p.phone("T", supervisor)
			other.sync()
			other.done(p.id, other.approvesWalk(p.id))
		}, false},
		"its approver walked, and another returns it": {func(p *patrol) {
			p.chief.done(uid("own"), itemShot(p.id))
			p.phone("T", supervisor).done(p.id, walk("return"))
		}, false},
	} {
		for what, fact := range map[string]func(*patrol){
			"a photo":   func(p *patrol) { p.y.done(uid("late"), itemShot(p.id)) },
			"an answer": func(p *patrol) { p.y.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, "")})) },
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				p := walkedAndApproved(t)
				fact(p)
				p.y.done(uid("one more"), itemShot(p.id))
				if !late(p) || told(p) != 1 {
					t.Fatalf("late %v, told %d times", late(p), told(p))
				}
				again.act(p)
				if late(p) != again.stays {
					t.Fatalf("late %v", late(p))
				}
			})
		}
	}
	t.Run("excused", func(t *testing.T) {
		p := newPatrol(t, 7, &roundsv1.Inspection{})
		p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_MISSED}, 40)
		p.chief.done(p.id, walk("excuse"))
		p.y.done(uid("late"), itemShot(p.id))
		if !late(p) || told(p) != 1 {
			t.Fatalf("late %v, told %d times", late(p), told(p))
		}
	})
}
