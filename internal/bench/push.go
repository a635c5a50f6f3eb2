package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
)

// load is requests made before the clock starts: those of one device are sent in order, one after the other.
type load struct {
	lines   []line
	payload int64 // bytes of the tickets as JSON
	content int64 // bytes of the mutations
}

type line struct {
	token    string
	requests []body
	sizes    []int // mutations in each
}

// tickets makes requests that create so many tickets, spread over the devices and sites.
func (r *run) tickets(devices []*device, docs, batch int, stream uint64) (*load, error) {
	l := &load{lines: make([]line, len(devices))}
	var mu sync.Mutex // guards the sums of l and r.ids
	err := inParallel(2, len(devices), func(i int) error {
		pack, err := newPacker()
		if err != nil {
			return err
		}
		words, d := corpus.New(r.options.Seed, stream+uint64(i)), devices[i]
		l.lines[i].token = d.token
		mine := docs / len(devices)
		if i < docs%len(devices) {
			mine++
		}
		made := map[string][]string{}
		var payload, content int64
		for n := 0; n < mine; {
			scope := r.town.scopes[(i+n/batch*len(devices))%len(r.town.scopes)]
			for range min(batch, mine-n) {
				id, ticket := words.ID(), words.Ticket()
				text, err := asJSON(ticket)
				if err != nil {
					return err
				}
				size, err := d.do(scope, id, d.clock(), seen{}, create(ticketRecord(ticket)))
				if err != nil {
					return err
				}
				payload, content = payload+int64(text), content+int64(size)
				made[scope] = append(made[scope], id)
				n++
			}
			req, count := d.flush()
			encoded, err := proto.Marshal(req)
			if err != nil {
				return err
			}
			l.lines[i].requests = append(l.lines[i].requests, pack.pack(encoded))
			l.lines[i].sizes = append(l.lines[i].sizes, count)
		}
		mu.Lock()
		defer mu.Unlock()
		l.payload, l.content = l.payload+payload, l.content+content
		for scope, ids := range made {
			r.ids[scope] = append(r.ids[scope], ids...)
		}
		return nil
	})
	return l, err
}

// asJSON returns the size of a ticket as JSON without blanks.
func asJSON(ticket *roundsv1.Ticket) (int, error) {
	text, err := protojson.Marshal(ticket)
	if err != nil {
		return 0, err
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, text) // protojson puts blanks at random
	return compact.Len(), err
}

// sent is what became of a load.
type sent struct {
	took    time.Duration
	batches []time.Duration
	answers [][]body // by line
}

// send sends a load over so many connections. At each moment every connection carries one request; the devices take turns on them.
func (l *load) send(ctx context.Context, w *wire, connections int) (*sent, error) {
	s := &sent{answers: make([][]body, len(l.lines))}
	turns := make(chan int, len(l.lines))
	left := 0
	for i := range l.lines {
		if n := len(l.lines[i].requests); n > 0 {
			left += n
			turns <- i
		}
	}
	var mu sync.Mutex // guards left and s.batches
	began := time.Now()
	err := inParallel(connections, connections, func(int) error {
		for i := range turns {
			at := len(s.answers[i])
			start := time.Now()
			answer, err := w.exchange(ctx, l.lines[i].token, l.lines[i].requests[at], nil)
			took := time.Since(start)
			if err != nil {
				return err
			}
			s.answers[i] = append(s.answers[i], answer)
			mu.Lock()
			s.batches = append(s.batches, took)
			if left--; left == 0 {
				close(turns)
			}
			mu.Unlock()
			if at+1 < len(l.lines[i].requests) {
				turns <- i
			}
		}
		return nil
	})
	s.took = time.Since(began)
	return s, err
}

// check looks into all answers: each mutation must have been applied.
func (l *load) check(s *sent, bare bool) error {
	pack, err := newPacker()
	if err != nil {
		return err
	}
	for i, answers := range s.answers {
		for n, answer := range answers {
			plain, err := pack.unpack(answer, nil)
			if err != nil {
				return err
			}
			resp := new(roundsv1.ExchangeResponse)
			if err := proto.Unmarshal(plain, resp); err != nil {
				return err
			}
			if bare {
				continue
			}
			if err := check(resp, l.lines[i].sizes[n]); err != nil {
				return fmt.Errorf("device %d, request %d: %w", i, n, err)
			}
		}
	}
	return nil
}

