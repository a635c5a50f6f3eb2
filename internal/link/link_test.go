package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rounds-sync/rounds/internal/link"
)

// wire is a listener and a dialer in memory, for tests in which time is not the machine's.
type wire struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func newWire() *wire { return &wire{waiting: make(chan net.Conn), closed: make(chan struct{})} }

var _ net.Listener = (*wire)(nil)

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.waiting:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	close(w.closed)
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case w.waiting <- far:
		return near, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// echo answers every request of so many bytes with as many.
func echo(server *wire, size int) {
	for {
		c, err := server.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			request := make([]byte, size)
			for {
				if _, err := io.ReadFull(c, request); err != nil {
					return
				}
				if _, err := c.Write(request); err != nil {
					return
				}
			}
		}()
	}
}

// TestDial: a connection to another address shares the line with one to the target, and ends with the signal.
func TestDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, server, store := newWire(), newWire(), newWire()
		go echo(server, 8000)
		go echo(store, 8000)
		defer server.Close()
		defer store.Close()
		l, err := link.Open(link.Config{Shape: link.Shape{BitsPerSecond: 64_000, RoundTrip: 400 * time.Millisecond}, Listener: device,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if address == "store:9000" {
					return store.dial(ctx, network, address)
				}
				return server.dial(ctx, network, address)
			}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		a, err := l.Dial(t.Context(), "tcp", "store:9000")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if took := time.Since(began); took != 400*time.Millisecond {
			t.Errorf("the connection took %v", took)
		}
		b, err := l.Dial(t.Context(), "tcp", "server:80")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		began = time.Now()
		request := bytes.Repeat([]byte("abcd"), 2000)
		go a.Write(request)
		go b.Write(request)
		for _, c := range []net.Conn{a, b} {
			answer := make([]byte, len(request))
			if _, err := io.ReadFull(c, answer); err != nil || !bytes.Equal(answer, request) {
				t.Fatalf("the answer is another: %v", err)
			}
		}
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second+400*time.Millisecond {
			t.Errorf("two requests of a second each, and their answers, took %v", took)
		}
		if n := l.Counts(); n.Connections != 2 || n.Up != 16000 {
			t.Errorf("counted %+v", n)
		}
		l.Off()
		if _, err := a.Read(make([]byte, 1)); err == nil {
			t.Error("a connection outlived the signal")
		}
		if _, err := l.Dial(t.Context(), "tcp", "store:9000"); err == nil {
			t.Error("a connection without a signal")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		l.On()
		if _, err := l.Dial(t.Context(), "tcp", "store:9000"); err == nil {
			t.Error("a connection over a closed link")
		}
	})
}

// TestShape: a request of 8,000 bytes and its answer at 64 kbit/s and 400 ms take 1 s and 200 ms each way, and the connection 400 ms before.
func TestShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, server := newWire(), newWire()
		go echo(server, 8000)
		defer server.Close()
		l, err := link.Open(link.Config{Shape: link.Shape{BitsPerSecond: 64_000, RoundTrip: 400 * time.Millisecond}, Listener: device, Dial: server.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		began := time.Now()
		c, err := device.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		request := bytes.Repeat([]byte("abcd"), 2000)
		go c.Write(request)
		answer := make([]byte, len(request))
		if _, err := io.ReadFull(c, answer); err != nil || !bytes.Equal(answer, request) {
			t.Fatalf("the answer is another: %v", err)
		}
		want := 400*time.Millisecond + 2*(time.Second+200*time.Millisecond)
		if took := time.Since(began); took < want || took > want+time.Millisecond {
			t.Errorf("it took %v, not %v", took, want)
		}
		if n := l.Counts(); n.Up != 8000 || n.Down != 8000 || n.Connections != 1 || n.Replies != 1 || n.Lost != 0 || n.Cuts != 0 {
			t.Errorf("counted %+v", n)
		}
	})
}

