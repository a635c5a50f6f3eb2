package roster_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/roster"
)

func TestOnDuty(t *testing.T) {
	day := &roundsv1.Duty{Recurrence: "DTSTART:20260101T080000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", Minutes: 12 * 60}
	night := &roundsv1.Duty{Recurrence: "DTSTART:20260101T200000\nRRULE:FREQ=DAILY", Minutes: 12 * 60}
	long := &roundsv1.Duty{Recurrence: "DTSTART:20260705T200000", Minutes: 2880}
	bad := &roundsv1.Duty{Recurrence: "always", Minutes: 60}
	us := func(s string) int64 { return at(t, s).UnixMicro() }
	away := []*roundsv1.Absence{{FromUs: us("2026-07-06 10:00"), ToUs: us("2026-07-06 12:00"), Reason: "leave"}}
	for _, row := range []struct {
		name  string
		staff *roundsv1.Staff
		at    string
		want  bool
	}{
		{"nobody", nil, "2026-07-06 10:00", false},
		{"no shifts", &roundsv1.Staff{}, "2026-07-06 03:00", true},
		{"has left", &roundsv1.Staff{Left: true}, "2026-07-06 10:00", false},
		{"at the beginning", &roundsv1.Staff{Duties: []*roundsv1.Duty{day}}, "2026-07-06 08:00", true},
		{"just before it", &roundsv1.Staff{Duties: []*roundsv1.Duty{day}}, "2026-07-06 07:59", false},
		{"at the end", &roundsv1.Staff{Duties: []*roundsv1.Duty{day}}, "2026-07-06 20:00", false},
		{"just before the end", &roundsv1.Staff{Duties: []*roundsv1.Duty{day}}, "2026-07-06 19:59", true},
		{"on a Sunday", &roundsv1.Staff{Duties: []*roundsv1.Duty{day}}, "2026-07-05 10:00", false},
		{"after midnight", &roundsv1.Staff{Duties: []*roundsv1.Duty{night}}, "2026-07-06 03:00", true},
		{"by day", &roundsv1.Staff{Duties: []*roundsv1.Duty{night}}, "2026-07-06 10:00", false},
		{"of two shifts one", &roundsv1.Staff{Duties: []*roundsv1.Duty{night, day}}, "2026-07-06 10:00", true},
		{"two days long", &roundsv1.Staff{Duties: []*roundsv1.Duty{long}}, "2026-07-07 19:59", true},
		{"and over", &roundsv1.Staff{Duties: []*roundsv1.Duty{long}}, "2026-07-07 20:00", false},
		{"a shift that is not understood", &roundsv1.Staff{Duties: []*roundsv1.Duty{bad}}, "2026-07-06 10:00", false},
		{"beside one that is", &roundsv1.Staff{Duties: []*roundsv1.Duty{bad, day}}, "2026-07-06 10:00", true},
		{"away", &roundsv1.Staff{Duties: []*roundsv1.Duty{day}, Absences: away}, "2026-07-06 10:00", false},
		{"away, without shifts", &roundsv1.Staff{Absences: away}, "2026-07-06 11:59", false},
		{"back", &roundsv1.Staff{Duties: []*roundsv1.Duty{day}, Absences: away}, "2026-07-06 12:00", true},
	} {
		if got := roster.OnDuty(row.staff, at(t, row.at), shanghai(t)); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	loc, err := calendar.Zone("")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai(t))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
