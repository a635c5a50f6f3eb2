package evidence

import (
	"context"
	"errors"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// decides: only managers and administrators of a site decide what is kept and what is removed.
func (d *Desk) decides(caller engine.Caller, scope store.Scope) error {
	if !d.holds(caller, scope, roundsv1.Role_ROLE_MANAGER, roundsv1.Role_ROLE_ADMIN) {
		return noRight(scope)
	}
	return nil
}

// Hold keeps a photo from being removed, or lets go of it.
func (d *Desk) Hold(ctx context.Context, caller engine.Caller, req *roundsv1.HoldRequest) (*roundsv1.HoldResponse, error) {
	scope := store.Scope(req.GetScope())
	if err := d.decides(caller, scope); err != nil {
		return nil, err
	}
	var why error
	err := d.cfg.Records.Write(ctx, scope, func(view engine.View) ([]engine.Derived, error) {
		change, err := view.Get(kindPhoto, merge.RecordID(req.GetPhotoId()))
		if err != nil {
			return nil, err
		}
		photo := change.GetRecord().GetPhoto()
		switch why = nil; {
		case photo == nil || change.GetDeleted():
			why = notThere(scope)
			return nil, nil
		case photo.GetState() == stateRedacted && req.GetReason() != "":
			why = refuse(engine.Precondition, scope, "photo_id", problem(codeRedacted, "照片已删除，无法保留。", "The photo was removed already."))
			return nil, nil
		case photo.GetLegalHold() == req.GetReason():
			return nil, nil
		}
		return []engine.Derived{{RecordID: merge.RecordID(req.GetPhotoId()), Edit: &roundsv1.Edit{Fields: []uint32{fieldLegalHold},
			Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{LegalHold: req.GetReason()}}}}}}, nil
	})
	if err := errors.Join(err, why); err != nil {
		return nil, err
	}
	d.log.Info("legal hold", "scope", string(scope), "photo", req.GetPhotoId(), "person", string(caller.Person), "held", req.GetReason() != "")
	return &roundsv1.HoldResponse{}, nil
}

func notThere(scope store.Scope) error {
	return refuse(engine.Invalid, scope, "photo_id", problem(codeNoRecord, "没有这张照片。", "There is no such photo."))
}

// Redact removes a photo's preview from its record and its history, and its bytes and copies unless another photo has the same. It may be repeated: what a
// crash left over is removed then, or with the garbage.
func (d *Desk) Redact(ctx context.Context, caller engine.Caller, req *roundsv1.RedactRequest) (*roundsv1.RedactResponse, error) {
	scope := store.Scope(req.GetScope())
	if err := d.decides(caller, scope); err != nil {
		return nil, err
	}
	removed, err := d.redact(ctx, scope, req.GetPhotoId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	d.log.Info("photo redacted", "scope", string(scope), "photo", req.GetPhotoId(), "person", string(caller.Person), "bytes_removed", removed)
	return &roundsv1.RedactResponse{Removed: removed}, nil
}

// redact removes a photo. The record says so first: from then on nobody is given a link, and what is left is garbage.
func (d *Desk) redact(ctx context.Context, scope store.Scope, id, reason string) (removed bool, err error) {
	change, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(id))
	if err != nil {
		return false, err
	}
	photo := change.GetRecord().GetPhoto()
	if photo == nil || change.GetDeleted() {
		return false, notThere(scope)
	}
	h, hashErr := media.HashFrom(photo.GetSha256())
	if hashErr == nil {
		unlock := d.hashes.lock(h)
		defer unlock()
	}
	held := false
	if err := d.write(ctx, scope, move{id, func(now *roundsv1.Photo, _ int64) (*roundsv1.Photo, []uint32) {
		if held = now.GetLegalHold() != ""; held || now.GetState() == stateRedacted {
			return nil, nil
		}
		return &roundsv1.Photo{State: stateRedacted}, []uint32{fieldState}
	}}); err != nil {
		return false, err
	}
	if held {
		return false, refuse(engine.Precondition, scope, "photo_id", problem(codeState, "照片处于依法保留状态，不能删除。请先解除保留。",
			"The photo is under a legal hold and is kept. End the hold first."))
	}
	if own, err := uuid.Parse(id); err == nil {
		d.prints.remove(scope, own)
	}
	// The preview is the image in small, and the report says where it was taken: both go from the history too.
	if err := d.cfg.Records.Redact(ctx, scope, kindPhoto, merge.RecordID(id), []uint32{fieldPreview, fieldReport}, reason); err != nil {
		return false, err
	}
	if hashErr != nil {
		return true, nil
	}
	// Parts of it that its device has sent are its bytes too. Those of another device rest until they are swept: nobody finishes them.
	if upload := (media.Upload{Owner: media.Owner(creation(change).GetDeviceId()), Hash: h, Size: photo.GetSizeBytes()}); upload.Validate() == nil {
		if err := d.cfg.Driver.Abort(ctx, upload); err != nil {
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			d.storageFailed("abort", err)
			return false, unavailable(err)
		}
	}
	// A promise alone does not keep them: whoever knows the hash could hold up every removal with one. Who has the bytes can deliver them again.
	wanted, err := d.wanted(ctx, h, func(photo *roundsv1.Photo) bool { return hasBytes(photo) || d.cfg.Adopt && isOpen(photo) })
	if err != nil || wanted {
		return false, err
	}
	return true, d.remove(ctx, h)
}

// wanted: whether a photo of any scope that promises these bytes wants them kept, or one that waits for a person has them. It asks all of them, however many
// there are.
func (d *Desk) wanted(ctx context.Context, h media.Hash, wants func(*roundsv1.Photo) bool) (bool, error) {
	scopes, err := d.cfg.Scopes(ctx)
	if err != nil {
		return false, err
	}
	for _, scope := range sitesAmong(scopes) {
		for entry, err := range d.cfg.Records.Find(ctx, scope, indexHash, store.Prefix(h[:])) {
			if err != nil {
				return true, err
			}
			p, err := decodePromise(entry)
			if err != nil || wants(p.photo) {
				return true, err
			}
		}
	}
	return d.parkedHas(ctx, scopes, h)
}

// notRedacted: a photo that has its bytes, or waits for them.
func notRedacted(photo *roundsv1.Photo) bool { return photo.GetState() != stateRedacted }

// remove deletes an original and what was made of it. The caller holds the lock of its hash.
func (d *Desk) remove(ctx context.Context, h media.Hash) error {
	for _, class := range []media.Class{media.Report, media.Large, media.Small, media.Original} {
		if err := d.cfg.Driver.Delete(ctx, media.At(class, h)); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			d.storageFailed("delete", err)
			return unavailable(err)
		}
	}
	return nil
}
