package client

import (
	"context"
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// hasBytes tells whether a state that the server wrote says that the bytes are in storage.
func hasBytes(state roundsv1.PhotoState) bool {
	switch state {
	case roundsv1.PhotoState_PHOTO_STATE_STORED, roundsv1.PhotoState_PHOTO_STATE_ANALYSED, roundsv1.PhotoState_PHOTO_STATE_CLEAN,
		roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
		return true
	}
	return false
}

// heardOf is how far the server says that the bytes of a photo have come. One that it refused without ever having had them waits as before: the next
// Plan says why, and its original may be the only one.
func heardOf(photo *roundsv1.Photo) roundsv1.PhotoState {
	if photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_HARD && photo.GetReport().GetStoredUs() == 0 {
		return roundsv1.PhotoState_PHOTO_STATE_DECLARED
	}
	return photo.GetState()
}

// settlePhotos takes from the records what the server says of the bytes, and gives up the originals that need not be kept any longer. Without all
// only those photos are looked at that wait.
func (d *Device) settlePhotos(ctx context.Context, all bool) error {
	if d.cfg.Originals == nil {
		return nil
	}
	queue, err := d.photoQueue(ctx, func(s photoState) bool { return all || !s.done() })
	if err != nil {
		return err
	}
	if err := d.askedAgain(ctx, queue); err != nil {
		return err
	}
	marks, ripe := map[Scope][]*queuedPhoto{}, map[Scope][]*queuedPhoto{}
	now, sure := d.sureNow()
	for _, q := range queue {
		if news := q.state; q.learn(&news, now, sure) {
			marks[q.scope] = append(marks[q.scope], q)
		}
	}
	for scope, photos := range marks {
		byHash := map[hexHash]roundsv1.PhotoState{}
		for _, q := range photos {
			byHash[q.state.Hash] = q.server
		}
		if err := d.markPhotos(ctx, scope, photos, func(s *photoState) {
			told := queuedPhoto{server: byHash[s.Hash]}
			told.learn(s, now, sure)
		}); err != nil {
			return err
		}
	}
	for _, q := range queue {
		if !q.state.done() {
			continue
		}
		over := sure && q.state.StoredUS > 0 && now-q.state.StoredUS >= d.cfg.Timing.Originals.Microseconds()
		if q.state.Fault == PhotoRedacted || q.promised && (over || d.subjectClosed(ctx, q)) {
			ripe[q.scope] = append(ripe[q.scope], q)
		}
	}
	var hashes []PhotoHash
	for scope, photos := range ripe {
		gone, err := d.forgetPhotos(ctx, scope, photos)
		if err != nil {
			return err
		}
		hashes = append(hashes, gone...)
	}
	if len(hashes) == 0 {
		return nil
	}
	return d.sweepOriginals(ctx, hashes)
}

// askedAgain has photos wait once more whose bytes the server had, and lost. What a record says is followed once: it may be older than what Finish said.
func (d *Device) askedAgain(ctx context.Context, queue []*queuedPhoto) error {
	again := map[Scope][]*queuedPhoto{}
	for _, q := range queue {
		name := photoName{q.scope, q.id}
		if q.lost != 0 && q.state.StoredUS != 0 && d.uploads.lost[name] != q.lost {
			d.uploads.lost[name] = q.lost
			again[q.scope] = append(again[q.scope], q)
			d.log.WarnContext(ctx, "the server lost the bytes of a photo and asks for them again", "photo", q.id)
		}
	}
	for scope, photos := range again {
		if err := d.markPhotos(ctx, scope, photos, func(s *photoState) { s.StoredUS = 0 }); err != nil {
			return err
		}
	}
	return nil
}

// learn takes over what the record says. It is false where that is nothing new.
func (q *queuedPhoto) learn(s *photoState, now int64, sure bool) bool {
	switch {
	case s.StoredUS == timeUnknown && sure:
		s.StoredUS = max(1, now)
	case s.done():
		return false
	case hasBytes(q.server):
		s.stored(now, sure)
	case q.server == roundsv1.PhotoState_PHOTO_STATE_REDACTED:
		s.Fault, s.Problem = PhotoRedacted, nil
	default:
		return false
	}
	return true
}

// stored remembers that the server has the bytes.
func (s *photoState) stored(now int64, sure bool) {
	s.StoredUS, s.Fault, s.Problem = timeUnknown, "", nil
	if sure {
		s.StoredUS = max(1, now)
	}
}

// sureNow is the server's clock, if the device has met the server in this boot: a wall clock that jumped must not delete a photo.
func (d *Device) sureNow() (now int64, sure bool) {
	c := reading(d.cfg.Clock)
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.state.Anchor
	return a.at(c), a.ServerUS != 0 && a.Boot != "" && a.Boot == c.GetBootId()
}

// subjectClosed tells whether the work that a photo belongs to is over, as the server last said.
func (d *Device) subjectClosed(ctx context.Context, q *queuedPhoto) bool {
	closed := false
	err := d.cfg.Store.View(ctx, q.scope, func(r store.Reader) error {
		var replica replicaState
		if _, err := load(r, single(tableReplica), &replica); err != nil {
			return err
		}
		stored, err := loadRecord(r, recordRef{kind: merge.Kind(q.state.SubjectKind), id: RecordID(q.state.SubjectID)})
		if err != nil || stored.change == nil || stored.generation != replica.Generation {
			return err
		}
		record := stored.change.GetRecord()
		closed = record.GetTicket().GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED ||
			record.GetInspection().GetState() == roundsv1.InspectionState_INSPECTION_STATE_APPROVED
		return nil
	})
	return err == nil && closed
}

// forgetPhotos takes photos from the queue of a scope, unless something came between, and returns their hashes.
func (d *Device) forgetPhotos(ctx context.Context, scope Scope, photos []*queuedPhoto) ([]PhotoHash, error) {
	var hashes []PhotoHash
	err := d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
		hashes = nil
		for _, q := range photos {
			var state photoState
			found, err := load(w, photoKey(q.id), &state)
			if err != nil {
				return err
			}
			if !found || !state.done() {
				continue
			}
			if err := w.Delete(photoKey(q.id)); err != nil {
				return err
			}
			hashes = append(hashes, PhotoHash(state.Hash))
		}
		return nil
	})
	return hashes, in(scope, err)
}

