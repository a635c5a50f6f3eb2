package auth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// tree is root → region → district → two sites, and a second district with one site.
type tree struct {
	region, district, other auth.NodeID
	a, b, far               auth.NodeID
}

func (w *world) plant() tree {
	w.t.Helper()
	var r tree
	r.region = w.node(w.root, roundsv1.NodeType_NODE_TYPE_REGION, "华南")
	r.district = w.node(r.region, roundsv1.NodeType_NODE_TYPE_DISTRICT, "一片区")
	r.other = w.node(r.region, roundsv1.NodeType_NODE_TYPE_DISTRICT, "二片区")
	r.a, r.b, r.far = w.site(r.district, "云栖雅苑"), w.site(r.district, "B"), w.site(r.other, "C")
	return r
}

func siteOf(n auth.NodeID) auth.Scope   { return auth.Scope("site/" + string(n)) }
func deskOf(n auth.NodeID) auth.Scope   { return auth.Scope("desk/" + string(n)) }
func orgOf(n auth.NodeID) auth.Scope    { return auth.Scope("org/" + string(n)) }
func userOf(p auth.PersonID) auth.Scope { return auth.Scope("user/" + string(p)) }

// Role × where it is granted × kind of scope: what may be read, and which roles hold there. Whatever is not in the table is denied.
func TestRoleByScopeByRead(t *testing.T) {
	w := found(t)
	n := w.plant()
	somebody := w.hire(w.root, "somebody else")
	for role := roundsv1.Role_ROLE_RESIDENT; role <= roundsv1.Role_ROLE_AUDITOR; role++ {
		readsSite := role != roundsv1.Role_ROLE_RESIDENT && role != roundsv1.Role_ROLE_ADMIN
		readsDesk := slices.Contains([]roundsv1.Role{roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_DISPATCHER, roundsv1.Role_ROLE_SUPERVISOR,
			roundsv1.Role_ROLE_MANAGER, roundsv1.Role_ROLE_AUDITOR}, role)
		for _, where := range []struct {
			name string
			at   auth.NodeID
			in   []auth.NodeID // sites below it
		}{
			{"site", n.a, []auth.NodeID{n.a}},
			{"district", n.district, []auth.NodeID{n.a, n.b}},
			{"region", n.region, []auth.NodeID{n.a, n.b, n.far}},
			{"root", w.root, []auth.NodeID{n.a, n.b, n.far}},
		} {
			t.Run(fmt.Sprintf("%v at %s", role, where.name), func(t *testing.T) {
				p := w.hire(w.root, "Li")
				w.grant(p, where.at, role)
				now := w.clock.now()
				check := func(scope auth.Scope, read bool, roles ...roundsv1.Role) {
					t.Helper()
					if got := w.MayRead(p, scope, now); got != read {
						t.Errorf("may read %s: %v", scope, got)
					}
					if got := w.RolesAt(p, scope, now); !slices.Equal(got, roles) {
						t.Errorf("roles at %s: %v, want %v", scope, got, roles)
					}
				}
				for _, site := range []auth.NodeID{n.a, n.b, n.far} {
					if !slices.Contains(where.in, site) {
						check(siteOf(site), false)
						check(deskOf(site), false)
						continue
					}
					check(siteOf(site), readsSite, role)
					if readsDesk {
						check(deskOf(site), true, role)
					} else {
						check(deskOf(site), false)
					}
				}
				if where.at == w.root {
					check(orgOf(w.root), true, role)
				} else {
					check(orgOf(w.root), true)
				}
				check(userOf(p), true, role)
				check(userOf(somebody), false)
				// What is no scope is nobody's.
				check(siteOf(n.district), false)
				check(deskOf(n.region), false)
				check(orgOf(n.a), false)
				for _, s := range []auth.Scope{"", "site/", "site", auth.Scope(n.a), siteOf(auth.NodeID(strings.ToUpper(string(n.a)))) + " ",
					siteOf(auth.NodeID("0199c0de-0000-7000-8000-000000000000")), "other/" + auth.Scope(n.a), "site//" + auth.Scope(n.a)} {
					check(s, false)
				}
				for _, s := range w.Scopes(p, now) {
					if !w.MayRead(p, s, now) {
						t.Errorf("%s belongs to the work and may not be read", s)
					}
				}
			})
		}
	}
	nobody := auth.PersonID("0199c0de-0000-7000-8000-000000000000")
	for _, s := range []auth.Scope{siteOf(n.a), deskOf(n.a), orgOf(w.root)} {
		if w.MayRead(nobody, s, w.clock.now()) || w.EverHad(nobody, s) {
			t.Errorf("a stranger reads %s", s)
		}
	}
}

