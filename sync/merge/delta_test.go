package merge_test

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// randomHistory lets one record live, with rules, evictions and a deletion at times.
func randomHistory(t testing.TB, n choose, length int) *server {
	s := &server{t: t}
	lanes, known := map[string]*lane{}, map[int]int64{}
	for i := range length {
		if s.now != nil && n(12) == 0 {
			s.seq++
			s.now = proto.CloneOf(s.now)
			s.now.Version, s.now.Evicted = s.seq, true
		}
		if s.now != nil && n(5) == 0 {
			s.seq++
			r := merge.Apply(s.now, merge.Input{Capacity: merge.Rules, Stamp: by(s.seq, "", known[i]+1),
				Mutation: edit(&roundsv1.Ticket{State: roundsv1.TicketState(n(4)), Title: "by rule"}, []merge.FieldNumber{state, title}[n(2)])})
			if r.Problem != nil {
				t.Fatal(r.Problem)
			}
			s.now = r.Change
			check(t, s.now)
		}
		st := randomSteps(n, 1, []int{n(i + 1)}, known, lanes, i > 0)[0]
		if i == 0 {
			st.act = edit(&roundsv1.Ticket{Title: "leak", Tags: []string{"a"}})
		}
		s.arrive(st)
		known[i+1] = max(known[i], st.time)
	}
	return s
}

// TestP3Patch: wherever a device stood, what it is sent brings it to the server's record, to the byte.
func TestP3Patch(t *testing.T) {
	deltas := 0
	for seed := range uint64(patchSeeds) {
		s := randomHistory(t, seeded(seed), 12)
		var encoded [][]byte
		for _, c := range s.history {
			encoded = append(encoded, marshal(t, c))
		}
		for i, local := range append([]*roundsv1.Change{nil}, s.history...) {
			for j := max(i-1, 0); j < len(s.history); j++ {
				server := s.history[j]
				since := local.GetVersion()
				page := merge.Delta(server, since)
				if page == nil {
					if server.GetVersion() != since {
						t.Fatalf("seed %d: %d to %d: nothing to send", seed, i, j)
					}
					page = server
				}
				if len(page.GetDeltaFields()) > 0 {
					deltas++
				}
				device := local
				if device.GetEvicted() {
					device = nil // dropped
				}
				got, err := merge.Patch(unmarshalOr(t, device), unmarshal(t, marshal(t, page)))
				if err != nil {
					t.Fatalf("seed %d: %d to %d: %v", seed, i, j, err)
				}
				if !bytes.Equal(marshal(t, got), encoded[j]) {
					t.Fatalf("seed %d: %d to %d:\nlocal %v\npage %v\ngot %v\nwant %v", seed, i, j, local, page, got, server)
				}
			}
		}
	}
	if deltas < 1000 {
		t.Errorf("only %d deltas", deltas)
	}
}

func unmarshalOr(t testing.TB, c *roundsv1.Change) *roundsv1.Change {
	if c == nil {
		return nil
	}
	return unmarshal(t, marshal(t, c))
}

// TestDelta: a delta is what differs and no more.
func TestDelta(t *testing.T) {
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&roundsv1.Ticket{Title: "x", Tags: []string{"a", "b"}, ContactPhone: "1"})})
	s.arrive(step{device: "B", time: 2, base: 1, act: editRemoving(&roundsv1.Ticket{}, &roundsv1.Ticket{Tags: []string{"a"}}, tags)})
	s.arrive(step{device: "C", time: 3, base: 1, act: edit(&roundsv1.Ticket{}, phone)})
	d := merge.Delta(s.now, 3)
	want := &roundsv1.Change{
		RecordId: recordID, Version: 9, TimeUs: 3, Entered: 3, DeltaFields: []uint32{uint32(tags), uint32(phone)},
		Record: ticket(&roundsv1.Ticket{Tags: []string{"b"}}),
		Writes: []*roundsv1.Write{
			{Stamp: by(3, "A", 1), Elements: []*roundsv1.ElementKey{{Field: uint32(tags), Key: "b"}}},
			{Stamp: by(6, "B", 2), Touched: []uint32{uint32(tags)}},
			{Stamp: by(9, "C", 3), Shown: []uint32{uint32(phone)}},
		},
	}
	if !proto.Equal(d, want) {
		t.Errorf("%v\nwant: %v", d, want)
	}
	if d := merge.Delta(s.now, 9); d != nil {
		t.Errorf("who has it is sent %v", d)
	}
	if d := merge.Delta(s.now, 2); d != s.now {
		t.Errorf("who has less than its creation is sent %v", d)
	}
	gone := merge.Tombstone(s.now, by(12, "A", 4))
	if d := merge.Delta(gone, 9); d != gone || d.GetRecord().GetTicket() == nil || !d.GetDeleted() {
		t.Errorf("tombstone: %v", d)
	}
	if merge.Tombstone(nil, by(1, "A", 1)) != nil {
		t.Error("a tombstone of nothing")
	}
}

