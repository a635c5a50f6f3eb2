package work

// categoryTerms are about what a ticket is of, how urgent it is, and what follows from both: what the ticket asks of the crew, and when. Who says so is somebody who
// gives out work or leads, and nobody who is to do it.
type categoryTerms struct {
	known, byWhoGivesOut, byNoWorker condition
	set, pin, pinShown               effect
}

func aboutCategories() categoryTerms {
	return categoryTerms{
		known: condition{
			name: "a category of the organisation that is in use",
			holds: func(j *judgement) bool {
				return j.knownCategory(j.ticketAct().GetTriage().GetCategoryId())
			},
			refusal: refusal{invalid, "category_id",
				"没有这个类别，或该类别已停用。请同步后重新选择类别。",
				"There is no such category, or it is no longer in use. Sync, and choose another."},
			facts: (*judgement).categoryFacts,
		},
		byWhoGivesOut: condition{
			name:  "whoever changes category or priority gives out work or leads, or reported the ticket and it is new",
			right: true,
			holds: func(j *judgement) bool { return !j.recategorises() || j.mayCategorise() },
			refusal: refusal{noRight, "category_id",
				"只有客服、管家、班长、主管或项目经理可以修改类别和优先级（工单未受理时，上报人也可以）。请添加备注说明，由他们修改。",
				"Category and priority are changed by customer service, a butler, a foreman, a supervisor or a manager, and by who reported the ticket" +
					" while it is new. Suggest it in a remark on the ticket; they will see it."},
		},
		byNoWorker: condition{
			name:  "and has no part in the work, once it was given out",
			right: true,
			holds: func(j *judgement) bool { return !j.recategorises() || !j.worksOnIt() },
			refusal: refusal{noRight, "category_id",
				"您负责或参与此工单，派单后不能修改其类别和优先级。请添加备注说明，由未参与的客服、管家、班长、主管或项目经理修改。",
				"You have a part in this work, so once it was given out you do not change its category or priority. Suggest it in a remark on the" +
					" ticket, to customer service, a butler, a foreman, a supervisor or a manager who has none."},
		},

		set: effect{"category", func(j *judgement) {
			j.editTicket(ticketCategory).CategoryId = j.ticketAct().GetTriage().GetCategoryId()
		}},
		pin: effect{"requirements of the category; where they are less than before, who said so and what was asked, which counts too once they have the ticket or did some of the work", (*judgement).pinCategory},
		pinShown: effect{"requirements of the category that is shown, as at triage, where it changes before the round is reported as done, or another than who made them less names it again; the deadlines of steps that run are computed again",
			(*judgement).pinShown},
	}
}

// pinCategory pins what the category asks for that the ticket is made with, or given when somebody takes it in.
func (j *judgement) pinCategory() {
	if j.op == Triage {
		j.anew = byCategory
		j.pin(j.ticketAct().GetTriage().GetCategoryId(), j.ticket().GetPriority())
		return
	}
	t := j.written().GetTicket()
	j.pin(t.GetCategoryId(), t.GetPriority())
}

func (j *judgement) categoryFacts() map[string]string {
	return map[string]string{"category_id": j.ticketAct().GetTriage().GetCategoryId()}
}
