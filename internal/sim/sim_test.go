package sim_test

import (
	"flag"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/internal/sim"
)

var (
	seeds = flag.Int("sim.seeds", 12, "how many histories to live through")
	first = flag.Uint64("sim.first", 1, "the first seed")
	seed  = flag.Uint64("sim.seed", 0, "live through this seed alone and tell all events")
)

// TestSeeds lives through many histories and wants every promise to be kept in each, and nothing that can happen to have become impossible.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		result := sim.Run(*seed, sim.Options{Trace: func(line string) { t.Log(line) }})
		for _, f := range result.Failures {
			t.Error(f)
		}
		t.Logf("%+v\n%+v", result.Counts, result.Seen)
		return
	}
	var (
		mu     sync.Mutex // guards what follows
		done   int
		failed int
		seen   sim.Seen
		counts promises.Counts
		acts   = map[string]int{}
		all    sync.WaitGroup
	)
	began := time.Now()
	told := began
	next := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		if done >= *seeds || failed >= 10 {
			return 0, false
		}
		done++
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			t.Logf("%d of %d seeds after %v, %d failed", done, *seeds, time.Since(began).Round(time.Second), failed)
		}
		return *first + uint64(done) - 1, true
	}
	for range min(runtime.GOMAXPROCS(0), 2) {
		all.Go(func() {
			for n, ok := next(); ok; n, ok = next() {
				result := sim.Run(n, sim.Options{})
				mu.Lock()
				if add(&seen, result.Seen); len(result.Failures) > 0 {
					failed++
					t.Errorf("%s", result)
				}
				add(&counts, result.Counts)
				for name, n := range result.Commands {
					acts[name] += n
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%d seeds in %v\n%+v\n%+v\n%v", done, time.Since(began).Round(time.Millisecond), counts, seen, acts)
	if failed == 0 && *seeds >= 300 {
		for name, least := range floors() {
			is := acts[name]
			if field := reflect.ValueOf(seen).FieldByName(name); field.IsValid() {
				is = int(field.Int())
			}
			if want := max(1, least**seeds/1000); is < want {
				t.Errorf("in %d seeds there were %d of %s; %d at least are wanted", *seeds, is, name, want)
			}
		}
	}
	if failed == 0 && *seeds >= 1000 {
		for _, command := range []protoreflect.ProtoMessage{&roundsv1.TicketCommand{}, &roundsv1.InspectionCommand{}, &roundsv1.ConflictCommand{}} {
			of := command.ProtoReflect().Descriptor()
			kind := strings.ToLower(strings.TrimSuffix(string(of.Name()), "Command"))
			for i := range of.Oneofs().Get(0).Fields().Len() {
				if name := kind + " " + string(of.Oneofs().Get(0).Fields().Get(i).Name()) + " taken"; acts[name] == 0 {
					t.Errorf("in %d seeds never happened: %s", *seeds, name)
				}
			}
		}
		for i := range reflect.TypeFor[sim.Seen]().NumField() {
			if reflect.ValueOf(seen).Field(i).Int() == 0 {
				t.Errorf("in %d seeds never happened: %s", *seeds, reflect.TypeFor[sim.Seen]().Field(i).Name)
			}
		}
	}
}

// floors are how often that which P9 is about happens in a thousand histories at least, which is about a third of what was counted: where it happens less often the
// histories have become too tame to tell anything. The names are those of Seen, or of commands and what became of them.
func floors() map[string]int {
	return map[string]int{
		"Closed": 72, "Forced": 8, "ClosedByTasks": 1, "ticket reject taken": 46, "Reworked": 25, "Dissents": 18, "ticket approve kept": 16, "Reopened": 42, "SelfApproved": 9,
		"inspection approve taken": 36, "inspection return taken": 15, "LateFacts": 90, "MergedTickets": 42, "Listed": 16, "Retakes": 35, "Retaken": 3,
	}
}

// add adds the fields of o to those of sum.
func add[T any](sum *T, o T) {
	for i := range reflect.TypeFor[T]().NumField() {
		field := reflect.ValueOf(sum).Elem().Field(i)
		field.SetInt(field.Int() + reflect.ValueOf(o).Field(i).Int())
	}
}

// TestOneSeedOneHistory lives through seeds twice: a failure that cannot be played again is of little use.
func TestOneSeedOneHistory(t *testing.T) {
	for n := range uint64(max(8, *seeds/25)) {
		a, b := sim.Run(*first+n, sim.Options{}), sim.Run(*first+n, sim.Options{})
		if a.Digest != b.Digest {
			t.Errorf("seed %d has two histories", *first+n)
		}
	}
}

// TestP13WrongClocks lives through seeds with wrong clocks and again with right ones: where the clocks are wrong by as much all the time, however
// much that is, not one value, winner or effective time may differ.
func TestP13WrongClocks(t *testing.T) {
	compared := 0
	for n := *first; compared < 6; n++ {
		wrong := sim.Run(n, sim.Options{})
		if !wrong.Comparable {
			continue
		}
		compared++
		if right := sim.Run(n, sim.Options{TrueClocks: true}); right.Records != wrong.Records {
			t.Errorf("seed %d comes to other records with wrong clocks", n)
		}
	}
}

// TestItCanFail breaks what lies below the engine and below the devices, and wants it to be found: a disk that says "done" before it is.
func TestItCanFail(t *testing.T) {
	for name, o := range map[string]sim.Options{
		"the server's disk does not sync": {Unsynced: true},
		"the phones' disks do not sync":   {UnsyncedDevices: true},
		"the photos' storage is not safe": {UnsyncedPhotos: true},
	} {
		t.Run(name, func(t *testing.T) {
			for n := range uint64(60) {
				if result := sim.Run(1+n, o); len(result.Failures) > 0 {
					t.Logf("seed %d: %s", result.Seed, result.Failures[0])
					return
				}
			}
			t.Error("not found in 60 seeds")
		})
	}
}