func TestScopesOfWork(t *testing.T) {
	w := found(t)
	n := w.plant()
	sorted := func(sites ...auth.NodeID) []auth.NodeID { slices.Sort(sites); return sites }
	for _, c := range []struct {
		name  string
		role  roundsv1.Role
		at    []auth.NodeID
		sites []auth.NodeID
		desks bool
	}{
		{"worker of two sites", roundsv1.Role_ROLE_WORKER, []auth.NodeID{n.b, n.a}, sorted(n.a, n.b), false},
		{"butler", roundsv1.Role_ROLE_BUTLER, []auth.NodeID{n.a}, []auth.NodeID{n.a}, true},
		{"manager of a district", roundsv1.Role_ROLE_MANAGER, []auth.NodeID{n.district}, sorted(n.a, n.b), true},
		{"of a site first, then of its district", roundsv1.Role_ROLE_MANAGER, []auth.NodeID{n.far, n.district}, append([]auth.NodeID{n.far},
			sorted(n.a, n.b)...), true},
		{"administrator", roundsv1.Role_ROLE_ADMIN, []auth.NodeID{w.root}, nil, false},
		{"resident", roundsv1.Role_ROLE_RESIDENT, []auth.NodeID{n.a}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := w.hire(w.root, "Li")
			for _, at := range c.at {
				w.grant(p, at, c.role)
			}
			want := []auth.Scope{userOf(p), orgOf(w.root)}
			for _, s := range c.sites {
				want = append(want, siteOf(s))
				if c.desks {
					want = append(want, deskOf(s))
				}
			}
			if got := w.Scopes(p, w.clock.now()); !slices.Equal(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		})
	}
	if got := w.Scopes(w.hire(w.root, "new"), w.clock.now()); len(got) != 1 {
		t.Errorf("without a role: %v", got)
	}
}

func TestScopesAreBounded(t *testing.T) {
	w := found(t)
	for i := range 80 {
		w.site(w.root, fmt.Sprint(i))
	}
	if got := w.Scopes(w.boss.person, w.clock.now()); len(got) != 2+2*64 {
		t.Errorf("%d scopes", len(got))
	}
}

func TestGrantsHaveTheirTime(t *testing.T) {
	w := found(t)
	n := w.plant()
	p := w.hire(w.root, "Li")
	from, until := w.clock.now().Add(time.Hour), w.clock.now().Add(2*time.Hour)
	w.grantFor(p, n.a, roundsv1.Role_ROLE_WORKER, from, until)
	for _, c := range []struct {
		at   time.Time
		want bool
	}{{from.Add(-time.Microsecond), false}, {from, true}, {until.Add(-time.Microsecond), true}, {until, false}} {
		if got := w.MayRead(p, siteOf(n.a), c.at); got != c.want {
			t.Errorf("at %v: %v", c.at, got)
		}
	}
	if w.EverHad(p, siteOf(n.a)) {
		t.Error("had it before it began")
	}
	w.clock.pass(3 * time.Hour)
	if !w.EverHad(p, siteOf(n.a)) || w.EverHad(p, deskOf(n.a)) || w.EverHad(p, siteOf(n.b)) || !w.EverHad(p, orgOf(w.root)) {
		t.Error("what is over is forgotten, or too much is remembered")
	}
	g := w.grant(p, n.b, roundsv1.Role_ROLE_BUTLER)
	w.clock.pass(time.Minute)
	end := &roundsv1.EndGrantRequest{PersonId: string(p), GrantId: g.GetGrantId()}
	first, err := w.Admin().EndGrant(t.Context(), w.boss.identity(), end)
	if err != nil || w.MayRead(p, deskOf(n.b), w.clock.now()) || !w.EverHad(p, deskOf(n.b)) {
		t.Fatalf("ended: %v", err)
	}
	w.clock.pass(time.Minute)
	again, err := w.Admin().EndGrant(t.Context(), w.boss.identity(), end)
	if err != nil || again.GetGrant().GetUntilUs() != first.GetGrant().GetUntilUs() {
		t.Errorf("ended twice: %v, %v", again, err)
	}
}

