package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

const (
	units      = roundsv1.ImportKind_IMPORT_KIND_UNITS
	sites      = roundsv1.ImportKind_IMPORT_KIND_SITES
	holidays   = roundsv1.ImportKind_IMPORT_KIND_HOLIDAYS
	policies   = roundsv1.ImportKind_IMPORT_KIND_POLICIES
	checklists = roundsv1.ImportKind_IMPORT_KIND_CHECKLISTS
	categories = roundsv1.ImportKind_IMPORT_KIND_CATEGORIES
	places     = roundsv1.ImportKind_IMPORT_KIND_PLACES
	assets     = roundsv1.ImportKind_IMPORT_KIND_ASSETS
	staff      = roundsv1.ImportKind_IMPORT_KIND_STAFF
	plans      = roundsv1.ImportKind_IMPORT_KIND_PLANS
)

// table is a table as a test writes it: a header and rows, cells with commas between.
func table(kind roundsv1.ImportKind, lines ...string) *roundsv1.ImportRequest {
	req := &roundsv1.ImportRequest{Kind: kind, Columns: strings.Split(lines[0], ",")}
	for i, line := range lines[1:] {
		req.Rows = append(req.Rows, &roundsv1.ImportRow{Line: uint32(i + 2), Cells: strings.Split(line, ",")})
	}
	return req
}

func (w *world) admin() roundsv1connect.AdminServiceClient {
	return roundsv1connect.NewAdminServiceClient(w.http, w.base)
}

// enter imports a table and tells what became of its rows, a word each: created, changed, unchanged, refused.
func (w *world) enter(d *device, req *roundsv1.ImportRequest) (string, *roundsv1.ImportResponse) {
	w.t.Helper()
	resp, err := w.admin().Import(w.t.Context(), as(d, req))
	if err != nil {
		w.t.Fatal(err)
	}
	counts := map[roundsv1.ImportStatus]int{}
	for _, r := range resp.Msg.GetResults() {
		counts[r.GetStatus()]++
	}
	return fmt.Sprintf("%d created, %d changed, %d unchanged, %d refused", counts[roundsv1.ImportStatus_IMPORT_STATUS_CREATED],
		counts[roundsv1.ImportStatus_IMPORT_STATUS_CHANGED], resp.Msg.GetUnchanged(), counts[roundsv1.ImportStatus_IMPORT_STATUS_REFUSED]), resp.Msg
}

// company is a small one, table by table.
func company() []*roundsv1.ImportRequest {
	return []*roundsv1.ImportRequest{
		table(units, "code,type,name_zh,parent", "HQ,group,和邻物业集团,", "R1,region,华南,", "R1D1,district,深州,R1"),
		table(sites, "code,name_zh,name_en,unit,time_zone", "S1,云栖雅苑,Yunqi Court,R1D1,Asia/Shanghai", "S2,松涛里,Pine Wave Lane,R1D1,Asia/Shanghai"),
		table(holidays, "calendar,date,day,holiday,name_zh", "demo,2027-01-01,off,元旦,节假日", "demo,2027-01-02,work,元旦,节假日"),
		table(policies, "node,key,value", "HQ,service.normal.respond,20m", "R1,service.normal.respond,18m", "S1,photo.exif.apart,5m"),
		table(checklists, "code,version,name_zh,item,question_zh,weight,red_line,unit,low,high", "CL1,1,配电房,i01,温度,2,no,Cel,5,45", "CL1,1,配电房,i02,漏水,3,yes,,,"),
		table(categories, "code,name_zh,line,priority,after_photos,checklist,parent", "ENG,工程,工程,普通,1,,", "ENG-01,灯不亮,engineering,normal,1,CL1,ENG"),
		table(places, "site,code,name_zh,type,parent,signal", "S1,B2,地下二层,floor,,none", "S1,PR1,配电房,room,B2,none", "S2,B2,地下二层,floor,,none"),
		table(assets, "site,code,name_zh,type,place,stock", "S1,BOX-1,配电箱,box,PR1,", "S1,PART-1,灯管,part,PR1,12"),
		table(staff, "code,name,site,role,line,skills,phone,duties,language", "E1,王建国,S1,worker,engineering,lift;electric,13800000001,08:00-20:00 daily,zh",
			"E2,李秀英,S1,manager,butler,,13800000002,,en", "E3,张志强,R1,supervisor,,,,,"),
		table(plans, "site,code,name_zh,checklist,checkpoints,ordered,times,window,assignee", "S1,DAILY,每日巡检,CL1,PR1;B2,yes,08:00 daily,2h,E1"),
	}
}

