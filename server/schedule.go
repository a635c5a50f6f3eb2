package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// openSchedule makes what happens by the clock, with the words of the trade. It runs once Start says so.
func (s *Server) openSchedule() error {
	worker, err := schedule.New(schedule.Config{Records: s.engine, Reference: s.reference, Scopes: s.store.Scopes, Now: s.cfg.Inject.Now, Logger: s.log,
		Notice: func(t schedule.Telling) engine.Derived { return work.NoticeOf(work.Telling(t)) }, EvidenceLost: work.EvidenceLost,
		Duplicates: work.Duplicates, DuplicateQuestion: work.DuplicateQuestion, Remind: remind, Answered: answered, Dispatch: s.giveOut,
		MayWork: func(person engine.PersonID, scope store.Scope, at time.Time) bool {
			return slices.Contains(access{s.authority}.Roles(person, scope, at), roundsv1.Role_ROLE_WORKER)
		}})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.metrics.schedule(worker, s.cfg.Inject.Now)
	s.schedule = worker
	s.warnOfCalendar()
	return nil
}

// giveOut gives a ticket to somebody as the server's own dispatcher. The act is named by the ticket, its version and the person, so that it is done once.
func (s *Server) giveOut(ctx context.Context, to schedule.Giving) (taken bool, err error) {
	ticket, err := uuid.Parse(to.Ticket)
	if err != nil {
		return false, err
	}
	act := engine.DeskAct{ID: engine.ActID(uuid.NewSHA1(ticket, []byte(fmt.Sprint("dispatch ", to.Version, " ", to.Person))).String()), RecordID: merge.RecordID(to.Ticket), Base: to.Version,
		Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{
			Dispatch: &roundsv1.TicketDispatch{AssigneeId: string(to.Person), Reason: to.Reason}}}}}, Roles: []roundsv1.Role{roundsv1.Role_ROLE_DISPATCHER}}
	outcomes, err := s.engine.Act(ctx, engine.Caller{Person: work.Dispatcher, Device: work.Dispatcher}, to.Scope, []engine.DeskAct{act})
	if err != nil {
		return false, err
	}
	return outcomes[0].GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, nil
}

// remind is work.Reminder in the schedule's words.
func remind(c *roundsv1.Conflict, p policy.Policy, now time.Time) (schedule.Reminding, bool) {
	r, ok := work.Reminder(c, p, now)
	return schedule.Reminding(r), ok
}

// answered is work.Answered as the edit that closes the question.
func answered(question, subject *roundsv1.Change) (*roundsv1.Edit, bool) {
	resolution, ok := work.Answered(question, subject)
	if !ok {
		return nil, false
	}
	return work.ResolutionOf(resolution), true
}

// warnOfCalendar says when the holidays of this year or the next are not known: after them the weekday alone counts.
func (s *Server) warnOfCalendar() {
	const november = time.November // by then the next year's are announced
	now, through := s.cfg.Inject.Now(), calendar.China().Through()
	if year := now.Year(); year > through || year == through && now.Month() >= november {
		s.log.Warn("the holidays of the embedded Chinese calendar are known through this year alone; in later ones weekdays count. Enter a calendar \"cn\" in the directory",
			"year", through)
	}
}

// schedule registers what the worker counts.
func (m *metrics) schedule(worker *schedule.Worker, now func() time.Time) {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	m.registry.MustRegister(&scheduleCollector{worker: worker, now: now,
		waiting:   describe("rounds_schedule_scopes_waiting", "Scopes that have something due some time."),
		behind:    describe("rounds_schedule_behind_seconds", "For how long what is due first has been due; 0: nothing is."),
		breaches:  describe("rounds_deadlines_breached_total", "Deadlines that were noticed as missed, by step.", "step"),
		late:      describe("rounds_deadlines_noticed_late_seconds_total", "Sum of the times between a missed deadline and its being noticed."),
		latest:    describe("rounds_deadlines_noticed_late_seconds_max", "Greatest of these times since the start."),
		escalated: describe("rounds_escalations_total", "Levels that tickets went up because of missed deadlines."),
		rounds:    describe("rounds_inspections_scheduled_total", "Rounds that were made, released, missed, done in part, and settled as such.", "what"),
		chased:    describe("rounds_photos_chased_total", "Tickets whose missing photos were asked for, by who was told.", "who"),
		reminders: describe("rounds_questions_reminded_total", "Reminders of questions."),
		answered:  describe("rounds_questions_answered_total", "Questions that an act on what they are about has answered."),
		given:     describe("rounds_tickets_given_out_total", "Tickets that the server gave out, and those for which there was nobody.", "to"),
		twins:     describe("rounds_duplicates_asked_total", "Questions whether two tickets are about the same thing."),
		badPlans:  describe("rounds_plans_not_understood_total", "Plans whose rule was not understood."),
		failures:  describe("rounds_schedule_failures_total", "What was due and failed, and is tried again."),
	})
}

// scheduleCollector reads the worker's counts when Prometheus asks.
type scheduleCollector struct {
	worker *schedule.Worker
	now    func() time.Time

	waiting, behind, breaches, late, latest, escalated, rounds, chased, reminders, answered, given, twins, badPlans, failures *prometheus.Desc
}

var _ prometheus.Collector = (*scheduleCollector)(nil)

// Describe implements prometheus.Collector.
func (c *scheduleCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.waiting, c.behind, c.breaches, c.late, c.latest, c.escalated, c.rounds, c.chased, c.reminders, c.answered, c.given, c.twins, c.badPlans, c.failures} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *scheduleCollector) Collect(to chan<- prometheus.Metric) {
	s := c.worker.Stats()
	gauge := func(d *prometheus.Desc, v float64) { to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	behind := 0.0
	if next := c.worker.Next(); !next.IsZero() {
		behind = max(0, c.now().Sub(next).Seconds())
	}
	gauge(c.waiting, float64(s.Waiting))
	gauge(c.behind, behind)
	for step, name := range []string{"", "respond", "arrive", "finish", "review", "follow_up"} {
		if name != "" {
			count(c.breaches, float64(s.Breaches[step]), name)
		}
	}
	count(c.late, s.Late.Seconds())
	gauge(c.latest, s.Latest.Seconds())
	count(c.escalated, float64(s.Escalations))
	for _, one := range []struct {
		what string
		n    uint64
	}{{"made", s.Made}, {"released", s.Released}, {"missed", s.Missed}, {"partial", s.Partial}, {"settled", s.Settled}, {"lingering", s.Lingering}} {
		count(c.rounds, float64(one.n), one.what)
	}
	count(c.chased, float64(s.Chased), "performers")
	count(c.chased, float64(s.Foremen), "foreman")
	count(c.reminders, float64(s.Reminders))
	count(c.answered, float64(s.Answered))
	count(c.given, float64(s.Dispatched), "worker")
	count(c.given, float64(s.Unassigned), "nobody")
	count(c.twins, float64(s.Twins))
	count(c.badPlans, float64(s.BadPlans))
	count(c.failures, float64(s.Failures))
}
