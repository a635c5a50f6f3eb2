package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// fuse makes one of the next steps of a store fail.
type fuse struct {
	left    int // steps until then; 0: never
	kind    memstore.Fault
	commits bool // count only what writes
	struck  memstore.Fault
}

func (f *fuse) light(kind memstore.Fault, in int, commits bool) {
	*f = fuse{left: in, kind: kind, commits: commits}
}

// out puts the fuse out, and tells what struck since it was lit.
func (f *fuse) out() memstore.Fault {
	struck := f.struck
	*f = fuse{}
	return struck
}

func (f *fuse) strike(op memstore.Op) memstore.Fault {
	if f.left == 0 || f.commits && op.Step != memstore.StepCommit && op.Step != memstore.StepDrop {
		return memstore.None
	}
	if f.left--; f.left > 0 {
		return memstore.None
	}
	f.struck = f.kind
	return f.kind
}

func crashes(f memstore.Fault) bool { return f == memstore.CrashBefore || f == memstore.CrashAfter }

// faults are what may strike a store.
func faults() []memstore.Fault {
	return []memstore.Fault{memstore.CrashBefore, memstore.CrashAfter, memstore.CrashBefore, memstore.CrashAfter,
		memstore.Fail, memstore.ReplyLost, memstore.Full}
}

// turnstile is the server's store. The engine commits the scopes of one request beside each other; here they pass in an order that is told before,
// so that a seed has one history.
type turnstile struct {
	store.Store
	mu    sync.Mutex
	moved *sync.Cond
	order []store.Scope // scopes whose next Update has to wait for those before it
	// witness is shown the records that a commit wrote; nil: nobody looks.
	witness func(store.Scope, []*roundsv1.Change)
}

func newTurnstile(s store.Store) *turnstile {
	t := &turnstile{Store: s}
	t.moved = sync.NewCond(&t.mu)
	return t
}

// expect tells the order of the updates to come; nil: as they come.
func (t *turnstile) expect(order []store.Scope) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.order = order
}

// Update implements store.Store.
func (t *turnstile) Update(ctx context.Context, scope store.Scope, write func(store.Writer) error) error {
	t.mu.Lock()
	for len(t.order) > 0 && t.order[0] != scope {
		t.moved.Wait()
	}
	waited := len(t.order) > 0
	t.mu.Unlock()
	defer func() {
		if waited {
			t.mu.Lock()
			t.order = t.order[1:]
			t.moved.Broadcast()
			t.mu.Unlock()
		}
	}()
	if t.witness == nil {
		return t.Store.Update(ctx, scope, write)
	}
	var changes []*roundsv1.Change
	err := t.Store.Update(ctx, scope, func(w store.Writer) error {
		changes = changes[:0]
		return write(noting{w, &changes})
	})
	if err == nil {
		t.witness(scope, changes)
	}
	return err
}

// seeded is a source of bytes for one purpose.
func seeded(seed uint64, purpose string) io.Reader {
	return rand.NewChaCha8(sha256.Sum256(binary.LittleEndian.AppendUint64([]byte(purpose), seed)))
}

// server is the engine with its disk.
type server struct {
	w      *world
	disk   *memstore.Store
	turns  *turnstile
	engine *engine.Engine
	fuse   fuse
	offset time.Duration // of its clock from the true time
	rand   io.Reader
	backup *backup
	epoch  int // counts restores
	hours  *schedule.Worker
}

// backup is a copy of the server's disk.
type backup struct {
	disk *memstore.Store
	seqs map[store.Scope]journal.Seq
}

func newServer(w *world) *server {
	s := &server{w: w, rand: seeded(w.seed, "epochs")}
	s.disk = memstore.New(memstore.Config{Paranoid: w.plan.paranoid, Fault: s.fuse.strike, Unsynced: w.options.Unsynced})
	return s
}

func (s *server) now() int64 { return s.w.now + s.offset.Microseconds() }

// open starts an engine on the disk.
func (s *server) open() {
	s.turns = newTurnstile(s.disk)
	cfg := engine.Config{Store: s.turns, Rules: s.w.judged(), Access: s.w.access, Rand: s.rand,
		Now: func() time.Time { return time.UnixMicro(s.now()).UTC() }}
	if s.w.plan.smallPages {
		cfg.Limits = engine.Limits{PageBytes: 900, MaxPageBytes: 1500}
	}
	if s.w.plan.shortTombs {
		cfg.TombstoneLife = 2 * time.Hour
	}
	if s.w.photos != nil {
		s.turns.witness = s.w.photos.committed
	}
	if of := (indexes{photos: s.w.photos != nil, hours: s.w.plan.hours}); of != (indexes{}) {
		cfg.Index, cfg.IndexVersion = of, evidence.IndexVersion+schedule.IndexVersion
	}
	var err error
	if s.engine, err = engine.Open(cfg); err != nil {
		panic(err)
	}
	if s.w.photos != nil {
		s.w.photos.open()
	}
	if s.w.plan.hours {
		s.openHours()
	}
}

