package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Numbers of the fields of Photo and Comment that the rules look at.
const (
	photoSubject   = 1
	photoHidden    = 16
	photoState     = 40
	commentSubject = 1
	commentHidden  = 5
)

// photoWorkflow is what is asked of photos: they have no states that a person could change.
func photoWorkflow() workflow {
	byApprover := condition{name: "its ticket is closed, or its round approved, and whoever confirmed it took a photo of the finished work, or of an item", holds: func(j *judgement) bool {
		if i := j.subjectOf(kindInspection).GetRecord().GetInspection(); i != nil {
			return state(i.GetState()) == approved && slices.Contains(j.photographersOfWalk(i), approverOf(i))
		}
		ticket := j.subject().GetRecord().GetTicket()
		return state(ticket.GetState()) == closed && slices.ContainsFunc(j.photographers(), func(id string) bool { return slices.Contains(ticket.GetApproverIds(), id) })
	}}
	late := lateRecord()
	older := condition{name: "of a round before its ticket's", holds: func(j *judgement) bool {
		round := j.written().GetPhoto().GetRound()
		return round > 0 && round < j.subject().GetRecord().GetTicket().GetRound()
	}}
	olderRound := effect{`outcome flag "older_round": it proves nothing of the round that the ticket is in`, func(j *judgement) {
		j.verdict.Flags = append(j.verdict.Flags, "older_round")
	}}
	marks := func(more string) []effect {
		return []effect{{"on the ticket, or the round: before_photo; shown_photo_ids + one from before, or one of the round while a decision is awaited; performers + who took a photo of the finished work, or of an item; where it is not here yet, notice EARLY_PHOTO to them, which keeps that until its creation reads it" + more, (*judgement).photoMarks}}
	}
	return workflow{kind: kindPhoto, name: noState, rows: []row{
		besideOrphanRow(),
		orphanRow(),
		{command: Create, number: 37, when: []condition{byApprover}, effects: marks(`, flags "late" and "self_approval", to PENDING_REVIEW where nobody else approved it who did none of the work, else approvers without who worked`)},
		{command: Create, when: []condition{late}, effects: marks(`, flag "late"; once for each closure who confirmed or cancelled it is told`)},
		{command: Create, number: 8, when: []condition{older}, effects: append(marks(""), olderRound)},
		{command: Create, effects: marks("")},
		hides(photoHidden, func(r *roundsv1.Record) *roundsv1.Hidden { return r.GetPhoto().GetHidden() }),
	}}
}

// commentWorkflow is what is asked of remarks.
func commentWorkflow() workflow {
	return workflow{kind: kindComment, name: noState, rows: []row{
		besideOrphanRow(),
		orphanRow(),
		{command: Create, when: []condition{lateRecord()}, effects: []effect{{`on the ticket, or the round: flag "late"; once for each closure who confirmed or cancelled it is told`,
			(*judgement).arriveBesideLate}}},
		hides(commentHidden, func(r *roundsv1.Record) *roundsv1.Hidden { return r.GetComment().GetHidden() }),
	}}
}

// lateRecord is the condition of late_fact for what is a record of its own.
func lateRecord() condition {
	return condition{name: "its ticket has ended, or its round was approved or excused; or those of the photo that it is a remark on", holds: (*judgement).comesLate}
}

func noState(state) State { return "" }

// hides asks for a reason when a fact is taken out of sight.
func hides(field uint32, hidden func(*roundsv1.Record) *roundsv1.Hidden) row {
	return row{command: Edit, when: []condition{{name: "it hides", holds: func(j *judgement) bool {
		edit := j.Mutation.GetEdit()
		return hidden(edit.GetRecord()) != nil && (len(edit.GetFields()) == 0 || slices.Contains(edit.GetFields(), field))
	}}}, needs: []condition{{name: "reason given", holds: func(j *judgement) bool {
		return hidden(j.Mutation.GetEdit().GetRecord()).GetReason() != ""
	}, refusal: refusal{missing, "hidden.reason", "隐藏记录须填写原因。", "Say why it is hidden."}}}}
}
