package bench

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
)

// standing pulls a scope with a device and returns the cursor behind everything.
func (r *run) standing(ctx context.Context, d *device, scope string) ([]byte, error) {
	w := newWire(r.address, 1, false)
	defer w.close()
	p, err := newPuller(w, d)
	if err != nil {
		return nil, err
	}
	_, err = p.pull(ctx, []string{scope})
	return p.cursors[scope], err
}

func watchRequest(scope string, cursor []byte) ([]byte, error) {
	return proto.Marshal(&roundsv1.WatchRequest{
		Cursors:   []*roundsv1.ScopeCursor{{Scope: scope, Cursor: cursor}},
		Heartbeat: durationpb.New(10 * time.Minute),
	})
}

// newTicket makes the request of one new ticket, ready to be sent.
func (d *device) newTicket(scope string, words *corpus.Corpus, pack *packer) (id string, request body, err error) {
	id = words.ID()
	if _, err = d.do(scope, id, d.clock(), seen{}, create(ticketRecord(words.Ticket()))); err != nil {
		return
	}
	req, _ := d.flush()
	encoded, err := proto.Marshal(req)
	return id, pack.pack(encoded), err
}

// live: one writes, one watches.
func (r *run) live(ctx context.Context) error {
	devices, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_WORKER, 2, 1)
	if err != nil {
		return err
	}
	writer, watcher, scope := devices[0], devices[1], r.town.scopes[0]
	cursor, err := r.standing(ctx, watcher, scope)
	if err != nil {
		return err
	}
	request, err := watchRequest(scope, cursor)
	if err != nil {
		return err
	}
	watching, writing := newWire(r.address, 1, false), newWire(r.address, 1, false)
	defer watching.close()
	defer writing.close()
	s, err := watching.watch(ctx, watcher.token, request)
	if err != nil {
		return err
	}
	defer s.close()
	pack, err := newPacker()
	if err != nil {
		return err
	}
	if _, err := s.next(); err != nil { // how the scope stands
		return err
	}
	words := corpus.New(r.options.Seed, 9_000_000)
	const warm = 20
	var reached, answered []time.Duration
	var buffer []byte
	for i := range warm + r.options.Events {
		id, request, err := writer.newTicket(scope, words, pack)
		if err != nil {
			return err
		}
		type answer struct {
			took time.Duration
			body body
			err  error
		}
		done := make(chan answer, 1)
		began := time.Now()
		go func() {
			b, err := writing.exchange(ctx, writer.token, request, buffer)
			done <- answer{time.Since(began), b, err}
		}()
		message, err := s.next()
		took := time.Since(began)
		if err != nil {
			return err
		}
		a := <-done
		if a.err != nil {
			return a.err
		}
		buffer = a.body.bytes
		if err := holds(pack, message, id); err != nil {
			return err
		}
		if i >= warm {
			reached, answered = append(reached, took), append(answered, a.took)
		}
	}
	r.report.add("live.p50", ms(quantile(reached, 0.5)), "ms")
	r.report.add("live.p99", ms(quantile(reached, 0.99)), "ms")
	r.report.add("live.writer_answer_p50", ms(quantile(answered, 0.5)), "ms")
	return nil
}

// holds returns an error unless a message of a stream holds a record.
func holds(pack *packer, message body, id string) error {
	plain, err := pack.unpack(message, nil)
	if err != nil {
		return err
	}
	resp := new(roundsv1.WatchResponse)
	if err := proto.Unmarshal(plain, resp); err != nil {
		return err
	}
	for _, page := range resp.GetPages() {
		for _, c := range page.GetChanges() {
			if c.GetRecordId() == id {
				return nil
			}
		}
	}
	return fmt.Errorf("the watcher heard of something else than %s: %v", id, resp)
}
