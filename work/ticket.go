package work

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The states of a ticket.
const (
	newTicket     = state(roundsv1.TicketState_TICKET_STATE_NEW)
	triaged       = state(roundsv1.TicketState_TICKET_STATE_TRIAGED)
	dispatched    = state(roundsv1.TicketState_TICKET_STATE_DISPATCHED)
	accepted      = state(roundsv1.TicketState_TICKET_STATE_ACCEPTED)
	inProgress    = state(roundsv1.TicketState_TICKET_STATE_IN_PROGRESS)
	paused        = state(roundsv1.TicketState_TICKET_STATE_PAUSED)
	donePending   = state(roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE)
	pendingReview = state(roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW)
	rework        = state(roundsv1.TicketState_TICKET_STATE_REWORK)
	closed        = state(roundsv1.TicketState_TICKET_STATE_CLOSED)
	cancelled     = state(roundsv1.TicketState_TICKET_STATE_CANCELLED)
	merged        = state(roundsv1.TicketState_TICKET_STATE_MERGED)
)

// ticketWorkflow is the ticket's table. Of several rows of a command the first that counts decides, so exceptions stand before the rule.
func ticketWorkflow() workflow {
	is, does := ticketConditions(), ticketEffects()
	rows := slices.Concat(reportRows(is, does), givingRows(is, does), workingRows(is, does), completionRows(is, does), reviewRows(is, does), endingRows(is, does),
		customerRows(is, does))
	return workflow{kind: kindTicket, name: ticketStateName, rows: rows}
}

// Short names for the tables.
type (
	states = []state
	when   = []condition
	needs  = []condition
	then   = []effect
)

// Groups of states. Each call makes a slice of its own.
func openStates() states {
	return states{newTicket, triaged, dispatched, accepted, inProgress, paused, donePending, pendingReview, rework}
}
func assignedStates() states { return states{dispatched, accepted, inProgress, paused, rework} }
func doneStates() states     { return states{donePending, pendingReview} }
func endedStates() states    { return states{closed, cancelled, merged} }

// reportRows are how a ticket comes to be, and what is added to it.
func reportRows(is ticketConditionSet, does ticketEffectSet) []row {
	// Whoever made a ticket may send that once more, from a phone that was enrolled anew: it is merged as an edit is, under the right to make one.
	edited, said := needs{is.leadsCrew, is.categorises, is.worksElsewhere}, needs{is.categorises, is.worksElsewhere}
	edits := func(command Operation) []row {
		return []row{
			{command: command, number: 37, from: states{closed}, when: when{is.approverWorks, is.notForced, is.nobodyElse}, needs: edited, to: pendingReview,
				effects: then{does.pinShown, does.markLate, does.performs, does.selfApproval, otherPlace()}},
			{command: command, number: 37, from: states{closed}, when: when{is.approverWorks}, needs: edited,
				effects: then{does.pinShown, does.markLate, does.performs, does.signatureOff, otherPlace()}},
			{command: command, number: 6, from: states{merged}, when: when{saysWork()}, needs: edited,
				effects: then{does.pinShown, does.markLate, does.performs, does.passOn, otherPlace()}},
			{command: command, from: endedStates(), when: when{saysWork()}, needs: edited, effects: then{does.pinShown, does.markLate, does.performs, otherPlace()}},
			{command: command, needs: edited, effects: then{does.pinShown, does.performs, otherPlace()}},
		}
	}
	made := row{command: Create, when: when{is.fresh}, needs: needs{is.placed, is.crewByLeader},
		to: newTicket, effects: then{does.firstRound, does.reportTime, does.wantsPhoto, does.pinCategory, does.early, does.performs}}
	return slices.Concat([]row{made}, edits(Create), edits(Edit), []row{
		orphanRow(),
		{command: Fact, number: 37, from: states{closed}, when: when{is.approverWorks, is.notForced, is.nobodyElse}, needs: said, to: pendingReview,
			effects: then{does.pinShown, does.markLate, does.performs, does.selfApproval}},
		{command: Fact, number: 37, from: states{closed}, when: when{is.approverWorks}, needs: said, effects: then{does.pinShown, does.markLate, does.performs, does.signatureOff}},
		{command: Fact, number: 6, from: states{merged}, needs: said, effects: then{does.pinShown, does.markLate, does.performs, does.passOn}},
		{command: Fact, from: endedStates(), needs: said, effects: then{does.pinShown, does.markLate, does.performs}},
		{command: Fact, number: 3, from: append(assignedStates(), doneStates()...), when: when{is.stillWorks}, needs: said, effects: then{does.pinShown, does.performs, does.tellStop}},
		{command: Fact, needs: said, effects: then{does.pinShown, does.performs}},

		{command: Triage, from: states{newTicket}, needs: needs{is.knownCategory}, to: triaged, effects: then{does.categorise, does.pinCategory}},
		{command: Split, from: states{newTicket}, needs: needs{is.notTask, is.roomForTasks, is.tasksKnown, is.covered}, to: triaged, effects: then{does.split}},
		{command: Split, from: append(states{triaged}, assignedStates()...), needs: needs{is.notTask, is.roomForTasks, is.tasksKnown, is.covered}, effects: then{does.split}},
	})
}

