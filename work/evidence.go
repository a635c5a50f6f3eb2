package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// Numbers of the fields that hide a fact.
const (
	photoHidden   = 16
	commentHidden = 5
)

// photoWorkflow is what is asked of photos: they have no states that a person could change.
func photoWorkflow() workflow {
	late := condition{name: "its ticket has ended", holds: func(j *judgement) bool {
		switch state(j.subject().GetRecord().GetTicket().GetState()) {
		case closed, cancelled, merged:
			return true
		}
		return false
	}}
	return workflow{kind: kindPhoto, name: noState, rows: []row{
		{command: Create, when: []condition{late}, effects: []effect{{`flag "late", also on the ticket`, (*judgement).markSubjectLate}}},
		hides(photoHidden, func(r *roundsv1.Record) *roundsv1.Hidden { return r.GetPhoto().GetHidden() }),
	}}
}

// commentWorkflow is what is asked of remarks.
func commentWorkflow() workflow {
	return workflow{kind: kindComment, name: noState, rows: []row{
		hides(commentHidden, func(r *roundsv1.Record) *roundsv1.Hidden { return r.GetComment().GetHidden() }),
	}}
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

// markSubjectLate marks the photo's ticket, so that its reviewer looks again.
func (j *judgement) markSubjectLate() {
	j.verdict.Flags = append(j.verdict.Flags, flagLate)
	subject := j.subject()
	flags := subject.GetRecord().GetTicket().GetFlags()
	if len(flags) >= maxFlags || slices.Contains(flags, flagLate) {
		return
	}
	flags = append(slices.Clone(flags), flagLate)
	j.verdict.Derived = append(j.verdict.Derived, engine.Derived{RecordID: subject.GetRecordId(), Edit: &roundsv1.Edit{
		Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Flags: flags}}}, Fields: []uint32{ticketFlags},
	}})
}
