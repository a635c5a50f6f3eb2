package work

import "slices"

// ticketWorkflow is the ticket's table. Of several rows of a command the first that counts decides, so exceptions stand before the rule.
func ticketWorkflow() workflow {
	rows := slices.Concat(reportRows(), givingRows(), workingRows(), completionRows(), reviewRows(), endingRows(), customerRows())
	return workflow{kind: kindTicket, name: ticketStateName, rows: rows}
}

// Short names for the tables.
type (
	states = []state
	when   = []condition
	needs  = []condition
	then   = []effect
)

// reportRows are how a ticket comes to be, and what is added to it.
func reportRows() []row {
	act, who, round, report, category, task := aboutActs(), aboutPeople(), aboutRounds(), aboutReports(), aboutCategories(), aboutTasks()
	splits := needs{task.notTask, task.room, task.known, task.covered}
	return slices.Concat([]row{
		{command: Create, when: when{act.makes}, needs: needs{report.titled, report.placed, who.leadsNewCrew}, to: newTicket,
			effects: then{round.first, report.keepTime, report.wantPhoto, category.pin, report.takeEarly, who.works}},
	},
		// Whoever made a ticket may send that once more, from a phone that was enrolled anew: it is merged as an edit is, under the right to make one.
		editRows(Create), editRows(Edit), factRows(), []row{
			{command: Triage, from: states{newTicket}, needs: needs{category.known}, to: triaged, effects: then{category.set, category.pin}},
			{command: Split, from: states{newTicket}, needs: splits, to: triaged, effects: then{task.split}},
			{command: Split, from: append(states{triaged}, assignedStates()...), needs: splits, effects: then{task.split}},
		})
}

// editRows are what an edit adds to a ticket.
func editRows(command Operation) []row {
	who, category, approval, merger, ending := aboutPeople(), aboutCategories(), aboutApprovals(), aboutMergers(), aboutEndings()
	may := needs{who.leadsCrew, category.byWhoGivesOut, category.byNoWorker}
	late := then{category.pinShown, ending.markLate, who.works}
	return append(approval.ofOwnWork(row{command: command, needs: may, effects: late}, otherPlace()), []row{
		{command: command, number: 6, from: states{merged}, when: when{saysWork()}, needs: may, effects: append(slices.Clip(late), merger.passOn, otherPlace())},
		{command: command, from: endedStates(), when: when{saysWork()}, needs: may, effects: append(slices.Clip(late), otherPlace())},
		{command: command, needs: may, effects: then{category.pinShown, who.works, otherPlace()}},
	}...)
}

// factRows are what a fact adds to a ticket, whatever state that is in: facts are not refused.
func factRows() []row {
	who, unseen, dispatch, category := aboutPeople(), aboutTheUnseen(), aboutDispatch(), aboutCategories()
	approval, merger, ending := aboutApprovals(), aboutMergers(), aboutEndings()
	may := needs{category.byWhoGivesOut, category.byNoWorker}
	late := then{category.pinShown, ending.markLate, who.works}
	return slices.Concat([]row{orphanRow()}, approval.ofOwnWork(row{command: Fact, needs: may, effects: late}), []row{
		{command: Fact, number: 6, from: states{merged}, needs: may, effects: append(slices.Clip(late), merger.passOn)},
		{command: Fact, from: endedStates(), needs: may, effects: late},
		{command: Fact, number: 3, from: append(assignedStates(), doneStates()...), when: when{unseen.reassignedWorks}, needs: may,
			effects: then{category.pinShown, who.works, dispatch.tellStop}},
		{command: Fact, needs: may, effects: then{category.pinShown, who.works}},
	})
}

// givingRows are how a ticket comes to a person.
func givingRows() []row {
	act, who, unseen, dispatch, staff, pause := aboutActs(), aboutPeople(), aboutTheUnseen(), aboutDispatch(), aboutStaff(), aboutPauses()
	fits := needs{dispatch.namesAssignee, staff.works, staff.stays, staff.present, staff.onDuty, staff.skilled}
	return []row{
		{command: Dispatch, number: 19, from: append(states{triaged}, assignedStates()...), when: when{unseen.dispatch}, refuse: dispatch.overtaken, facts: holderFacts},
		{command: Dispatch, from: states{triaged, dispatched, accepted, paused, rework}, needs: fits, to: dispatched, effects: then{dispatch.assign, pause.end}},

		{command: Accept, number: 20, from: states{triaged}, when: when{unseen.decline}, to: dispatched,
			effects: then{dispatch.takeOver, marks("accept_after_decline"), dispatch.tellAcceptedAfter}},
		{command: Accept, from: states{dispatched}, needs: needs{dispatch.latest, who.assignee}, to: accepted},
		{command: Decline, from: states{dispatched}, needs: needs{dispatch.latest, who.assignee, act.saysWhy}, to: triaged,
			effects: then{dispatch.tellDeclined, dispatch.unassign, act.keepReason}},
	}
}

// workingRows are the work itself.
func workingRows() []row {
	act, who, unseen, dispatch, photos := aboutActs(), aboutPeople(), aboutTheUnseen(), aboutDispatch(), aboutPhotos()
	pause, ledger, approval, ending := aboutPauses(), aboutTheLedger(), aboutApprovals(), aboutEndings()
	begun := append(assignedStates(), append(doneStates(), closed)...)
	pauses := needs{act.saysWhy, pause.listed, pause.proved, pause.room}
	return slices.Concat([]row{
		{command: Start, number: 3, from: assignedStates(), when: when{unseen.reassignment}, refuse: dispatch.notYours, facts: holderFacts},
	}, approval.ofOwnWork(row{command: Start, when: when{unseen.laterMoves, who.tookPart}, needs: needs{ledger.roomForStart},
		effects: then{ledger.insertStart, who.worked, ending.markLate}}), []row{
		{command: Start, number: 17, from: append(doneStates(), closed), when: when{unseen.laterMoves, who.tookPart}, needs: needs{ledger.roomForStart},
			effects: then{ledger.insertStart, who.worked}},
		{command: Start, number: 17, from: states{inProgress, paused, rework}, when: when{unseen.laterMoves},
			needs: needs{who.assigneeOrCrew, photos.before, ledger.roomForStart}, effects: then{ledger.insertStart, who.joinsCrew}},
		{command: Start, number: 18, from: states{inProgress}, needs: needs{who.assigneeOrCrew, photos.before}, effects: then{who.joinsCrew}},
		{command: Start, from: states{dispatched, accepted, paused, rework}, needs: needs{who.assigneeOrCrew, photos.before}, to: inProgress,
			effects: then{who.joinsCrew, pause.end}},

		{command: Pause, number: 17, from: begun, when: when{unseen.laterMoves, ledger.working, who.hadItThen}, needs: pauses, effects: then{ledger.insertPause}},
		{command: Pause, number: 3, from: begun, when: when{unseen.reassignment}, refuse: dispatch.notYours, facts: holderFacts},
		{command: Pause, from: states{inProgress}, needs: append(needs{who.assignee}, pauses...), to: paused, effects: then{pause.begin}},
		{command: Resume, number: 17, from: begun, when: when{unseen.laterMoves, ledger.paused, who.hadItThen}, effects: then{ledger.insertResume}},
		{command: Resume, number: 3, from: begun, when: when{unseen.reassignment}, refuse: dispatch.notYours, facts: holderFacts},
		{command: Resume, from: states{paused}, needs: needs{who.assignee}, to: inProgress, effects: then{pause.end}},
	})
}
