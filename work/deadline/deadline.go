// Package deadline computes what a ticket's steps are due and what became of them, from its moves and requirements alone. It is pure: no clock, no files.
package deadline

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
)

// Compute returns the deadlines of a ticket.
func Compute(t *roundsv1.Ticket, cal calendar.Calendar) []*roundsv1.Deadline {
	return t.GetDeadlines()
}

// Next returns when the earliest deadline that runs is due, microseconds since 1970; false where none runs.
func Next(ds []*roundsv1.Deadline) (us int64, ok bool) {
	for _, d := range ds {
		if d.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_OPEN && d.GetDueUs() != 0 && (!ok || d.GetDueUs() < us) {
			us, ok = d.GetDueUs(), true
		}
	}
	return us, ok
}
