package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// whoTerms are about the person who acts: what part they have in the ticket, and what rank. Terms that are about rights are not asked of what a person has let in.
type whoTerms struct {
	assignee, assigneeOrCrew, neither, performer, tookPart, hadItThen, impartial, objects, supervisor, leadsNewCrew, leadsCrew condition
	works, worked, joinsCrew                                                                                                   effect
}

func aboutPeople() whoTerms {
	return whoTerms{
		assignee: condition{
			name:  "assignee",
			right: true,
			holds: (*judgement).isAssignee,
			refusal: refusal{noRight, "",
				"只有处理人可以这样做。如果由您处理，请班长派单给您。",
				"Only the assignee can do this. If it is yours to do, ask the foreman to dispatch it to you."},
		},
		assigneeOrCrew: condition{
			name:  "assignee or crew",
			right: true,
			holds: (*judgement).assigneeOrCrew,
			refusal: refusal{noRight, "",
				"工单未派给您，您也不在协作人员中。请联系班长派单或加您为协作人员。",
				"The ticket is not yours and you are not in its crew. Ask the foreman to dispatch it to you or to add you."},
		},
		neither: condition{name: "neither assignee nor crew", holds: func(j *judgement) bool { return !j.assigneeOrCrew() }},
		performer: condition{
			name:  "assignee, crew, or submitted before",
			right: true,
			holds: func(j *judgement) bool { return j.isAssignee() || j.performed() },
			refusal: refusal{noRight, "",
				"工单已由他人报完工，您没有参与处理。如有补充，请添加备注或照片。",
				"Others reported it as done and you did not work on it. What you have to add is welcome as a remark or a photo."},
		},
		tookPart:  condition{name: "had, has or did some of it", holds: (*judgement).tookPart},
		hadItThen: condition{name: "had it then", holds: (*judgement).hadItThen},
		impartial: condition{
			name:  "did none of the work, nor of that of its tasks, took none of the photos that prove it; a supervisor where too many are named to tell",
			holds: (*judgement).vouches,
			refusal: refusal{ownWork, "",
				"您参与了此工单的处理，须由其他人确认。",
				"You worked on this ticket; somebody else has to decide."},
			instead: (*judgement).nobodyCanTell,
		},
		objects: condition{
			name:  "did none of the work by an act of their own, whatever others say",
			holds: (*judgement).mayObject,
			refusal: refusal{ownWork, "",
				"您参与了此工单的处理，须由其他人决定。",
				"You worked on this ticket; somebody else has to decide."},
			instead: (*judgement).nobodyCanTell,
		},
		supervisor: condition{
			name:  "supervisor or manager",
			right: true,
			holds: (*judgement).isSupervisor,
			refusal: refusal{noRight, "",
				"此时只有主管或项目经理可以这样做，请联系他们。",
				"At this point only a supervisor or manager can do this. Ask one of them."},
		},
		leadsNewCrew: condition{
			name:  "whoever names a crew leads it",
			right: true,
			holds: func(j *judgement) bool { return len(j.written().GetTicket().GetCrewIds()) == 0 || j.leads() },
			refusal: refusal{noRight, "crew_ids",
				"新建工单时不能指定协作人员，请由班长或派单员安排。",
				"The crew of a new ticket is named by a foreman or a dispatcher. Leave it empty."},
		},
		leadsCrew: condition{
			name:  "whoever changes the crew leads it, or is of it",
			right: true,
			holds: func(j *judgement) bool { return !j.changesCrew() || j.leads() || j.assigneeOrCrew() },
			refusal: refusal{noRight, "crew_ids",
				"只有处理人、协作人员、班长或派单员可以调整协作人员，请联系班长。",
				"Only who works on the ticket, a foreman or a dispatcher may change its crew. Ask the foreman."},
		},

		works: effect{"performers + the person, where it is work; a person who says to have done none of it is taken at their word against others'; others whom labour names are told",
			(*judgement).works},
		worked:    effect{"performers + the person", func(j *judgement) { j.perform(string(j.Person)) }},
		joinsCrew: effect{"crew + the person, who performs", (*judgement).joinCrew},
	}
}

// leads: whether the person is of those who make up crews.
func (j *judgement) leads() bool {
	return j.holds(roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_DISPATCHER, roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER)
}

func (j *judgement) isSupervisor() bool {
	return j.holds(roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER)
}

func (j *judgement) isAssignee() bool {
	return j.Person != "" && j.ticket().GetAssigneeId() == string(j.Person)
}

func (j *judgement) inCrew() bool {
	return j.Person != "" && slices.Contains(j.ticket().GetCrewIds(), string(j.Person))
}

func (j *judgement) assigneeOrCrew() bool { return j.isAssignee() || j.inCrew() }

// hadIt: whether the person was the assignee before, of this ticket or of one that was merged into it.
func (j *judgement) hadIt() bool {
	t := j.ticket()
	if j.Person == "" {
		return false
	}
	return j.ofMerged() || slices.Contains(t.GetFormerAssigneeIds(), string(j.Person))
}

// tookPart: whether the person had the ticket, has it, or did some of the work.
func (j *judgement) tookPart() bool {
	return j.isAssignee() || j.performed() || j.ofMerged() || slices.Contains(j.ticket().GetFormerAssigneeIds(), string(j.Person))
}

// hadItThen: whether the ticket was the person's at the time of the act, as far as is known: they have it, or had it and it was given to who has it after that
// time. The clocks of a ticket stop and go on for who has it alone.
func (j *judgement) hadItThen() bool {
	given := writer(j.Current, ticketAssignee).GetTimeUs()
	return j.isAssignee() || j.hadIt() && !j.ofMerged() && j.Time.UnixMicro() < given
}

// works notes who worked, as an act says, and tells whom it names.
func (j *judgement) works() {
	j.perform(j.worker())
	j.disclaim()
	j.nameOthers()
}

// changesCrew: whether an edit adds somebody to the crew, or takes somebody out of it.
func (j *judgement) changesCrew() bool {
	edit := j.Mutation.GetEdit()
	return slices.Contains(edit.GetFields(), ticketCrew) || len(edit.GetRecord().GetTicket().GetCrewIds()) > 0 || len(edit.GetRemoved().GetTicket().GetCrewIds()) > 0
}

// joinCrew takes the person into the crew: who starts is of it.
func (j *judgement) joinCrew() {
	if !slices.Contains(j.ticket().GetCrewIds(), string(j.Person)) {
		j.editTicket(ticketCrew).CrewIds = []string{string(j.Person)}
	}
	j.perform(string(j.Person))
}

// nobodyCanTell refuses a decision where so many people are named that it cannot be known whether the person worked; nil where it is known.
func (j *judgement) nobodyCanTell() *roundsv1.Problem {
	if j.hadPart() || !j.undecided() {
		return nil
	}
	if j.fullOfNames() {
		return j.problem(ownWork, "", "此工单记录的处理人已满，无法确定谁没有参与。请主管取消此工单，并另建工单复核。",
			"There is no room for another name among those who worked on this ticket, so nobody can be shown to have had no part in it. Have a supervisor"+
				" cancel it, and report another to look at the work again.")
	}
	return j.problem(ownWork, "", "此工单记录的处理人过多，无法确定您是否参与，须由未参与的主管或项目经理确认。",
		"So many people are named as having worked on this ticket that nobody can say whether you did. A supervisor or manager who did not has to decide.")
}
