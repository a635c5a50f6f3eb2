package arbitration_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

const (
	resident   = roundsv1.Role_ROLE_RESIDENT
	worker     = roundsv1.Role_ROLE_WORKER
	foreman    = roundsv1.Role_ROLE_FOREMAN
	butler     = roundsv1.Role_ROLE_BUTLER
	dispatcher = roundsv1.Role_ROLE_DISPATCHER
	supervisor = roundsv1.Role_ROLE_SUPERVISOR
	manager    = roundsv1.Role_ROLE_MANAGER
)

// jobs says what the people of these tests are; who is not named here is a worker.
func jobs(name string) roundsv1.Role {
	switch name[0] {
	case 'F':
		return foreman
	case 'D':
		return dispatcher
	case 'S':
		return supervisor
	case 'R':
		return butler
	case 'M':
		return manager
	case 'H':
		return resident
	}
	return worker
}

// clock is the time of a world: it stands still until somebody moves it.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

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

// world is one real server with its storage of photos, and a clock of its own, so that rows may wait for days beside each other.
type world struct {
	*clock
	server     *server.Server
	admin      auth.Identity
	http       *http.Client
	categories map[string]string // ids by code
}

// newWorld starts a server for one row. It begins at ten in the morning of a working Wednesday in Shanghai.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2026, 7, 1, 2, 0, 0, 0, time.UTC)}}
	cfg := server.Default()
	cfg.Listen, cfg.Admin.Listen, cfg.Data = "127.0.0.1:0", "", t.TempDir()
	cfg.Limits.DeviceRate, cfg.Limits.AddressRate = 0, 0
	cfg.Timeouts.Drain = patience
	cfg.Inject.Logger, cfg.Inject.Out = slog.New(slog.DiscardHandler), io.Discard
	cfg.Inject.Now, cfg.Inject.Store = w.Now, memstore.New(memstore.Config{})
	var err error
	if w.server, err = server.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	w.http = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
	})
	me, err := client.Enrol(t.Context(), memstore.New(memstore.Config{}), client.Enrolment{Auth: w.auth(), Audience: w.server.URL(),
		Code: string(w.server.Founding().Code)})
	if err != nil {
		t.Fatal(err)
	}
	w.admin = auth.Identity{Person: auth.PersonID(me.Person), Device: auth.DeviceID(me.Device),
		State: w.server.Authority().DeviceState(auth.DeviceID(me.Device))}
	w.categories = map[string]string{}
	for _, code := range []string{"lighting", "wiring", "pipes"} {
		w.categories[code] = newID()
		w.enter(w.org(), w.categories[code], &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{
			Name: &roundsv1.Text{Zh: code, En: code}, Code: code, AfterPhotos: 1, Priority: roundsv1.Priority_PRIORITY_NORMAL}}})
	}
	return w
}

func (w *world) url() string { return "http://" + w.server.Addr().String() }

func (w *world) auth() roundsv1connect.AuthServiceClient {
	return roundsv1connect.NewAuthServiceClient(w.http, w.url())
}

// org is the scope of what the organisation shares.
func (w *world) org() store.Scope { return store.Scope("org/" + string(w.server.Founding().Root)) }

// site is one community, where one order of arrival of a row is played.
type site struct {
	*world
	t      *testing.T
	node   string
	scope  store.Scope
	people map[string]*person
	phones []*phone
	shots  uint64 // photos taken
}

// person is somebody who works or lives there.
type person struct {
	name, id, grant string
	role            roundsv1.Role
}

// site founds a community.
func (w *world) site(t *testing.T) *site {
	t.Helper()
	node, err := w.server.Authority().Admin().CreateNode(t.Context(), w.admin, &roundsv1.CreateNodeRequest{
		ParentId: string(w.server.Founding().Root), Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: &roundsv1.Text{Zh: "云栖雅苑"}})
	if err != nil {
		t.Fatal(err)
	}
	id := node.GetNode().GetNodeId()
	return &site{world: w, t: t, node: id, scope: store.Scope("site/" + id), people: map[string]*person{}}
}

// person finds or hires somebody; the name tells the job.
func (s *site) person(name string) *person {
	s.t.Helper()
	if p := s.people[name]; p != nil {
		return p
	}
	p := &person{name: name, role: jobs(name)}
	a := s.server.Authority().Admin()
	made, err := a.CreatePerson(s.t.Context(), s.admin, &roundsv1.CreatePersonRequest{Name: name, HomeNodeId: s.node})
	if err != nil {
		s.t.Fatal(err)
	}
	p.id = made.GetPerson().GetPersonId()
	grant, err := a.CreateGrant(s.t.Context(), s.admin, &roundsv1.CreateGrantRequest{PersonId: p.id, NodeId: s.node, Role: p.role})
	if err != nil {
		s.t.Fatal(err)
	}
	p.grant = grant.GetGrant().GetGrantId()
	s.people[name] = p
	s.pass(time.Second)
	return p
}

