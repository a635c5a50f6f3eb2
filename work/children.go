package work

import (
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/deadline"
)

// maxChildren is how many tasks the schema lets a ticket have.
const maxChildren = 64

// TaskID is the id of the task that a ticket is split into as its nth, from 0: the UUIDv5 of its place and its category in the name space of the ticket, so that
// the same split makes the same tasks.
func TaskID(ticket merge.RecordID, n int, category merge.RecordID) merge.RecordID {
	return merge.RecordID(derivedID(string(ticket), "task", strconv.Itoa(n), string(category)))
}

// split makes the tasks. Each has the words and the place of the ticket, was reported when it was, and waits to be dispatched.
func (j *judgement) split() {
	t, parent := j.ticket(), j.Current.GetRecordId()
	children := slices.Clone(t.GetChildIds())
	for _, task := range j.ticketAct().GetSplit().GetTasks() {
		id := string(TaskID(merge.RecordID(parent), len(children), merge.RecordID(task.GetCategoryId())))
		children = append(children, id)
		if j.foresees {
			continue
		}
		child := &roundsv1.Ticket{
			Title: task.GetTitle(), Description: t.GetDescription(), CategoryId: task.GetCategoryId(), Priority: t.GetPriority(), Location: t.GetLocation(),
			CustomerWords: t.GetCustomerWords(), ReporterId: t.GetReporterId(), Channel: t.GetChannel(), HouseholdId: t.GetHouseholdId(), AssetId: t.GetAssetId(),
			ParentId: parent, State: roundsv1.TicketState_TICKET_STATE_TRIAGED, Round: 1, ReportedTimeUs: t.GetReportedTimeUs(),
			Requirements: j.requirementsOf(task.GetCategoryId(), t.GetPriority()),
		}
		if child.Title == "" {
			child.Title = t.GetTitle()
		}
		if child.Priority == 0 {
			child.Priority = j.reference.Category(j.Scope, merge.RecordID(task.GetCategoryId())).GetPriority()
		}
		child.Moves = []*roundsv1.Move{{State: child.State, Round: 1, TimeUs: j.Time.UnixMicro(), PersonId: string(j.Person),
			Exact: j.Trust == roundsv1.Trust_TRUST_A}}
		child.Deadlines = deadline.Compute(child, j.reference.Calendar(j.Scope, child.GetRequirements().GetCalendar()))
		j.verdict.Derived = append(j.verdict.Derived, engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{
			Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: j.withEarly(id, child)}}}})
		if isEmergency(child) && !isEmergency(t) {
			j.alert(&roundsv1.RecordRef{Kind: string(kindTicket), Id: id}, child)
		}
	}
	j.editTicket(ticketChildren).ChildIds = children
}

// tasks are the tasks of the ticket that were not cancelled, as far as they are here.
func (j *judgement) tasks() []*roundsv1.Ticket {
	var all []*roundsv1.Ticket
	for _, id := range j.ticket().GetChildIds() {
		if task := j.lookup(kindTicket, id).GetRecord().GetTicket(); task != nil && state(task.GetState()) != cancelled {
			all = append(all, task)
		}
	}
	return all
}

// openTasks are the tasks of the ticket that have not ended.
func (j *judgement) openTasks() []string {
	if j.foresees {
		return nil
	}
	var open []string
	for _, id := range j.ticket().GetChildIds() {
		task := j.lookup(kindTicket, id).GetRecord().GetTicket()
		if task != nil && !ended(state(task.GetState())) {
			open = append(open, id)
		}
	}
	return open
}

// parent is the ticket that this one is a task of; nil where there is none. A ticket that only says that it is a task of another binds nobody: the other has to
// name it.
func (j *judgement) parent() *roundsv1.Change {
	change := j.lookup(kindTicket, j.ticket().GetParentId())
	if !slices.Contains(change.GetRecord().GetTicket().GetChildIds(), j.Current.GetRecordId()) {
		return nil
	}
	return change
}

// keepLineage ends a ticket with the last of its tasks, in the same transaction, and opens it again with one of them: one that was closed, or that ended because all
// of them were cancelled.
func (j *judgement) keepLineage() {
	change := j.parent()
	if change == nil {
		return
	}
	before, after, parent := j.ticket(), j.after(), change.GetRecord().GetTicket()
	if after.GetRound() > before.GetRound() && slices.Contains(parent.GetPastChildIds(), j.Current.GetRecordId()) {
		j.countAgain(change)
	}
	was, over := ended(state(before.GetState())), ended(state(after.GetState()))
	switch {
	case over && !was && !ended(state(parent.GetState())):
		j.endParent(change, after)
	case was && !over && (state(parent.GetState()) == closed || cancelledWithTasks(change)):
		if p := j.beside(change); p != nil {
			p.reopen("task_reopened")
		}
	default:
		j.doubtParent(change)
	}
}

