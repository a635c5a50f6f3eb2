package work

import (
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// dispatchTerms are about who has the ticket: how it is given to somebody, and what becomes of it where they answer another dispatch than the latest.
type dispatchTerms struct {
	namesAssignee, latest                                                 condition
	overtaken, notYours                                                   refusal
	assign, unassign, takeOver, tellDeclined, tellAcceptedAfter, tellStop effect
}

func aboutDispatch() dispatchTerms {
	return dispatchTerms{
		namesAssignee: condition{
			name: "assignee named",
			holds: func(j *judgement) bool {
				return j.ticketAct().GetDispatch().GetAssigneeId() != ""
			},
			refusal: refusal{missing, "assignee_id", "请选择要派给谁。", "Choose whom to give it to."},
		},
		latest: condition{
			name: "answers the latest dispatch",
			holds: func(j *judgement) bool {
				return j.args.epoch == j.ticket().GetAssignEpoch()
			},
			refusal: refusal{stale, "assign_epoch",
				"工单已重新派单，此回复针对旧的派单。请同步后查看是否仍派给您。",
				"The ticket was dispatched again since; this answers an older dispatch. Sync, and see whether it is still yours."},
		},

		overtaken: refusal{superseded, "",
			"其他人已先派单，以先到的为准。请核对现任处理人，需要时再次派单。",
			"Somebody else dispatched it first, and that stands. Look at who has it now, and dispatch again if need be."},
		notYours: refusal{stale, "",
			"工单已改派给他人，请停止处理；如需继续，请联系班长改派回来。您的工时和照片已保留。",
			"The ticket was given to somebody else: stop, or ask the foreman to give it back. Your labour and photos are kept."},

		assign: effect{"assignee, assign_epoch + 1, former assignee leaves the crew; both are told",
			func(j *judgement) {
				j.assign(j.ticketAct().GetDispatch().GetAssigneeId())
			}},
		unassign:          effect{"no assignee", (*judgement).unassign},
		takeOver:          effect{"assignee = the person, assign_epoch + 1 where it was another, who is told", (*judgement).takeOver},
		tellDeclined:      effect{"whoever gave it out and the foreman are told", (*judgement).tellDeclined},
		tellAcceptedAfter: effect{"the foreman is told", (*judgement).tellAcceptedAfterDecline},
		tellStop:          effect{"the person is told to stop", (*judgement).tellStop},
	}
}

// holderFacts say who has the ticket now.
func holderFacts(j *judgement) map[string]string {
	return map[string]string{"assignee": j.ticket().GetAssigneeId()}
}

// assign gives the ticket to somebody. Whoever had it is remembered, and told.
func (j *judgement) assign(person string) {
	current := j.ticket()
	t := j.editTicket(ticketAssignee)
	t.AssigneeId = person
	j.editTicket(ticketEpoch).AssignEpoch = current.GetAssignEpoch() + 1
	former := current.GetAssigneeId()
	if former != person && slices.Contains(current.GetCrewIds(), former) {
		j.draft.set(ticketCrew)
		j.draft.removed = &roundsv1.Ticket{CrewIds: []string{former}}
	}
	if former != person {
		j.remember(former)
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, toPeople(former), "派给您的工单已转给他人，无需再处理；您已做的工时和照片都会保留。",
			"A ticket of yours was given to somebody else. You need not do it; what you did and photographed is kept.")
	}
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, toPeople(person), "有新工单派给您，请接单或说明原因后拒单。",
		"A ticket was given to you. Accept it, or decline it with a reason.")
}

// takeOver gives the ticket to who acts, where it was another's.
func (j *judgement) takeOver() {
	if j.ticket().GetAssigneeId() != string(j.Person) {
		j.assign(string(j.Person))
	}
}

func (j *judgement) unassign() {
	j.remember(j.ticket().GetAssigneeId())
	j.editTicket(ticketAssignee).AssigneeId = ""
}

// remember keeps who had the ticket, the last one last.
func (j *judgement) remember(person string) {
	if person == "" {
		return
	}
	all := slices.DeleteFunc(slices.Clone(j.ticket().GetFormerAssigneeIds()), func(id string) bool { return id == person })
	all = append(all, person)
	j.editTicket(ticketFormer).FormerAssigneeIds = all[max(0, len(all)-maxFormer):]
}

// tellAcceptedAfterDecline is the note of row 20, to the foreman.
func (j *judgement) tellAcceptedAfterDecline() {
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_DONE_BY_OTHER, toRole(roundsv1.Role_ROLE_FOREMAN), "同一人先拒单、又从另一部手机接单，工单已重新派给本人确认。",
		"Somebody declined a ticket and accepted it on another phone. It was given to them again, to confirm.")
}

// tellStop is what a former assignee who works on is told, once for each time that the ticket was given away.
func (j *judgement) tellStop() {
	if j.foresees {
		return
	}
	j.verdict.Derived = append(j.verdict.Derived, NoticeOf(Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_STOP, People: []engine.PersonID{j.Person},
		Sentence: &roundsv1.Text{Zh: "工单已改派给他人，请停止处理；如需继续，请联系班长改派回来。您的工时和照片已保留。",
			En: "The ticket was given to somebody else: stop, or ask the foreman to give it back. Your labour and photos are kept."},
		Cause: "epoch " + strconv.FormatUint(uint64(j.ticket().GetAssignEpoch()), 10), TimeUs: j.Time.UnixMicro()}))
}
