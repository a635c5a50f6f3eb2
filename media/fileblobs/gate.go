package fileblobs

import (
	"context"
	"sync"

	"github.com/rounds-sync/rounds/media/internal/door"
)

// gate counts running calls, and closes behind them. The zero value is open.
type gate struct {
	mu      sync.Mutex // guards all below
	closed  bool
	running int
	idle    chan struct{} // made by close when it has to wait
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.running++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; g.running == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// isClosed lets a call that takes long end early.
func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// close lets nobody in any more, waits until all have left, and reports whether this was the first close.
func (g *gate) close() (first bool) {
	g.mu.Lock()
	first, g.closed = !g.closed, true
	var idle chan struct{}
	if first && g.running > 0 {
		idle = make(chan struct{})
		g.idle = idle
	}
	g.mu.Unlock()
	if idle != nil {
		<-idle
	}
	return first
}

// turns gives out one turn at a time for each upload. The zero value is ready.
type turns struct {
	mu      sync.Mutex // guards all below
	waiting map[door.UploadID]*turn
}

type turn struct {
	users int           // guarded by turns.mu
	token chan struct{} // holds one value while nobody has the turn
}

// take waits for the turn of an upload.
func (t *turns) take(ctx context.Context, id door.UploadID) (giveBack func(), err error) {
	t.mu.Lock()
	one := t.waiting[id]
	if one == nil {
		if t.waiting == nil {
			t.waiting = map[door.UploadID]*turn{}
		}
		one = &turn{token: make(chan struct{}, 1)}
		one.token <- struct{}{}
		t.waiting[id] = one
	}
	one.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(t.waiting, id)
		}
	}
	select {
	case <-one.token:
		return func() {
			one.token <- struct{}{}
			leave()
		}, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// begun knows the uploads whose folders are durable, as far as this process has seen to it. The zero value knows none.
type begun struct {
	mu  sync.Mutex // guards all below
	ids map[door.UploadID]bool
}

func (b *begun) has(id door.UploadID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids[id]
}

func (b *begun) add(id door.UploadID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ids == nil {
		b.ids = map[door.UploadID]bool{}
	}
	b.ids[id] = true
}

func (b *begun) remove(id door.UploadID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ids, id)
}
