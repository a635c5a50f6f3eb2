package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rounds-sync/rounds/client"
)

// run plays the events in order. Windows at one time are open together.
func (d *demo) run(ctx context.Context, events []event) error {
	slices.SortStableFunc(events, inTurn)
	for len(events) > 0 || len(d.day.added) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(d.day.added) > 0 {
			events, d.day.added = append(events, d.day.added...), nil
			slices.SortStableFunc(events, inTurn)
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
		together := events[:n]
		events = events[n:]
		if err := d.open(ctx, together); err != nil {
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

// open gives some phones a signal for ten seconds, at the same time. Where a kill of the server is due, it comes while they send.
func (d *demo) open(ctx context.Context, windows []event) error {
	if err := d.time.run(haste); err != nil {
		return err
	}
	// Words may take longer than the window where the machine is slow; what is not done by then waits for the next one. Photos may not: the window ends
	// in the middle of whatever part is on its way.
	ctx, end := context.WithTimeout(ctx, window/haste*4)
	defer end()
	var all sync.WaitGroup
	var phones []*worker
	for _, e := range windows {
		w := d.workers[e.phone]
		if slices.Contains(phones, w) || w.device == nil || w.below || d.time.Now().Before(w.silentUntil) && !e.lobby {
			continue
		}
		phones = append(phones, w)
		all.Go(func() {
			began := time.Now()
			w.travel.begin()
			w.link.Reshape(e.signal.shape())
			w.link.On()
			defer w.dropIdle()
			defer w.link.Off()
			for range 4 { // a link that is cut is tried again while the window lasts
				report, err := w.device.Sync(ctx, client.WithoutPhotos())
				d.progress.synced(report, err)
				if errors.Is(err, client.ErrRevoked) {
					return
				}
				if err == nil {
					break
				}
				if ctx.Err() != nil {
					return
				}
			}
			// Where the machine is slow, the words took more than their share: photos have half a window at least.
			ends := began.Add(window / haste)
			if least := time.Now().Add(window / haste / 2); ends.Before(least) {
				ends = least
			}
			d.uploadUntil(ctx, w, ends)
		})
	}
	var killed error
	if len(phones) > 0 && d.killDue(d.time.Now(), phones) {
		killed = d.killMidway(ctx, phones)
	}
	all.Wait()
	d.time.jump(d.time.Now())
	return killed
}

// uploadUntil sends photos until a window ends, which is in the middle of what is on its way.
func (d *demo) uploadUntil(ctx context.Context, w *worker, ends time.Time) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	over := time.AfterFunc(time.Until(ends), func() {
		w.link.Off()
		stop()
	})
	defer over.Stop()
	before := w.tally
	_ = w.upload(ctx) // what was cut goes on in the next window, and what never arrives is told by the check
	d.progress.uploaded(before, w.tally)
}
