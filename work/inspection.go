package work

import (
	"strconv"
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
	inspectionList        = 1
	inspectionVersion     = 2
	inspectionAnswers     = 7
	inspectionState       = 40
	inspectionRound       = 41
	inspectionInspector   = 42
	inspectionStateReason = 43
	inspectionScore       = 44
	inspectionFlags       = 45
	inspectionVisits      = 46
	inspectionProvisional = 47
	inspectionFailed      = 48
	inspectionReviews     = 49
	inspectionCompletions = 50
	inspectionGraceEnd    = 52
	inspectionTally       = 53
	inspectionShown       = 54
	inspectionPerformers  = 55
)

const (
	flagLateSync    = "late_sync"
	maxRoundReviews = 256
)

// inspectionWorkflow is the table of inspection rounds. Where the checklist is not known here, nothing is asked of the answers.
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
	inspector := condition{name: "inspector", right: true, holds: func(j *judgement) bool {
		return j.inspection().GetInspectorId() == "" || j.inspection().GetInspectorId() == string(j.Person)
	},
		refusal: refusal{noRight, "", "此巡检由他人执行。您的扫码和答案已保留,请联系班长。",
			"Somebody else walks this round. Your scans and answers are kept; talk to the foreman."}}
	meant := condition{name: "meant to walk it, or nobody is", right: true, holds: func(j *judgement) bool {
		who := j.inspection().GetAssigneeId()
		return who == "" || who == string(j.Person) || j.leads()
	}, refusal: refusal{noRight, "", "此巡检已安排给他人。如由您执行,请联系班长。", "This round was given to somebody else. If you are to walk it, ask the foreman."}}
	notInspector := condition{name: "walked none of it", holds: func(j *judgement) bool { return !j.walked() && !fullOfWalkers(j.inspection()) },
		refusal: refusal{roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK, "", "您执行了此巡检,须由其他人确认。", "You walked this round; somebody else has to decide."},
		instead: func(j *judgement) *roundsv1.Problem {
			if j.walked() {
				return nil
			}
			return j.problem(roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK, "", "此巡检记录的执行人已满,无法确定谁没有参与,不能确认。请另建巡检重新检查。",
				"There is no room for another name among those who walked this round, so nobody can be shown to have had no part in it. Make another round, and have it walked.")
		}}
	evidence := condition{name: "every photo of the answers is stored and sound", holds: (*judgement).answersStored, refusal: refusal{missing, "",
		"照片尚未全部上传并核验,不能确认(共{required}张,合格{have}张,缺{missing}张)。请等待,或退回补检。",
		"Not every photo of the answers is stored and verified: {required} named, {have} count, {missing} are missing. Wait, or return the round."},
		facts: (*judgement).walkFacts}
	unflagged := condition{name: "no photo of the round stands refused and in sight, whoever names it, nor was taken out of sight by who walked some of it", holds: func(j *judgement) bool { return len(j.refusedInSight()) == 0 },
		refusal: refusal{missing, "", "本轮有{count}张照片被判无效,仍在显示,或由参与巡检的人隐藏,不能确认。请由未参与巡检的人查看后注明原因隐藏,或退回补检。",
			"{count} photos of this round were refused and are in sight, or were hidden by who walked it. Have somebody who walked none of it look at them and hide them, with a" +
				" reason, or return the round."},
		facts: (*judgement).refusedFacts}
	digested := condition{name: "says what evidence was seen", holds: func(j *judgement) bool {
		return j.foresees || j.Admitted || len(j.inspectionAct().GetApprove().GetReviewDigest()) > 0
	}, refusal: refusal{noDigest, "review_digest", "确认未注明您查看的是哪些证据,未生效。请更新应用,重新查看后再确认。",
		"The approval does not say what evidence you looked at, so it does not count. Update the app, look again, and approve it then."}}
	unlisted := effect{"shown_photo_ids = those of the round that no answer names", (*judgement).showUnlisted}
	digest := condition{name: "the evidence is what the reviewer saw", holds: (*judgement).sawEvidence, refusal: refusal{
		roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST, "review_digest", "您查看之后记录有变化。请重新查看后再确认。",
		"Something changed after you looked. Look again, then approve."}}
	published := condition{name: "the checklist is published, where the organisation's lists are known", holds: (*judgement).knowsList, refusal: refusal{
		roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION, "", "检查表不存在或尚未发布,不能下发。请先发布检查表,或另建巡检。",
		"There is no such checklist, or no version of it is published, so the round is not released. Publish it first, or make another round."},
		facts: func(j *judgement) map[string]string {
			return map[string]string{"checklist": j.inspection().GetChecklistId(), "newest": "0"}
		}}
	known := condition{name: "published in the version that the round names", holds: (*judgement).knowsVersion, refusal: refusal{
		roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION, "", "检查表没有第{version}版,请选择已发布的版本(最新为第{newest}版)。",
		"The checklist has no version {version}. Choose one that is published; the newest is {newest}."},
		facts: func(j *judgement) map[string]string {
			i := j.inspection()
			return map[string]string{"checklist": i.GetChecklistId(), "version": strconv.FormatUint(uint64(i.GetChecklistVersion()), 10),
				"newest": strconv.FormatUint(uint64(j.reference.Checklist(j.Scope, i.GetChecklistId(), 0).GetVersion()), 10)}
		}}
	listed := condition{name: "what it is walked with is at hand, where the organisation's lists are known", holds: (*judgement).hasList, refusal: refusal{
		roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION, "", "服务器上没有此巡检所用的检查表版本,不能核对答案,暂不能提交。您的答案已保留,请联系管理员后重新提交。",
		"The server does not have the version of the checklist that this round is walked with, so nobody can say whether it is complete. Your answers are kept; talk to the" +
			" administrator, then submit it again."}, facts: known.facts}
	atTag := condition{name: "a tag was scanned, or a photo shows that it is broken; where there is a route", holds: func(j *judgement) bool {
		act := j.inspectionAct().GetStart()
		return len(j.inspection().GetCheckpointIds()) == 0 || act.GetScanPayload() != "" || act.GetBrokenTagPhotoId() != ""
	}, refusal: refusal{missing, "scan_payload", "请扫描第一个检查点的标签开始;标签损坏请拍照。",
		"Scan the tag of the first checkpoint to start; if it is broken, take a photo of it."}}
	complete := condition{name: "every mandatory item is answered, or skipped with a reason; failures have photo and note",
		holds: func(j *judgement) bool { return j.gaps().None() }, facts: (*judgement).gapFacts,
		refusal: refusal{missing, "", "还不能提交:{gaps}。请补充后再提交。", "It cannot be submitted yet: {gaps_en}. Complete it, then submit again."}}
	unseenState := condition{name: "state unseen", holds: func(j *judgement) bool { return !j.saw(inspectionState) }}
	olderRound := condition{name: "an older round", holds: func(j *judgement) bool { return j.args.round > 0 && j.args.round < j.inspection().GetRound() }}
	pointsAtOwn, revisited := walkAgain()

	begin := effect{"inspector = the person", func(j *judgement) { j.editInspection(inspectionInspector).InspectorId = string(j.Person) }}
	claim := effect{"inspector = the person where there is none", func(j *judgement) {
		if j.inspection().GetInspectorId() == "" {
			begin.do(j)
		}
	}}
	stateReason := effect{"state_reason", func(j *judgement) { j.editInspection(inspectionStateReason).StateReason = j.args.reason }}
	firstRound := effect{"round = 1", func(j *judgement) { j.editInspection(inspectionRound).Round = 1 }}
	nextRound := effect{"round + 1", func(j *judgement) { j.editInspection(inspectionRound).Round = j.inspection().GetRound() + 1 }}
	pin := effect{"checklist_version = the newest published, where none was said", (*judgement).pinVersion}
	grace := effect{"grace_end = end of the window + the site's grace", func(j *judgement) {
		if end := j.inspection().GetWindowEndUs(); end > 0 {
			j.editInspection(inspectionGraceEnd).GraceEndUs = end + j.reference.Policy(j.Scope).MissedGrace.Microseconds()
		}
	}}
	firstTag := effect{`flag "false_tag" or "other_tag" of the first tag; a broken one makes a ticket`, (*judgement).startAtTag}
	visits := effect{"official_visits reckoned anew", (*judgement).countVisits}
	answers := effect{`tickets of failed items, flag "impossible_reading", score of a round that was submitted`, (*judgement).takeAnswers}
	performs := effect{"performers + who scanned, answered, or took a photo of an answer", (*judgement).noteWalkers}
	walks := effect{"performers + the person", (*judgement).noteWalkers}
	early := effect{"performers + who took photos of its items before it was here", (*judgement).takeEarly}
	keepsPinned := effect{"checklist and version stay as they were pinned, once released", (*judgement).keepPinned}
	reopen := effect{"question REOPEN where an item fails that the reviewer did not see fail", (*judgement).askToReopenWalk}
	completion := effect{"completions + this one", (*judgement).completeWalk}
	ofOlder := effect{`completions + this one of its round; outcome flag "older_round"`, (*judgement).completeOlderWalk}
	score := effect{"score, failed, tally", func(j *judgement) {
		if list := j.checklistOf(j.inspection()); list != nil {
			j.score(j.inspection(), list)
		}
	}}
	lateSync := effect{`flag "late_sync", not provisional; flag "in_time" or "after_window", or a question where the time is not well known`, (*judgement).lateSync}
	late := effect{`flag "late"; once for each decision who approved or excused it is told`, (*judgement).arriveLateOfWalk}
	approverWalked := condition{name: "it shows that who approved the round walked some of it", holds: func(j *judgement) bool {
		return len(j.selfApprovedWalk(j.shownWalking())) > 0
	}}
	selfApproval := effect{`flag "self_approval", a supervisor is asked`, func(j *judgement) { j.takeBackWalk(j.selfApprovedWalk(j.shownWalking())) }}
	decided := effect{"questions that this answers are closed", func(j *judgement) {
		how := "approved"
		if j.op == Return {
			how = "sent back"
		}
		j.answer(how, roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL)
	}}
	review := effect{"reviews + this one", (*judgement).reviewWalk}
	settled := effect{"not provisional", func(j *judgement) {
		if j.inspection().GetProvisional() {
			j.editInspection(inspectionProvisional)
		}
	}}
	tellReturned := effect{"notice REJECTED to the inspector", func(j *judgement) {
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_REJECTED, toPeople(j.inspection().GetInspectorId()), "巡检被退回补检:"+j.args.reason+"。请重新巡检。",
			"The round was returned: "+j.args.reason+". Walk it again.")
	}}

	return workflow{kind: kindInspection, name: inspectionStateName, rows: []row{
		{command: Create, when: when{fresh}, to: planned, effects: then{firstRound, early, performs, visits, answers}},
		orphanRow(),
		{command: Fact, number: 37, from: states{approved}, when: when{approverWalked}, to: inspectionQueue, effects: then{keepsPinned, performs, late, visits, answers, selfApproval}},
		{command: Fact, from: states{approved}, effects: then{keepsPinned, performs, late, visits, answers, reopen}},
		{command: Fact, from: states{excused}, effects: then{keepsPinned, performs, late, visits, answers}},
		{command: Fact, effects: then{keepsPinned, performs, visits, answers}},
		{command: Edit, number: 37, from: states{approved}, when: when{approverWalked}, to: inspectionQueue, effects: then{keepsPinned, performs, late, answers, selfApproval}},
		{command: Edit, from: states{approved}, when: when{saysWork()}, effects: then{keepsPinned, performs, late, answers, reopen}},
		{command: Edit, from: states{excused}, when: when{saysWork()}, effects: then{keepsPinned, performs, late, answers}},
		{command: Edit, effects: then{keepsPinned, performs, answers}},
		{command: Release, from: states{planned}, needs: needs{published, known}, to: released, effects: then{pin, grace}},
		{command: Start, from: states{released, returned}, needs: needs{meant, atTag}, to: running, effects: then{begin, walks, pin, firstTag}},
		{command: Start, number: 30, from: states{missed, partial}, when: when{unseenState}, needs: needs{meant, atTag, published, known},
			effects: then{claim, walks, pin, firstTag}},
		{command: Submit, number: 9, when: when{olderRound}, effects: then{walks, ofOlder}},
		{command: Submit, from: states{running}, needs: needs{thisRound, inspector, listed, complete, revisited}, to: submitted, effects: then{claim, walks, completion, score}},
		{command: Submit, number: 30, from: states{missed, partial}, needs: needs{thisRound, inspector, listed, complete, revisited},
			to: submitted, effects: then{claim, walks, completion, score, lateSync}},
		{command: EvidenceVerified, from: states{submitted}, needs: needs{evidence, unflagged}, to: inspectionQueue, effects: then{unlisted}},
		{command: Approve, from: states{submitted}, refuse: refusal{missing, "",
			"照片尚未上传并核验完毕,还不能确认(共{required}张,合格{have}张,缺{missing}张)。请等待,或提醒巡检人上传照片。",
			"The photos are not all here and verified: {required} named, {have} count, {missing} are missing. Wait, or remind the inspector to upload them."},
			facts: (*judgement).walkFacts},
		{command: Approve, from: states{inspectionQueue}, needs: needs{thisRound, notInspector, digested, evidence, unflagged, digest}, to: approved,
			effects: then{review, decided}},
		{command: Return, from: states{inspectionQueue}, needs: needs{thisRound, notInspector, reason, pointsAtOwn}, to: returned,
			effects: then{nextRound, stateReason, review, decided, tellReturned}},
		{command: Excuse, from: states{missed, partial}, needs: needs{reason, notInspector}, to: excused, effects: then{stateReason, settled}},
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
