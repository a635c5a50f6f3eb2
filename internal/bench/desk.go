package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
)

// desks are how many people poll at once.
const desks = 4

// deskWarm is how many rounds of queries each desk makes before they count.
const deskWarm = 3

// desk: a large site is written into the store; the first list after a start reads it into memory; then four desks poll the queue, lists and stories while
// devices push.
func (r *run) desk(ctx context.Context) error {
	site, err := r.largeSite(ctx)
	if err != nil || site == nil {
		return err
	}
	if err := errors.Join(r.server.stop(), r.serve(ctx)); err != nil {
		return err
	}
	before, _, told := r.server.memory()
	if err := r.deskLoad(ctx, site); err != nil {
		return err
	}
	// Without what the store maps of its files, which the system takes back when it likes.
	if own, _, ok := r.server.memory(); ok && told {
		r.report.add("desk.memory_before", float64(before)/(1<<20), "MiB")
		r.report.add("desk.memory_loaded", float64(own)/(1<<20), "MiB")
	}
	all, err := r.poll(ctx, site)
	if err != nil {
		return err
	}
	asked := 0
	for _, name := range questions() {
		asked += len(all.of[name]) + deskWarm*desks
		r.report.add("desk."+name+"_p50", ms(quantile(all.of[name], 0.5)), "ms")
		r.report.add("desk."+name+"_p99", ms(quantile(all.of[name], 0.99)), "ms")
	}
	r.report.add("desk.pushed_per_second", float64(all.pushed)/all.took.Seconds(), "1/s")
	if all.measured {
		r.report.add("desk.server_cpu_per_question", ms(all.cpu)/float64(asked), "ms") // what the pushes cost is in it
	}
	if own, _, ok := r.server.memory(); ok {
		r.report.add("desk.memory_after", float64(own)/(1<<20), "MiB")
	}
	return nil
}

// questions are what a desk asks, in turn.
func questions() []string { return []string{"queue", "list", "text", "story", "inbox"} }

// largeSite writes the site that desks ask about, once in a run, with those who ask and those who push. It is nil where the server is not the run's own.
func (r *run) largeSite(ctx context.Context) (*deskSite, error) {
	if r.server == nil {
		r.say("the server is not the run's own: what needs a large site is left out")
		return nil, nil
	}
	if r.site != nil {
		return r.site, nil
	}
	id, err := r.town.node(ctx, r.town.district, roundsv1.NodeType_NODE_TYPE_SITE, "bench desk site")
	if err != nil {
		return nil, err
	}
	reviewers, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_SUPERVISOR, desks, 1)
	if err != nil {
		return nil, err
	}
	workers, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_WORKER, r.options.Devices, 1)
	if err != nil {
		return nil, err
	}
	if err := r.server.stop(); err != nil {
		return nil, err
	}
	site, err := r.writeSite(ctx, "site/"+id)
	if err != nil {
		return nil, fmt.Errorf("writing the site: %w", err)
	}
	site.reviewers, site.workers, r.site = reviewers, workers, site
	return site, r.serve(ctx)
}

// deskLoad takes the time of the first list, which reads the site.
func (r *run) deskLoad(ctx context.Context, site *deskSite) error {
	client := deskClient(r.address, site.reviewers[0])
	began := time.Now()
	resp, err := client.ListTickets(ctx, connect.NewRequest(&roundsv1.ListTicketsRequest{Scopes: []string{site.scope}}))
	if err != nil {
		return err
	}
	r.report.add("desk.load", ms(time.Since(began)), "ms")
	if want := min(10_000, len(site.tickets)); int(resp.Msg.GetTotal()) != want {
		return fmt.Errorf("the first list tells of %d tickets, not of %d", resp.Msg.GetTotal(), want)
	}
	// The first story waits for the table of histories, which the server writes beside everything else.
	began = time.Now()
	if _, err := client.Story(ctx, connect.NewRequest(&roundsv1.StoryRequest{Scope: site.scope,
		Record: &roundsv1.RecordRef{Kind: "ticket", Id: site.tickets[0]}})); err != nil {
		return err
	}
	r.report.add("desk.first_story", ms(time.Since(began)), "ms")
	r.report.add("desk.records", float64(site.records), "1")
	r.report.add("desk.entries", float64(site.entries), "1")
	return nil
}

func deskClient(address string, d *device) roundsv1connect.WorkServiceClient {
	return roundsv1connect.NewWorkServiceClient(http.DefaultClient, address, bearing(d.token))
}

// polled is how long questions took, and what else happened meanwhile.
type polled struct {
	of        map[string][]time.Duration // by question
	pushed    int
	took, cpu time.Duration
	measured  bool
}

// poll lets the desks ask while devices push.
func (r *run) poll(ctx context.Context, site *deskSite) (*polled, error) {
	var pushes sync.WaitGroup
	var failed error
	all := &polled{of: map[string][]time.Duration{}}
	ended := make(chan struct{})
	began := time.Now()
	pushes.Go(func() { all.pushed, failed = r.pushSteadily(ctx, ended, site) })
	used, _ := r.server.cpu()
	samples := make([]map[string][]time.Duration, desks)
	err := inParallel(desks, desks, func(i int) (err error) {
		samples[i], err = r.sit(ctx, site, i)
		return err
	})
	all.took = time.Since(began)
	usedBy, ok := r.server.cpu()
	all.cpu, all.measured = usedBy-used, ok
	close(ended)
	pushes.Wait()
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, fmt.Errorf("pushing: %w", failed)
	}
	for _, of := range samples {
		for name, took := range of {
			all.of[name] = append(all.of[name], took...)
		}
	}
	return all, nil
}

