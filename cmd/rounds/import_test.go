package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/server"
)

// imported is what rounds import --json prints.
type imported struct {
	Written bool `json:"written"`
	Files   []struct {
		File                                       string
		Rows, Created, Changed, Unchanged, Refused int
	} `json:"files"`
	Errors []struct {
		File            string
		Line            int
		Column, Message string
		Facts           map[string]string
	} `json:"errors"`
}

func (p program) imports(wantCode int, args ...string) imported {
	p.t.Helper()
	r := p.run(append([]string{"import", "--json"}, args...)...)
	var v imported
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || r.code != wantCode {
		p.t.Fatalf("rounds import %v: exit code %d, want %d: %v\n%s%s", args, r.code, wantCode, err, r.out, r.err)
	}
	return v
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestImport(t *testing.T) {
	p := build(t)
	dir, tables := t.TempDir(), filepath.Join(t.TempDir(), "tables")
	data, device := filepath.Join(dir, "data"), filepath.Join(dir, "device")
	if err := community.WriteTables(tables, 1, community.Scale{Sites: 26, Staff: 1100}); err != nil {
		t.Fatal(err)
	}
	ready, process := p.begin(data)
	p.must("device", "enroll", "--dir", device, "--server", ready.Address, ready.Code)
	at := []string{"--dir", device, tables}

	// A dry run says what would be done, and does nothing.
	if v := p.imports(0, append(at, "--dry-run")...); v.Written || v.Files[0].Created != v.Files[0].Rows || len(v.Files) != 10 {
		t.Errorf("dry run: %+v", v)
	}
	if out := p.must("admin", "node", "list", "--dir", device); strings.Contains(out, "S0001") {
		t.Error("a dry run has made a site")
	}

	// Rows at fault and files that are no tables are told by their lines, and nothing is written. GB18030 is read as what it is.
	bad := filepath.Join(dir, "bad")
	if err := os.MkdirAll(bad, 0o700); err != nil {
		t.Fatal(err)
	}
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String("code,type,name_zh,parent\nR1,region,华南,\nR2,region,\"华\n东\",\nR3,realm,华北,\n")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(bad, "units.csv"), gbk)
	put(t, filepath.Join(bad, "sites.csv"), "\ufeffcode,name_zh,unit\nS1,云栖雅苑,R1\nS2,松涛里,R7\nS3,\"望湖居,R1\n")
	put(t, filepath.Join(bad, "places.csv"), "site,code,name_zh,type\nS1,B1,地下一层,floor\nS1,B2,地下二层,floor,1,2\n")
	v := p.imports(5, "--dir", device, bad)
	var told []string
	for _, e := range v.Errors {
		told = append(told, filepath.Base(e.File)+" "+e.Column+" "+strings.Repeat("|", e.Line))
	}
	want := []string{"units.csv type |||||", "sites.csv unit |||", "sites.csv  ||||", "places.csv  |||"}
	if strings.Join(told, "\n") != strings.Join(want, "\n") || v.Written {
		t.Errorf("told %q, want %q\n%+v", told, want, v.Errors)
	}

	// The server dies in the middle; importing again finishes it.
	running := exec.CommandContext(t.Context(), p.path, append([]string{"import", "--skip-check"}, at...)...)
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for done := false; !done; <-tick.C { // until some of the staff is there
		done = strings.Contains(p.log(data), "enter people")
	}
	if err := process.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	_ = running.Wait()
	if code := running.ProcessState.ExitCode(); code != 4 && code != 0 {
		t.Errorf("an import whose server died ends with %d", code)
	}
	again, process := p.begin(data)
	p.must("device", "sync", "--dir", device, "--server", again.Address)
	p.imports(0, append(at, "--report", filepath.Join(dir, "report.csv"))...)
	for _, f := range p.imports(0, at...).Files {
		if f.Unchanged != f.Rows || f.Rows == 0 {
			t.Errorf("after that, %+v: all should stand", f)
		}
	}

	// One cell changes one thing, and the report says what stood before.
	put(t, filepath.Join(dir, "staff.csv"), "code,phone\n"+community.StaffCode(0)+",13900000000\n")
	if v := p.imports(0, "--dir", device, "--report", filepath.Join(dir, "cell.csv"), filepath.Join(dir, "staff.csv")); v.Files[0].Changed != 1 {
		t.Errorf("one cell: %+v", v)
	}
	book, err := os.ReadFile(filepath.Join(dir, "cell.csv"))
	if err != nil || !strings.Contains(string(book), ",CHANGED,") || !strings.Contains(string(book), ",E000001,phone,1") {
		t.Errorf("report %s, %v", book, err)
	}

	// A room with parts in it stays, and goes with them, whatever table comes first.
	out := filepath.Join(dir, "out")
	if err := os.MkdirAll(out, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(out, "places.csv"), "site,code,remove\nS0001,GT9,yes\nS0001,PR09,yes\n")
	for _, how := range []string{"--dry-run", "--skip-check"} {
		v := p.imports(5, "--dir", device, how, out)
		if len(v.Errors) != 1 || v.Errors[0].Line != 3 || v.Errors[0].Column != "remove" || !strings.Contains(v.Errors[0].Facts["used_by"], "asset PART-001") {
			t.Errorf("%s: %+v", how, v)
		}
	}
	parts := "site,code,remove\n"
	for n := 1; n <= 15; n++ {
		parts += fmt.Sprintf("S0001,PART-%03d,yes\n", n)
	}
	put(t, filepath.Join(out, "assets.csv"), parts)
	if v := p.imports(0, "--dir", device, out); !v.Written || v.Files[0].Changed != 1 || v.Files[0].Unchanged != 1 || v.Files[1].Changed != 15 {
		t.Errorf("a room with its parts: %+v", v)
	}

	// Settings from the command line.
	p.must("admin", "policy", "set", "S0001", "service.review=90m", "--dir", device)
	if out := p.must("admin", "policy", "show", "S0001", "--dir", device); !strings.Contains(out, "90m") || !strings.Contains(out, "HQ") && !strings.Contains(out, "R1") {
		t.Errorf("policy show: %s", out)
	}
	if r := p.run("admin", "policy", "set", "S0001", "service.review=soon", "--dir", device); r.code != 5 || !strings.Contains(r.err, "service.review") {
		t.Errorf("a bad setting: %d %s", r.code, r.err)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Error(err)
	}
	p.must("audit", "--data", data)
}

// begin starts a server whose process the test ends itself, with its log beside the data.
func (p program) begin(data string) (server.Ready, *exec.Cmd) {
	p.t.Helper()
	if err := os.MkdirAll(data, 0o700); err != nil {
		p.t.Fatal(err)
	}
	file := filepath.Join(data, "ready.json")
	_ = os.Remove(file)
	log, err := os.OpenFile(filepath.Join(data, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(p.path, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "", "--data", data, "--ready-file", file)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = cmd.Process.Kill() })
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(file); err == nil {
			var ready server.Ready
			if err := json.Unmarshal(text, &ready); err != nil {
				p.t.Fatal(err)
			}
			return ready, cmd
		}
		<-tick.C
	}
}

func (p program) log(data string) string {
	text, err := os.ReadFile(filepath.Join(data, "log"))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}
