package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
)

// deltaRounds is how often the change is made and pulled; the figures are medians.
const deltaRounds = 5

// nothingNew is how often a device that has everything asks again.
const nothingNew = 1000

// delta: a device has everything, some records change in one field, and it takes just those.
func (r *run) delta(ctx context.Context) error {
	writer, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_FOREMAN, 1, 1)
	if err != nil {
		return err
	}
	changed := r.chosen(r.options.Changes)
	known := map[string]seen{}
	w := newWire(r.address, 1, false)
	defer w.close()
	reader, err := newPuller(w, r.office)
	if err != nil {
		return err
	}
	reader.decode = true
	reader.visit = func(_ string, c *roundsv1.Change) { known[c.GetRecordId()] = seen{c.GetVersion(), c.GetTimeUs()} }
	if _, err := reader.pull(ctx, r.town.scopes); err != nil {
		return err
	}
	reader.decode, reader.visit = false, nil
	words := corpus.New(r.options.Seed, 7_000_000)
	var first, again []time.Duration
	var bytesUp, bytesDown, changes int64
	var cpu time.Duration
	told := false
	for range deltaRounds {
		if err := r.retitle(ctx, writer[0], changed, known, words); err != nil {
			return err
		}
		before := maps.Clone(reader.cursors)
		for i := range 2 {
			reader.cursors = maps.Clone(before)
			up, down := w.up.Load(), w.down.Load()
			cpuBefore, _ := r.server.cpu()
			got, err := reader.pull(ctx, r.town.scopes)
			if err != nil {
				return err
			}
			if got.changes != len(changed) {
				return fmt.Errorf("%d of %d changes came", got.changes, len(changed))
			}
			cpuAfter, ok := r.server.cpu()
			cpu, told = cpu+cpuAfter-cpuBefore, ok
			bytesUp, bytesDown, changes = w.up.Load()-up, w.down.Load()-down, changes+int64(got.changes)
			if i == 0 {
				first = append(first, got.took)
			} else {
				again = append(again, got.took)
			}
		}
	}
	r.report.add("delta.bytes", float64(bytesUp+bytesDown), "B")
	r.report.add("delta.first", ms(quantile(first, 0.5)), "ms")
	r.report.add("delta.again", ms(quantile(again, 0.5)), "ms")
	if told {
		r.report.add("delta.server_cpu_per_change", ms(cpu)/float64(changes), "ms")
	}
	return r.nothingNew(ctx, reader.cursors)
}

// chosen draws n of the stored records, evenly over the scopes.
func (r *run) chosen(n int) map[string]string {
	words := corpus.New(r.options.Seed, 8_000_000)
	scopes := slices.Sorted(maps.Keys(r.ids))
	all := map[string]string{} // record to scope
	for i := 0; len(all) < n; i++ {
		scope := scopes[i%len(scopes)]
		all[r.ids[scope][words.IntN(len(r.ids[scope]))]] = scope
	}
	return all
}

// retitle has a person change the title of records as they stand.
func (r *run) retitle(ctx context.Context, d *device, records map[string]string, known map[string]seen, words *corpus.Corpus) error {
	order := slices.Sorted(maps.Keys(records))
	byLane := map[string][]string{}
	for _, id := range order {
		if _, err := d.do(records[id], id, d.clock(), known[id], retitle(words.Title())); err != nil {
			return err
		}
		byLane[records[id]] = append(byLane[records[id]], id)
	}
	w := newWire(r.address, 1, false)
	defer w.close()
	for {
		resp, err := r.submit(ctx, w, d)
		if err != nil || resp == nil {
			return err
		}
		for _, l := range resp.GetLanes() {
			for _, o := range l.GetOutcomes() {
				known[byLane[l.GetScope()][0]] = seen{o.GetSeq(), o.GetTimeUs()}
				byLane[l.GetScope()] = byLane[l.GetScope()][1:]
			}
		}
	}
}

// submit sends what a device has queued, as much as one request carries, and checks that it was applied; nil when nothing is queued.
func (r *run) submit(ctx context.Context, w *wire, d *device) (*roundsv1.ExchangeResponse, error) {
	req, count := d.flush()
	if req == nil {
		return nil, nil
	}
	pack, err := newPacker()
	if err != nil {
		return nil, err
	}
	encoded, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	answer, err := w.exchange(ctx, d.token, pack.pack(encoded), nil)
	if err != nil {
		return nil, err
	}
	plain, err := pack.unpack(answer, nil)
	if err != nil {
		return nil, err
	}
	resp := new(roundsv1.ExchangeResponse)
	if err := proto.Unmarshal(plain, resp); err != nil {
		return nil, err
	}
	return resp, check(resp, count)
}

// nothingNew: a device that has a scope asks again and again.
func (r *run) nothingNew(ctx context.Context, cursors map[string][]byte) error {
	for _, how := range []struct {
		suffix string
		http2  bool
	}{{"", false}, {"_http2", true}} {
		w := newWire(r.address, 1, how.http2)
		p, err := newPuller(w, r.office)
		if err != nil {
			return err
		}
		p.cursors = cursors
		scope := r.town.scopes[:1]
		for range 20 { // the connection, and what HTTP/2 tells but once
			if _, err := p.pull(ctx, scope); err != nil {
				return err
			}
		}
		up, down := w.up.Load(), w.down.Load()
		took := make([]time.Duration, nothingNew)
		requests := 0
		for i := range took {
			got, err := p.pull(ctx, scope)
			if err != nil {
				return err
			}
			if got.changes != 0 {
				return fmt.Errorf("%d changes came where nothing had changed", got.changes)
			}
			took[i], requests = got.took, requests+got.requests
		}
		r.report.add("delta.nothing_new_p50"+how.suffix, ms(quantile(took, 0.5)), "ms")
		r.report.add("delta.nothing_new_bytes"+how.suffix, float64(w.up.Load()-up+w.down.Load()-down)/nothingNew, "B")
		if !how.http2 {
			r.report.add("delta.nothing_new_round_trips", float64(requests)/nothingNew, "1")
		}
		w.close()
	}
	return nil
}
