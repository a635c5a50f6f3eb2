package picture_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"math/bits"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media/picture"
)

func TestCopiesAreSmallUprightAndBare(t *testing.T) {
	// A mark that is red in the upper left corner of what is shown, blue in the upper right.
	shown := image.NewRGBA(image.Rect(0, 0, 340, 255)) // larger than the small copy, smaller than the large one
	for y := range 255 {
		for x := range 340 {
			c := color.RGBA{120, 120, 120, 255}
			if y < 85 && x < 85 {
				c = color.RGBA{250, 10, 10, 255}
			} else if y < 85 && x >= 255 {
				c = color.RGBA{10, 10, 250, 255}
			}
			shown.SetRGBA(x, y, c)
		}
	}
	for orientation := 1; orientation <= 8; orientation++ {
		b := withEXIF(asJPEG(t, coded(shown, orientation), 95), exifOptions{
			orientation: uint16(orientation), taken: "2026:11:22 08:00:00", model: "SecretCam"})
		found := good(t, b, picture.JPEG)
		if found.WidthPx != 340 || found.HeightPx != 255 {
			t.Fatalf("orientation %d: shown as %dx%d", orientation, found.WidthPx, found.HeightPx)
		}
		for name, b := range map[string][]byte{"large": found.Large, "small": found.Small} {
			m, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			w, h := m.Bounds().Dx(), m.Bounds().Dy()
			if want := min(340, map[string]int{"large": 1280, "small": 320}[name]); w != want || h != want*3/4 {
				t.Fatalf("orientation %d, %s: %dx%d", orientation, name, w, h)
			}
			r, _, blue, _ := m.At(w/16, h/16).RGBA()
			if r < 0xc000 || blue > 0x4000 {
				t.Fatalf("orientation %d, %s: no red in the upper left", orientation, name)
			}
			if r, _, blue, _ = m.At(w-w/16, h/16).RGBA(); blue < 0xc000 || r > 0x4000 {
				t.Fatalf("orientation %d, %s: no blue in the upper right", orientation, name)
			}
			if bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("Secret")) || bytes.Contains(b, []byte{0xff, 0xe1}) {
				t.Fatalf("orientation %d, %s: metadata in the copy", orientation, name)
			}
		}
	}
}

// coded returns what a camera of that orientation writes so that m is shown.
func coded(m *image.RGBA, orientation int) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	at := map[int]func(x, y int) (int, int){ // from a coded pixel to the shown one
		1: func(x, y int) (int, int) { return x, y }, 2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }, 4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x }, 6: func(x, y int) (int, int) { return w - 1 - y, x },
		7: func(x, y int) (int, int) { return w - 1 - y, h - 1 - x }, 8: func(x, y int) (int, int) { return y, h - 1 - x },
	}[orientation]
	cw, ch := w, h
	if orientation >= 5 {
		cw, ch = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, cw, ch))
	for y := range ch {
		for x := range cw {
			sx, sy := at(x, y)
			out.SetRGBA(x, y, m.RGBAAt(sx, sy))
		}
	}
	return out
}

