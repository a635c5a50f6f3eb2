package work

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The states of a ticket.
const (
	newTicket     = state(roundsv1.TicketState_TICKET_STATE_NEW)
	triaged       = state(roundsv1.TicketState_TICKET_STATE_TRIAGED)
	dispatched    = state(roundsv1.TicketState_TICKET_STATE_DISPATCHED)
	accepted      = state(roundsv1.TicketState_TICKET_STATE_ACCEPTED)
	inProgress    = state(roundsv1.TicketState_TICKET_STATE_IN_PROGRESS)
	paused        = state(roundsv1.TicketState_TICKET_STATE_PAUSED)
	donePending   = state(roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE)
	pendingReview = state(roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW)
	rework        = state(roundsv1.TicketState_TICKET_STATE_REWORK)
	closed        = state(roundsv1.TicketState_TICKET_STATE_CLOSED)
	cancelled     = state(roundsv1.TicketState_TICKET_STATE_CANCELLED)
	merged        = state(roundsv1.TicketState_TICKET_STATE_MERGED)
)

// Groups of states. Each call makes a slice of its own.
func openStates() states {
	return states{newTicket, triaged, dispatched, accepted, inProgress, paused, donePending, pendingReview, rework}
}
func assignedStates() states { return states{dispatched, accepted, inProgress, paused, rework} }
func doneStates() states     { return states{donePending, pendingReview} }
func endedStates() states    { return states{closed, cancelled, merged} }

func ticketStateName(s state) State {
	if s == 0 {
		return ""
	}
	return State(strings.TrimPrefix(roundsv1.TicketState(s).String(), "TICKET_STATE_"))
}

// Numbers of Ticket's fields that the rules write or look at.
const (
	ticketCategory     = 3
	ticketPriority     = 4
	ticketReporter     = 7
	ticketCrew         = 13
	ticketReadings     = 20
	ticketLabour       = 21
	ticketScans        = 22
	ticketAnswers      = 23
	ticketState        = 40
	ticketRound        = 41
	ticketAssignee     = 42
	ticketEpoch        = 43
	ticketEscalation   = 44
	ticketPauseReason  = 45
	ticketCompletions  = 46
	ticketStateReason  = 47
	ticketMergedInto   = 48
	ticketApprovers    = 49
	ticketFlags        = 50
	ticketReportedTime = 51
	ticketRequirements = 52
	ticketMoves        = 53
	ticketDeadlines    = 54
	ticketChildren     = 55
	ticketReviews      = 56
	ticketFormer       = 57
	ticketAcceptance   = 58
	ticketClosedTime   = 59
	ticketPerformers   = 60
	ticketBeforePhoto  = 61
	ticketShown        = 62
	ticketMerged       = 63
	ticketPastChildren = 64
	ticketNamed        = 65
	ticketDisclaimers  = 66
)

// Bounds of the schema.
const (
	maxCompletions = 256
	maxPhotos      = 64
	maxApprovers   = 16
	maxFormer      = 64
	topLevel       = 3
)

func (j *judgement) ticketAct() *roundsv1.TicketCommand { return j.Mutation.GetCommand().GetTicket() }

// editTicket notes that a field of the ticket is written and returns where its value goes. Left unset, the field is cleared.
func (j *judgement) editTicket(field uint32) *roundsv1.Ticket {
	if j.draft.ticket == nil {
		j.draft.ticket = &roundsv1.Ticket{}
	}
	j.draft.set(field)
	return j.draft.ticket
}
