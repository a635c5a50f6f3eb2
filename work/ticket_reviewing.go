package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// addReviewing adds what is asked of who decides on finished work.
func (is *ticketConditionSet) addReviewing() {
	is.stale = condition{name: "a photo that cannot count, a failed item or a dispute came after the reviewer looked", holds: (*judgement).staleApproval}
	is.older = condition{name: "evidence came after the reviewer looked", holds: (*judgement).olderDigest}
	is.blind = condition{name: "nobody can say what evidence the reviewer looked at", holds: (*judgement).blindApproval}
	is.notForced = condition{name: "not closed by force, nor by its tasks", holds: func(j *judgement) bool {
		return !slices.Contains(j.ticket().GetFlags(), flagForced) && !slices.Contains(j.ticket().GetFlags(), flagByTasks)
	}}
	is.recentlyApproved = condition{name: "approved, and within the site's time for objections", holds: (*judgement).objects}
	is.roundRejected = condition{name: "that round was sent back", holds: func(j *judgement) bool {
		return reviewed(j.ticket(), j.args.round, roundsv1.Verdict_VERDICT_REJECTED) != nil
	}}
	is.approverWorks = condition{name: "an approver did some of the work", holds: func(j *judgement) bool {
		return len(j.selfApproved(j.shownWorking())) > 0
	}}
	is.nobodyElse = condition{name: "nobody else approved it who did none of the work", holds: func(j *judgement) bool {
		return len(j.stillVouch(j.selfApproved(j.shownWorking()))) == 0
	}}
	is.supervisorAfterDissent = condition{name: "a supervisor or manager, where two reviewers did not agree", right: true, holds: func(j *judgement) bool {
		return !slices.Contains(j.ticket().GetFlags(), flagDissent) || j.holds(roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER)
	}, refusal: refusal{noRight, "", "两位确认人意见不同,须由主管或项目经理决定。", "Two reviewers did not agree; a supervisor or manager has to decide."}}
	is.pointsAtOwn = condition{name: "the photos and items pointed at are of this ticket", holds: (*judgement).pointsAtOwn,
		refusal: refusal{invalid, "photo_ids", "标出的照片或检查项不属于此工单,请重新选择。", "A photo or item that was pointed at is not of this ticket. Choose again."}}
	is.rejectListed = condition{name: "a reason of the site's list", holds: func(j *judgement) bool {
		p := j.reference.Policy(j.Scope)
		_, listed := p.Reject(j.args.reason)
		return listed || j.foresees || !j.directory || len(p.RejectReasons) == 0
	}, refusal: refusal{invalid, "reason", "请从列表中选择退回原因:{choices};具体情况请写在说明里。",
		"Choose one of the site's reasons for sending work back: {choices_en}. Say more in words."},
		facts: func(j *judgement) map[string]string {
			var reasons choices
			for _, r := range j.reference.Policy(j.Scope).RejectReasons {
				reasons.add(r.Code, r.Words)
			}
			return reasons.facts()
		}}
	is.solved = condition{name: "the customer says that it is settled", holds: func(j *judgement) bool { return j.ticketAct().GetFollowUp().GetSolved() }}
}
