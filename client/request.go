package client

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// The limits of one request, as the schema has them.
const (
	maxMutations = 1000
	maxLanes     = 64
	maxCursors   = 256
	maxChecks    = 16
	maxPurged    = 256
)

// request is one request and what has to be remembered of it to understand the answer.
type request struct {
	message *roundsv1.ExchangeRequest
	me      self
	lanes   map[Scope]sentLane
	cursors map[Scope][]byte // the cursor each scope had
	purged  []Scope
	bytes   int // of mutations
	// urgent: there is something in it that does not wait for the next occasion.
	urgent bool
	forked []Scope // lanes that only a new identity helps
}

// sentLane is what a request said of one lane.
type sentLane struct {
	branch         branch
	first, through journal.LaneSeq // through is before first when nothing was sent
	count          int
	confirmed      journal.LaneSeq
}

// standing is what is on disk of one scope when a request is made.
type standing struct {
	scope   Scope
	lane    laneState
	hasLane bool
	replica replicaState
}

// foreign tells whether the server would not hear of a scope, which this device has from nowhere but a person's queue: naming
// it would have the whole request refused.
func (s standing) foreign(now int64, timing Timing) bool {
	return len(s.replica.Cursor) == 0 && s.lane.rests(now, timing)
}

// compose makes the next request. pull says whether changes are asked for.
func (d *Device) compose(ctx context.Context, me self, pull bool) (*request, error) {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	x := &request{
		message: &roundsv1.ExchangeRequest{Clock: reading(d.cfg.Clock)}, me: me,
		lanes: map[Scope]sentLane{}, cursors: map[Scope][]byte{},
	}
	var all []standing
	for _, scope := range scopes {
		s, err := d.standing(ctx, scope, me)
		if err != nil {
			return nil, in(scope, err)
		}
		all = append(all, s)
	}
	if err := d.addLanes(ctx, x, all); err != nil {
		return nil, err
	}
	if pull {
		if err := d.addCursors(ctx, x, all); err != nil {
			return nil, err
		}
	}
	d.addPurged(x)
	return x, nil
}

// standing reads one scope, after moving its lane to the present identity where that is still to be done.
func (d *Device) standing(ctx context.Context, scope Scope, me self) (standing, error) {
	for {
		s := standing{scope: scope}
		err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
			found, err := load(r, single(tableLane), &s.lane)
			if err != nil {
				return err
			}
			s.hasLane = found
			_, err = load(r, single(tableReplica), &s.replica)
			return err
		})
		if err != nil {
			return s, err
		}
		if !s.hasLane || (s.lane.Branch == me.branch && s.lane.Old == nil) {
			return s, nil
		}
		if err := d.moveLane(ctx, scope); err != nil {
			return s, err
		}
	}
}

// addLanes puts in what is queued. Small lanes go first, so that none waits behind a large one.
func (d *Device) addLanes(ctx context.Context, x *request, all []standing) error {
	now := x.now(d)
	var ready []standing
	for _, s := range all {
		if s.lane.Forked {
			x.forked = append(x.forked, s.scope)
		}
		rests := d.link.parked[s.scope] || s.lane.rests(now, d.cfg.Timing)
		if s.hasLane && !s.lane.Forked && !rests && s.replica.Closing != purging {
			ready = append(ready, s)
		}
	}
	slices.SortStableFunc(ready, func(a, b standing) int { return cmp.Compare(a.lane.unsent(), b.lane.unsent()) })
	left, budget := maxMutations, d.link.push
	for _, s := range ready {
		if len(x.message.Lanes) == maxLanes {
			x.urgent = true
			break
		}
		lane := s.lane
		sent := sentLane{branch: lane.Branch, first: lane.Taken + 1, through: lane.Taken, confirmed: lane.Acked}
		batch := &roundsv1.LaneBatch{Scope: string(s.scope), Confirmed: uint64(lane.Acked)}
		most := left
		if limit := d.link.bisect[s.scope]; limit > 0 {
			most = min(most, limit)
		}
		if lane.unsent() > 0 && most > 0 && (budget > 0 || x.bytes == 0) {
			size, err := d.fill(ctx, x.me, s, batch, &sent, most, budget)
			if err != nil {
				return in(s.scope, err)
			}
			x.bytes += size
			budget -= size
			left -= sent.count
			x.message.Lanes, x.lanes[s.scope], x.urgent = append(x.message.Lanes, batch), sent, true
			continue
		}
		wants := lane.Ask || lane.Acked < lane.Taken || lane.unsent() > 0
		if wants || lane.Confirmed < lane.Acked {
			x.message.Lanes, x.lanes[s.scope] = append(x.message.Lanes, batch), sent
			x.urgent = x.urgent || wants
		}
	}
	return nil
}

