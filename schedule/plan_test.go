package schedule_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/merge"
)

func plan(rule string, change ...func(*roundsv1.Plan)) *roundsv1.Record {
	p := &roundsv1.Plan{Name: &roundsv1.Text{Zh: "水泵房", En: "Pump room"}, ChecklistId: uid("list"), Recurrence: rule, WindowUs: (3 * time.Hour).Microseconds(),
		AssigneeId: uid("xu"), CheckpointIds: []string{uid("tank")}, Route: &roundsv1.Route{Ordered: true}}
	for _, f := range change {
		f(p)
	}
	return &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: p}}
}

// starts are when the windows of the site's rounds begin, in Shanghai, with their states.
func (w *world) starts() []string {
	w.t.Helper()
	var list []string
	for id, i := range w.rounds() {
		if i.GetPlanId() != "" && id != string(schedule.RoundID(merge.RecordID(i.GetPlanId()), i.GetWindowStartUs())) {
			w.t.Errorf("id %s", id)
		}
		at := time.UnixMicro(i.GetWindowStartUs()).In(time.FixedZone("", 8*3600)).Format("01-02 15:04")
		list = append(list, at+" "+strings.ToLower(strings.TrimPrefix(i.GetState().String(), "INSPECTION_STATE_")))
	}
	slices.Sort(list)
	return list
}

const daily = "DTSTART:20260101T080000\nRRULE:FREQ=DAILY"

// The clock stands at 09:00 on Monday, July 6, at the site.
func TestPlansMakeRounds(t *testing.T) {
	w := newWorld(t)
	w.ref.checklists[uid("list")] = 7
	w.put(site, uid("plan"), plan(daily))
	w.tick()
	same(t, "at first", w.starts(), []string{"07-06 08:00 released", "07-07 08:00 released", "07-08 08:00 released"})
	for _, i := range w.rounds() {
		if i.GetChecklistVersion() != 7 || i.GetChecklistId() != uid("list") || i.GetAssigneeId() != uid("xu") || i.GetTitle() != "水泵房" || i.GetRound() != 1 ||
			i.GetWindowEndUs()-i.GetWindowStartUs() != (3*time.Hour).Microseconds() || !i.GetRoute().GetOrdered() || len(i.GetCheckpointIds()) != 1 || i.GetPlanId() != uid("plan") {
			t.Errorf("%v", i)
		}
	}
	seq := w.seq()
	w.tick()
	if w.seq() != seq {
		t.Error("nothing is due, and something was written")
	}
	w.pass(23*time.Hour - time.Microsecond).tick()
	same(t, "just before 08:00", w.starts(), []string{"07-06 08:00 missed", "07-07 08:00 released", "07-08 08:00 released"})
	w.ref.checklists[uid("list")] = 8
	w.pass(time.Microsecond).tick()
	same(t, "at 08:00", w.starts(), []string{"07-06 08:00 missed", "07-07 08:00 released", "07-08 08:00 released", "07-09 08:00 released"})
	versions := map[uint32]int{}
	for _, i := range w.rounds() {
		versions[i.GetChecklistVersion()]++
	}
	if versions[7] != 3 || versions[8] != 1 {
		t.Errorf("versions %v", versions)
	}
}

func TestAPlanThatIsEdited(t *testing.T) {
	w := newWorld(t)
	w.ref.checklists[uid("list")] = 1
	w.put(site, uid("plan"), plan("DTSTART:20260101T080000\nRRULE:FREQ=WEEKLY")) // Thursdays
	w.tick()
	same(t, "weekly", w.starts(), nil)
	if n := w.worker.Next(); !n.Equal(time.Date(2026, 7, 7, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("next at %v", n)
	}
	edit := plan(daily).GetPlan()
	w.put(site, uid("plan"), &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: edit}}, 5)
	w.tick()
	same(t, "daily", w.starts(), []string{"07-06 08:00 released", "07-07 08:00 released", "07-08 08:00 released"})
	begun := schedule.RoundID(merge.RecordID(uid("plan")), time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC).UnixMicro())
	w.put(site, string(begun), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RUNNING}}}, 40)
	// An edit that changes nothing of when makes nothing, and does not come again and again.
	w.put(site, uid("plan"), &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{Name: &roundsv1.Text{Zh: "泵房"}}}}, 1)
	w.tick()
	seq, writes := w.seq(), w.records.writes.Load()
	for range 10 {
		w.pass(2 * time.Minute).tick()
	}
	if w.seq() != seq || w.records.writes.Load() != writes || len(w.starts()) != 3 {
		t.Errorf("%d entries and %d acts more", w.seq()-seq, w.records.writes.Load()-writes)
	}
	same(t, "a round that was begun stays", w.starts(), []string{"07-06 08:00 running", "07-07 08:00 released", "07-08 08:00 released"})
	w.put(site, uid("plan"), &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{Suspended: true}}}, 9)
	w.pass(30 * time.Minute).tick()
	if n := w.worker.Next(); !n.Equal(time.Date(2026, 7, 6, 3, 0, 0, 0, time.UTC)) { // the end of the first window
		t.Errorf("next at %v", n)
	}
}

// After a long downtime the windows that have passed are left out, and many are made a few at a time.
func TestCatchingUp(t *testing.T) {
	w := newWorld(t)
	w.ref.checklists[uid("list")] = 1
	w.put(site, uid("plan"), plan("DTSTART:20260101T000000\nRRULE:FREQ=HOURLY", func(p *roundsv1.Plan) { p.WindowUs = (30 * time.Minute).Microseconds() }))
	w.tick()
	if n := len(w.rounds()); n != 49 { // each hour from 09:00 to 09:00 two days on
		t.Errorf("%d rounds", n)
	}
	w.pass(100 * 24 * time.Hour)
	w.start()
	w.tick()
	if n := len(w.rounds()); n != 49+49 {
		t.Errorf("%d rounds", n)
	}
}

func TestAPlanThatCannotMakeRounds(t *testing.T) {
	w := newWorld(t)
	w.put(site, uid("bad"), plan("every morning"))
	w.put(site, uid("early"), plan(daily)) // its checklist is not published yet
	w.ref.checklists[uid("other")] = 1
	w.put(site, uid("good"), plan(daily, func(p *roundsv1.Plan) { p.ChecklistId = uid("other") }))
	if err := w.worker.Tick(context.Background()); err == nil || !strings.Contains(err.Error(), uid("list")) {
		t.Errorf("error %v", err)
	}
	if n := len(w.starts()); n != 3 {
		t.Errorf("%d rounds of the good plan", n)
	}
	if s := w.worker.Stats(); s.BadPlans != 1 || s.Failures == 0 || s.Made != 3 {
		t.Errorf("%+v", s)
	}
	w.ref.checklists[uid("list")] = 1
	w.pass(5 * time.Second).tick()
	if n := len(w.starts()); n != 6 {
		t.Errorf("%d rounds", n)
	}
	if s := w.worker.Stats(); s.BadPlans != 1 {
		t.Errorf("the bad plan was looked at again: %+v", s)
	}
	w.put(site, uid("bad"), &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{Recurrence: daily}}}, 5)
	w.tick()
	if n := len(w.starts()); n != 9 {
		t.Errorf("%d rounds after the plan was corrected", n)
	}
}
