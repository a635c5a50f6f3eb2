package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

const (
	triaged    = roundsv1.TicketState_TICKET_STATE_TRIAGED
	dispatched = roundsv1.TicketState_TICKET_STATE_DISPATCHED
	doneState  = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
	reviewing  = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW

	breached = roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
	met      = roundsv1.DeadlineState_DEADLINE_STATE_MET
)

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "; "), strings.Join(want, "; "))
	}
}

// A ticket that nobody answers and nobody works on goes up a level with each deadline that passes.
func TestBreachesAreNoticedAndTold(t *testing.T) {
	w := newWorld(t)
	w.report("leak")
	w.tick()
	if n := w.worker.Next(); !n.Equal(w.clock().Add(15 * time.Minute)) {
		t.Errorf("next at %v", n)
	}
	w.pass(15*time.Minute - time.Microsecond).tick()
	if got := w.ticket(uid("leak")); got.GetEscalationLevel() != 0 || len(w.notices()) != 0 {
		t.Errorf("before it is due: %v", got)
	}
	w.pass(time.Microsecond).tick()
	got := w.ticket(uid("leak"))
	if d := got.GetDeadlines()[0]; d.GetState() != breached || d.GetBreachedUs() != w.clock().UnixMicro() {
		t.Errorf("%v", d)
	}
	if got.GetEscalationLevel() != 1 || !slices.Contains(got.GetFlags(), "breached") {
		t.Errorf("level %d, flags %v", got.GetEscalationLevel(), got.GetFlags())
	}
	same(t, "told", w.notices(), []string{"BREACHED dispatcher", "ESCALATED supervisor"})

	// Again it does nothing, also after a restart.
	before := w.seq()
	w.tick()
	w.start()
	w.tick()
	if w.seq() != before {
		t.Error("noticed twice")
	}

	w.move("leak", dispatched, "", 0, func(t *roundsv1.Ticket) { t.AssigneeId = uid("xu") })
	w.pass(24 * time.Hour).tick()
	if got := w.ticket(uid("leak")); got.GetEscalationLevel() != 2 || got.GetDeadlines()[1].GetState() != breached {
		t.Errorf("level %d, %v", got.GetEscalationLevel(), got.GetDeadlines())
	}
	same(t, "told", w.notices(), []string{"BREACHED dispatcher", "BREACHED foreman " + uid("xu"), "ESCALATED manager", "ESCALATED supervisor"})

	// Work whose word comes late corrects the result, and the escalation stays.
	w.move("leak", doneState, uid("xu"), 2*time.Hour)
	if got := w.ticket(uid("leak")); got.GetEscalationLevel() != 2 || !got.GetDeadlines()[1].GetOfflineFalseAlarm() {
		t.Errorf("level %d, %v", got.GetEscalationLevel(), got.GetDeadlines())
	}
	w.tick()
	if got := w.ticket(uid("leak")); got.GetDeadlines()[1].GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC || got.GetEscalationLevel() != 2 {
		t.Errorf("%v", got.GetDeadlines())
	}
	s := w.worker.Stats() // of the worker after the restart
	if s.Breaches[roundsv1.Step_STEP_FINISH] != 1 || s.Escalations != 1 || s.Failures != 0 || s.Latest <= 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhatIsDoneInTimeIsNotTold(t *testing.T) {
	w := newWorld(t)
	w.report("lamp")
	w.move("lamp", triaged, uid("ann"), 0)
	w.move("lamp", doneState, uid("xu"), 0)
	w.pass(time.Hour)
	w.move("lamp", reviewing, "", 0)
	w.tick()
	if got := w.notices(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if n := w.worker.Next(); !n.Equal(w.clock().Add(4 * time.Hour)) {
		t.Errorf("the review is due at %v", n)
	}
	w.pass(4 * time.Hour).tick()
	same(t, "told", w.notices(), []string{"BREACHED supervisor", "ESCALATED supervisor"})
	for _, d := range w.ticket(uid("lamp")).GetDeadlines()[:2] {
		if d.GetState() != met {
			t.Errorf("%v", d)
		}
	}
}

// A server that stood still tells what was missed meanwhile, everybody once, and takes the ticket up a level after the other: who is told of one has as long to act as
// the times of the steps are apart, counted from when they were really told.
func TestAfterADowntime(t *testing.T) {
	w := newWorld(t)
	w.ref.set(t, site, map[string]string{"service.normal.arrive": "2h", "escalation.steps": "respond,arrive,finish,review,follow_up"})
	w.report("pump", func(t *roundsv1.Ticket) { t.AssigneeId = uid("xu") })
	w.pass(30 * 24 * time.Hour)
	w.start()
	w.tick()
	level := func(want uint32) {
		t.Helper()
		if got := w.ticket(uid("pump")).GetEscalationLevel(); got != want {
			t.Fatalf("level %d, want %d", got, want)
		}
	}
	deadlines := w.ticket(uid("pump")).GetDeadlines()
	if len(deadlines) != 3 {
		t.Fatalf("%v", deadlines)
	}
	for _, d := range deadlines {
		if d.GetState() != breached || d.GetBreachedUs() != w.clock().UnixMicro() {
			t.Errorf("%v", d)
		}
	}
	level(1)
	same(t, "told", w.notices(), []string{"BREACHED foreman " + uid("xu"), "ESCALATED supervisor"})
	seq := w.seq()
	w.tick()
	if w.seq() != seq {
		t.Error("told again")
	}
	w.pass(105*time.Minute - time.Microsecond).tick() // respond within 15 minutes, arrive within two hours
	level(1)
	w.start() // forgets nothing
	w.pass(time.Microsecond).tick()
	level(2)
	same(t, "told", w.notices(), []string{"BREACHED foreman " + uid("xu"), "ESCALATED manager", "ESCALATED supervisor"})
	w.pass(22*time.Hour - time.Microsecond).tick() // and finish within a day
	level(2)
	w.pass(time.Microsecond).tick()
	level(3)
	same(t, "told", w.notices(), []string{"BREACHED foreman " + uid("xu"), "ESCALATED manager", "ESCALATED manager", "ESCALATED supervisor"})
	for _, d := range w.ticket(uid("pump")).GetDeadlines() {
		if d.GetEscalatedUs() == 0 || d.GetEscalateUs() != 0 {
			t.Errorf("%v", d)
		}
	}
	if n := w.worker.Next(); n.Before(w.clock().Add(80 * 24 * time.Hour)) { // when what was told is old
		t.Errorf("next at %v", n)
	}
}

// What is done before its level's turn raises nothing; nor does what is at the top already.
func TestALevelThatWaitsIsNotRaisedForNothing(t *testing.T) {
	for name, test := range map[string]struct {
		level uint32
		do    func(*world)
		want  uint32
	}{
		"done meanwhile": {0, func(w *world) { w.move("pump", doneState, uid("xu"), 0) }, 1},
		"cancelled": {0, func(w *world) {
			w.start()
			w.move("pump", roundsv1.TicketState_TICKET_STATE_CANCELLED, uid("ann"), 0)
		}, 1},
		"not done":     {0, func(*world) {}, 2},
		"near the top": {2, func(*world) {}, 3},
		"at the top":   {3, func(*world) {}, 3},
	} {
		w := newWorld(t)
		w.report("pump", func(t *roundsv1.Ticket) { t.EscalationLevel = test.level })
		w.pass(30 * 24 * time.Hour).tick()
		test.do(w)
		w.pass(24 * time.Hour)
		w.start()
		w.tick()
		if got := w.ticket(uid("pump")).GetEscalationLevel(); got != test.want {
			t.Errorf("%s: level %d", name, got)
		}
	}
}

// Two steps that are due at once raise their levels a minute apart.
func TestTwoStepsDueAtOnce(t *testing.T) {
	w := newWorld(t)
	w.ref.set(t, site, map[string]string{"service.normal.respond": "15m", "service.normal.arrive": "15m"})
	w.report("pump")
	for passed, want := range []uint32{0, 1, 2} {
		if passed == 1 {
			w.pass(14 * time.Minute)
		}
		w.pass(time.Minute).tick()
		if got := w.ticket(uid("pump")).GetEscalationLevel(); got != want {
			t.Errorf("at step %d: level %d", passed, got)
		}
	}
}

func TestStepsThatDoNotEscalate(t *testing.T) {
	w := newWorld(t)
	w.ref.set(t, site, map[string]string{"escalation.steps": "finish", "escalation.role.site": "butler", "escalation.role.region": "auditor"})
	w.report("gate", func(t *roundsv1.Ticket) { t.AssigneeId = uid("xu") })
	w.pass(time.Hour).tick()
	if level := w.ticket(uid("gate")).GetEscalationLevel(); level != 0 {
		t.Errorf("level %d", level)
	}
	same(t, "told", w.notices(), []string{"BREACHED butler " + uid("xu")})
	w.pass(24 * time.Hour).tick()
	same(t, "told", w.notices(), []string{"BREACHED butler " + uid("xu"), "BREACHED butler " + uid("xu"), "ESCALATED auditor"})
}

// Something done too late, of which the server learnt before it noticed: its owner is told, and nothing goes up.
func TestABreachThatIsOverIsToldWithoutEscalation(t *testing.T) {
	w := newWorld(t)
	w.report("drain")
	w.pass(20 * time.Minute)
	w.move("drain", triaged, uid("ann"), 0)
	w.tick()
	got := w.ticket(uid("drain"))
	if got.GetEscalationLevel() != 0 || got.GetDeadlines()[0].GetBreachedUs() == 0 {
		t.Errorf("level %d, %v", got.GetEscalationLevel(), got.GetDeadlines())
	}
	same(t, "told", w.notices(), []string{"BREACHED foreman " + uid("ann")})
}

// The calendar is asked again when a deadline passes: a holiday that became known meanwhile puts it off.
func TestACalendarThatLearntOfAHoliday(t *testing.T) {
	w := newWorld(t)
	w.ref.set(t, site, map[string]string{"service.hours": "09:00-18:00"})
	w.report("lift")
	tk := w.ticket(uid("lift"))
	for _, d := range tk.GetDeadlines() {
		d.DueUs = w.clock().Add(time.Minute).UnixMicro() // as some other calendar had it
	}
	w.put(site, uid("lift"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: tk}}, 54)
	w.pass(2 * time.Minute).tick()
	if got := w.ticket(uid("lift")); len(w.notices()) != 0 || got.GetDeadlines()[0].GetDueUs() != w.clock().Add(13*time.Minute).UnixMicro() {
		t.Errorf("told %v, %v", w.notices(), got.GetDeadlines())
	}
}

func TestMissingPhotosAreChased(t *testing.T) {
	for _, asks := range []bool{true, false} {
		w := newWorld(t)
		w.ref.set(t, site, map[string]string{"chase.question": fmt.Sprint(asks)})
		w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements = nil })
		w.move("tiles", doneState, uid("xu"), 0)
		w.move("tiles", doneState, uid("yi"), 0)
		w.tick()
		w.pass(24*time.Hour - 1*time.Microsecond).tick()
		same(t, "before a day", w.notices(), nil)
		w.pass(time.Microsecond).tick().tick()
		people := []string{uid("xu"), uid("yi")}
		slices.Sort(people)
		same(t, "after a day", w.notices(), []string{"CHASE " + strings.Join(people, " ")})
		w.pass(48 * time.Hour).tick().tick()
		same(t, "after three days", w.notices(), []string{"CHASE " + strings.Join(people, " "), "CHASE foreman"})
		var questions []*roundsv1.Conflict
		w.visit(site, func(_ string, r *roundsv1.Record) {
			if c := r.GetConflict(); c != nil {
				questions = append(questions, c)
			}
		})
		if len(questions) != map[bool]int{true: 1, false: 0}[asks] {
			t.Fatalf("questions %v", questions)
		}
		if asks {
			if q := questions[0]; q.GetType() != roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST || len(q.GetSides()) != 3 || len(q.GetActions()) == 0 ||
				q.GetSentence().GetZh() == "" || q.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || q.GetRemindUs() == 0 {
				t.Errorf("%v", q)
			}
		}
		// The next round has its own.
		w.move("tiles", doneState, uid("zo"), 0, func(t *roundsv1.Ticket) { t.Completions[len(t.Completions)-1].Round = 2 })
		w.put(site, uid("tiles"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Round: 2}}}, 41)
		w.pass(24 * time.Hour).tick()
		if got := w.notices(); !slices.Contains(got, "CHASE "+uid("zo")) {
			t.Errorf("round 2: %v", got)
		}
	}
}

