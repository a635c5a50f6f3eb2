// Package adversary makes a labelled set of photos of one community, honest ones among ones that somebody tampered with, and scores the checks of
// evidence on it: how often each speaks when it ought to, and when it ought not.
//
// The photos are drawn (package drawn), the tampering is what people do: using a photo twice, sending it through a messenger, cropping, turning it
// round, setting its date, photographing a wall. Each has a label: the checks that ought to speak. The label says what a reviewer would want to be
// told, also where no check can know it; so a check may miss.
package adversary

import (
	"image"
	"math/rand/v2"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media/check"
)

// Kind is what was done to a photo, or in what honest way it was taken; in words.
type Kind string

// Item is one photo of the set, before its bytes are made.
type Item struct {
	// Kind of photo.
	Kind Kind
	// Honest: nobody tampered with it.
	Honest bool
	// Case is what is known of it besides its bytes: no report, nothing that it looks like. The promise has neither hash nor size.
	Case check.Case
	// Want are the checks that ought to speak.
	Want []roundsv1.CheckCode
	// May are checks that are right to speak and right to be silent.
	May []roundsv1.CheckCode

	single bool // not to be used again: its bytes are not those of the shot
	render func() []byte
	lie    func(*roundsv1.Photo) // changes the promise after it was made from the bytes
}

// Bytes makes the photo's bytes. The same item makes the same bytes.
func (i Item) Bytes() []byte { return i.render() }

// shot is a photo as the camera took it, from which others are made.
type shot struct {
	place  int
	o      drawn.Options
	ticket string
	at     time.Time
}

// places of the community that are photographed; each is of one scene.
const places = 160

// site is where the community of the set lies.
func site() drawn.Point { return drawn.Point{Latitude: 22.5431, Longitude: 114.0579} }

// where returns the middle of a place: they stand in a grid, 150 m apart.
func where(place int) drawn.Point { return site().Offset(float64(place/13)*150, float64(place%13)*150) }

// maker makes items one after the other, in the order of their capture.
type maker struct {
	seed    uint64
	random  *rand.Rand
	width   int
	now     time.Time
	count   uint64
	tickets int
	past    []shot // honest photos that can be used again
	out     func(Item)
}

// between returns a number from low to high.
func (m *maker) between(low, high float64) float64 { return low + (high-low)*m.random.Float64() }

// draw makes the JPEG of a shot again.
func (m *maker) draw(s shot) []byte {
	scenes := drawn.Scenes()
	return drawn.Photo(m.seed<<16+uint64(s.place), scenes[s.place%len(scenes)], s.o)
}

// Items makes a set: so many photos that were tampered with, each kind as often as the others, with as many honest ones between them. The photos
// are widthPx wide. The same arguments make the same set, and out is called in the order of capture.
func Items(seed uint64, tampered, widthPx int, out func(Item)) {
	m := &maker{seed: seed, random: rand.New(rand.NewPCG(seed, 0x61647665727361)), width: widthPx, out: out,
		now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.FixedZone("", 8*3600))}
	honest, tricks := honestKinds(), tamperedKinds()
	for i := range 40 { // what can be used again has to be there first
		m.step()
		m.honest(honest[i%len(honest)])
	}
	for i := range tampered {
		m.step()
		m.honest(honest[i%len(honest)])
		m.step()
		m.trick(tricks[i%len(tricks)])
	}
}

// step lets time pass.
func (m *maker) step() {
	m.now = m.now.Add(time.Duration(m.between(60, 900)) * time.Second).Truncate(time.Second)
}

func (m *maker) ticket() string {
	m.tickets++
	return "ticket " + itoa(m.tickets)
}

// aim is a new press of the shutter at a place that chance picks.
func (m *maker) aim() shot { return m.aimAt(m.random.IntN(places), drawn.After) }

func (m *maker) aimAt(place int, stage drawn.Stage) shot {
	m.count++
	at := where(place)
	return shot{place: place, at: m.now, o: drawn.Options{Stage: stage, Shot: m.count, WidthPx: m.width,
		Exif: drawn.Exif{Taken: m.now, Location: &at, Camera: "D" + itoa(1+m.random.IntN(9))}}}
}

// item is an honest photo of a place: taken with the camera, on a ticket of its own, a good fix, in time.
func (m *maker) item(kind Kind, s shot) Item {
	at := where(s.place)
	accuracy := m.between(4, 25)
	found := at.Offset(m.between(-.7, .7)*accuracy, m.between(-.7, .7)*accuracy)
	us := m.now.UnixMicro()
	trust := roundsv1.Trust_TRUST_A
	if m.random.IntN(12) == 0 {
		trust = roundsv1.Trust_TRUST_B
	}
	person := "person " + itoa(m.random.IntN(40))
	wall := us + int64(m.between(-4, 4)*1e6)
	return Item{Kind: kind, render: func() []byte { return m.draw(s) }, Case: check.Case{
		ID: "photo " + itoa(int(m.count)),
		Photo: &roundsv1.Photo{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: s.ticket}, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Round: 1, PersonId: person,
			MediaType: "image/jpeg", Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA,
			Captured: &roundsv1.Clock{WallUs: wall, BootId: person, MonotonicUs: us - 1_772_000_000_000_000},
			Location: &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS, Latitude: found.Latitude, Longitude: found.Longitude,
				AccuracyM: float32(accuracy)}},
		CapturedUs: us, Trust: trust, DispatchedUs: us - int64(m.between(600, 7200)*1e6), LiveCamera: m.random.IntN(3) > 0,
		Area: check.Area{PlaceIDs: []string{"place " + itoa(s.place)}, Outlines: []string{outline(at)}, Signal: roundsv1.Signal_SIGNAL_OK},
	}}
}

// finish fills in the promise of bytes as a device does, and then the lie, if there is one.
func (i Item) finish(b []byte, sum []byte, size image.Config) {
	p := i.Case.Photo
	p.Sha256, p.SizeBytes, p.WidthPx, p.HeightPx = sum, int64(len(b)), uint32(size.Width), uint32(size.Height)
	if i.lie != nil {
		i.lie(p)
	}
}
