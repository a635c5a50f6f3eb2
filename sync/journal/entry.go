package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"google.golang.org/protobuf/proto"
)

const (
	entryTag = "rounds.journal.v1"

	// The keys of the two fields of a JournalEntry: number and wire type (length-delimited).
	headKey    = 1<<3 | 2
	contentKey = 2<<3 | 2
)

// Seal makes an entry of head and content that follows the entry whose hash is previous (the zero Hash before seq 1). It sets
// Previous and ContentHash of head, and returns the encoded JournalEntry and the entry's hash, which is the previous of the next one.
// Content may be empty. An error is an ErrSeal or that of the encoder (a string that is not UTF-8); head may have been changed then.
func Seal(previous Hash, head *roundsv1.EntryHead, content []byte) (encoded []byte, hash Hash, err error) {
	return AppendSeal(nil, previous, head, content)
}

// AppendSeal is Seal that appends the encoded entry to dst, and returns dst as it was, on an error.
func AppendSeal(dst []byte, previous Hash, head *roundsv1.EntryHead, content []byte) ([]byte, Hash, error) {
	return AppendSealHashed(dst, previous, head, ContentHash(content), content)
}

// AppendSealHashed is AppendSeal for who has the content's hash already, as the hash of a lane needs it too. It trusts contentHash: with
// another one than ContentHash(content) it makes an entry that Open refuses.
func AppendSealHashed(dst []byte, previous Hash, head *roundsv1.EntryHead, contentHash Hash, content []byte) ([]byte, Hash, error) {
	switch {
	case head == nil || head.Seq == 0:
		return dst, Hash{}, fmt.Errorf("%w: no head, or no seq", ErrSeal)
	case (head.Seq == 1) != previous.IsZero():
		return dst, Hash{}, fmt.Errorf("%w: seq %d behind hash %s", ErrSeal, head.Seq, previous.short())
	case len(content) > MaxContent:
		return dst, Hash{}, fmt.Errorf("%w: content of %d bytes", ErrSeal, len(content))
	}
	// One piece of memory for both, and never the caller's: what head held before may be shared.
	hashes := make([]byte, 0, 2*len(previous))
	hashes = append(append(hashes, previous[:]...), contentHash[:]...)
	head.Previous, head.ContentHash = hashes[:len(previous):len(previous)], hashes[len(previous):]

	// Deterministic, so that a simulation with the same seed writes the same journal. Size remembers the lengths for MarshalAppend.
	encode := proto.MarshalOptions{Deterministic: true}
	size := encode.Size(head)
	if size > MaxHead {
		return dst, Hash{}, fmt.Errorf("%w: head of %d bytes", ErrSeal, size)
	}
	encode.UseCachedSize = true

	out := slices.Grow(dst, size+len(content)+2*(1+binary.MaxVarintLen32))
	out = append(out, headKey)
	out = binary.AppendUvarint(out, uint64(size))
	start := len(out)
	out, err := encode.MarshalAppend(out, head)
	if err != nil {
		return dst, Hash{}, fmt.Errorf("journal: encoding the head of entry %d: %w", head.Seq, err)
	}
	hash := tagged(entryTag, out[start:])
	if len(content) > 0 {
		out = append(out, contentKey)
		out = binary.AppendUvarint(out, uint64(len(content)))
		out = append(out, content...)
	}
	return out, hash, nil
}

// Open decodes an entry, and returns its head, its content and its hash. The content shares memory with encoded, the head does not. An
// entry whose content was redacted opens with no content; Redacted tells it from one that never had any. The error is an ErrGarbled or
// an ErrContent. Open says nothing of the entry's place in the chain.
func Open(encoded []byte) (*roundsv1.EntryHead, []byte, Hash, error) {
	head, content, hash, err := open(encoded)
	if err != nil {
		return nil, nil, Hash{}, err
	}
	if len(content) > 0 && ContentHash(content) != Hash(head.ContentHash) {
		return nil, nil, Hash{}, fmt.Errorf("%w: entry %d", ErrContent, head.Seq)
	}
	return head, content, hash, nil
}

// Redacted tells whether an entry that Open gave had content once and has none now.
func Redacted(head *roundsv1.EntryHead, content []byte) bool {
	none := ContentHash(nil)
	return len(content) == 0 && !bytes.Equal(head.GetContentHash(), none[:])
}

// Redact returns the entry without its content, in memory of its own. The entry's hash, and so the chain, its lane and the signature
// over it, stay as they were. An entry without content comes back as it is. The errors are those of Open: what is already wrong cannot
// be redacted out of sight.
func Redact(encoded []byte) ([]byte, error) {
	_, content, _, err := Open(encoded)
	if err != nil {
		return nil, err
	}
	if len(content) == 0 {
		return bytes.Clone(encoded), nil
	}
	head, _, err := field(encoded, headKey, MaxHead)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(head)+1+binary.MaxVarintLen32)
	out = append(out, headKey)
	out = binary.AppendUvarint(out, uint64(len(head)))
	return append(out, head...), nil
}

// open is Open that does not look at the content. The hashes of the head it returns have 32 bytes.
func open(encoded []byte) (*roundsv1.EntryHead, []byte, Hash, error) {
	raw, rest, err := field(encoded, headKey, MaxHead)
	if err != nil {
		return nil, nil, Hash{}, err
	}
	var content []byte
	if len(rest) > 0 {
		content, rest, err = field(rest, contentKey, MaxContent)
		switch {
		case err != nil:
			return nil, nil, Hash{}, err
		case len(content) == 0 || len(rest) > 0:
			return nil, nil, Hash{}, fmt.Errorf("%w: bytes that do not belong to it", ErrGarbled)
		}
	}
	head := &roundsv1.EntryHead{}
	if err := proto.Unmarshal(raw, head); err != nil {
		return nil, nil, Hash{}, fmt.Errorf("%w: its head: %v", ErrGarbled, err)
	}
	if head.Seq == 0 || len(head.Previous) != len(Hash{}) || len(head.ContentHash) != len(Hash{}) {
		return nil, nil, Hash{}, fmt.Errorf("%w: its head has no seq, or no hashes", ErrGarbled)
	}
	return head, content, tagged(entryTag, raw), nil
}

// field takes one length-delimited field off b. Another key, a length in other than its shortest form, one beyond limit and one
// beyond b are errors: each entry has exactly one form.
func field(b []byte, key byte, limit int) (value, rest []byte, err error) {
	if len(b) == 0 || b[0] != key {
		return nil, nil, fmt.Errorf("%w: a field is missing", ErrGarbled)
	}
	length, n := binary.Uvarint(b[1:])
	if n <= 0 || n != uvarintLen(length) || length > uint64(limit) || length > uint64(len(b)-1-n) {
		return nil, nil, fmt.Errorf("%w: a length that cannot be", ErrGarbled)
	}
	end := 1 + n + int(length)
	return b[1+n : end : end], b[end:], nil
}

// uvarintLen returns the bytes of x in its shortest form.
func uvarintLen(x uint64) int {
	n := 1
	for ; x >= 0x80; x >>= 7 {
		n++
	}
	return n
}
