package server_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// head is the journal's end of a scope.
func (w *world) head(scope store.Scope) journal.Seq {
	w.t.Helper()
	seq, _, err := w.Engine().Head(w.t.Context(), scope)
	if err != nil {
		w.t.Fatal(err)
	}
	return seq
}

// about is how many entries of a journal are about a record: what the clock does beside a test is not counted.
func (w *world) about(scope store.Scope, kind merge.Kind, id string) (n int) {
	w.t.Helper()
	for _, err := range w.Engine().History(context.Background(), scope, kind, merge.RecordID(id), engine.HistorySpan{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

// entry is an entry of a journal.
func (w *world) entry(scope store.Scope, seq journal.Seq) *roundsv1.EntryHead {
	w.t.Helper()
	head, err := w.Engine().Entry(w.t.Context(), scope, seq)
	if err != nil {
		w.t.Fatal(err)
	}
	return head
}

// org is the scope of what the organisation shares.
func (w *world) org() store.Scope { return store.Scope("org/" + string(w.Founding().Root)) }

// regional is the device of an administrator of the region R1, who has no role at the root.
func (w *world) regional() *device {
	w.t.Helper()
	_, resp := w.enter(w.device, table(staff, "code,name,site,role", "E7,赵敏,R1,admin"))
	w.clock.add(time.Second)
	return w.enrol(w.codeOf(resp.GetResults()[0].GetRecordId()))
}

// TestUnitsAreWrittenUnderTheNameOfWhoKeepsThem: an administrator below the root writes a unit, whose record stands at the root, as themselves and once for each id of an act.
func TestUnitsAreWrittenUnderTheNameOfWhoKeepsThem(t *testing.T) {
	w := found(t)
	d, r1, org := w.regional(), w.node("R1"), w.org()
	const key = "service.review"
	signed := func(seq journal.Seq, act string) {
		t.Helper()
		head := w.entry(org, seq)
		if head.GetType() != roundsv1.EntryType_ENTRY_TYPE_DESK || head.GetPersonId() != d.person || head.GetDeviceId() != d.id || act != "" && head.GetActId() != act ||
			!slices.Equal(head.GetRoles(), []roundsv1.Role{roundsv1.Role_ROLE_ADMIN}) {
			t.Errorf("journalled as %v", head)
		}
	}
	counts := func() string {
		return w.list(string(w.Founding().Root), "unit")["R1"].GetRecord().GetUnit().GetPolicy()[key]
	}
	set := func(by *device, act, value string, remove ...string) error {
		req := &roundsv1.SetPolicyRequest{ActId: act, NodeId: r1, Set: map[string]string{key: value}, Remove: remove}
		if value == "" {
			req.Set = nil
		}
		w.clock.add(time.Second)
		_, err := w.admin().SetPolicy(t.Context(), as(by, req))
		return err
	}
	act := uuid.NewString()
	before := w.head(org)
	if err := set(d, act, "1h"); err != nil {
		t.Fatal(err)
	}
	if w.head(org) != before+1 || counts() != "1h" {
		t.Fatalf("%d entries, %s", w.head(org)-before, counts())
	}
	signed(before+1, act)
	if err := set(w.device, uuid.NewString(), "3h"); err != nil { // somebody else, meanwhile
		t.Fatal(err)
	}
	before = w.head(org)
	if err := set(d, act, "1h"); err != nil || w.head(org) != before || counts() != "3h" {
		t.Errorf("the same act again: %v, %d entries more, %s counts", err, w.head(org)-before, counts())
	}
	for name, err := range map[string]error{"another value": set(d, act, "2h"), "a removal besides": set(d, act, "1h", "service.normal.respond"), "none": set(d, act, "", key)} {
		if code, p := problemOf(t, err); code != connect.CodeFailedPrecondition || p.GetField() != "act_id" || p.GetFacts()["act_id"] != act {
			t.Errorf("the id for %s: %v %v", name, code, p)
		}
	}
	gone := uuid.NewString()
	for range 2 {
		if err := set(d, gone, "", key); err != nil || counts() != "" {
			t.Errorf("removed: %v, %q", err, counts())
		}
		before = w.head(org)
	}
	if w.head(org) != before {
		t.Error("a removal was done twice")
	}

	// The same holds of records put, and of tables.
	put := &roundsv1.PutDirectoryRequest{ActId: uuid.NewString(), NodeId: r1, Base: w.list(string(w.Founding().Root), "unit")["R1"].GetVersion(), Edit: &roundsv1.Edit{
		Record: &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: &roundsv1.Unit{Policy: map[string]string{key: "5h"}}}}, Fields: []uint32{5}}}
	first, err := w.admin().PutDirectory(t.Context(), as(d, put))
	if err != nil {
		t.Fatal(err)
	}
	signed(journal.Seq(first.Msg.GetOutcome().GetSeq()), put.GetActId())
	again, err := w.admin().PutDirectory(t.Context(), as(d, put))
	if err != nil || again.Msg.GetOutcome().GetSeq() != first.Msg.GetOutcome().GetSeq() {
		t.Errorf("put again: %v, %v", again, err)
	}
	before = w.head(org)
	w.clock.add(time.Second)
	w.enter(d, table(policies, "node,key,value", "R1,service.review,7h"))
	w.enter(d, table(units, "code,type,name_zh,parent", "R1D9,district,九片,R1"))
	if w.head(org) != before+2 {
		t.Errorf("%d entries of two tables", w.head(org)-before)
	}
	signed(before+1, "")
	signed(before+2, "")
	if _, err := w.admin().SetPolicy(t.Context(), as(d, &roundsv1.SetPolicyRequest{NodeId: string(w.Founding().Root), Set: map[string]string{key: "9h"}})); err == nil {
		t.Error("who keeps a region sets what counts for all")
	}
}

// TestOneActOfTwoCallsAtOnce: the same call, sent twice at once and again, is one act wherever its record stands.
func TestOneActOfTwoCallsAtOnce(t *testing.T) {
	w := found(t)
	site := w.siteOf("S1")
	before, act := w.about(site, "site", w.node("S1")), uuid.NewString()
	var calling sync.WaitGroup
	for range 6 {
		calling.Go(func() {
			if _, err := w.admin().SetPolicy(context.Background(), as(w.device, &roundsv1.SetPolicyRequest{ActId: act, NodeId: w.node("S1"),
				Set: map[string]string{"service.review": "2h"}})); err != nil {
				t.Error(err)
			}
		})
	}
	calling.Wait()
	if now := w.about(site, "site", w.node("S1")); now != before+1 {
		t.Errorf("%d entries of one act", now-before)
	}
	place := w.list(w.node("S2"), "place")["B2"]
	gone := &roundsv1.DeleteDirectoryRequest{ActId: uuid.NewString(), NodeId: w.node("S2"), Kind: "place", RecordId: place.GetRecordId(), Reason: "no such floor"}
	first, err := w.admin().DeleteDirectory(t.Context(), as(w.device, gone))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.admin().DeleteDirectory(t.Context(), as(w.device, gone))
	if err != nil || !proto.Equal(first.Msg.GetOutcome(), again.Msg.GetOutcome()) {
		t.Errorf("deleted again: %v, %v; first %v", again, err, first)
	}
	gone.Reason = "another"
	if _, err := w.admin().DeleteDirectory(t.Context(), as(w.device, gone)); connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Errorf("the id for something else: %v", err)
	}
}

