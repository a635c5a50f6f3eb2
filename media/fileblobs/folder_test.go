package fileblobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
)

var ctx = context.Background()

// files lists the files below a folder, with their sizes.
func files(t testing.TB, dir string) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		rel, relErr := filepath.Rel(dir, path)
		all = append(all, fmt.Sprint(filepath.ToSlash(rel), " ", info.Size()))
		return errors.Join(err, relErr)
	}))
	return all
}

// TestLayout is the folder as others will find it in years.
func TestLayout(t *testing.T) {
	w := newWorld(t, nil)
	u, content := killUpload(0, 2)
	must(t, sendMissing(w.now.Load(), u, content))
	uploads := files(t, w.path("uploads"))
	if len(uploads) < 1 {
		t.Errorf("parts: %v", uploads)
	}
	must(t, media.Receive(ctx, w.now.Load(), u))
	h := u.Hash.String()
	want := []string{"format 19", "sha256/" + h[:2] + "/" + h[2:4] + "/" + h + fmt.Sprint(" ", len(content))}
	if got := files(t, w.cfg.Dir); !slices.Equal(got, want) {
		t.Errorf("files:\n%q\nwant:\n%q", got, want)
	}
	format, err := os.ReadFile(w.path("format"))
	if must(t, err); string(format) != "rounds fileblobs 1\n" {
		t.Errorf("format %q", format)
	}
}

func TestOpenRefuses(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := fileblobs.Open(w.cfg); !errors.Is(err, media.ErrUnavailable) {
		t.Errorf("a second time: %v", err)
	}
	for what, change := range map[string]func(*fileblobs.Config){
		"no folder":             func(c *fileblobs.Config) { c.Dir = "" },
		"no clock":              func(c *fileblobs.Config) { c.Now = nil },
		"a short key":           func(c *fileblobs.Config) { c.Key = c.Key[1:] },
		"a URL without a host":  func(c *fileblobs.Config) { c.URL = "http://" },
		"a URL with a query":    func(c *fileblobs.Config) { c.URL = "http://x/?a=b" },
		"a URL of another kind": func(c *fileblobs.Config) { c.URL = "ftp://x/" },
		"a folder of somebody else": func(c *fileblobs.Config) {
			c.Dir = t.TempDir()
			must(t, os.WriteFile(filepath.Join(c.Dir, "thesis.doc"), []byte("x"), 0o600))
		},
		"a later version": func(c *fileblobs.Config) {
			c.Dir = t.TempDir()
			must(t, os.WriteFile(filepath.Join(c.Dir, "format"), []byte("rounds fileblobs 2\n"), 0o600))
		},
	} {
		cfg := w.cfg
		cfg.Dir = filepath.Join(t.TempDir(), "media")
		change(&cfg)
		if b, err := fileblobs.Open(cfg); !errors.Is(err, media.ErrInvalid) {
			t.Errorf("%s: %v, %v", what, b, err)
		}
	}
	if b, err := fileblobs.Open(w.cfg); err == nil {
		t.Errorf("still open: %v", b)
	}
}

// TestURLLearntLater: a server that listens on any port knows its address only then.
func TestURLLearntLater(t *testing.T) {
	w := newWorld(t, func(c *fileblobs.Config) { c.URL = "" })
	b := w.now.Load()
	u, content := killUpload(0, 1)
	wantIs(t, "Plan", sendMissing(b, u, content), media.ErrUnavailable)
	wantIs(t, "SetURL", b.SetURL("nowhere"), media.ErrInvalid)
	must(t, b.SetURL(w.server.URL+"/"))
	must(t, sendMissing(b, u, content))
	must(t, media.Receive(ctx, b, u))
}

// TestLeftovers: what a crash left in tmp is thrown away, and what stands where it does not belong hurts nobody.
func TestLeftovers(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.now.Load().Close())
	must(t, os.WriteFile(w.path("tmp", "1"), []byte("half"), 0o600))
	must(t, os.MkdirAll(w.path("tmp", "2", "0-5"), 0o700))
	must(t, os.MkdirAll(w.path("uploads", "strange"), 0o700))
	must(t, os.MkdirAll(w.path("sha256", "ab", "zz"), 0o700))
	must(t, os.WriteFile(w.path("sha256", "ab", ".DS_Store"), nil, 0o600))
	must(t, os.WriteFile(w.path("sha256", "ab", "zz", "x"), nil, 0o600))
	w.open(t)
	b := w.now.Load()
	if left := files(t, w.path("tmp")); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
	must(t, os.WriteFile(w.path("tmp", "orphan"), nil, 0o600))
	if n, err := b.Sweep(ctx, w.clock.Now()); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if left := files(t, w.path("tmp")); len(left) > 0 {
		t.Errorf("left in tmp by Sweep: %v", left)
	}
	for info, err := range b.List(ctx, "") {
		t.Errorf("listed: %+v, %v", info, err)
	}
}

