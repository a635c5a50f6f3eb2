package calendar

import "time"

// Hours are the minutes of a working day in which work goes on: From the first, To the one after the last. To may be less than From, of a shift that ends on
// the next day. The zero Hours are day and night, on every day.
type Hours struct {
	From, To uint32
}

// always: no hours are set.
func (h Hours) always() bool { return h == Hours{} }

// The furthest that is reckoned ahead: nothing that a site asks for takes longer, and a stranger's number must not hold anybody up.
const (
	mostDays  = 3660
	dayMinute = 24 * 60
)

// AddWorkingDays returns the same time of day in loc, n working days after the day that t falls on there. Of a time that a change of clocks leaves out,
// the later one is meant. More than ten years ahead is taken as ten years.
func (c Calendar) AddWorkingDays(t time.Time, n int, loc *time.Location) time.Time {
	local := t.In(loc)
	at := func(ahead int) time.Time {
		y, m, d := local.Date()
		return time.Date(y, m, d+ahead, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), loc)
	}
	ahead := 0
	for n > 0 && ahead < mostDays {
		ahead++
		if c.Works(at(ahead)) {
			n--
		}
	}
	return at(ahead)
}

// Add returns the moment by which d of working time has passed since t: time within hours on working days, as it passes on a clock that is never set. Where
// d ends with a day's hours that is their end, not the next beginning. Without hours it is t + d. What is not
// done in ten years ends soon after them.
func (c Calendar) Add(t time.Time, d time.Duration, hours Hours, loc *time.Location) time.Time {
	if hours.always() || d <= 0 {
		return t.Add(max(d, 0))
	}
	end := t
	for from, to := range c.spans(t, hours, loc) {
		from = later(from, t)
		if passed := to.Sub(from); passed >= d {
			return from.Add(d)
		} else if passed > 0 {
			d -= passed
			end = to
		}
	}
	return end.Add(d)
}

// Between is the working time that passes from one moment to another: within hours on working days. 0 where to is not after from.
func (c Calendar) Between(from, to time.Time, hours Hours, loc *time.Location) time.Duration {
	if !to.After(from) {
		return 0
	}
	if hours.always() {
		return to.Sub(from)
	}
	var sum time.Duration
	for start, end := range c.spans(from, hours, loc) {
		if !start.Before(to) {
			break
		}
		if end.After(to) {
			end = to
		}
		if passed := end.Sub(later(start, from)); passed > 0 {
			sum += passed
		}
	}
	return sum
}

// spans visits the working time from the day before t on, day by day, for ten years.
func (c Calendar) spans(t time.Time, hours Hours, loc *time.Location) func(func(from, to time.Time) bool) {
	return func(yield func(from, to time.Time) bool) {
		y, m, d := t.In(loc).Date()
		start, end := int(min(hours.From, dayMinute)), int(min(hours.To, dayMinute))
		if end <= start {
			end += dayMinute
		}
		for ahead := -1; ahead < mostDays; ahead++ {
			if c.Works(time.Date(y, m, d+ahead, 12, 0, 0, 0, loc)) &&
				!yield(time.Date(y, m, d+ahead, 0, start, 0, 0, loc), time.Date(y, m, d+ahead, 0, end, 0, 0, loc)) {
				return
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
