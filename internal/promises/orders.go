package promises

import (
	"math/rand/v2"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// step is one mutation of a record as it is merged again. Which of the others its author saw is told by a base and by the device, as for the
// server; so another order may move only what lies between two bases.
type step struct {
	*entry
	seq uint64
}

// orders merges the mutations of every record again: in the order of the journal, which must come to the record as it stands, and in others that
// each author could have seen as well, which must come to the same values.
func (c *check) orders(h *history) {
	if h.scope.Records == nil {
		return
	}
	random := rand.New(rand.NewPCG(c.evidence.Seed, uint64(len(h.entries))))
	for _, change := range h.scope.Records {
		kind, _ := merge.KindOf(change.GetRecord())
		r := ref{kind, change.GetRecordId()}
		p := h.past(r)
		steps := h.steps(r)
		if p == nil || len(steps) == 0 || kind == "conflict" {
			continue
		}
		want, ok := c.replay(h, r, steps)
		if !ok {
			continue
		}
		if field, differs := p.differ(body(want.GetRecord()), body(change.GetRecord())); differs {
			c.find(P4, h.scope.Name, "%s %s: %s: the journal does not come to what stands", r.kind, r.id, field)
			continue
		}
		for range c.evidence.Orders {
			other := shuffled(steps, random)
			if other == nil {
				break
			}
			c.counts.Orders++
			got, ok := c.replay(h, r, other)
			if !ok {
				break
			}
			if field, differs := p.differ(body(got.GetRecord()), body(want.GetRecord())); differs {
				c.find(P4, h.scope.Name, "%s %s: %s: another order comes to another value", r.kind, r.id, field)
			}
		}
	}
}

// steps returns what was merged into a record since it was made.
func (h *history) steps(r ref) []step {
	var steps []step
	for _, e := range h.acts[r] {
		switch {
		case !e.stands() || e.mutation == nil:
		case e.mutation.GetCommand().GetDelete() != nil:
			steps = nil
		case e.mutation.GetCommand() == nil:
			steps = append(steps, step{entry: e, seq: e.GetSeq()})
		}
	}
	return steps
}

// replay merges steps in an order.
func (c *check) replay(h *history, r ref, steps []step) (*roundsv1.Change, bool) {
	var current *roundsv1.Change
	for _, s := range steps {
		m := proto.CloneOf(s.mutation)
		m.Base, m.BaseTimeUs = s.base, 0
		in := merge.Input{Mutation: m, Stamp: &roundsv1.Stamp{Seq: s.seq, DeviceId: s.author(), TimeUs: s.GetOutcome().GetTimeUs(),
			PersonId: s.GetPersonId(), Roles: s.GetRoles()}}
		if s.rules {
			in.Capacity, in.Stamp.Roles = merge.Rules, []roundsv1.Role{roundsv1.Role_ROLE_SYSTEM}
		}
		if current == nil {
			m.Base = 0 // its base is a version of a record that was deleted since
		}
		result := merge.Apply(current, in)
		if result.Problem != nil {
			c.find(P4, h.scope.Name, "%s %s: entry %d is refused when it is merged again: %v %s", r.kind, r.id, s.GetSeq(),
				result.Problem.GetCode(), result.Problem.GetField())
			return nil, false
		}
		current = result.Change
	}
	return current, true
}

// shuffled returns the steps in another order that changes nothing of what each author saw: within the stretches between the bases, and each device's
// own in their order. It is nil where there is no other. What the rules wrote stays, for they saw all before it.
func shuffled(steps []step, random *rand.Rand) []step {
	var cuts []uint64
	for _, s := range steps {
		cuts = append(cuts, s.base)
		if s.rules {
			cuts = append(cuts, s.seq-1, s.seq)
		}
	}
	// The first makes the record, so it stays where it is.
	cuts = append(cuts, steps[0].seq)
	slices.Sort(cuts)
	out, moved := make([]step, 0, len(steps)), false
	for from := 0; from < len(steps); {
		to := from + 1
		for to < len(steps) && !between(cuts, steps[to-1].seq, steps[to].seq) {
			to++
		}
		part, changed := mixed(steps[from:to], random)
		out, moved = append(out, part...), moved || changed
		from = to
	}
	if !moved {
		return nil
	}
	for i := range out {
		out[i].seq = steps[i].seq
	}
	return out
}

// between: whether a base lies from one seq on and before another.
func between(cuts []uint64, from, to uint64) bool {
	i, _ := slices.BinarySearch(cuts, from)
	return i < len(cuts) && cuts[i] < to
}

// mixed draws an order in which each device keeps its own.
func mixed(steps []step, random *rand.Rand) (out []step, changed bool) {
	lanes := map[string][]step{}
	var order []string
	for _, s := range steps {
		lanes[s.author()] = append(lanes[s.author()], s)
		order = append(order, s.author())
	}
	drawn := slices.Clone(order)
	random.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	for _, author := range drawn {
		out = append(out, lanes[author][0])
		lanes[author] = lanes[author][1:]
	}
	return out, !slices.Equal(order, drawn)
}

// differ compares the fields that devices write.
func (p *past) differ(a, b protoreflect.Message) (string, bool) {
	for i := range p.desc.Fields().Len() {
		fd := p.desc.Fields().Get(i)
		policy := ruleOf(fd).GetPolicy()
		if policy == roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW || policy == roundsv1.MergePolicy_MERGE_POLICY_SERVER || p.unclear[fd.Number()] {
			continue
		}
		if read(a, fd, "") != read(b, fd, "") {
			return string(fd.Name()), true
		}
	}
	return "", false
}