// fillBatch is the batch of what is stored before a clock starts.
const fillBatch = 250

// fill stores tickets until there are so many, without measuring.
func (r *run) fill(ctx context.Context, upTo int) error {
	const step = 50_000 // bounds the memory of the generator
	for r.stored < upTo {
		n := min(step, upTo-r.stored)
		r.say("storing %d tickets", n)
		devices, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_WORKER, 8, 50)
		if err != nil {
			return err
		}
		l, err := r.tickets(devices, n, fillBatch, uint64(1_000_000+r.stored))
		if err != nil {
			return err
		}
		w := newWire(r.address, 8, false)
		s, err := l.send(ctx, w, 8)
		w.close()
		if err == nil {
			err = l.check(s, false)
		}
		if err != nil {
			return err
		}
		r.stored += n
	}
	return nil
}

// push: devices push new tickets.
func (r *run) push(ctx context.Context) error {
	o := r.options
	if err := r.fill(ctx, o.Records-o.Docs); err != nil {
		return err
	}
	devices, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_WORKER, o.Devices, 1)
	if err != nil {
		return err
	}
	l, err := r.tickets(devices, o.Docs, o.Batch, 1)
	if err != nil {
		return err
	}
	if err := r.bare(ctx, l); err != nil {
		return fmt.Errorf("the bare server: %w", err)
	}
	diskBefore, err := r.disk()
	if err != nil {
		return err
	}
	r.say("pushing %d tickets", o.Docs)
	w := newWire(r.address, o.Connections, false)
	defer w.close()
	cpuBefore, _ := r.server.cpu()
	s, err := l.send(ctx, w, o.Connections)
	if err != nil {
		return err
	}
	cpu, ok := r.server.cpu()
	r.stored += o.Docs
	if err := l.check(s, false); err != nil {
		return err
	}
	docs := float64(o.Docs)
	r.report.add("push.docs_per_second", docs/s.took.Seconds(), "1/s")
	r.report.add("push.batch_p50", ms(quantile(s.batches, 0.5)), "ms")
	r.report.add("push.batch_p99", ms(quantile(s.batches, 0.99)), "ms")
	if ok {
		r.report.add("push.server_cpu_per_doc", ms(cpu-cpuBefore)/docs, "ms")
	}
	if bare, found := r.report.Find("limits.bare_docs_per_second"); found {
		r.report.add("push.of_bare_server", docs/s.took.Seconds()/bare.Value, "ratio")
	}
	r.report.add("push.payload_per_doc", float64(l.payload)/docs, "B")
	r.report.add("push.mutation_per_doc", float64(l.content)/docs, "B")
	r.report.add("push.wire_bytes_up_per_doc", float64(w.up.Load())/docs, "B")
	r.report.add("push.wire_bytes_down_per_doc", float64(w.down.Load())/docs, "B")
	if own, mapped, ok := r.server.memory(); ok {
		r.report.add("push.server_memory", float64(own)/(1<<20), "MiB")
		r.report.add("push.server_mapped", float64(mapped)/(1<<20), "MiB")
	}
	if r.server == nil {
		return nil
	}
	disk, err := r.disk()
	if err != nil {
		return err
	}
	r.report.add("push.disk_over_payload", float64(disk-diskBefore)/float64(l.payload), "ratio")
	// The store gathers and compacts as it ends and begins.
	if err := r.server.stop(); err != nil {
		return err
	}
	if err := r.serve(ctx); err != nil {
		return err
	}
	if disk, err = r.disk(); err != nil {
		return err
	}
	r.report.add("push.disk_over_payload_restarted", float64(disk-diskBefore)/float64(l.payload), "ratio")
	return nil
}

// disk is what the data of the run's own server takes.
func (r *run) disk() (int64, error) {
	if r.server == nil {
		return 0, nil
	}
	return diskBytes(filepath.Join(r.dir, "data"))
}
