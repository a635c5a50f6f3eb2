package client

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TrayStatus says why something is in the tray.
type TrayStatus string

const (
	// TrayRejected: the server did not take it. The person mends and resends it, or discards it.
	TrayRejected TrayStatus = "rejected"
	// TrayWaiting: somebody has to decide, or the record has to appear. It closes by itself.
	TrayWaiting TrayStatus = "waiting"
	// TrayNotice: it was taken, and a value of it or of somebody else lost to a concurrent one.
	TrayNotice TrayStatus = "notice"
	// TrayClosed: what it waited for was decided; see Resolution. It stays until it is discarded.
	TrayClosed TrayStatus = "closed"
	// TrayForgotten: the server did not take it, and what it said went from the device when the person lost the right to the scope, which has come back since.
	// The person looks at the record, does it anew where that is needed, and discards it.
	TrayForgotten TrayStatus = "forgotten"
	// TrayParked: the server refuses the whole lane of the scope for now; see Outcome.Problem. It goes when the server takes
	// the lane again.
	TrayParked TrayStatus = "parked"
)

// TrayKey names an item of the tray.
type TrayKey struct {
	Scope  Scope
	Lane   journal.LaneSeq
	branch branch
}

// TrayItem is something that the person should know of what was queued.
type TrayItem struct {
	Key    TrayKey
	Status TrayStatus
	Kind   merge.Kind
	ID     RecordID
	// Mutation as it was queued; nil for TrayParked. Of an item of a scope that went and came back it is bare: it names the record and which act it was, and says
	// nothing else.
	Mutation *roundsv1.Mutation
	// Outcome as the server gave it: its problem has the sentence to show, its losses name what lost to what.
	Outcome *roundsv1.Outcome
	// Resolution of TrayClosed, in the words of the conflict record ("admitted").
	Resolution string
}

// trayState is an item at rest.
type trayState struct {
	Status     TrayStatus `json:"status"`
	Mutation   []byte     `json:"mutation"`
	Outcome    []byte     `json:"outcome"`
	Resolution string     `json:"resolution,omitempty"`
	// Bare: the scope was given up since, and what the mutation said went with it.
	Bare bool `json:"bare,omitempty"`
}

// toTray stores, changes or removes the item of one mutation, as its outcome demands.
func (l *laneTx) toTray(seq journal.LaneSeq, ref recordRef, m *roundsv1.Mutation, outcome *roundsv1.Outcome) error {
	key := laneKey(tableTray, l.state.Branch, seq)
	var item trayState
	switch outcome.GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
		item.Status = TrayRejected
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT, roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
		item.Status = TrayWaiting
		decided, resolution, err := l.decided(outcome.GetConflictId())
		if err != nil {
			return err
		}
		if decided {
			item.Status, item.Resolution = TrayClosed, resolution
		}
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		item.Status = TrayNotice
	default:
		return l.w.Delete(key)
	}
	var err error
	if item.Mutation, err = proto.Marshal(m); err != nil {
		return fmt.Errorf("%s %s: %w", ref.kind, ref.id, err)
	}
	if item.Outcome, err = proto.Marshal(outcome); err != nil {
		return fmt.Errorf("%s %s: %w", ref.kind, ref.id, err)
	}
	return save(l.w, key, item)
}

// conflictKind is the kind of the records that wait for a person.
const conflictKind merge.Kind = "conflict"

// decided looks whether a conflict record is in the replica and resolved.
func (l *laneTx) decided(id string) (bool, string, error) {
	stored, err := loadRecord(l.w, recordRef{kind: conflictKind, id: RecordID(id)})
	conflict := stored.change.GetRecord().GetConflict()
	return conflict.GetState() == roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, conflict.GetResolution(), err
}

// closeItems closes the waiting items whose conflicts were decided, or are gone from the working set.
func closeItems(w store.Writer, conflicts map[string]*roundsv1.Change) error {
	if len(conflicts) == 0 {
		return nil
	}
	closed := map[string]trayState{}
	for entry, err := range w.Scan(store.Prefix(single(tableTray))) {
		if err != nil {
			return err
		}
		var item trayState
		if _, err := load(w, entry.Key, &item); err != nil {
			return err
		}
		if item.Status != TrayWaiting {
			continue
		}
		outcome := new(roundsv1.Outcome)
		if err := proto.Unmarshal(item.Outcome, outcome); err != nil {
			return fmt.Errorf("%w: tray: %v", errGarbled, err)
		}
		change, ok := conflicts[outcome.GetConflictId()]
		if !ok {
			continue
		}
		conflict := change.GetRecord().GetConflict()
		item.Status, item.Resolution = TrayClosed, conflict.GetResolution()
		closed[string(entry.Key)] = item
	}
	for key, item := range closed {
		if err := save(w, []byte(key), item); err != nil {
			return err
		}
	}
	return nil
}

