package journal_test

import (
	"crypto/ed25519"
	"errors"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
)

func TestP12NotSignedByItsDevice(t *testing.T) {
	lane := func(p past, through int) journal.Hash {
		head := journal.LaneStart(p[through-1].head.DeviceId, scope)
		for _, s := range p[:through] {
			if s.head.DeviceId == p[through-1].head.DeviceId {
				head = journal.LaneNext(head, s.content)
			}
		}
		return head
	}
	tests := []struct {
		name    string
		change  func(past) past
		seq     int
		through int
		kind    journal.Kind
	}{
		{"the server makes a mutation up", func(p past) past {
			s := newScribe(7)
			s.past, s.lanes["phone-a"] = p, &pen{seq: 6, head: lane(p, 11)}
			s.batch("phone-a", 1, false)
			return s.past
		}, 12, 12, journal.KindUnsigned},
		{"and signs it with a key of its own", func(p past) past {
			s := newScribe(7)
			s.past, s.lanes["phone-a"] = p, &pen{seq: 6, head: lane(p, 11)}
			s.batch("phone-a", 1, false)
			s.past[11].head.Signature = journal.SignHead(keyOf("server"), s.lanes["phone-a"].head)
			return s.past
		}, 12, 12, journal.KindSignature},
		{"a signature of another head of the lane", func(p past) past {
			p[10].head.Signature = journal.SignHead(keyOf("phone-a"), lane(p, 6))
			return p
		}, 10, 11, journal.KindSignature},
		{"a signature over the head without its prefix", func(p past) past {
			head := lane(p, 11)
			p[10].head.Signature = ed25519.Sign(keyOf("phone-a"), head[:])
			return p
		}, 10, 11, journal.KindSignature},
		{"a signature cut off", func(p past) past {
			p[10].head.Signature = p[10].head.Signature[:63]
			return p
		}, 10, 11, journal.KindSignature},
		{"the tail of a lane not signed", func(p past) past {
			p[10].head.Signature = nil
			return p
		}, 10, 11, journal.KindUnsigned},
		{"of two lanes the earlier tail is named", func(p past) past {
			p[6].head.Signature, p[10].head.Signature = nil, nil
			return p
		}, 5, 7, journal.KindUnsigned},
		{"handed to another device", func(p past) past {
			p[5].head.DeviceId = "phone-c"
			p[5].head.LaneSeq, p[5].head.Outcome.LaneSeq = 1, 1
			return p
		}, 6, 6, journal.KindSignature},
		{"of a device that nobody enrolled", func(p past) past {
			s := newScribe(7)
			s.past = p
			s.batch("unknown-phone", 1, true)
			return s.past
		}, 12, 12, journal.KindDevice},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries, _ := tt.change(morning(4)).seal(t)
			_, err := entries.verify(trusting())
			found(t, tt.name, err, tt.seq, tt.kind)
			var fault *journal.Fault
			if errors.As(err, &fault) && int(fault.Through) != tt.through {
				t.Errorf("through %d, want %d: %v", fault.Through, tt.through, err)
			}
		})
	}

	// A signature covers all of its lane that came before: one that is missing within it is no fault.
	p := morning(4)
	p[2].head.Signature, p[5].head.Signature = nil, nil
	entries, _ := p.seal(t)
	if report := verified(t, "covered later", entries, trusting()); report.Signatures != 2 {
		t.Errorf("%d signatures, want 2", report.Signatures)
	}
}

