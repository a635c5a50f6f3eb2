package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// benchBatch is the number of tickets in one request.
const benchBatch = 25

func benchStores(b *testing.B, bench func(b *testing.B, s store.Store)) {
	b.Run("memstore", func(b *testing.B) { bench(b, memstore.New(memstore.Config{})) })
	b.Run("badgerstore", func(b *testing.B) {
		s, err := badgerstore.Open(badgerstore.Config{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		bench(b, s)
	})
}

// benchScope is the n-th scope of a benchmark.
func benchScope(n int) store.Scope { return store.Scope("site/" + id(1_000_000+n)) }

// signed makes a phone's requests of new tickets, signed, before the clock runs. Each confirms the outcomes of the one before it.
func (p *phone) signed(scope store.Scope, draw *corpus.Corpus, requests int) []*roundsv1.ExchangeRequest {
	made := make([]*roundsv1.ExchangeRequest, requests)
	for i := range made {
		first := p.lane(scope).confirmed + 1
		for range benchBatch {
			p.do(scope, draw.ID(), create(draw.Ticket()))
		}
		last := first + benchBatch - 1
		made[i] = &roundsv1.ExchangeRequest{Clock: p.clock(), Lanes: []*roundsv1.LaneBatch{p.batch(scope, first, last)}}
		p.lane(scope).confirmed = last
	}
	return made
}

// push sends requests and checks that each mutation was applied.
func (p *phone) push(requests []*roundsv1.ExchangeRequest) error {
	for _, req := range requests {
		resp, err := p.w.Exchange(context.Background(), p.caller(), req)
		if err != nil {
			return err
		}
		for _, o := range resp.GetLanes()[0].GetOutcomes() {
			if o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
				return errors.New(o.String())
			}
		}
	}
	return nil
}

// BenchmarkPush: 16 phones push new tickets, 25 at a time, into 10 scopes; one operation is one ticket.
func BenchmarkPush(b *testing.B) {
	benchStores(b, func(b *testing.B, s store.Store) {
		const phones, scopes = 16, 10
		w := newWorld(b, s)
		var made [phones][]*roundsv1.ExchangeRequest
		var by [phones]*phone
		for i := range by {
			by[i] = w.phone(fmt.Sprint("pusher ", i))
			made[i] = by[i].signed(benchScope(i%scopes), corpus.New(1, uint64(i)), b.N/benchBatch/phones+1)
		}
		b.ReportAllocs()
		b.ResetTimer()
		var done sync.WaitGroup
		for i, p := range by {
			done.Go(func() {
				if err := p.push(made[i]); err != nil {
					b.Error(err)
				}
			})
		}
		done.Wait()
	})
}

// filled is a world with n tickets in one scope.
func filled(b *testing.B, s store.Store, n int) *world {
	w := newWorld(b, s)
	p := w.phone("filler")
	if err := p.push(p.signed(site, corpus.New(1, 1), n/benchBatch)); err != nil {
		b.Fatal(err)
	}
	return w
}

// BenchmarkPull: a fresh phone pulls 5,000 tickets in pages of 1 MiB; one operation is one ticket.
func BenchmarkPull(b *testing.B) {
	benchStores(b, func(b *testing.B, s store.Store) {
		const tickets = 5000
		w := filled(b, s, tickets)
		p := w.phone("reader")
		b.ReportAllocs()
		b.ResetTimer()
		for got := 0; got < b.N; got += tickets {
			var cursor []byte
			for more := true; more; {
				resp, err := w.Exchange(context.Background(), p.caller(), pullOf(p, cursor))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := proto.Marshal(resp); err != nil {
					b.Fatal(err)
				}
				cursor, more = resp.GetPages()[0].GetCursor(), resp.GetMore()
			}
		}
	})
}

func pullOf(p *phone, cursor []byte) *roundsv1.ExchangeRequest {
	return &roundsv1.ExchangeRequest{Clock: p.clock(), Cursors: []*roundsv1.ScopeCursor{{Scope: string(site), Cursor: cursor}}}
}

// BenchmarkDelta: of 5,000 tickets 1,000 change in their title, and a phone pulls just that; one operation is one such page.
func BenchmarkDelta(b *testing.B) {
	benchStores(b, func(b *testing.B, s store.Store) {
		w := filled(b, s, 5000)
		p := w.phone("reader")
		p.sync()
		cursor := p.cursors[site]
		words := corpus.New(2, 1)
		writer := w.phone("writer")
		writer.replicas, writer.cursors = p.replicas, p.cursors
		n := 0
		for ticket := range p.replicas[site] {
			writer.do(site, ticket, title(words.Title()))
			if n++; n == 1000 {
				break
			}
		}
		writer.sync()
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			resp, err := w.Exchange(context.Background(), p.caller(), pullOf(p, cursor))
			if err != nil {
				b.Fatal(err)
			}
			encoded, err := proto.Marshal(resp)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(encoded)))
		}
	})
}

