package adversary

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"math/bits"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media/check"
	"github.com/rounds-sync/rounds/media/likeness"
	"github.com/rounds-sync/rounds/media/picture"
)

// Options say what to score.
type Options struct {
	// Seed of the set.
	Seed uint64
	// Tampered is how many photos are tampered with; there are about as many honest ones.
	Tampered int
	// WidthPx of the photos; 0 stands for 640.
	WidthPx int
	// Policy to score.
	Policy check.Policy
	// Workers look into so many photos at once; 0 stands for 2.
	Workers int
	// Progress is told after each photo, from one goroutine; nil tells nobody.
	Progress func(done, total int)
	// Judged is shown each photo with what was found, in order of capture, from one goroutine; nil shows nobody.
	Judged func(Item, []*roundsv1.Finding)
}

// looked is a photo that was made and looked into.
type looked struct {
	item Item
	err  error
}

// Score makes a set and holds every photo of it against the checks, as a server does with photos that arrive in order of capture. It ends early with
// the error of ctx.
func Score(ctx context.Context, o Options) (*Result, error) {
	if o.WidthPx == 0 {
		o.WidthPx = 640
	}
	if o.Workers <= 0 {
		o.Workers = 2
	}
	var items []Item
	Items(o.Seed, o.Tampered, o.WidthPx, func(i Item) { items = append(items, i) })
	inspector := picture.NewInspector(picture.Config{Location: time.FixedZone("", 8*3600)})

	// Workers look into photos in any order, not far ahead of the one that is judged.
	ctx, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop()
	found := make([]chan looked, len(items))
	for i := range found {
		found[i] = make(chan looked, 1)
	}
	ahead := make(chan int)
	workers.Go(func() {
		defer close(ahead)
		for i := range items {
			select {
			case ahead <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	for range o.Workers {
		workers.Go(func() {
			for i := range ahead {
				item, err := lookInto(ctx, inspector, items[i])
				found[i] <- looked{item, err}
			}
		})
	}

	archive := newArchive(o.Policy)
	result := newResult()
	for i := range items {
		select {
		case l := <-found[i]:
			if l.err != nil {
				return nil, l.err
			}
			findings := check.Run(archive.caseOf(l.item), o.Policy)
			result.count(l.item, findings)
			archive.add(l.item)
			if o.Judged != nil {
				o.Judged(l.item, findings)
			}
			if o.Progress != nil {
				o.Progress(i+1, len(items))
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return result, nil
}

// lookInto makes the bytes of a photo, promises them as a device does, and has them looked into as a server does.
func lookInto(ctx context.Context, inspector *picture.Inspector, i Item) (Item, error) {
	b := i.Bytes()
	sum := sha256.Sum256(b)
	size, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		size = image.Config{Width: 640, Height: 480} // the phone knew it before the file was spoiled
	}
	i.finish(b, sum[:], size)
	seen, err := inspector.Inspect(ctx, bytes.NewReader(b), int64(len(b)), i.Case.Photo.GetMediaType())
	var refused *picture.Refused
	switch {
	case errors.As(err, &refused):
		i.Case.Refused = &check.Refusal{Code: refused.Code, Sentence: refused.Text()}
		return i, nil
	case err != nil:
		return i, fmt.Errorf("adversary: %s: %w", i.Kind, err)
	}
	r := &roundsv1.PhotoReport{MediaType: seen.MediaType, WidthPx: uint32(seen.WidthPx), HeightPx: uint32(seen.HeightPx), SizeBytes: int64(len(b)),
		ExifZoned: seen.EXIF.Zoned, Camera: seen.EXIF.Camera, FrequencyHash: seen.FrequencyHash, DifferenceHash: seen.DifferenceHash,
		Featureless: seen.Featureless}
	if !seen.EXIF.Taken.IsZero() {
		r.ExifTakenUs = seen.EXIF.Taken.UnixMicro()
	}
	i.Case.Report = r
	return i, nil
}

// archive is what a server remembers of photos.
type archive struct {
	policy check.Policy
	prints *likeness.Index[string]
	cases  map[string]check.Case
	bytes  map[string][]string // ids by hash
	before map[string][]string // ids of before-photos by subject and round
}

func newArchive(p check.Policy) *archive {
	return &archive{policy: p, prints: likeness.New[string](4096), cases: map[string]check.Case{}, bytes: map[string][]string{}, before: map[string][]string{}}
}

func work(p *roundsv1.Photo) string {
	return fmt.Sprint(p.GetSubject().GetKind(), p.GetSubject().GetId(), p.GetRound())
}

func (a *archive) add(i Item) {
	p := i.Case.Photo
	a.cases[i.Case.ID] = i.Case
	a.bytes[string(p.GetSha256())] = append(a.bytes[string(p.GetSha256())], i.Case.ID)
	if i.Case.Report == nil {
		return
	}
	if p.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE {
		a.before[work(p)] = append(a.before[work(p)], i.Case.ID)
	}
	a.prints.Add(i.Case.ID, printOf(i.Case.Report))
}

func printOf(r *roundsv1.PhotoReport) likeness.Print {
	return likeness.Print{Frequency: r.GetFrequencyHash(), Difference: r.GetDifferenceHash(), Featureless: r.GetFeatureless()}
}

func (a *archive) other(id string) check.Other {
	c := a.cases[id]
	return check.Other{ID: id, Photo: c.Photo, CapturedUs: c.CapturedUs, Featureless: c.Report.GetFeatureless()}
}

// caseOf gathers what an item is compared with.
func (a *archive) caseOf(i Item) check.Case {
	c := i.Case
	for _, id := range a.bytes[string(c.Photo.GetSha256())] {
		c.Same = append(c.Same, a.other(id))
	}
	if c.Report == nil {
		return c
	}
	mine := printOf(c.Report)
	const most = 16
	within := max(a.policy.NearFrequency, a.policy.NearDifference)
	sameWork := func(id string) bool { return work(a.cases[id].Photo) == work(c.Photo) }
	for _, mirrored := range []bool{false, true} {
		print := mine
		if mirrored {
			print = mine.Mirrored()
		}
		for _, m := range a.prints.Search(print, within, most, sameWork) {
			o := a.other(m.ID)
			o.FrequencyBits, o.DifferenceBits, o.Mirrored = m.Frequency, m.Difference, mirrored
			c.Similar = append(c.Similar, o)
		}
	}
	for _, id := range a.before[work(c.Photo)] {
		if id == c.ID {
			continue
		}
		o, theirs := a.other(id), printOf(a.cases[id].Report)
		o.FrequencyBits = bits.OnesCount64(mine.Frequency ^ theirs.Frequency)
		o.DifferenceBits = bits.OnesCount64(mine.Difference ^ theirs.Difference)
		c.Before = append(c.Before, o)
	}
	return c
}
