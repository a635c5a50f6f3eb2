package work

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

// returnOf is what the round before the current one was returned with; nil in the first round.
func returnOf(i *roundsv1.Inspection) *roundsv1.Review {
	for _, review := range slices.Backward(i.GetReviews()) {
		if review.GetVerdict() == roundsv1.Verdict_VERDICT_REJECTED && review.GetRound()+1 == i.GetRound() {
			return review
		}
	}
	return nil
}

// walkedAnew: whether the whole round is to be walked anew: the last return named no items.
func (j *judgement) walkedAnew() bool {
	back := returnOf(j.inspection())
	return back != nil && len(back.GetItemIds()) == 0
}

// again are the answers that the last return asked for anew, and that nobody gave since: those of the items that it named or, where it named none, all that have to be
// answered.
func (j *judgement) again(list *roundsv1.Checklist) map[string]bool {
	i := j.inspection()
	again := map[string]bool{}
	review := returnOf(i)
	for _, id := range review.GetItemIds() {
		for _, q := range meant(list, i, id) {
			again[q.Key] = !answeredSince(j.Current, q.Key, review.GetTimeUs())
		}
	}
	if j.walkedAnew() {
		for _, q := range checklist.Ask(list, i.GetCheckpointIds(), i.GetAnswers()) {
			if !q.Item.GetOptionalItem() {
				again[q.Key] = !answeredSince(j.Current, q.Key, review.GetTimeUs())
			}
		}
	}
	return again
}

// meant are the questions that a reviewer means by the id of an item, by a key or by a checkpoint: where an item is asked at each checkpoint, all of them; and all that is
// asked at a checkpoint.
func meant(list *roundsv1.Checklist, i *roundsv1.Inspection, id string) []checklist.Question {
	return slices.DeleteFunc(checklist.Ask(list, i.GetCheckpointIds(), i.GetAnswers()), func(q checklist.Question) bool {
		return q.Key != id && q.Item.GetId() != id && q.Checkpoint != id
	})
}

// answeredSince: whether an answer that stands was written after a time.
func answeredSince(c *roundsv1.Change, key string, us int64) bool {
	return slices.ContainsFunc(c.GetWrites(), func(w *roundsv1.Write) bool {
		return w.GetStamp().GetTimeUs() > us && slices.ContainsFunc(w.GetElements(), func(e *roundsv1.ElementKey) bool {
			return e.GetField() == inspectionAnswers && e.GetKey() == key
		})
	})
}

// pointsAtWalk: whether what a reviewer points at is of the round: an item of its list, an answer, or a checkpoint of its route.
func (j *judgement) pointsAtWalk() bool { return j.foresees || len(j.strange()) == 0 }

// strange are the ids that a return names and that are nothing of the round.
func (j *judgement) strange() []string {
	i := j.inspection()
	list := j.checklistOf(i)
	return slices.DeleteFunc(slices.Clone(j.inspectionAct().GetReturn().GetItemIds()), func(id string) bool {
		return i.GetAnswers()[id] != nil || slices.Contains(i.GetCheckpointIds(), id) || len(meant(list, i, id)) > 0 ||
			list == nil && i.GetChecklistId() != "" // nobody can say what it asks
	})
}

// revisited: whether somebody was again at each checkpoint that the last return pointed at. Tags are known to the server alone.
func (j *judgement) revisited() bool { return j.foresees || len(j.unvisitedAgain()) == 0 }

// unvisitedAgain are the checkpoints that the last return pointed at, or at items of, and where nobody was since: no scan of the round shows it, not even of a broken tag. One
// whose items were all skipped since, with a reason, could not be reached.
func (j *judgement) unvisitedAgain() []string {
	i := j.inspection()
	review := returnOf(i)
	if review == nil {
		return nil
	}
	list := j.checklistOf(i)
	pointed, reachable := map[string]bool{}, map[string]bool{}
	for _, id := range review.GetItemIds() {
		questions := meant(list, i, id)
		if slices.Contains(i.GetCheckpointIds(), id) {
			pointed[id], reachable[id] = true, reachable[id] || len(questions) == 0
		}
		for _, q := range questions {
			a := i.GetAnswers()[q.Key]
			skipped := a.GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED && a.GetNote() != "" && answeredSince(j.Current, q.Key, review.GetTimeUs())
			pointed[q.Checkpoint], reachable[q.Checkpoint] = true, reachable[q.Checkpoint] || !skipped
		}
	}
	return slices.DeleteFunc(slices.Clone(i.GetCheckpointIds()), func(checkpoint string) bool {
		return !pointed[checkpoint] || !reachable[checkpoint] || slices.ContainsFunc(i.GetOfficialVisits(), func(v *roundsv1.Visit) bool {
			return v.GetCheckpointId() == checkpoint && v.GetRound() == i.GetRound() && proves(strings.Join(tagMarks(v), ""))
		})
	})
}

// placeFacts count checkpoints, and name them: by their ids for programs, by their names for people.
func (j *judgement) placeFacts(checkpoints []string) map[string]string {
	var zh, en []string
	for _, id := range checkpoints[:min(len(checkpoints), maxNamed)] {
		place := j.lookup(kindPlace, id).GetRecord().GetPlace()
		zh = append(zh, quoted(place.GetName().GetZh(), place.GetName().GetEn(), cmp.Or(place.GetCode(), id), false))
		en = append(en, quoted(place.GetName().GetEn(), place.GetName().GetZh(), cmp.Or(place.GetCode(), id), true))
	}
	return map[string]string{"count": strconv.Itoa(len(checkpoints)), "checkpoints": strings.Join(checkpoints[:min(len(checkpoints), maxNamed)], ","),
		"places": strings.Join(zh, "、"), "places_en": strings.Join(en, ", ")}
}

// strangeFacts name what a return points at and is nothing of the round.
func (j *judgement) strangeFacts() map[string]string {
	ids := j.strange()
	return map[string]string{"items": strings.Join(ids, ","), "items_zh": quotedAll(ids, false), "items_en": quotedAll(ids, true)}
}

// completeOlderWalk is row 9 of a round: whoever submits a round that was returned meanwhile had not seen that, or sends it once more. It is kept with its round.
func (j *judgement) completeOlderWalk() {
	j.verdict.Flags = append(j.verdict.Flags, "older_round")
	all := j.inspection().GetCompletions()
	if len(all) >= maxCompletions || slices.ContainsFunc(all, func(c *roundsv1.Completion) bool {
		return c.GetRound() == j.args.round && c.GetPersonId() == string(j.Person)
	}) {
		return
	}
	j.editInspection(inspectionCompletions).Completions = append(slices.Clone(all), &roundsv1.Completion{Round: j.args.round, PersonId: string(j.Person),
		TimeUs: j.Time.UnixMicro(), TakenUs: j.takenUs()})
}
