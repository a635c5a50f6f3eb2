package journal_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"google.golang.org/protobuf/proto"
)

func FuzzOpen(f *testing.F) {
	entries, _ := morning(1).seal(f)
	for _, e := range entries {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		head, content, hash, err := journal.Open(b)
		if err != nil {
			if !errors.Is(err, journal.ErrGarbled) && !errors.Is(err, journal.ErrContent) {
				t.Fatal(err)
			}
			return
		}
		redacted, err := journal.Redact(b)
		if err != nil {
			t.Fatal(err)
		}
		_, none, same, err := journal.Open(redacted)
		if err != nil || len(none) != 0 || same != hash {
			t.Fatalf("redacted: %v", err)
		}
		// What can be opened can be sealed again, unless its place in the chain is false.
		previous := journal.Hash(head.Previous)
		if (head.Seq == 1) == previous.IsZero() {
			if _, _, err := journal.Seal(previous, head, content); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzReader(f *testing.F) {
	entries, _ := morning(1).seal(f)
	f.Add(exportOf(f, nil))
	f.Add(exportOf(f, entries))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := journal.NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		w, err := journal.NewWriter(&out, r.Scope())
		if err != nil {
			t.Fatal(err)
		}
		for {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			if err := w.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		// A journal has exactly one form as an export.
		if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), b) {
			t.Fatalf("%v: written again it differs", err)
		}
	})
}

// FuzzVerifier changes the heads of an honest journal at will and seals it again, so that the deeper checks are reached, and then changes
// the bytes of one entry. Whatever comes of it is a report or a Fault, and an honest journal has none.
func FuzzVerifier(f *testing.F) {
	f.Add(uint64(1), uint8(3), []byte{}, uint16(0), uint8(0))
	f.Add(uint64(2), uint8(5), []byte{0x20, 0x02}, uint16(9), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, at uint8, merged []byte, place uint16, flip uint8) {
		p := shift(seed, 4)
		i := int(at) % len(p)
		honest := len(merged) == 0 && flip == 0
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(merged, p[i].head); err != nil {
			return
		}
		if p[i].head.Seq == 0 || (p[i].head.Seq == 1) != (i == 0) {
			return
		}
		entries, _ := p.seal(t)
		entries[i][int(place)%len(entries[i])] ^= flip
		report, err := entries.verify(trusting())
		var fault *journal.Fault
		switch {
		case err == nil && int(report.Entries) != len(p):
			t.Fatalf("%d entries of %d", report.Entries, len(p))
		case err != nil && (!errors.As(err, &fault) || fault.Seq == 0 || fault.Through < fault.Seq):
			t.Fatalf("%v", err)
		case err != nil && honest:
			t.Fatal(err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	content := bytes.Repeat([]byte("0123456789"), 60)
	contentHash := journal.ContentHash(content)
	previous := journal.ContentHash(nil)
	head := func() *roundsv1.EntryHead {
		s := newScribe(1)
		s.batch("0199c0de-0000-7000-8000-000000000002", 2, true)
		return s.past[1].head
	}()
	b.Run("Seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := journal.Seal(previous, head, content); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("AppendSealHashed", func(b *testing.B) {
		b.ReportAllocs()
		var buffer []byte
		for b.Loop() {
			var err error
			if buffer, _, err = journal.AppendSealHashed(buffer[:0], previous, head, contentHash, content); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("LaneNextHashed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			previous = journal.LaneNextHashed(previous, contentHash)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	entries, _ := func() (sealed, []journal.Hash) {
		s := newScribe(1)
		for range 40 {
			s.batch("phone", 25, true)
		}
		return s.past.seal(b)
	}()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := entries.verify(trusting()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(entries)*b.N)/b.Elapsed().Seconds(), "entries/s")
}
