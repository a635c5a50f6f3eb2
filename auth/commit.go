package auth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"sync"

	"google.golang.org/protobuf/proto"
)

// maxBatch bounds how many operations share a transaction.
const maxBatch = 256

// tx is what one operation reads and writes. Its writes reach the transaction together when the operation returns nil, so that an
// operation that refuses leaves nothing behind for those that share the transaction.
type tx struct {
	w       Writer
	writes  map[string][]byte // nil: deleted
	order   []string
	applies []func(*index)
	changes []Change
}

var errScanAfterWrite = errors.New("auth: an operation scans before it writes")

// Get reads with the operation's own writes in view.
func (t *tx) Get(k []byte) ([]byte, bool, error) {
	if v, ok := t.writes[string(k)]; ok {
		return v, v != nil, nil
	}
	return t.w.Get(k)
}

// Scan reads what other operations wrote; it comes before the operation's own writes.
func (t *tx) Scan(from, to []byte) iter.Seq2[Entry, error] {
	if len(t.order) > 0 {
		return func(yield func(Entry, error) bool) { yield(Entry{}, errScanAfterWrite) }
	}
	return t.w.Scan(from, to)
}

var _ Reader = (*tx)(nil)

func (t *tx) set(k, v []byte) {
	if v == nil {
		v = []byte{}
	}
	t.put(string(k), v)
}

func (t *tx) delete(k []byte) { t.put(string(k), nil) }

func (t *tx) put(k string, v []byte) {
	if t.writes == nil {
		t.writes = map[string][]byte{}
	}
	if _, ok := t.writes[k]; !ok {
		t.order = append(t.order, k)
	}
	t.writes[k] = v
}

func (t *tx) write(k []byte, m proto.Message) error {
	v, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	t.set(k, v)
	return nil
}

// apply has the index follow once the writes are durable.
func (t *tx) apply(f func(*index)) { t.applies = append(t.applies, f) }

// tell has subscribers hear once the index has followed.
func (t *tx) tell(c Change) { t.changes = append(t.changes, c) }

func (t *tx) flush() error {
	for _, k := range t.order {
		var err error
		if v := t.writes[k]; v == nil {
			err = t.w.Delete([]byte(k))
		} else {
			err = t.w.Set([]byte(k), v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// operation waits for its turn.
type operation struct {
	run  func(*tx) error
	tx   *tx
	err  error
	done chan struct{}
}

// try runs the operation. A panic fails it alone: whoever commits for many must not take their turn along.
func (op *operation) try() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("auth: panic: %v\n%s", r, debug.Stack())
		}
	}()
	return op.run(op.tx)
}

// committer runs operations one after the other. Those that wait while one commits share the next transaction, and with it the
// sync of the disk.
type committer struct {
	store Store
	log   *slog.Logger
	after func([]*operation)          // follows with index and subscribers; called with turn held
	again func(context.Context) error // reads everything anew after a fault; called with turn held

	turn  chan struct{} // held by who commits; guards stale
	stale bool          // what is in memory may be behind the store

	mu      sync.Mutex // guards what follows
	waiting []*operation
	closed  bool
}

// commit runs an operation and returns once it is durable, or refused. The operation may be run more than once and must not act
// outside tx and its own results. A context that ends while it waits gives no certainty of what became of it.
func (c *committer) commit(ctx context.Context, run func(*tx) error) error {
	op := &operation{run: run, done: make(chan struct{})}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.waiting = append(c.waiting, op)
	c.mu.Unlock()
	for {
		select {
		case <-op.done:
			return op.err
		case c.turn <- struct{}{}:
			c.runBatch(context.WithoutCancel(ctx))
			<-c.turn
		}
	}
}

func (c *committer) take() []*operation {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), maxBatch)
	batch := c.waiting[:n:n]
	c.waiting = append([]*operation(nil), c.waiting[n:]...)
	return batch
}

func (c *committer) runBatch(ctx context.Context) {
	batch := c.take()
	if len(batch) == 0 {
		return
	}
	err := c.refreshed(ctx)
	ran := false
	if err == nil {
		err = c.store.Update(ctx, func(w Writer) error {
			ran = false
			for _, op := range batch {
				op.tx, op.err = &tx{w: w}, nil
				if op.err = op.try(); op.err != nil {
					continue
				}
				if err := op.tx.flush(); err != nil {
					return err
				}
			}
			ran = true
			return nil
		})
	}
	if err != nil {
		if ran { // the commit itself failed: whether it happened is unknown
			c.stale = true
			if err := c.refreshed(ctx); err != nil {
				c.log.ErrorContext(ctx, "auth cannot read its store anew", "error", err)
			}
		}
		for _, op := range batch {
			if op.err == nil {
				op.err = err
			}
		}
	} else {
		c.after(batch)
	}
	for _, op := range batch {
		close(op.done)
	}
}

func (c *committer) refreshed(ctx context.Context) error {
	if !c.stale {
		return nil
	}
	if err := c.again(ctx); err != nil {
		return err
	}
	c.stale = false
	return nil
}

// close lets the operation that runs end, and refuses those that come later.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.turn <- struct{}{}
	for {
		c.mu.Lock()
		left := len(c.waiting)
		c.mu.Unlock()
		if left == 0 {
			break
		}
		c.runBatch(context.Background())
	}
	<-c.turn
}
