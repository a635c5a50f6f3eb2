package schedule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
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
