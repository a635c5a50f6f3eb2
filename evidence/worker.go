package evidence

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

const (
	// gather is how long the worker lets hints come together before it looks.
	gather = 20 * time.Millisecond
	// turn is how many jobs one scope has handed out before the next one has its turn.
	turn = 16
	// lostAfter is how often the storage must say that it does not have an original before that is believed.
	lostAfter = 5
	// undecodableAfter is how often the decoder must fail on a photo before that is taken for the photo's doing: some ten minutes, for a machine that is
	// short of memory for a while must not spoil evidence.
	undecodableAfter = 16
)

// Run looks at photos until ctx ends, and returns when all that it began has ended. At its beginning it goes through all scopes for what was left to do;
// after that it follows the hints that Changed gets. It runs once at a time.
func (d *Desk) Run(ctx context.Context) {
	jobs := make(chan job)
	var group sync.WaitGroup
	defer group.Wait()
	defer close(jobs)
	for range d.cfg.Workers {
		group.Go(func() {
			for j := range jobs {
				d.do(ctx, j)
			}
		})
	}
	if !d.begin(ctx) {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.work.wake:
		}
		scopes, rested := d.work.take()
		for _, j := range rested {
			if !hand(ctx, jobs, j) {
				return
			}
		}
		for _, scope := range scopes {
			if err := d.pass(ctx, scope, func(j job) bool { return hand(ctx, jobs, j) }); err != nil {
				if ctx.Err() != nil {
					return
				}
				d.log.Error("looking through a scope failed", "scope", string(scope), "error", err)
				time.AfterFunc(longestRest, func() { d.work.mark(scope) })
			}
		}
		if !pause(ctx, gather) {
			return
		}
	}
}

// begin marks all scopes, trying until they can be read. False: ctx ended.
func (d *Desk) begin(ctx context.Context) bool {
	for failures := 0; ; failures++ {
		scopes, err := d.cfg.Scopes(ctx)
		if err == nil {
			for _, scope := range sitesAmong(scopes) {
				d.work.mark(scope)
			}
			return true
		}
		if ctx.Err() == nil {
			d.log.Error("reading the scopes failed", "error", err)
		}
		if !pause(ctx, d.work.rest(failures)) {
			return false
		}
	}
}

// pause waits for a time; false: ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// hand gives a job to whoever is free; false: ctx ended.
func hand(ctx context.Context, jobs chan<- job, j job) bool {
	select {
	case <-ctx.Done():
		return false
	case jobs <- j:
		return true
	}
}

// Look does what a scope has to do now, each thing once, in order, on the caller's goroutine. It is for whoever has no use for Run, and does not run beside
// it: nothing comes again by itself. The error joins those of what failed; the indexes name that again, and the next Look tries it.
func (d *Desk) Look(ctx context.Context, scope store.Scope) error {
	var jobs []job
	if err := d.due(ctx, scope, 0, func(j job, _ uint64) bool {
		jobs = append(jobs, j)
		return true
	}); err != nil {
		return err
	}
	var faults []error
	for _, j := range jobs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := d.attempt(ctx, j)
		if errors.Is(err, errLost) && d.work.missed(j) >= lostAfter {
			d.askAgain(ctx, j)
		}
		if err != nil {
			d.stats.failed(storageWide(err))
			faults = append(faults, err)
			continue
		}
		d.work.found(j)
	}
	return errors.Join(faults...)
}

// pass hands out what a scope has to do, as much as its turn allows. hand is false when there is nobody to hand to any more.
func (d *Desk) pass(ctx context.Context, scope store.Scope, hand func(job) bool) error {
	handed := 0
	ended := false
	err := d.due(ctx, scope, d.work.from(scope)+1, func(j job, version uint64) bool {
		if handed >= turn || d.work.resting() {
			d.work.mark(scope)
			return false
		}
		if d.work.begin(j) {
			if ended = !hand(j); ended {
				return false
			}
			handed++
		}
		if version > 0 {
			d.work.saw(scope, version)
		}
		return true
	})
	if ended {
		return ctx.Err()
	}
	return err
}

