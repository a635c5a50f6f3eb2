package calendar_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := calendar.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// The days off in a row and the working days that make up for them, as announced.
func TestChina(t *testing.T) {
	c, loc := calendar.China(), zone(t, "")
	day := func(s string) time.Time {
		d, err := time.ParseInLocation(time.DateOnly, s, loc)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	off := map[string]bool{}
	for _, span := range [][2]string{
		{"2025-01-01", "2025-01-01"}, {"2025-01-28", "2025-02-04"}, {"2025-04-04", "2025-04-06"}, {"2025-05-01", "2025-05-05"}, {"2025-05-31", "2025-06-02"},
		{"2025-10-01", "2025-10-08"},
		{"2026-01-01", "2026-01-03"}, {"2026-02-15", "2026-02-23"}, {"2026-04-04", "2026-04-06"}, {"2026-05-01", "2026-05-05"}, {"2026-06-19", "2026-06-21"},
		{"2026-09-25", "2026-09-27"}, {"2026-10-01", "2026-10-07"}} {
		for d := day(span[0]); !d.After(day(span[1])); d = d.AddDate(0, 0, 1) {
			off[d.Format(time.DateOnly)] = true
		}
	}
	worked := map[string]bool{}
	for _, d := range []string{"2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11",
		"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"} {
		if day(d).Weekday() != time.Saturday && day(d).Weekday() != time.Sunday {
			t.Errorf("%s makes up for a holiday and is no weekend", d)
		}
		worked[d] = true
	}
	days := 0
	for d := day("2025-01-01"); d.Year() < 2027; d = d.AddDate(0, 0, 1) {
		s := d.Format(time.DateOnly)
		want := worked[s] || !off[s] && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
		if c.Works(d) != want {
			t.Errorf("%s: works %v", s, !want)
		}
		if (c.Name(d) != "") != (off[s] || worked[s]) {
			t.Errorf("%s: name %q", s, c.Name(d))
		}
		if want {
			days++
		}
	}
	if days != 248+248 {
		t.Errorf("%d working days in two years", days)
	}
	if c.Through() != 2026 {
		t.Errorf("known through %d", c.Through())
	}
	if !c.Works(day("2027-01-01")) {
		t.Error("after the last known year the weekday counts: 2027-01-01 is a Friday")
	}
}

func TestNewReportsWhatItDoesNotUnderstand(t *testing.T) {
	c, err := calendar.New([]*roundsv1.CalendarDay{{Date: "2026-07-04", Off: false, Name: "make-up"}, {Date: "2026-02-30", Off: true}, {Date: "x"},
		{Date: "2026-07-04", Off: true}, {Date: "2026-07-06", Off: true, Name: "holiday"}, nil})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 4 || !errors.Is(err, calendar.ErrDay) {
		t.Errorf("error %v", err)
	}
	var own *calendar.DayError
	if !errors.As(err, &own) || own.Date != "2026-02-30" {
		t.Errorf("first fault %v", own)
	}
	if !c.Works(time.Date(2026, 7, 4, 0, 0, 0, 0, time.UTC)) || c.Works(time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC)) {
		t.Error("the days that were understood do not count")
	}
	if _, err := calendar.New(nil); err != nil {
		t.Error(err)
	}
}

