package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// View is a record as the person sees it: as of the last pull, with what is queued laid on top.
type View struct {
	Scope Scope
	Kind  merge.Kind
	ID    RecordID
	// Record is what is shown. It is the caller's.
	Record *roundsv1.Record
	// Change is the whole of it: who wrote what, and which values stand beside those shown. What is pending is stamped with
	// seqs far above any of the server's.
	Change *roundsv1.Change
	// Version of the record on the server, as of the last pull; 0: the server does not have it yet.
	Version uint64
	// Pending counts the mutations laid on top.
	Pending int
	// Deleted: a deletion is among them.
	Deleted bool

	timeUS int64 // of that version
}

// ErrNoRecord: the device has no such record.
var ErrNoRecord = errors.New("client: no such record")

// Get returns one record, or ErrNoRecord.
func (d *Device) Get(ctx context.Context, scope Scope, kind merge.Kind, id RecordID) (View, error) {
	var view View
	err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		p, err := d.project(r, recordRef{kind: kind, id: id})
		view = p.view(scope)
		return err
	})
	if err != nil {
		return View{}, in(scope, err)
	}
	if view.Change == nil {
		return View{}, fmt.Errorf("%w: %s %s in %s", ErrNoRecord, kind, id, scope)
	}
	return view, nil
}

// listBatch is how many records List reads in one transaction.
const listBatch = 128

// List visits the records of one kind by their ids. Each record is consistent in itself; a sync between two of them may show.
// The caller may use the device inside the loop. An error ends the iteration and comes as its last pair.
func (d *Device) List(ctx context.Context, scope Scope, kind merge.Kind) iter.Seq2[View, error] {
	return func(yield func(View, error) bool) {
		for after := RecordID(""); ; {
			var views []View
			var last RecordID
			err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
				refs, err := refsAfter(r, kind, after, listBatch)
				if err != nil || len(refs) == 0 {
					return err
				}
				last = refs[len(refs)-1].id
				for _, ref := range refs {
					p, err := d.project(r, ref)
					if err != nil {
						return err
					}
					if v := p.view(scope); v.Change != nil {
						views = append(views, v)
					}
				}
				return nil
			})
			if err != nil {
				yield(View{}, in(scope, err))
				return
			}
			for _, v := range views {
				if !yield(v, nil) {
					return
				}
			}
			if last == "" {
				return
			}
			after = last
		}
	}
}

// refsAfter returns the first records of a kind behind an id, among those received and those only queued.
func refsAfter(r store.Reader, kind merge.Kind, after RecordID, most int) ([]recordRef, error) {
	var refs []recordRef
	for _, table := range []byte{tableRecord, tablePending} {
		span := store.Prefix(kindPrefix(table, kind))
		if after != "" {
			span.From = append(append(kindPrefix(table, kind), after...), 1)
		}
		found := 0
		for entry, err := range r.Scan(span) {
			if err != nil {
				return nil, err
			}
			ref, err := keyRef(entry.Key)
			if err != nil {
				return nil, err
			}
			if found > 0 && refs[len(refs)-1] == ref {
				continue
			}
			if found++; found > most {
				break
			}
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(a, b recordRef) int { return strings.Compare(string(a.id), string(b.id)) })
	refs = slices.Compact(refs)
	return refs[:min(len(refs), most)], nil
}

// projection is a record with its pending mutations.
type projection struct {
	ref      recordRef
	snapshot *roundsv1.Change // as of the last pull; nil: none
	shown    *roundsv1.Change // with what is pending on top; nil: none
	pending  int
	deleted  bool
	laidUS   int64 // effective time, as far as known here, of what was laid on top last
}

func (p projection) view(scope Scope) View {
	v := View{
		Scope: scope, Kind: p.ref.kind, ID: p.ref.id, Version: p.snapshot.GetVersion(), timeUS: p.snapshot.GetTimeUs(),
		Pending: p.pending, Deleted: p.deleted,
	}
	if p.shown != nil {
		v.Change = proto.CloneOf(p.shown)
		v.Record = v.Change.Record
	}
	return v
}

// project reads a record and lays on top what is queued and not yet in the snapshot, in lane order.
func (d *Device) project(r store.Reader, ref recordRef) (projection, error) {
	p := projection{ref: ref}
	stored, err := loadRecord(r, ref)
	if err != nil {
		return p, err
	}
	p.snapshot, p.shown = stored.change, stored.change
	for entry, err := range r.Scan(store.Prefix(pendingPrefix(ref.kind, ref.id))) {
		if err != nil {
			return p, err
		}
		of, seq, err := laneTail(entry.Key)
		if err != nil {
			return p, err
		}
		if at, n := binary.Uvarint(entry.Value); n > 0 && at != 0 && p.snapshot.GetVersion() >= at {
			continue // the record was received with it, on a page before the last
		}
		m, err := loadMutation(r, of, seq)
		if err != nil {
			return p, err
		}
		p.pending++
		d.lay(&p, m, seq)
	}
	return p, nil
}

// provisionalSeq is above all seqs of servers.
const provisionalSeq = uint64(1) << 62

// provisional returns the stamp of a mutation that the server has not judged yet. Its time is what the server would come to:
// it is not later than what somebody else wrote meanwhile if the person had not seen that.
func (d *Device) provisional(p projection, m *roundsv1.Mutation, seq uint64) *roundsv1.Stamp {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &roundsv1.Stamp{
		Seq: seq, DeviceId: string(d.self.Device), PersonId: string(d.self.Person), Roles: d.cfg.Roles,
		TimeUs: max(d.state.Anchor.at(m.GetClock()), m.GetBaseTimeUs()+1, p.laidUS+1),
	}
}

// lay puts one pending mutation on top. What cannot be laid on top (its record is not here yet, say) only counts as pending.
func (d *Device) lay(p *projection, m *roundsv1.Mutation, seq journal.LaneSeq) {
	stamp := d.provisional(*p, m, provisionalSeq+uint64(seq))
	p.laidUS = stamp.GetTimeUs()
	input := merge.Input{Mutation: m, Stamp: stamp}
	if command := m.GetCommand(); command != nil {
		if command.GetDelete() != nil {
			p.deleted = p.shown != nil
			return
		}
		if d.cfg.Foresee == nil || p.shown == nil {
			return
		}
		effect := d.cfg.Foresee(p.shown, m)
		if effect == nil {
			return
		}
		input.Mutation = &roundsv1.Mutation{RecordId: m.GetRecordId(), Base: m.GetBase(), BaseTimeUs: m.GetBaseTimeUs(), Clock: m.GetClock(),
			Act: &roundsv1.Mutation_Edit{Edit: effect}}
		input.Capacity = merge.Rules
	}
	if result := merge.Apply(p.shown, input); result.Problem == nil {
		p.shown = result.Change
	}
}

// loadMutation reads a mutation of the outbox.
func loadMutation(r store.Reader, of branch, seq journal.LaneSeq) (*roundsv1.Mutation, error) {
	value, err := r.Get(laneKey(tableOutbox, of, seq))
	if err != nil {
		return nil, fmt.Errorf("lane seq %d: %w", seq, err)
	}
	entry, err := decodeOutbox(value)
	if err != nil {
		return nil, err
	}
	m := new(roundsv1.Mutation)
	if err := proto.Unmarshal(entry.content, m); err != nil {
		return nil, fmt.Errorf("%w: lane seq %d: %v", errGarbled, seq, err)
	}
	return m, nil
}