// givingRows are how a ticket comes to a person.
func givingRows(is ticketConditionSet, does ticketEffectSet) []row {
	toFit := needs{is.namesAssignee, is.staffBelongs, is.staffStays, is.staffPresent, is.staffOnDuty, is.staffSkilled}
	return []row{
		{command: Dispatch, number: 19, from: append(states{triaged}, assignedStates()...), when: when{is.unseenDispatch}, refuse: refusal{superseded, "",
			"其他人已先派单,以先到的为准。请核对现任处理人,需要时再次派单。",
			"Somebody else dispatched it first, and that stands. Look at who has it now, and dispatch again if need be."}, facts: holderFacts},
		{command: Dispatch, from: states{triaged, dispatched, accepted, paused, rework}, needs: toFit, to: dispatched, effects: then{does.assign, does.clearPause}},

		{command: Accept, number: 20, from: states{triaged}, when: when{is.declinedElsewhere}, to: dispatched,
			effects: then{does.takeOver, does.mark("accept_after_decline"), does.told("the foreman is told", func(j *judgement) {
				j.notify(roundsv1.NoticeCode_NOTICE_CODE_DONE_BY_OTHER, toRole(roundsv1.Role_ROLE_FOREMAN), "同一人先拒单、又从另一部手机接单,工单已重新派给本人确认。",
					"Somebody declined a ticket and accepted it on another phone. It was given to them again, to confirm.")
			})}},
		{command: Accept, from: states{dispatched}, needs: needs{is.epoch, is.assignee}, to: accepted},
		{command: Decline, from: states{dispatched}, needs: needs{is.epoch, is.assignee, is.reason}, to: triaged,
			effects: then{does.declined, does.unassign, does.stateReason}},
	}
}