// The photos of an inspection round are chased as those of a ticket are; the mark says that some are lost, and what was promised stays listed.
func TestMissingPhotosOfARoundAreChased(t *testing.T) {
	w := newWorld(t)
	photo := uid("crack")
	w.put(site, photo, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: uid("walk")}, Round: 1}}})
	w.put(site, uid("walk"), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		State: roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED, Round: 1, Flags: []string{"late"},
		Completions: []*roundsv1.Completion{{Round: 1, PersonId: uid("xu"), PhotoIds: []string{photo}, TimeUs: w.clock().UnixMicro()}},
		Answers:     map[string]*roundsv1.Answer{"gutter": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, PhotoIds: []string{photo}}}}}})
	w.tick()
	w.pass(24*time.Hour - time.Second).tick()
	same(t, "before a day", w.notices(), nil)
	w.pass(time.Second).tick().tick()
	same(t, "after a day", w.notices(), []string{"CHASE " + uid("xu")})
	w.pass(48 * time.Hour).tick().tick()
	same(t, "after three days", w.notices(), []string{"CHASE " + uid("xu"), "CHASE foreman"})
	var flags []string
	var questions []*roundsv1.Conflict
	w.visit(site, func(id string, r *roundsv1.Record) {
		if r.GetInspection() != nil {
			flags = r.GetInspection().GetFlags()
		}
		if c := r.GetConflict(); c != nil {
			questions = append(questions, c)
		}
	})
	same(t, "flags", flags, []string{"late", "photos_chased_1", "photos_overdue_1", "evidence_lost"})
	if len(questions) != 1 || questions[0].GetSubject().GetKind() != "inspection" || !slices.Contains(questions[0].GetActions(), roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE) ||
		!slices.ContainsFunc(questions[0].GetSides(), func(s *roundsv1.Side) bool { return s.GetRecord().GetId() == photo }) {
		t.Errorf("%v", questions)
	}
}

