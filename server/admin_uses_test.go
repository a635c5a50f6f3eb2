package server_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TestWhatIsInUseIsNotDeleted: the refusal names what uses a record, or what to do instead; what nothing uses goes. Row 31 of domain.md holds: a round goes on with the version that it
// began with.
func TestWhatIsInUseIsNotDeleted(t *testing.T) {
	w := found(t)
	root, s1 := string(w.Founding().Root), w.node("S1")
	for _, req := range []*roundsv1.ImportRequest{
		table(holidays, "calendar,date,day", "unused,2027-01-01,off"),
		table(policies, "node,key,value", "S1,service.calendar,demo"),
		table(checklists, "code,version,name_zh,item,question_zh,published", "DRAFT,1,草稿,i01,问,no", "USED,1,草稿,i01,问,no", "TWO,1,两版,i01,问,yes", "ALONE,1,无人用,i01,问,yes", "TWO,2,两版,i01,再问,no"),
		table(categories, "code,name_zh,checklist", "ENG-03,门,USED", "ENG-04,窗,TWO"),
		table(places, "site,code,name_zh,parent", "S1,LONE,杂物间,", "S1,ABOVE,楼,", "S1,BELOW,层,ABOVE"),
	} {
		if got, resp := w.enter(w.device, req); !strings.HasSuffix(got, " 0 refused") {
			t.Fatalf("%v: %s %v", req.GetKind(), got, resp)
		}
	}
	site := w.site
	w.site = w.siteOf("S1")
	d := desk{w, t}
	lists := w.list(root, "checklist")
	boss, worker := w.hired(t, "boss", roundsv1.Role_ROLE_MANAGER), w.hired(t, "worker", roundsv1.Role_ROLE_WORKER)
	round := uuid.NewString()
	plan := w.list(s1, "plan")[""]
	d.done(boss, "inspection", round, creation(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Title: "每日巡检",
		PlanId: plan.GetRecordId(), ChecklistId: lists["CL1"].GetRecord().GetChecklist().GetSeriesId(), ChecklistVersion: 1}}}))
	d.done(boss, "inspection", round, onRound(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}}))

	version := func(code string, n uint32) string {
		series := w.list(root, "checklist")[code].GetRecord().GetChecklist().GetSeriesId()
		return string(directory.ChecklistID(series, n))
	}
	of := func(node, kind, code string) string { return w.list(node, kind)[code].GetRecordId() }
	for _, c := range []struct {
		name, node, kind, id string
		usedBy, instead      string // "": it goes
	}{
		{"a published list", root, "checklist", version("CL1", 1), "category ENG-01, plan 每日巡检", ""},
		{"a published list that nothing names any more", root, "checklist", version("ALONE", 1), "-", ""},
		{"the one draft of a list that is used", root, "checklist", version("USED", 1), "category ENG-03", ""},
		{"a category with others below it", root, "category", of(root, "category", "ENG"), "category ENG-01", "retired"},
		{"a category", root, "category", of(root, "category", "ENG-03"), "-", "retired"},
		{"a calendar that a site names", root, "calendar", of(root, "calendar", "demo"), "site S1", ""},
		{"a person of the staff", s1, "staff", of(s1, "staff", "E1"), "-", "left"},
		{"a room with an asset in it", s1, "place", of(s1, "place", "PR1"), "asset BOX-1, asset PART-1, plan 每日巡检", ""},
		{"a place with another below it", s1, "place", of(s1, "place", "ABOVE"), "place BELOW", ""},
		{"a place", s1, "place", of(s1, "place", "LONE"), "", ""},
		{"a draft", root, "checklist", version("DRAFT", 1), "", ""},
		{"a draft beside a version", root, "checklist", version("TWO", 2), "", ""},
		{"a calendar", root, "calendar", of(root, "calendar", "unused"), "", ""},
		{"a plan with a round that runs", s1, "plan", plan.GetRecordId(), "", ""},
	} {
		w.clock.add(time.Second)
		scope := w.org()
		if c.node == s1 {
			scope = w.siteOf("S1")
		}
		before := w.about(scope, merge.Kind(c.kind), c.id)
		_, err := w.admin().DeleteDirectory(t.Context(), as(w.device, &roundsv1.DeleteDirectoryRequest{NodeId: c.node, Kind: c.kind, RecordId: c.id}))
		if c.usedBy == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		code, p := problemOf(t, err)
		if code != connect.CodeFailedPrecondition || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STATE || c.usedBy != "-" && p.GetFacts()["used_by"] != c.usedBy ||
			p.GetFacts()["instead"] != c.instead || p.GetSentence().GetZh() == "" ||
			w.about(scope, merge.Kind(c.kind), c.id) != before {
			t.Errorf("%s: %v %v", c.name, code, p)
		}
	}

	// Version 2 is out, version 1 cannot be taken away, and the round ends with version 1.
	w.clock.add(time.Second)
	w.enter(w.device, table(checklists, "code,version,name_zh,item,question_zh", "CL1,2,配电房,i09,全新的问题"))
	d.done(worker, "inspection", round, onRound(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{}}}))
	d.done(worker, "inspection", round, factOf(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{
		"i01": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Reading: proto.Float64(20)}, "i02": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}}}}}))
	d.done(worker, "inspection", round, onRound(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: 1}}}))
	w.site = site
}

