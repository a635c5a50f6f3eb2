package picture

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bep/imagemeta"
)

const (
	exifBytes    = 1 << 20 // of an EXIF block that is read at all
	exifTags     = 1000
	exifTagBytes = 1024
	cameraBytes  = 256
)

// EXIF is what a photo says of its making. All of it can be forged.
type EXIF struct {
	// Taken is when the photo was made; zero where it does not say. To the second.
	Taken time.Time
	// Zoned: the photo names the zone of that time. Otherwise Taken was read in the location of the Config; see TakenIn.
	Zoned bool
	// Camera is its make and model, at most 256 bytes of printable text; "" where it does not say.
	Camera string
	// Position is where the photo was made; nil where it does not say.
	Position *Position
}

// Position is a place on Earth, degrees, WGS 84.
type Position struct {
	Latitude, Longitude float64
}

// TakenIn returns when the photo was made, a time without a zone being read in loc; zero where it does not say.
func (x EXIF) TakenIn(loc *time.Location) time.Time {
	if x.Zoned || x.Taken.IsZero() {
		return x.Taken
	}
	t := x.Taken
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc)
}

// readEXIF reads the TIFF structure that every format carries its EXIF in, and returns with it the orientation, 1 to 8. Of a broken structure it
// takes what it got. A time of editing is no time of making: only DateTimeOriginal and DateTimeDigitized count.
func readEXIF(b []byte, loc *time.Location) (EXIF, int) {
	var x EXIF
	tags := exifValues(bytes.TrimPrefix(b, []byte("Exif\x00\x00")))
	text := func(name string) string { s, _ := tags[name].(string); return printable(s) }

	for _, t := range [...]struct{ time, zone string }{{"DateTimeOriginal", "OffsetTimeOriginal"}, {"CreateDate", "OffsetTimeDigitized"}} {
		at := text(t.time)
		if taken, err := time.ParseInLocation("2006:01:02 15:04:05", at, loc); err == nil && taken.Year() >= 1990 {
			x.Taken = taken
			if zoned, err := time.Parse("2006:01:02 15:04:05-07:00", strings.Replace(at+text(t.zone), "Z", "+00:00", 1)); err == nil {
				x.Taken, x.Zoned = zoned, true
			}
			break
		}
	}

	x.Camera = text("Model")
	if maker := text("Make"); maker != "" && !strings.HasPrefix(strings.ToLower(x.Camera), strings.ToLower(maker)) {
		x.Camera = strings.TrimSpace(maker + " " + x.Camera)
	}
	for len(x.Camera) > cameraBytes {
		_, n := utf8.DecodeLastRuneInString(x.Camera)
		x.Camera = x.Camera[:len(x.Camera)-n]
	}

	lat, okLat := degrees(tags["GPSLatitude"], text("GPSLatitudeRef"), "S", 90)
	long, okLong := degrees(tags["GPSLongitude"], text("GPSLongitudeRef"), "W", 180)
	// No photo is made on the ocean at 0, 0; programs that know nothing write it.
	if okLat && okLong && (lat != 0 || long != 0) {
		x.Position = &Position{lat, long}
	}

	orientation := 1
	if o, ok := tags["Orientation"].(uint16); ok && o >= 1 && o <= 8 {
		orientation = int(o)
	}
	return x, orientation
}

// exifValues returns the tags that are asked for. The library is given the structure alone, so that it follows nothing else, with limits; its
// panics are caught.
func exifValues(b []byte) (tags map[string]any) {
	tags = map[string]any{}
	if len(b) < 8 || len(b) > exifBytes {
		return tags
	}
	defer func() {
		// What was read before the library lost its way counts.
		_ = recover()
	}()
	wanted := func(tag imagemeta.TagInfo) bool {
		switch tag.Tag {
		case "Make", "Model", "Orientation", "DateTimeOriginal", "CreateDate", "OffsetTimeOriginal", "OffsetTimeDigitized":
			return true
		case "GPSLatitude", "GPSLongitude", "GPSLatitudeRef", "GPSLongitudeRef":
			return true
		}
		return false
	}
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(b), ImageFormat: imagemeta.TIFF, Sources: imagemeta.EXIF, LimitNumTags: exifTags, LimitTagSize: exifTagBytes,
		Warnf: func(string, ...any) {}, ShouldHandleTag: wanted,
		HandleTag: func(tag imagemeta.TagInfo) error {
			if _, twice := tags[tag.Tag]; !twice {
				tags[tag.Tag] = tag.Value
			}
			return nil
		},
	})
	if err != nil && !errors.Is(err, imagemeta.ErrStopWalking) {
		return tags
	}
	return tags
}

// degrees reads a coordinate, turned round where its hemisphere is the negative one.
func degrees(v any, hemisphere, negative string, most float64) (float64, bool) {
	d, ok := v.(float64)
	if !ok || math.IsNaN(d) || math.Abs(d) > most {
		return 0, false
	}
	if hemisphere == negative {
		d = -d
	}
	return d, true
}

// printable keeps of a text what can be shown on one line.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// String writes a position as degrees, for a person.
func (p Position) String() string { return fmt.Sprintf("%.5f, %.5f", p.Latitude, p.Longitude) }
