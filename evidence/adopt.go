package evidence

import (
	"context"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/store"
)

// adopt marks promises of a scope as stored whose bytes are in storage, each looked for once: see Config.Adopt.
func (d *Desk) adopt(ctx context.Context, scope store.Scope) error {
	for m, err := range d.missing(ctx, scope, nil) {
		if err != nil {
			return err
		}
		h, err := media.HashFrom(m.GetSha256())
		if err != nil || m.GetSizeBytes() <= 0 || !d.tried.add(string(scope)+"/"+m.GetPhotoId()) {
			continue
		}
		if err := d.adoptOne(ctx, scope, m.GetPhotoId(), h, m.GetSizeBytes()); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) adoptOne(ctx context.Context, scope store.Scope, id string, h media.Hash, size int64) error {
	unlock := d.hashes.lock(h)
	defer unlock()
	if !d.there(ctx, h, size) {
		return ctx.Err()
	}
	if err := d.write(ctx, scope, toStored(id)); err != nil {
		return err
	}
	d.log.Info("photo adopted: its bytes were in the storage", "scope", string(scope), "photo", id)
	return nil
}
