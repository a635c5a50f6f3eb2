package schedule_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// A round that somebody planned by hand is released with the version of its checklist pinned, and not at all while there is none.
func TestRoundsPlannedByHandArePinned(t *testing.T) {
	const released, planned = roundsv1.InspectionState_INSPECTION_STATE_RELEASED, roundsv1.InspectionState_INSPECTION_STATE_PLANNED
	w := newWorld(t)
	w.ref.checklists[uid("list")], w.ref.drafts = 7, map[string]uint32{uid("list"): 6}
	start := w.clock().Add(time.Hour).UnixMicro()
	for name, i := range map[string]*roundsv1.Inspection{
		"no version": {ChecklistId: uid("list")}, "an older one": {ChecklistId: uid("list"), ChecklistVersion: 5}, "one to come": {ChecklistId: uid("list"), ChecklistVersion: 8},
		"a draft":      {ChecklistId: uid("list"), ChecklistVersion: 6},
		"no such list": {ChecklistId: uid("another")}, "no list": {},
	} {
		i.State, i.Round, i.WindowStartUs, i.WindowEndUs = planned, 1, start, start+time.Hour.Microseconds()
		w.put(site, uid(name), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}})
	}
	w.tick()
	grace := start + (49 * time.Hour).Microseconds()
	holds := func(name string, state roundsv1.InspectionState, version uint32) {
		t.Helper()
		i := w.inspection(uid(name))
		if i.GetState() != state || i.GetChecklistVersion() != version || state == released && i.GetGraceEndUs() != grace {
			t.Errorf("%s: %v", name, i)
		}
	}
	holds("no version", released, 7)
	holds("an older one", released, 5)
	holds("no list", released, 0)
	holds("one to come", planned, 8)
	holds("no such list", planned, 0)
	holds("a draft", planned, 6)
	same(t, "told", w.notices(), []string{"REMINDER foreman", "REMINDER foreman", "REMINDER foreman"})
	if s := w.worker.Stats(); s.Released != 3 || s.Failures != 0 {
		t.Errorf("%+v", s)
	}
	// Once it is published it is released; and nobody is told twice.
	before := w.seq()
	w.pass(2 * time.Minute).tick()
	if w.seq() != before {
		t.Error("told again")
	}
	w.ref.mu.Lock()
	w.ref.checklists[uid("list")], w.ref.checklists[uid("another")], w.ref.drafts = 8, 1, nil
	w.ref.mu.Unlock()
	w.pass(10 * time.Minute).tick()
	holds("one to come", released, 8)
	holds("no such list", released, 1)
	holds("a draft", released, 6)
}
