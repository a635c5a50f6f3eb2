package work_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/checklist"
)

func listRecord(changes ...func(*roundsv1.Checklist)) *roundsv1.Record {
	list := &roundsv1.Checklist{Name: &roundsv1.Text{En: "Pumps"}, Version: 3, SeriesId: uid("list"), Published: true, Items: []*roundsv1.ChecklistItem{
		{Id: "gutter", Question: &roundsv1.Text{En: "Gutter"}, Weight: 1}}}
	for _, change := range changes {
		change(list)
	}
	return &roundsv1.Record{Kind: &roundsv1.Record_Checklist{Checklist: list}}
}

// TestPublishedListsStay: what crews have begun with is changed by nobody, by whatever kind of act, and by a person's word on what was kept neither.
func TestPublishedListsStay(t *testing.T) {
	rules := work.New(work.Config{})
	draft := func(l *roundsv1.Checklist) { l.Published = false }
	harder := func(l *roundsv1.Checklist) { l.Items[0].Weight = 9 }
	edit := func(fields []uint32, changes ...func(*roundsv1.Checklist)) *roundsv1.Edit {
		return &roundsv1.Edit{Record: listRecord(changes...), Fields: fields}
	}
	for name, c := range map[string]struct {
		current *roundsv1.Record
		act     any
		refused bool
	}{
		"questions":          {listRecord(), edit([]uint32{3}, harder), true},
		"no questions":       {listRecord(), edit([]uint32{3}, func(l *roundsv1.Checklist) { l.Items = nil }), true},
		"another version":    {listRecord(), edit([]uint32{2}, func(l *roundsv1.Checklist) { l.Version = 4 }), true},
		"another series":     {listRecord(), edit([]uint32{4}, func(l *roundsv1.Checklist) { l.SeriesId = uid("other") }), true},
		"a draft again":      {listRecord(), edit([]uint32{5}, draft), true},
		"all of it":          {listRecord(), edit(nil, harder), true},
		"a fact":             {listRecord(), &roundsv1.Fact{Record: listRecord(harder)}, true},
		"the same again":     {listRecord(), edit([]uint32{2, 3, 4, 5}), false},
		"the same, whole":    {listRecord(), edit(nil), false},
		"its name":           {listRecord(), edit([]uint32{1}, harder), false},
		"questions, a draft": {listRecord(draft), edit([]uint32{3}, harder, draft), false},
		"to publish it":      {listRecord(draft), edit([]uint32{3, 5}, harder), false},
	} {
		for _, admitted := range []bool{false, true} {
			g := caseOf("checklist", change(c.current), c.act, true)
			g.Scope, g.Admitted = "org/"+siteScope[len("site/"):], admitted
			g.Roles = append(g.Roles, roundsv1.Role_ROLE_ADMIN)
			v := rules.Judge(g)
			if _, fact := c.act.(*roundsv1.Fact); fact && !admitted {
				continue // nobody has the right to say facts of lists
			}
			if (v.Problem != nil) != c.refused || v.Park != 0 {
				t.Errorf("%s, admitted %v: %v", name, admitted, v)
			} else if c.refused {
				checkProblem(t, v.Problem)
				if v.Problem.GetCode() != codeState {
					t.Errorf("%s: %v", name, v.Problem)
				}
			}
		}
	}
}

// TestAVersionIsMadeOnce: a second record of a version is not taken, and one from before there were series is.
func TestAVersionIsMadeOnce(t *testing.T) {
	for id, want := range map[string]bool{string(checklist.RecordID(uid("list"), 3)): true, string(checklist.RecordID(uid("list"), 4)): false, uid("record"): false} {
		g := caseOf("checklist", nil, &roundsv1.Edit{Record: listRecord()}, false)
		g.Scope, g.Mutation.RecordId, g.Roles = "org/"+siteScope[len("site/"):], id, []roundsv1.Role{roundsv1.Role_ROLE_ADMIN}
		if v := work.New(work.Config{}).Judge(g); (v.Problem == nil) != want {
			t.Errorf("%s: %v", id, v.Problem)
		}
	}
	g := caseOf("checklist", nil, &roundsv1.Edit{Record: listRecord(func(l *roundsv1.Checklist) { l.SeriesId = "" })}, false)
	g.Scope, g.Roles = "org/"+siteScope[len("site/"):], []roundsv1.Role{roundsv1.Role_ROLE_ADMIN}
	if v := work.New(work.Config{}).Judge(g); v.Problem != nil {
		t.Errorf("%v", v.Problem)
	}
}
