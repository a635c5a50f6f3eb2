package work

// endingTerms are about tickets that end without a review, and about what comes for one that has ended.
type endingTerms struct {
	noWork                  condition
	acceptedAlready         refusal
	tellCancelled, markLate effect
}

func aboutEndings() endingTerms {
	return endingTerms{
		noWork: condition{
			name:  "no work is on record",
			holds: (*judgement).noWorkOnRecord,
			refusal: refusal{noRight, "",
				"已有工作记录，只能由主管取消。",
				"Work is on record already: only a supervisor can cancel it."},
		},

		acceptedAlready: refusal{noRight, "",
			"已接单的工单只能由主管取消，请联系主管。",
			"Once it was accepted, only a supervisor can cancel a ticket. Ask one."},

		tellCancelled: effect{"the assignee, the crew and the reporter are told", (*judgement).tellCancelled},
		markLate:      effect{`flag "late"; once for each closure who confirmed or cancelled it is told`, (*judgement).markLate},
	}
}

// noWorkOnRecord: whether nothing says that somebody did some of the work.
func (j *judgement) noWorkOnRecord() bool {
	t := j.ticket()
	return len(t.GetLabour()) == 0 && len(t.GetScans()) == 0 && len(t.GetReadings()) == 0 && len(t.GetAnswers()) == 0 &&
		len(t.GetPartsUsed()) == 0 && t.GetVisits() == 0 && len(workers(t)) == 0
}

// markLate marks the outcome, and the ticket, so that whoever ended it looks again.
func (j *judgement) markLate() {
	j.verdict.Flags = append(j.verdict.Flags, flagLate)
	j.arriveLate()
}
