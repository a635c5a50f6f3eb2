package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Index says what a record's change puts into the scope's secondary indexes, which Find reads. An implementation is pure: the same change has the same
// entries for as long as Config.IndexVersion stays the same. Its method is called from many goroutines.
type Index interface {
	// Entries of a record as it stands. It is called with every kind and returns nothing where there is nothing to say. It is not asked of a record
	// that was deleted, which has no entries; of one that was evicted it is. The change is not to be changed. An entry beyond the limits (MaxIndexName,
	// MaxIndexValue, MaxIndexEntries, a key that makes the store's too long) is left out, and logged: what a stranger sends must not block a lane.
	Entries(kind merge.Kind, change *roundsv1.Change) []IndexEntry
}

// The limits of indexes.
const (
	// MaxIndexName is the length of an index's name, in bytes.
	MaxIndexName = 64
	// MaxIndexKey is the length of an entry's key, in bytes.
	MaxIndexKey = store.MaxKey - MaxIndexName - 2
	// MaxIndexValue is the length of an entry's value, in bytes.
	MaxIndexValue = 64 << 10
	// MaxIndexEntries is how many entries one record may have, in all indexes together.
	MaxIndexEntries = 256
)

// IndexName names one index: 1 to MaxIndexName bytes, none of them zero.
type IndexName string

func (n IndexName) valid() bool {
	return len(n) > 0 && len(n) <= MaxIndexName && bytes.IndexByte([]byte(n), 0) < 0
}

// IndexEntry is one entry of an index.
type IndexEntry struct {
	// Name of the index.
	Name IndexName
	// Key orders the entries. Of two records in a scope no two may have the same: put the record's id at its end.
	Key []byte
	// Value comes with it; it may be empty.
	Value []byte
}

// indexPhase is how far a scope's indexes are. The numbers rest in stores.
type indexPhase byte

const (
	// indexDone: they hold what every record puts into them.
	indexDone indexPhase = iota
	// indexClearing: what an earlier version put into them is being removed.
	indexClearing
	// indexFilling: they hold what the records through a key of the record table put into them.
	indexFilling
	// indexStale: an engine without indexes has written in the scope since.
	indexStale
	// indexAbsent is never stored: there are none, and none are wanted.
	indexAbsent
)

// indexState is what stands under the state key of a scope's indexes. It is not changed, only replaced.
type indexState struct {
	phase   indexPhase
	version string // the Config.IndexVersion that they are of
	through []byte // of indexFilling: the last record's key; nil before the first
}

func (s *indexState) encode() []byte {
	b := binary.AppendUvarint([]byte{byte(s.phase)}, uint64(len(s.version)))
	return append(append(b, s.version...), s.through...)
}

func decodeIndexState(b []byte) (*indexState, error) {
	if len(b) == 0 || b[0] > byte(indexStale) {
		return nil, fmt.Errorf("engine: state of the indexes: %w", errKey)
	}
	length, n := binary.Uvarint(b[1:])
	if n <= 0 || length > uint64(len(b)-1-n) {
		return nil, fmt.Errorf("engine: state of the indexes: %w", errKey)
	}
	rest := b[1+n:]
	return &indexState{phase: indexPhase(b[0]), version: string(rest[:length]), through: append([]byte(nil), rest[length:]...)}, nil
}

// readIndexState returns what stands in the store; nil where nothing does.
func readIndexState(r store.Reader) (*indexState, error) {
	value, err := r.Get(indexStateKey())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return decodeIndexState(value)
}

// holds: whether the indexes have the entries of the record with this key, so that they have to follow it. Those that do not get them when the filling
// comes to that record.
func (s *indexState) holds(key []byte) bool {
	return s.phase == indexDone || s.phase == indexFilling && bytes.Compare(key, s.through) <= 0
}

