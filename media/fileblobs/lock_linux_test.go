package fileblobs_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestUnlockedBesideCopies closes while another descriptor of the same open folder lives, as in a child that was forked and has
// not come to its exec yet: the folder is free at once.
func TestUnlockedBesideCopies(t *testing.T) {
	w := newWorld(t, nil)
	dir := w.cfg.Dir
	copies := 0
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name.Name())
		if err != nil {
			t.Fatal(err)
		}
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", name.Name())); err != nil || target != dir {
			continue
		}
		twin, err := unix.Dup(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(twin)
		copies++
	}
	if copies == 0 {
		t.Fatal("the lock's descriptor was not found")
	}
	must(t, w.now.Load().Close())
	w.open(t)
}
