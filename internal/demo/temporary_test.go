package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestADemoSweepsUpAfterKilledOnes: what a demo left that was killed with -9 goes, once its server has gone as well; never what a living one uses, or what was kept.
func TestADemoSweepsUpAfterKilledOnes(t *testing.T) {
	t.Parallel()
	in := t.TempDir()
	kept, none, err := temporary(in, true)
	if err != nil || none != nil {
		t.Fatal(none, err)
	}
	living, alive, err := temporary(in, false)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(elsewhere, aliveName))
	if err := os.Symlink(elsewhere, filepath.Join(in, demoName+"link")); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(os.Args[0], "demo", "--devices", "9", "--hours", "1")
	cmd.Env = append(os.Environ(), "TMPDIR="+in)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var other string
	for other == "" { // until its server is up
		<-tick.C
		ready, err := filepath.Glob(filepath.Join(in, demoName+"*", "ready.json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(ready) == 1 {
			other = filepath.Dir(ready[0])
		}
	}
	if n := sweep(in); n != 0 {
		t.Errorf("%d directories of living demos are swept up", n)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	swept := func() (n int) { // waits: its server has to notice that it is gone, and a child that another test starts has a copy of the lock until its exec
		for ; n == 0; <-tick.C {
			n = sweep(in)
		}
		return n
	}
	if n := swept(); n != 1 {
		t.Errorf("%d directories of one killed demo are swept up", n)
	}
	for dir, stands := range map[string]bool{kept: true, living: true, filepath.Join(elsewhere, aliveName): true, other: false} {
		if _, err := os.Stat(dir); (err == nil) != stands {
			t.Errorf("%s stands: %v", dir, err == nil)
		}
	}
	if err := alive.Close(); err != nil {
		t.Fatal(err)
	}
	if n := swept(); n != 1 {
		t.Errorf("%d directories of demos that ended are swept up, not one", n)
	}
}