// workingRows are the work itself.
func workingRows(is ticketConditionSet, does ticketEffectSet) []row {
	notYours := refusal{stale, "", "工单已改派给他人,请停止处理;如需继续,请联系班长改派回来。您的工时和照片已保留。",
		"The ticket was given to somebody else: stop, or ask the foreman to give it back. Your labour and photos are kept."}
	worked := append(assignedStates(), append(doneStates(), closed)...)
	return []row{
		{command: Start, number: 3, from: assignedStates(), when: when{is.reassigned}, refuse: notYours, facts: holderFacts},
		{command: Start, number: 37, from: states{closed}, when: when{is.earlier, is.partOf, is.approverWorks, is.notForced, is.nobodyElse}, needs: needs{is.roomForStarts},
			to: pendingReview, effects: then{does.insertStart, does.worked, does.markLate, does.selfApproval}},
		{command: Start, number: 37, from: states{closed}, when: when{is.earlier, is.partOf, is.approverWorks}, needs: needs{is.roomForStarts},
			effects: then{does.insertStart, does.worked, does.markLate, does.signatureOff}},
		{command: Start, number: 17, from: append(doneStates(), closed), when: when{is.earlier, is.partOf}, needs: needs{is.roomForStarts},
			effects: then{does.insertStart, does.worked}},
		{command: Start, number: 17, from: states{inProgress, paused, rework}, when: when{is.earlier}, needs: needs{is.assignedOrCrew, is.beforePhoto, is.roomForStarts},
			effects: then{does.insertStart, does.joinCrew}},
		{command: Start, number: 18, from: states{inProgress}, needs: needs{is.assignedOrCrew, is.beforePhoto}, effects: then{does.joinCrew}},
		{command: Start, from: states{dispatched, accepted, paused, rework}, needs: needs{is.assignedOrCrew, is.beforePhoto}, to: inProgress,
			effects: then{does.joinCrew, does.clearPause}},
		{command: Pause, number: 17, from: worked, when: when{is.earlier, is.wasWorking, is.partOf}, needs: needs{is.reason, is.pauseListed, is.pauseProved, is.roomForMoves},
			effects: then{does.insertPause}},
		{command: Pause, number: 3, from: assignedStates(), when: when{is.reassigned}, refuse: notYours, facts: holderFacts},
		{command: Pause, from: states{inProgress}, needs: needs{is.assignee, is.reason, is.pauseListed, is.pauseProved, is.roomForMoves}, to: paused,
			effects: then{does.pauseReason}},
		{command: Resume, number: 17, from: worked, when: when{is.earlier, is.wasPaused, is.partOf}, effects: then{does.insertResume}},
		{command: Resume, number: 3, from: assignedStates(), when: when{is.reassigned}, refuse: notYours, facts: holderFacts},
		{command: Resume, from: states{paused}, needs: needs{is.assignee}, to: inProgress, effects: then{does.clearPause}},
	}
}

