package evidence_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
)

const (
	site     = store.Scope("site/0199c0de-0000-7000-8000-000000000001")
	farSite  = store.Scope("site/0199c0de-0000-7000-8000-000000000002")
	orgScope = store.Scope("org/0199c0de-0000-7000-8000-000000000003")

	worker     = roundsv1.Role_ROLE_WORKER
	dispatcher = roundsv1.Role_ROLE_DISPATCHER
	supervisor = roundsv1.Role_ROLE_SUPERVISOR
	manager    = roundsv1.Role_ROLE_MANAGER
	admin      = roundsv1.Role_ROLE_ADMIN
)

func uid(name string) string { return uuid.NewSHA1(uuid.Nil, []byte(name)).String() }

// records is an engine whose acts and redactions can be made to fail.
type records struct {
	*engine.Engine
	fail func(what string) error
}

func (r *records) Write(ctx context.Context, scope store.Scope, act func(engine.View) ([]engine.Derived, error)) error {
	if r.fail != nil {
		if err := r.fail("write"); err != nil {
			return err
		}
	}
	return r.Engine.Write(ctx, scope, act)
}

// world is a server's inside: the real engine with the real rules, the desk, and a storage in memory that fails on demand.
type world struct {
	t       testing.TB
	mu      sync.Mutex // guards what follows
	now     time.Time
	roles   map[engine.PersonID][]roundsv1.Role
	ended   map[engine.PersonID]bool // whose right has ended
	keys    map[engine.DeviceID]ed25519.PublicKey
	revoked map[engine.DeviceID]roundsv1.Revocation
	fault   func(mediatest.Op) mediatest.Fault

	store   store.Store
	engine  *engine.Engine
	records *records
	memory  *mediatest.Memory
	desk    *evidence.Desk
	ids     *rand.ChaCha8
	rules   *work.Rules
	config  func(*evidence.Config)
	phones  map[string]*phone
}

func newWorld(t testing.TB, config ...func(*evidence.Config)) *world {
	w := &world{t: t, now: time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC), roles: map[engine.PersonID][]roundsv1.Role{},
		keys: map[engine.DeviceID]ed25519.PublicKey{}, revoked: map[engine.DeviceID]roundsv1.Revocation{},
		ended: map[engine.PersonID]bool{}, phones: map[string]*phone{},
		store: memstore.New(memstore.Config{}), ids: rand.NewChaCha8([32]byte{7}), rules: work.New(work.Config{})}
	w.config = func(c *evidence.Config) {
		for _, f := range config {
			f(c)
		}
	}
	w.memory = mediatest.NewMemory(mediatest.MemoryConfig{Now: w.clock, Fault: func(op mediatest.Op) mediatest.Fault {
		w.mu.Lock()
		fault := w.fault
		w.mu.Unlock()
		if fault == nil {
			return mediatest.None
		}
		return fault(op)
	}})
	w.start()
	return w
}

// start begins a server on what the stores hold.
func (w *world) start() {
	var err error
	var hinted atomic.Pointer[evidence.Desk] // the engine before this one may still be ending
	w.engine, err = engine.Open(engine.Config{Store: w.store, Rules: w.rules, Access: w, Now: w.clock, Rand: rand.NewChaCha8([32]byte{1}),
		Index: evidence.Index{}, IndexVersion: evidence.IndexVersion, Committed: func(s store.Scope) {
			if desk := hinted.Load(); desk != nil {
				desk.Changed(s)
			}
		}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.records = &records{Engine: w.engine}
	cfg := evidence.Config{Records: w.records, Driver: w.memory, Access: w, Scopes: w.store.Scopes, Verified: w.rules.Verified, Now: w.clock,
		Rest: 4 * time.Millisecond, Workers: 2, MaxPhotoBytes: 1 << 20}
	w.config(&cfg)
	if w.desk, err = evidence.New(cfg); err != nil {
		w.t.Fatal(err)
	}
	hinted.Store(w.desk)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) faults(f func(mediatest.Op) mediatest.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// work runs the worker while during runs.
func (w *world) work(during func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.desk.Run(ctx)
	}()
	defer func() {
		cancel()
		<-done
	}()
	during()
}

// settled runs the worker until photos are looked at.
func (w *world) settled(ids ...string) {
	w.t.Helper()
	w.work(func() { w.waitSettled(ids...) })
}

// waitSettled waits, while the worker runs, until photos are looked at.
func (w *world) waitSettled(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		w.until(func() bool {
			switch w.photo(id).GetState() {
			case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
				return true
			}
			return false
		})
	}
}

// until waits for something that the worker does. The time only ends a test that would never end, on a machine that has much else to do.
func (w *world) until(holds func() bool) {
	w.t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			w.t.Fatal("it did not come")
		case <-tick.C:
		}
	}
}

