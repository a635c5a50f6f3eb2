package review

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// Inbox lists open questions of the scopes, to who may read all of them: those that the caller is asked, or everybody's. The error is an *engine.Error.
func (s *Service) Inbox(ctx context.Context, caller engine.Caller, req *roundsv1.InboxRequest) (*roundsv1.InboxResponse, error) {
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
	counts := map[roundsv1.ConflictType]uint32{}
	types := bitsOf(req.GetTypes())
	subject, about := parseUID(req.GetSubject().GetId())
	if req.GetSubject() != nil && !about {
		return nil, invalid("subject", "记录编号无效。", "A record's id is a UUID in lower case.")
	}
	for i, b := range d.boards {
		roles := s.cfg.Access.Roles(caller.Person, d.scopes[i], d.now)
		b.read(func(c *content) {
			me, named := c.ids.get(string(caller.Person))
			for j := range c.questions.slots {
				one := &c.questions.slots[j]
				q := &one.row
				if !one.live || !q.open || !req.GetEverybody() && !s.asks(q, me, named, roles) || from.nowUS-q.opened < req.GetMinAgeUs() ||
					about && !slices.Contains(q.subjects, subject) {
					continue
				}
				counts[roundsv1.ConflictType(q.typ)]++
				if types.lets(q.typ) {
					page.add(position{rank: q.opened, id: one.id, scope: uint8(i)})
				}
			}
		})
	}
	resp := &roundsv1.InboxResponse{Total: page.total()}
	for of, n := range counts {
		resp.Counts = append(resp.Counts, &roundsv1.InboxCount{Type: of, Count: n})
	}
	slices.SortFunc(resp.Counts, func(a, b *roundsv1.InboxCount) int { return int(a.GetType()) - int(b.GetType()) })
	rows, more := page.rows()
	names, seen := d.names(), 0
	for size := 0; seen < len(rows) && size < fullPage; seen++ {
		p := rows[seen]
		item, err := d.question(ctx, int(p.scope), p.id)
		if err != nil {
			return nil, err
		}
		if item != nil {
			size += proto.Size(item)
			names.question(int(p.scope), item.GetRow().GetRecord().GetConflict())
			resp.Items = append(resp.Items, item)
		}
	}
	if more || seen < len(rows) {
		resp.NextPageToken = d.token(req, cursor{after: rows[seen-1], nowUS: from.nowUS})
	}
	if resp.Names, err = names.found(ctx); err != nil {
		return nil, err
	}
	for _, item := range resp.GetItems() {
		for _, side := range item.GetSides() {
			side.Person = resp.Names[side.GetSide().GetPersonId()]
		}
	}
	return resp, nil
}

// asks: whether somebody is asked a question: by name; else by the role that it names, which a manager has too; else by a role that decides such questions.
func (s *Service) asks(q *question, me ref, named bool, roles []roundsv1.Role) bool {
	if q.owner != 0 {
		return named && q.owner == me
	}
	if owner := roundsv1.Role(q.role); owner != roundsv1.Role_ROLE_UNSPECIFIED {
		return slices.Contains(roles, owner) || manages(owner) && slices.Contains(roles, roundsv1.Role_ROLE_MANAGER)
	}
	return s.mayDecide(roundsv1.ConflictType(q.typ), roles)
}

// manages: whether a manager may do what such a role may.
func manages(role roundsv1.Role) bool {
	switch role {
	case roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_DISPATCHER, roundsv1.Role_ROLE_SUPERVISOR:
		return true
	}
	return false
}

// mayDecide: whether one of the roles decides questions of a type. Two values of a field are corrected by whoever may edit: all who work.
func (s *Service) mayDecide(of roundsv1.ConflictType, roles []roundsv1.Role) bool {
	if of == roundsv1.ConflictType_CONFLICT_TYPE_ASK {
		return slices.ContainsFunc(roles, func(r roundsv1.Role) bool { return manages(r) || r == roundsv1.Role_ROLE_MANAGER })
	}
	return slices.ContainsFunc(roles, func(r roundsv1.Role) bool { return slices.Contains(s.decides[of], r) })
}

// question puts together one open question; nil where it was decided meanwhile.
func (d *desk) question(ctx context.Context, scope int, id uid) (*roundsv1.InboxItem, error) {
	row, _, err := d.row(ctx, scope, kindConflict, id)
	if err != nil {
		return nil, err
	}
	q := row.GetRecord().GetConflict()
	if q.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		return nil, nil
	}
	item := &roundsv1.InboxItem{Row: row, AgeUs: max(0, d.now.UnixMicro()-q.GetOpenedTimeUs())}
	if item.SubjectTitle, err = d.title(ctx, scope, q.GetSubject()); err != nil {
		return nil, err
	}
	roles := d.cfg.Access.Roles(d.caller.Person, d.scopes[scope], d.now)
	if d.mayDecide(q.GetType(), roles) || q.GetOwnerId() == string(d.caller.Person) {
		item.Actions = work.Offers(q, roles)
	}
	for _, side := range q.GetSides() {
		shows := &roundsv1.InboxSide{Side: side}
		if shows.Title, err = d.title(ctx, scope, side.GetRecord()); err != nil {
			return nil, err
		}
		if item.GetSubjectTitle() == "" {
			item.SubjectTitle = shows.GetTitle() // of a photo or a remark, what it is about
		}
		item.Sides = append(item.Sides, shows)
	}
	return item, nil
}

// title is what people call a ticket or a round; empty for anything else, and where it is not here.
func (d *desk) title(ctx context.Context, scope int, of *roundsv1.RecordRef) (string, error) {
	if of.GetKind() != string(kindTicket) && of.GetKind() != string(kindInspection) {
		return "", nil
	}
	id, ok := parseUID(of.GetId())
	if !ok {
		return "", nil
	}
	change, err := d.record(ctx, scope, kindOfRef(of), id)
	if err != nil {
		return "", err
	}
	if t := change.GetRecord().GetTicket(); t != nil {
		return t.GetTitle(), nil
	}
	return change.GetRecord().GetInspection().GetTitle(), nil
}
