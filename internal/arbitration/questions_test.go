package arbitration_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestTwoLeadersDecide: of two leaders who decide the same question without a signal the first counts; the second is told who decided what, and has it in the tray.
func TestTwoLeadersDecide(t *testing.T) {
	t.Parallel()
	w := newWorld(t).site(t).shift()
	f2 := w.phone("F2")
	w.reassigned()
	w.x.completes(w.id, 1)
	w.f.sync()
	w.y.sync()
	w.y.do(w.id, start())
	w.y.sync()
	w.x.sync()
	q := w.f.asked(roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, w.id, foreman, []string{w.x.id(), w.y.id()})
	f2.sync()
	decide := func(p *phone, a roundsv1.ConflictAction) client.Ref {
		return p.decide(q.id, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{Action: a, Reason: "看过现场"}}})
	}
	first := decide(w.f, roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT)
	second := decide(f2, roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON)

	w.f.sync()
	f2.sync()

	w.came(first, applied)
	f2.refused(second, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	if said := w.outcome(second).GetProblem().GetFacts(); said["decided_by"] != w.f.id() || said["decision"] == "" {
		t.Errorf("the second is not told who decided what: %v", said)
	}
	f2.inTray(second, client.TrayRejected)
	if c := f2.shows("conflict", q.id).GetConflict(); c.GetResolvedById() != w.f.id() || c.GetDecision() != roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT {
		t.Errorf("decided by %v: %v", w.names([]string{c.GetResolvedById()}), c.GetDecision())
	}
	w.settled()
}

// TestNothingIsDeleted is the end of row 34: no role of a site deletes a ticket, a round, a photo or a remark, so nothing of them is gone for good while a phone may
// still have something.
func TestNothingIsDeleted(t *testing.T) {
	t.Parallel()
	s := newWorld(t).site(t)
	w := s.shift()
	rounds := s.walks()
	photo := w.x.shoots(w.id)
	w.x.sync()
	remark := w.x.create("", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Words: "看过", Subject: &roundsv1.RecordRef{Kind: "ticket", Id: w.id}}}})
	w.x.sync()
	w.came(remark, applied)
	people := []*phone{w.x, w.f, w.d, s.phone("R"), s.phone("S2"), s.phone("M")}
	for kind, id := range map[merge.Kind]string{"ticket": w.id, "inspection": rounds.round, "photo": photo, "comment": string(remark.ID)} {
		for _, p := range people {
			p.sync()
			ref, err := p.device.Command(t.Context(), client.Scope(p.scope), client.RecordID(id), &roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{Kind: string(kind), Reason: "重复"}}})
			if err != nil {
				continue // refused on the phone
			}
			p.sync()
			if o := w.outcome(ref); o.GetStatus() != rejected {
				t.Errorf("%v deletes a %s: %v", p.person.role, kind, o)
			}
			if s.record(kind, id) == nil {
				t.Errorf("the %s is gone", kind)
			}
		}
	}
	w.settled()
}
