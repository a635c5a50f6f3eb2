package work_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

const stateNew = roundsv1.TicketState_TICKET_STATE_NEW

// Numbers of a ticket's fields.
const (
	fieldTitle        = 1
	fieldCategory     = 3
	fieldPriority     = 4
	fieldRequirements = 52
)

// pinned is a ticket of a category in a state, with what the office asks of it.
func pinned(t *testing.T, category string, at roundsv1.TicketState) *roundsv1.Ticket {
	t.Helper()
	made := caseOf("ticket", nil, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "wet", CategoryId: category,
		Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})}, false)
	v := work.New(work.Config{Reference: office{}}).Judge(made)
	need := v.Effect.GetRecord().GetTicket().GetRequirements()
	if v.Problem != nil || need.GetCategoryId() != category {
		t.Fatalf("%v %v", v.Problem, v.Effect)
	}
	return &roundsv1.Ticket{State: at, Round: 1, CategoryId: category, Requirements: need}
}

// byDesk is a case of an act by somebody who did none of the work, in the office.
func byDesk(ticket *roundsv1.Ticket, act any) engine.Case {
	c := caseOf("ticket", change(ticketRecord(ticket)), act, true)
	c.Time = time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	return c
}

func edits(t *roundsv1.Ticket, fields ...uint32) *roundsv1.Edit {
	return &roundsv1.Edit{Record: ticketRecord(t), Fields: fields}
}

// TestPinnedOnlyWhereItChanges: what a ticket has to fulfil is written where it changes, and stays untouched else: who has not seen a change of it is not asked for it.
func TestPinnedOnlyWhereItChanges(t *testing.T) {
	const minor, urgent = roundsv1.Priority_PRIORITY_MINOR, roundsv1.Priority_PRIORITY_URGENT
	rules := work.New(work.Config{Reference: office{}})
	less := func(t *roundsv1.Ticket) *roundsv1.Ticket { t.Requirements.AfterPhotos = 1; return t }
	bare := &roundsv1.Ticket{State: stateTriaged, Round: 1}
	prior := pinned(t, "light", stateTriaged)
	prior.Priority = roundsv1.Priority_PRIORITY_NORMAL
	raised := pinned(t, "light", stateInReview)
	raised.Priority = urgent
	to := func(category string) *roundsv1.TicketCommand {
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}}
	}
	for _, test := range []struct {
		name   string
		ticket *roundsv1.Ticket
		act    any
		want   bool
	}{
		{"another category", pinned(t, "light", stateTriaged), edits(&roundsv1.Ticket{CategoryId: "pump"}, fieldCategory), true},
		{"the same category", pinned(t, "light", stateTriaged), edits(&roundsv1.Ticket{CategoryId: "light"}, fieldCategory), false},
		{"another priority", pinned(t, "light", stateTriaged), edits(&roundsv1.Ticket{Priority: urgent}, fieldPriority), true},
		{"the same priority", prior, edits(&roundsv1.Ticket{Priority: prior.GetPriority()}, fieldPriority), false},
		{"a priority, where nothing is asked", bare, edits(&roundsv1.Ticket{Priority: urgent}, fieldPriority), false},
		{"a title, beside a category that is not meant", pinned(t, "light", stateTriaged), edits(&roundsv1.Ticket{Title: "dry", CategoryId: "pump"}, fieldTitle), false},
		{"another category, beside what merging refuses", pinned(t, "light", stateTriaged),
			edits(&roundsv1.Ticket{CategoryId: "pump", CustomerWords: "it is dry"}, fieldCategory, 6), false},
		{"another category of what was reported as done", pinned(t, "light", stateDone), edits(&roundsv1.Ticket{CategoryId: "pump"}, fieldCategory), false},
		{"triage to another category", pinned(t, "light", stateNew), to("pump"), true},
		{"triage to the same category", pinned(t, "light", stateNew), to("light"), false},
		{"sent back", pinned(t, "light", stateInReview), reject(1), false},
		{"sent back, with another priority since", raised, reject(1), true},
		{"sent back, where the category asks for more by now", less(pinned(t, "pump", stateInReview)), reject(1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := byDesk(test.ticket, test.act)
			if r := c.Mutation.GetCommand().GetTicket().GetReject(); r != nil {
				r.Reason = "not_clean"
			}
			before := proto.CloneOf(c.Current)
			v := rules.Judge(c)
			if got := slices.Contains(v.Effect.GetFields(), fieldRequirements); v.Problem != nil || got != test.want {
				t.Errorf("%v, %v", v.Problem, v.Effect)
			}
			if !proto.Equal(before, c.Current) {
				t.Errorf("what was judged was changed: %v", c.Current)
			}
			// A device does not know what the site asks.
			if foreseen, _ := rules.Foresee(c.Current, c.Mutation, c.Person); slices.Contains(foreseen.GetFields(), fieldRequirements) {
				t.Errorf("foreseen: %v", foreseen)
			}
		})
	}
	c := byDesk(&roundsv1.Ticket{State: stateNew, Round: 1, Priority: minor}, to("flood"))
	if v := rules.Judge(c); v.Problem != nil || slices.Contains(v.Effect.GetFields(), fieldPriority) {
		t.Errorf("a priority that was given is another: %v %v", v.Problem, v.Effect)
	}
	c = byDesk(&roundsv1.Ticket{State: stateNew, Round: 1}, to("fountain"))
	if v := rules.Judge(c); v.Problem.GetCode() != codeInvalid {
		t.Errorf("a category that there is not: %v", v.Problem)
	}
	if foreseen, ok := rules.Foresee(c.Current, c.Mutation, c.Person); !ok || foreseen.GetRecord().GetTicket().GetState() != stateTriaged {
		t.Errorf("a device foresees %v of a category that it may not know yet", foreseen)
	}
}

// TestCategoryGivesOtherTimes: an edit of the category computes the deadlines anew, though the state stays.
func TestCategoryGivesOtherTimes(t *testing.T) {
	w := newTown(t, "light")
	before := due(w.desk.ticket(w.id), roundsv1.Step_STEP_FINISH)
	w.desk.done(w.id, edits(&roundsv1.Ticket{CategoryId: "flood"}, fieldCategory))
	if after := due(w.desk.ticket(w.id), roundsv1.Step_STEP_FINISH); after.GetDueUs() >= before.GetDueUs() {
		t.Errorf("%v, before %v", after, before)
	}
}

// TestListWithoutAVersion: of a checklist that had no version when it was asked for nothing is asked, whatever was published since; and where none is published the ticket
// does not name it.
func TestListWithoutAVersion(t *testing.T) {
	a, b := uid("a"), uid("b")
	photos := map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1)}
	unversioned := pumpTicket(func(t *roundsv1.Ticket) { t.Requirements.ChecklistVersion, t.Answers = 0, nil })
	judged(t, "a list without a version", guard(unversioned, submit(1, a, b), photos), 0, nil)
	d := newDesk(7)
	d.draft[7] = true
	w := newTownOf(t, work.Config{Reference: d}, "pump")
	if need := w.chief.ticket(w.id).GetRequirements(); need.GetCategoryId() != "pump" || need.GetChecklistId() != "" || need.GetChecklistVersion() != 0 {
		t.Errorf("%v", need)
	}
}
