package drawn_test

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/internal/drawn"
)

func full() drawn.Options {
	return drawn.Options{Exif: drawn.Exif{Taken: time.Date(2026, 3, 5, 9, 41, 7, 0, time.FixedZone("", 8*3600)),
		Location: &drawn.Point{Latitude: 22.5431, Longitude: 114.0579}, Camera: "D1 Pro"}}
}

func TestTheSameArgumentsMakeTheSameBytes(t *testing.T) {
	seen := map[string]string{}
	for _, scene := range append(drawn.Scenes(), drawn.Wall) {
		for _, stage := range []drawn.Stage{drawn.Before, drawn.After} {
			for shot := range uint64(2) {
				o := full()
				o.WidthPx, o.Stage, o.Shot = 64, stage, shot
				a, b := drawn.Photo(7, scene, o), drawn.Photo(7, scene, o)
				if !bytes.Equal(a, b) {
					t.Errorf("%v: two photos of the same", scene)
				}
				if other := drawn.Photo(8, scene, o); bytes.Equal(a, other) {
					t.Errorf("%v: two places look the same to the byte", scene)
				}
				if was, twice := seen[string(a)]; twice {
					t.Errorf("%v, stage %d, shot %d is the same as %s", scene, stage, shot, was)
				}
				seen[string(a)] = scene.String()
			}
		}
	}
}

func TestAPhotoIsOfASizeThatPhonesMake(t *testing.T) {
	for i, scene := range drawn.Scenes() {
		o := full()
		o.Stage, o.Shot = drawn.Stage(i%2), uint64(i)
		low, high := 120, 400
		if i > 0 { // quickly: a sixteenth of the pixels, for which the edges count for more
			o.WidthPx, low, high = drawn.DefaultWidthPx/4, 7, 40
		}
		p := drawn.Take(1, scene, o)
		if n := len(p.JPEG) >> 10; n < low || n > high {
			t.Errorf("%v: %d KiB, want %d to %d", scene, n, low, high)
		}
		if len(p.Preview) > drawn.PreviewBytes || len(p.Preview) < 500 {
			t.Errorf("%v: a preview of %d bytes", scene, len(p.Preview))
		}
		for _, b := range [][]byte{p.JPEG, p.Preview} {
			if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil {
				t.Errorf("%v: %v", scene, err)
			}
		}
	}
}

func BenchmarkPhoto(b *testing.B) {
	for i := range b.N {
		drawn.Photo(uint64(i), drawn.Scenes()[i%8], full())
	}
}

func BenchmarkSmall(b *testing.B) {
	o := full()
	o.WidthPx = 160
	for i := range b.N {
		drawn.Photo(uint64(i), drawn.Scenes()[i%8], o)
	}
}
