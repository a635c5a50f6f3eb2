package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// PhotoTally counts what uploads did.
type PhotoTally struct {
	// Stored photos, and of these the ones whose bytes the server had from elsewhere.
	Stored, Deduplicated int
	// Parts that arrived, and their bytes; Cut counts those that were begun and did not, as far as this device knows.
	Parts int
	Bytes int64
	Cut   int
	// Resumed bytes were on the server from before an interruption and did not have to be sent again.
	Resumed int64
	// Failed photos: their original is damaged or gone, or the server would not take it.
	Failed int
}

func (t *PhotoTally) add(o PhotoTally) {
	t.Stored += o.Stored
	t.Deduplicated += o.Deduplicated
	t.Parts += o.Parts
	t.Bytes += o.Bytes
	t.Cut += o.Cut
	t.Resumed += o.Resumed
	t.Failed += o.Failed
}

// progress is a number that grows whenever something was achieved: a part whose reply was lost is known by what is resumed behind it.
func (t *PhotoTally) progress() int64 { return int64(t.Stored+t.Parts+t.Failed) + t.Resumed }

// uploads sends the bytes of photos. What it remembers is of the link and of what was tried; the queue is in the store.
type uploads struct {
	d    *Device
	pace *pace

	// What follows belongs to who has the photo turn.
	rests map[photoName]rest
	known map[PhotoHash]int64  // bytes that the server is known to have, from this process
	blame map[photoName]int    // how often the server said that the bytes differ
	lost  map[photoName]uint64 // versions of records that said that the bytes were lost, and were followed
	// settled is when the originals of all photos were looked at.
	settled time.Duration
	wake    time.Duration // until the next photo of the queue has rested enough; 0: none rests

	mu     sync.Mutex // guards what follows
	active map[photoName]*job
	tell   sync.Mutex // lets one call of Progress go on at a time
}

// photoName names a photo on the device.
type photoName struct {
	scope Scope
	id    RecordID
}

// rest is how long a photo is let be.
type rest struct {
	until time.Duration // by the monotonic clock
	boot  string
	tries int
	// words: it may go on as soon as words were synced.
	words bool
}

func newUploads(d *Device) *uploads {
	return &uploads{d: d, pace: newPace(d.cfg.Limits), rests: map[photoName]rest{}, known: map[PhotoHash]int64{}, blame: map[photoName]int{}, lost: map[photoName]uint64{},
		active: map[photoName]*job{}}
}

// UploadPhotos sends the bytes of photos whose promises the server has, until there is nothing that can be sent now, and gives up originals that
// need not be kept any longer. Sync does it behind the words, Run all the time; a Sync may go on beside it, and goes first. It waits for its turn
// when other uploads are under way. The tally is valid also beside an error. What was cut goes on where it stopped, some times within the call,
// and with the next one.
//
// ErrOffline, ErrNoOriginals, ErrNotEnrolled and ErrClosed say that there is nothing to be done; RetryAfter of another error tells how long the
// server asks to wait.
func (d *Device) UploadPhotos(ctx context.Context) (PhotoTally, error) {
	tally, _, err := d.uploadPhotos(ctx, uploading{all: true})
	return tally, err
}

// uploading says what an upload is for.
type uploading struct {
	// worded: words were synced just before.
	worded bool
	// all: the originals of photos that are stored are looked at too, whatever the time since the last look.
	all bool
}

// settleEvery is how often the originals of photos that are stored are looked at while nothing asks for it: each record has to be read.
const settleEvery = 10 * time.Minute

// uploadPhotos is UploadPhotos. It also returns when the next look is worth while, though nothing new happens: 0 is never.
func (d *Device) uploadPhotos(ctx context.Context, why uploading) (tally PhotoTally, next time.Duration, err error) {
	switch {
	case d.cfg.Originals == nil:
		return tally, 0, ErrNoOriginals
	case d.cfg.Media == nil:
		return tally, 0, ErrOffline
	case !d.me().enrolled():
		return tally, 0, ErrNotEnrolled
	}
	giveBack, err := d.takeTurn(ctx, d.photoTurn)
	if err != nil {
		return tally, 0, err
	}
	defer giveBack()
	u := d.uploads
	if why.worded {
		u.worded()
	}
	now := d.cfg.Clock.Monotonic()
	all := why.all || u.settled == 0 || now < u.settled || now-u.settled >= settleEvery
	if all {
		u.settled = now
	}
	if err := d.settlePhotos(ctx, all); err != nil {
		return tally, 0, err
	}
	err = u.run(ctx, &tally)
	if tally.progress() > 0 {
		if failed := d.settlePhotos(context.WithoutCancel(ctx), true); failed != nil && err == nil {
			err = failed
		}
	}
	return tally, d.uploads.wake, err
}

