package demo

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
)

// worker is a phone's person at work in a community. Everything it knows it reads on its own phone, and all that it does it queues there.
type worker struct {
	*phone
	*community.Community
	site  client.Scope
	hands []community.Person // the workers of the main site who have a phone
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

var findings = []string{"地面有积水,已放警示牌", "灯管闪烁,疑似镇流器故障", "有异味,需要清洗", "阀门渗水,约每秒两滴", "杂物占道,已通知业主", "门锁松动,关不严",
	"Water on the floor, warning sign is out", "Handrail is loose on the landing", "Bin is overflowing", "Pump runs louder than yesterday"}

// act does one thing that a person of this role does.
func (w *worker) act(ctx context.Context) error {
	tickets, err := w.tickets(ctx)
	if err != nil {
		return err
	}
	switch w.Role {
	case roundsv1.Role_ROLE_DISPATCHER:
		return w.dispatch(ctx, tickets, 4)
	case roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_MANAGER:
		if w.random.IntN(3) > 0 {
			return w.dispatch(ctx, tickets, 1)
		}
	case roundsv1.Role_ROLE_SUPERVISOR:
		if w.random.IntN(2) > 0 {
			return w.supervise(ctx, tickets)
		}
	case roundsv1.Role_ROLE_BUTLER:
		if w.random.IntN(2) > 0 {
			return w.report(ctx)
		}
	default:
		if w.random.IntN(5) > 1 {
			return w.labour(ctx, tickets)
		}
	}
	if w.camera.behind(w.clocks.time.Now()) {
		if err := w.look(ctx, tickets); err != nil {
			return err
		}
	}
	return w.touch(ctx, tickets)
}

func (w *worker) tickets(ctx context.Context) ([]client.View, error) {
	var all []client.View
	for v, err := range w.device.List(ctx, w.site, "ticket") {
		if err != nil {
			return nil, err
		}
		if !v.Deleted {
			all = append(all, v)
		}
	}
	return all, nil
}

// in returns the tickets in one of some states.
func in(tickets []client.View, states ...roundsv1.TicketState) []client.View {
	var found []client.View
	for _, v := range tickets {
		for _, s := range states {
			if v.Record.GetTicket().GetState() == s {
				found = append(found, v)
			}
		}
	}
	return found
}

func (w *worker) location() *roundsv1.Location {
	if silent := w.Silent(); w.random.IntN(2) == 0 {
		p := pick(w.random, silent)
		return &roundsv1.Location{PlaceId: p.ID, Words: p.GetName().GetZh(), Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
	}
	p := pick(w.random, w.Places)
	return &roundsv1.Location{PlaceId: p.ID, Words: p.GetName().GetZh(), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
}

// report makes a ticket, as it is said or as it is found on a patrol.
func (w *worker) report(ctx context.Context) error {
	category := pick(w.random, w.Categories)
	t := &roundsv1.Ticket{Title: category.GetName().GetZh(), Description: pick(w.random, findings), CategoryId: category.ID, Priority: category.GetPriority(),
		Location: w.location(), ReporterId: w.ID, Channel: roundsv1.Channel_CHANNEL_PATROL, Tags: []string{category.GetName().GetEn()}}
	if w.Role == roundsv1.Role_ROLE_BUTLER {
		t.Channel, t.CustomerWords = roundsv1.Channel_CHANNEL_BUTLER, "业主说:"+pick(w.random, findings)
		t.ContactPhone = fmt.Sprintf("139%08d", w.random.IntN(100_000_000))
	}
	ref, err := w.device.Create(ctx, w.site, "", record(t))
	if err := w.note(ref, err); err != nil || w.Role == roundsv1.Role_ROLE_BUTLER {
		return err
	}
	return w.photographFind(ctx, ref.ID, t)
}

func record(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func (w *worker) clock() *roundsv1.Clock {
	return &roundsv1.Clock{WallUs: w.clocks.Wall().UnixMicro(), BootId: w.clocks.Boot(), MonotonicUs: w.clocks.Monotonic().Microseconds()}
}

func (w *worker) command(ctx context.Context, v client.View, c *roundsv1.TicketCommand) error {
	ref, err := w.device.Command(ctx, w.site, v.ID, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}})
	return w.note(ref, err)
}

// dispatch triages what is new and gives what is triaged to somebody: so many tickets, each once.
func (w *worker) dispatch(ctx context.Context, tickets []client.View, most int) error {
	for range most {
		id, err := w.dispatchOne(ctx, tickets)
		if err != nil {
			return err
		}
		if id == "" {
			return w.touch(ctx, tickets)
		}
		tickets = slices.DeleteFunc(slices.Clone(tickets), func(v client.View) bool { return v.ID == id })
	}
	return nil
}

// dispatchOne does it with one ticket and returns which; "" where there is none.
func (w *worker) dispatchOne(ctx context.Context, tickets []client.View) (client.RecordID, error) {
	fresh, waiting := in(tickets, roundsv1.TicketState_TICKET_STATE_NEW), in(tickets, roundsv1.TicketState_TICKET_STATE_TRIAGED)
	if len(fresh) > 0 && w.Role != roundsv1.Role_ROLE_FOREMAN && (len(waiting) == 0 || w.random.IntN(3) == 0) {
		v := pick(w.random, fresh)
		category := v.Record.GetTicket().GetCategoryId()
		if category == "" || w.random.IntN(8) == 0 {
			category = pick(w.random, w.Categories).ID
		}
		return v.ID, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}})
	}
	states := []roundsv1.TicketState{roundsv1.TicketState_TICKET_STATE_TRIAGED}
	if w.random.IntN(6) == 0 { // from one person to another
		states = append(states, roundsv1.TicketState_TICKET_STATE_DISPATCHED, roundsv1.TicketState_TICKET_STATE_ACCEPTED)
	}
	ready := in(tickets, states...)
	if len(ready) == 0 {
		return "", nil
	}
	hands := w.hands
	if w.random.IntN(6) == 0 { // also to somebody who does not look at the phone today
		hands = w.In(roundsv1.Role_ROLE_WORKER)
	}
	v, to := pick(w.random, ready), pick(w.random, hands)
	return v.ID, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{
		Dispatch: &roundsv1.TicketDispatch{AssigneeId: to.ID, Reason: "空闲 / free"}}})
}

