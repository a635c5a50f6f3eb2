package client

import (
	"context"
	"errors"
	"slices"

	"github.com/rounds-sync/rounds/sync/store"
)

// A scope is purged in steps that each may be the last before a crash, and that are all repeated until the scope is gone:
//
//  1. the scope is marked: Do refuses, pages are not taken any more;
//  2. the device's own key space remembers where the lane was, the ledger of what was queued, and which acts were refused or wait, without what they said;
//  3. the scope is dropped;
//  4. the device's own key space says that it is gone, and the next request tells the server.

// purgeClosing purges the scopes that are to be given up at once, and those whose outbox was delivered.
func (d *Device) purgeClosing(ctx context.Context, report *Report) error {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return err
	}
	left := false
	for _, scope := range scopes {
		ripe := false
		err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
			var state replicaState
			if _, err := load(r, single(tableReplica), &state); err != nil {
				return err
			}
			var lane laneState
			if _, err := load(r, single(tableLane), &lane); err != nil {
				return err
			}
			delivered := lane.Acked == lane.Last && lane.Old == nil && (!lane.Ask || lane.Forked)
			ripe = state.Closing == purging || (state.Closing == graceful && delivered)
			if ripe && state.Closing == graceful && d.hasMedia() {
				waits, err := photosWait(r, scope)
				ripe = !waits
				return err
			}
			return nil
		})
		if err != nil {
			return in(scope, err)
		}
		if !ripe {
			left = true
			continue
		}
		if err := d.purge(ctx, scope); err != nil {
			return in(scope, err)
		}
		report.Purged = union(report.Purged, []Scope{scope})
	}
	return d.purgedAll(ctx, left)
}

// photosWait tells whether a scope that is given up gracefully holds photos that are still to be delivered.
func photosWait(r store.Reader, scope Scope) (bool, error) {
	queue, err := photosOf(r, scope, func(s photoState) bool { return !s.done() && s.Fault == "" })
	return len(queue) > 0, err
}

// photosLeft tells whether a scope that is given up gracefully waits for its photos.
func (d *Device) photosLeft(ctx context.Context) bool {
	return d.hasMedia() && d.anyClosing(ctx, func(waits bool) bool { return waits })
}

// purgesNow tells whether a scope is given up and waits for nothing any more.
func (d *Device) purgesNow(ctx context.Context) bool {
	return d.anyClosing(ctx, func(waits bool) bool { return !waits })
}

// anyClosing looks for a scope that is given up gracefully, by whether it waits for photos.
func (d *Device) anyClosing(ctx context.Context, is func(waits bool) bool) bool {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return false
	}
	for _, scope := range scopes {
		found := false
		err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
			var state replicaState
			if _, err := load(r, single(tableReplica), &state); err != nil || state.Closing != graceful {
				return err
			}
			waits, err := photosWait(r, scope)
			found = err == nil && is(waits)
			return err
		})
		if err == nil && found {
			return true
		}
	}
	return false
}

// purgedAll remembers that a revoked device holds nothing any more.
func (d *Device) purgedAll(ctx context.Context, left bool) error {
	d.mu.Lock()
	done := d.state.Revoked != open && !d.state.Purged && !left
	d.state.Purged = d.state.Purged || done
	d.mu.Unlock()
	if !done {
		return nil
	}
	return in(deviceScope, d.saveState(ctx))
}

