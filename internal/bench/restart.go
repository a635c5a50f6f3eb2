package bench

import (
	"context"
	"time"
)

// restarts is how often the server is started anew; the time is the median.
const restarts = 3

// idleFor is how long the server is left alone before its memory is looked at.
const idleFor = 2 * time.Second

// restart: from the exec of the server to its first answer to a device, with everything stored; then its memory while nothing happens.
func (r *run) restart(ctx context.Context) error {
	if r.server == nil {
		r.say("the server is not the run's own: start is left out")
		return nil
	}
	var first, ready []time.Duration
	for range restarts {
		if err := r.server.stop(); err != nil {
			return err
		}
		began := time.Now()
		if err := r.serve(ctx); err != nil {
			return err
		}
		w := newWire(r.address, 1, false)
		p, err := newPuller(w, r.office)
		if err != nil {
			return err
		}
		request := body{}
		if request.bytes, err = emptyRequest(p); err != nil {
			return err
		}
		if _, err := w.exchange(ctx, r.office.token, request, nil); err != nil {
			return err
		}
		first, ready = append(first, time.Since(began)), append(ready, r.server.took)
		w.close()
	}
	r.report.add("start.ready", ms(quantile(ready, 0.5)), "ms")
	r.report.add("start.first_answer", ms(quantile(first, 0.5)), "ms")
	r.report.add("start.records", float64(r.stored), "1")
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	if own, mapped, ok := r.server.memory(); ok {
		r.report.add("start.idle_memory", float64(own+mapped)/(1<<20), "MiB")
		r.report.add("start.idle_memory_own", float64(own)/(1<<20), "MiB")
	}
	return nil
}
