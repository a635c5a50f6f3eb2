package fileblobs_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
)

func uploadOf(owner media.Owner, size, fill int) (media.Upload, []byte) {
	content := bytes.Repeat([]byte{byte(fill)}, size)
	return media.Upload{Owner: owner, Hash: sha256.Sum256(content), Size: int64(size)}, content
}

// idle begins a PUT, sends one byte of it, and nothing more.
func (w *world) idle(t *testing.T, path string, size int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nContent-MD5: %s\r\n\r\nx", path, size, sumOf(nil))
	must(t, err)
	return conn
}

// begun waits until so many parts are being written.
func (w *world) begun(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		entries, err := os.ReadDir(w.path("tmp"))
		must(t, err)
		if len(entries) == n {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%d parts are being written, not %d", len(entries), n)
		case <-tick.C:
		}
	}
}

// TestIdleParts: parts that were begun and do not come take no room from others, and one device has a bounded number of them.
func TestIdleParts(t *testing.T) {
	const size, most = 1 << 20, 32
	w := newWorld(t, func(c *fileblobs.Config) {
		c.MinFreeBytes = 1 << 20
		c.FreeBytes = func(string) (int64, error) { return 4 << 20, nil }
	})
	bad, _ := uploadOf("bad device", size, 1)
	path := w.onePart(t, bad)
	for range most {
		w.idle(t, path, size)
	}
	w.begun(t, most)
	answer, err := http.ReadResponse(bufio.NewReader(w.idle(t, path, size)), nil)
	must(t, err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("one part too many: %d", answer.StatusCode)
	}
	good, content := uploadOf("good device", size, 2)
	must(t, sendMissing(w.now.Load(), good, content))
	must(t, media.Receive(ctx, w.now.Load(), good))
}

// TestUploadOverrun: parts that overlap in ever new ways do not pile up: the storage holds at most twice the largest photo of an upload, and then begins it anew.
func TestUploadOverrun(t *testing.T) {
	const size = 1 << 20
	w := newWorld(t, func(c *fileblobs.Config) { c.MaxUploadBytes = size })
	u, content := uploadOf("device", size, 3)
	b := w.now.Load()
	var paths []string
	var sizes []int
	for part := int64(media.MinPartBytes); part <= size; part += 32 << 10 {
		plan, err := b.Plan(ctx, u, media.Want{PartBytes: part, MaxParts: 1, Until: w.clock.Now().Add(time.Hour)})
		must(t, err)
		paths, sizes = append(paths, strings.TrimPrefix(plan.Parts[0].URL, w.server.URL)), append(sizes, int(plan.Parts[0].Size))
	}
	for i, path := range paths {
		body := content[:sizes[i]]
		_, _, _ = w.raw(t, fmt.Sprintf("PUT %s HTTP/1.1\nContent-Length: %d\nContent-MD5: %s", path, len(body), sumOf(body)), body)
		if held := heldBelow(t, w.path("uploads")); held > 2*size {
			t.Fatalf("after %d parts an upload of %d bytes takes %d", i+1, size, held)
		}
	}
	must(t, sendMissing(b, u, content))
	must(t, media.Receive(ctx, b, u))
}

func heldBelow(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	}))
	return bytes
}
