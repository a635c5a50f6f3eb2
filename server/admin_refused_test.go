package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TestAdministrationRefuses holds every call of AdminService about the directory, its settings and the tree against what it must not take, each with its typed refusal, and nothing
// changed: wrong roles, foreign nodes, ids that there are not, fields that are too long, letters that are none, numbers below zero.
func TestAdministrationRefuses(t *testing.T) {
	w := found(t)
	root, s1, s2, r1, none := string(w.Founding().Root), w.node("S1"), w.node("S2"), w.node("R1"), uuid.NewString()
	regional, worker := w.regional(), (*device)(nil)
	_, resp := w.enter(w.device, table(staff, "code,name,site,role", "E8,周武,S1,worker", "E9,吴军,S1,manager", "E10,郑州,S2,admin"))
	w.clock.add(time.Second)
	worker = w.enrol(w.codeOf(resp.GetResults()[0].GetRecordId()))
	manager := w.enrol(w.codeOf(resp.GetResults()[1].GetRecordId()))
	foreign := w.enrol(w.codeOf(resp.GetResults()[2].GetRecordId())) // keeps S2 alone
	category := w.list(root, "category")["ENG-01"]
	place := w.list(s1, "place")["B2"]

	long := strings.Repeat("长", 90)
	name := &roundsv1.Text{Zh: "名"}
	record := func(r any) *roundsv1.Record {
		switch r := r.(type) {
		case *roundsv1.Category:
			return &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: r}}
		case *roundsv1.Place:
			return &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: r}}
		case *roundsv1.Unit:
			return &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: r}}
		case *roundsv1.Site:
			return &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: r}}
		case *roundsv1.Checklist:
			return &roundsv1.Record{Kind: &roundsv1.Record_Checklist{Checklist: r}}
		case *roundsv1.Plan:
			return &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: r}}
		case *roundsv1.Staff:
			return &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: r}}
		case *roundsv1.Ticket:
			return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: r}}
		}
		return &roundsv1.Record{}
	}
	put := func(node, id string, r any, fields ...uint32) *roundsv1.PutDirectoryRequest {
		return &roundsv1.PutDirectoryRequest{NodeId: node, RecordId: id, Edit: &roundsv1.Edit{Record: record(r), Fields: fields}}
	}
	set := func(node, key, value string) *roundsv1.SetPolicyRequest {
		return &roundsv1.SetPolicyRequest{NodeId: node, Set: map[string]string{key: value}}
	}
	gone := func(node, kind, id string) *roundsv1.DeleteDirectoryRequest {
		return &roundsv1.DeleteDirectoryRequest{NodeId: node, Kind: kind, RecordId: id}
	}
	question := &roundsv1.ChecklistItem{Id: "i1", Question: name}
	const (
		noRight = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
		invalid = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
		missing = roundsv1.ProblemCode_PROBLEM_CODE_MISSING
		unknown = roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD
		link    = roundsv1.ProblemCode_PROBLEM_CODE_LINK
		denied  = connect.CodePermissionDenied
		bad     = connect.CodeInvalidArgument
		failed  = connect.CodeFailedPrecondition
	)
	before := w.settled(t)
	for _, c := range []struct {
		name  string
		by    *device
		req   proto.Message
		code  connect.Code // 0: the call is answered, its row is refused
		want  roundsv1.ProblemCode
		field string
	}{
		{"put: wrong role", worker, put(s1, "", &roundsv1.Place{Code: "X", Name: name}), denied, noRight, ""},
		{"put: a manager writes what all share", manager, put(root, "", &roundsv1.Category{Code: "X", Name: name}), denied, noRight, ""},
		{"put: who keeps a region writes what all share", regional, put(root, "", &roundsv1.Category{Code: "X", Name: name}), denied, noRight, ""},
		{"put: foreign node", foreign, put(s1, "", &roundsv1.Place{Code: "X", Name: name}), denied, noRight, ""},
		{"put: another unit", foreign, put(r1, "", &roundsv1.Unit{Policy: map[string]string{"service.review": "1h"}}, 5), denied, noRight, ""},
		{"put: unknown node", w.device, put(none, "", &roundsv1.Place{Code: "X", Name: name}), bad, invalid, "node_id"},
		{"put: no node", w.device, put("", "", &roundsv1.Place{Code: "X", Name: name}), bad, invalid, "node_id"},
		{"put: a place at a region", w.device, put(r1, "", &roundsv1.Place{Code: "X", Name: name}), bad, invalid, "node_id"},
		{"put: a ticket", w.device, put(s1, "", &roundsv1.Ticket{Title: "x"}), bad, invalid, "edit.record"},
		{"put: nothing", w.device, put(s1, "", nil), bad, invalid, ""},
		{"put: no edit", w.device, &roundsv1.PutDirectoryRequest{NodeId: s1}, bad, invalid, "edit"},
		{"put: an id that is none", w.device, put(s1, "x", &roundsv1.Place{Code: "X", Name: name}), bad, invalid, "record_id"},
		{"put: another site's id for a site", w.device, put(s1, s2, &roundsv1.Site{TimeZone: "Asia/Tokyo"}, 3), bad, invalid, "record_id"},
		{"put: an act's id that is none", w.device, &roundsv1.PutDirectoryRequest{ActId: "x", NodeId: s1, Edit: &roundsv1.Edit{Record: record(&roundsv1.Place{Code: "X", Name: name})}}, bad, invalid, "act_id"},
		{"put: oversize code", w.device, put(s1, "", &roundsv1.Place{Code: long, Name: name}), bad, invalid, ""},
		{"put: oversize outline", w.device, put(s1, "", &roundsv1.Place{Code: "X", Name: name, Outline: strings.Repeat("x", 65537)}), bad, invalid, ""},
		{"put: a code that stands", w.device, put(s1, "", &roundsv1.Place{Code: "X", Name: nil}), bad, missing, "name"},
		{"put: another's code", w.device, put(s1, uuid.NewString(), &roundsv1.Place{Code: "B2", Name: name}), bad, invalid, "code"},
		{"put: below itself", w.device, put(s1, place.GetRecordId(), &roundsv1.Place{ParentId: place.GetRecordId()}, 1), bad, invalid, "parent"},
		{"put: a negative window", w.device, put(s1, "", &roundsv1.Plan{Name: name, Recurrence: "DTSTART:20240101T080000\nRRULE:FREQ=DAILY", WindowUs: -1}), bad, invalid, "edit.record.plan.window_us"},
		{"put: a rule that is none", w.device, put(s1, "", &roundsv1.Plan{Name: name, Recurrence: "always", WindowUs: 1}), bad, invalid, "times"},
		{"put: a negative weight", w.device, put(root, "", &roundsv1.Checklist{Name: name, Version: 1, SeriesId: none, Items: []*roundsv1.ChecklistItem{{Id: "i", Question: name, Weight: -1}}}), bad, invalid, ""},
		{"put: a version 0", w.device, put(root, "", &roundsv1.Checklist{Name: name, SeriesId: none, Items: []*roundsv1.ChecklistItem{question}}), bad, invalid, "version"},
		{"put: too long a shift", w.device, put(s1, uuid.NewString(), &roundsv1.Staff{Name: "a", Duties: []*roundsv1.Duty{{Recurrence: "DTSTART:20240101T080000\nRRULE:FREQ=DAILY", Minutes: 2881}}}), bad, invalid, ""},
		{"put: a time zone that is none", w.device, put(s1, "", &roundsv1.Site{TimeZone: "Mars/Olympus"}, 3), bad, invalid, "time_zone"},
		{"put: a setting of no sense", w.device, put(s1, "", &roundsv1.Site{Policy: map[string]string{"service.review": "-1h"}}, 4), bad, invalid, "value"},
		{"put: the name beside the tree", w.device, put(s1, "", &roundsv1.Site{Name: name}, 1), bad, invalid, "edit.record.site.name"},

		{"list: foreign node", foreign, &roundsv1.ListDirectoryRequest{NodeId: s1, Kind: "staff"}, denied, noRight, ""},
		{"list: unknown node", w.device, &roundsv1.ListDirectoryRequest{NodeId: none, Kind: "place"}, bad, invalid, "kind"},
		{"list: a kind that is none of the directory", w.device, &roundsv1.ListDirectoryRequest{NodeId: s1, Kind: "ticket"}, bad, invalid, "kind"},
		{"list: no kind", w.device, &roundsv1.ListDirectoryRequest{NodeId: s1}, bad, invalid, "kind"},
		{"list: oversize page", w.device, &roundsv1.ListDirectoryRequest{NodeId: s1, Kind: "place", PageSize: 1001}, bad, invalid, "page_size"},
		{"list: oversize prefix", w.device, &roundsv1.ListDirectoryRequest{NodeId: s1, Kind: "place", CodePrefix: long}, bad, invalid, "code_prefix"},
		{"list: a token that is none", w.device, &roundsv1.ListDirectoryRequest{NodeId: s1, Kind: "place", PageToken: "%%"}, bad, link, "page_token"},

		{"delete: wrong role", worker, gone(s1, "place", place.GetRecordId()), denied, noRight, ""},
		{"delete: foreign node", foreign, gone(s1, "place", place.GetRecordId()), denied, noRight, ""},
		{"delete: who keeps a region", regional, gone(root, "category", category.GetRecordId()), denied, noRight, ""},
		{"delete: unknown id", w.device, gone(s1, "place", none), failed, unknown, "record_id"},
		{"delete: another site's record", w.device, gone(s2, "place", place.GetRecordId()), failed, unknown, "record_id"},
		{"delete: a site", w.device, gone(s1, "site", s1), bad, invalid, "kind"},
		{"delete: a unit", w.device, gone(r1, "unit", r1), bad, invalid, "kind"},
		{"delete: no kind of records", w.device, gone(s1, "castle", none), bad, invalid, "kind"},
		{"delete: an id that is none", w.device, gone(s1, "place", "x"), bad, invalid, "record_id"},
		{"delete: oversize reason", w.device, &roundsv1.DeleteDirectoryRequest{NodeId: s1, Kind: "place", RecordId: place.GetRecordId(), Reason: strings.Repeat("x", 1025)}, bad, invalid, "reason"},

		{"settings: foreign node", foreign, &roundsv1.GetPolicyRequest{NodeId: s1}, denied, noRight, ""},
		{"settings: unknown node", worker, &roundsv1.GetPolicyRequest{NodeId: none}, denied, noRight, ""},
		{"settings: an id that is none", w.device, &roundsv1.GetPolicyRequest{NodeId: "x"}, bad, invalid, "node_id"},

		{"set: wrong role", worker, set(s1, "service.review", "1h"), denied, noRight, ""},
		{"set: a manager", manager, set(s1, "service.review", "1h"), denied, noRight, ""},
		{"set: foreign node", foreign, set(s1, "service.review", "1h"), denied, noRight, ""},
		{"set: above what one keeps", regional, set(root, "service.review", "1h"), denied, noRight, ""},
		{"set: unknown node", w.device, set(none, "service.review", "1h"), denied, noRight, ""},
		{"set: an unknown key", w.device, set(s1, "service.revue", "1h"), bad, invalid, "set[service.revue]"},
		{"set: a negative number", w.device, set(s1, "service.follow_up", "-3"), bad, invalid, "set[service.follow_up]"},
		{"set: negative days", w.device, set(s1, "photo.retention_days", "-3"), bad, invalid, "set[photo.retention_days]"},
		{"set: oversize value", w.device, set(s1, "pause.long", strings.Repeat("x", 65537)), bad, invalid, ""},
		{"set: oversize key", w.device, set(s1, strings.Repeat("k", 257), "1"), bad, invalid, ""},
		{"set: a key set and removed", w.device, &roundsv1.SetPolicyRequest{NodeId: s1, Set: map[string]string{"service.review": "1h"}, Remove: []string{"service.review"}}, bad, invalid, "remove"},
		{"set: one of two at fault", w.device, &roundsv1.SetPolicyRequest{NodeId: s1, Set: map[string]string{"service.review": "1h", "service.normal.respond": "x"}}, bad, invalid, "set[service.normal.respond]"},

		{"import: wrong role", worker, table(places, "site,code,name_zh", "S1,X,位置"), 0, noRight, ""},
		{"import: foreign node", foreign, table(places, "site,code,name_zh", "S1,X,位置"), 0, noRight, ""},
		{"import: a foreign site's settings", foreign, table(policies, "node,key,value", "S1,service.review,1h"), 0, noRight, ""},
		{"import: a site elsewhere", foreign, table(sites, "code,name_zh,unit", "S9,望湖居,R1"), 0, noRight, ""},
		{"import: people elsewhere", foreign, table(staff, "code,name,site,role", "E99,周,S1,worker"), 0, noRight, ""},
		{"import: unknown site", w.device, table(places, "site,code,name_zh", "S404,X,位置"), 0, unknown, "site"},
		{"import: oversize code", w.device, table(places, "site,code,name_zh", "S1,"+long+",位置"), 0, invalid, "code"},
		{"import: oversize cell", w.device, table(places, "site,code,name_zh,tag", "S1,X,位置,"+strings.Repeat("x", 1025)), 0, invalid, "tag"},
		{"import: a negative number", w.device, table(assets, "site,code,name_zh,stock", "S1,X,灯,-1"), 0, invalid, "stock"},
		{"import: negative photos", w.device, table(categories, "code,name_zh,after_photos", "X,灯,-1"), 0, invalid, "after_photos"},
		{"import: cyclic places", w.device, table(places, "site,code,name_zh,parent", "S1,B2,地下二层,PR1"), 0, invalid, "parent"},
		{"import: cyclic units", w.device, table(units, "code,type,name_zh,parent", "R1,region,华南,R1D1"), 0, invalid, "parent"},
		{"import: no rows", w.device, &roundsv1.ImportRequest{Kind: places, Columns: []string{"site", "code"}}, bad, invalid, "rows"},
		{"import: no kind", w.device, &roundsv1.ImportRequest{Columns: []string{"site"}, Rows: []*roundsv1.ImportRow{{}}}, bad, invalid, "kind"},

		{"node: wrong role", manager, &roundsv1.CreateNodeRequest{ParentId: r1, Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: name}, denied, noRight, ""},
		{"node: foreign", foreign, &roundsv1.CreateNodeRequest{ParentId: r1, Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: name}, denied, noRight, ""},
		{"node: below a site", w.device, &roundsv1.CreateNodeRequest{ParentId: s1, Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: name}, bad, invalid, "parent_id"},
		{"node: another group", w.device, &roundsv1.CreateNodeRequest{ParentId: root, Type: roundsv1.NodeType_NODE_TYPE_GROUP, Name: name}, bad, invalid, "type"},
		{"node: no name", w.device, &roundsv1.CreateNodeRequest{ParentId: r1, Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: &roundsv1.Text{}}, bad, invalid, "name"},
		{"node: oversize name", w.device, &roundsv1.RenameNodeRequest{NodeId: s1, Name: &roundsv1.Text{Zh: long}}, bad, invalid, "name"},
		{"node: oversize code", w.device, &roundsv1.RenameNodeRequest{NodeId: s1, Name: name, Code: &long}, bad, invalid, "code"},
		{"node: renamed from elsewhere", foreign, &roundsv1.RenameNodeRequest{NodeId: s1, Name: name}, denied, noRight, ""},
		{"node: moved from elsewhere", foreign, &roundsv1.MoveNodeRequest{NodeId: s1, ParentId: s2}, denied, noRight, ""},
		{"node: moved below itself", w.device, &roundsv1.MoveNodeRequest{NodeId: r1, ParentId: w.node("R1D1")}, bad, invalid, "parent_id"},
		{"node: the root moved", w.device, &roundsv1.MoveNodeRequest{NodeId: root, ParentId: r1}, bad, invalid, "node_id"},
		{"nodes: foreign", foreign, &roundsv1.ListNodesRequest{NodeId: r1}, denied, noRight, ""},
		{"erasure: foreign", foreign, &roundsv1.DeletePersonRequest{PersonId: worker.person}, denied, noRight, ""},
		{"erasure: wrong role", manager, &roundsv1.DeletePersonRequest{PersonId: worker.person}, denied, noRight, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.clock.add(time.Second)
			code, p := w.refusedBy(t, c.by, c.req)
			if code != c.code || p.GetCode() != c.want || c.field != "" && p.GetField() != c.field || p.GetSentence().GetZh() == "" || p.GetSentence().GetEn() == "" {
				t.Errorf("%v %v, want %v %v %q", code, p, c.code, c.want, c.field)
			}
			if after := w.settled(t); after != before {
				t.Errorf("something changed:\n%s\n%s", before, after)
			}
		})
	}
}

