package server_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestATagIsOnePlaces: devices find a checkpoint by what its tag says, so no second place of the site says the same.
func TestATagIsOnePlaces(t *testing.T) {
	w := found(t)
	if refused := w.told(table(places, "site,code,name_zh,tag", "S1,G1,门1,TAG-1", "S1,G2,门2,TAG-2", "S2,G1,门1,TAG-1")); len(refused) != 0 {
		t.Fatalf("%v", refused)
	}
	refusedBy := func(what string, p *roundsv1.Problem, has string) {
		t.Helper()
		if p.GetField() != "tag" || p.GetCode() != invalidField || p.GetFacts()["place"] != has || !strings.Contains(p.GetSentence().GetZh(), has) {
			t.Errorf("%s: %v", what, p)
		}
	}
	refusedBy("a new place", w.told(table(places, "site,code,name_zh,tag", "S1,G3,门3,TAG-1"))[2], "G1")
	refusedBy("one that stands", w.told(table(places, "site,code,tag", "S1,B2,TAG-2"))[2], "G2")
	refusedBy("within a table", w.told(table(places, "site,code,name_zh,tag", "S1,G4,门4,TAG-4", "S1,G5,门5,TAG-4"))[3], "G4")
	put := func(id, tag string, fields ...uint32) error {
		place := &roundsv1.Place{Tag: tag}
		if len(fields) == 0 {
			place.Code, place.Name = "G9", &roundsv1.Text{Zh: "门9"}
		}
		_, err := w.admin().PutDirectory(t.Context(), as(w.device, &roundsv1.PutDirectoryRequest{NodeId: w.node("S1"), RecordId: id,
			Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: place}}, Fields: fields}}))
		return err
	}
	_, p := problemOf(t, put(uuid.NewString(), "TAG-1"))
	refusedBy("a call", p, "G1")
	b2 := w.list(w.node("S1"), "place")["B2"].GetRecordId()
	_, p = problemOf(t, put(b2, "TAG-1", 5))
	refusedBy("a call that edits", p, "G1")
	// A tag moves to another place when the first lets it go, in one table too.
	if refused := w.told(table(places, "site,code,tag", "S1,G1,", "S1,B2,TAG-1")); len(refused) != 0 {
		t.Errorf("%v", refused)
	}
}

// TestAListThatNobodyCouldPass is refused, and versions go up.
func TestAListThatNobodyCouldPass(t *testing.T) {
	w := found(t)
	const header = "code,version,name_zh,item,question_zh,weight,unit,low,high,least,greatest"
	for _, c := range []struct{ code, weight, unit, low, high, least, greatest, column string }{
		{"A1", "1", "bar", "0", "10", "5", "8", "least"},
		{"A2", "1", "bar", "6", "10", "5", "8", "greatest"},
		{"A3", "1", "bar", "6", "8", "5", "8", ""},
		{"A4", "1", "bar", "9", "", "", "8", "greatest"},
		{"A5", "1", "bar", "", "4", "5", "", "least"},
		{"A6", "1e300", "", "", "", "", "", "weight"},
		{"A7", "1", "", "5", "", "", "", "unit"},
		{"A8", "1000", "1", "5", "", "", "", ""},
	} {
		if p := w.told(table(checklists, header, strings.Join([]string{c.code, "1", "表", "i01", "压力", c.weight, c.unit, c.low, c.high, c.least, c.greatest}, ",")))[2]; p.GetField() != c.column {
			t.Errorf("%s: %v, want %q", c.code, p, c.column)
		}
	}
	version := func(code string, version ...string) *roundsv1.ImportRequest {
		lines := []string{"code,version,name_zh,item,question_zh"}
		for _, v := range version {
			lines = append(lines, code+","+v+",表,i01,门")
		}
		return table(checklists, lines...)
	}
	for _, c := range []struct {
		req     *roundsv1.ImportRequest
		refused string
	}{{version("B1", "5"), ""}, {version("B1", "4"), "version"}, {version("B1", "5"), ""}, {version("B1", "6"), ""}, {version("B1", "5", "6"), ""}, {version("B2", "1", "2"), ""}} {
		if p := w.told(c.req)[2]; p.GetField() != c.refused {
			t.Errorf("%v: %v", c.req.GetRows(), p)
		}
	}
	if p := w.told(version("B3", "5", "4")); len(p) != 1 || p[3].GetField() != "version" {
		t.Errorf("%v", p)
	}
}

