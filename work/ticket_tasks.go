package work

import (
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// taskTerms are about the tasks that a ticket is split into, one for each trade, and that it ends with.
type taskTerms struct {
	noneOpen, notTask, ofUntaken, room, known, covered condition
	split                                              effect
}

func aboutTasks() taskTerms {
	return taskTerms{
		noneOpen: condition{
			name:  "no task of it is open",
			holds: func(j *judgement) bool { return len(j.openTasks()) == 0 },
			refusal: refusal{badState, "",
				"此工单已拆分，还有{open}个任务未结束。请先处理或取消各个任务；任务全部结束后，此工单会自动结束。",
				"This ticket was split, and {open} of its tasks are open. Finish or cancel them first; the ticket ends by itself with the last of them."},
			facts: (*judgement).openTaskFacts,
		},
		notTask: condition{
			name:  "no task itself",
			holds: func(j *judgement) bool { return j.ticket().GetParentId() == "" },
			refusal: refusal{badState, "",
				"任务不能再拆分或合并，请在原工单上操作。",
				"A task is not split or merged. Do that with the ticket that it is a task of."},
			facts: parentFacts,
		},
		ofUntaken: condition{
			name:  "no task of a ticket that somebody has accepted",
			holds: (*judgement).ofUntakenTicket,
			refusal: refusal{noRight, "",
				"此任务所属的工单已接单，其任务只能由主管取消，请联系主管。",
				"The ticket that this is a task of was accepted: only a supervisor can cancel its tasks. Ask one."},
			facts: parentFacts,
		},
		room: condition{
			name:    "64 tasks at most",
			holds:   (*judgement).roomForTasks,
			refusal: refusal{overLimit, "tasks", "一张工单最多拆分为64个任务。", "A ticket has 64 tasks at most."},
		},
		known: condition{
			name:  "each task of a category that is in use",
			holds: (*judgement).tasksKnown,
			refusal: refusal{invalid, "tasks",
				"有任务没有类别，或类别已停用。请同步后重新选择类别。",
				"A task has no category, or one that is not in use. Sync, and choose another."},
		},
		covered: condition{
			name:  "one task asks for at least what the ticket asks for",
			holds: func(j *judgement) bool { return j.foresees || len(j.uncovered()) == 0 },
			refusal: refusal{missing, "tasks",
				"拆分后没有一个任务达到本工单的要求，缺少：{demands}。请至少有一个任务选用要求不低于本工单的类别。",
				"No task would ask for what this ticket asks for: {demands_en}. Choose for one task at least a category that asks for as much."},
			facts: (*judgement).coverFacts,
		},
		split: effect{"a task for each trade, with a derived id", (*judgement).split},
	}
}

func parentFacts(j *judgement) map[string]string {
	return map[string]string{"parent": j.ticket().GetParentId()}
}

func (j *judgement) openTaskFacts() map[string]string {
	return map[string]string{"open": strconv.Itoa(len(j.openTasks()))}
}

// ofUntakenTicket: whether nobody has accepted the ticket that this one is a task of: it is cancelled with the last of its tasks.
func (j *judgement) ofUntakenTicket() bool {
	change := j.parent()
	switch state(change.GetRecord().GetTicket().GetState()) {
	case newTicket, triaged, dispatched:
		return true
	}
	return j.foresees || change == nil
}

func (j *judgement) roomForTasks() bool {
	return len(j.ticket().GetChildIds())+len(j.ticketAct().GetSplit().GetTasks()) <= maxChildren
}

func (j *judgement) tasksKnown() bool {
	tasks := j.ticketAct().GetSplit().GetTasks()
	return len(tasks) > 0 && !slices.ContainsFunc(tasks, func(t *roundsv1.TicketTask) bool {
		return t.GetCategoryId() == "" || !j.knownCategory(t.GetCategoryId())
	})
}
