package auth_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// TestLost: of what was done without a right it is known what took the right away, who did that and since when, also after a restart.
func TestLost(t *testing.T) {
	const worker, foreman = roundsv1.Role_ROLE_WORKER, roundsv1.Role_ROLE_FOREMAN
	w := found(t)
	n := w.plant()
	other := w.worker(w.root, roundsv1.Role_ROLE_ADMIN, "other administrator")
	begin := w.clock.now()
	hour := func(h int) time.Time { return begin.Add(time.Duration(h) * time.Hour) }
	p := w.worker(n.a, worker, "Li")
	lead := w.grant(p.person, n.district, foreman)
	w.grantFor(p.person, n.b, worker, hour(0), hour(2)) // for a time
	var want []struct {
		of    auth.Scope
		at    time.Time
		loss  auth.Loss
		means string
	}
	expect := func(means string, of auth.Scope, at time.Time, loss auth.Loss) {
		want = append(want, struct {
			of    auth.Scope
			at    time.Time
			loss  auth.Loss
			means string
		}{of, at, loss, means})
	}
	expect("nothing was lost yet", siteOf(n.a), hour(1), auth.Loss{})
	w.clock.pass(3 * time.Hour)
	if _, err := w.Admin().EndGrant(t.Context(), other.identity(), &roundsv1.EndGrantRequest{PersonId: string(p.person), GrantId: lead.GetGrantId()}); err != nil {
		t.Fatal(err)
	}
	ended := w.clock.now()
	expect("the role of a district was ended", siteOf(n.a), ended, auth.Loss{Cause: auth.CauseGrant, By: other.person, Since: ended, Role: foreman})
	expect("the last role at the site ended later than that which was for a time", siteOf(n.b), ended, auth.Loss{Cause: auth.CauseGrant, By: other.person, Since: ended, Role: foreman})
	expect("never a right there", siteOf(n.far), ended, auth.Loss{})
	expect("no such site", "site/none", ended, auth.Loss{})
	w.clock.pass(time.Hour)
	suspend := func(by *phone, from time.Time) {
		t.Helper()
		if _, err := w.Admin().SuspendPerson(t.Context(), by.identity(), &roundsv1.SuspendPersonRequest{PersonId: string(p.person), FromUs: from.UnixMicro()}); err != nil {
			t.Fatal(err)
		}
	}
	suspend(other, hour(4))
	suspend(w.boss, hour(5)) // while it lasts: whoever took the rights stays who did
	suspended := auth.Loss{Cause: auth.CauseSuspension, By: other.person, Since: hour(4)}
	expect("suspended", siteOf(n.a), hour(6), suspended)
	expect("before that", siteOf(n.a), hour(4).Add(-time.Microsecond), auth.Loss{Cause: auth.CauseGrant, By: other.person, Since: ended, Role: foreman})
	w.clock.pass(4 * time.Hour)
	reinstated, err := w.Admin().ReinstatePerson(t.Context(), w.boss.identity(), &roundsv1.ReinstatePersonRequest{PersonId: string(p.person), FromUs: hour(9).UnixMicro()})
	if err != nil || len(reinstated.GetPerson().GetSuspensions()) != 1 {
		t.Fatal(reinstated, err)
	}
	if s := reinstated.GetPerson().GetSuspensions()[0]; s.GetSuspendedBy() != string(other.person) || s.GetEndedBy() != string(w.boss.person) || s.GetCreatedUs() != ended.Add(time.Hour).UnixMicro() {
		t.Errorf("the suspension: %v", s)
	}
	suspend(w.boss, hour(8)) // before the end of the one before: each counts in its own time
	expect("suspended again", siteOf(n.a), hour(8), auth.Loss{Cause: auth.CauseSuspension, By: w.boss.person, Since: hour(8)})
	expect("within the first", siteOf(n.a), hour(8).Add(-time.Microsecond), suspended)
	for range 2 {
		for _, one := range want {
			if got := w.Lost(p.person, p.device, one.of, one.at); got != one.loss {
				t.Errorf("%s: %+v, want %+v", one.means, got, one.loss)
			}
		}
		w.reopen()
	}
}

// TestLostPhones: a phone that was revoked as lost has no right whoever its person is, and it is known who said so; a deletion outweighs a suspension.
func TestLostPhones(t *testing.T) {
	w := found(t)
	n := w.plant()
	p := w.worker(n.a, roundsv1.Role_ROLE_WORKER, "Li")
	w.revoke(p.device, roundsv1.Revocation_REVOCATION_GRACEFUL)
	if got := w.Lost(p.person, p.device, siteOf(n.a), w.clock.now()); got != (auth.Loss{}) {
		t.Errorf("a phone that hands in what it holds: %+v", got)
	}
	w.clock.pass(time.Hour)
	w.revoke(p.device, roundsv1.Revocation_REVOCATION_IMMEDIATE)
	lost := auth.Loss{Cause: auth.CauseDevice, By: w.boss.person, Since: w.clock.now()}
	for _, at := range []time.Time{w.clock.now().Add(-2 * time.Hour), w.clock.now()} {
		if got := w.Lost(p.person, p.device, siteOf(n.a), at); got != lost {
			t.Errorf("%+v, want %+v", got, lost)
		}
	}
	w.clock.pass(time.Hour)
	if _, err := w.Admin().SuspendPerson(t.Context(), w.boss.identity(), &roundsv1.SuspendPersonRequest{PersonId: string(p.person)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Admin().DeletePerson(t.Context(), w.boss.identity(), &roundsv1.DeletePersonRequest{PersonId: string(p.person)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		gone := auth.Loss{Cause: auth.CauseDeletion, By: w.boss.person, Since: w.clock.now()}
		if got := w.Lost(p.person, "another phone", siteOf(n.a), w.clock.now()); got != gone {
			t.Errorf("deleted: %+v, want %+v", got, gone)
		}
		w.reopen()
	}
}
