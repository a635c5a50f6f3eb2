package picture_test

import (
	"bytes"
	"errors"
	"flag"
	"image/jpeg"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media/picture"
)

// Whatever the bytes are: an answer, within bounded time and memory, and copies that are what they should be.
func FuzzInspect(f *testing.F) {
	m := scene(1, 96, 64)
	exif := exifOptions{orientation: 6, taken: "2026:11:22 08:30:15", offset: "+08:00", make: "Apple", model: "iPhone", latRef: "N", longRef: "E"}
	f.Add(withEXIF(asJPEG(f, m, 60), exif))
	f.Add(asPNG(f, m))
	f.Add(insert(asPNG(f, scene(2, 16, 16)), 33, chunk("eXIf", tiff(exif))))
	f.Add(asWebP(scene(2, 16, 16), riffChunk("EXIF", tiff(exif))))
	f.Add(asHEIC(m, heicOptions{tile: 32, turns: 1, exif: tiff(exif)}))
	f.Add(asHEIC(m, heicOptions{}))
	if flag.Lookup("test.fuzz").Value.String() != "" { // a test has them already
		for _, c := range badInputs(f) {
			if len(c.bytes) <= 16<<10 {
				f.Add(c.bytes)
			}
		}
	}
	const (
		pixels = 1 << 18
		memory = 512 << 20
	)
	look := picture.NewInspector(picture.Config{HEIC: heic.Decode, Memory: memory, Limits: picture.Limits{Bytes: 1 << 20, Pixels: pixels}})
	f.Fuzz(func(t *testing.T, b []byte) {
		slow := time.AfterFunc(3*time.Minute, func() { panic("a photo took three minutes") }) // on a machine that has much else to do, too
		defer slow.Stop()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found, err := look.Inspect(t.Context(), bytes.NewReader(b), int64(len(b)), "")
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > memory {
			t.Fatalf("%d MiB were asked for", used>>20)
		}
		if errors.Is(err, picture.ErrNoDecoder) {
			return
		}
		if err != nil {
			if refused := (*picture.Refused)(nil); !errors.As(err, &refused) || refused.Zh == "" || refused.En == "" {
				t.Fatalf("no reason that concerns the photo: %v", err)
			}
			return
		}
		if found.WidthPx <= 0 || found.HeightPx <= 0 || found.WidthPx*found.HeightPx > pixels || len(found.EXIF.Camera) > 256 {
			t.Fatalf("%+v", found)
		}
		for _, side := range []struct {
			most int
			copy []byte
		}{{picture.LargeSide, found.Large}, {picture.SmallSide, found.Small}} {
			c, err := jpeg.DecodeConfig(bytes.NewReader(side.copy))
			if err != nil || c.Width > side.most || c.Height > side.most {
				t.Fatalf("a copy of %dx%d: %v", c.Width, c.Height, err)
			}
		}
	})
}

// FuzzEXIF reads EXIF out of anything.
func FuzzEXIF(f *testing.F) {
	plain := asJPEG(f, scene(1, 16, 16), 60)
	f.Add(tiff(exifOptions{orientation: 6, taken: "2026:11:22 08:30:15", offset: "+08:00", make: "Apple", model: "iPhone", latRef: "N", longRef: "E"}))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x87\x69\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 60000 || bytes.Contains(b, []byte("<")) || bytes.Contains(b, []byte("%PDF")) || bytes.Contains(b, []byte("PK")) {
			return
		}
		x := good(t, segment(plain, 0xe1, append([]byte("Exif\x00\x00"), b...)), picture.JPEG).EXIF
		if p := x.Position; p != nil && (math.Abs(p.Latitude) > 90 || math.Abs(p.Longitude) > 180) || x.Taken.Year() > 9999 {
			t.Fatalf("%+v", x)
		}
	})
}
