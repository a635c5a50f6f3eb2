package evidence_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestPlaceAndTime: what the ticket, its place and its rounds say reaches the checks.
func TestPlaceAndTime(t *testing.T) {
	w := newWorld(t)
	boss, li, admins := w.phone("boss", dispatcher, manager), w.phone("li", worker), w.phone("admin", admin)
	admins.do(orgScope, uid("tiles"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{}}}})
	place := func(name, parent, outline string) {
		p := &roundsv1.Place{Code: name, Outline: outline}
		if parent != "" {
			p.ParentId = uid(parent)
		}
		admins.do(site, uid(name), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: p}}})
	}
	place("tower", "", "POLYGON((113.0 22.0, 113.001 22.0, 113.001 22.001, 113.0 22.001, 113.0 22.0))")
	place("pump room", "tower", "")
	place("sump", "pump room", "")
	place("garden", "", "")
	boss.do(site, uid("pump"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{
		Title: "pump", Location: &roundsv1.Location{PlaceId: uid("pump room"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}}}})
	boss.do(site, uid("pump"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: uid("tiles")}}})
	early := li.promise(image(70, drawn.After), of("pump"))
	w.pass(time.Hour)
	boss.do(site, uid("pump"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: string(li.Person)}}})
	fix := func(latitude, longitude float64) func(*roundsv1.Photo) {
		return func(p *roundsv1.Photo) {
			p.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS, Latitude: latitude, Longitude: longitude, AccuracyM: 5}
		}
	}
	tag := func(name string) func(*roundsv1.Photo) {
		return func(p *roundsv1.Photo) {
			p.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG, PlaceId: uid(name)}
		}
	}
	for _, test := range []struct {
		name string
		at   func(*roundsv1.Photo)
		code string
		has  bool
	}{
		{"inside the tower that the room is in", fix(22.0005, 113.0005), "OUTSIDE", false},
		{"a kilometre away", fix(22.01, 113.0005), "OUTSIDE", true},
		{"the tag of a place within", tag("sump"), "OUTSIDE", false},
		{"the tag of another place", tag("garden"), "OUTSIDE", true},
		{"given out before", fix(22.0005, 113.0005), "BEFORE_DISPATCH", false},
	} {
		content := image(uint64(71+len(test.name)), drawn.After)
		id := li.promise(content, of("pump"), test.at)
		li.upload(site, content)
		w.settled(id)
		if w.found(id, test.code) != test.has {
			t.Errorf("%s: %v", test.name, w.photo(id).GetFindings())
		}
	}
	li.upload(site, image(70, drawn.After))
	w.settled(early)
	// Given out again, it is held against the first time: a photo from between is none from before, and one from before that stays one.
	between, older := image(95, drawn.After), image(96, drawn.After)
	honest := li.promise(between, of("pump"), fix(22.0005, 113.0005))
	w.pass(time.Hour)
	boss.do(site, uid("pump"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: string(li.Person)}}})
	li.upload(site, between)
	w.settled(honest)
	if w.found(honest, "BEFORE_DISPATCH") {
		t.Errorf("taken between two dispatches: %v", w.photo(honest).GetFindings())
	}
	boss.do(site, uid("other"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "other"}}}})
	boss.do(site, uid("other"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: uid("tiles")}}})
	before := li.promise(older, of("other"))
	for range 2 {
		w.pass(time.Hour)
		boss.do(site, uid("other"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: string(li.Person)}}})
	}
	li.upload(site, older)
	w.settled(before)
	if !w.found(before, "BEFORE_DISPATCH") {
		t.Errorf("taken before the first of two dispatches: %v", w.photo(before).GetFindings())
	}
	if !w.found(early, "BEFORE_DISPATCH") {
		t.Errorf("taken before the dispatch: %v", w.photo(early).GetFindings())
	}

	// A rejection begins the next round; a photo of it that was taken before is told, by the trust in its time.
	proof := image(90, drawn.After)
	good := li.promise(proof, of("pump"), fix(22.0005, 113.0005))
	li.upload(site, proof)
	li.do(site, uid("pump"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
		SubmitCompletion: &roundsv1.TicketSubmit{Round: 1, PhotoIds: []string{good}}}})
	w.work(func() { w.until(func() bool { return w.ticket("pump").GetState() == inReview }) })
	second := func(p *roundsv1.Photo) { p.Round = 2 }
	old := li.promise(image(91, drawn.After), of("pump"), second, fix(22.0005, 113.0005))
	w.pass(time.Hour)
	boss.do(site, uid("pump"), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: 1, Reason: "dirty", Words: "still dirty"}}})
	fresh := li.promise(image(92, drawn.After), of("pump"), second, fix(22.0005, 113.0005))
	li.upload(site, image(91, drawn.After))
	li.upload(site, image(92, drawn.After))
	w.settled(old, fresh)
	if w.photo(old).GetState() != stateHard || !w.found(old, "BEFORE_REJECTION") || w.found(fresh, "BEFORE_REJECTION") {
		t.Errorf("old %v, fresh %v", w.photo(old).GetFindings(), w.photo(fresh).GetFindings())
	}
}

// TestInspection: a round moves to review when the photos of its answers are sound.
func TestInspection(t *testing.T) {
	w := newWorld(t)
	boss, li := w.phone("boss", dispatcher, manager), w.phone("li", worker)
	id := uid("round")
	step := func(p *phone, c *roundsv1.InspectionCommand) { p.t.Helper(); p.do(site, id, c) }
	boss.do(site, id, &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Title: "pumps", ChecklistId: uid("list")}}}})
	step(boss, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}})
	step(li, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{}}})
	content := image(95, drawn.After)
	photo := li.promise(content, func(p *roundsv1.Photo) {
		p.Subject, p.Role, p.ItemId = &roundsv1.RecordRef{Kind: "inspection", Id: id}, roundsv1.PhotoRole_PHOTO_ROLE_ITEM, "dry"
	})
	li.do(site, id, &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		Answers: map[string]*roundsv1.Answer{"dry": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, PhotoIds: []string{photo}}}}}}})
	step(li, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: 1}}})
	state := func() roundsv1.InspectionState {
		change, err := w.engine.Record(t.Context(), site, "inspection", merge.RecordID(id))
		if err != nil {
			t.Fatal(err)
		}
		return change.GetRecord().GetInspection().GetState()
	}
	if state() != roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED {
		t.Fatalf("submitted: %v", state())
	}
	li.upload(site, content)
	w.work(func() {
		w.until(func() bool { return state() == roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW })
	})
}
