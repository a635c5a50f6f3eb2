package journal_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
)

// These are the tests of P12: a changed, missing or reordered journal entry is detected; a mutation that its device did not sign is
// detected. Detected means: the first bad entry is named.

// found fails unless err is a Fault whose first bad entry is exactly seq, of one of kinds, if any are given.
func found(t *testing.T, what string, err error, seq int, kinds ...journal.Kind) {
	t.Helper()
	within(t, what, err, seq, kinds...)
	if fault := new(journal.Fault); errors.As(err, &fault) && (int(fault.Seq) != seq) {
		t.Errorf("%s: named %d to %d, not %d: %v", what, fault.Seq, fault.Through, seq, err)
	}
}

// within fails unless err is a Fault that has the first bad entry in its range.
func within(t *testing.T, what string, err error, seq int, kinds ...journal.Kind) {
	t.Helper()
	var fault *journal.Fault
	switch {
	case err == nil:
		t.Errorf("%s: not detected", what)
	case !errors.As(err, &fault):
		t.Errorf("%s: %v is no Fault", what, err)
	case int(fault.Seq) > seq || seq > int(fault.Through):
		t.Errorf("%s: entry %d is bad, but named is: %v", what, seq, err)
	case len(kinds) > 0 && !slices.Contains(kinds, fault.Kind):
		t.Errorf("%s: %q, want %q: %v", what, fault.Kind, kinds, err)
	}
}

func verified(t *testing.T, what string, s sealed, config journal.Config) journal.Report {
	t.Helper()
	report, err := s.verify(config)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return report
}

func TestVerifierReports(t *testing.T) {
	entries, hashes := morning(1).seal(t)
	got := verified(t, "morning", entries, watched(hashes, 3, 9, 11))
	want := journal.Report{Entries: 11, Head: hashes[10], Mutations: 8, Signatures: 4, Witnesses: 4}
	if got.Entries != want.Entries || got.Head != want.Head || got.Mutations != want.Mutations || got.Signatures != want.Signatures ||
		got.Witnesses != want.Witnesses || got.Redacted != 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(got.Lanes) != 2 || got.Lanes[0].Device != "phone-a" || got.Lanes[0].Seq != 6 || got.Lanes[1].Seq != 2 {
		t.Errorf("lanes: %+v", got.Lanes)
	}
	head := journal.LaneStart("phone-a", scope)
	for _, s := range morning(1) {
		if s.head.DeviceId == "phone-a" {
			head = journal.LaneNext(head, s.content)
		}
	}
	if got.Lanes[0].Head != head {
		t.Errorf("head of phone-a: %s, want %s", got.Lanes[0].Head, head)
	}
	if _, err := entries.verify(journal.Config{Scope: "site/other", Key: publicKeys}); err == nil {
		t.Error("the journal of another scope verifies")
	}
	verified(t, "nothing", nil, trusting())
	for seed := range uint64(5) {
		entries, hashes := shift(seed, 30).seal(t)
		verified(t, fmt.Sprint("seed ", seed), entries, watched(hashes, 1, len(entries)/2))
	}
}

// TestP12ChangedBits flips every bit of every entry of a journal, without re-sealing: exactly the changed entry is named. With the race detector it is every
// fifth bit, from another one in each entry.
func TestP12ChangedBits(t *testing.T) {
	entries, hashes := morning(2).seal(t)
	last := len(entries)
	everyBit(t, entries, watched(hashes, last-1), bitStep, func(what string, err error, seq int) {
		found(t, what, err, seq)
		if fault := new(journal.Fault); errors.As(err, &fault) && int(fault.Through) != seq {
			t.Errorf("%s: it alone is bad, but named is: %v", what, err)
		}
	})
}

// TestP12ChangedBitsWithoutWitnesses has the entries alone as evidence. The last one has none behind it that holds its hash: there, a
// change can be told from none only by what it breaks, and a change next to it is one of two. Some of the bits will do here.
func TestP12ChangedBitsWithoutWitnesses(t *testing.T) {
	entries, _ := morning(3).seal(t)
	everyBit(t, entries, trusting(), bitStepAlone, func(what string, err error, seq int) {
		switch {
		case seq == len(entries) && err == nil:
		case seq >= len(entries)-1:
			within(t, what, err, seq)
		default:
			found(t, what, err, seq)
		}
	})
}

func everyBit(t *testing.T, entries sealed, config journal.Config, step int, check func(what string, err error, seq int)) {
	t.Helper()
	trunk := journal.NewVerifier(config)
	for i, entry := range entries {
		changed := slices.Clone(entry)
		for bit := i % step; bit < 8*len(entry); bit += step {
			changed[bit/8] ^= 1 << (bit % 8)
			check(fmt.Sprintf("entry %d, bit %d", i+1, bit), rest(trunk.Fork(), changed, entries[i+1:]), i+1)
			changed[bit/8] ^= 1 << (bit % 8)
			if t.Failed() {
				return
			}
		}
		if err := trunk.Add(entry); err != nil {
			t.Fatal(err)
		}
	}
}