// Asking for photos takes no mark away but that of an earlier round; and where a ticket is full of marks all stay, and nobody is asked again and again.
func TestChasingLosesNoMark(t *testing.T) {
	var others []string
	for n := range 63 {
		others = append(others, fmt.Sprintf("mark %02d", n))
	}
	for name, test := range map[string]struct{ before, after []string }{
		"room":                                {[]string{"late", "forced"}, []string{"late", "forced", "photos_chased_2"}},
		"another round":                       {[]string{"late", "photos_chased_1", "photos_overdue_1"}, []string{"late", "photos_overdue_1", "photos_chased_2"}},
		"the last place":                      {others, append(slices.Clone(others), "photos_chased_2")},
		"full":                                {append(slices.Clone(others), "late"), append(slices.Clone(others), "late")},
		"full, with its own of another round": {append([]string{"photos_chased_1"}, others...), append(slices.Clone(others), "photos_chased_2")},
	} {
		w := newWorld(t)
		w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements, t.Round, t.Flags = nil, 2, test.before })
		w.move("tiles", doneState, uid("xu"), 0)
		w.pass(24 * time.Hour).tick()
		same(t, name, w.ticket(uid("tiles")).GetFlags(), test.after)
		seq := w.seq()
		w.pass(5 * time.Hour).tick()
		same(t, name+", told", w.notices(), []string{"CHASE " + uid("xu")})
		if w.seq() != seq {
			t.Errorf("%s: written again", name)
		}
	}
}

