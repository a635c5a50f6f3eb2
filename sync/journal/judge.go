package journal

import (
	"crypto/ed25519"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// entry is one entry as the verifier needs it: nothing of it shares memory with the encoded one.
type entry struct {
	head       *roundsv1.EntryHead
	hash       Hash
	previous   Hash
	content    Hash   // as the head says
	fits       bool   // the content has that hash, or is gone
	redacted   bool   // it is gone
	recordID   string // that the content names
	readable   bool   // the content is a message
	unreadable error  // not an entry: nothing above is set
}

// read decodes an entry.
func read(encoded []byte) *entry {
	head, content, hash, err := open(encoded)
	if err != nil {
		return &entry{unreadable: err}
	}
	e := &entry{head: head, hash: hash, previous: Hash(head.Previous), content: Hash(head.ContentHash)}
	e.redacted = Redacted(head, content)
	e.fits = e.redacted || ContentHash(content) == e.content
	e.recordID, e.readable = recordID(content)
	return e
}

// recordID finds the record_id of an encoded Mutation, as the decoder of any language would.
func recordID(content []byte) (id string, ok bool) {
	for len(content) > 0 {
		number, kind, n := protowire.ConsumeTag(content)
		if n < 0 {
			return "", false
		}
		content = content[n:]
		if n = protowire.ConsumeFieldValue(number, kind, content); n < 0 {
			return "", false
		}
		if number == 1 && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(content)
			id = string(value)
		}
		content = content[n:]
	}
	return id, true
}

// evidence is what is known of an entry's hash from outside the entry.
type evidence int

const (
	unknown   evidence = iota
	stands             // the entry has the hash that others hold of it
	alone              // the entry behind it holds another hash of it: this one was changed after it was sealed, or that one was
	rewritten          // a witness holds another hash, and the entry behind does not take its side
)

// weigh asks the entry behind and the witness of this place whether cur is what was sealed here. Disagreeing is the witness that does.
func (v *Verifier) weigh(at Seq, cur, next *entry) (found evidence, disagreeing Witness) {
	held, told := Hash{}, false
	if next != nil && next.unreadable == nil && Seq(next.head.Seq) == at+1 {
		held, told = next.previous, true
	}
	for _, w := range v.witnesses {
		if w.Seq != at {
			break // They are sorted, and those of earlier entries are gone.
		}
		if w.Hash != cur.hash {
			if told && held == w.Hash {
				return alone, w
			}
			return rewritten, w
		}
		found = stands
	}
	switch {
	case found == stands || !told:
		return found, Witness{}
	case held == cur.hash:
		return stands, Witness{}
	}
	return alone, Witness{}
}

// judge finds what is wrong with cur, which follows all that the report counts, or with the entry before it. If it is right, it is
// counted.
func (v *Verifier) judge(cur, next *entry) *Fault {
	at := v.report.Entries + 1
	if cur.unreadable != nil {
		return v.faultf(at, KindGarbled, "%v", cur.unreadable)
	}
	for len(v.witnesses) > 0 && v.witnesses[0].Seq < at {
		v.witnesses = v.witnesses[1:]
	}
	found, witness := v.weigh(at, cur, next)
	if fault := v.place(at, cur, next, found); fault != nil {
		return fault
	}
	if head := v.config.Head; head != nil && at > head.Seq {
		return v.faultf(at, KindExtra, "%s knows %d as the last entry", head.who(), head.Seq)
	}
	moved, fault := v.inside(at, cur)
	switch {
	case found == alone && fault != nil:
		// What is wrong inside is the doing of who changed it.
		return v.faultf(at, KindHead, "its hash is not the one that was chained: %s", fault.Words)
	case found == alone && witness.Seq == at:
		return v.faultf(at, KindHead, "the entry behind it and %s know it by hash %s, not %s", witness.who(), witness.Hash.short(), cur.hash.short())
	case fault != nil:
		if found == rewritten {
			fault.Seq = max(fault.Seq, v.confirmed+1) // A witness saw those before as they are.
		}
		return fault
	case found == rewritten:
		fault = v.faultf(v.confirmed+1, KindRewritten, "%s knows entry %d by hash %s, not %s", witness.who(), at, witness.Hash.short(), cur.hash.short())
		fault.Through = at
		return fault
	}
	v.report.Entries, v.report.Head = at, cur.hash
	if moved.device != "" {
		v.lanes[moved.device] = moved
		v.report.Mutations++
		if moved.unsigned == 0 {
			v.report.Signatures++
		}
	}
	for ; len(v.witnesses) > 0 && v.witnesses[0].Seq == at; v.witnesses = v.witnesses[1:] {
		v.confirmed = at
		v.report.Witnesses++
	}
	if cur.head.Type == roundsv1.EntryType_ENTRY_TYPE_DESK {
		v.report.Attested++
	}
	if cur.redacted {
		v.report.Redacted++
	}
	return nil
}