func TestATableTwiceChangesNothing(t *testing.T) {
	w := start(t)
	for _, want := range []string{"created", "unchanged"} {
		for _, req := range company() {
			for _, dry := range []bool{true, false} {
				req.DryRun = dry
				got, resp := w.enter(w.device, req)
				want := map[string]string{"created": fmt.Sprintf("%d created, 0 changed, 0 unchanged, 0 refused", len(req.GetRows())),
					"unchanged": fmt.Sprintf("0 created, 0 changed, %d unchanged, 0 refused", len(req.GetRows()))}[want]
				if got != want {
					t.Errorf("%v, dry %v: %s, want %s\n%v", req.GetKind(), dry, got, want, resp)
				}
			}
		}
	}
}

// found is a server with the small company in it.
func found(t *testing.T) *world {
	t.Helper()
	w := start(t)
	for _, req := range company() {
		if got, resp := w.enter(w.device, req); strings.Contains(got, "0 created") || !strings.HasSuffix(got, " 0 refused") {
			t.Fatalf("%v: %s\n%v", req.GetKind(), got, resp)
		}
	}
	return w
}

// list lists records of a kind by their codes.
func (w *world) list(node, kind string) map[string]*roundsv1.Change {
	w.t.Helper()
	resp, err := w.admin().ListDirectory(w.t.Context(), as(w.device, &roundsv1.ListDirectoryRequest{NodeId: node, Kind: kind, PageSize: 1000}))
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string]*roundsv1.Change{}
	for _, c := range resp.Msg.GetRecords() {
		all[directory.CodeOf(c.GetRecord())] = c
	}
	return all
}

// node is the id of the one node that has a code.
func (w *world) node(code string) string {
	w.t.Helper()
	ids := w.Authority().NodesByCode(code)
	if len(ids) != 1 {
		w.t.Fatalf("%d nodes are called %s", len(ids), code)
	}
	return string(ids[0])
}

func TestACellThatDiffersChangesThatFieldAlone(t *testing.T) {
	w := found(t)
	site := w.node("S1")
	before := w.list(site, "place")["PR1"]
	got, resp := w.enter(w.device, table(places, "site,code,signal", "S1,PR1,weak", "S1,B2,none"))
	if got != "0 created, 1 changed, 1 unchanged, 0 refused" {
		t.Fatalf("%s: %v", got, resp)
	}
	if cells := resp.GetResults()[0].GetCells(); len(cells) != 1 || cells[0].GetColumn() != "signal" || cells[0].GetBefore() != "none" {
		t.Errorf("cells %v", cells)
	}
	after := w.list(site, "place")["PR1"]
	want := proto.CloneOf(before.GetRecord())
	want.GetPlace().Signal = roundsv1.Signal_SIGNAL_WEAK
	if !proto.Equal(after.GetRecord(), want) {
		t.Errorf("%v, want %v", after.GetRecord(), want)
	}
	for _, write := range after.GetWrites() { // every other field is still the first import's
		if slices.Contains(write.GetShown(), 6) != (write.GetStamp().GetSeq() == after.GetVersion()) {
			t.Errorf("write %v", write)
		}
	}
	head, err := w.Engine().Entry(t.Context(), store.Scope("site/"+site), journal.Seq(after.GetVersion()))
	if err != nil || head.GetType() != roundsv1.EntryType_ENTRY_TYPE_DESK || head.GetPersonId() != w.device.person {
		t.Errorf("journalled as %v, %v", head, err)
	}
}

