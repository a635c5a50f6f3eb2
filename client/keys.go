package client

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// What rests on the device. Each scope has a key space of its own, and the device one beside them. The first byte of a key names the table;
// numbers are big endian, so that they sort. A branch counts the identities that the device has had, from 1: with each a new lane begins.
//
// In a scope:
//
//	l                          lane: JSON of laneState
//	c                          replica: JSON of replicaState
//	q <branch> <seq>           outbox: lane hash before the mutation, 32 bytes, and the encoded Mutation
//	h <branch> <seq>           ledger of what was queued, kept for good: content hash, status byte, uvarint journal seq, uvarint effective time
//	p <kind> 0 <id> 0 <branch> <seq>  a mutation that is laid on top of the record: uvarint journal seq, 0 while there is no outcome
//	r <kind> 0 <id>            record: uvarint generation, and the canonical Change
//	t <branch> <seq>           tray: JSON of trayState
//	a <id>                     photo whose original is kept: JSON of photoState
//	n                          count of the photos taken: JSON of photoCount
//	w <number>                 witness: journal seq, 8 bytes, and the hash of the journal's head there
//
// In the device's own key space:
//
//	f                          format version, one byte
//	d                          device: JSON of deviceState
//	i                          identity: JSON of identityState. Holds the private key
//	k                          tokens: JSON of tokenState. Holds secrets
//	e                          enrolment that is under way: JSON of pendingEnrolment. Holds secrets
//	b <branch>                 the device id of that branch
//	g <scope>                  a scope that was purged: JSON of purgeState
//	h <scope> 0 <branch> <seq> ledger of a purged scope
const (
	tableLane       = 'l'
	tableReplica    = 'c'
	tableOutbox     = 'q'
	tableLedger     = 'h'
	tablePending    = 'p'
	tableRecord     = 'r'
	tableTray       = 't'
	tableWitness    = 'w'
	tablePhoto      = 'a'
	tablePhotoCount = 'n'

	tableFormat    = 'f'
	tableDevice    = 'd'
	tableIdentity  = 'i'
	tableTokens    = 'k'
	tableEnrolment = 'e'
	tableBranch    = 'b'
	tablePurged    = 'g'
)

// deviceScope is the device's own key space. No scope of the server has such a name.
const deviceScope Scope = "\x00device"

// formatVersion is the version of all that is told above.
const formatVersion = 1

// errGarbled: something on the device is not what this package wrote.
var errGarbled = errors.New("garbled")

// branch counts the identities that a device has had.
type branch uint32

func single(table byte) []byte { return []byte{table} }

// laneKey is a key of the tables q, h and t.
func laneKey(table byte, of branch, seq journal.LaneSeq) []byte {
	key := binary.BigEndian.AppendUint32(append(make([]byte, 0, 13), table), uint32(of))
	return binary.BigEndian.AppendUint64(key, uint64(seq))
}

// laneTail reads branch and seq, the last 12 bytes of a key.
func laneTail(key []byte) (branch, journal.LaneSeq, error) {
	if len(key) < 13 {
		return 0, 0, fmt.Errorf("%w: key %x", errGarbled, key)
	}
	tail := key[len(key)-12:]
	return branch(binary.BigEndian.Uint32(tail)), journal.LaneSeq(binary.BigEndian.Uint64(tail[4:])), nil
}

// kindPrefix begins the keys of all records of one kind in the tables r and p.
func kindPrefix(table byte, kind merge.Kind) []byte {
	return append(append(append(make([]byte, 0, 64), table), kind...), 0)
}

func recordKey(kind merge.Kind, id RecordID) []byte {
	return append(kindPrefix(tableRecord, kind), id...)
}

// pendingPrefix begins the keys of all that is laid on top of one record.
func pendingPrefix(kind merge.Kind, id RecordID) []byte {
	return append(append(kindPrefix(tablePending, kind), id...), 0)
}

func pendingKey(ref recordRef, of branch, seq journal.LaneSeq) []byte {
	key := binary.BigEndian.AppendUint32(pendingPrefix(ref.kind, ref.id), uint32(of))
	return binary.BigEndian.AppendUint64(key, uint64(seq))
}

// recordRef names a record within a scope.
type recordRef struct {
	kind merge.Kind
	id   RecordID
}

// keyRef reads kind and id of a key of the tables r or p.
func keyRef(key []byte) (recordRef, error) {
	bad := fmt.Errorf("%w: key %x", errGarbled, key)
	if len(key) < 3 {
		return recordRef{}, bad
	}
	rest := key[1:]
	if key[0] == tablePending {
		if len(rest) < 15 || rest[len(rest)-13] != 0 {
			return recordRef{}, bad
		}
		rest = rest[:len(rest)-13]
	}
	for i, c := range rest {
		if c == 0 {
			return recordRef{kind: merge.Kind(rest[:i]), id: RecordID(rest[i+1:])}, nil
		}
	}
	return recordRef{}, bad
}

func photoKey(id RecordID) []byte { return append([]byte{tablePhoto}, id...) }

func witnessKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9), tableWitness), number)
}

func branchKey(of branch) []byte {
	return binary.BigEndian.AppendUint32([]byte{tableBranch}, uint32(of))
}

func purgedKey(scope Scope) []byte { return append([]byte{tablePurged}, scope...) }

// keptLedgerPrefix begins the keys of the ledger of a purged scope.
func keptLedgerPrefix(scope Scope) []byte { return append(append([]byte{tableLedger}, scope...), 0) }
