package journal

import "fmt"

// Kind is the kind of a fault.
type Kind string

// The kinds of faults that a Verifier finds.
const (
	// KindGarbled: the bytes are not an entry.
	KindGarbled Kind = "garbled"
	// KindContent: the content is not the one whose hash the head holds, or is gone though nobody redacted it.
	KindContent Kind = "content changed"
	// KindHead: the head is not what it was when the entry was sealed: the entries around it, or a witness, hold another hash.
	KindHead Kind = "head changed"
	// KindMissing: entries are missing, in the middle or, as a witness tells, at the end.
	KindMissing Kind = "missing"
	// KindReordered: the entry stands behind one that belongs behind it.
	KindReordered Kind = "reordered"
	// KindDuplicated: an entry with this seq stands in the journal already.
	KindDuplicated Kind = "duplicated"
	// KindRewritten: the chain holds, but is not the one that a witness saw: the past was sealed anew.
	KindRewritten Kind = "rewritten"
	// KindExtra: the entry stands behind the known head of the journal.
	KindExtra Kind = "behind the head"
	// KindMalformed: the entry is sealed well, but its fields contradict its type or its content.
	KindMalformed Kind = "malformed"
	// KindDevice: the mutation is of a device whose key is not known.
	KindDevice Kind = "unknown device"
	// KindLane: the mutation does not follow the one before it in its lane: a seq of the lane is doubled, missing or out of order.
	KindLane Kind = "lane broken"
	// KindUnsigned: no signature follows these mutations of a lane.
	KindUnsigned Kind = "not signed"
	// KindSignature: the signature is not that of the device over its lane as it stands in the journal.
	KindSignature Kind = "signature false"
	// KindOutcome: the mutation has no outcome, or that of another one.
	KindOutcome Kind = "outcome false"
	// KindCause: the entry follows from one that does not stand before it.
	KindCause Kind = "cause false"
)

// Fault is the first thing that is wrong with a journal. It is the error of a Verifier.
type Fault struct {
	// Scope is that of the journal.
	Scope string
	// Seq is the seq of the first bad entry: the place at which it stands, or at which a missing one should; of a duplicate, the seq
	// that it repeats.
	Seq Seq
	// Through is Seq where exactly that entry is bad. Where the evidence covers several entries (a signature over a run of a lane, a
	// witness of all that came before it), the first bad one is among Seq to Through.
	Through Seq
	// Kind says what is wrong.
	Kind Kind
	// Words is a sentence about it for the log and the auditor.
	Words string
}

var _ error = (*Fault)(nil)

// Error names the scope, the entry and what is wrong.
func (f *Fault) Error() string {
	if f.Through > f.Seq {
		return fmt.Sprintf("journal of %s: entries %d to %d: %s: %s", f.Scope, f.Seq, f.Through, f.Kind, f.Words)
	}
	return fmt.Sprintf("journal of %s: entry %d: %s: %s", f.Scope, f.Seq, f.Kind, f.Words)
}
