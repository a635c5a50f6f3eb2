package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/directory"
)

const invalidField, missingField = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, roundsv1.ProblemCode_PROBLEM_CODE_MISSING

// cells is a table of one row, with the cells as they are: a semicolon, a comma or a line break may stand in them.
func cells(kind roundsv1.ImportKind, header string, row ...string) *roundsv1.ImportRequest {
	return &roundsv1.ImportRequest{Kind: kind, Columns: strings.Split(header, ","), Rows: []*roundsv1.ImportRow{{Line: 2, Cells: row}}}
}

// told imports a table in a dry run and really, holds that both say the same, and returns the refusals by line.
func (w *world) told(req *roundsv1.ImportRequest) map[uint32]*roundsv1.Problem {
	w.t.Helper()
	var said [2]string
	refused := map[uint32]*roundsv1.Problem{}
	for i, dry := range []bool{true, false} {
		w.clock.add(time.Second)
		req.DryRun = dry
		_, resp := w.enter(w.device, req)
		for _, r := range resp.GetResults() {
			p := r.GetProblem()
			said[i] += fmt.Sprintf("line %d %v %s %v; ", r.GetLine(), r.GetStatus(), p.GetField(), p.GetCode())
			if p != nil {
				refused[r.GetLine()] = p
				if p.GetSentence().GetZh() == "" || p.GetSentence().GetEn() == "" || strings.ContainsFunc(p.GetSentence().GetZh()+p.GetSentence().GetEn(), func(r rune) bool { return r < ' ' }) {
					w.t.Errorf("line %d: %q", r.GetLine(), p.GetSentence())
				}
			}
		}
	}
	if said[0] != said[1] {
		w.t.Errorf("%v: the check says %q, the write %q", req.GetKind(), said[0], said[1])
	}
	return refused
}

// TestAnEmptyCellIsTold: each column empty in turn, in each table; where the column is needed the row is refused by it.
func TestAnEmptyCellIsTold(t *testing.T) {
	w := found(t)
	rows := map[roundsv1.ImportKind]map[string]string{
		units:      {"code": "R9", "type": "region", "name_zh": "北方"},
		sites:      {"code": "S9", "name_zh": "望湖居", "unit": "R1"},
		holidays:   {"calendar": "demo", "date": "2027-05-01", "day": "off"},
		policies:   {"node": "R1", "key": "service.review", "value": "4h"},
		checklists: {"code": "CL9", "version": "1", "name_zh": "电梯", "item": "i01", "question_zh": "门"},
		categories: {"code": "ENG-09", "name_zh": "门"},
		places:     {"site": "S1", "code": "X9", "name_zh": "门"},
		assets:     {"site": "S1", "code": "X9", "name_zh": "门"},
		staff:      {"code": "E9", "name": "周", "site": "S1", "role": "worker"},
		plans:      {"site": "S1", "code": "X9", "name_zh": "门", "checkpoints": "PR1", "times": "08:00 daily", "window": "2h"},
	}
	for _, table := range directory.Tables() {
		var header []string
		for _, c := range table.Columns {
			if c.Needed || rows[table.Kind][c.Name] != "" {
				header = append(header, c.Name)
			}
		}
		for _, c := range table.Columns {
			columns := header
			if !slices.Contains(columns, c.Name) {
				columns = append(slices.Clone(header), c.Name)
			}
			row := make([]string, len(columns))
			for i, name := range columns {
				if name != c.Name {
					row[i] = rows[table.Kind][name]
				}
			}
			req := cells(table.Kind, strings.Join(columns, ","), row...)
			req.DryRun = true
			_, resp := w.enter(w.device, req)
			needed := c.Needed && c.Name != "value" || table.Kind == staff && c.Name == "site" // an empty value is one that is not set
			if p := resp.GetResults(); needed && (len(p) != 1 || p[0].GetLine() != 2 || p[0].GetProblem().GetField() != c.Name ||
				p[0].GetProblem().GetCode() != missingField && p[0].GetProblem().GetCode() != invalidField) {
				t.Errorf("%s.csv without %s: %v", table.Name, c.Name, resp)
			}
		}
	}
}

