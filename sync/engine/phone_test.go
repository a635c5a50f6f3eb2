package engine_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

const site = store.Scope("site/0199c0de-0000-7000-8000-000000000001")

// onStores runs a test on the store of tests and on the store of servers.
func onStores(t *testing.T, test func(t *testing.T, s store.Store)) {
	t.Run("memstore", func(t *testing.T) { test(t, newMemory()) })
	t.Run("badgerstore", func(t *testing.T) {
		s, err := badgerstore.Open(badgerstore.Config{Dir: t.TempDir(), MemTableBytes: 8 << 20, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		test(t, s)
	})
}

func newMemory() *memstore.Store { return memstore.New(memstore.Config{Paranoid: true}) }

// clock is a clock that stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// access is who may do what in a test. The zero value lets every person work at every scope.
type access struct {
	mu      sync.Mutex
	keys    map[engine.DeviceID]ed25519.PublicKey
	until   map[engine.PersonID]time.Time // the person's rights end then
	never   map[store.Scope]bool          // nobody ever had a right there
	revoked map[engine.DeviceID]roundsv1.Revocation
}

func newAccess() *access {
	return &access{keys: map[engine.DeviceID]ed25519.PublicKey{}, until: map[engine.PersonID]time.Time{},
		never: map[store.Scope]bool{}, revoked: map[engine.DeviceID]roundsv1.Revocation{}}
}

func (a *access) Roles(p engine.PersonID, s store.Scope, at time.Time) []roundsv1.Role {
	if !a.MayRead(p, s, at) {
		return nil
	}
	return []roundsv1.Role{roundsv1.Role_ROLE_WORKER}
}

func (a *access) MayRead(p engine.PersonID, s store.Scope, at time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	end, ends := a.until[p]
	return !a.never[s] && (!ends || at.Before(end))
}

func (a *access) EverHad(_ engine.PersonID, s store.Scope) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.never[s]
}

func (a *access) Scopes(engine.PersonID, time.Time) []store.Scope { return []store.Scope{site} }

func (a *access) DeviceKey(d engine.DeviceID) ed25519.PublicKey {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys[d]
}

func (a *access) Revoked(d engine.DeviceID) roundsv1.Revocation {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.revoked[d]
}

func (a *access) set(change func(*access)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// rules let everything be merged; a start puts a ticket in progress, and a cancel of what was changed meanwhile is parked.
type rules struct{}

func (rules) Judge(c engine.Case) engine.Verdict {
	if c.Mutation.GetFact() != nil {
		return engine.Verdict{}
	}
	ticket := func(t *roundsv1.Ticket, fields ...uint32) engine.Verdict {
		return engine.Verdict{Effect: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}, Fields: fields}}
	}
	switch {
	case c.Current == nil && c.Kind == "ticket":
		return ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_NEW, Round: 1}, 40, 41)
	case c.Mutation.GetCommand().GetTicket().GetStart() != nil:
		return ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_IN_PROGRESS}, 40)
	case c.Mutation.GetCommand().GetTicket().GetCancel() != nil && !c.Saw:
		return engine.Verdict{Park: roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, Problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED}}
	case c.Mutation.GetCommand().GetTicket().GetCancel() != nil:
		return ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CANCELLED}, 40)
	case c.Mutation.GetCommand().GetTicket() != nil:
		return engine.Verdict{Problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_STATE}}
	case c.Mutation.GetCommand().GetConflict().GetAdmit() != nil:
		conflict := c.Current.GetRecord().GetConflict()
		return engine.Verdict{Admit: journal.Seq(conflict.GetJournalSeq()), Effect: &roundsv1.Edit{Fields: []uint32{40, 41}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{
			Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: "admitted"}}}}}
	}
	return engine.Verdict{}
}

// world is an engine with its surroundings.
type world struct {
	t      testing.TB
	clock  *clock
	access *access
	store  store.Store
	*engine.Engine
}

func newWorld(t testing.TB, s store.Store) *world {
	w := &world{t: t, clock: newClock(), access: newAccess(), store: s}
	w.open()
	return w
}

func (w *world) open(change ...func(*engine.Config)) {
	w.t.Helper()
	cfg := engine.Config{Store: w.store, Rules: rules{}, Access: w.access, Now: w.clock.Now, Rand: rand.NewChaCha8(sha256.Sum256([]byte("epochs")))}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if w.Engine, err = engine.Open(cfg); err != nil {
		w.t.Fatal(err)
	}
}

// phone is a device that speaks the protocol by hand, so that a test can also speak it wrongly.
type phone struct {
	w        *world
	device   engine.DeviceID
	person   engine.PersonID
	key      ed25519.PrivateKey
	boot     string
	skew     time.Duration // of the wall clock
	lanes    map[store.Scope]*lane
	cursors  map[store.Scope][]byte
	replicas map[store.Scope]map[string]*roundsv1.Change
	pages    []*roundsv1.ScopePage // of the last pull
}

