package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
)

// program is the built binary.
type program struct {
	t    *testing.T
	path string
}

// built is the program, in a folder of this run's own, and what went wrong when it was built.
type built struct {
	once sync.Once // when the first test asks
	dir  string
	err  error
}

var binary built

// path builds the program once for all tests that run it.
func (b *built) path() (string, error) {
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "rounds-test-"); b.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-o", filepath.Join(b.dir, "rounds"), ".").CombinedOutput(); err != nil {
			b.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	return filepath.Join(b.dir, "rounds"), b.err
}

func TestMain(m *testing.M) {
	code := m.Run()
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	os.Exit(code)
}

func build(t *testing.T) program {
	t.Helper()
	path, err := binary.path()
	if err != nil {
		t.Fatal(err)
	}
	return program{t, path}
}

// result is what a run of the program printed and how it ended.
type result struct {
	out, err string
	code     int
}

// patient has a command wait for the server for as long as a machine needs that has much else to do, unless it says itself how long it waits.
func patient(args []string) []string {
	groups := []string{"device", "desk", "admin", "import", "export"}
	if len(args) == 0 || !slices.Contains(groups, args[0]) {
		return args
	}
	return append([]string{args[0], "--wait=2m"}, args[1:]...)
}

func (p program) run(args ...string) result {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), p.path, patient(args)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "LC_ALL=C") // the language of whoever runs the tests does not matter
	_ = cmd.Run()                              // the exit code tells
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// must runs and expects success.
func (p program) must(args ...string) string {
	p.t.Helper()
	r := p.run(args...)
	if r.code != 0 {
		p.t.Fatalf("rounds %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// object decodes JSON output.
func (p program) object(args ...string) map[string]any {
	p.t.Helper()
	var v map[string]any
	text := p.must(append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		p.t.Fatalf("rounds %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return v
}

// serve starts a server in the data directory and waits until it answers; the returned function ends it with SIGTERM.
func (p program) serve(data string) (server.Ready, func()) {
	p.t.Helper()
	file := filepath.Join(data, "ready.json")
	_ = os.Remove(file) // of a server that was killed
	cmd := exec.Command(p.path, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "", "--data", data, "--ready-file", file)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := os.MkdirAll(data, 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var ready server.Ready
	for {
		text, err := os.ReadFile(file)
		if err == nil {
			if err := json.Unmarshal(text, &ready); err != nil {
				p.t.Fatal(err)
			}
			break
		}
		select {
		case err := <-ended:
			p.t.Fatalf("the server ended: %v\n%s", err, errs.String())
		case <-tick.C:
		}
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			p.t.Errorf("the server ended with %v\n%s", err, errs.String())
		}
	}
	p.t.Cleanup(stop)
	return ready, stop
}

func photo(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 1200, 900))
	for y := range 900 {
		for x := range 1200 {
			img.Set(x, y, color.RGBA{uint8(x * y / 97), uint8(x ^ y), uint8(y / 4), 255})
		}
	}
	path := filepath.Join(t.TempDir(), "after.jpg")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(f, img, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestShift plays a field worker and a supervisor from the command line: enrol, work offline, sync, see it on another device, and audit what remains.
// fullServer is a server whose disk is full.
type fullServer struct {
	roundsv1connect.UnimplementedSyncServiceHandler
}

func (fullServer) Exchange(context.Context, *connect.Request[roundsv1.ExchangeRequest]) (*connect.Response[roundsv1.ExchangeResponse], error) {
	err := connect.NewError(connect.CodeUnavailable, errors.New("full"))
	detail, detailErr := connect.NewErrorDetail(&roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_FULL,
		Sentence: &roundsv1.Text{En: "The server has no room to write: try again later"}})
	if detailErr != nil {
		return nil, detailErr
	}
	err.AddDetail(detail)
	return nil, err
}

func TestShift(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	p := build(t)
	dir := t.TempDir()
	data, admin, worker := filepath.Join(dir, "data"), filepath.Join(dir, "admin"), filepath.Join(dir, "worker")
	ready, stop := p.serve(data)

	if r := p.run("device", "status", "--dir", admin); r.code != 3 || !strings.Contains(r.err, "not enrolled") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("not enrolled: %+v", r)
	}
	p.must("device", "enroll", "--dir", admin, "--server", ready.Address, ready.Code)
	if r := p.run("device", "enroll", "--dir", worker, "--server", ready.Address, ready.Code); r.code != 5 || !strings.Contains(r.err, "new one") {
		t.Errorf("a code used twice: %+v", r)
	}
	p.must("admin", "site", "new", "--dir", admin, "--name", "云栖雅苑", "--name-en", "Yunqi Court", "--code", "YQ")
	person := p.object("admin", "person", "new", "--dir", admin, "--name", "李伟")["person"].(map[string]any)["personId"].(string)
	p.must("admin", "role", "grant", "李伟", "--dir", admin, "--role", "worker", "--node", "YQ")
	uri := p.object("admin", "code", "new", "李伟", "--dir", admin)["uri"].(string)
	if got := p.object("device", "enroll", "--dir", worker, uri)["person_id"]; got != person {
		t.Errorf("enrolled person %v, want %s", got, person)
	}

	if token := p.must("device", "token", "--dir", worker); strings.Count(token, ".") != 2 {
		t.Errorf("token %q", token)
	}

	// Offline: nothing reaches the server, everything is there at once.
	made := p.object("device", "ticket", "new", "--dir", worker, "--offline", "--title", "地库积水 basement water", "--priority", "urgent", "--tag", "b2")
	id := made["id"].(string)
	if made["sent"] != false {
		t.Errorf("sent while offline: %v", made)
	}
	p.must("device", "ticket", "edit", id[len(id)-8:], "--dir", worker, "--offline", "--notes", "pump is off")
	out := p.must("device", "photo", "add", photo(t), "--dir", worker, "--offline", "--ticket", id[:18])
	if !strings.Contains(out, "1200 x 900") || !strings.Contains(out, "queued") {
		t.Errorf("photo add said %q", out)
	}
	if out := p.must("device", "ticket", "list", "--dir", worker); !strings.Contains(out, "地库积水") || !strings.Contains(out, "not sent") {
		t.Errorf("list offline:\n%s", out)
	}
	if out := p.must("device", "ticket", "list", "--dir", admin); strings.Contains(out, "地库积水") {
		t.Errorf("it is on the other device already:\n%s", out)
	}

	// On: delivered, and seen from the second device.
	if got := p.object("device", "sync", "--dir", worker); got["sent"] != 3.0 || got["applied"] != 3.0 || got["round_trips"] == 0.0 {
		t.Errorf("sync did %v", got)
	}
	if out := p.must("device", "photo", "list", "--dir", worker); !strings.Contains(out, "stored") || !strings.Contains(out, id[len(id)-8:]) {
		t.Errorf("photo list:\n%s", out)
	}
	stands := p.object("device", "status", "--dir", worker)
	if stands["photos_waiting"] != 0.0 || stands["photos_kept"] != 1.0 {
		t.Errorf("photos: %v wait, %v are kept", stands["photos_waiting"], stands["photos_kept"])
	}
	for _, one := range stands["scopes"].([]any) {
		scope := one.(map[string]any)
		if strings.HasPrefix(scope["scope"].(string), "site/") && (scope["queued"] != 0.0 || scope["journal_seq"] == 0.0 || len(scope["journal_hash"].(string)) != 64) {
			t.Errorf("the device stands at %v", scope)
		}
	}
	p.must("device", "sync", "--dir", admin)
	shown := p.must("device", "ticket", "show", id, "--dir", admin)
	for _, want := range []string{"地库积水 basement water", "pump is off", "urgent", "b2", "1200 x 900"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, shown)
		}
	}
	// A refusal comes with a sentence and its exit code, and stays in the tray.
	if r := p.run("device", "ticket", "done", id, "--anyway", "--dir", worker); r.code != 5 || !strings.Contains(r.err, "tray") {
		t.Errorf("done before it was dispatched: %+v", r)
	}
	if out := p.must("device", "tray", "--dir", worker); !strings.Contains(out, "submit_completion") {
		t.Errorf("tray:\n%s", out)
	}
	p.must("device", "tray", "discard", "1", "--dir", worker)
	categories := filepath.Join(dir, "categories.csv")
	if err := os.WriteFile(categories, []byte("code,name_zh,line,after_photos\nEP-11,地库漏水,engineering,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.must("import", "--dir", admin, categories)
	p.must("device", "sync", "--dir", admin)
	p.must("device", "ticket", "triage", id, "--dir", admin, "--category", "EP-11")
	p.must("device", "ticket", "dispatch", id, "--dir", admin, "--to", person)
	p.must("device", "sync", "--dir", worker)
	p.must("device", "ticket", "start", id, "--dir", worker)
	p.must("device", "ticket", "done", id, "--dir", worker)
	if out := p.must("device", "ticket", "show", id, "--dir", worker); !strings.Contains(out, "done, evidence pending") {
		t.Errorf("after done:\n%s", out)
	}
	if r := p.run("audit", "--data", data); r.code != 6 || !strings.Contains(r.err, "end it first") {
		t.Errorf("audit while the server runs: %+v", r)
	}

	// The server ends: work goes on, and the journals are good.
	stop()
	if r := p.run("device", "sync", "--dir", worker); r.code != 4 || !strings.Contains(r.err, "cannot be reached") {
		t.Errorf("sync without a server: %+v", r)
	}
	if out := p.must("device", "ticket", "comment", id, "still dripping", "--dir", worker); !strings.Contains(out, "queued, will be sent") {
		t.Errorf("comment without a server said %q", out)
	}
	// A server that is there but has no room says so itself, and the work stays queued.
	_, handler := roundsv1connect.NewSyncServiceHandler(fullServer{})
	full := httptest.NewServer(handler)
	defer full.Close()
	if r := p.run("device", "sync", "--dir", worker, "--server", full.URL); r.code != 4 || !strings.Contains(r.err, "no room") || !strings.Contains(r.err, "1 queued") {
		t.Errorf("sync with a full server: %+v", r)
	}
	if out := p.must("device", "ticket", "comment", id, "dry now", "--dir", worker); !strings.Contains(out, "queued, will be sent (The server has no room") {
		t.Errorf("comment with a full server said %q", out)
	}

	export := filepath.Join(dir, "export")
	if out := p.must("audit", "--data", data, "--witness", admin, "--witness", worker, "--export", export); !strings.Contains(out, "good") {
		t.Errorf("audit:\n%s", out)
	}
	journals, err := filepath.Glob(filepath.Join(export, "*.journal"))
	if err != nil || len(journals) == 0 {
		t.Fatalf("exported %v, %v", journals, err)
	}
	p.must(append([]string{"audit"}, journals...)...)
	if code := p.object("admin", "recover", "--data", data)["code"]; code == nil {
		t.Error("recover gave no code")
	}
	auditFindsDamage(t, p, export)
}

// auditFindsDamage changes one byte in the middle of an exported journal's content: the audit names the entry.
func auditFindsDamage(t *testing.T, p program, export string) {
	t.Helper()
	var path string
	err := filepath.WalkDir(export, func(at string, _ fs.DirEntry, err error) error {
		if strings.Contains(at, "site_") {
			path = at
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, []byte("pump is off"))
	if at < 0 {
		t.Fatal("the journal does not hold the notes")
	}
	text[at] = 'j'
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r := p.run("audit", path)
	if r.code != 1 || !strings.Contains(r.err, "first bad one") || !strings.Contains(r.out, "BAD at entry ") {
		t.Errorf("audit of a changed journal: %+v", r)
	}
}

// TestCalledWrongly: exit code 2 and one line that says where to look.
func TestCalledWrongly(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	p := build(t)
	for _, args := range [][]string{{"nope"}, {"device", "nope"}, {"device", "ticket", "new", "--nope"}, {"device", "ticket", "show"},
		{"demo", "--devices", "1"}, {"demo", "--hours", "-1"}, {"bench", "nope"}, {"bench", "--devices", "0"},
		{"serve", "--listen", "x"}, {"device", "photo", "add", "x.jpg"}, {"device", "ticket", "decline", "abcd"}} {
		if r := p.run(args...); r.code != 2 || strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "rounds: ") {
			t.Errorf("rounds %s: %+v", strings.Join(args, " "), r)
		}
	}
	if r := p.run("device", "photo", "add"); !strings.Contains(r.err, `it is called as "rounds device photo add FILE... --ticket ID"`) {
		t.Errorf("photo add without a file said %q", r.err)
	}
	for _, args := range [][]string{{"device", "sync"}, {"device", "token"}, {"device", "enroll", "--server", "http://127.0.0.1:1", "X"}, {"admin", "site", "list"}} {
		if r := p.run(append(args, "--offline", "--dir", t.TempDir())...); r.code != 2 || !strings.Contains(r.err, "needs the server") {
			t.Errorf("rounds %s --offline: %+v", strings.Join(args, " "), r)
		}
	}
	if out := p.must("config", "--data", "elsewhere"); !strings.Contains(out, `data: "elsewhere"`) || !strings.Contains(out, "# flag; --data, ROUNDS_DATA") {
		t.Errorf("config said\n%s", out)
	}
}

// What `rounds demo --keep` tells a person to try works as it stands there, and --json keeps the standard output to itself.
func TestDemoKeeps(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	p := build(t)
	cmd := exec.CommandContext(t.Context(), p.path, "demo", "--devices", "4", "--hours", "0.5", "--kills", "1", "--json", "--keep", "--dir", t.TempDir())
	var out bytes.Buffer
	cmd.Stdout = &out
	told, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var tries, ended []string
	for lines := bufio.NewScanner(told); lines.Scan(); {
		line, mine := strings.CutPrefix(strings.TrimSpace(lines.Text()), "bin/rounds ")
		switch {
		case !mine:
		case strings.Contains(line, " --data "): // for when the server has ended
			if len(ended) == 0 {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
			ended = append(ended, line)
		default:
			tries = append(tries, line)
			p.must(strings.Fields(line)...)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	if len(tries) != 5 || len(ended) != 2 {
		t.Fatalf("it says to try %q, and then %q", tries, ended)
	}
	if audit := p.must(strings.Fields(ended[0])...); !strings.Contains(audit, "good") {
		t.Errorf("audit said\n%s", audit)
	}
	p.must(strings.Fields(ended[1])...)
	var report struct{ Lost *int }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || report.Lost == nil || *report.Lost != 0 {
		t.Errorf("%v in %s", err, out.String())
	}
}
