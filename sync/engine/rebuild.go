package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// What one transaction of a rebuilding does at most: it shares the scope with those who write.
const (
	indexClearKeys   = 2000
	indexFillRecords = 500
	indexFillBytes   = 1 << 20
)

// ready returns when the indexes of a scope are those of this engine's version and complete, rebuilding them where they are not.
func (e *Engine) ready(ctx context.Context, name store.Scope) error {
	s := e.scope(name)
	if state := s.index.Load(); state != nil && state.phase == indexDone {
		return nil
	}
	var done, empty bool
	err := e.cfg.Store.View(ctx, name, func(r store.Reader) error {
		state, err := readIndexState(r)
		if err != nil {
			return err
		}
		done = state != nil && state.phase == indexDone && state.version == e.cfg.IndexVersion
		head, err := readHead(r)
		empty = head.GetSeq() == 0
		return err
	})
	if err != nil || done || empty {
		return wrap(err)
	}
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	return s.rebuild(ctx)
}

// rebuild goes on with the rebuilding of the scope's indexes to its end, page by page. What was done rests with each page, so it may be interrupted.
func (s *scope) rebuild(ctx context.Context) error {
	for {
		var done atomic.Bool // atomic: when ctx ends first, the job may still run
		err := s.submit(ctx, 0, func(tx *transaction) error {
			finished, err := tx.rebuild()
			done.Store(finished)
			return err
		})
		if err != nil || done.Load() {
			return err
		}
	}
}

// rebuild does one page of a rebuilding; done says that nothing was left to do.
func (tx *transaction) rebuild() (done bool, err error) {
	if err := tx.flush(); err != nil {
		return false, err
	}
	state, err := tx.indexes()
	if err != nil {
		return false, err
	}
	switch state.phase {
	case indexClearing:
		return false, tx.clearIndexes(state)
	case indexFilling:
		return tx.fillIndexes(state)
	}
	return true, nil
}

func (tx *transaction) clearIndexes(state *indexState) error {
	var keys [][]byte
	more := false
	for entry, err := range tx.w.Scan(store.Prefix([]byte{tableIndex})) {
		if err != nil {
			return err
		}
		if more = len(keys) == indexClearKeys; more {
			break
		}
		keys = append(keys, append([]byte(nil), entry.Key...))
	}
	for _, key := range keys {
		if err := tx.w.Delete(key); err != nil {
			return err
		}
	}
	next := &indexState{phase: indexFilling, version: state.version}
	if more {
		next.phase = indexClearing
	}
	_, err := tx.setIndexes(next)
	return err
}

func (tx *transaction) fillIndexes(state *indexState) (done bool, err error) {
	span := store.Prefix([]byte{tableRecord})
	if len(state.through) > 0 {
		span.From = append(append([]byte(nil), state.through...), 0)
	}
	next := &indexState{phase: indexDone, version: state.version}
	var entries []IndexEntry
	through, records, size := state.through, 0, 0
	for entry, err := range tx.w.Scan(span) {
		if err != nil {
			return false, err
		}
		if records == indexFillRecords || size >= indexFillBytes {
			next.phase, next.through = indexFilling, through
			break
		}
		change, read, err := changeAt(tx.w, entry.Value)
		if err != nil {
			return false, fmt.Errorf("engine: record %x: %w", entry.Key, err)
		}
		kind, _ := merge.KindOf(change.GetRecord())
		of := tx.scope.engine.entries(kind, change)
		for _, one := range of {
			size += len(one.Key) + len(one.Value)
		}
		entries, through = append(entries, of...), append([]byte(nil), entry.Key...)
		records, size = records+1, size+read
	}
	for _, one := range entries {
		if err := tx.w.Set(indexKey(one.Name, one.Key), one.Value); err != nil {
			return false, err
		}
	}
	_, err = tx.setIndexes(next)
	return next.phase == indexDone, err
}

// changeAt reads the change that a value of the record table names; size is the length of it.
func changeAt(r store.Reader, value []byte) (change *roundsv1.Change, size int, err error) {
	seq, err := valueSeq(value)
	if err != nil {
		return nil, 0, err
	}
	encoded, err := r.Get(seqKey(tableChange, seq))
	if err != nil || len(encoded) == 0 {
		return nil, 0, fmt.Errorf("change %d: %w", seq, or(err, errKey))
	}
	change = new(roundsv1.Change)
	if err := proto.Unmarshal(encoded[1:], change); err != nil {
		return nil, 0, fmt.Errorf("change %d: %w", seq, err)
	}
	return change, len(encoded), nil
}
