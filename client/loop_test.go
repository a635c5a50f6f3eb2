package client_test

import (
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

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
)

// handler serves the fake over Connect, streams included.
type handler struct {
	*server
	noStreams bool
}

func (h handler) Watch(
	ctx context.Context, request *connect.Request[roundsv1.WatchRequest], stream *connect.ServerStream[roundsv1.WatchResponse],
) error {
	device, err := h.device(request.Header().Get("Authorization"))
	if err != nil {
		return err
	}
	if h.noStreams {
		return connect.NewError(connect.CodeUnimplemented, errors.New("no streams"))
	}
	cursors := map[client.Scope][]byte{}
	for _, c := range request.Msg.GetCursors() {
		cursors[client.Scope(c.GetScope())] = c.GetCursor()
	}
	beat := time.NewTicker(request.Msg.GetHeartbeat().AsDuration())
	defer beat.Stop()
	for {
		h.mu.Lock()
		answer, budget := &roundsv1.ExchangeResponse{}, 1<<20
		for name, cursor := range cursors {
			h.page(device, name, cursor, &budget, answer)
		}
		changed := h.changed
		h.mu.Unlock()
		for _, page := range answer.GetPages() {
			if string(page.GetCursor()) != string(cursors[client.Scope(page.GetScope())]) {
				cursors[client.Scope(page.GetScope())] = page.GetCursor()
				if err := stream.Send(&roundsv1.WatchResponse{ServerTimeUs: 1, Pages: []*roundsv1.ScopePage{page}}); err != nil {
					return err
				}
			}
		}
		select {
		case <-changed:
		case <-beat.C:
			if err := stream.Send(&roundsv1.WatchResponse{}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wire carries HTTP without a network, so that the clock of synctest runs.
type wire struct {
	handler http.Handler
	mu      sync.Mutex // guards all below
	down    bool
	held    chan struct{} // if not nil, answers to Exchange wait for it
}

// hold lets answers to Exchange wait until the returned function is called.
func (w *wire) hold() (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	held := make(chan struct{})
	w.held = held
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.held = nil
		close(held)
	}
}

func (w *wire) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	down, held := w.down, w.held
	w.mu.Unlock()
	if down {
		return nil, errors.New("no network")
	}
	read, write := io.Pipe()
	answer := &pipeWriter{header: http.Header{}, body: write, begun: make(chan struct{})}
	stop := context.AfterFunc(request.Context(), func() { _ = read.CloseWithError(context.Canceled) })
	go func() {
		defer stop()
		w.handler.ServeHTTP(answer, request)
		answer.WriteHeader(http.StatusOK)
		_ = write.Close()
	}()
	select {
	case <-answer.begun:
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
	if held != nil && strings.HasSuffix(request.URL.Path, "/Exchange") {
		<-held
	}
	return &http.Response{StatusCode: answer.status, Header: answer.header, Body: read, Request: request, ContentLength: -1,
		Proto: "HTTP/2.0", ProtoMajor: 2}, nil
}

type pipeWriter struct {
	header http.Header
	status int
	body   io.Writer
	begun  chan struct{}
	once   sync.Once
}

func (w *pipeWriter) Header() http.Header { return w.header }
func (w *pipeWriter) Flush()              { w.WriteHeader(http.StatusOK) }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status = status
		close(w.begun)
	})
}

func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// running starts Run on a device that reaches the fake over Connect.
func running(t *testing.T, noStreams bool, timing client.Timing) (*rig, *wire) {
	s := newServer(t)
	d := newRig(t, s, 1)
	_, h := roundsv1connect.NewSyncServiceHandler(handler{server: s, noStreams: noStreams})
	w := &wire{handler: h}
	d.cfg.Sync = roundsv1connect.NewSyncServiceClient(&http.Client{Transport: w}, "http://rounds.test")
	d.cfg.Timing = timing
	d.open(d.disk)
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
	return d, w
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log)
}

func TestRunStreamsAndPushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := running(t, false, client.Timing{Debounce: time.Second})
		s := d.server
		s.write(site, id1, ticket(&roundsv1.Ticket{Title: "from the desk"}))
		d.create(site, id2, "mine") // makes the scope known: a whole sync
		time.Sleep(2 * time.Second)
		synctest.Wait()
		before := s.requests()
		s.write(site, id1, ticket(&roundsv1.Ticket{Title: "changed at the desk"}))
		synctest.Wait()
		d.wantTitle(site, id1, "changed at the desk")
		if got := s.requests(); got != before {
			t.Fatalf("%d requests for a change that the stream brings", got-before)
		}
		for i := range 3 {
			d.edit(site, id2, fmt.Sprint("edit ", i))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := s.requests(); got != before+1 {
			t.Fatalf("%d requests for three edits in a row", got-before)
		}
		if last := s.log[before]; len(last.GetCursors()) != 0 || last.GetDiscover() {
			t.Fatalf("a push beside a stream pulls too: %v", last.GetCursors())
		}
		if v := d.get(site, id2); v.Pending != 0 || v.Record.GetTicket().GetTitle() != "edit 2" {
			t.Fatalf("after the push: %+v", v)
		}
		time.Sleep(10 * time.Minute) // heartbeats keep the stream
		if got := s.requests(); got != before+1 {
			t.Fatalf("%d requests in idle minutes", got-before-1)
		}
		d.wantSame(site)
	})
}

func TestRunBacksOffAndComesBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := running(t, false, client.Timing{BackoffFirst: time.Second, BackoffMax: time.Hour})
		w.set(true)
		d.create(site, id1, "in the basement")
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		before := d.server.requests()
		w.set(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := d.server.requests(); got != before {
			t.Fatalf("%d requests in the middle of a long wait", got-before)
		}
		d.Online()
		time.Sleep(time.Second)
		synctest.Wait()
		if v := d.get(site, id1); v.Pending != 0 {
			t.Fatalf("Online did not cut the wait short: %+v", v)
		}
	})
}

func TestRunPollsWithoutStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := running(t, true, client.Timing{Poll: time.Minute})
		d.server.write(site, id1, ticket(&roundsv1.Ticket{Title: "from the desk"}))
		time.Sleep(61 * time.Second)
		synctest.Wait()
		d.wantTitle(site, id1, "from the desk")
		d.create(site, id2, "mine")
		time.Sleep(time.Second)
		synctest.Wait()
		if v := d.get(site, id2); v.Pending != 0 {
			t.Fatalf("a mutation waits for the next poll: %+v", v)
		}
	})
}

// A sync by hand beside a stream makes the stream's next page a stranger; the device opens another and loses nothing.
func TestRunAndSyncBesideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := running(t, false, client.Timing{})
		for i := range 20 {
			d.server.write(site, client.DerivedID(id1, fmt.Sprint(i)), ticket(&roundsv1.Ticket{Title: fmt.Sprint("ticket ", i)}))
			d.sync()
			d.create(site, client.DerivedID(id2, fmt.Sprint(i)), "mine")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		d.wantSame(site)
		d.wantExactlyOnce()
		d.server.write(site, id1, ticket(&roundsv1.Ticket{Title: "and live again"}))
		synctest.Wait()
		d.wantTitle(site, id1, "and live again")
	})
}

// An answer that was overtaken by the stream is not taken for a page that goes on from where the replica is.
func TestAnswerOvertakenByTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := running(t, false, client.Timing{})
		d.create(site, id1, "lamp")
		time.Sleep(time.Minute) // the stream brings the scope by now
		s := d.server
		s.write(site, id2, ticket(&roundsv1.Ticket{Title: "one"}))
		synctest.Wait()
		release := w.hold()
		reports := make(chan client.Report, 1)
		go func() {
			report, err := d.Sync(t.Context())
			if err != nil {
				t.Error(err)
			}
			reports <- report
		}()
		synctest.Wait()
		s.write(site, id2, ticket(&roundsv1.Ticket{Title: "two"}))
		synctest.Wait()
		d.wantTitle(site, id2, "two")
		release()
		if report := <-reports; report.Diverged != 0 {
			t.Fatalf("report %+v", report)
		}
		d.wantTitle(site, id2, "two")
		d.wantSame(site)
	})
}

func TestRunEndsWhenThereIsNothingToWaitFor(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	me, _ := d.Identity()
	d.create(site, id1, "lamp")
	s.revoked[me.Device] = roundsv1.Revocation_REVOCATION_IMMEDIATE
	if err := d.Run(t.Context()); !errors.Is(err, client.ErrRevoked) {
		t.Fatalf("Run: %v", err)
	}
	d.cfg.Sync = nil
	d.open(d.disk)
	if err := d.Run(t.Context()); !errors.Is(err, client.ErrOffline) {
		t.Fatalf("Run: %v", err)
	}
}
