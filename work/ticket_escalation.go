package work

import (
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// escalationTerms are about the level that sees to the ticket: people take it up one level at a time, and an unhappy customer does, up to the highest.
type escalationTerms struct {
	belowTop     condition
	overtaken    refusal
	level, raise effect
}

func aboutEscalation() escalationTerms {
	return escalationTerms{
		belowTop: condition{
			name:  "not at the highest level",
			holds: (*judgement).belowTop,
			refusal: refusal{badState, "",
				"已是最高级别，请直接联系总部负责人。",
				"It is at the highest level already. Call the head office."},
			facts: levelFacts,
		},

		overtaken: refusal{superseded, "",
			"此工单刚被其他人升级。请查看当前级别，仍需要时再次升级。",
			"Somebody else has just escalated it. Look at the level, and escalate again if need be."},

		level: effect{"escalation_level + 1, the level is told", (*judgement).raise},
		raise: effect{"escalation_level + 1, 3 at most, the level is told", (*judgement).raise},
	}
}

func (j *judgement) belowTop() bool { return j.ticket().GetEscalationLevel() < topLevel }

// levelFacts say how far up the ticket is.
func levelFacts(j *judgement) map[string]string {
	return map[string]string{"level": strconv.FormatUint(uint64(j.ticket().GetEscalationLevel()), 10)}
}

// raise takes the ticket one level up and tells whoever is there.
func (j *judgement) raise() {
	level := j.ticket().GetEscalationLevel()
	if level >= topLevel {
		return
	}
	level++
	j.editTicket(ticketEscalation).EscalationLevel = level
	if j.foresees {
		return
	}
	if role := j.reference.Policy(j.Scope).LevelRoles[level]; role != roundsv1.Role_ROLE_UNSPECIFIED {
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_ESCALATED, toRole(role), "工单已升级到您这一级，请跟进。", "A ticket was escalated to your level. See to it.")
	}
}
