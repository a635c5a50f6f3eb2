package work_test

import (
	"fmt"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
)

// TestApprovalNamesMissingPhotos: whoever confirms too early learns how many photos are needed, how many count, and which are missing, as many as a refusal names.
func TestApprovalNamesMissingPhotos(t *testing.T) {
	in := func(state roundsv1.PhotoState) func(*roundsv1.Photo) {
		return func(p *roundsv1.Photo) { p.State = state }
	}
	ticket := func(at roundsv1.TicketState, photos ...string) *roundsv1.Ticket {
		return &roundsv1.Ticket{State: at, Round: 1, AssigneeId: uid("worker"), Requirements: &roundsv1.Requirements{CategoryId: "pump", AfterPhotos: 2},
			Completions: []*roundsv1.Completion{{Round: 1, PersonId: uid("worker"), PhotoIds: photos}}}
	}
	here, promised := uid("here"), uid("promised")
	two := map[string]*roundsv1.Record{
		here:     photoRecord(1, hash("a"), in(stateClean)),
		promised: photoRecord(1, hash("b"), in(roundsv1.PhotoState_PHOTO_STATE_DECLARED)),
	}
	want := map[string]string{"required": "2", "have": "1", "missing": "1"}
	for _, at := range []roundsv1.TicketState{stateDone, stateInReview} {
		c := guard(ticket(at, here, promised), approve(1), two)
		sum, err := work.Digest(c.Current, c.Lookup)
		if err != nil {
			t.Fatal(err)
		}
		c.Mutation.GetCommand().GetTicket().GetApprove().ReviewDigest = sum
		v := judged(t, at.String(), c, codeMissing, want)
		if got := v.Problem.GetFacts()["photos"]; got != promised {
			t.Errorf("%v: the photos that are missing are %q, want %q", at, got, promised)
		}
	}

	var many []string
	for n := range 40 {
		many = append(many, uid(fmt.Sprint("photo ", n)))
	}
	v := judged(t, "40 photos", guard(ticket(stateDone, many...), approve(1), nil), codeMissing, map[string]string{"required": "2", "have": "0", "missing": "40"})
	if got := strings.Split(v.Problem.GetFacts()["photos"], ","); len(got) != 16 {
		t.Errorf("%d photos are named, want 16 at most", len(got))
	}

	for _, at := range []roundsv1.InspectionState{roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED, roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW} {
		round := &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{State: at, Round: 1, InspectorId: uid("worker"),
			Answers: map[string]*roundsv1.Answer{"lamp": {Result: pass, PhotoIds: []string{here, promised}}}}}}
		c := guard(nil, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{Approve: &roundsv1.InspectionApprove{Round: 1}}}, map[string]*roundsv1.Record{
			promised: two[promised],
			here: photoRecord(1, in(stateClean), func(p *roundsv1.Photo) {
				p.Subject = &roundsv1.RecordRef{Kind: "inspection", Id: uid("record")}
			})})
		c.Kind, c.Current = "inspection", change(round)
		c.Mutation.GetCommand().GetInspection().GetApprove().ReviewDigest = []byte("seen")
		v := judged(t, at.String(), c, codeMissing, want)
		if got := v.Problem.GetFacts()["photos"]; got != promised {
			t.Errorf("%v: the photos that are missing are %q, want %q", at, got, promised)
		}
	}
}