// pushSteadily lets devices push one ticket after the other, so many a second in all, until the desks have ended. What is on its way then arrives: the same devices
// push again.
func (r *run) pushSteadily(ctx context.Context, ended <-chan struct{}, site *deskSite) (pushed int, err error) {
	w := newWire(r.address, r.options.Connections, false)
	defer w.close()
	pack, err := newPacker()
	if err != nil {
		return 0, err
	}
	site.pushes++
	words := corpus.New(r.options.Seed, 11_000_000+site.pushes) // no ticket twice
	tick := time.NewTicker(time.Second / time.Duration(r.options.DeskPushes))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ended:
			return pushed, nil
		case <-tick.C:
		}
		d := site.workers[i%len(site.workers)]
		_, request, err := d.newTicket(site.scope, words, pack)
		if err != nil {
			return pushed, err
		}
		answer, err := w.exchange(ctx, d.token, request, nil)
		if err != nil {
			return pushed, err
		}
		plain, err := pack.unpack(answer, nil)
		if err != nil {
			return pushed, err
		}
		resp := new(roundsv1.ExchangeResponse)
		if err := proto.Unmarshal(plain, resp); err != nil {
			return pushed, err
		}
		if err := check(resp, 1); err != nil {
			return pushed, err
		}
		pushed++
	}
}

// sit is one desk: rounds of the questions that a person's screen asks, with a pause between them.
func (r *run) sit(ctx context.Context, site *deskSite, seat int) (map[string][]time.Duration, error) {
	client := deskClient(r.address, site.reviewers[seat])
	took := map[string][]time.Duration{}
	pause := time.NewTicker(r.options.DeskPause)
	defer pause.Stop()
	scopes := []string{site.scope}
	for round := range deskWarm + r.options.DeskRounds {
		n := round*desks + seat
		for _, one := range []struct {
			name string
			ask  func() (int, error)
		}{
			{"queue", func() (int, error) {
				return rowsOf(client.ReviewQueue(ctx, connect.NewRequest(&roundsv1.ReviewQueueRequest{Scopes: scopes})))
			}},
			{"list", func() (int, error) {
				return rowsOf(client.ListTickets(ctx, connect.NewRequest(site.list(scopes, n))))
			}},
			{"text", func() (int, error) {
				return rowsOf(client.ListTickets(ctx, connect.NewRequest(&roundsv1.ListTicketsRequest{Scopes: scopes, Descending: true,
					Filter: &roundsv1.TicketFilter{Text: site.words[n%len(site.words)]}})))
			}},
			{"story", func() (int, error) {
				return rowsOf(client.Story(ctx, connect.NewRequest(&roundsv1.StoryRequest{Scope: site.scope, NewestFirst: true,
					Record: &roundsv1.RecordRef{Kind: "ticket", Id: site.tickets[n*7919%len(site.tickets)]}})))
			}},
			{"inbox", func() (int, error) {
				return rowsOf(client.Inbox(ctx, connect.NewRequest(&roundsv1.InboxRequest{Scopes: scopes})))
			}},
		} {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-pause.C:
			}
			began := time.Now()
			rows, err := one.ask()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.name, err)
			}
			if rows == 0 {
				return nil, fmt.Errorf("%s: an empty answer", one.name)
			}
			if round >= deskWarm {
				took[one.name] = append(took[one.name], time.Since(began))
			}
		}
	}
	return took, nil
}

// list is one of several filters and orders, in turn.
func (s *deskSite) list(scopes []string, n int) *roundsv1.ListTicketsRequest {
	open := []roundsv1.TicketState{roundsv1.TicketState_TICKET_STATE_NEW, roundsv1.TicketState_TICKET_STATE_TRIAGED, roundsv1.TicketState_TICKET_STATE_DISPATCHED,
		roundsv1.TicketState_TICKET_STATE_IN_PROGRESS, roundsv1.TicketState_TICKET_STATE_PAUSED}
	all := []*roundsv1.ListTicketsRequest{
		{Filter: &roundsv1.TicketFilter{States: open}, Sort: roundsv1.TicketSort_TICKET_SORT_DUE},
		{Sort: roundsv1.TicketSort_TICKET_SORT_UPDATED, Descending: true},
		{Filter: &roundsv1.TicketFilter{AssigneeIds: s.people[:1+n%3]}, Sort: roundsv1.TicketSort_TICKET_SORT_PRIORITY, Descending: true},
		{Filter: &roundsv1.TicketFilter{PlaceIds: s.places[:1]}, Sort: roundsv1.TicketSort_TICKET_SORT_REPORTED, Descending: true},
		{Filter: &roundsv1.TicketFilter{CategoryIds: s.categories[:2], Overdue: true}, Sort: roundsv1.TicketSort_TICKET_SORT_DUE},
	}
	req := all[n%len(all)]
	req.Scopes = slices.Clone(scopes)
	return req
}

// rowsOf counts what an answer holds.
func rowsOf[A any](resp *connect.Response[A], err error) (int, error) {
	if err != nil {
		return 0, err
	}
	switch of := any(resp.Msg).(type) {
	case *roundsv1.ListTicketsResponse:
		return len(of.GetRows()), nil
	case *roundsv1.ReviewQueueResponse:
		return len(of.GetItems()), nil
	case *roundsv1.StoryResponse:
		return len(of.GetEntries()), nil
	case *roundsv1.InboxResponse:
		return len(of.GetItems()), nil
	}
	return 0, fmt.Errorf("%T is no answer of a desk", resp.Msg)
}
