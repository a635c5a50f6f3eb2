package work_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// proved is a ticket of "pump" in a state, with everything that it asks for: the photos a and b, one from before, and the answers.
func proved(at roundsv1.TicketState, changes ...func(*roundsv1.Ticket)) *roundsv1.Ticket {
	return pumpTicket(append([]func(*roundsv1.Ticket){func(t *roundsv1.Ticket) {
		t.State, t.AssigneeId, t.ShownPhotoIds = at, uid("you"), []string{uid("from before")}
		t.Completions = []*roundsv1.Completion{{Round: 1, PersonId: uid("you"), PhotoIds: []string{uid("a"), uid("b")}}}
		t.Moves = []*roundsv1.Move{{State: stateInReview, Round: 1, TimeUs: 3, FoundVersion: 3}}
	}}, changes...)...)
}

// proofs are the photos of proved.
func proofs() map[string]*roundsv1.Record {
	sound := func(p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_CLEAN }
	return map[string]*roundsv1.Record{uid("a"): photoRecord(1, sound, hash("a")), uid("b"): photoRecord(1, sound, hash("b")), uid("from before"): photoRecord(1, sound, asBefore)}
}

// ofOlder is an approval of what was there at version 6: complete, and not what stands.
func ofOlder(c engine.Case) engine.Case {
	c.Saw, c.Mutation.Base, c.Mutation.BaseTimeUs = false, 6, 6
	c.Mutation.GetCommand().GetTicket().GetApprove().ReviewDigest = []byte("of what was there before")
	return c
}

// TestApproveGuardsOfTheList: nothing is approved whose checklist is not complete, or not at hand, nor whose photos were to be taken again and do not show their place,
// nor without a photo from before: not as it stands, nor on older evidence (10), nor does it go to review.
func TestApproveGuardsOfTheList(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*roundsv1.Ticket)
		want   roundsv1.ProblemCode
	}{
		{"as it has to be", func(*roundsv1.Ticket) {}, 0},
		{"with an item that nobody answered", func(t *roundsv1.Ticket) { t.Answers = nil }, codeMissing},
		{"with a reading that cannot be", func(t *roundsv1.Ticket) { t.Answers["bar"].Reading = ptr(50.0) }, codeMissing},
		{"to be taken again, without a place", func(t *roundsv1.Ticket) { t.Flags = []string{"retake"} }, codeMissing},
		{"without a photo from before", func(t *roundsv1.Ticket) { t.ShownPhotoIds, t.BeforePhoto = nil, false }, codeMissing},
		{"with a list that is not at hand", func(t *roundsv1.Ticket) { t.Requirements.ChecklistVersion = 4 }, roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION},
	} {
		c := guard(proved(stateInReview, test.change), approve(1), proofs())
		sum, err := work.Digest(c.Current, c.Lookup)
		if err != nil {
			t.Fatal(err)
		}
		c.Mutation.GetCommand().GetTicket().GetApprove().ReviewDigest = sum
		judged(t, test.name, c, test.want, nil)
		judged(t, "on older evidence, "+test.name, ofOlder(guard(proved(stateInReview, test.change), approve(1), proofs())), test.want, nil)
		if _, ok := work.New(work.Config{Reference: office{}}).Verified(siteScope, change(ticketRecord(proved(stateDone, test.change))), nil, nil, c.Lookup); ok != (test.want == 0) {
			t.Errorf("%s it goes to review: %v", test.name, ok)
		}
	}
}

// TestRow10_BesideARefusedPhoto: who had a refused photo before their eyes, in sight, approves nothing beside it, whatever came since.
func TestRow10_BesideARefusedPhoto(t *testing.T) {
	refused := change(photoRecord(1, func(p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_HARD }))
	refused.RecordId, refused.Version, refused.Writes[0].Stamp.Seq = uid("refused"), 5, 5
	c := ofOlder(guard(proved(stateInReview, func(t *roundsv1.Ticket) { t.ShownPhotoIds = append(t.ShownPhotoIds, uid("refused")) }), approve(1), proofs()))
	known := c.Lookup
	c.Lookup = func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		if string(id) == uid("refused") {
			return refused, nil
		}
		return known(kind, id)
	}
	if v := judged(t, "beside a photo that was seen to be refused", c, codeMissing, nil); v.Park != 0 {
		t.Errorf("kept as %v", v.Park)
	}
}

