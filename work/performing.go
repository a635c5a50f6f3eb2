package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Bounds of performer_ids. The schema has room for 64 people; names that somebody else gave fill it by half, so that nobody who acts is left out for them.
const (
	maxPerformers = 64
	maxByWord     = 32
)

// workersIn are the people of whom a mutation of a ticket says that they worked: who wrote it, where it scans a tag or answers the checklist, say; and those that
// labour names.
func (j *judgement) workersIn() []string {
	people := []string{j.worker()}
	for _, l := range j.written().GetTicket().GetLabour() {
		if !l.GetNone() {
			people = append(people, l.GetPersonId())
		}
	}
	return named(people)
}

// shownWorking are the people of whom an act on a ticket says that they worked.
func (j *judgement) shownWorking() []string {
	switch j.op {
	case SubmitCompletion, Start:
		return named([]string{string(j.Person)})
	}
	return j.workersIn()
}

// worker is the person of the act where it is some of the work, by what it writes on a ticket: a scan, an answer, a reading, parts that were used, a visit, labour of
// their own; "" where it is not.
func (j *judgement) worker() string {
	t := j.written().GetTicket()
	own := func(l *roundsv1.Labour) bool { return l.GetPersonId() == string(j.Person) && !l.GetNone() }
	if len(t.GetScans()) > 0 || len(t.GetAnswers()) > 0 || len(t.GetReadings()) > 0 || len(t.GetPartsUsed()) > 0 || t.GetVisits() != 0 || slices.ContainsFunc(t.GetLabour(), own) {
		return string(j.Person)
	}
	return ""
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

// perform notes who did some of the work by their own acts. Whoever acts gets in: where there is no room, one goes who is known by a completion or by labour too.
func (j *judgement) perform(people ...string) {
	all := slices.Clone(j.after().GetPerformerIds())
	for _, id := range people {
		j.actsItself(id)
		if id == "" || slices.Contains(all, id) {
			continue
		}
		if len(all) >= maxPerformers {
			known := workers(&roundsv1.Ticket{Completions: j.after().GetCompletions(), Labour: j.after().GetLabour()})
			at := slices.IndexFunc(all, func(id string) bool { return slices.Contains(known, id) })
			if at < 0 {
				return // full: nobody decides on it
			}
			all = slices.Delete(all, at, at+1)
		}
		all = append(all, id)
		j.editTicket(ticketPerformers).PerformerIds = slices.Clone(all)
	}
}

// performByWord notes who did some of the work by another's word: of the crew, or named by a photo or by labour. Such names can be invented, so they are not let
// in without bound; a ticket that is full of them is crowded.
func (j *judgement) performByWord(people ...string) {
	for _, id := range people {
		t := j.after()
		if id == "" || len(t.GetPerformerIds()) >= maxByWord || slices.Contains(t.GetPerformerIds(), id) || slices.Contains(t.GetDisclaimerIds(), id) {
			continue
		}
		j.perform(id)
		if id != string(j.Person) {
			byWord := append(slices.Clone(j.after().GetNamedIds()), id)
			j.editTicket(ticketNamed).NamedIds = byWord
			j.tellNamed(id)
		}
	}
}

// actsItself notes that somebody did some of the work by an act of their own: then it is not by another's word, and not to be denied.
func (j *judgement) actsItself(id string) {
	if byWord := j.after().GetNamedIds(); slices.Contains(byWord, id) {
		j.editTicket(ticketNamed).NamedIds = without(byWord, id)
	}
	if denied := j.after().GetDisclaimerIds(); slices.Contains(denied, id) {
		j.editTicket(ticketDisclaimers).DisclaimerIds = without(denied, id)
	}
}

// disclaim notes that the person says to have done none of the work, where no act of theirs shows that they did some.
func (j *judgement) disclaim() {
	me, t := string(j.Person), j.after()
	says := func(l *roundsv1.Labour) bool { return l.GetNone() && l.GetPersonId() == me }
	if me == "" || !slices.ContainsFunc(j.written().GetTicket().GetLabour(), says) || slices.Contains(acted(t), me) || slices.Contains(t.GetDisclaimerIds(), me) ||
		len(t.GetDisclaimerIds()) >= maxPerformers {
		return
	}
	j.editTicket(ticketDisclaimers).DisclaimerIds = append(slices.Clone(t.GetDisclaimerIds()), me)
	if slices.Contains(t.GetNamedIds(), me) {
		j.editTicket(ticketNamed).NamedIds = without(t.GetNamedIds(), me)
		j.editTicket(ticketPerformers).PerformerIds = without(t.GetPerformerIds(), me)
	}
}

// nameOthers tells those of whom labour says that they worked, and who were not known to have a part in it.
func (j *judgement) nameOthers() {
	known := slices.Concat(performers(j.ticket()), j.ticket().GetDisclaimerIds())
	for _, l := range j.written().GetTicket().GetLabour() {
		if id := l.GetPersonId(); !l.GetNone() && id != "" && id != string(j.Person) && !slices.Contains(known, id) {
			j.tellNamed(id)
		}
	}
}

// tellNamed tells somebody, once for each round, that another says that they worked on the ticket: they do not approve it then, unless they say that it is not so.
func (j *judgement) tellNamed(person string) {
	j.tellOnce(Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_NAMED,
		People: peopleOf([]string{person}), Cause: roundCause(j.after()), Sentence: &roundsv1.Text{
			Zh: "有记录写明您参与了此工单的处理，因此您不能确认此工单，但可以退回或要求补充。如您没有参与，请在工时中声明未参与。",
			En: "Somebody says that you did some of the work on this ticket, so you cannot approve it; you may send it back, or ask for more. If you did none, say so among its labour."}})
}

