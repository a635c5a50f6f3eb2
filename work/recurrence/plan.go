package recurrence

import (
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
)

// Window is the time in which one round of a plan is to be walked.
type Window struct {
	Start, End time.Time
}

const (
	// mostBeginnings is how many beginnings of a rule one look goes through.
	mostBeginnings = 10_000
	// longestHolidays is within how many days there is a working one.
	longestHolidays = 40
)

// Windows returns the windows of a plan that begin from one moment, included, to another, not included, in their order, the first most of them: by its rule, on
// its days. A plan that is suspended has none. The error is a *RuleError.
func Windows(plan *roundsv1.Plan, cal calendar.Calendar, loc *time.Location, from, to time.Time, most int) ([]Window, error) {
	rule, err := Parse(plan.GetRecurrence())
	if err != nil {
		return nil, err
	}
	if plan.GetSuspended() || !from.Before(to) {
		return nil, nil
	}
	look := from
	if plan.GetDays() == roundsv1.PlanDays_PLAN_DAYS_NEXT_WORKING {
		look = from.AddDate(0, 0, -longestHolidays) // what falls on a holiday before may move to after
	}
	var starts []time.Time
	for _, at := range rule.Between(look, to, loc, mostBeginnings) {
		if at, takesPlace := onDay(at, plan.GetDays(), cal, loc); takesPlace && !at.Before(from) && at.Before(to) {
			starts = append(starts, at)
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	starts = slices.CompactFunc(starts, time.Time.Equal)
	windows := make([]Window, 0, min(len(starts), max(most, 0)))
	for _, at := range starts[:cap(windows)] {
		windows = append(windows, Window{Start: at, End: at.Add(time.Duration(plan.GetWindowUs()) * time.Microsecond)})
	}
	return windows, nil
}

// onDay says when a round takes place that the rule has begin at a moment; false where it does not.
func onDay(at time.Time, days roundsv1.PlanDays, cal calendar.Calendar, loc *time.Location) (time.Time, bool) {
	works := cal.Works(at.In(loc))
	switch days {
	case roundsv1.PlanDays_PLAN_DAYS_WORKING:
		return at, works
	case roundsv1.PlanDays_PLAN_DAYS_OFF:
		return at, !works
	case roundsv1.PlanDays_PLAN_DAYS_NEXT_WORKING:
		if !works {
			at = cal.AddWorkingDays(at, 1, loc)
		}
	}
	return at, true
}
