package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// followed says how a stream ended.
type followed struct {
	// due: a whole Sync is to be done, after this pause. Otherwise no stream could be held.
	due   bool
	after time.Duration
	err   error
}

// follow takes pages from a stream until it ends or something comes that a Sync has to deal with. Pages are taken only where
// they go on from the cursor that the device has: a Sync beside it makes the stream's next page a stranger, and the stream is
// opened anew.
func (d *Device) follow(ctx context.Context, x *request, over *coverage) followed {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := connect.NewRequest(&roundsv1.WatchRequest{
		Cursors: x.message.Cursors, Discover: x.message.Discover, Heartbeat: durationpb.New(d.cfg.Timing.Heartbeat),
	})
	if err := d.authorise(ctx, &caller{}, request); err != nil {
		return followed{err: err}
	}
	silence := time.AfterFunc(3*d.cfg.Timing.Heartbeat, cancel)
	defer silence.Stop()
	stream, err := d.cfg.Sync.Watch(ctx, request)
	if err != nil {
		return followed{err: withProblem(err)}
	}
	defer func() { _ = stream.Close() }()
	heard := false
	for stream.Receive() {
		heard = true
		silence.Reset(3 * d.cfg.Timing.Heartbeat)
		message := stream.Msg()
		if due, err := d.hear(ctx, x, over, message); due || err != nil {
			return followed{due: true, err: err}
		}
		if message.GetResumeAfter() != nil {
			return followed{due: true, after: message.GetResumeAfter().AsDuration()}
		}
	}
	// A stream that was alive is worth another one soon; the Sync before it waits if the server is gone.
	return followed{due: heard, after: d.cfg.Timing.BackoffFirst, err: withProblem(stream.Err())}
}

// watchRequest collects the cursors of all scopes.
func (d *Device) watchRequest(ctx context.Context, over *coverage) (*request, error) {
	me := d.me()
	x := &request{message: &roundsv1.ExchangeRequest{Clock: reading(d.cfg.Clock)}, me: me, lanes: map[Scope]sentLane{}, cursors: map[Scope][]byte{}}
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	if len(scopes) > maxCursors {
		return nil, fmt.Errorf("%d scopes are more than one stream can carry", len(scopes))
	}
	now := x.now(d)
	for _, scope := range scopes {
		s, err := d.standing(ctx, scope, me)
		if err != nil {
			return nil, in(scope, err)
		}
		if s.replica.Closing == purging || s.foreign(now, d.cfg.Timing) {
			continue
		}
		over.add(scope)
		x.cursors[scope] = s.replica.Cursor
		x.message.Cursors = append(x.message.Cursors, &roundsv1.ScopeCursor{Scope: string(scope), Cursor: s.replica.Cursor})
	}
	x.message.Discover = true
	return x, nil
}

// errOutOfStep: the device has the scope from elsewhere by now.
var errOutOfStep = errors.New("client: the stream is out of step")

// hear takes one message of a stream in. due tells that a Sync has to go on from here.
func (d *Device) hear(ctx context.Context, x *request, over *coverage, message *roundsv1.WatchResponse) (due bool, err error) {
	var report Report
	if how := message.GetRevoked(); how != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		return true, d.revoke(ctx, closingFor(how), &report)
	}
	for _, page := range message.GetPages() {
		scope := Scope(page.GetScope())
		s := &share{page: page, from: x.cursors[scope]}
		if err := d.takeShare(ctx, x, scope, s, message.GetServerTimeUs(), &report); err != nil {
			return true, err
		}
		if !s.taken {
			return true, errOutOfStep
		}
		over.add(scope)
		x.cursors[scope] = page.GetCursor()
		due = due || page.GetRevoked() != roundsv1.Revocation_REVOCATION_UNSPECIFIED
	}
	return due || report.Diverged > 0 || report.Resets > 0 || len(report.Forked) > 0, nil
}