// fill puts mutations into a batch: at least one, at most most, and no more than budget bytes with the second.
func (d *Device) fill(
	ctx context.Context, me self, s standing, batch *roundsv1.LaneBatch, sent *sentLane, most, budget int,
) (int, error) {
	size := 0
	var head journal.Hash
	err := d.cfg.Store.View(ctx, s.scope, func(r store.Reader) error {
		span := store.Span{From: laneKey(tableOutbox, s.lane.Branch, sent.first), To: laneKey(tableOutbox, s.lane.Branch, s.lane.Last+1)}
		for entry, err := range r.Scan(span) {
			if err != nil {
				return err
			}
			_, seq, err := laneTail(entry.Key)
			if err != nil {
				return err
			}
			e, err := decodeOutbox(entry.Value)
			if err != nil {
				return err
			}
			if seq != sent.through+1 {
				return fmt.Errorf("%w: outbox holds lane seq %d behind %d", errGarbled, seq, sent.through)
			}
			if sent.count == most || (sent.count > 0 && size+len(e.content) > budget) {
				break
			}
			if sent.count == 0 {
				batch.FirstSeq, batch.PreviousHash = uint64(seq), append([]byte(nil), e.previous[:]...)
			}
			batch.Mutations = append(batch.Mutations, append([]byte(nil), e.content...))
			head = journal.LaneNext(e.previous, e.content)
			size += len(e.content)
			sent.count++
			sent.through = seq
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if sent.count == 0 {
		return 0, fmt.Errorf("%w: outbox lacks lane seq %d", errGarbled, sent.first)
	}
	batch.Signature = journal.SignHead(me.Key, head)
	return size, nil
}

// addCursors asks for what changed in every scope, and for the comparison of those that differ.
func (d *Device) addCursors(ctx context.Context, x *request, all []standing) error {
	x.message.Discover = len(all) <= maxCursors
	x.message.MaxBytes = uint32(d.link.pull)
	if len(all) > maxCursors {
		// More scopes than one request can name: those that were asked for least recently come first.
		slices.SortStableFunc(all, func(a, b standing) int { return cmp.Compare(d.link.asked[a.scope], d.link.asked[b.scope]) })
		all = all[:maxCursors]
	}
	d.link.round++
	now := x.now(d)
	for _, s := range all {
		if s.replica.Closing == purging || d.link.denied[s.scope] || s.foreign(now, d.cfg.Timing) {
			continue
		}
		d.link.asked[s.scope] = d.link.round
		x.cursors[s.scope] = s.replica.Cursor
		x.message.Cursors = append(x.message.Cursors, &roundsv1.ScopeCursor{Scope: string(s.scope), Cursor: s.replica.Cursor})
		if s.replica.Diverged == 0 || !s.replica.Complete || len(x.message.Checks) == maxChecks {
			continue
		}
		check, err := d.check(ctx, s)
		if err != nil {
			return in(s.scope, err)
		}
		x.message.Checks = append(x.message.Checks, check)
		x.urgent = true
	}
	return nil
}

// addPurged tells the server which scopes are gone from the device.
func (d *Device) addPurged(x *request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for scope, p := range d.purged {
		if p.Done && !p.Told && len(x.purged) < maxPurged {
			x.purged = append(x.purged, scope)
		}
	}
	slices.Sort(x.purged)
	for _, scope := range x.purged {
		x.message.Purged = append(x.message.Purged, string(scope))
		x.urgent = true
	}
}

// now estimates the server's clock at the time of the request.
func (x *request) now(d *Device) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.Anchor.at(x.message.Clock)
}

// names tells whether changes of a scope were asked for.
func (x *request) names(scope Scope) bool {
	_, ok := x.cursors[scope]
	return ok
}
