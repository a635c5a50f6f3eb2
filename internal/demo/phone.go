package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/internal/link"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store/boltstore"
	"github.com/rounds-sync/rounds/work"
)

// phone is one device of the demo: the device library on a store of its own on disk, behind a link of its own, with clocks of its own.
type phone struct {
	community.Person
	name   string
	dir    string
	link   *link.Link
	url    string // the server's public address, which tokens are bound to
	clocks *clocks
	random *rand.Rand
	rules  *work.Rules
	httpc  *http.Client
	parts  *http.Client
	ledger ledger
	camera *camera // nil: the office, which takes no photos
	travel *transfers
	sent   *replays
	tally  client.PhotoTally // what all uploads did so far

	store  *boltstore.Store
	tokens client.Tokens
	device *client.Device

	// Set where the demo takes a right away.
	leaves  bool // the person leaves the site during the shift
	lost    bool // the phone is lost during the shift
	visitor bool // works at another site
	spare   bool // a second phone of somebody
	below   bool // in a basement for as long as a scene needs: windows pass by
}

// ledger is what the demo itself remembers of what a phone was told to queue: independent of the phone's own record.
type ledger struct {
	mu     sync.Mutex
	queued map[client.Ref]bool // refs that Do returned, so they were on disk
}

func (l *ledger) add(ref client.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queued == nil {
		l.queued = map[client.Ref]bool{}
	}
	l.queued[ref] = true
}

// clocks of a phone: the demo's time, a wall clock that is wrong by skew, and a monotonic clock that begins anew at each boot.
type clocks struct {
	time *timeline

	mu     sync.Mutex // guards what follows
	skew   time.Duration
	boots  int
	booted time.Time
}

var _ client.Clock = (*clocks)(nil)

// Wall implements client.Clock.
func (c *clocks) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time.Now().Add(c.skew)
}

// Boot implements client.Clock.
func (c *clocks) Boot() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("boot-%d", c.boots)
}

// Monotonic implements client.Clock.
func (c *clocks) Monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time.Now().Sub(c.booted)
}

func (c *clocks) reboot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boots++
	c.booted = c.time.Now()
}

func (c *clocks) set(skew time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = skew
}

