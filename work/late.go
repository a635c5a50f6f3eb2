package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// ended: whether a ticket's work is over.
func ended(s state) bool { return s == closed || s == cancelled || s == merged }

// arriveLate marks a ticket that has ended, so that whoever ended it looks again; they are told once. The mark goes with the round, and when the
// ticket ends anew: what comes after that is told again.
func (j *judgement) arriveLate() {
	if slices.Contains(j.flags(), flagLate) {
		return
	}
	j.flag(flagLate)
	j.tellLate("收到了新的记录,请查看。", "something arrived for it. Look at it.")
}

// arriveLateOfWalk marks a round that was approved or excused, so that whoever decided looks again; they are told once.
func (j *judgement) arriveLateOfWalk() {
	known := slices.Contains(j.walkFlags(), flagLate)
	if j.flagInspection(flagLate); known {
		return
	}
	by := writer(j.Current, inspectionState).GetPersonId() // who excused it
	if j.state() == approved {
		by = approverOf(j.inspection())
	}
	zh, en := "您确认过的巡检之后又收到了新的记录,请查看。", "After you decided on a round something arrived for it. Look at it."
	if by == "" {
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, toRole(roundsv1.Role_ROLE_SUPERVISOR), zh, en)
		return
	}
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, toPeople(by), zh, en)
}

// forgetLate takes the mark off a round with its next round, and when it is decided on anew: what was late before was looked at by whoever decides now.
func (j *judgement) forgetLate() {
	to := state(j.draft.inspection.GetState())
	decided := j.draft.has(inspectionState) && (to == approved || to == excused) && j.state() != to
	if decided || j.draft.has(inspectionRound) {
		j.unflagInspection(flagLate)
	}
}

// tellLate tells whoever ended the ticket that something came for it: those who confirmed it, or who cancelled it; the supervisors where that was nobody by name. What
// comes for a merged ticket is shown on the one that it goes on in, whose reviewer looks at it there.
func (j *judgement) tellLate(zh, en string) {
	t, code := j.ticket(), roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE
	var by []string
	switch j.state() {
	case closed:
		by = t.GetApproverIds()
		zh, en = "您确认过的工单关闭之后,"+zh, "After a ticket that you confirmed was closed, "+en
	case cancelled:
		by = named([]string{writer(j.Current, ticketState).GetPersonId()})
		zh, en = "工单取消之后,"+zh, "After a ticket was cancelled, "+en
	default:
		return
	}
	if len(by) == 0 { // it ended with its tasks
		j.notify(code, toRole(roundsv1.Role_ROLE_SUPERVISOR), zh, en)
		return
	}
	j.notify(code, toPeople(by...), zh, en)
}

// photoMarks keeps on the ticket of a new photo what rules ask about photos later: that there is one, which are from before the work, which came while it waits for a
// decision, and who photographed the finished work. Photos are records of their own, which rules can look up by id only; and a ticket's change for each of a thousand
// photos would be as much again. So the ticket is written when the first photo of a find on patrol comes, or one from before, or one beside the manifests, and when
// somebody photographs who was not known to have worked, and else not.
func (j *judgement) photoMarks() {
	j.notePhotoOfWalk()
	j.noteEarlyPhoto()
	subject := j.subject()
	if subject == nil || j.foresees {
		return
	}
	ticket := j.beside(subject)
	if ticket == nil {
		return
	}
	ticket.notePhoto(j.Mutation.GetRecordId(), j.written().GetPhoto(), awaitsDecision(ticket.state()))
	if photo := j.written().GetPhoto(); photo.GetAnnotationOfId() == "" {
		ticket.unflag(flagNoPhoto)
	}
	people := j.photographers()
	known := workers(ticket.ticket())
	photographed := func(onto *judgement, people []string) {
		if slices.Contains(people, string(j.Person)) {
			onto.perform(string(j.Person))
		}
		onto.performByWord(people...)
	}
	photographed(ticket, slices.DeleteFunc(slices.Clone(people), func(id string) bool { return slices.Contains(known, id) }))
	if ended(ticket.state()) {
		j.verdict.Flags = append(j.verdict.Flags, flagLate)
		ticket.arriveLate()
	}
	j.checkApproval(ticket, people)
	// What is photographed of a ticket that was merged proves the work on the one that it goes on in.
	if end := j.endOf(subject); ticket.state() == merged && end != nil {
		if onto := j.beside(end); onto != nil {
			photographed(onto, people)
			onto.notePhoto(j.Mutation.GetRecordId(), j.written().GetPhoto(), true)
			j.checkApproval(onto, people)
		}
	}
}

