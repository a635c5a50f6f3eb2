package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Maintain writes down how far devices have a scope and removes the tombstones that all of them have passed, or that are older than
// Config.TombstoneLife; removed counts them. Indexes of another Config.IndexVersion it rebuilds, what History reads it completes, and
// redactions that were interrupted it finishes. Run it now and then; it may be interrupted.
func (e *Engine) Maintain(ctx context.Context, scope store.Scope) (removed int, err error) {
	leave, err := e.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	if e.cfg.Index != nil {
		if err := e.ready(ctx, scope); err != nil {
			return 0, err
		}
	}
	s := e.scope(scope)
	if err := s.unfinished(ctx); err != nil {
		return 0, err
	}
	progress := s.takeProgress()
	for more := true; more; {
		var gone atomic.Int64 // atomic: when ctx ends first, the job may still run
		if err := s.submit(ctx, 0, func(tx *transaction) error {
			for _, device := range slices.Sorted(maps.Keys(progress)) {
				if err := tx.w.Set(deviceKey(tableDevice, device), seqValue(progress[device])); err != nil {
					return err
				}
			}
			n, err := tx.removeTombstones()
			gone.Store(int64(n))
			return err
		}); err != nil {
			s.giveBack(progress)
			return removed, err
		}
		removed += int(gone.Load())
		more = gone.Load() == tombstonesAtOnce
	}
	return removed, s.remember(ctx, 0)
}

// tombstonesAtOnce is how many tombstones one transaction removes.
const tombstonesAtOnce = 10_000

// takeProgress returns what is noted of devices since it was asked last.
func (s *scope) takeProgress() map[DeviceID]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	progress := s.progress
	s.progress = nil
	return progress
}

// giveBack notes again what could not be written down, but for devices of which something newer is known.
func (s *scope) giveBack(progress map[DeviceID]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress == nil {
		s.progress = map[DeviceID]uint64{}
	}
	for device, seq := range progress {
		if _, newer := s.progress[device]; !newer {
			s.progress[device] = seq
		}
	}
}

func (tx *transaction) removeTombstones() (removed int, err error) {
	if err := tx.flush(); err != nil {
		return 0, err
	}
	passed := tx.head.GetSeq()
	for entry, err := range tx.w.Scan(store.Prefix([]byte{tableDevice})) {
		if err != nil {
			return 0, err
		}
		if tx.scope.engine.cfg.Access.Revoked(DeviceID(entry.Key[1:])) != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
			continue // it reads no more
		}
		seq, err := valueSeq(entry.Value)
		if err != nil {
			return 0, err
		}
		passed = min(passed, seq)
	}
	oldest := tx.scope.engine.cfg.Now().Add(-tx.scope.engine.cfg.TombstoneLife).UnixMicro()
	var gone []uint64
	for entry, err := range tx.w.Scan(store.Prefix([]byte{tableTombstone})) {
		if err != nil {
			return 0, err
		}
		seq, err := keySeq(entry.Key)
		if err != nil || len(entry.Value) != 8 {
			return 0, errKey
		}
		if seq > passed && int64(binary.BigEndian.Uint64(entry.Value)) > oldest {
			break
		}
		if gone = append(gone, seq); len(gone) == tombstonesAtOnce {
			break
		}
	}
	for _, seq := range gone {
		value, err := tx.w.Get(seqKey(tableChange, seq))
		if err != nil {
			return 0, err
		}
		change := new(roundsv1.Change)
		if err := proto.Unmarshal(value[1:], change); err != nil {
			return 0, err
		}
		kind, _ := merge.KindOf(change.GetRecord())
		id, _ := parseID(change.GetRecordId())
		for _, key := range [][]byte{seqKey(tableChange, seq), seqKey(tableTombstone, seq), recordKey(tableRecord, kind, id)} {
			if err := tx.w.Delete(key); err != nil {
				return 0, err
			}
		}
		tx.head.Floor, tx.changed = seq, true
	}
	return len(gone), nil
}

// forget drops a device from those whose passing keeps tombstones, after it purged the scope.
func (e *Engine) forget(ctx context.Context, caller Caller, scope store.Scope) error {
	if !validScope(scope) || !e.cfg.Access.EverHad(caller.Person, scope) {
		return nil // nothing is kept of it there, nor shall be
	}
	s := e.scope(scope)
	s.mu.Lock()
	delete(s.progress, caller.Device)
	s.mu.Unlock()
	return s.submit(ctx, 0, func(tx *transaction) error { return tx.w.Delete(deviceKey(tableDevice, caller.Device)) })
}

