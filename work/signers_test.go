package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestRow37_TwoSigners: a closure that two people approved stands on the word of the one who did none of the work, whichever of the two that is and by whatever it
// comes to light; and on nobody's when both did.
func TestRow37_TwoSigners(t *testing.T) {
	for name, fact := range map[string]func(w *town, p *phone) uint64{
		"labour": func(w *town, p *phone) uint64 {
			return p.do(w.id, labour(map[bool]string{true: "R", false: "Q"}[p.person == w.r.person]))
		},
		"scan": func(w *town, p *phone) uint64 { return p.do(w.id, scanned()) },
		"an edit": func(w *town, p *phone) uint64 {
			return p.do(w.id, &roundsv1.Edit{Fields: []uint32{23}, Record: answered("lamp", pass).GetRecord()})
		},
		"after-photo": func(w *town, p *phone) uint64 { return p.do(uid("by "+string(p.person)), shot(w.id, 1)) },
		"completion":  func(w *town, p *phone) uint64 { return p.do(w.id, submit(1)) },
	} {
		for _, firstWorked := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := newTown(t, "light")
				if name == "completion" { // by who had it, and lost it again
					w.foreman.done(w.id, dispatch("R"))
					w.foreman.done(w.id, dispatch("Q"))
					w.foreman.done(w.id, dispatch("X"))
				}
				w.inReview()
				own := map[string]*phone{"R": w.second("R's second", "R", butler), "Q": w.second("Q's second", "Q", butler)}
				own["R"].sync()
				own["Q"].sync()
				second := w.q.do(w.id, w.q.approves(w.id, 1))
				w.r.done(w.id, w.r.approves(w.id, 1))
				w.q.sync()
				w.q.applied(second)
				closed := w.chief.inState(w.id, stateClosed)

				worked, clean := "Q", "R"
				if firstWorked {
					worked, clean = "R", "Q"
				}
				act := fact(w, own[worked])
				own[worked].sync()
				own[worked].applied(act)
				ticket := w.chief.inState(w.id, stateClosed)
				flagged(t, ticket, "self_approval", "late")
				if !slices.Equal(ticket.GetApproverIds(), []string{uid(clean)}) || ticket.GetClosedTimeUs() != closed.GetClosedTimeUs() || len(ticket.GetMoves()) != len(closed.GetMoves()) {
					t.Fatalf("%v", ticket)
				}
				w.noQuestions()
				w.told(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, w.id, "", supervisor)
				w.told(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, w.id, "", foreman)

				// And then the other one, too.
				act = fact(w, own[clean])
				own[clean].sync()
				own[clean].applied(act)
				ticket = w.chief.inState(w.id, stateInReview)
				if len(ticket.GetApproverIds()) != 0 || ticket.GetClosedTimeUs() != 0 {
					t.Fatalf("%v", ticket)
				}
				w.asked(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, w.id)
				for _, p := range []*phone{w.r, w.q} {
					p.sync()
					again := p.do(w.id, p.approves(w.id, 1))
					p.sync()
					p.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
				}
			})
		}
	}
}

// TestRow37_BothAtOnce: labour that names both leaves nobody's word.
func TestRow37_BothAtOnce(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	second := w.q.do(w.id, w.q.approves(w.id, 1))
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.q.sync()
	w.q.applied(second)
	w.x.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Labour: []*roundsv1.Labour{
		{Id: uid("l1"), PersonId: uid("R")}, {Id: uid("l2"), PersonId: uid("Q")}}})})
	if ticket := w.chief.inState(w.id, stateInReview); len(ticket.GetApproverIds()) != 0 {
		t.Fatalf("%v", ticket)
	}
}