// completionRows are the word that the work is done, and what the server finds of it.
func completionRows(is ticketConditionSet, does ticketEffectSet) []row {
	shown := needs{is.room, is.noOpenTasks, is.beforePhoto, is.photosListed, is.newCapture, is.listAtHand, is.possible, is.pointedAnswered, is.answered}
	with := func(first ...condition) needs { return append(first, shown...) }
	waits := append(states{triaged}, append(assignedStates(), doneStates()...)...)
	return []row{
		{command: SubmitCompletion, number: 6, from: states{merged}, when: when{is.unseenState}, needs: needs{is.room, is.passes},
			effects: then{does.complete, does.forward}},
		{command: SubmitCompletion, when: when{is.futureRound}, refuse: refusal{invalid, "round", "报完工的轮次还不存在,请先同步再提交。",
			"There is no such round of work yet. Sync first, then submit again."}},
		{command: SubmitCompletion, number: 37, from: states{closed}, when: when{is.olderRound, is.approverWorks, is.notForced, is.nobodyElse}, needs: needs{is.room},
			to: pendingReview, effects: then{does.complete, does.tell("older_round"), does.selfApproval}},
		{command: SubmitCompletion, number: 37, from: states{closed}, when: when{is.olderRound, is.approverWorks}, needs: needs{is.room},
			effects: then{does.complete, does.tell("older_round"), does.signatureOff}},
		{command: SubmitCompletion, number: 9, from: append(waits, closed, cancelled), when: when{is.olderRound},
			needs: needs{is.room}, effects: then{does.complete, does.tell("older_round")}},
		{command: SubmitCompletion, number: 5, from: states{cancelled}, when: when{is.admitted}, needs: needs{is.room},
			to: donePending, effects: then{does.complete, does.takeOver}},
		{command: SubmitCompletion, number: 2, from: states{inProgress, paused},
			when: when{is.admitted, is.notAssigned}, needs: needs{is.room},
			to: donePending, effects: then{does.complete, does.takeOver, does.clearPause}},
		{command: SubmitCompletion, number: 5, from: states{cancelled}, when: when{is.unseenState},
			park: roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL, effects: then{does.mark("work_after_cancel")}, refuse: refusal{superseded, "",
				"工单已取消,但您报告已完工。主管将决定是否恢复此工单,您的工作已保留。",
				"The ticket was cancelled, but the work was reported as done. A supervisor decides whether it counts; nothing is lost."}},
		{command: SubmitCompletion, number: 6, from: states{newTicket, triaged}, when: when{is.hadMerged}, needs: shown, to: donePending,
			effects: then{does.complete, does.takeOver, does.mark("done_on_merged_ticket")}},
		{command: SubmitCompletion, number: 1, from: states{dispatched, accepted}, when: when{is.reassigned}, needs: shown, to: donePending,
			effects: then{does.complete, does.takeOver, does.mark("done_by_former_assignee"), does.told("the foreman is told", func(j *judgement) {
				j.notify(roundsv1.NoticeCode_NOTICE_CODE_DONE_BY_OTHER, toRole(roundsv1.Role_ROLE_FOREMAN), "改派之后,原处理人报了完工(当时没有信号)。新处理人的任务已撤回。",
					"After it was given to somebody else, the former assignee reported a ticket as done, having had no signal. The new assignee's task is withdrawn.")
			})}},
		{command: SubmitCompletion, number: 2, from: states{inProgress, paused}, when: when{is.reassigned},
			park: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, effects: then{does.mark("double_work")}, refuse: refusal{superseded, "",
				"两人处理了同一工单:改派后新处理人已开工,原处理人又报完工。请班长决定采用哪一份,双方工时均保留。",
				"Two people did the same work: the new assignee had started when the former one reported it done. The foreman decides; both labours are kept."}},
		{command: SubmitCompletion, number: 4, from: doneStates(), when: when{is.reassigned}, needs: shown,
			to: donePending, effects: then{does.complete}},
		{command: SubmitCompletion, number: 4, from: doneStates(), needs: with(is.performer),
			to: donePending, effects: then{does.complete}},
		{command: SubmitCompletion, number: 37, from: states{closed}, when: when{is.unseenState, is.partOf, is.approverWorks, is.notForced, is.nobodyElse}, needs: needs{is.room},
			to: pendingReview, effects: then{does.complete, does.completeLate, does.selfApproval}},
		{command: SubmitCompletion, number: 37, from: states{closed}, when: when{is.unseenState, is.partOf, is.approverWorks}, needs: needs{is.room},
			effects: then{does.complete, does.completeLate, does.signatureOff}},
		{command: SubmitCompletion, number: 7, from: states{closed}, when: when{is.unseenState, is.partOf}, needs: needs{is.room},
			effects: then{does.complete, does.completeLate}},
		{command: SubmitCompletion, from: assignedStates(), needs: with(is.assignedOrCrew), to: donePending,
			effects: then{does.complete, does.clearPause}},

		{command: EvidenceVerified, from: states{donePending}, needs: needs{is.evidence, is.enough, is.found, is.pictured, is.unflagged, is.recaptured, is.listAtHand, is.listDone}, to: pendingReview,
			effects: then{does.unlisted}},
	}
}

