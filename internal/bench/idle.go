package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
)

// idleWrites is how often a write reaches all watchers.
const idleWrites = 20

// streamsPerConnection is how many streams share a connection where they do: what a gateway in front of the server would do.
const streamsPerConnection = 200

// Memory is looked at again after each step until it has stopped falling, for so many steps at most.
const (
	settleStep  = 300 * time.Millisecond
	settleSteps = 20
)

// idle: many watchers are idle, then a write reaches all. Once each has a connection of its own, once they share connections by HTTP/2.
func (r *run) idle(ctx context.Context) error {
	devices, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_WORKER, r.options.Watchers+1, 50)
	if err != nil {
		return err
	}
	if err := r.watchers(ctx, devices, "", func() *wire { return newWire(r.address, 0, false) }, len(devices)); err != nil {
		return err
	}
	return r.watchers(ctx, devices, "_http2", func() *wire { return newWire(r.address, 1, true) }, streamsPerConnection)
}

// settled has the server collect its garbage and waits while it gives memory back, and returns what it then needs of its own; false where that cannot
// be told.
func (r *run) settled(ctx context.Context) (own int64, ok bool) {
	own, _, ok = r.server.memory()
	if !ok || r.server.admin == "" {
		return own, ok
	}
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.server.admin+"/debug/pprof/heap?gc=1", nil)
		if err != nil {
			return own, false
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	for range settleSteps {
		select {
		case <-time.After(settleStep):
		case <-ctx.Done():
			return own, false
		}
		before := own
		if own, _, ok = r.server.memory(); !ok || own > before-before/100 {
			break
		}
	}
	return own, ok
}

func (r *run) watchers(ctx context.Context, devices []*device, suffix string, newWire func() *wire, perWire int) error {
	if r.server != nil { // what others left in its memory would stand in for what watchers need
		if err := r.server.stop(); err != nil {
			return err
		}
		if err := r.serve(ctx); err != nil {
			return err
		}
	}
	writer, watchers, scope := devices[0], devices[1:], r.town.scopes[0]
	cursor, err := r.standing(ctx, writer, scope)
	if err != nil {
		return err
	}
	request, err := watchRequest(scope, cursor)
	if err != nil {
		return err
	}
	before, told := r.settled(ctx)
	streams := make([]*stream, len(watchers))
	wires := make([]*wire, (len(watchers)+perWire-1)/perWire)
	for i := range wires {
		wires[i] = newWire()
	}
	defer func() {
		for _, s := range streams {
			if s != nil {
				s.close()
			}
		}
		for _, w := range wires {
			w.close()
		}
	}()
	if err := inParallel(16, len(watchers), func(i int) (err error) {
		if streams[i], err = wires[i/perWire].watch(ctx, watchers[i].token, request); err == nil {
			_, err = streams[i].next() // how the scope stands
		}
		if err != nil {
			return fmt.Errorf("watcher %d: %w", i, err)
		}
		return nil
	}); err != nil {
		return err
	}
	after, _ := r.settled(ctx)
	r.report.add("idle.watchers"+suffix, float64(len(watchers)), "1")
	if told {
		r.report.add("idle.memory_per_watcher"+suffix, float64(after-before)/1024/float64(len(watchers)), "KiB")
	}
	reached, answered, err := r.reach(ctx, writer, scope, streams, suffix)
	if err != nil {
		return err
	}
	r.report.add("idle.write_reaches_p50"+suffix, ms(quantile(reached, 0.5)), "ms")
	r.report.add("idle.write_reaches_last"+suffix, ms(quantile(reached, 1)), "ms")
	r.report.add("idle.writer_answer_p50"+suffix, ms(quantile(answered, 0.5)), "ms")
	return nil
}

// reach writes some times and waits until all streams have it.
func (r *run) reach(ctx context.Context, writer *device, scope string, streams []*stream, suffix string) (reached, answered []time.Duration, err error) {
	pack, err := newPacker()
	if err != nil {
		return nil, nil, err
	}
	words := corpus.New(r.options.Seed, 10_000_000+uint64(len(suffix)))
	w := newWire(r.address, 1, false)
	defer w.close()
	for i := range idleWrites + 1 {
		_, request, err := writer.newTicket(scope, words, pack)
		if err != nil {
			return nil, nil, err
		}
		arrived := make([]time.Time, len(streams))
		faults := make([]error, len(streams))
		var all sync.WaitGroup
		for n, s := range streams {
			all.Go(func() {
				_, faults[n] = s.next()
				arrived[n] = time.Now()
			})
		}
		began := time.Now()
		if _, err := w.exchange(ctx, writer.token, request, nil); err != nil {
			return nil, nil, err
		}
		answer := time.Since(began)
		all.Wait()
		for n, fault := range faults {
			if fault != nil {
				return nil, nil, fmt.Errorf("watcher %d: %w", n, fault)
			}
			if i > 0 { // the first write finds cold caches on both sides
				reached = append(reached, arrived[n].Sub(began))
			}
		}
		if i > 0 {
			answered = append(answered, answer)
		}
	}
	return reached, answered, nil
}
