// Package guard holds what every store needs around its transactions: whether one may start, whose turn it is in a scope, and
// how much it may write.
package guard

import (
	"context"
	"sync"

	"github.com/rounds-sync/rounds/sync/store"
)

// Gate counts running calls, and closes behind them. The zero value is open. It is safe for concurrent use.
type Gate struct {
	mu      sync.Mutex // guards all below
	closed  bool
	running int
	idle    chan struct{} // made by Close when it has to wait, closed by the last Leave
}

// Enter lets a call in, or answers ErrClosed. Each Enter that returned nil needs one Leave.
func (g *Gate) Enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return store.ErrClosed
	}
	g.running++
	return nil
}

// Leave ends what Enter began.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.running == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// Close lets nobody in any more, waits until all have left, and reports whether this was the first Close.
func (g *Gate) Close() (first bool) {
	g.mu.Lock()
	first, g.closed = !g.closed, true
	var idle chan struct{}
	if first && g.running > 0 {
		g.idle = make(chan struct{})
		idle = g.idle
	}
	g.mu.Unlock()
	if idle != nil {
		<-idle
	}
	return first
}

// Turns gives out one turn at a time for each scope. The zero value is ready. It is safe for concurrent use, and keeps memory
// only for scopes in which somebody has or awaits a turn.
type Turns struct {
	mu    sync.Mutex
	turns map[store.Scope]*turn // guarded by mu
}

type turn struct {
	token chan struct{} // holds one token while nobody has the turn
	users int           // who have or await it; guarded by Turns.mu
}

// Take waits for the scope's turn and returns the function that gives it back, or the context's error.
func (t *Turns) Take(ctx context.Context, scope store.Scope) (giveBack func(), err error) {
	t.mu.Lock()
	this := t.turns[scope]
	if this == nil {
		if t.turns == nil {
			t.turns = make(map[store.Scope]*turn)
		}
		this = &turn{token: make(chan struct{}, 1)}
		this.token <- struct{}{}
		t.turns[scope] = this
	}
	this.users++
	t.mu.Unlock()

	select {
	case <-this.token:
		return func() {
			this.token <- struct{}{}
			t.forget(scope, this)
		}, nil
	case <-ctx.Done():
		t.forget(scope, this)
		return nil, ctx.Err()
	}
}

func (t *Turns) forget(scope store.Scope, this *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if this.users--; this.users == 0 {
		delete(t.turns, scope)
	}
}

// Budget checks the writes of one transaction against the limits of the store package. The zero value is ready; it is for one
// goroutine.
type Budget struct {
	bytes int
	err   error
}

// Spend accounts for a Set, or for a Delete with a nil value. Its first error is remembered.
func (b *Budget) Spend(key, value []byte) error {
	if b.err != nil {
		return b.err
	}
	if b.err = store.CheckKey(key); b.err != nil {
		return b.err
	}
	if b.err = store.CheckValue(value); b.err != nil {
		return b.err
	}
	if b.bytes += store.WriteOverhead + len(key) + len(value); b.bytes > store.MaxTransaction {
		b.err = store.ErrTooLarge
	}
	return b.err
}

// Err returns the first error of Spend: the transaction must not commit.
func (b *Budget) Err() error { return b.err }
