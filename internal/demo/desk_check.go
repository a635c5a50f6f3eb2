package demo

import (
	"context"
	"fmt"
	"slices"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// pageSize of lists that are read whole.
const pageSize = 200

// hold holds what the report counts from a phone's records against what the server answers a desk: the same tickets, rounds and open questions, in the same
// states, and the same sums by its own filters. What differs is returned.
func (day *Day) hold(ctx context.Context, d *demo) (wrong []string, err error) {
	w := d.first(roundsv1.Role_ROLE_SUPERVISOR)
	if w == nil {
		return nil, nil
	}
	desk, scopes := d.deskOf(w), []string{string(d.desk.site)}
	differ := func(what string, said, counted int) {
		if said != counted {
			wrong = append(wrong, fmt.Sprintf("the server says that there are %d %s, and the report counts %d", said, what, counted))
		}
	}
	// Every ticket and every round, record by record.
	mine := map[string]*roundsv1.Record{}
	counted := map[string]int{}
	for _, kind := range []string{"ticket", "inspection"} {
		for v, err := range d.desk.device.List(ctx, client.Scope(scopes[0]), kindOf(kind)) {
			if err != nil {
				return nil, err
			}
			mine[string(v.ID)] = v.Record
			counted[kind]++
		}
	}
	compare := func(rows []*roundsv1.WorkRow) {
		for _, row := range rows {
			if own := mine[row.GetRecordId()]; own == nil || !proto.Equal(own, row.GetRecord()) {
				wrong = append(wrong, fmt.Sprintf("record %s is not to the desk what it is to the phones", row.GetRecordId()))
			}
		}
	}
	total := func(filter *roundsv1.TicketFilter) (int, error) {
		all := 0
		for token := ""; ; {
			page, err := desk.ListTickets(ctx, connect.NewRequest(&roundsv1.ListTicketsRequest{Scopes: scopes, Filter: filter, PageSize: pageSize, PageToken: token}))
			if err != nil {
				return 0, fmt.Errorf("demo: the desk's list: %w", err)
			}
			compare(page.Msg.GetRows())
			all += len(page.Msg.GetRows())
			if token = page.Msg.GetNextPageToken(); token == "" {
				return all, nil
			}
		}
	}
	for _, sum := range []struct {
		what    string
		filter  *roundsv1.TicketFilter
		counted int
	}{
		{"tickets", nil, counted["ticket"]},
		{"closed tickets", &roundsv1.TicketFilter{States: []roundsv1.TicketState{atClosed}}, day.PhotoVerified + day.Forced + day.ByTasks + day.Words},
		{"tickets closed by force", &roundsv1.TicketFilter{States: []roundsv1.TicketState{atClosed}, Flags: []string{"forced"}}, day.Forced},
		{"cancelled tickets", &roundsv1.TicketFilter{States: []roundsv1.TicketState{atCancelled}}, day.Cancelled},
		{"merged tickets", &roundsv1.TicketFilter{States: []roundsv1.TicketState{atMerged}}, day.Merged},
		{"tickets that were overdue by mistake", &roundsv1.TicketFilter{Flags: []string{"offline_false_alarm"}}, day.falseAlarms},
	} {
		said, err := total(sum.filter)
		if err != nil {
			return nil, err
		}
		differ(sum.what, said, sum.counted)
	}
	rounds := 0
	for token := ""; ; {
		page, err := desk.ListInspections(ctx, connect.NewRequest(&roundsv1.ListInspectionsRequest{Scopes: scopes, PageSize: pageSize, PageToken: token}))
		if err != nil {
			return nil, fmt.Errorf("demo: the desk's list of rounds: %w", err)
		}
		compare(page.Msg.GetRows())
		rounds += len(page.Msg.GetRows())
		if token = page.Msg.GetNextPageToken(); token == "" {
			break
		}
	}
	differ("inspection rounds", rounds, counted["inspection"])
	inbox, err := desk.Inbox(ctx, connect.NewRequest(&roundsv1.InboxRequest{Scopes: scopes, Everybody: true, PageSize: 1}))
	if err != nil {
		return nil, fmt.Errorf("demo: the desk's inbox: %w", err)
	}
	open := 0
	for _, q := range day.Inbox {
		open += q.Open
		i := slices.IndexFunc(inbox.Msg.GetCounts(), func(c *roundsv1.InboxCount) bool { return stateName(c.GetType().String(), "CONFLICT_TYPE_") == q.Type })
		said := 0
		if i >= 0 {
			said = int(inbox.Msg.GetCounts()[i].GetCount())
		}
		differ("open questions of the kind "+q.Type, said, q.Open)
	}
	differ("open questions", int(inbox.Msg.GetTotal()), open)
	return wrong, nil
}
