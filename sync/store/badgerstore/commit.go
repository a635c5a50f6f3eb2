package badgerstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/rounds-sync/rounds/sync/store"
)

// errBroken is the answer to writes after a commit failed in a way that leaves unknown what is on the medium.
var errBroken = errors.New("badgerstore: an earlier write failed; close the store and open it again")

// request is what one Update wants committed.
type request struct {
	writes []write
	cost   int64 // as badger counts the bytes of a transaction
	logged int64 // bytes of values that go to the value log, which cost does not count
	done   chan error
}

// cost estimates, from above, what badger counts for a write.
func cost(w write) int64 {
	if len(w.value) >= inlineBytes {
		return int64(len(w.key)) + 64
	}
	return int64(len(w.key)+len(w.value)) + 32
}

// commit has the committer write, and waits until it is durable.
func (s *Store) commit(writes []write) error {
	r := &request{writes: writes, done: make(chan error, 1)}
	for _, w := range writes {
		r.cost += cost(w)
		if len(w.value) >= inlineBytes {
			r.logged += int64(len(w.value))
		}
	}
	s.queue <- r
	return <-r.done
}

// committer is the only one who writes to badger. It takes together what waits, so that it shares the sync of the medium.
// All fields are for its goroutine alone.
type committer struct {
	store     *Store
	db        *badger.DB
	last      stamp // of the last commit, also of one that failed
	maxBytes  int64 // a badger transaction holds no more
	maxWrites int64
	broken    error

	// interrupt, if not nil, is called before each piece of a large transaction; its error stops everything there, as a crash
	// would. Tests set it.
	interrupt func(piece int) error
}

func (c *committer) run(queue <-chan *request, ended chan<- struct{}) {
	defer close(ended)
	var next *request // taken from the queue, but too much for the group before
	for {
		first := next
		if first == nil {
			var ok bool
			if first, ok = <-queue; !ok {
				return
			}
		}
		var group []*request
		group, next = c.gather(first, queue)
		err := c.commit(group)
		for _, r := range group {
			r.done <- err
		}
	}
}

// gather takes what waits in the queue, as far as it fits in one badger transaction with first, and the one that did not fit.
// What goes to the value log is bounded too: badger must never have to enlarge a log file under its readers.
func (c *committer) gather(first *request, queue <-chan *request) (group []*request, next *request) {
	group = []*request{first}
	bytes, logged, writes := first.cost, first.logged, len(first.writes)
	for {
		select {
		case r, ok := <-queue:
			if !ok {
				return group, nil
			}
			bytes, logged, writes = bytes+r.cost, logged+r.logged, writes+len(r.writes)
			if bytes > c.maxBytes || logged > store.MaxTransaction || int64(writes) > c.maxWrites {
				return group, r
			}
			group = append(group, r)
		default:
			return group, nil
		}
	}
}

// commit writes a group of requests that fits in one badger transaction, or a single one that does not.
func (c *committer) commit(group []*request) error {
	if c.broken != nil {
		return fmt.Errorf("%w: %w", errBroken, c.broken)
	}
	if err := c.haveRoom(group); err != nil {
		return err
	}
	all := group[0].writes
	if len(group) > 1 {
		all = nil
		for _, r := range group {
			all = append(all, r.writes...)
		}
	}
	if c.fits(all) {
		return c.apply(all)
	}
	return c.applyLarge(all)
}

func (c *committer) fits(writes []write) bool {
	var bytes int64
	for _, w := range writes {
		bytes += cost(w)
	}
	return bytes <= c.maxBytes && int64(len(writes)) <= c.maxWrites
}

// haveRoom refuses what would bring the free space under the reserve.
func (c *committer) haveRoom(group []*request) error {
	free, err := c.store.cfg.FreeBytes(c.store.cfg.Dir)
	if err != nil {
		return fmt.Errorf("badgerstore: free space of %s: %w", c.store.cfg.Dir, err)
	}
	need := c.store.cfg.MinFreeBytes
	for _, r := range group {
		for _, w := range r.writes {
			need += 2 * int64(len(w.key)+len(w.value))
		}
	}
	if int64(min(free, 1<<62)) < need {
		return fmt.Errorf("%w: %s has %d bytes free, a write needs %d", store.ErrFull, c.store.cfg.Dir, free, need)
	}
	return nil
}

// apply commits writes that fit in one badger transaction, and makes them visible.
func (c *committer) apply(writes []write) error {
	if err := c.put(writes); err != nil {
		return err
	}
	c.publish()
	return nil
}

// put commits writes, durably, without making them visible. After an error nobody knows what is on the medium, so that nothing
// more is written: a later commit would make visible what may be half there.
func (c *committer) put(writes []write) error {
	txn := c.db.NewTransactionAt(uint64(c.last), true)
	defer txn.Discard()
	for _, w := range writes {
		var err error
		if w.delete {
			err = txn.Delete(w.key)
		} else {
			err = txn.Set(w.key, w.value)
		}
		if err != nil { // nothing was written yet, but a limit was miscounted
			return fmt.Errorf("badgerstore: %w", err)
		}
	}
	c.last++
	if err := txn.CommitAt(uint64(c.last), nil); err != nil {
		c.broken = err
		return fmt.Errorf("badgerstore: commit: %w", err)
	}
	if c.store.cfg.SyncDelay > 0 {
		time.Sleep(c.store.cfg.SyncDelay)
	}
	return nil
}

func (c *committer) publish() {
	c.db.SetDiscardTs(uint64(c.store.snapshots.publish(c.last)))
}

// applyLarge commits writes that do not fit in one badger transaction: first all of them as one value, from where they are
// applied in pieces. A crash in between is made good at the next Open; readers see all or nothing since no piece is made
// visible before the last is written.
func (c *committer) applyLarge(writes []write) error {
	key := largeKey(uint64(c.last) + 1)
	if err := c.put([]write{{key: key, value: encodeWrites(writes)}}); err != nil {
		return err
	}
	return c.finish(key, writes)
}

// finish applies the writes that stand under a large key, and removes it with the last piece.
func (c *committer) finish(key []byte, writes []write) (err error) {
	defer func() {
		if err != nil && c.broken == nil {
			c.broken = err
		}
	}()
	writes = append(writes[:len(writes):len(writes)], write{key: key, delete: true})
	for piece := 0; len(writes) > 0; piece++ {
		if c.interrupt != nil {
			if err := c.interrupt(piece); err != nil {
				return err
			}
		}
		n, bytes := 0, int64(0)
		for n < len(writes) && int64(n) < c.maxWrites {
			if bytes += cost(writes[n]); bytes > c.maxBytes && n > 0 {
				break
			}
			n++
		}
		if err := c.put(writes[:n]); err != nil {
			return err
		}
		writes = writes[n:]
	}
	c.publish()
	return nil
}
