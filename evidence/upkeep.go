package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// RetentionKey is the setting of a site that says for how many days photos of closed work are kept; none, or 0: for ever.
const RetentionKey = "photo.retention_days"

// MaxRetentionDays is the greatest value of that setting: a hundred years.
const MaxRetentionDays = 100 * 366

// Upkeep drops uploads in which nothing happens, redacts photos whose time is over, and removes what no photo has; not while it adopts, for the photos that
// have it may still be on their way. It may be interrupted. Run it now and then, once at a time: it lists the whole storage.
func (d *Desk) Upkeep(ctx context.Context) error {
	var faults []error
	swept, err := d.cfg.Driver.Sweep(ctx, d.cfg.Now().Add(-d.cfg.UploadLife))
	d.stats.add(func(s *Stats) { s.Swept += uint64(max(0, swept)) })
	if err != nil {
		faults = append(faults, fmt.Errorf("sweep uploads: %w", err))
	}
	scopes, err := d.cfg.Scopes(ctx)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	for _, scope := range sitesAmong(scopes) {
		if err := d.retire(ctx, scope); err != nil {
			faults = append(faults, fmt.Errorf("retention of %s: %w", scope, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if d.cfg.Adopt {
		return errors.Join(faults...)
	}
	if err := d.collect(ctx, sitesAmong(scopes)); err != nil {
		faults = append(faults, fmt.Errorf("garbage: %w", err))
	}
	return errors.Join(faults...)
}

// retire redacts the photos of a site whose work has ended and that are older than the site keeps them.
func (d *Desk) retire(ctx context.Context, scope store.Scope) error {
	site, err := d.siteOf(ctx, scope)
	if err != nil {
		return err
	}
	text := d.settings(scope, site)[RetentionKey]
	days, err := strconv.Atoi(text)
	if text == "" || days == 0 && err == nil {
		return nil
	}
	if err != nil || days < 0 || days > MaxRetentionDays {
		d.log.Warn("the retention of a site is not understood, and its photos are kept", "scope", string(scope), "setting", RetentionKey)
		return nil
	}
	before := d.cfg.Now().Add(-time.Duration(days) * 24 * time.Hour).UnixMicro()
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexKept, store.Span{To: timeKey(before)}) {
		if err != nil {
			return err
		}
		id := idOf(entry.Key)
		photo, err := d.photo(ctx, scope, id)
		if err != nil {
			return err
		}
		if photo == nil || photo.GetLegalHold() != "" {
			continue
		}
		over, err := d.over(ctx, scope, photo.GetSubject(), before)
		if err != nil {
			return err
		}
		if !over {
			continue
		}
		var refused *engine.Error
		switch _, err := d.redact(ctx, scope, id, "retention: "+text+" days"); {
		case errors.As(err, &refused) && refused.Kind == engine.Precondition: // held meanwhile
		case err != nil:
			return err
		default:
			d.stats.add(func(s *Stats) { s.Retired++ })
		}
	}
	return nil
}

// over: whether the ticket or the inspection round that a photo belongs to came to its end before a time.
func (d *Desk) over(ctx context.Context, scope store.Scope, subject *roundsv1.RecordRef, before int64) (bool, error) {
	change, err := d.cfg.Records.Record(ctx, scope, merge.Kind(subject.GetKind()), merge.RecordID(subject.GetId()))
	if err != nil || change == nil {
		return false, err
	}
	over := change.GetDeleted()
	switch change.GetRecord().GetTicket().GetState() {
	case roundsv1.TicketState_TICKET_STATE_CLOSED, roundsv1.TicketState_TICKET_STATE_CANCELLED, roundsv1.TicketState_TICKET_STATE_MERGED:
		over = true
	}
	switch change.GetRecord().GetInspection().GetState() {
	case roundsv1.InspectionState_INSPECTION_STATE_APPROVED, roundsv1.InspectionState_INSPECTION_STATE_EXCUSED:
		over = true
	}
	return over && writer(change, fieldState).GetTimeUs() < before, nil
}

// collect removes originals that no photo has, and copies without an original, once they are old enough. It goes by the first byte of the hashes, so that it
// keeps a 256th of them in memory.
func (d *Desk) collect(ctx context.Context, sites []store.Scope) error {
	old := d.cfg.Now().Add(-d.cfg.Grace)
	for first := range 256 {
		prefix := fmt.Sprintf("/%02x/", first)
		var found []media.Hash // of objects old enough, of any class
		for _, class := range []media.Class{media.Original, media.Large, media.Small, media.Report} {
			for info, err := range d.cfg.Driver.List(ctx, string(class)+prefix) {
				if err != nil {
					return err
				}
				if _, h, err := info.Address.Parse(); err == nil && info.Modified.Before(old) {
					found = append(found, h)
				}
			}
		}
		if len(found) == 0 {
			continue
		}
		named, err := d.named(ctx, sites, byte(first))
		if err != nil {
			return err
		}
		slices.SortFunc(found, func(a, b media.Hash) int { return slices.Compare(a[:], b[:]) })
		for _, h := range slices.Compact(found) {
			if _, is := named[h]; is {
				continue
			}
			if err := d.discard(ctx, h, old); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// named returns the hashes with a first byte that photos have or wait for, also such as wait for a person.
func (d *Desk) named(ctx context.Context, sites []store.Scope, first byte) (map[media.Hash]struct{}, error) {
	set := map[media.Hash]struct{}{}
	for _, scope := range sites {
		for entry, err := range d.cfg.Records.Find(ctx, scope, indexHash, store.Prefix([]byte{first})) {
			if err != nil {
				return nil, err
			}
			p, err := decodePromise(entry)
			if err != nil {
				return nil, err
			}
			if p.photo.GetState() != stateRedacted {
				set[media.Hash(entry.Key[:len(media.Hash{})])] = struct{}{}
			}
		}
		for entry, err := range d.cfg.Records.Find(ctx, scope, indexParkedHash, store.Prefix([]byte{first})) {
			if err != nil {
				return nil, err
			}
			set[parkedHash(entry)] = struct{}{}
		}
	}
	return set, nil
}

// discard removes all of a hash, if nothing wants it now either.
func (d *Desk) discard(ctx context.Context, h media.Hash, old time.Time) error {
	unlock := d.hashes.lock(h)
	defer unlock()
	if wanted, err := d.wanted(ctx, h, notRedacted); err != nil || wanted {
		return err
	}
	object, err := d.cfg.Driver.Open(ctx, media.At(media.Original, h))
	switch {
	case err == nil:
		modified := object.Info().Modified
		if err := object.Close(); err != nil || !modified.Before(old) {
			return err
		}
	case !errors.Is(err, media.ErrNotFound):
		return err
	}
	d.stats.add(func(s *Stats) { s.Removed++ })
	d.log.Info("garbage removed", "hash", h.String())
	return d.remove(ctx, h)
}
