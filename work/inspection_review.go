package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// walkReviewTerms are about the decision on a round: what the reviewer looked at and points at, what becomes of their word, and what when it turns out that they walked
// some of the round.
type walkReviewTerms struct {
	digested, asSeen, pointsAtOwn, byWalker              condition
	keep, settle, tellReturned, askToReopen, takeBackOwn effect
}

func aboutWalkReviews() walkReviewTerms {
	return walkReviewTerms{
		digested: condition{
			name:    "says what evidence was seen",
			holds:   (*judgement).saysWhatWasSeen,
			refusal: noDigestGiven(),
		},
		asSeen: condition{
			name:  "the evidence is what the reviewer saw",
			holds: (*judgement).sawEvidence,
			refusal: refusal{staleCode, "review_digest",
				"您查看之后记录有变化。请重新查看后再确认。",
				"Something changed after you looked. Look again, then approve."},
		},
		pointsAtOwn: condition{
			name:  "what is pointed at is an item, an answer or a checkpoint of the round",
			holds: (*judgement).pointsAtWalk,
			refusal: refusal{invalid, "item_ids",
				"此巡检没有您标出的检查项或检查点：{items_zh}。请从本轮的检查表和路线中重新选择。",
				"This round has no item or checkpoint of these: {items_en}. Choose again, from its checklist and its route."},
			facts: (*judgement).strangeFacts,
		},
		byWalker: condition{
			name: "it shows that who approved the round walked some of it",
			holds: func(j *judgement) bool {
				return len(j.selfApprovedWalk(j.shownWalking())) > 0
			},
		},

		keep:         effect{"reviews + this one", (*judgement).reviewWalk},
		settle:       effect{"questions that this answers are closed", (*judgement).settleWalkReview},
		tellReturned: effect{"notice REJECTED to the inspector", (*judgement).tellReturned},
		askToReopen:  effect{"question REOPEN where an item fails that the reviewer did not see fail", (*judgement).askToReopenWalk},
		takeBackOwn:  effect{`flag "self_approval", a supervisor is asked`, func(j *judgement) { j.takeBackWalk(j.selfApprovedWalk(j.shownWalking())) }},
	}
}

func (j *judgement) saysWhatWasSeen() bool {
	return j.foresees || j.Admitted || len(j.inspectionAct().GetApprove().GetReviewDigest()) > 0
}

// reviewWalk notes what the reviewer said.
func (j *judgement) reviewWalk() {
	r := &roundsv1.Review{Round: j.args.round, PersonId: string(j.Person), TimeUs: j.Time.UnixMicro(), Verdict: roundsv1.Verdict_VERDICT_APPROVED,
		Digest: j.inspectionAct().GetApprove().GetReviewDigest()}
	if j.op == Return {
		r.Verdict, r.Words, r.ItemIds = roundsv1.Verdict_VERDICT_REJECTED, j.args.reason, j.inspectionAct().GetReturn().GetItemIds()
	}
	all := append(slices.Clone(j.inspection().GetReviews()), r)
	j.editInspection(inspectionReviews).Reviews = all[max(0, len(all)-maxRoundReviews):]
}

// settleWalkReview closes the questions that a decision on the round answers.
func (j *judgement) settleWalkReview() {
	how := "approved"
	if j.op == Return {
		how = "sent back"
	}
	j.answer(how, roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL)
}

// tellReturned tells the inspector to walk the round again.
func (j *judgement) tellReturned() {
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_REJECTED, toPeople(j.inspection().GetInspectorId()), "巡检被退回补检："+j.args.reason+"。请重新巡检。",
		"The round was returned: "+j.args.reason+". Walk it again.")
}

// shownWalking are the people of whom an act on a round says that they walked some of it: who scanned or answered, whom labour names, and who took the
// photos of the answers.
func (j *judgement) shownWalking() []string {
	acted, byWord := j.walkersIn()
	people := slices.Concat(acted, byWord)
	for _, l := range j.written().GetInspection().GetLabour() {
		people = append(people, l.GetPersonId())
	}
	return named(people)
}

// selfApprovedWalk are the approvers of an approved round among people of whom an act shows that they walked some of it.
func (j *judgement) selfApprovedWalk(people []string) []string {
	if j.foresees || j.state() != approved {
		return nil
	}
	approver := approverOf(j.inspection())
	return slices.DeleteFunc(slices.Clone(people), func(id string) bool { return id != approver })
}

// approverOf is who approved the round that an inspection is in last; "": nobody did.
func approverOf(i *roundsv1.Inspection) string {
	for _, r := range slices.Backward(i.GetReviews()) {
		if r.GetVerdict() == roundsv1.Verdict_VERDICT_APPROVED && r.GetRound() == i.GetRound() {
			return r.GetPersonId()
		}
	}
	return ""
}

// takeBackWalk is row 37 of a round: it was approved by somebody who walked some of it, so somebody else reviews it again.
func (j *judgement) takeBackWalk(self []string) {
	j.flagInspection(flagSelfApproval)
	if len(self) == 0 {
		return
	}
	j.move(inspectionQueue)
	at := writer(j.Current, inspectionReviews).GetTimeUs()
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, []*roundsv1.Side{
		{Record: j.ref(), PersonId: self[0], TimeUs: at, Sentence: &roundsv1.Text{Zh: "确认了此巡检。", En: "Approved the round."}},
		j.thisSide("迟到的记录表明，确认人参与了巡检。", "Something that arrived late shows that the approver walked some of it."),
	})
}
