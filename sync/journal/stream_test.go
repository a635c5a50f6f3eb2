package journal_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/rounds-sync/rounds/sync/journal"
)

// readAll reads an export to its end.
func readAll(in io.Reader) (entries sealed, err error) {
	r, err := journal.NewReader(in)
	if err != nil {
		return nil, err
	}
	for e, err := range r.All() {
		if err != nil {
			_, again := r.Next()
			return entries, errors.Join(err, again)
		}
		entries = append(entries, slices.Clone(e))
	}
	return entries, nil
}

func TestExport(t *testing.T) {
	entries, hashes := shift(3, 10).seal(t)
	stream := exportOf(t, entries)
	r, err := journal.NewReader(iotest.OneByteReader(bytes.NewReader(stream)))
	if err != nil || r.Scope() != scope {
		t.Fatalf("%v, scope %q", err, r.Scope())
	}
	config := watched(hashes)
	config.Scope = r.Scope()
	if report, err := journal.Verify(config, r.All()); err != nil || int(report.Entries) != len(entries) {
		t.Fatalf("%v after %d entries", err, report.Entries)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
	got, err := readAll(bytes.NewReader(stream))
	if err != nil || !slices.EqualFunc(got, entries, bytes.Equal) {
		t.Errorf("%v: %d entries of %d", err, len(got), len(entries))
	}
	if empty, err := readAll(bytes.NewReader(exportOf(t, nil))); err != nil || len(empty) != 0 {
		t.Errorf("an empty journal: %v", err)
	}
}

func exportOf(t testing.TB, entries sealed) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := journal.NewWriter(&out, scope)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := w.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Add([]byte{1}); err == nil {
		t.Error("an entry behind the trailer")
	}
	return out.Bytes()
}

// TestExportDamaged cuts an export off at every byte, and flips every bit of it: none is read as whole.
func TestExportDamaged(t *testing.T) {
	entries, _ := morning(3).seal(t)
	stream := exportOf(t, entries[:3])
	for n := range stream {
		if _, err := readAll(bytes.NewReader(stream[:n])); !errors.Is(err, journal.ErrExport) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
	}
	for bit := range 8 * len(stream) {
		changed := bytes.Clone(stream)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, err := readAll(bytes.NewReader(changed)); !errors.Is(err, journal.ErrExport) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
	}
	if _, err := readAll(bytes.NewReader(append(bytes.Clone(stream), 0))); !errors.Is(err, journal.ErrExport) {
		t.Errorf("a byte behind: %v", err)
	}

	// The verifier still names the entry, before the checksum at the end is known.
	at := bytes.Index(stream, entries[1])
	stream[at+len(entries[1])-1] ^= 1
	r, err := journal.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	_, err = journal.Verify(trusting(), r.All())
	found(t, "content flipped in an export", err, 2, journal.KindContent)
}

// TestExportBounds: lengths that promise much cost no memory.
func TestExportBounds(t *testing.T) {
	entries, _ := morning(3).seal(t)
	header := exportOf(t, nil)
	header = header[:len(header)-34]
	for name, behind := range map[string][]byte{
		"the longest entry, cut off":   {0x8a, 0x80, 0x80, 0x04},
		"more than the longest entry":  append([]byte{0x8b, 0x80, 0x80, 0x04}, make([]byte, journal.MaxEntry+1)...),
		"more than any number":         bytes.Repeat([]byte{0xff}, 11),
		"a number not in its shortest": append([]byte{byte(len(entries[0]))&0x7f | 0x80, byte(len(entries[0])>>7) | 0x80, 0x00}, entries[0]...),
	} {
		r, err := journal.NewReader(bytes.NewReader(append(bytes.Clone(header), behind...)))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = r.Next()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, journal.ErrExport) {
			t.Errorf("%s: %v", name, err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
			t.Errorf("%s: %d bytes of memory for %d of the stream", name, taken, len(behind))
		}
	}
	for name, b := range map[string][]byte{
		"another format":  []byte("rounds.export.v2\x00\x04site"),
		"no scope":        []byte("rounds.export.v1\x00\x00\x00"),
		"too long a name": append([]byte("rounds.export.v1\x00\x80\x02"), make([]byte, 256)...),
	} {
		if _, err := journal.NewReader(bytes.NewReader(b)); !errors.Is(err, journal.ErrExport) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExportErrorsOfTheStream(t *testing.T) {
	broken := errors.New("the disk is gone")
	entries, _ := morning(3).seal(t)
	stream := exportOf(t, entries)
	_, err := readAll(io.MultiReader(bytes.NewReader(stream[:200]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || errors.Is(err, journal.ErrExport) {
		t.Errorf("reading: %v", err)
	}
	r, err := journal.NewReader(io.MultiReader(bytes.NewReader(stream[:len(stream)-5]), iotest.ErrReader(broken)))
	if err != nil {
		t.Fatal(err)
	}
	if report, err := journal.Verify(trusting(), r.All()); !errors.Is(err, broken) || int(report.Entries) != len(entries) {
		t.Errorf("verifying what was read: %v after %d", err, report.Entries)
	}

	w, err := journal.NewWriter(full{broken}, scope)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(make([]byte, journal.MaxEntry+1)); !errors.Is(err, journal.ErrGarbled) {
		t.Errorf("too long an entry: %v", err)
	}
	if err := w.Add(nil); !errors.Is(err, journal.ErrGarbled) {
		t.Errorf("an entry of nothing: %v", err)
	}
	if err := w.Add(entries[0]); err != nil {
		t.Errorf("refusing an entry spoils the export: %v", err)
	}
	for range 2 {
		if err := w.Close(); !errors.Is(err, broken) {
			t.Errorf("closing: %v", err)
		}
	}
	if _, err := journal.NewWriter(io.Discard, ""); err == nil {
		t.Error("an export of no scope")
	}
}

// full is a medium without room.
type full struct{ err error }

func (f full) Write([]byte) (int, error) { return 0, f.err }
