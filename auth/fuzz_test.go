package auth_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// refused says whether an error is a refusal, and not a fault.
func refused(err error) bool {
	var e *auth.Error
	return errors.As(err, &e)
}

func FuzzVerify(f *testing.F) {
	w := found(f)
	f.Add(w.boss.access)
	f.Add("a.b.c")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		id, err := w.Verify(token)
		if err == nil && id.Person != w.boss.person || err != nil && !refused(err) {
			t.Fatalf("%+v, %v", id, err)
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	w := found(f)
	f.Add(w.boss.refresh, []byte("nonce"))
	f.Add("rounds_rt_", []byte{})
	good := w.boss.refresh
	f.Fuzz(func(t *testing.T, token string, nonce []byte) {
		if token == good {
			t.Skip()
		}
		w.clock.pass(2 * time.Hour)
		_, err := w.Refresh(t.Context(), home, &roundsv1.RefreshRequest{RefreshToken: token, Nonce: nonce,
			Signature: ed25519.Sign(w.boss.key, auth.RefreshChallenge(audience, token, nonce))})
		if !refused(err) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}

func FuzzCode(f *testing.F) {
	f.Add("7K4M-Q2ZD-0H8T-XW5C")
	f.Add("o0iIlL")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := auth.NormalizeCode(typed)
		if !ok {
			return
		}
		if len(code) != 16 || strings.ContainsAny(code, "OILU- ") {
			t.Fatalf("%q becomes %q", typed, code)
		}
		if again, ok := auth.NormalizeCode(strings.ToLower(code[:8] + " - " + code[8:])); !ok || again != code {
			t.Fatalf("%q becomes %q", code, again)
		}
	})
}

func FuzzPageToken(f *testing.F) {
	w := found(f)
	n := w.plant()
	w.hire(n.a, "Li")
	page, err := w.Admin().ListNodes(f.Context(), w.boss.identity(), &roundsv1.ListNodesRequest{PageSize: 1})
	if err != nil {
		f.Fatal(err)
	}
	people, err := w.Admin().ListPeople(f.Context(), w.boss.identity(), &roundsv1.ListPeopleRequest{NodeId: string(w.root), PageSize: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page.GetNextPageToken())
	f.Add(people.GetNextPageToken())
	f.Add("AQ")
	who := w.boss.identity()
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := w.Admin().ListNodes(t.Context(), who, &roundsv1.ListNodesRequest{PageToken: token}); err != nil && !refused(err) {
			t.Fatal(err)
		}
		req := &roundsv1.ListPeopleRequest{NodeId: string(w.root), PageToken: token}
		if _, err := w.Admin().ListPeople(t.Context(), who, req); err != nil && !refused(err) {
			t.Fatal(err)
		}
	})
}

func FuzzScope(f *testing.F) {
	w := found(f)
	n := w.plant()
	f.Add(string(siteOf(n.a)))
	f.Add("org/")
	f.Fuzz(func(t *testing.T, scope string) {
		if w.MayRead(w.boss.person, auth.Scope(scope), w.clock.now()) {
			for _, ok := range []auth.Scope{siteOf(n.a), siteOf(n.b), siteOf(n.far), deskOf(n.a), deskOf(n.b), deskOf(n.far), orgOf(w.root), userOf(w.boss.person)} {
				if ok == auth.Scope(scope) {
					return
				}
			}
			t.Fatalf("reads %q", scope)
		}
	})
}
