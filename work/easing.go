package work

import (
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Whoever gives out work may say that a ticket is of a category that asks for less, and may do work. Nobody does both for one ticket: who made it less is noted with
// what was asked before, and where they have the ticket or did some of the work, before or after, on whatever phone, that counts too. Somebody else who says of which
// category the ticket is settles it.

// eased are requirements that follow those of before by the word of a person, with a note of who made them less.
func eased(before, need *roundsv1.Requirements, person string) *roundsv1.Requirements {
	if before == nil || person == "" {
		return need
	}
	floor := before
	if before.GetEasedBy() == person {
		floor = most(before, before.GetEasedFrom()) // in two steps it is no less than in one
	}
	if covers(floor, need) {
		return need
	}
	need, floor = proto.CloneOf(need), proto.CloneOf(floor)
	floor.EasedBy, floor.EasedFrom = "", nil
	need.EasedBy, need.EasedFrom = person, floor
	return need
}

// most are requirements that ask for the photos and the checklist of others, too.
func most(need, also *roundsv1.Requirements) *roundsv1.Requirements {
	if also == nil {
		return need
	}
	need = proto.CloneOf(need)
	need.AfterPhotos = max(need.GetAfterPhotos(), also.GetAfterPhotos())
	need.BeforePhoto = need.GetBeforePhoto() || also.GetBeforePhoto()
	need.LiveCamera = need.GetLiveCamera() || also.GetLiveCamera()
	if also.GetChecklistId() != "" {
		need.ChecklistId, need.ChecklistVersion = also.GetChecklistId(), also.GetChecklistVersion()
	}
	return need
}

// mostOf is all that was asked, whoever works: of the tasks of a ticket, which end it.
func mostOf(need *roundsv1.Requirements) *roundsv1.Requirements {
	return most(need, need.GetEasedFrom())
}

// unEase asks for what was asked before, where who made it less has the ticket by now, or did some of the work.
func (j *judgement) unEase() {
	t := j.after()
	need := t.GetRequirements()
	if need.GetEasedFrom() == nil || ended(state(t.GetState())) || t.GetAssigneeId() != need.GetEasedBy() && !slices.Contains(workers(t), need.GetEasedBy()) {
		return
	}
	need = mostOf(need)
	need.EasedFrom = nil // who made it less stays, so that somebody else may still settle it
	j.editTicket(ticketRequirements).Requirements = need
}

// settles: whether an edit says once more of which category a ticket is that another has made ask for less.
func (j *judgement) settles(before, after *roundsv1.Ticket) bool {
	by := before.GetRequirements().GetEasedBy()
	named := slices.Contains(j.Mutation.GetEdit().GetFields(), uint32(ticketCategory))
	return named && by != "" && by != string(j.Person) && j.written().GetTicket().GetCategoryId() == after.GetCategoryId()
}