// due visits what a scope has to do: what waits since a version, which it tells, and then the photos to be looked at. It stops when visit is false.
func (d *Desk) due(ctx context.Context, scope store.Scope, since uint64, visit func(j job, version uint64) bool) error {
	if d.cfg.Adopt {
		if err := d.adopt(ctx, scope); err != nil {
			return err
		}
	}
	span := store.Span{From: binary.BigEndian.AppendUint64(nil, since)}
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexAwaits, span) {
		if err != nil {
			return err
		}
		if version, j, ok := decodeAwaits(scope, entry.Key); ok && !visit(j, version) {
			return nil
		}
	}
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexWork, store.Span{}) {
		if err != nil {
			return err
		}
		if len(entry.Key) == 24 && !visit(job{scope: scope, kind: kindPhoto, id: uuid.UUID(entry.Key[8:]).String()}, 0) {
			return nil
		}
	}
	return nil
}

func decodeAwaits(scope store.Scope, key []byte) (version uint64, j job, ok bool) {
	if len(key) < 8+1+16 {
		return 0, job{}, false
	}
	version = binary.BigEndian.Uint64(key)
	return version, job{scope: scope, kind: merge.Kind(key[8 : len(key)-17]), id: uuid.UUID(key[len(key)-16:]).String(), version: version}, true
}

// attempt does a job. A panic is a failure of its job alone.
func (d *Desk) attempt(ctx context.Context, j job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("evidence: panic: %v\n%s", r, debug.Stack())
		}
	}()
	switch {
	case j.kind == kindPhoto && j.version == 0:
		return d.look(ctx, j.scope, j.id)
	case j.kind == kindPhoto:
		return d.notice(ctx, j.scope, j.id)
	case j.kind == kindConflict:
		return d.letIn(ctx, j.scope, j.id)
	}
	return d.verify(ctx, j.scope, j.kind, j.id)
}

// do does a job, and sees to it that one that fails comes again.
func (d *Desk) do(ctx context.Context, j job) {
	err := d.attempt(ctx, j)
	switch {
	case err == nil:
		d.work.done(j)
	case ctx.Err() != nil:
		d.work.drop(j)
	default:
		d.failed(ctx, j, err)
	}
}

// failed has a job that failed tried again, and gives up on a photo of which nothing else can be expected.
func (d *Desk) failed(ctx context.Context, j job, err error) {
	if errors.Is(err, picture.ErrNoDecoder) {
		d.work.failed(j, false, longestRest)
		if d.complaints.add(err.Error()) {
			d.log.Warn("photos wait for a decoder", "error", err)
		}
		return
	}
	storage := storageWide(err)
	n := d.work.failed(j, storage, 0)
	d.stats.failed(storage)
	d.log.Warn("a job failed and is tried again", "scope", string(j.scope), "kind", string(j.kind), "record", j.id, "failures", n, "error", err)
	switch {
	case errors.Is(err, errLost) && n >= lostAfter:
		d.askAgain(ctx, j)
	case errors.Is(err, picture.ErrDecoderFailed) && n >= undecodableAfter:
		refused := &check.Refusal{Code: roundsv1.CheckCode_CHECK_CODE_UNDECODABLE, Sentence: &roundsv1.Text{
			Zh: "照片每次解码都使解码程序失败，无法查看，请重新拍摄。", En: "The decoder failed on this photo each time it was tried. Take it again."}}
		if err := d.settle(ctx, j.scope, j.id, refused); err != nil {
			d.log.Warn("a photo could not be refused yet", "scope", string(j.scope), "record", j.id, "error", err)
		}
	}
}

// storageWide: whether an error says that the storage as a whole is out of order.
func storageWide(err error) bool {
	var own *engine.Error
	return errors.Is(err, media.ErrUnavailable) || errors.Is(err, media.ErrFull) || errors.Is(err, media.ErrClosed) ||
		errors.As(err, &own) && own.Kind == engine.Unavailable
}

// storageFailed notes a fault of the storage that a caller was told of.
func (d *Desk) storageFailed(what string, err error) {
	d.stats.storage(what)
	d.log.Error("photo storage failed", "what", what, "error", err)
}

// errLost: the storage does not have what the record says is stored.
var errLost = errors.New("evidence: the original is not in the storage")

// askAgain gives up on an original that the storage lost: the photo waits for its bytes again, and its device is asked for them.
func (d *Desk) askAgain(ctx context.Context, j job) {
	if err := d.write(ctx, j.scope, toAgain(j.id, findingLost, stateStored, stateAnalysed)); err == nil {
		d.log.Error("an original is lost; its device is asked for it again", "scope", string(j.scope), "photo", j.id)
	}
}
