package work_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestWhatIsMadeMakesSense: a round that nobody can walk is refused, and so is a title that shows nothing; what has no title at all is as good as before.
func TestWhatIsMadeMakesSense(t *testing.T) {
	const missing, invalid, fine = roundsv1.ProblemCode_PROBLEM_CODE_MISSING, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED
	gate := uid("gate")
	for name, test := range map[string]struct {
		record *roundsv1.Record
		code   roundsv1.ProblemCode
		field  string
	}{
		"neither checklist nor checkpoint":   {round(&roundsv1.Inspection{Title: "walk"}), missing, "edit.record.inspection.checklist_id"},
		"a checkpoint twice":                 {round(&roundsv1.Inspection{CheckpointIds: []string{gate, uid("pit"), gate}}), invalid, "edit.record.inspection.checkpoint_ids"},
		"over before it begins":              {round(&roundsv1.Inspection{CheckpointIds: []string{gate}, WindowStartUs: 2, WindowEndUs: 1}), invalid, "edit.record.inspection.window_end_us"},
		"a blank title of a round":           {round(&roundsv1.Inspection{CheckpointIds: []string{gate}, Title: " \t"}), missing, "edit.record.inspection.title"},
		"a round":                            {round(&roundsv1.Inspection{CheckpointIds: []string{gate, uid("pit")}, WindowStartUs: 1, WindowEndUs: 2}), fine, ""},
		"a round without an end":             {round(&roundsv1.Inspection{ChecklistId: uid("list"), WindowStartUs: 1}), fine, ""},
		"a blank title":                      {&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "　 "}}}, missing, "edit.record.ticket.title"},
		"the customer's words, and no title": {&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{CustomerWords: "it leaks"}}}, fine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			lead := s.phone("F", foreman)
			act := lead.do(uid("made"), &roundsv1.Edit{Record: test.record})
			lead.sync()
			if p := lead.outcomes[act].GetProblem(); p.GetCode() != test.code || p.GetField() != test.field {
				t.Errorf("%v, not %v of %q", p, test.code, test.field)
			}
		})
	}
}
