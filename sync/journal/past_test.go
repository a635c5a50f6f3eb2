package journal_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"google.golang.org/protobuf/proto"
)

const scope = "site/0199c0de-0000-7000-8000-000000000001"

// keyOf is the key that a device of these tests enrolled.
func keyOf(device string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("key of " + device))
	return ed25519.NewKeyFromSeed(seed[:])
}

// publicKeys knows every device but those whose name begins with "unknown".
func publicKeys(device string) ed25519.PublicKey {
	if len(device) >= 7 && device[:7] == "unknown" {
		return nil
	}
	return keyOf(device).Public().(ed25519.PublicKey)
}

// step is one entry before it is sealed, as a server that cheats holds it in its hands.
type step struct {
	head    *roundsv1.EntryHead
	content []byte
}

// past is a journal that is not sealed yet.
type past []step

// clone returns a past that can be changed alone.
func (p past) clone() past {
	out := make(past, len(p))
	for i, s := range p {
		out[i] = step{head: proto.CloneOf(s.head), content: slices.Clone(s.content)}
	}
	return out
}

// seal chains the steps, and returns the entries and their hashes, which a witness may have kept.
func (p past) seal(t testing.TB) (sealed, []journal.Hash) {
	t.Helper()
	var entries sealed
	var hashes []journal.Hash
	var previous journal.Hash
	for _, s := range p {
		encoded, hash, err := journal.Seal(previous, s.head, s.content)
		if err != nil {
			t.Fatal(err)
		}
		entries, hashes, previous = append(entries, encoded), append(hashes, hash), hash
	}
	return entries, hashes
}

// renumber gives every step its seq, and every mutation the outcome that belongs there, as a careful liar does.
func (p past) renumber() past {
	for i, s := range p {
		s.head.Seq = uint64(i + 1)
		if s.head.Outcome != nil {
			s.head.Outcome.Seq = s.head.Seq
		}
		s.head.Cause = min(s.head.Cause, uint64(i))
	}
	return p
}

// sealed is a journal, entry by entry.
type sealed [][]byte

// clone returns a journal whose entries can be changed alone.
func (s sealed) clone() sealed {
	out := make(sealed, len(s))
	for i, e := range s {
		out[i] = slices.Clone(e)
	}
	return out
}

// verify runs a Verifier over the journal.
func (s sealed) verify(config journal.Config) (journal.Report, error) {
	return journal.Verify(config, func(yield func([]byte, error) bool) {
		for _, e := range s {
			if !yield(e, nil) {
				return
			}
		}
	})
}

// trusting knows the keys alone, watched has a witness of every entry in at and the head, too.
func trusting() journal.Config {
	return journal.Config{Scope: scope, Key: publicKeys}
}

func watched(hashes []journal.Hash, at ...int) journal.Config {
	c := trusting()
	for _, seq := range at {
		c.Witnesses = append(c.Witnesses, journal.Witness{Seq: journal.Seq(seq), Hash: hashes[seq-1], By: fmt.Sprint("phone ", seq)})
	}
	c.Head = &journal.Witness{Seq: journal.Seq(len(hashes)), Hash: hashes[len(hashes)-1], By: "the store"}
	return c
}

// scribe writes a past as an honest server and honest devices would.
type scribe struct {
	rng   *rand.Rand
	past  past
	lanes map[string]*pen
}

type pen struct {
	seq  uint64
	head journal.Hash
}

func newScribe(seed uint64) *scribe {
	return &scribe{rng: rand.New(rand.NewPCG(seed, 12)), lanes: map[string]*pen{}}
}

func (s *scribe) id() string {
	return fmt.Sprintf("0199c0de-%04x-7000-8000-%012x", s.rng.Uint32N(1<<16), s.rng.Uint64N(1<<48))
}

// mutation returns a remark, encoded.
func (s *scribe) mutation(record string) []byte {
	m := &roundsv1.Mutation{
		RecordId: record, Base: s.rng.Uint64N(100), Clock: &roundsv1.Clock{WallUs: 1790000000000000 + s.rng.Int64N(1e9), BootId: "b"},
		Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Comment{
			Comment: &roundsv1.Comment{Words: fmt.Sprint("地下室漏水 ", s.rng.Uint32())}}}}},
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	return content
}

