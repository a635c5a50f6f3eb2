package client

import (
	"context"
	"errors"

	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// Reenrol gives the device a new identity after ErrForked. What the server did not take under the old one is queued again, in
// its order, in the lanes of the new one: the same bytes, for a mutation does not name its device. What the server took stays
// where it is. It waits for a Sync that is under way; a crash in between is made good at the next call.
func (d *Device) Reenrol(ctx context.Context, identity Identity) error {
	if err := identity.check(); err != nil {
		return err
	}
	giveBack, err := d.take(ctx)
	if err != nil {
		return err
	}
	defer giveBack()
	was := d.me()
	if was.enrolled() && (was.Device == identity.Device || was.Key.Equal(identity.Key)) {
		if was.same(identity) {
			return d.moveAll(ctx)
		}
		return ErrIdentity
	}
	next := self{Identity: identity, branch: was.branch + 1}
	var state deviceState
	err = d.cfg.Store.Update(ctx, deviceScope, func(w store.Writer) error {
		if err := w.Set(single(tableFormat), []byte{formatVersion}); err != nil {
			return err
		}
		if _, err := load(w, single(tableDevice), &state); err != nil {
			return err
		}
		state.Revoked, state.Purged = open, false
		if err := save(w, single(tableDevice), state); err != nil {
			return err
		}
		if err := adoptTokens(w, next.Device); err != nil {
			return err
		}
		return saveSelf(w, next)
	})
	if err != nil {
		return in(deviceScope, err)
	}
	d.mu.Lock()
	d.self, d.state.Revoked, d.state.Purged = next, open, false
	d.mu.Unlock()
	d.link.reset(d.cfg.Limits)
	d.Online() // a stream of the old identity ends
	return d.moveAll(ctx)
}

func (d *Device) moveAll(ctx context.Context) error {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		if err := d.moveLane(ctx, scope); err != nil {
			return in(scope, err)
		}
	}
	signal(d.queued)
	return nil
}

// moveBytes bounds what one transaction moves.
const moveBytes = 8 << 20

// moveLane moves what the server did not take from the lane of an earlier identity to that of the present one, some at a time.
// Mutations are added to the new lane by nobody else until all were moved.
func (d *Device) moveLane(ctx context.Context, scope Scope) error {
	me := d.me()
	for done := false; !done; {
		err := d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
			done = true
			var lane laneState
			found, err := load(w, single(tableLane), &lane)
			if err != nil || !found {
				return err
			}
			if lane.Branch != me.branch {
				if lane, err = d.beginMove(w, scope, lane, me); err != nil {
					return err
				}
			}
			if lane.Old == nil {
				return nil
			}
			done, err = moveSome(w, &lane)
			if err != nil {
				return err
			}
			return save(w, single(tableLane), lane)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// beginMove begins the new lane. What the server took of the old one is forgotten here: under its identity it can never be
// sent again.
func (d *Device) beginMove(w store.Writer, scope Scope, old laneState, me self) (laneState, error) {
	if old.Old != nil {
		// The identity changed again in the middle of a move: finish that one first. Its own lane took nothing yet.
		for done := false; !done; {
			var err error
			if done, err = moveSome(w, &old); err != nil {
				return old, err
			}
		}
	}
	l := &laneTx{w: w, scope: scope, state: old, report: &Report{}}
	for seq := max(old.Floor, 1); seq <= old.Taken; seq++ {
		ref, err := l.record(seq)
		if err != nil {
			return old, err
		}
		for _, key := range [][]byte{pendingKey(ref, old.Branch, seq), laneKey(tableOutbox, old.Branch, seq)} {
			if err := w.Delete(key); err != nil {
				return old, err
			}
		}
	}
	next := laneState{Branch: me.branch, Head: hexHash(me.laneStart(scope)), Floor: 1}
	if old.Taken < old.Last {
		next.Old = &oldLane{Branch: old.Branch, Next: old.Taken + 1, Last: old.Last}
	}
	return next, save(w, single(tableLane), next)
}

// moveSome moves mutations behind each other into the new lane, and takes them from the old one.
func moveSome(w store.Writer, lane *laneState) (done bool, err error) {
	old := lane.Old
	for moved := 0; old != nil && old.Next <= old.Last && moved < moveBytes; old.Next++ {
		key := laneKey(tableOutbox, old.Branch, old.Next)
		value, err := w.Get(key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		entry, err := decodeOutbox(value)
		if err != nil {
			return false, err
		}
		m, err := loadMutation(w, old.Branch, old.Next)
		if err != nil {
			return false, err
		}
		ref := mutationRef(m)
		if err := appendMutation(w, lane, ref, append([]byte(nil), entry.content...)); err != nil {
			return false, err
		}
		if err := errors.Join(w.Delete(key), w.Delete(pendingKey(ref, old.Branch, old.Next))); err != nil {
			return false, err
		}
		if err := disown(w, old.Branch, old.Next); err != nil {
			return false, err
		}
		moved += len(value)
	}
	if old == nil || old.Next > old.Last {
		lane.Old = nil
		return true, nil
	}
	return false, nil
}

// disown takes a mutation that was never taken out of the ledger of its old lane: it stands in that of the new one.
func disown(w store.Writer, of branch, seq journal.LaneSeq) error {
	return w.Delete(laneKey(tableLedger, of, seq))
}
