package client_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

const (
	site = client.Scope("site/yunqi")
	desk = client.Scope("desk/yunqi")
	id1  = client.RecordID("0199c0de-0000-7000-8000-000000000001")
	id2  = client.RecordID("0199c0de-0000-7000-8000-000000000002")
)

func ticket(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

// clock is set by the test.
type clock struct {
	mu   sync.Mutex // guards all below
	wall time.Time
	mono time.Duration
	boot string
}

func newClock() *clock {
	return &clock{wall: time.UnixMicro(1_800_000_000_000_000), mono: time.Hour, boot: "boot-1"}
}

func (c *clock) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(time.Millisecond)
	return c.wall
}

func (c *clock) Boot() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.boot
}

func (c *clock) Monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mono += time.Millisecond
	return c.mono
}

func (c *clock) jump(wall time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(wall)
}

func (c *clock) reboot(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boot, c.mono = name, 0
}

// token is the device id, and a number that grows when one was refused.
type tokens struct {
	device client.DeviceID
	turns  int
}

func (k *tokens) Token(_ context.Context, refused client.AccessToken) (client.AccessToken, error) {
	if refused != "" {
		k.turns++
	}
	return client.AccessToken(fmt.Sprintf("%s#%d", k.device, k.turns)), nil
}

func seeded(n uint64) io.Reader { return rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}) }

func identity(t testing.TB, n int) client.Identity {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	seed[0], seed[1] = byte(n), byte(n>>8)
	return client.Identity{
		Device: client.DeviceID(client.DerivedID(id1, "device", fmt.Sprint(n))),
		Person: client.PersonID(client.DerivedID(id1, "person", fmt.Sprint(n))),
		Key:    ed25519.NewKeyFromSeed(seed),
	}
}

// rig is one device with its disk and its clocks.
type rig struct {
	*client.Device
	t      testing.TB
	cfg    client.Config
	disk   *memstore.Store
	clock  *clock
	server *server
}

func newRig(t testing.TB, s *server, n int) *rig {
	t.Helper()
	me := identity(t, n)
	r := &rig{t: t, disk: memstore.New(memstore.Config{Paranoid: true}), clock: newClock(), server: s}
	s.mu.Lock()
	s.keys[me.Device] = me.Key.Public().(ed25519.PublicKey)
	s.mu.Unlock()
	r.cfg = client.Config{Identity: &me, Sync: s, Tokens: &tokens{device: me.Device}, Clock: r.clock, Rand: seeded(uint64(n)),
		Roles: []roundsv1.Role{roundsv1.Role_ROLE_WORKER}}
	r.open(r.disk)
	return r
}

// open starts the device on a disk, as after a crash.
func (r *rig) open(disk *memstore.Store) {
	r.t.Helper()
	r.disk, r.cfg.Store = disk, disk
	d, err := client.Open(r.t.Context(), r.cfg)
	if err != nil {
		r.t.Fatalf("Open: %v", err)
	}
	r.Device = d
}

func (r *rig) sync(options ...client.SyncOption) client.Report {
	r.t.Helper()
	report, err := r.Sync(r.t.Context(), options...)
	if err != nil {
		r.t.Fatalf("Sync: %v", err)
	}
	return report
}

func (r *rig) create(scope client.Scope, id client.RecordID, title string) client.Ref {
	r.t.Helper()
	ref, err := r.Create(r.t.Context(), scope, id, ticket(&roundsv1.Ticket{Title: title, CustomerWords: "as said"}))
	if err != nil {
		r.t.Fatalf("Create: %v", err)
	}
	return ref
}

func (r *rig) edit(scope client.Scope, id client.RecordID, title string) client.Ref {
	r.t.Helper()
	ref, err := r.Edit(r.t.Context(), scope, id, ticket(&roundsv1.Ticket{Title: title}), "title")
	if err != nil {
		r.t.Fatalf("Edit: %v", err)
	}
	return ref
}

func (r *rig) get(scope client.Scope, id client.RecordID) client.View {
	r.t.Helper()
	v, err := r.Get(r.t.Context(), scope, "ticket", id)
	if err != nil {
		r.t.Fatalf("Get: %v", err)
	}
	return v
}

func (r *rig) wantTitle(scope client.Scope, id client.RecordID, want string) {
	r.t.Helper()
	if got := r.get(scope, id).Record.GetTicket().GetTitle(); got != want {
		r.t.Fatalf("title of %s is %q, want %q", id, got, want)
	}
}

func (r *rig) status(scope client.Scope) client.ScopeStatus {
	r.t.Helper()
	all, err := r.Status(r.t.Context())
	if err != nil {
		r.t.Fatalf("Status: %v", err)
	}
	for _, s := range all.Scopes {
		if s.Scope == scope {
			return s
		}
	}
	return client.ScopeStatus{}
}

func (r *rig) tray() []client.TrayItem {
	r.t.Helper()
	items, err := r.Tray(r.t.Context())
	if err != nil {
		r.t.Fatalf("Tray: %v", err)
	}
	return items
}

// wantSame holds a device's replica against the server's records.
func (r *rig) wantSame(scope client.Scope) {
	r.t.Helper()
	sum, err := r.VerifyReplica(r.t.Context(), scope)
	if err != nil {
		r.t.Fatalf("VerifyReplica: %v", err)
	}
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	if want := r.server.scope(scope).stateHash(); [32]byte(sum) != [32]byte(want) {
		r.t.Fatalf("%s: replica has the state hash %x, the server %x", scope, sum[:], want)
	}
}

var _ store.Store = (*memstore.Store)(nil)
