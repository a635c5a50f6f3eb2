package server

import (
	"context"
	"time"
)

// every does something in the background with each tick until ctx ends: of the one that is handed in, else at an interval.
func (s *Server) every(ctx context.Context, interval time.Duration, tick <-chan time.Time, do func(context.Context)) {
	s.running.Go(func() {
		if tick == nil {
			ticker := time.NewTicker(interval)
			defer ticker.Stop()
			tick = ticker.C
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick:
				do(ctx)
			}
		}
	})
}

// maintain has the engine remove what devices have passed. The embedded store collects its garbage by itself, by Upkeep.Garbage. A scope that fails does not
// keep the others from it.
func (s *Server) maintain(ctx context.Context) {
	result := "ok"
	defer func() { s.metrics.upkeep.WithLabelValues("tombstones", result).Inc() }()
	scopes, err := s.recordScopes(ctx)
	if err != nil {
		result = "failed"
		s.log.Error("upkeep failed", "error", err)
		return
	}
	removed := 0
	for _, scope := range scopes {
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