// BenchmarkNothingNew: a phone asks and nothing has changed; one operation is one request.
func BenchmarkNothingNew(b *testing.B) {
	benchStores(b, func(b *testing.B, s store.Store) {
		w := filled(b, s, 5000)
		p := w.phone("reader")
		p.sync()
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			if _, err := w.Exchange(context.Background(), p.caller(), pullOf(p, p.cursors[site])); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWatch: one ticket is written and 1,000 streams hear of it; one operation is one such write.
func BenchmarkWatch(b *testing.B) {
	benchStores(b, func(b *testing.B, s store.Store) {
		const streams = 1000
		w := filled(b, s, 100)
		p := w.phone("watcher")
		p.sync()
		ctx, cancel := context.WithCancel(context.Background())
		heard := make(chan struct{}, streams)
		var open sync.WaitGroup
		for range streams {
			req := &roundsv1.WatchRequest{Cursors: []*roundsv1.ScopeCursor{{Scope: string(site), Cursor: p.cursors[site]}}}
			open.Go(func() {
				_ = w.Watch(ctx, p.caller(), req, func(*roundsv1.WatchResponse) error { heard <- struct{}{}; return nil })
			})
		}
		for range streams {
			<-heard
		}
		words := corpus.New(3, 1)
		writer := w.phone("writer")
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			b.StopTimer()
			req := writer.one(words)
			b.StartTimer()
			if _, err := w.Exchange(ctx, writer.caller(), req); err != nil {
				b.Fatal(err)
			}
			for range streams {
				<-heard
			}
		}
		b.StopTimer()
		cancel()
		open.Wait()
		if err := w.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	})
}

// one makes a request with one new ticket.
func (p *phone) one(words *corpus.Corpus) *roundsv1.ExchangeRequest {
	l := p.lane(site)
	at := p.do(site, words.ID(), create(words.Ticket()))
	l.confirmed = at - 1
	return &roundsv1.ExchangeRequest{Clock: p.clock(), Lanes: []*roundsv1.LaneBatch{p.batch(site, at, at)}}
}

// BenchmarkPushIndexed is BenchmarkPush on one scope with an index that has nothing to say of tickets, and with one that has three entries for each.
func BenchmarkPushIndexed(b *testing.B) {
	nothing := indexFunc(func(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
		if kind != "photo" {
			return nil
		}
		return []engine.IndexEntry{{Name: "photo", Key: []byte(change.GetRecordId())}}
	})
	three := indexFunc(func(_ merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
		key := wordKey(change.GetRecord().GetTicket().GetTitle(), change.GetRecordId())
		return []engine.IndexEntry{{Name: "title", Key: key}, {Name: "state", Key: []byte(change.GetRecordId())}, {Name: "taken", Key: []byte(change.GetRecordId())}}
	})
	for _, c := range []struct {
		name  string
		index engine.Index
	}{{"none", nil}, {"of another kind", nothing}, {"three entries", three}} {
		b.Run(c.name, func(b *testing.B) {
			benchStores(b, func(b *testing.B, s store.Store) {
				w := newWorld(b, s)
				w.index(c.index, "1")
				p := w.phone("pusher")
				made := p.signed(site, corpus.New(1, 1), b.N/benchBatch+1)
				b.ReportAllocs()
				b.ResetTimer()
				if err := p.push(made); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