// newPhone makes a phone that stands switched off.
func newPhone(dir, name string, server string, at *timeline, seed uint64) (*phone, error) {
	p := &phone{name: name, dir: filepath.Join(dir, name), clocks: &clocks{time: at, boots: 1, booted: at.Now()},
		random: rand.New(rand.NewPCG(seed, 0x70686f6e65)), rules: work.New(work.Config{}), travel: newTransfers(), sent: &replays{}}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, err
	}
	l, err := link.Open(link.Config{Target: server, Seed: seed})
	if err != nil {
		return nil, err
	}
	p.link = l
	// HTTP/1.1, as through many a carrier's proxy: one connection, reused while the signal lasts. The parts of photos go to where the server says, which
	// may be an object store; that is over the same link, on a few connections of their own.
	p.httpc = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}}
	p.parts = &http.Client{Transport: &http.Transport{DialContext: l.Dial, MaxIdleConnsPerHost: 4, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p, nil
}

func (p *phone) address() string { return "http://" + p.link.Addr().String() }

// enrol takes the phone in with a code.
func (p *phone) enrol(ctx context.Context, code string) error {
	s, err := boltstore.Open(boltstore.Config{Dir: p.dir})
	if err != nil {
		return err
	}
	_, err = client.Enrol(ctx, s, client.Enrolment{Auth: roundsv1connect.NewAuthServiceClient(p.httpc, p.address()), Audience: p.url, Code: code,
		Name: p.name, Model: "demo"})
	return errors.Join(err, s.Close())
}

// on opens the device on what stands in its directory.
func (p *phone) on(ctx context.Context) error {
	s, err := boltstore.Open(boltstore.Config{Dir: p.dir})
	if err != nil {
		return fmt.Errorf("demo: %s: %w", p.name, err)
	}
	tokens, err := client.OpenTokens(ctx, s, roundsv1connect.NewAuthServiceClient(p.httpc, p.address()), p.clocks, nil)
	if err != nil {
		return errors.Join(fmt.Errorf("demo: %s: %w", p.name, err), s.Close())
	}
	originals, err := p.originals()
	if err != nil {
		return errors.Join(err, s.Close())
	}
	p.store, p.tokens = s, tokens
	less := []connect.ClientOption{connect.WithSendGzip(), connect.WithCompressMinBytes(400)}
	p.device, err = client.Open(ctx, client.Config{Store: s, Sync: watchedSync{roundsv1connect.NewSyncServiceClient(p.httpc, p.address(), less...), p.sent, p.clocks.time},
		Media: watchedMedia{roundsv1connect.NewMediaServiceClient(p.httpc, p.address(), less...), p.travel}, HTTP: watchedParts{p.parts, p.travel},
		Originals: originals, Tokens: tokens, Roles: []roundsv1.Role{p.Role}, Clock: p.clocks,
		// An hour of the shift lasts seconds: so do the waits.
		Timing: client.Timing{Exchange: 20 * time.Second, BackoffFirst: 20 * time.Millisecond, BackoffMax: 500 * time.Millisecond},
		Foresee: func(current *roundsv1.Change, m *roundsv1.Mutation) *roundsv1.Edit {
			edit, ok := p.rules.Foresee(current, m, engine.PersonID(p.ID))
			if !ok {
				return nil
			}
			return edit
		}})
	if err != nil {
		return errors.Join(fmt.Errorf("demo: %s: %w", p.name, err), s.Close())
	}
	return nil
}

// onOffline opens the device without a server.
func (p *phone) onOffline(ctx context.Context) error {
	s, err := boltstore.Open(boltstore.Config{Dir: p.dir, LockTimeout: 5 * time.Second})
	if err != nil {
		return fmt.Errorf("demo: %s: %w", p.dir, err)
	}
	originals, err := p.originals()
	if err != nil {
		return errors.Join(err, s.Close())
	}
	p.store = s
	p.device, err = client.Open(ctx, client.Config{Store: s, Originals: originals, Clock: p.clocks})
	return err
}

// originals opens the folder in which the phone keeps the bytes of its photos.
func (p *phone) originals() (client.Originals, error) {
	folder, err := client.Folder(filepath.Join(p.dir, "originals"))
	if err != nil {
		return nil, fmt.Errorf("demo: %s: %w", p.name, err)
	}
	return folder, nil
}

// upload sends photos while there is a signal, and adds to the tally.
func (p *phone) upload(ctx context.Context) error {
	tally, err := p.device.UploadPhotos(ctx)
	p.count(tally)
	return err
}

// count adds to what uploads did.
func (p *phone) count(t client.PhotoTally) {
	p.tally.Stored += t.Stored
	p.tally.Deduplicated += t.Deduplicated
	p.tally.Parts += t.Parts
	p.tally.Bytes += t.Bytes
	p.tally.Cut += t.Cut
	p.tally.Resumed += t.Resumed
	p.tally.Failed += t.Failed
}

// off closes the device.
func (p *phone) off(ctx context.Context) error {
	if p.device == nil {
		return nil
	}
	err := errors.Join(p.device.Close(ctx), p.store.Close())
	p.device, p.store = nil, nil
	return err
}

// note remembers what Do answered. What the library refuses on the spot was never queued.
func (p *phone) note(ref client.Ref, err error) error {
	var refused *client.ProblemError
	switch {
	case err == nil:
		p.ledger.add(ref)
	case errors.As(err, &refused), errors.Is(err, client.ErrRevoked):
		return nil
	}
	return err
}

// dropIdle closes connections, as the loss of the signal does.
func (p *phone) dropIdle() {
	p.httpc.CloseIdleConnections()
	p.parts.CloseIdleConnections()
}