// TestP12SealedWrongly has entries that contradict themselves, sealed well: what a fault of the server would leave behind.
func TestP12SealedWrongly(t *testing.T) {
	type head = *roundsv1.EntryHead
	tests := []struct {
		name   string
		seq    int
		change func(head)
		kind   journal.Kind
	}{
		{"a mutation without outcome", 2, func(h head) { h.Outcome = nil }, journal.KindOutcome},
		{"an outcome that says nothing", 2, func(h head) { h.Outcome.Status = 0 }, journal.KindOutcome},
		{"the outcome of another entry", 2, func(h head) { h.Outcome.Seq = 3 }, journal.KindOutcome},
		{"the outcome of another lane seq", 2, func(h head) { h.Outcome.LaneSeq = 3 }, journal.KindOutcome},
		{"a mutation that follows from something", 2, func(h head) { h.Cause = 1 }, journal.KindCause},
		{"a lane seq doubled", 2, func(h head) { h.LaneSeq, h.Outcome.LaneSeq = 1, 1 }, journal.KindLane},
		{"a lane seq skipped", 2, func(h head) { h.LaneSeq, h.Outcome.LaneSeq = 3, 3 }, journal.KindLane},
		{"a lane seq of 0", 1, func(h head) { h.LaneSeq, h.Outcome.LaneSeq = 0, 0 }, journal.KindLane},
		{"no device", 1, func(h head) { h.DeviceId = "" }, journal.KindDevice},
		{"a mutation about another record", 2, func(h head) { h.Record.Id = "another" }, journal.KindMalformed},
		{"a lane seq let in that was never taken", 8, func(h head) {
			h.DeviceId, h.LaneSeq, h.Outcome = "phone-b", 3, &roundsv1.Outcome{LaneSeq: 3, Seq: 8}
		}, journal.KindOutcome},
		{"a lane seq let in with the outcome of another", 8, func(h head) {
			h.DeviceId, h.LaneSeq, h.Outcome = "phone-b", 2, &roundsv1.Outcome{LaneSeq: 1, Seq: 8}
		}, journal.KindOutcome},
		{"a derived change about another record", 4, func(h head) { h.Record = nil }, journal.KindMalformed},
		{"no type", 2, func(h head) { h.Type = 0 }, journal.KindMalformed},
		{"a type of the future", 2, func(h head) { h.Type = 99 }, journal.KindMalformed},
		{"a derived change in a lane", 4, func(h head) { h.LaneSeq = 4 }, journal.KindMalformed},
		{"a derived change with a signature", 4, func(h head) { h.Signature = []byte{1} }, journal.KindMalformed},
		{"a derived change of itself", 4, func(h head) { h.Cause = 4 }, journal.KindCause},
		{"admitted what comes later", 8, func(h head) { h.Cause = 9 }, journal.KindCause},
		{"admitted nothing", 8, func(h head) { h.Cause = 0 }, journal.KindCause},
		{"an eviction with content", 4, func(h head) { h.Type = evicted }, journal.KindMalformed},
		{"a derived change without content", 8, func(h head) { h.Type = derived }, journal.KindMalformed},
		{"a mutation without content", 8, func(h head) { h.Type = roundsv1.EntryType_ENTRY_TYPE_MUTATION }, journal.KindMalformed},
		{"an unreadable mutation without outcome", 2, func(h head) { h.Record, h.Outcome = nil, nil }, journal.KindOutcome},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := morning(6)
			tt.change(p[tt.seq-1].head)
			entries, hashes := p.seal(t)
			_, err := entries.verify(trusting())
			found(t, tt.name, err, tt.seq, tt.kind)
			_, err = entries.verify(watched(hashes))
			found(t, tt.name+", as witnessed", err, tt.seq, tt.kind)
		})
	}

	p := morning(6)
	p[3].content = []byte("\x0a\xff")
	entries, _ := p.seal(t)
	_, err := entries.verify(trusting())
	found(t, "content that is no message", err, 4, journal.KindMalformed)

	p = morning(6)
	p[8].head.Cause = 0
	entries, _ = p.seal(t)
	verified(t, "an eviction by age has no cause", entries, trusting())

	p = morning(6)
	p[3].head.Cause, p[3].head.Reason = 0, "law"
	entries, _ = p.seal(t)
	verified(t, "an act of the server itself has no cause", entries, trusting())

	p = morning(6)
	p[7].head.DeviceId, p[7].head.LaneSeq, p[7].head.Outcome = "phone-b", 2, &roundsv1.Outcome{LaneSeq: 2, Seq: 8}
	entries, _ = p.seal(t)
	verified(t, "what is let in may name its lane seq", entries, trusting())

	// Bytes that a device signed and that are no mutation are refused, and journalled about no record.
	s := newScribe(6)
	s.batch("phone-a", 2, false)
	lane := journal.LaneStart("phone-a", scope)
	for i, content := range []string{"\x0a\xff", ""} {
		s.past[i].content, s.past[i].head.Record = []byte(content), nil
		lane = journal.LaneNext(lane, []byte(content))
	}
	s.past[1].head.Signature = journal.SignHead(keyOf("phone-a"), lane)
	entries, _ = s.past.seal(t)
	if report := verified(t, "signed, but no mutations", entries, trusting()); report.Redacted != 0 || report.Mutations != 2 {
		t.Errorf("%+v", report)
	}
}