// Tray lists what the person should know of what was queued, by scope and in the order in which it was queued.
func (d *Device) Tray(ctx context.Context) ([]TrayItem, error) {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var items []TrayItem
	for _, scope := range scopes {
		err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
			found, err := trayOf(r, scope)
			items = append(items, found...)
			return err
		})
		if err != nil {
			return nil, in(scope, err)
		}
	}
	return items, nil
}

func trayOf(r store.Reader, scope Scope) ([]TrayItem, error) {
	var items []TrayItem
	var lane laneState
	if _, err := load(r, single(tableLane), &lane); err != nil {
		return nil, err
	}
	if len(lane.Problem) > 0 {
		problem := new(roundsv1.Problem)
		if err := proto.Unmarshal(lane.Problem, problem); err != nil {
			return nil, fmt.Errorf("%w: problem of the lane: %v", errGarbled, err)
		}
		items = append(items, TrayItem{Key: TrayKey{Scope: scope, Lane: lane.Taken + 1, branch: lane.Branch}, Status: TrayParked,
			Outcome: &roundsv1.Outcome{Problem: problem}})
	}
	for entry, err := range r.Scan(store.Prefix(single(tableTray))) {
		if err != nil {
			return nil, err
		}
		item, err := readItem(r, scope, entry.Key)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func readItem(r store.Reader, scope Scope, key []byte) (TrayItem, error) {
	var state trayState
	found, err := load(r, key, &state)
	if err != nil {
		return TrayItem{}, err
	}
	if !found {
		return TrayItem{}, ErrNotInTray
	}
	of, seq, err := laneTail(key)
	if err != nil {
		return TrayItem{}, err
	}
	item := TrayItem{Key: TrayKey{Scope: scope, Lane: seq, branch: of}, Status: state.Status, Resolution: state.Resolution,
		Mutation: new(roundsv1.Mutation), Outcome: new(roundsv1.Outcome)}
	if err := errors.Join(proto.Unmarshal(state.Mutation, item.Mutation), proto.Unmarshal(state.Outcome, item.Outcome)); err != nil {
		return TrayItem{}, fmt.Errorf("%w: tray: %v", errGarbled, err)
	}
	ref := mutationRef(item.Mutation)
	item.Kind, item.ID = ref.kind, ref.id
	return item, nil
}

// Resend queues a rejected item again as a new mutation, and takes the item from the tray in the same step. mended is what the
// person made of it; nil sends the act as it was, now on top of the record as it stands. ErrNotInTray: there is no such item,
// or it was not rejected.
func (d *Device) Resend(ctx context.Context, key TrayKey, mended *roundsv1.Mutation) (Ref, error) {
	at := laneKey(tableTray, key.branch, key.Lane)
	if mended == nil {
		err := d.cfg.Store.View(ctx, key.Scope, func(r store.Reader) error {
			item, err := readItem(r, key.Scope, at)
			mended = item.Mutation
			return err
		})
		if err != nil {
			return Ref{}, in(key.Scope, err)
		}
	}
	replace := func(w store.Writer) error {
		item, err := readItem(w, key.Scope, at)
		if err != nil {
			return err
		}
		if item.Status != TrayRejected {
			return fmt.Errorf("%w: it is %s, not rejected", ErrNotInTray, item.Status)
		}
		return w.Delete(at)
	}
	return d.Do(ctx, key.Scope, mended, func(how *doing) { how.also = replace })
}

// Discard takes an item from the tray for good. One that waits stays with the server, whatever is done here. ErrNotInTray:
// there is no such item.
func (d *Device) Discard(ctx context.Context, key TrayKey) error {
	at := laneKey(tableTray, key.branch, key.Lane)
	return in(key.Scope, d.cfg.Store.Update(ctx, key.Scope, func(w store.Writer) error {
		if _, err := readItem(w, key.Scope, at); err != nil {
			return err
		}
		return w.Delete(at)
	}))
}
