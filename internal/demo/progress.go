package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rounds-sync/rounds/client"
)

// progress shows how the shift goes: a live view on a terminal, plain lines elsewhere.
type progress struct {
	out  io.Writer
	live bool
	wide func() int // columns of the terminal; nil: not known

	mu     sync.Mutex // guards what follows
	begin  time.Time
	hours  float64
	now    time.Time
	shown  time.Time // when the view was last drawn, by the machine's clock
	drawn  bool
	phase  string
	sum    client.Report
	syncs  int
	failed int
	photos client.PhotoTally
	taken  int // photos
}

func (p *progress) step(phase string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = phase
	p.draw(true)
}

func (p *progress) at(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
	p.draw(false)
}

func (p *progress) synced(r client.Report, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.syncs++
	if err != nil {
		p.failed++
	}
	p.sum.Exchanges += r.Exchanges
	p.sum.Sent += r.Sent
	p.sum.Applied += r.Applied
	p.sum.Merged += r.Merged
	p.sum.Conflicts += r.Conflicts
	p.sum.Rejected += r.Rejected
	p.sum.Quarantined += r.Quarantined
	p.sum.Diverged += r.Diverged
	p.sum.Repairs += r.Repairs
	p.draw(false)
}

// uploaded adds what a phone's uploads did between two tallies.
func (p *progress) uploaded(before, after client.PhotoTally) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.photos.Stored += after.Stored - before.Stored
	p.photos.Bytes += after.Bytes - before.Bytes
	p.photos.Cut += after.Cut - before.Cut
	p.draw(false)
}

// took says that one more photo was taken.
func (p *progress) took() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
}

// note keeps what is worth knowing when one wonders about the report: it is told on the progress's output, in lines of its own.
func (p *progress) note(format string, args ...any) { p.say("note: "+format, args...) }

func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	words := p.now.Format("15:04 ") + fmt.Sprintf(format, args...)
	if p.live {
		p.erase()
	}
	fmt.Fprintln(p.out, "  "+words)
	if p.live { // in a log the line says it all
		p.draw(true)
	}
}

// viewLines is how many lines the live view takes.
const viewLines = 4

func (p *progress) erase() {
	if p.drawn {
		fmt.Fprintf(p.out, "\x1b[%dA\x1b[J", viewLines)
		p.drawn = false
	}
}

// fit cuts a line to the terminal: one that went on in a second row would not be erased.
func (p *progress) fit(line string) string {
	if p.wide == nil {
		return line
	}
	if runes, wide := []rune(line), p.wide(); wide > 0 && len(runes) > wide {
		return string(runes[:wide])
	}
	return line
}

// draw shows the state, at most ten times a second on a terminal and every five seconds elsewhere. The caller holds p.mu.
func (p *progress) draw(always bool) {
	every := 5 * time.Second
	if p.live {
		every = 100 * time.Millisecond
	}
	if !always && time.Since(p.shown) < every {
		return
	}
	p.shown = time.Now()
	done := 0.0
	if p.hours > 0 && !p.begin.IsZero() {
		done = min(1, max(0, p.now.Sub(p.begin).Hours()/p.hours))
	}
	outcomes := fmt.Sprintf("%d applied, %d merged, %d in conflict, %d rejected, %d quarantined",
		p.sum.Applied, p.sum.Merged, p.sum.Conflicts, p.sum.Rejected, p.sum.Quarantined)
	photos := fmt.Sprintf("photos: %d taken, %d uploaded, %.1f MB", p.taken, p.photos.Stored, float64(p.photos.Bytes)/1e6)
	if !p.live {
		fmt.Fprintf(p.out, "  %s  %3.0f %%  %s; %d syncs, %d cut short; %s; %s\n", p.now.Format("15:04"), done*100, p.phase, p.syncs, p.failed, outcomes, photos)
		return
	}
	p.erase()
	const width = 40
	full := int(done * width)
	for _, line := range [viewLines]string{
		fmt.Sprintf("%s  [%s%s] %3.0f %%  %s", p.now.Format("15:04"), strings.Repeat("█", full), strings.Repeat("·", width-full), done*100, p.phase),
		fmt.Sprintf("syncs %d, cut short %d, mutations sent %d", p.syncs, p.failed, p.sum.Sent),
		outcomes,
		fmt.Sprintf("%s, cut in the middle of %d parts", photos, p.photos.Cut),
	} {
		fmt.Fprintln(p.out, p.fit("  "+line))
	}
	p.drawn = true
}
