package work

import (
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

// checklistGaps is what the checklist of the ticket still lacks. What a reviewer pointed at when the work was sent back has to be answered anew.
func (j *judgement) checklistGaps() checklist.Gaps { return j.gapsIn(j.ticket()) }

// gapsIn is the same of the ticket as it will be.
func (j *judgement) gapsIn(t *roundsv1.Ticket) checklist.Gaps {
	if j.foresees {
		return checklist.Gaps{}
	}
	again := j.pointedAt(t)
	return checklist.Missing(withPointed(checklist.Ask(j.listPinned(t), nil, t.GetAnswers()), again), t.GetAnswers(), again)
}

// answeredSince: whether an item was answered after a moment, microseconds since 1970.
func (j *judgement) answeredSince(item string, us int64) bool {
	return slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
		return w.GetStamp().GetTimeUs() > us && slices.ContainsFunc(w.GetElements(), func(e *roundsv1.ElementKey) bool {
			return e.GetField() == ticketAnswers && e.GetKey() == item
		})
	})
}

// unanswered are the items that are not answered, or not completely, each once.
func (j *judgement) unanswered() []string {
	g := j.checklistGaps()
	items := slices.Concat(g.Unanswered, g.Photos, g.Notes, g.Reasons)
	slices.Sort(items)
	return slices.Compact(items)
}

// itemFacts count items of the ticket's checklist, and name them: by their ids for programs, by their questions for people.
func (j *judgement) itemFacts(items []string) map[string]string {
	list := j.listPinned(j.ticket())
	return map[string]string{"count": strconv.Itoa(len(items)), "items": strings.Join(items, ","),
		"questions": questionWords(list, nil, items, false), "questions_en": questionWords(list, nil, items, true)}
}