// sends brings one mutation of a device's own in a scope, and returns its outcome.
func (d *device) sends(scope store.Scope, m *roundsv1.Mutation) *roundsv1.Outcome {
	t := d.w.t
	t.Helper()
	d.w.clock.add(time.Second)
	m.Clock = d.clockNow()
	content, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	fresh := d.w.enrol(d.w.codeOf(d.person)) // a lane of its own, from its beginning
	start := journal.LaneStart(fresh.id, string(scope))
	resp, err := d.w.sync().Exchange(t.Context(), as(fresh, &roundsv1.ExchangeRequest{Clock: d.clockNow(), Lanes: []*roundsv1.LaneBatch{{Scope: string(scope), FirstSeq: 1,
		PreviousHash: start[:], Mutations: [][]byte{content}, Signature: journal.SignHead(fresh.key, journal.LaneNext(start, content))}}}))
	if err != nil {
		t.Fatal(err)
	}
	return resp.Msg.GetLanes()[0].GetOutcomes()[0]
}

// TestADeviceBreaksNoDirectory: what SetPolicy and Import refuse, the rules refuse of an administrator's phone as well, and nothing changes. What is right is taken, and what stood and
// is not understood keeps nobody from mending the rest.
func TestADeviceBreaksNoDirectory(t *testing.T) {
	w := found(t)
	root, s1, r1, org := string(w.Founding().Root), w.node("S1"), w.node("R1"), w.org()
	at := w.siteOf("S1")
	category, draft := w.list(root, "category")["ENG-01"], uuid.NewString()
	list := w.list(root, "checklist")["CL1"]
	siteRecord := func(s *roundsv1.Site) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: s}}
	}
	unitRecord := func(u *roundsv1.Unit) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: u}}
	}
	edit := func(r *roundsv1.Record, fields ...uint32) *roundsv1.Mutation {
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: r, Fields: fields}}}
	}
	gone := func(kind string) *roundsv1.Mutation {
		return &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{Kind: kind}}}}}
	}
	policy := func(key, value string) *roundsv1.Mutation {
		return edit(siteRecord(&roundsv1.Site{Policy: map[string]string{key: value}}), 4)
	}
	const (
		invalid = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
		state   = roundsv1.ProblemCode_PROBLEM_CODE_STATE
		missing = roundsv1.ProblemCode_PROBLEM_CODE_MISSING
		unknown = roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD
		taken   = roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED
	)
	name := &roundsv1.Text{Zh: "名"}
	item := &roundsv1.ChecklistItem{Id: "i1", Question: name}
	for _, c := range []struct {
		name  string
		scope store.Scope
		kind  merge.Kind
		id    string
		m     *roundsv1.Mutation
		want  roundsv1.ProblemCode
	}{
		{"a value of no sense", at, "site", s1, policy("service.normal.respond", "soon"), invalid},
		{"a negative time", at, "site", s1, policy("service.normal.respond", "-5m"), invalid},
		{"a key that there is not", at, "site", s1, policy("service.normal.respnd", "5m"), invalid},
		{"a setting of photos", at, "site", s1, policy("photo.exif.apart", "soon"), invalid},
		{"days of retention below zero", at, "site", s1, policy("photo.retention_days", "-1"), invalid},
		{"a time zone", at, "site", s1, edit(siteRecord(&roundsv1.Site{TimeZone: "Asia/Nowhere"}), 3), invalid},
		{"the unit above, beside the tree", at, "site", s1, edit(siteRecord(&roundsv1.Site{UnitId: r1}), 5), invalid},
		{"the name, beside the tree", at, "site", s1, edit(siteRecord(&roundsv1.Site{Name: name}), 1), invalid},
		{"no name at all", at, "site", s1, edit(siteRecord(&roundsv1.Site{}), 1), invalid},
		{"a unit's name, beside the tree", org, "unit", r1, edit(unitRecord(&roundsv1.Unit{Name: name}), 1), invalid},
		{"the code of another site", at, "site", s1, edit(siteRecord(&roundsv1.Site{Code: "S2"}), 2), invalid},
		{"a second site in a site", at, "site", uuid.NewString(), edit(siteRecord(&roundsv1.Site{Name: name})), invalid},
		{"the site taken away", at, "site", s1, gone("site"), state},
		{"a unit's value of no sense", org, "unit", r1, edit(unitRecord(&roundsv1.Unit{Policy: map[string]string{"service.review": "never"}}), 5), invalid},
		{"a unit that is none", org, "unit", uuid.NewString(), edit(unitRecord(&roundsv1.Unit{Name: name})), invalid},
		{"a site as a unit", org, "unit", s1, edit(unitRecord(&roundsv1.Unit{Name: name})), invalid},
		{"a unit's type", org, "unit", r1, edit(unitRecord(&roundsv1.Unit{Type: roundsv1.UnitType_UNIT_TYPE_DISTRICT}), 2), invalid},
		{"a unit taken away", org, "unit", r1, gone("unit"), state},
		{"a category without a name", org, "category", category.GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{}}}, 1), missing},
		{"a list that there is not", org, "category", category.GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{ChecklistId: draft}}}, 7), unknown},
		{"a category below itself", org, "category", category.GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{ParentId: category.GetRecordId()}}}, 10), invalid},
		{"a code twice", org, "category", uuid.NewString(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{Name: name, Code: "ENG-01"}}}), invalid},
		{"a category taken away", org, "category", category.GetRecordId(), gone("category"), state},
		{"a list without questions", org, "checklist", string(directory.ChecklistID(draft, 1)), edit(&roundsv1.Record{Kind: &roundsv1.Record_Checklist{Checklist: &roundsv1.Checklist{Name: name, SeriesId: draft, Version: 1}}}), missing},
		{"a question twice", org, "checklist", string(directory.ChecklistID(draft, 1)), edit(&roundsv1.Record{Kind: &roundsv1.Record_Checklist{Checklist: &roundsv1.Checklist{Name: name, SeriesId: draft, Version: 1,
			Items: []*roundsv1.ChecklistItem{item, item}}}}), invalid},
		{"a published list taken away", org, "checklist", list.GetRecordId(), gone("checklist"), state},
		{"a calendar with a day that there is not", org, "calendar", uuid.NewString(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Calendar{Calendar: &roundsv1.Calendar{Code: "x",
			Days: []*roundsv1.CalendarDay{{Date: "2027-02-30"}}}}}), invalid},
		{"a shift of no sense", at, "staff", w.list(s1, "staff")["E1"].GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{
			Duties: []*roundsv1.Duty{{Recurrence: "always", Minutes: 60}}}}}, 7), invalid},
		{"an outline that is none", at, "place", w.list(s1, "place")["PR1"].GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Outline: "POLYGON((1 2))"}}}, 7), invalid},
		{"a place below itself", at, "place", w.list(s1, "place")["B2"].GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{
			ParentId: w.list(s1, "place")["PR1"].GetRecordId()}}}, 1), invalid},
		{"a plan without a window", at, "plan", w.list(s1, "plan")[""].GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{}}}, 7), invalid},

		{"what is right: the name that the tree has", at, "site", s1, edit(siteRecord(&roundsv1.Site{Name: &roundsv1.Text{Zh: "云栖雅苑", En: "Yunqi Court"}}), 1), taken},
		{"what is right: a setting", at, "site", s1, policy("service.normal.respond", "9m"), taken},
		{"what is right: a setting of photos", at, "site", s1, policy("photo.exif.apart", "9m"), taken},
		{"what is right: a category", org, "category", category.GetRecordId(), edit(&roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{Retired: true}}}, 12), taken},
		{"what is right: a list", org, "checklist", string(directory.ChecklistID(draft, 1)), edit(&roundsv1.Record{Kind: &roundsv1.Record_Checklist{Checklist: &roundsv1.Checklist{Name: name, SeriesId: draft,
			Version: 1, Items: []*roundsv1.ChecklistItem{item}}}}), taken},
	} {
		c.m.RecordId = c.id
		if now, err := w.Engine().Record(t.Context(), c.scope, c.kind, merge.RecordID(c.id)); err != nil {
			t.Fatal(err)
		} else if now != nil {
			c.m.Base, c.m.BaseTimeUs = now.GetVersion(), now.GetTimeUs()
		}
		before, err := w.Engine().Record(t.Context(), c.scope, c.kind, merge.RecordID(c.id))
		if err != nil {
			t.Fatal(err)
		}
		got := w.device.sends(c.scope, c.m)
		if c.want == taken {
			if got.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
				t.Errorf("%s: %v", c.name, got)
			}
			continue
		}
		after, err := w.Engine().Record(t.Context(), c.scope, c.kind, merge.RecordID(c.id))
		if err != nil {
			t.Fatal(err)
		}
		if got.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED || got.GetProblem().GetCode() != c.want || got.GetProblem().GetSentence().GetZh() == "" ||
			!proto.Equal(before, after) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if got := w.Reference().Policy(at).Tiers[roundsv1.Priority_PRIORITY_NORMAL].Respond; got != 9*time.Minute {
		t.Errorf("the site's policy says %v", got)
	}
	w.site = at
	for _, role := range []roundsv1.Role{roundsv1.Role_ROLE_WORKER, roundsv1.Role_ROLE_MANAGER} {
		m := edit(siteRecord(&roundsv1.Site{Name: name}), 1)
		m.RecordId = s1
		if got := w.hired(t, role.String(), role).sends(at, m); got.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED || got.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("%v renames the site: %v", role, got)
		}
	}
}
