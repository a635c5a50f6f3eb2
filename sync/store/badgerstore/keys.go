package badgerstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/rounds-sync/rounds/sync/store"
)

// The keys of format 1. The first byte tells what a key is:
//
//	01                        → the format's name
//	02 scope                  → the space of the scope, 8 bytes, big-endian
//	03 space(8)               → nothing: a space that was dropped, whose keys are still to be swept
//	04 number(8)              → a transaction too large for one commit of badger, while it is being applied
//	05 space(8) key           → the value of a key
//
// A scope's keys live in a numbered space, so that a drop is one small write however much it drops, and so that no scope's
// name can be a prefix of another's. A space is never used again while a trace of it exists.
const (
	kindFormat byte = iota + 1
	kindScope
	kindDropped
	kindLarge
	kindData
)

// formatName is the value of the format key. Its number grows with every change that an older program could not read.
const formatName = "rounds store 1"

// space is the number of a key space, from 1.
type space uint64

// dataPrefix is the length of what stands before a key in a space.
const dataPrefix = 1 + 8

func formatKey() []byte { return []byte{kindFormat} }

func scopeKey(scope store.Scope) []byte { return append([]byte{kindScope}, scope...) }

func droppedKey(sp space) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindDropped}, uint64(sp))
}

func largeKey(number uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kindLarge}, number) }

// appendDataKey appends the full key of a key in a space.
func appendDataKey(b []byte, sp space, key []byte) []byte {
	b = append(b, kindData)
	b = binary.BigEndian.AppendUint64(b, uint64(sp))
	return append(b, key...)
}

func encodeSpace(sp space) []byte { return binary.BigEndian.AppendUint64(nil, uint64(sp)) }

func decodeSpace(value []byte) (space, error) {
	if len(value) != 8 {
		return 0, fmt.Errorf("badgerstore: damaged: a space number of %d bytes", len(value))
	}
	return space(binary.BigEndian.Uint64(value)), nil
}

// write is one change of a full key. Neither slice is changed after it was made.
type write struct {
	key    []byte
	value  []byte
	delete bool
}

// encodeWrites packs writes into one value: a CRC-32C over the rest, then for each write a byte (0 deletes, 1 sets), and key and
// value with their lengths before them as uvarints.
func encodeWrites(writes []write) []byte {
	size := crc32.Size
	for _, w := range writes {
		size += 1 + 2*binary.MaxVarintLen32 + len(w.key) + len(w.value)
	}
	out := make([]byte, crc32.Size, size)
	for _, w := range writes {
		if w.delete {
			out = append(out, 0)
			out = appendBytes(out, w.key)
			continue
		}
		out = append(out, 1)
		out = appendBytes(out, w.key)
		out = appendBytes(out, w.value)
	}
	binary.BigEndian.PutUint32(out, crc32.Checksum(out[crc32.Size:], crc32.MakeTable(crc32.Castagnoli)))
	return out
}

func decodeWrites(in []byte) (writes []write, err error) {
	damaged := fmt.Errorf("badgerstore: damaged: a large transaction of %d bytes cannot be read", len(in))
	if len(in) < crc32.Size {
		return nil, damaged
	}
	sum, in := binary.BigEndian.Uint32(in), in[crc32.Size:]
	if sum != crc32.Checksum(in, crc32.MakeTable(crc32.Castagnoli)) {
		return nil, damaged
	}
	for len(in) > 0 {
		w, ok := write{delete: in[0] == 0}, in[0] <= 1
		if w.key, in, ok = cutBytes(in[1:], ok); ok && !w.delete {
			w.value, in, ok = cutBytes(in, ok)
		}
		if !ok {
			return nil, damaged
		}
		writes = append(writes, w)
	}
	return writes, nil
}

func appendBytes(b, part []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

func cutBytes(in []byte, ok bool) (part, rest []byte, _ bool) {
	n, size := binary.Uvarint(in)
	if !ok || size <= 0 || n > uint64(len(in)-size) {
		return nil, nil, false
	}
	in = in[size:]
	return bytes.Clone(in[:n]), in[n:], true
}
