package auth_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// TestStanding: with its tokens a device learns its person's language and the roles in each scope of the work, as of then, and no other scope.
func TestStanding(t *testing.T) {
	w := found(t)
	yunqi, other := w.site(w.root, "Yunqi"), w.site(w.root, "Songtao")
	li := w.hire(yunqi, "Li")
	w.grant(li, yunqi, roundsv1.Role_ROLE_WORKER)
	zh := "zh"
	if _, err := w.Admin().UpdatePerson(t.Context(), w.boss.identity(), &roundsv1.UpdatePersonRequest{PersonId: string(li), Language: &zh}); err != nil {
		t.Fatal(err)
	}
	at := func(site auth.NodeID, roles ...roundsv1.Role) *roundsv1.ScopeRoles {
		return &roundsv1.ScopeRoles{Scope: "site/" + string(site), Roles: roles}
	}
	standing := func(got *roundsv1.Standing, language string, want ...*roundsv1.ScopeRoles) {
		t.Helper()
		whole := &roundsv1.Standing{Language: language, Scopes: append([]*roundsv1.ScopeRoles{{Scope: "org/" + string(w.root)}}, want...)}
		if !proto.Equal(got, whole) {
			t.Errorf("told %v, want %v", got, whole)
		}
	}
	p := w.enroll(w.code(li))
	refresh := func() *roundsv1.Standing {
		t.Helper()
		resp, err := w.Refresh(t.Context(), home, p.request())
		if err != nil {
			t.Fatal(err)
		}
		p.refresh = resp.GetRefreshToken()
		p.draw()
		return resp.GetStanding()
	}
	standing(refresh(), "zh", at(yunqi, roundsv1.Role_ROLE_WORKER))
	w.grant(li, yunqi, roundsv1.Role_ROLE_FOREMAN)
	w.grant(li, other, roundsv1.Role_ROLE_RESIDENT) // whose view is another
	standing(refresh(), "zh", at(yunqi, roundsv1.Role_ROLE_WORKER, roundsv1.Role_ROLE_FOREMAN))
	key := newKey(w)
	resp, err := w.Enroll(t.Context(), home, enrolRequest(key, w.code(li)))
	if err != nil {
		t.Fatal(err)
	}
	standing(resp.GetStanding(), "zh", at(yunqi, roundsv1.Role_ROLE_WORKER, roundsv1.Role_ROLE_FOREMAN))
}

// TestPersonName: the name of an account is told as it is now, and is gone with who was erased.
func TestPersonName(t *testing.T) {
	w := found(t)
	li := w.hire(w.root, "Li")
	called := func(id auth.PersonID, want string) {
		t.Helper()
		if got, err := w.PersonName(t.Context(), id); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	called(li, "Li")
	name := "Li Na"
	if _, err := w.Admin().UpdatePerson(t.Context(), w.boss.identity(), &roundsv1.UpdatePersonRequest{PersonId: string(li), Name: &name}); err != nil {
		t.Fatal(err)
	}
	called(li, name)
	if _, err := w.Admin().DeletePerson(t.Context(), w.boss.identity(), &roundsv1.DeletePersonRequest{PersonId: string(li)}); err != nil {
		t.Fatal(err)
	}
	called(li, "")
	called(auth.PersonID(w.root), "")
	called("nobody", "")
}
