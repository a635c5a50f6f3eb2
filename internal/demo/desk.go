package demo

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/link"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// mostTogether is how many approvals a desk sends at once.
const mostTogether = 20

// deskOf is what a person at a desk calls, over HTTP. Acts of a desk are the server's own entries: no phone stands for them.
func (d *demo) deskOf(w *worker) roundsv1connect.WorkServiceClient {
	return roundsv1connect.NewWorkServiceClient(http.DefaultClient, "http://"+d.server.listen, connect.WithInterceptors(bearerOf(w.tokens)))
}

// deskTime is how often a leader sits down at a desk during the day, in hours.
const deskTime = 1.0

// atDesks lets those who decide sit down at a desk and see what waits for them.
func (d *demo) atDesks(ctx context.Context) error {
	for _, w := range d.present() {
		if w.below || w.Role != roundsv1.Role_ROLE_SUPERVISOR && w.Role != roundsv1.Role_ROLE_FOREMAN {
			continue
		}
		err := d.withOffice(func() error {
			w.link.Reshape(link.Shape{})
			w.link.On() // for the phone's token
			defer w.dropIdle()
			defer w.link.Off()
			if w.Role == roundsv1.Role_ROLE_SUPERVISOR {
				if _, err := d.reviewAtDesk(ctx, w); err != nil {
					return err
				}
			}
			_, err := d.answerAtDesk(ctx, w)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// reviewAtDesk lets a person confirm, from the queue of a desk and together, what nothing speaks against. It returns how many the server took.
func (d *demo) reviewAtDesk(ctx context.Context, w *worker) (approved int, err error) {
	queue, err := d.deskOf(w).ReviewQueue(ctx, connect.NewRequest(&roundsv1.ReviewQueueRequest{Scopes: []string{string(w.site)}, PageSize: mostTogether}))
	if err != nil {
		return 0, fmt.Errorf("demo: the queue of %s: %w", w.name, err)
	}
	req := &roundsv1.DecideRequest{}
	for _, item := range queue.Msg.GetItems() {
		row := item.GetRow()
		if len(item.GetObstacles()) > 0 || d.day.taken[client.RecordID(row.GetRecordId())] {
			continue
		}
		act := &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{
			Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: item.GetRound(), ReviewDigest: item.GetDigest()}}}}}
		if row.GetRecord().GetInspection() != nil {
			act = &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: &roundsv1.InspectionCommand{
				Command: &roundsv1.InspectionCommand_Approve{Approve: &roundsv1.InspectionApprove{Round: item.GetRound(), ReviewDigest: item.GetDigest()}}}}}
		}
		req.Acts = append(req.Acts, deskAct(row, act))
	}
	taken, err := d.decideAtDesk(ctx, w, req)
	d.day.atDesk += len(taken)
	return len(taken), err
}

// answerAtDesk lets a person decide what the desk asks them. Questions that another look answers are left to that. It returns how many the server took.
func (d *demo) answerAtDesk(ctx context.Context, w *worker) (answered int, err error) {
	inbox, err := d.deskOf(w).Inbox(ctx, connect.NewRequest(&roundsv1.InboxRequest{Scopes: []string{string(w.site)}, PageSize: 100}))
	if err != nil {
		return 0, fmt.Errorf("demo: the inbox of %s: %w", w.name, err)
	}
	req := &roundsv1.DecideRequest{}
	for _, item := range inbox.Msg.GetItems() {
		q := item.GetRow().GetRecord().GetConflict()
		decide := w.decision(q)
		if decide == nil || len(item.GetActions()) == 0 || q.GetPersonId() == w.ID || d.day.taken[client.RecordID(q.GetSubject().GetId())] {
			continue
		}
		if a := decide.GetDecide().GetAction(); a != 0 && !slices.Contains(item.GetActions(), a) {
			continue
		}
		req.Acts = append(req.Acts, deskAct(item.GetRow(), &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: decide}}))
	}
	taken, err := d.decideAtDesk(ctx, w, req)
	for _, id := range taken {
		d.answered[id] = true
	}
	return len(taken), err
}

func deskAct(row *roundsv1.WorkRow, c *roundsv1.Command) *roundsv1.DeskAct {
	return &roundsv1.DeskAct{ActId: uuid.NewString(), Scope: row.GetScope(), RecordId: row.GetRecordId(), Base: row.GetVersion(), Act: &roundsv1.DeskAct_Command{Command: c}}
}

// decideAtDesk sends acts, remembers what was answered, and returns the records of those that the server took.
func (d *demo) decideAtDesk(ctx context.Context, w *worker, req *roundsv1.DecideRequest) (taken []client.RecordID, err error) {
	if len(req.GetActs()) == 0 {
		return nil, nil
	}
	resp, err := d.deskOf(w).Decide(ctx, connect.NewRequest(req))
	if err != nil {
		return nil, fmt.Errorf("demo: the desk of %s: %w", w.name, err)
	}
	for i, r := range resp.Msg.GetResults() {
		o := r.GetOutcome()
		if o == nil {
			continue // it stands nowhere
		}
		d.acts = append(d.acts, promises.Act{Scope: store.Scope(w.site), Person: w.ID, ID: r.GetActId(), Status: o.GetStatus(), Seq: journal.Seq(o.GetSeq())})
		if o.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			taken = append(taken, client.RecordID(req.GetActs()[i].GetRecordId()))
		}
	}
	return taken, nil
}
