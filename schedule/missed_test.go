package schedule_test

import (
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func round(w *world, id string, state roundsv1.InspectionState, from, to time.Duration) {
	w.put(site, uid(id), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{State: state, Round: 1, AssigneeId: uid("xu"),
		InspectorId: uid("xu"), WindowStartUs: w.clock().Add(from).UnixMicro(), WindowEndUs: w.clock().Add(to).UnixMicro()}}})
}

func TestRoundsThatAreMissed(t *testing.T) {
	w := newWorld(t)
	const (
		planned, released, running = roundsv1.InspectionState_INSPECTION_STATE_PLANNED, roundsv1.InspectionState_INSPECTION_STATE_RELEASED, roundsv1.InspectionState_INSPECTION_STATE_RUNNING
		submitted                  = roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED
	)
	round(w, "planned", planned, 100*time.Hour, 101*time.Hour)
	round(w, "released", released, 0, time.Hour)
	round(w, "running", running, 0, time.Hour)
	round(w, "submitted", submitted, 0, time.Hour)
	w.tick()
	w.pass(time.Hour).tick()
	for id, want := range map[string]string{"planned": "PLANNED", "released": "MISSED", "running": "PARTIAL", "submitted": "SUBMITTED"} {
		i := w.inspection(uid(id))
		if got := strings.TrimPrefix(i.GetState().String(), "INSPECTION_STATE_"); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
		lost := want == "MISSED" || want == "PARTIAL"
		if i.GetProvisional() != lost || lost && i.GetGraceEndUs() != w.clock().Add(48*time.Hour).UnixMicro() {
			t.Errorf("%s: %v", id, i)
		}
	}
	same(t, "while a phone may still be in the basement", w.notices(), nil)
	// One of them comes late.
	w.put(site, uid("running"), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{State: submitted}}}, 40, 47)
	w.pass(48*time.Hour - time.Microsecond).tick()
	same(t, "to the last moment", w.notices(), nil)
	w.pass(time.Microsecond).tick().tick()
	same(t, "after it", w.notices(), []string{"MISSED supervisor " + uid("xu")})
	if i := w.inspection(uid("released")); i.GetProvisional() {
		t.Errorf("%v", i)
	}
	w.pass(3 * time.Hour).tick() // 48 hours before the window of the round that was planned by hand
	if i := w.inspection(uid("planned")); i.GetState() != released {
		t.Errorf("%v", i)
	}
	if s := w.worker.Stats(); s.Missed != 1 || s.Partial != 1 || s.Settled != 1 || s.Released != 1 {
		t.Errorf("%+v", s)
	}
}
