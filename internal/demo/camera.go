package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"image"
	"math/rand/v2"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
)

// camera is what a phone takes its photos with, and what the demo remembers of them: apart from the phone's own record, which is checked against it.
type camera struct {
	random *rand.Rand // its own, so that photos change nothing else in the plan of a shift
	shots  []*shot
	plants *plants
	begin  time.Time
	hours  float64 // length of the shift
	wanted int     // photos that the plan has for the whole of it
	took   func()  // hears of each photo
	honest bool    // no trick is planted now
}

// plants counts what was planted by all phones, so that each trick has its turn. It is used by one goroutine at a time.
type plants struct {
	tricks []trick
	times  map[string]int
	since  int // photos since the last one
}

// onePlanted of so many photos is not as it should be.
const onePlanted = 8

// recipe makes the same image again.
type recipe struct {
	seed    uint64
	scene   drawn.Scene
	options drawn.Options
	recut   bool
}

// shot is a photo that a phone said it has on disk.
type shot struct {
	recipe
	ref     client.Ref
	subject subject
	hash    media.Hash
	size    int64
	trick   trick
	quick   bool // taken in the seconds before a kill, without care
}

// subject is what a photo is taken of.
type subject struct {
	kind  string
	id    client.RecordID
	item  string // of the checklist
	role  roundsv1.PhotoRole
	round uint32
	place string // where the work is; empty: not known
	line  roundsv1.ServiceLine
	live  bool // the category demands the live camera
}

// Sizes of what is taken: most are made small, so that one goes through a window of 64 kbit/s, and every so often one is as the camera gave it.
const (
	smallest, smaller = 240, 480 // pixels wide
	asTaken           = 6        // one of so many is not made small
	previewSide       = 80       // pixels; a preview is a tenth of what may be, because everybody pulls everybody's
)

// draw makes the image, its bytes and its preview.
func (r recipe) draw() (img image.Image, jpeg []byte) {
	p := drawn.Take(r.seed, r.scene, r.options)
	if !r.recut {
		return p.Image, p.JPEG
	}
	img = recut(p.Image)
	return img, drawn.Encode(img, 55, r.options.Exif)
}

// hasOther: the camera has taken an honest photo for other work.
func (c *camera) hasOther(s subject) bool { return c.other(s) != nil }

func (c *camera) other(s subject) *shot {
	for i := len(c.shots) - 1; i >= 0; i-- {
		one := c.shots[i]
		if one.trick.name == "" && !one.quick && one.subject.id != s.id && one.options.WidthPx <= smaller {
			return one
		}
	}
	return nil
}

// hasBefore: the photo is one after the work, and the camera took one before it, of this round.
func (c *camera) hasBefore(s subject) bool {
	return s.role == roundsv1.PhotoRole_PHOTO_ROLE_AFTER && c.before(s) != nil
}

func (c *camera) before(s subject) *shot {
	for i := len(c.shots) - 1; i >= 0; i-- {
		one := c.shots[i]
		if one.trick.name == "" && !one.quick && one.subject.id == s.id && one.subject.round == s.round && one.subject.role == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE {
			return one
		}
	}
	return nil
}

// plant decides whether the next photo is a trick, and takes the one that was planted least.
func (c *camera) plant(s subject) trick {
	if c.honest {
		return trick{}
	}
	c.plants.since++
	if c.plants.since < onePlanted && (c.plants.since < onePlanted/2 || !c.hasBefore(s)) { // finished work is rare, and what can be wrong with it rarer
		return trick{}
	}
	best, found := trick{}, false
	for _, t := range c.plants.tricks {
		if (t.of == nil || t.of(c, s)) && (!found || c.plants.times[t.name] < c.plants.times[best.name]) {
			best, found = t, true
		}
	}
	if found {
		c.plants.times[best.name]++
		c.plants.since = 0
	}
	return best
}

// scenes are what the photos of a line show.
func scenes(line roundsv1.ServiceLine) []drawn.Scene {
	switch line {
	case roundsv1.ServiceLine_SERVICE_LINE_CLEANING:
		return []drawn.Scene{drawn.Tiles, drawn.Bins, drawn.Lift, drawn.Bays}
	case roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING:
		return []drawn.Scene{drawn.Pipes, drawn.Meter, drawn.Door, drawn.Lift}
	case roundsv1.ServiceLine_SERVICE_LINE_SECURITY:
		return []drawn.Scene{drawn.Bays, drawn.Door}
	case roundsv1.ServiceLine_SERVICE_LINE_GREEN:
		return []drawn.Scene{drawn.Garden}
	}
	return drawn.Scenes()
}

// place64 is the seed of what the place of a subject looks like.
func (s subject) place64() uint64 {
	sum := sha256.Sum256([]byte(string(s.id) + s.item))
	return binary.BigEndian.Uint64(sum[:])
}