// reviewRows are the decisions on finished work.
func reviewRows(is ticketConditionSet, does ticketEffectSet) []row {
	const (
		approved = roundsv1.Verdict_VERDICT_APPROVED
		rejected = roundsv1.Verdict_VERDICT_REJECTED
		asked    = roundsv1.Verdict_VERDICT_ASKED
		dissent  = roundsv1.Verdict_VERDICT_DISSENT
		objected = roundsv1.Verdict_VERDICT_OBJECTED
	)
	decides := needs{is.thisRound, is.notPerformer, is.supervisorAfterDissent}
	proved := append(slices.Clip(decides), is.digested, is.evidence, is.enough, is.found, is.pictured, is.unflagged, is.recaptured, is.listAtHand, is.listDone, is.noOpenTasks) // a photo may have been taken out of sight since it was verified
	lookAgain := refusal{staleCode, "review_digest", "您查看之后出现了新的问题(无效照片、不合格项或客户异议),确认暂未生效。请重新查看后再确认或退回。",
		"After you looked something came that speaks against the work: a photo that cannot count, a failed item or a dispute. Your approval waits: look again," +
			" and approve it or send it back."}
	note := does.note(approved, "APPROVED")
	approves := then{does.approver, note, does.settled, does.evaluation}
	return []row{
		{command: Approve, number: 13, when: when{is.olderRound, is.unseenRound, is.roundRejected}, needs: needs{is.notPerformer, is.digested},
			effects: then{does.note(dissent, "DISSENT"), does.tell("dissent"), does.told("who sent it back is told", func(j *judgement) {
				by := reviewed(j.ticket(), j.args.round, rejected).GetPersonId()
				j.notify(roundsv1.NoticeCode_NOTICE_CODE_DISSENT, toPeople(by), "您退回的工单,另一位确认人认为合格。返工不变,仅供参考。",
					"Another reviewer would have approved what you sent back. The rework stands; this is for you to know.")
			})}},
		{command: Approve, number: 15, when: when{is.olderRound, is.unseenRound}, needs: needs{is.notPerformer, is.digested},
			effects: then{note, does.tell("older_round")}},
		{command: Approve, number: 14, from: states{closed}, when: when{is.isThisRound, is.unseenState, is.notForced}, needs: needs{is.notPerformer, is.digested, is.notEarly},
			effects: then{does.secondSigner, note}},
		{command: Approve, number: 11, from: states{donePending}, when: when{is.isThisRound, is.unseenState, is.stale}, needs: needs{is.notPerformer, is.digested},
			park: roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, refuse: lookAgain},
		{command: Approve, from: states{donePending}, when: when{is.evidence, is.enough, is.found, is.listOpen}, refuse: listOpen(), facts: (*judgement).listFacts},
		{command: Approve, from: states{donePending}, refuse: refusal{missing, "",
			"照片尚未全部上传并核验合格,还不能确认(要求{required}张,合格{have}张,缺{missing}张)。请等待上传中的照片;被判无效的照片请注明原因后隐藏,并重新拍摄。",
			"The photos are not all here and sound: {required} needed, {have} count, {missing} are missing. Wait for those that are on their way; hide one that was refused," +
				" with a reason, and have another taken."}, facts: (*judgement).evidenceFacts},
		{command: Approve, number: 11, from: states{pendingReview}, when: when{is.isThisRound, is.stale}, needs: needs{is.notPerformer, is.digested},
			park: roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, refuse: lookAgain},
		{command: Approve, from: states{pendingReview}, when: when{is.isThisRound, is.early}, refuse: lookAtPhotos()},
		{command: Approve, from: states{pendingReview}, when: when{is.isThisRound, is.blind}, refuse: refusal{staleCode, "review_digest",
			"证据与您查看时不同,确认未生效。请同步并重新查看后再确认。", "The evidence is not what you looked at, so the approval does not count. Sync, look again, and approve it then."}},
		{command: Approve, number: 10, from: states{pendingReview}, when: when{is.isThisRound, is.older}, needs: proved, to: closed,
			effects: append(approves, does.mark("approved_before_late_evidence"), does.lateEvidence)},
		{command: Approve, from: states{pendingReview}, needs: proved, to: closed, effects: approves},

		{command: Reject, number: 12, from: states{closed}, when: when{is.isThisRound, is.unseenState, is.notForced, is.recentlyApproved},
			needs: needs{is.notPerformer, is.reason, is.rejectListed, is.rejectWords, is.pointsAtOwn}, to: pendingReview,
			effects: then{does.clearApprovers, does.note(objected, "OBJECTED"), does.dissent}},
		{command: Reject, from: states{pendingReview}, needs: append(slices.Clip(decides), is.reason, is.rejectListed, is.rejectWords, is.pointsAtOwn), to: rework,
			effects: then{does.settled, does.nextRound, does.rejectReason, does.clearApprovers, does.note(rejected, "REJECTED"), does.retaken}},
		{command: Ask, from: states{pendingReview}, needs: append(decides, is.reason, is.pointsAtOwn), effects: then{does.note(asked, "ASKED"), does.asked}},
	}
}

