package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/link"
)

// The link in a window: what a phone gets at the lift lobby. While a window lasts, the demo's clock runs haste times as fast as the machine's, and the link
// with it.
const (
	windowBits  = 64_000
	windowDelay = 400 * time.Millisecond
	window      = 10 * time.Second
	haste       = 40
	cutChance   = 0.06
	loseChance  = 0.06
)

// slot is how finely windows are laid: those of one slot come at the same time, so that phones meet at the server.
const slot = 2 * time.Minute

// event is something that happens in the shift.
type event struct {
	at     time.Time
	phone  int
	window bool // a signal for ten seconds; else the person does something
	does   func(context.Context) error
}

// plan lays out a shift: for each phone the spells without signal (their median is 12 minutes, lognormal), the ten seconds after each, and what the person
// does meanwhile.
func plan(workers []*worker, begin time.Time, hours float64, random *rand.Rand) []event {
	end := begin.Add(time.Duration(hours * float64(time.Hour)))
	var events []event
	for i := range workers {
		for at := begin; ; {
			offline := time.Duration(12 * math.Exp(0.8*random.NormFloat64()) * float64(time.Minute))
			offline = min(max(offline, slot), 6*time.Hour)
			next := at.Add(offline)
			if next.After(end) {
				next = end
			}
			for act := at.Add(actEvery(random)); act.Before(next); act = act.Add(actEvery(random)) {
				events = append(events, event{at: act, phone: i})
			}
			if !next.Before(end) {
				break
			}
			next = next.Truncate(slot).Add(slot)
			events = append(events, event{at: next, phone: i, window: true})
			at = next.Add(window)
		}
	}
	return events
}

func actEvery(random *rand.Rand) time.Duration {
	return time.Duration((2 + 8*random.Float64()) * float64(time.Minute))
}

// run plays the events in order. Windows at one time are open together.
func (d *demo) run(ctx context.Context, events []event) error {
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(btoi(a.window), btoi(b.window)), cmp.Compare(a.phone, b.phone))
	})
	for len(events) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := events[0]
		d.time.jump(e.at)
		d.progress.at(e.at)
		if !e.window {
			events = events[1:]
			do := e.does
			if do == nil {
				do = d.workers[e.phone].act
			}
			if err := do(ctx); err != nil {
				return fmt.Errorf("demo: %s at %s: %w", d.name(e.phone), e.at.Format(time.TimeOnly), err)
			}
			continue
		}
		n := 1
		for n < len(events) && events[n].window && events[n].at.Equal(e.at) {
			n++
		}
		open := make([]*worker, 0, n)
		for _, e := range events[:n] {
			open = append(open, d.workers[e.phone])
		}
		events = events[n:]
		if err := d.open(ctx, open); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) name(phone int) string {
	if phone < 0 {
		return "the office"
	}
	return d.workers[phone].name
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// open gives some phones a signal for ten seconds, at the same time. Where a kill of the server is due, it comes while they push.
func (d *demo) open(ctx context.Context, phones []*worker) error {
	if err := d.time.run(haste); err != nil {
		return err
	}
	ctx, end := context.WithTimeout(ctx, window/haste*4) // the machine may be slow; what is not done by then waits for the next window
	defer end()
	var all sync.WaitGroup
	for _, w := range phones {
		if w.device == nil {
			continue
		}
		all.Go(func() {
			w.link.Reshape(link.Shape{BitsPerSecond: windowBits * haste, RoundTrip: windowDelay / haste, Cut: cutChance, LoseReply: loseChance})
			w.link.On()
			defer w.link.Off()
			for range 4 { // a link that is cut is tried again while the window lasts
				report, err := w.device.Sync(ctx)
				d.progress.synced(report, err)
				if err == nil || ctx.Err() != nil || errors.Is(err, client.ErrRevoked) {
					break
				}
			}
			w.dropIdle()
		})
	}
	var killed error
	if d.killDue(d.time.Now()) && len(phones) > 0 {
		killed = d.killMidPush(ctx, phones)
	}
	all.Wait()
	d.time.jump(d.time.Now())
	return killed
}

// killMidPush waits until bytes are on their way up and kills the server while they are.
func (d *demo) killMidPush(ctx context.Context, phones []*worker) error {
	before := make([]int64, len(phones))
	for i, w := range phones {
		before[i] = w.link.Counts().Up
	}
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		for i, w := range phones {
			if w.link.Counts().Up > before[i]+1500 {
				d.progress.say("kill -9 of the server while %s pushes", w.name)
				return d.server.kill(context.WithoutCancel(ctx))
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done(): // nobody pushed: it is killed all the same
			d.progress.say("kill -9 of the server")
			return d.server.kill(context.WithoutCancel(ctx))
		}
	}
}

// killDue tells whether a kill is planned at or before a time, and takes it off the plan.
func (d *demo) killDue(now time.Time) bool {
	if len(d.kills) == 0 || now.Before(d.kills[0]) {
		return false
	}
	d.kills = d.kills[1:]
	return true
}

// settle lets every phone sync over a good link until nothing is left to do.
func (d *demo) settle(ctx context.Context) error {
	if err := d.time.run(1); err != nil {
		return err
	}
	for round := range 6 {
		quiet := true
		for _, w := range append([]*worker{d.desk}, d.workers...) {
			if w.device == nil {
				continue
			}
			w.link.Reshape(link.Shape{})
			w.link.On()
			report, err := w.device.Sync(ctx)
			d.progress.synced(report, err)
			if err != nil && !errors.Is(err, client.ErrRevoked) && !w.lost {
				return fmt.Errorf("demo: %s at the end of the shift: %w", w.name, err)
			}
			quiet = quiet && report.Sent == 0 && report.Changed == 0 && len(report.Purged) == 0
		}
		if quiet && round > 0 {
			return nil
		}
	}
	return errors.New("demo: the phones find no rest")
}
