package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// calls are all that an administrator can do to a node and a person, each by one identity.
func (w *world) calls(node auth.NodeID, p auth.PersonID, dev auth.DeviceID, grant, code string) map[string]func(auth.Identity) error {
	ctx, d := w.t.Context(), w.Admin()
	n, person, name := string(node), string(p), &roundsv1.Text{En: "x"}
	return map[string]func(auth.Identity) error{
		"CreateNode": func(i auth.Identity) error {
			_, err := d.CreateNode(ctx, i, &roundsv1.CreateNodeRequest{ParentId: n, Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: name})
			return err
		},
		"RenameNode": func(i auth.Identity) error {
			_, err := d.RenameNode(ctx, i, &roundsv1.RenameNodeRequest{NodeId: n, Name: name, Code: proto.String("X")})
			return err
		},
		"MoveNode": func(i auth.Identity) error {
			_, err := d.MoveNode(ctx, i, &roundsv1.MoveNodeRequest{NodeId: n, ParentId: string(w.root)})
			return err
		},
		"ListNodes": func(i auth.Identity) error {
			_, err := d.ListNodes(ctx, i, &roundsv1.ListNodesRequest{NodeId: n})
			return err
		},
		"CreatePerson": func(i auth.Identity) error {
			_, err := d.CreatePerson(ctx, i, &roundsv1.CreatePersonRequest{Name: "x", HomeNodeId: n})
			return err
		},
		"UpdatePerson": func(i auth.Identity) error {
			_, err := d.UpdatePerson(ctx, i, &roundsv1.UpdatePersonRequest{PersonId: person, Name: proto.String("x")})
			return err
		},
		"ListPeople": func(i auth.Identity) error {
			_, err := d.ListPeople(ctx, i, &roundsv1.ListPeopleRequest{NodeId: n})
			return err
		},
		"SuspendPerson": func(i auth.Identity) error {
			_, err := d.SuspendPerson(ctx, i, &roundsv1.SuspendPersonRequest{PersonId: person})
			return err
		},
		"ReinstatePerson": func(i auth.Identity) error {
			_, err := d.ReinstatePerson(ctx, i, &roundsv1.ReinstatePersonRequest{PersonId: person})
			return err
		},
		"DeletePerson": func(i auth.Identity) error {
			_, err := d.DeletePerson(ctx, i, &roundsv1.DeletePersonRequest{PersonId: person})
			return err
		},
		"CreateGrant": func(i auth.Identity) error {
			_, err := d.CreateGrant(ctx, i, &roundsv1.CreateGrantRequest{PersonId: person, NodeId: n, Role: roundsv1.Role_ROLE_WORKER})
			return err
		},
		"EndGrant": func(i auth.Identity) error {
			_, err := d.EndGrant(ctx, i, &roundsv1.EndGrantRequest{PersonId: person, GrantId: grant})
			return err
		},
		"ListGrants of a person": func(i auth.Identity) error {
			_, err := d.ListGrants(ctx, i, &roundsv1.ListGrantsRequest{Of: &roundsv1.ListGrantsRequest_PersonId{PersonId: person}})
			return err
		},
		"ListGrants at a node": func(i auth.Identity) error {
			_, err := d.ListGrants(ctx, i, &roundsv1.ListGrantsRequest{Of: &roundsv1.ListGrantsRequest_NodeId{NodeId: n}})
			return err
		},
		"CreateEnrolmentCode": func(i auth.Identity) error {
			_, err := d.CreateEnrolmentCode(ctx, i, &roundsv1.CreateEnrolmentCodeRequest{PersonId: person, Life: durationpb.New(time.Hour)})
			return err
		},
		"CancelEnrolmentCode": func(i auth.Identity) error {
			_, err := d.CancelEnrolmentCode(ctx, i, &roundsv1.CancelEnrolmentCodeRequest{PersonId: person, CodeId: code})
			return err
		},
		"ListEnrolmentCodes": func(i auth.Identity) error {
			_, err := d.ListEnrolmentCodes(ctx, i, &roundsv1.ListEnrolmentCodesRequest{PersonId: person})
			return err
		},
		"ListDevices": func(i auth.Identity) error {
			_, err := d.ListDevices(ctx, i, &roundsv1.ListDevicesRequest{PersonId: person})
			return err
		},
		"RevokeDevice": func(i auth.Identity) error {
			_, err := d.RevokeDevice(ctx, i, &roundsv1.RevokeDeviceRequest{DeviceId: string(dev),
				Revocation: roundsv1.Revocation_REVOCATION_GRACEFUL})
			return err
		},
	}
}

