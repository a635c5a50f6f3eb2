package demo

import (
	"image"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
)

// trick is something about a photo that is not as it should be, which the demo plants to see whether the server finds it. The zero trick is honest.
type trick struct {
	// name in the plan.
	name string
	// finds is what the server has to find.
	finds roundsv1.CheckCode
	// follows may be found too: it is true of the photo as well, and no false alarm.
	follows []roundsv1.CheckCode
	// of tells what the trick needs of the moment; nil: nothing.
	of func(*camera, subject) bool
	// spoil changes how the photo is taken and told; it sees an earlier shot that it imitates, where it needs one.
	spoil func(*exposure)
}

// exposure is a photo between the drawing and the promise.
type exposure struct {
	recipe  recipe
	earlier *shot // what a trick imitates
	// elsewhere is a scan at a place where the subject is not.
	elsewhere *roundsv1.Location
	touch     func([]byte) []byte
	tell      func(*told)
}

// told is what the phone says of a photo besides its bytes.
type told struct {
	mediaType string
	source    roundsv1.PhotoSource
	location  *roundsv1.Location
}

const (
	reusedCode  = roundsv1.CheckCode_CHECK_CODE_REUSED
	nearCode    = roundsv1.CheckCode_CHECK_CODE_NEAR_DUPLICATE
	exifCode    = roundsv1.CheckCode_CHECK_CODE_EXIF_TIME
	stillCode   = roundsv1.CheckCode_CHECK_CODE_NO_CHANGE
	earlyCode   = roundsv1.CheckCode_CHECK_CODE_BEFORE_DISPATCH
	outsideCode = roundsv1.CheckCode_CHECK_CODE_OUTSIDE
	againCode   = roundsv1.CheckCode_CHECK_CODE_BEFORE_REJECTION
)

// tricks are what is planted, the most telling first: a short shift does not get to the end of the list.
func tricks() []trick {
	old := []roundsv1.CheckCode{exifCode, nearCode, stillCode, earlyCode, againCode}
	return []trick{
		{name: "the very bytes of another ticket", finds: reusedCode, follows: old, of: (*camera).hasOther, spoil: func(e *exposure) {
			e.recipe = e.earlier.recipe
		}},
		{name: "another ticket's photo, cropped, smaller and compressed again", finds: nearCode, of: (*camera).hasOther, spoil: func(e *exposure) {
			taken := e.recipe.options.Exif
			e.recipe = e.earlier.recipe
			e.recipe.options.Exif, e.recipe.recut = taken, true
		}},
		{name: "from the gallery, where the live camera is demanded", finds: roundsv1.CheckCode_CHECK_CODE_NOT_CAMERA,
			of: func(_ *camera, s subject) bool { return s.live }, spoil: func(e *exposure) {
				e.tell = func(t *told) { t.source = roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY }
			}},
		{name: "cut off in the middle of its bytes", finds: roundsv1.CheckCode_CHECK_CODE_UNDECODABLE, spoil: func(e *exposure) {
			e.touch = func(b []byte) []byte { return b[:len(b)*6/10] }
		}},
		{name: "of a dark basement", finds: roundsv1.CheckCode_CHECK_CODE_FEATURELESS, spoil: func(e *exposure) { e.recipe.options.Light = 0.02 }},
		{name: "made five hours before, says the image", finds: exifCode, spoil: func(e *exposure) {
			e.recipe.options.Taken = e.recipe.options.Taken.Add(-5 * time.Hour)
		}},
		{name: "after the work, and nothing has changed", finds: stillCode, of: (*camera).hasBefore, spoil: func(e *exposure) {
			taken := e.recipe.options.Exif
			e.recipe = e.earlier.recipe
			e.recipe.options.Exif, e.recipe.options.Quality = taken, 50
		}},
		{name: "without a word of its making", finds: roundsv1.CheckCode_CHECK_CODE_EXIF_MISSING, spoil: func(e *exposure) {
			e.recipe.options.Exif = drawn.Exif{}
		}},
		{name: "a JPEG that says it is a PNG", finds: roundsv1.CheckCode_CHECK_CODE_WRONG_TYPE, spoil: func(e *exposure) {
			e.tell = func(t *told) { t.mediaType = "image/png" }
		}},
		{name: "with an archive behind its end", finds: roundsv1.CheckCode_CHECK_CODE_POLYGLOT, spoil: func(e *exposure) {
			e.touch = func(b []byte) []byte {
				return append(b[:len(b):len(b)], "PK\x03\x04\x14\x00 and what else there may be"...)
			}
		}},
		{name: "of an even wall", finds: roundsv1.CheckCode_CHECK_CODE_FEATURELESS, spoil: func(e *exposure) { e.recipe.scene = drawn.Wall }},
		{name: "at a place that a program made up", finds: roundsv1.CheckCode_CHECK_CODE_MOCK_LOCATION,
			follows: []roundsv1.CheckCode{outsideCode}, spoil: func(e *exposure) {
				e.tell = func(t *told) {
					t.location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS, Latitude: 30.274, Longitude: 120.155, AccuracyM: 5, Mocked: true}
				}
			}},
		{name: "with the tag of another place scanned", finds: outsideCode, of: func(_ *camera, s subject) bool { return s.place != "" },
			spoil: func(e *exposure) {
				e.tell = func(t *told) { t.location = e.elsewhere }
			}},
		{name: "without any bytes", finds: roundsv1.CheckCode_CHECK_CODE_EMPTY, spoil: func(e *exposure) {
			e.touch = func([]byte) []byte { return nil }
		}},
	}
}

// recut is what somebody does who passes an old photo off as a new one: a little off each side, and smaller.
func recut(img image.Image) image.Image {
	b := img.Bounds()
	cut := b.Inset(b.Dx() / 50)
	part, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	})
	if !ok {
		return img
	}
	return drawn.Shrink(part.SubImage(cut), max(200, b.Dx()*8/10))
}
