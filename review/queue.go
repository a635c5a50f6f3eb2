package review

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

const (
	usualItems = 20
	mostItems  = 100
	// mostPhotos bounds the photos of one item: a round may have one for each of 256 answers.
	mostPhotos    = 256
	mostQuestions = 16
)

// ReviewQueue lists what waits for the caller's word, to who may read all of the scopes: tickets and rounds under review that the caller's role may confirm
// and on which the caller did not work. The error is an *engine.Error.
func (s *Service) ReviewQueue(ctx context.Context, caller engine.Caller, req *roundsv1.ReviewQueueRequest) (*roundsv1.ReviewQueueResponse, error) {
	d, err := s.open(ctx, caller, req.GetScopes()...)
	if err != nil {
		return nil, err
	}
	defer d.close()
	from, err := d.cursor(req)
	if err != nil {
		return nil, err
	}
	page := newPage(from, sizeOf(req.GetPageSize(), usualItems, mostItems))
	for i, b := range d.boards {
		tickets := d.holds(d.scopes[i], s.approves[kindTicket]...)
		rounds := d.holds(d.scopes[i], s.approves[kindInspection]...) && req.GetFilter() == nil
		b.read(func(c *content) {
			if tickets {
				c.waitingTickets(d, req.GetFilter(), from.nowUS, func(p position) { p.scope = uint8(i); page.add(p) })
			}
			if rounds {
				c.waitingRounds(d, func(p position) { p.scope = uint8(i); page.add(p) })
			}
		})
	}
	resp := &roundsv1.ReviewQueueResponse{Total: page.total()}
	rows, more := page.rows()
	names, seen := d.names(), 0
	for size := 0; seen < len(rows) && size < fullPage; seen++ {
		p := rows[seen]
		item, err := d.item(ctx, int(p.scope), p.id)
		if err != nil {
			return nil, err
		}
		if item == nil {
			continue // it was decided while the page was read
		}
		size += proto.Size(item)
		names.record(int(p.scope), item.GetRow().GetRecord())
		names.ask(int(p.scope), item.GetPerformerIds()...)
		for _, photo := range item.GetPhotos() {
			names.ask(int(p.scope), photo.GetPhoto().GetPersonId(), photo.GetPhoto().GetLocation().GetPlaceId())
		}
		resp.Items = append(resp.Items, item)
	}
	if more || seen < len(rows) {
		resp.NextPageToken = d.token(req, cursor{after: rows[seen-1], nowUS: from.nowUS})
	}
	if resp.Names, err = names.found(ctx); err != nil {
		return nil, err
	}
	return resp, nil
}

// waitingTickets visits the tickets that the caller may confirm.
func (c *content) waitingTickets(d *desk, f *roundsv1.TicketFilter, now int64, visit func(position)) {
	if f != nil && len(f.GetStates()) > 0 {
		f = proto.CloneOf(f)
		f.States = nil
	}
	filter := c.ticketFilter(f, now)
	me, named := c.ids.get(string(d.caller.Person))
	for i := range c.tickets.slots {
		one := &c.tickets.slots[i]
		t := &one.row
		if !one.live || t.state != pendingReview || !filter.lets(i, one.id, t) || named && (slices.Contains(t.performers, me) || c.showed(one.id, me)) {
			continue
		}
		visit(position{rank: t.review, last: t.review == 0, id: one.id})
	}
}

// showed: whether a person took a photo that is part of the work, in any round, also of what was merged into it.
func (c *content) showed(id uid, person ref) bool {
	for _, of := range c.family(id) {
		for _, one := range c.under(of).photos {
			if p := c.photos.get(one); p.person == person && p.proves() {
				return true
			}
		}
	}
	return false
}

// proves: whether taking the photo was part of the work: it shows what was finished, or a checklist item. One of the fault may be a reporter's or a reviewer's.
func (p *photo) proves() bool {
	return p.role == uint8(roundsv1.PhotoRole_PHOTO_ROLE_AFTER) || p.role == uint8(roundsv1.PhotoRole_PHOTO_ROLE_ITEM)
}

// waitingRounds visits the inspection rounds that the caller may confirm.
func (c *content) waitingRounds(d *desk, visit func(position)) {
	me, named := c.ids.get(string(d.caller.Person))
	for i := range c.inspections.slots {
		one := &c.inspections.slots[i]
		if !one.live || one.row.state != inspectionPendingReview || named && slices.Contains(one.row.performers, me) {
			continue
		}
		visit(position{rank: one.row.end, last: one.row.end == 0, id: one.id})
	}
}

