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
	known := j.reference.Category(j.Scope, merge.RecordID(category))
	need := j.reference.Policy(j.Scope).RequirementsAt(known, priority)
	if known != nil {
		need.CategoryId = category
	}
	if need.GetChecklistId() != "" {
		if need.ChecklistVersion = j.reference.Checklist(j.Scope, need.GetChecklistId(), 0).GetVersion(); need.ChecklistVersion == 0 {
			need.ChecklistId = "" // none is published: what will be is not what this crew is asked
		}
	}
	return need
}

// listPinned is the checklist of a ticket in the version that was pinned with what it has to fulfil; nil where none was, or where it is not at hand. Of a list that had
// no version then, none counts that was published since.
func (j *judgement) listPinned(t *roundsv1.Ticket) *roundsv1.Checklist {
	need := t.GetRequirements()
	if need.GetChecklistId() == "" || need.GetChecklistVersion() == 0 {
		return nil
	}
	return j.reference.Checklist(j.Scope, need.GetChecklistId(), need.GetChecklistVersion())
}

// pin writes what the ticket has to fulfil, now that it is of a category, and the priority that the category begins with where nobody gave one. A device that
// foresees does not know what the site asks.
func (j *judgement) pin(category string, priority roundsv1.Priority) {
	if j.foresees {
		return
	}
	j.recount = true
	need := eased(j.ticket().GetRequirements(), j.requirementsOf(category, priority), string(j.Person))
	if !proto.Equal(need, j.ticket().GetRequirements()) {
		j.editTicket(ticketRequirements).Requirements = need
	}
	if begins := j.reference.Category(j.Scope, merge.RecordID(category)).GetPriority(); priority == 0 && begins != 0 {
		j.editTicket(ticketPriority).Priority = begins
	}
}

// pinShown pins anew where an edit changes the category that is shown once it is merged, which need not be the one that was written; and gives the ticket other
// times where it changes the priority, as long as the rest of what was asked of the crew stands. Once the round is reported as done both are labels until the next one.
func (j *judgement) pinShown() {
	if j.foresees || j.Current == nil || !j.sets(ticketCategory) && !j.sets(ticketPriority) {
		return
	}
	before, after := j.ticket(), j.merges()
	if after == nil {
		return // merging refuses it
	}
	recategorised := after.GetCategoryId() != before.GetCategoryId() || j.settles(before, after)
	if !recategorised && after.GetPriority() == before.GetPriority() {
		return
	}
	if j.shown = after; !j.asksStill() {
		return
	}
	switch {
	case recategorised:
		j.anew = byCategory
		j.pin(after.GetCategoryId(), after.GetPriority())
	case before.GetRequirements() != nil:
		j.anew, j.recount = byPriority, true
		j.editTicket(ticketRequirements).Requirements = j.withTimes(before.GetRequirements(), after.GetPriority())
	}
}

// withTimes are requirements with the times that a priority has.
func (j *judgement) withTimes(need *roundsv1.Requirements, priority roundsv1.Priority) *roundsv1.Requirements {
	times := j.requirementsOf(need.GetCategoryId(), priority)
	need = proto.CloneOf(need)
	need.RespondUs, need.ArriveUs, need.FinishUs = times.GetRespondUs(), times.GetArriveUs(), times.GetFinishUs()
	return need
}

// pinNext asks of the next round what the category asks that the ticket is of by now, where that was changed after the last one was done; and gives it the times of
// its priority.
func (j *judgement) pinNext() {
	t := j.after()
	pinned := t.GetRequirements()
	if j.foresees || pinned == nil {
		return
	}
	need := j.withTimes(pinned, t.GetPriority())
	if now := j.requirementsOf(t.GetCategoryId(), t.GetPriority()); now.GetCategoryId() != pinned.GetCategoryId() {
		need = eased(pinned, now, writer(j.Current, ticketCategory).GetPersonId())
	}
	if !proto.Equal(need, pinned) {
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
	category := j.reference.Category(j.Scope, merge.RecordID(id))
	return category != nil && !category.GetRetired()
}
