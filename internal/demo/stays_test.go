package demo

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/community"
)

// Half of the sessions without signal are shorter than twelve minutes, and three of a hundred longer than six hours.
func TestSilenceIsAsDescribed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 20_000 {
		all = append(all, silence(random))
	}
	slices.Sort(all)
	if median := all[len(all)/2]; median < 11*time.Minute || median > 13*time.Minute {
		t.Errorf("the median is %v", median)
	}
	long := 0
	for _, one := range all {
		if one > 6*time.Hour {
			long++
		}
	}
	if share := float64(long) / float64(len(all)); share < 0.025 || share > 0.035 {
		t.Errorf("%.3f of them are longer than six hours", share)
	}
}

// stroll lays a shift out for some workers of the invented community.
func stroll(seed uint64, hours float64) ([]*worker, []event) {
	begin := time.Date(2026, 7, 6, 8, 0, 0, 0, time.UTC)
	c := community.New(seed)
	var workers []*worker
	for _, p := range c.In(roundsv1.Role_ROLE_WORKER)[:20] {
		workers = append(workers, &worker{phone: &phone{Person: p, clocks: &clocks{time: newTimeline(begin)}}, Community: c})
	}
	return workers, plan(workers, begin, hours, rand.New(rand.NewPCG(seed, 3)))
}

// People come to places of each class of signal as often as there are such places, and receive what there is.
func TestShiftsGoByTheSignalOfPlaces(t *testing.T) {
	workers, events := stroll(4, 72)
	share := func(signal roundsv1.Signal, of []community.Place) float64 {
		n := 0
		for _, p := range of {
			if p.GetSignal() == signal {
				n++
			}
		}
		return float64(n) / float64(len(of))
	}
	var visited []community.Place
	silent := func(w *worker, at time.Time) bool {
		for i, s := range w.stays {
			if s.from.Before(at) && (i+1 == len(w.stays) || w.stays[i+1].from.After(at)) {
				return s.silent()
			}
		}
		return false
	}
	for _, w := range workers {
		for _, s := range w.stays {
			visited = append(visited, s.place)
		}
	}
	for _, signal := range []roundsv1.Signal{roundsv1.Signal_SIGNAL_NONE, roundsv1.Signal_SIGNAL_WEAK, roundsv1.Signal_SIGNAL_OK} {
		if want, got := share(signal, workers[0].Places), share(signal, visited); got < want-0.04 || got > want+0.04 {
			t.Errorf("%.2f of the stays are at places with %v, and %.2f of the places", got, signal, want)
		}
	}
	below, last := 0, map[int]time.Time{}
	for _, e := range events {
		if e.window && silent(workers[e.phone], e.at) {
			below++
		}
		if e.window && !last[e.phone].Before(e.at) {
			t.Errorf("phone %d has two windows at %v", e.phone, e.at)
		}
		if e.window {
			last[e.phone] = e.at
		}
	}
	if windows := len(visited); below > windows/4 { // those at the lobby, where the next place has no signal either
		t.Errorf("%d windows below, of %d stays", below, windows)
	}
}

// The same seed lays out the same shift.
func TestTheSamePlanAgain(t *testing.T) {
	_, a := stroll(9, 8)
	_, b := stroll(9, 8)
	_, other := stroll(10, 8)
	same := func(a, b event) bool {
		return a.at.Equal(b.at) && a.phone == b.phone && a.window == b.window && a.signal == b.signal
	}
	if !slices.EqualFunc(a, b, same) || slices.EqualFunc(a, other, same) {
		t.Error("the plan does not follow from the seed")
	}
}