func TestRowsAtFaultAreToldByLineAndColumn(t *testing.T) {
	w := found(t)
	for _, c := range []struct {
		req    *roundsv1.ImportRequest
		column string
		code   roundsv1.ProblemCode
	}{
		{table(units, "code,type,name_zh", "R9,kingdom,北方"), "type", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(units, "code,type,name_zh,parent", "R9,region,北方,R8"), "parent", roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD},
		{table(units, "code,type,name_zh,parent", "R1,region,华南,R1D1"), "parent", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(units, "code,type,name_zh", "S1,region,北方"), "code", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(sites, "code,name_zh,unit", "S9,望湖居,S1"), "unit", roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD},
		{table(sites, "code,unit", "S9,R1"), "name_zh", roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
		{table(sites, "code,name_zh,time_zone", "S9,望湖居,Asia/Nowhere"), "time_zone", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(holidays, "calendar,date,day", "cn,2027-02-30,off"), "date", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(policies, "node,key,value", "S1,service.normal.respnd,15m"), "key", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(policies, "node,key,value", "S1,service.normal.respond,soon"), "value", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(policies, "node,key,value", "S1,photo.exif.apart,soon"), "value", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(policies, "node,key,value", "S1,photo.retention_days,-1"), "value", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(checklists, "code,version,item,question_zh", "CL1,1,i01,湿度"), "version", roundsv1.ProblemCode_PROBLEM_CODE_STATE},
		{table(checklists, "code,version,name_zh,item,question_zh,low,high", "CL2,1,电梯,i01,湿度,9,5"), "low", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(categories, "code,name_zh,checklist", "ENG-02,灯,CL9"), "checklist", roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD},
		{table(categories, "code,parent", "ENG,ENG-01"), "parent", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(places, "site,code,name_zh", "S9,X,位置"), "site", roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD},
		{table(places, "site,code,name_zh,outline", "S1,X,位置,POLYGON((1 2))"), "outline", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(places, "site,code,type", "S1,X,room"), "name", roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
		{table(places, "site,code,type", "S1,,room"), "code", roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
		{table(places, "site,code,name_zh,butlers", "S1,X,位置,E2;E77"), "butlers", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(places, "site,code,name_zh,butlers", "S1,X,位置,E77"), "butlers", roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD},
		{table(places, "site,code,remove", "S1,B2,yes"), "remove", roundsv1.ProblemCode_PROBLEM_CODE_STATE},
		{table(assets, "site,code,name_zh,place", "S1,X,设备,PR9"), "place", roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD},
		{table(staff, "code,name,site,role", "E9,周,S1,king"), "role", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(staff, "code,name,site,duties", "E9,周,S1,always"), "duties", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(staff, "code,name,site,more_roles", "E9,周,S1,worker@S9"), "more_roles", roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD},
		{table(plans, "site,code,name_zh,checklist,checkpoints,times,window", "S1,X,计划,CL1,PR1,08:00,2h"), "times", roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{table(plans, "site,code,name_zh,checklist,checkpoints,times", "S1,X,计划,CL1,PR1,08:00 daily"), "window", roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
	} {
		for _, dry := range []bool{true, false} {
			c.req.DryRun = dry
			_, resp := w.enter(w.device, c.req)
			if len(resp.GetResults()) != 1 {
				t.Errorf("%v: %v", c.req, resp)
				continue
			}
			r := resp.GetResults()[0]
			p := r.GetProblem()
			if r.GetStatus() != roundsv1.ImportStatus_IMPORT_STATUS_REFUSED || r.GetLine() != 2 || p.GetField() != c.column || p.GetCode() != c.code ||
				p.GetSentence().GetZh() == "" || p.GetSentence().GetEn() == "" {
				t.Errorf("%v (dry %v): %v, want %s %v", c.req, dry, r, c.column, c.code)
			}
		}
	}
	if got, resp := w.enter(w.device, table(places, "site,code,name_zh", "S1,X,位置", "S1,X,位置")); got != "1 created, 0 changed, 0 unchanged, 1 refused" {
		t.Errorf("a code twice: %s %v", got, resp)
	}
	w.enter(w.device, table(places, "site,code,remove", "S1,X,yes"))
	if w.list(w.node("S1"), "place")["X"] != nil {
		t.Error("the place was not removed")
	}
	if got, _ := w.enter(w.device, table(places, "site,code,name_zh", "S1,X,位置")); got != "1 created, 0 changed, 0 unchanged, 0 refused" {
		t.Errorf("made again after it was removed: %s", got)
	}
	for _, header := range []string{"site,code,colour", "site,site,code", "name_zh"} {
		_, err := w.admin().Import(t.Context(), as(w.device, table(places, header, "S1,X,1")))
		if code, p := problemOf(t, err); code != connect.CodeInvalidArgument || p.GetSentence().GetZh() == "" {
			t.Errorf("header %s: %v %v", header, code, p)
		}
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	w := start(t)
	w.enter(w.device, company()[0])
	sum := sumOf(t, w.store)
	for _, req := range company() {
		req.DryRun = true
		req.Assumed = append(req.Assumed, []*roundsv1.ImportAssumption{{Kind: sites, Code: "S1"}, {Kind: sites, Code: "S2"}, {Kind: checklists, Code: "CL1"},
			{Kind: places, Site: "S1", Code: "PR1"}, {Kind: places, Site: "S1", Code: "B2"}, {Kind: staff, Site: "S1", Code: "E1"}}...)
		if got, resp := w.enter(w.device, req); !strings.HasSuffix(got, " 0 refused") {
			t.Errorf("%v: %s %v", req.GetKind(), got, resp)
		}
	}
	if sumOf(t, w.store) != sum {
		t.Error("a dry run has written")
	}
}

func TestPeopleFollowTheTable(t *testing.T) {
	w := found(t)
	s1, s2 := w.node("S1"), w.node("S2")
	id := w.list(s1, "staff")["E1"].GetRecordId()
	roles := func(site string) string {
		return fmt.Sprint(w.Authority().RolesAt(auth.PersonID(id), auth.Scope("site/"+site), w.clock.Now()))
	}
	step := func(want string, lines ...string) {
		t.Helper()
		w.clock.add(time.Second)
		if got, resp := w.enter(w.device, table(staff, lines...)); got != want {
			t.Errorf("%v: %s, want %s\n%v", lines, got, want, resp)
		}
	}
	if roles(s1) != "[ROLE_WORKER]" {
		t.Fatalf("roles %s", roles(s1))
	}
	step("0 created, 1 changed, 0 unchanged, 0 refused", "code,site,role", "E1,S1,foreman")
	if roles(s1) != "[ROLE_FOREMAN]" {
		t.Errorf("roles %s after another role", roles(s1))
	}
	step("0 created, 0 changed, 1 unchanged, 0 refused", "code,phone", "E1,13800000001")
	step("0 created, 1 changed, 0 unchanged, 0 refused", "code,site,role,more_roles", "E1,S2,worker,foreman@S1")
	if roles(s1) != "[ROLE_FOREMAN]" || roles(s2) != "[ROLE_WORKER]" {
		t.Errorf("roles %s and %s after the move", roles(s1), roles(s2))
	}
	if !w.list(s1, "staff")["E1"].GetRecord().GetStaff().GetLeft() || w.list(s2, "staff")["E1"].GetRecord().GetStaff().GetLeft() {
		t.Error("the lists of staff do not follow a move")
	}
	if _, err := w.Authority().Admin().CreateGrant(t.Context(), w.device.identity(), &roundsv1.CreateGrantRequest{PersonId: id, NodeId: s2,
		Role: roundsv1.Role_ROLE_BUTLER}); err != nil {
		t.Fatal(err)
	}
	step("0 created, 1 changed, 0 unchanged, 0 refused", "code,site,role,more_roles", "E1,S2,worker,")
	if roles(s1) != "[]" || roles(s2) != "[ROLE_WORKER ROLE_BUTLER]" {
		t.Errorf("roles %s and %s: a role given by hand stays, one from the table goes with it", roles(s1), roles(s2))
	}
	step("0 created, 1 changed, 0 unchanged, 0 refused", "code,left", "E1,yes")
	if roles(s1) != "[]" || roles(s2) != "[]" {
		t.Errorf("roles %s and %s of who has left", roles(s1), roles(s2))
	}
	step("0 created, 1 changed, 0 unchanged, 0 refused", "code,left,site,role", "E1,no,S2,worker")
	step("0 created, 0 changed, 1 unchanged, 0 refused", "code,left,site,role", "E1,no,S2,worker")
	if roles(s2) != "[ROLE_WORKER]" {
		t.Errorf("roles %s of who came back", roles(s2))
	}
}

func TestSettingsAreInherited(t *testing.T) {
	w := found(t)
	const key = "service.normal.respond"
	get := func(code string) *roundsv1.Setting {
		t.Helper()
		resp, err := w.admin().GetPolicy(t.Context(), as(w.device, &roundsv1.GetPolicyRequest{NodeId: w.node(code)}))
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(resp.Msg.GetSettings(), func(s *roundsv1.Setting) bool { return s.GetKey() == key })
		return resp.Msg.GetSettings()[at]
	}
	set := func(code, value string) {
		t.Helper()
		req := &roundsv1.SetPolicyRequest{NodeId: w.node(code), Set: map[string]string{key: value}}
		if value == "" {
			req = &roundsv1.SetPolicyRequest{NodeId: w.node(code), Remove: []string{key}}
		}
		if _, err := w.admin().SetPolicy(t.Context(), as(w.device, req)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		at, value                     string // what is set, where
		group, region, district, site string // what counts then, and who sets it
	}{
		{"", "", "20m HQ", "18m R1", "18m R1", "18m R1"}, // as imported
		{"S1", "7m", "20m HQ", "18m R1", "18m R1", "7m S1"},
		{"R1D1", "9m", "20m HQ", "18m R1", "9m R1D1", "7m S1"},
		{"S1", "", "20m HQ", "18m R1", "9m R1D1", "9m R1D1"},
		{"R1D1", "", "20m HQ", "18m R1", "18m R1", "18m R1"},
		{"R1", "", "20m HQ", "20m HQ", "20m HQ", "20m HQ"},
		{"HQ", "", "15m -", "15m -", "15m -", "15m -"},
	} {
		if step.at != "" {
			set(step.at, step.value)
		}
		for code, want := range map[string]string{"HQ": step.group, "R1": step.region, "R1D1": step.district, "S1": step.site} {
			value, from, _ := strings.Cut(want, " ")
			node := ""
			if from != "-" {
				node = w.node(from)
			}
			if got := get(code); got.GetValue() != value || got.GetNodeId() != node {
				t.Errorf("after %s=%s: %s has %v, want %s", step.at, step.value, code, got, want)
			}
			wantD, _ := time.ParseDuration(value)
			if got := w.Reference().Policy(store.Scope("site/" + w.node(code))).Tiers[roundsv1.Priority_PRIORITY_NORMAL].Respond; code == "S1" && got != wantD {
				t.Errorf("after %s=%s the rules have %v, want %v", step.at, step.value, got, wantD)
			}
		}
	}
	for k, v := range map[string]string{"service.normal.respnd": "1m", key: "soon", "photo.exif.apart": "soon", "nonsense": "1"} {
		_, err := w.admin().SetPolicy(t.Context(), as(w.device, &roundsv1.SetPolicyRequest{NodeId: w.node("S1"), Set: map[string]string{k: v, "service.review": "1h"}}))
		code, p := problemOf(t, err)
		if code != connect.CodeInvalidArgument || p.GetField() != "set["+k+"]" || p.GetFacts()["key"] != k || p.GetFacts()["wanted"] == "" {
			t.Errorf("%s=%s: %v %v", k, v, code, p)
		}
	}
	if got := w.Reference().Policy(w.siteOf("S1")).Review; got != 4*time.Hour {
		t.Errorf("a call that was refused has set something: %v", got)
	}
}

// siteOf is the scope of a site.
func (w *world) siteOf(code string) store.Scope { return store.Scope("site/" + w.node(code)) }

func TestAWorkersDevicePullsWhatTheCrewShares(t *testing.T) {
	w := found(t)
	s1 := w.node("S1")
	w.enter(w.device, table(staff, "code,name,site,role,phone", "E4,赵四,S2,worker,13800000009"))
	w.clock.add(time.Second)
	id := w.list(s1, "staff")["E1"].GetRecordId()
	code, err := w.Authority().Admin().CreateEnrolmentCode(t.Context(), w.device.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: id})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Second)
	local := memstore.New(memstore.Config{})
	auths := roundsv1connect.NewAuthServiceClient(w.http, w.base)
	if _, err := client.Enrol(t.Context(), local, client.Enrolment{Auth: auths, Audience: w.URL(), Code: code.GetCode()}); err != nil {
		t.Fatal(err)
	}
	tokens, err := client.OpenTokens(t.Context(), local, auths, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	phone, err := client.Open(t.Context(), client.Config{Store: local, Sync: w.sync(), Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close(t.Context())
	if _, err := phone.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	org := client.Scope("org/" + string(w.Founding().Root))
	for _, c := range []struct {
		scope client.Scope
		kind  merge.Kind
		want  int
	}{{org, "category", 2}, {org, "checklist", 1}, {org, "unit", 3}, {org, "calendar", 1}, {client.Scope("site/" + s1), "place", 2},
		{client.Scope("site/" + s1), "asset", 2}, {client.Scope("site/" + s1), "staff", 2}, {client.Scope("site/" + s1), "plan", 1},
		{client.Scope("site/" + s1), "site", 1}} {
		n := 0
		for _, err := range phone.List(t.Context(), c.scope, c.kind) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != c.want {
			t.Errorf("the phone has %d %ss, want %d", n, c.kind, c.want)
		}
	}
	// What the phone holds is what the server has, record by record, and the settings with it.
	held := func(scope client.Scope, kind merge.Kind, id string) *roundsv1.Record {
		view, err := phone.Get(t.Context(), scope, kind, client.RecordID(id))
		if err != nil {
			t.Errorf("%s %s: %v", kind, id, err)
		}
		return view.Record
	}
	for kind, node := range map[string]string{"place": s1, "asset": s1, "staff": s1, "plan": s1, "site": s1, "category": w.node("HQ"), "checklist": w.node("HQ"), "calendar": w.node("HQ"), "unit": w.node("HQ")} {
		scope := org
		if node == s1 {
			scope = client.Scope("site/" + s1)
		}
		for code, change := range w.list(node, kind) {
			got := held(scope, merge.Kind(kind), change.GetRecordId())
			if plan := got.GetPlan(); plan != nil && change.GetRecord().GetPlan() != nil { // the clock's worker may have noted meanwhile how far its rounds are made
				plan.MadeThroughUs, change.GetRecord().GetPlan().MadeThroughUs = 0, 0
			}
			if !proto.Equal(got, change.GetRecord()) {
				t.Errorf("%s %s on the phone: %v, want %v", kind, code, got, change.GetRecord())
			}
		}
	}
	if site := held(client.Scope("site/"+s1), "site", s1).GetSite(); site.GetPolicy()["photo.exif.apart"] != "5m" {
		t.Errorf("the site's settings on the phone: %v", site.GetPolicy())
	}
	if unit := held(org, "unit", w.node("R1")).GetUnit(); unit.GetPolicy()["service.normal.respond"] != "18m" {
		t.Errorf("the region's settings on the phone: %v", unit.GetPolicy())
	}
	// And it holds nothing else: no other site's, no desk's, nobody else's.
	scopes, err := phone.Scopes(t.Context())
	if want := []client.Scope{org, client.Scope("site/" + s1), client.Scope("user/" + id)}; err != nil || !slices.Equal(slices.Sorted(slices.Values(scopes)), slices.Sorted(slices.Values(want))) {
		t.Errorf("scopes %v, want %v, %v", scopes, want, err)
	}
	s2 := w.node("S2")
	for _, scope := range []string{"site/" + s2, "desk/" + s2, "desk/" + s1, "user/" + w.device.person} {
		asked := w.enrol(w.codeOf(id))
		_, err := w.sync().Exchange(t.Context(), as(asked, &roundsv1.ExchangeRequest{Clock: asked.clockNow(), Cursors: []*roundsv1.ScopeCursor{{Scope: scope}}}))
		if code, p := problemOf(t, err); code != connect.CodePermissionDenied || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("asked for %s: %v", scope, err)
		}
	}
	for _, secret := range []string{"松涛里", s2, "13800000009"} { // another site's name, id and what is there
		if where := holds(t, local, secret); len(where) > 0 {
			t.Errorf("%s stands on the phone in %v", secret, where)
		}
	}
	d := w.enrol(w.codeOf(id)) // a worker keeps nothing
	for _, req := range []*roundsv1.ImportRequest{table(places, "site,code,name_zh", "S1,X,位置"), table(sites, "code,name_zh", "S9,望湖居"), table(staff, "code,name,site,role", "E1,王建国,S1,admin")} {
		if got, resp := w.enter(d, req); got != "0 created, 0 changed, 0 unchanged, 1 refused" || resp.GetResults()[0].GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("a worker imports %v: %s %v", req.GetKind(), got, resp)
		}
	}
	_, err = w.admin().SetPolicy(t.Context(), as(d, &roundsv1.SetPolicyRequest{NodeId: s1, Set: map[string]string{"service.review": "1h"}}))
	if code, _ := problemOf(t, err); code != connect.CodePermissionDenied {
		t.Errorf("a worker sets a policy: %v", err)
	}
}

// codeOf is a fresh enrolment code of a person.
func (w *world) codeOf(person string) string {
	w.t.Helper()
	code, err := w.Authority().Admin().CreateEnrolmentCode(w.t.Context(), w.device.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: person})
	if err != nil {
		w.t.Fatal(err)
	}
	return code.GetCode()
}

func TestTheAdministratorOfARegionKeepsItsOwnUnits(t *testing.T) {
	w := found(t)
	w.enter(w.device, table(units, "code,type,name_zh", "R2,region,华东"))
	_, resp := w.enter(w.device, table(staff, "code,name,site,role", "E7,赵,R1,admin"))
	w.clock.add(time.Second)
	d := w.enrol(w.codeOf(resp.GetResults()[0].GetRecordId()))
	for _, c := range []struct {
		req  *roundsv1.ImportRequest
		want string
	}{
		{table(policies, "node,key,value", "R1,service.review,1h", "R2,service.review,1h", "S1,service.review,2h"), "2 created, 0 changed, 0 unchanged, 1 refused"},
		{table(units, "code,type,name_zh,parent", "R1D2,district,东,R1", "R2D1,district,西,R2"), "1 created, 0 changed, 0 unchanged, 1 refused"},
		{table(places, "site,code,name_zh", "S1,X,位置"), "1 created, 0 changed, 0 unchanged, 0 refused"},
		{table(categories, "code,name_zh", "X,类别"), "0 created, 0 changed, 0 unchanged, 1 refused"},
	} {
		if got, resp := w.enter(d, c.req); got != c.want {
			t.Errorf("%v: %s, want %s\n%v", c.req, got, c.want, resp)
		}
	}
}
