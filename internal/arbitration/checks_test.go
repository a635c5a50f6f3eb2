package arbitration_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Outcomes, short enough for the rows.
const (
	applied     = roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED
	merged      = roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED
	parked      = roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT
	rejected    = roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED
	quarantined = roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED
)

// States of tickets.
const (
	isTriaged    = roundsv1.TicketState_TICKET_STATE_TRIAGED
	isDispatched = roundsv1.TicketState_TICKET_STATE_DISPATCHED
	isStarted    = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS
	isPaused     = roundsv1.TicketState_TICKET_STATE_PAUSED
	isDone       = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
	isInReview   = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	isRework     = roundsv1.TicketState_TICKET_STATE_REWORK
	isClosed     = roundsv1.TicketState_TICKET_STATE_CLOSED
	isCancelled  = roundsv1.TicketState_TICKET_STATE_CANCELLED
	isMerged     = roundsv1.TicketState_TICKET_STATE_MERGED
)

// patience is how long the server may take, by the clock of the machine, to look at photos and to do what the world's clock calls for. It is for a machine that has
// much else to do, and ends a test that would never end.
const patience = 2 * time.Minute

// both plays a row in both orders of arrival, each at a site of its own: two acts without a signal, and then a reaches the server first, or b.
func both(t *testing.T, play func(s *site, aFirst bool)) {
	t.Parallel()
	w := newWorld(t)
	for _, aFirst := range []bool{true, false} {
		name := "A first"
		if !aFirst {
			name = "B first"
		}
		t.Run(name, func(t *testing.T) {
			s := w.site(t)
			play(s, aFirst)
			s.settled()
		})
	}
}

// only plays a row whose other order of arrival is another question.
func only(t *testing.T, play func(s *site)) {
	t.Parallel()
	w := newWorld(t)
	t.Run("A first", func(t *testing.T) {
		s := w.site(t)
		play(s)
		s.settled()
	})
}

// inOrder lets two phones reach the server.
func inOrder(aFirst bool, a, b *phone) {
	if !aFirst {
		a, b = b, a
	}
	a.sync()
	b.sync()
}

// record reads a record from the server.
func (s *site) record(kind merge.Kind, id string) *roundsv1.Record {
	s.t.Helper()
	c, err := s.server.Engine().Record(s.t.Context(), s.scope, kind, merge.RecordID(id))
	if err != nil {
		s.t.Fatal(err)
	}
	return c.GetRecord()
}

func (s *site) ticket(id string) *roundsv1.Ticket {
	s.t.Helper()
	return s.record("ticket", id).GetTicket()
}

func (s *site) photo(id string) *roundsv1.Photo {
	s.t.Helper()
	return s.record("photo", id).GetPhoto()
}

// until waits for what the server does by itself: looking at photos, say. It is woken by the clock of the machine, not that of the world.
func (s *site) until(what string, holds func() bool) {
	s.t.Helper()
	ctx, end := context.WithTimeout(s.t.Context(), patience)
	defer end()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("it did not come: %s", what)
		case <-tick.C:
		}
	}
}

// inState waits until a ticket stands in a state, and returns it.
func (s *site) inState(id string, want roundsv1.TicketState) *roundsv1.Ticket {
	s.t.Helper()
	var got *roundsv1.Ticket
	ctx, end := context.WithTimeout(s.t.Context(), patience)
	defer end()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if got = s.ticket(id); got.GetState() == want {
			return got
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("the ticket is %v, want %v\nflags %v, completions %v", got.GetState(), want, got.GetFlags(), got.GetCompletions())
		case <-tick.C:
		}
	}
}

// stands requires that a ticket stands in a state now.
func (s *site) stands(id string, want roundsv1.TicketState) *roundsv1.Ticket {
	s.t.Helper()
	got := s.ticket(id)
	if got.GetState() != want {
		s.t.Fatalf("the ticket is %v, want %v", got.GetState(), want)
	}
	return got
}