// holds: whether any value or key of a store has some bytes in it.
func holds(t *testing.T, s store.Store, text string) (where []string) {
	t.Helper()
	scopes, err := s.Scopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		if err := s.View(t.Context(), scope, func(r store.Reader) error {
			for e, err := range r.Scan(store.Span{}) {
				if err != nil {
					return err
				}
				if bytes.Contains(e.Key, []byte(text)) || bytes.Contains(e.Value, []byte(text)) {
					where = append(where, string(scope)+" "+string(e.Key[:1]))
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return where
}

// TestAnErasedPersonLeavesNoName: after DeletePerson neither records nor journals nor indexes say who it was, at any site where they worked; what refers to them still does.
func TestAnErasedPersonLeavesNoName(t *testing.T) {
	w := found(t)
	s1, s2 := w.node("S1"), w.node("S2")
	id := w.list(s1, "staff")["E1"].GetRecordId()
	w.clock.add(time.Second)
	w.enter(w.device, table(staff, "code,site,role,phone", "E1,S2,worker,13900000009"))
	w.clock.add(time.Second)
	boss := w.siteOf("S1")
	for _, text := range []string{"王建国", "13800000001", "13900000009"} {
		if len(holds(t, w.store, text)) == 0 {
			t.Fatalf("the test looks for %s, which stands nowhere", text)
		}
	}
	erase := func() {
		t.Helper()
		w.clock.add(time.Second)
		if _, err := w.admin().DeletePerson(t.Context(), as(w.device, &roundsv1.DeletePersonRequest{PersonId: id})); err != nil {
			t.Fatal(err)
		}
	}
	erase()
	for _, text := range []string{"王建国", "13800000001", "13900000009"} {
		if where := holds(t, w.store, text); len(where) > 0 {
			t.Errorf("%s stands in %v", text, where)
		}
	}
	for _, node := range []string{s1, s2} {
		scope := store.Scope("site/" + node)
		change, err := w.Engine().Record(t.Context(), scope, "staff", merge.RecordID(id))
		s := change.GetRecord().GetStaff()
		if err != nil || change.GetDeleted() || s.GetName()+s.GetPhone()+s.GetCode() != "" || !s.GetLeft() || node == s1 && len(s.GetSkills()) != 2 {
			t.Errorf("%s: %v, %v", node, change, err)
		}
		by := false
		for seq := journal.Seq(1); seq <= w.head(scope); seq++ {
			head := w.entry(scope, seq)
			by = by || head.GetRecord().GetId() == id && head.GetPersonId() == w.device.person && head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DESK
		}
		if !by {
			t.Errorf("%s: who marked them as left does not stand in the journal", node)
		}
	}
	if plan := w.list(s1, "plan"); len(plan) == 0 || plan[""].GetRecord().GetPlan().GetAssigneeId() != id {
		t.Errorf("the plan names them no more: %v", plan)
	}
	at := []int{w.about(w.siteOf("S1"), "staff", id), w.about(w.siteOf("S2"), "staff", id)}
	erase()
	if again := []int{w.about(w.siteOf("S1"), "staff", id), w.about(w.siteOf("S2"), "staff", id)}; !slices.Equal(at, again) {
		t.Errorf("erased again: journals from %v to %v", at, again)
	}

	// What comes in late does not bring it back; where its words are kept as refused, the same call again takes them out.
	w.clock.add(time.Second)
	resp, err := desk{w, t}.work().Decide(t.Context(), as(w.device, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{{ActId: uuid.NewString(), Scope: string(boss), RecordId: id,
		Act: &roundsv1.DeskAct_Edit{Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: "王建国"}}}, Fields: []uint32{1}}}}}}))
	if err != nil {
		t.Fatal(err)
	}
	if o := resp.Msg.GetResults()[0]; o.GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED ||
		o.GetOutcome().GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_DELETED {
		t.Errorf("a name written late: %v", o)
	}
	erase()
	if where := holds(t, w.store, "王建国"); len(where) > 0 {
		t.Errorf("after a late edit and another call, the name stands in %v", where)
	}
	if got, resp := w.enter(w.device, table(staff, "code,name,site,role", "E1,王建国,S1,worker")); !strings.HasSuffix(got, "1 refused") {
		t.Errorf("a table brings them back: %s %v", got, resp)
	}
}

