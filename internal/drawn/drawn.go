// Package drawn makes photos of a community by code: floors, bins, pipes, doors, meters, with the dirt that the work takes away. Nothing real is on them.
//
// A photo depends on nothing but its arguments: on one kind of machine, the same arguments make the same bytes. All functions may be called from any
// number of goroutines.
package drawn

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
)

// Scene is a kind of place.
type Scene int

// The scenes. All but Wall have enough in them for two photos to be told apart.
const (
	// Tiles: a tiled floor with a drain.
	Tiles Scene = iota
	// Bins: refuse bins in front of a wall.
	Bins
	// Pipes: pipes, valves and gauges of a plant room.
	Pipes
	// Door: a fire door in a corridor.
	Door
	// Meter: a cabinet with meters, their digits readable.
	Meter
	// Lift: the doors and buttons of a lift.
	Lift
	// Bays: parking bays between the columns of a basement.
	Bays
	// Garden: a path through grass and shrubs.
	Garden
	// Wall: an even wall, with nothing on it to be compared.
	Wall
)

// Scenes returns all scenes but Wall.
func Scenes() []Scene { return []Scene{Tiles, Bins, Pipes, Door, Meter, Lift, Bays, Garden} }

// String names the scene.
func (s Scene) String() string {
	names := [...]string{"tiles", "bins", "pipes", "door", "meter", "lift", "bays", "garden", "wall"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Stage is whether the work has been done.
type Stage int

// The stages.
const (
	// Before the work: there is dirt.
	Before Stage = iota
	// After the work: the dirt is gone.
	After
)

// Options say how a photo is taken. The zero value is a photo before the work, of the default size, that says nothing about its making.
type Options struct {
	Exif
	// Stage of the work.
	Stage Stage
	// Shot tells photos of one place and stage apart: where the person stands, the light, the noise of the sensor, where the dirt lies.
	Shot uint64
	// Stand is where the person stands: photos of one place with the same one are from the same spot. 0: the shot decides.
	Stand uint64
	// WidthPx, pixels; the height is three quarters of it. 0 stands for DefaultWidthPx; less than 64 is taken as 64, more than 8,192 as 8,192.
	WidthPx int
	// Quality of the JPEG, 1 to 100. 0 stands for one that the shot decides, 84 to 92.
	Quality int
	// Light, as a part of what the place has: 0 stands for 1; 0.02 is a basement whose lamps are out.
	Light float64
	// Reading is what the meters show, of at most six digits; 0 stands for one that the place and shot decide.
	Reading int
}

// DefaultWidthPx is the width of a photo that is not told one.
const DefaultWidthPx = 1280

// Picture is a photo with what a device says of it before its bytes travel.
type Picture struct {
	// JPEG bytes.
	JPEG []byte
	// Preview is a JPEG of at most PreviewBytes.
	Preview []byte
	// Width and height, pixels.
	WidthPx, HeightPx int
	// Image is what was encoded. It is only to be read.
	Image image.Image
}

// Photo draws a place. The seed is the place: photos of one seed and scene show the same tiles, doors and pipes.
func Photo(seed uint64, scene Scene, o Options) []byte {
	img, quality := draw(seed, scene, o)
	return Encode(img, quality, o.Exif)
}

// Take draws as Photo does, and makes the preview too.
func Take(seed uint64, scene Scene, o Options) Picture {
	img, quality := draw(seed, scene, o)
	size := img.Bounds().Size()
	return Picture{JPEG: Encode(img, quality, o.Exif), Preview: Preview(img), WidthPx: size.X, HeightPx: size.Y, Image: img}
}

// Encode makes a JPEG of an image, with what x says about its making. A quality below 1 is taken as 1, above 100 as 100.
func Encode(img image.Image, quality int, x Exif) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: min(max(quality, 1), 100)}); err != nil {
		panic("drawn: an image without size or too large for a JPEG: " + err.Error()) // a buffer takes everything
	}
	return x.With(b.Bytes())
}

func draw(seed uint64, scene Scene, o Options) (image.Image, int) {
	width := o.WidthPx
	if width == 0 {
		width = DefaultWidthPx
	}
	width = min(max(width, 64), 8192)
	place := rand.New(rand.NewPCG(seed, 0x706c616365+uint64(scene)))
	shot := rand.New(rand.NewPCG(seed<<8+uint64(scene), o.Shot<<1+uint64(o.Stage)))
	c := newCanvas(.75 * float64(width) / DefaultWidthPx) // a photo is never sharp to the pixel, and this is quicker
	c.paint(scene, place, shot, o)
	quality := o.Quality
	if quality == 0 {
		quality = 84 + shot.IntN(9)
	}
	stand := shot
	if o.Stand != 0 {
		stand = rand.New(rand.NewPCG(seed<<8+uint64(scene), o.Stand^0x7374616e64))
	}
	v := lens(stand)
	v.gain = .85 + .3*shot.Float64()
	if o.Light != 0 {
		v.gain *= o.Light
	}
	return c.shoot(width, v, shot), quality
}
