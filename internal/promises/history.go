package promises

import (
	"bytes"
	"iter"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// history is the journal of one scope, decoded.
type history struct {
	scope   Scope
	entries []*entry // by seq from 1
	lanes   map[string]map[journal.LaneSeq][]*entry
	// acts are, by record, what changed it or tried to, in order: mutations, what was let in, what the rules derived.
	acts map[ref][]*entry
	refs []ref // the keys of acts, by first appearance
	// later is the last ADMITTED entry of a mutation that had been kept back.
	later map[uint64]*entry
}

// ref names a record within a scope.
type ref struct {
	kind merge.Kind
	id   string
}

// entry is one entry of a journal.
type entry struct {
	*roundsv1.EntryHead
	content  journal.Hash
	mutation *roundsv1.Mutation // of an ADMITTED entry, the one that it lets in; nil where there is none
	base     uint64             // the version that the author is known to have seen; 0 where none
	rules    bool               // written by the rules, which see everything
	redacted bool               // its content was removed
}

func (e *entry) ref() ref {
	return ref{merge.Kind(e.GetRecord().GetKind()), e.GetRecord().GetId()}
}

func (e *entry) status() roundsv1.OutcomeStatus { return e.GetOutcome().GetStatus() }

// stands: whether what the entry says was merged.
func (e *entry) stands() bool {
	return e.status() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED || e.status() == roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED
}

func (e *entry) isMutation() bool { return e.GetType() == roundsv1.EntryType_ENTRY_TYPE_MUTATION }

// saw: whether the author of e knew what another, earlier entry wrote. Of its own device's writes one that was let in late knows those before it.
func (e *entry) saw(other *entry) bool {
	own := other.GetDeviceId() == e.GetDeviceId() && !other.rules && other.GetOutcome().GetTimeUs() <= e.GetOutcome().GetTimeUs()
	return e.rules || other.GetSeq() <= e.base || own
}

// read verifies a journal and decodes it as far as it can be decoded.
func (c *check) read(s Scope) *history {
	h := &history{scope: s, lanes: map[string]map[journal.LaneSeq][]*entry{}, acts: map[ref][]*entry{}, later: map[uint64]*entry{}}
	config := journal.Config{Scope: string(s.Name), Key: c.evidence.Key, Witnesses: slices.Clone(s.Witnesses)}
	for _, d := range c.evidence.Devices {
		for _, w := range d.Holds[s.Name].Witnesses {
			w.By = d.Name
			config.Witnesses = append(config.Witnesses, w)
		}
	}
	if _, err := journal.Verify(config, each(s.Journal)); err != nil {
		c.find(P12, s.Name, "%v", err)
	}
	for i, encoded := range s.Journal {
		head, content, _, err := journal.Open(encoded)
		if err != nil || head.GetSeq() != uint64(i+1) {
			break // told above
		}
		h.add(head, content)
	}
	return h
}

func each(entries [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, encoded := range entries {
			if !yield(encoded, nil) {
				return
			}
		}
	}
}

func (h *history) add(head *roundsv1.EntryHead, content []byte) {
	e := &entry{EntryHead: head, content: journal.Hash(head.GetContentHash()), rules: head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DERIVED,
		redacted: journal.Redacted(head, content)}
	if m := new(roundsv1.Mutation); len(content) > 0 && proto.Unmarshal(content, m) == nil {
		e.mutation = m
	}
	h.entries = append(h.entries, e)
	switch head.GetType() {
	case roundsv1.EntryType_ENTRY_TYPE_MUTATION:
		lane := h.lanes[head.GetDeviceId()]
		if lane == nil {
			lane = map[journal.LaneSeq][]*entry{}
			h.lanes[head.GetDeviceId()] = lane
		}
		seq := journal.LaneSeq(head.GetLaneSeq())
		lane[seq] = append(lane[seq], e)
	case roundsv1.EntryType_ENTRY_TYPE_ADMITTED:
		if cause := h.at(head.GetCause()); cause != nil {
			e.mutation, e.redacted = cause.mutation, cause.redacted
			h.later[head.GetCause()] = e
		}
	}
	h.know(e)
	if head.GetRecord() != nil {
		if _, known := h.acts[e.ref()]; !known {
			h.refs = append(h.refs, e.ref())
		}
		h.acts[e.ref()] = append(h.acts[e.ref()], e)
	}
}

// at returns the entry with a seq, nil where there is none.
func (h *history) at(seq uint64) *entry {
	if seq == 0 || seq > uint64(len(h.entries)) {
		return nil
	}
	return h.entries[seq-1]
}

// know works out what the author is known to have seen: the base, where the record had that version with that time.
func (h *history) know(e *entry) {
	base := h.at(e.mutation.GetBase())
	if base != nil && base.GetSeq() < e.GetSeq() && base.ref() == e.ref() && base.GetRecordTimeUs() == e.mutation.GetBaseTimeUs() {
		e.base = base.GetSeq()
	}
}

// final returns the last judgement of a mutation: its own, or that under which it was let in.
func (h *history) final(e *entry) *entry {
	if later := h.later[e.GetSeq()]; later != nil {
		return later
	}
	return e
}

// outcomes counts what the journals say.
func (c *check) outcomes(h *history) {
	for _, e := range h.entries {
		if !e.isMutation() {
			continue
		}
		c.counts.Taken++
		switch e.status() {
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED:
			c.counts.Applied++
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
			c.counts.Merged++
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT:
			c.counts.Conflicts++
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
			c.counts.Rejected++
		case roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
			c.counts.Quarantined++
		}
		c.clock(h, e)
	}
}

// clock holds an effective time against the rules that any clock must keep.
func (c *check) clock(h *history, e *entry) {
	at, most := e.GetOutcome().GetTimeUs(), e.GetTakenUs()
	if before := h.lanes[e.GetDeviceId()][journal.LaneSeq(e.GetLaneSeq()-1)]; len(before) > 0 {
		last := before[0].GetOutcome().GetTimeUs()
		if most = max(most, last+1); at <= last {
			c.find(P13, h.scope.Name, "entry %d is not later than the one before it in its lane", e.GetSeq())
		}
	}
	// A base counts where the mutation was judged against a record: not where it was refused before.
	if e.base != 0 && e.stands() {
		if most = max(most, e.mutation.GetBaseTimeUs()+1); at <= e.mutation.GetBaseTimeUs() {
			c.find(P13, h.scope.Name, "entry %d is not later than what its author saw", e.GetSeq())
		}
	} else if e.base != 0 {
		most = max(most, e.mutation.GetBaseTimeUs()+1)
	}
	if at > most && !e.redacted { // what its author saw stood in the content
		c.find(P13, h.scope.Name, "entry %d has an effective time later than the server's clock when it was taken", e.GetSeq())
	}
}

// ledgers holds the devices' own records against the journals.
func (c *check) ledgers() {
	claimed := map[store.Scope]map[*entry]bool{}
	for scope := range c.histories {
		claimed[scope] = map[*entry]bool{}
	}
	for _, d := range c.evidence.Devices {
		for _, q := range d.Queued {
			c.counts.Queued++
			h := c.histories[q.Scope]
			if h == nil {
				h = &history{scope: Scope{Name: q.Scope}}
			}
			c.ledger(d, q, h, claimed[q.Scope])
		}
	}
	taken := map[journal.Hash]*entry{}
	for _, s := range c.evidence.Scopes {
		for _, e := range c.histories[s.Name].entries {
			if !e.isMutation() {
				continue
			}
			if first := taken[e.content]; first != nil {
				c.counts.Duplicated++
				c.find(P2, s.Name, "entry %d of device %s holds again what entry %d of device %s holds",
					e.GetSeq(), e.GetDeviceId(), first.GetSeq(), first.GetDeviceId())
			}
			taken[e.content] = e
			if !claimed[s.Name][e] && !c.evidence.Strangers {
				c.find(P2, s.Name, "entry %d, lane seq %d of device %s, was queued by nobody", e.GetSeq(), e.GetLaneSeq(), e.GetDeviceId())
			}
		}
	}
}

// ledger holds one queued mutation against the journal.
func (c *check) ledger(d Device, q Queued, h *history, claimed map[*entry]bool) {
	found := h.lanes[q.Device][q.Lane]
	who := func() string { return d.Name + ", lane seq " + itoa(uint64(q.Lane)) + " of device " + q.Device }
	if len(found) == 0 {
		switch {
		case q.Status != 0:
			c.counts.Lost++
			c.find(P1, q.Scope, "%s: has the outcome %v, and is not in the journal", who(), q.Status)
		case d.Settled:
			c.counts.Lost++
			c.find(P6, q.Scope, "%s: was queued, and never taken", who())
		}
		return
	}
	e := found[0]
	if len(found) > 1 {
		c.find(P1, q.Scope, "%s: is in the journal %d times", who(), len(found))
	}
	for _, e := range found {
		claimed[e] = true
	}
	switch {
	case !bytes.Equal(e.content[:], q.Content[:]):
		c.counts.Lost++
		c.find(P1, q.Scope, "%s: entry %d holds other content", who(), e.GetSeq())
	case q.Status == 0 && d.Settled:
		c.find(P6, q.Scope, "%s: was taken as entry %d, and its outcome never arrived", who(), e.GetSeq())
	case q.Status != 0 && (q.Status != e.status() || q.Seq != journal.Seq(e.GetSeq())):
		c.find(P1, q.Scope, "%s: the device was told %v at %d, the journal says %v at %d", who(), q.Status, q.Seq, e.status(), e.GetSeq())
	}
	c.truth(q, h, e)
}

// truth holds an effective time against when it truly happened.
func (c *check) truth(q Queued, h *history, e *entry) {
	if q.Made.IsZero() || e.GetOutcome().GetTrust() != roundsv1.Trust_TRUST_A {
		return
	}
	made, at, tolerance := q.Made.UnixMicro(), e.GetOutcome().GetTimeUs(), c.evidence.Tolerance.Microseconds()
	most := made + tolerance
	if before := h.lanes[q.Device][q.Lane-1]; len(before) > 0 {
		most = max(most, before[0].GetOutcome().GetTimeUs()+1)
	}
	if e.base != 0 {
		most = max(most, e.mutation.GetBaseTimeUs()+1)
	}
	if at < made-tolerance || at > most && !e.redacted {
		c.find(P13, q.Scope, "entry %d: its time is trusted and is %d µs off", e.GetSeq(), at-made)
	}
}