// crowded: whether so many people are named as performers that not everybody who worked need be among them.
func crowded(t *roundsv1.Ticket) bool { return len(t.GetPerformerIds()) >= maxByWord }

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
		if !l.GetNone() && !slices.Contains(t.GetDisclaimerIds(), l.GetPersonId()) {
			people = append(people, l.GetPersonId())
		}
	}
	return named(people)
}

// acted are those of the workers who are shown to be by acts of their own.
func acted(t *roundsv1.Ticket) []string {
	people := slices.DeleteFunc(slices.Clone(t.GetPerformerIds()), func(id string) bool { return slices.Contains(t.GetNamedIds(), id) })
	for _, c := range t.GetCompletions() {
		people = append(people, c.GetPersonId())
	}
	return named(people)
}

// full: whether even somebody who acted may not be among them.
func full(t *roundsv1.Ticket) bool { return len(t.GetPerformerIds()) >= maxPerformers }

// performed: whether the person did some of the work of any round, or is of those who are to.
func (j *judgement) performed() bool {
	return j.inCrew() || j.Person != "" && slices.Contains(workers(j.ticket()), string(j.Person))
}

// hands are who did some of the work of the ticket, or of a task of it that was not cancelled: that is part of the work that is decided on.
func (j *judgement) hands() []string {
	people := workers(j.ticket())
	for _, task := range j.tasks() {
		people = append(people, workers(task)...)
	}
	return named(people)
}

// vouches: whether the person may say how good the work is: had no part in it, nor in that of its tasks, and took none of the photos that prove it. Where so many are
// named that it cannot be known who worked, a supervisor or manager may who is not named, and nobody where there is no room for names.
func (j *judgement) vouches() bool {
	return !j.hadPart() && !j.undecided()
}

// hadPart: whether the person is shown to have a part in the work that is decided on.
func (j *judgement) hadPart() bool {
	return j.performed() || j.isAssignee() || j.photographedProof() || j.Person != "" && slices.Contains(j.hands(), string(j.Person))
}

// mayObject: whether the person may say that the work is not good enough: no act of their own shows that they did some of it. What others say of them cannot keep them
// from that.
func (j *judgement) mayObject() bool {
	me := string(j.Person)
	if me == "" {
		return true
	}
	did := func(t *roundsv1.Ticket) bool { return slices.Contains(acted(t), me) }
	return !j.isAssignee() && !j.fullOfNames() && !slices.ContainsFunc(append(j.tasks(), j.ticket()), did) && !j.sentProof(false)
}

// undecided: whether nobody can say that the person did none of the work, and somebody above has to decide; on a ticket that is full, that nobody can.
func (j *judgement) undecided() bool {
	leads := j.holds(roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER)
	return j.fullOfNames() || !leads && slices.ContainsFunc(append(j.tasks(), j.ticket()), crowded)
}

// fullOfNames: whether the ticket, or a task of it, is full.
func (j *judgement) fullOfNames() bool {
	return slices.ContainsFunc(append(j.tasks(), j.ticket()), full)
}