// Every call, by everybody who may not: refused, and nothing changes.
func TestAdministrationIsDenied(t *testing.T) {
	w := found(t)
	n := w.plant()
	li := w.hire(n.a, "Li")
	grant := w.grant(li, n.a, roundsv1.Role_ROLE_WORKER)
	made, err := w.Admin().CreateEnrolmentCode(t.Context(), w.boss.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: string(li)})
	if err != nil {
		t.Fatal(err)
	}
	his := w.enroll(w.code(li))
	strangers := map[string]auth.Identity{"nobody": {}, "Li himself": his.identity()}
	for role := roundsv1.Role_ROLE_RESIDENT; role <= roundsv1.Role_ROLE_AUDITOR; role++ {
		if role != roundsv1.Role_ROLE_ADMIN {
			strangers[role.String()] = w.worker(w.root, role, "x").identity()
		}
	}
	strangers["administrator of another district"] = w.worker(n.other, roundsv1.Role_ROLE_ADMIN, "x").identity()
	revoked := w.worker(w.root, roundsv1.Role_ROLE_ADMIN, "x")
	w.revoke(revoked.device, roundsv1.Revocation_REVOCATION_GRACEFUL)
	strangers["administrator on a revoked device"] = revoked.identity()
	suspended := w.worker(w.root, roundsv1.Role_ROLE_ADMIN, "x")
	if _, err := w.Admin().SuspendPerson(t.Context(), w.boss.identity(), &roundsv1.SuspendPersonRequest{PersonId: string(suspended.person)}); err != nil {
		t.Fatal(err)
	}
	strangers["suspended administrator"] = suspended.identity()
	before := w.store.clone()
	calls := w.calls(n.a, li, his.device, grant.GetGrantId(), made.GetEnrolmentCode().GetCodeId())
	calls["RotateSigningKey"] = func(i auth.Identity) error {
		_, err := w.Admin().RotateSigningKey(t.Context(), i, &roundsv1.RotateSigningKeyRequest{})
		return err
	}
	calls["ListSigningKeys"] = func(i auth.Identity) error {
		_, err := w.Admin().ListSigningKeys(t.Context(), i, &roundsv1.ListSigningKeysRequest{})
		return err
	}
	for who, id := range strangers {
		for what, call := range calls {
			if got := problem(t, call(id)); got != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
				t.Errorf("%s by %s: %v", what, who, got)
			}
		}
	}
	if !w.store.equal(before) {
		t.Error("what was refused changed the store")
	}
	// And by those who may: taken. Deletion last.
	for _, who := range []*phone{w.worker(n.a, roundsv1.Role_ROLE_ADMIN, "x"), w.worker(n.district, roundsv1.Role_ROLE_ADMIN, "x"), w.boss} {
		for what, call := range calls {
			if what == "DeletePerson" || what == "CreateNode" || what == "MoveNode" || strings.HasSuffix(what, "Key") || strings.HasSuffix(what, "Keys") {
				continue
			}
			if err := call(who.identity()); err != nil {
				if what == "CreateEnrolmentCode" && problem(t, err) == roundsv1.ProblemCode_PROBLEM_CODE_STATE {
					continue // suspended at the time
				}
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if err := calls["DeletePerson"](w.boss.identity()); err != nil {
		t.Error(err)
	}
}

// Who keeps a person may not become that person where the person is more.
func TestNoTakeover(t *testing.T) {
	w := found(t)
	n := w.plant()
	admin := w.worker(n.a, roundsv1.Role_ROLE_ADMIN, "Wang")
	boss := w.hire(n.a, "Zhao")
	w.grant(boss, n.district, roundsv1.Role_ROLE_MANAGER)
	_, err := w.Admin().CreateEnrolmentCode(t.Context(), admin.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: string(boss)})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	_, err = w.Admin().UpdatePerson(t.Context(), admin.identity(),
		&roundsv1.UpdatePersonRequest{PersonId: string(boss), ExternalId: proto.String("wang's own number")})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	_, err = w.Admin().CreateGrant(t.Context(), admin.identity(),
		&roundsv1.CreateGrantRequest{PersonId: string(admin.person), NodeId: string(n.district), Role: roundsv1.Role_ROLE_MANAGER})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	// A lost phone is revoked without delay all the same.
	phone := w.enroll(w.code(boss))
	_, err = w.Admin().RevokeDevice(t.Context(), admin.identity(), &roundsv1.RevokeDeviceRequest{DeviceId: string(phone.device),
		Revocation: roundsv1.Revocation_REVOCATION_IMMEDIATE})
	want(t, err, 0)
	_, err = w.Admin().CreateGrant(t.Context(), w.boss.identity(), &roundsv1.CreateGrantRequest{PersonId: string(boss), NodeId: string(n.a),
		Role: roundsv1.Role_ROLE_SYSTEM})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
}

func TestTheLastAdministratorStays(t *testing.T) {
	w := found(t)
	me := w.boss.identity()
	list, err := w.Admin().ListGrants(t.Context(), me, &roundsv1.ListGrantsRequest{Of: &roundsv1.ListGrantsRequest_PersonId{PersonId: string(me.Person)}})
	if err != nil || len(list.GetGrants()) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	end := func(g *roundsv1.Grant) error {
		_, err := w.Admin().EndGrant(t.Context(), me, &roundsv1.EndGrantRequest{PersonId: g.GetPersonId(), GrantId: g.GetGrantId()})
		return err
	}
	w.clock.pass(time.Second)
	for _, g := range list.GetGrants() {
		if g.GetRole() == roundsv1.Role_ROLE_ADMIN {
			want(t, end(g), roundsv1.ProblemCode_PROBLEM_CODE_STATE)
		} else if err := end(g); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.Admin().SuspendPerson(t.Context(), me, &roundsv1.SuspendPersonRequest{PersonId: string(me.Person)})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	_, err = w.Admin().DeletePerson(t.Context(), me, &roundsv1.DeletePersonRequest{PersonId: string(me.Person)})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	// Two administrators who remove each other at the same moment: one stays.
	other := w.worker(w.root, roundsv1.Role_ROLE_ADMIN, "second")
	ids := [2]auth.Identity{me, other.identity()}
	var errs [2]error
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			_, errs[i] = w.Admin().SuspendPerson(t.Context(), ids[i], &roundsv1.SuspendPersonRequest{PersonId: string(ids[1-i].Person)})
		})
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v and %v", errs[0], errs[1])
	}
}

