package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// What one step of filling the history table reads and writes at most: it shares the scope with those who write.
const (
	rememberEntries = 2000
	rememberBytes   = 8 << 20
)

// historyState is which entries of the journal the history table has: those from a seq on, and those through another one. It is not changed, only
// replaced.
type historyState struct {
	from    uint64 // every entry since this one was written with its key
	through uint64 // what a release without the table wrote has got its keys through this one
}

func (s *historyState) complete() bool { return s.through+1 >= s.from }

func (s *historyState) encode() []byte {
	return binary.BigEndian.AppendUint64(seqValue(s.from), s.through)
}

func decodeHistoryState(b []byte) (*historyState, error) {
	if len(b) != 16 {
		return nil, fmt.Errorf("engine: state of the histories: %w", errKey)
	}
	return &historyState{from: binary.BigEndian.Uint64(b), through: binary.BigEndian.Uint64(b[8:])}, nil
}

// readHistoryState returns the state of a scope whose journal ends at head; fresh says that it is not what stands in the store. An older release that
// wrote in the scope again left entries without keys: the last one tells, and then all is filled anew.
func readHistoryState(r store.Reader, head uint64) (state *historyState, fresh bool, err error) {
	anew := &historyState{from: head + 1}
	value, err := r.Get(historyStateKey())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return anew, true, nil
	case err != nil:
		return nil, false, err
	}
	if state, err = decodeHistoryState(value); err != nil {
		return nil, false, err
	}
	for seq := head; seq >= state.from; seq-- {
		entry, content, err := readEntry(r, seq)
		if err != nil {
			return nil, false, err
		}
		key, named := historyKey(entry, content)
		if !named {
			continue // it has no key, whoever wrote it
		}
		switch _, err := r.Get(key); {
		case errors.Is(err, store.ErrNotFound):
			return anew, true, nil
		case err != nil:
			return nil, false, err
		}
		break
	}
	return state, false, nil
}

// historyKey returns the key of an entry in the history table; false where it names no record. Where the server could not read what it is, the kind is
// empty.
func historyKey(head *roundsv1.EntryHead, content []byte) ([]byte, bool) {
	kind, id := merge.Kind(head.GetRecord().GetKind()), head.GetRecord().GetId()
	if head.GetRecord() == nil {
		m := new(roundsv1.Mutation)
		if proto.Unmarshal(content, m) != nil {
			return nil, false
		}
		id = m.GetRecordId()
	}
	parsed, ok := parseID(id)
	if !ok {
		return nil, false
	}
	return seqAfter(recordKey(tableHistory, kind, parsed), journal.Seq(head.GetSeq())), true
}

// remember writes the key of an entry that is being written.
func (tx *transaction) remember(head *roundsv1.EntryHead, content []byte) error {
	if _, err := tx.histories(); err != nil {
		return err
	}
	key, named := historyKey(head, content)
	if !named {
		return nil
	}
	return tx.w.Set(key, nil)
}

// histories returns the state of the history table, writing it down at the scope's first use. It has to be asked before an entry is written.
func (tx *transaction) histories() (*historyState, error) {
	if tx.history != nil {
		return tx.history, nil
	}
	if tx.history = tx.scope.history.Load(); tx.history != nil {
		return tx.history, nil
	}
	state, fresh, err := readHistoryState(tx.w, tx.head.GetSeq())
	if err != nil {
		return nil, err
	}
	if fresh {
		err = tx.w.Set(historyStateKey(), state.encode())
	}
	tx.history = state
	return state, err
}

// remembered returns when the history table of a scope has every entry, filling it where it has not. What was done rests with each step, so it may be
// interrupted. The journal is read beside those who write.
func (e *Engine) remembered(ctx context.Context, name store.Scope) error {
	s := e.scope(name)
	for {
		if state := s.history.Load(); state != nil && state.complete() {
			return nil
		}
		var state *historyState
		var keys [][]byte
		var through uint64
		err := e.cfg.Store.View(ctx, name, func(r store.Reader) error {
			head, err := readHead(r)
			if err != nil {
				return err
			}
			if state, _, err = readHistoryState(r, head.GetSeq()); err != nil || state.complete() {
				return err
			}
			keys, through, err = historyKeys(r, state.through+1, state.from)
			return err
		})
		if err != nil || state.complete() {
			return wrap(err)
		}
		leave, err := e.enter()
		if err != nil {
			return err
		}
		err = s.submit(ctx, rememberEntries*64, func(tx *transaction) error { return tx.fillHistories(state.through, through, keys) })
		leave()
		if err != nil {
			return err
		}
	}
}

// historyKeys returns the keys of the entries from a seq on, before another one, as far as one step goes; through is the last that was looked at.
func historyKeys(r store.Reader, from, before uint64) (keys [][]byte, through uint64, err error) {
	looked, size := 0, 0
	for entry, err := range r.Scan(store.Span{From: seqKey(tableJournal, from), To: seqKey(tableJournal, before)}) {
		if err != nil {
			return nil, 0, err
		}
		if looked == rememberEntries || size >= rememberBytes {
			return keys, through, nil
		}
		seq, err := keySeq(entry.Key)
		if err != nil {
			return nil, 0, err
		}
		head, content, _, err := journal.Open(entry.Value)
		if err != nil {
			return nil, 0, fmt.Errorf("engine: journal entry %d: %w", seq, err)
		}
		if key, named := historyKey(head, content); named {
			keys = append(keys, key)
		}
		looked, size, through = looked+1, size+len(entry.Value), seq
	}
	return keys, before - 1, nil
}

// fillHistories writes the keys of the entries behind one seq through another, unless somebody else came further.
func (tx *transaction) fillHistories(from, through uint64, keys [][]byte) error {
	state, err := tx.histories()
	if err != nil || state.through != from || through >= state.from {
		return err
	}
	for _, key := range keys {
		if err := tx.w.Set(key, nil); err != nil {
			return err
		}
	}
	tx.history = &historyState{from: state.from, through: through}
	return tx.w.Set(historyStateKey(), tx.history.encode())
}
