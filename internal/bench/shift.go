package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
	"github.com/rounds-sync/rounds/internal/link"
)

// A worker's day.
const (
	dayTickets    = 60
	dayRounds     = 12
	roundAnswers  = 8
	dayRemarks    = 40
	dayPhotos     = 120
	dayLength     = 10 * time.Hour
	dayMutations  = dayTickets + dayRounds*(1+roundAnswers) + dayRemarks + dayPhotos
	shiftAttempts = 3 // medians
)

// shift: one worker's day is queued offline and delivered in one go: first over the loopback, where bytes and round trips are counted, then over a
// narrow and slow link, where it is the seconds that count. The worker's phone was in step with its site in the morning.
func (r *run) shift(ctx context.Context) error {
	devices, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_WORKER, 1+shiftAttempts, 1)
	if err != nil {
		return err
	}
	scope := r.town.scopes[0]
	direct := newWire(r.address, 1, false)
	defer direct.close()
	day, err := r.day(ctx, devices[0], scope, 0)
	if err != nil {
		return err
	}
	sync, err := day.deliver(ctx, direct)
	if err != nil {
		return err
	}
	r.report.add("shift.mutations", dayMutations, "1")
	r.report.add("shift.content_bytes", float64(day.content), "B")
	r.report.add("shift.bytes_up", float64(direct.up.Load()), "B")
	r.report.add("shift.bytes_down", float64(direct.down.Load()), "B")
	r.report.add("shift.round_trips", float64(sync.requests), "1")
	r.report.add("shift.loopback", ms(sync.took), "ms")

	narrow, err := link.Open(link.Config{Target: strings.TrimPrefix(r.address, "http://"), Seed: r.options.Seed,
		Shape: link.Shape{BitsPerSecond: r.options.BitsPerSecond, RoundTrip: r.options.RoundTrip}})
	if err != nil {
		return err
	}
	defer narrow.Close()
	var took []time.Duration
	for i, d := range devices[1:] {
		if day, err = r.day(ctx, d, scope, uint64(i+1)); err != nil {
			return err
		}
		w := newWire("http://"+narrow.Addr().String(), 1, false)
		if sync, err = day.deliver(ctx, w); err != nil {
			return err
		}
		w.close()
		took = append(took, sync.took)
	}
	r.report.add("shift.link_seconds", quantile(took, 0.5).Seconds(), "s")
	return nil
}

// day is what a phone holds at the end of a shift.
type day struct {
	device  *device
	scope   string
	cursor  []byte
	content int
}

// day pulls the site in the morning and queues what a worker does until the evening.
func (r *run) day(ctx context.Context, d *device, scope string, n uint64) (*day, error) {
	out := &day{device: d, scope: scope}
	var err error
	if out.cursor, err = r.standing(ctx, d, scope); err != nil {
		return nil, err
	}
	words := corpus.New(r.options.Seed, 11_000_000+n)
	evening := d.clock()
	done := 0
	do := func(id string, act *roundsv1.Mutation) error {
		done++
		before := int64(dayLength) * int64(dayMutations-done) / dayMutations / int64(time.Microsecond)
		at := &roundsv1.Clock{WallUs: evening.WallUs - before, BootId: evening.BootId, MonotonicUs: evening.MonotonicUs - before + dayLength.Microseconds()}
		size, err := d.do(scope, id, at, seen{}, act)
		out.content += size
		return err
	}
	d.started = d.started.Add(-dayLength) // the phone has been up since before the shift
	var tickets []string
	for range dayTickets {
		id := words.ID()
		tickets = append(tickets, id)
		if err := do(id, create(ticketRecord(words.Ticket()))); err != nil {
			return nil, err
		}
		for range dayPhotos / dayTickets {
			photo := words.Photo(id, d.clock())
			if err := do(words.ID(), fact(&roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}})); err != nil {
				return nil, err
			}
		}
	}
	for i := range dayRemarks {
		if err := do(words.ID(), fact(&roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: words.Comment(tickets[i%len(tickets)])}})); err != nil {
			return nil, err
		}
	}
	for range dayRounds {
		id := words.ID()
		if err := do(id, create(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: words.Inspection()}})); err != nil {
			return nil, err
		}
		for item := range roundAnswers {
			if err := do(id, fact(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: words.Answer(item)}})); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// deliver syncs until everything has its outcome and the phone has the snapshot that holds it. The clock includes making the connection.
func (d *day) deliver(ctx context.Context, w *wire) (pulled, error) {
	pack, err := newPacker()
	if err != nil {
		return pulled{}, err
	}
	req, count := d.device.flush()
	if req == nil || count != dayMutations {
		return pulled{}, fmt.Errorf("%d mutations are queued, not %d", count, dayMutations)
	}
	var got pulled
	began := time.Now()
	for {
		req.Cursors = []*roundsv1.ScopeCursor{{Scope: d.scope, Cursor: d.cursor}}
		encoded, err := proto.Marshal(req)
		if err != nil {
			return got, err
		}
		answer, err := w.exchange(ctx, d.device.token, pack.pack(encoded), nil)
		if err != nil {
			return got, err
		}
		plain, err := pack.unpack(answer, nil)
		if err != nil {
			return got, err
		}
		resp := new(roundsv1.ExchangeResponse)
		if err := proto.Unmarshal(plain, resp); err != nil {
			return got, err
		}
		got.requests++
		if err := check(resp, count); err != nil {
			return got, err
		}
		if len(resp.GetPages()) != 1 {
			return got, errors.New("an answer without its page")
		}
		got.changes += len(resp.GetPages()[0].GetChanges())
		if !resp.GetMore() {
			got.took = time.Since(began)
			return got, nil
		}
		req, count = &roundsv1.ExchangeRequest{Clock: d.device.clock()}, 0
		d.cursor = resp.GetPages()[0].GetCursor()
	}
}
