package work_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/checklist"
)

// TestPlansWithNoSense: a plan that makes no round, or one in which nothing can be done, is refused where it is made and where it becomes one; whoever edits something else of one that
// stands is not asked.
func TestPlansWithNoSense(t *testing.T) {
	now := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	const daily = "DTSTART:20260101T080000\nRRULE:FREQ=DAILY"
	places := world{gate: {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{}}}, pit: {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{}}}}
	judge := func(before, p *roundsv1.Plan, fields ...uint32) *roundsv1.Problem {
		var current *roundsv1.Change
		if before != nil {
			current = planChange(before)
		}
		c := caseOf("plan", current, &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: p}}, Fields: fields}, true)
		c.Time, c.Lookup = now, places.lookup
		return work.New(work.Config{Reference: library{8}}).Judge(c).Problem
	}
	whole := func(change func(*roundsv1.Plan)) *roundsv1.Plan {
		p := &roundsv1.Plan{ChecklistId: uid("list"), CheckpointIds: []string{gate, pit}, Recurrence: daily, WindowUs: 1}
		change(p)
		return p
	}
	rule := func(text string) func(*roundsv1.Plan) { return func(p *roundsv1.Plan) { p.Recurrence = text } }
	gaps := func(least, most int64) func(*roundsv1.Plan) {
		return func(p *roundsv1.Plan) { p.Route = &roundsv1.Route{MinGapUs: least, MaxGapUs: most} }
	}
	for _, c := range []struct {
		name   string
		change func(*roundsv1.Plan)
		field  string
		number uint32
	}{
		{"nothing to do", func(p *roundsv1.Plan) { p.ChecklistId, p.CheckpointIds = "", nil }, "checkpoint_ids", 3},
		{"a list alone", func(p *roundsv1.Plan) { p.CheckpointIds = nil }, "", 3},
		{"checkpoints alone", func(p *roundsv1.Plan) { p.ChecklistId = "" }, "", 2},
		{"gaps that exclude each other", gaps(2, 1), "route.min_gap_us", 4},
		{"equal gaps", gaps(2, 2), "", 4},
		{"a least gap alone", gaps(2, 0), "", 4},
		{"a day that there is not", rule("DTSTART:20260101T080000\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "recurrence", 5},
		{"the 29th of February", rule("DTSTART:20260101T080000\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"), "", 5},
		{"all past", rule("DTSTART:20260101T080000\nRRULE:FREQ=DAILY;COUNT=30"), "recurrence", 5},
		{"once, past", rule("DTSTART:20260629T080000"), "recurrence", 5},
		{"once, today", rule("DTSTART:20260701T070000"), "", 5},
		{"once, far from now", rule("DTSTART:21500701T070000"), "", 5},
	} {
		p := whole(c.change)
		field := ""
		if c.field != "" {
			field = "edit.record.plan." + c.field
		}
		for how, got := range map[string]*roundsv1.Problem{"made": judge(nil, p), "edited": judge(whole(func(*roundsv1.Plan) {}), p, 2, 3, 4, 5), "by its field": judge(whole(c.change), p, c.number)} {
			if got.GetField() != field {
				t.Errorf("%s, %s: %v", c.name, how, got)
			} else if got != nil {
				checkProblem(t, got)
			}
		}
		if got := judge(p, &roundsv1.Plan{Suspended: true}, 9); got != nil {
			t.Errorf("%s: its other fields: %v", c.name, got)
		}
	}
	if got := judge(whole(func(*roundsv1.Plan) {}), &roundsv1.Plan{Recurrence: "every day"}); got.GetField() != "edit.record.plan.recurrence" {
		t.Errorf("an edit that names no fields: %v", got)
	}
	if got := judge(whole(func(p *roundsv1.Plan) { p.ChecklistId = "" }), &roundsv1.Plan{}, 3); got.GetField() != "edit.record.plan.checkpoint_ids" {
		t.Errorf("the last of what there is to do: %v", got)
	}
}

// TestARoundWithoutCheckpointsStarts: a list alone has nothing to scan, so its round begins without a tag; one with a route does not.
func TestARoundWithoutCheckpointsStarts(t *testing.T) {
	for want, checkpoints := range map[roundsv1.ProblemCode][]string{0: nil, roundsv1.ProblemCode_PROBLEM_CODE_MISSING: {gate}} {
		round := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RELEASED, ChecklistId: uid("list"), ChecklistVersion: 8, CheckpointIds: checkpoints, Round: 1}
		c := caseOf("inspection", change(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: round}}), &roundsv1.InspectionCommand{
			Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{}}}, true)
		if v := work.New(work.Config{Reference: library{8}}).Judge(c); v.Problem.GetCode() != want || v.Park != 0 {
			t.Errorf("%v: %+v", checkpoints, v)
		}
	}
}

// TestVersionsGoUp: no version is published below one that is, whether it is made so or was a draft; what is no version of it yet may be written to.
func TestVersionsGoUp(t *testing.T) {
	for _, c := range []struct {
		name    string
		version uint32
		current *roundsv1.Record
		edit    *roundsv1.Edit
		refused bool
	}{
		{"made below", 7, nil, &roundsv1.Edit{}, true},
		{"made again", 8, nil, &roundsv1.Edit{}, true},
		{"made above", 9, nil, &roundsv1.Edit{}, false},
		{"a draft is published below", 7, &roundsv1.Record{}, &roundsv1.Edit{Fields: []uint32{5}}, true},
		{"a draft is written to", 7, &roundsv1.Record{}, &roundsv1.Edit{Fields: []uint32{1}}, false},
		{"a draft is published above", 9, &roundsv1.Record{}, &roundsv1.Edit{Fields: []uint32{5}}, false},
	} {
		var current *roundsv1.Change
		if c.current != nil {
			current = change(listRecord(func(l *roundsv1.Checklist) { l.Version, l.Published = c.version, false }))
		}
		c.edit.Record = listRecord(func(l *roundsv1.Checklist) { l.Version = c.version })
		g := caseOf("checklist", current, c.edit, true)
		g.Scope, g.Roles, g.Mutation.RecordId = "org/"+siteScope[len("site/"):], []roundsv1.Role{roundsv1.Role_ROLE_ADMIN}, string(checklist.RecordID(uid("list"), c.version))
		v := work.New(work.Config{Reference: library{8}}).Judge(g)
		if (v.Problem != nil) != c.refused || c.refused && (v.Problem.GetFacts()["newest"] != "8" || v.Problem.GetField() != "edit.record.checklist.version") {
			t.Errorf("%s: %v", c.name, v.Problem)
		} else if c.refused {
			checkProblem(t, v.Problem)
		}
	}
}
