package work

import (
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// listTerms are about the checklist that was pinned for the ticket: whether it is at hand, and what of it the crew has to answer before the work is reported as done
// (possible, pointedAnswered, answered), and before anybody decides on it (complete).
type listTerms struct {
	atHand, possible, pointedAnswered, answered, complete, open condition
	incomplete                                                  refusal
}

func aboutLists() listTerms {
	return listTerms{
		atHand: condition{
			name:  "its checklist is at hand in the version that was pinned, where the organisation's lists are known",
			holds: (*judgement).listAtHand,
			refusal: refusal{unknownVersion, "",
				"服务器上没有此工单所用的检查表版本，不能核对检查项。您的照片和答案已保留，请联系管理员后重新报完工。",
				"The server does not have the version of the checklist that this ticket needs, so nobody can say whether it is complete. Your photos" +
					" and answers are kept; talk to the administrator, then report it as done again."},
			facts: (*judgement).pinnedListFacts,
		},
		possible: condition{
			name:  "every reading can be",
			holds: func(j *judgement) bool { return len(j.checklistGaps().Impossible) == 0 || !j.knewRequirements() },
			refusal: refusal{impossible, "",
				"检查项「{questions}」的读数不可能，请核对后重新填写，再报完工。",
				"The reading of \"{questions_en}\" cannot be. Check it and enter it again, then report it as done."},
			facts: func(j *judgement) map[string]string { return j.itemFacts(j.checklistGaps().Impossible) },
		},
		answered: condition{
			name:  "every item of the checklist is answered that has to be",
			holds: func(j *judgement) bool { return len(j.unanswered()) == 0 || !j.knewRequirements() },
			refusal: refusal{missing, "",
				"检查表还有{count}项未填完：{questions}。不合格项须附照片和说明，跳过须写原因。请填完后重新报完工。",
				"{count} items of the checklist are not complete: {questions_en}. A failed item needs its photo and a note, a skipped one its reason." +
					" Complete them, then report it as done."},
			facts: func(j *judgement) map[string]string { return j.itemFacts(j.unanswered()) },
		},
		pointedAnswered: condition{
			name:  "every item that the reviewer pointed at was answered anew, in this round",
			holds: func(j *judgement) bool { return len(j.pointedOpen()) == 0 },
			refusal: refusal{missing, "",
				"退回时标出的{count}项还没有重新检查并作答：{questions}。请重新检查并作答（不合格的附照片和说明，不能检查的跳过并写明原因），再报完工。",
				"{count} items that the reviewer pointed at are not answered anew: {questions_en}. Look at them again and answer them (a failed one" +
					" with its photo and a note, one that cannot be looked at skipped with its reason), then report it as done."},
			facts: func(j *judgement) map[string]string { return j.itemFacts(j.pointedOpen()) },
		},
		complete: condition{
			name:    "every item of the checklist is answered that has to be, and every reading can be",
			holds:   func(j *judgement) bool { return !j.listIsOpen() },
			refusal: listIncomplete(),
			facts:   (*judgement).listFacts,
		},
		open:       condition{name: "items of the checklist are not answered", holds: (*judgement).listIsOpen},
		incomplete: listIncomplete(),
	}
}

// listIncomplete refuses a decision on work whose checklist is not complete.
func listIncomplete() refusal {
	return refusal{missing, "",
		"检查表还有{count}项未填完：{questions}，不能确认。请处理人补填：不合格项须附照片和说明，跳过须写原因，读数须在可能的范围内；或退回返工。",
		"{count} items of the checklist are not complete: {questions_en}, so it cannot be approved. Have who did the work complete them (a failed item" +
			" needs its photo and a note, a skipped one its reason, and a reading has to be possible), or send it back."}
}

// listAtHand: whether the list is here in the version that the crew answers. Where it was pinned unseen it is asked for when the evidence is verified.
func (j *judgement) listAtHand() bool {
	unseen := j.op == SubmitCompletion && !j.knewRequirements()
	return j.foresees || !j.directory || unseen || j.ticket().GetRequirements().GetChecklistVersion() == 0 || j.listPinned(j.ticket()) != nil
}

func (j *judgement) pinnedListFacts() map[string]string {
	need := j.ticket().GetRequirements()
	return map[string]string{"checklist": need.GetChecklistId(), "version": strconv.FormatUint(uint64(need.GetChecklistVersion()), 10)}
}

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
	j.verdict.Derived = append(j.verdict.Derived, NoticeOf(Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, People: peopleOf(people[:min(len(people), maxTold)]),
		CausedBy: j.Person, Cause: j.cause(), TimeUs: j.Time.UnixMicro(), Sentence: &roundsv1.Text{
			Zh: "您报完工的工单还须填写检查表：" + questionWords(list, nil, items, false) + "。请补填，填完后即可确认。",
			En: "The checklist of a ticket that you reported as done is not complete: " + questionWords(list, nil, items, true) + ". Complete it; the work can be confirmed then."}}))
}