// refusedBy makes the call that a request is of.
func (w *world) refusedBy(t *testing.T, by *device, req proto.Message) (connect.Code, *roundsv1.Problem) {
	t.Helper()
	var err error
	switch req := req.(type) {
	case *roundsv1.PutDirectoryRequest:
		_, err = w.admin().PutDirectory(t.Context(), as(by, req))
	case *roundsv1.ListDirectoryRequest:
		_, err = w.admin().ListDirectory(t.Context(), as(by, req))
	case *roundsv1.DeleteDirectoryRequest:
		_, err = w.admin().DeleteDirectory(t.Context(), as(by, req))
	case *roundsv1.GetPolicyRequest:
		_, err = w.admin().GetPolicy(t.Context(), as(by, req))
	case *roundsv1.SetPolicyRequest:
		_, err = w.admin().SetPolicy(t.Context(), as(by, req))
	case *roundsv1.CreateNodeRequest:
		_, err = w.admin().CreateNode(t.Context(), as(by, req))
	case *roundsv1.RenameNodeRequest:
		_, err = w.admin().RenameNode(t.Context(), as(by, req))
	case *roundsv1.MoveNodeRequest:
		_, err = w.admin().MoveNode(t.Context(), as(by, req))
	case *roundsv1.ListNodesRequest:
		_, err = w.admin().ListNodes(t.Context(), as(by, req))
	case *roundsv1.DeletePersonRequest:
		_, err = w.admin().DeletePerson(t.Context(), as(by, req))
	case *roundsv1.ImportRequest:
		resp, failed := w.admin().Import(t.Context(), as(by, req))
		if failed == nil {
			if len(resp.Msg.GetResults()) != 1 || resp.Msg.GetResults()[0].GetLine() != 2 {
				t.Fatalf("answered with %v", resp.Msg)
			}
			return 0, resp.Msg.GetResults()[0].GetProblem()
		}
		err = failed
	default:
		t.Fatalf("no call takes %T", req)
	}
	if err == nil {
		t.Fatalf("taken: %v", req)
	}
	return problemOf(t, err)
}

