package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/roster"
)

// staffTerms are about the person whom a dispatch names: whether the work can be given to them, as far as the site's directory knows. A manager may see past absence,
// shift and skill.
type staffTerms struct {
	works, stays, present, onDuty, skilled condition
}

func aboutStaff() staffTerms {
	return staffTerms{
		works: condition{
			name:  "the person works at the site, as far as is known",
			holds: (*judgement).assigneeWorksHere,
			refusal: refusal{offDuty, "assignee_id",
				"{person}不在本项目工作，请派给本项目的人员。",
				"{person} does not work at this site. Choose somebody who does."},
			facts: (*judgement).staffFacts,
		},
		stays: condition{
			name:  "the person is of the crew, as far as is known",
			holds: func(j *judgement) bool { return !j.assignee().GetLeft() },
			refusal: refusal{offDuty, "assignee_id",
				"{person}已离职，请派给其他人。",
				"{person} has left the company. Choose somebody else."},
			facts: (*judgement).staffFacts,
		},
		present: condition{
			name:  "the person is not away, or a manager says so",
			holds: (*judgement).assigneePresent,
			refusal: refusal{offDuty, "assignee_id",
				"{person}正在请假，请派给其他人；确需派给本人的，请项目经理派单。",
				"{person} is away. Choose somebody else, or have a manager dispatch it."},
			facts: (*judgement).staffFacts,
		},
		onDuty: condition{
			name:  "the person is on duty, or a manager says so",
			holds: (*judgement).assigneeOnDuty,
			refusal: refusal{offDuty, "assignee_id",
				"{person}此时不在班，请派给在班人员；确需派给本人的，请项目经理派单。",
				"{person} is not on duty at that time. Choose somebody who is, or have a manager dispatch it."},
			facts: (*judgement).staffFacts,
		},
		skilled: condition{
			name:  "the person has the skill, or a manager says so",
			holds: (*judgement).assigneeSkilled,
			refusal: refusal{offDuty, "assignee_id",
				"{person}没有此类工单所需的技能{skill_zh}，请派给有该技能的人；确需派给本人的，请项目经理派单。",
				"{person} does not have the skill that this needs, {skill_en}. Choose somebody who does, or have a manager dispatch it."},
			facts: (*judgement).staffFacts,
		},
	}
}

// assignee is the person whom a dispatch names, as the site's directory knows them; nil where it does not.
func (j *judgement) assignee() *roundsv1.Staff {
	if j.foresees {
		return nil
	}
	return j.lookup(kindStaff, j.ticketAct().GetDispatch().GetAssigneeId()).GetRecord().GetStaff()
}

// overridesRoster: whether nothing more is asked of whom the work is given to: a manager says so, or nothing is known of the person.
func (j *judgement) overridesRoster() bool {
	return j.holds(roundsv1.Role_ROLE_MANAGER) || j.assignee() == nil
}

func (j *judgement) assigneeWorksHere() bool {
	to := engine.PersonID(j.ticketAct().GetDispatch().GetAssigneeId())
	return j.foresees || j.rules.worksAt == nil || j.rules.worksAt(to, j.Scope, j.Time)
}

func (j *judgement) assigneePresent() bool {
	at := j.Time.UnixMicro()
	away := func(a *roundsv1.Absence) bool { return at >= a.GetFromUs() && at < a.GetToUs() }
	return j.overridesRoster() || !slices.ContainsFunc(j.assignee().GetAbsences(), away)
}

func (j *judgement) assigneeOnDuty() bool {
	zone, err := calendar.Zone(j.reference.Policy(j.Scope).TimeZone)
	return j.overridesRoster() || err != nil || roster.OnDuty(j.assignee(), j.Time, zone)
}

func (j *judgement) assigneeSkilled() bool {
	skill := j.ticket().GetRequirements().GetSkill()
	return skill == "" || j.overridesRoster() || slices.Contains(j.assignee().GetSkills(), skill)
}

// staffFacts name the person, by their id where nothing is known of them, and the skill that the ticket needs.
func (j *judgement) staffFacts() map[string]string {
	name := j.assignee().GetName()
	if name == "" {
		name = j.ticketAct().GetDispatch().GetAssigneeId()
	}
	skill := j.ticket().GetRequirements().GetSkill() // no directory has words for it
	return map[string]string{"person": name, "skill": skill, "skill_zh": quoted("", "", skill, false), "skill_en": quoted("", "", skill, true)}
}
