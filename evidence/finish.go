package evidence

import (
	"context"
	"errors"
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// Finish puts uploads together, has their bytes hashed again from where they rest, and marks the photos of the scope that promise them as STORED: each
// hash by itself, as soon as the driver has said that its bytes are durable.
func (d *Desk) Finish(ctx context.Context, caller engine.Caller, req *roundsv1.FinishRequest) (*roundsv1.FinishResponse, error) {
	scope := store.Scope(req.GetScope())
	if err := d.mayDeliver(caller, scope); err != nil {
		return nil, err
	}
	parked := d.parkedOf(ctx, caller, scope, req.GetSha256())
	resp := &roundsv1.FinishResponse{Results: make([]*roundsv1.FinishResult, len(req.GetSha256()))}
	err := d.each(ctx, len(resp.Results), func(ctx context.Context, i int) error {
		h, err := media.HashFrom(req.GetSha256()[i])
		if err != nil {
			return refuse(engine.Invalid, scope, fmt.Sprintf("sha256[%d]", i), problem(codeInvalid, "哈希须为32字节。", "A hash has 32 bytes."))
		}
		done, why, err := d.finish(ctx, caller, scope, h, parked)
		if err != nil {
			return err
		}
		resp.Results[i] = &roundsv1.FinishResult{Sha256: h[:], Result: &roundsv1.FinishResult_Stored{Stored: done}}
		if why != nil {
			why.Scope = string(scope)
			resp.Results[i].Result = &roundsv1.FinishResult_Problem{Problem: why}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// finish is Finish of one hash. Nobody removes or finishes the same bytes meanwhile.
func (d *Desk) finish(
	ctx context.Context, caller engine.Caller, scope store.Scope, h media.Hash, parked parkedFunc,
) (*roundsv1.PhotoStored, *roundsv1.Problem, error) {
	unlock := d.hashes.lock(h)
	defer unlock()
	promises, err := d.promises(ctx, scope, h)
	if err != nil {
		return nil, nil, err
	}
	have, why := d.settled(promises)
	waiting, err := parked()
	switch {
	case err != nil:
		return nil, nil, err
	case len(waiting[h]) > 0 && why.GetCode() != codeRedacted:
		return d.finishParked(ctx, caller, scope, h, waiting[h], live(promises))
	case why != nil:
		return nil, why, nil
	}
	promises = live(promises)
	mine, from := ofDevice(promises, caller.Device), proof{caller.Device, h}
	late, lost := []move(nil), false
	if len(have) > 0 {
		if late = arrived(promises, have[0].photo.GetSizeBytes()); len(late) > 0 {
			here, err := d.find(ctx, h, have[0].photo.GetSizeBytes())
			if err != nil {
				return nil, ofStorage(err), ctx.Err()
			}
			lost = !here // what was stored has gone from the storage: this upload brings it back
		}
	}
	if len(have) == 0 || lost {
		if why, _ := d.unfit(mine.photo); why != nil {
			return nil, why, d.write(ctx, scope, d.refusals(promises)...)
		}
		upload := media.Upload{Owner: media.Owner(caller.Device), Hash: h, Size: mine.photo.GetSizeBytes()}
		if !d.proved.has(from) || !d.there(ctx, h, upload.Size) {
			if why, err := d.receive(ctx, caller, scope, upload, promises); why != nil || err != nil {
				return nil, why, err
			}
			d.proved.add(from)
		}
		// The bytes are durable: that is written down also when the device has hung up meanwhile.
		if err := d.write(context.WithoutCancel(ctx), scope, arrived(promises, upload.Size)...); err != nil {
			d.log.Error("photo stored, but not written down", "scope", string(scope), "hash", h.String(), "error", err)
			return nil, problemOf(err), nil
		}
		d.stats.received(upload.Size)
		return &roundsv1.PhotoStored{}, nil, nil
	}
	if len(late) > 0 {
		if err := d.write(ctx, scope, late...); err != nil {
			return nil, problemOf(err), nil
		}
	}
	return &roundsv1.PhotoStored{Deduplicated: deduplicated(have, caller.Device)}, nil, nil
}

// receive has the driver finish an upload. When both results are nil, the bytes are durable and the promised ones.
func (d *Desk) receive(
	ctx context.Context, caller engine.Caller, scope store.Scope, upload media.Upload, promises []promise,
) (*roundsv1.Problem, error) {
	err := media.Receive(ctx, d.cfg.Driver, upload)
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, media.ErrDiffers):
		d.stats.differed()
		d.log.Warn("bytes differ from what was promised", "scope", string(scope), "device", string(upload.Owner), "error", err)
		var list []move
		for _, p := range open(promises, upload.Size) {
			// What a device sent says nothing of a photo that somebody else promised, even of the same hash.
			if p.stamp.GetDeviceId() == string(caller.Device) || p.stamp.GetPersonId() == string(caller.Person) {
				list = append(list, toAgain(p.id, findingDiffers, statePromised, stateDeclared, stateUploading))
			}
		}
		if err := d.write(ctx, scope, list...); err != nil {
			return problemOf(err), nil
		}
		return problem(codeDiffers, "收到的文件与照片记录不符，已丢弃，将自动重新上传。",
			"The bytes that arrived are not those that were promised, and were dropped. Send them again from the beginning."), nil
	case errors.Is(err, media.ErrIncomplete), errors.Is(err, media.ErrNotFound):
		return problem(codeMissing, "照片尚有部分未上传，请继续上传。", "Parts of the photo are not here. Plan again: the answer says which."), nil
	case ended(ctx, err):
		return nil, err
	}
	d.storageFailed("finish", err)
	return ofStorage(err), nil
}
