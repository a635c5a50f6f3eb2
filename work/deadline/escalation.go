package deadline

import (
	"cmp"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// leastApart is the least time between two levels of a ticket that missed steps raise.
const leastApart = time.Minute

// Raise says which missed step takes its ticket a level up at a moment, nil where none does, and returns the deadlines as they are afterwards. Steps that were missed
// at about the same time, or while the server stood still, do not raise their levels at once: who is told of one level has as long to act as the times of the steps
// are apart, counted from when that level was really told, a minute at least. In the ordinary course that is when the next step is due. Those that wait say until when;
// Next knows of them. A step that is done meanwhile raises nothing.
//
// Escalates says whose missed deadline raises a level. Raise changes nothing that it is given.
func Raise(ds []*roundsv1.Deadline, nowUs int64, escalates func(roundsv1.Step) bool) (all []*roundsv1.Deadline, raised *roundsv1.Deadline) {
	all = clone(ds)
	var waiting []*roundsv1.Deadline
	for _, d := range all {
		if d.GetEscalateUs() == 0 {
			continue
		}
		if d.GetState() != breached || d.GetDoneUs() != 0 || !escalates(d.GetStep()) {
			d.EscalateUs = 0
			continue
		}
		for _, before := range all {
			if before.GetRound() == d.GetRound() && before.GetEscalatedUs() != 0 {
				d.EscalateUs = max(d.GetEscalateUs(), after(before, d))
			}
		}
		waiting = append(waiting, d)
	}
	slices.SortStableFunc(waiting, func(a, b *roundsv1.Deadline) int {
		return cmp.Or(cmp.Compare(a.GetDueUs(), b.GetDueUs()), cmp.Compare(a.GetStep(), b.GetStep()))
	})
	i := slices.IndexFunc(waiting, func(d *roundsv1.Deadline) bool { return d.GetEscalateUs() <= nowUs })
	if i < 0 {
		return all, nil
	}
	raised = waiting[i]
	raised.EscalatedUs, raised.EscalateUs = nowUs, 0
	for _, d := range slices.Delete(waiting, i, i+1) {
		d.EscalateUs = max(d.GetEscalateUs(), after(raised, d))
	}
	return all, raised
}

// after is when a step raises its level at the earliest, where another has.
func after(before, d *roundsv1.Deadline) int64 {
	return before.GetEscalatedUs() + max(d.GetDueUs()-before.GetDueUs(), leastApart.Microseconds())
}

// Settle takes away what waits to raise a level: the ticket is at the top, say. It changes nothing that it is given.
func Settle(ds []*roundsv1.Deadline) []*roundsv1.Deadline {
	all := clone(ds)
	for _, d := range all {
		d.EscalateUs = 0
	}
	return all
}
