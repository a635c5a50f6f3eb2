package demo

import (
	"context"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// labour goes on with the person's own work. It returns whether there was some.
func (w *worker) labour(ctx context.Context, tickets []client.View) (did bool, err error) {
	var mine []client.View
	for _, v := range tickets {
		t := v.Record.GetTicket()
		working := t.GetState() >= roundsv1.TicketState_TICKET_STATE_DISPATCHED && t.GetState() <= roundsv1.TicketState_TICKET_STATE_PAUSED
		if (t.GetAssigneeId() == w.ID || slices.Contains(t.GetCrewIds(), w.ID)) && len(t.GetChildIds()) == 0 &&
			(working || t.GetState() == roundsv1.TicketState_TICKET_STATE_REWORK) {
			mine = append(mine, v)
		}
	}
	if len(mine) == 0 {
		return false, nil
	}
	v := pick(w.random, mine)
	t := v.Record.GetTicket()
	switch t.GetState() {
	case roundsv1.TicketState_TICKET_STATE_DISPATCHED:
		if w.random.IntN(15) == 0 {
			return true, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{
				Decline: &roundsv1.TicketDecline{AssignEpoch: t.GetAssignEpoch(), Reason: "正在处理紧急情况 / on an emergency"}}})
		}
		if t.GetAssigneeId() == w.ID {
			return true, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: t.GetAssignEpoch()}}})
		}
		return true, w.begin(ctx, v)
	case roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_REWORK:
		return true, w.begin(ctx, v)
	case roundsv1.TicketState_TICKET_STATE_PAUSED:
		if t.GetAssigneeId() == w.ID {
			return true, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}})
		}
		return true, w.begin(ctx, v)
	}
	if w.random.IntN(8) == 0 && t.GetAssigneeId() == w.ID {
		return true, w.pause(ctx, v)
	}
	return true, w.complete(ctx, v)
}

// begin takes the photo from before the work where it is asked for, and starts.
func (w *worker) begin(ctx context.Context, v client.View) error {
	t := v.Record.GetTicket()
	if w.beforeWanted(t) {
		if _, err := w.photograph(ctx, w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)); err != nil {
			return err
		}
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}})
}

// pause lets a ticket wait; for a reason that stops the clocks there is a remark that shows it.
func (w *worker) pause(ctx context.Context, v client.View) error {
	why := &roundsv1.TicketPause{Reason: pick(w.random, []string{"contractor", "other", "parts", "owner"})}
	if why.Reason == "parts" || why.Reason == "owner" {
		ref, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(v.ID)}, Words: "已电话联系，约下午 / called, this afternoon", PersonId: w.ID, Said: w.clock()}}})
		if err := w.note(ref, err); err != nil || ref.ID == "" {
			return err
		}
		why.Proof = &roundsv1.RecordRef{Kind: "comment", Id: string(ref.ID)}
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: why}})
}

// complete reports a ticket as done: facts, and one command.
func (w *worker) complete(ctx context.Context, v client.View) error {
	t := v.Record.GetTicket()
	if err := w.laboured(ctx, v.ID); err != nil {
		return err
	}
	var photos []string
	for range max(1, int(t.GetRequirements().GetAfterPhotos())) {
		photo, err := w.photograph(ctx, w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_AFTER))
		if err != nil || photo == "" {
			return err
		}
		photos = append(photos, string(photo))
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
		SubmitCompletion: &roundsv1.TicketSubmit{Round: t.GetRound(), PhotoIds: photos}}})
}

// laboured adds an interval of work, parts and a visit to a ticket.
func (w *worker) laboured(ctx context.Context, ticket client.RecordID) error {
	id, err := w.device.NewID()
	if err != nil {
		return err
	}
	ref, err := w.device.Fact(ctx, w.site, ticket, record(&roundsv1.Ticket{
		Labour: []*roundsv1.Labour{{Id: string(id), PersonId: w.ID, Ended: w.clock()}}, Visits: 1, PartsUsed: map[string]int64{"PART-001": int64(1 + w.random.IntN(2))}}))
	return w.note(ref, err)
}