func (w *world) Roles(p engine.PersonID, _ store.Scope, _ time.Time) []roundsv1.Role {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended[p] {
		return nil
	}
	return w.roles[p]
}
func (w *world) MayRead(p engine.PersonID, scope store.Scope, at time.Time) bool {
	return len(w.Roles(p, scope, at)) > 0
}
func (w *world) EverHad(p engine.PersonID, scope store.Scope) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.roles[p]) > 0
}
func (w *world) Scopes(engine.PersonID, time.Time) []store.Scope {
	return []store.Scope{orgScope, site, farSite}
}
func (w *world) DeviceKey(d engine.DeviceID) ed25519.PublicKey { return w.keys[d] }
func (w *world) Revoked(d engine.DeviceID) roundsv1.Revocation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.revoked[d]
}
func (w *world) Organisation(store.Scope) store.Scope { return orgScope }
func (w *world) LastSeen(engine.DeviceID) time.Time   { return time.UnixMicro(77) }

// phone is a device that is always in sync.
type phone struct {
	*world
	engine.Caller
	key   ed25519.PrivateKey
	lanes map[store.Scope]*lane
}

type lane struct {
	hash journal.Hash
	seq  uint64
}

// phone is the device of a person; the first mention says what the person is.
func (w *world) phone(name string, roles ...roundsv1.Role) *phone {
	if p := w.phones[name]; p != nil {
		return p
	}
	seed := sha256.Sum256([]byte(name))
	p := &phone{world: w, Caller: engine.Caller{Device: engine.DeviceID(uid("device " + name)), Person: engine.PersonID(uid(name))},
		key: ed25519.NewKeyFromSeed(seed[:]), lanes: map[store.Scope]*lane{}}
	w.phones[name] = p
	w.roles[p.Person] = roles
	w.keys[p.Device] = p.key.Public().(ed25519.PublicKey)
	return p
}

// do sends one mutation on the record as it stands and requires that it is applied.
func (p *phone) do(scope store.Scope, id string, act any) {
	p.t.Helper()
	if o := p.send(scope, id, act); o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		p.t.Fatalf("%v: %v", act, o)
	}
}

// send sends one mutation on the record as it stands and returns its outcome.
func (p *phone) send(scope store.Scope, id string, act any) *roundsv1.Outcome {
	p.t.Helper()
	p.pass(time.Second)
	now := p.clock()
	clock := &roundsv1.Clock{WallUs: now.UnixMicro(), BootId: "boot", MonotonicUs: now.UnixMicro()}
	m := &roundsv1.Mutation{RecordId: id, Clock: clock}
	switch act := act.(type) {
	case *roundsv1.Fact:
		m.Act = &roundsv1.Mutation_Fact{Fact: act}
	case *roundsv1.Edit:
		m.Act = &roundsv1.Mutation_Edit{Edit: act}
	case *roundsv1.TicketCommand:
		m.Act = &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: act}}}
	case *roundsv1.ConflictCommand:
		m.Act = &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: act}}}
	case *roundsv1.InspectionCommand:
		m.Act = &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: act}}}
	}
	if kind, ok := merge.KindOfMutation(m); ok {
		if have, err := p.engine.Record(context.Background(), scope, kind, merge.RecordID(id)); err != nil {
			p.t.Fatal(err)
		} else if have != nil {
			m.Base, m.BaseTimeUs = have.GetVersion(), have.GetTimeUs()
		}
	}
	content, err := proto.Marshal(m)
	if err != nil {
		p.t.Fatal(err)
	}
	l := p.lanes[scope]
	if l == nil {
		l = &lane{hash: journal.LaneStart(string(p.Device), string(scope))}
		p.lanes[scope] = l
	}
	batch := &roundsv1.LaneBatch{Scope: string(scope), Confirmed: l.seq, FirstSeq: l.seq + 1, PreviousHash: bytes.Clone(l.hash[:]), Mutations: [][]byte{content}}
	l.hash, l.seq = journal.LaneNext(l.hash, content), l.seq+1
	batch.Signature = journal.SignHead(p.key, l.hash)
	resp, err := p.engine.Exchange(context.Background(), p.Caller, &roundsv1.ExchangeRequest{Clock: clock, Lanes: []*roundsv1.LaneBatch{batch}})
	if err != nil {
		p.t.Fatal(err)
	}
	if got := resp.GetLanes()[0].GetOutcomes(); len(got) == 1 {
		return got[0]
	}
	p.t.Fatalf("%v: %v", m, resp)
	return nil
}

// image is one photo's bytes.
func image(seed uint64, stage drawn.Stage) []byte {
	return drawn.Photo(seed, drawn.Tiles, drawn.Options{Stage: stage, WidthPx: 320, Shot: seed, Exif: drawn.Exif{Camera: "test"}})
}

// promise makes the record of a photo; changes may say more of it.
func (p *phone) promise(content []byte, changes ...func(*roundsv1.Photo)) string {
	p.t.Helper()
	return p.promiseIn(site, content, changes...)
}

func (p *phone) promiseIn(scope store.Scope, content []byte, changes ...func(*roundsv1.Photo)) string {
	p.t.Helper()
	id := uuid.Must(uuid.NewRandomFromReader(p.ids)).String()
	p.do(scope, id, p.fact(content, changes...))
	return id
}

