package recurrence_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/recurrence"
)

const layout = "2006-01-02 15:04"

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := calendar.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func parse(t testing.TB, text string) recurrence.Rule {
	t.Helper()
	r, err := recurrence.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func TestBetween(t *testing.T) {
	for _, row := range []struct{ name, rule, zone, from, to, want string }{
		{"twice a day", "DTSTART:20260101T080000\nRRULE:FREQ=DAILY;BYHOUR=8,20", "", "2026-07-06 08:00", "2026-07-07 20:00",
			"2026-07-06 08:00,2026-07-06 20:00,2026-07-07 08:00"},
		{"once", "DTSTART:20260706T080000", "", "2026-07-06 08:00", "2026-07-07 00:00", "2026-07-06 08:00"},
		{"once, before", "DTSTART:20260706T080000", "", "2026-07-06 08:01", "2026-07-08 00:00", ""},
		{"not before it begins", "DTSTART:20260706T080000\nRRULE:FREQ=DAILY", "", "2026-07-01 00:00", "2026-07-08 00:00", "2026-07-06 08:00,2026-07-07 08:00"},
		{"every third day", "DTSTART:20200101T080000\nRRULE:FREQ=DAILY;INTERVAL=3", "", "2026-07-06 00:00", "2026-07-12 00:00", "2026-07-07 08:00,2026-07-10 08:00"},
		{"every other week on two days", "DTSTART:20260105T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "", "2026-07-01 00:00", "2026-07-21 00:00",
			"2026-07-06 09:00,2026-07-12 09:00,2026-07-20 09:00"},
		{"with weeks from Sunday", "DTSTART:20260105T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU", "", "2026-07-01 00:00", "2026-07-21 00:00",
			"2026-07-05 09:00,2026-07-06 09:00,2026-07-19 09:00,2026-07-20 09:00"},
		{"the last Friday", "DTSTART:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR", "", "2026-07-01 00:00", "2026-09-01 00:00", "2026-07-31 09:00,2026-08-28 09:00"},
		{"the last weekday of the month", "DTSTART:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "", "2026-05-01 00:00", "2026-07-01 00:00",
			"2026-05-29 09:00,2026-06-30 09:00"},
		{"on the 31st", "DTSTART:20260131T090000\nRRULE:FREQ=MONTHLY", "", "2026-04-01 00:00", "2026-08-01 00:00", "2026-05-31 09:00,2026-07-31 09:00"},
		{"leap days", "DTSTART:20240229T090000\nRRULE:FREQ=YEARLY", "", "2026-01-01 00:00", "2033-01-01 00:00", "2028-02-29 09:00,2032-02-29 09:00"},
		{"every six hours", "DTSTART:20260101T010000\nRRULE:FREQ=HOURLY;INTERVAL=6", "", "2026-07-06 02:00", "2026-07-06 14:00", "2026-07-06 07:00,2026-07-06 13:00"},
		{"three times in all", "DTSTART:20260705T080000\nRRULE:FREQ=DAILY;COUNT=3", "", "2026-07-06 00:00", "2026-08-01 00:00", "2026-07-06 08:00,2026-07-07 08:00"},
		{"until a day, included", "DTSTART:20260701T080000\nRRULE:FREQ=DAILY;UNTIL=20260707", "", "2026-07-06 00:00", "2026-08-01 00:00", "2026-07-06 08:00,2026-07-07 08:00"},
		{"until a moment", "DTSTART:20260701T080000\nRRULE:FREQ=DAILY;UNTIL=20260707T000000Z", "", "2026-07-06 00:00", "2026-08-01 00:00",
			"2026-07-06 08:00,2026-07-07 08:00"},
		{"until a moment before", "DTSTART:20260701T080000\nRRULE:FREQ=DAILY;UNTIL=20260706T235959Z", "", "2026-07-06 00:00", "2026-08-01 00:00", "2026-07-06 08:00"},
		{"never", "DTSTART:20260131T090000\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "", "2026-04-01 00:00", "2050-08-01 00:00", ""},
		{"the hour that summer time leaves out", "DTSTART:20260101T023000\nRRULE:FREQ=DAILY", "Europe/Berlin", "2026-03-28 00:00", "2026-03-31 00:00",
			"2026-03-28 02:30,2026-03-29 03:30,2026-03-30 02:30"},
		{"an hour that comes to be another's", "DTSTART:20260101T020000\nRRULE:FREQ=DAILY;BYHOUR=2,3", "Europe/Berlin", "2026-03-29 00:00", "2026-03-30 00:00",
			"2026-03-29 03:00"},
		{"the hour that comes twice", "DTSTART:20260101T023000\nRRULE:FREQ=DAILY", "Europe/Berlin", "2026-10-25 00:00", "2026-10-26 00:00", "2026-10-25 02:30"},
	} {
		loc := zone(t, row.zone)
		when := func(s string) time.Time {
			d, err := time.ParseInLocation(layout, s, loc)
			if err != nil {
				t.Fatal(err)
			}
			return d.UTC()
		}
		var got []string
		for _, at := range parse(t, row.rule).Between(when(row.from), when(row.to), loc, 100) {
			got = append(got, at.In(loc).Format(layout))
		}
		if s := strings.Join(got, ","); s != row.want {
			t.Errorf("%s: %s, want %s", row.name, s, row.want)
		}
	}
	if n := len(parse(t, "DTSTART:20260101T000000\nRRULE:FREQ=HOURLY").Between(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		time.UTC, 7)); n != 7 {
		t.Errorf("%d of 7", n)
	}
	if got := (recurrence.Rule{}).Between(time.Unix(0, 0), time.Unix(1e9, 0), time.UTC, 7); len(got) != 0 {
		t.Errorf("the zero rule begins at %v", got)
	}
}

// The cut from DTSTART to where one looks, and the shift of the years, change nothing: the library says the same from the beginning.
func TestAsTheLibrarySaysFromTheBeginning(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	for range 400 {
		text := "FREQ=" + pick("DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY") + pick("", ";INTERVAL=2", ";INTERVAL=5", ";INTERVAL=13") +
			pick("", ";BYDAY=MO,TH", ";BYDAY=SA", ";BYMONTHDAY=1,15,-1", ";BYMONTH=2,7,8") + pick("", "", ";WKST=SU", ";COUNT=40", ";UNTIL=20260801T000000")
		first := time.Date(2019+rnd.IntN(8), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), 0, 0, time.UTC)
		from := first.Add(time.Duration(rnd.Int64N(int64(5 * 365 * 24 * time.Hour))))
		to := from.Add(time.Duration(rnd.Int64N(int64(40 * 24 * time.Hour))))
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = first
		whole, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(whole.Between(from, to, true), func(at time.Time) bool { return !at.Before(to) })
		got := parse(t, "DTSTART:"+first.Format("20060102T150405")+"\nRRULE:"+text).Between(from, to, time.UTC, 10_000)
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%v %s from %v to %v:\n got %v\nwant %v", first, text, from, to, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"", "RRULE:FREQ=DAILY", "DTSTART:20260101", "DTSTART:20260101T080000Z", "DTSTART;TZID=UTC:20260101T080000", "DTSTART:19700101T000000",
		"DTSTART:20260101T080000\nDTSTART:20260101T080000", "DTSTART:20260101T080000\nEXDATE:20260101T080000",
		"DTSTART:20260101T080000\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY", "DTSTART:20260101T080000\n" + strings.Repeat(" ", 5000)} {
		if _, err := recurrence.Parse(text); !errors.Is(err, recurrence.ErrRule) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
	for _, rule := range []string{"", "FREQ", "INTERVAL=2", "FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=SOMETIMES", "FREQ=DAILY;FREQ=DAILY", "FREQ=HOURLY;INTERVAL=24;BYHOUR=9", "FREQ=HOURLY;BYSETPOS=2",
		"FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=1001", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=10001", "FREQ=DAILY;COUNT=2;UNTIL=20260101",
		"FREQ=DAILY;UNTIL=tomorrow", "FREQ=DAILY;BYEASTER=1", "FREQ=DAILY;BYSECOND=1", "FREQ=YEARLY;BYWEEKNO=1", "FREQ=YEARLY;BYYEARDAY=1", "FREQ=DAILY;BYHOUR=24",
		"FREQ=DAILY;BYMINUTE=60", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYDAY=54MO", "FREQ=DAILY;BYDAY=XX", "FREQ=DAILY;DTSTART=20260101T080000",
		"FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9", "FREQ=DAILY;BYMONTH=13"} {
		if _, err := recurrence.Parse("DTSTART:20260101T080000\nRRULE:" + rule); !errors.Is(err, recurrence.ErrRule) {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

// hostile are rules that are within the bounds and take the library longest.
var hostile = []string{"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
	"FREQ=MONTHLY;BYDAY=6MO", "FREQ=YEARLY;BYDAY=53MO;BYMONTH=1", "FREQ=HOURLY;BYDAY=MO;BYMONTH=4;BYMONTHDAY=31", "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
	"FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "FREQ=DAILY;BYSETPOS=366", "FREQ=HOURLY;COUNT=10000", "FREQ=HOURLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=30",
	"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,15,30,45"}

// How much is allocated says how many years the library went through, on a slow machine too: one for each day of some 370 years at most.
func TestAHostileRuleEndsSoon(t *testing.T) {
	from, loc := time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC), zone(t, "Europe/Berlin")
	for _, rule := range hostile {
		r := parse(t, "DTSTART:20000107T000000\nRRULE:"+rule)
		if allocs := allocations(func() { r.Between(from, from.AddDate(0, 0, 60), loc, 10_000) }); allocs > 200_000 {
			t.Errorf("%s: %d allocations", rule, allocs)
		}
	}
}

// allocations counts those of one call.
func allocations(of func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	of()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

func FuzzRule(f *testing.F) {
	for _, rule := range hostile[3:6] {
		f.Add("DTSTART:20200101T080000\nRRULE:"+rule, int64(1_780_000_000), uint32(100_000))
	}
	f.Add("DTSTART:20260101T080000", int64(0), uint32(0))
	loc := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string, from int64, seconds uint32) {
		rule, err := recurrence.Parse(text)
		if err != nil {
			if !errors.Is(err, recurrence.ErrRule) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		start, end := time.Unix(from%8e9, 0), time.Unix(from%8e9+int64(seconds), 0)
		var before time.Time
		var found []time.Time
		allocs := allocations(func() { found = rule.Between(start, end, loc, 500) })
		for _, at := range found {
			if at.Before(start) || !at.Before(end) || !at.After(before) {
				t.Errorf("%q begins at %v, looked at from %v to %v", text, at, start, end)
			}
			before = at
		}
		if allocs > 400_000 { // as in TestAHostileRuleEndsSoon
			t.Errorf("%q: %d allocations", text, allocs)
		}
	})
}

func TestWindows(t *testing.T) {
	loc := zone(t, "")
	for _, row := range []struct {
		name       string
		plan       *roundsv1.Plan
		from, to   string
		want, fail string
	}{
		{name: "every day", plan: &roundsv1.Plan{}, from: "2026-09-30 00:00", to: "2026-10-02 00:00", want: "2026-09-30 08:00,2026-10-01 08:00"},
		{name: "on working days", plan: &roundsv1.Plan{Days: roundsv1.PlanDays_PLAN_DAYS_WORKING}, from: "2026-09-30 00:00", to: "2026-10-12 00:00",
			want: "2026-09-30 08:00,2026-10-08 08:00,2026-10-09 08:00,2026-10-10 08:00"},
		{name: "on days off", plan: &roundsv1.Plan{Days: roundsv1.PlanDays_PLAN_DAYS_OFF}, from: "2026-10-06 00:00", to: "2026-10-12 00:00",
			want: "2026-10-06 08:00,2026-10-07 08:00,2026-10-11 08:00"},
		{name: "on the next working day", plan: &roundsv1.Plan{Days: roundsv1.PlanDays_PLAN_DAYS_NEXT_WORKING, Recurrence: "DTSTART:20260101T080000\nRRULE:FREQ=MONTHLY"},
			from: "2026-09-15 00:00", to: "2026-12-01 00:00", want: "2026-10-08 08:00,2026-11-02 08:00"},
		{name: "where it falls together with another", plan: &roundsv1.Plan{Days: roundsv1.PlanDays_PLAN_DAYS_NEXT_WORKING}, from: "2026-10-05 00:00", to: "2026-10-10 00:00",
			want: "2026-10-08 08:00,2026-10-09 08:00"},
		{name: "looked at within the holidays", plan: &roundsv1.Plan{Days: roundsv1.PlanDays_PLAN_DAYS_NEXT_WORKING, Recurrence: "DTSTART:20260101T080000\nRRULE:FREQ=MONTHLY"},
			from: "2026-10-05 00:00", to: "2026-10-10 00:00", want: "2026-10-08 08:00"},
		{name: "suspended", plan: &roundsv1.Plan{Suspended: true}, from: "2026-10-05 00:00", to: "2026-10-10 00:00"},
		{name: "not understood", plan: &roundsv1.Plan{Recurrence: "daily"}, from: "2026-10-05 00:00", to: "2026-10-10 00:00", fail: "yes"},
	} {
		if row.plan.Recurrence == "" {
			row.plan.Recurrence = "DTSTART:20260101T080000\nRRULE:FREQ=DAILY"
		}
		row.plan.WindowUs = (3 * time.Hour).Microseconds()
		when := func(s string) time.Time {
			d, err := time.ParseInLocation(layout, s, loc)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		windows, err := recurrence.Windows(row.plan, calendar.China(), loc, when(row.from), when(row.to), 100)
		if (err != nil) != (row.fail != "") {
			t.Errorf("%s: %v", row.name, err)
		}
		var got []string
		for _, w := range windows {
			if w.End.Sub(w.Start) != 3*time.Hour {
				t.Errorf("%s: window %v", row.name, w)
			}
			got = append(got, w.Start.In(loc).Format(layout))
		}
		if s := strings.Join(got, ","); s != row.want {
			t.Errorf("%s: %s, want %s", row.name, s, row.want)
		}
	}
}
