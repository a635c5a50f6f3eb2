package work

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// addReviewing adds what is asked of who decides on finished work.
func (is *ticketConditionSet) addReviewing() {
	is.stale = condition{name: "a photo that cannot count, a failed item or a dispute came after the reviewer looked", holds: (*judgement).staleApproval}
	is.older = condition{name: "more evidence came after the reviewer had looked at that of the round, which was complete", holds: (*judgement).olderDigest}
	is.early = condition{name: "other evidence than the reviewer looked at, who did so before that of the round was complete", holds: (*judgement).earlyApproval}
	is.notEarly = condition{name: "the reviewer looked at the evidence of the round", holds: func(j *judgement) bool { return !j.earlyApproval() }, refusal: lookAtPhotos()}
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
	is.pointsAtOwn = condition{name: "the photos and items pointed at are of this round of the ticket", holds: (*judgement).pointsAtOwn,
		refusal: refusal{invalid, "photo_ids", "标出的照片或检查项不属于此工单的本轮处理,请从本轮的照片和检查表中重新选择。",
			"A photo or item that was pointed at is not of this round of the ticket. Choose again, from the photos and the checklist of this round."}}
	is.pointedAnswered = condition{name: "every item that the reviewer pointed at was answered anew, in this round", holds: func(j *judgement) bool { return len(j.pointedOpen()) == 0 },
		refusal: refusal{missing, "", "退回时标出的{count}项还没有重新检查并作答:{questions}。请重新检查并作答(不合格的附照片和说明,不能检查的跳过并写明原因),再报完工。",
			"{count} items that the reviewer pointed at are not answered anew: {questions_en}. Look at them again and answer them (a failed one with its photo and a note, one that" +
				" cannot be looked at skipped with its reason), then report it as done."},
		facts: func(j *judgement) map[string]string { return j.itemFacts(j.pointedOpen()) }}
	is.rejectWords = condition{name: "said in words, too", holds: func(j *judgement) bool {
		return strings.TrimSpace(j.ticketAct().GetReject().GetWords()) != ""
	}, refusal: refusal{missing, "words", "请用文字说明哪里不合格、要怎样处理;如能指出,请标出照片或检查项。",
		"Say in words what is wrong and what is to be done; where there is one that shows it, point at the photo or the item, too."}}
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

// lookAtPhotos refuses an approval by somebody who has not looked at the evidence of the round.
func lookAtPhotos() refusal {
	return refusal{staleCode, "review_digest", "您确认时,本轮的照片和记录还没有齐全,确认未生效。请同步,查看照片后再次确认。",
		"When you approved it the photos and the answers of this round were not complete yet, so the approval does not count. Sync, look at the photos, and approve it again."}
}
