package main_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMedia plays what an operator does about the bytes of photos: chase what is missing, hold and redact, verify the store, and find it damaged.
func TestMedia(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	p := build(t)
	dir := t.TempDir()
	data, admin := filepath.Join(dir, "data"), filepath.Join(dir, "admin")
	ready, stop := p.serve(data)
	p.must("device", "enroll", "--dir", admin, "--server", ready.Address, ready.Code)
	p.must("admin", "site", "new", "--dir", admin, "--name", "云栖雅苑", "--code", "YQ")
	p.must("admin", "role", "grant", "me", "--dir", admin, "--role", "manager", "--node", "YQ")
	p.must("device", "sync", "--dir", admin)
	ticket := p.object("device", "ticket", "new", "--dir", admin, "--title", "light out")["id"].(string)
	file := photo(t)
	if r := p.run("device", "photo", "add", file, "--dir", admin, "--offline", "--ticket", ticket, "--role", "item"); r.code != 2 {
		t.Errorf("a photo of an item that is not named: %+v", r)
	}
	huge := filepath.Join(dir, "huge.jpg")
	if err := os.WriteFile(huge, make([]byte, 40<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := p.run("device", "photo", "add", huge, "--dir", admin, "--offline", "--ticket", ticket); r.code != 5 || !strings.Contains(r.err, "huge.jpg: ") {
		t.Errorf("a file that is too large: %+v", r)
	}
	p.must("device", "photo", "add", file, "--dir", admin, "--offline", "--ticket", ticket)
	p.must("device", "sync", "--no-photos", "--dir", admin)

	missing := p.object("media", "chase", "--dir", admin)
	if photos := missing["photos"].([]any); len(photos) != 1 || len(missing["devices"].([]any)) != 1 {
		t.Fatalf("chased %v", missing)
	}
	id := missing["photos"].([]any)[0].(map[string]any)["photoId"].(string)
	if out := p.must("media", "chase", "--dir", admin); !strings.Contains(out, "promised") || !strings.Contains(out, "LAST SEEN") {
		t.Errorf("chase:\n%s", out)
	}
	if out := p.must("device", "ticket", "show", ticket, "--dir", admin); !strings.Contains(out, "by me: promised") {
		t.Errorf("a promised photo is shown as\n%s", out)
	}
	p.must("device", "sync", "--dir", admin)
	p.looked(admin) // it has its copies
	if left := p.object("media", "chase", "--dir", admin); left["photos"] != nil {
		t.Errorf("chased after the upload: %v", left)
	}
	p.must("media", "hold", id, "--reason", "court", "--dir", admin)
	if out := p.must("media", "chase", "--dir", admin); !strings.Contains(out, "nothing is missing") {
		t.Errorf("chase after the upload:\n%s", out)
	}
	// Words that went missing on their way are no end of the hold.
	if r := p.run("media", "hold", id, "--reason", "", "--dir", admin); r.code != 2 || !strings.Contains(r.err, "--end") {
		t.Errorf("a hold with an empty reason: %+v", r)
	}
	if r := p.run("media", "redact", id, "--reason", "a face", "--dir", admin); r.code != 5 || !strings.Contains(r.err, "legal hold") {
		t.Errorf("redacted what is held: %+v", r)
	}
	if r := p.run("media", "hold", id, "--dir", admin); r.code != 2 {
		t.Errorf("a hold without a reason: %+v", r)
	}
	if r := p.run("device", "photo", "hide", id, "--reason", "", "--dir", admin); r.code != 2 {
		t.Errorf("hidden without a reason: %+v", r)
	}
	p.must("device", "photo", "hide", id, "--reason", "the wrong lamp", "--dir", admin)
	if out := p.must("device", "ticket", "show", ticket, "--dir", admin); !strings.Contains(out, "hidden by me: the wrong lamp") || !strings.Contains(out, "held: court") {
		t.Errorf("a hidden photo that is held is shown as\n%s", out)
	}
	p.must("device", "photo", "hide", id, "--end", "--dir", admin)
	if out := p.must("device", "ticket", "show", ticket, "--dir", admin); strings.Contains(out, "hidden by") {
		t.Errorf("a photo that is shown again is shown as\n%s", out)
	}
	if r := p.run("media", "verify", "--data", data); r.code != 6 {
		t.Errorf("verify while the server runs: %+v", r)
	}
	stop()
	if r := p.run("media", "chase", "--dir", admin); r.code != 4 {
		t.Errorf("chase without a server: %+v", r)
	}
	if out := p.must("media", "verify", "--data", data); !strings.Contains(out, "all is as it should be") {
		t.Errorf("verify:\n%s", out)
	}

	// One bit of the original, a copy without its original, and nothing at all.
	original := find(t, filepath.Join(data, "media", "sha256"))
	content, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, original, func(b []byte) { b[len(b)/2] ^= 1 })
	faults := func(want ...string) {
		t.Helper()
		r := p.run("media", "verify", "--data", data, "--json")
		var found struct {
			Counts map[string]int
			Faults []struct{ Fault, Address string }
		}
		if err := json.Unmarshal([]byte(r.out), &found); err != nil || r.code != 1 || len(found.Counts) != len(want) {
			t.Fatalf("%v: %+v", err, r)
		}
		for _, one := range want {
			if found.Counts[one] == 0 {
				t.Errorf("no %s among %v", one, found.Counts)
			}
		}
	}
	faults("changed")
	if err := os.Remove(original); err != nil {
		t.Fatal(err)
	}
	faults("missing", "stray")
	if err := os.WriteFile(original, content, 0o600); err != nil {
		t.Fatal(err)
	}
	p.must("media", "verify", "--data", data)

	ready, stop = p.serve(data)
	defer stop()
	p.must("device", "sync", "--server", ready.Address, "--dir", admin)
	p.must("media", "hold", id, "--end", "--dir", admin)
	if out := p.must("media", "redact", id, "--reason", "a face", "--dir", admin); !strings.Contains(out, "its bytes are gone") {
		t.Errorf("redact: %s", out)
	}
	if _, err := os.Stat(original); !os.IsNotExist(err) {
		t.Errorf("the bytes are still there: %v", err)
	}
}

// looked waits until the server has looked at a photo of a device.
func (p program) looked(device string) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(p.must("device", "photo", "list", "--json", "--dir", device), `"judged"`); <-tick.C {
		if time.Now().After(deadline) {
			p.t.Fatal("the server does not look at the photo")
		}
		p.must("device", "sync", "--dir", device)
	}
}

// find is the one file below a folder.
func find(t *testing.T, dir string) (path string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if path != "" {
				t.Fatalf("more than one file: %s, %s", path, at)
			}
			path = at
		}
		return err
	}); err != nil || path == "" {
		t.Fatalf("no file below %s: %v", dir, err)
	}
	return path
}

func damage(t *testing.T, path string, change func([]byte)) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change(b)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
