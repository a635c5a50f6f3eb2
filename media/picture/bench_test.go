package picture_test

import (
	"bytes"
	"testing"
)

// BenchmarkInspect looks into photos of the kinds that phones send, one after the other on one core: everything that Inspect does.
func BenchmarkInspect(b *testing.B) {
	needsHEIC(b)
	large, medium := scene(1, 4032, 3024), scene(2, 2048, 1536)
	for _, c := range []struct {
		name  string
		photo []byte
	}{
		{"JPEG 12 Mpx", asJPEG(b, large, 90)},
		{"JPEG 3 Mpx", asJPEG(b, medium, 93)},
		{"PNG 3 Mpx", asPNG(b, medium)},
		{"HEIC 12 Mpx", asHEIC(large, heicOptions{tile: 512})},
		{"HEIC 3 Mpx", asHEIC(medium, heicOptions{tile: 512})},
	} {
		good(b, c.photo, "")
		b.Run(c.name, func(b *testing.B) {
			look := inspector()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := look.Inspect(b.Context(), bytes.NewReader(c.photo), int64(len(c.photo)), ""); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "photos/s")
			b.ReportMetric(float64(len(c.photo))/(1<<20), "MiB")
		})
	}
}
