// Package link is a bad network on one machine: a TCP proxy that is as narrow and slow as a phone's link, and that is cut and loses replies
// when it is told to, or by chance from a seed.
//
// A Link stands between devices and one server. All its connections share its capacity, as those of one phone do. It knows nothing of what it
// carries: what comes down after something went up counts as a reply, which is right for requests that follow each other on a connection.
package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Shape is what a link is like. The zero Shape is a perfect link.
type Shape struct {
	// BitsPerSecond is the capacity each way; 0: no limit.
	BitsPerSecond int
	// RoundTrip is the delay of a byte there and one back; half of it each way. Making a connection costs one.
	RoundTrip time.Duration
	// Cut is the chance, 0 to 1, that a connection is cut while a request or a reply is on its way.
	Cut float64
	// LoseReply is the chance, 0 to 1, that a request arrives, and of its reply nothing: the connection is cut instead.
	LoseReply float64
}

// Config is what a Link is made of. Target is needed.
type Config struct {
	// Target is the address of the server, host:port.
	Target string
	// Shape at the beginning; Reshape changes it.
	Shape Shape
	// Seed of what happens by chance.
	Seed uint64
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Listener takes the devices' connections. Default: a free port of the loopback.
	Listener net.Listener
	// Dial reaches the server. Default: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Counts is what went over a link since it was made.
type Counts struct {
	// Up and Down are the bytes that arrived at the server and at devices.
	Up, Down int64
	// Connections that were made, and of these the ones that were cut by the link.
	Connections, Cuts int64
	// Replies that began to come down, each the end of a round trip; Lost of them did not arrive.
	Replies, Lost int64
}

// Link is a running proxy. Its methods may be called from any number of goroutines.
type Link struct {
	cfg  Config
	ctx  context.Context
	stop context.CancelFunc
	busy sync.WaitGroup

	mu     sync.Mutex // guards what follows
	shape  Shape
	offAir bool
	lose   int // replies to lose for certain
	rand   *rand.Rand
	free   [2]time.Time // when the line is free again, by direction
	counts Counts
	open   map[*pair]struct{}
	closed bool
}

// The two directions.
const (
	up = iota
	down
)

// Open makes a link and begins to take connections.
func Open(cfg Config) (*Link, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if err := cfg.Shape.check(); err != nil {
		return nil, err
	}
	if cfg.Listener == nil {
		var err error
		if cfg.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
	}
	l := &Link{cfg: cfg, shape: cfg.Shape, rand: rand.New(rand.NewPCG(cfg.Seed, 0)), open: map[*pair]struct{}{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.busy.Go(l.accept)
	return l, nil
}

func (s Shape) check() error {
	if s.BitsPerSecond < 0 || s.RoundTrip < 0 || s.Cut < 0 || s.Cut > 1 || s.LoseReply < 0 || s.LoseReply > 1 {
		return fmt.Errorf("link: no link is like this: %+v", s)
	}
	return nil
}

// Addr is where devices connect to.
func (l *Link) Addr() net.Addr { return l.cfg.Listener.Addr() }

// Reshape changes what the link is like, also for what is on its way. It panics on a Shape that Open would refuse.
func (l *Link) Reshape(s Shape) {
	if err := s.check(); err != nil {
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shape = s
}

// Off cuts all connections and refuses new ones until On.
func (l *Link) Off() {
	l.mu.Lock()
	l.offAir = true
	l.mu.Unlock()
	l.Cut()
}

// On lets connections through again.
func (l *Link) On() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offAir = false
}

// Cut cuts all connections now and returns how many there were. What was on its way is lost.
func (l *Link) Cut() int {
	l.mu.Lock()
	n := len(l.open)
	pairs := make([]*pair, 0, n)
	for p := range l.open {
		pairs = append(pairs, p)
	}
	l.counts.Cuts += int64(n)
	l.mu.Unlock()
	for _, p := range pairs {
		p.close()
	}
	return n
}

// LoseReplies loses the next n replies for certain.
func (l *Link) LoseReplies(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose += n
}

// Counts returns what went over the link so far.
func (l *Link) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// Close cuts everything and ends. It may be called more than once.
func (l *Link) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.stop()
	err := l.cfg.Listener.Close()
	l.Cut()
	l.busy.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

func (l *Link) accept() {
	for {
		device, err := l.cfg.Listener.Accept()
		if err != nil {
			return
		}
		l.busy.Go(func() { l.carry(device) })
	}
}

// carry is one connection of a device from beginning to end.
func (l *Link) carry(device net.Conn) {
	// The kernel has taken the connection already: the device's first bytes wait for the round trip that this would have cost.
	server, err := l.reach(l.ctx, "tcp", l.cfg.Target)
	if err != nil {
		_ = device.Close()
		return
	}
	l.join(device, server)
}

// Dial makes a connection over the link to any address: it shares the link's capacity and its fate with those to Target. It has the form of
// net.Dialer's DialContext, for an http.Transport.
func (l *Link) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	server, err := l.reach(ctx, network, address)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed { // nothing may begin once Close waits
		return nil, errors.Join(errOff, near.Close(), far.Close(), server.Close())
	}
	l.busy.Go(func() { l.join(far, server) })
	return near, nil
}

// errOff is what a device hears that has no signal.
var errOff = errors.New("link: no signal")

// reach makes a connection to the far side, which costs one round trip.
func (l *Link) reach(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	refused, shape := l.offAir || l.closed, l.shape
	l.mu.Unlock()
	if refused {
		return nil, errOff
	}
	if err := l.wait(ctx, shape.RoundTrip); err != nil {
		return nil, err
	}
	return l.cfg.Dial(ctx, network, address)
}

// join carries bytes between two ends until one of them, or the link, ends it.
func (l *Link) join(device, server net.Conn) {
	p := &pair{link: l, device: device, server: server, done: make(chan struct{})}
	l.mu.Lock()
	if l.offAir || l.closed {
		l.mu.Unlock()
		p.close()
		return
	}
	l.open[p] = struct{}{}
	l.counts.Connections++
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pump(up, device, server) })
	both.Go(func() { p.pump(down, server, device) })
	both.Wait()
	p.close()
	l.mu.Lock()
	delete(l.open, p)
	l.mu.Unlock()
}

// arrival books n bytes on the line and returns when they arrive.
func (l *Link) arrival(direction, n int) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	begins := l.cfg.Now()
	if l.free[direction].After(begins) {
		begins = l.free[direction]
	}
	ends := begins
	if l.shape.BitsPerSecond > 0 {
		ends = begins.Add(time.Duration(float64(n*8) / float64(l.shape.BitsPerSecond) * float64(time.Second)))
	}
	l.free[direction] = ends
	return ends.Add(l.shape.RoundTrip / 2)
}

// fate says whether what now begins to come in a direction is to be lost.
func (l *Link) fate(direction int) (lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	cut, loss := l.rand.Float64() < l.shape.Cut, false
	if direction == down {
		l.counts.Replies++
		loss = l.rand.Float64() < l.shape.LoseReply
		if l.lose > 0 {
			l.lose--
			loss = true
		}
		if loss || cut {
			l.counts.Lost++
		}
	}
	if loss || cut {
		l.counts.Cuts++
	}
	return loss || cut
}

func (l *Link) arrived(direction, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if direction == up {
		l.counts.Up += int64(n)
	} else {
		l.counts.Down += int64(n)
	}
}

// wait waits on the clock of timers.
func (l *Link) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.ctx.Done():
		return cmp.Or(context.Cause(l.ctx), context.Canceled)
	}
}
