package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/policy"
)

const (
	// mostItems bounds what one look takes from an index; the rest has its turn after other scopes.
	mostItems = 256
	// mostTogether is how many of them share a transaction.
	mostTogether = 16
)

// moment is what a look goes by.
type moment struct {
	scope  store.Scope
	now    time.Time
	nowUs  int64
	policy policy.Policy
}

// done is what was written about one item, for the counts.
type done struct {
	change []engine.Derived
	stats  func(*Stats)
}

// queue is one index with what it is for.
type queue struct {
	name engine.IndexName
	// after is how long after the time in the entry it is due.
	after func(policy.Policy) time.Duration
	// do says what is to be written about one item, looking at it in the transaction. It is pure.
	do func(*Worker, engine.View, moment, item) (done, error)
}

func queues() []queue {
	all := []queue{
		{indexDue, func(policy.Policy) time.Duration { return 0 }, (*Worker).due},
		{indexAhead, func(p policy.Policy) time.Duration { return -p.LookAhead }, (*Worker).ahead},
		{indexChase, func(p policy.Policy) time.Duration { return p.Chase }, (*Worker).chase},
		{indexForeman, func(p policy.Policy) time.Duration { return p.ChaseForeman }, (*Worker).chaseForeman},
	}
	for _, l := range lingers() {
		all = append(all, queue{l.name, l.after, l.tell})
	}
	return all
}

// part is one thing that a look does. It returns how many things it did, and when there is more of it to do. An error of the scope as a whole (see
// ofScope) ends the look; any other was counted and logged, and does not keep the next part from its turn.
type part func(w *Worker, ctx context.Context, p *place, at moment) (did int, next int64, err error)

// parts are what a look does, in order: answers come first, so that nobody is reminded of what is answered.
func parts() []part {
	all := []part{(*Worker).answers}
	for _, q := range queues() {
		all = append(all, func(w *Worker, ctx context.Context, p *place, at moment) (int, int64, error) {
			return w.through(ctx, p, at, q)
		})
	}
	return append(all, (*Worker).forget, (*Worker).dispatches, (*Worker).twins)
}

// look does what a scope has due. It returns when the next is due, how many things it did, and whether the scope as a whole could not be read or written.
func (w *Worker) look(ctx context.Context, p *place) (next int64, did int, broken bool, err error) {
	now := w.cfg.Now()
	at := moment{scope: p.scope, now: now, nowUs: now.UnixMicro(), policy: w.cfg.Reference.Policy(p.scope)}
	p.rested(at.nowUs)
	w.count(func(s *Stats) { s.Looks++ })
	next = never
	var faults []error
	for _, do := range parts() {
		n, again, err := do(w, ctx, p, at)
		did += n
		if ofScope(ctx, err) {
			return never, did, true, err
		}
		next, faults = min(next, again), append(faults, err)
	}
	return next, did, false, errors.Join(faults...)
}

// rested forgets the rests of entries that are long over.
func (p *place) rested(now int64) {
	for key, r := range p.rests {
		keep := longestSleep // of what was done once: it has left the index, most likely
		if r.failures > 1 {
			keep = longestRest
		}
		if r.until+keep.Microseconds() < now {
			delete(p.rests, key)
		}
	}
}

// through does what is due of one index.
func (w *Worker) through(ctx context.Context, p *place, at moment, q queue) (did int, next int64, err error) {
	items, next, err := w.read(ctx, p, q, at.nowUs, q.after(at.policy).Microseconds())
	if err != nil {
		return 0, never, err
	}
	var faults []error
	for some := range slices.Chunk(items, mostTogether) {
		n, err := w.doTogether(ctx, p, q, at, some)
		did += n
		if ofScope(ctx, err) {
			return did, never, err
		}
		faults = append(faults, err)
	}
	return did, next, errors.Join(faults...)
}

// read returns what of an index is due, and when the next after that is, by the clock. Its error is one of the scope as a whole.
func (w *Worker) read(ctx context.Context, p *place, q queue, now, after int64) (items []item, next int64, err error) {
	next = never
	end := timeKey(now - after + 1)
	for entry, err := range w.cfg.Records.Find(ctx, p.scope, q.name, store.Span{To: end}) {
		if err != nil {
			return nil, never, &scopeError{err}
		}
		one, ok := readItem(entry.Key)
		if !ok {
			continue
		}
		if r, resting := p.rests[string(q.name)+one.key]; resting && r.until > now {
			next = min(next, r.until)
			continue
		}
		if len(items) == mostItems {
			next = now
			break
		}
		items = append(items, one)
	}
	if next == now {
		return items, next, nil
	}
	first, err := w.first(ctx, p.scope, q.name, now-after+1)
	if err != nil {
		return nil, never, &scopeError{err}
	}
	if first != never {
		next = min(next, first+after)
	}
	return items, next, nil
}

// first is the time of an index's first entry from a time on. Find reads many entries at once, so it is asked for a short span before a long one.
func (w *Worker) first(ctx context.Context, scope store.Scope, name engine.IndexName, from int64) (int64, error) {
	span := store.Span{From: timeKey(from)}
	for _, length := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 0} {
		if span.To = nil; length > 0 {
			span.To = timeKey(from + length.Microseconds())
		}
		for entry, err := range w.cfg.Records.Find(ctx, scope, name, span) {
			if err != nil {
				return never, err
			}
			if one, ok := readItem(entry.Key); ok {
				return one.us, nil
			}
		}
		span.From = span.To
	}
	return never, nil
}

