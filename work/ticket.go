package work

import (
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
	is := ticketConditions()
	does := ticketEffects()
	type (
		states = []state
		when   = []condition
		needs  = []condition
		then   = []effect
	)
	open := states{newTicket, triaged, dispatched, accepted, inProgress, paused, donePending, pendingReview, rework}
	assigned := states{dispatched, accepted, inProgress, paused, rework}
	done := states{donePending, pendingReview}
	notYours := refusal{stale, "", "工单已改派给他人,请停止处理;如需继续,请联系班长改派回来。您的工时和照片已保留。",
		"The ticket was given to somebody else: stop, or ask the foreman to give it back. Your labour and photos are kept."}

	return workflow{kind: kindTicket, name: ticketStateName, rows: []row{
		{command: Create, when: when{is.fresh}, needs: needs{is.placed, is.crewByLeader},
			to: newTicket, effects: then{does.firstRound, does.reportTime}},
		{command: Edit, when: when{is.writesCrew}, needs: needs{is.leadsCrew}},
		{command: Fact, from: states{closed, cancelled, merged}, effects: then{does.markLate}},

		{command: Triage, from: states{newTicket}, to: triaged, effects: then{does.categorise}},

		{command: Dispatch, number: 19, from: append(states{triaged}, assigned...), when: when{is.unseenDispatch}, refuse: refusal{superseded, "",
			"其他人已先派单,以先到的为准。请核对现任处理人,需要时再次派单。",
			"Somebody else dispatched it first, and that stands. Look at who has it now, and dispatch again if need be."}},
		{command: Dispatch, from: states{triaged, dispatched, accepted, paused, rework}, needs: needs{is.namesAssignee},
			to:      dispatched,
			effects: then{does.assign, does.clearPause}},

		{command: Accept, number: 20, from: states{triaged}, when: when{is.declinedElsewhere}, to: dispatched,
			effects: then{does.takeOver, does.mark("accept_after_decline")}},
		{command: Accept, from: states{dispatched}, needs: needs{is.epoch, is.assignee}, to: accepted},
		{command: Decline, from: states{dispatched}, needs: needs{is.epoch, is.assignee, is.reason}, to: triaged,
			effects: then{does.unassign, does.stateReason}},

		{command: Start, number: 3, from: assigned, when: when{is.reassigned}, refuse: notYours},
		{command: Start, number: 18, from: states{inProgress}, needs: needs{is.assignedOrCrew}, effects: then{does.joinCrew}},
		{command: Start, from: states{dispatched, accepted, paused, rework}, needs: needs{is.assignedOrCrew}, to: inProgress,
			effects: then{does.joinCrew, does.clearPause}},
		{command: Pause, number: 3, from: assigned, when: when{is.reassigned}, refuse: notYours},
		{command: Pause, from: states{inProgress}, needs: needs{is.assignee, is.reason},
			to: paused, effects: then{does.pauseReason}},
		{command: Resume, number: 3, from: assigned, when: when{is.reassigned}, refuse: notYours},
		{command: Resume, from: states{paused}, needs: needs{is.assignee}, to: inProgress, effects: then{does.clearPause}},

		{command: SubmitCompletion, when: when{is.futureRound}, refuse: refusal{invalid, "round", "报完工的轮次还不存在,请先同步再提交。",
			"There is no such round of work yet. Sync first, then submit again."}},
		{command: SubmitCompletion, number: 9, from: append(states{triaged}, append(assigned, done...)...), when: when{is.olderRound},
			needs: needs{is.room}, effects: then{does.complete, does.tell("older_round")}},
		{command: SubmitCompletion, number: 5, from: states{cancelled}, when: when{is.admitted}, needs: needs{is.room},
			to:      donePending,
			effects: then{does.complete, does.takeOver}},
		{command: SubmitCompletion, number: 2, from: states{inProgress, paused},
			when: when{is.admitted, is.notAssigned}, needs: needs{is.room},
			to: donePending, effects: then{does.complete, does.takeOver, does.clearPause}},
		{command: SubmitCompletion, number: 5, from: states{cancelled}, when: when{is.unseenState},
			park: roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL, effects: then{does.mark("work_after_cancel")}, refuse: refusal{superseded, "",
				"工单已取消,但您报告已完工。主管将决定是否恢复此工单,您的工作已保留。",
				"The ticket was cancelled, but the work was reported as done. A supervisor decides whether it counts; nothing is lost."}},
		{command: SubmitCompletion, number: 1, from: states{dispatched, accepted}, when: when{is.reassigned}, needs: needs{is.room},
			to:      donePending,
			effects: then{does.complete, does.takeOver, does.mark("done_by_former_assignee")}},
		{command: SubmitCompletion, number: 2, from: states{inProgress, paused}, when: when{is.reassigned},
			park: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, effects: then{does.mark("double_work")}, refuse: refusal{superseded, "",
				"两人处理了同一工单:改派后新处理人已开工,原处理人又报完工。请班长决定采用哪一份,双方工时均保留。",
				"Two people did the same work: the new assignee had started when the former one reported it done. The foreman decides; both labours are kept."}},
		{command: SubmitCompletion, number: 4, from: done, when: when{is.reassigned}, needs: needs{is.room},
			to: donePending, effects: then{does.complete}},
		{command: SubmitCompletion, number: 4, from: done, needs: needs{is.performer, is.room},
			to: donePending, effects: then{does.complete}},
		{command: SubmitCompletion, from: assigned, needs: needs{is.assignedOrCrew, is.room}, to: donePending,
			effects: then{does.complete, does.clearPause}},

		{command: EvidenceVerified, from: states{donePending}, needs: needs{is.evidence, is.enough}, to: pendingReview},
		{command: Approve, from: states{donePending}, refuse: refusal{missing, "", "照片尚未全部上传并核验合格,还不能确认。请等待上传中的照片;被判无效的照片请注明原因后隐藏,并重新拍摄。",
			"The photos are not all here and sound. Wait for those that are on their way; hide one that was refused, with a reason, and have another taken."}},
		{command: Approve, from: states{pendingReview}, needs: needs{is.thisRound, is.notPerformer, is.evidence},
			to: closed, effects: then{does.approver}},
		{command: Reject, from: states{pendingReview}, needs: needs{is.thisRound, is.notPerformer, is.reason}, to: rework,
			effects: then{does.nextRound, does.rejectReason, does.clearApprovers}},

		{command: Cancel, from: states{newTicket, triaged, dispatched, accepted, inProgress, paused, rework},
			when:  when{is.supervisor},
			needs: needs{is.reason}, to: cancelled, effects: then{does.stateReason}},
		{command: Cancel, from: states{newTicket, triaged, dispatched}, needs: needs{is.noWork, is.reason}, to: cancelled,
			effects: then{does.stateReason}},
		{command: Cancel, from: states{accepted, inProgress, paused, rework}, refuse: refusal{noRight, "",
			"已接单的工单只能由主管取消,请联系主管。", "Once it was accepted, only a supervisor can cancel a ticket. Ask one."}},
		{command: Cancel, number: 35, from: done, when: when{is.supervisor, is.sawState}, needs: needs{is.reason}, to: cancelled,
			effects: then{does.stateReason}},

		{command: Merge, from: states{newTicket, triaged, dispatched}, needs: needs{is.target},
			to: merged, effects: then{does.mergeInto}},

		{command: Escalate, from: open, when: when{is.unseenEscalation}, refuse: refusal{superseded, "",
			"此工单刚被其他人升级。请查看当前级别,仍需要时再次升级。",
			"Somebody else has just escalated it. Look at the level, and escalate again if need be."}},
		{command: Escalate, from: open, needs: needs{is.belowTop, is.reason}, effects: then{does.escalate}},

		{command: CustomerAccept, from: states{closed}, needs: needs{is.thisRound}, effects: then{does.mark("customer_accepted")}},
		{command: Dispute, from: states{closed}, needs: needs{is.thisRound}, to: triaged,
			effects: then{does.nextRound, does.raise, does.unassign, does.stateReason, does.clearApprovers, does.reopen}},

		{command: ForceClose, from: states{donePending, paused},
			when: when{is.askedBySelf}, refuse: refusal{missing, "second_person_id",
				"已记录您的强制关闭请求,还需第二人在自己的手机上确认。",
				"Your request is on record. A second person has to confirm it on a device of their own."}},
		{command: ForceClose, from: states{donePending, paused}, when: when{is.asked}, needs: needs{is.namesFirst, is.notPerformer, is.reason},
			to:      closed,
			effects: then{does.approver, does.forced, does.stateReason, does.clearPause}},
		{command: ForceClose, from: states{donePending, paused},
			needs:   needs{is.supervisor, is.twoPeople, is.notPerformer, is.reason},
			effects: then{does.approver, does.askForce, does.stateReason}},
	}}
}

func ticketStateName(s state) State {
	if s == 0 {
		return ""
	}
	return State(strings.TrimPrefix(roundsv1.TicketState(s).String(), "TICKET_STATE_"))
}
