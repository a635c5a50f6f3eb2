package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// completionRows are the word that the work is done, and what the server finds of it.
func completionRows() []row {
	act, who, unseen, round, completion := aboutActs(), aboutPeople(), aboutTheUnseen(), aboutRounds(), aboutCompletions()
	dispatch, pause, approval, merger, evidence, task := aboutDispatch(), aboutPauses(), aboutApprovals(), aboutMergers(), aboutEvidence(), aboutTasks()
	fits := needs{completion.room}
	waits := append(states{triaged}, append(assignedStates(), doneStates()...)...)
	takesOver := then{completion.keep, dispatch.takeOver}
	return slices.Concat([]row{
		{command: SubmitCompletion, number: 6, from: states{merged}, when: when{act.unseenState}, needs: needs{completion.room, merger.passes},
			effects: then{completion.keep, merger.forward}},
		{command: SubmitCompletion, when: when{round.future}, refuse: round.notBegun},
	}, approval.ofOwnWork(row{command: SubmitCompletion, when: when{round.older}, needs: fits, effects: then{completion.keep, tells("older_round")}}), []row{
		{command: SubmitCompletion, number: 9, from: append(waits, closed, cancelled), when: when{round.older}, needs: fits,
			effects: then{completion.keep, tells("older_round")}},
		{command: SubmitCompletion, number: 5, from: states{cancelled}, when: when{act.admitted}, needs: fits, to: donePending, effects: takesOver},
		{command: SubmitCompletion, number: 2, from: states{inProgress, paused}, when: when{act.admitted, who.neither}, needs: fits, to: donePending,
			effects: append(slices.Clip(takesOver), pause.end)},
		{command: SubmitCompletion, number: 5, from: states{cancelled}, when: when{act.unseenState}, effects: then{marks("work_after_cancel")},
			park: roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL, refuse: completion.workAfterCancel},
		// What the other ticket asks for its crew did not know; the evidence waits for what is missing.
		{command: SubmitCompletion, number: 6, from: states{newTicket, triaged}, when: when{merger.hadOther}, needs: needs{completion.room, task.noneOpen}, to: donePending,
			effects: append(slices.Clip(takesOver), marks("done_on_merged_ticket"))},
		{command: SubmitCompletion, number: 1, from: states{triaged, dispatched, accepted}, when: when{unseen.reassignment}, needs: isShown(), to: donePending,
			effects: append(slices.Clip(takesOver), marks("done_by_former_assignee"), completion.tellDoneByFormer)},
		{command: SubmitCompletion, number: 2, from: states{inProgress, paused}, when: when{unseen.reassignment}, effects: then{marks("double_work")},
			park: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, refuse: completion.doubleWork},
		{command: SubmitCompletion, number: 4, from: doneStates(), when: when{unseen.reassignment}, needs: isShown(), to: donePending, effects: then{completion.keep}},
		{command: SubmitCompletion, number: 4, from: doneStates(), needs: append(needs{who.performer}, isShown()...), to: donePending, effects: then{completion.keep}},
	}, approval.ofOwnWork(row{command: SubmitCompletion, when: when{act.unseenState, who.tookPart}, needs: fits, effects: then{completion.keep, completion.keepLate}}), []row{
		{command: SubmitCompletion, number: 7, from: states{closed}, when: when{act.unseenState, who.tookPart}, needs: fits,
			effects: then{completion.keep, completion.keepLate}},
		{command: SubmitCompletion, from: assignedStates(), needs: append(needs{who.assigneeOrCrew}, isShown()...), to: donePending,
			effects: then{completion.keep, pause.end}},

		{command: EvidenceVerified, from: states{donePending}, needs: isProved(), to: pendingReview, effects: then{evidence.showUnlisted}},
	})
}

// isShown is what is asked of a completion: what the crew could have known to be asked for.
func isShown() needs {
	completion, task, photos, list := aboutCompletions(), aboutTasks(), aboutPhotos(), aboutLists()
	return needs{completion.room, task.noneOpen, photos.before, photos.listed, photos.takenAgain, list.atHand, list.possible,
		list.pointedAnswered, list.answered}
}

