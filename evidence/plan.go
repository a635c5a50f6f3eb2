package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// What a Plan asks for unless the device says otherwise, and what it names at most whatever the device says.
const (
	defaultPartBytes = 1 << 20
	defaultMaxParts  = 64
	mostParts        = 4096 // of all photos of one answer together
)

// Plan says for each hash what is to be sent of it. What moved a photo on is written before the answer, as a rule in one transaction.
func (d *Desk) Plan(ctx context.Context, caller engine.Caller, req *roundsv1.PlanRequest) (*roundsv1.PlanResponse, error) {
	scope := store.Scope(req.GetScope())
	if err := d.mayDeliver(caller, scope); err != nil {
		return nil, err
	}
	want := media.Want{PartBytes: int64(req.GetPartBytes()), MaxParts: int(req.GetMaxParts()), Until: d.cfg.Now().Add(d.cfg.PartLife)}
	if want.PartBytes == 0 {
		want.PartBytes = defaultPartBytes
	}
	want.PartBytes = min(max(want.PartBytes, media.MinPartBytes), media.MaxPartBytes)
	if want.MaxParts == 0 {
		want.MaxParts = defaultMaxParts
	}
	want.MaxParts = min(want.MaxParts, max(1, mostParts/max(1, len(req.GetSha256()))))

	parked := d.parkedOf(ctx, caller, scope, req.GetSha256())
	resp := &roundsv1.PlanResponse{Results: make([]*roundsv1.PlanResult, len(req.GetSha256()))}
	plans := make([]*planning, len(resp.Results))
	err := d.each(ctx, len(plans), func(ctx context.Context, i int) (err error) {
		h, err := media.HashFrom(req.GetSha256()[i])
		if err != nil {
			return refuse(engine.Invalid, scope, fmt.Sprintf("sha256[%d]", i), problem(codeInvalid, "哈希须为32字节。", "A hash has 32 bytes."))
		}
		plans[i] = &planning{desk: d, caller: caller, scope: scope, hash: h, parked: parked, result: &roundsv1.PlanResult{Sha256: h[:]}}
		return plans[i].plan(ctx, want)
	})
	if err != nil {
		return nil, err
	}
	var moves []move
	for i, p := range plans {
		resp.Results[i] = p.result
		moves = append(moves, p.moves...)
	}
	if err := d.write(ctx, scope, moves...); err != nil {
		return nil, err
	}
	return resp, nil
}

