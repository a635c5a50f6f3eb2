package work

import (
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// forceTerms are about a closure without evidence, by two people: the first asks for it, the second confirms on a device of their own.
type forceTerms struct {
	asked, namesFirst, namesAnother, namesIdle, namesAble, seen, requestSeen condition
	ask, tellSecond, close                                                   effect
}

func aboutForce() forceTerms {
	return forceTerms{
		asked: condition{
			name: "another person asked for it, who did none of the work since",
			holds: func(j *judgement) bool {
				return j.forceStands() && !slices.Contains(j.ticket().GetApproverIds(), string(j.Person))
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
		namesIdle: condition{
			name:  "who is named did none of the work, as far as is known",
			holds: (*judgement).namesIdle,
			refusal: refusal{invalid, "second_person_id",
				"所选的第二人参与了此工单的处理，请选择未参与的同事。",
				"The second person that you name worked on this ticket. Name a colleague who did not."},
		},
		namesAble: condition{
			name:  "who is named has a role that may confirm it, as far as is known",
			holds: (*judgement).namesAble,
			refusal: refusal{invalid, "second_person_id",
				"所选的第二人无权确认强制关闭，请选择本项目的班长、管家、派单员、主管或项目经理。",
				"The second person that you name may not confirm a forced closure. Name a foreman, butler, dispatcher, supervisor or manager of this site."},
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

		ask:        effect{`flag "force_close_asked"`, func(j *judgement) { j.flag(flagForceAsked) }},
		tellSecond: effect{"who is named is told that their word is asked", (*judgement).tellSecond},
		close:      effect{`flag "forced"`, (*judgement).closeByForce},
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

func (j *judgement) namesIdle() bool {
	second := j.ticketAct().GetForceClose().GetSecondPersonId()
	return second != j.ticket().GetAssigneeId() && !slices.Contains(j.ticket().GetCrewIds(), second) && !slices.Contains(j.hands(), second)
}

func (j *judgement) namesAble() bool {
	if j.rules.people == nil || j.foresees {
		return true
	}
	held := j.rules.people.Roles(engine.PersonID(j.ticketAct().GetForceClose().GetSecondPersonId()), j.Scope, j.arrived())
	return j.rules.rights[right{kindTicket, ForceClose}].any&bits(held) != 0
}

// tellSecond tells who is named that nothing is closed without their word.
func (j *judgement) tellSecond() {
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_REMINDER, toPeople(j.ticketAct().GetForceClose().GetSecondPersonId()),
		"有人请求强制关闭此工单，请您作为第二人确认。请查看工单；如同意，请在自己的手机上强制关闭，并将提出人填为第二人。",
		"Somebody asks to close this ticket by force, with you as the second person. Look at it; if you agree, close it by force on a device of your own, and name who asked.")
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
