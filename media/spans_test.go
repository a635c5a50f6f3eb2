package media_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
)

// FuzzSpans holds Missing and Assemble against a map of single units, for parts that lie anyhow, also outside.
func FuzzSpans(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		const unit = media.MinPartBytes
		random := rand.New(rand.NewPCG(seed, 0))
		units := 1 + random.IntN(40)
		size := int64(units)*unit - int64(random.IntN(2))*5
		here := []media.Span{{Offset: -1, Size: 5}, {Offset: 0, Size: size + 1}, {Offset: size, Size: 1}, {Offset: 5, Size: math.MaxInt64}, {Offset: 0, Size: 0}}
		covered := make([]bool, units)
		for range random.IntN(8) {
			from := random.IntN(units)
			to := from + 1 + random.IntN(units-from)
			here = append(here, media.Span{Offset: int64(from) * unit, Size: min(int64(to)*unit, size) - int64(from)*unit})
			for i := from; i < to; i++ {
				covered[i] = true
			}
		}
		random.Shuffle(len(here), func(i, j int) { here[i], here[j] = here[j], here[i] })
		at := func(i int) media.Span {
			return media.Span{Offset: int64(i) * unit, Size: min(int64(i+1)*unit, size) - int64(i)*unit}
		}
		want := media.Want{PartBytes: unit * int64(1+random.IntN(5)), MaxParts: 1 + random.IntN(10), Until: time.Unix(1, 0)}
		received, parts, more := media.Missing(size, here, want)
		asked := int64(0)
		for i, p := range parts {
			if p.Size < 1 || p.Size > want.PartBytes || p.End() > size || p.Offset < 0 || i > 0 && p.Offset < parts[i-1].End() {
				t.Fatalf("part %+v of %d", p, size)
			}
			asked += p.Size
		}
		missing, whole := int64(0), true
		for i, c := range covered {
			if !c {
				missing += at(i).Size
				whole = false
			}
		}
		if received != size-missing || more != (asked < missing) || asked > missing || len(parts) > want.MaxParts || more && len(parts) < want.MaxParts {
			t.Fatalf("size %d: received %d, asked %d in %d parts, more %t; missing are %d", size, received, asked, len(parts), more, missing)
		}
		for _, p := range parts {
			for i := range units {
				if s := at(i); covered[i] && p.Offset < s.End() && s.Offset < p.End() {
					t.Fatalf("part %+v is here in part: %+v", p, s)
				}
			}
		}
		pieces, err := media.Assemble(size, here)
		if !whole {
			if !errors.Is(err, media.ErrIncomplete) {
				t.Fatalf("Assemble with holes: %v", err)
			}
			return
		}
		end := int64(0)
		for _, p := range pieces {
			if p.Part.Offset+p.Skip != end || p.Size < 1 || p.Skip+p.Size > p.Part.Size {
				t.Fatalf("piece %+v at %d", p, end)
			}
			end += p.Size
		}
		if err != nil || end != size {
			t.Fatalf("Assemble of %d bytes: %d, %v", size, end, err)
		}
	})
}
