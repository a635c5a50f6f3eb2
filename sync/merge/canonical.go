package merge

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Marshal returns the canonical encoding of a change that Apply, Delta or Patch made: in every message the fields by their number,
// those that this build does not know among them, and the entries of maps by key. So builds that know a field and builds that do not
// encode a record alike. The one exception is a map field inside what a build does not know: its entries stay as they came. An error
// says that a string is not UTF-8.
func Marshal(c *roundsv1.Change) ([]byte, error) {
	b, err := encode(c.ProtoReflect())
	if err != nil {
		return nil, fmt.Errorf("merge: encode a change: %w", err)
	}
	changeLayout().order(b)
	return b, nil
}

// layout tells which fields of an encoded message are messages themselves.
type layout map[FieldNumber]layout

// changeLayout is made from the descriptors once, and not changed after.
var changeLayout = sync.OnceValue(func() layout {
	return layoutOf((&roundsv1.Change{}).ProtoReflect().Descriptor(), map[protoreflect.FullName]layout{})
})

func layoutOf(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]layout) layout {
	if l, ok := seen[md.FullName()]; ok {
		return l
	}
	l := layout{}
	seen[md.FullName()] = l
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd.Message() != nil {
			l[fd.Number()] = layoutOf(fd.Message(), seen)
		}
	}
	return l
}

// order sorts the fields of an encoded message, and of those inside it, by number. The lengths stay, so it is done in place.
func (l layout) order(b []byte) {
	last, sorted := FieldNumber(0), true
	for at := 0; at < len(b); {
		num, typ, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(num, typ, b[at+n:])
		if size < 0 {
			return
		}
		if inner, ok := l[num]; ok && typ == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(b[at+n:])
			inner.order(content)
		}
		sorted = sorted && num >= last
		last = num
		at += n + size
	}
	if sorted {
		return
	}
	spans, _ := spansOf(b)
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.num, b.num) })
	out := make([]byte, 0, len(b))
	for _, s := range spans {
		out = append(out, b[s.start:s.end]...)
	}
	copy(b, out)
}

// StateHash is the sum of the hashes of records, modulo 2^256: it does not depend on their order, and a record that changed is taken
// out and put in again. The bytes are the number, big-endian. The zero value is the hash of nothing.
type StateHash [32]byte

// Add adds o.
func (h *StateHash) Add(o StateHash) {
	var carry uint64
	for at := len(h) - 8; at >= 0; at -= 8 {
		var sum uint64
		sum, carry = bits.Add64(binary.BigEndian.Uint64(h[at:]), binary.BigEndian.Uint64(o[at:]), carry)
		binary.BigEndian.PutUint64(h[at:], sum)
	}
}

// Sub takes o away.
func (h *StateHash) Sub(o StateHash) {
	var borrow uint64
	for at := len(h) - 8; at >= 0; at -= 8 {
		var diff uint64
		diff, borrow = bits.Sub64(binary.BigEndian.Uint64(h[at:]), binary.BigEndian.Uint64(o[at:]), borrow)
		binary.BigEndian.PutUint64(h[at:], diff)
	}
}

// Hash returns the hash of a change as Marshal encodes it: SHA-256, or zero for nil and for what is deleted, evicted or no encoding.
func Hash(c *roundsv1.Change) StateHash {
	if c == nil || c.GetDeleted() || c.GetEvicted() {
		return StateHash{}
	}
	b, err := Marshal(c)
	if err != nil {
		return StateHash{}
	}
	return sha256.Sum256(b)
}

// HashEncoded returns what Hash returns of the change that Marshal encoded to these bytes.
func HashEncoded(canonical []byte) StateHash {
	if len(canonical) == 0 {
		return StateHash{}
	}
	const deleted, evicted = 6, 7
	for at := 0; at < len(canonical); {
		num, typ, n := protowire.ConsumeTag(canonical[at:])
		if n < 0 || num > evicted {
			break
		}
		size := protowire.ConsumeFieldValue(num, typ, canonical[at+n:])
		if size < 0 {
			break
		}
		if num == deleted || num == evicted {
			return StateHash{} // false is not encoded
		}
		at += n + size
	}
	return sha256.Sum256(canonical)
}