func TestEXIF(t *testing.T) {
	plain := asJPEG(t, scene(1, 64, 48), 80)
	beijing := time.FixedZone("", 8*3600)
	full := exifOptions{taken: "2026:11:22 08:30:15", offset: "+08:00", make: "Apple", model: "iPhone 15",
		latRef: "N", lat: [3]uint32{22, 32, 3000}, longRef: "E", long: [3]uint32{113, 56, 0}}
	x := good(t, withEXIF(plain, full), picture.JPEG).EXIF
	if !x.Zoned || !x.Taken.Equal(time.Date(2026, 11, 22, 8, 30, 15, 0, beijing)) || x.Camera != "Apple iPhone 15" {
		t.Fatalf("%+v", x)
	}
	if x.Position == nil || math.Abs(x.Position.Latitude-22.541667) > 1e-5 || math.Abs(x.Position.Longitude-113.933333) > 1e-5 {
		t.Fatalf("position %v", x.Position)
	}
	if x.TakenIn(time.UTC) != x.Taken {
		t.Fatal("a zoned time was read again")
	}

	south := full
	south.offset, south.latRef, south.longRef, south.make = "", "S", "W", "iPhone"
	x = good(t, withEXIF(plain, south), picture.JPEG).EXIF
	if x.Zoned || !x.Taken.Equal(time.Date(2026, 11, 22, 8, 30, 15, 0, time.UTC)) || x.Camera != "iPhone 15" {
		t.Fatalf("%+v", x)
	}
	if x.Position.Latitude > 0 || x.Position.Longitude > 0 {
		t.Fatalf("position %v", x.Position)
	}
	if !x.TakenIn(beijing).Equal(time.Date(2026, 11, 22, 8, 30, 15, 0, beijing)) {
		t.Fatal("a time without a zone is not read in another")
	}
	local, err := picture.NewInspector(picture.Config{Location: beijing}).Inspect(t.Context(), bytes.NewReader(withEXIF(plain, south)),
		int64(len(withEXIF(plain, south))), "")
	if err != nil || !local.EXIF.Taken.Equal(time.Date(2026, 11, 22, 8, 30, 15, 0, beijing)) {
		t.Fatalf("%v, %+v", err, local)
	}

	nowhere := exifOptions{latRef: "N", longRef: "E", taken: "2026:11:22 08:30:15", editedOnly: true}
	if x = good(t, withEXIF(plain, nowhere), picture.JPEG).EXIF; x != (picture.EXIF{}) {
		t.Fatalf("0,0 is a place, or a time of editing one of making: %+v", x)
	}
	if x = good(t, plain, picture.JPEG).EXIF; x != (picture.EXIF{}) {
		t.Fatalf("out of nothing: %+v", x)
	}

	p := asPNG(t, scene(1, 64, 48))
	if x = good(t, insert(p, 33, chunk("eXIf", tiff(full))), picture.PNG).EXIF; x.Camera != "Apple iPhone 15" || !x.Zoned {
		t.Fatalf("of a PNG: %+v", x)
	}
}

func TestBrokenEXIFIsNoEXIF(t *testing.T) {
	plain := asJPEG(t, scene(1, 8, 8), 80)
	whole := tiff(exifOptions{
		orientation: 1, taken: "2026:11:22 08:30:15", offset: "+08:00", make: "Apple", model: "iPhone 15", latRef: "N", longRef: "E"})
	for at := range whole {
		for _, v := range []byte{0, 0xff} {
			b := bytes.Clone(whole)
			b[at] = v
			good(t, segment(plain, 0xe1, append([]byte("Exif\x00\x00"), b...)), picture.JPEG)
		}
		good(t, segment(plain, 0xe1, append([]byte("Exif\x00\x00"), whole[:at]...)), picture.JPEG)
	}
}

// How far hashes of one scene may lie apart after what happens to photos, and how near those of two scenes never come.
func TestHashesKnowAPhotoAgain(t *testing.T) {
	near := func(name string, same, other *picture.Inspection, most int) {
		t.Helper()
		f, d := bits.OnesCount64(same.FrequencyHash^other.FrequencyHash), bits.OnesCount64(same.DifferenceHash^other.DifferenceHash)
		if f > most || d > most {
			t.Errorf("%s: %d and %d bits apart, want at most %d", name, f, d, most)
		}
	}
	var all []*picture.Inspection
	for seed := range uint64(scenes) {
		m := scene(seed, 320, 240)
		of := func(m image.Image, quality int) *picture.Inspection {
			return good(t, asJPEG(t, m, quality), picture.JPEG)
		}
		first := of(m, 90)
		if first.Featureless {
			t.Errorf("scene %d is featureless", seed)
		}
		all = append(all, first)
		near("recompressed", first, of(m, 30), 4)
		near("at half its size", first, of(scene(seed, 160, 120), 85), 6)
		near("as a PNG", first, good(t, asPNG(t, m), picture.PNG), 4)
		near("brighter", first, of(mapped(m, func(v float64) float64 { return v*1.15 + 10 }), 85), 8)
		near("darker", first, of(mapped(m, func(v float64) float64 { return v * 0.75 }), 85), 6)
		near("cropped by 2 %", first, of(m.SubImage(image.Rect(3, 2, 317, 238)), 85), 12)
	}
	for i, a := range all {
		for _, b := range all[:i] {
			f, d := bits.OnesCount64(a.FrequencyHash^b.FrequencyHash), bits.OnesCount64(a.DifferenceHash^b.DifferenceHash)
			if f <= 12 && d <= 12 {
				t.Errorf("two scenes are %d and %d bits apart", f, d)
			}
		}
	}
}