// Evict takes a record out of the working set: devices drop it, Record still finds it. A record that is written to again comes back by itself.
func (e *Engine) Evict(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	return e.scope(scope).submit(ctx, 0, func(tx *transaction) error {
		before, err := tx.record(kind, string(id))
		if err != nil {
			return err
		}
		if before.change == nil || before.change.GetDeleted() || before.change.GetEvicted() {
			return nil
		}
		after := proto.CloneOf(before.change)
		after.Evicted, after.Version = true, tx.head.GetSeq()+1
		if err := tx.enter(&roundsv1.EntryHead{
			Seq: after.GetVersion(), Type: roundsv1.EntryType_ENTRY_TYPE_EVICTED, Record: &roundsv1.RecordRef{Kind: string(kind), Id: string(id)},
			TakenUs: tx.scope.engine.cfg.Now().UnixMicro(), RecordTimeUs: after.GetTimeUs(),
			Outcome: &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, Seq: after.GetVersion()},
		}, journal.ContentHash(nil), nil); err != nil {
			return err
		}
		return tx.put(kind, before, after, 0)
	})
}

// Record reads a record as it stands, also an evicted or a deleted one; nil where there is none.
func (e *Engine) Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	var found *stored
	err := e.cfg.Store.View(ctx, scope, func(r store.Reader) (err error) {
		found, err = readRecord(r, kind, string(id))
		return err
	})
	if err != nil {
		return nil, wrap(err)
	}
	return found.change, nil
}

// MarkStable says that a scope's journal through a seq is in a finished backup or a replica: devices may then forget what they sent.
func (e *Engine) MarkStable(ctx context.Context, scope store.Scope, seq journal.Seq) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	return e.scope(scope).submit(ctx, 0, func(tx *transaction) error {
		if through := min(uint64(seq), tx.head.GetSeq()); through > tx.head.GetStableSeq() {
			tx.head.StableSeq, tx.changed = through, true
		}
		return nil
	})
}

// NewEpoch draws a new epoch for a scope: run it on every scope after a restore from a backup, before devices are let in. Devices then take a
// fresh snapshot and send again what the restored server has not seen.
func (e *Engine) NewEpoch(ctx context.Context, scope store.Scope) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	return e.scope(scope).submit(ctx, 0, func(tx *transaction) error {
		drawn := make([]byte, len(epoch{}))
		if _, err := io.ReadFull(e.cfg.Rand, drawn); err != nil {
			return fmt.Errorf("engine: draw an epoch: %w", err)
		}
		tx.head.Epoch, tx.head.StableSeq, tx.changed = drawn, min(tx.head.GetStableSeq(), tx.head.GetSeq()), true
		return nil
	})
}

// Head returns the seq and the hash of a scope's journal.
func (e *Engine) Head(ctx context.Context, scope store.Scope) (journal.Seq, journal.Hash, error) {
	var head *roundsv1.ScopeHead
	err := e.cfg.Store.View(ctx, scope, func(r store.Reader) (err error) {
		head, err = readHead(r)
		return err
	})
	var hash journal.Hash
	copy(hash[:], head.GetJournalHash())
	return journal.Seq(head.GetSeq()), hash, wrap(err)
}

// Entry reads the head of one entry of a scope's journal; nil where there is none.
func (e *Engine) Entry(ctx context.Context, scope store.Scope, seq journal.Seq) (*roundsv1.EntryHead, error) {
	var head *roundsv1.EntryHead
	err := e.cfg.Store.View(ctx, scope, func(r store.Reader) (err error) {
		head, _, err = readEntry(r, uint64(seq))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return head, wrap(err)
}

// Content reads the content of one entry of a scope's journal, as it was sent; nil where there is no such entry, or its content was removed.
func (e *Engine) Content(ctx context.Context, scope store.Scope, seq journal.Seq) ([]byte, error) {
	var content []byte
	err := e.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		_, found, err := readEntry(r, uint64(seq))
		content = bytes.Clone(found)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return content, wrap(err)
}

// journalPage is how many entries Journal reads in one view of the store.
const journalPage = 512

// Journal yields a scope's encoded journal entries from a seq on, in order, as they rest in the store: also damaged ones. It reads page by page, so
// that a slow reader holds no snapshot open.
func (e *Engine) Journal(ctx context.Context, scope store.Scope, from journal.Seq) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for next := seqKey(tableJournal, uint64(from)); next != nil; {
			var page [][]byte
			err := e.cfg.Store.View(ctx, scope, func(r store.Reader) error {
				span := store.Prefix([]byte{tableJournal})
				span.From, next = next, nil
				for entry, err := range r.Scan(span) {
					if err != nil {
						return err
					}
					if len(page) == journalPage {
						next = append([]byte(nil), entry.Key...)
						return nil
					}
					page = append(page, append([]byte(nil), entry.Value...))
				}
				return nil
			})
			for _, encoded := range page {
				if !yield(encoded, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, wrap(err))
				return
			}
		}
	}
}
