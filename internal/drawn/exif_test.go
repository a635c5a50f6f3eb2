package drawn_test

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media/picture"
)

// TestExifIsReadAsItWasWritten reads the EXIF as the server does.
func TestExifIsReadAsItWasWritten(t *testing.T) {
	inspector := picture.NewInspector(picture.Config{})
	read := func(b []byte) picture.EXIF {
		t.Helper()
		found, err := inspector.Inspect(context.Background(), bytes.NewReader(b), int64(len(b)), picture.JPEG)
		if err != nil {
			t.Fatal(err)
		}
		return found.EXIF
	}
	taken := time.Date(2026, 3, 5, 9, 41, 7, 0, time.FixedZone("", -(3*3600+1800)))
	for _, c := range []struct {
		name string
		exif drawn.Exif
	}{
		{"all", drawn.Exif{Taken: taken, Location: &drawn.Point{Latitude: 22.5431, Longitude: 114.0579}, Camera: "D1 Pro"}},
		{"time only", drawn.Exif{Taken: taken}},
		{"no zone", drawn.Exif{Taken: taken, Zoneless: true, Camera: "X"}},
		{"south and west", drawn.Exif{Location: &drawn.Point{Latitude: -33.859972, Longitude: -71.211111}}},
		{"camera only", drawn.Exif{Camera: "D1"}},
		{"nothing", drawn.Exif{}},
	} {
		b := drawn.Photo(1, drawn.Tiles, drawn.Options{WidthPx: 64, Exif: c.exif})
		for _, again := range [][]byte{b, drawn.Exif{Taken: taken.Add(time.Hour), Camera: "other"}.With(b)} {
			again = c.exif.With(again) // what was said before is gone
			if !bytes.Equal(again, b) {
				t.Errorf("%s: said twice, it is not the same", c.name)
			}
			x := read(again)
			want := c.exif.Taken
			if c.exif.Zoneless {
				want = time.Date(2026, 3, 5, 9, 41, 7, 0, time.UTC)
			}
			if !x.Taken.Equal(want) || x.Zoned != (!c.exif.Taken.IsZero() && !c.exif.Zoneless) || (c.exif.Camera != "") != (x.Camera != "") {
				t.Errorf("%s: read %+v", c.name, x)
			}
			switch p := x.Position; {
			case (p != nil) != (c.exif.Location != nil):
				t.Errorf("%s: position %v", c.name, p)
			case p != nil && math.Abs(p.Latitude-c.exif.Location.Latitude)+math.Abs(p.Longitude-c.exif.Location.Longitude) > 1e-6:
				t.Errorf("%s: position %v, want %v", c.name, *p, *c.exif.Location)
			}
		}
	}
	if got := (drawn.Exif{Camera: "D"}).With([]byte("no JPEG")); string(got) != "no JPEG" {
		t.Errorf("what is no JPEG became %q", got)
	}
}

func TestOffset(t *testing.T) {
	p := drawn.Point{Latitude: 22.5, Longitude: 114}.Offset(1000, -1000)
	if math.Abs(p.Latitude-22.508983) > 1e-5 || math.Abs(p.Longitude-113.990277) > 1e-5 {
		t.Errorf("%v", p)
	}
}