func TestDeletedPerson(t *testing.T) {
	w := found(t)
	n := w.plant()
	resp, err := w.Admin().CreatePerson(t.Context(), w.boss.identity(), &roundsv1.CreatePersonRequest{Name: "李秘密", HomeNodeId: string(n.a),
		ExternalId: "E-4711"})
	if err != nil {
		t.Fatal(err)
	}
	li := auth.PersonID(resp.GetPerson().GetPersonId())
	w.grant(li, n.a, roundsv1.Role_ROLE_BUTLER)
	p := w.enroll(w.code(li))
	unused := w.code(li)
	done := w.clock.now()
	w.clock.pass(time.Minute)
	for range 2 { // the second time because the reply was lost
		got, err := w.Admin().DeletePerson(t.Context(), w.boss.identity(), &roundsv1.DeletePersonRequest{PersonId: string(li)})
		if err != nil || got.GetPerson().GetName() != "" || got.GetPerson().GetPersonId() != string(li) || got.GetPerson().GetDeletedUs() == 0 {
			t.Fatalf("%v, %v", got, err)
		}
		w.clock.pass(time.Minute)
	}
	for k, v := range w.store.rows {
		for _, s := range []string{"李秘密", "E-4711"} {
			if strings.Contains(string(v), s) {
				t.Errorf("personal data at %q", k)
			}
		}
	}
	check := func() {
		t.Helper()
		if w.MayRead(li, siteOf(n.a), w.clock.now()) || w.MayRead(li, userOf(li), w.clock.now()) || !w.MayRead(li, siteOf(n.a), done) {
			t.Error("rights after a deletion")
		}
		if got := w.DeviceState(p.device).Revoked; got != roundsv1.Revocation_REVOCATION_GRACEFUL {
			t.Errorf("the device is %v", got)
		}
	}
	check()
	w.reopen()
	check()
	if err := p.turn(); err != nil {
		t.Errorf("what the phone holds cannot be handed in: %v", err)
	}
	_, err = w.tryEnroll(newKey(w), unused)
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE)
	_, err = w.Admin().CreateGrant(t.Context(), w.boss.identity(), &roundsv1.CreateGrantRequest{PersonId: string(li), NodeId: string(n.a),
		Role: roundsv1.Role_ROLE_WORKER})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_DELETED)
	_, err = w.Admin().CreatePerson(t.Context(), w.boss.identity(), &roundsv1.CreatePersonRequest{Name: "new", HomeNodeId: string(n.a), ExternalId: "E-4711"})
	want(t, err, 0)
}

