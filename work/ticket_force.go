package work

import (
	"slices"
	"strconv"
	"strings"
)

// forceTerms are about a closure without evidence, by two people: the first asks for it, the second confirms on a device of their own.
type forceTerms struct {
	asked, askedBySelf, namesFirst, namesAnother, seen, requestSeen condition
	needsSecond                                                     refusal
	ask, close                                                      effect
}

func aboutForce() forceTerms {
	return forceTerms{
		asked: condition{name: "another person asked for it, who did none of the work since", holds: (*judgement).forceStands},
		askedBySelf: condition{
			name: "the person asked for it before",
			holds: func(j *judgement) bool {
				return j.forceStands() && slices.Contains(j.ticket().GetApproverIds(), string(j.Person))
			},
		},
		namesFirst: condition{
			name:  "names who asked",
			holds: (*judgement).namesWhoAsked,
			refusal: refusal{invalid, "second_person_id",
				"请在「第二人」中选择先提出强制关闭的人。",
				"As the second person name the one who asked for the closure first."},
		},
		namesAnother: condition{
			name:  "names another person",
			holds: (*judgement).namesAnother,
			refusal: refusal{invalid, "second_person_id",
				"强制关闭须两人，请选择另一位同事作为第二人。",
				"It takes two people. Name a colleague as the second."},
		},
		seen: condition{
			name:    "state and round seen",
			holds:   func(j *judgement) bool { return j.saw(ticketState, ticketRound) },
			refusal: forceOvertaken(),
			facts:   forceFacts,
		},
		requestSeen: condition{
			name:    "state, round and the request that stands seen",
			holds:   func(j *judgement) bool { return j.saw(ticketState, ticketRound, ticketApprovers) },
			refusal: forceOvertaken(),
			facts:   forceFacts,
		},

		needsSecond: refusal{missing, "second_person_id",
			"已记录您的强制关闭请求，还需第二人在自己的手机上确认。",
			"Your request is on record. A second person has to confirm it on a device of their own."},

		ask:   effect{`flag "force_close_asked"`, func(j *judgement) { j.flag(flagForceAsked) }},
		close: effect{`flag "forced"`, (*judgement).closeByForce},
	}
}

// forceOvertaken refuses a word on a forced closure by somebody who had not seen what it would close.
func forceOvertaken() refusal {
	return refusal{superseded, "",
		"您操作之后工单或强制关闭请求已有变化，此次操作未生效。请同步并查看当前情况，再决定是否强制关闭。",
		"The ticket, or the request for a forced closure, changed since you looked, so this does not count. Sync, look at it as it stands, and decide again."}
}

// forceFacts say what stands instead: the round, and who asks for a forced closure of it.
func forceFacts(j *judgement) map[string]string {
	facts := map[string]string{"round": strconv.FormatUint(uint64(j.ticket().GetRound()), 10)}
	if j.forceAsked() {
		facts["asked_by"] = strings.Join(j.ticket().GetApproverIds(), ",")
	}
	return facts
}

// forceAsked: whether a closure by force waits for its second person.
func (j *judgement) forceAsked() bool { return slices.Contains(j.ticket().GetFlags(), flagForceAsked) }

// forceStands: whether somebody asked for a forced closure who did none of the work. Who worked on the ticket after asking is not one of the two any more, and
// whoever asks next is the first.
func (j *judgement) forceStands() bool {
	hands := j.hands()
	return j.forceAsked() && !slices.ContainsFunc(j.ticket().GetApproverIds(), func(id string) bool { return slices.Contains(hands, id) })
}

func (j *judgement) namesWhoAsked() bool {
	return slices.Contains(j.ticket().GetApproverIds(), j.ticketAct().GetForceClose().GetSecondPersonId())
}

func (j *judgement) namesAnother() bool {
	second := j.ticketAct().GetForceClose().GetSecondPersonId()
	return second != "" && second != string(j.Person)
}

// closeByForce marks the closure, and the outcome.
func (j *judgement) closeByForce() {
	j.unflag(flagForceAsked)
	j.flag(flagForced)
	j.verdict.Flags = append(j.verdict.Flags, flagForced)
}

// lapse takes back a forced closure that waits for its second person, when the work goes on.
func (j *judgement) lapse() {
	if j.Kind != kindTicket || j.op == ForceClose || !j.forceAsked() || !j.draft.has(ticketState) && !j.draft.has(ticketCompletions) {
		return
	}
	j.unflag(flagForceAsked)
	if !j.draft.has(ticketApprovers) {
		j.editTicket(ticketApprovers)
	}
}
