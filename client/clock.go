package client

import (
	"os"
	"strconv"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Clock is the device's clocks. Its methods may be called from any number of goroutines.
type Clock interface {
	// Wall is the wall clock as the device believes it. It may be years off and may jump.
	Wall() time.Time
	// Boot names the boot: readings of Monotonic compare only within one. At most 64 bytes.
	Boot() string
	// Monotonic is the time since an origin that is fixed within the boot. It goes on while the device sleeps, as far as the
	// system can.
	Monotonic() time.Duration
}

// SystemClock returns the clocks of this machine; now is time.Now. On Linux and Android the boot is the system's; elsewhere
// each start of the program counts as a boot, which is safe: the time of what was queued before is then known less well.
func SystemClock(now func() time.Time) Clock {
	c := systemClock{now: now, started: now()}
	if id, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		if _, err := uptime(); err == nil {
			c.boot = strings.TrimSpace(string(id))
			return c
		}
	}
	c.boot = "start-" + strconv.FormatInt(c.started.UnixNano(), 36)
	c.own = true
	return c
}

type systemClock struct {
	now     func() time.Time
	started time.Time
	boot    string
	own     bool // the boot is this start of the program
}

var _ Clock = systemClock{}

// Wall implements Clock.
func (c systemClock) Wall() time.Time { return c.now() }

// Boot implements Clock.
func (c systemClock) Boot() string { return c.boot }

// Monotonic implements Clock.
func (c systemClock) Monotonic() time.Duration {
	if !c.own {
		if up, err := uptime(); err == nil {
			return up
		}
	}
	return c.now().Sub(c.started)
}

// uptime reads the time since the boot, sleep included.
func uptime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), " ")
	return time.ParseDuration(first + "s")
}

// reading is what the clocks show now.
func reading(c Clock) *roundsv1.Clock {
	return &roundsv1.Clock{WallUs: c.Wall().UnixMicro(), BootId: c.Boot(), MonotonicUs: c.Monotonic().Microseconds()}
}

// anchor is the last moment at which the device's clocks and the server's were seen together. The zero anchor is none.
type anchor struct {
	Boot        string `json:"boot,omitempty"`
	MonotonicUS int64  `json:"monotonic_us,omitempty"`
	WallUS      int64  `json:"wall_us,omitempty"`
	ServerUS    int64  `json:"server_us,omitempty"`
}

// at estimates when, by the server's clock, the device's clocks showed c; without an anchor the wall clock is believed.
func (a anchor) at(c *roundsv1.Clock) int64 {
	switch {
	case a.ServerUS == 0:
		return c.GetWallUs()
	case a.Boot != "" && a.Boot == c.GetBootId():
		return a.ServerUS + c.GetMonotonicUs() - a.MonotonicUS
	default:
		return a.ServerUS + c.GetWallUs() - a.WallUS
	}
}

// offset is how far the device's wall clock is behind the server's.
func (a anchor) offset() time.Duration { return time.Duration(a.ServerUS-a.WallUS) * time.Microsecond }
