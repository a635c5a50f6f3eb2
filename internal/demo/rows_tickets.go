package demo

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Short names for the table.
const (
	superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
	staleGiven = roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH

	atTriaged    = roundsv1.TicketState_TICKET_STATE_TRIAGED
	atDispatched = roundsv1.TicketState_TICKET_STATE_DISPATCHED
	atAccepted   = roundsv1.TicketState_TICKET_STATE_ACCEPTED
	atWork       = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS
	atPause      = roundsv1.TicketState_TICKET_STATE_PAUSED
	atDone       = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
	atReview     = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	atRework     = roundsv1.TicketState_TICKET_STATE_REWORK
	atClosed     = roundsv1.TicketState_TICKET_STATE_CLOSED
	atCancelled  = roundsv1.TicketState_TICKET_STATE_CANCELLED
	atMerged     = roundsv1.TicketState_TICKET_STATE_MERGED

	stateField, roundField                     = 40, 41
	descriptionField, categoryField, tagsField = 2, 3, 11
)

// ticketTrack is what a journal said of one ticket so far.
type ticketTrack struct {
	state     roundsv1.TicketState
	round     uint32
	sentBack  seen // the rejection that began the round; zero: it began otherwise
	reopened  seen // the word that opened the ticket again for this round; zero: it did not begin so
	given     seen // the last dispatch
	begun     seen // who began the work that goes on
	declined  map[string]seen
	done      map[uint32][]seen // completions of a round
	manifests map[uint32][]string
	closed    seen
	removed   map[string]seen // tags
	evicted   bool
	forced    uint64 // the entry that closed it by force
}

func (c *chronicle) track(id string) *ticketTrack {
	t := c.tickets[id]
	if t == nil {
		t = &ticketTrack{round: 1, declined: map[string]seen{}, done: map[uint32][]seen{}, manifests: map[uint32][]string{}, removed: map[string]seen{}}
		c.tickets[id] = t
	}
	return t
}

func (t *ticketTrack) in(states ...roundsv1.TicketState) bool {
	return slices.Contains(states, t.state)
}

func (c *chronicle) ticket(a act) {
	t := c.track(a.record)
	if a.GetType() == roundsv1.EntryType_ENTRY_TYPE_EVICTED {
		t.evicted = true
		return
	}
	if a.flagged("offline_false_alarm") {
		c.note(16, a)
	}
	switch m := a.GetAct().(type) {
	case *roundsv1.Mutation_Command:
		if command := m.Command.GetTicket(); command != nil {
			c.command(t, a, command)
		}
	case *roundsv1.Mutation_Edit:
		c.edit(t, a, m.Edit)
	case *roundsv1.Mutation_Fact:
		if t.evicted && !a.stands() {
			c.note(34, a)
		}
		for part := range m.Fact.GetRecord().GetTicket().GetPartsUsed() {
			if a.stands() {
				c.spend(a, part)
			}
		}
	}
	if a.stands() {
		t.evicted = false // what is written to comes back by itself
	}
}

// edit follows fields that were written: by people, or by the server.
func (c *chronicle) edit(t *ticketTrack, a act, edit *roundsv1.Edit) {
	said := edit.GetRecord().GetTicket()
	if a.server() {
		if slices.Contains(edit.GetFields(), roundField) {
			t.round = max(1, said.GetRound())
		}
		if slices.Contains(edit.GetFields(), stateField) {
			t.state = said.GetState()
		}
		return
	}
	for _, loss := range a.GetOutcome().GetLosses() {
		switch loss.GetField() {
		case descriptionField:
			c.note(22, a)
		case categoryField:
			c.note(23, a)
		}
	}
	if !a.stands() || !slices.Contains(edit.GetFields(), tagsField) {
		return
	}
	for _, tag := range said.GetTags() {
		if gone, ok := t.removed[tag]; ok && a.unseen(gone) {
			c.note(24, a)
		}
		delete(t.removed, tag)
	}
	for _, tag := range edit.GetRemoved().GetTicket().GetTags() {
		t.removed[tag] = a.seen
	}
}

// tooLate: what was asked of a ticket that is done, by somebody who had not seen that it is.
func (c *chronicle) tooLate(t *ticketTrack, a act) bool {
	if !a.refused(superseded) || !t.in(atDone, atReview) || !slices.ContainsFunc(t.done[t.round], a.unseen) {
		return false
	}
	c.note(35, a)
	return true
}

