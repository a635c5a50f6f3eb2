package work

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The states of an inspection round.
const (
	planned         = state(roundsv1.InspectionState_INSPECTION_STATE_PLANNED)
	released        = state(roundsv1.InspectionState_INSPECTION_STATE_RELEASED)
	running         = state(roundsv1.InspectionState_INSPECTION_STATE_RUNNING)
	submitted       = state(roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED)
	inspectionQueue = state(roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW)
	approved        = state(roundsv1.InspectionState_INSPECTION_STATE_APPROVED)
	returned        = state(roundsv1.InspectionState_INSPECTION_STATE_RETURNED)
	missed          = state(roundsv1.InspectionState_INSPECTION_STATE_MISSED)
	partial         = state(roundsv1.InspectionState_INSPECTION_STATE_PARTIAL)
	excused         = state(roundsv1.InspectionState_INSPECTION_STATE_EXCUSED)
)

// Numbers of Inspection's fields that the rules write.
const (
	inspectionState       = 40
	inspectionRound       = 41
	inspectionInspector   = 42
	inspectionStateReason = 43
	inspectionFlags       = 45
)

const flagLateSync = "late_sync"

// inspectionWorkflow is the table of inspection rounds. That every item is answered is not asked here: the checklist lives in the
// organisation's scope.
func inspectionWorkflow() workflow {
	type (
		states = []state
		when   = []condition
		needs  = []condition
		then   = []effect
	)
	fresh := condition{name: "no such record yet", holds: func(j *judgement) bool { return j.Current == nil }}
	reason := condition{name: "reason given", holds: func(j *judgement) bool { return j.args.reason != "" },
		refusal: refusal{missing, "reason", "请填写原因。", "Say why."}}
	thisRound := condition{name: "the current round", holds: func(j *judgement) bool {
		return j.args.round == j.inspection().GetRound()
	},
		refusal: refusal{superseded, "round", "此操作针对另一轮巡检。请同步后查看当前一轮。",
			"This is about another round. Sync, and look at the current one."}}
	isInspector := func(j *judgement) bool { return j.Person != "" && j.inspection().GetInspectorId() == string(j.Person) }
	inspector := condition{name: "inspector", right: true, holds: func(j *judgement) bool {
		return isInspector(j) || j.inspection().GetInspectorId() == ""
	},
		refusal: refusal{noRight, "", "此巡检由他人执行。您的扫码和答案已保留,请联系班长。",
			"Somebody else walks this round. Your scans and answers are kept; talk to the foreman."}}
	notInspector := condition{name: "walked none of it", holds: func(j *judgement) bool {
		return !isInspector(j) && !slices.ContainsFunc(j.inspection().GetLabour(), func(l *roundsv1.Labour) bool { return l.GetPersonId() == string(j.Person) })
	}, refusal: refusal{noRight, "", "您执行了此巡检,须由其他人确认。", "You walked this round; somebody else has to decide."}}
	evidence := condition{name: "every photo of the answers is stored and sound", holds: (*judgement).answersStored, refusal: refusal{missing, "",
		"照片尚未全部上传并核验,不能确认。请等待,或退回补检。", "Not every photo is stored and verified. Wait, or return the round."}}

	begin := effect{"inspector = the person", func(j *judgement) { j.editInspection(inspectionInspector).InspectorId = string(j.Person) }}
	claim := effect{"inspector = the person where there is none", func(j *judgement) {
		if j.inspection().GetInspectorId() == "" {
			begin.do(j)
		}
	}}
	stateReason := effect{"state_reason", func(j *judgement) { j.editInspection(inspectionStateReason).StateReason = j.args.reason }}
	firstRound := effect{"round = 1", func(j *judgement) { j.editInspection(inspectionRound).Round = 1 }}
	nextRound := effect{"round + 1", func(j *judgement) { j.editInspection(inspectionRound).Round = j.inspection().GetRound() + 1 }}
	lateSync := effect{`flag "late_sync"`, func(j *judgement) { j.flagInspection(flagLateSync) }}
	late := effect{`flag "late"`, func(j *judgement) { j.flagInspection(flagLate) }}

	return workflow{kind: kindInspection, name: inspectionStateName, rows: []row{
		{command: Create, when: when{fresh}, to: planned, effects: then{firstRound}},
		{command: Fact, from: states{approved, excused}, effects: then{late}},
		{command: Release, from: states{planned}, to: released},
		{command: Start, from: states{released, returned}, to: running, effects: then{begin}},
		{command: Submit, from: states{running}, needs: needs{thisRound, inspector}, to: submitted, effects: then{claim}},
		{command: Submit, number: 30, from: states{missed, partial}, needs: needs{thisRound, inspector},
			to: submitted, effects: then{claim, lateSync}},
		{command: EvidenceVerified, from: states{submitted}, needs: needs{evidence}, to: inspectionQueue},
		{command: Approve, from: states{submitted}, refuse: refusal{missing, "", "照片尚未上传并核验完毕,还不能确认。请等待,或提醒巡检人上传照片。",
			"The photos are not all here and verified. Wait, or remind the inspector to upload them."}},
		{command: Approve, from: states{inspectionQueue}, needs: needs{thisRound, notInspector, evidence}, to: approved},
		{command: Return, from: states{inspectionQueue}, needs: needs{thisRound, notInspector, reason}, to: returned,
			effects: then{nextRound, stateReason}},
		{command: Excuse, from: states{missed, partial}, needs: needs{reason}, to: excused, effects: then{stateReason}},
	}}
}

func inspectionStateName(s state) State {
	if s == 0 {
		return ""
	}
	return State(strings.TrimPrefix(roundsv1.InspectionState(s).String(), "INSPECTION_STATE_"))
}

// editInspection notes that a field of the round is written and returns where its value goes.
func (j *judgement) editInspection(field uint32) *roundsv1.Inspection {
	if j.draft.inspection == nil {
		j.draft.inspection = &roundsv1.Inspection{}
	}
	j.draft.set(field)
	return j.draft.inspection
}

func (j *judgement) flagInspection(name string) {
	j.verdict.Flags = append(j.verdict.Flags, name)
	flags := j.inspection().GetFlags()
	if len(flags) < maxFlags && !slices.Contains(flags, name) {
		j.editInspection(inspectionFlags).Flags = append(slices.Clone(flags), name)
	}
}

// answersStored: whether there are answers, and each photo of theirs that is in sight is in storage, of this inspection, and sound.
func (j *judgement) answersStored() bool {
	if j.foresees {
		return true
	}
	for _, answer := range j.inspection().GetAnswers() {
		for _, id := range answer.GetPhotoIds() {
			photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
			if photo.GetHidden() == nil && (photo.GetSubject().GetId() != j.Current.GetRecordId() || !sound(photo)) {
				return false
			}
		}
	}
	return len(j.inspection().GetAnswers()) > 0
}
