package directory

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/recurrence"
)

// Checks hold a record of the directory, as it shall be, against what its readers can make sense of, whoever writes it. They look at the record alone, and at the one before: what
// stands already and cannot be read may stay. The methods of what uses them may be called from any number of goroutines.
type Checks struct {
	families []Family
	outline  func(text string) error
	all      []Known

	mu    sync.Mutex // guards rules
	rules map[string]*recurrence.RuleError
}

// rulesKept bounds the recurrences of which a Checks remembers the answer: the shifts of a whole company are a handful.
const rulesKept = 1024

// NewChecks returns Checks of the settings of package policy and of some families besides. Outline checks the outline of a place; its error says what is wrong.
func NewChecks(families []Family, outline func(text string) error) *Checks {
	c := &Checks{families: families, outline: outline, rules: map[string]*recurrence.RuleError{}}
	for _, s := range policy.Settings() {
		words := proto.CloneOf(s.Meaning)
		words.En += " (" + string(s.Type)
		if s.Unit != "" {
			words.En += ", " + s.Unit
		}
		words.En += ")"
		c.all = append(c.all, Known{Key: s.Key, Default: s.Default, About: words})
	}
	for _, f := range families {
		c.all = append(c.all, f.Known...)
	}
	slices.SortStableFunc(c.all, func(a, b Known) int { return strings.Compare(a.Key, b.Key) })
	return c
}

// content is what there is to check of a record alone.
func (c *Checks) content(before, after *roundsv1.Record) *roundsv1.Problem {
	if p := unusableCode(before, after); p != nil {
		return p
	}
	switch r := after.GetKind().(type) {
	case *roundsv1.Record_Site:
		if zone := r.Site.GetTimeZone(); zone != "" && zone != before.GetSite().GetTimeZone() {
			if _, err := calendar.Zone(zone); err != nil {
				return wanted("time_zone", zone, "时区，如 Asia/Shanghai", "a time zone as Asia/Shanghai")
			}
		}
		return c.settings(before.GetSite().GetPolicy(), r.Site.GetPolicy())
	case *roundsv1.Record_Unit:
		return c.settings(before.GetUnit().GetPolicy(), r.Unit.GetPolicy())
	case *roundsv1.Record_Place:
		if text := r.Place.GetOutline(); text != "" && text != before.GetPlace().GetOutline() {
			if err := c.outline(text); err != nil {
				p := wanted("outline", text, "WKT 多边形（经度在前，首尾点相同）", "a WKT POLYGON, longitude first, its rings closed")
				p.Facts["why"] = err.Error()
				return p
			}
		}
	case *roundsv1.Record_Staff:
		if equal(r.Staff.GetDuties(), before.GetStaff().GetDuties()) {
			return nil
		}
		for _, d := range r.Staff.GetDuties() {
			if p := c.rule("duties", d.GetRecurrence()); p != nil {
				return p
			}
		}
	case *roundsv1.Record_Plan:
		if r.Plan.GetWindowUs() <= 0 {
			return missing("window", "请填写时间窗长度", "how long a window is")
		}
		if rule := r.Plan.GetRecurrence(); rule == "" || rule != before.GetPlan().GetRecurrence() {
			return c.rule("times", rule)
		}
	case *roundsv1.Record_Calendar:
		if equal(r.Calendar.GetDays(), before.GetCalendar().GetDays()) {
			return nil
		}
		_, err := calendar.New(r.Calendar.GetDays())
		var day *calendar.DayError
		if errors.As(err, &day) {
			return wanted("date", day.Date, "不重复的有效日期", "a day that there is, named once ("+day.Why+")")
		}
	}
	return nil
}

func equal[M proto.Message](a, b []M) bool {
	return slices.EqualFunc(a, b, func(x, y M) bool { return proto.Equal(x, y) })
}

// rule refuses a recurrence that cannot be read.
func (c *Checks) rule(field, rule string) *roundsv1.Problem {
	c.mu.Lock()
	bad, known := c.rules[rule]
	c.mu.Unlock()
	if !known {
		_, err := recurrence.Parse(rule)
		errors.As(err, &bad)
		c.mu.Lock()
		if len(c.rules) >= rulesKept {
			clear(c.rules)
		}
		c.rules[rule] = bad
		c.mu.Unlock()
	}
	if bad != nil {
		return notARule(field, rule, bad)
	}
	return nil
}

// notARule is the refusal of a recurrence that cannot be read. It shows how one looks: what is left out most is the line that says when it begins.
func notARule(field, rule string, why *recurrence.RuleError) *roundsv1.Problem {
	const example = "DTSTART:20260101T080000"
	p := wanted(field, rule, "RFC 5545 的重复规则：先写 "+example+"，换行再写 RRULE:FREQ=DAILY",
		"a rule of RFC 5545: "+example+", and on the next line RRULE:FREQ=DAILY ("+strings.TrimSpace(why.Part+" ")+"takes "+why.Want+")")
	p.Facts["part"] = why.Part
	return p
}