// fact is what a phone says of a photo that it took.
func (p *phone) fact(content []byte, changes ...func(*roundsv1.Photo)) *roundsv1.Fact {
	sum := sha256.Sum256(content)
	now := p.clock()
	photo := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("ticket")}, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Round: 1,
		Sha256: sum[:], SizeBytes: int64(len(content)), MediaType: "image/jpeg", WidthPx: 320, HeightPx: 240, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA,
		Preview: []byte("a small picture"), PersonId: string(p.Person),
		Captured: &roundsv1.Clock{WallUs: now.UnixMicro(), BootId: "boot", MonotonicUs: now.UnixMicro()}}
	for _, change := range changes {
		change(photo)
	}
	return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}}}
}

func of(ticket string) func(*roundsv1.Photo) {
	return func(p *roundsv1.Photo) { p.Subject.Id = uid(ticket) }
}

// photo reads a photo.
func (w *world) photo(id string) *roundsv1.Photo { return w.photoIn(site, id) }

func (w *world) photoIn(scope store.Scope, id string) *roundsv1.Photo {
	w.t.Helper()
	change, err := w.engine.Record(context.Background(), scope, "photo", merge.RecordID(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return change.GetRecord().GetPhoto()
}

func hashOf(content []byte) media.Hash { return sha256.Sum256(content) }

func (p *phone) plan(scope store.Scope, contents ...[]byte) []*roundsv1.PlanResult {
	p.t.Helper()
	req := &roundsv1.PlanRequest{Scope: string(scope), PartBytes: media.MinPartBytes}
	for _, c := range contents {
		h := hashOf(c)
		req.Sha256 = append(req.Sha256, h[:])
	}
	resp, err := p.desk.Plan(context.Background(), p.Caller, req)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.GetResults()
}

func (p *phone) finish(scope store.Scope, contents ...[]byte) []*roundsv1.FinishResult {
	p.t.Helper()
	req := &roundsv1.FinishRequest{Scope: string(scope)}
	for _, c := range contents {
		h := hashOf(c)
		req.Sha256 = append(req.Sha256, h[:])
	}
	resp, err := p.desk.Finish(context.Background(), p.Caller, req)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.GetResults()
}

// put sends the parts of a plan; it returns how many the storage took.
func (p *phone) put(parts []*roundsv1.UploadPart, content []byte) (taken int) {
	p.t.Helper()
	for _, part := range parts {
		b := content[part.GetOffset() : part.GetOffset()+part.GetSize()]
		req, err := http.NewRequest(http.MethodPut, part.GetUrl(), bytes.NewReader(b))
		if err != nil {
			p.t.Fatal(err)
		}
		sum := md5.Sum(b)
		req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
		for name, value := range part.GetHeaders() {
			req.Header.Set(name, value)
		}
		resp, err := (&http.Client{Transport: p.memory.Transport()}).Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			taken++
		}
	}
	return taken
}

// upload delivers a photo's bytes as a device does: again and again until they are stored. It returns how many parts it sent.
func (p *phone) upload(scope store.Scope, content []byte) (sent int) {
	p.t.Helper()
	for range 50 {
		switch plan := p.plan(scope, content)[0].GetPlan().(type) {
		case *roundsv1.PlanResult_Stored:
			return sent
		case *roundsv1.PlanResult_Upload:
			sent += p.put(plan.Upload.GetParts(), content)
			if p.finish(scope, content)[0].GetStored() != nil {
				return sent
			}
		case *roundsv1.PlanResult_Problem:
			if plan.Problem.GetRetryAfter() == nil {
				p.t.Fatalf("planned: %v", plan.Problem)
			}
		}
	}
	p.t.Fatal("never stored")
	return 0
}

// done brings a ticket of a category to DONE_PENDING_EVIDENCE with a manifest.
func (w *world) done(name, category string, photos ...string) {
	w.t.Helper()
	boss, li := w.phone("boss", dispatcher, manager), w.phone("li", worker)
	w.prepared(name, category, boss, li)
	li.submit(name, photos...)
}

func (w *world) prepared(name, category string, boss, li *phone) {
	w.t.Helper()
	id := uid(name)
	boss.do(site, id, &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: name}}}})
	boss.do(site, id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}})
	boss.do(site, id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: string(li.Person)}}})
	li.do(site, id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}})
}

func (p *phone) submit(ticket string, photos ...string) {
	p.t.Helper()
	p.do(site, uid(ticket), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
		SubmitCompletion: &roundsv1.TicketSubmit{Round: 1, PhotoIds: photos}}})
}

func (w *world) ticket(name string) *roundsv1.Ticket {
	w.t.Helper()
	change, err := w.engine.Record(context.Background(), site, "ticket", merge.RecordID(uid(name)))
	if err != nil {
		w.t.Fatal(err)
	}
	return change.GetRecord().GetTicket()
}