// checkApproval takes a closure back that rests on the word of who did the work, as this photo shows.
func (j *judgement) checkApproval(ticket *judgement, people []string) {
	if self := ticket.selfApproved(people); len(self) > 0 {
		j.verdict.Flags = append(j.verdict.Flags, flagSelfApproval)
		ticket.takeBackApproval(self)
	}
}

// completeLate is row 7: somebody else's work on a closed ticket is kept as late evidence; where its checklist found a fault, a supervisor is asked whether the
// closure holds.
func (j *judgement) completeLate() {
	j.verdict.Flags = append(j.verdict.Flags, flagLate)
	t := j.ticket()
	if !slices.Contains(j.flags(), flagLate) {
		j.flag(flagLate)
		j.tellLate("另一位同事也报了完工,请查看其照片和检查表。", "somebody else reported the work as done, too. Look at their photos and answers.")
	}
	var failed []string
	for _, w := range j.Current.GetWrites() {
		if w.GetStamp().GetPersonId() != string(j.Person) {
			continue
		}
		for _, e := range slices.Concat(w.GetElements(), w.GetSiblingElements()) {
			if e.GetField() == ticketAnswers && t.GetAnswers()[e.GetKey()].GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
				failed = append(failed, e.GetKey())
			}
		}
	}
	if len(failed) == 0 {
		return
	}
	var by string
	if approvers := t.GetApproverIds(); len(approvers) > 0 {
		by = approvers[0]
	}
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, []*roundsv1.Side{
		{Record: j.ref(), PersonId: by, TimeUs: t.GetClosedTimeUs(), Sentence: &roundsv1.Text{Zh: "已确认并关闭。", En: "Confirmed, and closed."}},
		j.thisSide("报完工,检查表有不合格项。", "Reported it as done, with an item of the checklist that failed."),
	})
}

// parkedSides are both sides of a command that waits for a person: of a completion, who took the ticket on, or cancelled it, and who did the work all the same; of an
// approval, what speaks against the work and the reviewer had not seen, and the reviewer.
func (j *judgement) parkedSides(as roundsv1.ConflictType) []*roundsv1.Side {
	switch as {
	case roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN:
		return j.orphanSides()
	case roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL:
		_, against := j.news()
		return append(against, j.waitingSide("确认了工单,当时未看到以上情况。", "Approved the work, without having seen that."))
	}
	by := writer(j.Current, ticketState)
	stands := &roundsv1.Side{Record: j.ref(), PersonId: by.GetPersonId(), DeviceId: by.GetDeviceId(), TimeUs: by.GetTimeUs(), JournalSeq: by.GetSeq()}
	switch as {
	case roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK:
		stands.PersonId = j.ticket().GetAssigneeId()
		stands.Sentence = &roundsv1.Text{Zh: "改派后已开工。", En: "Was given the ticket, and has begun."}
	case roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL:
		stands.Sentence = &roundsv1.Text{Zh: "取消了工单。", En: "Cancelled the ticket."}
	default:
		return nil
	}
	return []*roundsv1.Side{stands, j.waitingSide("报了完工。", "Reported the work as done.")}
}

// waitingSide is the side of the act that is judged and will wait: how it came to that, and what it says.
func (j *judgement) waitingSide(zh, en string) *roundsv1.Side {
	waits := whatWaits(j.Case, !erasedOf(j.Case))
	return j.thisSide(zh+waits.zh, en+" "+waits.en)
}
