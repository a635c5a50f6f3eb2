package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/objectstore"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
)

// TestMain lets the test's binary be the child processes too, as the demo's own binary is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "demo" {
		root := &cobra.Command{Use: "rounds", SilenceUsage: true, SilenceErrors: true}
		root.AddCommand(Command(nil))
		if err := root.Execute(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A short shift with everything that a long one has: the report is whole, and every promise is held.
func TestShortShift(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	o := options{devices: 9, hours: 1, seed: 5, kills: 2, photos: 30, json: true, dir: t.TempDir(), scenes: []int{1, 5, 12, 33, 36, 38}}
	if err := run(context.Background(), o, &out, &log); err != nil {
		t.Fatalf("%v\n%s\n%s", err, log.String(), out.String())
	}
	var printed map[string]any
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"seed", "devices", "mutations_queued", "mutations_taken", "applied", "merged", "conflicts", "rejected", "quarantined", "lost",
		"duplicated", "converged", "server_kills", "device_kills", "bytes_up", "bytes_down", "round_trips", "promises", "seconds"} {
		if _, ok := printed[key]; !ok {
			t.Errorf("no %s in the report", key)
		}
	}
	var r Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Lost != 0 || r.Duplicated != 0 || !r.Converged || r.ServerKills != 2 || r.DeviceKills == 0 || r.MutationsQueued < 150 || r.MutationsTaken > r.MutationsQueued ||
		r.BytesUp == 0 || r.BytesDown == 0 || r.RoundTrips == 0 || r.Facts != r.FactsKept+r.FactsQuarantined {
		t.Errorf("report: %s", out.String())
	}
	for _, name := range promises.Names() {
		if held, ok := r.Promises[name]; !held || !ok {
			t.Errorf("%s: %v %v", name, held, r.Findings)
		}
	}
	if d := r.Day; d.PhotoVerified < 3 || d.ClosureRate < leastClosed || d.Open != 0 || d.Rounds.Planned == 0 ||
		d.Rounds.Scans == 0 || d.Rounds.FalseTags != 0 || len(d.Inbox) == 0 || d.Notices["assigned"] == 0 || len(d.Rows) != 38 || !d.AsTheServer {
		t.Errorf("the day: %+v", d)
	}
	for _, row := range r.Day.Rows {
		if staged := slices.Contains(o.scenes, row.Number) && row.Number != 33; staged != (row.Staged > 0) || row.Times < row.Staged {
			t.Errorf("%+v", row)
		}
		if (row.Times == 0) != slices.Contains(r.Day.NotAsked, row.Number) {
			t.Errorf("%+v, not asked %v", row, r.Day.NotAsked)
		}
	}
	for _, q := range r.Day.Inbox {
		if q.Opened != q.OnPhones+q.AtDesks+q.Answered+q.Open || q.Open != len(q.Why) {
			t.Errorf("%+v", q)
		}
	}
	if p := r.Photos; p.Promised < 20 || p.Stored == 0 || p.Stored != p.Verified || p.Lost != 0 || p.Waiting != 0 || p.StoredBytes == 0 || p.Parts == 0 ||
		p.Promised != p.Stored+p.Refused+p.OnLostPhone+p.Quarantined || len(p.Checks) == 0 {
		t.Errorf("photos: %+v", p)
	}
}

// A directory that holds anything is left alone: another demo may run in it.
func TestDirectoryOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	if err := os.WriteFile(kept, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), options{devices: 4, hours: 0.1, dir: dir}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("%v", err)
	}
	if held, err := os.ReadDir(dir); err != nil || len(held) != 1 {
		t.Errorf("%v, %v", held, err)
	}
}

// The same on a real object store: parts go straight to it, and the server is killed between.
func TestOnAnObjectStore(t *testing.T) {
	t.Parallel()
	store := objectstore.Test(t)
	var out, log bytes.Buffer
	o := options{devices: 4, hours: 0.5, seed: 3, kills: 1, photos: 20, scenes: []int{}, s3: store.URL("rounds-demo"), json: true, dir: t.TempDir()}
	if err := run(context.Background(), o, &out, &log); err != nil {
		t.Fatalf("%v\n%s\n%s", err, log.String(), out.String())
	}
	var r Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if p := r.Photos; p.Stored == 0 || p.Stored != p.Verified || p.Lost != 0 || p.Parts == 0 || r.ServerKills != 1 || !r.Promises[evidenceKept] {
		t.Errorf("%s", out.String())
	}
	if strings.Contains(out.String()+log.String(), store.SecretKey()) {
		t.Error("the store's secret is told")
	}
}

