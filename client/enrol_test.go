package client_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// authority keeps the rules of auth.proto for one device: a code is used once, a refresh token turns, and the same call
// repeated is the same call.
type authority struct {
	t         testing.TB
	key       ed25519.PublicKey
	id        client.DeviceID
	code      string
	turn      int
	nonce     []byte // of the call that made the present refresh token
	loseReply bool
	calls     int
	standing  *roundsv1.Standing
}

var _ roundsv1connect.AuthServiceClient = (*authority)(nil)

var errLost = connect.NewError(connect.CodeUnavailable, errors.New("reply lost"))

func (a *authority) lost() error {
	if a.loseReply {
		a.loseReply = false
		return errLost
	}
	return nil
}

func (a *authority) Enroll(_ context.Context, r *connect.Request[roundsv1.EnrollRequest]) (*connect.Response[roundsv1.EnrollResponse], error) {
	m := r.Msg
	if m.GetCode() != a.code || (a.key != nil && !a.key.Equal(ed25519.PublicKey(m.GetPublicKey()))) {
		return nil, refuse(connect.CodeUnauthenticated, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE})
	}
	sum := sha256.Sum256([]byte(a.code))
	message := fmt.Appendf(nil, "rounds.enroll.v1\x00%s\x00%s%s", m.GetAudience(), sum[:], m.GetPublicKey())
	if !ed25519.Verify(m.GetPublicKey(), message, m.GetSignature()) {
		a.t.Error("the enrolment is not signed")
	}
	a.key, a.turn = m.GetPublicKey(), 1
	if err := a.lost(); err != nil {
		return nil, err
	}
	return connect.NewResponse(&roundsv1.EnrollResponse{
		DeviceId: string(a.id), PersonId: string(id2), AccessToken: string(a.id) + "#0", AccessExpiresUs: 1_800_000_900_000_000,
		RefreshToken: "refresh-1", Audience: "helin", ServerTimeUs: 1_800_000_000_000_000, Standing: a.standing,
	}), nil
}

func (a *authority) Refresh(_ context.Context, r *connect.Request[roundsv1.RefreshRequest]) (*connect.Response[roundsv1.RefreshResponse], error) {
	a.calls++
	m := r.Msg
	sum := sha256.Sum256([]byte(m.GetRefreshToken()))
	if !ed25519.Verify(a.key, fmt.Appendf(nil, "rounds.refresh.v1\x00helin\x00%s%s", sum[:], m.GetNonce()), m.GetSignature()) {
		a.t.Error("the refresh is not signed")
	}
	switch {
	case m.GetRefreshToken() == fmt.Sprint("refresh-", a.turn):
		a.turn++
		a.nonce = bytes.Clone(m.GetNonce())
	case m.GetRefreshToken() == fmt.Sprint("refresh-", a.turn-1) && bytes.Equal(m.GetNonce(), a.nonce):
	default:
		a.t.Errorf("refresh token %s is used again with another nonce: the device is shut out", m.GetRefreshToken())
	}
	if err := a.lost(); err != nil {
		return nil, err
	}
	return connect.NewResponse(&roundsv1.RefreshResponse{AccessToken: fmt.Sprintf("%s#%d", a.id, a.turn), AccessExpiresUs: 1_800_000_900_000_000,
		RefreshToken: fmt.Sprint("refresh-", a.turn), ServerTimeUs: 1_800_000_000_000_000, Standing: a.standing}), nil
}