func TestClosed(t *testing.T) {
	w := newWorld(t, nil)
	b := w.now.Load()
	u, content := killUpload(0, 1)
	must(t, b.Close())
	must(t, b.Close())
	_, planErr := b.Plan(ctx, u, media.Want{PartBytes: media.MinPartBytes, MaxParts: 1, Until: w.clock.Now()})
	var listErr error
	for _, listErr = range b.List(ctx, "") {
	}
	for what, err := range map[string]error{
		"Plan": planErr, "List": listErr, "Receive": media.Receive(ctx, b, u), "Check": b.Check(ctx), "Abort": b.Abort(ctx, u),
		"Put": b.Put(ctx, media.At(media.Small, u.Hash), "", content),
	} {
		wantIs(t, what, err, media.ErrClosed)
	}
}

// TestRoom: the driver stops before the medium is full, and what makes room works.
func TestRoom(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 30)
	w := newWorld(t, func(c *fileblobs.Config) {
		c.MinFreeBytes, c.MaxUploadBytes = 1<<20, 1<<20
		c.FreeBytes = func(string) (int64, error) { return free.Load(), nil }
	})
	b := w.now.Load()
	one, oneContent := killUpload(0, 1) // of one or two parts
	many, manyContent := killUpload(0, 2)
	must(t, sendMissing(b, one, oneContent))
	must(t, media.Receive(ctx, b, one))
	must(t, sendMissing(b, many, manyContent))
	free.Store(1<<20 + 1000)
	three, threeContent := killUpload(0, 3)
	wantIs(t, "PUT", sendMissing(b, three, threeContent), statusError(http.StatusInsufficientStorage))
	wantIs(t, "Put", b.Put(ctx, media.At(media.Small, one.Hash), "", make([]byte, 1001)), media.ErrFull)
	must(t, b.Put(ctx, media.At(media.Small, one.Hash), "", make([]byte, 999)))
	must(t, b.Check(ctx))
	free.Store(1 << 20)
	wantIs(t, "Check", b.Check(ctx), media.ErrFull)
	object, err := b.Open(ctx, media.At(media.Original, one.Hash))
	must(t, err)
	_, err = io.Copy(io.Discard, object)
	must(t, errors.Join(err, object.Close()))
	must(t, b.Delete(ctx, media.At(media.Original, one.Hash)))
	if n, err := b.Sweep(ctx, w.clock.Now().Add(1)); n != 2 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	free.Store(1 << 30)
	must(t, sendMissing(b, three, threeContent))
	must(t, media.Receive(ctx, b, three))
	big := one
	big.Size = 1<<20 + 1
	_, err = b.Plan(ctx, big, media.Want{PartBytes: media.MinPartBytes, MaxParts: 1, Until: w.clock.Now()})
	wantIs(t, "Plan of a photo that is too big", err, media.ErrInvalid)
}

// TestFullMedium fills a small file system to its last byte: nothing half written is seen, what is there can be read, and sweeping helps.
func TestFullMedium(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounting needs root on Linux")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "rounds-test", dir).CombinedOutput(); err != nil {
		t.Skipf("no mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	w := newWorld(t, func(c *fileblobs.Config) { c.Dir = filepath.Join(dir, "media") })
	b := w.now.Load()
	var stored []media.Hash
	full := 0
	for n := range 30 {
		u, content := killUpload(0, n)
		if err := sendMissing(b, u, content); err != nil {
			wantIs(t, "PUT", err, statusError(http.StatusInsufficientStorage))
			full++
		} else if err := media.Receive(ctx, b, u); err != nil {
			wantIs(t, "Receive", err, media.ErrFull)
			full++
		} else {
			stored = append(stored, u.Hash)
		}
	}
	if full < 10 || len(stored) < 3 {
		t.Fatalf("%d were stored, %d times it was full", len(stored), full)
	}
	wantIs(t, "Put", b.Put(ctx, media.At(media.Small, stored[0]), "", make([]byte, 1<<20)), media.ErrFull)
	if left := files(t, w.path("tmp")); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
	audit := func() {
		t.Helper()
		want := func(yield func(media.Hash, error) bool) {
			for _, h := range stored {
				if !yield(h, nil) {
					return
				}
			}
		}
		for fault, err := range media.Audit(ctx, b, media.AuditConfig{Want: want}) {
			must(t, err)
			t.Errorf("found: %+v", fault)
		}
	}
	audit()
	if _, err := b.Sweep(ctx, w.clock.Now().Add(1)); err != nil {
		t.Errorf("Sweep: %v", err)
	}
	must(t, b.Delete(ctx, media.At(media.Original, stored[0])))
	stored = stored[1:]
	u, content := killUpload(0, 0)
	must(t, sendMissing(b, u, content))
	must(t, media.Receive(ctx, b, u))
	if !slices.Contains(stored, u.Hash) {
		stored = append(stored, u.Hash)
	}
	audit()
}
