package work

import (
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// ended: whether a ticket's work is over.
func ended(s state) bool { return s == closed || s == cancelled || s == merged }

// comesLate: whether a new photo or remark is about a ticket that has ended, or a round that was decided on. One that is here already and is sent once more is not new.
func (j *judgement) comesLate() bool { return j.Current == nil && j.over(j.concerned()) }

// concerned is the ticket or the round that a new photo or remark is about, by itself or by the photo that it is a remark on; nil where that is not here.
func (j *judgement) concerned() *roundsv1.Change {
	ref := j.toldOf()
	if ref.GetKind() == string(kindPhoto) {
		ref = j.lookup(kindPhoto, ref.GetId()).GetRecord().GetPhoto().GetSubject()
	}
	switch kind := merge.Kind(ref.GetKind()); kind {
	case kindTicket, kindInspection:
		return j.lookup(kind, ref.GetId())
	}
	return nil
}

// over: whether a ticket has ended, or a round was approved or excused.
func (j *judgement) over(change *roundsv1.Change) bool {
	walk := state(change.GetRecord().GetInspection().GetState())
	return ended(state(change.GetRecord().GetTicket().GetState())) || walk == approved || walk == excused
}

// arriveBesideLate is late_fact of a photo or a remark, which are records of their own.
func (j *judgement) arriveBesideLate() {
	if j.foresees || !j.comesLate() {
		return
	}
	j.verdict.Flags = append(j.verdict.Flags, flagLate)
	switch on := j.beside(j.concerned()); {
	case on == nil:
	case on.Kind == kindTicket:
		on.arriveLate()
	default:
		on.arriveLateOfWalk()
	}
}

// bringsFacts: whether an edit says something of the work: an answer, a part that was used, a visit. What is appended comes as a fact.
func (j *judgement) bringsFacts() bool {
	t, i := j.written().GetTicket(), j.written().GetInspection()
	return len(t.GetAnswers()) > 0 || len(t.GetPartsUsed()) > 0 || t.GetVisits() != 0 || len(i.GetAnswers()) > 0
}

// saysWork is the condition of an edit that is a fact, too.
func saysWork() condition {
	return condition{name: "it says something of the work: an answer, a part that was used, a visit", holds: (*judgement).bringsFacts}
}

// arriveLate marks a ticket that has ended, and tells whoever ended it. The mark goes with the round, and when the ticket ends anew. What comes for a merged ticket comes
// for the one that it goes on in, too.
func (j *judgement) arriveLate() {
	j.flag(flagLate)
	on := j
	if j.state() == merged {
		end := j.endOf(j.Current)
		if end == nil || !j.over(end) {
			return // whoever reviews that one looks at it there
		}
		if on = j.beside(end); on == nil {
			return
		}
		on.flag(flagLate)
	}
	on.tellLate("收到了新的记录，请查看。", "something arrived for it. Look at it.")
}

// arriveLateOfWalk marks a round that was approved or excused, and tells whoever decided.
func (j *judgement) arriveLateOfWalk() {
	j.flagInspection(flagLate)
	decided := writer(j.Current, inspectionState) // excused it
	by := decided.GetPersonId()
	if j.state() == approved {
		by = approverOf(j.inspection())
	}
	j.tellEnder(decided, named([]string{by}), "您确认过的巡检之后又收到了新的记录，请查看。", "After you decided on a round something arrived for it. Look at it.")
}

// forgetLate takes the mark off a round with its next round, and when it is decided on anew: what was late before was looked at by whoever decides now.
func (j *judgement) forgetLate() {
	to := state(j.draft.inspection.GetState())
	decided := j.draft.has(inspectionState) && (to == approved || to == excused) && j.state() != to
	if decided || j.draft.has(inspectionRound) {
		j.unflagInspection(flagLate)
	}
}

// tellLate tells whoever ended the ticket that something came for it: those who confirmed it, or who cancelled it.
func (j *judgement) tellLate(zh, en string) {
	by := writer(j.Current, ticketState)
	switch j.state() {
	case closed:
		j.tellEnder(by, named(slices.Clone(j.ticket().GetApproverIds())), "您确认过的工单关闭之后，"+zh, "After a ticket that you confirmed was closed, "+en)
	case cancelled:
		j.tellEnder(by, named([]string{by.GetPersonId()}), "工单取消之后，"+zh, "After a ticket was cancelled, "+en)
	}
}

// tellEnder tells each of those who ended a record that something came for it, once however much comes until it ends anew; the supervisors where that was nobody by name:
// it ended with its tasks, say. What they send themselves tells nobody, and what others send after that is told.
func (j *judgement) tellEnder(end *roundsv1.Stamp, people []string, zh, en string) {
	t := Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE, Sentence: &roundsv1.Text{Zh: zh, En: en},
		Cause: "late after " + strconv.FormatUint(end.GetSeq(), 10)}
	if len(people) == 0 {
		t.Role = roundsv1.Role_ROLE_SUPERVISOR
		j.tellOnce(t)
		return
	}
	for _, id := range people {
		if person := engine.PersonID(id); person != j.Person {
			t.People = []engine.PersonID{person}
			j.tellOnce(t)
		}
	}
}

// photoMarks keeps on the ticket of a new photo what rules ask about photos later: that there is one, which are from before the work, which came while it waits for a
// decision, and who photographed the finished work. Photos are records of their own, which rules can look up by id only; and a ticket's change for each of a thousand
// photos would be as much again. So the ticket is written when the first photo of a find on patrol comes, or one from before, or one beside the manifests, and when
// somebody photographs who was not known to have worked, and else not.
func (j *judgement) photoMarks() {
	j.notePhotoOfWalk()
	j.noteEarlyPhoto()
	j.arriveBesideLate()
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
	j.flag(flagLate)
	j.tellLate("另一位同事也报了完工，请查看其照片和检查表。", "somebody else reported the work as done, too. Look at their photos and answers.")
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
		j.thisSide("报完工，检查表有不合格项。", "Reported it as done, with an item of the checklist that failed."),
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
		return append(against, j.waitingSide("确认了工单，当时未看到以上情况。", "Approved the work, without having seen that."))
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
	waits := j.whatWaits(!j.erasedOf())
	return j.thisSide(zh+waits.zh, en+" "+waits.en)
}
