package review

import (
	"context"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// record reads one record of a scope as it stands now, or later than the board has it; nil where there is none. A photo comes without its preview. It is shared,
// and not to be changed.
func (d *desk) record(ctx context.Context, scope int, kind merge.Kind, id uid) (*roundsv1.Change, error) {
	recent := d.boards[scope].recent
	kept, generation, ok := recent.get(kind, id)
	if ok {
		return kept.change, nil
	}
	change, err := d.cfg.Records.Record(ctx, d.scopes[scope], kind, merge.RecordID(id.String()))
	if err != nil || change == nil {
		return nil, err
	}
	if photo := change.GetRecord().GetPhoto(); photo != nil {
		photo.Preview = nil
	}
	recent.put(id, held{kind: kind, change: change}, generation)
	return change, nil
}

// row reads one record as it stands, and counts what belongs to it.
func (d *desk) row(ctx context.Context, scope int, kind merge.Kind, id uid) (*roundsv1.WorkRow, *roundsv1.Change, error) {
	change, err := d.record(ctx, scope, kind, id)
	if err != nil {
		return nil, nil, err
	}
	row := &roundsv1.WorkRow{Scope: string(d.scopes[scope]), RecordId: id.String(), Version: change.GetVersion(), TimeUs: change.GetTimeUs()}
	if !change.GetDeleted() {
		row.Record = change.GetRecord()
	}
	switch of := row.GetRecord().GetKind().(type) {
	case *roundsv1.Record_Ticket:
		row.DueUs = dueOf(of.Ticket)
	case *roundsv1.Record_Inspection:
		as := inspection{state: uint8(of.Inspection.GetState()), end: of.Inspection.GetWindowEndUs()}
		row.DueUs = as.due()
	}
	row.Overdue = row.GetDueUs() != 0 && row.GetDueUs() < d.now.UnixMicro()
	d.boards[scope].read(func(c *content) {
		belongs := c.belongs(id, change)
		for _, one := range belongs.photos {
			if !c.photos.get(one).hidden {
				row.Photos++
			}
		}
		for _, one := range belongs.comments {
			if !c.comments.get(one).hidden {
				row.Comments++
			}
		}
		for _, one := range belongs.questions {
			if c.questions.get(one).open {
				row.Questions++
			}
		}
	})
	return row, change, nil
}

// names gathers names for the people, places and categories of an answer.
type names struct {
	desk  *desk
	asked []map[string]bool // ids, by scope
	all   map[string]*roundsv1.Text
}

func (d *desk) names() *names {
	return &names{desk: d, asked: make([]map[string]bool, len(d.boards)), all: map[string]*roundsv1.Text{}}
}

// ask asks for the names of people and places.
func (n *names) ask(scope int, ids ...string) {
	if n.asked[scope] == nil {
		n.asked[scope] = map[string]bool{}
	}
	for _, id := range ids {
		if id == work.Dispatcher {
			n.all[id] = &roundsv1.Text{Zh: "自动派单", En: "automatic dispatch"}
		} else if id != "" {
			n.asked[scope][id] = true
		}
	}
}

// ticket asks for all that a ticket names.
func (n *names) ticket(scope int, t *roundsv1.Ticket) {
	n.ask(scope, t.GetAssigneeId(), t.GetReporterId(), t.GetLocation().GetPlaceId())
	n.ask(scope, t.GetCrewIds()...)
	n.ask(scope, t.GetApproverIds()...)
	n.ask(scope, t.GetFormerAssigneeIds()...)
	for _, done := range t.GetCompletions() {
		n.ask(scope, done.GetPersonId())
	}
	for _, said := range t.GetReviews() {
		n.ask(scope, said.GetPersonId())
	}
	for _, deadline := range t.GetDeadlines() {
		n.ask(scope, deadline.GetOwnerId())
	}
	if id := t.GetCategoryId(); id != "" && n.desk.cfg.Category != nil {
		if category := n.desk.cfg.Category(n.desk.scopes[scope], merge.RecordID(id)); category != nil {
			n.all[id] = category.GetName()
		}
	}
}

// inspection asks for all that a round names.
func (n *names) inspection(scope int, i *roundsv1.Inspection) {
	n.ask(scope, i.GetInspectorId(), i.GetAssigneeId())
	n.ask(scope, i.GetCheckpointIds()...)
	for _, said := range i.GetReviews() {
		n.ask(scope, said.GetPersonId())
	}
}

// record asks for all that a record names.
func (n *names) record(scope int, r *roundsv1.Record) {
	switch of := r.GetKind().(type) {
	case *roundsv1.Record_Ticket:
		n.ticket(scope, of.Ticket)
	case *roundsv1.Record_Inspection:
		n.inspection(scope, of.Inspection)
	case *roundsv1.Record_Photo:
		n.ask(scope, of.Photo.GetPersonId(), of.Photo.GetLocation().GetPlaceId())
	case *roundsv1.Record_Comment:
		n.ask(scope, of.Comment.GetPersonId())
	case *roundsv1.Record_Conflict:
		n.question(scope, of.Conflict)
	case *roundsv1.Record_Notice:
		n.ask(scope, of.Notice.GetCausedById())
		n.ask(scope, of.Notice.GetPersonIds()...)
	}
}

// question asks for the people of a question.
func (n *names) question(scope int, q *roundsv1.Conflict) {
	n.ask(scope, q.GetPersonId(), q.GetOwnerId(), q.GetResolvedById())
	for _, side := range q.GetSides() {
		n.ask(scope, side.GetPersonId())
	}
}

// found returns the names that the directory has, and of people who are not in the lists of the site, those of their accounts.
func (n *names) found(ctx context.Context) (map[string]*roundsv1.Text, error) {
	for scope, ids := range n.asked {
		if len(ids) == 0 {
			continue
		}
		var strangers []string
		n.desk.boards[scope].read(func(c *content) {
			for id := range ids {
				u, ok := parseUID(id)
				if !ok || n.all[id] != nil {
					continue
				}
				if name := c.staff.get(u); name != nil && *name != "" {
					n.all[id] = &roundsv1.Text{Zh: *name, En: *name}
				} else if place := c.places.get(u); place != nil {
					n.all[id] = &roundsv1.Text{Zh: place.zh, En: place.en}
				} else {
					strangers = append(strangers, id)
				}
			}
		})
		if err := n.strangers(ctx, scope, strangers); err != nil {
			return nil, err
		}
	}
	return n.all, nil
}

// strangers finds the names of people by their accounts.
func (n *names) strangers(ctx context.Context, scope int, ids []string) error {
	if n.desk.cfg.Person == nil {
		return nil
	}
	for _, id := range ids {
		name, err := n.desk.cfg.Person(ctx, n.desk.scopes[scope], engine.PersonID(id))
		if err != nil {
			return &engine.Error{Kind: engine.Internal, Cause: err}
		}
		if name != "" {
			n.all[id] = &roundsv1.Text{Zh: name, En: name}
		}
	}
	return nil
}
