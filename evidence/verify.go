package evidence

import (
	"context"
	"slices"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// maxHops bounds how far mergers of tickets are followed.
const maxHops = 16

// mostOfRecord bounds how many photos of a record are held against the rules that no manifest lists.
const mostOfRecord = 512

// verify moves a ticket or an inspection round on where its evidence is complete. What it looked at is looked at once more in the transaction that writes.
func (d *Desk) verify(ctx context.Context, scope store.Scope, kind merge.Kind, id string) error {
	if kind != kindTicket && kind != kindInspection {
		return nil
	}
	read := func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		return d.cfg.Records.Record(ctx, scope, kind, id)
	}
	current, err := read(kind, merge.RecordID(id))
	// What was photographed of a ticket that was merged proves the work on the one that it goes on in.
	for hops := 0; err == nil && hops < maxHops && current.GetRecord().GetTicket().GetState() == roundsv1.TicketState_TICKET_STATE_MERGED; hops++ {
		id = current.GetRecord().GetTicket().GetMergedIntoId()
		current, err = read(kind, merge.RecordID(id))
	}
	if err != nil || current == nil || current.GetDeleted() || !waits(current) {
		return err
	}
	category, err := d.categoryOf(ctx, scope, current.GetRecord().GetTicket())
	if err != nil {
		return err
	}
	// What comes from now on is noted on the record itself, because it waits.
	photos, err := d.photosOf(ctx, scope, kind, current)
	if err != nil {
		return err
	}
	var failed error
	if _, ok := d.cfg.Verified(scope, current, category, photos, noting(read, &failed)); !ok || failed != nil {
		return failed
	}
	return d.cfg.Records.Write(ctx, scope, func(view engine.View) ([]engine.Derived, error) {
		current, err := view.Get(kind, merge.RecordID(id))
		if err != nil {
			return nil, err
		}
		edit, ok := d.cfg.Verified(scope, current, category, photos, view.Get)
		if !ok {
			return nil, nil
		}
		return []engine.Derived{{RecordID: merge.RecordID(id), Edit: edit}}, nil
	})
}

// waits: whether a record waits for its evidence.
func waits(change *roundsv1.Change) bool {
	return change.GetRecord().GetTicket().GetState() == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE ||
		change.GetRecord().GetInspection().GetState() == roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED
}

// photosOf are the photos of a record, and of the other tickets of which its manifests list photos: those that were merged into it. Of each they are the first in the
// order of their ids, as many as one look is worth.
func (d *Desk) photosOf(ctx context.Context, scope store.Scope, kind merge.Kind, current *roundsv1.Change) ([]merge.RecordID, error) {
	of := []string{current.GetRecordId()}
	if ticket := current.GetRecord().GetTicket(); ticket != nil {
		for _, done := range ticket.GetCompletions() {
			if done.GetRound() != ticket.GetRound() {
				continue
			}
			for _, id := range done.GetPhotoIds() {
				photo, err := d.photo(ctx, scope, id)
				if err != nil {
					return nil, err
				}
				subject := photo.GetSubject()
				if merge.Kind(subject.GetKind()) == kindTicket && !slices.Contains(of, subject.GetId()) {
					of = append(of, subject.GetId())
				}
			}
		}
	}
	var ids []merge.RecordID
	for _, one := range of {
		subject, err := uuid.Parse(one)
		if err != nil {
			continue // it is not in the index either
		}
		seen := 0
		for entry, err := range d.cfg.Records.Find(ctx, scope, indexSubject, store.Prefix(subjectKey(kind, subject))) {
			if err != nil {
				return nil, err
			}
			if seen++; seen > mostOfRecord {
				break
			}
			ids = append(ids, merge.RecordID(idOf(entry.Key)))
		}
	}
	return ids, nil
}

// noting keeps the error of a look-up, which a VerifiedFunc takes for nothing there.
func noting(read func(merge.Kind, merge.RecordID) (*roundsv1.Change, error), failed *error) func(merge.Kind, merge.RecordID) (*roundsv1.Change, error) {
	return func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		change, err := read(kind, id)
		if err != nil {
			*failed = err
		}
		return change, err
	}
}

// categoryOf reads the category of a ticket from the organisation's scope; nil where it is not known.
func (d *Desk) categoryOf(ctx context.Context, scope store.Scope, ticket *roundsv1.Ticket) (*roundsv1.Category, error) {
	if ticket.GetCategoryId() == "" {
		return nil, nil
	}
	organisation := d.cfg.Access.Organisation(scope)
	if organisation == "" {
		return nil, nil
	}
	change, err := d.cfg.Records.Record(ctx, organisation, kindCategory, merge.RecordID(ticket.GetCategoryId()))
	if err != nil || change.GetDeleted() {
		return nil, err
	}
	return change.GetRecord().GetCategory(), nil
}

// siteOf reads the record of the site itself; an empty one where there is none.
func (d *Desk) siteOf(ctx context.Context, scope store.Scope) (*roundsv1.Site, error) {
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexSite, store.Span{}) {
		if err != nil {
			return nil, err
		}
		change, err := d.cfg.Records.Record(ctx, scope, kindSite, merge.RecordID(idOf(entry.Key)))
		if err != nil {
			return nil, err
		}
		if site := change.GetRecord().GetSite(); site != nil {
			return site, nil
		}
	}
	return &roundsv1.Site{}, nil
}
