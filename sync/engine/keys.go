package engine

import (
	"encoding/binary"
	"errors"

	"github.com/google/uuid"

	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// The keys of a scope. The first byte names the table; numbers are big endian, so that they sort; record ids are their 16 bytes.
//
//	m                         ScopeHead
//	c <seq>                   change index: one flag byte, and the record's canonical Change
//	r <kind> 0 <id>           the seq under which the record stands in the change index
//	j <seq>                   JournalEntry
//	l <device>                Lane
//	o <device> 0 <lane seq>   LaneRun, by the lane seq of its first mutation
//	q <kind> 0 <id> <seq>     a mutation that waits for this record, by its journal seq; the value is the conflict's id
//	t <seq>                   tombstone: the time of the deletion, 8 bytes, microseconds since 1970
//	u <seq>                   the Outcome of a journal entry together with the values that lost, which the entry's head leaves out
//	d <device>                the seq through which a device is known to have the scope, 8 bytes
//	i <index> 0 <key>         an entry of a secondary index
//	x <kind> 0 <id>           a redaction of this record that is under way: how far, the fields, the reason
//	h <kind> 0 <id> <seq>     journal entries about this record, by the seq of the first; the value has the others. The kind is empty where the server
//	                          could not read what an entry is
//	y                         the seq of the journal through which the histories are written, 8 bytes
//	a <person> 0 <act id>     the journal seq of a person's act through the server
//	v                         which version the indexes are of, and how far they are (indexState)
const (
	tableHead      = 'm'
	tableChange    = 'c'
	tableRecord    = 'r'
	tableJournal   = 'j'
	tableLane      = 'l'
	tableRun       = 'o'
	tableWaiting   = 'q'
	tableTombstone = 't'
	tableDevice    = 'd'
	tableOutcome   = 'u'
	tableIndex     = 'i'
	tableVersion   = 'v'
	tableRedaction = 'x'
	tableHistory   = 'h'
	tableHistories = 'y'
	tableAct       = 'a'
)

// The flag byte of the change index.
const (
	flagLive    = 0
	flagDeleted = 1
	flagEvicted = 2
)

var errKey = errors.New("engine: malformed key")

func headKey() []byte { return []byte{tableHead} }

func seqKey(table byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9), table), seq)
}

func keySeq(key []byte) (uint64, error) {
	if len(key) < 9 {
		return 0, errKey
	}
	return binary.BigEndian.Uint64(key[len(key)-8:]), nil
}

func recordKey(table byte, kind merge.Kind, id uuid.UUID) []byte {
	return append(kindKey(table, kind), id[:]...)
}

// kindKey is what the recordKeys of a kind begin with.
func kindKey(table byte, kind merge.Kind) []byte {
	key := make([]byte, 0, 2+len(kind)+len(uuid.UUID{}))
	return append(append(append(key, table), kind...), 0)
}

// splitRecordKey takes a recordKey apart.
func splitRecordKey(key []byte) (kind merge.Kind, id uuid.UUID, ok bool) {
	cut := len(key) - len(id) - 1
	if cut < 1 || key[cut] != 0 {
		return "", id, false
	}
	copy(id[:], key[cut+1:])
	return merge.Kind(key[1:cut]), id, true
}

func waitingKey(kind merge.Kind, id uuid.UUID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(recordKey(tableWaiting, kind, id), seq)
}

func deviceKey(table byte, device DeviceID) []byte {
	return append([]byte{table}, device...)
}

func runKey(device DeviceID, first uint64) []byte {
	return binary.BigEndian.AppendUint64(append(deviceKey(tableRun, device), 0), first)
}

func historiesKey() []byte { return []byte{tableHistories} }

// historyKey returns the key under which a record's history begins with a seq; about is its recordKey in the history table.
func historyKey(about []byte, seq journal.Seq) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, len(about)+8), about...), uint64(seq))
}

func actKey(person PersonID, act uuid.UUID) []byte {
	key := make([]byte, 0, 2+len(person)+len(act))
	return append(append(append(append(key, tableAct), person...), 0), act[:]...)
}

func indexStateKey() []byte { return []byte{tableVersion} }

func indexKey(name IndexName, key []byte) []byte {
	b := make([]byte, 0, 2+len(name)+len(key)+1)
	return append(append(append(append(b, tableIndex), name...), 0), key...)
}

func seqValue(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func valueSeq(value []byte) (uint64, error) {
	if len(value) != 8 {
		return 0, errKey
	}
	return binary.BigEndian.Uint64(value), nil
}

// parseID reads an id in its one written form, so that no record has two names.
func parseID(id string) (uuid.UUID, bool) {
	if len(id) != 36 {
		return uuid.UUID{}, false
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return uuid.UUID{}, false
	}
	var text [36]byte
	encoded, err := parsed.MarshalText()
	copy(text[:], encoded)
	return parsed, err == nil && string(text[:]) == id
}
