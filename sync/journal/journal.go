// Package journal is the append-only history of a scope: how an entry is sealed into the chain, how a device's lane is hashed and
// signed, and how all of it is verified. It needs no store: it turns entries into bytes, and judges bytes.
//
// All that is written here rests for years. The formats below change only under a new name ("...v2"); golden tests hold them.
//
// # Lane
//
// The mutations of one device in one scope form a lane, numbered from 1. Its hash at n covers all mutations through n:
//
//	lane(0) = SHA-256("rounds.lane.v1" 0x00 device 0x00 scope)
//	lane(n) = SHA-256("rounds.lane.v1" 0x00 lane(n-1) SHA-256(content(n)))
//
// where content(n) is the encoded rounds.v1.Mutation, byte for byte as the device sent it, and device and scope hold no zero byte.
// Behind the last mutation of each request the device signs the lane's head, with Ed25519 and the key that it enrolled:
//
//	signature = Ed25519("rounds.head.v1" 0x00 lane(n))
//
// # Entry
//
// An entry is a rounds.v1.JournalEntry of two fields, in this order and nothing else, lengths in the shortest form:
//
//	0x0a uvarint(len(head)) head                an encoded rounds.v1.EntryHead
//	0x12 uvarint(len(content)) content          left out where content is empty
//	hash(n) = SHA-256("rounds.journal.v1" 0x00 head(n))
//
// head.seq is dense from 1. head.previous is hash(n-1), 32 zero bytes at seq 1. head.content_hash is SHA-256 of the content, or of the
// content that stood there: an entry whose content was redacted keeps its hash, its lane's hash and its signature. What must be
// redactable must therefore stand in the content, not in the head. An entry that never had content carries the SHA-256 of no bytes.
//
// Any change of an entry's bytes, but for taking the whole content away, is thus a change of its hash, or no entry.
//
// # Export
//
// An exported journal is a stream: a header, the entries from seq 1, a trailer.
//
//	"rounds.export.v1" 0x00 uvarint(len(scope)) scope
//	uvarint(len(entry)) entry                   for each entry; never of length 0
//	0x00 uvarint(number of entries) SHA-256(all bytes of the stream before this 0x00)
//
// The checksum finds a damaged file. Whether the history in it is true, the [Verifier] finds.
package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// The limits of an entry, in bytes. Both together stay below what a store takes as one value.
const (
	MaxContent = 4 << 20
	MaxHead    = 4 << 20
	// MaxEntry is the length of the longest encoded entry.
	MaxEntry = MaxHead + MaxContent + 2*(1+4)
)

// The errors of Seal, Open and Redact, to be tested with errors.Is.
var (
	// ErrGarbled: the bytes are not one entry in the form that the package comment tells, or are longer than the limits.
	ErrGarbled = errors.New("journal: not an entry")
	// ErrContent: the entry is well-formed, but its content is not the one whose hash its head holds.
	ErrContent = errors.New("journal: content does not fit its hash")
	// ErrSeal: the head or content cannot be sealed: no head, no seq, a previous hash that its seq cannot have, or beyond the limits.
	ErrSeal = errors.New("journal: cannot be sealed")
)

// Seq counts the entries of a scope, from 1.
type Seq uint64

// LaneSeq counts the mutations of a lane, from 1.
type LaneSeq uint64

// Hash is a SHA-256: of an entry, of a lane or of a content. The zero Hash is none, and stands before the first entry.
type Hash [sha256.Size]byte

// ParseHash returns the Hash that b holds. No bytes are the zero Hash, as in a message whose field is not set; any other length but
// 32 is an error.
func ParseHash(b []byte) (Hash, error) {
	switch len(b) {
	case 0:
		return Hash{}, nil
	case sha256.Size:
		return Hash(b), nil
	}
	return Hash{}, fmt.Errorf("journal: a hash has %d bytes, not %d", sha256.Size, len(b))
}

// IsZero tells whether h is no hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns all of h in 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// short returns what a sentence to a person needs of a hash.
func (h Hash) short() string { return hex.EncodeToString(h[:6]) }

// ContentHash returns the SHA-256 of content.
func ContentHash(content []byte) Hash { return sha256.Sum256(content) }

// tagged returns the SHA-256 of tag, a zero byte and the parts.
func tagged(tag string, parts ...[]byte) (sum Hash) {
	var prefix [32]byte
	h := sha256.New()
	h.Write(prefix[:copy(prefix[:], tag)+1])
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}