// labour goes on with the person's own work.
func (w *worker) labour(ctx context.Context, tickets []client.View) error {
	var mine []client.View
	for _, v := range tickets {
		t := v.Record.GetTicket()
		working := t.GetState() >= roundsv1.TicketState_TICKET_STATE_DISPATCHED && t.GetState() <= roundsv1.TicketState_TICKET_STATE_PAUSED
		if t.GetAssigneeId() == w.ID && (working || t.GetState() == roundsv1.TicketState_TICKET_STATE_REWORK) {
			mine = append(mine, v)
		}
	}
	if len(mine) == 0 {
		if w.random.IntN(2) == 0 {
			return w.inspect(ctx)
		}
		return w.report(ctx)
	}
	v := pick(w.random, mine)
	t := v.Record.GetTicket()
	switch t.GetState() {
	case roundsv1.TicketState_TICKET_STATE_DISPATCHED:
		if w.random.IntN(10) == 0 {
			return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{
				Decline: &roundsv1.TicketDecline{AssignEpoch: t.GetAssignEpoch(), Reason: "正在处理紧急情况 / on an emergency"}}})
		}
		return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: t.GetAssignEpoch()}}})
	case roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_PAUSED, roundsv1.TicketState_TICKET_STATE_REWORK:
		if s := w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE); w.beforeWanted(t) {
			if _, err := w.photograph(ctx, s); err != nil {
				return err
			}
		}
		return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}})
	}
	if w.random.IntN(8) == 0 {
		return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: "other"}}})
	}
	// Done: facts, and one command.
	id, err := w.device.NewID()
	if err != nil {
		return err
	}
	ended := w.clock()
	ref, err := w.device.Fact(ctx, w.site, v.ID, record(&roundsv1.Ticket{
		Labour: []*roundsv1.Labour{{Id: string(id), PersonId: w.ID, Ended: ended}}, Visits: 1, PartsUsed: map[string]int64{"PART-001": int64(1 + w.random.IntN(2))}}))
	if err := w.note(ref, err); err != nil {
		return err
	}
	photo, err := w.photograph(ctx, w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_AFTER))
	if err != nil || photo == "" {
		return err
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
		SubmitCompletion: &roundsv1.TicketSubmit{Round: t.GetRound(), PhotoIds: []string{string(photo)}}}})
}