// Of a completion that came out of a basement a day and more after it was made nobody is asked for photos at once: the times run from when the server heard of it.
func TestChasingCountsFromTheArrival(t *testing.T) {
	w := newWorld(t)
	w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements = nil })
	w.pass(30 * time.Hour)
	w.move("tiles", doneState, uid("xu"), 30*time.Hour, func(t *roundsv1.Ticket) { t.Completions[0].TakenUs = w.clock().UnixMicro() })
	w.tick()
	w.pass(24*time.Hour - time.Microsecond).tick()
	same(t, "before a day", w.notices(), nil)
	w.pass(time.Microsecond).tick()
	same(t, "after a day", w.notices(), []string{"CHASE " + uid("xu")})
	w.pass(48*time.Hour - time.Microsecond).tick()
	same(t, "before three days", w.notices(), []string{"CHASE " + uid("xu")})
	w.pass(time.Microsecond).tick()
	same(t, "after three days", w.notices(), []string{"CHASE " + uid("xu"), "CHASE foreman"})
}

func TestPhotosThatCameAreNotChased(t *testing.T) {
	w := newWorld(t)
	w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements = nil })
	w.move("tiles", doneState, uid("xu"), 0)
	w.pass(23 * time.Hour).tick()
	w.move("tiles", reviewing, "", 0)
	w.pass(time.Hour * 100).tick()
	same(t, "told", w.notices(), nil)
	if n := w.worker.Next(); !n.IsZero() {
		t.Errorf("next at %v", n)
	}
}

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

