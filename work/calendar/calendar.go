// Package calendar says which days are worked, and reckons in working days and working time. It is pure: no clock, no files.
package calendar

import "time"

// Calendar says which days are worked. The zero Calendar works Monday to Friday. It is not changed once made, and safe for concurrent use.
type Calendar struct {
	off map[string]bool // by date ("2026-10-01"): what differs from the weekday
}

// Works: whether the day that t falls on, in t's location, is worked.
func (c Calendar) Works(t time.Time) bool {
	if off, known := c.off[t.Format(time.DateOnly)]; known {
		return !off
	}
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
}
