package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// maxCursors is how many scopes one request may name.
const maxCursors = 256

// puller pulls scopes for a device.
type puller struct {
	wire    *wire
	token   string
	cursors map[string][]byte
	decode  bool
	visit   func(scope string, c *roundsv1.Change) // with decode
	pack    *packer
	buffer  []byte
	plain   []byte
}

func newPuller(w *wire, d *device) (*puller, error) {
	pack, err := newPacker()
	return &puller{wire: w, token: d.token, cursors: map[string][]byte{}, pack: pack}, err
}

// pulled is what a pull brought.
type pulled struct {
	changes  int
	requests int
	took     time.Duration
}

// pull takes everything of the scopes that the device lacks.
func (p *puller) pull(ctx context.Context, scopes []string) (pulled, error) {
	var got pulled
	began := time.Now()
	for some := range slices.Chunk(scopes, maxCursors) {
		for left := some; len(left) > 0; {
			request, err := proto.Marshal(p.request(left))
			if err != nil {
				return got, err
			}
			answer, err := p.wire.exchange(ctx, p.token, body{bytes: request}, p.buffer)
			if err != nil {
				return got, err
			}
			p.buffer = answer.bytes
			plain, err := p.pack.unpack(answer, p.plain)
			if err != nil {
				return got, err
			}
			p.plain = plain
			got.requests++
			pages, err := p.read(plain)
			if err != nil {
				return got, err
			}
			if len(pages) == 0 {
				return got, errors.New("an answer without pages")
			}
			complete := map[string]bool{}
			for _, page := range pages {
				p.cursors[page.scope] = page.cursor
				complete[page.scope] = page.complete
				got.changes += page.changes
			}
			left = slices.DeleteFunc(slices.Clone(left), func(s string) bool { return complete[s] })
		}
	}
	got.took = time.Since(began)
	return got, nil
}

func (p *puller) request(scopes []string) *roundsv1.ExchangeRequest {
	req := &roundsv1.ExchangeRequest{Clock: &roundsv1.Clock{WallUs: time.Now().UnixMicro(), BootId: "bench", MonotonicUs: time.Now().UnixMicro() % 1e12}}
	for _, s := range scopes {
		req.Cursors = append(req.Cursors, &roundsv1.ScopeCursor{Scope: s, Cursor: p.cursors[s]})
	}
	return req
}

// page is what is needed of a ScopePage.
type page struct {
	scope    string
	cursor   []byte
	changes  int
	complete bool
}

// read reads an answer: with its records, or passing over them.
func (p *puller) read(plain []byte) ([]page, error) {
	if !p.decode {
		return skim(plain)
	}
	resp := new(roundsv1.ExchangeResponse)
	if err := proto.Unmarshal(plain, resp); err != nil {
		return nil, err
	}
	var pages []page
	for _, one := range resp.GetPages() {
		pages = append(pages, page{one.GetScope(), one.GetCursor(), len(one.GetChanges()), one.GetComplete()})
		if p.visit != nil {
			for _, c := range one.GetChanges() {
				p.visit(one.GetScope(), c)
			}
		}
	}
	return pages, nil
}

// skim reads the pages of an encoded ExchangeResponse without decoding records.
func skim(response []byte) ([]page, error) {
	var pages []page
	err := fields(response, func(n protowire.Number, value []byte, _ uint64) error {
		if n != 3 { // pages
			return nil
		}
		var one page
		err := fields(value, func(n protowire.Number, value []byte, number uint64) error {
			switch n {
			case 1:
				one.scope = string(value)
			case 2:
				one.cursor = slices.Clone(value)
			case 3:
				one.changes++
			case 4:
				one.complete = number != 0
			case 6:
				return fmt.Errorf("%s was revoked", one.scope)
			}
			return nil
		})
		pages = append(pages, one)
		return err
	})
	return pages, err
}

// fields visits the fields of an encoded message.
func fields(message []byte, visit func(n protowire.Number, value []byte, number uint64) error) error {
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			value, size = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(message)
		default:
			size = protowire.ConsumeFieldValue(n, kind, message)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		if err := visit(n, value, number); err != nil {
			return err
		}
	}
	return nil
}

// pull: fresh devices take everything.
func (r *run) pull(ctx context.Context) error {
	for _, mode := range []struct {
		name   string
		decode bool
	}{{"pull.one_first", false}, {"pull.one", false}, {"pull.one_decoded", true}} {
		w := newWire(r.address, 1, false)
		p, err := newPuller(w, r.office)
		if err != nil {
			return err
		}
		p.decode = mode.decode
		before, _ := r.server.cpu()
		got, err := p.pull(ctx, r.town.scopes)
		if err != nil {
			return err
		}
		after, ok := r.server.cpu()
		w.close()
		if got.changes < r.stored {
			return fmt.Errorf("%d of %d records came", got.changes, r.stored)
		}
		docs := float64(got.changes)
		r.report.add(mode.name+"_docs_per_second", docs/got.took.Seconds(), "1/s")
		if mode.name == "pull.one" {
			r.report.add("pull.one_requests", float64(got.requests), "1")
			r.report.add("pull.wire_bytes_per_doc", float64(w.up.Load()+w.down.Load())/docs, "B")
			if ok {
				r.report.add("pull.server_cpu_per_doc", ms(after-before)/docs, "ms")
			}
		}
	}
	return r.pullTwenty(ctx)
}

// pullTwenty: many fresh devices, a scope each, at once.
func (r *run) pullTwenty(ctx context.Context) error {
	n := r.options.Readers
	devices, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_WORKER, n, 1)
	if err != nil {
		return err
	}
	got := make([]pulled, n)
	pullers := make([]*puller, n)
	for i, d := range devices {
		if pullers[i], err = newPuller(newWire(r.address, 1, false), d); err != nil {
			return err
		}
	}
	before, _ := r.server.cpu()
	began := time.Now()
	err = inParallel(n, n, func(i int) (err error) {
		got[i], err = pullers[i].pull(ctx, []string{r.town.scopes[i%len(r.town.scopes)]})
		return err
	})
	took := time.Since(began)
	after, ok := r.server.cpu()
	if err != nil {
		return err
	}
	docs := 0
	for i, g := range got {
		docs += g.changes
		pullers[i].wire.close()
	}
	r.report.add("pull.twenty_docs_per_second", float64(docs)/took.Seconds(), "1/s")
	r.report.add("pull.twenty_docs", float64(docs), "1")
	if ok {
		r.report.add("pull.twenty_server_cpu_per_doc", ms(after-before)/float64(docs), "ms")
	}
	return nil
}