// lane is a phone's own memory of what it queued.
type lane struct {
	hashes    []journal.Hash // by lane seq
	contents  [][]byte       // by lane seq - 1
	confirmed uint64
	outcomes  map[uint64]*roundsv1.Outcome
}

func (w *world) phone(name string) *phone {
	seed := sha256.Sum256([]byte(name))
	p := &phone{w: w, device: engine.DeviceID(uuid.NewSHA1(uuid.Nil, []byte("device "+name)).String()),
		person: engine.PersonID(uuid.NewSHA1(uuid.Nil, []byte("person "+name)).String()), key: ed25519.NewKeyFromSeed(seed[:]), boot: "boot 1",
		lanes: map[store.Scope]*lane{}, cursors: map[store.Scope][]byte{}, replicas: map[store.Scope]map[string]*roundsv1.Change{}}
	w.access.set(func(a *access) { a.keys[p.device] = p.key.Public().(ed25519.PublicKey) })
	return p
}

func (p *phone) caller() engine.Caller { return engine.Caller{Device: p.device, Person: p.person} }

func (p *phone) clock() *roundsv1.Clock {
	now := p.w.clock.Now()
	return &roundsv1.Clock{WallUs: now.Add(p.skew).UnixMicro(), BootId: p.boot, MonotonicUs: now.UnixMicro() - 1_000_000_000}
}

func (p *phone) lane(scope store.Scope) *lane {
	if p.lanes[scope] == nil {
		p.lanes[scope] = &lane{hashes: []journal.Hash{journal.LaneStart(string(p.device), string(scope))}, outcomes: map[uint64]*roundsv1.Outcome{}}
	}
	return p.lanes[scope]
}

// do queues a mutation on what the phone has of the record, and returns its lane seq.
func (p *phone) do(scope store.Scope, id string, act any) uint64 {
	p.w.t.Helper()
	m := &roundsv1.Mutation{RecordId: id, Clock: p.clock()}
	switch act := act.(type) {
	case *roundsv1.Fact:
		m.Act = &roundsv1.Mutation_Fact{Fact: act}
	case *roundsv1.Edit:
		m.Act = &roundsv1.Mutation_Edit{Edit: act}
	case *roundsv1.Command:
		m.Act = &roundsv1.Mutation_Command{Command: act}
	default:
		p.w.t.Fatalf("no act: %T", act)
	}
	if have := p.record(scope, id); have != nil {
		m.Base, m.BaseTimeUs = have.GetVersion(), have.GetTimeUs()
	}
	content, err := proto.Marshal(m)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return p.queue(scope, content)
}

func (p *phone) queue(scope store.Scope, content []byte) uint64 {
	l := p.lane(scope)
	l.contents = append(l.contents, content)
	l.hashes = append(l.hashes, journal.LaneNext(l.hashes[len(l.hashes)-1], content))
	return uint64(len(l.contents))
}

func (p *phone) record(scope store.Scope, id string) *roundsv1.Change { return p.replicas[scope][id] }

func (p *phone) ticket(id string) *roundsv1.Ticket { return p.record(site, id).GetRecord().GetTicket() }

// batch makes the lane of a request from one lane seq through another.
func (p *phone) batch(scope store.Scope, from, to uint64) *roundsv1.LaneBatch {
	l := p.lane(scope)
	b := &roundsv1.LaneBatch{Scope: string(scope), Confirmed: l.confirmed}
	if from > to {
		return b
	}
	b.FirstSeq, b.PreviousHash, b.Mutations = from, l.hashes[from-1][:], l.contents[from-1:to]
	b.Signature = journal.SignHead(p.key, l.hashes[to])
	return b
}

// request is a full sync: all that is not confirmed, and all scopes.
func (p *phone) request(scopes ...store.Scope) *roundsv1.ExchangeRequest {
	req := &roundsv1.ExchangeRequest{Clock: p.clock()}
	for _, scope := range scopes {
		l := p.lane(scope)
		req.Lanes = append(req.Lanes, p.batch(scope, l.confirmed+1, uint64(len(l.contents))))
		req.Cursors = append(req.Cursors, &roundsv1.ScopeCursor{Scope: string(scope), Cursor: p.cursors[scope]})
	}
	return req
}

func (p *phone) exchange(req *roundsv1.ExchangeRequest) (*roundsv1.ExchangeResponse, error) {
	resp, err := p.w.Exchange(context.Background(), p.caller(), proto.CloneOf(req))
	if err != nil {
		return nil, err
	}
	return engine.Decoded(resp)
}

// sync exchanges until nothing is left and returns the last answer.
func (p *phone) sync(scopes ...store.Scope) *roundsv1.ExchangeResponse {
	p.w.t.Helper()
	if len(scopes) == 0 {
		scopes = []store.Scope{site}
	}
	p.pages = nil
	for range 1000 {
		resp, err := p.exchange(p.request(scopes...))
		if err != nil {
			p.w.t.Fatalf("exchange: %v", err)
		}
		p.take(resp)
		if !resp.GetMore() {
			return resp
		}
	}
	p.w.t.Fatal("the server never had enough")
	return nil
}