// TestApproveBeforeTheReview: who approves what is not verified yet hears what is missing: photos first, and the checklist where only that is.
func TestApproveBeforeTheReview(t *testing.T) {
	open := func(t *roundsv1.Ticket) { delete(t.Answers, "dry") }
	for name, test := range map[string]struct {
		change func(*roundsv1.Ticket)
		list   bool
	}{
		"an item": {open, true},
		"an item and a promised photo": {func(t *roundsv1.Ticket) {
			open(t)
			t.Completions[0].PhotoIds = append(t.Completions[0].PhotoIds, uid("promised"))
		}, false},
		"an item and one photo more":      {func(t *roundsv1.Ticket) { open(t); t.Requirements.AfterPhotos = 3 }, false},
		"an item and a photo from before": {func(t *roundsv1.Ticket) { open(t); t.ShownPhotoIds, t.BeforePhoto = nil, false }, false},
		"the photo of a find":             {func(t *roundsv1.Ticket) { t.Flags = []string{"no_photo"} }, false},
	} {
		v := judged(t, name, guard(proved(stateDone, test.change), approve(1), proofs()), codeMissing, nil)
		_, photos := v.Problem.GetFacts()["required"]
		if list := v.Problem.GetFacts()["items"] == "dry"; list != test.list || photos == test.list {
			t.Errorf("%s: %v", name, v.Problem)
		}
	}
}

// TestApprovalsThatAreNone: an approval of a round that there is not, of what its author has seen to be otherwise, or of a closure that is no review's, is refused: neither
// kept as another opinion or a question, nor signed, nor answered as if it were of the present round.
func TestApprovalsThatAreNone(t *testing.T) {
	const superseded, unverified = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED, codeMissing
	sentBack := func(t *roundsv1.Ticket) {
		t.Reviews = []*roundsv1.Review{{Round: 1, PersonId: uid("first"), Verdict: roundsv1.Verdict_VERDICT_REJECTED}}
	}
	closed := func(flags ...string) func(*roundsv1.Ticket) {
		return func(t *roundsv1.Ticket) { t.ApproverIds, t.Flags = []string{uid("first")}, flags }
	}
	disputed := func(t *roundsv1.Ticket) { t.Acceptance = roundsv1.Acceptance_ACCEPTANCE_DISPUTED }
	complete := func(t *roundsv1.Ticket) {
		t.Moves = []*roundsv1.Move{{State: stateInReview, Round: 2, TimeUs: 3, FoundVersion: 3}}
	}
	older := func(round uint32) *roundsv1.TicketCommand {
		act := approve(round)
		act.GetApprove().ReviewDigest = []byte("of something else")
		return act
	}
	sawState := func() engine.Case { // the state was there at 5, the dispute came at 7
		c := stands(older(2), stateDone, false, disputed)()
		c.Current.Writes = []*roundsv1.Write{{Stamp: &roundsv1.Stamp{Seq: 5, DeviceId: "another", TimeUs: 5}, Shown: []uint32{40}},
			{Stamp: &roundsv1.Stamp{Seq: 7, DeviceId: "another", TimeUs: 7}, Shown: []uint32{58}}}
		return c
	}
	for _, test := range []struct {
		name string
		make func() engine.Case
		want roundsv1.ProblemCode
	}{
		{"of the round before, which was seen to be sent back", stands(approve(1), stateRework, true, sentBack), codeState},
		{"of a round to come, of what was closed", stands(approve(3), stateClosed, false, closed()), superseded},
		{"of what was closed by force", stands(approve(2), stateClosed, false, closed("forced")), superseded},
		{"of what its tasks closed", stands(approve(2), stateClosed, false, closed("closed_by_tasks")), superseded},
		{"of a round to come, of what was done", stands(older(3), stateDone, false, disputed), unverified},
		{"of what was seen to be done and not verified", sawState, unverified},
		{"of what is not verified, and nothing speaks against", stands(older(2), stateDone, false), unverified},
		{"of a round to come, which something speaks against", stands(older(3), stateInReview, false, disputed), superseded},
		{"of a round to come, looked at early", stands(older(3), stateInReview, false), superseded},
		{"of a round to come, on older evidence", stands(older(3), stateInReview, false, complete), superseded},
		{"of a round to come, of no evidence that there was", stands(older(3), stateInReview, true, complete), superseded},
	} {
		v := plainRules().Judge(test.make())
		if v.Problem.GetCode() != test.want || v.Park != 0 || v.Effect != nil || len(v.Derived) > 0 {
			t.Errorf("an approval %s: %v, kept as %v, writes %v and %v", test.name, v.Problem, v.Park, v.Effect, v.Derived)
		}
	}
}