// P2 for the calls of AuthService: a reply that is lost, and a crash at any write, cost neither the enrolment nor the session.
func TestP2EnrolAndRefresh(t *testing.T) {
	faults := []memstore.Fault{memstore.None, memstore.CrashBefore, memstore.CrashAfter, memstore.Fail, memstore.ReplyLost}
	for _, fault := range faults {
		for at := 1; at <= 6; at++ {
			writes := 0
			disk := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
				if op.Step == memstore.StepCommit {
					if writes++; writes == at {
						return fault
					}
				}
				return memstore.None
			}})
			s := newServer(t)
			a := &authority{t: t, id: client.DeviceID(client.DerivedID(id1, "device")), code: "ABC0123", loseReply: true}
			ctx, clock, random := t.Context(), newClock(), seeded(3)
			enrol := client.Enrolment{Auth: a, Audience: "https://rounds.test", Code: "abc-o1 23", Rand: random}
			var me client.Identity
			for try := 0; ; try++ {
				var err error
				if me, err = client.Enrol(ctx, disk, enrol); err == nil {
					break
				}
				d, opened := client.Open(ctx, client.Config{Store: disk.Crash()})
				if opened != nil {
					t.Fatal(opened)
				}
				disk = disk.Crash()
				if stored, failed := d.Identity(); failed == nil {
					me = stored // it was done, only the reply of the store was lost
					break
				}
				if try == 5 {
					t.Fatalf("%v at %d: %v", fault, at, err)
				}
			}
			s.keys[me.Device] = a.key
			for range 4 {
				for try := 0; ; try++ {
					k, err := client.OpenTokens(ctx, disk, a, clock, random)
					if err != nil {
						t.Fatal(err)
					}
					s.badTokens[fmt.Sprintf("%s#%d", a.id, a.turn)] = true
					a.loseReply = try == 0
					if token, err := k.Token(ctx, client.AccessToken(fmt.Sprintf("%s#%d", a.id, a.turn))); err == nil && token != "" {
						break
					}
					disk = disk.Crash()
					if try == 5 {
						t.Fatalf("%v at %d: no token", fault, at)
					}
				}
			}
			if t.Failed() {
				t.Fatalf("%v at write %d", fault, at)
			}
		}
	}
}

// Tokens end to end: the device enrols, syncs, and refreshes by itself when the server refuses.
func TestStoredTokensWithDevice(t *testing.T) {
	s := newServer(t)
	a := &authority{t: t, id: client.DeviceID(client.DerivedID(id1, "device")), code: "ABC"}
	disk, clock := memstore.New(memstore.Config{}), newClock()
	if _, err := client.Enrol(t.Context(), disk, client.Enrolment{Auth: a, Audience: "x", Code: "abc", Rand: seeded(1)}); err != nil {
		t.Fatal(err)
	}
	s.keys[a.id] = a.key
	k, err := client.OpenTokens(t.Context(), disk, a, clock, seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	d := &rig{t: t, clock: clock, server: s, cfg: client.Config{Sync: s, Tokens: k, Clock: clock, Rand: seeded(3)}}
	d.open(disk)
	d.create(site, id1, "lamp")
	d.sync()
	if a.calls != 0 {
		t.Fatalf("%d refreshes for a token that is good", a.calls)
	}
	s.badTokens[string(a.id)+"#0"] = true
	d.edit(site, id1, "lamp out")
	d.sync()
	d.sync()
	if a.calls != 1 {
		t.Fatalf("%d refreshes", a.calls)
	}
	d.wantExactlyOnce()
}

// Who the person is to the server comes with the tokens, is kept with them, and is as the server last said.
func TestStanding(t *testing.T) {
	a := &authority{t: t, id: client.DeviceID(client.DerivedID(id1, "device")), code: "ABC"}
	disk := memstore.New(memstore.Config{})
	if _, err := client.Enrol(t.Context(), disk, client.Enrolment{Auth: a, Audience: "x", Code: "abc", Rand: seeded(1)}); err != nil {
		t.Fatal(err)
	}
	want := func(standing *roundsv1.Standing) {
		t.Helper()
		disk = disk.Crash()
		k, err := client.OpenTokens(t.Context(), disk, a, newClock(), seeded(2))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Standing(t.Context()); err != nil || !proto.Equal(got, standing) {
			t.Errorf("%v, %v; want %v", got, err, standing)
		}
	}
	want(nil)
	a.standing = &roundsv1.Standing{Language: "zh", Scopes: []*roundsv1.ScopeRoles{{Scope: string(site), Roles: []roundsv1.Role{roundsv1.Role_ROLE_FOREMAN}}}}
	k, err := client.OpenTokens(t.Context(), disk, a, newClock(), seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Token(t.Context(), client.AccessToken(string(a.id)+"#0")); err != nil {
		t.Fatal(err)
	}
	want(a.standing)
	disk = memstore.New(memstore.Config{})
	a.key = nil
	if _, err := client.Enrol(t.Context(), disk, client.Enrolment{Auth: a, Audience: "x", Code: "abc", Rand: seeded(1)}); err != nil {
		t.Fatal(err)
	}
	want(a.standing)
}

func TestConfigFaultsComeAllAtOnce(t *testing.T) {
	_, err := client.Open(t.Context(), client.Config{Identity: &client.Identity{}, Limits: client.Limits{PageBytes: -1}, Timing: client.Timing{Poll: -1}})
	for _, want := range []string{"Store", "Identity.Device", "Identity.Person", "Identity.Key", "PageBytes", "Poll"} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
