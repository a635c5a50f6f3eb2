package work

import (
	"slices"
)

// approvalTerms are about the closure that rests on somebody's word: whose word it is, whether it can be taken back, and what becomes of it when it turns out that an
// approver worked on what they approved.
type approvalTerms struct {
	byWorker, byNobodyElse, reviewed, recent                     condition
	sign, signToo, clear, dissent, takeBackOwn, takeOwnSignature effect
}

func aboutApprovals() approvalTerms {
	return approvalTerms{
		byWorker: condition{name: "an approver did some of the work", holds: func(j *judgement) bool { return len(j.selfApproved(j.shownWorking())) > 0 }},
		byNobodyElse: condition{
			name:  "nobody else approved it who did none of the work",
			holds: func(j *judgement) bool { return len(j.stillVouch(j.selfApproved(j.shownWorking()))) == 0 },
		},
		reviewed: condition{name: "not closed by force, nor by its tasks", holds: (*judgement).closedByReview},
		recent:   condition{name: "approved, and within the site's time for objections", holds: (*judgement).objects},

		sign:        effect{"approvers + the person", (*judgement).sign},
		signToo:     effect{"approvers + the person", (*judgement).signToo},
		clear:       effect{"no approvers", func(j *judgement) { j.editTicket(ticketApprovers).ApproverIds = nil }},
		dissent:     effect{`flag "dissent", a supervisor is asked, the first reviewer is told`, (*judgement).dissent},
		takeBackOwn: effect{`flag "self_approval"; no approvers, a supervisor is asked`, (*judgement).withdrawOwn},
		takeOwnSignature: effect{`flag "self_approval"; approvers without who worked, who is told, and supervisors and foremen; a closure by force or by tasks is a question`,
			(*judgement).withdrawOwn},
	}
}

// ofOwnWork is row 37 of an act on a closed ticket that shows an approver working: where nobody else approved it, it goes to review again; else it stays closed on the
// others' word. Row is what the act asks and does in itself, more what it does last.
func (approval approvalTerms) ofOwnWork(r row, more ...effect) []row {
	r.number, r.from, r.when = 37, states{closed}, append(slices.Clip(r.when), approval.byWorker)
	again, stays := r, r
	again.when, again.to = append(slices.Clip(r.when), approval.reviewed, approval.byNobodyElse), pendingReview
	again.effects = slices.Concat(r.effects, then{approval.takeBackOwn}, more)
	stays.effects = slices.Concat(r.effects, then{approval.takeOwnSignature}, more)
	return []row{again, stays}
}

// closedByReview: whether the closure is one that somebody can review again: not by force, and not by the ticket's tasks.
func (j *judgement) closedByReview() bool {
	return !slices.Contains(j.ticket().GetFlags(), flagForced) && !slices.Contains(j.ticket().GetFlags(), flagByTasks)
}

// sign makes the person the approver; of a closure by force, beside who asked for it. Who asks anew has asked once.
func (j *judgement) sign() {
	var others []string
	if j.op == ForceClose && j.forceStands() {
		others = without(j.ticket().GetApproverIds(), string(j.Person))
	}
	j.editTicket(ticketApprovers).ApproverIds = append(others, string(j.Person))
}

// signToo makes the person an approver beside the others.
func (j *judgement) signToo() {
	all := j.ticket().GetApproverIds()
	if !slices.Contains(all, string(j.Person)) && len(all) < maxApprovers {
		j.editTicket(ticketApprovers).ApproverIds = append(slices.Clone(all), string(j.Person))
	}
}

// dissent lets a supervisor decide between two reviewers.
func (j *judgement) dissent() {
	j.flagBoth(flagDissent)
	j.askForDissent()
}
