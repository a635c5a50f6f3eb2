// Package likeness finds photos that look alike among all photos of a site.
//
// A photo is known by two perceptual hashes of 64 bits. Two photos are alike when few bits differ in both: one hash alone calls too much alike.
// The index is in memory and is filled from the records at the start of the server.
//
// A search reads the first hash of every entry, one after the other: 8 bytes and a count of bits each. A million take about 2 ms on one core, and
// less than 4 ms where all of them are at the edge of being alike (BenchmarkSearch). Tables over parts of the hashes would be faster on photos
// that differ, and slower than this where many are alike. An entry with an id of 16 bytes takes about 80 bytes: 32, and its place by id.
package likeness

import (
	"math/bits"
	"slices"
	"sync"
)

// Print is what a photo looks like.
type Print struct {
	// Frequency and Difference are its perceptual hashes.
	Frequency, Difference uint64
	// Featureless photos look like all others of their kind: they are never kept nor found.
	Featureless bool
}

// Match is a photo that was found.
type Match[ID comparable] struct {
	// ID it was added with.
	ID ID
	// Frequency and Difference tell how many bits of the hashes differ.
	Frequency, Difference int
}

// Distance is by how many bits two photos differ: in the hash in which they differ more.
func (m Match[ID]) Distance() int { return max(m.Frequency, m.Difference) }

// Index keeps prints by id. Its methods may be called from any number of goroutines; searches run beside each other. Make one with New.
type Index[ID comparable] struct {
	mu          sync.RWMutex
	frequencies []uint64 // beside each other, as a search reads all of them
	differences []uint64
	ids         []ID
	places      map[ID]uint32
}

// New returns an empty index with room for some prints; it grows beyond.
func New[ID comparable](room int) *Index[ID] {
	room = max(0, room)
	return &Index[ID]{
		frequencies: make([]uint64, 0, room), differences: make([]uint64, 0, room), ids: make([]ID, 0, room), places: make(map[ID]uint32, room),
	}
}

// Add keeps a print under an id, in place of the one that may be there; a featureless one removes it.
func (x *Index[ID]) Add(id ID, p Print) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, there := x.places[id]
	switch {
	case p.Featureless && there:
		x.remove(id, at)
	case p.Featureless:
	case there:
		x.frequencies[at], x.differences[at] = p.Frequency, p.Difference
	default:
		x.places[id] = uint32(len(x.ids))
		x.frequencies, x.differences, x.ids = append(x.frequencies, p.Frequency), append(x.differences, p.Difference), append(x.ids, id)
	}
}

// Remove forgets an id. One that is not there is no error.
func (x *Index[ID]) Remove(id ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if at, there := x.places[id]; there {
		x.remove(id, at)
	}
}

// remove puts the last entry into the place of one.
func (x *Index[ID]) remove(id ID, at uint32) {
	last := len(x.ids) - 1
	moved := x.ids[last]
	x.frequencies[at], x.differences[at], x.ids[at] = x.frequencies[last], x.differences[last], moved
	x.places[moved] = at
	delete(x.places, id)
	var none ID
	x.ids[last] = none
	x.frequencies, x.differences, x.ids = x.frequencies[:last], x.differences[:last], x.ids[:last]
}

// Len returns how many prints are kept.
func (x *Index[ID]) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.ids)
}

// Search returns the photos of which at most within bits differ in either hash: at most most of them, the nearest first (by Distance, then by
// the sum of both; the order of equals is not told). Those for which skip answers true are left out; nil leaves none out. It is called with the
// index locked, for those only that would be among the matches, and must not call the index. A featureless print is like nothing.
func (x *Index[ID]) Search(p Print, within, most int, skip func(ID) bool) []Match[ID] {
	if p.Featureless || within < 0 || most <= 0 {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	var found []Match[ID]
	worst := order(64, 64) + 1 // only what is nearer is still of interest
	for at, frequency := range x.frequencies {
		f := bits.OnesCount64(frequency ^ p.Frequency)
		if f > within {
			continue
		}
		d := bits.OnesCount64(x.differences[at] ^ p.Difference)
		if d > within || order(f, d) >= worst {
			continue
		}
		m := Match[ID]{ID: x.ids[at], Frequency: f, Difference: d}
		if skip != nil && skip(m.ID) {
			continue
		}
		found = found[:min(len(found), most-1)]
		place, _ := slices.BinarySearchFunc(found, m, func(a, b Match[ID]) int { return a.order() - b.order() })
		found = slices.Insert(found, place, m)
		if len(found) == most {
			if worst, within = found[most-1].order(), found[most-1].Distance(); worst == 0 {
				break
			}
		}
	}
	return found
}

// order is less for a nearer match: by the greater difference first, then by the sum.
func order(frequency, difference int) int {
	return max(frequency, difference)<<8 + frequency + difference
}

func (m Match[ID]) order() int { return order(m.Frequency, m.Difference) }
