package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// patience is how many exchanges in a row may achieve nothing before Sync gives up.
const patience = 4

// SyncOption changes what a Sync or a Run does.
type SyncOption func(*syncing)

type syncing struct{ wordsOnly bool }

// WithoutPhotos leaves the bytes of photos where they are: only words travel.
func WithoutPhotos() SyncOption { return func(s *syncing) { s.wordsOnly = true } }

func syncingAs(options []SyncOption) (how syncing) {
	for _, option := range options {
		option(&how)
	}
	return how
}

// Sync pushes what is queued and pulls what changed, until nothing is left to push and the device holds a snapshot of every
// scope. Most often that is one round trip. When all the words are there it uploads the bytes of photos, as UploadPhotos does, if the device has
// originals and a MediaService. It waits for its turn when another Sync is under way. The report is valid also
// beside an error; whatever was achieved before the error stays. RetryAfter tells how long the server asks to wait.
//
// ErrOffline, ErrNotEnrolled, ErrRevoked and ErrClosed say that there is nothing to be done; ErrForked that a lane needs a new
// identity while all else was synced.
func (d *Device) Sync(ctx context.Context, options ...SyncOption) (Report, error) {
	report, err := d.syncWords(ctx)
	if syncingAs(options).wordsOnly || !d.hasMedia() || (err != nil && !d.deliversStill(err)) {
		return report, err
	}
	var photosErr error
	if report.Photos, _, photosErr = d.uploadPhotos(ctx, uploading{worded: true, all: true}); photosErr != nil {
		return report, errors.Join(err, photosErr)
	}
	if d.purgesNow(ctx) {
		// What was given up waited for its photos only; the server is told that it is gone.
		more, err := d.syncWords(ctx)
		report.add(more)
		return report, err
	}
	return report, err
}

// syncWords does the words of a Sync.
func (d *Device) syncWords(ctx context.Context) (Report, error) {
	giveBack, err := d.take(ctx)
	if err != nil {
		return Report{}, err
	}
	defer giveBack()
	defer signal(d.synced)
	report, err := d.sync(ctx, true)
	if err == nil {
		signal(d.photosDue)
	}
	return report, err
}

// hasMedia tells whether photos can be uploaded.
func (d *Device) hasMedia() bool { return d.cfg.Originals != nil && d.cfg.Media != nil }

// deliversStill tells whether photos are uploaded after a Sync that ended with this error: another lane's fork is nothing to them, and a device
// that is revoked gracefully delivers what it holds.
func (d *Device) deliversStill(err error) bool {
	return errors.Is(err, ErrForked) || (errors.Is(err, ErrRevoked) && d.givingUp() == graceful)
}

// sync is Sync for who has the turn. Without pull only what is queued is pushed.
func (d *Device) sync(ctx context.Context, pull bool) (Report, error) {
	var report Report
	if d.cfg.Sync == nil {
		return report, ErrOffline
	}
	d.link.begin(d.cfg.Clock)
	if how := d.givingUp(); how != open {
		if err := d.revoke(ctx, how, &report); err != nil {
			return report, err
		}
	}
	call := caller{}
	more, idle := pull, 0
	for {
		me := d.me()
		if !me.enrolled() {
			return report, ErrNotEnrolled
		}
		if err := d.purgeClosing(ctx, &report); err != nil {
			return report, err
		}
		if d.revoked() {
			pull, more = false, false
		}
		x, err := d.compose(ctx, me, pull)
		if err != nil {
			return report, err
		}
		report.Forked = union(report.Forked, x.forked)
		if !more && !x.urgent {
			return report, d.afterwards(report)
		}
		before := report.progress()
		answer, err := d.exchange(ctx, &call, x)
		if err != nil {
			if err = d.recover(ctx, &call, x, err, &report); err != nil {
				return report, err
			}
			more = pull
		} else {
			report.Exchanges++
			d.bracket(ctx, x.message.Clock, answer.GetServerTimeUs())
			if more, err = d.absorb(ctx, x, answer, &report); err != nil {
				return report, err
			}
		}
		if idle++; report.progress() > before {
			idle = 0
		}
		if idle > patience {
			return report, fmt.Errorf("%w: %d exchanges achieved nothing", ErrProtocol, idle)
		}
	}
}

