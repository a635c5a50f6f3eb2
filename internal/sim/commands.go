package sim

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
)

// sight is a ticket as somebody sees it who is about to command something.
type sight struct {
	scope  store.Scope
	id     recordID
	ticket *roundsv1.Ticket
	// digest is the hash of the evidence that is seen.
	digest func() []byte
	// photos are those that may prove the round, as far as is seen.
	photos func() []string
	// person who commands.
	person string
}

// sees is a ticket as a phone shows it; photos are listed when they are asked for.
func (p *phone) sees(scope store.Scope, id recordID, t *roundsv1.Ticket, digest func() []byte) sight {
	return sight{scope: scope, id: id, ticket: t, person: string(p.person), digest: digest, photos: func() []string { return p.w.manifest(p, scope, id, max(1, t.GetRound())) }}
}

// commandsAt are the commands that fit the state of a ticket, the likelier the more often.
func commandsAt(state roundsv1.TicketState) []work.Operation {
	switch state {
	case roundsv1.TicketState_TICKET_STATE_NEW:
		return []work.Operation{work.Triage, work.Triage, work.Triage, work.Triage, work.Triage, work.Triage, work.Triage, work.Triage, work.Split, work.Split, work.Merge, work.Escalate}
	case roundsv1.TicketState_TICKET_STATE_TRIAGED:
		return []work.Operation{work.Dispatch, work.Dispatch, work.Dispatch, work.Dispatch, work.Dispatch, work.Dispatch, work.Dispatch, work.Dispatch, work.Dispatch, work.Accept, work.Cancel, work.Merge}
	case roundsv1.TicketState_TICKET_STATE_DISPATCHED:
		return []work.Operation{job, job, job, job, job, job, work.Accept, work.Accept, work.Accept, work.Accept, work.Decline, work.Decline, work.Start, work.Start, work.Dispatch, work.Dispatch, mate}
	case roundsv1.TicketState_TICKET_STATE_ACCEPTED:
		return []work.Operation{job, job, job, work.Start, work.Dispatch}
	case roundsv1.TicketState_TICKET_STATE_IN_PROGRESS:
		return []work.Operation{job, job, job, job, work.Pause, work.Start}
	case roundsv1.TicketState_TICKET_STATE_PAUSED:
		return []work.Operation{work.Resume, job, work.ForceClose, work.ForceClose}
	case roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE:
		return []work.Operation{job, hide, hide, chase, chase, work.ForceClose, work.ForceClose, work.ForceClose, work.Approve, work.Cancel}
	case roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW:
		return []work.Operation{work.Approve, work.Approve, work.Approve, work.Approve, work.Approve, work.Approve, work.Approve, work.Reject, work.Reject, work.Reject, work.Ask,
			work.Dispute, work.Dispute, answers, answers, labour, job}
	case roundsv1.TicketState_TICKET_STATE_REWORK:
		return []work.Operation{job, job, job, job, work.Dispatch, work.Start, work.Approve}
	case roundsv1.TicketState_TICKET_STATE_CLOSED:
		return []work.Operation{work.Reject, work.Reject, work.Reject, work.Approve, work.CustomerAccept, work.Dispute, work.FollowUp, work.Reopen, labour, labour, job}
	}
	return []work.Operation{job, work.Approve, labour} // ended
}

// What people do that is no command.
const (
	job     work.Operation = "job"     // start, photograph and report as done in one go
	hide    work.Operation = "hide"    // take a photo out of sight that cannot count
	labour  work.Operation = "labour"  // say who worked
	answers work.Operation = "answers" // answer an item of the checklist once more
	mate    work.Operation = "mate"    // put somebody into the crew
	chase   work.Operation = "chase"   // ask what is lost, and have it taken again
)

// ticketCommands are all commands of a ticket.
func ticketCommands() []work.Operation {
	return []work.Operation{work.Triage, work.Dispatch, work.Accept, work.Decline, work.Start, work.Pause, work.Resume, work.SubmitCompletion, work.Approve, work.Reject, work.Cancel,
		work.Merge, work.Escalate, work.CustomerAccept, work.Dispute, work.ForceClose, work.Split, work.Ask, work.FollowUp, work.Reopen}
}

// command makes a command that may fit the ticket's state, or not.
func (p *phone) command(s sight) *roundsv1.Mutation {
	w := p.w
	fitting := slices.DeleteFunc(commandsAt(s.ticket.GetState()), func(op work.Operation) bool {
		return op == job || op == hide || op == labour || op == mate || op == answers || op == chase
	})
	if len(fitting) == 0 || w.chance(4) {
		fitting = ticketCommands()
	}
	return commandOf(s.id, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: w.ticketCommand(pick(w, fitting), s)}})
}

// hand is somebody to give work to: the manager rarely.
func (w *world) hand() string {
	for range 3 {
		if p := pick(w, w.phones); !p.gone && p != w.phones[0] && p.online {
			return string(p.person)
		}
	}
	return string(pick(w, w.phones).person)
}