// place finds whether cur stands where it belongs.
func (v *Verifier) place(at Seq, cur, next *entry, found evidence) *Fault {
	seq, chained := Seq(cur.head.Seq), cur.previous == v.report.Head
	switch {
	case seq == at && chained:
		return nil
	case seq == at && at == 1:
		return v.faultf(1, KindHead, "the first entry holds %s as the hash of one before it", cur.previous.short())
	case seq == at:
		return v.unchained(at, cur, found)
	case chained && (found == alone || found == rewritten):
		return v.faultf(at, KindHead, "its hash is not the one that was chained: it says seq %d", seq)
	case seq > at && next != nil && next.unreadable == nil && Seq(next.head.Seq) == at:
		return v.faultf(at, KindReordered, "it stands behind entry %d", seq)
	case seq > at:
		fault := v.faultf(at, KindMissing, "entry %d follows on %d", seq, at-1)
		fault.Through = seq - 1
		return fault
	case chained:
		return v.faultf(at, KindDuplicated, "an entry in its place repeats seq %d", seq)
	}
	return v.faultf(seq, KindDuplicated, "it stands again behind entry %d", at-1)
}

// unchained tells which of two entries was changed, where cur holds another hash of the one before it than that one has.
func (v *Verifier) unchained(at Seq, cur *entry, found evidence) *Fault {
	const words = "entry %d holds %s as the hash of entry %d, which is %s"
	fault := v.faultf(at, KindHead, words, at, cur.previous.short(), at-1, v.report.Head.short())
	switch {
	case v.confirmed == at-1 || found == alone || found == rewritten:
		// The one before is as a witness saw it, or cur has not its own hash either.
	case found == stands:
		fault.Seq, fault.Through = at-1, at-1
	default:
		fault.Seq = at - 1
	}
	return fault
}

// inside finds what is wrong with an entry in its place. Moved is its lane behind it, when it is a device's mutation and right.
func (v *Verifier) inside(at Seq, cur *entry) (moved lane, fault *Fault) {
	h := cur.head
	empty := !cur.redacted && cur.content == ContentHash(nil)
	bare := h.Type == roundsv1.EntryType_ENTRY_TYPE_ADMITTED || h.Type == roundsv1.EntryType_ENTRY_TYPE_EVICTED
	switch {
	case !cur.fits:
		fault = v.faultf(at, KindContent, "the content has not the hash %s that its head holds", cur.content.short())
	case cur.redacted && v.config.MayRedact != nil && !v.config.MayRedact(at):
		fault = v.faultf(at, KindContent, "the content is gone, and no redaction is known")
	case h.Type < roundsv1.EntryType_ENTRY_TYPE_MUTATION || h.Type > roundsv1.EntryType_ENTRY_TYPE_DESK:
		fault = v.faultf(at, KindMalformed, "no type %d of entries is known", h.Type)
	case h.ActId != "" && h.Type != roundsv1.EntryType_ENTRY_TYPE_DESK:
		fault = v.faultf(at, KindMalformed, "an entry of type %s with the id of an act through the server", h.Type)
	case h.Type == roundsv1.EntryType_ENTRY_TYPE_MUTATION && h.Record == nil:
		// The bytes are what the device signed, and no mutation that the server could read.
		return v.mutation(at, cur)
	case empty != bare:
		fault = v.faultf(at, KindMalformed, "content where its type %s has none, or none where it has", h.Type)
	case !cur.redacted && !cur.readable:
		fault = v.faultf(at, KindMalformed, "the content is no message")
	case h.Type == roundsv1.EntryType_ENTRY_TYPE_DESK && h.Record == nil:
		// The act is of a kind, or about an id, that the server did not know.
		fault = v.desk(at, h)
	case !cur.redacted && !bare && !strings.EqualFold(cur.recordID, h.Record.GetId()):
		fault = v.faultf(at, KindMalformed, "the content is about record %q, the head about %q", cur.recordID, h.Record.GetId())
	case h.Type == roundsv1.EntryType_ENTRY_TYPE_MUTATION:
		return v.mutation(at, cur)
	case h.Type == roundsv1.EntryType_ENTRY_TYPE_DESK:
		fault = v.desk(at, h)
	case len(h.Signature) > 0:
		fault = v.faultf(at, KindMalformed, "an entry of the server with a device's signature")
	case h.Cause >= uint64(at) || h.Cause == 0 && h.Type == roundsv1.EntryType_ENTRY_TYPE_ADMITTED:
		fault = v.faultf(at, KindCause, "it follows from entry %d, which is none before it", h.Cause)
	case h.LaneSeq == 0:
	case h.Type != roundsv1.EntryType_ENTRY_TYPE_ADMITTED:
		fault = v.faultf(at, KindMalformed, "an entry of the server's own in a lane")
	case LaneSeq(h.LaneSeq) > v.lanes[h.DeviceId].seq || h.Outcome.GetLaneSeq() != h.LaneSeq:
		// What is let in may name the mutation that waited.
		fault = v.faultf(at, KindOutcome, "it lets lane seq %d of device %q in, which was not taken, with the outcome of %d", h.LaneSeq,
			h.DeviceId, h.Outcome.GetLaneSeq())
	}
	return lane{}, fault
}

