package work

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/recurrence"
)

// Numbers of Plan's fields that the rules look at.
const (
	planChecklist   = 2
	planCheckpoints = 3
	planRoute       = 4
	planRecurrence  = 5
	planWindow      = 7
)

// planWorkflow is what is asked of plans: they have no states.
func planWorkflow() workflow {
	plan := aboutPlans()
	needs := []condition{plan.rule, plan.window, plan.something, plan.gaps, plan.comes, plan.places, plan.list}
	return workflow{kind: kindPlan, name: noState, rows: []row{{command: Create, needs: needs}, {command: Edit, needs: needs}}}
}

// planTerms are about what a plan says: each part is asked about where it is written.
type planTerms struct {
	rule, comes, window, something, places, list, gaps condition
}

func aboutPlans() planTerms {
	return planTerms{
		rule: condition{
			name:  "the recurrence is understood",
			holds: (*judgement).planUnderstood,
			refusal: refusal{invalid, "recurrence", "重复规则无法识别（{part}），请检查后重新填写，例如 DTSTART:20260101T080000 换行 RRULE:FREQ=DAILY。",
				"The recurrence is not understood ({part}). Write it as DTSTART:20260101T080000, and on the next line RRULE:FREQ=DAILY."},
			facts: (*judgement).ruleFacts,
		},
		comes: condition{
			name:  "the recurrence comes, within ten years",
			holds: (*judgement).planComes,
			refusal: refusal{invalid, "recurrence", "按此重复规则，今后十年内不会有任何一次巡检：日期不存在，或都已过去。请检查日期。",
				"By this recurrence no round ever comes within ten years: there is no such day, or all of them have passed. Check its days."},
		},
		window: condition{
			name:    "the window is longer than nothing",
			holds:   func(j *judgement) bool { return !j.writes(planWindow) || j.written().GetPlan().GetWindowUs() > 0 },
			refusal: refusal{invalid, "window_us", "请填写巡检时间窗口的长度。", "Say how long the window of a round is."},
		},
		something: condition{
			name:  "it has checkpoints to visit, or a checklist to answer",
			holds: (*judgement).planAsksSomething,
			refusal: refusal{missing, "checkpoint_ids", "请填写检查点或检查表，至少一项：两者都没有，巡检无事可做。",
				"Name checkpoints, or a checklist: a round with neither has nothing to do."},
		},
		places: condition{
			name:    "each checkpoint is a place of the site, named once",
			holds:   (*judgement).planVisitsPlaces,
			refusal: refusal{invalid, "checkpoint_ids", "检查点须是本项目的地点，且不能重复。", "Each checkpoint has to be a place of this site, and named once."},
		},
		list: condition{
			name:  "the checklist is published, where the organisation's lists are known",
			holds: (*judgement).planListPublished,
			refusal: refusal{unknownVersion, "checklist_id", "检查表不存在或尚未发布，请先发布检查表。",
				"There is no such checklist, or no version of it is published. Publish it first."},
		},
		gaps: condition{
			name:  "the least time between two checkpoints is not above the greatest",
			holds: (*judgement).planGapsFit,
			refusal: refusal{invalid, "route.min_gap_us", "两点间最短间隔大于最长间隔，每次到访都会被标记。请改正其一。",
				"The least time between two checkpoints is above the greatest, so every visit would be marked. Mend one of them."},
		},
	}
}

func (j *judgement) planUnderstood() bool {
	if !j.writes(planRecurrence) {
		return true
	}
	_, err := recurrence.Parse(j.written().GetPlan().GetRecurrence())
	return err == nil
}

// ruleFacts are which part of the recurrence is not understood, and what stands there else.
func (j *judgement) ruleFacts() map[string]string {
	part, want := "", ""
	_, err := recurrence.Parse(j.written().GetPlan().GetRecurrence())
	if wrong := (*recurrence.RuleError)(nil); errors.As(err, &wrong) {
		part, want = wrong.Part, wrong.Want
	}
	if part == "" {
		part = "DTSTART, RRULE"
	}
	return map[string]string{"part": part, "want": want}
}

func (j *judgement) planAsksSomething() bool {
	if !j.writes(planChecklist) && !j.writes(planCheckpoints) {
		return true
	}
	p := j.planned()
	return p.GetChecklistId() != "" || len(p.GetCheckpointIds()) > 0
}

func (j *judgement) planVisitsPlaces() bool {
	if !j.writes(planCheckpoints) {
		return true
	}
	checkpoints := j.written().GetPlan().GetCheckpointIds()
	sorted := slices.Sorted(slices.Values(checkpoints))
	return len(slices.Compact(sorted)) == len(checkpoints) &&
		(j.foresees || !slices.ContainsFunc(checkpoints, func(id string) bool { return j.lookup(kindPlace, id) == nil }))
}

func (j *judgement) planListPublished() bool {
	id := j.written().GetPlan().GetChecklistId()
	return !j.writes(planChecklist) || id == "" || !j.knowsChecklists() || j.reference.Checklist(j.Scope, id, 0) != nil
}

func (j *judgement) planGapsFit() bool {
	route := j.written().GetPlan().GetRoute()
	return !j.writes(planRoute) || route.GetMaxGapUs() == 0 || route.GetMinGapUs() <= route.GetMaxGapUs()
}

// writes: whether the mutation sets a field of the record. What makes a record sets all.
func (j *judgement) writes(field uint32) bool {
	fields := j.Mutation.GetEdit().GetFields()
	if j.op == Create {
		return true
	}
	if len(fields) == 0 { // what names no fields puts those that it sets
		m := j.written().GetPlan().ProtoReflect()
		return m.Has(m.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(field)))
	}
	return slices.Contains(fields, field)
}

// planned is the plan as the mutation leaves it, as far as what a round does is concerned.
func (j *judgement) planned() *roundsv1.Plan {
	before, after := j.Current.GetRecord().GetPlan(), &roundsv1.Plan{ChecklistId: j.written().GetPlan().GetChecklistId(), CheckpointIds: j.written().GetPlan().GetCheckpointIds()}
	if !j.writes(planChecklist) {
		after.ChecklistId = before.GetChecklistId()
	}
	if !j.writes(planCheckpoints) {
		after.CheckpointIds = before.GetCheckpointIds()
	}
	return after
}

// planComes: whether the recurrence that is written begins a round, from the day before the act on: whatever the site's time zone, today is not over.
func (j *judgement) planComes() bool {
	if !j.writes(planRecurrence) {
		return true
	}
	rule, err := recurrence.Parse(j.written().GetPlan().GetRecurrence())
	return err != nil || rule.Comes(j.Time.AddDate(0, 0, -1))
}

// knowsChecklists: whether the reference knows lists at all. Without a directory a plan may name any.
func (j *judgement) knowsChecklists() bool {
	_, none := j.reference.(unknown)
	return !none
}
