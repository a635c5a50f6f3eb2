package bench

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
)

// deskSite is the site that desks ask about.
type deskSite struct {
	scope              string
	reviewers, workers []*device
	pushes             uint64 // how often devices pushed there
	tickets            []string
	rounds, facts      int // inspection rounds; rows that an export of facts has at least
	people, places     []string
	categories         []string
	words              []string
	records, entries   int
	now                time.Time
	random             *rand.Rand
	corpus             *corpus.Corpus
	ids                func() string
	began, toldProgess time.Time
}

// What one transaction of the writer holds.
const deskBatch = 400

// keeper is the Rules and the Access of the engine that writes the site: nobody is asked anything there.
type keeper struct{}

func (keeper) Judge(engine.Case) engine.Verdict                              { return engine.Verdict{} }
func (keeper) Roles(engine.PersonID, store.Scope, time.Time) []roundsv1.Role { return nil }
func (keeper) MayRead(engine.PersonID, store.Scope, time.Time) bool          { return false }
func (keeper) EverHad(engine.PersonID, store.Scope) bool                     { return false }
func (keeper) Scopes(engine.PersonID, time.Time) []store.Scope               { return nil }
func (keeper) DeviceKey(engine.DeviceID) ed25519.PublicKey                   { return nil }
func (keeper) Revoked(engine.DeviceID) roundsv1.Revocation {
	return roundsv1.Revocation_REVOCATION_UNSPECIFIED
}

var (
	_ engine.Rules  = keeper{}
	_ engine.Access = keeper{}
)

// writeSite writes a site into the store of a server that does not run: tickets with what belongs to them, and then edits of the tickets until the journal is
// as long as wanted.
func (r *run) writeSite(ctx context.Context, scope string) (_ *deskSite, err error) {
	opened, err := badgerstore.Open(badgerstore.Config{Dir: filepath.Join(r.dir, "data", "store")})
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, opened.Close())
		debug.FreeOSMemory() // the generator of the load is to be small
	}()
	index, version := server.Index() // so that the server has nothing to make anew
	e, err := engine.Open(engine.Config{Store: opened, Rules: keeper{}, Access: keeper{}, Index: index, IndexVersion: version})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close(context.WithoutCancel(ctx))) }()
	o := r.options
	s := &deskSite{scope: scope, now: time.Now(), random: rand.New(rand.NewPCG(o.Seed, 12)), corpus: corpus.New(o.Seed, 12_000_000), began: time.Now()}
	drawn := rand.NewChaCha8([32]byte{byte(o.Seed), 12})
	s.ids = func() string { return uuid.Must(uuid.NewRandomFromReader(drawn)).String() }
	write := func(list []engine.Derived) error {
		if len(list) == 0 {
			return nil
		}
		s.entries += len(list)
		r.deskProgress(s)
		return e.Write(ctx, store.Scope(scope), func(engine.View) ([]engine.Derived, error) { return list, nil })
	}
	if err := write(s.directory()); err != nil {
		return nil, err
	}
	perTicket := max(1, o.DeskOthers/o.DeskTickets)
	var batch []engine.Derived
	for range o.DeskTickets {
		batch = append(batch, s.ticket(perTicket)...)
		if len(batch) >= deskBatch {
			if err := write(batch); err != nil {
				return nil, err
			}
			batch = nil
		}
	}
	if err := write(batch); err != nil {
		return nil, err
	}
	s.records = s.entries
	for at := 0; s.entries < o.DeskEntries; at++ {
		batch = batch[:0:0]
		for range min(deskBatch, o.DeskEntries-s.entries) {
			// A ticket's notes grow over days; here each transaction writes many tickets once.
			id := s.tickets[(at*deskBatch+len(batch))%len(s.tickets)]
			batch = append(batch, engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Fields: []uint32{notesField},
				Record: ticketRecord(&roundsv1.Ticket{Notes: fmt.Sprint(s.corpus.Title(), " ", at)})}})
		}
		if err := write(batch); err != nil {
			return nil, err
		}
	}
	r.say("%d records, %d journal entries written in %.0f s", s.records, s.entries, time.Since(s.began).Seconds())
	_, err = e.Maintain(ctx, store.Scope(scope))
	return s, err
}

// notesField is the number of Ticket.notes.
const notesField = 14

// deskProgress tells how far the writer is, every few seconds.
func (r *run) deskProgress(s *deskSite) {
	const every = 5 * time.Second
	if time.Since(s.toldProgess) < every && !s.toldProgess.IsZero() {
		return
	}
	s.toldProgess = time.Now()
	const cells = 30
	done := min(cells, s.entries*cells/max(1, r.options.DeskEntries))
	bar := make([]byte, cells)
	for i := range bar {
		if bar[i] = '.'; i < done {
			bar[i] = '#'
		}
	}
	r.say("writing the desk's site [%s] %d of %d journal entries", bar, s.entries, r.options.DeskEntries)
}

// directory makes places, people and the words that desks look for.
func (s *deskSite) directory() []engine.Derived {
	var list []engine.Derived
	for i := range 400 {
		p := &roundsv1.Place{Name: &roundsv1.Text{Zh: fmt.Sprint(i, "号房"), En: fmt.Sprint("room ", i)}}
		if i > 0 {
			p.ParentId = s.places[(i-1)/8]
		}
		s.places = append(s.places, s.ids())
		list = append(list, engine.Derived{RecordID: merge.RecordID(s.places[i]), Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: p}}}})
	}
	for i := range 60 {
		s.people = append(s.people, s.ids())
		list = append(list, engine.Derived{RecordID: merge.RecordID(s.people[i]), Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Staff{
			Staff: &roundsv1.Staff{Name: fmt.Sprint("师傅", i)}}}}})
	}
	for range 12 {
		s.categories = append(s.categories, s.ids())
	}
	for range 20 {
		title := []rune(s.corpus.Title())
		s.words = append(s.words, string(title[:min(2, len(title))]))
	}
	return list
}

