package work

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// mergerTerms are about tickets of the same thing: how one goes on in another, and what becomes of an act on the one.
type mergerTerms struct {
	target, hadOther, goesOn, passes condition
	into, forward, passOn            effect
}

func aboutMergers() mergerTerms {
	return mergerTerms{
		target: condition{
			name:  "the other ticket is here and open, and does not lead back to this one",
			holds: (*judgement).mergeTarget,
			refusal: refusal{missing, "into_id",
				"要并入的工单不存在或已结束，请选择另一张未结束的工单。",
				"The ticket to merge into is not here or has ended. Choose another that is open."},
		},
		hadOther: condition{name: "by who had the ticket that was merged into this one", holds: (*judgement).ofMerged},
		goesOn:   condition{name: "the ticket that it was merged into is here", holds: func(j *judgement) bool { return j.endOf(j.Current) != nil }},
		passes: condition{
			name:  "the ticket that it was merged into takes it",
			holds: (*judgement).passes,
			refusal: refusal{badState, "",
				"工单已合并到另一张工单，请在那张工单上操作。",
				"The ticket was merged into another. Go on with that one."},
			instead: func(j *judgement) *roundsv1.Problem { return j.forward().Problem },
		},

		into: effect{"merged_into the end of the way, whose performers + who worked on this one, and whose photos + those from before the work, with before_photo; it names this one in merged_ids; the assignee is told",
			(*judgement).mergeInto},
		forward: effect{"judged on the ticket that it was merged into", (*judgement).takeOnward},
		passOn:  effect{"shown on the ticket that it was merged into, too", (*judgement).passOn},
	}
}

// mergeTarget: whether the ticket to merge into goes on, and does not lead back to this one.
func (j *judgement) mergeTarget() bool {
	id := j.ticketAct().GetMerge().GetIntoId()
	if id == "" || id == j.Mutation.GetRecordId() {
		return false
	}
	if j.foresees {
		return true
	}
	end := j.endOf(j.lookup(kindTicket, id))
	return end != nil && end.GetRecordId() != j.Current.GetRecordId() && !ended(state(end.GetRecord().GetTicket().GetState())) &&
		end.GetRecord().GetTicket().GetState() != 0
}

// passes: whether the ticket that this one was merged into takes the act, be it for somebody to decide.
func (j *judgement) passes() bool {
	v := j.forward()
	return v.Problem == nil || v.Park != roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED
}

// mergeInto lets the ticket go on in another, at the end of the way, and tells who has it. The other takes in who worked on this one, so that they do not vouch for the
// work there, and the photos from before.
func (j *judgement) mergeInto() {
	into := j.ticketAct().GetMerge().GetIntoId()
	if end := j.endOf(j.lookup(kindTicket, into)); end != nil && !j.foresees {
		into = end.GetRecordId()
		if onto := j.beside(end); onto != nil {
			onto.takesIn(j.Current.GetRecordId(), j.ticket())
			onto.perform(acted(j.ticket())...)
			onto.performByWord(workers(j.ticket())...)
			onto.shows(j.ticket().GetShownPhotoIds()...)
			if j.ticket().GetBeforePhoto() && !onto.after().GetBeforePhoto() {
				onto.editTicket(ticketBeforePhoto).BeforePhoto = true
			}
		}
	}
	j.editTicket(ticketMergedInto).MergedIntoId = into
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, toPeople(j.ticket().GetAssigneeId()), "派给您的工单已并入另一张工单。",
		"A ticket of yours was merged into another.")
}