// indexes returns the state of the scope's indexes as this engine means them. At its first use under another version it begins anew, in this
// transaction, so that what is written under this version cannot be taken for what another one put there.
func (tx *transaction) indexes() (*indexState, error) {
	if tx.index != nil {
		return tx.index, nil
	}
	if tx.index = tx.scope.index.Load(); tx.index != nil {
		return tx.index, nil
	}
	found, err := readIndexState(tx.w)
	if err != nil {
		return nil, err
	}
	wanted, version := tx.scope.engine.cfg.Index != nil, tx.scope.engine.cfg.IndexVersion
	switch {
	case !wanted && found == nil:
		tx.index = &indexState{phase: indexAbsent}
		return tx.index, nil
	case !wanted && found.phase == indexStale, wanted && found != nil && found.phase != indexStale && found.version == version:
		tx.index = found
		return found, nil
	case !wanted:
		return tx.setIndexes(&indexState{phase: indexStale})
	case found == nil && tx.began == 0:
		return tx.setIndexes(&indexState{phase: indexDone, version: version}) // nothing was written here yet
	}
	return tx.setIndexes(&indexState{phase: indexClearing, version: version})
}

func (tx *transaction) setIndexes(s *indexState) (*indexState, error) {
	tx.index = s
	return s, tx.w.Set(indexStateKey(), s.encode())
}

// reindex brings the indexes from a record's version in the store to the one that is being written.
func (tx *transaction) reindex(name recordName, have *stored) error {
	state, err := tx.indexes()
	if err != nil || tx.scope.engine.cfg.Index == nil {
		return err
	}
	after := tx.scope.engine.entries(name.kind, have.change)
	before := tx.scope.engine.entries(name.kind, have.settled)
	if len(before) == 0 && len(after) == 0 {
		return nil
	}
	id, _ := parseID(name.id)
	if !state.holds(recordKey(tableRecord, name.kind, id)) {
		return nil
	}
	type change struct {
		key, before, after []byte
		had, has           bool
	}
	changes := make([]change, 0, len(before)+len(after))
	at := make(map[string]int, cap(changes))
	place := func(e IndexEntry) *change {
		key := indexKey(e.Name, e.Key)
		i, known := at[string(key)]
		if !known {
			i = len(changes)
			at[string(key)], changes = i, append(changes, change{key: key})
		}
		return &changes[i]
	}
	for _, e := range before {
		c := place(e)
		c.before, c.had = e.Value, true
	}
	for _, e := range after {
		c := place(e)
		c.after, c.has = e.Value, true
	}
	for _, c := range changes {
		var err error
		switch {
		case !c.has:
			err = tx.w.Delete(c.key)
		case !c.had || !bytes.Equal(c.before, c.after):
			err = tx.w.Set(c.key, c.after)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entries asks the index of one record. An index that panics has no entries for it, each time: it must not keep anybody from writing.
func (e *Engine) entries(kind merge.Kind, change *roundsv1.Change) (entries []IndexEntry) {
	if change == nil || change.GetDeleted() {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("index panicked", "kind", string(kind), "record", change.GetRecordId(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			entries = nil
		}
	}()
	entries = e.cfg.Index.Entries(kind, change)
	for i, one := range entries {
		if i == MaxIndexEntries || !one.Name.valid() || len(one.Key) > MaxIndexKey || len(one.Value) > MaxIndexValue {
			return e.fitting(kind, change, entries)
		}
	}
	return entries
}

// fitting returns the entries that are within the limits.
func (e *Engine) fitting(kind merge.Kind, change *roundsv1.Change, all []IndexEntry) []IndexEntry {
	var fit []IndexEntry
	for _, one := range all {
		if len(fit) < MaxIndexEntries && one.Name.valid() && len(one.Key) <= MaxIndexKey && len(one.Value) <= MaxIndexValue {
			fit = append(fit, one)
		}
	}
	e.log.Error("index entries beyond the limits", "kind", string(kind), "record", change.GetRecordId(), "left_out", len(all)-len(fit))
	return fit
}
