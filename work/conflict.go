package work

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The states of an open question.
const (
	openQuestion = state(roundsv1.ConflictState_CONFLICT_STATE_OPEN)
	resolved     = state(roundsv1.ConflictState_CONFLICT_STATE_RESOLVED)
)

// Numbers of Conflict's fields that the rules write.
const (
	conflictSides      = 11
	conflictState      = 40
	conflictResolution = 41
	conflictResolvedBy = 42
	conflictOwner      = 43
	conflictDecision   = 44
	conflictReason     = 45
)

// Decider says which role may decide questions of a type.
type Decider struct {
	Type roundsv1.ConflictType
	Role roundsv1.Role
}

// Deciders returns who decides what waits, besides the right to admit and to dismiss. Questions of CONFLICT_TYPE_ASK are decided by editing
// the field. The slice is the caller's.
func Deciders() []Decider {
	var all []Decider
	for _, q := range Questions() {
		for _, role := range q.Deciders {
			all = append(all, Decider{q.Type, role})
		}
	}
	return all
}

// conflictWorkflow is the table of what waits for a person.
func conflictWorkflow() workflow {
	type (
		states = []state
		when   = []condition
		needs  = []condition
		then   = []effect
	)
	deciders := map[roundsv1.ConflictType]uint64{}
	for _, d := range Deciders() {
		deciders[d.Type] |= bit(d.Role)
	}
	ask := condition{name: "two values of a field", holds: func(j *judgement) bool {
		return j.conflict().GetType() == roundsv1.ConflictType_CONFLICT_TYPE_ASK
	}}
	nothing := condition{name: "no mutation waits", holds: func(j *judgement) bool { return j.conflict().GetJournalSeq() == 0 }}
	decider := condition{name: "decides questions of this type", right: true, holds: func(j *judgement) bool {
		return j.foresees || deciders[j.conflict().GetType()]&bits(j.Roles) != 0
	}, refusal: refusal{noRight, "", "此类事项须由主管或项目经理决定,请联系他们。",
		"Questions of this type are for a supervisor or manager. Ask one of them."}}
	another := condition{name: "did not do it", holds: func(j *judgement) bool {
		return j.Person == "" || j.conflict().GetPersonId() != string(j.Person)
	}, refusal: refusal{noRight, "", "这是您自己的操作,须由其他人决定是否采纳。", "You did this yourself; somebody else has to let it in."}}
	reason := condition{name: "reason given", holds: func(j *judgement) bool { return j.args.reason != "" },
		refusal: refusal{missing, "reason", "请填写原因。", "Say why."}}
	editField := refusal{badState, "", "请直接修改该字段为正确的值,此事项会自动关闭。",
		"Edit the field to the right value instead; the question then closes by itself."}

	resolve := func(how string) effect {
		return effect{`resolution "` + how + `", resolved by the person`, func(j *judgement) {
			j.editConflict(conflictResolution).Resolution = how
			j.editConflict(conflictResolvedBy).ResolvedById = string(j.Person)
		}}
	}
	admit := effect{"the mutation that waits is judged again as admitted", func(j *judgement) { j.verdict.Admit = j.conflict().GetJournalSeq() }}

	return workflow{kind: kindConflict, name: conflictStateName, rows: []row{
		{command: Admit, from: states{openQuestion}, when: when{ask}, refuse: editField},
		{command: Admit, from: states{openQuestion},
			when: when{nothing}, refuse: refusal{badState, "", "没有等待采纳的操作。处理完后请选择「不予采纳」关闭此事项。",
				"Nothing waits to be let in. Deal with the records, then dismiss the question."}},
		{command: Admit, from: states{openQuestion}, needs: needs{decider, another},
			to: resolved, effects: then{resolve("admitted"), admit}},
		{command: Dismiss, from: states{openQuestion}, when: when{ask}, refuse: editField},
		{command: Dismiss, from: states{openQuestion}, needs: needs{decider, reason},
			to: resolved, effects: then{resolve("dismissed")}},
	}}
}

func conflictStateName(s state) State {
	if s == 0 {
		return ""
	}
	return State(strings.TrimPrefix(roundsv1.ConflictState(s).String(), "CONFLICT_STATE_"))
}

// editConflict notes that a field of the question is written and returns where its value goes.
func (j *judgement) editConflict(field uint32) *roundsv1.Conflict {
	if j.draft.conflict == nil {
		j.draft.conflict = &roundsv1.Conflict{}
	}
	j.draft.set(field)
	return j.draft.conflict
}
