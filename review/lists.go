package review

import (
	"context"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// The sizes of pages.
const (
	usualPage = 50
	mostRows  = 500
	// fullPage ends a page, bytes, whatever its size in rows: a record has up to 4 MiB, and who lists them might ask for hundreds of such.
	fullPage = 4 << 20
)

// ranked is a value as an order goes by it.
func ranked(value int64, descending bool) int64 {
	if descending {
		return -max(value, -math.MaxInt64)
	}
	return value
}

// ListTickets lists tickets of the scopes, to who may read all of them. The error is an *engine.Error.
func (s *Service) ListTickets(ctx context.Context, caller engine.Caller, req *roundsv1.ListTicketsRequest) (*roundsv1.ListTicketsResponse, error) {
	d, err := s.open(ctx, caller, req.GetScopes()...)
	if err != nil {
		return nil, err
	}
	defer d.close()
	from, err := d.cursor(req)
	if err != nil {
		return nil, err
	}
	page := newPage(from, sizeOf(req.GetPageSize(), usualPage, mostRows))
	for i, b := range d.boards {
		b.read(func(c *content) {
			filter := c.ticketFilter(req.GetFilter(), from.nowUS)
			for j := range c.tickets.slots {
				if one := &c.tickets.slots[j]; one.live && filter.lets(j, one.id, &one.row) {
					page.add(one.row.position(req.GetSort(), req.GetDescending(), one.id, uint8(i)))
				}
			}
		})
	}
	l, err := d.listed(ctx, kindTicket, req, page)
	if err != nil {
		return nil, err
	}
	return &roundsv1.ListTicketsResponse{Rows: l.rows, Total: page.total(), NextPageToken: l.next, Names: l.names}, nil
}

// position is where a ticket stands in an order.
func (t *ticket) position(by roundsv1.TicketSort, descending bool, id uid, scope uint8) position {
	p := position{id: id, scope: scope}
	switch by {
	case roundsv1.TicketSort_TICKET_SORT_UPDATED:
		p.rank = t.updated
	case roundsv1.TicketSort_TICKET_SORT_DUE:
		p.rank, p.last = t.due, t.due == 0
	case roundsv1.TicketSort_TICKET_SORT_PRIORITY:
		p.rank = int64(t.priority)
	case roundsv1.TicketSort_TICKET_SORT_ESCALATION:
		p.rank = int64(t.escalation)
	default:
		p.rank = t.reported
	}
	p.rank = ranked(p.rank, descending)
	return p
}

// ListInspections lists inspection rounds of the scopes, to who may read all of them. The error is an *engine.Error.
func (s *Service) ListInspections(
	ctx context.Context, caller engine.Caller, req *roundsv1.ListInspectionsRequest,
) (*roundsv1.ListInspectionsResponse, error) {
	d, err := s.open(ctx, caller, req.GetScopes()...)
	if err != nil {
		return nil, err
	}
	defer d.close()
	from, err := d.cursor(req)
	if err != nil {
		return nil, err
	}
	page := newPage(from, sizeOf(req.GetPageSize(), usualPage, mostRows))
	for i, b := range d.boards {
		b.read(func(c *content) {
			filter := c.inspectionFilter(req.GetFilter(), from.nowUS)
			for j := range c.inspections.slots {
				if one := &c.inspections.slots[j]; one.live && filter.lets(j, one.id, &one.row) {
					page.add(one.row.position(req.GetSort(), req.GetDescending(), one.id, uint8(i)))
				}
			}
		})
	}
	l, err := d.listed(ctx, kindInspection, req, page)
	if err != nil {
		return nil, err
	}
	return &roundsv1.ListInspectionsResponse{Rows: l.rows, Total: page.total(), NextPageToken: l.next, Names: l.names}, nil
}

// position is where a round stands in an order.
func (i *inspection) position(by roundsv1.InspectionSort, descending bool, id uid, scope uint8) position {
	p := position{id: id, scope: scope}
	switch by {
	case roundsv1.InspectionSort_INSPECTION_SORT_UPDATED:
		p.rank = i.updated
	case roundsv1.InspectionSort_INSPECTION_SORT_DUE:
		p.rank, p.last = i.due(), i.due() == 0
	case roundsv1.InspectionSort_INSPECTION_SORT_SCORE:
		p.rank = i.score
	default:
		p.rank = i.start
	}
	p.rank = ranked(p.rank, descending)
	return p
}

// ListNotices lists what the caller is told in the scopes, to who may read all of them. The error is an *engine.Error.
func (s *Service) ListNotices(ctx context.Context, caller engine.Caller, req *roundsv1.ListNoticesRequest) (*roundsv1.ListNoticesResponse, error) {
	d, err := s.open(ctx, caller, req.GetScopes()...)
	if err != nil {
		return nil, err
	}
	defer d.close()
	from, err := d.cursor(req)
	if err != nil {
		return nil, err
	}
	page := newPage(from, sizeOf(req.GetPageSize(), usualPage, mostRows))
	codes := bitsOf(req.GetCodes())
	for i, b := range d.boards {
		roles := bitsOf(s.cfg.Access.Roles(caller.Person, d.scopes[i], d.now))
		b.read(func(c *content) {
			me, named := c.ids.get(string(caller.Person))
			for j := range c.notices.slots {
				one := &c.notices.slots[j]
				if !one.live || !codes.lets(one.row.code) || !within(req.GetTold(), one.row.time) || !one.row.tells(me, named, roles) ||
					req.GetUnseen() && named && slices.Contains(one.row.seen, me) {
					continue
				}
				page.add(position{rank: ranked(one.row.time, true), id: one.id, scope: uint8(i)})
			}
		})
	}
	l, err := d.listed(ctx, kindNotice, req, page)
	if err != nil {
		return nil, err
	}
	return &roundsv1.ListNoticesResponse{Rows: l.rows, Total: page.total(), NextPageToken: l.next, Names: l.names}, nil
}

// tells: whether somebody is told, by name or by a role.
func (n *notice) tells(me ref, named bool, roles bits) bool {
	return named && slices.Contains(n.people, me) || n.role != 0 && roles&(1<<(n.role&63)) != 0
}

// listed is what every list answers with.
type listed struct {
	rows  []*roundsv1.WorkRow
	next  string // the token of the next page; "" where there is none
	names map[string]*roundsv1.Text
}

// listed reads the records of a page, and the names of what they name.
func (d *desk) listed(ctx context.Context, kind merge.Kind, request asked, page *page) (l listed, err error) {
	at, more := page.rows()
	if l.rows, err = d.rows(ctx, kind, at); err != nil {
		return listed{}, err
	}
	if n := len(l.rows); more || n < len(at) {
		l.next = d.token(request, cursor{after: at[n-1], nowUS: page.from.nowUS})
	}
	names := d.names()
	for i, row := range l.rows {
		names.record(int(at[i].scope), row.GetRecord())
	}
	l.names, err = names.found(ctx)
	return l, err
}

// rows reads the records of a page. One that was deleted meanwhile comes without its record, so that the answer has a row for each position,
// up to the one that fills the page.
func (d *desk) rows(ctx context.Context, kind merge.Kind, at []position) ([]*roundsv1.WorkRow, error) {
	rows := make([]*roundsv1.WorkRow, 0, len(at))
	for size := 0; len(rows) < len(at) && size < fullPage; {
		p := at[len(rows)]
		row, _, err := d.row(ctx, int(p.scope), kind, p.id)
		if err != nil {
			return nil, err
		}
		rows, size = append(rows, row), size+proto.Size(row)
	}
	return rows, nil
}
