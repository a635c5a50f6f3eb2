package schedule

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/roster"
)

// The indexes that giving out tickets needs.
const (
	// indexDispatch: as indexDue, when a ticket was reported whose category is known and which nobody has.
	indexDispatch engine.IndexName = "due.dispatch"
	// indexLoad: id of a person, id of a ticket that the person has and has not done.
	indexLoad engine.IndexName = "load"
	// indexStaff: id of a person who has not left.
	indexStaff engine.IndexName = "staff"
)

// dispatchEntries are those of a ticket that somebody has; of one that waits for somebody, the time in indexDispatch, 0 where it does not.
func dispatchEntries(id uuid.UUID, t *roundsv1.Ticket) (entries []engine.IndexEntry, waits int64) {
	switch t.GetState() {
	case roundsv1.TicketState_TICKET_STATE_TRIAGED:
		if t.GetAssigneeId() == "" {
			return nil, max(t.GetReportedTimeUs(), 1)
		}
	case roundsv1.TicketState_TICKET_STATE_DISPATCHED, roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_IN_PROGRESS,
		roundsv1.TicketState_TICKET_STATE_PAUSED, roundsv1.TicketState_TICKET_STATE_REWORK:
		if person, err := uuid.Parse(t.GetAssigneeId()); err == nil {
			return []engine.IndexEntry{{Name: indexLoad, Key: append(person[:], id[:]...)}}, 0
		}
	}
	return nil, 0
}

// Giving is a ticket that is given to somebody.
type Giving struct {
	// Scope where it stands.
	Scope store.Scope
	// Ticket is its id, Version the one that was looked at.
	Ticket  string
	Version journal.Seq
	// Person who is given it.
	Person engine.PersonID
	// Reason in the words of people.
	Reason string
}

// dispatches gives out the tickets that wait for somebody, where the site has that done. It returns when the next one is tried again. Those for whom there is
// nobody are told of to the foreman, once, and tried again.
func (w *Worker) dispatches(ctx context.Context, p *place, at moment) (did int, next int64, err error) {
	if !at.policy.DispatchAutomatic || w.cfg.Dispatch == nil {
		return 0, never, nil
	}
	q := queue{name: indexDispatch}
	items, next, err := w.read(ctx, p, q, at.nowUs, 0)
	if err != nil || len(items) == 0 {
		return 0, next, err
	}
	crew, err := w.crew(ctx, p.scope, at)
	if err != nil {
		return 0, never, &scopeError{err}
	}
	var faults []error
	for _, one := range items {
		n, err := w.giveOut(ctx, at, one, crew)
		if ofScope(ctx, err) {
			return did, never, err
		}
		if err != nil {
			w.count(func(s *Stats) { s.Failures++ })
			w.log.Error("a ticket could not be given out, and is tried again", "scope", string(p.scope), "record", one.id, "error", err)
			faults = append(faults, fmt.Errorf("ticket %s: %w", one.id, err))
		}
		did += n
		key := string(q.name) + one.key
		p.pause(q, at, one, err != nil)
		if r := p.rests[key]; err == nil { // somebody may come any minute
			r.failures = 0
			p.rests[key] = r
		}
		next = min(next, p.rests[key].until)
	}
	return did, next, errors.Join(faults...)
}

// crew are the people to whom tickets of a site may be given, with how many they have.
func (w *Worker) crew(ctx context.Context, scope store.Scope, at moment) ([]roster.Candidate, error) {
	load := map[string]int{}
	for entry, err := range w.cfg.Records.Find(ctx, scope, indexLoad, store.Span{}) {
		if err != nil {
			return nil, err
		}
		if len(entry.Key) == 16+16 {
			load[uuid.UUID(entry.Key[:16]).String()]++
		}
	}
	var crew []roster.Candidate
	for entry, err := range w.cfg.Records.Find(ctx, scope, indexStaff, store.Span{}) {
		if err != nil {
			return nil, err
		}
		person, err := uuid.FromBytes(entry.Key)
		if err != nil || !w.cfg.MayWork(engine.PersonID(person.String()), scope, at.now) {
			continue
		}
		change, err := w.cfg.Records.Record(ctx, scope, kindStaff, merge.RecordID(person.String()))
		if err != nil {
			return nil, err
		}
		if stands(change) {
			crew = append(crew, roster.Candidate{ID: person.String(), Staff: change.GetRecord().GetStaff(), Open: load[person.String()]})
		}
	}
	return crew, nil
}

// giveOut gives one ticket to somebody of a crew, or says that there is nobody.
func (w *Worker) giveOut(ctx context.Context, at moment, one item, crew []roster.Candidate) (did int, err error) {
	change, err := w.cfg.Records.Record(ctx, at.scope, kindTicket, one.id)
	if err != nil || !stands(change) {
		return 0, err
	}
	t := change.GetRecord().GetTicket()
	category := w.cfg.Reference.Category(at.scope, merge.RecordID(t.GetCategoryId()))
	zone, err := calendar.Zone(at.policy.TimeZone)
	if err != nil {
		return 0, err
	}
	wanted := roster.Wanted{Ticket: string(one.id), Line: category.GetLine(), Skill: t.GetRequirements().GetSkill(), Not: t.GetFormerAssigneeIds()}
	to, ok := roster.Pick(wanted, crew, at.now, zone)
	if !ok {
		return w.tellUnassigned(ctx, at, one.id, t)
	}
	taken, err := w.cfg.Dispatch(ctx, Giving{Scope: at.scope, Ticket: string(one.id), Version: journal.Seq(change.GetVersion()), Person: engine.PersonID(to.ID),
		Reason: fmt.Sprintf("自动派单：同工种、在班、技能相符，在手工单 %d 张 / given out by the server: of the trade, on duty, skilled, with %d open tickets", to.Open, to.Open)})
	if err != nil || !taken { // refused: somebody was quicker, or the person cannot be given it after all; it is tried again
		return 0, err
	}
	for i := range crew {
		if crew[i].ID == to.ID {
			crew[i].Open++
		}
	}
	w.count(func(s *Stats) { s.Dispatched++ })
	return 1, nil
}

// tellUnassigned tells the foreman that a ticket has to be given out by a person, once for each time that it came back.
func (w *Worker) tellUnassigned(ctx context.Context, at moment, id merge.RecordID, t *roundsv1.Ticket) (did int, err error) {
	notice := w.cfg.Notice(Telling{About: ref(kindTicket, id), Code: roundsv1.NoticeCode_NOTICE_CODE_UNASSIGNED, Role: roundsv1.Role_ROLE_FOREMAN,
		Cause: fmt.Sprintf("unassigned %d %d", t.GetRound(), t.GetAssignEpoch()), TimeUs: at.nowUs,
		Sentence: &roundsv1.Text{Zh: "此工单无人可自动派：没有同工种、在班且技能相符的人。请您派单。",
			En: "The server has nobody to give this ticket to: nobody of the trade is on duty and has the skill. Please give it out."}})
	err = w.cfg.Records.Write(ctx, at.scope, func(view engine.View) ([]engine.Derived, error) {
		did = 0 // an act may run again
		before, err := view.Get(kindNotice, notice.RecordID)
		if err != nil || before != nil {
			return nil, err
		}
		did = 1
		return []engine.Derived{notice}, nil
	})
	if err == nil && did > 0 {
		w.count(func(s *Stats) { s.Unassigned++ })
	}
	return did, err
}
