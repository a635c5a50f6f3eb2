package auth_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

func (w *world) rotate(lead time.Duration, compromised bool) *roundsv1.SigningKey {
	w.t.Helper()
	req := &roundsv1.RotateSigningKeyRequest{Compromised: compromised}
	if lead != 0 {
		req.Lead = durationpb.New(lead)
	}
	resp, err := w.Admin().RotateSigningKey(w.t.Context(), w.boss.identity(), req)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.GetSigningKey()
}

func (w *world) published() int {
	w.t.Helper()
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(w.JWKS(), &set); err != nil {
		w.t.Fatal(err)
	}
	for _, k := range set.Keys {
		if k["kty"] != "OKP" || k["crv"] != "Ed25519" || k["alg"] != "EdDSA" || k["use"] != "sig" || len(k["x"]) != 43 || len(k) != 6 {
			w.t.Errorf("published %v", k)
		}
	}
	return len(set.Keys)
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	kid, _ := claimsOf(t, "."+token)["kid"].(string) // the header, read as a body
	return kid
}

// The old key verifies until the last token that it signed is dead, and no longer.
func TestRotationOverlaps(t *testing.T) {
	w := found(t)
	w.clock.pass(time.Hour)
	if err := w.boss.turn(); err != nil {
		t.Fatal(err)
	}
	fresh := w.rotate(10*time.Minute, false)
	if w.published() != 2 {
		t.Error("the new key is not published beside the old one")
	}
	w.clock.pass(9 * time.Minute)
	if err := w.boss.turn(); err != nil {
		t.Fatal(err)
	}
	last := w.boss.access
	if kidOf(t, last) == fresh.GetKeyId() {
		t.Error("the new key signs before its time")
	}
	w.clock.pass(time.Minute)
	w.reopen()
	if err := w.boss.turn(); err != nil {
		t.Fatal(err)
	}
	if kidOf(t, w.boss.access) != fresh.GetKeyId() {
		t.Error("the new key does not sign")
	}
	w.clock.pass(14*time.Minute - time.Second)
	if _, err := w.Verify(last); err != nil {
		t.Errorf("the last token of the old key: %v", err)
	}
	w.clock.pass(3 * time.Minute)
	if w.published() != 1 {
		t.Error("the old key is published for ever")
	}
	list, err := w.Admin().ListSigningKeys(t.Context(), w.boss.identity(), &roundsv1.ListSigningKeysRequest{})
	if err != nil || len(list.GetSigningKeys()) != 1 || list.GetSigningKeys()[0].GetKeyId() != fresh.GetKeyId() {
		t.Errorf("%v, %v", list, err)
	}
	// A device that was away all the time still refreshes with a token that an older key sealed.
	away := w.worker(w.site(w.root, "x"), roundsv1.Role_ROLE_WORKER, "Li")
	for range 3 {
		w.rotate(0, false)
		w.clock.pass(25 * 24 * time.Hour)
	}
	if err := away.turn(); err != nil {
		t.Error(err)
	}
}

func TestCompromisedKeys(t *testing.T) {
	w := found(t)
	old := w.boss.access
	if _, err := w.Verify(old); err != nil { // now it is in the cache
		t.Fatal(err)
	}
	w.rotate(0, true)
	_, err := w.Verify(old)
	want(t, err, badToken)
	if w.published() != 1 {
		t.Error("the key in foreign hands is published")
	}
	w.reopen()
	_, err = w.Verify(old)
	want(t, err, badToken)
	if err := w.boss.turn(); err != nil {
		t.Errorf("the device cannot go on: %v", err)
	}
	_, err = w.Admin().RotateSigningKey(t.Context(), w.boss.identity(), &roundsv1.RotateSigningKeyRequest{Compromised: true, Lead: durationpb.New(time.Hour)})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
}

func TestRunDoesWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64 // of the bubble's clock
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		w := found(t, func(c *auth.Config) { c.Now = now })
		n := w.plant()
		p := w.worker(n.a, roundsv1.Role_ROLE_WORKER, "Li")
		w.grantFor(p.person, n.b, roundsv1.Role_ROLE_WORKER, now().Add(time.Hour), now().Add(2*time.Hour))
		for range 2 {
			w.reopen()
			sub := w.Subscribe()
			go func() { _ = w.Run(t.Context()) }()
			begun := time.Now()
			got, err := sub.Next(t.Context())
			took := time.Since(begun)
			if err != nil || len(got) != 1 || got[0] != (auth.Change{Person: p.person}) || took > time.Hour+2*time.Second {
				t.Fatalf("told %v after %v, %v", got, took, err)
			}
			sub.Close()
			if _, err := sub.Next(t.Context()); err != auth.ErrClosed {
				t.Errorf("after Close: %v", err)
			}
		}
		ahead.Store(int64(32 * 24 * time.Hour))
		time.Sleep(11 * time.Minute)
		if w.published() != 2 {
			t.Errorf("%d keys", w.published())
		}
		list, err := w.Admin().ListSigningKeys(t.Context(), w.boss.identity(), &roundsv1.ListSigningKeysRequest{})
		if err != nil || now().Sub(time.UnixMicro(list.GetSigningKeys()[0].GetCreatedUs())) > time.Hour {
			t.Errorf("not rotated: %v, %v", list, err)
		}
		codes, err := w.Admin().ListEnrolmentCodes(t.Context(), w.boss.identity(), &roundsv1.ListEnrolmentCodesRequest{PersonId: string(p.person)})
		if err != nil || len(codes.GetEnrolmentCodes()) != 0 {
			t.Errorf("old codes: %v, %v", codes, err)
		}
	})
}

func TestSubscribersHear(t *testing.T) {
	w := found(t)
	n := w.plant()
	p := w.worker(n.a, roundsv1.Role_ROLE_WORKER, "Li")
	sub := w.Subscribe()
	defer sub.Close()
	hears := func(what string, want ...auth.Change) {
		t.Helper()
		got, err := sub.Next(t.Context())
		if err != nil || len(got) != len(want) || got[0] != want[0] {
			t.Errorf("%s: told %v, %v; want %v", what, got, err, want)
		}
	}
	w.revoke(p.device, roundsv1.Revocation_REVOCATION_GRACEFUL)
	if w.DeviceState(p.device).Revoked != roundsv1.Revocation_REVOCATION_GRACEFUL {
		t.Error("not in force when told")
	}
	hears("revocation", auth.Change{Person: p.person, Device: p.device})
	w.grant(p.person, n.b, roundsv1.Role_ROLE_WORKER)
	w.grant(p.person, n.far, roundsv1.Role_ROLE_WORKER) // told once
	hears("grants", auth.Change{Person: p.person})
	if _, err := w.Admin().SuspendPerson(t.Context(), w.boss.identity(), &roundsv1.SuspendPersonRequest{PersonId: string(p.person)}); err != nil {
		t.Fatal(err)
	}
	hears("suspension", auth.Change{Person: p.person})
	_, err := w.Admin().MoveNode(t.Context(), w.boss.identity(), &roundsv1.MoveNodeRequest{NodeId: string(n.a), ParentId: string(n.other)})
	if err != nil {
		t.Fatal(err)
	}
	w.grant(p.person, n.other, roundsv1.Role_ROLE_WORKER)
	hears("move, which stands for all", auth.Change{})
}
