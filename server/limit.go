package server

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// limiter bounds the calls of each of many parties. It remembers a bounded number of them, those that called last; one that was forgotten begins
// anew. A nil limiter bounds nothing.
type limiter[K comparable] struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu      sync.Mutex // makes looking up and adding one step
	parties *lru.Cache[K, *rate.Limiter]
}

// newLimiter returns nil for a rate of 0.
func newLimiter[K comparable](perSecond float64, burst, tracked int, now func() time.Time) (*limiter[K], error) {
	if perSecond == 0 {
		return nil, nil
	}
	parties, err := lru.New[K, *rate.Limiter](tracked)
	if err != nil {
		return nil, err
	}
	return &limiter[K]{rate: rate.Limit(perSecond), burst: burst, now: now, parties: parties}, nil
}

// take counts a call of a party. It returns how long the party has to wait, 0 if the call may be made.
func (l *limiter[K]) take(party K) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	of, ok := l.parties.Get(party)
	if !ok {
		of = rate.NewLimiter(l.rate, l.burst)
		l.parties.Add(party, of)
	}
	l.mu.Unlock()
	now := l.now()
	if of.AllowN(now, 1) {
		return 0
	}
	missing := 1 - of.TokensAt(now)
	return max(time.Millisecond, time.Duration(missing/float64(l.rate)*float64(time.Second)))
}
