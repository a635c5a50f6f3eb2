package work_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

const (
	stateClean    = roundsv1.PhotoState_PHOTO_STATE_CLEAN
	stateSoft     = roundsv1.PhotoState_PHOTO_STATE_SOFT
	roleAfter     = roundsv1.PhotoRole_PHOTO_ROLE_AFTER
	stateInReview = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
)

// proof is a photo of round 2 of the ticket.
func proof(state roundsv1.PhotoState, changes ...func(*roundsv1.Photo)) *roundsv1.Photo {
	p := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("record")}, Round: 2, Role: roleAfter, State: state}
	for _, change := range changes {
		change(p)
	}
	return p
}

// photosOf looks up the photos of a test, and nothing else.
func photosOf(photos map[string]*roundsv1.Photo) func(merge.Kind, merge.RecordID) (*roundsv1.Change, error) {
	return func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		p := photos[string(id)]
		switch {
		case kind != "photo":
			return nil, errors.New("asked for another kind")
		case p == nil:
			return nil, nil
		}
		c := change(&roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: p}})
		if p.GetHidden() != nil { // by somebody else than who took it
			c.Writes = append([]*roundsv1.Write{{Stamp: &roundsv1.Stamp{Seq: 8, PersonId: uid("a leader"), TimeUs: 8}, Shown: []uint32{16}}}, c.Writes...)
		}
		return c, nil
	}
}

// TestTicketVerified: a ticket moves to review when all photos of its manifests prove the round, and on nothing less.
func TestTicketVerified(t *testing.T) {
	hidden := func(p *roundsv1.Photo) { p.Hidden = &roundsv1.Hidden{Reason: "a face"} }
	before := func(p *roundsv1.Photo) { p.Role = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE }
	older := func(p *roundsv1.Photo) { p.Round = 1 }
	bytes := func(hash string) func(*roundsv1.Photo) { return func(p *roundsv1.Photo) { p.Sha256 = []byte(hash) } }
	elsewhere := func(p *roundsv1.Photo) { p.Subject.Id = uid("another ticket") }
	one, none := &roundsv1.Category{AfterPhotos: 1}, &roundsv1.Category{}
	for _, test := range []struct {
		name     string
		photos   []*roundsv1.Photo // of the manifest, nil where only promised to be promised
		category *roundsv1.Category
		change   func(*roundsv1.Ticket)
		moves    bool
	}{
		{"clean", []*roundsv1.Photo{proof(stateClean)}, one, nil, true},
		{"clean and soft", []*roundsv1.Photo{proof(stateClean), proof(stateSoft)}, one, nil, true},
		{"promised", []*roundsv1.Photo{proof(0)}, one, nil, false},
		{"stored and not looked at", []*roundsv1.Photo{proof(roundsv1.PhotoState_PHOTO_STATE_STORED)}, one, nil, false},
		{"analysed and not checked", []*roundsv1.Photo{proof(roundsv1.PhotoState_PHOTO_STATE_ANALYSED)}, one, nil, false},
		{"one of two hard", []*roundsv1.Photo{proof(stateClean), proof(roundsv1.PhotoState_PHOTO_STATE_HARD)}, one, nil, false},
		{"the hard one hidden", []*roundsv1.Photo{proof(stateClean), proof(roundsv1.PhotoState_PHOTO_STATE_HARD, hidden)}, one, nil, true},
		{"all hidden", []*roundsv1.Photo{proof(stateClean, hidden)}, one, nil, false},
		{"redacted", []*roundsv1.Photo{proof(roundsv1.PhotoState_PHOTO_STATE_REDACTED)}, one, nil, false},
		{"not there", []*roundsv1.Photo{nil}, none, nil, false},
		{"of another round", []*roundsv1.Photo{proof(stateClean, older)}, one, nil, false},
		{"of another ticket", []*roundsv1.Photo{proof(stateClean, elsewhere)}, one, nil, false},
		{"only before", []*roundsv1.Photo{proof(stateClean, before)}, one, nil, false},
		{"too few", []*roundsv1.Photo{proof(stateClean)}, &roundsv1.Category{AfterPhotos: 2}, nil, false},
		{"enough", []*roundsv1.Photo{proof(stateClean, bytes("a")), proof(stateSoft, bytes("b"))}, &roundsv1.Category{AfterPhotos: 2}, nil, true},
		{"the same bytes twice", []*roundsv1.Photo{proof(stateClean, bytes("a")), proof(stateClean, bytes("a"))}, &roundsv1.Category{AfterPhotos: 2}, nil, false},
		{"no photo asked for", nil, none, nil, true},
		{"no photo, category unknown", nil, nil, nil, false},
		{"one photo, category unknown", []*roundsv1.Photo{proof(stateClean, before)}, nil, nil, true},
		{"nobody submitted this round", []*roundsv1.Photo{proof(stateClean)}, one, func(t *roundsv1.Ticket) { t.Round = 3 }, false},
		{"still worked on", []*roundsv1.Photo{proof(stateClean)}, one, func(t *roundsv1.Ticket) { t.State = stateInProgress }, false},
		{"in review", []*roundsv1.Photo{proof(stateClean)}, one, func(t *roundsv1.Ticket) { t.State = stateInReview }, false},
		{"cancelled", []*roundsv1.Photo{proof(stateClean)}, one, func(t *roundsv1.Ticket) { t.State = stateCancelled }, false},
	} {
		current := ideal("verify", stateDone)
		ticket := current.GetRecord().GetTicket()
		ticket.Completions[0].PhotoIds = nil
		photos := map[string]*roundsv1.Photo{}
		for i, p := range test.photos {
			id := uid(string(rune('a' + i)))
			ticket.Completions[0].PhotoIds = append(ticket.Completions[0].PhotoIds, id)
			photos[id] = p
		}
		if test.change != nil {
			test.change(ticket)
		}
		kept := proto.CloneOf(current)
		edit, ok := work.New(work.Config{}).Verified(siteScope, current, test.category, nil, photosOf(photos))
		if ok != test.moves || !proto.Equal(kept, current) {
			t.Errorf("%s: %v", test.name, edit)
			continue
		}
		if ok && (edit.GetRecord().GetTicket().GetState() != stateInReview || !slices.Equal(edit.GetFields(), []uint32{40, 53})) {
			t.Errorf("%s: %v", test.name, edit)
		}
	}
}

