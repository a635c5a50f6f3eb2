// Package recurrence says when something that recurs begins: by DTSTART and RRULE of RFC 5545, within bounds that keep a stranger's rule from taking up a
// server. It is pure: no clock, no files.
//
// Times are what the wall clock at the site shows. A beginning that a change of clocks leaves out is that much later; of an hour that comes twice, the first counts.
package recurrence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// The bounds of a rule.
const (
	// longestText is how long a rule may be, in bytes.
	longestText = 4096
	// mostInterval is the greatest INTERVAL, mostCount the greatest COUNT.
	mostInterval = 1000
	mostCount    = 10_000
	// mostTimes is how many times of day a rule may name, mostDays how many days of BYDAY or BYMONTHDAY or BYSETPOS.
	mostTimes = 96
	mostDays  = 64
	// firstYear and lastYear are between what a rule may begin.
	firstYear = 2000
	lastYear  = 2199
)

// The library goes on to the year 9999 before it gives up on a rule that never comes true ("the 30th of February"). The Gregorian calendar repeats every 400
// years, to the day of the week, so a rule is run in the last such cycle, where it has only the rest of it before it.
const (
	cycleYears = 400
	cycleShift = 19 * cycleYears // 2026 becomes 9626
)

// ErrRule is what every *RuleError is.
var ErrRule = errors.New("recurrence: rule not understood")

// RuleError is a rule that was not understood, or one that is beyond the bounds.
type RuleError struct {
	// Part that is at fault ("DTSTART", "INTERVAL"); empty: the whole.
	Part string
	// Want says what would be understood.
	Want string
}

// Error names the part.
func (e *RuleError) Error() string {
	if e.Part == "" {
		return "recurrence: want " + e.Want
	}
	return fmt.Sprintf("recurrence: %s: want %s", e.Part, e.Want)
}

// Unwrap returns ErrRule.
func (e *RuleError) Unwrap() error { return ErrRule }

// Rule says when something begins. The zero Rule never does. It is not changed once made, and safe for concurrent use.
type Rule struct {
	first    time.Time // DTSTART, as the wall clock shows it, in UTC
	option   rrule.ROption
	until    time.Time // zero: none
	untilUTC bool      // until is a moment; else what the wall clock shows
	once     bool      // there is no RRULE
	set      bool
}

const clockLayout = "20060102T150405"

// Parse reads a rule: a line DTSTART with what the wall clock shows, and perhaps a line RRULE. Of RRULE it takes FREQ from HOURLY to YEARLY with INTERVAL, COUNT,
// UNTIL, WKST, BYMONTH, BYMONTHDAY, BYDAY, BYHOUR, BYMINUTE and BYSETPOS. The error is a *RuleError.
func Parse(text string) (Rule, error) {
	if len(text) > longestText {
		return Rule{}, &RuleError{Want: "4,096 bytes at most"}
	}
	r := Rule{once: true}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
		case name == "DTSTART" && !r.set:
			first, err := time.Parse(clockLayout, value)
			if err != nil || first.Year() < firstYear || first.Year() > lastYear {
				return Rule{}, &RuleError{Part: "DTSTART", Want: "a time on the wall as 20260101T080000, from 2000 to 2199"}
			}
			r.first, r.set = first, true
		case name == "RRULE" && r.once:
			if err := r.read(value); err != nil {
				return Rule{}, err
			}
			r.once = false
		default:
			return Rule{}, &RuleError{Want: "a line DTSTART:... and perhaps a line RRULE:..., each once"}
		}
	}
	if !r.set {
		return Rule{}, &RuleError{Part: "DTSTART", Want: "a time on the wall as 20260101T080000"}
	}
	if !r.once {
		r.option.Dtstart = r.first
		if _, err := rrule.NewRRule(r.option); err != nil {
			return Rule{}, &RuleError{Part: "RRULE", Want: "numbers within their ranges"}
		}
	}
	return r, nil
}

// read reads the value of RRULE.
func (r *Rule) read(value string) error {
	given := map[string]bool{}
	for part := range strings.SplitSeq(value, ";") {
		key, to, ok := strings.Cut(part, "=")
		if !ok || to == "" || given[key] {
			return &RuleError{Part: "RRULE", Want: "parts as FREQ=DAILY, each once, with ; between"}
		}
		given[key] = true
		switch key {
		case "FREQ", "INTERVAL", "COUNT", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYHOUR", "BYMINUTE", "BYSETPOS":
		case "UNTIL":
			if err := r.readUntil(to); err != nil {
				return err
			}
		default:
			return &RuleError{Part: key, Want: "a part that is known here"}
		}
	}
	var kept []string
	for part := range strings.SplitSeq(value, ";") {
		if !strings.HasPrefix(part, "UNTIL=") {
			kept = append(kept, part)
		}
	}
	option, err := rrule.StrToROption(strings.Join(kept, ";"))
	if err != nil || !given["FREQ"] {
		return &RuleError{Part: "RRULE", Want: "what RFC 5545 says, with a FREQ"}
	}
	r.option = *option
	return r.bounded(given)
}