// looked waits until the server has looked at photos.
func (s *site) looked(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		s.until("a look at a photo", func() bool {
			switch s.photo(id).GetState() {
			case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
				return true
			}
			return false
		})
	}
}

// found is a record that a test looked for.
type found struct {
	id     string
	record *roundsv1.Record
}

func (f *found) conflict() *roundsv1.Conflict { return f.record.GetConflict() }

// held lists the records of a kind that a phone shows.
func (p *phone) held(kind merge.Kind) []*found {
	p.t.Helper()
	var all []*found
	for v, err := range p.device.List(p.t.Context(), client.Scope(p.scope), kind) {
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, &found{string(v.ID), v.Record})
	}
	return all
}

// questions lists the open questions of a type about a record, as a leader's own phone shows them after a sync.
func (p *phone) questions(of roundsv1.ConflictType, about string) []*found {
	p.t.Helper()
	p.sync()
	return slices.DeleteFunc(p.held("conflict"), func(f *found) bool {
		c := f.conflict()
		return c.GetType() != of || c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || c.GetSubject().GetId() != about
	})
}

// leastSides is how many sides a question of a type has at least: two, but where there is nobody on the other one.
func leastSides(of roundsv1.ConflictType) int {
	switch of {
	case roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, // what it came too late for is the record as it stands
		roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD,     // there is no record
		roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT,      // nobody stands against it
		roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN,        // of a fact on the record itself; a photo has what it is about beside it
		roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST: // who reported it; photos that nobody has heard of have no author
		return 1
	}
	return 2
}

// asked requires one open question of a type about a record: with an owner, both sides, and these actions among those that it offers.
func (p *phone) asked(of roundsv1.ConflictType, about string, owner roundsv1.Role, sides []string, actions ...roundsv1.ConflictAction) *found {
	p.t.Helper()
	all := p.questions(of, about)
	if len(all) != 1 {
		p.t.Fatalf("%d open questions %v, want one; there are %v", len(all), of, p.held("conflict"))
	}
	c := all[0].conflict()
	if c.GetOwnerRole() != owner {
		p.t.Errorf("%v asks %v, want %v", of, c.GetOwnerRole(), owner)
	}
	if c.GetSentence().GetZh() == "" || c.GetSentence().GetEn() == "" || c.GetOpenedTimeUs() == 0 {
		p.t.Errorf("%v does not say what is asked, or since when: %v", of, c)
	}
	if c.GetRemindUs() <= c.GetOpenedTimeUs() {
		p.t.Errorf("%v is never reminded of", of)
	}
	for _, action := range actions {
		if !slices.Contains(c.GetActions(), action) {
			p.t.Errorf("%v offers %v, not %v", of, c.GetActions(), action)
		}
	}
	var people []string
	for _, side := range c.GetSides() {
		people = append(people, side.GetPersonId())
		if side.GetSentence().GetZh() == "" || side.GetTimeUs() == 0 {
			p.t.Errorf("a side of %v says too little: %v", of, side)
		}
	}
	if len(c.GetSides()) < leastSides(of) {
		p.t.Errorf("%v has %d sides, want %d: %v", of, len(c.GetSides()), leastSides(of), c.GetSides())
	}
	for _, person := range sides {
		if !slices.Contains(people, person) {
			p.t.Errorf("%v has the sides of %v; %s is missing", of, p.names(people), p.names([]string{person}))
		}
	}
	return all[0]
}

// names turns ids of people into names.
func (s *site) names(ids []string) (names []string) {
	for _, id := range ids {
		name := "nobody that is known"
		for _, p := range s.people {
			if p.id == id {
				name = p.name
			}
		}
		names = append(names, name)
	}
	return names
}

// noQuestions requires that nothing is open about a record.
func (p *phone) noQuestions(about string) {
	p.t.Helper()
	p.sync()
	for _, f := range p.held("conflict") {
		if c := f.conflict(); c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN && c.GetSubject().GetId() == about {
			p.t.Errorf("a question is open: %v", c)
		}
	}
}

