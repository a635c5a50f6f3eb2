// Package roster says who is on duty. It is pure: no clock, no files.
package roster

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// OnDuty: whether a person is on duty at a moment: has not left, is not absent, and has no duties set or one that covers it.
func OnDuty(staff *roundsv1.Staff, at time.Time, _ *time.Location) bool {
	if staff.GetLeft() {
		return false
	}
	for _, a := range staff.GetAbsences() {
		if us := at.UnixMicro(); us >= a.GetFromUs() && us < a.GetToUs() {
			return false
		}
	}
	return true
}
