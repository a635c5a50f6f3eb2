package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
)

// bubbleClock goes by the clock of synctest.
type bubbleClock struct{ began time.Time }

func (c bubbleClock) Wall() time.Time          { return time.Now() }
func (c bubbleClock) Boot() string             { return "boot-1" }
func (c bubbleClock) Monotonic() time.Duration { return time.Hour + time.Since(c.began) }

// line carries HTTP without a network, at a rate that all requests share.
type line struct {
	handler http.Handler
	busy    chan struct{} // holds a token; who sends has it

	mu    sync.Mutex    // guards what follows
	rate  int           // bytes a second
	delay time.Duration // of a request and of its answer, together
	hangs bool          // nothing moves
	down  bool
	parts int64 // bytes of parts that were carried
	calls []string
}

func newLine(h http.Handler, rate int, delay time.Duration) *line {
	l := &line{handler: h, busy: make(chan struct{}, 1), rate: rate, delay: delay}
	l.busy <- struct{}{}
	return l
}

func (l *line) be(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *line) carried() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.parts
}

func (l *line) called(name string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.calls {
		if strings.HasSuffix(c, name) {
			n++
		}
	}
	return n
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	l.mu.Lock()
	down, delay := l.down, l.delay
	l.calls = append(l.calls, request.URL.Path)
	l.mu.Unlock()
	if down {
		return nil, errors.New("no network")
	}
	time.Sleep(delay)
	served := request.Clone(ctx)
	served.Body = &onLine{line: l, ctx: ctx, body: request.Body, part: request.Method == http.MethodPut}
	read, write := io.Pipe()
	answer := &pipeWriter{header: http.Header{}, body: write, begun: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { _ = read.CloseWithError(context.Canceled) })
	go func() {
		defer stop()
		l.handler.ServeHTTP(answer, served)
		answer.WriteHeader(http.StatusOK)
		_ = write.Close()
	}()
	select {
	case <-answer.begun:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &http.Response{StatusCode: answer.status, Header: answer.header, Body: read, Request: request, ContentLength: -1,
		Proto: "HTTP/2.0", ProtoMajor: 2}, nil
}

// onLine is a body on its way.
type onLine struct {
	line *line
	ctx  context.Context
	body io.ReadCloser
	part bool
}

func (o *onLine) Read(b []byte) (int, error) {
	if o.body == nil {
		return 0, io.EOF
	}
	n, err := o.body.Read(b[:min(len(b), 4<<10)])
	select {
	case <-o.line.busy:
	case <-o.ctx.Done():
		return 0, o.ctx.Err()
	}
	o.line.mu.Lock()
	took := time.Duration(n) * time.Second / time.Duration(o.line.rate)
	if o.line.hangs {
		took = time.Hour
	}
	if o.part {
		o.line.parts += int64(n)
	}
	o.line.mu.Unlock()
	timer := time.NewTimer(took)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-o.ctx.Done():
		err = o.ctx.Err()
	}
	o.line.busy <- struct{}{}
	return n, err
}

func (o *onLine) Close() error { return o.body.Close() }

// onTheLine is a device with a ticket that reaches its server over a line.
func onTheLine(t *testing.T, rate int, delay time.Duration) (*rig, *mediaServer, *line) {
	t.Helper()
	s := newServer(t)
	m := &mediaServer{t: t, words: s, url: "http://rounds.test", uploads: map[uploadKey]*fakeUpload{}, objects: map[client.PhotoHash][]byte{},
		known: map[client.Scope]map[client.PhotoHash]bool{}, tickets: map[string]ticketTo{}}
	l := newLine(m.handler(), rate, delay)
	hc := &http.Client{Transport: l}
	folder, err := client.Folder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := newRig(t, s, 1)
	d.cfg.Originals, d.cfg.HTTP, d.cfg.Clock = folder, hc, bubbleClock{began: time.Now()}
	d.cfg.Media = roundsv1connect.NewMediaServiceClient(hc, m.url)
	d.cfg.Sync = roundsv1connect.NewSyncServiceClient(hc, m.url)
	d.open(d.disk)
	d.create(site, id1, "lamp")
	d.sync()
	return d, m, l
}

