package work_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
)

// TestApproveGuardsOfTheList: nothing is approved whose checklist is not complete, nor whose photos were to be taken again and do not show their place, also where it waits
// for its review already; nor does it go there, nor without a photo from before.
func TestApproveGuardsOfTheList(t *testing.T) {
	sound := func(p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_CLEAN }
	photos := map[string]*roundsv1.Record{uid("a"): photoRecord(1, sound, hash("a")), uid("b"): photoRecord(1, sound, hash("b")), uid("from before"): photoRecord(1, sound, asBefore)}
	for _, test := range []struct {
		name   string
		change func(*roundsv1.Ticket)
		want   roundsv1.ProblemCode
	}{
		{"as it has to be", func(*roundsv1.Ticket) {}, 0},
		{"with an item that nobody answered", func(t *roundsv1.Ticket) { t.Answers = nil }, codeMissing},
		{"to be taken again, without a place", func(t *roundsv1.Ticket) { t.Flags = []string{"retake"} }, codeMissing},
		{"without a photo from before", func(t *roundsv1.Ticket) { t.ShownPhotoIds, t.BeforePhoto = nil, false }, codeMissing},
	} {
		ticket := func(state roundsv1.TicketState) *roundsv1.Ticket {
			return pumpTicket(func(t *roundsv1.Ticket) {
				t.State, t.AssigneeId, t.ShownPhotoIds = state, uid("you"), []string{uid("from before")}
				t.Completions = []*roundsv1.Completion{{Round: 1, PersonId: uid("you"), PhotoIds: []string{uid("a"), uid("b")}}}
				t.Requirements.ChecklistVersion = 3
				test.change(t)
			})
		}
		c := guard(ticket(stateInReview), approve(1), photos)
		sum, err := work.Digest(c.Current, c.Lookup)
		if err != nil {
			t.Fatal(err)
		}
		c.Mutation.GetCommand().GetTicket().GetApprove().ReviewDigest = sum
		judged(t, test.name, c, test.want, nil)
		if _, ok := work.New(work.Config{Reference: office{}}).Verified(siteScope, change(ticketRecord(ticket(stateDone))), nil, nil, c.Lookup); ok != (test.want == 0) {
			t.Errorf("%s it goes to review: %v", test.name, ok)
		}
	}
}