// endingRows are how a ticket ends without a review.
func endingRows(is ticketConditionSet, does ticketEffectSet) []row {
	force := states{donePending, paused}
	return []row{
		{command: Cancel, from: states{newTicket, triaged, dispatched, accepted, inProgress, paused, rework}, when: when{is.supervisor},
			needs: needs{is.reason, is.noOpenTasks}, to: cancelled, effects: then{does.stateReason, does.clearPause, does.cancelled}},
		{command: Cancel, from: states{newTicket, triaged, dispatched}, needs: needs{is.noWork, is.reason, is.noOpenTasks}, to: cancelled,
			effects: then{does.stateReason, does.cancelled}},
		{command: Cancel, from: states{accepted, inProgress, paused, rework}, refuse: refusal{noRight, "",
			"已接单的工单只能由主管取消,请联系主管。", "Once it was accepted, only a supervisor can cancel a ticket. Ask one."}},
		{command: Cancel, number: 35, from: doneStates(), when: when{is.supervisor, is.sawState}, needs: needs{is.reason, is.noOpenTasks}, to: cancelled,
			effects: then{does.stateReason, does.cancelled}},

		{command: Merge, from: states{newTicket, triaged, dispatched}, needs: needs{is.notTask, is.noOpenTasks, is.target},
			to: merged, effects: then{does.mergeInto}},

		{command: Escalate, from: openStates(), when: when{is.unseenEscalation}, refuse: refusal{superseded, "",
			"此工单刚被其他人升级。请查看当前级别,仍需要时再次升级。",
			"Somebody else has just escalated it. Look at the level, and escalate again if need be."}, facts: levelFacts},
		{command: Escalate, from: openStates(), needs: needs{is.belowTop, is.reason}, effects: then{does.escalate}},

		{command: ForceClose, from: force, when: when{is.askedBySelf}, refuse: refusal{missing, "second_person_id",
			"已记录您的强制关闭请求,还需第二人在自己的手机上确认。",
			"Your request is on record. A second person has to confirm it on a device of their own."}},
		{command: ForceClose, from: force, when: when{is.asked}, needs: needs{is.namesFirst, is.notPerformer, is.reason, is.noOpenTasks},
			to: closed, effects: then{does.approver, does.forced, does.stateReason, does.clearPause}},
		{command: ForceClose, from: force, needs: needs{is.supervisor, is.twoPeople, is.notPerformer, is.reason, is.noOpenTasks},
			effects: then{does.approver, does.askForce, does.stateReason}},
	}
}

// customerRows are what the customer says of finished work, and what a leader does about it.
func customerRows(is ticketConditionSet, does ticketEffectSet) []row {
	back := then{does.nextRound, does.raise, does.unassign, does.stateReason, does.clearApprovers}
	onward := needs{is.thisRound, is.passes} // by the customer's right on their own ticket
	return []row{
		{command: CustomerAccept, from: states{merged}, when: when{is.goesOn}, needs: onward, effects: then{does.says(roundsv1.Acceptance_ACCEPTANCE_ACCEPTED), does.forward}},
		{command: Dispute, from: states{merged}, when: when{is.goesOn}, needs: onward, effects: then{does.says(roundsv1.Acceptance_ACCEPTANCE_DISPUTED), does.forward}},
		{command: CustomerAccept, from: states{closed}, needs: needs{is.thisRound}, effects: then{does.accepts, does.mark("customer_accepted"), does.askedCustomer}},
		{command: Dispute, from: states{pendingReview}, needs: needs{is.thisRound}, effects: then{does.disputes, does.stateReason}},
		{command: Dispute, from: states{closed}, needs: needs{is.thisRound}, to: triaged, effects: append(back, does.open(flagCustomerDisputed))},
		{command: FollowUp, from: states{closed}, when: when{is.solved}, needs: needs{is.thisRound}, effects: then{does.askedCustomer, does.mark("followed_up")}},
		{command: FollowUp, from: states{closed}, needs: needs{is.thisRound}, to: triaged, effects: append(back, does.open("follow_up_failed"))},
		{command: Reopen, from: states{closed}, needs: needs{is.thisRound, is.reason}, to: triaged,
			effects: then{does.nextRound, does.unassign, does.stateReason, does.clearApprovers, does.open("reopened")}},
	}
}

func ticketStateName(s state) State {
	if s == 0 {
		return ""
	}
	return State(strings.TrimPrefix(roundsv1.TicketState(s).String(), "TICKET_STATE_"))
}
