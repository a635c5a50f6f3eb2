package client

import (
	"context"
	"sync"
	"time"
)

// The sizes of parts, in bytes, that the protocol allows.
const (
	minPart = 64 << 10
	maxPart = 8 << 20
)

const (
	// partTime is how long a part should take: long enough for its overhead not to matter, short enough for a cut not to cost much.
	partTime = 3 * time.Second
	// soon is how much sending one Plan should ask for: its answers are not for free.
	soon = 20 * time.Second
	// wideFrom is the bytes a second from which several parts travel at once, and narrowBelow those below which it is one again.
	wideFrom, narrowBelow = 128 << 10, 64 << 10
	// guess is what a link of which nothing is known is taken to carry, bytes a second.
	guess = 8 << 10
	// paceLife is how long what was known of the link counts: the person has walked on.
	paceLife = time.Minute
)

// pace is what is known of the link for bytes: how large parts should be, and how many may travel at once.
type pace struct {
	mu    sync.Mutex // guards what follows
	most  int64      // largest part
	many  int        // most parts at once
	size  int64
	width int
	rate  float64 // bytes a second, all parts together; 0: not known
	last  time.Duration
	boot  string
}

func newPace(limits Limits) *pace {
	return &pace{most: limits.PartBytes, many: limits.Parts, size: minPart, width: 1}
}

// begin forgets what was known of the link longer than a minute ago, or in another boot.
func (p *pace) begin(c Clock) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate > 0 && p.boot == c.Boot() && c.Monotonic()-p.last < paceLife {
		return
	}
	p.size, p.width, p.rate = minPart, 1, 0
}

// sent learns from a part of so many bytes that took so long with others beside it, itself included.
func (p *pace) sent(c Clock, bytes int64, took time.Duration, beside int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.boot, p.last = c.Boot(), c.Monotonic()
	one := float64(bytes) / max(took, time.Microsecond).Seconds()
	rate := one * float64(max(beside, 1))
	if p.rate > 0 {
		rate = (p.rate + rate) / 2
	}
	p.rate = rate
	switch {
	case rate >= wideFrom:
		p.width = min(p.width+1, p.many)
	case rate < narrowBelow:
		p.width = 1
	}
	// A part that was smaller than it might have been says nothing against larger ones, and little for them.
	fits := min(one*partTime.Seconds(), 4*float64(max(bytes, minPart)))
	if int64(fits) > p.size || took > partTime {
		p.size = max(p.size/2, whole(int64(fits)))
	}
	p.size = min(max(p.size, minPart), p.most)
}

// failed learns from a part that did not arrive: the next ones are small, and alone.
func (p *pace) failed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size, p.width = max(minPart, whole(p.size/4)), 1
	p.rate /= 2
}

// whole rounds a size to what parts are cut in.
func whole(size int64) int64 { return max(1, size/minPart) * minPart }

// part returns the largest part to ask for, how many of them to name for one photo, and how many bytes to plan in all.
func (p *pace) part() (size int64, parts int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rate := p.rate
	if rate == 0 {
		rate = guess
	}
	bytes = max(int64(rate*soon.Seconds()), p.size)
	return p.size, int(min(max((bytes+p.size-1)/p.size, 2), 1000)), bytes
}

// abreast is how many parts may travel at once now.
func (p *pace) abreast() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.width
}

// gate is closed while something more important travels. The zero gate is open.
type gate struct {
	mu     sync.Mutex // guards what follows
	closed int
	opened chan struct{} // closed when the gate opens; nil while it is open
}

// shut closes the gate until the returned function is called, once. Several may keep it closed.
func (g *gate) shut() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed++; g.closed == 1 {
		g.opened = make(chan struct{})
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.closed--; g.closed == 0 {
			close(g.opened)
			g.opened = nil
		}
	}
}

// isShut tells whether the gate is closed now.
func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed > 0
}

// wait returns when the gate is open, or ctx ends.
func (g *gate) wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		opened := g.opened
		g.mu.Unlock()
		if opened == nil {
			return ctx.Err()
		}
		select {
		case <-opened:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