func (r *Rule) readUntil(text string) error {
	for _, layout := range []string{clockLayout + "Z", clockLayout, "20060102"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if r.until, r.untilUTC = t, strings.HasSuffix(layout, "Z"); layout == "20060102" {
			r.until = t.AddDate(0, 0, 1).Add(-time.Second) // the whole of that day
		}
		return nil
	}
	return &RuleError{Part: "UNTIL", Want: "a day as 20261231, or a time as 20261231T235959"}
}

// bounded holds the rule against the bounds.
func (r *Rule) bounded(given map[string]bool) error {
	o := &r.option
	times := max(len(o.Byhour), 1) * max(len(o.Byminute), 1)
	switch {
	case o.Freq > rrule.HOURLY:
		return &RuleError{Part: "FREQ", Want: "HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY"}
	case o.Freq == rrule.HOURLY && (len(o.Byhour) > 0 || len(o.Bysetpos) > 0):
		return &RuleError{Part: "RRULE", Want: "BYHOUR and BYSETPOS only with a FREQ of DAILY or slower"}
	case o.Interval < 0 || o.Interval > mostInterval || given["INTERVAL"] && o.Interval == 0:
		return &RuleError{Part: "INTERVAL", Want: "a number from 1 to 1,000"}
	case o.Count < 0 || o.Count > mostCount || given["COUNT"] && o.Count == 0:
		return &RuleError{Part: "COUNT", Want: "a number from 1 to 10,000"}
	case given["COUNT"] && given["UNTIL"]:
		return &RuleError{Part: "COUNT", Want: "either COUNT or UNTIL"}
	case times > mostTimes:
		return &RuleError{Part: "BYHOUR", Want: "96 times a day at most"}
	case len(o.Byweekday) > mostDays, len(o.Bymonthday) > mostDays, len(o.Bysetpos) > mostDays, len(o.Bymonth) > mostDays:
		return &RuleError{Part: "RRULE", Want: "64 days at most"}
	}
	o.Interval = max(o.Interval, 1)
	return nil
}

// Between returns the beginnings from one moment, included, to another, not included, in their order, the first most of them.
func (r Rule) Between(from, to time.Time, loc *time.Location, most int) []time.Time {
	if !r.set || !from.Before(to) {
		return nil
	}
	// A change of clocks moves a beginning by less than a day, so a day more is looked at on both sides.
	low, high := wall(from, loc).AddDate(0, 0, -1), wall(to, loc).AddDate(0, 0, 1)
	var found []time.Time
	for shown := range r.shown(low, high, loc) {
		at := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, loc)
		if at.Before(from) || !at.Before(to) || slices.ContainsFunc(found[max(0, len(found)-4):], at.Equal) {
			continue
		}
		if len(found) >= most+4 { // some more, because a change of clocks may turn their order
			break
		}
		found = append(found, at)
	}
	slices.SortFunc(found, time.Time.Compare)
	return found[:min(len(found), max(most, 0))]
}

// soon is how many years ahead Comes looks: more than are between two 29ths of February.
const soon = 10

// Comes: whether anything begins within ten years of a moment or, where that is later, of DTSTART, by the clock of UTC.
func (r Rule) Comes(from time.Time) bool {
	if from.Before(r.first) {
		from = r.first
	}
	return len(r.Between(from, from.AddDate(soon, 0, 0), time.UTC, 1)) > 0
}

// wall is what the wall clock shows, as if it were UTC.
func wall(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// shown visits the beginnings by the wall clock, between two times by it.
func (r Rule) shown(low, high time.Time, loc *time.Location) func(func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		if r.once {
			if !r.first.Before(low) && r.first.Before(high) {
				yield(r.first)
			}
			return
		}
		end := high
		if !r.until.IsZero() {
			until := r.until
			if r.untilUTC {
				until = wall(until, loc)
			}
			if until.Before(end) {
				end = until
			}
		}
		if end.Before(r.first) || end.Year() > lastYear+1 {
			return
		}
		option := r.option
		option.Dtstart, option.Until = r.near(low).AddDate(cycleShift, 0, 0), end.AddDate(cycleShift, 0, 0)
		rule, err := rrule.NewRRule(option)
		if err != nil {
			return // Parse made the same and had none
		}
		for next := rule.Iterator(); ; {
			at, more := next()
			if !more {
				return
			}
			at = at.AddDate(-cycleShift, 0, 0)
			if at.Before(low) {
				continue
			}
			if !at.Before(high) || !yield(at) {
				return
			}
		}
	}
}

// near is a time not after low from which the rule goes on as from DTSTART, so that years that have passed are not gone through again.
func (r Rule) near(low time.Time) time.Time {
	passed := low.Sub(r.first)
	if passed <= 0 || r.option.Count > 0 {
		return r.first
	}
	var step time.Duration
	switch r.option.Freq {
	case rrule.HOURLY:
		step = time.Hour
	case rrule.DAILY:
		step = 24 * time.Hour
	case rrule.WEEKLY:
		step = 7 * 24 * time.Hour
	default:
		return r.first // some thousand months at most
	}
	step *= time.Duration(r.option.Interval)
	steps := passed/step - 1 // one less: a week is begun before its first day
	return r.first.Add(max(steps, 0) * step)
}
