package engine

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// smallPage is the size up to which a page grows step by step; beyond it room for all of the budget is taken at once.
const smallPage = 64 << 10

// fieldChanges is the number of ScopePage.changes.
const fieldChanges = 3

// pages pulls the targets in order, as far as the bytes reach; more says that something is left.
func (e *Engine) pages(ctx context.Context, caller Caller, targets []target, budget int) (pages []*roundsv1.ScopePage, more bool, err error) {
	for _, t := range targets {
		if t.revoked || !e.cfg.Access.MayRead(caller.Person, t.scope, e.cfg.Now()) {
			pages = append(pages, &roundsv1.ScopePage{Scope: string(t.scope), Revoked: roundsv1.Revocation_REVOCATION_GRACEFUL})
			continue
		}
		if budget <= 0 {
			return pages, true, nil
		}
		page, size, err := e.page(ctx, caller, t, budget)
		if err != nil {
			return nil, false, err
		}
		budget -= size
		more = more || !page.GetComplete()
		pages = append(pages, page)
	}
	return pages, more, nil
}

// page builds one page of a scope from one snapshot of it; size counts the bytes of its changes.
func (e *Engine) page(ctx context.Context, caller Caller, t target, budget int) (page *roundsv1.ScopePage, size int, err error) {
	s := e.scope(t.scope)
	err = e.cfg.Store.View(ctx, t.scope, func(r store.Reader) error {
		head, err := readHead(r)
		if err != nil {
			return err
		}
		page = &roundsv1.ScopePage{Scope: string(t.scope)}
		from := t.cursor
		if reset(from, head) {
			page.Reset_ = from.epoch != epoch{}
			from = cursor{began: head.GetSeq()}
		} else if from.complete > 0 {
			s.passed(caller.Device, from.complete)
		}
		copy(from.epoch[:], head.GetEpoch())
		next, changes := from, []byte(nil)
		next.seq = head.GetSeq()
		if from.seq < head.GetSeq() {
			var cached bool
			if changes, cached = s.tailFrom(from, head.GetSeq()); !cached || len(changes) > budget {
				if changes, next.seq, err = scan(r, from, head.GetSeq(), budget); err != nil {
					return err
				}
			}
		}
		page.ProtoReflect().SetUnknown(changes)
		size = len(changes)
		if next.seq == head.GetSeq() {
			next.complete, next.began = next.seq, next.seq
			if err := finish(r, page, caller.Device, t.scope, head); err != nil {
				return err
			}
			if from.complete == 0 {
				s.passed(caller.Device, next.seq) // from now on tombstones wait for it
			}
		}
		page.Cursor = next.encode()
		return nil
	})
	return page, size, err
}

// reset: whether a pull has to begin anew, because the scope's past changed, because tombstones are gone that the device has not passed,
// or because the cursor names what is not there.
func reset(c cursor, head *roundsv1.ScopeHead) bool {
	var now epoch // of a scope that nothing was written to: zeros
	copy(now[:], head.GetEpoch())
	if c.epoch != now || c.seq > head.GetSeq() {
		return true
	}
	if c.complete > 0 {
		return c.complete < head.GetFloor()
	}
	return c.began < head.GetFloor()
}

// scan encodes what a device at a cursor lacks, as the changes field of a ScopePage, until the scope's head or the budget is reached; at is the
// seq through which it came. A page carries at least one change, however large.
func scan(r store.Reader, from cursor, head uint64, budget int) (changes []byte, at uint64, err error) {
	at = from.seq
	for entry, err := range r.Scan(store.Span{From: seqKey(tableChange, from.seq+1), To: seqKey(tableChange, head+1)}) {
		if err != nil {
			return nil, 0, err
		}
		seq, err := keySeq(entry.Key)
		if err != nil || len(entry.Value) == 0 {
			return nil, 0, errKey
		}
		before := len(changes)
		if before > smallPage && cap(changes) < budget {
			// Growing step by step would copy a large page five times over.
			changes = append(make([]byte, 0, budget+smallPage), changes...)
		}
		if changes, err = appendChange(changes, entry.Value, seq, from); err != nil {
			return nil, 0, err
		}
		if before > 0 && len(changes) > budget {
			return changes[:before], at, nil
		}
		at = seq
	}
	return changes, head, nil
}

// appendChange appends one entry of the change index as a device at a cursor needs it.
func appendChange(dst, value []byte, seq uint64, from cursor) ([]byte, error) {
	flag, encoded := value[0], value[1:]
	if from.complete == 0 {
		// A fresh device has none of it, unless the record changed while the pull is under way.
		if flag == flagLive {
			return appendField(dst, encoded), nil
		}
		if seq <= from.began {
			return dst, nil
		}
	}
	part, err := delta(encoded, from.complete)
	if err != nil {
		return nil, err
	}
	return appendField(dst, part), nil
}

// deltaFor returns what a device needs of a change that has everything through since; of an evicted record, that it is one.
func deltaFor(change *roundsv1.Change, since uint64) *roundsv1.Change {
	switch {
	case change.GetDeleted():
		return change
	case change.GetEvicted():
		return &roundsv1.Change{RecordId: change.GetRecordId(), Version: change.GetVersion(), Record: emptied(change.GetRecord()), Evicted: true}
	}
	return merge.Delta(change, since)
}

func appendField(dst, encoded []byte) []byte {
	dst = protowire.AppendTag(dst, fieldChanges, protowire.BytesType)
	return protowire.AppendBytes(dst, encoded)
}

// finish adds to a complete page what belongs to the snapshot as a whole.
func finish(r store.Reader, page *roundsv1.ScopePage, device DeviceID, scope store.Scope, head *roundsv1.ScopeHead) error {
	lane, err := readLane(r, device, scope)
	if err != nil {
		return err
	}
	page.Complete = true
	page.StateHash, page.JournalSeq, page.JournalHash = head.GetStateHash(), head.GetSeq(), head.GetJournalHash()
	page.OwnLaneSeq = lane.GetTaken()
	page.Stable, err = laneStable(r, device, lane, head.GetStableSeq())
	return err
}

// emptied returns a record of the same kind with nothing in it.
func emptied(record *roundsv1.Record) *roundsv1.Record {
	empty := new(roundsv1.Record)
	record.ProtoReflect().Range(func(kind protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		empty.ProtoReflect().Set(kind, empty.ProtoReflect().NewField(kind))
		return false
	})
	return empty
}
