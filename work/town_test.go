package work_test

import (
	"context"
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/tag"
)

// office is the directory of a small company.
type office struct{}

func (office) Category(_ store.Scope, id merge.RecordID) *roundsv1.Category {
	return map[string]*roundsv1.Category{
		"light": {AfterPhotos: 1, Priority: roundsv1.Priority_PRIORITY_NORMAL},
		"tiles": {AfterPhotos: 1, Priority: roundsv1.Priority_PRIORITY_MINOR},
		"flood": {AfterPhotos: 1, Emergency: true, Priority: roundsv1.Priority_PRIORITY_EMERGENCY},
		"pump": {BeforePhoto: true, AfterPhotos: 2, LiveCamera: true, Skill: "electric", ChecklistId: "pumps",
			Priority: roundsv1.Priority_PRIORITY_URGENT},
		"steam": {AfterPhotos: 1, Retired: true},
		"words": {Priority: roundsv1.Priority_PRIORITY_MINOR}, // asks for no photo
	}[string(id)]
}

func (office) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	if series != "pumps" || version > 3 {
		return nil
	}
	least, greatest, low, high := 0.0, 25.0, 4.0, 8.0
	return &roundsv1.Checklist{SeriesId: "pumps", Version: 3, Items: []*roundsv1.ChecklistItem{
		{Id: "dry", Question: &roundsv1.Text{Zh: "地面干燥", En: "floor dry"}, Weight: 1},
		{Id: "bar", Question: &roundsv1.Text{Zh: "出口压力", En: "outlet pressure"}, Weight: 1, Unit: "bar", Low: &low, High: &high, Least: &least, Greatest: &greatest},
		{Id: "paint", Weight: 1, OptionalItem: true}}}
}

func (office) Policy(store.Scope) policy.Policy                   { return policy.Default() }
func (office) Calendar(store.Scope, string) (c calendar.Calendar) { return c }
func (office) TagKeys(store.Scope) tag.Keys                       { return nil }

// newTown is newShift in a company with a directory: a ticket "light" dispatched to X, and everybody has seen that. R and Q are butlers who review.
func newTown(t *testing.T, category string) *town {
	return newTownOf(t, work.Config{Reference: office{}}, category)
}

// newTownOf is newTown in another company.
func newTownOf(t *testing.T, cfg work.Config, category string) *town {
	s := newSiteOf(t, cfg)
	w := &town{shift: &shift{site: s, id: uid("ticket"), x: s.phone("X", worker), y: s.phone("Y", worker), foreman: s.phone("F", foreman),
		desk: s.phone("D", dispatcher), chief: s.phone("S", supervisor)}, r: s.phone("R", butler), q: s.phone("Q", butler), rules: work.New(cfg)}
	w.report(w.id, category)
	w.foreman.done(w.id, dispatch("X"))
	for _, p := range []*phone{w.x, w.y, w.foreman, w.desk, w.chief, w.r, w.q} {
		p.sync()
	}
	return w
}

type town struct {
	*shift
	r, q  *phone
	rules *work.Rules
}

// report makes a ticket and triages it.
func (w *town) report(id, category string) {
	w.t.Helper()
	w.desk.done(id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "fault", ReporterId: uid("household"),
		Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})})
	w.desk.done(id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}})
}

// shot is a promised photo of a ticket's finished work, of a round.
func shot(ticket string, round uint32, changes ...func(*roundsv1.Photo)) *roundsv1.Fact {
	p := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket}, Round: round, Role: roleAfter, SizeBytes: 9,
		Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA}
	for _, change := range changes {
		change(p)
	}
	return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: p}}}
}

func asBefore(p *roundsv1.Photo) { p.Role = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE }

func hash(of string) func(*roundsv1.Photo) { return func(p *roundsv1.Photo) { p.Sha256 = []byte(of) } }

// write lets the server act.
func (w *town) write(act func(engine.View) ([]engine.Derived, error)) {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	if err := w.engine.Write(context.Background(), siteScope, act); err != nil {
		w.t.Fatal(err)
	}
}