func TestQuestionsAreRemindedOf(t *testing.T) {
	w := newWorld(t)
	w.put(site, uid("question"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{
		Type: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, OwnerRole: roundsv1.Role_ROLE_FOREMAN,
		OpenedTimeUs: w.clock().UnixMicro(), RemindUs: w.clock().Add(4 * time.Hour).UnixMicro(), OwnerId: uid("fo")}}})
	w.pass(4*time.Hour - time.Microsecond).tick()
	same(t, "before", w.notices(), nil)
	w.pass(time.Microsecond).tick().tick()
	same(t, "once", w.notices(), []string{"REMINDER " + uid("fo")})
	w.pass(24 * time.Hour).tick()
	same(t, "a day later", w.notices(), []string{"REMINDER " + uid("fo"), "REMINDER supervisor"})
	w.pass(30 * 24 * time.Hour).tick() // the server stood still: one reminder
	if n := len(w.notices()); n != 3 {
		t.Errorf("%d reminders", n)
	}
	w.put(site, uid("question"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED}}}, 40)
	w.pass(30 * 24 * time.Hour).tick()
	if n := len(w.notices()); n != 3 || w.worker.Next().Before(w.clock().Add(20*24*time.Hour)) { // when what was told is old
		t.Errorf("%d reminders after it was decided, next %v", n, w.worker.Next())
	}
}

// A question that an act on its ticket has answered is closed with how, and nobody is reminded of it. Others wait.
func TestQuestionsThatAreAnswered(t *testing.T) {
	w := newWorld(t)
	w.report("leak")
	ask := func(id string, of roundsv1.ConflictType) {
		w.put(site, uid(id), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{Type: of,
			State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("leak")}, OwnerRole: roundsv1.Role_ROLE_SUPERVISOR,
			OpenedTimeUs: w.clock().UnixMicro(), RemindUs: w.clock().Add(4 * time.Hour).UnixMicro()}}})
	}
	for n := range 300 { // more than are looked at at once
		ask(fmt.Sprint("stale ", n), roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL)
	}
	ask("double", roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK)
	w.tick()
	if s := w.worker.Stats(); s.Answered != 0 {
		t.Errorf("%+v", s)
	}
	w.pass(time.Minute)
	w.put(site, uid("leak"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Reviews: []*roundsv1.Review{
		{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, TimeUs: w.clock().UnixMicro()}}}}}, 56)
	for range 3 {
		w.pass(time.Second).tick()
	}
	if s := w.worker.Stats(); s.Answered != 300 {
		t.Errorf("%+v", s)
	}
	if c := w.get(site, "conflict", uid("stale 7")).GetRecord().GetConflict(); c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED ||
		c.GetResolution() != "answered: sent back" {
		t.Errorf("%v", c)
	}
	if c := w.get(site, "conflict", uid("double")).GetRecord().GetConflict(); c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		t.Errorf("%v", c)
	}
	w.pass(4 * time.Hour).tick()
	if n := w.worker.Stats().Reminders; n != 1 {
		t.Errorf("%d reminders", n)
	}
}

// Looking for answers costs what changed, not what is open; what could not be looked at is looked at again, and a worker that begins anew looks at all.
func TestLookingForAnswersCostsWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.report("leak")
	w.report("stairs")
	for n := range 100 {
		w.put(site, uid(fmt.Sprint("stale ", n)), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{
			Type: roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, State: roundsv1.ConflictState_CONFLICT_STATE_OPEN,
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("leak")}, OwnerRole: roundsv1.Role_ROLE_SUPERVISOR, OpenedTimeUs: w.clock().UnixMicro()}}})
	}
	w.tick()
	before := w.records.reads.Load()
	w.put(site, uid("stairs"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "the stairs of tower 2"}}}, 1)
	w.pass(time.Second).tick()
	if n := w.records.reads.Load() - before; n != 0 {
		t.Errorf("%d records read for a ticket that nothing is asked about", n)
	}
	failing := func(scope store.Scope, what string) error {
		if what == "read "+uid("stale 7") {
			return errors.New("the record is damaged")
		}
		return nil
	}
	w.records.fail.Store(&failing)
	w.put(site, uid("leak"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Reviews: []*roundsv1.Review{
		{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, TimeUs: w.pass(time.Second).clock().UnixMicro()}}}}}, 56)
	if err := w.worker.Tick(context.Background()); err == nil {
		t.Error("nothing was said about the question that could not be read")
	}
	if s := w.worker.Stats(); s.Answered != 99 {
		t.Errorf("%+v", s)
	}
	w.records.fail.Store(nil)
	w.pass(time.Minute).tick()
	if s := w.worker.Stats(); s.Answered != 100 {
		t.Errorf("%+v", s)
	}
	w.put(site, uid("stale 7"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{
		State: roundsv1.ConflictState_CONFLICT_STATE_OPEN}}}, 40)
	w.start()
	w.pass(time.Minute).tick()
	if s := w.worker.Stats(); s.Answered != 1 {
		t.Errorf("a worker that begins anew: %+v", s)
	}
}

