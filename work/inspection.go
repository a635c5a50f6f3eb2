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

// inspectionWorkflow is the table of inspection rounds.
func inspectionWorkflow() workflow {
	return workflow{kind: kindInspection, name: inspectionStateName, rows: slices.Concat(walkFactRows(), walkingRows(), walkReviewRows())}
}

// walkFactRows are how a round comes to be, and what is added to it.
func walkFactRows() []row {
	act, walker, round, list := aboutActs(), aboutWalkers(), aboutWalkRounds(), aboutWalkLists()
	route, evidence, review := aboutRoutes(), aboutWalkEvidence(), aboutWalkReviews()
	return []row{
		{command: Create, when: when{act.makes}, needs: aboutNewRounds().all(), to: planned, effects: then{round.first, walker.takeEarly, walker.noted, route.countVisits, evidence.takeAnswers}},
		orphanRow(),
		{command: Fact, number: 37, from: states{approved}, when: when{review.byWalker}, to: inspectionQueue,
			effects: then{list.keepPinned, walker.noted, round.markLate, route.countVisits, evidence.takeAnswers, review.takeBackOwn}},
		{command: Fact, from: states{approved},
			effects: then{list.keepPinned, walker.noted, round.markLate, route.countVisits, evidence.takeAnswers, review.askToReopen}},
		{command: Fact, from: states{excused}, effects: then{list.keepPinned, walker.noted, round.markLate, route.countVisits, evidence.takeAnswers}},
		{command: Fact, effects: then{list.keepPinned, walker.noted, route.countVisits, evidence.takeAnswers}},

		{command: Edit, number: 37, from: states{approved}, when: when{review.byWalker}, to: inspectionQueue,
			effects: then{list.keepPinned, walker.noted, round.markLate, evidence.takeAnswers, review.takeBackOwn}},
		{command: Edit, from: states{approved}, when: when{saysWork()},
			effects: then{list.keepPinned, walker.noted, round.markLate, evidence.takeAnswers, review.askToReopen}},
		{command: Edit, from: states{excused}, when: when{saysWork()}, effects: then{list.keepPinned, walker.noted, round.markLate, evidence.takeAnswers}},
		{command: Edit, effects: then{list.keepPinned, walker.noted, evidence.takeAnswers}},
	}
}

// walkingRows are the walk itself.
func walkingRows() []row {
	act, walker, round, list, route, review := aboutActs(), aboutWalkers(), aboutWalkRounds(), aboutWalkLists(), aboutRoutes(), aboutWalkReviews()
	complete := needs{round.current, walker.inspector, list.atHand, list.complete, route.revisited}
	return []row{
		{command: Release, from: states{planned}, needs: needs{list.published, list.known}, to: released, effects: then{list.pin, round.setGrace}},
		{command: Start, from: states{released, returned}, needs: needs{walker.meant, route.atTag}, to: running,
			effects: then{walker.begins, walker.walks, list.pin, route.firstTag, route.early}},
		{command: Start, from: states{running}, when: when{walker.leadsAnother}, needs: needs{route.atTag},
			effects: then{walker.tellReplaced, walker.begins, walker.walks, route.firstTag, route.early}},
		{command: Start, number: 30, from: states{missed, partial}, when: when{act.unseenState}, needs: needs{walker.meant, route.atTag, list.published, list.known},
			effects: then{walker.claims, walker.walks, list.pin, route.firstTag, route.early}},
		{command: Start, number: 37, from: states{approved}, when: when{act.unseenState, review.byWalker}, needs: needs{walker.meant, route.atTag}, to: inspectionQueue,
			effects: then{walker.walks, round.markLate, review.takeBackOwn}},
		{command: Submit, number: 37, from: states{approved}, when: when{round.older, review.byWalker}, to: inspectionQueue,
			effects: then{walker.walks, round.submitOlder, review.takeBackOwn}},
		{command: Submit, number: 9, when: when{round.older}, effects: then{walker.walks, round.submitOlder}},
		{command: Submit, from: states{running}, needs: complete, to: submitted, effects: then{walker.claims, walker.walks, round.submit, list.score, route.early}},
		{command: Submit, number: 30, from: states{missed, partial}, needs: complete, to: submitted,
			effects: then{walker.claims, walker.walks, round.submit, list.score, route.early, round.lateSync}},
		{command: Submit, number: 30, from: states{excused}, when: when{act.unseenState}, needs: complete, to: submitted,
			effects: then{walker.claims, walker.walks, round.submit, list.score, route.early, round.lateSync, round.tellExcused}},
	}
}

// walkReviewRows are the decisions on a round that was walked, or that was not.
func walkReviewRows() []row {
	act, walker, round, evidence, review := aboutActs(), aboutWalkers(), aboutWalkRounds(), aboutWalkEvidence(), aboutWalkReviews()
	return []row{
		{command: EvidenceVerified, from: states{submitted}, needs: needs{evidence.stored, evidence.noneRefused}, to: inspectionQueue, effects: then{evidence.showUnlisted}},
		{command: Approve, from: states{submitted}, refuse: evidence.notAllHere, facts: (*judgement).walkFacts},
		{command: Approve, from: states{inspectionQueue},
			needs: needs{round.current, walker.impartial, review.digested, evidence.stored, evidence.noneRefused, review.asSeen}, to: approved,
			effects: then{review.keep, review.settle}},
		{command: Return, from: states{inspectionQueue}, needs: needs{round.current, walker.impartial, act.saysWhy, review.pointsAtOwn}, to: returned,
			effects: then{round.next, act.keepReason, review.keep, review.settle, review.tellReturned}},
		{command: Excuse, from: states{missed, partial}, needs: needs{act.saysWhy, walker.impartial}, to: excused, effects: then{act.keepReason, round.noMoreProvisional}},
	}
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

func (j *judgement) inspectionAct() *roundsv1.InspectionCommand {
	return j.Mutation.GetCommand().GetInspection()
}