// sweepOriginals removes those of the given originals that no photo of the queue names; of all, where none are given.
func (d *Device) sweepOriginals(ctx context.Context, only []PhotoHash) error {
	if d.cfg.Originals == nil {
		return nil
	}
	d.originals.Lock()
	defer d.originals.Unlock()
	named, err := d.namedOriginals(ctx)
	if err != nil {
		return err
	}
	if only == nil {
		for hash, err := range d.cfg.Originals.List(ctx) {
			if err != nil {
				return fmt.Errorf("client: originals: %w", err)
			}
			only = append(only, hash)
		}
	}
	for _, hash := range only {
		if named[hash] {
			continue
		}
		if err := d.cfg.Originals.Remove(ctx, hash); err != nil {
			return fmt.Errorf("client: originals: %w", err)
		}
	}
	return nil
}

// namedOriginals are the originals that the queue names.
func (d *Device) namedOriginals(ctx context.Context) (map[PhotoHash]bool, error) {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	named := map[PhotoHash]bool{}
	for _, scope := range scopes {
		err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
			for entry, err := range r.Scan(store.Prefix(single(tablePhoto))) {
				if err != nil {
					return err
				}
				var state photoState
				if _, err := load(r, entry.Key, &state); err != nil {
					return err
				}
				named[PhotoHash(state.Hash)] = true
			}
			return nil
		})
		if err != nil {
			return nil, in(scope, err)
		}
	}
	return named, nil
}