func TestAddWorkingDays(t *testing.T) {
	c := calendar.China()
	shanghai, berlin := zone(t, ""), zone(t, "Europe/Berlin")
	for _, row := range []struct {
		name, from, want string
		n                int
		loc              *time.Location
	}{
		{"within a week", "2026-07-06 15:30", "2026-07-09 15:30", 3, shanghai},
		{"over a weekend", "2026-07-09 09:00", "2026-07-14 09:00", 3, shanghai},
		{"from a Saturday", "2026-07-11 09:00", "2026-07-13 09:00", 1, shanghai},
		{"over the spring festival with its make-up days", "2026-02-13 10:00", "2026-02-25 10:00", 3, shanghai},
		{"to a make-up Saturday", "2026-10-09 10:00", "2026-10-10 10:00", 1, shanghai},
		{"none", "2026-07-06 15:30", "2026-07-06 15:30", 0, shanghai},
		{"less than none", "2026-07-06 15:30", "2026-07-06 15:30", -2, shanghai},
		{"to the hour that summer time leaves out", "2027-03-26 02:30", "2027-03-29 02:30", 1, berlin},
		{"over the change to summer time", "2027-03-26 12:00", "2027-03-29 12:00", 1, berlin},
	} {
		from, err := time.ParseInLocation("2006-01-02 15:04", row.from, row.loc)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.AddWorkingDays(from.UTC(), row.n, row.loc).In(row.loc).Format("2006-01-02 15:04"); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	if far := c.AddWorkingDays(time.Unix(0, 0), 1<<30, shanghai); far.Year() > 1980 {
		t.Errorf("a stranger's number leads to %v", far)
	}
}

func TestWorkingTime(t *testing.T) {
	c := calendar.China()
	shanghai, berlin := zone(t, ""), zone(t, "Europe/Berlin")
	day, night := calendar.Hours{From: 9 * 60, To: 18 * 60}, calendar.Hours{From: 22 * 60, To: 6 * 60}
	const layout = "2006-01-02 15:04"
	for _, row := range []struct {
		name, from string
		d          time.Duration
		hours      calendar.Hours
		loc        *time.Location
		want       string
	}{
		{"day and night", "2026-07-11 23:00", 2 * time.Hour, calendar.Hours{}, shanghai, "2026-07-12 01:00"},
		{"within the day", "2026-07-06 10:00", 4 * time.Hour, day, shanghai, "2026-07-06 14:00"},
		{"to the end of the day", "2026-07-06 14:00", 4 * time.Hour, day, shanghai, "2026-07-06 18:00"},
		{"into the next", "2026-07-06 17:00", 4 * time.Hour, day, shanghai, "2026-07-07 12:00"},
		{"from the evening, over a weekend", "2026-07-10 20:00", time.Hour, day, shanghai, "2026-07-13 10:00"},
		{"over National Day, to the make-up Saturday", "2026-09-30 17:30", 10 * time.Hour, day, shanghai, "2026-10-09 09:30"},
		{"on the make-up Sunday", "2026-09-20 09:00", time.Hour, day, shanghai, "2026-09-20 10:00"},
		{"a shift over midnight", "2026-07-06 23:00", 9 * time.Hour, night, shanghai, "2026-07-08 00:00"},
		{"the end of Friday's shift on Saturday", "2026-07-11 05:00", 2 * time.Hour, night, shanghai, "2026-07-13 23:00"},
		{"a night that is an hour shorter", "2027-03-25 22:00", 8*time.Hour + 8*time.Hour, night, berlin, "2027-03-27 06:00"},
		{"nothing", "2026-07-11 23:00", 0, day, shanghai, "2026-07-11 23:00"},
		{"less than nothing", "2026-07-11 23:00", -time.Hour, day, shanghai, "2026-07-11 23:00"},
	} {
		from, err := time.ParseInLocation(layout, row.from, row.loc)
		if err != nil {
			t.Fatal(err)
		}
		got := c.Add(from.UTC(), row.d, row.hours, row.loc)
		if s := got.In(row.loc).Format(layout); s != row.want {
			t.Errorf("%s: %s, want %s", row.name, s, row.want)
		}
		if back := c.Between(from, got, row.hours, row.loc); back != max(row.d, 0) {
			t.Errorf("%s: %v between, want %v", row.name, back, row.d)
		}
	}
	// The clocks go forward at 02:00 on a Sunday that is made a working day: the night has seven hours.
	sunday, err := calendar.New([]*roundsv1.CalendarDay{{Date: "2027-03-28"}, {Date: "2027-03-27"}})
	if err != nil {
		t.Fatal(err)
	}
	from, to := time.Date(2027, 3, 27, 22, 0, 0, 0, berlin), time.Date(2027, 3, 28, 6, 0, 0, 0, berlin)
	if d := sunday.Between(from, to, night, berlin); d != 7*time.Hour {
		t.Errorf("the short night has %v", d)
	}
}

// Adding and measuring are each other's inverse, and neither goes back when its arguments grow.
func TestAddAndBetweenAgree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	c := calendar.China()
	zones := []*time.Location{zone(t, ""), zone(t, "Europe/Berlin"), zone(t, "America/St_Johns")}
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 3000 {
		loc := zones[rnd.IntN(len(zones))]
		h := calendar.Hours{From: uint32(rnd.IntN(1440))}
		h.To = (h.From + 60 + uint32(rnd.IntN(1440-60))) % 1440 // an hour a day at least: further than ten years nothing is reckoned
		t0 := start.Add(time.Duration(rnd.Int64N(int64(700 * 24 * time.Hour))))
		d := time.Duration(rnd.Int64N(int64(100 * time.Hour)))
		at := c.Add(t0, d, h, loc)
		if got := c.Between(t0, at, h, loc); got != d {
			t.Fatalf("from %v, %v in %v of %v: until %v, which measures %v", t0, d, h, loc, at, got)
		}
		if at.Before(t0.Add(d)) {
			t.Fatalf("from %v, %v of work end earlier: %v", t0, d, at)
		}
		if more := c.Add(t0, d+time.Duration(rnd.Int64N(int64(time.Hour))), h, loc); more.Before(at) {
			t.Fatalf("more work ends earlier")
		}
		if later := c.Add(t0.Add(time.Duration(rnd.Int64N(int64(time.Hour)))), d, h, loc); later.Before(at) {
			t.Fatalf("begun later it ends earlier: %v, %v", later, at)
		}
	}
}

func TestZone(t *testing.T) {
	for _, bad := range []string{"Local", "Nowhere/At_All", "../etc/passwd"} {
		if _, err := calendar.Zone(bad); err == nil {
			t.Errorf("%s is a zone", bad)
		}
	}
	real, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2040; at = at.AddDate(0, 1, 0) {
		if at.In(real).Format(time.RFC3339) != at.In(zone(t, "")).Format(time.RFC3339) {
			t.Fatalf("at %v", at)
		}
	}
}

func BenchmarkAddWorkingHours(b *testing.B) {
	c, loc := calendar.China(), time.FixedZone("cn", 8*3600)
	from := time.Date(2026, 9, 30, 9, 0, 0, 0, time.UTC)
	for b.Loop() {
		c.Add(from, 24*time.Hour, calendar.Hours{From: 540, To: 1080}, loc)
	}
}