// rest reads one entry and then others to the end.
func rest(v *journal.Verifier, changed []byte, behind sealed) error {
	if err := v.Add(changed); err != nil {
		return err
	}
	for _, e := range behind {
		if err := v.Add(e); err != nil {
			return err
		}
	}
	_, err := v.Finish()
	return err
}

// TestP12ChangedBytes changes random bytes, cuts entries off, takes pieces out and puts pieces in.
func TestP12ChangedBytes(t *testing.T) {
	for seed := range uint64(pasts) {
		rng := rand.New(rand.NewPCG(seed, 3))
		entries, hashes := shift(seed, 12).seal(t)
		config := watched(hashes, len(entries)-1)
		trunk := journal.NewVerifier(config)
		for i, entry := range entries {
			for range 20 {
				from := rng.IntN(len(entry))
				to := from + 1 + rng.IntN(min(8, len(entry)-from))
				var changed []byte
				what := ""
				switch rng.IntN(5) {
				case 0:
					what, changed = "overwritten", slices.Clone(entry)
					for j := from; j < to; j++ {
						changed[j] = byte(rng.Uint32())
					}
				case 1:
					what, changed = "zeroed", slices.Clone(entry)
					clear(changed[from:to])
				case 2:
					what, changed = "cut off", slices.Clone(entry[:from])
				case 3:
					what, changed = "taken out", slices.Delete(slices.Clone(entry), from, to)
				case 4:
					what, changed = "put in", slices.Insert(slices.Clone(entry), from, entry[from:to]...)
				}
				if slices.Equal(changed, entry) {
					continue
				}
				if redacted, err := journal.Redact(entry); err == nil && slices.Equal(changed, redacted) {
					continue // Cut off just before the content: this is what redaction is.
				}
				found(t, fmt.Sprintf("seed %d, entry %d, bytes %d to %d %s", seed, i+1, from, to, what), rest(trunk.Fork(), changed, entries[i+1:]), i+1)
			}
			if err := trunk.Add(entry); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestP12MissingReorderedDuplicated(t *testing.T) {
	for seed := range uint64(2) {
		entries, hashes := shift(seed, 8).seal(t)
		config := watched(hashes)
		n := len(entries)
		for i := range n {
			what := fmt.Sprintf("seed %d, entry %d of %d", seed, i+1, n)
			_, err := slices.Delete(entries.clone(), i, i+1).verify(config)
			found(t, what+" removed", err, i+1, journal.KindMissing)

			_, err = slices.Insert(entries.clone(), i, entries[i]).verify(config)
			found(t, what+" doubled", err, i+1, journal.KindDuplicated)

			_, err = append(entries.clone(), entries[i]).verify(config)
			found(t, what+" again at the end", err, i+1, journal.KindDuplicated)

			_, err = entries[:i].verify(config)
			found(t, what+" and all behind it cut off", err, i+1, journal.KindMissing)

			if i+1 < n {
				swapped := entries.clone()
				swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
				_, err = swapped.verify(config)
				found(t, what+" swapped with the next", err, i+1, journal.KindReordered)
			}
			if j := (i + 2); j < n {
				moved := slices.Delete(slices.Insert(entries.clone(), j+1, entries[i]), i, i+1)
				_, err = moved.verify(config)
				found(t, what+" moved behind the next two", err, i+1, journal.KindMissing)
			}
		}
		_, err := entries.verify(journal.Config{Scope: scope, Key: publicKeys, Head: &journal.Witness{Seq: journal.Seq(n - 1), Hash: hashes[n-2]}})
		found(t, "one behind the head", err, n, journal.KindExtra)
	}
}

// TestP12RewrittenContent puts other content in, and seals all behind it anew. What a device signed is found by its signature; what
// the server wrote itself or attests, by the witnesses alone.
func TestP12RewrittenContent(t *testing.T) {
	for seed := range uint64(pasts) {
		honest := shift(seed, 8)
		_, hashes := honest.seal(t)
		n := len(honest)
		for i, s := range honest {
			if len(s.content) == 0 {
				continue
			}
			what := fmt.Sprintf("seed %d, entry %d of %d", seed, i+1, n)
			lie := honest.clone()
			lie[i].content = newScribe(99).mutation(s.head.Record.Id)
			entries, _ := lie.seal(t)

			_, err := entries.verify(trusting())
			if s.head.Type == derived || s.head.Type == desk {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			} else {
				within(t, what+", by signature", err, i+1, journal.KindSignature)
				if fault := new(journal.Fault); errors.As(err, &fault) && !sameRun(honest, fault, s.head.DeviceId) {
					t.Errorf("%s: the range is more than the run that one signature covers: %v", what, err)
				}
			}
			_, err = entries.verify(watched(hashes))
			within(t, what+", by the head", err, i+1, journal.KindSignature, journal.KindRewritten)

			if i > 0 {
				_, err = entries.verify(watched(hashes, i, i+1))
				within(t, what+", by witnesses around it", err, i+1, journal.KindSignature, journal.KindRewritten)
			}
		}
	}
}

// sameRun tells whether the mutations of device in the fault's range are such that only the last is signed.
func sameRun(p past, fault *journal.Fault, device string) bool {
	for seq := fault.Seq; seq < fault.Through; seq++ {
		if h := p[seq-1].head; h.DeviceId == device && len(h.Signature) > 0 {
			return false
		}
	}
	return p[fault.Seq-1].head.DeviceId == device && len(p[fault.Through-1].head.Signature) > 0
}

// TestP12RewrittenHead changes what no device signs, and seals all behind it anew: the next witness finds it.
func TestP12RewrittenHead(t *testing.T) {
	honest := shift(5, 4)
	_, hashes := honest.seal(t)
	for i := range honest {
		lie := honest.clone()
		lie[i].head.TakenUs++
		entries, _ := lie.seal(t)
		for at := i + 1; at <= len(honest); at++ {
			_, err := entries.verify(watched(hashes, at))
			within(t, fmt.Sprintf("entry %d, witness at %d", i+1, at), err, i+1, journal.KindRewritten)
			if i > 0 {
				_, err = entries.verify(watched(hashes, i, at))
				found(t, fmt.Sprintf("entry %d, witnesses at %d and %d", i+1, i, at), err, i+1, journal.KindRewritten)
			}
		}
	}
}

// TestP12RewrittenWithoutOne takes a mutation out, numbers all behind it anew and seals it: its lane shows the gap, or, behind the last
// mutation of the lane, nothing of the lane is signed, or a witness knows better.
func TestP12RewrittenWithoutOne(t *testing.T) {
	for seed := range uint64(pasts) {
		honest := shift(seed, 10)
		_, hashes := honest.seal(t)
		for i := range honest {
			what := fmt.Sprintf("seed %d, without entry %d", seed, i+1)
			entries, _ := slices.Delete(honest.clone(), i, i+1).renumber().seal(t)
			_, err := entries.verify(watched(hashes, i+1))
			if i+1 > len(entries) {
				found(t, what, err, i+1, journal.KindMissing, journal.KindRewritten)
			} else {
				within(t, what, err, i+1)
			}
			if s := honest[i]; s.head.LaneSeq != 0 && hasLater(honest, i) {
				var fault *journal.Fault
				if _, err := entries.verify(trusting()); !errors.As(err, &fault) || fault.Kind != journal.KindLane && i > 0 {
					t.Errorf("%s: the gap in the lane is not found: %v", what, err)
				}
			}
		}
	}
}

// hasLater tells whether another mutation of the lane follows.
func hasLater(p past, i int) bool {
	return slices.ContainsFunc(p[i+1:], func(s step) bool { return s.head.DeviceId == p[i].head.DeviceId })
}

// TestP12DeskActs: what people do through the server is counted apart, and is no mutation of a device, nor the other way round.
func TestP12DeskActs(t *testing.T) {
	type head = *roundsv1.EntryHead
	const mutation = roundsv1.EntryType_ENTRY_TYPE_MUTATION
	day := func() past {
		s := newScribe(9)
		s.batch("phone-a", 1, true)
		s.desk() // 2
		s.batch("phone-a", 1, true)
		s.own(admitted) // 4
		s.desk()        // 5
		return s.past
	}
	entries, hashes := day().seal(t)
	unknown := watched(hashes, 2, 4)
	unknown.Key = func(device string) ed25519.PublicKey {
		if device == "desk-a" {
			t.Error("a desk's key was asked for")
		}
		return publicKeys(device)
	}
	if report := verified(t, "a day with a desk", entries, unknown); report.Attested != 2 || report.Mutations != 2 || report.Signatures != 2 || len(report.Lanes) != 1 {
		t.Fatalf("%+v", report)
	}
	p := day()
	p[1].head.Record = nil
	entries, _ = p.seal(t)
	verified(t, "an act about no record", entries, trusting())
	for _, tt := range []struct {
		name   string
		seq    int
		change func(head)
		kind   journal.Kind
	}{
		{"a desk's act with a lane seq", 2, func(h head) { h.LaneSeq = 1 }, journal.KindMalformed},
		{"a desk's act with the outcome of a lane", 2, func(h head) { h.Outcome.LaneSeq = 1 }, journal.KindMalformed},
		{"a desk's act with a signature", 2, func(h head) { h.Signature = []byte{1} }, journal.KindMalformed},
		{"a desk's act about no record, with a signature", 2, func(h head) { h.Record, h.Signature = nil, []byte{1} }, journal.KindMalformed},
		{"a desk's act without an id", 2, func(h head) { h.ActId = "" }, journal.KindMalformed},
		{"a desk's act of nobody", 2, func(h head) { h.PersonId = "" }, journal.KindMalformed},
		{"a desk's act of no device", 2, func(h head) { h.DeviceId = "" }, journal.KindMalformed},
		{"a desk's act without outcome", 2, func(h head) { h.Outcome = nil }, journal.KindOutcome},
		{"a desk's act with the outcome of another", 2, func(h head) { h.Outcome.Seq = 1 }, journal.KindOutcome},
		{"a desk's act that follows from something", 2, func(h head) { h.Cause = 1 }, journal.KindCause},
		{"a desk's act about another record", 2, func(h head) { h.Record.Id = "another" }, journal.KindMalformed},
		{"a desk's act passed off as a device's", 2, func(h head) { h.Type, h.ActId = mutation, "" }, journal.KindLane},
		{"a device's mutation passed off as a desk's", 3, func(h head) { h.Type = desk }, journal.KindMalformed},
		{"and without what a lane has", 3, func(h head) { h.Type, h.LaneSeq, h.Outcome.LaneSeq, h.Signature = desk, 0, 0, nil }, journal.KindMalformed},
		{"a mutation without a lane seq", 1, func(h head) { h.LaneSeq, h.Outcome.LaneSeq = 0, 0 }, journal.KindLane},
		{"a mutation without a signature", 3, func(h head) { h.Signature = nil }, journal.KindUnsigned},
		{"a mutation with the id of an act", 3, func(h head) { h.ActId = "act" }, journal.KindMalformed},
		{"an admission with the id of an act", 4, func(h head) { h.ActId = "act" }, journal.KindMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := day()
			tt.change(p[tt.seq-1].head)
			entries, _ := p.seal(t)
			_, err := entries.verify(trusting())
			found(t, tt.name, err, tt.seq, tt.kind)
		})
	}
}

func TestP12RedactionKeepsVerifying(t *testing.T) {
	p := shift(8, 10)
	entries, hashes := p.seal(t)
	config := watched(hashes, 1, len(entries)/2)
	redacted := 0
	for i := range entries {
		without, err := journal.Redact(entries[i])
		if err != nil {
			t.Fatal(err)
		}
		again, err := journal.Redact(without)
		if err != nil || !slices.Equal(again, without) {
			t.Fatalf("redacting twice: %v", err)
		}
		head, content, hash, err := journal.Open(without)
		if err != nil || len(content) != 0 || hash != hashes[i] {
			t.Fatalf("entry %d: %v, content of %d bytes, hash %s", i+1, err, len(content), hash)
		}
		if gone := journal.Redacted(head, content); gone != (len(p[i].content) > 0) {
			t.Fatalf("entry %d: redacted %v", i+1, gone)
		}
		if len(p[i].content) > 0 {
			redacted++
			one := entries.clone()
			one[i] = without
			strict := config
			strict.MayRedact = func(seq journal.Seq) bool { return int(seq) != i+1 }
			_, err := one.verify(strict)
			found(t, "redacted by nobody", err, i+1, journal.KindContent)
		}
		entries[i] = without
		if report := verified(t, fmt.Sprint("redacted through ", i+1), entries, config); report.Redacted != redacted {
			t.Fatalf("%d redacted, want %d", report.Redacted, redacted)
		}
	}
	changed := slices.Clone(entries[0])
	changed[len(changed)-1] ^= 1
	if _, err := slices.Insert(entries[1:].clone(), 0, changed).verify(config); err == nil {
		t.Error("a change of a redacted entry is not detected")
	}
}

func TestVerifierGoesOnSayingTheSame(t *testing.T) {
	entries, _ := morning(1).seal(t)
	v := journal.NewVerifier(trusting())
	broken := slices.Delete(entries.clone(), 4, 5)
	var first error
	for _, e := range broken {
		if err := v.Add(e); first == nil {
			first = err
		} else if err != first {
			t.Fatalf("first %v, then %v", first, err)
		}
	}
	report, err := v.Finish()
	if err != first || report.Entries != 4 {
		t.Fatalf("%v after %d entries, want %v after 4", err, report.Entries, first)
	}

	v = journal.NewVerifier(trusting())
	for _, e := range entries {
		if err := v.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if report, err := v.Finish(); err != nil || report.Entries != 11 {
			t.Fatalf("%v after %d entries", err, report.Entries)
		}
	}
	if err := v.Add(entries[0]); !errors.Is(err, journal.ErrFinished) {
		t.Fatalf("behind the end: %v", err)
	}
}