// batch writes n mutations of a device; the last one carries the signature, unless it is not signed.
func (s *scribe) batch(device string, n int, signed bool) {
	lane := s.lanes[device]
	if lane == nil {
		lane = &pen{head: journal.LaneStart(device, scope)}
		s.lanes[device] = lane
	}
	for i := range n {
		seq, record := uint64(len(s.past)+1), s.id()
		content := s.mutation(record)
		lane.seq, lane.head = lane.seq+1, journal.LaneNext(lane.head, content)
		head := &roundsv1.EntryHead{
			Seq: seq, Type: roundsv1.EntryType_ENTRY_TYPE_MUTATION, DeviceId: device, PersonId: "p-" + device, LaneSeq: lane.seq,
			Record: &roundsv1.RecordRef{Kind: "comment", Id: record}, Roles: []roundsv1.Role{roundsv1.Role_ROLE_WORKER},
			TakenUs: 1790000000000000 + int64(seq), RecordTimeUs: 1790000000000000,
			Outcome: &roundsv1.Outcome{LaneSeq: lane.seq, Seq: seq, Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED,
				TimeUs: 1790000000000000, Trust: roundsv1.Trust_TRUST_A},
		}
		if signed && i == n-1 {
			head.Signature = journal.SignHead(keyOf(device), lane.head)
		}
		s.past = append(s.past, step{head, content})
	}
}

// own writes an entry of the server.
func (s *scribe) own(kind roundsv1.EntryType) {
	record := s.id()
	head := &roundsv1.EntryHead{Seq: uint64(len(s.past) + 1), Type: kind, TakenUs: 1790000000000000, Cause: uint64(len(s.past)),
		Record: &roundsv1.RecordRef{Kind: "comment", Id: record}}
	var content []byte
	if kind == roundsv1.EntryType_ENTRY_TYPE_DERIVED {
		content = s.mutation(record)
	}
	s.past = append(s.past, step{head, content})
}

// desk writes an act of a person through the server.
func (s *scribe) desk() {
	seq, record := uint64(len(s.past)+1), s.id()
	s.past = append(s.past, step{&roundsv1.EntryHead{Seq: seq, Type: roundsv1.EntryType_ENTRY_TYPE_DESK, DeviceId: "desk-a", PersonId: "p-desk", ActId: s.id(),
		Record: &roundsv1.RecordRef{Kind: "comment", Id: record}, TakenUs: 1790000000000000, RecordTimeUs: 1790000000000000,
		Outcome: &roundsv1.Outcome{Seq: seq, Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, Trust: roundsv1.Trust_TRUST_A}}, s.mutation(record)})
}

const (
	derived  = roundsv1.EntryType_ENTRY_TYPE_DERIVED
	admitted = roundsv1.EntryType_ENTRY_TYPE_ADMITTED
	evicted  = roundsv1.EntryType_ENTRY_TYPE_EVICTED
	desk     = roundsv1.EntryType_ENTRY_TYPE_DESK
)

// morning is a short past with every type of entry; the lanes of its two devices interleave.
func morning(seed uint64) past {
	s := newScribe(seed)
	s.batch("phone-a", 3, true) // 1 to 3
	s.own(derived)              // 4
	s.batch("phone-b", 1, false)
	s.batch("phone-a", 1, true) // 6, within a run of phone-b
	s.batch("phone-b", 1, true) // 7
	s.own(admitted)             // 8
	s.own(evicted)              // 9
	s.batch("phone-a", 2, true) // 10, 11
	return s.past
}

// shift is a longer one.
func shift(seed uint64, requests int) past {
	s := newScribe(seed)
	for range requests {
		s.batch(fmt.Sprint("phone-", s.rng.IntN(5)), 1+s.rng.IntN(6), true)
		if len(s.past) > 0 && s.rng.IntN(3) == 0 {
			s.own([]roundsv1.EntryType{derived, admitted, evicted}[s.rng.IntN(3)])
		}
		if s.rng.IntN(3) == 0 {
			s.desk()
		}
	}
	return s.past
}