// decided requires that a question is closed, as a phone shows it after a sync, and by whom.
func (p *phone) decided(question *found, by *phone, how roundsv1.ConflictAction) {
	p.t.Helper()
	p.sync()
	c := p.shows("conflict", question.id).GetConflict()
	if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED || c.GetResolvedById() != by.id() || c.GetDecision() != how {
		p.t.Errorf("the question is %v, by %v, %v", c.GetState(), p.names([]string{c.GetResolvedById()}), c.GetDecision())
	}
}

// told requires that a phone's person is told of something about a record: by name or by role, in a notice that the phone itself holds after a sync.
func (p *phone) told(code roundsv1.NoticeCode, about string) {
	p.t.Helper()
	p.sync()
	if p.notices(code, about) == 0 {
		var have []string
		for _, f := range p.held("notice") {
			n := f.record.GetNotice()
			have = append(have, n.GetCode().String()+" to "+strings.Join(p.names(n.GetPersonIds()), ", ")+" "+n.GetRole().String())
		}
		p.t.Errorf("%s is not told %v; there are: %v", p.name, code, have)
	}
}

// notices counts those of a code about a record for a phone's person.
func (p *phone) notices(code roundsv1.NoticeCode, about string) (n int) {
	p.t.Helper()
	for _, f := range p.held("notice") {
		notice := f.record.GetNotice()
		if notice.GetCode() != code || notice.GetSubject().GetId() != about {
			continue
		}
		if notice.GetSentence().GetZh() == "" || notice.GetSentence().GetEn() == "" || notice.GetTimeUs() == 0 {
			p.t.Errorf("a notice that says too little: %v", notice)
		}
		if slices.Contains(notice.GetPersonIds(), p.id()) || notice.GetRole() == p.person.role {
			n++
		}
	}
	return n
}

// notTold requires that a phone's person is not told.
func (p *phone) notTold(code roundsv1.NoticeCode, about string) {
	p.t.Helper()
	p.sync()
	if n := p.notices(code, about); n > 0 {
		p.t.Errorf("%s is told %v %d times", p.name, code, n)
	}
}

// outcome is what became of a mutation, from the journal.
func (s *site) outcome(ref client.Ref) *roundsv1.Outcome {
	s.t.Helper()
	if o := s.outcomes()[ref]; o != nil {
		return o
	}
	s.t.Fatalf("no outcome of %v", ref)
	return nil
}

// outcomes reads the journal: what became of each mutation of a device when it came.
func (s *site) outcomes() map[client.Ref]*roundsv1.Outcome {
	s.t.Helper()
	all := map[client.Ref]*roundsv1.Outcome{}
	for b, err := range s.server.Engine().Journal(s.t.Context(), s.scope, 1) {
		if err != nil {
			s.t.Fatal(err)
		}
		entry, head := &roundsv1.JournalEntry{}, &roundsv1.EntryHead{}
		if err := proto.Unmarshal(b, entry); err != nil {
			s.t.Fatal(err)
		}
		if err := proto.Unmarshal(entry.GetHead(), head); err != nil {
			s.t.Fatal(err)
		}
		if head.GetType() != roundsv1.EntryType_ENTRY_TYPE_MUTATION {
			continue
		}
		ref := client.Ref{Scope: client.Scope(s.scope), Kind: merge.Kind(head.GetRecord().GetKind()), ID: client.RecordID(head.GetRecord().GetId()),
			Device: client.DeviceID(head.GetDeviceId()), Lane: journal.LaneSeq(head.GetLaneSeq())}
		all[ref] = head.GetOutcome()
	}
	return all
}

// came requires an outcome of a mutation and returns it.
func (s *site) came(ref client.Ref, want roundsv1.OutcomeStatus) *roundsv1.Outcome {
	s.t.Helper()
	got := s.outcome(ref)
	if got.GetStatus() != want {
		s.t.Fatalf("%v: %v, want %v: %v", ref.Kind, got.GetStatus(), want, got)
	}
	return got
}

