package evidence

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// job is one thing to look at: a photo that is not settled, the evidence of a ticket or an inspection round, or a question
// about a photo that was decided.
type job struct {
	scope store.Scope
	kind  merge.Kind
	id    string
	// version of the record that waits, so that a later one is not taken for the one that is being asked. 0: the photo itself is looked at.
	version uint64
}

// queue is what the worker knows beyond what the indexes say: all of it can be lost.
type queue struct {
	first time.Duration // the rest after a first failure
	wake  chan struct{} // holds one when there may be something to do

	mu       sync.Mutex               // guards what follows
	dirty    map[store.Scope]struct{} // scopes to look through
	busy     map[job]int              // jobs handed out or resting, with how often they failed
	again    []job                    // jobs that have rested
	through  map[store.Scope]uint64   // versions through which the index of what waits was seen
	paused   bool                     // the storage failed: nothing is handed out
	failures int                      // of the storage, in a row
	misses   map[job]int              // how often Look did not find an original, in a row
}

func newQueue(rest time.Duration) *queue {
	return &queue{first: rest, wake: make(chan struct{}, 1), dirty: map[store.Scope]struct{}{}, busy: map[job]int{}, through: map[store.Scope]uint64{},
		misses: map[job]int{}}
}

// Changed says that a scope may hold something to do. It is cheap, and never blocks: engine.Config.Committed may be this.
func (d *Desk) Changed(scope store.Scope) {
	class, _, _ := strings.Cut(string(scope), "/")
	switch class {
	case "site":
		d.work.mark(scope)
	case "org":
		d.work.markAll()
	}
}

func (q *queue) mark(scope store.Scope) {
	q.mu.Lock()
	q.dirty[scope] = struct{}{}
	q.mu.Unlock()
	q.signal()
}

// markAll has everything that waits asked again: a category of the organisation may have become another.
func (q *queue) markAll() {
	q.mu.Lock()
	for scope := range q.through {
		q.dirty[scope] = struct{}{}
		q.through[scope] = 0
	}
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the scopes to look through and the jobs that have rested; nothing while the storage rests.
func (q *queue) take() (scopes []store.Scope, rested []job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paused {
		return nil, nil
	}
	scopes, rested = slices.Sorted(maps.Keys(q.dirty)), q.again
	clear(q.dirty)
	q.again = nil
	return scopes, rested
}

// begin marks a job as handed out; false where it is already.
func (q *queue) begin(j job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, busy := q.busy[j]; busy || q.paused {
		return false
	}
	q.busy[j] = 0
	return true
}

func (q *queue) resting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.paused
}

// done ends a job. Hints that came while a photo was being looked at were passed over, so its scope is looked through once more.
func (q *queue) done(j job) {
	q.mu.Lock()
	delete(q.busy, j)
	q.failures = 0
	if j.version == 0 {
		q.dirty[j.scope] = struct{}{}
	}
	q.mu.Unlock()
	q.signal()
}

// drop forgets a job that was not done: the indexes name it again.
func (q *queue) drop(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, j)
	q.dirty[j.scope] = struct{}{}
}

// longestRest bounds the rest after a failure, which doubles with each one in a row.
const longestRest = time.Minute

func (q *queue) rest(failures int) time.Duration {
	return min(longestRest, q.first<<min(failures, 16))
}

// failed has a job tried again after a rest, of least at least, and where it was the storage's fault the others wait too. It returns how often the job
// failed now.
func (q *queue) failed(j job, storage bool, least time.Duration) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.busy[j]
	q.busy[j] = n + 1
	time.AfterFunc(max(least, q.rest(n)), func() {
		q.mu.Lock()
		q.again = append(q.again, j)
		q.mu.Unlock()
		q.signal()
	})
	if storage && !q.paused {
		q.paused = true
		time.AfterFunc(q.rest(q.failures), func() {
			q.mu.Lock()
			q.paused = false
			q.mu.Unlock()
			q.signal()
		})
		q.failures++
	}
	return n + 1
}

// missed counts, for Look, how often the storage did not have the original of a job; found begins anew.
func (q *queue) missed(j job) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.misses[j]++
	return q.misses[j]
}

func (q *queue) found(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.misses, j)
}

// from returns where to go on in the index of what waits, and notes how far it was seen.
func (q *queue) from(scope store.Scope) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, known := q.through[scope]; !known {
		q.through[scope] = 0
	}
	return q.through[scope]
}

func (q *queue) saw(scope store.Scope, version uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.through[scope] = max(q.through[scope], version)
}
