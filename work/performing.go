package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

const maxPerformers = 64

// workersIn are the people of whom a mutation of a ticket says that they worked: those that labour names; and who wrote it, where it scans a tag or answers the
// checklist.
func (j *judgement) workersIn() []string {
	t := j.written().GetTicket()
	var people []string
	for _, l := range t.GetLabour() {
		people = append(people, l.GetPersonId())
	}
	if len(t.GetScans()) > 0 || len(t.GetAnswers()) > 0 {
		people = append(people, string(j.Person))
	}
	return named(people)
}

// photographers are who took a photo that shows finished work or a checklist item: that is part of doing it. A photo of the fault, or without a role, may be a
// reporter's or a reviewer's.
func (j *judgement) photographers() []string {
	photo := j.written().GetPhoto()
	switch photo.GetRole() {
	case roundsv1.PhotoRole_PHOTO_ROLE_AFTER, roundsv1.PhotoRole_PHOTO_ROLE_ITEM:
		return named([]string{photo.GetPersonId(), string(j.Person)})
	}
	return nil
}

// named leaves out who has no name, and who is named twice.
func named(people []string) []string {
	slices.Sort(people)
	return slices.DeleteFunc(slices.Compact(people), func(id string) bool { return id == "" })
}

// perform notes who did some of the work.
func (j *judgement) perform(people ...string) {
	all := j.after().GetPerformerIds()
	for _, id := range people {
		if id != "" && len(all) < maxPerformers && !slices.Contains(all, id) {
			all = append(slices.Clip(all), id)
			j.editTicket(ticketPerformers).PerformerIds = all
		}
	}
}

// performers are all who had a part in a ticket: its assignee, its crew, and who did some of the work of any round, by anybody's word.
func performers(t *roundsv1.Ticket) []string {
	people := slices.Concat([]string{t.GetAssigneeId()}, t.GetCrewIds(), workers(t))
	return named(people)
}

// workers are those of them who did some of the work.
func workers(t *roundsv1.Ticket) []string {
	people := slices.Clone(t.GetPerformerIds())
	for _, c := range t.GetCompletions() {
		people = append(people, c.GetPersonId())
	}
	for _, l := range t.GetLabour() {
		people = append(people, l.GetPersonId())
	}
	return named(people)
}

// performed: whether the person did some of the work of any round, or is of those who are to.
func (j *judgement) performed() bool {
	return j.inCrew() || j.Person != "" && slices.Contains(workers(j.ticket()), string(j.Person))
}

// selfApproved are the approvers of a closed ticket of whom a fact shows now that they worked on what they approved. When the work was done does not matter: who
// works on a ticket does not vouch for it.
func (j *judgement) selfApproved(people []string) []string {
	if j.state() != closed {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(people), func(id string) bool { return !slices.Contains(j.ticket().GetApproverIds(), id) })
}

// takeBackApproval is row 37 on the ticket of the judgement: the closure does not rest on who did the work, so somebody else reviews it again. A closure by force
// has nothing that could be reviewed: it stays, and a supervisor is asked.
func (j *judgement) takeBackApproval(people []string) {
	t := j.ticket()
	j.flag(flagSelfApproval)
	if !slices.Contains(t.GetFlags(), flagForced) && !slices.Contains(t.GetFlags(), flagByTasks) {
		j.editTicket(ticketApprovers).ApproverIds = nil
		j.move(pendingReview)
	}
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, []*roundsv1.Side{
		{Record: j.ref(), PersonId: people[0], TimeUs: t.GetClosedTimeUs(), Sentence: &roundsv1.Text{Zh: "确认了此工单。", En: "Approved it."}},
		j.thisSide("迟到的记录表明,确认人参与了处理。", "Something that arrived late shows that the approver did part of the work."),
	})
}
