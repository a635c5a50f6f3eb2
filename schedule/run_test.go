package schedule_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/deadline"
	"github.com/rounds-sync/rounds/work/policy"
)

// running runs a world's worker on the bubble's clock until the test ends.
func running(t *testing.T, w *world) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.worker.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if err := w.engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func onClock(w *world) { w.clocked = time.Now }

func TestRunNoticesWhenItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, onClock)
		w.report("leak")
		running(t, w)
		time.Sleep(15*time.Minute - time.Millisecond)
		synctest.Wait()
		if n := len(w.notices()); n != 0 {
			t.Fatalf("%d notices before it is due", n)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if d := w.ticket(uid("leak")).GetDeadlines()[0]; d.GetBreachedUs()-d.GetDueUs() != 0 {
			t.Errorf("noticed %v late", time.Duration(d.GetBreachedUs()-d.GetDueUs())*time.Microsecond)
		}
		// One that is reported while it runs, in a scope that was not there at the beginning.
		w.put(other, uid("far"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_OPEN,
			RemindUs: time.Now().Add(10 * time.Minute).UnixMicro(), OpenedTimeUs: time.Now().UnixMicro()}}})
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if c := w.get(other, "conflict", uid("far")).GetRecord().GetConflict(); c.GetReminders() != 1 {
			t.Errorf("%v", c)
		}
	})
}

// While nothing is due the worker reads nothing, however many timers are open.
func TestIdleCostsNothing(t *testing.T) {
	timers := *timers
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, onClock)
		fill(w, timers, 100*24*time.Hour)
		running(t, w)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := w.records.finds.Load(); n > 100 { // a look or some, not one for each timer
			t.Errorf("%d reads at the beginning", n)
		}
		finds, looks := w.records.finds.Load(), w.worker.Stats().Looks
		time.Sleep(30 * 24 * time.Hour)
		synctest.Wait()
		if n := w.records.finds.Load() - finds; n != 0 {
			t.Errorf("%d reads in 30 days in which nothing is due", n)
		}
		if n := w.worker.Stats().Looks - looks; n != 0 || w.records.writes.Load() != 0 {
			t.Errorf("%d looks, %d acts", n, w.records.writes.Load())
		}
	})
}

// timers are how many stand open where nothing is to be due; 100,000 take some seconds to make.
var timers = flag.Int("schedule.timers", 2_000, "how many timers stand open in TestIdleCostsNothing")

// fill opens many timers: the first is due after a time.
func fill(w *world, timers int, after time.Duration) {
	w.t.Helper()
	us := w.clock().UnixMicro()
	for from := 0; from < timers; from += 500 {
		err := w.engine.Write(context.Background(), site, func(engine.View) ([]engine.Derived, error) {
			var list []engine.Derived
			for i := from; i < min(from+500, timers); i++ {
				tk := &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_NEW, Round: 1, ReportedTimeUs: us,
					Requirements: &roundsv1.Requirements{FinishUs: (after + time.Duration(i)*time.Second).Microseconds()}}
				tk.Deadlines = deadline.Compute(tk, w.ref.Calendar(site, ""))
				list = append(list, engine.Derived{RecordID: merge.RecordID(uid(fmt.Sprintf("t%d", i))), Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: tk}}}})
			}
			return list, nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// A burst: many are due at once, and each is done once.
func TestABurst(t *testing.T) {
	w := newWorld(t)
	w.ref.set(t, site, map[string]string{"escalation.steps": ""})
	us := w.clock().Add(time.Hour).UnixMicro()
	fill(w, 700, time.Hour)
	for i := range 700 {
		tk := w.ticket(uid(fmt.Sprintf("t%d", i)))
		tk.Requirements, tk.Deadlines[0].DueUs = nil, us
		w.put(site, uid(fmt.Sprintf("t%d", i)), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: tk}}, 52, 54)
	}
	w.pass(time.Hour).tick()
	if s := w.worker.Stats(); s.Breaches[roundsv1.Step_STEP_FINISH] != 700 {
		t.Errorf("%+v", s)
	}
	if n := len(w.notices()); n != 700 {
		t.Errorf("%d notices", n)
	}
	if n := w.records.writes.Load(); n > 60 {
		t.Errorf("%d transactions", n)
	}
}

// What is due and cannot be helped by doing is not done again and again.
func TestWhatStaysDueRests(t *testing.T) {
	w := newWorld(t)
	config := w.config()
	config.Remind = func(*roundsv1.Conflict, policy.Policy, time.Time) (schedule.Reminding, bool) {
		return schedule.Reminding{}, false
	}
	worker, err := schedule.New(config)
	if err != nil {
		t.Fatal(err)
	}
	question := func(scope store.Scope, id string, after time.Duration) {
		w.put(scope, uid(id), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_OPEN,
			RemindUs: w.clock().Add(after).UnixMicro(), OpenedTimeUs: w.clock().UnixMicro()}}})
	}
	question(site, "stays", 0)
	for range 30 {
		if err := worker.Tick(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
	}
	if n := w.records.writes.Load(); n < 2 || n > 12 {
		t.Errorf("%d acts in half an hour", n)
	}
	// The earliest of all scopes is known, also when that of one becomes earlier.
	question(site, "stays", 20*time.Minute)
	question(other, "far", 10*time.Minute)
	w.tick()
	question(site, "soon", 5*time.Minute)
	w.tick()
	if n := w.worker.Next(); !n.Equal(w.clock().Add(5 * time.Minute)) {
		t.Errorf("next in %v", n.Sub(w.clock()))
	}
}