// A walk from tag to tag asks nothing, so there is nothing to wait for; a round that asks, or may ask for all that is known, waits for answers.
func TestARoundThatAsksNothing(t *testing.T) {
	rules := work.New(work.Config{Reference: library{8}})
	for list, want := range map[string]bool{"": true, uid("list"): false, uid("a list that nobody knows"): false} {
		submitted := round(&roundsv1.Inspection{Round: 1, State: roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED, ChecklistId: list, ChecklistVersion: 8})
		if _, ok := rules.Verified(siteScope, change(submitted), nil, nil, photosOf(nil)); ok != want {
			t.Errorf("checklist %q: %v", list, ok)
		}
	}
}

// TestInspectionVerified: a round moves to review when the photos of its answers are sound; a photo, and what is unreadable, never moves.
func TestInspectionVerified(t *testing.T) {
	rules := work.New(work.Config{})
	for state, want := range map[roundsv1.PhotoState]bool{0: false, roundsv1.PhotoState_PHOTO_STATE_STORED: false,
		roundsv1.PhotoState_PHOTO_STATE_HARD: false, stateClean: true, stateSoft: true} {
		round := change(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Round: 1,
			State: roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED, Answers: map[string]*roundsv1.Answer{"dry": {PhotoIds: []string{uid("a")}}}}}})
		lookup := photosOf(map[string]*roundsv1.Photo{uid("a"): proof(state)})
		edit, ok := rules.Verified(siteScope, round, nil, nil, lookup)
		if ok != want || ok && edit.GetRecord().GetInspection().GetState() != roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW {
			t.Errorf("photo %v: %v", state, edit)
		}
		round.GetRecord().GetInspection().State = roundsv1.InspectionState_INSPECTION_STATE_RUNNING
		if edit, ok := rules.Verified(siteScope, round, nil, nil, lookup); ok {
			t.Errorf("running: %v", edit)
		}
	}
	failing := func(merge.Kind, merge.RecordID) (*roundsv1.Change, error) { return nil, errors.New("no disk") }
	if edit, ok := rules.Verified(siteScope, ideal("verify", stateDone), nil, nil, failing); ok {
		t.Errorf("with a store that fails: %v", edit)
	}
	for _, c := range []*roundsv1.Change{nil, {}, change(&roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: proof(stateClean)}})} {
		if edit, ok := rules.Verified(siteScope, c, nil, nil, failing); ok {
			t.Errorf("%v: %v", c, edit)
		}
	}
}

// TestWhatIsMissingIsSaid: what a ticket waits for that was reported as done is said of it, and to who works on it; where photos are still on their way, that they are.
func TestWhatIsMissingIsSaid(t *testing.T) {
	rules := work.New(work.Config{Reference: office{}})
	for _, test := range []struct {
		name   string
		before roundsv1.PhotoState
		hidden bool
		want   string // in what is missing
		now    string // in the refusal of a start
	}{
		{"all is here", stateClean, false, "", "wait for the photos"},
		{"the one from before is hidden", stateClean, true, "from before", "take another as a photo from before"},
		{"the one from before was refused", roundsv1.PhotoState_PHOTO_STATE_HARD, false, "from before", "take another as a photo from before"},
	} {
		photos := proofs()
		before := photos[uid("from before")].GetPhoto()
		before.State = test.before
		if test.hidden {
			before.Hidden = &roundsv1.Hidden{Reason: "a face"}
		}
		c := guard(proved(stateDone, func(t *roundsv1.Ticket) { t.AssigneeId = uid("me") }), start(), photos)
		missing := rules.Missing(siteScope, c.Current, nil, nil, c.Lookup)
		if got := missing.GetSentence().GetEn(); (missing == nil) != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: missing is %q", test.name, got)
		}
		if p := rules.Judge(c).Problem; !strings.Contains(p.GetSentence().GetEn(), test.now) {
			t.Errorf("%s: a start is told %v", test.name, p)
		}
	}
	if p := rules.Missing(siteScope, change(ticketRecord(proved(stateClosed))), nil, nil, nil); p != nil {
		t.Errorf("a ticket that waits for nothing: %v", p)
	}
}
