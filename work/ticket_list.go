package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// listIsOpen: whether the checklist of the ticket lacks something that has to be there before anybody decides on the work: an item without its answer, a reading that
// cannot be.
func (j *judgement) listIsOpen() bool { return len(j.lacking(j.ticket())) > 0 }

// lacking are the items that a ticket still lacks, each once.
func (j *judgement) lacking(t *roundsv1.Ticket) []string {
	g := j.gapsIn(t)
	items := slices.Concat(g.Unanswered, g.Photos, g.Notes, g.Reasons, g.Impossible)
	slices.Sort(items)
	return slices.Compact(items)
}

func (j *judgement) listFacts() map[string]string { return j.itemFacts(j.lacking(j.ticket())) }

// listOpen refuses a decision on work whose checklist is not complete.
func listOpen() refusal {
	return refusal{missing, "", "检查表还有{count}项未填完:{questions},不能确认。请处理人补填:不合格项须附照片和说明,跳过须写原因,读数须在可能的范围内;或退回返工。",
		"{count} items of the checklist are not complete: {questions_en}, so it cannot be approved. Have who did the work complete them (a failed item needs its photo and a" +
			" note, a skipped one its reason, and a reading has to be possible), or send it back."}
}

// tellGaps tells who reported the round as done what its checklist lacks: they did not know that it was asked for, and answers may still be added. The evidence is
// complete when they are here.
func (j *judgement) tellGaps() {
	if !j.draft.has(ticketCompletions) && !j.draft.has(ticketRequirements) {
		return
	}
	after := j.after()
	if s := state(after.GetState()); s != donePending && s != pendingReview {
		return
	}
	items := j.lacking(after)
	var people []string
	for _, c := range proving(after) {
		people = append(people, c.GetPersonId())
	}
	if people = named(people); len(items) == 0 || len(people) == 0 {
		return
	}
	list := j.listPinned(after)
	j.verdict.Derived = append(j.verdict.Derived, NoticeOf(Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, People: people[:min(len(people), maxTold)],
		CausedBy: string(j.Person), Cause: j.cause(), TimeUs: j.Time.UnixMicro(), Sentence: &roundsv1.Text{
			Zh: "您报完工的工单还须填写检查表:" + questionWords(list, nil, items, false) + "。请补填,填完后即可确认。",
			En: "The checklist of a ticket that you reported as done is not complete: " + questionWords(list, nil, items, true) + ". Complete it; the work can be confirmed then."}}))
}