// On a bad link: one part at a time, the smallest there is, and few calls beside them.
func TestPaceOnABadLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, l := onTheLine(t, 8<<10, 400*time.Millisecond)
		content := noise(1, 10*64<<10)
		d.addPhoto(site, content)
		began := time.Now()
		report := d.sync()
		took, least := time.Since(began), time.Duration(len(content)/(8<<10))*time.Second
		t.Logf("%v for what takes %v at least, %d plans", took, least, l.called("/Plan"))
		if report.Photos.Parts != 10 || m.widest != 1 || l.called("/Plan") > 5 || took > least*11/10 {
			t.Errorf("%d parts, %d abreast, %d plans, %v", report.Photos.Parts, m.widest, l.called("/Plan"), took)
		}
	})
}

// On a good link: large parts, four abreast, and the link is full.
func TestPaceOnAGoodLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 2 << 20
		d, m, l := onTheLine(t, rate, 60*time.Millisecond)
		total := 0
		for i := range 6 {
			content := noise(uint64(i), 2<<20)
			total += len(content)
			d.addPhoto(site, content)
		}
		began := time.Now()
		report := d.sync()
		took, least := time.Since(began), time.Duration(total)*time.Second/rate
		largest := int64(0)
		for _, p := range m.puts {
			largest = max(largest, p.size)
		}
		t.Logf("%v for what takes %v at least, %d plans, parts up to %d, %d abreast", took, least, l.called("/Plan"), largest, m.widest)
		if report.Photos.Stored != 6 || m.widest != 4 || largest < 256<<10 || took > least*13/10 {
			t.Errorf("%+v, %d abreast, parts up to %d, %v", report.Photos, m.widest, largest, took)
		}
	})
}

// A good link that becomes a bad one: after a part that stands still the next ones are small, and alone.
func TestPaceAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, l := onTheLine(t, 4<<20, 10*time.Millisecond)
		d.addPhoto(site, noise(1, 30<<20))
		once := sync.Once{}
		m.onPart = func(p fakePut, read int64) int {
			if p.offset > 12<<20 && read > 0 {
				once.Do(func() {
					l.be(func() { l.hangs = true })
					time.AfterFunc(50*time.Second, func() { l.be(func() { l.hangs, l.rate = false, 8<<10 }) })
				})
			}
			return 0
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		began := time.Now()
		report, err := d.Sync(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 4*time.Minute {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		last := m.puts[len(m.puts)-1]
		t.Logf("%+v, the last part has %d bytes, %d abreast", report.Photos, last.size, m.widest)
		if report.Photos.Cut < 2 || last.size != 64<<10 || m.widest < 3 || m.active > 1 {
			t.Errorf("%+v: the last part has %d bytes, %d abreast still", report.Photos, last.size, m.active)
		}
	})
}

// Words never wait for bytes: while an Exchange brings some, parts stand still.
func TestWordsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, l := onTheLine(t, 8<<10, 400*time.Millisecond)
		content := noise(1, 5*64<<10)
		d.addPhoto(site, content)
		uploaded := make(chan error, 1)
		go func() {
			_, err := d.Sync(t.Context())
			uploaded <- err
		}()
		time.Sleep(15 * time.Second)
		if l.carried() == 0 {
			t.Fatal("no part is on its way")
		}
		d.create(site, id2, strings.Repeat("words that take a second or two ", 500))
		before, began := l.carried(), time.Now()
		report, err := d.Sync(t.Context(), client.WithoutPhotos())
		if err != nil || report.Applied != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
		moved, took := l.carried()-before, time.Since(began)
		t.Logf("words took %v, %d bytes of parts beside them", took, moved)
		if moved > 8<<10 || took > 3*time.Second {
			t.Errorf("words took %v, and %d bytes of parts went beside them", took, moved)
		}
		if err := <-uploaded; err != nil || !m.has(content) || m.again() != 0 {
			t.Errorf("%v, stored %v, %d parts again", err, m.has(content), m.again())
		}
	})
}

// runs starts Run for the length of a test.
func runs(t *testing.T, d *rig) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
}