// ticket makes one ticket and what belongs to it.
func (s *deskSite) ticket(others int) []engine.Derived {
	id := s.ids()
	n := len(s.tickets)
	s.tickets = append(s.tickets, id)
	t := s.corpus.Ticket()
	reported := s.now.Add(-time.Duration(s.random.IntN(90*24*3600)) * time.Second).UnixMicro()
	worker := s.people[s.random.IntN(len(s.people))]
	t.State, t.Round, t.ReportedTimeUs, t.AssigneeId = roundsv1.TicketState_TICKET_STATE_CLOSED, 1, reported, worker
	t.CategoryId, t.Priority = s.categories[s.random.IntN(len(s.categories))], roundsv1.Priority(1+s.random.IntN(4))
	t.Location = &roundsv1.Location{PlaceId: s.places[s.random.IntN(len(s.places))], Source: roundsv1.LocationSource_LOCATION_SOURCE_CONFIRMED}
	due := reported + int64(time.Duration(s.random.IntN(48))*time.Hour/time.Microsecond)
	deadline := &roundsv1.Deadline{Step: roundsv1.Step_STEP_FINISH, Round: 1, DueUs: due, State: roundsv1.DeadlineState_DEADLINE_STATE_MET, DoneUs: due - 1}
	switch {
	case n%50 == 0: // two in a hundred wait for review
		t.State = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
		t.Completions = []*roundsv1.Completion{{Round: 1, PersonId: worker, TimeUs: due - 1}}
		t.Deadlines = append(t.Deadlines, s.running(roundsv1.Step_STEP_REVIEW, due+int64(24*time.Hour/time.Microsecond)))
	case n%10 == 1: // a tenth is open
		t.State = roundsv1.TicketState(1 + s.random.IntN(6))
		deadline = s.running(roundsv1.Step_STEP_FINISH, due)
	}
	t.Deadlines = append(t.Deadlines, deadline)
	for i, state := range []roundsv1.TicketState{1, 2, 3, 4, 5, t.State} {
		t.Moves = append(t.Moves, &roundsv1.Move{State: state, TimeUs: reported + int64(i)*60_000_000, Exact: true, PersonId: worker, Round: 1})
	}
	list := []engine.Derived{{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: ticketRecord(t)}}}
	about := &roundsv1.RecordRef{Kind: "ticket", Id: id}
	for i := range others {
		list = append(list, engine.Derived{RecordID: merge.RecordID(s.ids()), Edit: &roundsv1.Edit{Record: s.beside(about, worker, n, i)}})
	}
	return list
}

// inspection makes a round that somebody walked and another approved.
func (s *deskSite) inspection(worker string) *roundsv1.Record {
	i := s.corpus.Inspection()
	i.State, i.Round, i.InspectorId, i.AssigneeId = roundsv1.InspectionState_INSPECTION_STATE_APPROVED, 1, worker, worker
	i.Answers = map[string]*roundsv1.Answer{}
	for n := range roundAnswers {
		maps.Copy(i.Answers, s.corpus.Answer(n).GetAnswers())
	}
	s.rounds, s.facts = s.rounds+1, s.facts+roundAnswers
	return &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}
}

// running is a deadline of what is not done: it runs, or was noticed as missed.
func (s *deskSite) running(step roundsv1.Step, due int64) *roundsv1.Deadline {
	d := &roundsv1.Deadline{Step: step, Round: 1, DueUs: due, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN}
	if due < s.now.UnixMicro() {
		d.State, d.BreachedUs = roundsv1.DeadlineState_DEADLINE_STATE_BREACHED, due
	}
	return d
}

// beside makes something that belongs to a ticket: mostly photos with their previews, remarks, now and then an open question or a notice; or an inspection round.
func (s *deskSite) beside(about *roundsv1.RecordRef, worker string, n, i int) *roundsv1.Record {
	switch {
	case i == 2 && n%10 == 0:
		return s.inspection(worker)
	case i == 3:
		s.facts++
		return &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: about, PersonId: worker, Words: s.corpus.Title()}}}
	case i == 4:
		return &roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{Code: roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, Subject: about,
			PersonIds: []string{worker}, TimeUs: s.now.UnixMicro()}}}
	case i == 5:
		q := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Subject: about, State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED,
			OwnerRole: roundsv1.Role_ROLE_SUPERVISOR, OpenedTimeUs: s.now.Add(-time.Duration(n) * time.Second).UnixMicro(),
			Sides: []*roundsv1.Side{{Record: about, PersonId: worker}}}
		if n%100 == 1 {
			q.State = roundsv1.ConflictState_CONFLICT_STATE_OPEN
		}
		return &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: q}}
	}
	s.facts++
	preview, sum := make([]byte, 2000), make([]byte, 32)
	for at := range preview {
		preview[at] = byte(s.random.Uint32())
	}
	for at := range sum {
		sum[at] = byte(s.random.Uint32())
	}
	role := roundsv1.PhotoRole_PHOTO_ROLE_AFTER
	if i == 0 {
		role = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE
	}
	return &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: about, Role: role, Round: 1, Sha256: sum, SizeBytes: 1_500_000,
		MediaType: "image/jpeg", WidthPx: 4000, HeightPx: 3000, PersonId: worker, Preview: preview, State: roundsv1.PhotoState_PHOTO_STATE_CLEAN,
		Report: &roundsv1.PhotoReport{MediaType: "image/jpeg", WidthPx: 4000, HeightPx: 3000, SizeBytes: 1_500_000, StoredUs: s.now.UnixMicro()}}}}
}
