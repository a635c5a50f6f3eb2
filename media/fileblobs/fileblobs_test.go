package fileblobs_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
	"github.com/rounds-sync/rounds/media/mediatest"
)

// clock is a clock that goes when it is told to.
type clock struct{ us atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC).Add(time.Duration(c.us.Load()) * time.Microsecond)
}

func (c *clock) Pass(d time.Duration) { c.us.Add(d.Microseconds()) }

// world is a folder, a server in front of it, and whichever driver has it open now.
type world struct {
	clock  clock
	cfg    fileblobs.Config
	server *httptest.Server
	now    atomic.Pointer[fileblobs.Blobs]
}

func newWorld(t testing.TB, change func(*fileblobs.Config)) *world {
	t.Helper()
	w := new(world)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.now.Load().Handler().ServeHTTP(rw, r) }))
	t.Cleanup(w.server.Close)
	w.cfg = fileblobs.Config{Dir: filepath.Join(t.TempDir(), "media"), URL: w.server.URL, Key: make([]byte, fileblobs.KeyBytes), Now: w.clock.Now, MinFreeBytes: -1}
	if change != nil {
		change(&w.cfg)
	}
	w.open(t)
	t.Cleanup(func() { must(t, w.now.Load().Close()) })
	return w
}

func (w *world) open(t testing.TB) {
	t.Helper()
	b, err := fileblobs.Open(w.cfg)
	must(t, err)
	w.now.Store(b)
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.cfg.Dir}, parts...)...)
}

func (w *world) harness() *mediatest.Harness {
	return &mediatest.Harness{
		Driver: w.now.Load(), Client: w.server.Client(), Now: w.clock.Now, Pass: w.clock.Pass,
		Reopen: func(t *testing.T) media.Driver {
			must(t, w.now.Load().Close())
			w.open(t)
			return w.now.Load()
		},
		Damage: func(t *testing.T, at media.Address) {
			content, err := os.ReadFile(w.path(string(at)))
			must(t, err)
			content[len(content)/2] ^= 1
			must(t, os.WriteFile(w.path(string(at)), content, 0o600))
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func TestConformance(t *testing.T) {
	mediatest.Run(t, func(t *testing.T) *mediatest.Harness { return newWorld(t, nil).harness() }, mediatest.Options{NoMediaTypes: true})
}

// inProcess serves requests without a socket.
type inProcess struct{ handler http.Handler }

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	p.handler.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Header: w.header, Body: http.NoBody, Request: r}, nil
}
