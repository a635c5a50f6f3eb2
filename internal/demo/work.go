package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// tasks does what a person's role has to do now. It returns whether there was something.
func (w *worker) tasks(ctx context.Context, tickets []client.View) (did bool, err error) {
	now := w.clocks.time.Now()
	switch w.Role {
	case roundsv1.Role_ROLE_DISPATCHER:
		if w.day.behind(now) {
			if err := w.report(ctx); err != nil {
				return true, err
			}
		}
		if did, err := w.arrange(ctx, tickets); did || err != nil {
			return did, err
		}
		if n, err := w.dispatch(ctx, tickets, mostAtOnce); err != nil || n > 0 {
			return true, err
		}
		return w.answer(ctx, 1)
	case roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_MANAGER:
		if did, err := w.answer(ctx, 1); did || err != nil || w.random.IntN(3) == 0 {
			return did, err
		}
		n, err := w.dispatch(ctx, tickets, 1)
		return n > 0, err
	case roundsv1.Role_ROLE_SUPERVISOR:
		return w.supervise(ctx, tickets)
	case roundsv1.Role_ROLE_BUTLER:
		if w.day.behind(now) && !w.here().silent() { // residents write to their butler
			return true, w.report(ctx)
		}
		if n, err := w.review(ctx, tickets, 2); err != nil || n > 0 {
			return true, err
		}
		return w.answer(ctx, 1)
	}
	if w.arrives() && w.day.behind(now) {
		return true, w.report(ctx)
	}
	switch n := w.random.IntN(5); {
	case n == 0:
		return false, nil
	case n == 1:
		return w.walk(ctx)
	}
	if did, err := w.labour(ctx, tickets); did || err != nil {
		return did, err
	}
	if w.random.IntN(2) == 0 {
		return w.walk(ctx)
	}
	return false, nil
}

// report makes a ticket: as a resident says it to the customer service or the butler, or as it is found on the way.
func (w *worker) report(ctx context.Context) error {
	w.day.made++
	category := pick(w.random, w.Categories)
	t := &roundsv1.Ticket{Title: category.GetName().GetZh(), Description: pick(w.random, findings), CategoryId: category.ID, Priority: category.GetPriority(),
		Location: w.location(), ReporterId: w.ID, Channel: roundsv1.Channel_CHANNEL_PATROL, Tags: []string{category.GetName().GetEn()}}
	switch w.Role {
	case roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_DISPATCHER:
		t.Channel = roundsv1.Channel_CHANNEL_BUTLER
		if w.Role == roundsv1.Role_ROLE_DISPATCHER {
			t.Channel = pick(w.random, []roundsv1.Channel{roundsv1.Channel_CHANNEL_PHONE, roundsv1.Channel_CHANNEL_MINI_PROGRAM, roundsv1.Channel_CHANNEL_APP})
		}
		t.Location, t.CustomerWords = w.anywhere(), "业主说："+pick(w.random, findings)
		t.ContactPhone = fmt.Sprintf("139%08d", w.random.IntN(100_000_000))
		ref, err := w.device.Create(ctx, w.site, "", record(t))
		return w.note(ref, err)
	}
	ref, err := w.device.Create(ctx, w.site, "", record(t))
	if err := w.note(ref, err); err != nil || ref.ID == "" {
		return err
	}
	w.comesUp()
	return w.photographFind(ctx, ref.ID, t)
}

// touch edits a ticket that others edit too: this is where conflicts come from.
func (w *worker) touch(ctx context.Context, tickets []client.View) error {
	if len(tickets) == 0 {
		return nil
	}
	// Everybody talks about the same few.
	slices.SortFunc(tickets, func(a, b client.View) int {
		return cmp.Compare(b.Record.GetTicket().GetReportedTimeUs(), a.Record.GetTicket().GetReportedTimeUs())
	})
	v := tickets[w.random.IntN(min(4, len(tickets)))]
	var t *roundsv1.Ticket
	var field string
	switch w.random.IntN(14) {
	case 0:
		t, field = &roundsv1.Ticket{Title: fmt.Sprintf("%s（%s 改）", v.Record.GetTicket().GetTitle(), w.Name)}, "title"
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
		t, field = &roundsv1.Ticket{Location: w.anywhere()}, "location"
	default:
		ref, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(v.ID)}, Words: pick(w.random, findings), PersonId: w.ID, Said: w.clock()}}})
		return w.note(ref, err)
	}
	ref, err := w.device.Edit(ctx, w.site, v.ID, record(t), field)
	return w.note(ref, err)
}

// supervise decides what waits, and cancels now and then.
func (w *worker) supervise(ctx context.Context, tickets []client.View) (did bool, err error) {
	if n, err := w.review(ctx, tickets, 2); err != nil || n > 0 {
		return true, err
	}
	if did, err := w.reviewRounds(ctx, 2); err != nil || did {
		return did, err
	}
	if did, err := w.answer(ctx, 1); err != nil || did {
		return did, err
	}
	// Cancelling what somebody in a basement is finishing is where work after a cancellation comes from.
	open := in(tickets, roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_IN_PROGRESS)
	if len(open) > 0 && w.day.cancelled < mostCancelled && w.random.IntN(3) == 0 {
		w.day.cancelled++
		return true, w.command(ctx, pick(w.random, open), cancelled())
	}
	return false, nil
}

func cancelled() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "重复报事 / reported twice"}}}
}
