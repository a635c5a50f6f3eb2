package merge_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestMarshalGolden: the canonical bytes are kept, and hashed, by servers and devices of every build. They never change.
func TestMarshalGolden(t *testing.T) {
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&roundsv1.Ticket{Title: "x", Tags: []string{"b", "a"}, ContactPhone: "1"})})
	s.arrive(step{device: "B", time: 2, act: edit(&roundsv1.Ticket{ContactPhone: "2"}, phone)})
	s.arrive(step{device: "C", time: 3, act: editRemoving(&roundsv1.Ticket{Attributes: map[string]string{"k": "v", "j": ""}},
		&roundsv1.Ticket{Attributes: map[string]string{"gone": ""}}, settings)})
	got := hex.EncodeToString(marshal(t, s.now))
	const want = "0a2430313939633064652d303030302d373030302d383030302d30303030303030303030303110091a1f0a1d0a01785a01615a01627a01318a01050a016a12008a01060a016b12017622200a0c080312014118012203702d411202010f2a05080b1201612a05080b12016222180a0c080612014218022203702d421a010f22050a037a013222260a0c080912014318032203702d432a0808111204676f6e652a05081112016a2a05081112016b28034803"
	if got != want {
		t.Errorf("encoded as\n%s", got)
	}
}

// TestMarshalAcrossBuilds: a build that does not know a field encodes a record as one that does.
func TestMarshalAcrossBuilds(t *testing.T) {
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&roundsv1.Ticket{Title: "x", Location: &roundsv1.Location{PlaceId: "p", Words: "w", Source: 3}})})
	known := marshal(t, s.now)

	// As a build would hold it that knows neither Ticket.title nor Location.place_id nor Change.version.
	old := proto.CloneOf(s.now)
	forget := func(m proto.Message, f protowire.Number, name string, raw []byte) {
		r := m.ProtoReflect()
		r.Clear(r.Descriptor().Fields().ByNumber(f))
		r.SetUnknown(raw)
	}
	forget(old.GetRecord().GetTicket(), 1, "title", protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "x"))
	forget(old.GetRecord().GetTicket().GetLocation(), 1, "place_id", protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "p"))
	forget(old, 2, "version", protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 3))
	if got := marshal(t, old); !bytes.Equal(got, known) {
		t.Errorf("%x\nwant: %x", got, known)
	}
}

// TestStateHash: the sum does not depend on the order, and what is taken out leaves no trace.
func TestStateHash(t *testing.T) {
	var all []merge.StateHash
	for i := range 50 {
		s := &server{t: t}
		s.arrive(step{device: "A", time: int64(i + 1), act: edit(&roundsv1.Ticket{Title: "x"})})
		h := merge.Hash(s.now)
		if h == (merge.StateHash{}) || h != merge.HashEncoded(marshal(t, s.now)) {
			t.Fatalf("%x", h)
		}
		all = append(all, h)
		for name, c := range map[string]*roundsv1.Change{
			"deleted": merge.Tombstone(s.now, by(9, "A", 9)),
			"evicted": {RecordId: "x", Version: 9, Record: s.now.GetRecord(), Writes: s.now.GetWrites(), Evicted: true, Entered: 3},
			"nil":     nil,
		} {
			if h := merge.Hash(c); h != (merge.StateHash{}) || merge.HashEncoded(marshal(t, c)) != h {
				t.Errorf("%s: %x", name, h)
			}
		}
	}
	var up, down, sum merge.StateHash
	for i := range all {
		up.Add(all[i])
		down.Add(all[len(all)-1-i])
	}
	if up != down || up == (merge.StateHash{}) {
		t.Errorf("%x\n%x", up, down)
	}
	for _, h := range all {
		up.Sub(h)
	}
	if up != sum {
		t.Errorf("left over: %x", up)
	}
	sum.Sub(merge.StateHash{31: 1})
	for i := range sum {
		if sum[i] != 0xff {
			t.Fatalf("0 - 1 = %x", sum)
		}
	}
	sum.Add(merge.StateHash{31: 2})
	if sum != (merge.StateHash{31: 1}) {
		t.Errorf("2^256 - 1 + 2 = %x", sum)
	}
}