// doubtParent is row 37 on the ticket that this one is a task of: who approved that is shown now to have worked on this. One that its tasks closed rests on what was
// said of each of them.
func (j *judgement) doubtParent(change *roundsv1.Change) {
	parent := change.GetRecord().GetTicket()
	if state(parent.GetState()) != closed || slices.Contains(parent.GetFlags(), flagByTasks) {
		return
	}
	known := workers(j.ticket())
	people := workers(j.after())
	if j.root == nil {
		people = append(people, j.shownWorking()...)
	}
	people = slices.DeleteFunc(named(people), func(id string) bool {
		return slices.Contains(known, id) || !slices.Contains(parent.GetApproverIds(), id)
	})
	if len(people) == 0 {
		return
	}
	if p := j.beside(change); p != nil {
		j.checkApproval(p, people)
	}
}

// passTasks keeps which tasks were done for the round that ends.
func (j *judgement) passTasks() {
	if j.foresees {
		return
	}
	var past []string
	for _, id := range j.ticket().GetChildIds() {
		if slices.Contains(j.ticket().GetPastChildIds(), id) || state(j.lookup(kindTicket, id).GetRecord().GetTicket().GetState()) == closed {
			past = append(past, id)
		}
	}
	if !slices.Equal(past, j.ticket().GetPastChildIds()) {
		j.editTicket(ticketPastChildren).PastChildIds = past
	}
}

// countAgain lets a task of an earlier round bear on the present one of its ticket: its own next round begins.
func (j *judgement) countAgain(parent *roundsv1.Change) {
	if p := j.beside(parent); p != nil {
		left := without(p.after().GetPastChildIds(), j.Current.GetRecordId())
		p.editTicket(ticketPastChildren).PastChildIds = left
	}
}

// cancelledWithTasks: whether the server cancelled a ticket, which it does with the last of its tasks alone.
func cancelledWithTasks(change *roundsv1.Change) bool {
	return state(change.GetRecord().GetTicket().GetState()) == cancelled && writer(change, ticketState).GetDeviceId() == ""
}

// endParent closes the ticket when all its tasks have ended and one was done in its round that asked for at least what the ticket asks for; where none asked for as
// much it stays open, for a completion of its own, and who leads is told; where all were cancelled it is cancelled. One that was closed by force marks it. One that
// somebody worked on goes on: that work has to be proved and reviewed as any other, and perhaps by somebody else than who confirmed the tasks.
func (j *judgement) endParent(change *roundsv1.Change, self *roundsv1.Ticket) {
	parent := change.GetRecord().GetTicket()
	if len(workers(parent)) > 0 {
		return
	}
	var approvers []string
	done, forcedTask, proved := false, false, false
	for _, id := range parent.GetChildIds() {
		task := self
		if id != j.Current.GetRecordId() {
			if task = j.lookup(kindTicket, id).GetRecord().GetTicket(); task == nil {
				continue // deleted
			}
		}
		switch s := state(task.GetState()); {
		case !ended(s):
			return
		case s == closed:
			if done = true; slices.Contains(parent.GetPastChildIds(), id) {
				continue
			}
			proved = proved || covers(mostOf(parent.GetRequirements()), task.GetRequirements())
			forcedTask = forcedTask || slices.Contains(task.GetFlags(), flagForced)
			for _, id := range task.GetApproverIds() {
				if len(approvers) < maxApprovers && !slices.Contains(approvers, id) {
					approvers = append(approvers, id)
				}
			}
		}
	}
	p := j.beside(change)
	switch {
	case p == nil:
	case !done:
		p.editTicket(ticketStateReason).StateReason = "各项任务均已取消 / all tasks were cancelled"
		p.tellCancelled()
		p.move(cancelled)
	case !proved:
		p.tellUncovered()
	default:
		p.flag(flagByTasks)
		if forcedTask {
			p.flag(flagForced)
		}
		p.editTicket(ticketApprovers).ApproverIds = approvers
		if p.ticket().GetPauseReason() != "" {
			p.editTicket(ticketPauseReason)
		}
		p.move(closed)
		if !forcedTask {
			p.tellEvaluation()
		}
	}
}

// reopen opens a ticket that has ended again in the next round, with one of its tasks: what the others did still counts.
func (j *judgement) reopen(flag string) {
	j.beginRound()
	j.unassign()
	j.unflag(flagCustomerAccepted, flagForced, flagByTasks, flagDissent)
	j.editTicket(ticketApprovers)
	if j.state() == cancelled {
		j.editTicket(ticketStateReason) // why it was
	}
	j.flag(flag)
	j.move(triaged)
}
