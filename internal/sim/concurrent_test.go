package sim

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// service serves an engine to callers that say themselves who they are.
type service struct {
	engine *engine.Engine
	people map[string]engine.PersonID
}

var _ roundsv1connect.SyncServiceHandler = service{}

func (s service) caller(header http.Header) engine.Caller {
	device := header.Get("Authorization")[len("Bearer "):]
	return engine.Caller{Device: engine.DeviceID(device), Person: s.people[device]}
}

// Exchange implements roundsv1connect.SyncServiceHandler.
func (s service) Exchange(
	ctx context.Context, req *connect.Request[roundsv1.ExchangeRequest],
) (*connect.Response[roundsv1.ExchangeResponse], error) {
	answer, err := s.engine.Exchange(ctx, s.caller(req.Header()), req.Msg)
	if err != nil {
		return nil, refusal(err)
	}
	return connect.NewResponse(answer), nil
}

// Watch implements roundsv1connect.SyncServiceHandler.
func (s service) Watch(
	ctx context.Context, req *connect.Request[roundsv1.WatchRequest], stream *connect.ServerStream[roundsv1.WatchResponse],
) error {
	if err := s.engine.Watch(ctx, s.caller(req.Header()), req.Msg, stream.Send); err != nil {
		return refusal(err)
	}
	return nil
}

// token is the token of a device that says itself who it is.
type token client.DeviceID

// Token implements client.Tokens.
func (t token) Token(context.Context, client.AccessToken) (client.AccessToken, error) {
	return client.AccessToken(t), nil
}

// flaky loses requests and answers until it is mended.
type flaky struct {
	next  http.RoundTripper
	mu    sync.Mutex // guards what follows
	rand  *rand.Rand
	whole bool
}

func (f *flaky) strikes() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.whole && f.rand.IntN(6) == 0
}

// RoundTrip implements http.RoundTripper.
func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.strikes() {
		return nil, errLink
	}
	answer, err := f.next.RoundTrip(r)
	if err == nil && f.strikes() {
		_ = answer.Body.Close()
		return nil, errLink
	}
	return answer, err
}

// TestConcurrent lets the devices' background loops, with streams, run beside each other and beside people who type, over real HTTP that loses
// requests and answers. Which history comes of it nobody knows; the promises are kept in each.
func TestConcurrent(t *testing.T) {
	const devices, each = 4, 40
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	a, people := newAccess(), map[string]engine.PersonID{}
	eng, err := engine.Open(engine.Config{Store: memstore.New(memstore.Config{}), Rules: rules(), Access: a})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{access: a, devices: map[string]string{}}
	site := store.Scope("site/" + string(w.id('s', 0)))
	var phones []*client.Device
	var identities []client.Identity
	for n := range devices + 1 {
		p := &phone{w: w, name: fmt.Sprintf("p%d", n), person: engine.PersonID(w.id('p', n))}
		a.roles[p.person] = []roundsv1.Role{roundsv1.Role_ROLE_MANAGER}
		a.grant(p.person, site, 0)
		identities = append(identities, p.identity())
		people[string(identities[n].Device)] = p.person
	}
	_, handler := roundsv1connect.NewSyncServiceHandler(service{eng, people})
	server := httptest.NewServer(handler)
	defer server.Close()
	link := &flaky{next: server.Client().Transport, rand: newRand(1)}
	open := func(n int) *client.Device {
		d, err := client.Open(ctx, client.Config{Store: memstore.New(memstore.Config{}), Identity: &identities[n], Tokens: token(identities[n].Device),
			Sync: roundsv1connect.NewSyncServiceClient(&http.Client{Transport: link}, server.URL),
			Timing: client.Timing{Debounce: time.Millisecond, Poll: 20 * time.Millisecond,
				BackoffFirst: time.Millisecond, BackoffMax: 10 * time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for n := range devices {
		phones = append(phones, open(n))
	}
	var loops, typing sync.WaitGroup
	running, halt := context.WithCancel(ctx)
	for n, d := range phones {
		loops.Go(func() {
			if err := d.Run(running); !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		})
		typing.Go(func() {
			r := newRand(uint64(n))
			for i := range each {
				words := fmt.Sprintf("%d of p%d", i, n)
				id := w.id('t', r.IntN(3))
				m := editOf(id, ticketRecord(&roundsv1.Ticket{Title: words}))
				if _, err := d.Get(ctx, site, "ticket", id); err == nil {
					m = editOf(id, ticketRecord(&roundsv1.Ticket{Title: words}), 1)
					if i%2 == 0 {
						m = factOf(id, ticketRecord(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: string(w.id('r', n*each+i)), Value: float64(i)}}}))
					}
				}
				if _, err := d.Do(ctx, site, m); err != nil {
					t.Errorf("Do: %v", err)
				}
			}
		})
	}
	typing.Wait()
	halt()
	loops.Wait()
	link.mu.Lock()
	link.whole = true
	link.mu.Unlock()
	for range 2 {
		for _, d := range phones {
			if _, err := d.Sync(ctx); err != nil {
				t.Fatalf("Sync: %v", err)
			}
		}
	}
	auditor := open(devices)
	if _, err := auditor.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	fresh, err := promises.Holdings(ctx, auditor)
	if err != nil {
		t.Fatal(err)
	}
	s := promises.Scope{Name: site, Records: fresh[site].Records}
	for encoded, err := range eng.Journal(ctx, site, 1) {
		if err != nil {
			t.Fatal(err)
		}
		s.Journal = append(s.Journal, encoded)
	}
	e := promises.Evidence{Scopes: []promises.Scope{s}, Key: func(device string) ed25519.PublicKey { return a.DeviceKey(engine.DeviceID(device)) }}
	for n, d := range phones {
		of, err := promises.OfDevice(ctx, fmt.Sprintf("p%d", n), d)
		if err != nil {
			t.Fatal(err)
		}
		of.Settled = true
		e.Devices = append(e.Devices, of)
	}
	report := promises.Check(e)
	for _, f := range report.Findings {
		t.Error(f)
	}
	if c := report.Counts; c.Queued != devices*each || c.Taken != c.Queued || !report.Converged {
		t.Errorf("%+v, converged %v", c, report.Converged)
	}
}
