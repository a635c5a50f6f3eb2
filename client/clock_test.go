package client

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func TestAnchorEstimatesTheServersClock(t *testing.T) {
	a := anchor{Boot: "one", MonotonicUS: 100, WallUS: 1000, ServerUS: 5000}
	for _, c := range []struct {
		name   string
		anchor anchor
		clock  *roundsv1.Clock
		want   int64
	}{
		{"no anchor: the wall clock", anchor{}, &roundsv1.Clock{WallUs: 7, BootId: "one", MonotonicUs: 9}, 7},
		{"same boot: the monotonic clock", a, &roundsv1.Clock{WallUs: 1, BootId: "one", MonotonicUs: 150}, 5050},
		{"another boot: the wall clock and its offset", a, &roundsv1.Clock{WallUs: 1300, BootId: "two", MonotonicUs: 150}, 5300},
	} {
		if got := c.anchor.at(c.clock); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestSystemClockGoesOn(t *testing.T) {
	c := SystemClock(time.Now)
	if c.Boot() == "" || len(c.Boot()) > 64 || c.Boot() != SystemClock(time.Now).Boot() && !c.(systemClock).own {
		t.Errorf("boot %q", c.Boot())
	}
	if before := c.Monotonic(); c.Monotonic() < before {
		t.Error("the monotonic clock runs backwards")
	}
}
