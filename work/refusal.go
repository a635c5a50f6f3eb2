package work

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/term"
)

// stateProblem refuses a command that no transition fits: it says where the record stands, whether that is news to the person, and what can
// be done now.
func (j *judgement) stateProblem() *roundsv1.Problem {
	at := j.standing()
	actZH, actEN := j.op.words()
	if j.saw(j.stateField()) {
		return j.problem(badState, "", at.subjectZH+"现在是「"+at.zh+"」，不能"+actZH+"。"+at.nowZH,
			"You cannot "+actEN+": the "+at.subjectEN+" is "+at.en+". "+at.nowEN)
	}
	return j.problem(superseded, "", "在您的操作到达之前，"+at.subjectZH+"已变为「"+at.zh+"」，不能再"+actZH+"。"+at.nowZH,
		"Before this arrived the "+at.subjectEN+" had become "+at.en+", so you can no longer "+actEN+". "+at.nowEN)
}

func (j *judgement) stateField() uint32 {
	switch j.Kind {
	case kindInspection:
		return inspectionState
	case kindConflict:
		return conflictState
	}
	return ticketState
}

// standing says in words where a record stands and what can be done now.
type standing struct{ subjectZH, subjectEN, zh, en, nowZH, nowEN string }

func (j *judgement) standing() standing {
	var s standing
	switch j.Kind {
	case kindInspection:
		s = inspectionStanding(j.state())
		s.zh = term.Of(roundsv1.InspectionState(j.state())).GetZh()
		s.subjectZH, s.subjectEN = "巡检", "inspection round"
	case kindConflict:
		s = standing{zh: "已处理", en: "decided already", nowZH: "如仍有疑问，请联系处理人。", nowEN: "If you disagree, talk to who decided."}
		s.subjectZH, s.subjectEN = "此事项", "question"
	default:
		s = ticketStanding(j.state())
		if lacks := j.lacks(); lacks != nil {
			s.nowZH, s.nowEN = lacks.GetZh(), lacks.GetEn()
		}
		s.zh = term.Of(roundsv1.TicketState(j.state())).GetZh()
		s.subjectZH, s.subjectEN = "工单", "ticket"
	}
	if s.zh == "" {
		s.zh, s.en, s.nowZH, s.nowEN = "未知状态", "in a state unknown to this server", "请联系主管。", "Talk to a supervisor."
	}
	return s
}

// lacks says to who works on a ticket that was reported as done what has to be done for it, as far as that is more than to wait for photos on their way; nil: nothing.
func (j *judgement) lacks() *roundsv1.Text {
	if j.foresees || j.state() != donePending || j.op != Start && j.op != Resume && j.op != SubmitCompletion {
		return nil
	}
	evidence := aboutEvidence()
	for _, c := range []condition{evidence.before, evidence.pictured, evidence.noneRefused, evidence.recaptured} {
		if !c.holds(j) {
			return j.why(c).GetSentence()
		}
	}
	return nil
}

// ticketStanding has no Chinese name of the state: that is the term. English sentences go on with more than the term.
func ticketStanding(s state) standing {
	switch s {
	case newTicket:
		return standing{en: "waiting for triage", nowZH: "请先由客服或管家受理。",
			nowEN: "Customer service or a butler has to triage it first."}
	case triaged:
		return standing{en: "waiting to be dispatched", nowZH: "请先由班长或客服派单。",
			nowEN: "A foreman or customer service has to dispatch it first."}
	case dispatched:
		return standing{en: "dispatched", nowZH: "处理人可以接单、拒单或直接开工。",
			nowEN: "The assignee may accept or decline it, or start at once."}
	case accepted:
		return standing{en: "accepted", nowZH: "处理人可以开工。", nowEN: "The assignee may start."}
	case inProgress:
		return standing{en: "in progress", nowZH: "处理人可以挂起或报完工。",
			nowEN: "The assignee may pause it or report it as done."}
	case paused:
		return standing{en: "paused", nowZH: "处理人可以恢复处理，班长可以改派。",
			nowEN: "The assignee may resume it; a foreman may dispatch it anew."}
	case donePending:
		return standing{en: "done, with evidence on its way", nowZH: "已报完工，请等待照片核验；如须取消，请主管在最新状态上操作。",
			nowEN: "It was reported as done: wait for the photos. A supervisor who sees this state may still cancel it."}
	case pendingReview:
		return standing{en: "waiting for confirmation", nowZH: "请等待管家或主管确认或退回。",
			nowEN: "A butler or supervisor has to approve it or send it back."}
	case rework:
		return standing{en: "sent back for rework", nowZH: "处理人请重新开工，完成后再报完工。",
			nowEN: "The assignee has to start again and report it as done after."}
	case closed:
		return standing{en: "closed", nowZH: "如仍有问题，请住户或管家提出异议，或新建工单。照片和备注仍可补充。",
			nowEN: "If something is still wrong, the resident or a butler may dispute it, or report a new one. Photos and remarks may still be added."}
	case cancelled:
		return standing{en: "cancelled", nowZH: "如仍需处理，请新建工单或联系主管。",
			nowEN: "If it still has to be done, report a new one or talk to a supervisor."}
	case merged:
		return standing{en: "merged into another", nowZH: "请在合并后的工单上继续。",
			nowEN: "Go on with the ticket that it was merged into."}
	}
	return standing{}
}

// inspectionStanding is ticketStanding for rounds.
func inspectionStanding(s state) standing {
	switch s {
	case planned:
		return standing{en: "planned", nowZH: "请班长或主管先下发。", nowEN: "A foreman or supervisor has to release it first."}
	case released:
		return standing{en: "released", nowZH: "请扫描第一个检查点开始。", nowEN: "Scan the first checkpoint to start."}
	case running:
		return standing{en: "being walked", nowZH: "可以继续扫码和作答，完成后由巡检人提交。您的记录都会保留。",
			nowEN: "Scans and answers may be added; the inspector submits it. What you recorded is kept."}
	case submitted:
		return standing{en: "submitted, with evidence on its way", nowZH: "请等待照片核验；被判无效的照片请注明原因后隐藏，并重新拍摄。",
			nowEN: "Wait for the photos; hide one that was refused, with a reason, and have another taken."}
	case inspectionQueue:
		return standing{en: "waiting for confirmation", nowZH: "请等待主管确认或退回补检。",
			nowEN: "A supervisor has to approve or return it."}
	case approved:
		return standing{en: "approved", nowZH: "如有遗漏，请添加备注或新建工单。",
			nowEN: "If something was overlooked, add a remark or report a ticket."}
	case returned:
		return standing{en: "returned", nowZH: "请重新开始巡检。", nowEN: "Start the walk again."}
	case missed:
		return standing{en: "missed", nowZH: "如已巡检，请提交；否则请主管免检。",
			nowEN: "Submit it if it was walked; otherwise a supervisor may excuse it."}
	case partial:
		return standing{en: "done in part", nowZH: "如已巡检，请提交；否则请主管免检。",
			nowEN: "Submit it if it was walked; otherwise a supervisor may excuse it."}
	case excused:
		return standing{en: "excused", nowZH: "无需再处理。", nowEN: "Nothing is left to do."}
	}
	return standing{}
}
