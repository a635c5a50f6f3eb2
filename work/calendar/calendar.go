// Package calendar says which days are worked, and reckons in working days and working time. It is pure: no clock, no files.
package calendar

import (
	"errors"
	"fmt"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Calendar says which days are worked. The zero Calendar works Monday to Friday. It is not changed once made, and safe for concurrent use.
type Calendar struct {
	days    map[int32]day // by date, as 20261001: what differs from the weekday
	through int
}

type day struct {
	off  bool
	name string
}

// ErrDay is what every *DayError is.
var ErrDay = errors.New("calendar: day not understood")

// DayError is a day of a calendar that was not understood. It is left out.
type DayError struct {
	// Date as it was written.
	Date string
	// Why, in a few words.
	Why string
}

// Error names the date.
func (e *DayError) Error() string { return fmt.Sprintf("calendar: day %.16q: %s", e.Date, e.Why) }

// Unwrap returns ErrDay.
func (e *DayError) Unwrap() error { return ErrDay }

// New makes a calendar of the days that are not what their weekday says. A date that there is not, and one that is named twice with different words, is
// a *DayError, joined with the others in their order; the calendar that comes with the error has all other days, of two that differ the first.
func New(days []*roundsv1.CalendarDay) (Calendar, error) {
	c := Calendar{days: make(map[int32]day, len(days))}
	var faults []error
	for _, d := range days {
		t, err := time.Parse(time.DateOnly, d.GetDate())
		if err != nil {
			faults = append(faults, &DayError{Date: d.GetDate(), Why: "there is no such day"})
			continue
		}
		if have, known := c.days[dateOf(t)]; known {
			if have.off != d.GetOff() {
				faults = append(faults, &DayError{Date: d.GetDate(), Why: "named twice, once off and once worked"})
			}
			continue
		}
		c.days[dateOf(t)] = day{off: d.GetOff(), name: d.GetName()}
		c.through = max(c.through, t.Year())
	}
	return c, errors.Join(faults...)
}

// Through is the last year of which the calendar names a day; 0 where it names none. In later years the weekday alone counts, which is wrong for
// holidays that are announced year by year: whoever runs a server has to be told before that.
func (c Calendar) Through() int { return c.through }

// Works: whether the day that t falls on, in t's location, is worked.
func (c Calendar) Works(t time.Time) bool {
	if d, known := c.days[dateOf(t)]; known {
		return !d.off
	}
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
}

// Name of the holiday that the day of t belongs to, as a day off or as a working day that makes up for one; empty for every other day.
func (c Calendar) Name(t time.Time) string { return c.days[dateOf(t)].name }

func dateOf(t time.Time) int32 {
	y, m, d := t.Date()
	return int32(y*10_000 + int(m)*100 + d)
}