// afterwards is the error of a Sync that has nothing left to do.
func (d *Device) afterwards(report Report) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.state.Revoked != open:
		return ErrRevoked
	case len(report.Forked) > 0:
		return fmt.Errorf("%w: %s", ErrForked, report.Forked[0])
	}
	return nil
}

func (d *Device) revoked() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.Revoked != open
}

// caller remembers, within one Sync, what was tried.
type caller struct {
	token     AccessToken
	refreshed bool
}

// exchange sends one request and waits for its answer.
func (d *Device) exchange(ctx context.Context, call *caller, x *request) (*roundsv1.ExchangeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timing.Exchange)
	defer cancel()
	message := connect.NewRequest(x.message)
	if err := d.authorise(ctx, call, message); err != nil {
		return nil, err
	}
	if x.bytes > 0 {
		defer d.words.shut()()
	}
	began := d.cfg.Clock.Monotonic()
	answer, err := d.cfg.Sync.Exchange(ctx, message)
	if err != nil {
		d.link.failed()
		return nil, withProblem(err)
	}
	d.link.answered(d.cfg.Clock, x.bytes, proto.Size(answer.Msg), d.cfg.Clock.Monotonic()-began)
	return answer.Msg, nil
}

// authorise attaches an access token.
func (d *Device) authorise(ctx context.Context, call *caller, message connect.AnyRequest) error {
	if d.cfg.Tokens == nil {
		return nil
	}
	if call.token == "" {
		token, err := d.cfg.Tokens.Token(ctx, "")
		if err != nil {
			return err
		}
		call.token = token
	}
	message.Header().Set("Authorization", "Bearer "+string(call.token))
	return nil
}

// recover deals with an error of an exchange. A nil return says that the next exchange may go better.
func (d *Device) recover(ctx context.Context, call *caller, x *request, err error, report *Report) error {
	problem := problemOf(err)
	scope := Scope(problem.GetScope())
	lane, ours := x.lanes[scope]
	switch code := problem.GetCode(); {
	case code == roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED:
		if failed := d.revoke(ctx, purging, report); failed != nil {
			return failed
		}
		return errors.Join(ErrRevoked, err)
	case refusesToken(err):
		again, failed := d.anotherToken(ctx, call, err)
		if failed != nil || again {
			return failed
		}
		return err
	case code == roundsv1.ProblemCode_PROBLEM_CODE_LANE_GAP && ours:
		return d.gap(ctx, x, scope, problem.GetExpectedLaneSeq(), report)
	case code == roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED && ours:
		return d.forked(ctx, x, scope, lane, report)
	case code == roundsv1.ProblemCode_PROBLEM_CODE_BAD_CURSOR:
		return d.startOver(ctx, x, scope, report)
	case code == roundsv1.ProblemCode_PROBLEM_CODE_LIMIT && problem.GetRetryAfter() == nil && d.link.tooLarge(x.bytes):
		return nil
	case problem.GetRetryAfter() != nil || connect.CodeOf(err) == connect.CodeUnavailable:
		return err
	case code != 0 && ours:
		return d.parkLane(ctx, x, scope, problem, report)
	case code == roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT && x.names(scope) && !d.link.denied[scope]:
		d.log.WarnContext(ctx, "scope refused", "scope", scope)
		d.link.denied[scope] = true
		return nil
	}
	return err
}

func refusesToken(err error) bool {
	problem := problemOf(err)
	return problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_TOKEN || (problem == nil && connect.CodeOf(err) == connect.CodeUnauthenticated)
}

// anotherToken gets a new token, once, where err says that the old one is not good any more. again is true when there is one.
func (d *Device) anotherToken(ctx context.Context, call *caller, err error) (again bool, failed error) {
	if !refusesToken(err) || call.refreshed || d.cfg.Tokens == nil {
		return false, nil
	}
	call.refreshed = true
	token, failed := d.cfg.Tokens.Token(ctx, call.token)
	if failed != nil {
		return false, failed
	}
	call.token = token
	return true, nil
}