// TestPatchRefuses: a delta that does not fit is refused, and not laid on something else.
func TestPatchRefuses(t *testing.T) {
	s := &server{t: t}
	s.arrive(step{device: "A", time: 1, act: edit(&roundsv1.Ticket{Title: "x", ContactPhone: "1"})})
	s.arrive(step{device: "C", time: 3, base: 1, act: edit(&roundsv1.Ticket{}, phone)})
	page, local := merge.Delta(s.now, 3), s.history[0]
	with := func(f func(c *roundsv1.Change)) *roundsv1.Change {
		c := proto.CloneOf(local)
		f(c)
		return c
	}
	for name, local := range map[string]*roundsv1.Change{
		"nothing": nil, "a delta": page,
		"tombstone":      with(func(c *roundsv1.Change) { c.Deleted = true }),
		"evicted":        with(func(c *roundsv1.Change) { c.Evicted = true }),
		"another record": with(func(c *roundsv1.Change) { c.RecordId = "other" }),
		"another kind":   with(func(c *roundsv1.Change) { c.Record = &roundsv1.Record{Kind: &roundsv1.Record_Site{}} }),
		"newer":          with(func(c *roundsv1.Change) { c.Version = 99 }),
		"an older life":  with(func(c *roundsv1.Change) { c.Entered = 2 }),
	} {
		if got, err := merge.Patch(local, page); !errors.Is(err, merge.ErrPatch) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := merge.Patch(local, nil); !errors.Is(err, merge.ErrPatch) {
		t.Errorf("no page: %v", err)
	}
}

// TestPatchNewerKind: a kind that this build does not know is kept to the byte, too.
func TestPatchNewerKind(t *testing.T) {
	kind := func(fields ...protowire.Number) *roundsv1.Record {
		var b []byte
		for _, f := range fields {
			b = protowire.AppendVarint(protowire.AppendTag(b, f, protowire.VarintType), uint64(f))
		}
		r := &roundsv1.Record{}
		r.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 99, protowire.BytesType), b))
		return r
	}
	now := &roundsv1.Change{RecordId: recordID, Version: 9, TimeUs: 2, Entered: 3, Record: kind(1, 2, 3), Writes: []*roundsv1.Write{
		{Stamp: by(3, "A", 1), Shown: []uint32{1, 3}}, {Stamp: by(9, "B", 2), Shown: []uint32{2}}}}
	local := &roundsv1.Change{RecordId: recordID, Version: 3, TimeUs: 1, Entered: 3, Record: kind(1, 3), Writes: []*roundsv1.Write{
		{Stamp: by(3, "A", 1), Shown: []uint32{1, 3}}}}
	page := merge.Delta(now, 3)
	if len(page.GetDeltaFields()) != 1 || !proto.Equal(page.GetRecord(), kind(2)) {
		t.Fatalf("%v", page)
	}
	got, err := merge.Patch(local, page)
	if err != nil || !bytes.Equal(marshal(t, got), marshal(t, now)) {
		t.Errorf("%v, %v\nwant: %v", got, err, now)
	}
	if _, ok := merge.KindOf(now.GetRecord()); ok {
		t.Error("the kind is known")
	}
}
