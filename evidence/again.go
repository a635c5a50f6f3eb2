package evidence

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// standing is where a photo stands.
type standing struct {
	scope store.Scope
	id    string
}

// standings are photos to be looked at again: settled ones only, for the others are looked at in any case.
type standings map[standing]bool

func (s standings) add(scope store.Scope, id string, photo *roundsv1.Photo) {
	switch photo.GetState() {
	case stateClean, stateSoft, stateHard:
		s[standing{scope, id}] = hasBytes(photo)
	}
}

// settledIn waits until what is being settled in sites has been written. What is settled there later sees all that is in the records now.
func (d *Desk) settledIn(sites []store.Scope) {
	for _, site := range sites {
		d.settling.lock(site)()
	}
}

// othersAgain looks again at settled photos whose findings may have changed with this one: of the same bytes, after it where it is from before the work,
// younger and alike, and with the next numbers where they missed it.
func (d *Desk) othersAgain(ctx context.Context, scope store.Scope, id string) error {
	own, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(id))
	if err != nil {
		return err
	}
	photo, again := own.GetRecord().GetPhoto(), standings{}
	sites := d.sitesOf(scope, creation(own))
	d.settledIn(sites)
	if h, err := media.HashFrom(photo.GetSha256()); err == nil {
		for _, site := range sites {
			promises, err := d.promises(ctx, site, h)
			if err != nil {
				return err
			}
			for _, p := range promises[:min(len(promises), mostOthers)] {
				again.add(site, p.id, p.photo)
			}
		}
	}
	if photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE {
		if err := d.ofSubject(ctx, scope, photo, roundsv1.PhotoRole_PHOTO_ROLE_AFTER, func(one *roundsv1.Change) {
			again.add(scope, one.GetRecordId(), one.GetRecord().GetPhoto())
		}); err != nil {
			return err
		}
	}
	site, err := d.siteOf(ctx, scope)
	if err != nil {
		return err
	}
	alike, err := d.alike(ctx, scope, id, photo.GetReport(), nearest(d.policyOf(scope, site)))
	if err != nil {
		return err
	}
	for _, one := range alike {
		if takenUs(one.Change) >= takenUs(own) {
			again.add(scope, one.GetRecordId(), one.GetRecord().GetPhoto())
		}
	}
	if err := d.followers(ctx, scope, own, again); err != nil {
		return err
	}
	delete(again, standing{scope, id})
	return d.lookAgain(ctx, again)
}

// lookAgain holds photos against the rules once more, and asks for their subjects.
func (d *Desk) lookAgain(ctx context.Context, again standings) error {
	inOrder := slices.SortedFunc(maps.Keys(again), func(a, b standing) int { return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.id, b.id)) })
	for _, at := range inOrder {
		if err := d.settle(ctx, at.scope, at.id, nil); err != nil {
			return err
		}
		change, err := d.cfg.Records.Record(ctx, at.scope, kindPhoto, merge.RecordID(at.id))
		if err != nil {
			return err
		}
		if err := d.verifySubject(ctx, at.scope, change.GetRecord().GetPhoto()); err != nil {
			return err
		}
	}
	return nil
}

// followers adds the photos that a device took next, at any site of its person's, and that missed one before them.
func (d *Desk) followers(ctx context.Context, scope store.Scope, own *roundsv1.Change, again standings) error {
	number := own.GetRecord().GetPhoto().GetCaptureNumber()
	device, err := uuid.Parse(creation(own).GetDeviceId())
	if number == 0 || err != nil || number > 1<<62 {
		return nil
	}
	span := store.Span{From: numberKey(device, number+1), To: numberKey(device, number+gapWindow+1)}
	for _, site := range d.sitesOf(scope, creation(own)) {
		for entry, err := range d.cfg.Records.Find(ctx, site, indexNumber, span) {
			if err != nil {
				return err
			}
			photo, err := d.photo(ctx, site, idOf(entry.Key))
			if err != nil {
				return err
			}
			if slices.Contains(photo.GetFindings(), check.Word(roundsv1.CheckCode_CHECK_CODE_GAP)) {
				again.add(site, idOf(entry.Key), photo)
			}
		}
	}
	return nil
}
