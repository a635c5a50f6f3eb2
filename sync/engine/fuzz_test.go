package engine_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// FuzzExchange sends requests that a stranger with a token could send. The engine answers or refuses, never with an internal error, and its journal verifies
// after. Every second request is signed properly, so that what stands behind the signature is reached too.
func FuzzExchange(f *testing.F) {
	seed := newWorld(f, newMemory())
	p := seed.phone("a")
	p.do(site, id(1), create(&roundsv1.Ticket{Title: "t", Tags: []string{"x"}}))
	p.do(site, id(1), reading(1))
	p.do(site, id(1), start())
	for _, sign := range []bool{true, false} {
		b, err := proto.Marshal(p.request(site))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, sign)
	}
	f.Fuzz(func(t *testing.T, b []byte, sign bool) {
		req := new(roundsv1.ExchangeRequest)
		if proto.Unmarshal(b, req) != nil {
			return
		}
		w := newWorld(t, newMemory())
		p := w.phone("a")
		p.do(site, id(1), create(&roundsv1.Ticket{Title: "before"}))
		p.sync()
		if sign {
			l := p.lane(site)
			for _, batch := range req.GetLanes() {
				if batch.GetScope() != string(site) {
					continue
				}
				l.contents, l.hashes = l.contents[:1], l.hashes[:2]
				for _, content := range batch.GetMutations() {
					p.queue(site, content)
				}
				if n := uint64(len(l.contents)); n > 1 {
					confirmed := batch.GetConfirmed()
					proto.Reset(batch)
					proto.Merge(batch, p.batch(site, 2, n))
					batch.Confirmed = confirmed
				}
			}
		}
		for range 2 {
			_, err := p.exchange(req)
			var refused *engine.Error
			if err != nil && (!errors.As(err, &refused) || refused.Kind == engine.Internal) {
				t.Fatalf("%v", err)
			}
		}
		w.audit(site)
		if err := w.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}