// TestRecordsFollowTheirNodes: names, codes and places in the tree are in the records of units and sites at once; a call of which the second half failed is mended by the same call.
func TestRecordsFollowTheirNodes(t *testing.T) {
	w := found(t)
	root, s1, r1, r1d1 := string(w.Founding().Root), w.node("S1"), w.node("R1"), w.node("R1D1")
	site := func() *roundsv1.Site {
		change, err := w.Engine().Record(t.Context(), store.Scope("site/"+s1), "site", merge.RecordID(s1))
		if err != nil {
			t.Fatal(err)
		}
		return change.GetRecord().GetSite()
	}
	unit := func(id string) *roundsv1.Unit {
		change, err := w.Engine().Record(t.Context(), w.org(), "unit", merge.RecordID(id))
		if err != nil {
			t.Fatal(err)
		}
		return change.GetRecord().GetUnit()
	}
	was := site()
	rename := &roundsv1.RenameNodeRequest{NodeId: s1, Name: &roundsv1.Text{Zh: "云栖新苑", En: "New Yunqi"}, Code: proto.String("S1A")}
	if _, err := w.admin().RenameNode(t.Context(), as(w.device, rename)); err != nil {
		t.Fatal(err)
	}
	if got := site(); got.GetName().GetZh() != "云栖新苑" || got.GetCode() != "S1A" || got.GetTimeZone() != was.GetTimeZone() || len(got.GetPolicy()) != len(was.GetPolicy()) {
		t.Errorf("renamed: %v", got)
	}
	w.clock.add(time.Second)
	move := &roundsv1.MoveNodeRequest{NodeId: s1, ParentId: r1}
	if _, err := w.admin().MoveNode(t.Context(), as(w.device, move)); err != nil {
		t.Fatal(err)
	}
	if got := site(); got.GetUnitId() != r1 {
		t.Errorf("moved: %v", got)
	}
	if _, err := w.admin().RenameNode(t.Context(), as(w.device, &roundsv1.RenameNodeRequest{NodeId: r1d1, Name: &roundsv1.Text{Zh: "一片"}})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin().MoveNode(t.Context(), as(w.device, &roundsv1.MoveNodeRequest{NodeId: r1d1, ParentId: root})); err != nil {
		t.Fatal(err)
	}
	if got := unit(r1d1); got.GetName().GetZh() != "一片" || got.GetParentId() != root || got.GetCode() != "R1D1" {
		t.Errorf("a unit renamed and moved: %v", got)
	}
	made, err := w.admin().CreateNode(t.Context(), as(w.device, &roundsv1.CreateNodeRequest{ParentId: r1, Type: roundsv1.NodeType_NODE_TYPE_DISTRICT, Name: &roundsv1.Text{Zh: "二片"}, Code: "R1D2"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := unit(made.Msg.GetNode().GetNodeId()); got.GetName().GetZh() != "二片" || got.GetParentId() != r1 || got.GetType() != roundsv1.UnitType_UNIT_TYPE_DISTRICT || got.GetCode() != "R1D2" {
		t.Errorf("made: %v", got)
	}
	d := w.regional() // below the root it goes the same way
	if _, err := w.admin().RenameNode(t.Context(), as(d, &roundsv1.RenameNodeRequest{NodeId: r1, Name: &roundsv1.Text{Zh: "南方"}})); err != nil || unit(r1).GetName().GetZh() != "南方" {
		t.Errorf("by the administrator of the region: %v, %v", err, unit(r1))
	}

	// The server died between the tree and the record: the tree knows, the record does not.
	rename.Name, move.ParentId = &roundsv1.Text{Zh: "云栖三苑"}, root
	a := w.Authority().Admin()
	if _, err := a.RenameNode(t.Context(), w.device.identity(), rename); err != nil {
		t.Fatal(err)
	}
	if _, err := a.MoveNode(t.Context(), w.device.identity(), move); err != nil {
		t.Fatal(err)
	}
	if got := site(); got.GetName().GetZh() != "云栖新苑" || got.GetUnitId() != r1 {
		t.Fatalf("half a call: %v", got)
	}
	if _, err := w.admin().MoveNode(t.Context(), as(w.device, move)); err != nil {
		t.Fatal(err)
	}
	if got := site(); got.GetName().GetZh() != "云栖三苑" || got.GetUnitId() != root {
		t.Errorf("mended: %v", got)
	}
	before := w.about(store.Scope("site/"+s1), "site", s1)
	if _, err := w.admin().RenameNode(t.Context(), as(w.device, rename)); err != nil || w.about(store.Scope("site/"+s1), "site", s1) != before {
		t.Errorf("again, with nothing left to do: %v", err)
	}
}

// TestSettingsOfANodeWithoutARecord: an older release made nodes whose record came with the next table. Their settings are set all the same, and bring the record.
func TestSettingsOfANodeWithoutARecord(t *testing.T) {
	w := start(t)
	node := strings.TrimPrefix(string(w.site), "site/")
	if _, err := w.admin().SetPolicy(t.Context(), as(w.device, &roundsv1.SetPolicyRequest{NodeId: node, Set: map[string]string{"service.review": "1h"}})); err != nil {
		t.Fatal(err)
	}
	change, err := w.Engine().Record(t.Context(), w.site, "site", merge.RecordID(node))
	if got := change.GetRecord().GetSite(); err != nil || got.GetName().GetZh() != "云栖雅苑" || got.GetPolicy()["service.review"] != "1h" {
		t.Errorf("%v, %v", got, err)
	}
	w.enter(w.device, table(units, "code,type,name_zh", "R1,region,华南"))
	if got, resp := w.enter(w.device, table(units, "code,type,name_zh", "R1,district,华南")); !strings.HasSuffix(got, "1 refused") || resp.GetResults()[0].GetProblem().GetField() != "type" {
		t.Errorf("a unit of another type: %s %v", got, resp)
	}
}

// TestACodeIsOneNodes: no call gives a node the code of another; where old data has it twice, whoever names a node by it is told.
func TestACodeIsOneNodes(t *testing.T) {
	w := found(t)
	s2, r1 := w.node("S2"), w.node("R1")
	for name, call := range map[string]func() error{
		"a new site": func() error {
			_, err := w.admin().CreateNode(t.Context(), as(w.device, &roundsv1.CreateNodeRequest{ParentId: r1, Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: &roundsv1.Text{Zh: "新"}, Code: "S1"}))
			return err
		},
		"a new district": func() error {
			_, err := w.admin().CreateNode(t.Context(), as(w.device, &roundsv1.CreateNodeRequest{ParentId: r1, Type: roundsv1.NodeType_NODE_TYPE_DISTRICT, Name: &roundsv1.Text{Zh: "新"}, Code: "S1"}))
			return err
		},
		"another name": func() error {
			_, err := w.admin().RenameNode(t.Context(), as(w.device, &roundsv1.RenameNodeRequest{NodeId: s2, Name: &roundsv1.Text{Zh: "新"}, Code: proto.String("S1")}))
			return err
		},
	} {
		before := desk{w, t}.others(t)
		if code, p := problemOf(t, call()); code != connect.CodeInvalidArgument || p.GetField() != "code" || p.GetSentence().GetZh() == "" || (desk{w, t}).others(t) != before {
			t.Errorf("%s: %v %v", name, code, p)
		}
	}
	var calling sync.WaitGroup
	took := make(chan bool, 8)
	for range cap(took) {
		calling.Go(func() {
			_, err := w.admin().CreateNode(context.Background(), as(w.device, &roundsv1.CreateNodeRequest{ParentId: r1, Type: roundsv1.NodeType_NODE_TYPE_SITE,
				Name: &roundsv1.Text{Zh: "新"}, Code: "S7"}))
			took <- err == nil
		})
	}
	calling.Wait()
	close(took)
	n := 0
	for ok := range took {
		if ok {
			n++
		}
	}
	if n != 1 || len(w.Authority().NodesByCode("S7")) != 1 {
		t.Errorf("%d of eight at once got the code", n)
	}

	// An older release let two sites have one.
	s1 := w.node("S1")
	id := uuid.MustParse(s2)
	w.http.CloseIdleConnections() // one that was opened and never used would be waited for
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Update(t.Context(), "auth", func(tx store.Writer) error {
		at := append([]byte("n"), id[:]...)
		value, err := tx.Get(at)
		if err != nil {
			return err
		}
		n := &roundsv1.Node{}
		if err := proto.Unmarshal(value, n); err != nil {
			return err
		}
		n.Code = "S1"
		if value, err = proto.Marshal(n); err != nil {
			return err
		}
		return tx.Set(at, value)
	}); err != nil {
		t.Fatal(err)
	}
	cfg := base(t)
	cfg.Inject.Store, cfg.Inject.Now, cfg.Data, cfg.URL = w.store, w.clock.Now, w.data, w.URL()
	old, err := server.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = old.Close() })
	w.Server, w.base = old, "http://"+old.Addr().String()
	for _, c := range []struct {
		req    *roundsv1.ImportRequest
		column string
	}{
		{table(places, "site,code,name_zh", "S1,X,位置"), "site"},
		{table(sites, "code,name_zh", "S1,云栖"), "code"},
		{table(policies, "node,key,value", "S1,service.review,1h"), "node"},
		{table(staff, "code,name,site,role", "E8,周,S1,worker"), "site"},
		{table(staff, "code,name,site,more_roles", "E8,周,R1,worker@S1"), "more_roles"},
	} {
		got, resp := w.enter(w.device, c.req)
		if p := resp.GetResults()[0].GetProblem(); !strings.HasSuffix(got, "1 refused") || p.GetField() != c.column || !strings.Contains(p.GetSentence().GetEn(), "ambiguous") ||
			!strings.Contains(p.GetFacts()["ambiguous"], s1) || resp.GetResults()[0].GetLine() != 2 {
			t.Errorf("%v: %s %v", c.req.GetKind(), got, p)
		}
	}
	if _, err := w.admin().RenameNode(t.Context(), as(w.device, &roundsv1.RenameNodeRequest{NodeId: s2, Name: &roundsv1.Text{Zh: "松涛里"}, Code: proto.String("S2")})); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.enter(w.device, table(places, "site,code,name_zh", "S1,X,位置")); !strings.HasPrefix(got, "1 created") {
		t.Errorf("once mended: %s", got)
	}
}
