package demo

import (
	"context"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/work"
)

// Short names of what is asked and answered.
const (
	askType       = roundsv1.ConflictType_CONFLICT_TYPE_ASK
	orphanType    = roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN
	noRightType   = roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT
	doubleType    = roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK
	cancelType    = roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL
	timeType      = roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME
	duplicateType = roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE
	reopenType    = roundsv1.ConflictType_CONFLICT_TYPE_REOPEN
	lostType      = roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST
	placeType     = roundsv1.ConflictType_CONFLICT_TYPE_OTHER_PLACE
)

// answer decides up to so many of the questions that are the person's to decide. It returns whether there was one. What asks for another look is answered by
// a review of the record.
func (w *worker) answer(ctx context.Context, most int) (did bool, err error) {
	for v, err := range w.device.List(ctx, w.site, "conflict") {
		if err != nil {
			return did, err
		}
		c := v.Record.GetConflict()
		if most == 0 || c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || v.Pending > 0 || c.GetPersonId() == w.ID ||
			w.day.taken[client.RecordID(c.GetSubject().GetId())] {
			continue
		}
		if c.GetType() == askType {
			if w.Role != roundsv1.Role_ROLE_BUTLER && w.Role != roundsv1.Role_ROLE_DISPATCHER {
				continue
			}
			ok, err := w.settleField(ctx, c)
			if err != nil {
				return did, err
			}
			if ok {
				did, most = true, most-1
			}
			continue
		}
		decide := w.decision(c)
		if decide == nil && w.camera.honest && w.closed(ctx, c.GetSubject()) { // somebody looked again: the question has its answer
			decide = &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{
				Action: roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW, Reason: "已重新查看 / looked at again"}}}
		}
		if decide == nil || !slices.Contains(work.Deciders(), work.Decider{Type: c.GetType(), Role: w.Role}) {
			continue
		}
		did, most = true, most-1
		ref, err := w.device.Command(ctx, w.site, v.ID, &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: decide}})
		if err := w.note(ref, err); err != nil {
			return did, err
		}
	}
	return did, nil
}

// closed: whether a ticket was confirmed.
func (w *worker) closed(ctx context.Context, of *roundsv1.RecordRef) bool {
	v, err := w.device.Get(ctx, w.site, "ticket", client.RecordID(of.GetId()))
	return err == nil && v.Record.GetTicket().GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED
}

// settleField answers a question about two values of a field by saying which is right: the one that is shown.
func (w *worker) settleField(ctx context.Context, c *roundsv1.Conflict) (bool, error) {
	const contactPhone = 15
	if c.GetSubject().GetKind() != "ticket" || c.GetField() != contactPhone {
		return false, nil
	}
	v, err := w.device.Get(ctx, w.site, "ticket", client.RecordID(c.GetSubject().GetId()))
	if err != nil {
		return false, nil
	}
	ref, err := w.device.Edit(ctx, w.site, v.ID, record(&roundsv1.Ticket{ContactPhone: v.Record.GetTicket().GetContactPhone()}), "contact_phone")
	return true, w.note(ref, err)
}

// decision is what somebody decides on a question; nil: another look at the record answers it.
func (w *worker) decision(c *roundsv1.Conflict) *roundsv1.ConflictCommand {
	choose := func(actions ...roundsv1.ConflictAction) *roundsv1.ConflictCommand {
		return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{Action: pick(w.random, actions), Reason: "已现场核实 / checked on site"}}}
	}
	switch c.GetType() {
	case noRightType, orphanType:
		return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}
	case doubleType:
		return choose(roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT)
	case cancelType:
		return choose(roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE, roundsv1.ConflictAction_CONFLICT_ACTION_CONFIRM_CANCEL)
	case timeType:
		return choose(roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET, roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED)
	case duplicateType:
		return choose(roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH)
	case reopenType:
		return choose(roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN, roundsv1.ConflictAction_CONFLICT_ACTION_LEAVE_CLOSED)
	case lostType, placeType:
		return choose(roundsv1.ConflictAction_CONFLICT_ACTION_ACKNOWLEDGE)
	case roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL:
		return nil
	}
	return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "已现场核实 / checked on site"}}}
}