// wrongly is a number that is right mostly.
func (w *world) wrongly(n uint32) uint32 {
	switch w.rand.IntN(24) {
	case 0:
		return n + 1
	case 1:
		return max(n, 2) - 1
	}
	return n
}

// reasons of the lists that every site begins with.
func (w *world) pauseReason() string {
	all := policy.Default().PauseReasons
	if w.chance(8) {
		return "no list has this"
	}
	return all[w.rand.IntN(len(all))].Code
}

func (w *world) rejectReason() string {
	all := policy.Default().RejectReasons
	if w.chance(12) {
		return "no list has this"
	}
	return all[w.rand.IntN(len(all))].Code
}

// ticketCommand makes a command with arguments that are right mostly.
func (w *world) ticketCommand(op work.Operation, s sight) *roundsv1.TicketCommand {
	t := s.ticket
	someone := string(pick(w, w.phones).person)
	round := w.wrongly(max(1, t.GetRound()))
	switch op {
	case work.Triage:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: pick(w, append(categories(), "none such"))}}}
	case work.Dispatch:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: w.hand()}}}
	case work.Accept:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: w.wrongly(t.GetAssignEpoch())}}}
	case work.Decline:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{Decline: &roundsv1.TicketDecline{AssignEpoch: w.wrongly(t.GetAssignEpoch()), Reason: "too far"}}}
	case work.Start:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}
	case work.Pause:
		pause := &roundsv1.TicketPause{Reason: w.pauseReason()}
		if photos := s.photos(); len(photos) > 0 && !w.chance(4) {
			pause.Proof = &roundsv1.RecordRef{Kind: "photo", Id: photos[0]}
		}
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: pause}}
	case work.Resume:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}}
	case work.SubmitCompletion:
		photos := s.photos()
		if w.chance(8) {
			photos = nil
		}
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{SubmitCompletion: &roundsv1.TicketSubmit{Round: round, PhotoIds: photos}}}
	case work.Approve:
		approve := &roundsv1.TicketApprove{Round: round}
		if !w.chance(5) {
			approve.ReviewDigest = s.digest()
		}
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: approve}}
	case work.Reject:
		reject := &roundsv1.TicketReject{Round: round, Reason: w.rejectReason(), Words: "still dirty"}
		if w.chance(3) {
			reject.PhotoIds = s.photos()
		}
		if listed(t) && w.chance(2) {
			reject.ItemIds = []string{w.item(t)}
		}
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: reject}}
	case work.Ask:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Ask{Ask: &roundsv1.TicketAsk{Round: round, Words: "from nearer", PhotoIds: s.photos()}}}
	case work.Cancel:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "no need"}}}
	case work.Merge:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: string(pick(w, w.tickets[s.scope]))}}}
	case work.Escalate:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Escalate{Escalate: &roundsv1.TicketEscalate{Reason: "called twice"}}}
	case work.CustomerAccept:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_CustomerAccept{CustomerAccept: &roundsv1.TicketCustomerAccept{Round: round}}}
	case work.Dispute:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispute{Dispute: &roundsv1.TicketDispute{Round: round, Words: "it drips again"}}}
	case work.FollowUp:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_FollowUp{FollowUp: &roundsv1.TicketFollowUp{Round: round, Solved: w.chance(2), Words: "so they say"}}}
	case work.Reopen:
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reopen{Reopen: &roundsv1.TicketReopen{Round: round, Reason: "not done"}}}
	case work.Split:
		tasks := []*roundsv1.TicketTask{{Title: "one", CategoryId: "pipe"}} // which asks for as much as most
		if asks := asked()[t.GetCategoryId()]; asks.GetBeforePhoto() || listed(t) {
			tasks[0].CategoryId = t.GetCategoryId()
		}
		if w.chance(2) {
			tasks = append(tasks, &roundsv1.TicketTask{CategoryId: "lamp"})
		}
		for i := range tasks {
			w.task(s.scope, recordID(work.TaskID(merge.RecordID(s.id), len(t.GetChildIds())+i, merge.RecordID(tasks[i].GetCategoryId()))))
		}
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Split{Split: &roundsv1.TicketSplit{Tasks: tasks}}}
	case work.ForceClose:
		second := someone
		if asked := t.GetApproverIds(); len(asked) > 0 && !w.chance(6) {
			second = asked[0]
		}
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_ForceClose{ForceClose: &roundsv1.TicketForceClose{Reason: "phone lost", SecondPersonId: second}}}
	}
	panic("sim: no command " + string(op))
}

// task notes a ticket that is made of another.
func (w *world) task(scope store.Scope, id recordID) {
	if !slices.Contains(w.tickets[scope], id) && len(w.tickets[scope]) < 9 {
		w.tickets[scope] = append(w.tickets[scope], w.record(scope, id, "task"))
	}
}