func (c *chronicle) command(t *ticketTrack, a act, command *roundsv1.TicketCommand) {
	switch m := command.GetCommand().(type) {
	case *roundsv1.TicketCommand_Triage:
		if a.stands() {
			t.state = atTriaged
		}
	case *roundsv1.TicketCommand_Dispatch:
		switch {
		case a.stands():
			t.state, t.given, t.begun = atDispatched, a.seen, seen{}
		case c.tooLate(t, a):
		case a.refused(superseded) && t.given.seq > 0 && a.unseen(t.given):
			c.note(19, a)
		}
	case *roundsv1.TicketCommand_Accept:
		no, declined := t.declined[a.person]
		switch {
		case a.stands() && t.in(atTriaged):
			c.note(20, a)
			t.state, t.given = atDispatched, a.seen
		case a.stands():
			t.state = atAccepted
		case a.refused(staleGiven) && declined && a.unseen(no):
			c.note(20, a)
		}
	case *roundsv1.TicketCommand_Decline:
		if a.stands() {
			t.state, t.declined[a.person] = atTriaged, a.seen
		}
	case *roundsv1.TicketCommand_Start:
		switch {
		case a.refused(staleGiven):
			c.note(3, a)
		case a.stands() && t.in(atWork):
			if t.begun.seq > 0 && t.begun.person != a.person && a.unseen(t.begun) {
				c.note(18, a)
			}
		case a.stands() && t.in(atDispatched, atAccepted, atPause, atRework):
			t.state, t.begun = atWork, a.seen
		}
	case *roundsv1.TicketCommand_Pause:
		switch {
		case a.refused(staleGiven):
			c.note(3, a)
		case a.stands() && t.in(atDone, atReview, atClosed):
			c.note(17, a)
		case a.stands() && t.in(atWork):
			t.state = atPause
		}
	case *roundsv1.TicketCommand_Resume:
		switch {
		case a.refused(staleGiven):
			c.note(3, a)
		case a.stands() && t.in(atPause):
			t.state, t.begun = atWork, a.seen
		}
	case *roundsv1.TicketCommand_Cancel:
		if a.stands() {
			t.state = atCancelled
		} else {
			c.tooLate(t, a)
		}
	case *roundsv1.TicketCommand_Merge:
		if a.stands() {
			t.state = atMerged
		} else {
			c.tooLate(t, a)
		}
	case *roundsv1.TicketCommand_SubmitCompletion:
		c.completion(t, a, m.SubmitCompletion)
	case *roundsv1.TicketCommand_ForceClose:
		if a.stands() && a.flagged("forced") {
			t.state, t.forced, t.closed = atClosed, a.seq, a.seen
		}
	default:
		c.review(t, a, command)
	}
}

// completion is the word that the work is done.
func (c *chronicle) completion(t *ticketTrack, a act, done *roundsv1.TicketSubmit) {
	switch {
	case a.parked() && a.flagged("double_work"):
		c.note(2, a)
	case a.parked() && a.flagged("work_after_cancel"):
		c.note(5, a)
	}
	if !a.stands() {
		return
	}
	before := t.done[done.GetRound()]
	t.done[done.GetRound()] = append(before, a.seen)
	t.manifests[done.GetRound()] = append(t.manifests[done.GetRound()], done.GetPhotoIds()...)
	switch {
	case a.flagged("forwarded"):
		c.note(6, a)
	case a.flagged("older_round"):
		if t.sentBack.seq > 0 && a.unseen(t.sentBack) {
			c.note(9, a)
		}
	case t.in(atClosed):
		if a.unseen(t.closed) {
			c.note(7, a)
		}
		if a.flagged("self_approval") {
			t.state = atReview
		}
	default:
		if a.flagged("done_by_former_assignee") {
			c.note(1, a)
		}
		if t.in(atDone, atReview) && slices.ContainsFunc(before, func(s seen) bool { return s.person != a.person && a.unseen(s) }) {
			c.note(4, a)
		}
		t.state = atDone
	}
}

// review is what people decide on finished work.
func (c *chronicle) review(t *ticketTrack, a act, command *roundsv1.TicketCommand) {
	again := func(to roundsv1.TicketState, sentBack, reopened seen) {
		t.state, t.sentBack, t.reopened, t.begun = to, sentBack, reopened, seen{}
		t.round++
	}
	switch m := command.GetCommand().(type) {
	case *roundsv1.TicketCommand_Approve:
		switch {
		case a.parked():
			c.note(11, a)
		case !a.stands():
		case a.flagged("dissent"):
			c.note(13, a)
		case a.flagged("older_round"):
			if t.reopened.seq > 0 && a.unseen(t.reopened) {
				c.note(15, a)
			}
		case t.in(atClosed):
			if a.unseen(t.closed) {
				c.note(14, a)
			}
		case t.in(atReview):
			if a.flagged("approved_before_late_evidence") {
				c.note(10, a)
			}
			t.state, t.closed = atClosed, a.seen
		}
	case *roundsv1.TicketCommand_Reject:
		switch {
		case !a.stands():
		case t.in(atClosed):
			c.note(12, a)
			t.state = atReview
		default:
			again(atRework, a.seen, seen{})
		}
	case *roundsv1.TicketCommand_Dispute, *roundsv1.TicketCommand_Reopen:
		if a.stands() && t.in(atClosed) {
			again(atTriaged, seen{}, a.seen)
		}
	case *roundsv1.TicketCommand_FollowUp:
		if a.stands() && t.in(atClosed) && !m.FollowUp.GetSolved() {
			again(atTriaged, seen{}, a.seen)
		}
	}
}