// settled is what nodes, people and records there are, whatever the clock makes of plans meanwhile.
func (w *world) settled(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, scope := range []store.Scope{w.org(), w.siteOf("S1"), w.siteOf("S2")} {
		page, err := w.Engine().Changes(t.Context(), scope, engine.Position{}, engine.ChangesLimits{Records: 1000, Bytes: 4 << 20})
		if err != nil || page.More {
			t.Fatal(err, page)
		}
		for _, c := range page.Changes {
			if kind, _ := merge.KindOf(c.GetRecord()); kind != "inspection" && kind != "plan" && kind != "notice" {
				fmt.Fprintln(&all, kind, c.GetRecordId(), c.GetVersion(), c.GetDeleted())
			}
		}
	}
	fmt.Fprintln(&all, w.head(w.org()))
	a, who := w.Authority().Admin(), w.device.identity()
	nodes, err := a.ListNodes(t.Context(), who, &roundsv1.ListNodesRequest{PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	people, err := a.ListPeople(t.Context(), who, &roundsv1.ListPeopleRequest{NodeId: string(w.Founding().Root), PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range nodes.GetNodes() {
		fmt.Fprintln(&all, m.GetNodeId(), m.GetCode(), m.GetParentId(), m.GetName().GetZh())
	}
	for _, m := range people.GetPeople() {
		fmt.Fprintln(&all, m.GetPersonId(), m.GetName(), m.GetExternalId(), m.GetHomeNodeId())
	}
	return all.String()
}

// TestAdministrationRefusesLettersThatAreNone: a string that is no UTF-8 is refused before anything is looked at, in each call, in either encoding.
func TestAdministrationRefusesLettersThatAreNone(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.DeviceRate = 0 })
	before := sumOf(t, w.store)
	for procedure, field := range map[string]protowire.Number{
		roundsv1connect.AdminServicePutDirectoryProcedure: 2, roundsv1connect.AdminServiceListDirectoryProcedure: 3, roundsv1connect.AdminServiceDeleteDirectoryProcedure: 5,
		roundsv1connect.AdminServiceGetPolicyProcedure: 1, roundsv1connect.AdminServiceSetPolicyProcedure: 4, roundsv1connect.AdminServiceImportProcedure: 2,
		roundsv1connect.AdminServiceCreateNodeProcedure: 5, roundsv1connect.AdminServiceRenameNodeProcedure: 3, roundsv1connect.AdminServiceMoveNodeProcedure: 1,
	} {
		for contentType, body := range map[string][]byte{
			"application/proto": protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), "\xff\xfe"),
			"application/json":  []byte("{\"nodeId\":\"\xff\xfe\"}"),
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+procedure, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", contentType)
			req.Header.Set("Authorization", "Bearer "+w.device.token)
			resp, err := w.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusBadRequest || !bytes.Contains(text, []byte("rounds.v1.Problem")) {
				t.Errorf("%s as %s: %d %s %v", procedure, contentType, resp.StatusCode, text, err)
			}
		}
	}
	if sumOf(t, w.store) != before {
		t.Error("something was written")
	}
}

