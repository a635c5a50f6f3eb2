package evidence

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rounds-sync/rounds/media/likeness"
	"github.com/rounds-sync/rounds/sync/store"
)

// prints keep what the photos of a site look like, of those sites that were asked for last. They are read from the records when they are needed first.
type prints struct {
	mu    sync.Mutex // makes looking up and adding a site one step
	sites *lru.Cache[store.Scope, *sitePrints]
}

// sitePrints are those of one site.
type sitePrints struct {
	index *likeness.Index[uuid.UUID]
	mu    sync.Mutex // guards full; held while the records are read
	full  bool       // what stood in the records is in the index
}

func newPrints(sites int) *prints {
	cache, err := lru.New[store.Scope, *sitePrints](max(1, sites))
	if err != nil {
		panic(err) // of a size below one only
	}
	return &prints{sites: cache}
}

// printsOf returns the prints of a site, read from the records where they were not yet.
func (d *Desk) printsOf(ctx context.Context, scope store.Scope) (*likeness.Index[uuid.UUID], error) {
	p := d.prints
	p.mu.Lock()
	site, known := p.sites.Get(scope)
	if !known {
		site = &sitePrints{index: likeness.New[uuid.UUID](0)}
		p.sites.Add(scope, site)
	}
	p.mu.Unlock()
	site.mu.Lock()
	defer site.mu.Unlock()
	if site.full {
		return site.index, nil
	}
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexPrint, store.Span{}) {
		if err != nil {
			return nil, err
		}
		if len(entry.Key) != 16 || len(entry.Value) < 16 {
			return nil, damaged(indexPrint, fmt.Errorf("an entry of %d and %d bytes", len(entry.Key), len(entry.Value)))
		}
		site.index.Add(uuid.UUID(entry.Key), likeness.Print{
			Frequency: binary.BigEndian.Uint64(entry.Value), Difference: binary.BigEndian.Uint64(entry.Value[8:])})
	}
	site.full = true
	return site.index, nil
}

// add notes the print of a photo after its record was written. A site that was not asked for reads it from the records when it is.
func (p *prints) add(scope store.Scope, id uuid.UUID, print likeness.Print) {
	p.mu.Lock()
	site, known := p.sites.Peek(scope)
	p.mu.Unlock()
	if known {
		site.mu.Lock() // not while the records are read: what is read could be older
		defer site.mu.Unlock()
		site.index.Add(id, print)
	}
}

// remove forgets a photo that was redacted.
func (p *prints) remove(scope store.Scope, id uuid.UUID) {
	p.add(scope, id, likeness.Print{Featureless: true})
}
