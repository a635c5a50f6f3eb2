package work

// unseenTerms are about what changed while the person was without signal: what the act is asked of is not what they had before their eyes. That the state did is
// act.unseenState.
type unseenTerms struct {
	dispatch, round, escalation, reassignment, reassignedWorks, decline, laterMoves condition
}

func aboutTheUnseen() unseenTerms {
	return unseenTerms{
		dispatch:        condition{name: "dispatched meanwhile", holds: func(j *judgement) bool { return !j.saw(ticketEpoch) }},
		round:           condition{name: "round unseen", holds: func(j *judgement) bool { return !j.saw(ticketRound) }},
		escalation:      condition{name: "escalated meanwhile", holds: func(j *judgement) bool { return !j.saw(ticketEscalation) }},
		reassignment:    condition{name: "had it, and it was given to somebody else meanwhile, unseen", holds: (*judgement).lostUnseen},
		reassignedWorks: condition{name: "labour of who had it, and it was given to somebody else meanwhile, unseen", holds: (*judgement).laboursOnUnseen},
		decline:         condition{name: "the same person declined this dispatch on another phone, unseen", holds: (*judgement).declinedUnseen},
		laterMoves:      condition{name: "earlier than what stands, unseen", holds: (*judgement).earlierUnseen},
	}
}

// lostUnseen: whether the person had the ticket, and it was given to somebody else meanwhile.
func (j *judgement) lostUnseen() bool {
	return j.hadIt() && !j.assigneeOrCrew() && (j.ofMerged() || !j.saw(ticketEpoch))
}

// laboursOnUnseen: whether labour comes of somebody who had the ticket, and it was given to somebody else meanwhile.
func (j *judgement) laboursOnUnseen() bool {
	return len(j.written().GetTicket().GetLabour()) > 0 && j.hadIt() && !j.assigneeOrCrew() && !j.saw(ticketEpoch)
}

// declinedUnseen: whether the person answers a dispatch that they declined on another phone. Who disputes the work, or opens it again, begins a round by that, and
// declines nothing.
func (j *judgement) declinedUnseen() bool {
	by := writer(j.Current, ticketState)
	return !j.saw(ticketState) && j.args.epoch != 0 && j.args.epoch == j.ticket().GetAssignEpoch() && j.Person != "" &&
		by.GetPersonId() == string(j.Person) && by.GetSeq() != writer(j.Current, ticketRound).GetSeq()
}

// earlierUnseen: whether the act was done before what the ledger of the ticket has last.
func (j *judgement) earlierUnseen() bool {
	return !j.foresees && j.Time.UnixMicro() < lastMove(j.ticket().GetMoves()).GetTimeUs() && !j.saw(ticketState)
}