// TestARefusedUnitIsNotRenamed: a row that is refused leaves the tree as it was.
func TestARefusedUnitIsNotRenamed(t *testing.T) {
	w := found(t)
	p := w.told(table(units, "code,type,name_zh,parent", "HQ,group,x,R1"))[2]
	if p.GetField() != "parent" || p.GetCode() != invalidField || strings.Contains(p.GetSentence().GetEn(), "call ") {
		t.Errorf("%v", p)
	}
	root := w.node("HQ")
	if name := w.Authority().NodeName(auth.NodeID(root)); name.GetZh() != "和邻物业集团" {
		t.Errorf("the tree says %v", name)
	}
	if name := w.list(root, "unit")["HQ"].GetRecord().GetUnit().GetName(); name.GetZh() != "和邻物业集团" {
		t.Errorf("the record says %v", name)
	}
	if refused := w.told(table(units, "code,type,name_zh,parent", "HQ,group,和邻集团,")); len(refused) != 0 {
		t.Errorf("%v", refused)
	}
}

// TestPlansThatMakeNoSense are refused by the column at fault, and by a dry run as well; the others of the table are taken.
func TestPlansThatMakeNoSense(t *testing.T) {
	w := found(t)
	const header = "site,code,name_zh,checklist,checkpoints,min_gap,max_gap,times,window"
	rule := func(text string) string { return "DTSTART:20240101T080000\nRRULE:" + text }
	for _, c := range []struct {
		name, checklist, checkpoints, least, most, times string
		column                                           string // "": it is taken
	}{
		{"a checkpoint twice", "CL1", "B2;B2", "", "", "08:00 daily", "checkpoints"},
		{"nothing to do", "", "", "", "", "08:00 daily", "checkpoints"},
		{"a list alone", "CL1", "", "", "", "08:00 daily", ""},
		{"checkpoints alone", "", "B2;PR1", "", "", "08:00 daily", ""},
		{"gaps that exclude each other", "CL1", "B2;PR1", "20m", "5m", "08:00 daily", "min_gap"},
		{"the same gaps", "CL1", "B2;PR1", "5m", "5m", "08:00 daily", ""},
		{"a least gap alone", "CL1", "B2;PR1", "5m", "", "08:00 daily", ""},
		{"the 30th of February", "CL1", "B2", "", "", rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "times"},
		{"the 29th", "CL1", "B2", "", "", rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"), ""},
		{"all of it past", "CL1", "B2", "", "", rule("FREQ=DAILY;UNTIL=20240201"), "times"},
		{"a rule without its beginning", "CL1", "B2", "", "", "RRULE:FREQ=DAILY", "times"},
		{"a rule alone", "CL1", "B2", "", "", "FREQ=DAILY", "times"},
	} {
		p := w.told(cells(plans, header, "S1", "P-"+strings.ReplaceAll(c.name, " ", "-"), c.name, c.checklist, c.checkpoints, c.least, c.most, c.times, "2h"))[2]
		if p.GetField() != c.column {
			t.Errorf("%s: %v", c.name, p)
		}
		if strings.Contains(c.times, "FREQ=DAILY") && !strings.Contains(c.times, "UNTIL") && (!strings.Contains(p.GetSentence().GetEn(), "DTSTART") || !strings.Contains(p.GetSentence().GetZh(), "DTSTART")) {
			t.Errorf("%s: %v", c.name, p)
		}
	}
	if refused := w.told(table(plans, "site,code,name_zh,checkpoints,times,window", "S1,T1,两次,B2;B2,08:00 daily,1h", "S1,T2,一次,B2,08:00 daily,1h")); len(refused) != 1 || refused[2].GetField() != "checkpoints" {
		t.Errorf("%v", refused)
	}
	s1 := w.node("S1")
	_, err := w.admin().PutDirectory(t.Context(), as(w.device, &roundsv1.PutDirectoryRequest{NodeId: s1, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Plan{
		Plan: &roundsv1.Plan{Name: &roundsv1.Text{Zh: "空"}, Recurrence: rule("FREQ=DAILY"), WindowUs: 1}}}}}))
	if code, p := problemOf(t, err); code != connect.CodeInvalidArgument && code != connect.CodeFailedPrecondition || p.GetField() != "edit.record.plan.checkpoint_ids" {
		t.Errorf("put: %v %v", code, p)
	}
}