// Run uploads behind the words: what is queued while a photo travels is at the server in seconds.
func TestRunUploadsBehindTheWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, _ := onTheLine(t, 8<<10, 400*time.Millisecond)
		runs(t, d)
		content := noise(1, 600_000)
		d.addPhoto(site, content)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if list := d.photos(); len(list) != 1 || list[0].Stage != client.PhotoSending || list[0].Sent == 0 {
			t.Fatalf("after 20 s: %+v", list)
		}
		if status, err := d.Status(t.Context()); err != nil || len(status.Photos.Uploading) != 1 {
			t.Fatalf("status %+v, %v", status.Photos, err)
		}
		for i := range 3 {
			d.edit(site, id1, fmt.Sprint("edit ", i))
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if v := d.get(site, id1); v.Pending != 0 {
				t.Fatalf("words wait for bytes: %+v", v)
			}
		}
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if !m.has(content) {
			t.Fatalf("not there: %+v", d.photos())
		}
	})
}

// Run obeys a server that asks to wait, and does not wait for longer than it was asked to by much.
func TestRunWaitsAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, l := onTheLine(t, 1<<20, 10*time.Millisecond)
		full := true
		m.problem = func(call string, _ client.PhotoHash) *roundsv1.Problem {
			if !full || call != "Plan" {
				return nil
			}
			return &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_FULL, RetryAfter: durationpb.New(10 * time.Minute)}
		}
		runs(t, d)
		content := noise(1, 10_000)
		d.addPhoto(site, content)
		for range 59 {
			time.Sleep(time.Minute)
			d.edit(site, id1, "words go on")
		}
		if n := l.called("/Plan"); n < 5 || n > 7 {
			t.Errorf("%d plans in an hour in which the server asks for ten minutes", n)
		}
		m.mu.Lock()
		full = false
		m.mu.Unlock()
		d.Online()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !m.has(content) {
			t.Errorf("not there: %+v", d.photos())
		}
	})
}

// Run with a network that comes and goes, and hours in which nothing is to be done.
func TestRunUploadsWhenTheNetworkComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, l := onTheLine(t, 1<<20, 10*time.Millisecond)
		d.cfg.Timing.Poll = time.Hour
		d.open(d.disk)
		runs(t, d)
		l.be(func() { l.down = true })
		content := noise(1, 10_000)
		d.addPhoto(site, content)
		time.Sleep(3 * time.Hour)
		l.be(func() { l.down = false })
		d.Online()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if !m.has(content) {
			t.Fatalf("not there: %+v", d.photos())
		}
		plans := l.called("/Plan")
		time.Sleep(5 * time.Hour)
		if n := l.called("/Plan") - plans; n != 0 {
			t.Errorf("%d plans in hours in which nothing waits", n)
		}
		d.closeTicket(id1)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if d.kept(content) {
			t.Error("the original is kept though its ticket is closed")
		}
	})
}

// Small photos go first; one that has waited for a day goes before them.
func TestSmallFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, _ := onTheLine(t, 1<<20, 10*time.Millisecond)
		d.cfg.Limits.Parts = 1 // parts that go at once have no order
		d.open(d.disk)
		sizes := []int{90_000, 10_000, 500_000, 30_000}
		for _, size := range sizes[:3] {
			time.Sleep(time.Second)
			d.addPhoto(site, noise(uint64(size), size))
		}
		time.Sleep(25 * time.Hour)
		d.server.mu.Lock()
		d.server.nowUS += (25 * time.Hour).Microseconds()
		d.server.mu.Unlock()
		d.sync(client.WithoutPhotos())
		d.addPhoto(site, noise(30_000, 30_000))
		d.addPhoto(site, noise(20_000, 20_000))
		d.sync()
		var sent []int64
		seen := map[client.PhotoHash]bool{}
		for _, p := range m.puts {
			if !seen[p.hash] {
				seen[p.hash] = true
				for _, size := range append(sizes, 20_000) {
					if p.hash == hashOf(noise(uint64(size), size)) {
						sent = append(sent, int64(size))
					}
				}
			}
		}
		if got := fmt.Sprint(sent); got != "[90000 10000 500000 20000 30000]" {
			t.Errorf("sent in the order of %v", got)
		}
	})
}

// A ctx that ends, ends it at once, in the middle of a part.
func TestUploadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, l := onTheLine(t, 8<<10, 10*time.Millisecond)
		d.addPhoto(site, bytes.Repeat([]byte("bytes"), 100_000))
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		time.AfterFunc(5*time.Second, cancel)
		if _, err := d.Sync(ctx); !errors.Is(err, context.Canceled) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if l.carried() == 0 {
			t.Error("no part was on its way")
		}
	})
}
