package work

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Operation is one thing that can be done to a record: one of the four below, or a command by its name in the schema.
type Operation string

// Operations on records of every kind.
const (
	// Create makes a record.
	Create Operation = "create"
	// Edit sets fields.
	Edit Operation = "edit"
	// Fact appends evidence.
	Fact Operation = "fact"
	// Delete takes a record away.
	Delete Operation = "delete"
)

// Commands, as the schema names them.
const (
	Triage           Operation = "triage"
	Dispatch         Operation = "dispatch"
	Accept           Operation = "accept"
	Decline          Operation = "decline"
	Start            Operation = "start"
	Pause            Operation = "pause"
	Resume           Operation = "resume"
	SubmitCompletion Operation = "submit_completion"
	Approve          Operation = "approve"
	Reject           Operation = "reject"
	Cancel           Operation = "cancel"
	Merge            Operation = "merge"
	Escalate         Operation = "escalate"
	CustomerAccept   Operation = "customer_accept"
	Dispute          Operation = "dispute"
	ForceClose       Operation = "force_close"
	Split            Operation = "split"
	Ask              Operation = "ask"
	FollowUp         Operation = "follow_up"
	Reopen           Operation = "reopen"
	Release          Operation = "release"
	Submit           Operation = "submit"
	Return           Operation = "return"
	Excuse           Operation = "excuse"
	Admit            Operation = "admit"
	Dismiss          Operation = "dismiss"
	Decide           Operation = "decide"
	Assign           Operation = "assign"
)

// EvidenceVerified is no command: the server itself asks for it when a photo has been looked at; see Rules.Verified.
const EvidenceVerified Operation = "evidence_verified"

// words name an operation in a sentence: "no right to ...".
func (o Operation) words() (zh, en string) {
	switch o {
	case Create:
		return "新建", "create this"
	case Edit:
		return "修改", "edit this"
	case Fact:
		return "补充记录", "add to this"
	case Delete:
		return "删除", "delete this"
	case Triage:
		return "受理", "triage this"
	case Dispatch:
		return "派单", "dispatch this"
	case Accept:
		return "接单", "accept this"
	case Decline:
		return "拒单", "decline this"
	case Start:
		return "开工", "start this"
	case Pause:
		return "挂起", "pause this"
	case Resume:
		return "恢复处理", "resume this"
	case SubmitCompletion:
		return "报完工", "report this as done"
	case Approve:
		return "确认", "approve this"
	case Reject:
		return "退回返工", "send this back"
	case Cancel:
		return "取消", "cancel this"
	case Merge:
		return "合并", "merge this"
	case Escalate:
		return "升级", "escalate this"
	case CustomerAccept:
		return "验收", "accept this as the customer"
	case Dispute:
		return "提出异议", "dispute this"
	case ForceClose:
		return "强制关闭", "close this without evidence"
	case Split:
		return "拆分", "split this"
	case Ask:
		return "要求补证", "ask for more evidence"
	case FollowUp:
		return "登记回访", "record a follow-up visit"
	case Reopen:
		return "重新打开", "open this again"
	case Decide:
		return "裁决", "decide this"
	case Assign:
		return "指派", "give this to somebody"
	case Release:
		return "下发", "release this"
	case Submit:
		return "提交", "submit this"
	case Return:
		return "退回补检", "return this"
	case Excuse:
		return "免检", "excuse this"
	case Admit:
		return "采纳", "let this in"
	case Dismiss:
		return "不予采纳", "dismiss this"
	case EvidenceVerified:
		return "核验照片", "verify the evidence of this"
	}
	return string(o), string(o)
}

// arguments are what commands carry, where more than one kind of command carries it.
type arguments struct {
	reason string
	round  uint32
	epoch  uint32
}

