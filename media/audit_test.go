package media_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
)

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func contentOf(i int) []byte         { return bytes.Repeat(fmt.Append(nil, "photo ", i, "."), 100) }
func hashOf(i int) media.Hash        { return sha256.Sum256(contentOf(i)) }
func originalOf(i int) media.Address { return media.At(media.Original, hashOf(i)) }
func wanted(is ...int) iter.Seq2[media.Hash, error] {
	return func(yield func(media.Hash, error) bool) {
		for _, i := range is {
			if !yield(hashOf(i), nil) {
				return
			}
		}
	}
}

func span(from, to int) (is []int) {
	for i := from; i < to; i++ {
		is = append(is, i)
	}
	return is
}

// faults runs an audit and returns what it found, as "kind class number".
func faults(t *testing.T, d media.Objects, cfg media.AuditConfig) (found []string) {
	t.Helper()
	numbers := map[media.Hash]int{}
	for i := range 100 {
		numbers[hashOf(i)] = i
	}
	for f, err := range media.Audit(ctx, d, cfg) {
		must(t, err)
		class, h, err := f.Address.Parse()
		must(t, err)
		found = append(found, fmt.Sprint(f.Kind, " ", class, " ", numbers[h]))
	}
	slices.Sort(found)
	return found
}

func wantFaults(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found:\n%q\nwant:\n%q", got, want)
	}
}

func filled(t *testing.T, cfg mediatest.MemoryConfig) *mediatest.Memory {
	t.Helper()
	m := mediatest.NewMemory(cfg)
	for i := range 50 {
		must(t, m.Put(ctx, originalOf(i), "", contentOf(i)))
		for _, class := range []media.Class{media.Large, media.Small, media.Report}[:i%4] {
			must(t, m.Put(ctx, media.At(class, hashOf(i)), "", []byte("copy")))
		}
	}
	return m
}

func TestAudit(t *testing.T) {
	m := filled(t, mediatest.MemoryConfig{})
	var last media.AuditProgress
	calls := int64(0)
	count := func(p media.AuditProgress) { last, calls = p, calls+1 }
	wantFaults(t, faults(t, m, media.AuditConfig{Want: wanted(append(span(0, 50), span(20, 30)...)...), Progress: count}))
	bytes := int64(0)
	for i := range 50 {
		bytes += int64(len(contentOf(i)))
	}
	if calls != 50+73 || last.Objects != calls || last.Bytes != bytes {
		t.Errorf("progress %+v after %d calls, %d bytes", last, calls, bytes)
	}

	wantFaults(t, faults(t, m, media.AuditConfig{}))
	wantFaults(t, faults(t, m, media.AuditConfig{Want: wanted(span(2, 52)...)}),
		"missing sha256 50", "missing sha256 51", "orphaned sha256 0", "orphaned sha256 1")
	wantFaults(t, faults(t, mediatest.NewMemory(mediatest.MemoryConfig{}), media.AuditConfig{Want: wanted(1, 2)}), "missing sha256 1", "missing sha256 2")
	must(t, m.Damage(originalOf(7)))
	must(t, m.Delete(ctx, originalOf(3))) // with three copies
	must(t, m.Delete(ctx, originalOf(8))) // with none
	must(t, m.Damage(media.At(media.Small, hashOf(2))))
	wantFaults(t, faults(t, m, media.AuditConfig{Want: wanted(append(span(0, 7), span(8, 50)...)...)}),
		"changed sha256 7", "missing sha256 3", "missing sha256 8", "orphaned sha256 7", "stray large 3", "stray report 3", "stray small 3")
	for f, err := range media.Audit(ctx, m, media.AuditConfig{}) {
		must(t, err)
		if f.Kind == media.FaultChanged && (f.Found == media.Hash{} || f.Found == hashOf(7)) {
			t.Errorf("changed into %s", f.Found)
		}
		break
	}
}

func TestAuditSettled(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	m := mediatest.NewMemory(mediatest.MemoryConfig{Now: func() time.Time { return now }})
	must(t, m.Put(ctx, originalOf(1), "", contentOf(1)))
	now = now.Add(time.Hour)
	must(t, m.Put(ctx, originalOf(2), "", contentOf(2)))
	wantFaults(t, faults(t, m, media.AuditConfig{Want: wanted(), Settled: now}), "orphaned sha256 1")
}

