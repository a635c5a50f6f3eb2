package evidence

import (
	"context"
	"maps"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// Stats is what a Desk has counted since it was made.
type Stats struct {
	// PartsNamed in plans. A part that is named again counts again.
	PartsNamed uint64
	// Received photos, whose bytes were verified, and their bytes.
	Received, ReceivedBytes uint64
	// Deduplicated answers: the bytes were here with another photo.
	Deduplicated uint64
	// Differed uploads, whose bytes were not the promised ones.
	Differed uint64
	// Settled photos by state, and what was found by code. A photo that was looked at again and came out otherwise counts again.
	Settled  map[roundsv1.PhotoState]uint64
	Findings map[roundsv1.CheckCode]uint64
	// Failures of the worker, and of the storage by what it was asked for.
	Failures uint64
	Storage  map[string]uint64
	// Swept uploads, removed objects, and photos redacted because their time was over.
	Swept, Removed, Retired uint64
}

// stats counts. The zero value is ready.
type stats struct {
	mu    sync.Mutex // guards count
	count Stats
}

// Stats returns what was counted.
func (d *Desk) Stats() Stats {
	d.stats.mu.Lock()
	defer d.stats.mu.Unlock()
	s := d.stats.count
	s.Settled, s.Findings, s.Storage = maps.Clone(s.Settled), maps.Clone(s.Findings), maps.Clone(s.Storage)
	return s
}

func (s *stats) add(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count.Settled == nil {
		s.count.Settled, s.count.Findings, s.count.Storage = map[roundsv1.PhotoState]uint64{}, map[roundsv1.CheckCode]uint64{}, map[string]uint64{}
	}
	change(&s.count)
}

func (s *stats) planned(parts int) { s.add(func(c *Stats) { c.PartsNamed += uint64(parts) }) }
func (s *stats) deduplicated()     { s.add(func(c *Stats) { c.Deduplicated++ }) }
func (s *stats) differed()         { s.add(func(c *Stats) { c.Differed++ }) }
func (s *stats) storage(what string) {
	s.add(func(c *Stats) { c.Storage[what]++ })
}

func (s *stats) received(bytes int64) {
	s.add(func(c *Stats) { c.Received, c.ReceivedBytes = c.Received+1, c.ReceivedBytes+uint64(bytes) })
}

func (s *stats) settled(state roundsv1.PhotoState, findings []*roundsv1.Finding) {
	s.add(func(c *Stats) {
		c.Settled[state]++
		for _, f := range findings {
			c.Findings[f.GetCode()]++
		}
	})
}

func (s *stats) failed(storage bool) {
	s.add(func(c *Stats) {
		c.Failures++
		if storage {
			c.Storage["worker"]++
		}
	})
}

// Waiting is what has not come, or was not looked at, in all sites.
type Waiting struct {
	// Photos promised and not stored, their bytes, and when the first of them was promised, microseconds since 1970; 0: none waits.
	Photos, Bytes, OldestUs int64
	// Unsettled photos, stored and not yet held against the rules.
	Unsettled int64
}

// Waiting counts what waits, from the indexes: a scan over what waits, whatever is stored.
func (d *Desk) Waiting(ctx context.Context) (Waiting, error) {
	var w Waiting
	scopes, err := d.cfg.Scopes(ctx)
	if err != nil {
		return w, err
	}
	for _, scope := range sitesAmong(scopes) {
		for missing, err := range d.missing(ctx, scope, nil) {
			if err != nil {
				return w, err
			}
			w.Photos++
			w.Bytes += missing.GetSizeBytes()
			if at := missing.GetPromisedUs(); w.OldestUs == 0 || at < w.OldestUs {
				w.OldestUs = at
			}
		}
		for _, err := range d.cfg.Records.Find(ctx, scope, indexWork, store.Span{}) {
			if err != nil {
				return w, err
			}
			w.Unsettled++
		}
	}
	return w, nil
}
