package schedule_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// A round that waits for its review, was returned and is not walked again, or is walked again and not submitted, is told of once for each time that it waits; and not where somebody went on in time.
func TestLingeringRounds(t *testing.T) {
	const review, returned, running = roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, roundsv1.InspectionState_INSPECTION_STATE_RETURNED,
		roundsv1.InspectionState_INSPECTION_STATE_RUNNING
	w := newWorld(t)
	round, quick := uid("round"), uid("quick")
	to := func(id string, state roundsv1.InspectionState, n uint32) {
		w.put(site, id, &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{State: state, Round: n, InspectorId: uid("ann")}}}, 40, 41, 42)
	}
	told := func(when string, role roundsv1.Role, people, want int) {
		t.Helper()
		w.tick()
		n := 0
		w.visit(site, func(_ string, r *roundsv1.Record) {
			if got := r.GetNotice(); got.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_BREACHED && got.GetRole() == role {
				if n++; len(got.GetPersonIds()) != people || got.GetSubject().GetId() != round {
					t.Errorf("%s: %v", when, got)
				}
			}
		})
		if n != want {
			t.Errorf("%s: %d notices, want %d", when, n, want)
		}
	}
	supervisor, foreman := roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_FOREMAN
	to(round, review, 1)
	to(quick, review, 1)
	w.pass(3 * time.Hour)
	told("before its time", supervisor, 0, 0)
	to(quick, roundsv1.InspectionState_INSPECTION_STATE_APPROVED, 1)
	if next := w.worker.Next(); !next.After(w.clock()) || next.Sub(w.clock()) > time.Hour {
		t.Errorf("looks again in %v", next.Sub(w.clock()))
	}
	w.pass(time.Hour)
	told("waits for its review", supervisor, 0, 1)
	w.start()
	w.pass(100 * time.Hour)
	told("after a restart, and days later", supervisor, 0, 1)

	to(round, returned, 2)
	w.pass(23 * time.Hour)
	told("just returned", foreman, 1, 0)
	w.pass(time.Hour)
	told("not walked again", foreman, 1, 1)
	to(round, running, 2)
	w.pass(23 * time.Hour)
	told("goes on", foreman, 1, 1)
	w.pass(77 * time.Hour)
	told("goes on, and is not submitted", foreman, 1, 2)
	to(round, review, 2)
	w.pass(5 * time.Hour)
	told("waits again", supervisor, 0, 2)
}
