package sim

import (
	"slices"
	"strings"
	"testing"
)

// TestP9EachClosureIsEarned lives through histories, and wants the model of P9 to find nothing in their journals: each ticket that closed had its evidence verified, and
// was approved by somebody who did none of the work, or closed by force by two people. Then it takes away what each of these rests on, and wants the model to find that.
func TestP9EachClosureIsEarned(t *testing.T) {
	var closed, forced int
	for n := range uint64(40) {
		result := Run(1+n, Options{})
		for _, f := range result.Failures {
			if strings.HasPrefix(f, "P9: ") {
				t.Errorf("seed %d: %s", result.Seed, f)
			}
		}
		closed, forced = closed+result.Seen.Closed, forced+result.Seen.Forced
	}
	if closed == 0 || forced == 0 {
		t.Errorf("%d tickets were closed and %d by force: there was nothing to find", closed, forced)
	}
	rests := []string{"the bytes of every photo are verified", "nobody decides on own work", "a forced closure takes two"}
	for _, g := range guards() {
		at := slices.Index(rests, g.guard)
		if at < 0 {
			continue
		}
		rests = slices.Delete(rests, at, at+1)
		if found, ok := g.found(); ok {
			t.Logf("without %q: %s", g.guard, found)
		} else {
			t.Errorf("without %q the model finds nothing", g.guard)
		}
	}
	if len(rests) > 0 {
		t.Errorf("no such guards: %q", rests)
	}
}