// TestAuditFaults: one object that cannot be read is a finding, a storage that is away ends the audit.
func TestAuditFaults(t *testing.T) {
	m := filled(t, mediatest.MemoryConfig{})
	broken := m.CloneWith(mediatest.MemoryConfig{Fault: mediatest.Nth(5, mediatest.Fail, mediatest.StepOpen)})
	found := faults(t, broken, media.AuditConfig{})
	if len(found) != 1 || found[0][:10] != "unreadable" {
		t.Errorf("found: %q", found)
	}
	away := m.CloneWith(mediatest.MemoryConfig{Fault: mediatest.Nth(5, mediatest.CrashBefore, mediatest.StepOpen)})
	wantEnd(t, media.Audit(ctx, away, media.AuditConfig{}), media.ErrClosed)
	noList := m.CloneWith(mediatest.MemoryConfig{Fault: mediatest.Nth(3, mediatest.Fail, mediatest.StepList)})
	wantEnd(t, media.Audit(ctx, noList, media.AuditConfig{}), mediatest.ErrInjected)
	reason := errors.New("no list")
	wantEnd(t, media.Audit(ctx, m, media.AuditConfig{Want: func(yield func(media.Hash, error) bool) {
		if yield(hashOf(1), nil) {
			yield(media.Hash{}, reason)
		}
	}}), reason)
	ended, end := context.WithCancel(ctx)
	wantEnd(t, media.Audit(ended, m, media.AuditConfig{Progress: func(p media.AuditProgress) {
		if p.Objects == 20 {
			end()
		}
	}}), context.Canceled)
}

func wantEnd(t *testing.T, audit iter.Seq2[media.Fault, error], want error) {
	t.Helper()
	var last error
	for f, err := range audit {
		if last != nil {
			t.Fatal("it went on after its error")
		}
		if last = err; err == nil {
			t.Errorf("found: %+v", f)
		}
	}
	if !errors.Is(last, want) {
		t.Errorf("ended with %v, want %v", last, want)
	}
}

// fake is an Uploads whose Finish shows what it is told to.
type fake struct {
	media.Uploads
	show io.Reader
}

func (f fake) Finish(_ context.Context, _ media.Upload, check func(io.Reader) error) error {
	return check(f.show)
}

// endless is more than any photo.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestReceive(t *testing.T) {
	content := contentOf(1)
	u := media.Upload{Owner: "device", Hash: hashOf(1), Size: int64(len(content))}
	must(t, media.Receive(ctx, fake{show: iotestOneByte{bytes.NewReader(content)}}, u))
	long := &endless{}
	for what, test := range map[string]struct {
		show io.Reader
		want media.DiffersError
	}{
		"shorter":       {bytes.NewReader(content[1:]), media.DiffersError{Want: u, Size: u.Size - 1, Hash: sha256.Sum256(content[1:])}},
		"nothing":       {bytes.NewReader(nil), media.DiffersError{Want: u, Hash: sha256.Sum256(nil)}},
		"a byte longer": {io.MultiReader(bytes.NewReader(content), bytes.NewReader([]byte{0})), media.DiffersError{Want: u, Size: u.Size + 1}},
		"endless":       {long, media.DiffersError{Want: u, Size: u.Size + 1}},
	} {
		err := media.Receive(ctx, fake{show: test.show}, u)
		var differs *media.DiffersError
		if !errors.As(err, &differs) || !errors.Is(err, media.ErrDiffers) || *differs != test.want || err.Error() == "" {
			t.Errorf("%s: %v, want %v", what, err, &test.want)
		}
	}
	if int64(long.read) > u.Size+1 {
		t.Errorf("%d bytes were read of %d", long.read, u.Size)
	}
	broken := errors.New("broken")
	if err := media.Receive(ctx, fake{show: io.MultiReader(bytes.NewReader(content[:5]), failing{broken})}, u); !errors.Is(err, broken) || errors.Is(err, media.ErrDiffers) {
		t.Errorf("a disk that fails: %v", err)
	}
}

type iotestOneByte struct{ io.Reader }

func (r iotestOneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:1]) }

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