// inspect walks a round: its record, and an answer to each item as a fact.
func (w *worker) inspect(ctx context.Context) error {
	list := pick(w.random, w.Checklists)
	ref, err := w.device.Create(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		ChecklistId: list.ID, ChecklistVersion: list.GetVersion(), Title: list.GetName().GetZh(), WindowStartUs: w.clocks.time.Now().UnixMicro()}}})
	if err := w.note(ref, err); err != nil || ref.ID == "" {
		return err
	}
	for _, item := range list.GetItems() {
		answer := &roundsv1.Answer{Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Answered: w.clock()}
		if item.GetUnit() != "" {
			reading := item.GetLow() + w.random.Float64()*(item.GetHigh()-item.GetLow())*1.05
			answer.Reading = &reading
		}
		if w.random.IntN(12) == 0 {
			answer.Result, answer.Note = roundsv1.AnswerResult_ANSWER_RESULT_FAIL, pick(w.random, findings)
			if !w.camera.ahead(w.clocks.time.Now()) {
				photo, err := w.photograph(ctx, subject{kind: "inspection", id: ref.ID, item: item.GetId(), role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM, round: 1})
				if err != nil {
					return err
				}
				if photo != "" {
					answer.PhotoIds = []string{string(photo)}
				}
			}
		}
		fact, err := w.device.Fact(ctx, w.site, ref.ID, &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
			Answers: map[string]*roundsv1.Answer{item.GetId(): answer}}}})
		if err := w.note(fact, err); err != nil {
			return err
		}
	}
	return nil
}

// touch edits a ticket that others edit too: this is where conflicts come from.
func (w *worker) touch(ctx context.Context, tickets []client.View) error {
	if len(tickets) == 0 {
		return w.report(ctx)
	}
	// Everybody talks about the same few.
	slices.SortFunc(tickets, func(a, b client.View) int {
		return cmp.Compare(b.Record.GetTicket().GetReportedTimeUs(), a.Record.GetTicket().GetReportedTimeUs())
	})
	v := tickets[w.random.IntN(min(4, len(tickets)))]
	var t *roundsv1.Ticket
	var field string
	switch w.random.IntN(8) {
	case 0:
		t, field = &roundsv1.Ticket{Title: fmt.Sprintf("%s(%s 改)", v.Record.GetTicket().GetTitle(), w.Name)}, "title"
		if len(t.GetTitle()) > 200 {
			t.Title = pick(w.random, findings)
		}
	case 1:
		t, field = &roundsv1.Ticket{Priority: roundsv1.Priority(1 + w.random.IntN(4))}, "priority"
	case 2:
		t, field = &roundsv1.Ticket{CategoryId: pick(w.random, w.Categories).ID}, "category_id"
	case 3:
		t, field = &roundsv1.Ticket{ContactPhone: fmt.Sprintf("138%08d", w.random.IntN(100_000_000))}, "contact_phone"
	case 4:
		t, field = &roundsv1.Ticket{Tags: []string{pick(w.random, []string{"urgent", "雨天", "业主在场", "夜间"})}}, "tags"
	case 5:
		t, field = &roundsv1.Ticket{Attributes: map[string]string{pick(w.random, []string{"gate", "key", "dog"}): w.Name}}, "attributes"
	case 6:
		t, field = &roundsv1.Ticket{Location: w.location()}, "location"
	default:
		ref, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(v.ID)}, Words: pick(w.random, findings), PersonId: w.ID, Said: w.clock()}}})
		return w.note(ref, err)
	}
	ref, err := w.device.Edit(ctx, w.site, v.ID, record(t), field)
	return w.note(ref, err)
}

// supervise decides what waits, and cancels now and then.
func (w *worker) supervise(ctx context.Context, tickets []client.View) error {
	if done, err := w.review(ctx, tickets, 1); err != nil || done > 0 {
		return err
	}
	for v, err := range w.device.List(ctx, w.site, "conflict") {
		if err != nil {
			return err
		}
		c := v.Record.GetConflict()
		if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || v.Pending > 0 || c.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_ASK {
			continue
		}
		decide := &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}
		if c.GetType() != roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT {
			decide = &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "已现场核实 / checked on site"}}}
		}
		ref, err := w.device.Command(ctx, w.site, v.ID, &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: decide}})
		return w.note(ref, err)
	}
	// Cancelling what somebody in a basement is finishing is where work after a cancellation comes from.
	if open := in(tickets, roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_IN_PROGRESS); len(open) > 0 && w.random.IntN(2) == 0 {
		return w.command(ctx, pick(w.random, open), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "重复报事 / reported twice"}}})
	}
	return w.touch(ctx, tickets)
}