func TestCreationsMayBeRepeated(t *testing.T) {
	w := found(t)
	const id, id2, id3 = "0199c0de-0000-7000-8000-000000000001", "0199c0de-0000-7000-8000-000000000002", "0199c0de-0000-7000-8000-000000000003"
	var after *memory
	for range 3 {
		_, err := w.Admin().CreateNode(t.Context(), w.boss.identity(), &roundsv1.CreateNodeRequest{NodeId: id, ParentId: string(w.root),
			Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: &roundsv1.Text{En: "x"}})
		want(t, err, 0)
		_, err = w.Admin().CreatePerson(t.Context(), w.boss.identity(), &roundsv1.CreatePersonRequest{PersonId: id2, Name: "x", HomeNodeId: id,
			ExternalId: "7"})
		want(t, err, 0)
		_, err = w.Admin().CreateGrant(t.Context(), w.boss.identity(), &roundsv1.CreateGrantRequest{GrantId: id3, PersonId: id2, NodeId: id,
			Role: roundsv1.Role_ROLE_WORKER})
		want(t, err, 0)
		w.clock.pass(time.Second)
		if after != nil && !w.store.equal(after) {
			t.Fatal("a repetition changed the store")
		}
		after = w.store.clone()
	}
	_, err := w.Admin().CreatePerson(t.Context(), w.boss.identity(), &roundsv1.CreatePersonRequest{Name: "y", HomeNodeId: id, ExternalId: "7"})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
	_, err = w.Admin().CreateGrant(t.Context(), w.boss.identity(), &roundsv1.CreateGrantRequest{GrantId: id3, PersonId: id2, NodeId: id,
		Role: roundsv1.Role_ROLE_ADMIN})
	want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
}

func TestPages(t *testing.T) {
	w := found(t)
	n := w.plant()
	all := map[string]bool{}
	for i := range 25 {
		all[string(w.hire([]auth.NodeID{n.a, n.b, n.district}[i%3], fmt.Sprint("person ", i)))] = true
	}
	for size := range uint32(8) {
		got := map[string]bool{}
		req := &roundsv1.ListPeopleRequest{NodeId: string(n.district), PageSize: size}
		for {
			resp, err := w.Admin().ListPeople(t.Context(), w.boss.identity(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range resp.GetPeople() {
				if got[p.GetPersonId()] {
					t.Fatal("listed twice")
				}
				got[p.GetPersonId()] = true
			}
			if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		if len(got) != len(all) {
			t.Errorf("pages of %d: %d people of %d", size, len(got), len(all))
		}
	}
	found, err := w.Admin().ListPeople(t.Context(), w.boss.identity(), &roundsv1.ListPeopleRequest{NodeId: string(w.root), NameContains: "person 2"})
	if err != nil || len(found.GetPeople()) != 6 { // 2, 20..24
		t.Errorf("%d found, %v", len(found.GetPeople()), err)
	}
	var order []string
	nodes := &roundsv1.ListNodesRequest{PageSize: 2}
	for {
		resp, err := w.Admin().ListNodes(t.Context(), w.boss.identity(), nodes)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range resp.GetNodes() {
			if p := one.GetParentId(); p != "" && !strings.Contains(strings.Join(order, " "), p) {
				t.Error("a child before its parent")
			}
			order = append(order, one.GetNodeId())
		}
		if nodes.PageToken = resp.GetNextPageToken(); nodes.PageToken == "" {
			break
		}
	}
	if len(order) != 7 {
		t.Errorf("%d nodes", len(order))
	}
	// A token is good for its own question only.
	page, err := w.Admin().ListPeople(t.Context(), w.boss.identity(), &roundsv1.ListPeopleRequest{NodeId: string(n.district), PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{page.GetNextPageToken(), "?", "AA", strings.Repeat("A", 4000), page.GetNextPageToken()[:20]} {
		_, err = w.Admin().ListPeople(t.Context(), w.boss.identity(), &roundsv1.ListPeopleRequest{NodeId: string(n.a), PageToken: token})
		want(t, err, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
	}
}

func TestDevicesAreListed(t *testing.T) {
	w := found(t)
	p := w.worker(w.site(w.root, "Yunqi"), roundsv1.Role_ROLE_WORKER, "Li")
	w.clock.pass(time.Millisecond)
	w.enroll(w.code(p.person))
	w.clock.pass(10 * 24 * time.Hour)
	if err := p.turn(); err != nil {
		t.Fatal(err)
	}
	w.revoke(p.device, roundsv1.Revocation_REVOCATION_IMMEDIATE)
	w.revoke(p.device, roundsv1.Revocation_REVOCATION_GRACEFUL) // never back
	list, err := w.Admin().ListDevices(t.Context(), w.boss.identity(), &roundsv1.ListDevicesRequest{PersonId: string(p.person)})
	if err != nil || len(list.GetDevices()) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	d := list.GetDevices()[0]
	if d.GetDeviceId() != string(p.device) || d.GetLastSeenUs() != w.clock.now().UnixMicro() ||
		d.GetRevoked() != roundsv1.Revocation_REVOCATION_IMMEDIATE || d.GetName() != "phone" {
		t.Errorf("%v", d)
	}
}