// What the check of the photos is for, it finds: bytes that the storage lost, and closures without proof.
func TestProofFindsWhatIsMissing(t *testing.T) {
	stored := func(content string, state roundsv1.PhotoState) *roundsv1.Photo {
		hash := sha256.Sum256([]byte(content))
		return &roundsv1.Photo{Sha256: hash[:], SizeBytes: int64(len(content)), State: state, Report: &roundsv1.PhotoReport{StoredUs: 1}}
	}
	closed := func(id string, t *roundsv1.Ticket) *roundsv1.Change {
		t.State, t.Round = roundsv1.TicketState_TICKET_STATE_CLOSED, 1
		return &roundsv1.Change{RecordId: id, Record: record(t)}
	}
	by := func(photos ...string) []*roundsv1.Completion {
		return []*roundsv1.Completion{{Round: 1, PersonId: "worker", PhotoIds: photos}}
	}
	driver := mediatest.NewMemory(mediatest.MemoryConfig{})
	here := stored("here", roundsv1.PhotoState_PHOTO_STATE_CLEAN)
	if err := driver.Put(t.Context(), media.At(media.Original, media.Hash(here.GetSha256())), "", []byte("here")); err != nil {
		t.Fatal(err)
	}
	p := &proof{photos: &Photos{}, records: map[client.RecordID]*roundsv1.Photo{
		"here": here, "gone": stored("gone", roundsv1.PhotoState_PHOTO_STATE_STORED), "bad": stored("here", roundsv1.PhotoState_PHOTO_STATE_HARD),
		"promised": {Sha256: make([]byte, 32), State: roundsv1.PhotoState_PHOTO_STATE_UPLOADING},
	}, tickets: []*roundsv1.Change{
		closed("good", &roundsv1.Ticket{Completions: by("here"), ApproverIds: []string{"butler"}}),
		closed("empty", &roundsv1.Ticket{Completions: by(), ApproverIds: []string{"butler"}}),
		closed("hard", &roundsv1.Ticket{Completions: by("bad"), ApproverIds: []string{"butler"}}),
		closed("early", &roundsv1.Ticket{Completions: by("promised"), ApproverIds: []string{"butler"}}),
		closed("late", &roundsv1.Ticket{Completions: append(by("here"), &roundsv1.Completion{Round: 1, PersonId: "other", PhotoIds: []string{"bad"}, Late: true}),
			ApproverIds: []string{"butler"}}),
		closed("both", &roundsv1.Ticket{Completions: append(by("here", "bad"), &roundsv1.Completion{Round: 1, PersonId: "other", PhotoIds: []string{"bad"}, Late: true}),
			ApproverIds: []string{"butler"}}),
		closed("only late", &roundsv1.Ticket{Completions: []*roundsv1.Completion{{Round: 1, PersonId: "other", PhotoIds: []string{"here"}, Late: true}},
			ApproverIds: []string{"butler"}}),
		closed("of two", &roundsv1.Ticket{Completions: append(by("here"), &roundsv1.Completion{Round: 1, PersonId: "other", PhotoIds: []string{"bad"}}),
			ApproverIds: []string{"butler"}}),
		closed("own", &roundsv1.Ticket{Completions: by("here"), ApproverIds: []string{"worker"}}),
		closed("forced", &roundsv1.Ticket{Completions: by("promised"), ApproverIds: []string{"a", "b"}, Flags: []string{"forced"}}),
		closed("alone", &roundsv1.Ticket{ApproverIds: []string{"a", "a"}, Flags: []string{"forced"}}),
	}}
	p.closures()
	if err := p.audit(t.Context(), driver); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(p.wrong, "\n")
	for _, want := range []string{"ticket empty is closed without", "ticket hard is closed, and its photo bad is HARD", "ticket early is closed, and its photo promised is UPLOADING",
		"ticket both is closed, and its photo bad is HARD", "ticket only late is closed without", "ticket of two is closed, and its photo bad is HARD",
		"ticket own was approved", "ticket alone was closed by force", "is missing"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if len(p.wrong) != 9 || p.photos.Closed != 9 || p.photos.Forced != 2 {
		t.Errorf("%d closed, %d forced\n%s", p.photos.Closed, p.photos.Forced, all)
	}
}

// Parts that arrived in one window, and that a later one need not send again, are counted once.
func TestResumedParts(t *testing.T) {
	hash := sha256.Sum256([]byte("x"))
	plan := func(received int64, urls ...string) []*roundsv1.PlanResult {
		upload := &roundsv1.PhotoUpload{ReceivedBytes: received}
		for _, u := range urls {
			upload.Parts = append(upload.Parts, &roundsv1.UploadPart{Url: u})
		}
		return []*roundsv1.PlanResult{{Sha256: hash[:], Plan: &roundsv1.PlanResult_Upload{Upload: upload}}}
	}
	w := newTransfers()
	w.begin()
	w.plan(plan(0, "a", "b", "c"))
	w.part("a")
	w.part("b")
	w.part("of another")
	w.plan(plan(2, "c")) // within the window nothing is resumed
	if got := w.saved(); got != (behind{}) {
		t.Errorf("%+v resumed in one window", got)
	}
	w.begin()
	w.part("c") // an answer of before
	w.plan(plan(2, "d"))
	w.begin()
	w.plan(plan(2, "d"))
	if got := w.saved(); got != (behind{parts: 2, bytes: 2}) {
		t.Errorf("%+v resumed, not 2 parts", got)
	}
}

// A report of a broken promise says which, and what is wrong.
func TestReportOfABrokenPromise(t *testing.T) {
	r := &Report{Promises: map[promises.Name]bool{}, missing: 2}
	held := map[promises.Name]bool{}
	for _, name := range promises.Names() {
		held[name] = name != promises.P5
	}
	r.fill(promises.Report{Held: held, Findings: []promises.Finding{{Promise: promises.P5, Scope: "site/x", Words: "a value vanished"}}})
	var out strings.Builder
	r.print(paper{&out, "en"})
	for _, want := range []string{"P5   BROKEN", "P10  BROKEN", "site/x: a value vanished", "2 mutations that a phone had said"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if len(r.Broken) != 2 || r.Lost != 2 {
		t.Errorf("broken %v, lost %d", r.Broken, r.Lost)
	}
}

// A broken promise is an error of the command, and so are too few closures and a question that nobody is asked; a day in which some answers were late is none.
func TestVerdict(t *testing.T) {
	for name, one := range map[string]struct {
		report Report
		want   error
	}{
		"all is well":      {Report{Day: &Day{ClosureRate: 1, Responded: 0.5}}, nil},
		"a broken promise": {Report{Day: &Day{ClosureRate: 1}, Broken: []promises.Name{promises.P9}}, ErrBroken},
		"too few closed":   {Report{Day: &Day{ClosureRate: 0.98, Open: 2}}, ErrDay},
		"nobody is asked":  {Report{Day: &Day{ClosureRate: 1, unexplained: 1}}, ErrDay},
		"a false tag":      {Report{Day: &Day{ClosureRate: 1, Rounds: Rounds{FalseTags: 1}}}, ErrDay},
	} {
		if err := one.report.verdict(); !errors.Is(err, one.want) || (err == nil) != (one.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// On a terminal the view takes its four lines, however narrow it is, and is drawn over; a log gets one line of what happened, and no others with it.
func TestProgress(t *testing.T) {
	var out strings.Builder
	p := &progress{out: &out, live: true, wide: func() int { return 30 }, begin: time.Unix(0, 0), now: time.Unix(0, 0), hours: 1}
	p.step("the shift goes on")
	p.say("row 1: %s", "reassigned")
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != viewLines+1+viewLines || !strings.Contains(lines[viewLines], "\x1b[4A\x1b[J") || !strings.HasSuffix(lines[viewLines], "row 1: reassigned") {
		t.Errorf("%q", lines)
	}
	for _, line := range append(lines[:viewLines:viewLines], lines[viewLines+1:]...) {
		if n := len([]rune(line)); n > 30 {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
	out.Reset()
	p.live = false
	p.say("row 2: %s", "reassigned and begun")
	if got := out.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

func TestClockLines(t *testing.T) {
	l := line{shown: time.Date(2026, 7, 6, 8, 0, 0, 123000, time.UTC), real: time.UnixMicro(1_700_000_000_000_001), rate: 40}
	if got, err := parseLine(l.String()); err != nil || !got.shown.Equal(l.shown) || !got.real.Equal(l.real) || got.rate != l.rate {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1", "1 2", "a b c", "1 2 x"} {
		if _, err := parseLine(bad); err == nil {
			t.Errorf("%q is a clock", bad)
		}
	}
}
