package schedule_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/deadline"
	"github.com/rounds-sync/rounds/work/policy"
)

const (
	site  = store.Scope("site/0199c0de-0000-7000-8000-000000000001")
	other = store.Scope("site/0199c0de-0000-7000-8000-000000000002")
	org   = store.Scope("org/0199c0de-0000-7000-8000-000000000003")
	far   = 365 * 24 * time.Hour
)

func uid(name string) string { return uuid.NewSHA1(uuid.Nil, []byte(name)).String() }

// counting are records that count what is asked of them, and fail on demand.
type counting struct {
	*engine.Engine
	finds, reads, writes atomic.Int64
	fail                 atomic.Pointer[func(scope store.Scope, what string) error]
}

func (c *counting) Find(ctx context.Context, scope store.Scope, name engine.IndexName, span store.Span) iter.Seq2[engine.IndexEntry, error] {
	c.finds.Add(1)
	if fail := c.fail.Load(); fail != nil {
		if err := (*fail)(scope, "find"); err != nil {
			return func(yield func(engine.IndexEntry, error) bool) { yield(engine.IndexEntry{}, err) }
		}
	}
	return c.Engine.Find(ctx, scope, name, span)
}

func (c *counting) Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	c.reads.Add(1)
	if fail := c.fail.Load(); fail != nil {
		if err := (*fail)(scope, string("read "+id)); err != nil {
			return nil, err
		}
	}
	return c.Engine.Record(ctx, scope, kind, id)
}

func (c *counting) Evict(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) error {
	if fail := c.fail.Load(); fail != nil {
		if err := (*fail)(scope, "evict"); err != nil {
			return err
		}
	}
	return c.Engine.Evict(ctx, scope, kind, id)
}

func (c *counting) Write(ctx context.Context, scope store.Scope, act func(engine.View) ([]engine.Derived, error)) error {
	c.writes.Add(1)
	if fail := c.fail.Load(); fail != nil {
		if err := (*fail)(scope, "write"); err != nil {
			return err
		}
	}
	return c.Engine.Write(ctx, scope, act)
}

// reference is what counts at the sites of a test.
type reference struct {
	mu         sync.Mutex
	policies   map[store.Scope]policy.Policy
	checklists map[string]uint32 // the newest version
	drafts     map[string]uint32 // one that is not published
}

func (r *reference) Policy(scope store.Scope) policy.Policy {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, set := r.policies[scope]; set {
		return p
	}
	return policy.Default()
}

func (r *reference) Calendar(store.Scope, string) calendar.Calendar { return calendar.China() }

func (r *reference) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	r.mu.Lock()
	defer r.mu.Unlock()
	if newest, ok := r.checklists[series]; ok && version <= newest {
		if version == 0 {
			version = newest
		}
		return &roundsv1.Checklist{Version: version, Published: version != r.drafts[series]}
	}
	return nil
}

// Category: each is one of engineering, but "none", which is of no trade.
func (r *reference) Category(_ store.Scope, id merge.RecordID) *roundsv1.Category {
	if string(id) == uid("none") {
		return &roundsv1.Category{}
	}
	return &roundsv1.Category{Line: roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING}
}

func (r *reference) set(t testing.TB, scope store.Scope, settings map[string]string) {
	t.Helper()
	p, err := policy.Parse(settings)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policies[scope] = p
}

// world is the inside of a server with a clock that is set by hand.
type world struct {
	t       testing.TB
	mu      sync.Mutex
	now     time.Time
	clocked func() time.Time // instead of now
	store   *memstore.Store
	engine  *engine.Engine
	records *counting
	ref     *reference
	access  engine.Access
	worker  *schedule.Worker
}

func newWorld(t testing.TB, with ...func(*world)) *world {
	w := &world{t: t, now: time.Date(2026, 7, 6, 1, 0, 0, 0, time.UTC), store: memstore.New(memstore.Config{}), access: nobody{},
		ref: &reference{policies: map[store.Scope]policy.Policy{}, checklists: map[string]uint32{}}}
	for _, f := range with {
		f(w)
	}
	w.start()
	return w
}