// refused requires that a command was refused with a code, that its sentence says so in both languages, and that it lies in the person's own tray, from
// where it can be sent again.
func (p *phone) refused(ref client.Ref, code roundsv1.ProblemCode) client.TrayItem {
	p.t.Helper()
	o := p.came(ref, rejected)
	if o.GetProblem().GetCode() != code || o.GetProblem().GetSentence().GetZh() == "" || o.GetProblem().GetSentence().GetEn() == "" {
		p.t.Errorf("refused with %v, want %v", o.GetProblem(), code)
	}
	return p.inTray(ref, client.TrayRejected)
}

// inTray requires that a mutation lies in the phone's tray.
func (p *phone) inTray(ref client.Ref, status client.TrayStatus) client.TrayItem {
	p.t.Helper()
	p.sync()
	items, err := p.device.Tray(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, item := range items {
		if item.Key.Scope == ref.Scope && item.Key.Lane == ref.Lane {
			if item.Status != status {
				p.t.Errorf("%s's tray: %v, want %v", p.name, item.Status, status)
			}
			return item
		}
	}
	p.t.Fatalf("%s's tray does not have it: %v", p.name, items)
	return client.TrayItem{}
}

// settled ends a row: everybody syncs, every question has its sides, and no fact may have been refused or lost: sent = kept + quarantined.
func (s *site) settled() {
	s.t.Helper()
	for _, p := range s.phones {
		if p.device != nil {
			_ = p.trySync() // a phone that was revoked is told so
		}
	}
	for _, p := range s.phones {
		if p.device == nil {
			continue
		}
		for _, q := range p.held("conflict") {
			if c := q.conflict(); len(c.GetSides()) < leastSides(c.GetType()) {
				s.t.Errorf("%v has %d sides, want %d: %v", c.GetType(), len(c.GetSides()), leastSides(c.GetType()), c.GetSides())
			}
		}
	}
	all := s.outcomes()
	kept, waiting, sent := 0, 0, 0
	for _, p := range s.phones {
		for _, ref := range p.facts {
			sent++
			switch o := all[ref]; o.GetStatus() {
			case applied, merged:
				kept++
			case quarantined, parked:
				waiting++
			default:
				s.t.Errorf("a fact of %s was lost: %v", p.name, o)
			}
		}
	}
	if sent != kept+waiting {
		s.t.Errorf("%d facts sent, %d kept, %d in quarantine", sent, kept, waiting)
	}
}

// performers requires that these people, and nobody else, reported a round as done.
func (s *site) performers(t *roundsv1.Ticket, round uint32, people ...*phone) {
	s.t.Helper()
	var got, want []string
	for _, c := range t.GetCompletions() {
		if c.GetRound() == round {
			got = append(got, c.GetPersonId())
		}
	}
	for _, p := range people {
		want = append(want, p.id())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("round %d was done by %v, want %v", round, s.names(got), s.names(want))
	}
}

// laboured requires so many intervals of work of each.
func (s *site) laboured(id string, want map[*phone]int) {
	s.t.Helper()
	got := map[string]int{}
	for _, l := range s.ticket(id).GetLabour() {
		got[l.GetPersonId()]++
	}
	for p, n := range want {
		if got[p.id()] != n {
			s.t.Errorf("%d intervals of %s, want %d", got[p.id()], p.name, n)
		}
	}
}

// flagged requires a mark on a ticket.
func (s *site) flagged(t *roundsv1.Ticket, flag string) {
	s.t.Helper()
	if !slices.Contains(t.GetFlags(), flag) {
		s.t.Errorf("flags %v, want %q", t.GetFlags(), flag)
	}
}

func journalSeq(o *roundsv1.Outcome) journal.Seq { return journal.Seq(o.GetSeq()) }
