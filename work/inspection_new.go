package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// newRoundTerms are what a round has to be that somebody makes: one that can be walked.
type newRoundTerms struct {
	titled, asks, once, lasts condition
}

func aboutNewRounds() newRoundTerms {
	holds := func(is func(*roundsv1.Inspection) bool) func(*judgement) bool {
		return func(j *judgement) bool { return is(j.written().GetInspection()) }
	}
	return newRoundTerms{
		titled: condition{name: "a title is not blank", holds: holds(func(i *roundsv1.Inspection) bool { return !blank(i.GetTitle()) }), refusal: blankTitle()},
		asks: condition{
			name:    "there is a checklist, or a checkpoint",
			holds:   holds(func(i *roundsv1.Inspection) bool { return i.GetChecklistId() != "" || len(i.GetCheckpointIds()) > 0 }),
			refusal: refusal{missing, "checklist_id", "巡检须有检查表或检查点。", "A round needs a checklist, or checkpoints to be visited."},
		},
		once: condition{
			name: "each checkpoint is named once",
			holds: holds(func(i *roundsv1.Inspection) bool {
				return len(slices.Compact(slices.Sorted(slices.Values(i.GetCheckpointIds())))) == len(i.GetCheckpointIds())
			}),
			refusal: refusal{invalid, "checkpoint_ids", "同一个检查点写了两次，每个检查点只写一次。", "A checkpoint is named twice: name each once."},
		},
		lasts: condition{
			name: "the window ends after it begins, where it ends",
			holds: holds(func(i *roundsv1.Inspection) bool {
				return i.GetWindowEndUs() == 0 || i.GetWindowEndUs() > i.GetWindowStartUs()
			}),
			refusal: refusal{invalid, "window_end_us", "时间窗的结束须晚于开始。", "The window has to end after it begins."},
		},
	}
}

// all are the terms in the order in which they are asked.
func (t newRoundTerms) all() needs { return needs{t.titled, t.asks, t.once, t.lasts} }