// start begins a server on what the store holds.
func (w *world) start() {
	var err error
	var hinted atomic.Pointer[schedule.Worker]
	w.engine, err = engine.Open(engine.Config{Store: w.store, Rules: work.New(work.Config{Reference: w.ref}), Access: w.access, Now: w.clock,
		Rand: rand.NewChaCha8([32]byte{1}), Index: schedule.Index{}, IndexVersion: schedule.IndexVersion, Committed: func(s store.Scope) {
			if worker := hinted.Load(); worker != nil {
				worker.Changed(s)
			}
		}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.records = &counting{Engine: w.engine}
	if w.worker, err = schedule.New(w.config()); err != nil {
		w.t.Fatal(err)
	}
	hinted.Store(w.worker)
}

func (w *world) config() schedule.Config {
	return schedule.Config{Records: w.records, Reference: w.ref, Scopes: w.store.Scopes, Now: w.clock,
		Notice:       func(t schedule.Telling) engine.Derived { return work.NoticeOf(work.Telling(t)) },
		EvidenceLost: work.EvidenceLost, Duplicates: work.Duplicates, DuplicateQuestion: work.DuplicateQuestion,
		Remind: func(c *roundsv1.Conflict, p policy.Policy, now time.Time) (schedule.Reminding, bool) {
			r, ok := work.Reminder(c, p, now)
			return schedule.Reminding(r), ok
		},
		Answered: func(question, subject *roundsv1.Change) (*roundsv1.Edit, bool) {
			how, ok := work.Answered(question, subject)
			return work.ResolutionOf(how), ok
		}}
}

func (w *world) clock() time.Time {
	if w.clocked != nil {
		return w.clocked()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	return w
}

// tick does what is due, and fails the test where something fails.
func (w *world) tick() *world {
	w.t.Helper()
	if err := w.worker.Tick(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// put writes a record as the server; with fields, these alone.
func (w *world) put(scope store.Scope, id string, record *roundsv1.Record, fields ...uint32) {
	w.t.Helper()
	err := w.engine.Write(context.Background(), scope, func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: record, Fields: fields}}}, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(scope store.Scope, kind, id string) *roundsv1.Change {
	w.t.Helper()
	change, err := w.engine.Record(context.Background(), scope, merge.Kind(kind), merge.RecordID(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return change
}

func (w *world) ticket(id string) *roundsv1.Ticket {
	w.t.Helper()
	return w.get(site, "ticket", id).GetRecord().GetTicket()
}

func (w *world) inspection(id string) *roundsv1.Inspection {
	w.t.Helper()
	return w.get(site, "inspection", id).GetRecord().GetInspection()
}

// visit shows what stands in a scope.
func (w *world) visit(scope store.Scope, see func(id string, r *roundsv1.Record)) {
	w.t.Helper()
	for since := (engine.Position{}); ; {
		page, err := w.engine.Changes(context.Background(), scope, since, engine.ChangesLimits{})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, change := range page.Changes {
			see(change.GetRecordId(), change.GetRecord())
		}
		if since = page.Position; !page.More {
			return
		}
	}
}

// notices are those of a site, as "CODE role people", sorted.
func (w *world) notices() []string {
	w.t.Helper()
	var list []string
	w.visit(site, func(_ string, r *roundsv1.Record) {
		n := r.GetNotice()
		if n == nil {
			return
		}
		s := strings.TrimPrefix(n.GetCode().String(), "NOTICE_CODE_")
		if n.GetRole() != 0 {
			s += " " + strings.ToLower(strings.TrimPrefix(n.GetRole().String(), "ROLE_"))
		}
		for _, p := range n.GetPersonIds() {
			s += " " + p
		}
		if n.GetSentence().GetZh() == "" || n.GetSentence().GetEn() == "" || n.GetSubject().GetId() == "" || n.GetTimeUs() == 0 {
			w.t.Errorf("a notice says too little: %v", n)
		}
		list = append(list, s)
	})
	slices.Sort(list)
	return list
}

// rounds are the inspection rounds of the site, by their ids.
func (w *world) rounds() map[string]*roundsv1.Inspection {
	w.t.Helper()
	found := map[string]*roundsv1.Inspection{}
	w.visit(site, func(id string, r *roundsv1.Record) {
		if i := r.GetInspection(); i != nil {
			found[id] = i
		}
	})
	return found
}

// seq is how many entries the journal of the site has.
func (w *world) seq() uint64 {
	w.t.Helper()
	seq, _, err := w.engine.Head(context.Background(), site)
	if err != nil {
		w.t.Fatal(err)
	}
	return uint64(seq)
}

// report makes a ticket that is reported now, with a priority of normal and its deadlines.
func (w *world) report(id string, change ...func(*roundsv1.Ticket)) {
	w.t.Helper()
	us := w.clock().UnixMicro()
	t := &roundsv1.Ticket{Title: id, State: roundsv1.TicketState_TICKET_STATE_NEW, Round: 1, ReportedTimeUs: us, Requirements: w.ref.Policy(site).Requirements(nil),
		Moves: []*roundsv1.Move{{State: roundsv1.TicketState_TICKET_STATE_NEW, TimeUs: us, Round: 1, Exact: true}}}
	for _, f := range change {
		f(t)
	}
	t.Deadlines = deadline.Compute(t, calendar.China())
	w.put(site, uid(id), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}})
}

// move takes a ticket on, as the rules do.
func (w *world) move(id string, to roundsv1.TicketState, person string, ago time.Duration, change ...func(*roundsv1.Ticket)) {
	w.t.Helper()
	t := w.ticket(uid(id))
	us := w.clock().Add(-ago).UnixMicro()
	t.State = to
	t.Moves = append(t.Moves, &roundsv1.Move{State: to, TimeUs: us, Round: t.Round, PersonId: person, Exact: true})
	if to == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE {
		t.Completions = append(t.Completions, &roundsv1.Completion{Round: t.Round, PersonId: person, TimeUs: us, PhotoIds: []string{uid("photo")}})
	}
	for _, f := range change {
		f(t)
	}
	t.Deadlines = deadline.Compute(t, calendar.China())
	w.put(site, uid(id), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}, 40, 42, 46, 53, 54)
}

// nobody has no rights: only the server writes here.
type nobody struct{}

func (nobody) Roles(engine.PersonID, store.Scope, time.Time) []roundsv1.Role { return nil }
func (nobody) MayRead(engine.PersonID, store.Scope, time.Time) bool          { return false }
func (nobody) EverHad(engine.PersonID, store.Scope) bool                     { return false }
func (nobody) Scopes(engine.PersonID, time.Time) []store.Scope               { return nil }
func (nobody) DeviceKey(engine.DeviceID) ed25519.PublicKey                   { return nil }
func (nobody) Revoked(engine.DeviceID) roundsv1.Revocation                   { return 0 }

var errDown = errors.New("down")