// ticketCommand names a ticket's command; "" where it is of a newer app.
func ticketCommand(c *roundsv1.TicketCommand) (Operation, arguments) {
	switch c := c.GetCommand().(type) {
	case *roundsv1.TicketCommand_Triage:
		return Triage, arguments{}
	case *roundsv1.TicketCommand_Dispatch:
		return Dispatch, arguments{reason: c.Dispatch.GetReason()}
	case *roundsv1.TicketCommand_Accept:
		return Accept, arguments{epoch: c.Accept.GetAssignEpoch()}
	case *roundsv1.TicketCommand_Decline:
		return Decline, arguments{epoch: c.Decline.GetAssignEpoch(), reason: c.Decline.GetReason()}
	case *roundsv1.TicketCommand_Start:
		return Start, arguments{}
	case *roundsv1.TicketCommand_Pause:
		return Pause, arguments{reason: c.Pause.GetReason()}
	case *roundsv1.TicketCommand_Resume:
		return Resume, arguments{}
	case *roundsv1.TicketCommand_SubmitCompletion:
		return SubmitCompletion, arguments{round: c.SubmitCompletion.GetRound()}
	case *roundsv1.TicketCommand_Approve:
		return Approve, arguments{round: c.Approve.GetRound()}
	case *roundsv1.TicketCommand_Reject:
		return Reject, arguments{round: c.Reject.GetRound(), reason: c.Reject.GetReason()}
	case *roundsv1.TicketCommand_Cancel:
		return Cancel, arguments{reason: c.Cancel.GetReason()}
	case *roundsv1.TicketCommand_Merge:
		return Merge, arguments{}
	case *roundsv1.TicketCommand_Escalate:
		return Escalate, arguments{reason: c.Escalate.GetReason()}
	case *roundsv1.TicketCommand_CustomerAccept:
		return CustomerAccept, arguments{round: c.CustomerAccept.GetRound()}
	case *roundsv1.TicketCommand_Dispute:
		return Dispute, arguments{round: c.Dispute.GetRound(), reason: c.Dispute.GetWords()}
	case *roundsv1.TicketCommand_ForceClose:
		return ForceClose, arguments{reason: c.ForceClose.GetReason()}
	case *roundsv1.TicketCommand_Split:
		return Split, arguments{}
	case *roundsv1.TicketCommand_Ask:
		return Ask, arguments{round: c.Ask.GetRound(), reason: c.Ask.GetWords()}
	case *roundsv1.TicketCommand_FollowUp:
		return FollowUp, arguments{round: c.FollowUp.GetRound(), reason: c.FollowUp.GetWords()}
	case *roundsv1.TicketCommand_Reopen:
		return Reopen, arguments{round: c.Reopen.GetRound(), reason: c.Reopen.GetReason()}
	}
	return "", arguments{}
}

// inspectionCommand names an inspection round's command; "" where it is of a newer app.
func inspectionCommand(c *roundsv1.InspectionCommand) (Operation, arguments) {
	switch c := c.GetCommand().(type) {
	case *roundsv1.InspectionCommand_Release:
		return Release, arguments{}
	case *roundsv1.InspectionCommand_Start:
		return Start, arguments{}
	case *roundsv1.InspectionCommand_Submit:
		return Submit, arguments{round: c.Submit.GetRound()}
	case *roundsv1.InspectionCommand_Approve:
		return Approve, arguments{round: c.Approve.GetRound()}
	case *roundsv1.InspectionCommand_Return:
		return Return, arguments{round: c.Return.GetRound(), reason: c.Return.GetReason()}
	case *roundsv1.InspectionCommand_Excuse:
		return Excuse, arguments{reason: c.Excuse.GetReason()}
	}
	return "", arguments{}
}

// conflictCommand names a decision; "" where it is of a newer app.
func conflictCommand(c *roundsv1.ConflictCommand) (Operation, arguments) {
	switch c := c.GetCommand().(type) {
	case *roundsv1.ConflictCommand_Admit:
		return Admit, arguments{}
	case *roundsv1.ConflictCommand_Dismiss:
		return Dismiss, arguments{reason: c.Dismiss.GetReason()}
	case *roundsv1.ConflictCommand_Decide:
		return Decide, arguments{reason: c.Decide.GetReason()}
	case *roundsv1.ConflictCommand_Assign:
		return Assign, arguments{}
	}
	return "", arguments{}
}
