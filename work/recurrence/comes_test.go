package recurrence_test

import (
	"testing"
	"time"

	"github.com/rounds-sync/rounds/work/recurrence"
)

// TestComes: whether anything begins from a moment on, and that the answer takes no long search, whatever the rule.
func TestComes(t *testing.T) {
	now := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string]bool{
		"DTSTART:20260701T080000":                                                        true,
		"DTSTART:20260701T075900":                                                        false,
		"DTSTART:21900701T075900":                                                        true,
		"DTSTART:20240101T080000\nRRULE:FREQ=DAILY":                                      true,
		"DTSTART:20240101T080000\nRRULE:FREQ=DAILY;UNTIL=20260630":                       false,
		"DTSTART:20240101T080000\nRRULE:FREQ=DAILY;COUNT=10":                             false,
		"DTSTART:20240101T080000\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29":             true,
		"DTSTART:20240101T080000\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30":             false,
		"DTSTART:20240101T080000\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30":              false,
		"DTSTART:20240101T080000\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30":             false,
		"DTSTART:20240101T080000\nRRULE:FREQ=HOURLY;COUNT=10000;BYMONTH=2;BYMONTHDAY=30": false,
	} {
		rule, err := recurrence.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := rule.Comes(now); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if (recurrence.Rule{}).Comes(now) {
		t.Error("no rule comes")
	}
}