// each runs n steps, some at a time. The first error ends them all.
func (d *Desk) each(ctx context.Context, n int, step func(context.Context, int) error) error {
	if d.cfg.Abreast == 1 {
		for i := range n {
			if err := step(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	slots := make(chan struct{}, d.cfg.Abreast)
	for i := range n {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			if err := step(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// planning is the plan of one hash.
type planning struct {
	desk   *Desk
	caller engine.Caller
	scope  store.Scope
	hash   media.Hash
	parked parkedFunc
	result *roundsv1.PlanResult
	moves  []move
}

func (p *planning) plan(ctx context.Context, want media.Want) error {
	d := p.desk
	promises, err := d.promises(ctx, p.scope, p.hash)
	if err != nil {
		return err
	}
	have, why := d.settled(promises)
	waiting, err := p.parked()
	switch {
	case err != nil:
		return err
	case len(waiting[p.hash]) > 0 && why.GetCode() != codeRedacted:
		return p.planParked(ctx, want, waiting[p.hash], live(promises))
	case why != nil:
		p.problem(why)
		return nil
	case len(have) > 0:
		if done, err := p.stored(ctx, promises, have); done || err != nil {
			return err
		}
		// The storage has lost them: they are asked for like any others, and stand for all photos that have them.
	}
	promises = live(promises)
	mine := ofDevice(promises, p.caller.Device)
	if d.proved.has(proof{p.caller.Device, p.hash}) {
		if done, err := p.delivered(ctx, promises, mine.photo.GetSizeBytes()); done || err != nil {
			return err
		}
	}
	if why, _ := d.unfit(mine.photo); why != nil {
		p.problem(why)
		p.moves = d.refusals(promises)
		return nil
	}
	return p.ask(ctx, want, mine.photo.GetSizeBytes(), promises)
}

// ask plans what is to be sent of a photo of a size, and moves the photos on that wait for it.
func (p *planning) ask(ctx context.Context, want media.Want, size int64, promises []promise) error {
	d := p.desk
	upload := media.Upload{Owner: media.Owner(p.caller.Device), Hash: p.hash, Size: size}
	plan, err := d.cfg.Driver.Plan(ctx, upload, want)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.storageFailed("plan", err)
		p.problem(ofStorage(err))
		return nil
	}
	answer := &roundsv1.PhotoUpload{More: plan.More, ReceivedBytes: plan.Received, ExpiresUs: want.Until.UnixMicro()}
	for _, part := range plan.Parts {
		one := &roundsv1.UploadPart{Offset: part.Offset, Size: part.Size, Url: part.URL}
		for name := range part.Header {
			if one.Headers == nil {
				one.Headers = map[string]string{}
			}
			one.Headers[name] = part.Header.Get(name)
		}
		answer.Parts = append(answer.Parts, one)
	}
	p.result.Plan = &roundsv1.PlanResult_Upload{Upload: answer}
	state := stateDeclared
	if plan.Received > 0 {
		state = stateUploading
	}
	for _, one := range open(promises, upload.Size) {
		if one.photo.GetState() < state {
			p.moves = append(p.moves, toOpen(one.id, state))
		}
	}
	d.stats.planned(len(plan.Parts))
	return nil
}

// delivered marks photos whose bytes this device is known to have delivered, if they are there still.
func (p *planning) delivered(ctx context.Context, photos []promise, size int64) (bool, error) {
	unlock := p.desk.hashes.lock(p.hash)
	defer unlock()
	if !p.desk.there(ctx, p.hash, size) {
		return false, ctx.Err()
	}
	if err := p.desk.write(ctx, p.scope, arrived(photos, size)...); err != nil {
		return false, err
	}
	p.result.Plan = &roundsv1.PlanResult_Stored{Stored: &roundsv1.PhotoStored{}}
	return true, nil
}

// stored answers that nothing is to be sent, and takes along photos of the same bytes that were promised since. It is not done where there are such, and
// the bytes have gone from the storage.
func (p *planning) stored(ctx context.Context, all, have []promise) (done bool, err error) {
	size := have[0].photo.GetSizeBytes()
	if late := arrived(all, size); len(late) > 0 {
		// The object could be going just now: see Redact. Then the bytes are asked for once more.
		unlock := p.desk.hashes.lock(p.hash)
		defer unlock()
		here, err := p.desk.find(ctx, p.hash, have[0].photo.GetSizeBytes())
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err != nil:
			p.problem(ofStorage(err))
			return true, nil
		case !here:
			return false, nil
		}
		if err := p.desk.write(ctx, p.scope, late...); err != nil {
			return false, err
		}
	}
	dedup := deduplicated(have, p.caller.Device)
	if dedup {
		p.desk.stats.deduplicated()
	}
	p.result.Plan = &roundsv1.PlanResult_Stored{Stored: &roundsv1.PhotoStored{Deduplicated: dedup}}
	return true, nil
}

func (p *planning) problem(why *roundsv1.Problem) {
	why.Scope = string(p.scope)
	p.result.Plan = &roundsv1.PlanResult_Problem{Problem: why}
}

func notPromised() *roundsv1.Problem {
	return problem(codeNotPromised, "没有照片记录对应此文件，请先同步再上传。", "No photo promises these bytes as far as the server has heard. Sync first.")
}

// settled returns the promises whose bytes are stored, or why no bytes are to come: none at all, promised by nobody, removed.
func (d *Desk) settled(promises []promise) (have []promise, why *roundsv1.Problem) {
	if len(promises) == 0 {
		return nil, notPromised()
	}
	remaining := live(promises)
	if len(remaining) == 0 {
		return nil, problem(codeRedacted, "照片已依规删除，无需再上传。", "The bytes were removed for good. Do not send them again.")
	}
	return stored(remaining), nil
}

// there: whether an original of a size is in storage, as far as that can be told now.
func (d *Desk) there(ctx context.Context, h media.Hash, size int64) bool {
	here, err := d.find(ctx, h, size)
	return here && err == nil
}

// find looks whether an original of a size is in storage; an error says that the storage does not tell.
func (d *Desk) find(ctx context.Context, h media.Hash, size int64) (here bool, err error) {
	object, err := d.cfg.Driver.Open(ctx, media.At(media.Original, h))
	switch {
	case errors.Is(err, media.ErrNotFound):
		return false, nil
	case err != nil:
		if ctx.Err() == nil {
			d.storageFailed("open", err)
		}
		return false, err
	}
	defer func() { _ = object.Close() }() // it was only asked for
	return object.Info().Size == size, nil
}

// unfit says why a promise is not one that bytes are taken for; with a finding where it never will be.
func (d *Desk) unfit(photo *roundsv1.Photo) (*roundsv1.Problem, *roundsv1.Finding) {
	switch size := photo.GetSizeBytes(); {
	case size <= 0:
		return problem(codeInvalid, "照片是空文件（0字节），请重新拍摄。", "The photo is empty (0 bytes). Take it again."),
			finding(roundsv1.CheckCode_CHECK_CODE_EMPTY, "照片是空文件（0字节）。", "The photo is empty (0 bytes).", 0, 1)
	case size > d.cfg.MaxPhotoBytes:
		return problem(codeLimit, fmt.Sprintf("照片为%d字节，超过上限%d字节，请降低分辨率重新拍摄。", size, d.cfg.MaxPhotoBytes),
				fmt.Sprintf("The photo has %d bytes; %d are allowed. Take it again with fewer pixels.", size, d.cfg.MaxPhotoBytes)),
			finding(roundsv1.CheckCode_CHECK_CODE_TOO_LARGE, fmt.Sprintf("照片为%d字节，上限为%d字节。", size, d.cfg.MaxPhotoBytes),
				fmt.Sprintf("The photo has %d bytes; %d are allowed.", size, d.cfg.MaxPhotoBytes), float64(size), float64(d.cfg.MaxPhotoBytes))
	case !isOpen(photo):
		return problem(codeState, "照片未被接受，无需再上传，请重新拍摄。", "The photo was refused and its bytes are not wanted. Take it again."), nil
	}
	return nil, nil
}

func finding(code roundsv1.CheckCode, zh, en string, measured, threshold float64) *roundsv1.Finding {
	return &roundsv1.Finding{Code: code, Severity: roundsv1.Severity_SEVERITY_HARD, Sentence: &roundsv1.Text{Zh: zh, En: en},
		Measured: measured, Threshold: threshold}
}