// phone enrols a phone of a person. "X" has one, "X'" is a second one of the same person.
func (s *site) phone(name string) *phone {
	s.t.Helper()
	p := &phone{site: s, name: name, person: s.person(name[:len(name)-len(suffix(name))]), disk: memstore.New(memstore.Config{}),
		clock: &phoneClock{clock: s.clock, boot: uuid.NewString(), booted: s.Now().Add(-time.Hour)}, album: newAlbum()}
	p.enrol()
	p.open()
	s.phones = append(s.phones, p)
	p.sync()
	return p
}

func suffix(name string) string {
	if name[len(name)-1] == '\'' {
		return "'"
	}
	return ""
}

// phone is one device library on a store of its own, with clocks of its own, that reaches the server when it is told to sync.
type phone struct {
	*site
	name   string
	person *person
	disk   *memstore.Store
	clock  *phoneClock
	album  *album
	device *client.Device
	acts   []client.Ref // all that was queued
	facts  []client.Ref // those of them that are facts
}

// enrol takes the phone in, with a new code.
func (p *phone) enrol() client.Identity {
	p.t.Helper()
	code, err := p.server.Authority().Admin().CreateEnrolmentCode(p.t.Context(), p.admin, &roundsv1.CreateEnrolmentCodeRequest{PersonId: p.person.id})
	if err != nil {
		p.t.Fatal(err)
	}
	me, err := client.Enrol(p.t.Context(), p.disk, client.Enrolment{Auth: p.auth(), Audience: p.server.URL(), Code: code.GetCode(), Name: p.name})
	if err != nil {
		p.t.Fatal(err)
	}
	return me
}

// open opens the device on what is on its disk.
func (p *phone) open() {
	p.t.Helper()
	tokens, err := client.OpenTokens(p.t.Context(), p.disk, p.auth(), p.clock, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.device, err = client.Open(p.t.Context(), client.Config{Store: p.disk, Sync: roundsv1connect.NewSyncServiceClient(p.http, p.url()),
		Media: roundsv1connect.NewMediaServiceClient(p.http, p.url()), HTTP: p.http, Originals: p.album, Tokens: tokens,
		Roles: []roundsv1.Role{p.person.role}, Clock: p.clock, Limits: client.Limits{Parts: 1},
		Timing: client.Timing{BackoffFirst: time.Millisecond, BackoffMax: 10 * time.Millisecond}}); err != nil {
		p.t.Fatal(err)
	}
}

// id is the person's.
func (p *phone) id() string { return p.person.id }

// sync reaches the server: words, then photos. Some time passes before and after it.
func (p *phone) sync() {
	p.t.Helper()
	if err := p.trySync(); err != nil {
		p.t.Fatalf("%s syncs: %v", p.name, err)
	}
}

func (p *phone) trySync() error {
	p.pass(time.Second)
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, err := p.device.Sync(ctx)
	p.pass(time.Second)
	return err
}

// words is a sync in which no photo travels.
func (p *phone) words() {
	p.t.Helper()
	p.pass(time.Second)
	if _, err := p.device.Sync(p.t.Context(), client.WithoutPhotos()); err != nil {
		p.t.Fatalf("%s syncs: %v", p.name, err)
	}
	p.pass(time.Second)
}

// phoneClock are a phone's clocks: the wall clock is wrong by skew, and the monotonic one runs since the boot.
type phoneClock struct {
	*clock
	boot   string
	booted time.Time
	skew   time.Duration
}

var _ client.Clock = (*phoneClock)(nil)

// Wall implements client.Clock.
func (c *phoneClock) Wall() time.Time { return c.Now().Add(c.skew) }

// Boot implements client.Clock.
func (c *phoneClock) Boot() string { return c.boot }

// Monotonic implements client.Clock.
func (c *phoneClock) Monotonic() time.Duration { return c.Now().Sub(c.booted) }

// reboot begins another boot: what was queued before it has a time that is less well known.
func (c *phoneClock) reboot() { c.boot, c.booted = uuid.NewString(), c.Now() }

// revoke takes a phone's right to sync away.
func (p *phone) revoke(how roundsv1.Revocation) {
	p.t.Helper()
	me, err := p.device.Identity()
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.server.Authority().Admin().RevokeDevice(p.t.Context(), p.admin, &roundsv1.RevokeDeviceRequest{DeviceId: string(me.Device), Revocation: how}); err != nil {
		p.t.Fatal(err)
	}
	p.pass(time.Second)
}

// enter enters a record of the directory, as the administrator does: when it returns, the rules know it.
func (w *world) enter(scope store.Scope, id string, record *roundsv1.Record) {
	err := w.server.Engine().Write(context.Background(), scope, func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: record}}}, nil
	})
	if err == nil {
		err = w.server.Reference().Refresh(context.Background(), scope)
	}
	if err != nil {
		panic(err) // nothing here makes it fail
	}
	w.pass(time.Second)
}

// later lets time pass for a site, and something small happen there: what is due by the clock is looked for when something happens, and every minute of the
// machine's.
func (s *site) later(d time.Duration) {
	s.pass(d)
	s.enter(s.scope, newID(), &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Name: &roundsv1.Text{Zh: "某处"}}}})
}

// newID is an id of a record that is entered.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