func mapped(m *image.RGBA, f func(float64) float64) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	for i, v := range m.Pix {
		if out.Pix[i] = v; i%4 != 3 {
			out.Pix[i] = clamp(f(float64(v)))
		}
	}
	return out
}

func TestFeatureless(t *testing.T) {
	m := scene(3, 320, 240)
	for name, c := range map[string]struct {
		photo image.Image
		want  bool
	}{
		"as it is":     {m, false},
		"night":        {mapped(m, func(v float64) float64 { return v * 0.1 }), true},
		"a wall":       {mapped(m, func(v float64) float64 { return 180 + v*0.02 }), true},
		"one colour":   {image.NewUniform(color.Gray{90}), true},
		"low contrast": {mapped(m, func(v float64) float64 { return 100 + v*0.3 }), false},
	} {
		if u, ok := c.photo.(*image.Uniform); ok {
			flat := image.NewRGBA(image.Rect(0, 0, 64, 64))
			for i := range flat.Pix {
				r, _, _, _ := u.RGBA()
				flat.Pix[i] = byte(r >> 8)
			}
			c.photo = flat
		}
		if got := good(t, asJPEG(t, c.photo, 80), "").Featureless; got != c.want {
			t.Errorf("%s: featureless is %t", name, got)
		}
	}
}

func TestReadingFails(t *testing.T) {
	b := asJPEG(t, scene(1, 64, 48), 80)
	_, err := inspector().Inspect(t.Context(), bytes.NewReader(b[:100]), int64(len(b)), "")
	if refused := (*picture.Refused)(nil); !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &refused) {
		t.Fatalf("a storage that ends early: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := inspector().Inspect(gone, bytes.NewReader(b), int64(len(b)), ""); !errors.Is(err, context.Canceled) {
		t.Fatalf("after its context: %v", err)
	}
}

// hold is a reader that stops in the middle until it is let go.
type hold struct {
	io.Reader
	reading chan<- struct{}
	letGo   <-chan struct{}
}

func (h hold) Read(p []byte) (int, error) {
	h.reading <- struct{}{}
	<-h.letGo
	return h.Reader.Read(p)
}

func TestWaitsForMemory(t *testing.T) {
	b := asJPEG(t, scene(1, 64, 48), 80)
	size := int64(len(b))
	// Room for the file of one, and for the decode of one.
	one := picture.NewInspector(picture.Config{Memory: 24 << 20})
	big := make([]byte, 6<<20)
	copy(big, b) // padded with zeros, so that it fills all the room that files have
	reading, letGo, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := one.Inspect(context.Background(), io.MultiReader(hold{bytes.NewReader(big), reading, letGo}), int64(len(big)), "")
		done <- err
	}()
	<-reading
	gone, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := one.Inspect(gone, bytes.NewReader(b), size, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("beyond the budget: %v", err)
	}
	go func() {
		for range reading {
		}
	}()
	close(letGo)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := one.Inspect(t.Context(), bytes.NewReader(b), size, ""); err != nil {
		t.Fatalf("when there is room again: %v", err)
	}
}

func TestTransparentIsWhite(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	m.SetNRGBA(0, 0, color.NRGBA{10, 10, 10, 255})
	small, err := jpeg.Decode(bytes.NewReader(good(t, asPNG(t, m), picture.PNG).Small))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := small.At(30, 30).RGBA(); min(r, g, b) < 0xf800 {
		t.Fatalf("what is transparent has the colour %x %x %x", r, g, b)
	}
}