// TestTwoAdministratorsAtOnce: of two who write one record at a time neither is lost, and both are told what stands.
func TestTwoAdministratorsAtOnce(t *testing.T) {
	w := found(t)
	root := string(w.Founding().Root)
	category := w.list(root, "category")["ENG-01"]
	edit := func(c *roundsv1.Category, field uint32) *roundsv1.PutDirectoryRequest {
		return &roundsv1.PutDirectoryRequest{ActId: uuid.NewString(), NodeId: root, RecordId: category.GetRecordId(), Base: category.GetVersion(), Edit: &roundsv1.Edit{
			Record: &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: c}}, Fields: []uint32{field}}}
	}
	var writing sync.WaitGroup
	for _, req := range []*roundsv1.PutDirectoryRequest{edit(&roundsv1.Category{Skill: "electric"}, 11), edit(&roundsv1.Category{BeforePhoto: true}, 4), edit(&roundsv1.Category{LiveCamera: true}, 6)} {
		writing.Go(func() {
			if _, err := w.admin().PutDirectory(context.Background(), as(w.device, req)); err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	if got := w.list(root, "category")["ENG-01"].GetRecord().GetCategory(); got.GetSkill() != "electric" || !got.GetBeforePhoto() || !got.GetLiveCamera() {
		t.Errorf("fields were lost: %v", got)
	}
	d := w.regional()
	_, err := w.Authority().Admin().CreateGrant(t.Context(), w.device.identity(), &roundsv1.CreateGrantRequest{PersonId: d.person, NodeId: root, Role: roundsv1.Role_ROLE_ADMIN})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Second)
	category = w.list(root, "category")["ENG-01"]
	first, err := w.admin().PutDirectory(t.Context(), as(w.device, edit(&roundsv1.Category{Skill: "lift"}, 11)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.admin().PutDirectory(t.Context(), as(d, edit(&roundsv1.Category{Skill: "hvac"}, 11))) // who had not seen the first
	if err != nil {
		t.Fatal(err)
	}
	if o := second.Msg.GetOutcome(); first.Msg.GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED || o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED && len(o.GetLosses()) == 0 ||
		second.Msg.GetRecord().GetRecord().GetCategory().GetSkill() != "hvac" {
		t.Errorf("first %v, second %v", protojson.Format(first.Msg), protojson.Format(second.Msg))
	}
	for seq := range 2 { // both stand in the journal, each under a name
		at := []uint64{first.Msg.GetOutcome().GetSeq(), second.Msg.GetOutcome().GetSeq()}[seq]
		head, err := w.Engine().Entry(t.Context(), w.org(), journal.Seq(at))
		if err != nil || head.GetPersonId() != []string{w.device.person, d.person}[seq] {
			t.Errorf("journalled as %v, %v", head, err)
		}
	}
}
