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

// keepLineage ends a ticket with the last of its tasks, in the same transaction, and opens it again with one of them. A ticket that only says that it is a task
// of another binds nobody: the other has to name it.
func (j *judgement) keepLineage() {
	before, after := j.ticket(), j.after()
	if after.GetParentId() == "" || !j.draft.has(ticketState) || after.GetState() == before.GetState() {
		return
	}
	change := j.lookup(kindTicket, after.GetParentId())
	parent := change.GetRecord().GetTicket()
	if !slices.Contains(parent.GetChildIds(), j.Current.GetRecordId()) {
		return
	}
	over := ended(state(after.GetState()))
	switch {
	case over && !ended(state(parent.GetState())):
		j.endParent(change, after)
	case !over && ended(state(before.GetState())) && state(parent.GetState()) == closed:
		if p := j.beside(change); p != nil {
			p.reopen("task_reopened")
		}
	}
}

// endParent closes the ticket when all its tasks have ended and one was done that asked for at least what the ticket asks for; where none asked for as much it stays
// open, for a completion of its own, and who leads is told; where all were cancelled it is cancelled. One that was closed by force marks it. One that somebody worked
// on goes on: that work has to be proved and reviewed as any other, and perhaps by somebody else than who confirmed the tasks.
func (j *judgement) endParent(change *roundsv1.Change, self *roundsv1.Ticket) {
	if len(workers(change.GetRecord().GetTicket())) > 0 {
		return
	}
	var approvers []string
	done, forcedTask, proved := false, false, false
	for _, id := range change.GetRecord().GetTicket().GetChildIds() {
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
			done = true
			proved = proved || covers(mostOf(change.GetRecord().GetTicket().GetRequirements()), task.GetRequirements())
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

// reopen opens a closed ticket again in the next round, for somebody to be chosen for it.
func (j *judgement) reopen(flag string) {
	j.nextRound()
	j.unassign()
	j.unflag(flagCustomerAccepted, flagForced, flagByTasks, flagDissent)
	j.editTicket(ticketApprovers)
	j.flag(flag)
	j.move(triaged)
}
