package engine

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"slices"
	"testing"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// What stands in stores for years may not change: every key, byte for byte.
func TestGoldenKeys(t *testing.T) {
	id := uuid.MustParse("0199c0de-0000-7000-8000-00000000002a")
	const device = DeviceID("0199c0de-0000-7000-8000-0000000000dd")
	for name, c := range map[string]struct {
		key  []byte
		want string
	}{
		"head":      {headKey(), "6d"},
		"change":    {seqKey(tableChange, 258), "630000000000000102"},
		"record":    {recordKey(tableRecord, "ticket", id), "727469636b6574000199c0de00007000800000000000002a"},
		"journal":   {seqKey(tableJournal, 1<<40), "6a0000010000000000"},
		"lane":      {deviceKey(tableLane, device), "6c" + hex.EncodeToString([]byte(device))},
		"run":       {runKey(device, 7), "6f" + hex.EncodeToString([]byte(device)) + "000000000000000007"},
		"waiting":   {waitingKey("ticket", id, 9), "717469636b6574000199c0de00007000800000000000002a0000000000000009"},
		"tombstone": {seqKey(tableTombstone, 3), "740000000000000003"},
		"outcome":   {seqKey(tableOutcome, 3), "750000000000000003"},
		"device":    {deviceKey(tableDevice, device), "64" + hex.EncodeToString([]byte(device))},
		"index":     {indexKey("taken", []byte("a\x00b")), "6974616b656e00610062"},
		"version":   {indexStateKey(), "76"},
		"built":     {(&indexState{phase: indexDone, version: "v1"}).encode(), "00027631"},
		"clearing":  {(&indexState{phase: indexClearing, version: "v1"}).encode(), "01027631"},
		"filling":   {(&indexState{phase: indexFilling, version: "v1", through: []byte("rx")}).encode(), "020276317278"},
		"stale":     {(&indexState{phase: indexStale}).encode(), "0300"},
		"redaction": {redactionKey(recordName{"photo", id.String()}), "7870686f746f000199c0de00007000800000000000002a"},
		"redacting": {(&redaction{through: 258, fields: []uint32{12, 300}, reason: "law"}).encode(), "0000000000000102020cac026c6177"},
		"history":   {historyKey(recordKey(tableHistory, "ticket", id), 258), "687469636b6574000199c0de00007000800000000000002a0000000000000102"},
		"unread":    {historyKey(recordKey(tableHistory, "", id), 1), "68000199c0de00007000800000000000002a0000000000000001"},
		"histories": {historiesKey(), "79"},
		"gaps":      {encodeGaps([]uint64{258, 259, 600}), "01d502"},
		"act":       {actKey("p", id), "6170000199c0de00007000800000000000002a"},
		"seq":       {seqValue(258), "0000000000000102"},
		"cursor": {cursor{epoch: epoch{1, 2, 3, 4, 5, 6, 7, 8}, complete: 300, seq: 301, began: 302}.encode(),
			"010102030405060708ac02ad02ae02"},
	} {
		if got := hex.EncodeToString(c.key); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := conflictID("device", "\x05"); got != "95ee2c2b-5cb1-510d-aa83-4b05749ed369" {
		t.Errorf("a conflict's id: %s", got)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(cursor{epoch: epoch{1}, complete: 3, seq: 1 << 40, began: 5}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCursor(b)
		if err != nil {
			return
		}
		again, err := decodeCursor(c.encode())
		if err != nil || again != c {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
		head := &roundsv1.ScopeHead{Epoch: bytes.Repeat([]byte{1}, 8), Seq: 10, Floor: 3}
		if !reset(c, head) && (c.seq > 10 || (c.complete > 0 && c.complete < 3)) {
			t.Fatalf("%+v is let through", c)
		}
	})
}

func FuzzGaps(f *testing.F) {
	f.Add(uint64(258), encodeGaps([]uint64{258, 259, 600}))
	f.Fuzz(func(t *testing.T, first uint64, b []byte) {
		seqs, err := decodeGaps(nil, first, b)
		if err != nil {
			return
		}
		if again, err := decodeGaps(nil, first, encodeGaps(seqs)); err != nil || !slices.Equal(again, seqs) || !slices.IsSorted(seqs) {
			t.Fatalf("%v became %v, %v", seqs, again, err)
		}
	})
}

func FuzzRedaction(f *testing.F) {
	f.Add((&redaction{through: 258, fields: []uint32{12, 300}, reason: "law"}).encode(), (&indexState{version: "v", through: []byte("r")}).encode())
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if r, err := decodeRedaction(a); err == nil {
			if again, err := decodeRedaction(r.encode()); err != nil || !reflect.DeepEqual(again, r) {
				t.Fatalf("%+v became %+v, %v", r, again, err)
			}
		}
		if s, err := decodeIndexState(b); err == nil {
			if again, err := decodeIndexState(s.encode()); err != nil || !reflect.DeepEqual(again, s) {
				t.Fatalf("%+v became %+v, %v", s, again, err)
			}
		}
	})
}
