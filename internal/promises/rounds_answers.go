package promises

import (
	"math"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// checklist is the list that a round is walked with, in its version; before its release in the newest. Nil: it is not at hand.
func (m *trade) checklist(w *walk) *roundsv1.Checklist {
	if m.c.evidence.Trade == nil || w.list == "" {
		return nil
	}
	return m.c.evidence.Trade.Checklist(m.h.scope.Name, w.list, w.version)
}

// keyOf is where the answer to an item at a checkpoint stands; without a checkpoint it is asked once.
func keyOf(checkpoint, item string) string {
	if checkpoint == "" {
		return item
	}
	return checkpoint + "/" + item
}

// itemOf is the item that a key of the answers belongs to; nil where the list has none such.
func itemOf(list *roundsv1.Checklist, checkpoints []string, key string) (string, *roundsv1.ChecklistItem) {
	for _, checkpoint := range append([]string{""}, checkpoints...) {
		for _, item := range list.GetItems() {
			if keyOf(checkpoint, item.GetId()) == key {
				return checkpoint, item
			}
		}
	}
	return "", nil
}

// question is an item where it is asked.
type question struct {
	item *roundsv1.ChecklistItem
	key  string
}

// questions are what a round asks: an item that somebody answered at a checkpoint, and nobody by itself, is asked at each of them; one that somebody answered by itself is
// asked once, and where it failed.
func (m *trade) questions(w *walk) (all []question) {
	for _, item := range m.checklist(w).GetItems() {
		var at, failed []question
		for _, checkpoint := range w.checkpoints {
			q := question{item, keyOf(checkpoint, item.GetId())}
			if at = append(at, q); w.fails(q) {
				failed = append(failed, q)
			}
		}
		if len(w.answers[item.GetId()]) == 0 && slices.ContainsFunc(at, func(q question) bool { return len(w.answers[q.key]) > 0 }) {
			all = append(all, at...)
			continue
		}
		all = append(append(all, question{item, item.GetId()}), failed...)
	}
	return all
}

// fails: whether the answer to a question counts as a failure.
func (w *walk) fails(q question) bool {
	return result(q.item, shown(w.answers[q.key]).said) == roundsv1.AnswerResult_ANSWER_RESULT_FAIL
}

// asks: whether a round has something that must be answered; one with a checklist that nobody knows does.
func (m *trade) asks(w *walk) bool {
	list := m.checklist(w)
	if list == nil {
		return w.list != ""
	}
	return slices.ContainsFunc(list.GetItems(), func(item *roundsv1.ChecklistItem) bool { return !item.GetOptionalItem() })
}

// impossible: whether a reading cannot be.
func impossible(item *roundsv1.ChecklistItem, a *roundsv1.Answer) bool {
	r := a.GetReading()
	return a != nil && a.Reading != nil && (math.IsNaN(r) || math.IsInf(r, 0) || item.Least != nil && r < item.GetLeast() || item.Greatest != nil && r > item.GetGreatest())
}

// result is what an answer counts as: an item with limits passes by its reading alone, whatever was said.
func result(item *roundsv1.ChecklistItem, a *roundsv1.Answer) roundsv1.AnswerResult {
	const none, pass, fail = roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED, roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	measured := item.GetUnit() != "" || item.Low != nil || item.High != nil || item.Least != nil || item.Greatest != nil
	switch said := a.GetResult(); {
	case impossible(item, a):
		return none
	case !measured:
		return said
	case a == nil || a.Reading == nil:
		if said == pass {
			return none
		}
		return said
	case item.Low != nil && a.GetReading() < item.GetLow(), item.High != nil && a.GetReading() > item.GetHigh():
		return fail
	case said == none:
		return pass
	default:
		return said
	}
}

// gap says what a submission lacks: every item that is not optional is answered or skipped with a reason, and a failure has its photo and its note; after a return
// the items that were named are answered anew. "": nothing.
func (m *trade) gap(w *walk) string { return gapIn(m.questions(w), w.answers, w.again, w.returned) }

// gapIn is what answers to questions lack, where some are to be answered anew since an entry.
func gapIn(questions []question, answers map[string][]answer, again []string, since *entry) string {
	for _, q := range questions {
		a := shown(answers[q.key])
		named := slices.Contains(again, q.key) || slices.Contains(again, q.item.GetId())
		switch r := result(q.item, a.said); {
		case impossible(q.item, a.said):
			return "the reading of item " + q.key + " cannot be"
		case r == roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED && !q.item.GetOptionalItem():
			return "item " + q.key + " is not answered"
		case named && !slices.ContainsFunc(answers[q.key], func(a answer) bool { return a.GetOutcome().GetTimeUs() > since.GetOutcome().GetTimeUs() }):
			return "item " + q.key + " was to be looked at again, and was not"
		case r == roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED && a.said.GetNote() == "":
			return "item " + q.key + " is skipped without a reason"
		case r == roundsv1.AnswerResult_ANSWER_RESULT_FAIL && len(a.said.GetPhotoIds()) == 0 && !q.item.GetFailWithoutPhoto():
			return "item " + q.key + " fails without a photo"
		case r == roundsv1.AnswerResult_ANSWER_RESULT_FAIL && a.said.GetNote() == "" && !q.item.GetFailWithoutNote():
			return "item " + q.key + " fails without a note"
		}
	}
	return ""
}

// score is what a round comes to: the sum of weight times result, of 100; a red line that is crossed fails it. A failure at a checkpoint counts in place of what was said
// of the item by itself (27).
func (m *trade) score(w *walk) (score float64, failed bool) {
	var all, got, count, passed float64
	questions := m.questions(w)
	for _, q := range questions {
		fails := func(other question) bool { return other.item.GetId() == q.item.GetId() && w.fails(other) }
		if q.key == q.item.GetId() && !w.fails(q) && slices.ContainsFunc(questions, fails) {
			continue
		}
		r := result(q.item, shown(w.answers[q.key]).said)
		if r == roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE || r == roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED && q.item.GetOptionalItem() {
			continue
		}
		all, count = all+q.item.GetWeight(), count+1
		if r == roundsv1.AnswerResult_ANSWER_RESULT_PASS {
			got, passed = got+q.item.GetWeight(), passed+1
		}
		failed = failed || r == roundsv1.AnswerResult_ANSWER_RESULT_FAIL && q.item.GetRedLine()
	}
	switch {
	case all > 0:
		return got / all * 100, failed
	case count > 0:
		return passed / count * 100, failed
	}
	return 0, failed
}

// photos are those that the answers name which count.
func (w *walk) photos() (ids []string) {
	for _, all := range w.answers {
		ids = append(ids, shown(all).said.GetPhotoIds()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// arrive holds the model of an inspection round against its record.
func (m *trade) arrive(w *walk) {
	record := m.change("inspection", w.id).GetRecord().GetInspection()
	if w.unclear || record == nil {
		return
	}
	wrong := func(format string, args ...any) {
		m.c.find(P9, m.h.scope.Name, "inspection %s "+format, append([]any{w.id}, args...)...)
	}
	if max(record.GetState(), walkPlanned) != w.state || max(record.GetRound(), 1) != w.round || record.GetInspectorId() != w.inspector {
		wrong("is %v, in round %d, of %q; by the table it is %v, in round %d, of %q", record.GetState(), record.GetRound(), record.GetInspectorId(), w.state, w.round, w.inspector)
	}
	if m.c.evidence.Trade == nil || m.checklist(w) == nil {
		return
	}
	if w.state != walkPlanned && record.GetChecklistVersion() != w.version {
		wrong("is walked with version %d of its checklist; pinned was %d", record.GetChecklistVersion(), w.version)
	}
	for failure := range w.failures {
		ticket := string(client.DerivedID(client.RecordID(w.id), failure[0], failure[1]))
		if t := m.tickets[ticket]; t == nil || t.state == roundsv1.TicketState_TICKET_STATE_UNSPECIFIED {
			wrong("failed in item %s, and there is no ticket %s", keyOf(failure[0], failure[1]), ticket)
		}
	}
	switch w.state {
	case walkSubmitted, walkReview, walkApproved, walkReturned:
		if score, failed := m.score(w); math.Abs(score-record.GetScore()) > 1e-6 || failed != record.GetFailed() {
			wrong("has the score %v, failed %v; by its answers it is %v, %v", record.GetScore(), record.GetFailed(), score, failed)
		}
	}
}
