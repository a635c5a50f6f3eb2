package merge_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// scripted makes choices from bytes, and zeros when they are used up.
func scripted(script []byte) choose {
	return func(n int) int {
		if len(script) == 0 {
			return 0
		}
		b := int(script[0])
		script = script[1:]
		return b % n
	}
}

// FuzzApply folds whatever decodes into whatever decodes: it must not panic, and what comes out has one canonical encoding. Into
// a record that really grew it must yield one that is whole.
func FuzzApply(f *testing.F) {
	s := randomHistory(f, seeded(7), 8)
	for _, act := range []*roundsv1.Mutation{creation(), fact(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: "r"}}}), edit(withNewer(1), newer)} {
		b, _ := proto.Marshal(act)
		f.Add(marshal(f, s.now), b, []byte{3, 1, 2, 0, 4, 7}, uint64(1), false)
	}
	f.Fuzz(func(t *testing.T, current, mutation, script []byte, seq uint64, rules bool) {
		c, m := &roundsv1.Change{}, &roundsv1.Mutation{}
		if proto.Unmarshal(mutation, m) != nil {
			return
		}
		in := merge.Input{Mutation: m, Stamp: by(seq, "A", int64(seq))}
		if rules {
			in.Capacity = merge.Rules
		}
		if proto.Unmarshal(current, c) == nil {
			canonical(t, merge.Apply(c, in).Change)
			merge.Delta(c, seq)
		}
		canonical(t, merge.Apply(nil, in).Change)
		if kind, ok := merge.KindOfMutation(m); ok && kind == "ticket" {
			s := randomHistory(t, scripted(script), 5)
			in.Stamp = by(s.seq+1, "A", int64(seq>>1))
			if r := merge.Apply(s.now, in); r.Problem == nil {
				check(t, r.Change)
				patches(t, s.history[2], r.Change)
			}
		}
	})
}

func canonical(t *testing.T, c *roundsv1.Change) {
	t.Helper()
	if b, err := merge.Marshal(c); err == nil {
		if again := marshal(t, unmarshal(t, b)); !bytes.Equal(again, b) {
			t.Fatalf("not canonical:\n%x\n%x", b, again)
		}
	}
}

func patches(t *testing.T, local, server *roundsv1.Change) {
	t.Helper()
	page := merge.Delta(server, local.GetVersion())
	if page == nil || local.GetEvicted() {
		return
	}
	got, err := merge.Patch(local, page)
	if err != nil || !bytes.Equal(marshal(t, got), marshal(t, server)) {
		t.Fatalf("%v\n%v\n%v\n%v", err, page, got, server)
	}
}

// FuzzPatch lays whatever decodes on whatever decodes: it must not panic, and a record that really grew must come out right.
func FuzzPatch(f *testing.F) {
	s := randomHistory(f, seeded(7), 8)
	f.Add(marshal(f, s.history[2]), marshal(f, merge.Delta(s.now, s.history[2].GetVersion())), []byte{3, 1, 2, 0, 4, 7})
	f.Fuzz(func(t *testing.T, local, page, script []byte) {
		l, p := &roundsv1.Change{}, &roundsv1.Change{}
		if proto.Unmarshal(local, l) == nil && proto.Unmarshal(page, p) == nil {
			if got, err := merge.Patch(l, p); err == nil {
				canonical(t, got)
				merge.Hash(got)
			}
		}
		n := scripted(script)
		s := randomHistory(t, n, 8)
		patches(t, s.history[n(len(s.history))], s.now)
	})
}

// FuzzP4 looks for a history whose concurrent mutations come out otherwise in another order.
func FuzzP4(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		p4(t, scripted(script), 3)
	})
}
