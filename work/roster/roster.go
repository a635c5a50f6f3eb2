// Package roster says who is on duty. It is pure: no clock, no files.
package roster

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/recurrence"
)

// OnDuty: whether a person is on duty at a moment: has not left, is not absent, and has a shift that goes on or no shifts at all. Shifts are in the site's time
// zone. One whose rule is not understood does not count, so that a person with no other is never on duty: whoever keeps the directory is told when writing it.
func OnDuty(staff *roundsv1.Staff, at time.Time, loc *time.Location) bool {
	if staff == nil || staff.GetLeft() {
		return false
	}
	for _, a := range staff.GetAbsences() {
		if us := at.UnixMicro(); us >= a.GetFromUs() && us < a.GetToUs() {
			return false
		}
	}
	if len(staff.GetDuties()) == 0 {
		return true
	}
	for _, d := range staff.GetDuties() {
		length := time.Duration(d.GetMinutes()) * time.Minute
		rule, err := recurrence.Parse(d.GetRecurrence())
		if err != nil || length <= 0 {
			continue
		}
		// A shift goes on that began in (at - length, at].
		if len(rule.Between(at.Add(-length+1), at.Add(1), loc, 1)) > 0 {
			return true
		}
	}
	return false
}
