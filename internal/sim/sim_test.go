package sim_test

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/internal/sim"
)

var (
	seeds = flag.Int("sim.seeds", 100, "how many histories to live through")
	first = flag.Uint64("sim.first", 1, "the first seed")
	seed  = flag.Uint64("sim.seed", 0, "live through this seed alone and tell all events")
)

// TestSeeds lives through many histories and wants every promise to be kept in each.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		result := sim.Run(*seed, sim.Options{Trace: func(line string) { t.Log(line) }})
		for _, f := range result.Failures {
			t.Error(f)
		}
		t.Logf("%+v\n%+v", result.Counts, result.Seen)
		return
	}
	var next, failed atomic.Int64
	var all sync.WaitGroup
	began, told := time.Now(), time.Now()
	var mu sync.Mutex // guards told
	for range min(runtime.GOMAXPROCS(0), 2) {
		all.Go(func() {
			for failed.Load() < 10 {
				n := next.Add(1)
				if n > int64(*seeds) {
					return
				}
				if result := sim.Run(*first+uint64(n)-1, sim.Options{}); len(result.Failures) > 0 {
					failed.Add(1)
					t.Errorf("%s", result)
				}
				mu.Lock()
				if time.Since(told) > 10*time.Second {
					told = time.Now()
					t.Logf("%d of %d seeds, %v, %d failed", n, *seeds, time.Since(began).Round(time.Second), failed.Load())
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
}