// photographedProof: whether the person took a photo that proves the round: sent it, or is named by it and does not deny to have worked.
func (j *judgement) photographedProof() bool {
	return j.sentProof(!slices.Contains(j.ticket().GetDisclaimerIds(), string(j.Person)))
}

// sentProof: whether the person sent a photo that proves the round; or is named by one, where that counts.
func (j *judgement) sentProof(orNamed bool) bool {
	_, known := j.afterPhotos()
	return j.Person != "" && !j.foresees && slices.ContainsFunc(manifestOf(j.ticket()), func(id string) bool {
		change := j.lookup(kindPhoto, id)
		return countsAsProof(change.GetRecord().GetPhoto(), known) &&
			(orNamed && change.GetRecord().GetPhoto().GetPersonId() == string(j.Person) || writer(change, photoSubject).GetPersonId() == string(j.Person))
	})
}

// selfApproved are the approvers of a closed ticket of whom a fact shows now that they worked on what they approved. When the work was done does not matter: who
// works on a ticket does not vouch for it.
func (j *judgement) selfApproved(people []string) []string {
	if j.state() != closed {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(people), func(id string) bool {
		denies := id != string(j.Person) && slices.Contains(j.ticket().GetDisclaimerIds(), id)
		return denies || !slices.Contains(j.ticket().GetApproverIds(), id)
	})
}

// stillVouch are the approvers of a closed ticket beside those of whom something shows now that they worked, who did none of the work themselves: the closure stands
// on the word of any of them.
func (j *judgement) stillVouch(self []string) []string {
	hands := j.hands()
	return slices.DeleteFunc(slices.Clone(j.ticket().GetApproverIds()), func(id string) bool { return slices.Contains(self, id) || slices.Contains(hands, id) })
}

// takeBackApproval is row 37 on the ticket of the judgement: the closure does not rest on who did the work. Where somebody else approved it too, who did none of it, it
// stands on that word, and the others' signatures are taken off. Else somebody else reviews it again. A closure by force, or by its tasks, has nothing that could be
// reviewed: it stays, and a supervisor is asked.
func (j *judgement) takeBackApproval(people []string) {
	t := j.ticket()
	j.flag(flagSelfApproval)
	offered := []roundsv1.ConflictAction{actAcknowledge, actReopen}
	if !slices.Contains(t.GetFlags(), flagForced) && !slices.Contains(t.GetFlags(), flagByTasks) {
		offered = nil // those of the table: somebody else reviews it
		left := j.stillVouch(people)
		if j.editTicket(ticketApprovers).ApproverIds = left; len(left) > 0 {
			j.tellSignatureOff(people)
			return
		}
		j.move(pendingReview)
	}
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, []*roundsv1.Side{
		{Record: j.ref(), PersonId: people[0], TimeUs: t.GetClosedTimeUs(), Sentence: &roundsv1.Text{Zh: "确认了此工单。", En: "Approved it."}},
		j.thisSide("迟到的记录表明，确认人参与了处理。", "Something that arrived late shows that the approver did part of the work."),
	}, offered...)
}

// withdrawOwn is row 37 of an act that shows an approver working.
func (j *judgement) withdrawOwn() {
	if self := j.selfApproved(j.shownWorking()); len(self) > 0 {
		j.verdict.Flags = append(j.verdict.Flags, flagSelfApproval)
		j.takeBackApproval(self)
	}
}

// tellSignatureOff tells those whose signatures do not count any more, and the leaders of the site, that the closure stands on another's word.
func (j *judgement) tellSignatureOff(people []string) {
	const code = roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE
	zh, en := "迟到的记录表明，一位确认人参与了处理，其确认已撤下。另一位未参与处理的确认人也已确认，工单维持关闭，请留意。",
		"Something that arrived late shows that one who approved the work did part of it. That approval was taken off; somebody else approved it who did none of it, so the"+
			" ticket stays closed. Look at it."
	j.notify(code, toRole(roundsv1.Role_ROLE_SUPERVISOR), zh, en)
	j.notify(code, toRole(roundsv1.Role_ROLE_FOREMAN), zh, en)
	j.notify(code, toPeople(people...), "迟到的记录表明您参与了此工单的处理，您的确认已撤下。另一位确认人的确认仍有效，工单维持关闭。",
		"Something that arrived late shows that you did part of the work, so your approval was taken off. Another's stands, and the ticket stays closed.")
}
