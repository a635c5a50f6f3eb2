package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// TestOffers: nobody is offered what they may not do.
func TestOffers(t *testing.T) {
	const (
		mergeThem = roundsv1.ConflictAction_CONFLICT_ACTION_MERGE
		keepBoth  = roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH
		open      = roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN
		leave     = roundsv1.ConflictAction_CONFLICT_ACTION_LEAVE_CLOSED
		correct   = roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD
		admitIt   = roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT
		dismissIt = roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS
	)
	type actions = []roundsv1.ConflictAction
	for _, test := range []struct {
		of   roundsv1.ConflictType
		kind string
		role roundsv1.Role
		want actions
	}{
		{roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, "ticket", dispatcher, actions{mergeThem, keepBoth}},
		{roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, "ticket", manager, actions{mergeThem, keepBoth}},
		{roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, "ticket", foreman, actions{keepBoth}},
		{roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, "ticket", supervisor, actions{keepBoth}},
		{roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, "ticket", worker, nil},
		{roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, "ticket", supervisor, actions{open, leave}},
		{roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, "inspection", supervisor, actions{open, leave}},
		{roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, "ticket", foreman, nil},
		{roundsv1.ConflictType_CONFLICT_TYPE_ASK, "ticket", butler, actions{correct}},
		{roundsv1.ConflictType_CONFLICT_TYPE_ASK, "ticket", resident, nil},
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, "photo", supervisor, actions{admitIt, dismissIt}},
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, "photo", foreman, nil},
	} {
		c := &roundsv1.Conflict{Type: test.of, Subject: &roundsv1.RecordRef{Kind: test.kind, Id: uid("record")}}
		plainRules().Complete(c, engine.Case{})
		before := slices.Clone(c.GetActions())
		if got := work.Offers(c, []roundsv1.Role{test.role}); !slices.Equal(got, test.want) {
			t.Errorf("%v to %v: %v, want %v", test.of, test.role, got, test.want)
		}
		if !slices.Equal(before, c.GetActions()) {
			t.Fatal("the question was changed")
		}
	}
}