// isProved is what is asked of the evidence, as the server finds it.
func isProved() needs {
	evidence, list := aboutEvidence(), aboutLists()
	return needs{evidence.stored, evidence.enough, evidence.before, evidence.pictured, evidence.noneRefused, evidence.recaptured, list.atHand, list.complete}
}

// reviewRows are the decisions on finished work.
func reviewRows() []row {
	const (
		approved = roundsv1.Verdict_VERDICT_APPROVED
		rejected = roundsv1.Verdict_VERDICT_REJECTED
		asked    = roundsv1.Verdict_VERDICT_ASKED
		dissent  = roundsv1.Verdict_VERDICT_DISSENT
		objected = roundsv1.Verdict_VERDICT_OBJECTED
	)
	act, who, unseen, round := aboutActs(), aboutPeople(), aboutTheUnseen(), aboutRounds()
	review, approval, evidence, list, task, customer := aboutReviews(), aboutApprovals(), aboutEvidence(), aboutLists(), aboutTasks(), aboutCustomers()
	decides := needs{round.current, who.impartial, review.bySupervisor}
	objects := needs{round.current, who.objects, review.bySupervisor}
	approves := slices.Concat(decides, needs{review.digested}, isProved(), needs{task.noneOpen})
	rejects := needs{act.saysWhy, review.reasonListed, review.inWords, review.pointsAtOwn}
	signs := then{approval.sign, notes(approved), review.settle, customer.askEvaluation}
	vouches := needs{who.impartial, review.digested}
	return []row{
		{command: Approve, number: 13, when: when{unseen.round, round.sentBack}, needs: vouches,
			effects: then{notes(dissent), tells("dissent"), review.tellFirst}},
		{command: Approve, number: 15, when: when{round.older, unseen.round}, needs: vouches, effects: then{notes(approved), tells("older_round")}},
		{command: Approve, number: 14, from: states{closed}, when: when{round.current, act.unseenState, approval.reviewed},
			needs: append(slices.Clip(vouches), review.digestFresh), effects: then{approval.signToo, notes(approved)}},
		{command: Approve, number: 11, from: states{donePending}, when: when{round.current, act.unseenState, review.digestStale}, needs: vouches,
			park: roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, refuse: review.lookAgain},
		{command: Approve, from: states{donePending}, when: when{evidence.stored, evidence.enough, evidence.before, list.open},
			refuse: list.incomplete, facts: (*judgement).listFacts},
		{command: Approve, from: states{donePending}, refuse: evidence.notAllHere, facts: (*judgement).evidenceFacts},
		{command: Approve, number: 11, from: states{pendingReview}, when: when{round.current, review.digestStale}, needs: vouches,
			park: roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, refuse: review.lookAgain},
		{command: Approve, from: states{pendingReview}, when: when{round.current, review.digestEarly}, refuse: review.lookAtPhotos},
		{command: Approve, from: states{pendingReview}, when: when{round.current, review.digestBlind}, refuse: review.notAsSeen},
		{command: Approve, number: 10, from: states{pendingReview}, when: when{review.digestOlder}, needs: approves, to: closed,
			effects: append(slices.Clip(signs), marks("approved_before_late_evidence"), review.tellLateEvidence)},
		{command: Approve, from: states{pendingReview}, needs: approves, to: closed, effects: signs},

		{command: Reject, number: 12, from: states{closed}, when: when{round.current, act.unseenState, approval.reviewed, approval.recent},
			needs: append(needs{who.objects}, rejects...), to: pendingReview, effects: then{approval.clear, notes(objected), approval.dissent}},
		{command: Reject, from: states{pendingReview}, needs: slices.Concat(objects, rejects), to: rework,
			effects: then{review.settle, round.next, review.keepReason, approval.clear, notes(rejected), review.tellSentBack}},
		{command: Ask, from: states{pendingReview}, needs: append(slices.Clip(objects), act.saysWhy, review.pointsAtOwn), effects: then{notes(asked), review.askMore}},
	}
}

