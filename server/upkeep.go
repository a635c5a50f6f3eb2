package server

import (
	"context"
	"time"
)

// maintain has the engine remove what devices have passed, now and then, until ctx ends. The embedded store collects its garbage by itself, by
// Upkeep.Garbage.
func (s *Server) maintain(ctx context.Context) {
	tick := s.cfg.Inject.TombstonesTick
	var ticker *time.Ticker
	if tick == nil {
		ticker = time.NewTicker(s.cfg.Upkeep.Tombstones)
		tick = ticker.C
	}
	s.running.Go(func() {
		if ticker != nil {
			defer ticker.Stop()
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick:
				s.maintainOnce(ctx)
			}
		}
	})
}

// maintainOnce goes through all scopes. A scope that fails does not keep the others from it.
func (s *Server) maintainOnce(ctx context.Context) {
	result := "ok"
	defer func() { s.metrics.upkeep.WithLabelValues("tombstones", result).Inc() }()
	scopes, err := s.store.Scopes(ctx)
	if err != nil {
		result = "failed"
		s.log.Error("upkeep failed", "error", err)
		return
	}
	removed := 0
	for _, scope := range scopes {
		if !isRecords(scope) {
			continue
		}
		n, err := s.engine.Maintain(ctx, scope)
		removed += n
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			result = "failed"
			s.log.Error("upkeep failed", "scope", string(scope), "error", err)
		}
	}
	if removed > 0 {
		s.log.Info("upkeep", "tombstones_removed", removed)
	}
}