// run does one round after the other. A link that fails is tried again a few times, for as long as something arrives in between.
func (u *uploads) run(ctx context.Context, tally *PhotoTally) error {
	u.pace.begin(u.d.cfg.Clock)
	wait := waits{first: u.d.cfg.Timing.BackoffFirst, most: u.d.cfg.Timing.BackoffMax, rand: u.d.cfg.Rand}
	call := &caller{}
	for idle := 0; ; {
		if err := u.d.words.wait(ctx); err != nil {
			return err
		}
		batch, err := u.next(ctx)
		if err != nil || len(batch) == 0 {
			return err
		}
		before := tally.progress()
		err = u.round(ctx, call, batch, tally)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if tally.progress() > before {
			idle = 0
			wait.reset()
		}
		switch {
		case err == nil && tally.progress() > before:
			continue
		case err != nil && (RetryAfter(err) > 0 || connect.CodeOf(err) != connect.CodeUnavailable):
			return err
		}
		if idle++; idle > patience {
			return errors.Join(fmt.Errorf("client: %d rounds of uploads achieved nothing", idle), err)
		}
		if tally.progress() > before || (err == nil && idle == 1) {
			continue // a cut in the middle of a stream of parts: the link was good a moment ago
		}
		pause := wait.next()
		u.d.log.InfoContext(ctx, "upload interrupted", "err", err, "again_in", pause)
		if err := u.pause(ctx, pause); err != nil {
			return err
		}
	}
}

// pause waits.
func (u *uploads) pause(ctx context.Context, how time.Duration) error {
	timer := time.NewTimer(how)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// round plans a batch, sends what is asked for, and finishes what is complete.
func (u *uploads) round(ctx context.Context, call *caller, batch []*job, tally *PhotoTally) error {
	defer u.deactivate(batch)
	results, err := u.plan(ctx, call, batch, tally)
	if err != nil || results == nil {
		return err
	}
	var jobs, complete []*job
	for i, j := range batch {
		switch plan := results[i].GetPlan().(type) {
		case *roundsv1.PlanResult_Stored:
			err = u.stored(ctx, j, plan.Stored.GetDeduplicated(), tally)
		case *roundsv1.PlanResult_Problem:
			err = u.trouble(ctx, j, plan.Problem, tally)
		case *roundsv1.PlanResult_Upload:
			var fine bool
			if fine, err = u.prepare(ctx, j, plan.Upload, tally); fine {
				jobs = append(jobs, j)
			}
		default:
			err = fmt.Errorf("%w: a plan that says nothing", ErrProtocol)
		}
		if err != nil {
			return err
		}
	}
	sendErr := u.send(ctx, jobs, tally)
	for _, j := range jobs {
		if j.arrived == len(j.parts) && !j.more {
			complete = append(complete, j)
		}
	}
	if len(complete) > 0 && ctx.Err() == nil {
		if err := u.finish(ctx, call, complete, tally); err != nil {
			return err
		}
	}
	return sendErr
}

// prepare takes over what a plan asks for, and looks whether the original is what it was.
func (u *uploads) prepare(ctx context.Context, j *job, upload *roundsv1.PhotoUpload, tally *PhotoTally) (fine bool, err error) {
	if err := j.adopt(upload); err != nil {
		return false, err
	}
	if saved := j.received - u.known[j.hash()]; saved > 0 {
		tally.Resumed += saved
	}
	u.known[j.hash()] = j.received
	fault, err := j.check(ctx, u.d.cfg.Originals)
	if err != nil {
		return false, err
	}
	if fault != "" {
		return false, u.fault(ctx, j, fault, nil, tally)
	}
	u.activate(j)
	return true, nil
}

// waitProblem is a problem that asks to wait.
func waitProblem(code roundsv1.ProblemCode, how time.Duration) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, RetryAfter: durationpb.New(how)}
}

// stored takes note that the server has the bytes of a job.
func (u *uploads) stored(ctx context.Context, j *job, deduplicated bool, tally *PhotoTally) error {
	now, sure := u.d.sureNow()
	if err := u.d.markPhotos(ctx, j.photos[0].scope, j.photos, func(s *photoState) { s.stored(now, sure) }); err != nil {
		return err
	}
	tally.Stored += len(j.photos)
	if deduplicated {
		tally.Deduplicated += len(j.photos)
	}
	delete(u.known, j.hash())
	for _, q := range j.photos {
		delete(u.rests, photoName{q.scope, q.id})
		delete(u.blame, photoName{q.scope, q.id})
	}
	u.announce(j)
	return nil
}

// fault takes note that a job cannot be sent now, and lets it rest.
func (u *uploads) fault(ctx context.Context, j *job, fault PhotoFault, problem *roundsv1.Problem, tally *PhotoTally) error {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(problem)
	if err != nil {
		return err
	}
	if err := u.d.markPhotos(ctx, j.photos[0].scope, j.photos, func(s *photoState) { s.Fault, s.Problem = fault, encoded }); err != nil {
		return err
	}
	u.d.log.WarnContext(ctx, "a photo cannot be uploaded", "photo", j.photos[0].id, "fault", fault, "code", problem.GetCode())
	u.let(j.photos, problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED)
	tally.Failed += len(j.photos)
	u.announce(j)
	return nil
}
