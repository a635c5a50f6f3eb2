package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Config sets an Authority up. Store, Now, Rand and Audience are required; what else is zero takes its default.
type Config struct {
	// Store keeps everything. It stays the caller's to close, after Authority.Close.
	Store Store
	// Now is the wall clock.
	Now func() time.Time
	// Rand is the source of secrets and ids; crypto/rand.Reader outside of tests.
	Rand io.Reader
	// Audience is the server's public address, without a slash at its end ("https://rounds.example.com"). Tokens are for it alone, and
	// devices sign over it. Changing it makes every token worthless: all devices enrol anew.
	Audience string
	// Issuer is the iss of access tokens; "": the audience.
	Issuer string
	// AccessLife is how long an access token lives; 0: 15 min.
	AccessLife time.Duration
	// RefreshLife is how long a device may stay away and still refresh; 0: 90 days.
	RefreshLife time.Duration
	// CodeLife is how long an enrolment code is good for unless its maker says otherwise; 0: 24 h.
	CodeLife time.Duration
	// KeyLife is after how long Run rotates the signing keys; 0: 30 days.
	KeyLife time.Duration
	// Leeway is how far the clocks of servers and issuers may lie apart; 0: 30 s.
	Leeway time.Duration
	// Lockout bounds guessing, for enrolments and for refreshes apart.
	Lockout Lockout
	// CachedTokens is how many access tokens are remembered as verified; 0: 65,536, about 20 MiB.
	CachedTokens int
	// Externals are the company's own identity providers.
	Externals []ExternalIssuer
	// Logger hears what administrators do and what goes wrong, never a secret; nil: nothing is logged.
	Logger *slog.Logger
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

func (c Config) complete() (Config, error) {
	var faults []error
	if c.Store == nil || c.Now == nil || c.Rand == nil {
		faults = append(faults, errors.New("Store, Now and Rand are required"))
	}
	if u, err := url.Parse(c.Audience); err != nil || u.Scheme == "" || u.Host == "" || strings.HasSuffix(c.Audience, "/") || len(c.Audience) > 256 {
		faults = append(faults, fmt.Errorf("the audience %q is not an address like https://rounds.example.com", c.Audience))
	}
	or(&c.Issuer, c.Audience)
	or(&c.AccessLife, 15*time.Minute)
	or(&c.RefreshLife, 90*24*time.Hour)
	or(&c.CodeLife, 24*time.Hour)
	or(&c.KeyLife, 30*24*time.Hour)
	or(&c.Leeway, 30*time.Second)
	or(&c.CachedTokens, 65536)
	or(&c.Lockout.Free, 5)
	or(&c.Lockout.First, time.Second)
	or(&c.Lockout.Most, 15*time.Minute)
	or(&c.Lockout.Forget, time.Hour)
	or(&c.Lockout.GlobalRate, 20)
	or(&c.Lockout.Addresses, 65536)
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"AccessLife", c.AccessLife}, {"RefreshLife", c.RefreshLife}, {"CodeLife", c.CodeLife}, {"KeyLife", c.KeyLife}, {"Leeway", c.Leeway},
		{"Lockout.First", c.Lockout.First}, {"Lockout.Most", c.Lockout.Most}, {"Lockout.Forget", c.Lockout.Forget}} {
		if d.d < 0 {
			faults = append(faults, fmt.Errorf("%s is negative", d.name))
		}
	}
	if c.AccessLife < time.Second {
		faults = append(faults, errors.New("AccessLife is shorter than a second"))
	}
	if c.CodeLife > maxCodeLife {
		faults = append(faults, errors.New("CodeLife is longer than 30 days"))
	}
	if c.Lockout.Free < 0 || c.Lockout.GlobalRate < 0 || c.Lockout.Addresses < 0 || c.CachedTokens < 0 {
		faults = append(faults, errors.New("a count of Lockout or CachedTokens is negative"))
	}
	seen := map[string]bool{}
	for _, e := range c.Externals {
		faults = append(faults, e.validate())
		if seen[e.Issuer] || e.Issuer == c.Issuer {
			faults = append(faults, fmt.Errorf("the external issuer %q is named twice or is this server itself", e.Issuer))
		}
		seen[e.Issuer] = true
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Rand = &lockedReader{r: c.Rand}
	return c, errors.Join(faults...)
}

