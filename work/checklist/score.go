package checklist

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Gaps is what stands against a submission, as the keys of the answers, in the order in which they are asked.
type Gaps struct {
	// Unanswered items that are not optional.
	Unanswered []string
	// Impossible readings.
	Impossible []string
	// Photos are missing of these failed items.
	Photos []string
	// Notes are missing of these failed items.
	Notes []string
	// Reasons are missing of these skipped items.
	Reasons []string
}

// None: whether nothing stands against it.
func (g Gaps) None() bool {
	return len(g.Unanswered)+len(g.Impossible)+len(g.Photos)+len(g.Notes)+len(g.Reasons) == 0
}

// Missing returns what a round still lacks. Again holds the keys that have to be answered anew and were not; nil: none.
func Missing(questions []Question, answers map[string]*roundsv1.Answer, again map[string]bool) Gaps {
	var g Gaps
	for _, q := range questions {
		a := answers[q.Key]
		result := Result(q.Item, a)
		switch {
		case Impossible(q.Item, a):
			g.Impossible = append(g.Impossible, q.Key)
		case again[q.Key], result == roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED && !q.Item.GetOptionalItem():
			g.Unanswered = append(g.Unanswered, q.Key)
		case result == roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED && a.GetNote() == "":
			g.Reasons = append(g.Reasons, q.Key)
		case result == roundsv1.AnswerResult_ANSWER_RESULT_FAIL:
			if len(a.GetPhotoIds()) == 0 && !q.Item.GetFailWithoutPhoto() {
				g.Photos = append(g.Photos, q.Key)
			}
			if a.GetNote() == "" && !q.Item.GetFailWithoutNote() {
				g.Notes = append(g.Notes, q.Key)
			}
		}
	}
	return g
}

// Outcome is what a round comes to.
type Outcome struct {
	// Score from 0 to 100: sum(weight × result) / sum(weight) × 100, where a pass is 1 and a failed, skipped or unanswered item 0. Items that do not apply, and
	// optional ones without an answer, are left out of both sums. Where no item has a weight all weigh the same. 0 where nothing counts.
	Score float64
	// Failed: a red line was crossed.
	Failed bool
	// Tally of the answers that count.
	Tally *roundsv1.Tally
}

// Sum reckons what a round comes to. An item that fails at a checkpoint has not passed by what somebody said of it once: that is left out, unless it is a failure too.
func Sum(questions []Question, answers map[string]*roundsv1.Answer) Outcome {
	out := Outcome{Tally: &roundsv1.Tally{}}
	var all, got float64 // by weight
	var count, passed int
	failed := map[string]bool{} // items that fail where they are asked
	for _, q := range questions {
		failed[q.Item.GetId()] = failed[q.Item.GetId()] || q.fails(answers)
	}
	for _, q := range questions {
		if q.Checkpoint == "" && failed[q.Item.GetId()] && !q.fails(answers) {
			continue
		}
		result := Result(q.Item, answers[q.Key])
		switch result {
		case roundsv1.AnswerResult_ANSWER_RESULT_PASS:
			out.Tally.Passed++
		case roundsv1.AnswerResult_ANSWER_RESULT_FAIL:
			out.Tally.Failed++
			out.Failed = out.Failed || q.Item.GetRedLine()
		case roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE:
			out.Tally.NotApplicable++
			continue
		case roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED:
			out.Tally.Skipped++
		default:
			out.Tally.Open++
			if q.Item.GetOptionalItem() {
				continue
			}
		}
		all += q.Item.GetWeight()
		count++
		if result == roundsv1.AnswerResult_ANSWER_RESULT_PASS {
			got += q.Item.GetWeight()
			passed++
		}
	}
	switch {
	case all > 0:
		out.Score = got / all * 100
	case count > 0:
		out.Score = float64(passed) / float64(count) * 100
	}
	return out
}
