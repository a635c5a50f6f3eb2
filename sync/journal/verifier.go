package journal

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// ErrFinished is the error of Add behind Finish.
var ErrFinished = errors.New("journal: the verifier has finished")

// Witness is what somebody knows of a journal from elsewhere: the hash of the entry with this seq. Devices keep the head that came
// with each complete pull. A witness of an earlier epoch says nothing of a journal that was restored from a backup: leave it out.
type Witness struct {
	Seq  Seq
	Hash Hash
	// By names who knows it, for the words of a fault; may be empty.
	By string
}

// Config says what a journal is verified against.
type Config struct {
	// Scope is the scope of the journal. Lanes are hashed with it: a journal of another scope does not verify.
	Scope string
	// Key returns the public key that a device enrolled, nil for one that never did. It is asked once for each lane. A nil Key knows
	// no device.
	Key func(device string) ed25519.PublicKey
	// Witnesses are checked where the journal reaches their seq, and one that it does not reach is a fault. In any order; those of seq 0
	// say nothing.
	Witnesses []Witness
	// Head, when it is known, is the last entry: the journal must end in it.
	Head *Witness
	// MayRedact tells whether the content of an entry may be gone. Nil: of any entry; the Report counts them.
	MayRedact func(Seq) bool
}

// Lane is what a Report says of one lane.
type Lane struct {
	Device string
	// Seq is the last lane seq, Head the lane's hash there.
	Seq  LaneSeq
	Head Hash
}

// Report says what was verified.
type Report struct {
	// Entries is the number of entries, and the seq of the last one. Head is its hash.
	Entries Seq
	Head    Hash
	// Mutations, Signatures and Redacted count entries: those of devices, those with a signature, those without the content they had.
	Mutations, Signatures, Redacted int
	// Attested counts the acts of people through the server, which no device signed: that they did them stands on the server's word alone.
	Attested int
	// Lanes are sorted by device.
	Lanes []Lane
	// Witnesses counts those that agree, the known head among them.
	Witnesses int
}

// Verifier reads a journal from its first entry to its last and finds the first fault. It keeps one entry and about 200 bytes for each
// lane. Make one with NewVerifier; it is not for concurrent use.
type Verifier struct {
	config    Config
	witnesses []Witness // by seq, those not passed
	lanes     map[string]lane
	report    Report
	pending   *entry // read, not judged: the entry behind it is evidence, too
	confirmed Seq    // the last seq that a witness confirms
	finished  bool
	fault     *Fault
}

// NewVerifier returns a Verifier of one journal.
func NewVerifier(config Config) *Verifier {
	v := &Verifier{config: config, lanes: map[string]lane{}}
	v.witnesses = slices.DeleteFunc(slices.Clone(config.Witnesses), func(w Witness) bool { return w.Seq == 0 })
	if config.Head != nil && config.Head.Seq > 0 {
		v.witnesses = append(v.witnesses, *config.Head)
	}
	slices.SortStableFunc(v.witnesses, func(a, b Witness) int { return cmp.Compare(a.Seq, b.Seq) })
	return v
}

// Verify reads all entries and returns what Finish of a Verifier does. An error of the entries' source ends the journal where it
// comes, and is returned as it is, unless the entries before it hold a fault.
func Verify(config Config, entries iter.Seq2[[]byte, error]) (Report, error) {
	v := NewVerifier(config)
	for encoded, err := range entries {
		if err == nil {
			err = v.Add(encoded)
		} else if fault := v.settle(nil); fault != nil {
			err = fault
		}
		if err != nil {
			return v.sum(), err
		}
	}
	return v.Finish()
}

// Add reads the next entry, and may keep nothing of encoded. Its error is a *Fault, in this entry or in the one before it, which is
// judged when this one is known; after a fault, it is that fault again.
func (v *Verifier) Add(encoded []byte) error {
	switch {
	case v.fault != nil:
		return v.fault
	case v.finished:
		return ErrFinished
	}
	next := read(encoded)
	fault := v.settle(next)
	v.pending = next
	if fault != nil {
		return fault
	}
	return nil
}

// Finish ends the journal behind the last entry added. The Report holds what was verified, up to the fault where there is one. The
// error is nil or a *Fault. Finish may be called again.
func (v *Verifier) Finish() (Report, error) {
	if fault := v.settle(nil); fault != nil {
		return v.sum(), fault
	}
	if !v.finished {
		v.finished = true
		v.fault = v.ending()
	}
	if v.fault != nil {
		return v.sum(), v.fault
	}
	return v.sum(), nil
}

// settle judges the pending entry, if there is one, before next, which is nil at the end.
func (v *Verifier) settle(next *entry) *Fault {
	if v.fault == nil && v.pending != nil {
		v.fault = v.judge(v.pending, next)
		v.pending = nil
	}
	return v.fault
}

// ending finds what can be wrong only with the end of a journal.
func (v *Verifier) ending() *Fault {
	last := v.report.Entries
	if n := len(v.witnesses); n > 0 {
		w := v.witnesses[n-1]
		f := v.faultf(last+1, KindMissing, "the journal ends at %d, %s knows it through %d", last, w.who(), w.Seq)
		f.Through = w.Seq
		return f
	}
	if head := v.config.Head; head != nil && head.Seq == 0 && last > 0 {
		return v.faultf(1, KindExtra, "%s knows the journal empty", head.who())
	}
	var open lane
	for _, l := range v.lanes {
		if l.unsigned > 0 && (open.unsigned == 0 || l.unsigned < open.unsigned) {
			open = l
		}
	}
	if open.unsigned == 0 {
		return nil
	}
	f := v.faultf(open.unsigned, KindUnsigned, "device %s signed nothing of its lane from here on", open.device)
	f.Through = open.last
	return f
}

// sum returns the report as it stands.
func (v *Verifier) sum() Report {
	r := v.report
	r.Lanes = make([]Lane, 0, len(v.lanes))
	for _, l := range v.lanes {
		r.Lanes = append(r.Lanes, Lane{Device: l.device, Seq: l.seq, Head: l.head})
	}
	slices.SortFunc(r.Lanes, func(a, b Lane) int { return cmp.Compare(a.Device, b.Device) })
	return r
}

// faultf returns a fault of exactly one entry.
func (v *Verifier) faultf(seq Seq, kind Kind, format string, args ...any) *Fault {
	return &Fault{Scope: v.config.Scope, Seq: seq, Through: seq, Kind: kind, Words: fmt.Sprintf(format, args...)}
}

// who names the witness in a sentence.
func (w Witness) who() string {
	if w.By == "" {
		return "a witness"
	}
	return w.By
}
