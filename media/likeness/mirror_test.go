package likeness_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"math/bits"
	"testing"

	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media/likeness"
	"github.com/rounds-sync/rounds/media/picture"
)

type mirrored struct{ image.Image }

func (m mirrored) At(x, y int) color.Color {
	r := m.Bounds()
	return m.Image.At(r.Min.X+r.Max.X-1-x, y)
}

func TestThePrintOfTheMirrorImage(t *testing.T) {
	inspector := picture.NewInspector(picture.Config{})
	print := func(b []byte) likeness.Print {
		t.Helper()
		found, err := inspector.Inspect(context.Background(), bytes.NewReader(b), int64(len(b)), "")
		if err != nil {
			t.Fatal(err)
		}
		return likeness.Print{Frequency: found.FrequencyHash, Difference: found.DifferenceHash, Featureless: found.Featureless}
	}
	for i, scene := range drawn.Scenes() {
		b := drawn.Photo(uint64(i), scene, drawn.Options{WidthPx: 160})
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		one, turned := print(b), print(drawn.Encode(mirrored{img}, 95, drawn.Exif{}))
		guess := one.Mirrored()
		if f, d := bits.OnesCount64(guess.Frequency^turned.Frequency), bits.OnesCount64(guess.Difference^turned.Difference); f > 10 || d > 6 {
			t.Errorf("%v: %d and %d bits from what the mirror image has", scene, f, d)
		}
		if guess.Mirrored() != one || guess == one {
			t.Errorf("%v: twice mirrored is not the same", scene)
		}
	}
}
