package client

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"
)

// Run keeps the device in sync until ctx ends: it pushes soon after something was queued, takes changes from a stream as they
// happen, and polls while no stream can be held. After a failure it waits, longer each time, with jitter, and at least as long
// as the server asks; Online cuts the wait short. A forked or parked lane does not stop it; Status tells.
//
// Photos travel on a goroutine of their own, behind the words, unless an option says otherwise.
//
// It returns ctx's error, or ErrOffline, ErrNotEnrolled, ErrRevoked or ErrClosed when there is nothing to wait for.
func (d *Device) Run(ctx context.Context, options ...SyncOption) error {
	if !syncingAs(options).wordsOnly && d.hasMedia() {
		uploading, stop := context.WithCancel(ctx)
		var photos sync.WaitGroup
		photos.Go(func() { d.runPhotos(uploading) })
		defer photos.Wait()
		defer stop()
	}
	return d.runWords(ctx, options)
}

// runWords is Run for the words.
func (d *Device) runWords(ctx context.Context, options []SyncOption) error {
	photos := !syncingAs(options).wordsOnly
	wait := waits{first: d.cfg.Timing.BackoffFirst, most: d.cfg.Timing.BackoffMax, rand: d.cfg.Rand}
	for {
		report, err := d.syncWords(ctx)
		if errors.Is(err, ErrRevoked) && photos && d.photosLeft(ctx) {
			// The last words are said; the last photos follow before the device is emptied.
			report, err = d.Sync(ctx, options...)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrRevoked) && photos && d.photosLeft(ctx):
			// Those that wait for their turn, or for the link, are delivered before the device is emptied.
		case errors.Is(err, ErrOffline), errors.Is(err, ErrNotEnrolled), errors.Is(err, ErrRevoked), errors.Is(err, ErrClosed):
			return err
		}
		if err != nil && !errors.Is(err, ErrForked) {
			pause := max(wait.next(), RetryAfter(err))
			d.log.InfoContext(ctx, "sync failed", "err", err, "again_in", pause)
			d.pause(ctx, pause)
			continue
		}
		d.log.DebugContext(ctx, "synced", "report", report)
		wait.reset()
		d.live(ctx)
	}
}

// runPhotos uploads photos whenever there may be some to upload, until ctx ends.
func (d *Device) runPhotos(ctx context.Context) {
	wait := waits{first: d.cfg.Timing.BackoffFirst, most: d.cfg.Timing.BackoffMax, rand: d.cfg.Rand}
	due := d.photosDue // nothing before the first words
	pause := time.Duration(0)
	for d.pausePhotos(ctx, due, pause) {
		tally, next, err := d.uploadPhotos(ctx, uploading{})
		switch {
		case ctx.Err() != nil || errors.Is(err, ErrClosed):
			return
		case err != nil:
			due, pause = nil, max(wait.next(), RetryAfter(err))
			d.log.InfoContext(ctx, "uploads failed", "err", err, "again_in", pause)
		default:
			wait.reset()
			due, pause = d.photosDue, max(min(or(next, time.Hour), time.Hour), d.cfg.Timing.BackoffFirst)
			d.log.DebugContext(ctx, "uploaded", "stored", tally.Stored, "parts", tally.Parts, "bytes", tally.Bytes)
		}
	}
}

// pausePhotos waits: for so long, until something is due, or until the app says that the network has come. 0 has no end. It is false when ctx
// ended.
func (d *Device) pausePhotos(ctx context.Context, due <-chan struct{}, how time.Duration) bool {
	var over <-chan time.Time
	if how > 0 {
		timer := time.NewTimer(how)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-due:
	case <-d.photosOnline:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// pause waits, until the app says that the network has come.
func (d *Device) pause(ctx context.Context, how time.Duration) {
	timer := time.NewTimer(how)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.online:
	case <-ctx.Done():
	}
}

// live holds a stream and pushes what is queued, until a whole Sync is due.
func (d *Device) live(ctx context.Context) {
	select {
	case <-d.synced:
	default:
	}
	streaming, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan followed, 1)
	over := &coverage{scopes: map[Scope]bool{}}
	x, err := d.watchRequest(ctx, over)
	if err != nil {
		ended <- followed{err: err}
	} else {
		go func() { ended <- d.follow(streaming, x, over) }()
	}
	defer func() {
		stop()
		if ended != nil {
			<-ended
		}
	}()
	poll := time.NewTimer(d.cfg.Timing.Poll)
	poll.Stop()
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.online:
			return
		case <-poll.C:
			return
		case <-d.synced:
			if ended != nil && !d.covered(ctx, over) {
				return
			}
		case end := <-ended:
			ended = nil
			if end.due {
				d.pause(ctx, end.after)
				return
			}
			d.log.InfoContext(ctx, "no stream, polling", "err", end.err)
			poll.Reset(d.cfg.Timing.Poll)
		case <-d.queued:
			d.settle(ctx)
			if ended == nil || !d.push(ctx) || !d.covered(ctx, over) {
				return
			}
		}
	}
}

// settle waits for a moment in which nothing is queued: one thing that a person does is often several mutations.
func (d *Device) settle(ctx context.Context) {
	timer := time.NewTimer(d.cfg.Timing.Debounce)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	select {
	case <-d.queued:
	default:
	}
}

// push sends what is queued while the stream brings the changes. It is false when a whole Sync is due.
func (d *Device) push(ctx context.Context) bool {
	giveBack, err := d.take(ctx)
	if err != nil {
		return false
	}
	defer giveBack()
	report, err := d.sync(ctx, false)
	if err == nil && report.Outcomes() > 0 {
		signal(d.photosDue)
	}
	if err != nil || report.Again > 0 || report.Resets > 0 {
		return false
	}
	return true
}

// coverage is the set of scopes that a stream brings.
type coverage struct {
	mu     sync.Mutex // guards scopes
	scopes map[Scope]bool
}

func (c *coverage) add(scope Scope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scopes[scope] = true
}

func (c *coverage) has(scope Scope) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scopes[scope]
}

// covered tells whether the stream brings every scope that the device has.
func (d *Device) covered(ctx context.Context, over *coverage) bool {
	me, now := d.me(), d.now()
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return false
	}
	for _, scope := range scopes {
		if over.has(scope) {
			continue
		}
		if s, err := d.standing(ctx, scope, me); err != nil || !s.foreign(now, d.cfg.Timing) {
			return false
		}
	}
	return true
}

// waits are the pauses after failures: each up to twice the one before, and at random between half and all of that, so that
// phones that lost a server together do not come back together.
type waits struct {
	first, most time.Duration
	rand        io.Reader
	now         time.Duration
}

func (w *waits) reset() { w.now = 0 }

func (w *waits) next() time.Duration {
	w.now = min(max(w.first, 2*w.now), w.most)
	var b [8]byte
	if _, err := io.ReadFull(w.rand, b[:]); err != nil {
		return w.now
	}
	half := uint64(w.now / 2)
	return w.now - time.Duration(binary.BigEndian.Uint64(b[:])%(half+1))
}