// TestCodesThatCannotBeUsed are refused, whatever they are of.
func TestCodesThatCannotBeUsed(t *testing.T) {
	w := found(t)
	for _, code := range []string{"A;B", "A；B", "A\x1b[31m", "A\x00B", "A\nB", "A\u200bB", "A\u2028B"} {
		for column, req := range map[string]*roundsv1.ImportRequest{
			"code":     cells(places, "site,code,name_zh", "S1", code, "门"),
			"calendar": cells(holidays, "calendar,date,day", code, "2027-05-01", "off"),
			"item":     cells(checklists, "code,version,name_zh,item,question_zh", "C1", "1", "表", code, "门"),
		} {
			if p := w.told(req)[2]; p.GetField() != column || p.GetCode() != invalidField {
				t.Errorf("%s %q: %v", column, code, p)
			}
		}
		for _, req := range []*roundsv1.ImportRequest{cells(units, "code,type,name_zh", code, "region", "北"), cells(sites, "code,name_zh", code, "居"), cells(staff, "code,name,site", code, "周", "S1"),
			cells(assets, "site,code,name_zh", "S1", code, "门"), cells(categories, "code,name_zh", code, "门"), cells(checklists, "code,version,name_zh,item,question_zh", code, "1", "表", "i01", "门"),
			cells(plans, "site,code,name_zh,checkpoints,times,window", "S1", code, "门", "B2", "08:00 daily", "1h")} {
			if p := w.told(req)[2]; p.GetField() != "code" || p.GetCode() != invalidField {
				t.Errorf("%v %q: %v", req.GetKind(), code, p)
			}
		}
	}
	for _, code := range []string{" A", "A ", "A;B", "A\tB"} {
		_, err := w.admin().PutDirectory(t.Context(), as(w.device, &roundsv1.PutDirectoryRequest{NodeId: w.node("S1"), Edit: &roundsv1.Edit{Record: &roundsv1.Record{
			Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Code: code, Name: &roundsv1.Text{Zh: "门"}}}}}}))
		if _, p := problemOf(t, err); p.GetField() != "code" || p.GetCode() != invalidField {
			t.Errorf("put %q: %v", code, p)
		}
		_, err = w.admin().CreateNode(t.Context(), as(w.device, &roundsv1.CreateNodeRequest{NodeId: uuid.NewString(), ParentId: w.node("R1D1"), Type: roundsv1.NodeType_NODE_TYPE_SITE,
			Name: &roundsv1.Text{Zh: "居"}, Code: code}))
		if _, p := problemOf(t, err); p.GetField() != "code" || p.GetCode() != invalidField {
			t.Errorf("create node %q: %v", code, p)
		}
	}
}

// TestRefusalsNameCodes: what people wrote as a code is told as a code, and what stands below is told by its line.
func TestRefusalsNameCodes(t *testing.T) {
	w := found(t)
	w.enter(w.device, table(places, "site,code,name_zh,parent", "S1,T1,1栋,", "S1,T1-ST1,1单元,T1"))
	const header = "site,code,name_zh,parent"
	for _, c := range []struct {
		name string
		rows []string
		says map[uint32]string
	}{
		{"below itself", []string{"S1,T1,1栋,T1-ST1"}, map[uint32]string{2: "T1-ST1"}},
		{"itself", []string{"S1,T1,1栋,T1"}, map[uint32]string{2: `"T1"`}},
		{"a new one, itself", []string{"S1,N1,1栋,N1"}, map[uint32]string{2: "itself"}},
		{"two new ones, each within the other", []string{"S1,N2,1栋,N3", "S1,N3,1栋,N2"}, map[uint32]string{2: "N3, in line 3, stands below N2", 3: "N2"}},
		{"below one that is refused", []string{"S1,N7,,", "S1,N8,1栋,N7"}, map[uint32]string{3: "line 2 is refused"}},
		{"out of order", []string{"S1,N5,1栋,N6", "S1,N6,1栋,"}, map[uint32]string{2: "line 3"}},
		{"two that stand, each within the other", []string{"S1,B2,x,PR1"}, map[uint32]string{2: "PR1"}},
	} {
		refused := w.told(table(places, append([]string{header}, c.rows...)...))
		for line, says := range c.says {
			p := refused[line]
			if p.GetField() != "parent" || !strings.Contains(p.GetSentence().GetEn(), says) || strings.Contains(p.GetSentence().GetZh()+p.GetSentence().GetEn(), "-4") {
				t.Errorf("%s, line %d: %v", c.name, line, p)
			}
			if line == 2 && strings.Contains(p.GetSentence().GetEn(), "import the places") {
				t.Errorf("%s: %v", c.name, p)
			}
		}
	}
}

// TestASettingNamesACalendarThatThereIs: by a table, by a call, and by a table of which the calendar is only foreseen.
func TestASettingNamesACalendarThatThereIs(t *testing.T) {
	w := found(t)
	for code, field := range map[string]string{"nope": "value", "cn": "", "demo": ""} {
		if p := w.told(table(policies, "node,key,value", "S2,service.calendar,"+code))[2]; p.GetField() != field {
			t.Errorf("%s: %v", code, p)
		}
	}
	req := table(policies, "node,key,value", "S1,service.calendar,next")
	req.DryRun, req.Assumed = true, []*roundsv1.ImportAssumption{{Kind: holidays, Code: "next"}}
	if got, resp := w.enter(w.device, req); !strings.HasSuffix(got, " 0 refused") {
		t.Errorf("foreseen: %v", resp)
	}
	empty := start(t) // nothing was written yet
	req = table(policies, "node,key,value", "R1,service.calendar,nope", "R1,service.review,4h")
	req.DryRun, req.Assumed = true, []*roundsv1.ImportAssumption{{Kind: units, Code: "R1"}}
	if got, resp := empty.enter(empty.device, req); got != "1 created, 0 changed, 0 unchanged, 1 refused" || resp.GetResults()[0].GetProblem().GetField() != "value" {
		t.Errorf("in an empty organisation: %v", resp)
	}
	_, err := w.admin().SetPolicy(t.Context(), as(w.device, &roundsv1.SetPolicyRequest{NodeId: w.node("R1"), Set: map[string]string{"service.calendar": "nope"}}))
	if _, p := problemOf(t, err); p.GetField() != "set[service.calendar]" || !strings.Contains(p.GetSentence().GetEn(), "nope") {
		t.Errorf("set: %v", p)
	}
	_, err = w.admin().PutDirectory(t.Context(), as(w.device, &roundsv1.PutDirectoryRequest{NodeId: w.node("S1"), Edit: &roundsv1.Edit{Fields: []uint32{4},
		Record: &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{Policy: map[string]string{"service.calendar": "nope"}}}}}}))
	if _, p := problemOf(t, err); p.GetField() != "value" {
		t.Errorf("put: %v", p)
	}
}