// gap goes back to the lane seq that the server expects.
func (d *Device) gap(ctx context.Context, x *request, scope Scope, expected uint64, report *Report) error {
	if expected == 0 {
		return fmt.Errorf("%w: a gap without the lane seq that is expected, in %s", ErrProtocol, scope)
	}
	result := &roundsv1.LaneResult{Taken: expected - 1}
	return d.onLane(ctx, x, scope, report, func(l *laneTx) error { return l.settle(result, sentLane{}, 0) })
}

// forked halves what is sent of a lane until the one mutation is known that differs: what comes before it is ours on the
// server, and would be sent twice if it were moved to a new identity.
func (d *Device) forked(ctx context.Context, x *request, scope Scope, sent sentLane, report *Report) error {
	if sent.count > 1 {
		d.link.bisect[scope] = sent.count / 2
		report.halvings++
		return nil
	}
	delete(d.link.bisect, scope)
	d.log.WarnContext(ctx, "lane forked", "scope", scope, "lane_seq", sent.first)
	return d.onLane(ctx, x, scope, report, func(l *laneTx) error {
		l.state.Forked = true
		return nil
	})
}

// parkLane lets a lane rest that the server refuses as a whole, so that the others go on.
func (d *Device) parkLane(ctx context.Context, x *request, scope Scope, problem *roundsv1.Problem, report *Report) error {
	d.log.WarnContext(ctx, "lane refused", "scope", scope, "code", problem.GetCode())
	d.link.parked[scope] = true
	return d.onLane(ctx, x, scope, report, func(l *laneTx) error {
		l.report.Parked = []Scope{scope}
		return l.park(problem, x.now(d))
	})
}

// onLane changes the outbox of a scope in one transaction, unless it has another identity by now.
func (d *Device) onLane(ctx context.Context, x *request, scope Scope, report *Report, change func(*laneTx) error) error {
	var did Report
	err := d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
		did = Report{}
		l := &laneTx{w: w, scope: scope, report: &did}
		found, err := load(w, single(tableLane), &l.state)
		if err != nil || !found || l.state.Branch != x.me.branch || l.state.Old != nil {
			return err
		}
		if err := change(l); err != nil {
			return err
		}
		if l.state.Forked {
			did.Forked = []Scope{scope}
		}
		return l.save()
	})
	if err != nil {
		return in(scope, err)
	}
	report.add(did)
	return nil
}

// startOver pulls a scope, or all that were asked for, from the beginning: the server does not know the cursor.
func (d *Device) startOver(ctx context.Context, x *request, scope Scope, report *Report) error {
	d.log.WarnContext(ctx, "cursor refused, pulling from the beginning", "scope", scope)
	for asked, cursor := range x.cursors {
		if len(cursor) == 0 || (scope != "" && asked != scope) {
			continue
		}
		err := d.cfg.Store.Update(ctx, asked, func(w store.Writer) error {
			rep, err := openReplica(w)
			if err != nil {
				return err
			}
			rep.reset()
			rep.state.Cursor = nil
			return rep.save()
		})
		if err != nil {
			return in(asked, err)
		}
		report.Resets++
	}
	return nil
}

// anchorLife is how long an anchor on disk is good enough: writing it at each contact would cost a sync of the disk each.
const anchorLife = 10 * time.Minute

// bracket remembers that the device's clocks and the server's were seen together.
func (d *Device) bracket(ctx context.Context, device *roundsv1.Clock, serverUS int64) {
	if serverUS <= 0 {
		return
	}
	next := anchor{Boot: device.GetBootId(), MonotonicUS: device.GetMonotonicUs(), WallUS: device.GetWallUs(), ServerUS: serverUS}
	d.mu.Lock()
	was := d.state.Anchor
	d.state.Anchor = next
	d.mu.Unlock()
	moved := max(next.offset()-was.offset(), was.offset()-next.offset())
	if was.Boot == next.Boot && moved < time.Second && serverUS-was.ServerUS < anchorLife.Microseconds() && was.ServerUS != 0 {
		return
	}
	if err := d.saveState(ctx); err != nil {
		d.log.WarnContext(ctx, "clock anchor not stored", "err", err)
	}
}

// saveState stores what the device remembers of itself.
func (d *Device) saveState(ctx context.Context) error {
	d.mu.Lock()
	state := d.state
	d.mu.Unlock()
	return d.cfg.Store.Update(ctx, deviceScope, func(w store.Writer) error { return save(w, single(tableDevice), state) })
}
