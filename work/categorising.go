package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// What a ticket needs follows from its category, and its times from the priority too, so who says of which category it is and how urgent is somebody who gives out work
// or leads, and nobody who is to do it. From the round's completion on both are labels: what was asked for and when stays for that round.

// categorisers are the roles that say of which category a ticket is, and how urgent.
func categorisers() []roundsv1.Role {
	return []roundsv1.Role{roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_DISPATCHER, roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER}
}

// mayCategorise: whether who acts gives out work or leads, or reported the ticket while nobody has taken it in. A resident who sends a report once more does not make
// it less urgent.
func (j *judgement) mayCategorise() bool {
	if j.holds(categorisers()...) {
		return true
	}
	if j.state() != newTicket || !j.reported(j.Current) {
		return false
	}
	staff := j.rules.rights[right{kindTicket, Edit}].any&bits(j.Roles) != 0
	return staff || j.merges().GetPriority() >= j.ticket().GetPriority()
}

// worksOnIt: whether the ticket was given out, and who acts has it, is of its crew or did some of the work.
func (j *judgement) worksOnIt() bool {
	given := j.ticket().GetAssignEpoch() > 0 || j.state() != newTicket && j.state() != triaged
	return !j.foresees && given && (j.isAssignee() || j.performed())
}

// recategorises: whether an act on a ticket that is here asks for another category or priority: an edit by naming the field, and what makes the ticket once more by
// changing what is shown.
func (j *judgement) recategorises() bool {
	if j.foresees || j.Current == nil || !j.sets(ticketCategory) && !j.sets(ticketPriority) {
		return false
	}
	if named := j.Mutation.GetEdit().GetFields(); len(named) > 0 {
		return true
	}
	now, then := j.ticket(), j.merges()
	return then != nil && (now.GetCategoryId() != then.GetCategoryId() || now.GetPriority() != then.GetPriority())
}

// merges is the ticket as the mutation alone leaves it; nil where merging refuses it.
func (j *judgement) merges() *roundsv1.Ticket {
	stamp := &roundsv1.Stamp{Seq: j.Current.GetVersion() + 1, DeviceId: string(j.Device), PersonId: string(j.Person), Roles: j.Roles, TimeUs: j.Time.UnixMicro()}
	merged := merge.Apply(j.Current, merge.Input{Mutation: j.Mutation, Stamp: stamp})
	if merged.Problem != nil {
		return nil
	}
	return merged.Change.GetRecord().GetTicket()
}

// asksStill: whether what the ticket needs follows its category and its priority: until the round is reported as done.
func (j *judgement) asksStill() bool {
	return slices.Contains(append(assignedStates(), newTicket, triaged), j.state())
}