// desk finds what is wrong with the head of a person's act through the server.
func (v *Verifier) desk(at Seq, h *roundsv1.EntryHead) *Fault {
	switch {
	case len(h.Signature) > 0:
		return v.faultf(at, KindMalformed, "an act through the server with a device's signature")
	case h.LaneSeq != 0 || h.Outcome.GetLaneSeq() != 0:
		return v.faultf(at, KindMalformed, "an act through the server in a lane")
	case h.ActId == "" || h.PersonId == "" || h.DeviceId == "":
		return v.faultf(at, KindMalformed, "an act through the server of nobody, or without an id")
	case h.Outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_UNSPECIFIED:
		return v.faultf(at, KindOutcome, "an act through the server without an outcome")
	case h.Outcome.Seq != uint64(at):
		return v.faultf(at, KindOutcome, "it has the outcome of entry %d", h.Outcome.Seq)
	case h.Cause != 0:
		return v.faultf(at, KindCause, "an act through the server that follows from entry %d", h.Cause)
	}
	return nil
}

// lane is one device's lane as far as it is verified.
type lane struct {
	device   string
	key      ed25519.PublicKey
	seq      LaneSeq
	head     Hash
	unsigned Seq // the first entry that no signature covers yet; 0: none
	last     Seq // the last entry of the lane
}

// mutation finds what is wrong with a device's mutation, and returns its lane behind it.
func (v *Verifier) mutation(at Seq, cur *entry) (lane, *Fault) {
	h := cur.head
	switch {
	case h.Outcome == nil || h.Outcome.Status == roundsv1.OutcomeStatus_OUTCOME_STATUS_UNSPECIFIED:
		return lane{}, v.faultf(at, KindOutcome, "a mutation without an outcome")
	case h.Outcome.Seq != uint64(at) || h.Outcome.LaneSeq != h.LaneSeq:
		return lane{}, v.faultf(at, KindOutcome, "lane seq %d has the outcome of entry %d, lane seq %d", h.LaneSeq, h.Outcome.Seq, h.Outcome.LaneSeq)
	case h.Cause != 0:
		return lane{}, v.faultf(at, KindCause, "a mutation that follows from entry %d", h.Cause)
	}
	l, known := v.lanes[h.DeviceId]
	if !known {
		l = lane{device: h.DeviceId, head: LaneStart(h.DeviceId, v.config.Scope)}
		if v.config.Key != nil && h.DeviceId != "" {
			l.key = v.config.Key(h.DeviceId)
		}
		if len(l.key) != ed25519.PublicKeySize {
			return lane{}, v.faultf(at, KindDevice, "no key of device %q is known", h.DeviceId)
		}
	}
	switch seq := LaneSeq(h.LaneSeq); {
	case seq <= l.seq:
		return lane{}, v.faultf(at, KindLane, "device %s: lane seq %d again, behind %d", l.device, seq, l.seq)
	case seq != l.seq+1:
		return lane{}, v.faultf(at, KindLane, "device %s: lane seq %d follows on %d", l.device, seq, l.seq)
	}
	l.seq, l.head, l.last = l.seq+1, LaneNextHashed(l.head, cur.content), at
	if l.unsigned == 0 {
		l.unsigned = at
	}
	if len(h.Signature) == 0 {
		return l, nil
	}
	if !VerifyHead(l.key, l.head, h.Signature) {
		fault := v.faultf(l.unsigned, KindSignature, "device %s did not sign its lane as it stands here, through lane seq %d", l.device, l.seq)
		fault.Through = at
		return lane{}, fault
	}
	l.unsigned = 0
	return l, nil
}