// lockedReader lets goroutines share a source of randomness.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// Authority knows people, rights and devices. Its methods may be called from any number of goroutines.
type Authority struct {
	cfg        Config
	now        func() time.Time
	log        *slog.Logger
	index      *index
	keys       atomic.Pointer[keyRing]
	committer  *committer
	hub        hub
	calendar   calendar
	tokens     *tokenCache
	parser     *jwt.Parser
	enrolments *limiter
	refreshes  *limiter
	externals  *externals
	stop       context.CancelFunc
}

// Open reads the store into memory and, in an empty store, makes the first keys. The context bounds the opening only. Close it when done.
func Open(ctx context.Context, cfg Config) (*Authority, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("auth: configuration: %w", err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	a := &Authority{cfg: cfg, now: cfg.Now, log: cfg.Logger, index: newIndex(), tokens: newTokenCache(cfg.CachedTokens), parser: newParser(cfg),
		enrolments: newLimiter(cfg.Lockout, cfg.Now), refreshes: newLimiter(cfg.Lockout, cfg.Now), externals: newExternals(life, cfg), stop: stop}
	a.committer = &committer{store: cfg.Store, log: a.log, after: a.follow, again: a.reload, turn: make(chan struct{}, 1)}
	if err := a.reload(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("auth: opening: %w", err)
	}
	if len(a.keys.Load().access) == 0 {
		err := a.committer.commit(ctx, func(t *tx) error {
			all, err := firstKeys(t, cfg.Rand, a.now().UnixMicro())
			if err != nil {
				return err
			}
			ring := newRing(all)
			t.apply(func(*index) { a.keys.Store(ring) })
			return nil
		})
		if err != nil {
			stop()
			return nil, fmt.Errorf("auth: making the first keys: %w", err)
		}
	}
	return a, nil
}

// Close waits for what is being written and refuses later calls that write with ErrClosed. What is in memory can still be asked.
func (a *Authority) Close() error {
	a.stop()
	a.committer.close()
	return nil
}

// Audience returns the server's public address, as devices sign over it.
func (a *Authority) Audience() string { return a.cfg.Audience }

// reload builds anew all that is in memory.
func (a *Authority) reload(ctx context.Context) error {
	x, keys, err := load(ctx, a.cfg.Store)
	if err != nil {
		return err
	}
	now := a.now().UnixMicro()
	a.calendar.clear()
	for person, grants := range x.grants {
		for _, g := range grants {
			a.calendar.add(person, g.span, now)
		}
	}
	for person, s := range x.standing {
		for _, one := range s.suspended {
			a.calendar.add(person, one.span, now)
		}
	}
	a.index.take(x)
	a.keys.Store(newRing(keys))
	a.hub.tell([]Change{{}})
	return nil
}

// follow brings the index up to what was committed and tells the subscribers.
func (a *Authority) follow(batch []*operation) {
	var changes []Change
	a.index.mu.Lock()
	for _, op := range batch {
		if op.err != nil {
			continue
		}
		for _, f := range op.tx.applies {
			f(a.index)
		}
		changes = append(changes, op.tx.changes...)
	}
	a.index.mu.Unlock()
	a.hub.tell(changes)
}

// followGrants has index, calendar and subscribers follow the grants of a person.
func (a *Authority) followGrants(t *tx, person uid, all []*roundsv1.Grant) {
	t.apply(func(x *index) {
		x.setGrants(person, all)
		for _, g := range x.grants[person] {
			a.calendar.add(person, g.span, a.now().UnixMicro())
		}
	})
	t.tell(Change{Person: PersonID(person.String())})
}

// followPerson has index, calendar and subscribers follow the suspensions of a person.
func (a *Authority) followPerson(t *tx, person uid, p *roundsv1.Person) {
	t.apply(func(x *index) {
		x.setPerson(p)
		for _, s := range x.standing[person].suspended {
			a.calendar.add(person, s.span, a.now().UnixMicro())
		}
	})
	t.tell(Change{Person: PersonID(person.String())})
}