// Row 21.
func TestPossibleDuplicates(t *testing.T) {
	w := newWorld(t)
	at := func(category, place, words string) func(*roundsv1.Ticket) {
		return func(t *roundsv1.Ticket) {
			t.CategoryId, t.Location, t.Requirements = category, &roundsv1.Location{PlaceId: place, Words: words}, nil
		}
	}
	leak, tower := uid("leak"), uid("tower 3")
	questions := func() int {
		n := 0
		w.visit(site, func(_ string, r *roundsv1.Record) {
			if c := r.GetConflict(); c != nil {
				if n++; c.GetType() != roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE || len(c.GetSides()) != 2 {
					t.Errorf("%v", c)
				}
			}
		})
		return n
	}
	w.report("t1", at(leak, tower, ""))
	w.tick()
	w.pass(119 * time.Minute)
	w.report("t2", at(leak, tower, "stairs"))
	w.report("light", at(uid("light"), tower, ""))
	w.report("elsewhere", at(leak, uid("tower 4"), "stairs"))
	w.report("child", at(leak, tower, ""), func(t *roundsv1.Ticket) { t.ParentId = uid("t1") })
	w.tick()
	if n := questions(); n != 1 || w.worker.Stats().Twins != 1 {
		t.Errorf("%d questions", n)
	}
	for _, id := range []string{"t1", "t2"} {
		if !slices.Contains(w.ticket(uid(id)).GetFlags(), work.FlagPossibleDuplicate) {
			t.Errorf("%s is not marked", id)
		}
	}
	seq := w.seq()
	w.tick()
	w.start()
	w.tick()
	if w.seq() != seq {
		t.Error("asked again")
	}
	w.pass(2 * time.Minute)
	w.report("late", at(leak, tower, ""), func(t *roundsv1.Ticket) { t.ReportedTimeUs -= (30 * time.Hour).Microseconds() })
	w.report("later", at(leak, tower, ""), func(t *roundsv1.Ticket) { t.ReportedTimeUs -= (29 * time.Hour).Microseconds() })
	w.tick()
	if n := questions(); n != 2 {
		t.Errorf("%d questions: two reports of two phones that had no signal for more than a day", n)
	}
	w.report("t3", at(leak, tower, "")) // two hours and more after the first
	w.report("t4", at(leak, "", " stairs "))
	w.tick()
	if n := questions(); n != 5 { // and t3 and t2, t4 and t2, t4 and elsewhere
		t.Errorf("%d questions", n)
	}
	w.move("t3", triaged, uid("ann"), 0)
	w.tick()
	if n := questions(); n != 5 {
		t.Errorf("%d questions after a change", n)
	}
	w.ref.set(t, site, map[string]string{"service.duplicate": "0s"})
	w.report("t5", at(leak, tower, ""))
	w.tick()
	if n := questions(); n != 5 {
		t.Errorf("%d questions where nobody wants any", n)
	}
}

func TestOtherScopesAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.report("leak")
	w.worker.Changed("user/x")
	w.worker.Changed("desk/x")
	finds := w.records.finds.Load()
	w.tick()
	w.put(org, uid("category"), &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{Code: "x"}}})
	if n := w.records.finds.Load() - finds; n > 40 {
		t.Errorf("%d reads", n)
	}
	if s := w.worker.Stats(); s.Scopes != 1 || s.Waiting != 1 {
		t.Errorf("%+v", s)
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	_, err := schedule.New(schedule.Config{Workers: -1})
	for _, want := range []string{"Records", "Reference", "Scopes", "Notice", "Question", "Remind", "Answered", "Workers"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
