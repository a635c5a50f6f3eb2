package demo

import (
	"fmt"
	"sync"
	"time"
)

// timeline is the demo's clock. Hours in which nobody has a signal are jumped over; while somebody has one, time runs at a steady rate, so that the
// server, in a process of its own, and the devices see the same time.
type timeline struct {
	told func(line) error // tells the server

	mu   sync.Mutex // guards what follows
	line line
}

// line is a straight piece of the clock: at the machine's time real it showed shown, and from there it runs rate times as fast.
type line struct {
	shown time.Time
	real  time.Time
	rate  float64
}

func (l line) now() time.Time {
	return l.shown.Add(time.Duration(float64(time.Since(l.real)) * l.rate)).Round(0)
}

// String is the form in which a line is told to the server's process.
func (l line) String() string {
	return fmt.Sprintf("%d %d %g", l.shown.UnixMicro(), l.real.UnixMicro(), l.rate)
}

func parseLine(text string) (line, error) {
	var shown, real int64
	var l line
	if _, err := fmt.Sscanf(text, "%d %d %g", &shown, &real, &l.rate); err != nil {
		return line{}, fmt.Errorf("demo: a clock of %q: %w", text, err)
	}
	l.shown, l.real = time.UnixMicro(shown).UTC(), time.UnixMicro(real)
	return l, nil
}

func newTimeline(begin time.Time) *timeline {
	return &timeline{line: line{shown: begin, real: time.Now(), rate: 0}}
}

// Now is what the clock shows.
func (t *timeline) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.line.now()
}

// jump lets the clock stand at a time, unless it is later already. The server is not told: nobody talks to it now.
func (t *timeline) jump(to time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.line.now(); now.After(to) {
		to = now
	}
	t.line = line{shown: to, real: time.Now(), rate: 0}
}

// run lets the clock go on from where it stands, and the server's with it.
func (t *timeline) run(rate float64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line = line{shown: t.line.now(), real: time.Now(), rate: rate}
	return t.told(t.line)
}

func (t *timeline) current() line {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.line
}
