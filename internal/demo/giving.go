package demo

import (
	"context"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
)

// mostAtOnce is how many tickets the customer service gives out before it looks again.
const mostAtOnce = 6

// dispatch triages what is new and gives what is triaged to somebody: so many tickets. It returns how many.
func (w *worker) dispatch(ctx context.Context, tickets []client.View, most int) (n int, err error) {
	ready := in(tickets, roundsv1.TicketState_TICKET_STATE_TRIAGED)
	if w.Role != roundsv1.Role_ROLE_FOREMAN {
		ready = append(ready, in(tickets, roundsv1.TicketState_TICKET_STATE_NEW)...)
	}
	if w.random.IntN(12) == 0 { // from one person to another
		if given := in(tickets, roundsv1.TicketState_TICKET_STATE_DISPATCHED, roundsv1.TicketState_TICKET_STATE_ACCEPTED); len(given) > 0 {
			ready = append(ready, pick(w.random, given))
		}
	}
	for _, v := range ready {
		if n == most {
			break
		}
		if len(v.Record.GetTicket().GetChildIds()) > 0 {
			continue // its tasks are given out
		}
		n++
		if err := w.give(ctx, v); err != nil {
			return n, err
		}
	}
	return n, nil
}

// give triages a ticket where it is new, and gives it to somebody: mostly of its trade, and now and then to one who does not look at the phone today.
func (w *worker) give(ctx context.Context, v client.View) error {
	t := v.Record.GetTicket()
	if t.GetState() == roundsv1.TicketState_TICKET_STATE_NEW {
		category := t.GetCategoryId()
		if category == "" || w.random.IntN(12) == 0 {
			category = pick(w.random, w.Categories).ID
		}
		if err := w.triage(ctx, v, category); err != nil {
			return err
		}
	}
	line := w.category(t.GetCategoryId()).GetLine()
	fit := slices.DeleteFunc(slices.Clone(w.hands), func(p community.Person) bool { return p.GetLine() != line })
	if len(fit) == 0 || w.random.IntN(3) == 0 {
		fit = w.hands
	}
	return w.command(ctx, v, dispatchTo(pick(w.random, fit).ID))
}

// triage says of what category a ticket is, and how urgent where nobody said.
func (w *worker) triage(ctx context.Context, v client.View, category string) error {
	if v.Record.GetTicket().GetPriority() == 0 {
		ref, err := w.device.Edit(ctx, w.site, v.ID, record(&roundsv1.Ticket{Priority: w.category(category).GetPriority()}), "priority")
		if err := w.note(ref, err); err != nil {
			return err
		}
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}})
}

func dispatchTo(person string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: person, Reason: "空闲 / free"}}}
}

// arrange splits a ticket into tasks for two trades, or merges one that was reported twice: a few of a shift.
func (w *worker) arrange(ctx context.Context, tickets []client.View) (did bool, err error) {
	fresh := in(tickets, roundsv1.TicketState_TICKET_STATE_TRIAGED, roundsv1.TicketState_TICKET_STATE_NEW)
	fresh = slices.DeleteFunc(fresh, func(v client.View) bool {
		return v.Record.GetTicket().GetParentId() != "" || len(v.Record.GetTicket().GetChildIds()) > 0
	})
	untouched := in(fresh, roundsv1.TicketState_TICKET_STATE_NEW) // who takes a report in sees that two trades are needed
	switch {
	case w.day.split < mostSplit && len(untouched) > 0 && w.random.IntN(6) == 0:
		w.day.split++
		first, second := untouched[0].Record.GetTicket().GetCategoryId(), w.Categories[12].ID // one of the tasks asks for what the ticket asks for
		if first == "" {
			first = w.Categories[0].ID
		}
		return true, w.command(ctx, untouched[0], &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Split{Split: &roundsv1.TicketSplit{
			Tasks: []*roundsv1.TicketTask{{CategoryId: first}, {CategoryId: second}}}}})
	case w.day.merged < mostMerged && len(fresh) > 1 && w.random.IntN(6) == 0:
		w.day.merged++
		return true, w.command(ctx, fresh[1], &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: string(fresh[0].ID)}}})
	}
	return false, nil
}
