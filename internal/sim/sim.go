// Package sim runs whole histories of devices, networks, clocks and crashes around the real engine and the real device library, each history
// drawn from one seed, and holds the promises of the protocol against what came of it.
//
// A history is a few dozen steps of two to five devices on a handful of records: people edit, report, command, delete; phones are offline, sync
// through a link that loses, doubles, cuts and delays, are killed at any step of their store, get wrong clocks, are cloned, lose rights; the
// server is killed at any step of its store, its disk fails and fills up, its clock steps, it is restored from a backup, records are evicted and
// tombstones removed. In the end all links heal, all devices sync until nothing is left to do, and package promises looks at the journals and at
// what the devices recorded and hold. Beside it a model of the simulation's own knows, by a mark in each mutation, what was queued when a call
// returned, and a mirror of the journals is held against every answer as it is given.
//
// # One seed, one history
//
// Everything runs on one goroutine, in a virtual time that each step moves on; what the engine does on others is brought into an order (see
// turnstile). A request's overlap with others is played in that other devices act while it is on its way, and in that copies of old
// requests arrive again much later.
package sim

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
)

// Options change what Run does with a seed.
type Options struct {
	// TrueClocks leaves all device clocks right, for comparison: nothing else of the history changes.
	TrueClocks bool
	// Unsynced lets the server's store acknowledge before it is durable: a fault that must be found.
	Unsynced bool
	// UnsyncedDevices lets the stores of all devices do so.
	UnsyncedDevices bool
	// UnsyncedPhotos lets the storage of photos do so.
	UnsyncedPhotos bool
	// judge stands between the engine and the rules of the trade, and lookup between these and the records that they read; nil: nothing does.
	judge  func(engine.Rules) engine.Rules
	lookup func(getter) getter
	// Trace hears every event as it happens; nil: only the last ones are kept.
	Trace func(string)
}

// Result is what came of one history.
type Result struct {
	Seed uint64
	// Failures are what is wrong, in the order in which it was found; none: all promises were kept.
	Failures []string
	// Last are the last events.
	Last []string
	// Digest is the same for the same history.
	Digest string
	// Records is the digest of what a fresh device holds in the end.
	Records string
	// Comparable: clocks that are wrong by a constant must not change Records.
	Comparable bool
	Counts     promises.Counts
	Seen       Seen
	// Commands counts what became of commands: "ticket approve taken", "inspection submit refused", "ticket submit_completion kept" for somebody to decide.
	Commands map[string]int
}

// Seen counts what happened, so that a test can tell that nothing of it has become impossible.
type Seen struct {
	Mutations, Exchanges, Lost, RepliesLost, Doubled, Copies, ServerKills, DeviceKills, ServerFaults, DeviceFaults                               int
	Forks, Restores, Backups, Again, Resets, Purges, Revoked, Deleted, Evicted, Tombstones, Parked, Resent                                       int
	Merged, Conflicts, Rejected, Quarantined, Admitted, Nested                                                                                   int
	Photos, Parts, PartsCut, PartsDamaged, Spoofed, Differed, OriginalsDamaged, GivenUp, PhotosKept                                              int
	MediaKills, MediaFaults, MediaRestores, Upkeeps, Removed, Redacted, Held, Reviewed, Closed                                                   int
	Reworked, Reopened, Forced, ClosedByTasks, SelfApproved, Dissents, Decided, Breaches, Missed, Chased, Reminded, Twins, DeskActs, DeskRepeats int
	LateFacts, MergedTickets, Retakes, Retaken, Listed                                                                                           int
}

// Run lives through the history of a seed.
func Run(seed uint64, o Options) (result Result) {
	w := newWorld(seed, o)
	result.Seed = seed
	defer func() {
		if r := recover(); r != nil {
			if _, stop := r.(stop); !stop {
				w.fail("panic: %v\n%s", r, debug.Stack())
			}
		}
		result.Failures, result.Last, result.Seen = w.failures, w.last, w.seen
		result.Commands = w.commands
		result.Digest = hex.EncodeToString(w.digest.Sum(nil))
	}()
	w.begin()
	for w.step = range w.plan.steps {
		w.act()
		if w.photos != nil {
			w.photos.act()
		}
	}
	w.settle()
	result.Counts, result.Records = w.judge()
	result.Comparable = w.plan.skews && !w.plan.jumps && !w.plan.photos
	return result
}

// Replay is the command that lives through a seed again, with all its events.
func Replay(seed uint64) string {
	return fmt.Sprintf("go test -count=1 -run '^TestSeeds$' ./internal/sim -sim.seed=%d", seed)
}

// String tells what is wrong, how to see it again, and the last events.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n", r.Seed)
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "  %s\n", f)
	}
	fmt.Fprintf(&b, "replay: %s\nlast events:\n", Replay(r.Seed))
	for _, line := range r.Last {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	return b.String()
}

// stop is the panic that ends a history in which something is wrong that makes going on senseless.
type stop struct{}

// kept is how many of the last events a Result carries.
const kept = 40

// note records one event.
func (w *world) note(format string, args ...any) {
	at := time.Duration(w.now-begins) * time.Microsecond
	line := fmt.Sprintf("%3d %12s  ", w.step, at.Truncate(time.Millisecond)) + strings.Repeat("  ", w.depth) + fmt.Sprintf(format, args...)
	w.digest.Write([]byte(line))
	w.digest.Write([]byte{'\n'})
	if len(w.last) == kept {
		w.last = slices.Delete(w.last, 0, 1)
	}
	w.last = append(w.last, line)
	if w.options.Trace != nil {
		w.options.Trace(line)
	}
}

// fail records that something is wrong.
func (w *world) fail(format string, args ...any) {
	words := fmt.Sprintf(format, args...)
	w.failures = append(w.failures, words)
	w.note("FAILED: %s", words)
	if len(w.failures) >= 12 {
		panic(stop{})
	}
}

// broken is fail for a promise.
func (w *world) broken(p promises.Name, format string, args ...any) {
	w.fail("%s: %s", p, fmt.Sprintf(format, args...))
}

// chance is true in one of n cases.
func (w *world) chance(n int) bool { return w.rand.IntN(n) == 0 }

// pick draws one of several.
func pick[T any](w *world, all []T) T { return all[w.rand.IntN(len(all))] }

// pass lets time go by: at least a little, so that no two moments are the same.
func (w *world) pass(least, most time.Duration) {
	w.now += least.Microseconds() + 1 + w.rand.Int64N((most-least).Microseconds()+1)
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }

var background = context.Background
