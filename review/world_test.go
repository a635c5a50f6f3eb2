package review_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
)

const (
	site    = store.Scope("site/0199c0de-0000-7000-8000-000000000001")
	farSite = store.Scope("site/0199c0de-0000-7000-8000-000000000002")

	worker     = roundsv1.Role_ROLE_WORKER
	foreman    = roundsv1.Role_ROLE_FOREMAN
	butler     = roundsv1.Role_ROLE_BUTLER
	supervisor = roundsv1.Role_ROLE_SUPERVISOR
	manager    = roundsv1.Role_ROLE_MANAGER

	pending = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
)

// uid makes the id of something by its name.
func uid(name string) string { return uuid.NewSHA1(uuid.Nil, []byte(name)).String() }

// world is a server's inside: the real engine with the real rules, and the service.
type world struct {
	t       testing.TB
	mu      sync.Mutex // guards what follows
	now     time.Time
	roles   map[string]map[store.Scope][]roundsv1.Role // by person
	engine  *engine.Engine
	service *review.Service
	acts    int
}

func newWorld(t testing.TB, change ...func(*review.Config)) *world {
	w := &world{t: t, now: time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC), roles: map[string]map[store.Scope][]roundsv1.Role{}}
	var err error
	rules := work.New(work.Config{})
	w.engine, err = engine.Open(engine.Config{Store: memstore.New(memstore.Config{}), Rules: rules, Access: w, Now: w.clock, Question: rules.Complete,
		Rand: rand.NewChaCha8([32]byte{1})})
	if err != nil {
		t.Fatal(err)
	}
	cfg := review.Config{Records: w.engine, Access: w, Key: []byte("sixteen bytes...."), Now: w.clock, Digest: work.Digest}
	for _, f := range change {
		f(&cfg)
	}
	if w.service, err = review.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.service.Close)
	return w
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

func (w *world) Roles(p engine.PersonID, scope store.Scope, _ time.Time) []roundsv1.Role {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.roles[string(p)][scope]
}
func (w *world) MayRead(p engine.PersonID, scope store.Scope, at time.Time) bool {
	return len(w.Roles(p, scope, at)) > 0
}
func (w *world) EverHad(engine.PersonID, store.Scope) bool       { return true }
func (w *world) Scopes(engine.PersonID, time.Time) []store.Scope { return []store.Scope{site, farSite} }
func (w *world) DeviceKey(engine.DeviceID) ed25519.PublicKey     { return nil }
func (w *world) Revoked(engine.DeviceID) roundsv1.Revocation {
	return roundsv1.Revocation_REVOCATION_UNSPECIFIED
}

// person makes somebody with roles at both sites.
func (w *world) person(name string, roles ...roundsv1.Role) engine.Caller {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roles[uid(name)] = map[store.Scope][]roundsv1.Role{site: roles, farSite: roles}
	return engine.Caller{Person: engine.PersonID(uid(name)), Device: engine.DeviceID(uid("device of " + name))}
}

// write writes records as the server does.
func (w *world) write(scope store.Scope, list ...engine.Derived) {
	w.t.Helper()
	if err := w.engine.Write(context.Background(), scope, func(engine.View) ([]engine.Derived, error) { return list, nil }); err != nil {
		w.t.Fatal(err)
	}
}

// made is a record of the server's making.
func made(id string, record *roundsv1.Record) engine.Derived {
	return engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: record}}
}

// changed sets fields of a record of the server's making.
func changed(id string, record *roundsv1.Record, fields ...uint32) engine.Derived {
	return engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: record, Fields: fields}}
}

func ticket(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func inspection(i *roundsv1.Inspection) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}
}

func photo(p *roundsv1.Photo) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: p}}
}

func comment(c *roundsv1.Comment) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: c}}
}

func conflict(c *roundsv1.Conflict) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: c}}
}

func notice(n *roundsv1.Notice) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: n}}
}

func place(p *roundsv1.Place) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: p}}
}

func staff(name string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: name}}}
}

func of(kind merge.Kind, id string) *roundsv1.RecordRef {
	return &roundsv1.RecordRef{Kind: string(kind), Id: id}
}

// act does one thing at a desk and returns its outcome.
func (w *world) act(caller engine.Caller, scope store.Scope, act engine.DeskAct) *roundsv1.Outcome {
	w.t.Helper()
	w.pass(time.Second)
	w.acts++
	if act.ID == "" {
		act.ID = engine.ActID(uid(fmt.Sprint("act ", w.acts)))
	}
	outcomes, err := w.engine.Act(context.Background(), caller, scope, []engine.DeskAct{act})
	if err != nil {
		w.t.Fatal(err)
	}
	return outcomes[0]
}

// fails expects an error of a kind with a code.
func fails(t testing.TB, err error, kind engine.Kind, code roundsv1.ProblemCode) *roundsv1.Problem {
	t.Helper()
	var own *engine.Error
	if !errors.As(err, &own) || own.Kind != kind || own.Problem.GetCode() != code {
		t.Fatalf("it answered %v, not %v of kind %v", err, code, kind)
	}
	if own.Problem.GetSentence().GetZh() == "" || own.Problem.GetSentence().GetEn() == "" {
		t.Fatalf("no sentence in both languages: %v", own.Problem)
	}
	return own.Problem
}

// idsOf are the ids of rows, in order.
func idsOf(rows []*roundsv1.WorkRow) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.GetRecordId()
	}
	return ids
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func contains(text, part string) bool { return strings.Contains(text, part) }
