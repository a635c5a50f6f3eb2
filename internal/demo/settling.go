package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/link"
)

// settle lets every phone deliver its words and photos over a good link, and the offices decide what was waiting for these, until nothing is left to do.
func (d *demo) settle(ctx context.Context) error {
	if err := d.time.run(1); err != nil {
		return err
	}
	for _, w := range d.everybody() {
		w.travel.begin()
		w.link.Reshape(link.Shape{})
		w.link.On()
	}
	if err := d.drain(ctx); err != nil {
		return err
	}
	d.progress.step("the server looks at the last photos")
	p := &proof{}
	if err := d.analysed(ctx, p); err != nil {
		return err
	}
	d.progress.step("the offices decide")
	if err := d.decide(ctx, p); err != nil {
		return err
	}
	d.progress.step("in the evening everybody finishes what is due")
	if err := d.evening(ctx, p); err != nil {
		return err
	}
	restless := ""
	for round := range settleRounds {
		restless = ""
		for _, w := range d.everybody() {
			report, err := d.syncAtRest(ctx, w)
			if err != nil {
				return err
			}
			if report.Sent > 0 || report.Changed > 0 || len(report.Purged) > 0 || report.Photos.Parts > 0 || report.Photos.Stored > 0 {
				restless = fmt.Sprintf("%s sent %d mutations and %d photos, and %d records changed", w.name, report.Sent, report.Photos.Stored, report.Changed)
			}
		}
		if restless == "" && round > 0 {
			return nil
		}
	}
	return fmt.Errorf("demo: the phones find no rest: %s", restless)
}

// settleRounds is how often everybody syncs at the end before the demo gives up.
const settleRounds = 8

// everybody is the office and all phones that are switched on.
func (d *demo) everybody() []*worker {
	all := []*worker{d.desk}
	for _, w := range d.workers {
		if w.device != nil {
			all = append(all, w)
		}
	}
	return all
}

// syncAtRest syncs words and photos over the good link of the end, on which only who was shut out may fail.
func (d *demo) syncAtRest(ctx context.Context, w *worker) (client.Report, error) {
	report, err := w.device.Sync(ctx)
	before := w.tally
	w.count(report.Photos)
	d.progress.synced(report, err)
	d.progress.uploaded(before, w.tally)
	if err != nil && !errors.Is(err, client.ErrRevoked) && !w.lost {
		return report, fmt.Errorf("demo: %s at the end of the shift: %w", w.name, err)
	}
	return report, nil
}

// drain lets the phones send until none has anything left that can be sent.
func (d *demo) drain(ctx context.Context) error {
	for range settleRounds {
		left := 0
		for _, w := range d.everybody() {
			report, err := d.syncAtRest(ctx, w)
			if err != nil {
				return err
			}
			if left += report.Sent; w.lost {
				continue
			}
			list, err := w.device.Photos(ctx)
			if err != nil {
				return err
			}
			for _, one := range list {
				if one.Stage != client.PhotoStored && one.Stage != client.PhotoFailed {
					left++
				}
			}
		}
		if left == 0 {
			return nil
		}
	}
	return nil // the check tells what is left
}