// TestShared: two connections share the capacity.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, server := newWire(), newWire()
		go echo(server, 8000)
		defer server.Close()
		l, err := link.Open(link.Config{Shape: link.Shape{BitsPerSecond: 64_000}, Listener: device, Dial: server.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		began := time.Now()
		done := make(chan error)
		for range 2 {
			c, err := device.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go c.Write(make([]byte, 8000))
			go func() {
				_, err := io.ReadFull(c, make([]byte, 8000))
				done <- err
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		// 2 s of requests; the last answer begins at their end at the earliest, when half of the answers may be down.
		if took := time.Since(began); took < 3*time.Second-time.Millisecond || took > 4*time.Second {
			t.Errorf("two connections took %v together", took)
		}
	})
}

// counting is a server that counts the requests that it answered.
func counting(t *testing.T) (*httptest.Server, *atomic.Int32) {
	var taken atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		taken.Add(1)
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
	}))
	t.Cleanup(s.Close)
	return s, &taken
}

func open(t *testing.T, cfg link.Config) (*link.Link, func() error) {
	l, err := link.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return l, func() error {
		resp, err := (&http.Client{Transport: transport}).Post("http://"+l.Addr().String(), "text/plain", strings.NewReader("hello"))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err == nil && len(got) != 5000 {
			err = errors.New("a short answer")
		}
		return err
	}
}

// TestLoseReplies: the server did it and the device never hears.
func TestLoseReplies(t *testing.T) {
	server, taken := counting(t)
	l, call := open(t, link.Config{Target: server.Listener.Addr().String()})
	if err := call(); err != nil {
		t.Fatal(err)
	}
	l.LoseReplies(1)
	if err := call(); err == nil {
		t.Error("the lost reply arrived")
	}
	if n := taken.Load(); n != 2 {
		t.Errorf("the server took %d requests", n)
	}
	if err := call(); err != nil {
		t.Error("the link did not come back:", err)
	}
	if n := l.Counts(); n.Lost != 1 || n.Replies != 3 || n.Cuts != 1 || n.Connections != 2 {
		t.Errorf("counted %+v", n)
	}
}

// TestOff: nothing goes through while the link is off, and it comes back.
func TestOff(t *testing.T) {
	server, taken := counting(t)
	l, call := open(t, link.Config{Target: server.Listener.Addr().String()})
	if err := call(); err != nil {
		t.Fatal(err)
	}
	l.Off()
	if err := call(); err == nil {
		t.Error("a call went through")
	}
	if n := taken.Load(); n != 1 {
		t.Errorf("the server took %d requests", n)
	}
	l.On()
	if err := call(); err != nil {
		t.Error(err)
	}
}

// TestChance: the same seed loses the same calls, and about as many as the shape says.
func TestChance(t *testing.T) {
	run := func(seed uint64) (lost string) {
		server, _ := counting(t)
		_, call := open(t, link.Config{Target: server.Listener.Addr().String(), Seed: seed, Shape: link.Shape{LoseReply: 0.3}})
		for range 100 {
			if call() != nil {
				lost += "x"
			} else {
				lost += "."
			}
		}
		return lost
	}
	first := run(1)
	if again := run(1); again != first {
		t.Errorf("seed 1 was once\n%s\nand once\n%s", first, again)
	}
	if other := run(2); other == first {
		t.Error("another seed did the same")
	}
	if n := strings.Count(first, "x"); n < 15 || n > 45 {
		t.Errorf("%d of 100 were lost", n)
	}
}

// TestCut: a connection is cut in the middle.
func TestCut(t *testing.T) {
	server, _ := counting(t)
	l, call := open(t, link.Config{Target: server.Listener.Addr().String(), Shape: link.Shape{BitsPerSecond: 80_000}})
	failed := make(chan error)
	go func() { failed <- call() }()
	for l.Counts().Up == 0 {
		select {
		case err := <-failed:
			t.Fatal("the call ended early:", err)
		default:
		}
	}
	if n := l.Cut(); n != 1 {
		t.Errorf("cut %d connections", n)
	}
	if err := <-failed; err == nil {
		t.Error("a call on a cut connection was answered")
	}
}

// TestShapeRefused: what no link is like.
func TestShapeRefused(t *testing.T) {
	for _, s := range []link.Shape{{BitsPerSecond: -1}, {RoundTrip: -1}, {Cut: 1.1}, {LoseReply: -0.1}} {
		if _, err := link.Open(link.Config{Shape: s}); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
