package client

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// laneState is the outbox of one scope. Held are the mutations floor..last; those through taken are on the server and kept
// only until they are stable there. The numbers always satisfy confirmed <= acked <= taken <= last, and shown <= taken.
type laneState struct {
	Branch branch          `json:"branch"`
	Last   journal.LaneSeq `json:"last"`
	// Head is the lane's hash behind Last.
	Head  hexHash         `json:"head"`
	Floor journal.LaneSeq `json:"floor"`
	Bytes int64           `json:"bytes"` // of the mutations held
	// Taken: the server has it, as far as this device can know that what it has is ours.
	Taken journal.LaneSeq `json:"taken"`
	// Acked: the outcome is stored here.
	Acked journal.LaneSeq `json:"acked"`
	// Confirmed: the server knows that the outcome is stored here.
	Confirmed journal.LaneSeq `json:"confirmed"`
	// Shown: in the snapshot of the replica, no longer laid on top.
	Shown  journal.LaneSeq `json:"shown"`
	Stable journal.LaneSeq `json:"stable"`
	// Ask the server how far it has the lane, for it may have lost something.
	Ask bool `json:"ask,omitempty"`
	// Forked: the server has other content than this device. Only a new identity helps.
	Forked bool `json:"forked,omitempty"`
	// Problem of the whole lane, an encoded Problem; while it stands the lane rests until ParkedUS plus the waiting time.
	Problem  []byte `json:"problem,omitempty"`
	ParkedUS int64  `json:"parked_us,omitempty"`
	// Old is the branch before, while its mutations are moved to this one.
	Old *oldLane `json:"old,omitempty"`
}

// hexHash is a hash that JSON shows in hexadecimal digits.
type hexHash journal.Hash

// MarshalText implements encoding.TextMarshaler.
func (h hexHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hexHash) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(h) {
		return fmt.Errorf("%w: hash %q", errGarbled, text)
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// oldLane is what remains to be moved: next..last.
type oldLane struct {
	Branch branch          `json:"branch"`
	Next   journal.LaneSeq `json:"next"`
	Last   journal.LaneSeq `json:"last"`
}

// closing says that a scope is being given up.
type closing string

const (
	open     closing = ""         // not at all
	graceful closing = "graceful" // deliver the outbox, then purge
	purging  closing = "purging"  // nothing may be added any more
)

// replicaState says how far the device has a scope.
type replicaState struct {
	Cursor []byte `json:"cursor,omitempty"`
	// Generation marks the records received since the last reset; while Resetting others are still shown and do not count.
	Generation uint64  `json:"generation"`
	Resetting  bool    `json:"resetting,omitempty"`
	Sum        hexHash `json:"sum"` // state hash over the records of this generation
	Complete   bool    `json:"complete,omitempty"`
	// Own: this device's mutations through here, in the lane of OwnBranch, are in the snapshot.
	Own       journal.LaneSeq `json:"own,omitempty"`
	OwnBranch branch          `json:"own_branch,omitempty"`
	// Diverged counts the attempts to repair a state hash that differs; 0: it agrees.
	Diverged int `json:"diverged,omitempty"`
	// Repairs counts the records that repairs have changed, ever.
	Repairs int     `json:"repairs,omitempty"`
	Closing closing `json:"closing,omitempty"`
	// Graceful: a scope that is being purged was given up gracefully.
	Graceful bool `json:"graceful,omitempty"`
	// Witnesses counts the witnesses ever stored; the last one follows.
	Witnesses   uint64      `json:"witnesses,omitempty"`
	JournalSeq  journal.Seq `json:"journal_seq,omitempty"`
	JournalHash hexHash     `json:"journal_hash"`
}

// deviceState is what the device remembers of itself beside its identity.
type deviceState struct {
	Anchor anchor `json:"anchor"`
	// Revoked: the device as a whole was revoked; Purged: and holds nothing any more.
	Revoked closing `json:"revoked,omitempty"`
	Purged  bool    `json:"purged,omitempty"`
}

// purgeState remembers a scope that was purged: so that the server hears of it, and so that the lane goes on where it was,
// should the person come back.
type purgeState struct {
	// Done: nothing of the scope is left. Told: the server knows.
	Done bool      `json:"done,omitempty"`
	Told bool      `json:"told,omitempty"`
	Lane laneState `json:"lane"`
	Lost int       `json:"lost,omitempty"` // mutations that were not delivered
	// Tray is what is remembered of the tray, and Person whose it was: it comes back with the scope. None where the scope was given up at once, as of a lost phone.
	Tray   []keptItem `json:"tray,omitempty"`
	Person PersonID   `json:"person,omitempty"`
	// Photos is the last number of the device's count of photos.
	Photos uint64 `json:"photos,omitempty"`
}

// load reads a state; found is false where there is none.
func load(r store.Reader, key []byte, into any) (found bool, err error) {
	value, err := r.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return false, fmt.Errorf("%w: key %q: %v", errGarbled, key, err)
	}
	return true, nil
}

func save(w store.Writer, key []byte, state any) error {
	value, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return w.Set(key, value)
}

// ledgerEntry is a value of the ledger.
type ledgerEntry struct {
	content journal.Hash
	status  roundsv1.OutcomeStatus
	seq     journal.Seq
	toldUS  int64 // when the device heard so last, by the server's clock
}

func (e ledgerEntry) encode() []byte {
	value := append(make([]byte, 0, 48), e.content[:]...)
	if e.status == 0 {
		return value
	}
	value = append(value, byte(e.status))
	value = binary.AppendUvarint(value, uint64(e.seq))
	return binary.AppendVarint(value, e.toldUS)
}

func decodeLedger(value []byte) (e ledgerEntry, err error) {
	bad := fmt.Errorf("%w: ledger entry %x", errGarbled, value)
	if len(value) < len(e.content) {
		return e, bad
	}
	rest := value[copy(e.content[:], value):]
	if len(rest) == 0 {
		return e, nil
	}
	if e.status, rest = roundsv1.OutcomeStatus(rest[0]), rest[1:]; e.status == 0 {
		return e, bad
	}
	seq, n := binary.Uvarint(rest)
	if n <= 0 {
		return e, bad
	}
	e.seq, rest = journal.Seq(seq), rest[n:]
	if e.toldUS, n = binary.Varint(rest); n != len(rest) || n == 0 {
		return e, bad
	}
	return e, nil
}

// outboxEntry is a value of the outbox.
type outboxEntry struct {
	previous journal.Hash // the lane's hash before it
	content  []byte       // encoded Mutation
}

func (e outboxEntry) encode() []byte {
	return append(append(make([]byte, 0, len(e.previous)+len(e.content)), e.previous[:]...), e.content...)
}

// decodeOutbox returns an entry whose content lies within value.
func decodeOutbox(value []byte) (e outboxEntry, err error) {
	if len(value) <= len(e.previous) {
		return e, fmt.Errorf("%w: outbox entry of %d bytes", errGarbled, len(value))
	}
	e.content = value[copy(e.previous[:], value):]
	return e, nil
}
