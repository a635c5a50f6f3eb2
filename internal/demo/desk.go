package demo

import (
	"context"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
)

// mostTogether is how many approvals a desk sends at once.
const mostTogether = 20

// reviewAtDesk lets a person confirm, from the queue of a desk and together, what nothing speaks against. It returns how many the server took. Acts of a desk
// are the server's own entries: no phone stands for them.
func (d *demo) reviewAtDesk(ctx context.Context, w *worker) (approved int, err error) {
	desk := roundsv1connect.NewWorkServiceClient(http.DefaultClient, "http://"+d.server.listen, connect.WithInterceptors(bearerOf(w.tokens)))
	queue, err := desk.ReviewQueue(ctx, connect.NewRequest(&roundsv1.ReviewQueueRequest{Scopes: []string{string(w.site)}, PageSize: mostTogether}))
	if err != nil {
		return 0, fmt.Errorf("demo: the queue of %s: %w", w.name, err)
	}
	req := &roundsv1.DecideRequest{}
	for _, item := range queue.Msg.GetItems() {
		if len(item.GetObstacles()) > 0 || item.GetRow().GetRecord().GetTicket() == nil {
			continue
		}
		req.Acts = append(req.Acts, &roundsv1.DeskAct{ActId: uuid.NewString(), Scope: string(w.site), RecordId: item.GetRow().GetRecordId(), Base: item.GetRow().GetVersion(),
			Act: &roundsv1.DeskAct_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{
				Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: item.GetRound(), ReviewDigest: item.GetDigest()}}}}}}})
	}
	if len(req.GetActs()) == 0 {
		return 0, nil
	}
	resp, err := desk.Decide(ctx, connect.NewRequest(req))
	if err != nil {
		return 0, fmt.Errorf("demo: the desk of %s: %w", w.name, err)
	}
	for _, r := range resp.Msg.GetResults() {
		if r.GetOutcome().GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			approved++
		}
	}
	d.day.atDesk += approved
	return approved, nil
}
