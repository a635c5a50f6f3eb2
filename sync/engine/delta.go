package engine

import (
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// delta encodes what a device needs of an encoded change that has everything through since. Most changes are cut as bytes, which costs a tenth of
// decoding them; what is out of the ordinary goes through merge.Delta. Both give the same bytes.
func delta(encoded []byte, since uint64) ([]byte, error) {
	if cut, ok := cutDelta(encoded, since); ok {
		return cut, nil
	}
	change := new(roundsv1.Change)
	if err := proto.Unmarshal(encoded, change); err != nil {
		return nil, err
	}
	return merge.Marshal(deltaFor(change, since))
}

// Field numbers of Change and Write.
const (
	changeID, changeVersion, changeRecord, changeWrites, changeTime, changeDeltaFields, changeEntered = 1, 2, 3, 4, 5, 8, 9

	writeStamp, writeShown, writeSiblings, writeSiblingValues, writeElements, writeSiblingElements, writeTouched = 1, 2, 3, 4, 5, 6, 7
)

// wireField is one field of an encoded message: whole with its tag, and the content of one with a length, or the number of a varint.
type wireField struct {
	number  protowire.Number
	kind    protowire.Type
	whole   []byte
	content []byte
	varint  uint64
}

// nextField cuts the first field off an encoded message.
func nextField(message []byte) (f wireField, rest []byte, ok bool) {
	number, kind, n := protowire.ConsumeTag(message)
	if n < 0 {
		return f, nil, false
	}
	f.number, f.kind = number, kind
	m := 0
	switch kind {
	case protowire.VarintType:
		f.varint, m = protowire.ConsumeVarint(message[n:])
	case protowire.BytesType:
		f.content, m = protowire.ConsumeBytes(message[n:])
	default:
		m = protowire.ConsumeFieldValue(number, kind, message[n:])
	}
	if m < 0 {
		return f, nil, false
	}
	f.whole = message[:n+m]
	return f, message[n+m:], true
}

// wireChange is what cutDelta looks at of a change.
type wireChange struct {
	id, version, time, enteredField []byte // whole fields
	entered                         uint64
	kind                            wireField // the one field of its record
	writes                          []wireField
}

// parse is false for a change that has anything else in it.
func (c *wireChange) parse(encoded []byte) bool {
	hasRecord := false
	for len(encoded) > 0 {
		f, rest, ok := nextField(encoded)
		if !ok {
			return false
		}
		encoded = rest
		number, bytes := f.kind == protowire.VarintType, f.kind == protowire.BytesType
		switch {
		case f.number == changeID && bytes:
			c.id = f.whole
		case f.number == changeVersion && number:
			c.version = f.whole
		case f.number == changeTime && number:
			c.time = f.whole
		case f.number == changeEntered && number:
			c.enteredField, c.entered = f.whole, f.varint
		case f.number == changeWrites && bytes:
			c.writes = append(c.writes, f)
		case f.number == changeRecord && bytes:
			var none []byte
			if c.kind, none, ok = nextField(f.content); !ok || len(none) > 0 || c.kind.kind != protowire.BytesType || hasRecord {
				return false
			}
			hasRecord = true
		default:
			return false
		}
	}
	return hasRecord
}

// cutDelta is delta on bytes; false where it does not know what to do.
func cutDelta(encoded []byte, since uint64) ([]byte, bool) {
	c := wireChange{writes: make([]wireField, 0, 8)}
	if !c.parse(encoded) {
		return nil, false
	}
	if c.entered > since {
		return encoded, true
	}
	var later uint64 // the fields that were written after since, a bit each
	for _, w := range c.writes {
		seq, names, ok := readWrite(w.content)
		if !ok {
			return nil, false
		}
		if seq > since {
			later |= names
		}
	}
	if later == 0 {
		return encoded, true
	}
	out := make([]byte, 0, 256)
	out = append(append(out, c.id...), c.version...)
	out = appendKept(out, c.kind, later)
	whole := true
	for _, w := range c.writes {
		_, names, _ := readWrite(w.content)
		switch {
		case names&^later == 0:
			out = append(out, w.whole...)
		case names&later == 0:
			whole = false
		default:
			whole = false
			part, ok := cutWrite(w.content, later)
			if !ok {
				return nil, false
			}
			out = protowire.AppendBytes(protowire.AppendTag(out, changeWrites, protowire.BytesType), part)
		}
	}
	if whole {
		return encoded, true
	}
	out = append(out, c.time...)
	var fields []byte
	for set := later; set != 0; set &= set - 1 {
		fields = protowire.AppendVarint(fields, uint64(bits.TrailingZeros64(set)))
	}
	out = protowire.AppendBytes(protowire.AppendTag(out, changeDeltaFields, protowire.BytesType), fields)
	return append(out, c.enteredField...), true
}

// appendKept appends Change.record with those fields of its kind that are in a set.
func appendKept(out []byte, kind wireField, set uint64) []byte {
	size := 0
	keep := func(visit func(wireField)) {
		for body := kind.content; len(body) > 0; {
			f, rest, ok := nextField(body)
			if !ok {
				return
			}
			if body = rest; f.number < 64 && set&(1<<f.number) != 0 {
				visit(f)
			}
		}
	}
	keep(func(f wireField) { size += len(f.whole) })
	inner := protowire.SizeTag(kind.number) + protowire.SizeBytes(size)
	out = protowire.AppendVarint(protowire.AppendTag(out, changeRecord, protowire.BytesType), uint64(inner))
	out = protowire.AppendVarint(protowire.AppendTag(out, kind.number, protowire.BytesType), uint64(size))
	keep(func(f wireField) { out = append(out, f.whole...) })
	return out
}

// readWrite returns the seq of a Write and the fields that it names, a bit each.
func readWrite(write []byte) (seq, names uint64, ok bool) {
	for len(write) > 0 {
		f, rest, ok := nextField(write)
		if !ok || f.kind != protowire.BytesType {
			return 0, 0, false
		}
		write = rest
		switch f.number {
		case writeStamp:
			if seq, ok = varintField(f.content); !ok {
				return 0, 0, false
			}
		case writeShown, writeSiblings, writeTouched:
			for packed := f.content; len(packed) > 0; {
				n, size := protowire.ConsumeVarint(packed)
				if size < 0 || n >= 64 {
					return 0, 0, false
				}
				names |= 1 << n
				packed = packed[size:]
			}
		case writeElements, writeSiblingElements:
			n, ok := varintField(f.content)
			if !ok || n >= 64 {
				return 0, 0, false
			}
			names |= 1 << n
		case writeSiblingValues:
		default:
			return 0, 0, false
		}
	}
	return seq, names, true
}

// varintField returns field 1 of an encoded message, a number that is 0 where it is missing.
func varintField(message []byte) (uint64, bool) {
	if len(message) == 0 {
		return 0, true
	}
	f, _, ok := nextField(message)
	if !ok || f.number != 1 {
		return 0, ok && f.number > 1
	}
	return f.varint, f.kind == protowire.VarintType
}

// cutWrite returns the part of a Write that is about a set of fields; false for one with siblings.
func cutWrite(write []byte, set uint64) (part []byte, ok bool) {
	for len(write) > 0 {
		f, rest, _ := nextField(write)
		write = rest
		switch f.number {
		case writeStamp:
			part = append(part, f.whole...)
		case writeShown, writeTouched:
			var kept []byte
			for packed := f.content; len(packed) > 0; {
				n, size := protowire.ConsumeVarint(packed)
				if set&(1<<n) != 0 {
					kept = append(kept, packed[:size]...)
				}
				packed = packed[size:]
			}
			if len(kept) > 0 {
				part = protowire.AppendBytes(protowire.AppendTag(part, f.number, protowire.BytesType), kept)
			}
		case writeElements:
			if n, _ := varintField(f.content); set&(1<<n) != 0 {
				part = append(part, f.whole...)
			}
		default:
			return nil, false
		}
	}
	return part, true
}
