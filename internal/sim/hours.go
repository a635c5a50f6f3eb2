package sim

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
)

// indexes are what the server of a history wants indexed.
type indexes struct{ photos, hours bool }

var _ engine.Index = indexes{}

// Entries implements engine.Index.
func (x indexes) Entries(kind merge.Kind, change *roundsv1.Change) (all []engine.IndexEntry) {
	if x.photos {
		all = evidence.Index{}.Entries(kind, change)
	}
	if x.hours {
		all = append(all, schedule.Index{}.Entries(kind, change)...)
	}
	return all
}

// openHours starts what happens by the clock. What it knew before is gone with the server that died.
func (s *server) openHours() {
	worker, err := schedule.New(schedule.Config{Records: s.engine, Reference: trade{}, Scopes: s.turns.Scopes, Now: func() time.Time { return timeOf(s.now()) }, Workers: 1,
		Notice:       func(t schedule.Telling) engine.Derived { return work.NoticeOf(work.Telling(t)) },
		EvidenceLost: work.EvidenceLost, Duplicates: work.Duplicates, DuplicateQuestion: work.DuplicateQuestion,
		Remind: func(c *roundsv1.Conflict, p policy.Policy, now time.Time) (schedule.Reminding, bool) {
			r, ok := work.Reminder(c, p, now)
			return schedule.Reminding(r), ok
		},
		Answered: func(question, subject *roundsv1.Change) (*roundsv1.Edit, bool) {
			resolution, ok := work.Answered(question, subject)
			if !ok {
				return nil, false
			}
			return work.ResolutionOf(resolution), true
		}})
	if err != nil {
		panic(err)
	}
	s.hours = worker
}

// tick does what is due by the server's clock.
func (s *server) tick() {
	w := s.w
	if s.hours == nil {
		return
	}
	if w.plan.serverFaults && !w.healed && w.chance(4) {
		s.fuse.light(pick(w, faults()), 1+w.rand.IntN(40), w.chance(2))
	}
	before := s.hours.Stats()
	err := s.hours.Tick(background())
	after := s.hours.Stats()
	for step := range after.Breaches {
		w.seen.Breaches += int(after.Breaches[step] - before.Breaches[step])
	}
	w.seen.Missed += int(after.Missed - before.Missed + after.Partial - before.Partial)
	w.seen.Chased += int(after.Chased - before.Chased)
	w.seen.Reminded += int(after.Reminders - before.Reminders)
	w.seen.Twins += int(after.Twins - before.Twins)
	w.note("server: did what is due: %v", err)
	if struck := s.fuse.struck != 0; err != nil && !struck {
		w.fail("Tick: %v", err)
	}
	s.after()
	w.mirror.catchUp()
}