// forget takes old notices out of the working set, so that devices do not carry what was told years ago. It returns when the next is old.
func (w *Worker) forget(ctx context.Context, p *place, at moment) (did int, next int64, err error) {
	life := at.policy.NoticeLife
	if life <= 0 {
		return 0, never, nil
	}
	if p.aging.life == life.Microseconds() && at.nowUs < p.aging.next {
		return 0, p.aging.next, nil
	}
	q := queue{name: indexNotice}
	items, next, err := w.read(ctx, p, q, at.nowUs, life.Microseconds())
	if err != nil {
		return 0, never, err
	}
	if p.aging = (aging{}); next != never {
		p.aging = aging{life: life.Microseconds(), next: next}
	}
	var faults []error
	for _, one := range items {
		err := w.cfg.Records.Evict(ctx, at.scope, one.kind, one.id)
		if ofScope(ctx, err) {
			return did, never, err
		}
		p.pause(q, at, one, err != nil)
		if err != nil {
			w.count(func(s *Stats) { s.Failures++ })
			w.log.Error("an old notice could not be taken away, and is tried again", "scope", string(at.scope), "record", one.id, "error", err)
			faults = append(faults, fmt.Errorf("notice %s: %w", one.id, err))
			continue
		}
		did++
	}
	if len(faults) > 0 {
		p.aging = aging{}
	}
	w.count(func(s *Stats) { s.Forgotten += uint64(did) })
	return did, next, errors.Join(faults...)
}

// doTogether does some items in one transaction. Where that does not work, each has its own, so that one does not keep the others from it.
func (w *Worker) doTogether(ctx context.Context, p *place, q queue, at moment, items []item) (did int, err error) {
	did, err = w.write(ctx, q, at, items)
	if err == nil {
		for _, one := range items {
			p.pause(q, at, one, false)
		}
		return did, nil
	}
	if ofScope(ctx, err) {
		return did, err
	}
	var faults []error
	for _, one := range items {
		n, err := w.write(ctx, q, at, []item{one})
		if ofScope(ctx, err) {
			return did, err
		}
		p.pause(q, at, one, err != nil)
		did += n
		if err != nil {
			w.count(func(s *Stats) { s.Failures++ })
			w.log.Error("something that is due could not be done, and is tried again", "scope", string(at.scope), "index", string(q.name),
				"kind", string(one.kind), "record", one.id, "error", err)
			faults = append(faults, fmt.Errorf("%s %s: %w", one.kind, one.id, err))
		}
	}
	return did, errors.Join(faults...)
}

// pause passes an entry over for a while. What was done has left the index by then, or stands there at another time; if it has not, it is not done again and again.
func (p *place) pause(q queue, at moment, one item, failed bool) {
	if p.rests == nil {
		p.rests = map[string]rest{}
	}
	key := string(q.name) + one.key
	r := p.rests[key]
	wait := restAfter(r.failures)
	if !failed {
		wait = max(wait, longestSleep)
	}
	p.rests[key] = rest{until: at.nowUs + wait.Microseconds(), failures: r.failures + 1}
}

// write does items in one transaction, and returns how many changed something.
func (w *Worker) write(ctx context.Context, q queue, at moment, items []item) (int, error) {
	var all []done
	err := w.cfg.Records.Write(ctx, at.scope, func(view engine.View) (list []engine.Derived, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("schedule: panic: %v\n%s", r, debug.Stack())
			}
		}()
		all = all[:0] // an act may run again
		for _, one := range items {
			d, err := q.do(w, view, at, one)
			if err != nil {
				return nil, err
			}
			if len(d.change) > 0 {
				all = append(all, d)
				list = append(list, d.change...)
			}
		}
		return list, nil
	})
	if err != nil {
		return 0, err
	}
	w.count(func(s *Stats) {
		for _, d := range all {
			if d.stats != nil {
				d.stats(s)
			}
		}
	})
	return len(all), nil
}

// scopeError says that what a whole scope needs could not be read.
type scopeError struct{ error }

// Unwrap returns what went wrong.
func (e *scopeError) Unwrap() error { return e.error }

// ofScope: whether an error is of the scope as a whole, of the store or of the end, and not of one thing that was to be done.
func ofScope(ctx context.Context, err error) bool {
	var whole *scopeError
	var own *engine.Error
	return err != nil && (ctx.Err() != nil || errors.As(err, &whole) || errors.As(err, &own) && own.Kind == engine.Unavailable)
}

// due does what stands in indexDue.
func (w *Worker) due(view engine.View, at moment, one item) (done, error) {
	change, err := view.Get(one.kind, one.id)
	if err != nil || !stands(change) {
		return done{}, err
	}
	switch one.kind {
	case kindTicket:
		return w.breach(at, one.id, change.GetRecord().GetTicket()), nil
	case kindInspection:
		return w.window(at, one.id, change.GetRecord().GetInspection()), nil
	case kindConflict:
		return w.remind(at, one.id, change.GetRecord().GetConflict()), nil
	}
	return done{}, nil
}

// ahead does what stands in indexAhead.
func (w *Worker) ahead(view engine.View, at moment, one item) (done, error) {
	change, err := view.Get(one.kind, one.id)
	if err != nil || !stands(change) {
		return done{}, err
	}
	switch one.kind {
	case kindInspection:
		return w.release(view, at, one.id, change.GetRecord().GetInspection())
	case kindPlan:
		return w.plan(view, at, change)
	}
	return done{}, nil
}

// stands: whether a record is there to be written.
func stands(change *roundsv1.Change) bool {
	return change != nil && !change.GetDeleted() && !change.GetEvicted()
}
