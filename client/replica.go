package client

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// storedRecord is a record of the replica. The zero one is none.
type storedRecord struct {
	generation uint64
	change     *roundsv1.Change
	encoded    []byte // the canonical encoding of change
}

// unknownKind stands for kinds that this build does not know: such records are kept and passed on, and cannot be asked for.
const unknownKind merge.Kind = "#"

func refOf(c *roundsv1.Change) recordRef {
	kind, ok := merge.KindOf(c.GetRecord())
	if !ok {
		kind = unknownKind
	}
	return recordRef{kind: kind, id: RecordID(c.GetRecordId())}
}

func loadRecord(r store.Reader, ref recordRef) (storedRecord, error) {
	value, err := r.Get(recordKey(ref.kind, ref.id))
	if errors.Is(err, store.ErrNotFound) {
		return storedRecord{}, nil
	}
	if err != nil {
		return storedRecord{}, err
	}
	return decodeRecord(value)
}

func decodeRecord(value []byte) (storedRecord, error) {
	generation, n := binary.Uvarint(value)
	if n <= 0 {
		return storedRecord{}, fmt.Errorf("%w: record", errGarbled)
	}
	s := storedRecord{generation: generation, change: new(roundsv1.Change), encoded: value[n:]}
	if err := proto.Unmarshal(s.encoded, s.change); err != nil {
		return storedRecord{}, fmt.Errorf("%w: record: %v", errGarbled, err)
	}
	return s, nil
}

func encodeRecord(generation uint64, canonical []byte) []byte {
	return append(binary.AppendUvarint(make([]byte, 0, len(canonical)+4), generation), canonical...)
}

// replica is the replica of one scope within one transaction. The sum of its state is kept up with every write.
type replica struct {
	w       store.Writer
	state   replicaState
	changed int
}

func openReplica(w store.Writer) (*replica, error) {
	rep := &replica{w: w}
	_, err := load(w, single(tableReplica), &rep.state)
	return rep, err
}

func (rep *replica) save() error { return save(rep.w, single(tableReplica), rep.state) }

// counts tells whether a record belongs to the present snapshot and not to the one that is being replaced.
func (rep *replica) counts(s storedRecord) bool {
	return s.change != nil && s.generation == rep.state.Generation
}

// put takes one change of a page. errStrange says that the change fits nothing that the device has: the scope has to be pulled
// from the beginning.
func (rep *replica) put(c *roundsv1.Change) error {
	ref := refOf(c)
	old, err := loadRecord(rep.w, ref)
	if err != nil {
		return err
	}
	if rep.counts(old) && old.change.GetVersion() >= c.GetVersion() {
		return nil // had it
	}
	if c.GetDeleted() || c.GetEvicted() {
		return rep.drop(ref, old)
	}
	base := old.change
	if !rep.counts(old) {
		base = nil
	}
	next, err := merge.Patch(base, c)
	if err != nil {
		return fmt.Errorf("%w: %v", errStrange, err)
	}
	return rep.set(ref, old, next)
}

// errStrange: what the server sent does not fit what the device has.
var errStrange = errors.New("a change does not fit the record")

// set writes a record of the present snapshot.
func (rep *replica) set(ref recordRef, old storedRecord, next *roundsv1.Change) error {
	canonical, err := merge.Marshal(next)
	if err != nil {
		return fmt.Errorf("%w: %v", errStrange, err)
	}
	rep.subtract(old)
	sum := merge.StateHash(rep.state.Sum)
	sum.Add(merge.HashEncoded(canonical))
	rep.state.Sum = hexHash(sum)
	rep.changed++
	return rep.w.Set(recordKey(ref.kind, ref.id), encodeRecord(rep.state.Generation, canonical))
}

// subtract takes a record out of the sum.
func (rep *replica) subtract(old storedRecord) {
	if rep.counts(old) {
		sum := merge.StateHash(rep.state.Sum)
		sum.Sub(merge.HashEncoded(old.encoded))
		rep.state.Sum = hexHash(sum)
	}
}

// drop removes a record, if it is there.
func (rep *replica) drop(ref recordRef, old storedRecord) error {
	if old.change == nil {
		return nil
	}
	rep.subtract(old)
	rep.changed++
	return rep.w.Delete(recordKey(ref.kind, ref.id))
}

// reset begins a new snapshot; the old one is shown until the new one is complete.
func (rep *replica) reset() {
	rep.state.Generation++
	rep.state.Resetting = true
	rep.state.Sum = hexHash{}
	rep.state.Complete = false
	rep.state.Diverged = 0
}

// sweep removes what was not received since the reset.
func (rep *replica) sweep() error {
	var gone [][]byte
	for entry, err := range rep.w.Scan(store.Prefix(single(tableRecord))) {
		if err != nil {
			return err
		}
		generation, n := binary.Uvarint(entry.Value)
		if n <= 0 {
			return fmt.Errorf("%w: record", errGarbled)
		}
		if generation != rep.state.Generation {
			gone = append(gone, append([]byte(nil), entry.Key...))
		}
	}
	for _, key := range gone {
		if err := rep.w.Delete(key); err != nil {
			return err
		}
	}
	rep.changed += len(gone)
	rep.state.Resetting = false
	return nil
}