// judged is what the engine asks.
func (w *world) judged() engine.Rules {
	if w.options.judge == nil {
		return w.rules
	}
	return w.options.judge(w.rules)
}

// kill cuts the server's power and starts it again.
func (s *server) kill() {
	s.w.seen.ServerKills++
	s.disk = s.disk.Crash()
	s.open()
	s.w.note("server: killed and started again")
	s.w.mirror.catchUp()
	if s.w.photos != nil {
		s.w.photos.audit()
	}
}

// after deals with what struck the server's store during a call.
func (s *server) after() {
	struck := s.fuse.out()
	if struck == memstore.None {
		return
	}
	s.w.seen.ServerFaults++
	s.w.note("server: %v struck its store", struck)
	if crashes(struck) {
		s.kill()
	} else if s.w.photos != nil {
		s.w.photos.audit() // it may have been done all the same
	}
}

// getter reads a record within a transaction.
type getter = func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)

// derived is a record that the server writes.
type derived = engine.Derived

// write is an act of the server itself.
func (s *server) write(scope store.Scope, act func(getter) ([]derived, error)) error {
	return s.engine.Write(background(), scope, func(view engine.View) ([]derived, error) { return act(view.Get) })
}

// tend is what an operator does now and then.
func (s *server) tend() {
	w := s.w
	scope := pick(w, w.scopes)
	if w.plan.serverFaults && w.chance(3) {
		s.fuse.light(pick(w, faults()), 1+w.rand.IntN(8), w.chance(2))
	}
	removed, err := s.engine.Maintain(background(), scope)
	w.seen.Tombstones += removed
	w.note("server: maintained %s: %d tombstones removed, %v", w.short(scope), removed, err)
	s.after()
}

// save makes a backup; what is in it is stable from then on.
func (s *server) save() {
	w := s.w
	w.seen.Backups++
	b := &backup{disk: s.disk.Clone(), seqs: map[store.Scope]journal.Seq{}}
	for _, scope := range w.scopes {
		b.seqs[scope] = journal.Seq(len(w.mirror.entries[scope]))
		if err := s.engine.MarkStable(background(), scope, b.seqs[scope]); err != nil {
			w.fail("MarkStable: %v", err)
		}
	}
	s.backup = b
	if w.photos != nil {
		w.photos.depot.backup = w.photos.depot.memory.Clone()
	}
	w.note("server: backup made")
}

// restore brings the last backup back.
func (s *server) restore() {
	w := s.w
	if s.backup == nil {
		return
	}
	w.seen.Restores++
	s.epoch++
	s.disk = s.backup.disk.Clone()
	if w.photos != nil {
		w.photos.adopt = w.chance(2)
	}
	s.open()
	for _, scope := range w.scopes {
		if err := s.engine.NewEpoch(background(), scope); err != nil {
			w.fail("NewEpoch: %v", err)
		}
		w.note("server: restored %s to %d of %d", w.short(scope), s.backup.seqs[scope], len(w.mirror.entries[scope]))
	}
	w.mirror.rewind(s.backup.seqs)
	w.forgetActs(s.backup.seqs)
	w.restored = true
	if w.photos != nil {
		w.photos.excuse()
		w.photos.audit()
		if w.chance(2) {
			w.photos.upkeep() // before anybody has told the server anew what it forgot
		}
	}
}

// stepClock sets the server's clock.
func (s *server) stepClock() {
	by := time.Duration(30+s.w.rand.IntN(3000))*time.Second + time.Duration(s.w.rand.IntN(1_000_000))*time.Microsecond
	if s.w.chance(2) {
		by = -by
	}
	s.offset += by
	s.w.note("server: its clock steps by %v", by)
}

// evict takes a record out of the working set.
func (s *server) evict() {
	w := s.w
	scope := pick(w, w.sites)
	id := pick(w, w.tickets[scope])
	if err := s.engine.Evict(background(), scope, "ticket", merge.RecordID(id)); err != nil {
		w.fail("Evict: %v", err)
	}
	w.seen.Evicted++
	w.note("server: evicted %s", w.name(id))
	w.mirror.catchUp()
}

// journal reads a scope's journal, as it rests.
func (s *server) journal(scope store.Scope) [][]byte {
	var all [][]byte
	for encoded, err := range s.engine.Journal(background(), scope, 1) {
		if err != nil {
			s.w.broken(promises.P12, "%s: reading the journal: %v", scope, err)
			break
		}
		all = append(all, encoded)
	}
	return all
}
