package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
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
	return []queue{
		{indexDue, func(policy.Policy) time.Duration { return 0 }, (*Worker).due},
		{indexAhead, func(p policy.Policy) time.Duration { return -p.LookAhead }, (*Worker).ahead},
		{indexChase, func(p policy.Policy) time.Duration { return p.Chase }, (*Worker).chase},
		{indexForeman, func(p policy.Policy) time.Duration { return p.ChaseForeman }, (*Worker).chaseForeman},
	}
}

// look does what a scope has due. It returns when the next is due, how many things it did, and whether the scope as a whole could not be read or written.
func (w *Worker) look(ctx context.Context, p *place) (next int64, did int, broken bool, err error) {
	now := w.cfg.Now()
	at := moment{scope: p.scope, now: now, nowUs: now.UnixMicro(), policy: w.cfg.Reference.Policy(p.scope)}
	for key, r := range p.rests {
		keep := longestSleep // of what was done once: it has left the index, most likely
		if r.failures > 1 {
			keep = longestRest
		}
		if r.until+keep.Microseconds() < at.nowUs {
			delete(p.rests, key)
		}
	}
	w.count(func(s *Stats) { s.Looks++ })
	next = never
	var faults []error
	answered, unfinished, err := w.answers(ctx, p) // first, so that nobody is reminded of what is answered
	if unavailable(ctx, err) {
		return never, answered, true, err
	}
	if err != nil {
		w.count(func(s *Stats) { s.Failures++ })
		w.log.Error("schedule: looking for answers failed", "scope", string(p.scope), "error", err)
		next, faults = now.Add(longestSleep).UnixMicro(), append(faults, err)
	}
	if unfinished {
		next = now.Add(firstRest).UnixMicro()
	}
	did = answered
	for _, q := range queues() {
		after := q.after(at.policy).Microseconds()
		items, first, err := w.read(ctx, p, q, at.nowUs, after)
		if err != nil {
			return never, did, true, err
		}
		next = min(next, first)
		for len(items) > 0 {
			some := items[:min(mostTogether, len(items))]
			items = items[len(some):]
			n, err := w.doTogether(ctx, p, q, at, some)
			did += n
			if unavailable(ctx, err) {
				return never, did, true, err
			}
			faults = append(faults, err)
		}
	}
	forgot, first, err := w.forget(ctx, p, at)
	if unavailable(ctx, err) {
		return never, did, true, err
	}
	did, next, faults = did+forgot, min(next, first), append(faults, err)
	again, n, err := w.dispatches(ctx, p, at)
	if unavailable(ctx, err) {
		return never, did + n, true, err
	}
	if err != nil {
		w.log.Error("schedule: giving out tickets failed", "scope", string(p.scope), "error", err)
		faults = append(faults, err)
	}
	next, did = min(next, again), did+n
	n, more, err := w.twins(ctx, p, at)
	if unavailable(ctx, err) {
		return never, did, true, err
	}
	if err != nil { // it is looked at again soon, from where it failed
		w.count(func(s *Stats) { s.Failures++ })
		w.log.Error("schedule: looking for duplicates failed", "scope", string(p.scope), "error", err)
		next = min(next, now.Add(longestSleep).UnixMicro())
	}
	if more {
		next = at.nowUs
	}
	return next, did + n, false, errors.Join(append(faults, err)...)
}

// read returns what of an index is due, and when the next after that is, by the clock.
func (w *Worker) read(ctx context.Context, p *place, q queue, now, after int64) (items []item, next int64, err error) {
	next = never
	end := timeKey(now - after + 1)
	for entry, err := range w.cfg.Records.Find(ctx, p.scope, q.name, store.Span{To: end}) {
		if err != nil {
			return nil, never, err
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
		return nil, never, err
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
		if unavailable(ctx, err) {
			return did, never, err
		}
		p.pause(q, at, one, err != nil)
		if err != nil {
			w.count(func(s *Stats) { s.Failures++ })
			w.log.Error("schedule: an old notice could not be taken away, and is tried again", "scope", string(at.scope), "record", one.id, "error", err)
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
	if unavailable(ctx, err) {
		return did, err
	}
	var faults []error
	for _, one := range items {
		n, err := w.write(ctx, q, at, []item{one})
		if unavailable(ctx, err) {
			return did, err
		}
		p.pause(q, at, one, err != nil)
		did += n
		if err != nil {
			w.count(func(s *Stats) { s.Failures++ })
			w.log.Error("schedule: something that is due could not be done, and is tried again", "scope", string(at.scope), "index", string(q.name),
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

// unavailable: whether an error is of the store or of the end, and not of what was to be done.
func unavailable(ctx context.Context, err error) bool {
	var own *engine.Error
	return err != nil && (ctx.Err() != nil || errors.As(err, &own) && own.Kind == engine.Unavailable)
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