// purge gives one scope up.
func (d *Device) purge(ctx context.Context, scope Scope) error {
	var mark purgeState
	var ledger []store.Entry
	err := d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
		rep, err := openReplica(w)
		if err != nil {
			return err
		}
		rep.state.Graceful = rep.state.Graceful || rep.state.Closing == graceful
		rep.state.Closing = purging
		if err := rep.save(); err != nil {
			return err
		}
		if mark = (purgeState{}); rep.state.Graceful {
			mark.Person = d.me().Person
			if mark.Tray, err = keepTray(w, scope); err != nil {
				return err
			}
		}
		var count photoCount
		if _, err := load(w, single(tablePhotoCount), &count); err != nil {
			return err
		}
		mark.Photos = count.Captured
		var lane laneState
		found, err := load(w, single(tableLane), &lane)
		if err != nil || !found {
			return err
		}
		mark.Lost = int(lane.Last - lane.Taken)
		mark.Lane, err = remains(w, lane)
		return err
	})
	if err != nil {
		return err
	}
	err = d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		ledger = nil
		for entry, err := range r.Scan(store.Prefix(single(tableLedger))) {
			if err != nil {
				return err
			}
			ledger = append(ledger, store.Entry{Key: slices.Clone(entry.Key), Value: slices.Clone(entry.Value)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(ledger, 50_000) {
		err := d.cfg.Store.Update(ctx, deviceScope, func(w store.Writer) error {
			for _, entry := range chunk {
				if err := w.Set(append(keptLedgerPrefix(scope), entry.Key[1:]...), entry.Value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return d.finishPurge(ctx, scope, mark)
}

// remains returns the lane as it goes on should the person come back: behind what the server has.
func remains(r store.Reader, lane laneState) (laneState, error) {
	kept := laneState{
		Branch: lane.Branch, Last: lane.Taken, Head: lane.Head, Floor: lane.Taken + 1,
		Taken: lane.Taken, Acked: lane.Taken, Confirmed: lane.Confirmed, Shown: lane.Taken, Stable: lane.Stable,
	}
	if lane.Taken == lane.Last {
		return kept, nil
	}
	value, err := r.Get(laneKey(tableOutbox, lane.Branch, lane.Taken+1))
	if errors.Is(err, store.ErrNotFound) {
		return kept, nil // moved from another branch, and not begun
	}
	if err != nil {
		return kept, err
	}
	entry, err := decodeOutbox(value)
	kept.Head = hexHash(entry.previous)
	return kept, err
}

// finishPurge does the steps from the second on.
func (d *Device) finishPurge(ctx context.Context, scope Scope, mark purgeState) error {
	if err := d.markPurged(ctx, scope, mark); err != nil {
		return err
	}
	// What came after a drop that was not noted any more is new, and stays.
	var replica replicaState
	if err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		_, err := load(r, single(tableReplica), &replica)
		return err
	}); err != nil {
		return err
	}
	if replica.Closing == purging {
		if err := d.cfg.Store.Drop(ctx, scope); err != nil {
			return err
		}
	}
	mark.Done = true
	if err := d.markPurged(ctx, scope, mark); err != nil {
		return err
	}
	d.log.InfoContext(ctx, "scope purged", "scope", scope, "undelivered", mark.Lost)
	if err := d.sweepOriginals(ctx, nil); err != nil {
		d.log.WarnContext(ctx, "originals not swept", "err", err)
	}
	return nil
}

func (d *Device) markPurged(ctx context.Context, scope Scope, mark purgeState) error {
	err := d.cfg.Store.Update(ctx, deviceScope, func(w store.Writer) error { return save(w, purgedKey(scope), mark) })
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.purged[scope] = mark
	return nil
}

// resumePurges ends what a crash interrupted.
func (d *Device) resumePurges(ctx context.Context) error {
	for scope, mark := range d.purgeMarks() {
		if !mark.Done {
			if err := d.finishPurge(ctx, scope, mark); err != nil {
				return in(scope, err)
			}
		}
	}
	if d.state.Revoked != open && !d.state.Purged {
		return d.revoke(ctx, d.state.Revoked, &Report{})
	}
	return d.purgeClosing(ctx, &Report{})
}

func (d *Device) purgeMarks() map[Scope]purgeState {
	d.mu.Lock()
	defer d.mu.Unlock()
	marks := make(map[Scope]purgeState, len(d.purged))
	for scope, mark := range d.purged {
		marks[scope] = mark
	}
	return marks
}

// told remembers that the server knows of these purges.
func (d *Device) told(ctx context.Context, scopes []Scope) error {
	marks := d.purgeMarks()
	for _, scope := range scopes {
		mark := marks[scope]
		mark.Told = true
		if err := d.markPurged(ctx, scope, mark); err != nil {
			return in(deviceScope, err)
		}
	}
	return nil
}

// givingUp tells how the device was revoked, while there may be something left on it: a step of the giving up may have failed.
func (d *Device) givingUp() closing {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state.Purged {
		return open
	}
	return d.state.Revoked
}

// revoke gives up everything: at once, or after the delivery of what is queued.
func (d *Device) revoke(ctx context.Context, how closing, report *Report) error {
	d.mu.Lock()
	if d.state.Revoked != purging {
		d.state.Revoked = how
	}
	how = d.state.Revoked
	d.mu.Unlock()
	d.log.WarnContext(ctx, "device revoked", "how", how)
	if err := d.saveState(ctx); err != nil {
		return in(deviceScope, err)
	}
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		err := d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
			rep, err := openReplica(w)
			if err != nil || rep.state.Closing == purging || rep.state.Closing == how {
				return err
			}
			rep.state.Closing = how
			if err := rep.save(); err != nil || how != graceful {
				return err
			}
			var lane laneState
			if found, err := load(w, single(tableLane), &lane); err != nil || !found || !lane.makeSure() {
				return err
			}
			return save(w, single(tableLane), lane)
		})
		if err != nil {
			return in(scope, err)
		}
	}
	return d.purgeClosing(ctx, report)
}
