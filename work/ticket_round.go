package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// roundTerms are about the round of work that an act names, beside the one that the ticket is in, and how rounds begin.
type roundTerms struct {
	current, older, future, sentBack condition
	notBegun                         refusal
	first, next                      effect
}

func aboutRounds() roundTerms {
	return roundTerms{
		current: condition{
			name:  "the current round",
			holds: (*judgement).ofCurrentRound,
			refusal: refusal{superseded, "round",
				"此操作针对另一轮处理。请同步后查看当前一轮。",
				"This is about another round of work. Sync, and look at the current one."},
		},
		older:  condition{name: "an older round", holds: func(j *judgement) bool { return j.args.round < j.ticket().GetRound() }},
		future: condition{name: "round not begun", holds: func(j *judgement) bool { return j.args.round == 0 || j.args.round > j.ticket().GetRound() }},
		sentBack: condition{
			name: "that round was sent back",
			holds: func(j *judgement) bool {
				return reviewed(j.ticket(), j.args.round, roundsv1.Verdict_VERDICT_REJECTED) != nil
			},
		},

		notBegun: refusal{invalid, "round",
			"报完工的轮次还不存在，请先同步再提交。",
			"There is no such round of work yet. Sync first, then submit again."},

		first: effect{"round = 1", func(j *judgement) { j.editTicket(ticketRound).Round = 1 }},
		next: effect{"round + 1, with the requirements of the category that is shown and the times of the priority; tasks that were done are of the rounds before",
			(*judgement).nextRound},
	}
}

func (j *judgement) ofCurrentRound() bool { return j.args.round == j.ticket().GetRound() }

// nextRound begins the next round, on which the tasks that were done before have no bearing.
func (j *judgement) nextRound() {
	j.passTasks()
	j.beginRound()
}

// beginRound begins the next round: with what its category asks for now, and without the marks of the last one.
func (j *judgement) beginRound() {
	j.forgetShown()
	j.editTicket(ticketRound).Round = j.ticket().GetRound() + 1
	j.pinNext()
	j.unflag(flagLate, flagMoreAsked, FlagRetake, FlagEvidenceLost)
	if j.ticket().GetAcceptance() != roundsv1.Acceptance_ACCEPTANCE_UNSPECIFIED {
		j.editTicket(ticketAcceptance).Acceptance = roundsv1.Acceptance_ACCEPTANCE_UNSPECIFIED
	}
}

// roundAt is the round that the ticket was in at the time of the act.
func (j *judgement) roundAt() uint32 {
	round := j.ticket().GetRound()
	for _, m := range slices.Backward(j.ticket().GetMoves()) {
		if round = m.GetRound(); m.GetTimeUs() <= j.Time.UnixMicro() {
			break
		}
	}
	return round
}
