package work

import (
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// isEmergency: whether a ticket goes on and cannot wait: its category says so, or somebody who gave it that priority.
func isEmergency(t *roundsv1.Ticket) bool {
	return t != nil && !ended(state(t.GetState())) &&
		(t.GetRequirements().GetEmergency() || t.GetPriority() == roundsv1.Priority_PRIORITY_EMERGENCY)
}

// tellEmergency alerts several lines at once when a ticket becomes an emergency, or one that had ended is open again. It skips the queue as it is: nobody waits for the
// foreman to read before the supervisor hears of it.
func (j *judgement) tellEmergency() {
	if after := j.after(); isEmergency(after) && !isEmergency(j.ticket()) {
		j.alert(j.ref(), after)
	}
}

// alert tells foremen, supervisors and managers of an emergency, once for each round of the ticket.
func (j *judgement) alert(about *roundsv1.RecordRef, t *roundsv1.Ticket) {
	zh, en := t.GetTitle(), t.GetTitle()
	if words := t.GetLocation().GetWords(); words != "" {
		zh, en = zh+"（"+words+"）", en+" ("+words+")"
	}
	for _, role := range []roundsv1.Role{roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER} {
		j.tellOnce(Telling{About: about, Code: roundsv1.NoticeCode_NOTICE_CODE_EMERGENCY, Role: role, Cause: roundCause(t), Sentence: &roundsv1.Text{
			Zh: "紧急工单：" + cut(zh) + "。请立即安排处理。", En: "An emergency: " + cut(en) + ". See to it now."}})
	}
}

// tellEvaluation asks the customers what they think of the work, now that it was confirmed: those of the ticket, and those of tickets that were merged into it, about
// their own. Once for each round: what was sent before the closure was taken back is kept, and not sent again.
func (j *judgement) tellEvaluation() {
	t := j.ticket()
	var asked []string
	ask := func(about *roundsv1.RecordRef, of *roundsv1.Change, cause string, zh, en string) {
		people := slices.DeleteFunc(customers(of), func(id string) bool { return slices.Contains(asked, id) })
		if asked = append(asked, people...); len(people) > 0 {
			j.tellOnce(Telling{About: about, Code: roundsv1.NoticeCode_NOTICE_CODE_EVALUATE, People: peopleOf(people), Cause: cause, Sentence: &roundsv1.Text{Zh: zh, En: en}})
		}
	}
	if t.GetParentId() == "" { // of tasks, when the last of them is done
		ask(j.ref(), j.Current, roundCause(t), "您报的事项已处理并确认完成，请评价；如未解决，请提出异议。",
			"What you reported was done and confirmed. Say what you think of it; if it is not solved, dispute it.")
	}
	for _, id := range t.GetMergedIds() {
		ask(&roundsv1.RecordRef{Kind: string(kindTicket), Id: id}, j.lookup(kindTicket, id), roundCause(t)+" of "+j.ref().GetId(),
			"您报的事项已与他人所报的同一事项一并处理并确认完成，请评价；如未解决，请提出异议。",
			"What you reported was done and confirmed, together with what others had reported of it. Say what you think of it; if it is not solved, dispute it.")
	}
}

// customers are whom a ticket was done for: the household that it names, and who reported it where that is not one of the crew: who wrote the report as a resident, or
// was named in it by somebody else who took it in by a channel of customers.
func customers(ticket *roundsv1.Change) []string {
	t := ticket.GetRecord().GetTicket()
	people := []string{t.GetHouseholdId()}
	by := writer(ticket, ticketReporter)
	switch own := by.GetPersonId() != "" && by.GetPersonId() == t.GetReporterId(); {
	case own && slices.Contains(by.GetRoles(), roundsv1.Role_ROLE_RESIDENT):
		people = append(people, t.GetReporterId())
	case own:
	default:
		switch t.GetChannel() {
		case roundsv1.Channel_CHANNEL_PATROL, roundsv1.Channel_CHANNEL_INSPECTION, roundsv1.Channel_CHANNEL_UNSPECIFIED:
		default:
			people = append(people, t.GetReporterId())
		}
	}
	return named(people)
}

// tellOnce writes a notice where none of its code, recipients and cause stands yet.
func (j *judgement) tellOnce(t Telling) {
	if j.foresees {
		return
	}
	t.CausedBy, t.TimeUs = j.Person, j.Time.UnixMicro()
	if notice := NoticeOf(t); j.lookup(kindNotice, string(notice.RecordID)) == nil {
		j.verdict.Derived = append(j.verdict.Derived, notice)
	}
}

// roundCause is a cause that there is once in each round of a ticket.
func roundCause(t *roundsv1.Ticket) string {
	return "round " + strconv.FormatUint(uint64(t.GetRound()), 10)
}

// tellDeclined tells who gave the ticket out, and the foreman, that its assignee does not take it: until somebody gives it out again it is nobody's.
func (j *judgement) tellDeclined() {
	dispatcher := writer(j.Current, ticketAssignee).GetPersonId()
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_UNASSIGNED, recipients{people: []string{dispatcher}, role: roundsv1.Role_ROLE_FOREMAN},
		"处理人拒单："+cut(j.args.reason)+"。请改派他人。", "A ticket was declined: "+cut(j.args.reason)+". Give it to somebody else.")
}

// tellCancelled tells whoever has the ticket or works on it to stop, and who reported it that nothing will come of it.
func (j *judgement) tellCancelled() {
	crew, reporter, why := performers(j.ticket()), j.ticket().GetReporterId(), cut(j.args.reason)
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, toPeople(crew...), "工单已取消："+why+"。请停止处理；您已做的工时和照片都会保留。",
		"A ticket of yours was cancelled: "+why+". Stop; what you did and photographed is kept.")
	if !slices.Contains(crew, reporter) {
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_DECIDED, toPeople(reporter), "您报的事项已取消："+why+"。", "What you reported was cancelled: "+why+".")
	}
}