// looked lets the server say what it found of a photo, and move the ticket where its evidence is complete.
func (w *town) looked(ticket, photo string, state roundsv1.PhotoState) {
	w.t.Helper()
	w.write(func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(photo), Edit: &roundsv1.Edit{Fields: []uint32{40}, Record: &roundsv1.Record{
			Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: state}}}}}}, nil
	})
	w.write(func(v engine.View) ([]engine.Derived, error) {
		current, err := v.Get("ticket", merge.RecordID(ticket))
		if err != nil {
			return nil, err
		}
		edit, ok := w.rules.Verified(siteScope, current, nil, nil, v.Get)
		if !ok {
			return nil, nil
		}
		return []engine.Derived{{RecordID: merge.RecordID(ticket), Edit: edit}}, nil
	})
}

// finished has somebody photograph the work and report it, and the server verify it. The photo's id is by round and person.
func (w *town) finished(p *phone, ticket string, round uint32) (photo string) {
	w.t.Helper()
	photo = uid(ticket + " photo of " + string(p.person) + " round " + string(rune('0'+round)))
	p.done(photo, shot(ticket, round, hash(photo)))
	p.done(ticket, submit(round, photo))
	w.looked(ticket, photo, stateClean)
	return photo
}

// inReview has X do the work, with its evidence verified.
func (w *town) inReview() (photo string) {
	w.t.Helper()
	w.x.done(w.id, start())
	photo = w.finished(w.x, w.id, 1)
	w.chief.inState(w.id, stateInReview)
	w.all()
	return photo
}

func (w *town) all() {
	for _, p := range []*phone{w.x, w.y, w.foreman, w.desk, w.chief, w.r, w.q} {
		p.sync()
	}
}

// approves is an approval with the digest of what the phone shows.
func (p *phone) approves(ticket string, round uint32) *roundsv1.TicketCommand {
	p.t.Helper()
	sum, err := work.Digest(p.replica[ticket], func(_ merge.Kind, id merge.RecordID) (*roundsv1.Change, error) { return p.replica[string(id)], nil })
	if err != nil {
		p.t.Fatal(err)
	}
	act := approve(round)
	act.GetApprove().ReviewDigest = sum
	return act
}

// told requires a notice of a code about a record that names a person, or a role.
func (w *town) told(code roundsv1.NoticeCode, about string, person string, role roundsv1.Role) {
	w.t.Helper()
	w.chief.sync()
	for _, c := range w.chief.replica {
		n := c.GetRecord().GetNotice()
		if n.GetCode() == code && n.GetSubject().GetId() == about && (person != "" && slices.Contains(n.GetPersonIds(), uid(person)) || role != 0 && n.GetRole() == role) {
			if n.GetSentence().GetZh() == "" || n.GetSentence().GetEn() == "" {
				w.t.Errorf("a notice without words: %v", n)
			}
			return
		}
	}
	w.t.Fatalf("nobody told %s %v of %v", person, role, code)
}

// asked requires one question of a type about a record, and returns it with its id.
func (w *town) asked(of roundsv1.ConflictType, about string) (string, *roundsv1.Conflict) {
	w.t.Helper()
	w.chief.sync()
	var id string
	for _, c := range w.chief.replica {
		if q := c.GetRecord().GetConflict(); q.GetType() == of && q.GetSubject().GetId() == about {
			if id != "" {
				w.t.Fatalf("two questions of type %v", of)
			}
			id = c.GetRecordId()
		}
	}
	if id == "" {
		w.t.Fatalf("no question of type %v", of)
	}
	return id, w.chief.replica[id].GetRecord().GetConflict()
}

// noQuestions requires that nobody is asked anything.
func (w *town) noQuestions() {
	w.t.Helper()
	w.chief.sync()
	for _, c := range w.chief.replica {
		if q := c.GetRecord().GetConflict(); q.GetState() == openState {
			w.t.Fatalf("a question: %v", q)
		}
	}
}

func flagged(t *testing.T, ticket *roundsv1.Ticket, flags ...string) {
	t.Helper()
	for _, flag := range flags {
		if !slices.Contains(ticket.GetFlags(), flag) {
			t.Fatalf("no flag %q: %v", flag, ticket.GetFlags())
		}
	}
}

// movesOf are the states of a ticket's ledger, in order.
func movesOf(ticket *roundsv1.Ticket) (states []roundsv1.TicketState) {
	for _, m := range ticket.GetMoves() {
		states = append(states, m.GetState())
	}
	return states
}
