package s3blobs_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/internal/link"
	"github.com/rounds-sync/rounds/internal/objectstore"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/s3blobs"
)

const (
	kib    = 1 << 10
	mib    = 1 << 20
	device = media.Owner("device-1")
)

// photo makes bytes that look like noise, other ones for each seed.
func photo(seed byte, size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(content)
	return content
}

// faults stands before a store and makes requests fail.
type faults struct {
	*httptest.Server
	proxy *httputil.ReverseProxy
	// fault decides what becomes of a request, by its number from 1; nil: all go through.
	fault    atomic.Pointer[func(n int64, r *http.Request) fault]
	requests atomic.Int64
}

type fault int

const (
	none      fault = iota
	lost            // it never arrives: the connection breaks
	replyLost       // it is done, and the connection breaks instead of an answer
	internal        // 500, it never arrives
	slowDown        // 503 after it was done
	full            // 507
	halfReply       // it is done, and the connection breaks in the middle of the answer's body
)

// String names the fault.
func (f fault) String() string {
	return [...]string{"none", "lost", "reply lost", "500", "503 after it was done", "full", "reply cut"}[f]
}

func before(t testing.TB, server *objectstore.Server) *faults {
	f := &faults{proxy: &httputil.ReverseProxy{
		// The host's name stays: it is signed.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: server.Endpoint()})
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *faults) set(decide func(n int64, r *http.Request) fault) {
	f.requests.Store(0)
	f.fault.Store(&decide)
}

func (f *faults) endpoint() string { return f.Listener.Addr().String() }

// ServeHTTP implements http.Handler.
func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := f.requests.Add(1)
	what := none
	if decide := f.fault.Load(); decide != nil {
		what = (*decide)(n, r)
	}
	switch what {
	case lost:
		panic(http.ErrAbortHandler)
	case internal:
		say(w, http.StatusInternalServerError, "InternalError")
	case full:
		_, _ = io.Copy(io.Discard, r.Body)
		say(w, http.StatusInsufficientStorage, "XMinioStorageFull")
	case none:
		f.proxy.ServeHTTP(w, r)
	default:
		kept := httptest.NewRecorder()
		f.proxy.ServeHTTP(kept, r)
		switch what {
		case slowDown:
			say(w, http.StatusServiceUnavailable, "SlowDown")
		case halfReply:
			for name, values := range kept.Header() {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Length", fmt.Sprint(kept.Body.Len()))
			w.WriteHeader(kept.Code)
			_, _ = w.Write(kept.Body.Bytes()[:kept.Body.Len()/2])
			panic(http.ErrAbortHandler)
		default:
			panic(http.ErrAbortHandler)
		}
	}
}

func say(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>by order of the test</Message></Error>", code)
}

// send sends one part as a device does and returns the status; 0: no answer.
func send(part media.Part, content []byte) int {
	body := content[part.Offset : part.Offset+part.Size]
	req, err := http.NewRequest(http.MethodPut, part.URL, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	for name, values := range part.Header {
		req.Header[name] = values
	}
	sum := md5.Sum(body)
	req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	answer, err := here.devices.Do(req)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return 0
	}
	return answer.StatusCode
}

func want(partBytes int64) media.Want {
	return media.Want{PartBytes: partBytes, MaxParts: 100, Until: time.Now().Add(time.Hour)}
}

func uploadOf(content []byte) media.Upload {
	return media.Upload{Owner: device, Hash: hashOf(content), Size: int64(len(content))}
}

// wantStored reads an object by the driver and compares.
func wantStored(t testing.TB, d media.Objects, content []byte) {
	t.Helper()
	o, err := d.Open(ctx, media.At(media.Original, hashOf(content)))
	must(t, err)
	defer func() { must(t, o.Close()) }()
	got, err := io.ReadAll(o)
	must(t, err)
	if !bytes.Equal(got, content) {
		t.Errorf("stored are %d bytes, or other ones than the %d sent", len(got), len(content))
	}
}

// bring brings a photo in whatever happens, and returns how many PUTs that took.
func bring(t testing.TB, d media.Driver, content []byte, partBytes int64) (puts int) {
	t.Helper()
	u := uploadOf(content)
	for range 200 {
		p, err := d.Plan(ctx, u, want(partBytes))
		if err != nil {
			wantIs(t, "Plan", err, media.ErrUnavailable)
			continue
		}
		for _, part := range p.Parts {
			puts++
			send(part, content)
		}
		switch err := media.Receive(ctx, d, u); {
		case err == nil:
			return puts
		case isAny(err, media.ErrNotFound): // done, it may be, and the answer was lost
			if o, err := d.Open(ctx, media.At(media.Original, u.Hash)); err == nil {
				must(t, o.Close())
				return puts
			}
		case !isAny(err, media.ErrIncomplete, media.ErrUnavailable):
			t.Fatalf("Receive: %v", err)
		}
	}
	t.Fatal("it does not get through")
	return 0
}

// TestFaults fails one request of four, in every way, with and without retries, for uploads of every kind.
func TestFaults(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	proxy := before(t, here.server)
	cfg.Endpoint = proxy.endpoint()
	kinds := []struct {
		size            int
		first, partSize int64
	}{
		{100 * kib, 0, mib},         // one part
		{300 * kib, 0, 64 * kib},    // objects
		{6 * mib, 0, 5 * mib},       // multipart
		{6 * mib, 4 * mib, 5 * mib}, // both
	}
	seed := byte(0)
	for i, what := range []fault{lost, replyLost, internal, slowDown, halfReply} {
		for _, kind := range []int{i % 4, (i + 2) % 4} {
			kind := kinds[kind]
			seed++
			t.Run(fmt.Sprintf("%s/%d in %d", what, kind.size, kind.partSize), func(t *testing.T) {
				cfg.Retries = []int{-1, 2}[seed%2]
				proxy.set(func(int64, *http.Request) fault { return none })
				d := open(t, cfg)
				content := photo(seed, kind.size)
				if kind.first > 0 {
					p, err := d.Plan(ctx, uploadOf(content), want(kind.first))
					must(t, err)
					send(p.Parts[0], content)
				}
				proxy.set(func(n int64, _ *http.Request) fault {
					if rand.New(rand.NewPCG(uint64(seed), uint64(n))).IntN(4) == 0 {
						return what
					}
					return none
				})
				bring(t, d, content, kind.partSize)
				proxy.set(func(int64, *http.Request) fault { return none })
				wantStored(t, d, content)
			})
		}
	}
}

// TestFinishAtEveryRequest breaks Finish at its n-th request to the store, before and after it was done, for every n: whatever was answered, the object is
// whole or not there, and Finish can be repeated until it is.
func TestFinishAtEveryRequest(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	proxy := before(t, here.server)
	cfg.Endpoint = proxy.endpoint()
	cfg.Retries = -1
	d := open(t, cfg)
	seed := byte(100)
	for _, kind := range []struct {
		size, first int
		faults      []fault
		step        int64 // large ones: every other request is broken, of those with the one fault the odd, with the other the even ones
	}{{200 * kib, 64 * kib, []fault{lost, replyLost}, 1}, {6 * mib, 0, []fault{replyLost}, 2}, {6 * mib, 4 * mib, []fault{lost}, 2}} {
		for _, what := range kind.faults {
			begin := int64(1)
			if kind.first == 4*mib {
				begin = 2
			}
			for n, done := begin, false; !done; n += kind.step {
				seed++
				content := photo(seed, kind.size)
				u := uploadOf(content)
				if kind.first > 0 {
					p, err := d.Plan(ctx, u, want(int64(kind.first)))
					must(t, err)
					send(p.Parts[0], content)
				}
				p, err := d.Plan(ctx, u, want(5*mib))
				must(t, err)
				for _, part := range p.Parts {
					if status := send(part, content); status != http.StatusOK {
						t.Fatalf("PUT: status %d", status)
					}
				}
				proxy.set(func(m int64, _ *http.Request) fault {
					if m == n {
						return what
					}
					return none
				})
				err = media.Receive(ctx, d, u)
				reached := proxy.requests.Load()
				proxy.set(func(int64, *http.Request) fault { return none })
				if err == nil {
					done = reached < n // all its requests were broken once
					wantStored(t, d, content)
					continue
				}
				wantIs(t, fmt.Sprintf("%d bytes, request %d: Receive", kind.size, n), err, media.ErrUnavailable)
				if o, err := d.Open(ctx, media.At(media.Original, u.Hash)); err == nil {
					must(t, o.Close())
					wantStored(t, d, content)
				} else {
					wantIs(t, "Open", err, media.ErrNotFound)
				}
				if puts := bring(t, d, content, 5*mib); puts != 0 {
					t.Errorf("%d bytes, request %d: %d parts were sent again", kind.size, n, puts)
				}
				wantStored(t, d, content)
			}
		}
	}
}

// TestFull: a store without room says so, loses nothing, and goes on when there is room.
func TestFull(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	proxy := before(t, here.server)
	cfg.Endpoint = proxy.endpoint()
	d := open(t, cfg)
	for i, kind := range []struct {
		size      int
		partBytes int64
	}{{300 * kib, 64 * kib}, {6 * mib, 5 * mib}} {
		content := photo(byte(200+i), kind.size)
		u := uploadOf(content)
		p, err := d.Plan(ctx, u, want(kind.partBytes))
		must(t, err)
		proxy.set(func(_ int64, r *http.Request) fault {
			if r.Method == http.MethodPut {
				return full
			}
			return none
		})
		if status := send(p.Parts[0], content); status != http.StatusInsufficientStorage {
			t.Errorf("PUT: status %d", status)
		}
		_, err = d.Plan(ctx, u, want(kind.partBytes))
		wantIs(t, "Plan", err, media.ErrFull)
		wantIs(t, "Put", d.Put(ctx, media.At(media.Small, u.Hash), "image/jpeg", content[:100]), media.ErrFull)
		wantIs(t, "Check", d.Check(ctx), media.ErrFull)
		proxy.set(func(int64, *http.Request) fault { return none })
		for _, part := range p.Parts {
			send(part, content)
		}
		proxy.set(func(_ int64, r *http.Request) fault {
			if r.Method == http.MethodPut {
				return full
			}
			return none
		})
		wantIs(t, "Receive", media.Receive(ctx, d, u), media.ErrFull)
		proxy.set(func(int64, *http.Request) fault { return none })
		if puts := bring(t, d, content, kind.partBytes); puts != 0 {
			t.Errorf("%d parts were sent again", puts)
		}
		wantStored(t, d, content)
	}
}

// TestStopped uses a store of its own, that is killed, started again, slow and silent.
func TestStopped(t *testing.T) {
	t.Parallel()
	server := objectstore.Test(t)
	cfg := configAt(server, "stopped")
	const silence = 4 * time.Minute
	cfg.Retries, cfg.Timeout = 1, silence
	line, err := link.Open(link.Config{Target: server.Endpoint()})
	must(t, err)
	t.Cleanup(func() { must(t, line.Close()) })
	cfg.Endpoint = line.Addr().String()
	d := open(t, cfg)
	cfg.Retries, cfg.Timeout = -1, 2*time.Second
	impatient, err := s3blobs.Open(ctx, cfg)
	for again := 0; isAny(err, media.ErrUnavailable) && again < 20; again++ { // the machine has much else to do
		impatient, err = s3blobs.Open(ctx, cfg)
	}
	must(t, err)
	t.Cleanup(func() { must(t, impatient.Close()) })

	small, large := photo(230, 300*kib), photo(231, 11*mib)
	us, ul := uploadOf(small), uploadOf(large)
	ps, err := d.Plan(ctx, us, want(64*kib))
	must(t, err)
	pl, err := d.Plan(ctx, ul, want(8*mib))
	must(t, err)
	send(ps.Parts[0], small)
	send(ps.Parts[3], small)
	send(pl.Parts[1], large)

	must(t, server.Kill())
	began := time.Now()
	_, err = d.Plan(ctx, us, want(64*kib))
	wantIs(t, "Plan", err, media.ErrUnavailable)
	wantIs(t, "Finish", media.Receive(ctx, d, us), media.ErrUnavailable)
	wantIs(t, "Abort", d.Abort(ctx, us), media.ErrUnavailable)
	_, err = d.Open(ctx, media.At(media.Original, us.Hash))
	wantIs(t, "Open", err, media.ErrUnavailable)
	_, err = d.Sweep(ctx, time.Now())
	wantIs(t, "Sweep", err, media.ErrUnavailable)
	for _, err = range d.List(ctx, "") {
	}
	wantIs(t, "List", err, media.ErrUnavailable)
	wantIs(t, "Check", d.Check(ctx), media.ErrUnavailable)
	_, err = s3blobs.Open(ctx, cfg)
	wantIs(t, "Open of the store", err, media.ErrUnavailable)
	if took := time.Since(began); took > silence {
		t.Errorf("a store that is not there is found out in %s", took)
	}

	must(t, server.Restart(ctx))
	must(t, d.Check(ctx))
	if n := bring(t, d, small, 64*kib); n != len(ps.Parts)-2 {
		t.Errorf("%d of %d parts were sent after the restart, two were there before", n, len(ps.Parts))
	}
	if n := bring(t, d, large, 8*mib); n != len(pl.Parts)-1 {
		t.Errorf("%d of %d parts were sent after the restart, one was there before", n, len(pl.Parts))
	}
	wantStored(t, d, small)
	wantStored(t, d, large)

	line.Reshape(link.Shape{BitsPerSecond: 64_000_000, RoundTrip: 30 * time.Millisecond}) // slow, and it goes on
	slow := photo(232, 700*kib)
	bring(t, d, slow, 256*kib)
	wantStored(t, d, slow)
	line.Reshape(link.Shape{BitsPerSecond: 8}) // silent: a byte a second
	wantIs(t, "Check of a silent store", impatient.Check(ctx), media.ErrUnavailable)
}
