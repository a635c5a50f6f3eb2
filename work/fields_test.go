package work

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestFieldNumbers holds the numbers in the code against the schema.
func TestFieldNumbers(t *testing.T) {
	for _, of := range []struct {
		message protoreflect.ProtoMessage
		names   map[protoreflect.FieldNumber]protoreflect.Name
	}{
		{&roundsv1.Ticket{}, map[protoreflect.FieldNumber]protoreflect.Name{
			ticketCategory: "category_id", ticketLocation: "location", ticketCrew: "crew_ids", ticketState: "state", ticketRound: "round", ticketAssignee: "assignee_id",
			ticketEpoch: "assign_epoch", ticketEscalation: "escalation_level", ticketPauseReason: "pause_reason", ticketCompletions: "completions",
			ticketStateReason: "state_reason", ticketMergedInto: "merged_into_id", ticketApprovers: "approver_ids", ticketFlags: "flags",
			ticketReportedTime: "reported_time_us", ticketPriority: "priority", ticketReadings: "readings", ticketLabour: "labour", ticketScans: "scans",
			ticketAnswers: "answers", ticketRequirements: "requirements", ticketMoves: "moves", ticketDeadlines: "deadlines", ticketChildren: "child_ids",
			ticketReviews: "reviews", ticketFormer: "former_assignee_ids", ticketAcceptance: "acceptance", ticketClosedTime: "closed_time_us",
			ticketPerformers: "performer_ids", ticketBeforePhoto: "before_photo", ticketShown: "shown_photo_ids", ticketMerged: "merged_ids", ticketPastChildren: "past_child_ids", ticketNamed: "named_ids",
			ticketDisclaimers: "disclaimer_ids"}},
		{&roundsv1.Inspection{}, map[protoreflect.FieldNumber]protoreflect.Name{
			inspectionState: "state", inspectionRound: "round", inspectionInspector: "inspector_id", inspectionStateReason: "state_reason", inspectionFlags: "flags",
			inspectionVersion: "checklist_version", inspectionAnswers: "answers", inspectionScore: "score", inspectionVisits: "official_visits",
			inspectionProvisional: "provisional", inspectionFailed: "failed", inspectionReviews: "reviews", inspectionCompletions: "completions",
			inspectionGraceEnd: "grace_end_us", inspectionTally: "tally"}},
		{&roundsv1.Plan{}, map[protoreflect.FieldNumber]protoreflect.Name{
			planChecklist: "checklist_id", planCheckpoints: "checkpoint_ids", planRecurrence: "recurrence", planWindow: "window_us"}},
		{&roundsv1.Checklist{}, map[protoreflect.FieldNumber]protoreflect.Name{
			checklistVersion: "version", checklistItems: "items", checklistSeries: "series_id", checklistPublished: "published"}},
		{&roundsv1.Conflict{}, map[protoreflect.FieldNumber]protoreflect.Name{
			conflictState: "state", conflictResolution: "resolution", conflictResolvedBy: "resolved_by_id",
			conflictSides: "sides", conflictOwner: "owner_id", conflictDecision: "decision", conflictReason: "decision_reason"}},
		{&roundsv1.Notice{}, map[protoreflect.FieldNumber]protoreflect.Name{noticeSeenBy: "seen_by_ids"}},
		{&roundsv1.Photo{}, map[protoreflect.FieldNumber]protoreflect.Name{photoHidden: "hidden", photoSubject: "subject", photoState: "state"}},
		{&roundsv1.Comment{}, map[protoreflect.FieldNumber]protoreflect.Name{commentHidden: "hidden"}},
	} {
		fields := of.message.ProtoReflect().Descriptor().Fields()
		for number, name := range of.names {
			if fd := fields.ByNumber(number); fd == nil || fd.Name() != name {
				t.Errorf("%s: field %d is not %s", of.message.ProtoReflect().Descriptor().Name(), number, name)
			}
		}
	}
}

// TestWords: every operation, state and refusal has its words in both languages.
func TestWords(t *testing.T) {
	for _, w := range workflows() {
		for _, row := range w.rows {
			if zh, en := row.command.words(); zh == string(row.command) || en == string(row.command) {
				t.Errorf("no words for %s", row.command)
			}
			refusals := []refusal{row.refuse}
			for _, c := range row.needs {
				if c.refusal.code == 0 {
					t.Errorf("%s %s needs %q and does not say why", w.kind, row.command, c.name)
				}
				refusals = append(refusals, c.refusal)
			}
			for _, r := range refusals {
				if r.code != 0 && (r.zh == "" || r.en == "") {
					t.Errorf("%s %s: a refusal without words: %+v", w.kind, row.command, r)
				}
			}
		}
	}
	for number := range roundsv1.TicketState_name {
		if number != 0 && ticketStanding(state(number)).nowZH == "" {
			t.Errorf("ticket state %d has no words", number)
		}
	}
	for number := range roundsv1.InspectionState_name {
		if number != 0 && inspectionStanding(state(number)).nowZH == "" {
			t.Errorf("inspection state %d has no words", number)
		}
	}
}
