package review

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

const (
	// mostRecent bounds what a board keeps of records that were read, bytes by its estimate.
	mostRecent = 16 << 20
	// mostRecords bounds how many those may be, so that the map behind them stays small.
	mostRecords = 1 << 15
	// mostChanged bounds how many ids of changed records are remembered.
	mostChanged = 1 << 13
	// decoded is about how many times its encoding a record takes in memory.
	decoded = 3
)

// recent keeps records that were read of the engine, until the board takes in a change of them: desks ask for the same first pages again and again. What it
// keeps is shared by all who ask, and never changed.
//
// A record may be read before a change of it is committed and put in after the board has taken that change in. So who reads notes the generation before, and
// what changed since is not put in.
type recent struct {
	mu         sync.Mutex // guards what follows
	of         *simplelru.LRU[uid, held]
	bytes      int64
	generation uint64
	changed    map[uid]uint64 // in which generation a record changed last
	since      uint64         // changed knows what changed after this generation
}

// held is one record.
type held struct {
	kind   merge.Kind
	change *roundsv1.Change
	shown  *roundsv1.ReviewPhoto // a photo as reviewers see it, around that of change; nil: not looked for yet
	bytes  int64
}

func newRecent() *recent {
	r := &recent{changed: map[uid]uint64{}}
	r.of, _ = simplelru.NewLRU(mostRecords, func(_ uid, h held) { r.bytes -= h.bytes }) // the error is that of a size below 1
	return r
}

// get returns what is kept of a record; else the generation to put it in with.
func (r *recent) get(kind merge.Kind, id uid) (h held, generation uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, ok = r.of.Get(id)
	if !ok || h.kind != kind {
		return held{}, r.generation, false
	}
	return h, r.generation, true
}

// put keeps a record that was read since a generation, unless it changed meanwhile.
func (r *recent) put(id uid, h held, generation uint64) {
	h.bytes = 256 + decoded*int64(proto.Size(h.change))
	r.mu.Lock()
	defer r.mu.Unlock()
	if generation < r.since || r.changed[id] > generation || h.bytes > mostRecent/8 {
		return
	}
	r.of.Remove(id)
	r.bytes += h.bytes
	r.of.Add(id, h)
	for r.bytes > mostRecent {
		r.of.RemoveOldest()
	}
}

// forget lets go of records that changed.
func (r *recent) forget(changes []*roundsv1.Change) {
	if len(changes) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.generation++
	if len(r.changed)+len(changes) > mostChanged {
		clear(r.changed)
		r.since = r.generation
	}
	for _, change := range changes {
		if id, ok := parseUID(change.GetRecordId()); ok {
			r.of.Remove(id)
			r.changed[id] = r.generation
		}
	}
}

// clear lets go of all.
func (r *recent) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of.Purge()
	clear(r.changed)
	r.generation++
	r.since = r.generation
}

// size is what is kept, bytes.
func (r *recent) size() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes + int64(len(r.changed))*40
}