// take stores an answer as a device does.
func (p *phone) take(resp *roundsv1.ExchangeResponse) {
	p.w.t.Helper()
	for _, result := range resp.GetLanes() {
		l := p.lane(store.Scope(result.GetScope()))
		for _, o := range result.GetOutcomes() {
			if before := l.outcomes[o.GetLaneSeq()]; before != nil && !proto.Equal(before, o) {
				p.w.t.Fatalf("lane seq %d has another outcome now:\n%v\n%v", o.GetLaneSeq(), before, o)
			}
			l.outcomes[o.GetLaneSeq()] = o
			if o.GetLaneSeq() == l.confirmed+1 {
				l.confirmed++
			}
		}
	}
	for _, page := range resp.GetPages() {
		p.apply(page)
	}
}

func (p *phone) apply(page *roundsv1.ScopePage) {
	p.w.t.Helper()
	p.pages = append(p.pages, page)
	scope := store.Scope(page.GetScope())
	if page.GetRevoked() != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		delete(p.replicas, scope)
		delete(p.cursors, scope)
		return
	}
	if p.replicas[scope] == nil || page.GetReset_() {
		p.replicas[scope] = map[string]*roundsv1.Change{}
	}
	replica := p.replicas[scope]
	for _, change := range page.GetChanges() {
		patched, err := merge.Patch(replica[change.GetRecordId()], change)
		if err != nil {
			p.w.t.Fatalf("patch: %v", err)
		}
		if patched.GetDeleted() || patched.GetEvicted() {
			delete(replica, change.GetRecordId())
			continue
		}
		replica[change.GetRecordId()] = patched
	}
	p.cursors[scope] = page.GetCursor()
	if page.GetComplete() {
		if sum := p.stateHash(scope); sum != merge.StateHash(padHash(page.GetStateHash())) {
			p.w.t.Fatalf("state hash of the replica differs from the server's")
		}
	}
}

func padHash(b []byte) (h [32]byte) {
	copy(h[:], b)
	return h
}

func (p *phone) stateHash(scope store.Scope) (sum merge.StateHash) {
	for _, change := range p.replicas[scope] {
		sum.Add(merge.Hash(change))
	}
	return sum
}

// outcome of a lane seq, which must be known.
func (p *phone) outcome(scope store.Scope, seq uint64) *roundsv1.Outcome {
	p.w.t.Helper()
	o := p.lane(scope).outcomes[seq]
	if o == nil {
		p.w.t.Fatalf("no outcome of lane seq %d", seq)
	}
	return o
}

func (p *phone) status(seq uint64) string {
	p.w.t.Helper()
	return p.outcome(site, seq).GetStatus().String()[len("OUTCOME_STATUS_"):]
}

// id makes the n-th record id of a test.
func id(n int) string {
	u := uuid.UUID{0x01, 0x99, 0xc0, 0xde, 6: 0x70, 8: 0x80}
	binary.BigEndian.PutUint32(u[12:], uint32(n))
	return u.String()
}

func record(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func create(t *roundsv1.Ticket) *roundsv1.Edit { return &roundsv1.Edit{Record: record(t)} }

func edit(t *roundsv1.Ticket, fields ...uint32) *roundsv1.Edit {
	return &roundsv1.Edit{Record: record(t), Fields: fields}
}

func title(words string) *roundsv1.Edit { return edit(&roundsv1.Ticket{Title: words}, 1) }

func start() *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}}}
}

func cancel() *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "no need"}}}}}
}

func reading(n int) *roundsv1.Fact {
	return &roundsv1.Fact{Record: record(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: id(9000 + n), Quantity: "pressure", Value: float64(n), Unit: "bar"}}})}
}

func comment(words string) *roundsv1.Fact {
	return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: id(1)}, Words: words}}}}
}

// audit verifies a scope's journal and returns what it holds.
func (w *world) audit(scope store.Scope) []*roundsv1.EntryHead {
	w.t.Helper()
	var heads []*roundsv1.EntryHead
	for encoded, err := range w.Journal(context.Background(), scope, 1) {
		if err != nil {
			w.t.Fatal(err)
		}
		head, _, _, err := journal.Open(encoded)
		if err != nil {
			w.t.Fatal(err)
		}
		heads = append(heads, head)
	}
	if _, err := journal.Verify(journal.Config{Scope: string(scope), Key: func(device string) ed25519.PublicKey {
		return w.access.DeviceKey(engine.DeviceID(device))
	}}, w.Journal(context.Background(), scope, 1)); err != nil {
		w.t.Fatalf("the journal does not verify: %v", err)
	}
	return heads
}
