package picture_test

import (
	"image"
	"testing"

	"github.com/rounds-sync/rounds/media/picture"
)

// What is coded is decoded, alone and in tiles: the decoder goes through RGB, so a value may be a little off. The
// first pixels are taken from a line below.
func TestHEICRoundTrip(t *testing.T) {
	needsHEIC(t)
	for name, c := range map[string]struct {
		w, h int
		o    heicOptions
	}{
		"one picture":  {160, 96, heicOptions{}},
		"odd blocks":   {150, 90, heicOptions{}},
		"like iPhones": {200, 150, heicOptions{tile: 64}},
	} {
		m := scene(5, c.w, c.h)
		got, err := heic.Decode(t.Context(), asHEIC(m, c.o), int64(c.w*c.h))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, have := yuv(m, c.w, c.h), got.(*image.YCbCr)
		if have.Rect.Dx() != c.w || have.Rect.Dy() != c.h {
			t.Fatalf("%s: decoded to %v", name, have.Rect)
		}
		colour := 0
		for y := range c.h {
			for x := range c.w {
				a, b := want.YCbCrAt(x, y), have.YCbCrAt(x, y)
				if apart(a.Y, b.Y) > 1 && (y > 0 || x >= 24) {
					t.Fatalf("%s: %v instead of %v at %d, %d", name, b, a, x, y)
				}
				colour += apart(a.Cb, b.Cb) + apart(a.Cr, b.Cr)
			}
		}
		if mean := float64(colour) / float64(2*c.w*c.h); mean > 1 {
			t.Fatalf("%s: colours are %f off", name, mean)
		}
	}
}

func apart(a, b uint8) int { return int(max(a, b) - min(a, b)) }

func TestHEIC(t *testing.T) {
	needsHEIC(t)
	m := scene(6, 144, 104)
	exif := tiff(exifOptions{taken: "2026:11:22 08:30:15", offset: "+08:00", make: "Apple", model: "iPhone 15", orientation: 6})
	for turns := range 4 {
		found := good(t, asHEIC(m, heicOptions{tile: 64, turns: turns, exif: exif}), picture.HEIC)
		w, h := 144, 104
		if turns%2 == 1 {
			w, h = h, w
		}
		if found.MediaType != picture.HEIC || found.WidthPx != w || found.HeightPx != h {
			t.Fatalf("%d turns: %s of %dx%d", turns, found.MediaType, found.WidthPx, found.HeightPx)
		}
		// The container turns; the orientation in the EXIF is not applied besides.
		if found.EXIF.Camera != "Apple iPhone 15" || !found.EXIF.Zoned {
			t.Fatalf("%+v", found.EXIF)
		}
		if turns == 0 {
			same := good(t, asJPEG(t, m, 90), picture.JPEG)
			if a, b := found.FrequencyHash^same.FrequencyHash, found.DifferenceHash^same.DifferenceHash; a&(a-1) != 0 || b&(b-1) != 0 {
				t.Fatalf("as HEIC and JPEG it differs in %b and %b", a, b)
			}
		}
	}
	good(t, asHEIC(m, heicOptions{}), "image/heif")
	if found := good(t, asHEIC(m, heicOptions{cut: 100}), ""); found.WidthPx != 100 || found.HeightPx != 100 {
		t.Fatalf("cut to %dx%d", found.WidthPx, found.HeightPx)
	}
}