// Many tickets that may be alike at once: all of them are held against each other, also while the worker runs.
func TestManyFreshTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, onClock)
		for i := range 600 {
			w.report(fmt.Sprintf("t%d", i), func(t *roundsv1.Ticket) {
				t.CategoryId, t.Location, t.Requirements = uid("leak"), &roundsv1.Location{PlaceId: uid(fmt.Sprint(i / 2))}, nil
			})
		}
		running(t, w)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := w.worker.Stats().Twins; n != 300 {
			t.Errorf("%d pairs", n)
		}
	})
}

// The store fails for a while, and one scope for longer: it is tried again, ever later, and the others do not wait.
func TestFaultsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, onClock)
		w.report("leak")
		w.put(other, uid("far"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_OPEN,
			RemindUs: time.Now().Add(15 * time.Minute).UnixMicro(), OpenedTimeUs: time.Now().UnixMicro()}}})
		fail := func(scope store.Scope, what string) error {
			if scope == site && what == "write" {
				return &engine.Error{Kind: engine.Unavailable, Cause: errDown}
			}
			return nil
		}
		w.records.fail.Store(&fail)
		running(t, w)
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if c := w.get(other, "conflict", uid("far")).GetRecord().GetConflict(); c.GetReminders() != 1 {
			t.Errorf("the other scope waits: %v", c)
		}
		tries := w.records.writes.Load()
		if tries < 4 || tries > 12 { // after 1, 2, 4, ... seconds
			t.Errorf("%d tries in a minute", tries)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := w.records.writes.Load() - tries; n > 40 {
			t.Errorf("%d tries in a day", n)
		}
		w.records.fail.Store(nil)
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if d := w.ticket(uid("leak")).GetDeadlines()[0]; d.GetBreachedUs() == 0 {
			t.Errorf("never noticed: %v", d)
		}
	})
}

// One record that cannot be written does not keep its neighbours from it.
func TestOneThatFailsAlone(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.report(fmt.Sprintf("t%d", i))
	}
	bad := uid("t2")
	config := w.config()
	notice := config.Notice
	config.Notice = func(t schedule.Telling) engine.Derived {
		if t.About.GetId() == bad {
			panic("no words for this one")
		}
		return notice(t)
	}
	worker, err := schedule.New(config)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(15 * time.Minute)
	if err := worker.Tick(context.Background()); err == nil {
		t.Error("nothing failed")
	}
	for i := range 5 {
		id := uid(fmt.Sprintf("t%d", i))
		if told := w.ticket(id).GetDeadlines()[0].GetBreachedUs() != 0; told == (id == bad) {
			t.Errorf("t%d: told %v", i, told)
		}
	}
	tries := w.records.writes.Load()
	if err := worker.Tick(context.Background()); err != nil || w.records.writes.Load() != tries {
		t.Errorf("it does not rest: %v", err)
	}
	w.tick() // another worker, which has words
	if w.ticket(bad).GetDeadlines()[0].GetBreachedUs() == 0 {
		t.Error("never told")
	}
}

// The server's clock jumps, and the machine's timers know nothing of it.
func TestAClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jump time.Duration
		w := newWorld(t, func(w *world) {
			w.clocked = func() time.Time {
				w.mu.Lock()
				defer w.mu.Unlock()
				return time.Now().Add(jump)
			}
		})
		w.report("leak")
		running(t, w)
		time.Sleep(time.Second)
		w.mu.Lock()
		jump = 10 * time.Hour
		w.mu.Unlock()
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if d := w.ticket(uid("leak")).GetDeadlines()[0]; d.GetBreachedUs() == 0 {
			t.Errorf("not noticed a minute after the jump: %v", d)
		}
		w.mu.Lock()
		jump = 0
		w.mu.Unlock()
		w.report("lamp")
		time.Sleep(15*time.Minute + time.Minute)
		synctest.Wait()
		if d := w.ticket(uid("lamp")).GetDeadlines()[0]; d.GetBreachedUs() == 0 {
			t.Errorf("not noticed after the jump back: %v", d)
		}
	})
}

// A change of the organisation's settings reaches every site within a minute or so, even one without commits.
func TestSettingsOfTheOrganisation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, onClock)
		w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements = nil })
		w.move("tiles", doneState, uid("xu"), 0)
		running(t, w)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		w.ref.set(t, site, map[string]string{"chase.performers": "1h"})
		w.worker.Changed(org)
		w.worker.Changed(org)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		same(t, "told", w.notices(), []string{"CHASE " + uid("xu")})
	})
}

// What the worker holds in memory does not grow with the timers.
func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t)
	fill(w, 2_000, far)
	w.tick()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	worker, err := schedule.New(w.config())
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Tick(context.Background()); err != nil {
		t.Fatal(err)
	}
	if grown := int64(heap()) - int64(before); grown > 256<<10 {
		t.Errorf("%d bytes for a scope with 2,000 timers", grown)
	}
	if worker.Next().IsZero() {
		t.Error("it knows of none")
	}
}

// BenchmarkIdle is a look at a scope with 100,000 open timers of which none is due: what a commit in it costs.
func BenchmarkIdle(b *testing.B) {
	w := newWorld(b)
	fill(w, 100_000, far)
	w.tick()
	b.ReportAllocs()
	for b.Loop() {
		w.tick()
	}
}
