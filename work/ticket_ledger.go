package work

import (
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// ledgerTerms are about what the ticket's ledger says for the time of an act that came late, and how such an act is put where it belongs in it.
type ledgerTerms struct {
	working, paused, roomForStart          condition
	insertStart, insertPause, insertResume effect
}

func aboutTheLedger() ledgerTerms {
	return ledgerTerms{
		working: condition{name: "the work was going on then", holds: func(j *judgement) bool { return j.standsThen(moveInProgress) }},
		paused:  condition{name: "the work was paused then", holds: func(j *judgement) bool { return j.standsThen(movePaused) }},
		roomForStart: condition{
			name:  "the ledger has room for a start",
			holds: (*judgement).roomForStart,
			refusal: refusal{overLimit, "",
				"此工单迟到的开工记录过多，请联系班长。您的工时和照片已保留。",
				"Too many starts of this ticket came late. Talk to the foreman; your labour and photos are kept."},
			facts: ledgerFacts,
		},

		insertStart: effect{"the start is put where it belongs in the ledger, where nobody was at work then; the deadlines are computed again",
			(*judgement).insertStart},
		insertPause:  effect{"the interval is put where it belongs in the ledger, the deadlines are computed again", (*judgement).insertPause},
		insertResume: effect{"the interval ends where it belongs in the ledger, the deadlines are computed again", (*judgement).insertResume},
	}
}

// standsThen: whether the ticket stood there at the time of the act.
func (j *judgement) standsThen(want roundsv1.TicketState) bool {
	return standingAt(j.ticket().GetMoves(), j.Time.UnixMicro()) == want
}

// roomForStart: whether not so many starts came late that the ledger fills with them.
func (j *judgement) roomForStart() bool {
	var late int
	for _, m := range j.ticket().GetMoves() {
		if m.GetState() == moveInProgress && m.GetLate() {
			late++
		}
	}
	return late < maxMoves/4
}

func ledgerFacts(*judgement) map[string]string {
	return map[string]string{"limit": strconv.Itoa(maxMoves / 4)}
}

func (j *judgement) insertStart() {
	if readyAt(j.ticket().GetMoves(), j.Time.UnixMicro()) {
		j.record(&roundsv1.Move{State: moveInProgress, Round: j.roundAt()})
	}
}

func (j *judgement) insertPause() {
	j.record(&roundsv1.Move{State: movePaused, Round: j.roundAt(), Reason: j.args.reason, StopsClock: j.pausesClock()})
	j.tellClock()
}

func (j *judgement) insertResume() {
	j.record(&roundsv1.Move{State: moveInProgress, Round: j.roundAt()})
}
