package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// clock is a wall clock that a test moves.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a server with one site, and the first administrator's device enrolled.
type world struct {
	*server.Server
	t      testing.TB
	clock  *clock
	store  store.Store
	base   string
	http   *http.Client
	out    *bytes.Buffer
	data   string
	device *device
	site   store.Scope
}

// base returns a config that serves on a free port, keeps everything in memory, and is silent.
func base(t testing.TB) server.Config {
	cfg := server.Default()
	cfg.Listen, cfg.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Data = t.TempDir()
	cfg.Store.MemTableBytes = 8 << 20 // the least: it is taken at each start, which costs much with the race detector
	cfg.Timeouts.Drain = patience
	cfg.Inject.Logger = slog.New(slog.DiscardHandler)
	cfg.Inject.Out = io.Discard
	return cfg
}

// start starts a server in memory; change may change its config.
func start(t testing.TB, change ...func(*server.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Now()}, http: http.DefaultClient, out: &bytes.Buffer{}}
	cfg := base(t)
	w.store = memstore.New(memstore.Config{})
	cfg.Inject.Store, cfg.Inject.Now, cfg.Inject.Out = w.store, w.clock.Now, w.out
	for _, f := range change {
		f(&cfg)
	}
	w.data = cfg.Data
	var err error
	if w.Server, err = server.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() }) // tests of closing look at its error themselves
	w.base = "http://" + w.Addr().String()
	w.device = w.enrol(string(w.Founding().Code))
	node, err := w.Authority().Admin().CreateNode(t.Context(), w.device.identity(), &roundsv1.CreateNodeRequest{
		ParentId: string(w.Founding().Root), Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: &roundsv1.Text{Zh: "云栖雅苑"}})
	if err != nil {
		t.Fatal(err)
	}
	w.site = store.Scope("site/" + node.GetNode().GetNodeId())
	w.clock.add(time.Second)
	return w
}

// device is an enrolled device at its barest: what goes over the wire is all in the test's hands.
type device struct {
	w              *world
	key            ed25519.PrivateKey
	id, person     string
	token, refresh string
	lane           journal.Hash
	seq            uint64
}

func (w *world) enrol(code string) *device {
	w.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	normal, _ := auth.NormalizeCode(code)
	resp, err := roundsv1connect.NewAuthServiceClient(w.http, w.base).Enroll(w.t.Context(), connect.NewRequest(&roundsv1.EnrollRequest{
		Proof: &roundsv1.EnrollRequest_Code{Code: normal}, PublicKey: public, Audience: w.URL(),
		Signature: ed25519.Sign(key, auth.EnrollChallenge(w.URL(), normal, public)), DeviceName: "test"}))
	if err != nil {
		w.t.Fatal(err)
	}
	return &device{w: w, key: key, id: resp.Msg.GetDeviceId(), person: resp.Msg.GetPersonId(), token: resp.Msg.GetAccessToken(),
		refresh: resp.Msg.GetRefreshToken()}
}

func (d *device) sign(message []byte) []byte { return ed25519.Sign(d.key, message) }

func (d *device) identity() auth.Identity {
	return auth.Identity{Person: auth.PersonID(d.person), Device: auth.DeviceID(d.id), State: d.w.Authority().DeviceState(auth.DeviceID(d.id))}
}

// batch makes a signed lane of new tickets, and counts them as sent.
func (d *device) batch(titles ...string) *roundsv1.LaneBatch {
	b := &roundsv1.LaneBatch{Scope: string(d.w.site), FirstSeq: d.seq + 1}
	if d.seq == 0 {
		d.lane = journal.LaneStart(d.id, b.Scope)
	}
	previous := d.lane
	b.PreviousHash = previous[:]
	for _, title := range titles {
		m, err := proto.Marshal(&roundsv1.Mutation{RecordId: uuid.Must(uuid.NewV7()).String(),
			Clock: &roundsv1.Clock{WallUs: d.w.clock.Now().UnixMicro(), BootId: "b", MonotonicUs: 1},
			Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{
				Ticket: &roundsv1.Ticket{Title: title}}}}}})
		if err != nil {
			d.w.t.Fatal(err)
		}
		b.Mutations = append(b.Mutations, m)
		d.lane = journal.LaneNext(d.lane, m)
		d.seq++
	}
	b.Signature = journal.SignHead(d.key, d.lane)
	return b
}

func (d *device) clockNow() *roundsv1.Clock {
	return &roundsv1.Clock{WallUs: d.w.clock.Now().UnixMicro(), BootId: "b", MonotonicUs: 2}
}

// push is a request that brings tickets and pulls the site.
func (d *device) push(titles ...string) *roundsv1.ExchangeRequest {
	return &roundsv1.ExchangeRequest{Clock: d.clockNow(), Lanes: []*roundsv1.LaneBatch{d.batch(titles...)},
		Cursors: []*roundsv1.ScopeCursor{{Scope: string(d.w.site)}}}
}

func as[M any](d *device, msg *M) *connect.Request[M] {
	req := connect.NewRequest(msg)
	req.Header().Set("Authorization", "Bearer "+d.token)
	return req
}

func (w *world) sync(options ...connect.ClientOption) roundsv1connect.SyncServiceClient {
	return roundsv1connect.NewSyncServiceClient(w.http, w.base, options...)
}

// exchange pushes and expects every outcome to be APPLIED.
func (d *device) exchange(req *roundsv1.ExchangeRequest, options ...connect.ClientOption) *roundsv1.ExchangeResponse {
	d.w.t.Helper()
	resp, err := d.w.sync(options...).Exchange(d.w.t.Context(), as(d, req))
	if err != nil {
		d.w.t.Fatal(err)
	}
	for _, lane := range resp.Msg.GetLanes() {
		for _, o := range lane.GetOutcomes() {
			if o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
				d.w.t.Fatalf("outcome %v", o)
			}
		}
	}
	return resp.Msg
}

// problemOf returns the code and the Problem of an error, and fails where there is none.
func problemOf(t testing.TB, err error) (connect.Code, *roundsv1.Problem) {
	t.Helper()
	ce := new(connect.Error)
	if !asError(err, &ce) {
		t.Fatalf("not an error of Connect: %v", err)
	}
	for _, d := range ce.Details() {
		if value, err := d.Value(); err == nil {
			if p, ok := value.(*roundsv1.Problem); ok {
				return ce.Code(), p
			}
		}
	}
	t.Fatalf("an error without a Problem: %v", err)
	return 0, nil
}

// sumOf hashes all that a store holds.
func sumOf(t testing.TB, s store.Store) [32]byte {
	t.Helper()
	h := sha256.New()
	scopes, err := s.Scopes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		io.WriteString(h, string(scope)+"\x00")
		if err := s.View(context.Background(), scope, func(r store.Reader) error {
			for e, err := range r.Scan(store.Span{}) {
				if err != nil {
					return err
				}
				h.Write(append(append(append([]byte{}, e.Key...), 0), e.Value...))
				h.Write([]byte{0})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return [32]byte(h.Sum(nil))
}
