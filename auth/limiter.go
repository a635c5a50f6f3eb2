package auth

import (
	"net/netip"
	"sync"
	"time"
)

// Lockout bounds guessing. Failures are counted for each remote address (for IPv6: each /64) and for all together.
type Lockout struct {
	// Free is how many failures an address has before it must wait; 0: 5.
	Free int
	// First is the first wait, doubled by each further failure; 0: 1 s.
	First time.Duration
	// Most is the longest wait; 0: 15 min.
	Most time.Duration
	// Forget is after how much silence an address starts afresh; 0: 1 h.
	Forget time.Duration
	// GlobalRate is how many failures a second all addresses together have, in the long run; 0: 20. Beyond that every try waits.
	GlobalRate float64
	// Addresses is how many addresses are remembered; 0: 65,536.
	Addresses int
}

// maxInFlight bounds the tries of one address without failures that are judged at the same time.
const maxInFlight = 64

// globalBurst is how many seconds of GlobalRate may come at once.
const globalBurst = 60

type record struct {
	failures int
	inFlight int
	until    time.Time // no try before
	last     time.Time
}

// limiter keeps a Lockout. A try is let in by begin and ends in a verdict, so that many tries at once count as they come in.
type limiter struct {
	rules Lockout
	now   func() time.Time

	mu      sync.Mutex // guards what follows
	records map[netip.Addr]*record
	budget  float64 // failures that all may still have
	filled  time.Time
}

func newLimiter(rules Lockout, now func() time.Time) *limiter {
	l := &limiter{rules: rules, now: now, records: map[netip.Addr]*record{}, filled: now()}
	l.budget = rules.GlobalRate * globalBurst
	return l
}

// of groups the addresses that one party has.
func of(remote netip.Addr) netip.Addr {
	remote = remote.Unmap().WithZone("")
	if remote.Is6() {
		if p, err := remote.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return remote
}

// begin lets a try in, or says how long to wait. After a try that was let in, the verdict must be called once.
func (l *limiter) begin(remote netip.Addr) (verdict func(failed bool), wait time.Duration) {
	remote = of(remote)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.fill(now)
	if l.budget < 1 {
		return nil, max(time.Second, time.Duration((1-l.budget)/l.rules.GlobalRate*float64(time.Second)))
	}
	r := l.records[remote]
	if r == nil {
		if len(l.records) >= l.rules.Addresses && !l.evict(now) {
			return nil, l.rules.First
		}
		r = &record{}
		l.records[remote] = r
	}
	if r.inFlight == 0 && now.Sub(r.last) >= l.rules.Forget {
		r.failures = 0
	}
	switch {
	case r.failures == 0 && r.inFlight >= maxInFlight,
		r.failures > 0 && r.inFlight > 0 && r.failures+r.inFlight >= l.rules.Free:
		return nil, l.rules.First
	case now.Before(r.until):
		return nil, r.until.Sub(now)
	}
	r.inFlight++
	r.last = now
	var once sync.Once
	return func(failed bool) { once.Do(func() { l.judge(remote, r, failed) }) }, 0
}

func (l *limiter) judge(remote netip.Addr, r *record, failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.inFlight--
	if !failed {
		r.failures /= 2
		if r.failures == 0 && r.inFlight == 0 {
			delete(l.records, remote)
		}
		return
	}
	now := l.now()
	l.fill(now)
	l.budget--
	r.failures++
	if over := r.failures - l.rules.Free; over >= 0 {
		wait := l.rules.Most
		if over < 30 {
			wait = min(wait, l.rules.First<<over)
		}
		r.until = now.Add(wait)
	}
}

// fill adds what the budget has gained since the last time.
func (l *limiter) fill(now time.Time) {
	if gained := now.Sub(l.filled).Seconds(); gained > 0 {
		l.budget = min(l.rules.GlobalRate*globalBurst, l.budget+gained*l.rules.GlobalRate)
	}
	l.filled = now
}

// evict makes room for one address: those that are silent for long, else any that is not being judged. Whoever has so many addresses
// is held by the budget of all.
func (l *limiter) evict(now time.Time) bool {
	looked := 0
	var victim netip.Addr
	found := false
	for addr, r := range l.records {
		if looked++; looked > 64 {
			break
		}
		if r.inFlight > 0 {
			continue
		}
		if now.Sub(r.last) >= l.rules.Forget {
			delete(l.records, addr)
			return true
		}
		if !found || r.failures < l.records[victim].failures {
			victim, found = addr, true
		}
	}
	if found {
		delete(l.records, victim)
	}
	return found
}
