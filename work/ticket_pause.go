package work

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/policy"
)

// pauseTerms are about work that waits: why, whether the clocks stop for that, and what shows it.
type pauseTerms struct {
	listed, proved, room condition
	begin, end           effect
}

func aboutPauses() pauseTerms {
	return pauseTerms{
		listed: condition{
			name:  "a reason of the site's list",
			holds: (*judgement).pauseListed,
			refusal: refusal{invalid, "reason",
				"请从列表中选择挂起原因：{choices}。",
				"Choose one of the site's reasons for a pause: {choices_en}."},
			facts: (*judgement).pauseFacts,
		},
		proved: condition{
			name:  "a reason that stops the clocks is shown by a photo or a remark of this ticket, made since they began to run",
			holds: (*judgement).pauseProved,
			refusal: refusal{missing, "proof",
				"此原因会暂停计时，请先为此工单新拍照片或添加备注（如与业主通话的记录），并在挂起时选择它作为证明；上次暂停计时之前的照片和备注不能再次使用。",
				"This reason stops the clocks. First take a photo or add a remark on this ticket (of a call, say), and name it as the proof; one from" +
					" before the clocks last began to run does not count again."},
		},
		room: condition{
			name:  "the ledger has room",
			holds: (*judgement).roomForPause,
			refusal: refusal{overLimit, "",
				"此工单本轮暂停计时次数过多，请联系班长。",
				"The clocks of this ticket were stopped too often. Talk to the foreman."},
			facts: ledgerFacts,
		},

		begin: effect{"pause_reason; the foreman is told where the clocks stop", (*judgement).pause},
		end:   effect{"no pause_reason", (*judgement).endPause},
	}
}

// pauseReason is the site's reason that a pause names; false where it has none of it.
func (j *judgement) pauseReason() (policy.PauseReason, bool) {
	return j.reference.Policy(j.Scope).Pause(j.ticketAct().GetPause().GetReason())
}

func (j *judgement) pauseListed() bool {
	_, listed := j.pauseReason()
	return listed || j.foresees || !j.directory || len(j.reference.Policy(j.Scope).PauseReasons) == 0
}

func (j *judgement) pauseFacts() map[string]string {
	var reasons choices
	for _, r := range j.reference.Policy(j.Scope).PauseReasons {
		reasons.add(r.Code, r.Words)
	}
	return reasons.facts()
}

func (j *judgement) pauseProved() bool {
	reason, _ := j.pauseReason()
	return !reason.StopsClock || j.foresees || !j.directory || j.pausesClock()
}

// roomForPause: whether the clocks were not stopped so often in this round that the ledger fills with that.
func (j *judgement) roomForPause() bool {
	var this int
	for _, m := range j.ticket().GetMoves() {
		if m.GetRound() == j.ticket().GetRound() && m.GetStopsClock() {
			this++
		}
	}
	return this < maxMoves/4
}

// pause writes why the work waits.
func (j *judgement) pause() {
	j.editTicket(ticketPauseReason).PauseReason = j.args.reason
	j.tellClock()
}

func (j *judgement) endPause() {
	if j.ticket().GetPauseReason() != "" {
		j.editTicket(ticketPauseReason)
	}
}

// pausesClock: whether a pause stops the clocks: its reason does, and a photo or a remark of the ticket shows it that was made since they last began to run.
func (j *judgement) pausesClock() bool {
	if j.foresees || j.op != Pause {
		return false
	}
	if reason, known := j.pauseReason(); !known || !reason.StopsClock {
		return false
	}
	proof := j.ticketAct().GetPause().GetProof()
	change := j.lookup(merge.Kind(proof.GetKind()), proof.GetId())
	switch proof.GetKind() {
	case string(kindPhoto):
		return j.isOf(change.GetRecord().GetPhoto().GetSubject()) && writer(change, photoSubject).GetTimeUs() >= j.clockRanFrom()
	case string(kindComment):
		return j.isOf(change.GetRecord().GetComment().GetSubject()) && writer(change, commentSubject).GetTimeUs() >= j.clockRanFrom()
	}
	return false
}

// clockRanFrom is when the clocks last began to run before the act, microseconds since 1970: when the last pause that stopped them ended, or the round began, if that is
// later; 0 where they have run from the beginning. What was made before shows nothing of another pause.
func (j *judgement) clockRanFrom() (us int64) {
	stopped, round := false, j.roundAt()
	for _, m := range j.ticket().GetMoves() {
		if m.GetTimeUs() > j.Time.UnixMicro() {
			break
		}
		if stopped {
			us = m.GetTimeUs()
		}
		stopped = state(m.GetState()) == paused && m.GetStopsClock()
	}
	if round > 1 {
		us = max(us, roundBegan(j.ticket(), round))
	}
	return us
}

// tellClock tells the foreman of a pause that stops the clocks.
func (j *judgement) tellClock() {
	if !j.pausesClock() {
		return
	}
	reason, _ := j.pauseReason()
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_CLOCK_STOPPED, toRole(roundsv1.Role_ROLE_FOREMAN), "工单挂起并暂停计时："+reason.Words.GetZh()+"。",
		"A ticket waits, with its clocks stopped: "+reason.Words.GetEn()+".")
}