// aim decides what an honest photo of a subject looks like: the place comes from the subject, so that before and after show the same.
func (c *camera) aim(s subject, wall time.Time) recipe {
	place := s.place64()
	from := scenes(s.line)
	r := recipe{seed: place, scene: from[place%uint64(len(from))], options: drawn.Options{
		Exif: drawn.Exif{Taken: wall.In(time.FixedZone("CST", 8*3600)), Camera: "D1 Pro"},
		Shot: c.random.Uint64() >> 1, WidthPx: smallest + 40*c.random.IntN((smaller-smallest)/40+1), Quality: 55 + c.random.IntN(25)}}
	if s.role == roundsv1.PhotoRole_PHOTO_ROLE_AFTER {
		r.options.Stage = drawn.After
	}
	if len(c.shots)%asTaken == asTaken-1 {
		r.options.WidthPx, r.options.Quality = drawn.DefaultWidthPx, 0
	}
	return r
}

// exposed is a photo that was taken and is not promised yet.
type exposed struct {
	*shot
	told
	content, preview []byte
}

// expose takes a photo of a subject.
func (w *worker) expose(s subject) exposed {
	c := w.camera
	e := exposure{recipe: c.aim(s, w.clocks.Wall()), touch: func(b []byte) []byte { return b }, tell: func(*told) {}}
	t := c.plant(s)
	if t.name != "" {
		e.elsewhere = w.scanElsewhere(s.place)
		if e.earlier = c.other(s); t.finds == stillCode {
			e.earlier = c.before(s)
		}
		t.spoil(&e)
	}
	img, content := e.recipe.draw()
	x := exposed{content: e.touch(content), preview: drawn.Encode(drawn.Shrink(img, previewSide), 40, drawn.Exif{}),
		told: told{source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA, location: w.scan(s.place)}}
	e.tell(&x.told)
	x.shot = &shot{recipe: e.recipe, subject: s, hash: sha256.Sum256(x.content), size: int64(len(x.content)), trick: t}
	return x
}

// promise hands an exposed photo to the library and remembers it. It returns the id of its record; empty where the library refused it on the spot.
func (w *worker) promise(ctx context.Context, x exposed, of subject, captured *roundsv1.Clock, shared bool) (client.RecordID, error) {
	ref, id, err := w.device.AddPhoto(ctx, w.site, client.PhotoInput{Original: bytes.NewReader(x.content),
		Subject: &roundsv1.RecordRef{Kind: of.kind, Id: string(of.id)}, Role: of.role, Round: of.round, ItemID: of.item,
		Location: x.location, Source: x.source, Captured: captured, Preview: x.preview, MediaType: x.mediaType, Shared: shared})
	if err != nil {
		return "", w.note(ref, err)
	}
	w.ledger.add(ref)
	one := *x.shot
	one.ref, one.subject = ref, of
	w.camera.keep(&one)
	return id, nil
}

// photograph takes a photo of a subject.
func (w *worker) photograph(ctx context.Context, s subject) (client.RecordID, error) {
	return w.promise(ctx, w.expose(s), s, w.clock(), false)
}

// photographBoth takes one photo of two faults, and says so: that is no reuse, and its bytes are stored once.
func (w *worker) photographBoth(ctx context.Context, a, b subject) error {
	x, captured := w.expose(a), w.clock()
	for _, s := range []subject{a, b} {
		if _, err := w.promise(ctx, x, s, captured, true); err != nil {
			return err
		}
	}
	return nil
}

// scan is what the phone knows of where it is: mostly the tag at the place of the work, otherwise nothing, which is usual in a basement.
func (w *worker) scan(place string) *roundsv1.Location {
	i := slices.IndexFunc(w.Places, func(p community.Place) bool { return p.ID == place })
	if i < 0 || w.camera.random.IntN(3) == 0 {
		return &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX}
	}
	return &roundsv1.Location{PlaceId: place, Words: w.Places[i].GetName().GetZh(), Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
}

// scanElsewhere is a tag at a place that is neither around nor within another.
func (w *worker) scanElsewhere(place string) *roundsv1.Location {
	for {
		if p := pick(w.camera.random, w.Places); p.ID != place && p.GetParentId() != place && p.GetType() != roundsv1.PlaceType_PLACE_TYPE_BUILDING {
			return &roundsv1.Location{PlaceId: p.ID, Words: p.GetName().GetZh(), Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
		}
	}
}

// keep remembers a photo that is on disk.
func (c *camera) keep(s *shot) {
	c.shots = append(c.shots, s)
	c.took()
}

// due is how many photos the plan has taken by now.
func (c *camera) due(now time.Time) float64 {
	return min(1, now.Sub(c.begin).Hours()/c.hours) * float64(c.wanted)
}

// behind tells whether fewer photos were taken than the plan has by now.
func (c *camera) behind(now time.Time) bool { return float64(len(c.shots)) < c.due(now) }

// ahead tells whether so many more were taken that only the needed ones should follow.
func (c *camera) ahead(now time.Time) bool { return float64(len(c.shots)) > c.due(now)+2 }
