package likeness_test

import (
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/rounds-sync/rounds/media/likeness"
)

type id [16]byte

func number(n int) (i id) {
	i[0], i[1], i[2], i[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	return i
}

// around returns a print some bits away from another.
func around(rnd *rand.Rand, p likeness.Print, most int) likeness.Print {
	for range rnd.IntN(most + 1) {
		p.Frequency ^= 1 << rnd.IntN(64)
	}
	for range rnd.IntN(most + 1) {
		p.Difference ^= 1 << rnd.IntN(64)
	}
	return p
}

// A search finds what comparing with every photo that was added and not removed finds, the nearest first.
func TestSearchFindsAllThatIsNear(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		index, plain := likeness.New[id](0), map[id]likeness.Print{}
		families := make([]likeness.Print, 8)
		for i := range families {
			families[i] = likeness.Print{Frequency: rnd.Uint64(), Difference: rnd.Uint64()}
		}
		for range 3000 {
			key := number(rnd.IntN(800))
			switch rnd.IntN(6) {
			case 0:
				index.Remove(key)
				delete(plain, key)
			default:
				p := around(rnd, families[rnd.IntN(len(families))], 14)
				if p.Featureless = rnd.IntN(10) == 0; p.Featureless {
					delete(plain, key)
				} else {
					plain[key] = p
				}
				index.Add(key, p)
			}
		}
		if index.Len() != len(plain) {
			t.Fatalf("seed %d: %d prints, want %d", seed, index.Len(), len(plain))
		}
		for range 60 {
			p, within, odd := around(rnd, families[rnd.IntN(len(families))], 4), rnd.IntN(16), rnd.IntN(2) == 0
			skip := func(i id) bool { return odd && i[0]%2 == 1 }
			var want []int
			for key, other := range plain {
				f, d := bits.OnesCount64(p.Frequency^other.Frequency), bits.OnesCount64(p.Difference^other.Difference)
				if f <= within && d <= within && !skip(key) {
					want = append(want, max(f, d)*1000+f+d)
				}
			}
			slices.Sort(want)
			most := 1 + rnd.IntN(40)
			want = want[:min(most, len(want))]
			var got []int
			seen := map[id]bool{}
			for _, m := range index.Search(p, within, most, skip) {
				other := plain[m.ID]
				if seen[m.ID] || m.Frequency != bits.OnesCount64(p.Frequency^other.Frequency) || m.Difference != bits.OnesCount64(p.Difference^other.Difference) {
					t.Fatalf("seed %d: %+v is not what is kept", seed, m)
				}
				seen[m.ID] = true
				got = append(got, m.Distance()*1000+m.Frequency+m.Difference)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: found %v, want %v", seed, got, want)
			}
		}
	}
}

func TestFeaturelessIsLikeNothing(t *testing.T) {
	index := likeness.New[id](0)
	index.Add(number(1), likeness.Print{Featureless: true})
	index.Add(number(2), likeness.Print{})
	if got := index.Search(likeness.Print{}, 64, 9, nil); len(got) != 1 || got[0].ID != number(2) {
		t.Fatalf("found %v", got)
	}
	if got := index.Search(likeness.Print{Featureless: true}, 64, 9, nil); got != nil {
		t.Fatalf("a featureless print is like %v", got)
	}
	index.Add(number(2), likeness.Print{Featureless: true})
	if index.Len() != 0 {
		t.Fatal("a print that became featureless is still there")
	}
}

func TestConcurrentUse(t *testing.T) {
	index := likeness.New[id](0)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(worker), 2))
			for n := range 500 {
				mine := number(worker*1000 + n)
				p := likeness.Print{Frequency: rnd.Uint64(), Difference: rnd.Uint64()}
				index.Add(mine, p)
				if got := index.Search(p, 0, 4, nil); len(got) != 1 || got[0].ID != mine {
					t.Errorf("found %v", got)
				}
				if n%2 == 0 {
					index.Remove(mine)
				}
			}
		})
	}
	all.Wait()
	if index.Len() != 1000 {
		t.Fatalf("%d are left", index.Len())
	}
}

// BenchmarkSearch searches among 1,000,000 photos: where none is alike, where one is, and where all are.
func BenchmarkSearch(b *testing.B) {
	const photos = 1_000_000
	rnd := rand.New(rand.NewPCG(1, 1))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	index := likeness.New[id](0)
	var some likeness.Print
	for n := range photos {
		p := likeness.Print{Frequency: rnd.Uint64(), Difference: rnd.Uint64()}
		if n == photos/2 {
			some = p
		}
		index.Add(number(n), p)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perEntry := float64(after.HeapAlloc-before.HeapAlloc) / photos
	same, edge := likeness.New[id](photos), likeness.New[id](photos)
	for n := range photos {
		same.Add(number(n), some)
		edge.Add(number(n), likeness.Print{Frequency: some.Frequency ^ 0x3ff, Difference: some.Difference ^ 0x3ff})
	}
	for _, c := range []struct {
		name  string
		index *likeness.Index[id]
		p     likeness.Print
	}{{"none", index, likeness.Print{}}, {"one", index, some}, {"all, the same", same, some}, {"all, at the edge", edge, some}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.index.Search(c.p, 10, 32, nil)
			}
			b.ReportMetric(perEntry, "B/entry")
		})
	}
}

// BenchmarkAdd adds photos to an index that has a million of them.
func BenchmarkAdd(b *testing.B) {
	index := likeness.New[id](0)
	for n := range 1_000_000 {
		index.Add(number(n), likeness.Print{Frequency: uint64(n)})
	}
	n := 1_000_000
	for b.Loop() {
		index.Add(number(n), likeness.Print{Frequency: uint64(n)})
		n++
	}
}
