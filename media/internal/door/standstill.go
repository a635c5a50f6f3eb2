package door

import (
	"sync"
	"time"
)

// standstill gives a connection up on which nothing moves. It sets no deadline ahead, for which it would have to read the machine's clock, but one in the past
// when its timer rings.
type standstill struct {
	after time.Duration
	timer *time.Timer

	mu   sync.Mutex // held while the connection is given up
	over bool       // the handler returns: net/http takes the connection back, and nobody may touch it from then on
}

// watchOver lets cut be called once nothing has moved for a time.
func watchOver(after time.Duration, cut func()) *standstill {
	s := &standstill{after: after}
	s.mu.Lock() // the timer may ring before it stands in s
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(after, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.over {
			cut()
		}
	})
	return s
}

// moves says that the connection moves.
func (s *standstill) moves() { s.timer.Reset(s.after) }

// end waits for a cut that is under way; from then on there is none.
func (s *standstill) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.timer.Stop()
}
