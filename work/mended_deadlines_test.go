package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// TestRow12_ApprovedWithoutSignal: of an approval made without signal two days ago nobody knew before it came, so another reviewer may send the work back from then on.
func TestRow12_ApprovedWithoutSignal(t *testing.T) {
	for after, want := range map[time.Duration]roundsv1.TicketState{time.Hour: stateInReview, 25 * time.Hour: stateClosed} {
		w := newTown(t, "light")
		w.inReview()
		approval := w.r.do(w.id, w.r.approves(w.id, 1))
		w.now = w.now.Add(48 * time.Hour)
		w.q.sync()
		w.r.sync()
		w.r.applied(approval)
		w.now = w.now.Add(after)
		w.q.do(w.id, rejectFor(1, "not_clean"))
		w.q.sync()
		w.chief.inState(w.id, want)
	}
}

// TestRow11_DisputeWhileEvidenceComes: what the household says of a round counts where the evidence of another bundle is on its way, too: an approval that did not see it
// is asked again.
func TestRow11_DisputeWhileEvidenceComes(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	home := w.phone("household", resident)
	objection := w.q.do(w.id, rejectFor(1, "not_clean"))
	w.r.done(w.id, w.r.approves(w.id, 1))
	home.sync()
	disputed := home.do(w.id, dispute(1)) // saw it closed
	w.q.sync()
	w.q.applied(objection)
	w.chief.inState(w.id, stateInReview)
	w.x.done(w.id, submit(1, uid("more")))
	w.chief.inState(w.id, stateDone)
	home.sync()
	home.applied(disputed)
	if ticket := w.chief.inState(w.id, stateDone); ticket.GetAcceptance() != roundsv1.Acceptance_ACCEPTANCE_DISPUTED {
		t.Errorf("%v", ticket)
	}
}

// walkOf is a round of inspection as it stands, and a case of an act on it.
func walkOf(state roundsv1.InspectionState, round uint32, act *roundsv1.InspectionCommand, saw bool) engine.Case {
	i := &roundsv1.Inspection{Title: "pump room", State: state, Round: round, InspectorId: uid("X"), WindowStartUs: 1, WindowEndUs: 1 << 60}
	return caseOf("inspection", change(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}), act, saw)
}

// TestWalkTakenOver: a round that somebody walks whose phone is lost is begun anew by a leader, in whatever round it is, and whoever walked it is told. Nobody else takes it.
func TestWalkTakenOver(t *testing.T) {
	for _, round := range []uint32{1, 2} {
		for name, test := range map[string]struct {
			roles []roundsv1.Role
			saw   bool
			want  bool
		}{
			"a foreman": {[]roundsv1.Role{foreman}, true, true}, "a manager": {[]roundsv1.Role{manager}, true, true},
			"a worker": {[]roundsv1.Role{worker}, true, false}, "a foreman who did not see that it was begun": {[]roundsv1.Role{foreman}, false, false},
		} {
			c := walkOf(roundsv1.InspectionState_INSPECTION_STATE_RUNNING, round, inspectionActs()["start"], test.saw)
			c.Person, c.Roles = engine.PersonID(uid("another")), test.roles
			v := plainRules().Judge(c)
			if (v.Problem == nil) != test.want {
				t.Fatalf("%s, round %d: %v", name, round, v.Problem)
			}
			if !test.want {
				continue
			}
			if got := v.Effect.GetRecord().GetInspection(); got.GetInspectorId() != uid("another") {
				t.Errorf("%s, round %d: %v", name, round, got)
			}
			if len(v.Derived) != 1 || !slices.Equal(v.Derived[0].Edit.GetRecord().GetNotice().GetPersonIds(), []string{uid("X")}) {
				t.Errorf("%s, round %d: told %v", name, round, v.Derived)
			}
		}
	}
}

// TestRow30_WalkThatWasExcused: a round that was excused as missed was walked all the same, without signal: it goes to review, and who excused it is told. Who saw that it was
// excused has nothing to submit.
func TestRow30_WalkThatWasExcused(t *testing.T) {
	for _, saw := range []bool{false, true} {
		act := inspectionActs()["submit"]
		act.GetSubmit().Round = 1
		c := walkOf(roundsv1.InspectionState_INSPECTION_STATE_EXCUSED, 1, act, saw)
		c.Person, c.Roles = engine.PersonID(uid("X")), []roundsv1.Role{worker}
		v := plainRules().Judge(c)
		if saw {
			if v.Problem == nil {
				t.Error("submitted although it was seen to be excused")
			}
			continue
		}
		got := v.Effect.GetRecord().GetInspection()
		if v.Problem != nil || got.GetState() != roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED || len(v.Derived) == 0 {
			t.Errorf("%v: %v, told %v", v.Problem, got, v.Derived)
		}
	}
}

// TestDispatchToWhoDoesNoWork: a resident and an auditor have a role at the site, and no ticket is given to them: they could not even accept it.
func TestDispatchToWhoDoesNoWork(t *testing.T) {
	staff := people{engine.PersonID(uid("A")): {roundsv1.Role_ROLE_AUDITOR}, engine.PersonID(uid("H")): {resident}, engine.PersonID(uid("X")): {worker}, engine.PersonID(uid("Y")): {worker}}
	w := newTownOf(t, work.Config{Reference: office{}, People: staff}, "light")
	w.foreman.sync()
	for _, name := range []string{"A", "H", "nobody"} {
		given := w.foreman.do(w.id, dispatch(name))
		w.foreman.sync()
		w.foreman.refused(given, roundsv1.ProblemCode_PROBLEM_CODE_NOT_ON_DUTY)
	}
	w.foreman.done(w.id, dispatch("Y"))
}
