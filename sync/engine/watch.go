package engine

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// watchBytes is how many bytes of changes one message of a Watch carries unless it is asked for another number.
const watchBytes = 256 << 10

// The heartbeats that a watcher may ask for.
const (
	minHeartbeat = 5 * time.Second
	maxHeartbeat = 10 * time.Minute
)

// watcher is one open stream. It holds no changes: it is woken, and reads what it lacks from its cursors, so a slow reader costs no memory and
// holds up no writer.
type watcher struct {
	woken chan struct{}
}

func (w *watcher) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Watch sends pages as they happen until ctx ends, send fails, the device is revoked, or the engine closes; before the last it tells the device to
// resume. send is called from one goroutine. Messages carry their changes encoded, as Exchange does.
func (e *Engine) Watch(ctx context.Context, caller Caller, req *roundsv1.WatchRequest, send func(*roundsv1.WatchResponse) error) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	targets, err := e.targets(caller, req.GetCursors(), req.GetDiscover())
	if err != nil {
		return err
	}
	budget := watchBytes
	if req.GetMaxBytes() > 0 {
		budget = e.pageBytes(req.GetMaxBytes())
	}
	w := &watcher{woken: make(chan struct{}, 1)}
	for _, t := range targets {
		e.scope(t.scope).watch(w)
		defer e.scope(t.scope).unwatch(w)
	}
	pulse := e.cfg.Heartbeat
	if asked := req.GetHeartbeat().AsDuration(); asked > 0 {
		pulse = min(max(asked, minHeartbeat), maxHeartbeat)
	}
	beat := time.NewTicker(pulse)
	defer beat.Stop()
	for quiet := false; ; {
		var revoked roundsv1.Revocation
		if targets, revoked, err = e.follow(ctx, caller, targets, budget, quiet, send); err != nil {
			return err
		}
		if revoked != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
			return send(&roundsv1.WatchResponse{ServerTimeUs: e.cfg.Now().UnixMicro(), Revoked: revoked})
		}
		select {
		case <-w.woken:
			quiet = true
			continue
		case <-beat.C:
			if err := send(&roundsv1.WatchResponse{ServerTimeUs: e.cfg.Now().UnixMicro()}); err != nil {
				return err
			}
			quiet = true
		case <-ctx.Done():
			return ctx.Err()
		case <-e.done:
			return send(&roundsv1.WatchResponse{ServerTimeUs: e.cfg.Now().UnixMicro(), ResumeAfter: durationpb.New(time.Second)})
		}
	}
}

// follow sends the pages that a watcher lacks and returns where it then stands. A complete page without changes is sent only when the watcher
// has not heard how the scope stands. It stops where the device is revoked, also in the middle of a long catching up, or the engine closes.
func (e *Engine) follow(ctx context.Context, caller Caller, targets []target, budget int, quiet bool,
	send func(*roundsv1.WatchResponse) error) ([]target, roundsv1.Revocation, error) {
	for more := true; more; {
		if revoked := e.cfg.Access.Revoked(caller.Device); revoked != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
			return targets, revoked, nil
		}
		select {
		case <-e.done:
			return targets, roundsv1.Revocation_REVOCATION_UNSPECIFIED, nil
		default:
		}
		more = false
		var pages []*roundsv1.ScopePage
		left := budget
		next := make([]target, 0, len(targets))
		for _, t := range targets {
			if t.revoked || !e.cfg.Access.MayRead(caller.Person, t.scope, e.cfg.Now()) {
				pages = append(pages, &roundsv1.ScopePage{Scope: string(t.scope), Revoked: roundsv1.Revocation_REVOCATION_GRACEFUL})
				continue
			}
			if left <= 0 {
				more = true
				next = append(next, t)
				continue
			}
			page, size, err := e.page(ctx, caller, t, left)
			if err != nil {
				return nil, 0, wrap(err)
			}
			left -= size
			more = more || !page.GetComplete()
			before := t.cursor
			if t.cursor, err = decodeCursor(page.GetCursor()); err != nil {
				return nil, 0, err
			}
			next = append(next, t)
			if !quiet || t.cursor != before {
				pages = append(pages, page)
			}
		}
		targets = next
		if len(pages) == 0 {
			continue
		}
		if err := send(&roundsv1.WatchResponse{ServerTimeUs: e.cfg.Now().UnixMicro(), Pages: pages}); err != nil {
			return nil, 0, err
		}
	}
	return targets, roundsv1.Revocation_REVOCATION_UNSPECIFIED, nil
}

func (s *scope) watch(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[w] = struct{}{}
}

func (s *scope) unwatch(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
}

// Recheck wakes every watcher, so that a right that was just taken away, or a device that was just revoked, ends its stream now. Call it after Access
// has changed.
func (e *Engine) Recheck() {
	e.mu.Lock()
	scopes := make([]*scope, 0, len(e.scopes))
	for _, s := range e.scopes {
		scopes = append(scopes, s)
	}
	e.mu.Unlock()
	for _, s := range scopes {
		s.mu.Lock()
		for w := range s.watchers {
			w.wake()
		}
		s.mu.Unlock()
	}
}

// Watchers counts the open streams, each once for each scope that it watches.
func (e *Engine) Watchers() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, s := range e.scopes {
		s.mu.Lock()
		n += len(s.watchers)
		s.mu.Unlock()
	}
	return n
}

// passed notes how far a device has the scope, for the keeping of tombstones: what it says that it has, for an answer may be lost. Of a stream it
// counts what was sent; a device whose stream broke, and that Maintain overtook in the meantime, takes a fresh snapshot.
func (s *scope) passed(device DeviceID, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress == nil {
		s.progress = map[DeviceID]uint64{}
	}
	s.progress[device] = seq
}
