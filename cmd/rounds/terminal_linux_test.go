package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a terminal of a size: what programs write on the screen is read from the keyboard's end.
func terminal(t *testing.T, size unix.Winsize) (keyboard, screen *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	keyboard = os.NewFile(uintptr(fd), "keyboard")
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &size); err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

// inTerminal runs the program in a terminal of a size, and presses Ctrl-C as soon as the screen shows some words (none: never). A program that does not end is killed,
// and its exit code is -1.
func (p program) inTerminal(size unix.Winsize, stopAt string, args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	keyboard, screen := terminal(p.t, size)
	cmd := exec.CommandContext(ctx, p.path, patient(args)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	_ = screen.Close()
	var shown strings.Builder
	for buf := make([]byte, 4<<10); ; {
		n, err := keyboard.Read(buf)
		shown.Write(buf[:n])
		if stopAt != "" && strings.Contains(shown.String(), stopAt) {
			stopAt = ""
			if _, err := keyboard.Write([]byte{3}); err != nil {
				p.t.Fatal(err)
			}
		}
		if err != nil { // the program has ended, and its end of the terminal with it
			break
		}
	}
	_ = cmd.Wait() // the exit code tells
	return result{out: shown.String(), code: cmd.ProcessState.ExitCode()}
}

// TestAnImportInATerminalEnds: its bar ends with its work, whatever the end and the terminal, and the device's directory is free again.
func TestAnImportInATerminalEnds(t *testing.T) {
	p := build(t)
	dir := t.TempDir()
	device, good, bad, empty := filepath.Join(dir, "device"), filepath.Join(dir, "holidays.csv"), filepath.Join(dir, "sites.csv"), filepath.Join(dir, "units.csv")
	put(t, good, "calendar,date,day\ncn,2026-10-01,off\ncn,2026-10-02,off\n")
	put(t, bad, "code,name_zh,unit\nS1,云栖雅苑,R7\n")
	put(t, empty, "")
	ready, process := p.begin(filepath.Join(dir, "data"))
	p.must("device", "enroll", "--dir", device, "--server", ready.Address, ready.Code)
	ends := func(size unix.Winsize, code int, stopAt, shows string, args ...string) {
		t.Helper()
		r := p.inTerminal(size, stopAt, append([]string{"import", "--dir", device}, args...)...)
		if r.code != code || !strings.Contains(r.out, shows) {
			t.Fatalf("in %d×%d, import %v ends with %d, not %d, or does not say %q:\n%.2000q", size.Row, size.Col, args, r.code, code, shows, r.out)
		}
	}
	usual := unix.Winsize{Row: 24, Col: 80}
	for _, size := range []unix.Winsize{usual, {Row: 24, Col: 12}, {Row: 1, Col: 300}, {}} {
		ends(size, 0, "", "nothing was written", "--dry-run", good)
		ends(size, 5, "", "sites.csv:2: ", bad)
		ends(size, 5, "", "1 fault", "--skip-check", bad)
		ends(size, 5, "", "units.csv: the file is empty", empty, good)
		ends(size, 0, "", "imported", good)
	}
	ends(usual, 0, "", "100 %", good)
	ends(usual, 0, "", "导入 2 行", "--lang", "zh", good)

	// The server stands still, until somebody has enough.
	if err := process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ends(usual, 1, "checking 0 rows", "interrupted", good)
	ends(unix.Winsize{Row: 24, Col: 12}, 1, "checking", "interrupted", "--dry-run", good)
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	ends(usual, 4, "", "run it again", good)
}
