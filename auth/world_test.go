package auth_test

import (
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

const audience = "https://rounds.example.com"

// clock is a wall clock that a test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is an Authority with its store, its clock and an enrolled first administrator.
type world struct {
	*auth.Authority
	t     testing.TB
	cfg   auth.Config
	store *memory
	clock *clock
	rand  *rand.ChaCha8 // the phones', used by the test's own goroutine
	root  auth.NodeID
	boss  *phone
}

func config(store *memory, c *clock) auth.Config {
	return auth.Config{Store: store, Now: c.now, Rand: rand.NewChaCha8([32]byte{1}), Audience: audience}
}

func bare(t testing.TB, with ...func(*auth.Config)) *world {
	t.Helper()
	w := &world{t: t, store: newMemory(), rand: rand.NewChaCha8([32]byte{2}), clock: &clock{t: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}}
	w.cfg = config(w.store, w.clock)
	for _, f := range with {
		f(&w.cfg)
	}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	a, err := auth.Open(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Authority = a
	w.t.Cleanup(func() { a.Close() })
}

// reopen closes the Authority and opens it on the same store, as a restart does.
func (w *world) reopen() {
	w.t.Helper()
	w.Close()
	w.open()
}

func found(t testing.TB, with ...func(*auth.Config)) *world {
	t.Helper()
	w := bare(t, with...)
	f, err := w.Bootstrap(t.Context(), &roundsv1.Text{Zh: "和邻物业集团", En: "Helin Property"}, "陈总")
	if err != nil {
		t.Fatal(err)
	}
	w.root = f.Root
	w.boss = w.enroll(string(f.Code))
	return w
}

// phone is a device as an app keeps it.
type phone struct {
	w       *world
	key     ed25519.PrivateKey
	device  auth.DeviceID
	person  auth.PersonID
	access  string
	refresh string
	nonce   []byte
	scopes  []string
}

var home = netip.MustParseAddr("203.0.113.7")

func newKey(w *world) ed25519.PrivateKey {
	w.t.Helper()
	seed := make([]byte, 32)
	if _, err := w.rand.Read(seed); err != nil {
		w.t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(seed)
}

func enrolRequest(key ed25519.PrivateKey, code string) *roundsv1.EnrollRequest {
	public := key.Public().(ed25519.PublicKey)
	normal, _ := auth.NormalizeCode(code)
	return &roundsv1.EnrollRequest{Proof: &roundsv1.EnrollRequest_Code{Code: code}, PublicKey: public, Audience: audience,
		Signature: ed25519.Sign(key, auth.EnrollChallenge(audience, normal, public)), DeviceName: "phone", DeviceModel: "model"}
}

func (w *world) enroll(code string) *phone {
	w.t.Helper()
	p, err := w.tryEnroll(newKey(w), code)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) tryEnroll(key ed25519.PrivateKey, code string) (*phone, error) {
	resp, err := w.Enroll(w.t.Context(), home, enrolRequest(key, code))
	if err != nil {
		return nil, err
	}
	return w.phone(key, resp), nil
}

func (w *world) phone(key ed25519.PrivateKey, resp *roundsv1.EnrollResponse) *phone {
	p := &phone{w: w, key: key, device: auth.DeviceID(resp.GetDeviceId()), person: auth.PersonID(resp.GetPersonId()),
		access: resp.GetAccessToken(), refresh: resp.GetRefreshToken(), scopes: resp.GetScopes()}
	p.draw()
	return p
}

func (p *phone) draw() {
	p.nonce = make([]byte, 16)
	if _, err := p.w.rand.Read(p.nonce); err != nil {
		p.w.t.Fatal(err)
	}
}

func (p *phone) request() *roundsv1.RefreshRequest {
	return &roundsv1.RefreshRequest{RefreshToken: p.refresh, Nonce: p.nonce,
		Signature: ed25519.Sign(p.key, auth.RefreshChallenge(audience, p.refresh, p.nonce))}
}

// turn refreshes and stores what came.
func (p *phone) turn() error {
	resp, err := p.w.Refresh(p.w.t.Context(), home, p.request())
	if err != nil {
		return err
	}
	p.access, p.refresh = resp.GetAccessToken(), resp.GetRefreshToken()
	p.draw()
	return nil
}

func (p *phone) clone() *phone {
	q := *p
	return &q
}

func (p *phone) identity() auth.Identity {
	p.w.t.Helper()
	id, err := p.w.Verify(p.access)
	if err != nil {
		if err = p.turn(); err == nil {
			id, err = p.w.Verify(p.access)
		}
	}
	if err != nil {
		p.w.t.Fatal(err)
	}
	return id
}

func (w *world) node(under auth.NodeID, typ roundsv1.NodeType, name string) auth.NodeID {
	w.t.Helper()
	resp, err := w.Admin().CreateNode(w.t.Context(), w.boss.identity(),
		&roundsv1.CreateNodeRequest{ParentId: string(under), Type: typ, Name: &roundsv1.Text{Zh: name}})
	if err != nil {
		w.t.Fatal(err)
	}
	return auth.NodeID(resp.GetNode().GetNodeId())
}

func (w *world) site(under auth.NodeID, name string) auth.NodeID {
	w.t.Helper()
	return w.node(under, roundsv1.NodeType_NODE_TYPE_SITE, name)
}

func (w *world) hire(at auth.NodeID, name string) auth.PersonID {
	w.t.Helper()
	resp, err := w.Admin().CreatePerson(w.t.Context(), w.boss.identity(), &roundsv1.CreatePersonRequest{Name: name, HomeNodeId: string(at)})
	if err != nil {
		w.t.Fatal(err)
	}
	return auth.PersonID(resp.GetPerson().GetPersonId())
}

func (w *world) grant(p auth.PersonID, at auth.NodeID, role roundsv1.Role) *roundsv1.Grant {
	w.t.Helper()
	return w.grantFor(p, at, role, time.Time{}, time.Time{})
}

func (w *world) grantFor(p auth.PersonID, at auth.NodeID, role roundsv1.Role, from, until time.Time) *roundsv1.Grant {
	w.t.Helper()
	req := &roundsv1.CreateGrantRequest{PersonId: string(p), NodeId: string(at), Role: role}
	if !from.IsZero() {
		req.FromUs = from.UnixMicro()
	}
	if !until.IsZero() {
		req.UntilUs = until.UnixMicro()
	}
	resp, err := w.Admin().CreateGrant(w.t.Context(), w.boss.identity(), req)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.GetGrant()
}

func (w *world) code(p auth.PersonID) string {
	w.t.Helper()
	resp, err := w.Admin().CreateEnrolmentCode(w.t.Context(), w.boss.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: string(p)})
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.GetCode()
}

// worker hires somebody with a role at a node and a phone.
func (w *world) worker(at auth.NodeID, role roundsv1.Role, name string) *phone {
	w.t.Helper()
	p := w.hire(at, name)
	w.grant(p, at, role)
	return w.enroll(w.code(p))
}

func (w *world) revoke(d auth.DeviceID, how roundsv1.Revocation) {
	w.t.Helper()
	_, err := w.Admin().RevokeDevice(w.t.Context(), w.boss.identity(), &roundsv1.RevokeDeviceRequest{DeviceId: string(d), Revocation: how})
	if err != nil {
		w.t.Fatal(err)
	}
}

// problem returns the code of a refusal, and fails the test on any other error.
func problem(t testing.TB, err error) roundsv1.ProblemCode {
	t.Helper()
	if err == nil {
		return roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED
	}
	var e *auth.Error
	if !errors.As(err, &e) {
		t.Fatalf("not a refusal: %v", err)
	}
	if e.Problem.GetSentence().GetZh() == "" || e.Problem.GetSentence().GetEn() == "" {
		t.Errorf("a refusal without a sentence: %v", err)
	}
	return e.Problem.GetCode()
}

func want(t testing.TB, err error, code roundsv1.ProblemCode) {
	t.Helper()
	if got := problem(t, err); got != code {
		t.Fatalf("got %v (%v), want %v", got, err, code)
	}
}

func asError(err error, to **auth.Error) bool { return errors.As(err, to) }
