package work

import (
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// requirementsOf is what a ticket of a category has to fulfil at the site of the case, with the newest version of its checklist. A category that the directory
// does not know asks for nothing but the site's times.
func (j *judgement) requirementsOf(category string, priority roundsv1.Priority) *roundsv1.Requirements {
	known := j.reference.Category(j.Scope, category)
	need := j.reference.Policy(j.Scope).RequirementsAt(known, priority)
	if known != nil {
		need.CategoryId = category
	}
	if need.GetChecklistId() != "" {
		need.ChecklistVersion = j.reference.Checklist(j.Scope, need.GetChecklistId(), 0).GetVersion()
	}
	return need
}

// pin writes what the ticket has to fulfil, now that it is of a category, and the priority that the category begins with where nobody gave one. A device that
// foresees does not know what the site asks.
func (j *judgement) pin(category string, priority roundsv1.Priority) {
	if j.foresees {
		return
	}
	j.recount = true
	need := j.requirementsOf(category, priority)
	if !proto.Equal(need, j.ticket().GetRequirements()) {
		j.editTicket(ticketRequirements).Requirements = need
	}
	if begins := j.reference.Category(j.Scope, category).GetPriority(); priority == 0 && begins != 0 {
		j.editTicket(ticketPriority).Priority = begins
	}
}

// pinShown pins anew where an edit changes the category that is shown once it is merged, which need not be the one that was written; and gives the ticket other
// times where it changes the priority, as long as the rest of what was asked of the crew stands.
func (j *judgement) pinShown() {
	if j.foresees || !j.sets(ticketCategory) && !j.sets(ticketPriority) {
		return
	}
	stamp := &roundsv1.Stamp{Seq: j.Current.GetVersion() + 1, DeviceId: string(j.Device), PersonId: string(j.Person), Roles: j.Roles, TimeUs: j.Time.UnixMicro()}
	merged := merge.Apply(j.Current, merge.Input{Mutation: j.Mutation, Stamp: stamp})
	if merged.Problem != nil {
		return // merging refuses it
	}
	before, after := j.ticket(), merged.Change.GetRecord().GetTicket()
	switch {
	case after.GetCategoryId() != before.GetCategoryId():
		j.shown = after
		j.pin(after.GetCategoryId(), after.GetPriority())
	case after.GetPriority() != before.GetPriority() && before.GetRequirements() != nil:
		j.shown, j.recount = after, true
		times := j.requirementsOf(before.GetRequirements().GetCategoryId(), after.GetPriority())
		need := proto.CloneOf(before.GetRequirements())
		need.RespondUs, need.ArriveUs, need.FinishUs = times.GetRespondUs(), times.GetArriveUs(), times.GetFinishUs()
		j.editTicket(ticketRequirements).Requirements = need
	}
}

// sets: whether an edit or a creation sets a field of the ticket.
func (j *judgement) sets(field uint32) bool {
	if slices.Contains(j.Mutation.GetEdit().GetFields(), field) {
		return true
	}
	t := j.written().GetTicket()
	switch {
	case len(j.Mutation.GetEdit().GetFields()) > 0:
		return false
	case field == ticketCategory:
		return t.GetCategoryId() != ""
	case field == ticketPriority:
		return t.GetPriority() != 0
	}
	return false
}

// knownCategory: whether the organisation has a category, or no directory is kept.
func (j *judgement) knownCategory(id string) bool {
	if j.foresees || !j.directory {
		return true
	}
	category := j.reference.Category(j.Scope, id)
	return category != nil && !category.GetRetired()
}
