package review

import (
	"cmp"
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
	// mostPhotos bounds the photos of one item.
	mostPhotos    = 64
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
	if more {
		resp.NextPageToken = d.token(req, cursor{after: rows[len(rows)-1], nowUS: from.nowUS})
	}
	names := d.names()
	for _, p := range rows {
		item, err := d.item(ctx, int(p.scope), p.id)
		if err != nil {
			return nil, err
		}
		if item == nil {
			continue // it was decided while the page was read
		}
		names.record(int(p.scope), item.GetRow().GetRecord())
		names.people(int(p.scope), item.GetPerformerIds()...)
		for _, photo := range item.GetPhotos() {
			names.people(int(p.scope), photo.GetPhoto().GetPersonId(), photo.GetPhoto().GetLocation().GetPlaceId())
		}
		resp.Items = append(resp.Items, item)
	}
	resp.Names = names.found()
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
		if !one.live || t.state != pendingReview || !filter.rows.lets(i) || !filter.lets(one.id, t) || named && (has(t.performers, me) || c.showed(one.id, me)) {
			continue
		}
		visit(position{rank: t.review, last: t.review == 0, id: one.id})
	}
}

// showed: whether a person took a photo that is part of the work, in any round.
func (c *content) showed(id uid, person ref) bool {
	for _, one := range c.under(id).photos {
		if p := c.photos.get(one); p.person == person && p.proves() {
			return true
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
		if !one.live || one.row.state != inspectionPendingReview || named && has(one.row.performers, me) {
			continue
		}
		visit(position{rank: one.row.end, last: one.row.end == 0, id: one.id})
	}
}

// kindOf is the kind of a record that waits for review.
func (c *content) kindOf(id uid) merge.Kind {
	if c.tickets.get(id) != nil {
		return kindTicket
	}
	return kindInspection
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
	var photos []shown
	d.boards[scope].read(func(c *content) {
		photos = c.evidence(id, item.GetRound())
		item.Obstacles = c.obstacles(id, row.GetRecord(), item.GetRound())
		for _, one := range c.under(id).questions {
			if c.questions.get(one).open && len(item.QuestionIds) < mostQuestions {
				item.QuestionIds = append(item.QuestionIds, one.String())
			}
		}
	})
	slices.Sort(item.QuestionIds)
	if len(photos) > mostPhotos {
		photos, item.MorePhotos = photos[:mostPhotos], true
	}
	for _, one := range photos {
		photo, err := d.photo(ctx, scope, one)
		if err != nil {
			return nil, err
		}
		if photo == nil {
			continue
		}
		if by := photo.GetPhoto().GetPersonId(); one.proves() && by != "" {
			item.PerformerIds = people(append(item.PerformerIds, by))
		}
		item.Photos = append(item.Photos, photo)
	}
	item.Digest, err = d.digest(ctx, scope, change)
	return item, err
}

// shown is a photo to be shown.
type shown struct {
	id uid
	photo
}

// evidence returns what a reviewer of a round sees: its photos, and those of the state found from every round; hidden ones are left out.
func (c *content) evidence(id uid, round uint32) []shown {
	const before = uint8(roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)
	var all []shown
	for _, one := range c.under(id).photos {
		p := c.photos.get(one)
		if !p.hidden && (p.round == round || p.role == before) {
			all = append(all, shown{one, *p})
		}
	}
	slices.SortFunc(all, func(a, b shown) int {
		return cmp.Or(cmp.Compare(a.role-1, b.role-1), cmp.Compare(a.captured, b.captured), compareUIDs(a.id, b.id)) // a role that is not said comes last
	})
	return all
}

// photo reads one photo and how well the time of its capture is known; nil where it is gone. It is shared, and not to be changed.
func (d *desk) photo(ctx context.Context, scope int, of shown) (*roundsv1.ReviewPhoto, error) {
	recent := d.boards[scope].recent
	kept, generation, _ := recent.get(kindPhoto, of.id)
	if kept.shown != nil {
		return kept.shown, nil
	}
	change, err := d.record(ctx, scope, kindPhoto, of.id)
	if err != nil || change.GetRecord().GetPhoto() == nil || change.GetDeleted() {
		return nil, err
	}
	shows := &roundsv1.ReviewPhoto{PhotoId: of.id.String(), Photo: change.GetRecord().GetPhoto(), CapturedUs: of.captured}
	at := journal.Seq(of.seq)
	for entry, err := range d.cfg.Records.History(ctx, d.scopes[scope], kindPhoto, of.id.String(), engine.HistorySpan{From: at, To: at + 1}) {
		if err != nil {
			return nil, err
		}
		shows.Trust, shows.TakenUs = entry.Outcome.GetTrust(), entry.Head.GetTakenUs()
	}
	recent.put(of.id, held{kind: kindPhoto, change: change, shown: shows}, generation)
	return shows, nil
}

// obstacles says why a closure has to be looked at by itself.
func (c *content) obstacles(id uid, record *roundsv1.Record, round uint32) []roundsv1.BulkObstacle {
	var all []roundsv1.BulkObstacle
	add := func(is bool, what roundsv1.BulkObstacle) {
		if is {
			all = append(all, what)
		}
	}
	t, i := record.GetTicket(), record.GetInspection()
	failed := i.GetFailed() || i.GetTally().GetFailed() > 0
	for _, answers := range []map[string]*roundsv1.Answer{t.GetAnswers(), i.GetAnswers()} {
		for _, answer := range answers {
			failed = failed || answer.GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_FAIL
		}
	}
	var soft, missing, dissent bool
	for _, one := range c.under(id).photos {
		if p := c.photos.get(one); !p.hidden && p.round == round {
			soft, missing = soft || p.soft, missing || !p.looked()
		}
	}
	for _, said := range append(slices.Clone(t.GetReviews()), i.GetReviews()...) {
		dissent = dissent || said.GetRound() == round && said.GetVerdict() != roundsv1.Verdict_VERDICT_APPROVED
	}
	add(len(t.GetFlags())+len(i.GetFlags()) > 0, roundsv1.BulkObstacle_BULK_OBSTACLE_FLAG)
	add(soft, roundsv1.BulkObstacle_BULK_OBSTACLE_FINDING)
	add(c.open(id) > 0, roundsv1.BulkObstacle_BULK_OBSTACLE_QUESTION)
	add(failed, roundsv1.BulkObstacle_BULK_OBSTACLE_FAILED_ITEM)
	add(dissent, roundsv1.BulkObstacle_BULK_OBSTACLE_DISSENT)
	add(missing, roundsv1.BulkObstacle_BULK_OBSTACLE_PHOTO)
	return all
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