// item puts together what a reviewer looks at; nil where nothing waits any more.
func (d *desk) item(ctx context.Context, scope int, id uid) (*roundsv1.ReviewItem, error) {
	var kind merge.Kind
	d.boards[scope].read(func(c *content) { kind = c.kindOf(id) })
	row, change, err := d.row(ctx, scope, kind, id)
	if err != nil {
		return nil, err
	}
	item := &roundsv1.ReviewItem{Row: row, Summary: &roundsv1.ReviewSummary{Comments: row.GetComments()}}
	switch of := row.GetRecord().GetKind().(type) {
	case *roundsv1.Record_Ticket:
		if of.Ticket.GetState() != roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW {
			return nil, nil
		}
		item.Round, item.PerformerIds = of.Ticket.GetRound(), ticketPerformers(of.Ticket)
		row.DueUs = reviewDueOf(of.Ticket)
		summarizeTicket(item.Summary, of.Ticket, d.now.UnixMicro())
	case *roundsv1.Record_Inspection:
		if of.Inspection.GetState() != roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW {
			return nil, nil
		}
		item.Round, item.PerformerIds = of.Inspection.GetRound(), inspectionPerformers(of.Inspection)
		row.DueUs = of.Inspection.GetWindowEndUs()
		summarizeRound(item.Summary, of.Inspection)
	default:
		return nil, nil
	}
	row.Overdue = row.GetDueUs() != 0 && row.GetDueUs() < d.now.UnixMicro()
	looks, err := d.reviewed(ctx, scope, id, change)
	if err != nil {
		return nil, err
	}
	var photos []shown
	d.boards[scope].read(func(c *content) {
		photos = c.evidence(looks)
		item.Obstacles = c.obstacles(looks, photos)
		for _, one := range c.belongs(id, change).questions {
			if c.questions.get(one).open && len(item.QuestionIds) < mostQuestions {
				item.QuestionIds = append(item.QuestionIds, one.String())
			}
		}
	})
	slices.Sort(item.QuestionIds)
	photos, item.MorePhotos = upTo(mostPhotos, photos)
	for i := range photos {
		one := &photos[i]
		photo, err := d.photo(ctx, scope, one)
		if err != nil {
			return nil, err
		}
		if by := photo.GetPhoto().GetPersonId(); one.proves() && !one.origin && by != "" {
			item.PerformerIds = people(append(item.PerformerIds, by))
		}
		item.Photos = append(item.Photos, photo)
	}
	item.Digest, err = d.digest(ctx, scope, change)
	return item, err
}

// photo reads one photo and how well the time of its capture is known; of one that is not there, or is gone, its id alone. It is shared, and not to be changed.
func (d *desk) photo(ctx context.Context, scope int, of *shown) (*roundsv1.ReviewPhoto, error) {
	id, ok := parseUID(of.id)
	if !ok || !of.here {
		return &roundsv1.ReviewPhoto{PhotoId: of.id}, nil
	}
	recent := d.boards[scope].recent
	kept, generation, _ := recent.get(kindPhoto, id)
	if kept.shown != nil {
		return kept.shown, nil
	}
	change, err := d.record(ctx, scope, kindPhoto, id)
	if err != nil {
		return nil, err
	}
	if change.GetRecord().GetPhoto() == nil || change.GetDeleted() {
		return &roundsv1.ReviewPhoto{PhotoId: of.id}, nil
	}
	shows := &roundsv1.ReviewPhoto{PhotoId: of.id, Photo: change.GetRecord().GetPhoto(), CapturedUs: of.captured}
	at := journal.Seq(of.seq)
	for entry, err := range d.cfg.Records.History(ctx, d.scopes[scope], kindPhoto, merge.RecordID(of.id), engine.HistorySpan{From: at, To: at + 1}) {
		if err != nil {
			return nil, err
		}
		shows.Trust, shows.TakenUs = entry.Outcome.GetTrust(), entry.Head.GetTakenUs()
	}
	recent.put(id, held{kind: kindPhoto, change: change, shown: shows}, generation)
	return shows, nil
}

// summarizeTicket tells what went before, out of the ticket's ledger of time.
func summarizeTicket(s *roundsv1.ReviewSummary, t *roundsv1.Ticket, now int64) {
	for _, said := range t.GetReviews() {
		if said.GetVerdict() == roundsv1.Verdict_VERDICT_REJECTED {
			s.Rejections++
		}
	}
	moves := t.GetMoves()
	for i, move := range moves {
		if move.GetLate() {
			s.LateMoves++
		}
		if move.GetRound() != t.GetRound() {
			continue
		}
		until := now
		if i+1 < len(moves) {
			until = moves[i+1].GetTimeUs()
		}
		switch lasted := max(0, until-move.GetTimeUs()); move.GetState() {
		case roundsv1.TicketState_TICKET_STATE_IN_PROGRESS:
			s.WorkedUs += lasted
		case roundsv1.TicketState_TICKET_STATE_PAUSED:
			s.PausedUs += lasted
		case roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW:
			s.ReadyUs = move.GetTimeUs()
		}
	}
	for _, deadline := range t.GetDeadlines() {
		if deadline.GetStep() == roundsv1.Step_STEP_FINISH && deadline.GetRound() == t.GetRound() {
			s.Finish = deadline.GetState()
		}
	}
	s.DoneUs = earliest(t.GetCompletions(), t.GetRound())
}

func summarizeRound(s *roundsv1.ReviewSummary, i *roundsv1.Inspection) {
	for _, said := range i.GetReviews() {
		if said.GetVerdict() == roundsv1.Verdict_VERDICT_REJECTED {
			s.Rejections++
		}
	}
	s.DoneUs = earliest(i.GetCompletions(), i.GetRound())
}

// earliest is when the work of a round was first reported as done; 0: never.
func earliest(all []*roundsv1.Completion, round uint32) (at int64) {
	for _, done := range all {
		if done.GetRound() == round && (at == 0 || done.GetTimeUs() < at) {
			at = done.GetTimeUs()
		}
	}
	return at
}
