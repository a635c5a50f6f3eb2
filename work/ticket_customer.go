package work

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/deadline"
)

// customerTerms are about what the customer says of the work, by themselves or when somebody follows up, and how a ticket is opened again on their word or a leader's.
type customerTerms struct {
	solved                            condition
	dispute, keepAsked, askEvaluation effect
}

func aboutCustomers() customerTerms {
	return customerTerms{
		solved:    condition{name: "the customer says that it is settled", holds: func(j *judgement) bool { return j.ticketAct().GetFollowUp().GetSolved() }},
		dispute:   effect{`acceptance = DISPUTED, flag "customer_disputed", reviewers are told`, (*judgement).dispute},
		keepAsked: effect{"the ledger says that the customer was asked", (*judgement).keepAsked},
		askEvaluation: effect{"the customer is asked to evaluate it, once in a round, and so are those whose tickets were merged into it",
			(*judgement).tellEvaluation},
	}
}

// says keeps what the customer says of the work.
func says(a roundsv1.Acceptance) effect {
	return effect{"acceptance = " + strings.TrimPrefix(a.String(), "ACCEPTANCE_"), func(j *judgement) { j.accept(a) }}
}

// opens takes back what a closure stood on, marks why, and tells who worked.
func opens(flag string) effect {
	return effect{`flag "` + flag + `", no approvers, the performers are told`, func(j *judgement) { j.openAgain(flag) }}
}

func (j *judgement) accept(a roundsv1.Acceptance) {
	if j.ticket().GetAcceptance() != a {
		j.editTicket(ticketAcceptance).Acceptance = a
	}
}

// dispute keeps that the customer disputes work which nobody has decided on yet.
func (j *judgement) dispute() {
	j.accept(roundsv1.Acceptance_ACCEPTANCE_DISPUTED)
	j.unflag(flagCustomerAccepted)
	j.flag(flagCustomerDisputed)
}

// keepAsked puts into the ledger that the customer was asked, so that the follow-up is not late.
func (j *judgement) keepAsked() {
	if j.foresees {
		return
	}
	how := deadline.Visited
	if j.op == CustomerAccept {
		how = deadline.Accepted
	}
	j.record(&roundsv1.Move{State: moveClosed, Round: j.ticket().GetRound(), Reason: how})
}

func (j *judgement) openAgain(flag string) {
	j.unflag(flagCustomerAccepted, flagForced, flagByTasks, flagDissent)
	j.flagBoth(flag)
	j.editTicket(ticketApprovers).ApproverIds = nil
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_REOPENED, toPeople(append(performers(j.ticket()), j.ticket().GetApproverIds()...)...),
		"工单已重新打开，等待派单。", "The ticket is open again, and waits to be dispatched.")
}