// Row 32 of the arbitration table: what was done before a suspension is judged by the rights of that time.
func TestSuspensions(t *testing.T) {
	w := found(t)
	n := w.plant()
	p := w.worker(n.a, roundsv1.Role_ROLE_WORKER, "Li")
	t0 := w.clock.now()
	w.clock.pass(10 * time.Hour)
	suspend := func(from time.Time) *roundsv1.Person {
		t.Helper()
		resp, err := w.Admin().SuspendPerson(t.Context(), w.boss.identity(),
			&roundsv1.SuspendPersonRequest{PersonId: string(p.person), FromUs: from.UnixMicro(), Reason: "why"})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetPerson()
	}
	reinstate := func(at time.Time) *roundsv1.Person {
		t.Helper()
		resp, err := w.Admin().ReinstatePerson(t.Context(), w.boss.identity(),
			&roundsv1.ReinstatePersonRequest{PersonId: string(p.person), FromUs: at.UnixMicro()})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetPerson()
	}
	hour := func(h int) time.Time { return t0.Add(time.Duration(h) * time.Hour) }
	check := func(want string) {
		t.Helper()
		got := ""
		for h := range 12 {
			if w.MayRead(p.person, siteOf(n.a), hour(h)) {
				got += "r"
			} else {
				got += "-"
			}
			if w.Suspended(p.person, hour(h)) == strings.HasSuffix(got, "r") {
				t.Errorf("hour %d: suspended and not", h)
			}
		}
		if got != want {
			t.Errorf("may read by hour %s, want %s", got, want)
		}
	}
	check("rrrrrrrrrrrr")
	suspend(hour(4))
	check("rrrr--------")
	if got := suspend(hour(6)); len(got.GetSuspensions()) != 1 {
		t.Errorf("suspended twice: %v", got)
	}
	check("rrrr--------")
	reinstate(hour(7))
	check("rrrr---rrrrr")
	suspend(hour(11)) // to come
	check("rrrr---rrrr-")
	if !w.MayRead(p.person, siteOf(n.a), w.clock.now()) {
		t.Error("suspended before its time")
	}
	w.reopen()
	check("rrrr---rrrr-")
	reinstate(hour(9)) // takes back what is to come
	check("rrrr---rrrrr")
	suspend(hour(2)) // swallows
	check("rr----------")
	if got := reinstate(hour(2)); len(got.GetSuspensions()) != 0 {
		t.Errorf("left over: %v", got)
	}
	check("rrrrrrrrrrrr")
	if !w.EverHad(p.person, siteOf(n.a)) {
		t.Error("never had it")
	}
}

func TestMovedNodes(t *testing.T) {
	w := found(t)
	n := w.plant()
	old, fresh := w.hire(w.root, "old"), w.hire(w.root, "fresh")
	w.grant(old, n.district, roundsv1.Role_ROLE_MANAGER)
	w.grant(fresh, n.other, roundsv1.Role_ROLE_MANAGER)
	before := w.clock.now()
	w.clock.pass(time.Hour)
	move := func(node, to auth.NodeID) error {
		_, err := w.Admin().MoveNode(t.Context(), w.boss.identity(), &roundsv1.MoveNodeRequest{NodeId: string(node), ParentId: string(to)})
		return err
	}
	if err := move(n.a, n.other); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		now := w.clock.now()
		if w.MayRead(old, siteOf(n.a), now) || !w.MayRead(fresh, siteOf(n.a), now) {
			t.Error("the move is not in force")
		}
		if !w.MayRead(old, siteOf(n.a), before) || w.MayRead(fresh, siteOf(n.a), before) {
			t.Error("the past has moved")
		}
		if !w.EverHad(old, siteOf(n.a)) || w.EverHad(fresh, siteOf(n.b)) {
			t.Error("what was had has moved")
		}
		if got := w.Scopes(old, now); len(got) != 4 {
			t.Errorf("the old manager's work is %v", got)
		}
		w.reopen()
	}
	for _, c := range []struct{ node, to auth.NodeID }{{n.region, n.district}, {n.region, n.region}, {w.root, n.region}, {n.district, n.b},
		{n.region, n.other}} {
		want(t, move(c.node, c.to), roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
	}
	// Cities are regions within regions, to a limit.
	at := n.region
	var err error
	for range 20 {
		var resp *roundsv1.CreateNodeResponse
		resp, err = w.Admin().CreateNode(t.Context(), w.boss.identity(), &roundsv1.CreateNodeRequest{ParentId: string(at),
			Type: roundsv1.NodeType_NODE_TYPE_REGION, Name: &roundsv1.Text{En: "deeper"}})
		if err != nil {
			break
		}
		at = auth.NodeID(resp.GetNode().GetNodeId())
	}
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT)
	want(t, move(n.district, at), roundsv1.ProblemCode_PROBLEM_CODE_LIMIT)
}

func TestOrganisationOf(t *testing.T) {
	w := found(t)
	n := w.plant()
	for scope, want := range map[auth.Scope]auth.Scope{siteOf(n.a): orgOf(w.root), deskOf(n.far): orgOf(w.root), orgOf(w.root): "",
		siteOf(auth.NodeID("0199c0de-0000-7000-8000-0000000000ff")): "", "site/": "", "": ""} {
		if got, ok := w.OrganisationOf(scope); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", scope, got, want)
		}
	}
}
