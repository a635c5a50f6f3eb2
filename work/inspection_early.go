package work

import "math"

// flagTooEarly is the mark of a round that was begun, walked or submitted before its window, and of a visit then.
const flagTooEarly = "too_early"

// walkableFrom is the moment from which a walk of the round is no earlier than the site allows, microseconds since 1970; before all others where it has no window.
func (j *judgement) walkableFrom() int64 {
	begins := j.route().GetWindowStartUs()
	if begins == 0 {
		return math.MinInt64
	}
	return begins - j.reference.Policy(j.Scope).RoundEarly.Microseconds()
}

// tooEarly: whether a moment is before the window of the round by more than the site allows. A device does not know what that is.
func (j *judgement) tooEarly(us int64) bool { return !j.foresees && us < j.walkableFrom() }

// markEarly marks a round that is walked before its window. Nothing is refused: the walk may be over when the server hears of it.
func (j *judgement) markEarly() {
	if j.tooEarly(j.Time.UnixMicro()) {
		j.flagInspection(flagTooEarly)
	}
}