// endingRows are how a ticket ends without a review.
func endingRows() []row {
	act, who, unseen, pause, approval := aboutActs(), aboutPeople(), aboutTheUnseen(), aboutPauses(), aboutApprovals()
	ending, task, merger, escalation, force := aboutEndings(), aboutTasks(), aboutMergers(), aboutEscalation(), aboutForce()
	stuck := states{donePending, paused}
	return []row{
		{command: Cancel, from: states{newTicket, triaged, dispatched, accepted, inProgress, paused, rework}, when: when{who.supervisor},
			needs: needs{act.saysWhy, task.noneOpen}, to: cancelled, effects: then{act.keepReason, pause.end, ending.tellCancelled}},
		{command: Cancel, from: states{newTicket, triaged, dispatched}, needs: needs{ending.noWork, act.saysWhy, task.noneOpen, task.ofUntaken}, to: cancelled,
			effects: then{act.keepReason, ending.tellCancelled}},
		{command: Cancel, from: states{accepted, inProgress, paused, rework}, refuse: ending.acceptedAlready},
		{command: Cancel, number: 35, from: doneStates(), when: when{who.supervisor, act.sawState}, needs: needs{act.saysWhy, task.noneOpen}, to: cancelled,
			effects: then{act.keepReason, ending.tellCancelled}},

		{command: Merge, from: states{newTicket, triaged, dispatched}, needs: needs{task.notTask, task.noneOpen, merger.target}, to: merged, effects: then{merger.into}},

		{command: Escalate, from: openStates(), when: when{unseen.escalation}, refuse: escalation.overtaken, facts: levelFacts},
		{command: Escalate, from: openStates(), needs: needs{escalation.belowTop, act.saysWhy}, effects: then{escalation.level}},

		{command: ForceClose, from: stuck, when: when{force.asked}, needs: needs{force.namesFirst, force.requestSeen, who.impartial, act.saysWhy, task.noneOpen}, to: closed,
			effects: then{approval.sign, force.close, act.keepReason, pause.end}},
		{command: ForceClose, from: stuck,
			needs:   needs{who.supervisor, force.namesAnother, force.namesIdle, force.namesAble, force.seen, who.impartial, act.saysWhy, task.noneOpen},
			effects: then{approval.sign, force.ask, force.tellSecond, act.keepReason}},
	}
}

// customerRows are what the customer says of finished work, and what a leader does about it. What they say of a ticket that goes on in another they say by their right on
// their own.
func customerRows() []row {
	const satisfied, unhappy = roundsv1.Acceptance_ACCEPTANCE_ACCEPTED, roundsv1.Acceptance_ACCEPTANCE_DISPUTED
	act, round, dispatch, approval := aboutActs(), aboutRounds(), aboutDispatch(), aboutApprovals()
	customer, merger, escalation := aboutCustomers(), aboutMergers(), aboutEscalation()
	onward := needs{round.current, merger.passes}
	back := then{round.next, escalation.raise, dispatch.unassign, act.keepReason, approval.clear}
	return []row{
		{command: CustomerAccept, from: states{merged}, when: when{merger.goesOn}, needs: onward, effects: then{says(satisfied), merger.forward}},
		{command: Dispute, from: states{merged}, when: when{merger.goesOn}, needs: onward, effects: then{says(unhappy), merger.forward}},
		{command: CustomerAccept, from: states{closed}, needs: needs{round.current}, effects: then{says(satisfied), marks("customer_accepted"), customer.keepAsked}},
		{command: Dispute, from: doneStates(), needs: needs{round.current}, effects: then{customer.dispute, act.keepReason}},
		{command: Dispute, from: states{closed}, needs: needs{round.current}, to: triaged, effects: append(slices.Clip(back), opens(flagCustomerDisputed))},
		{command: FollowUp, from: states{closed}, when: when{customer.solved}, needs: needs{round.current}, effects: then{customer.keepAsked, marks("followed_up")}},
		{command: FollowUp, from: states{closed}, needs: needs{round.current}, to: triaged, effects: append(slices.Clip(back), opens("follow_up_failed"))},
		{command: Reopen, from: states{closed}, needs: needs{round.current, act.saysWhy}, to: triaged,
			effects: then{round.next, dispatch.unassign, act.keepReason, approval.clear, opens("reopened")}},
	}
}
