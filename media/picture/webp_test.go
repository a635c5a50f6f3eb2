package picture_test

import (
	"bytes"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rounds-sync/rounds/media/picture"
)

func TestWebP(t *testing.T) {
	m := scene(4, 200, 150)
	exif := tiff(exifOptions{taken: "2026:11:22 08:30:15", offset: "+08:00", model: "Pixel 9", orientation: 8})
	found := good(t, riff(canvas(8, 200, 150), riffChunk("VP8L", losslessWebP(m, 200, 150)), riffChunk("EXIF", exif)), picture.WebP)
	if found.WidthPx != 150 || found.HeightPx != 200 || found.EXIF.Camera != "Pixel 9" {
		t.Fatalf("%dx%d, %+v", found.WidthPx, found.HeightPx, found.EXIF)
	}
	want, got := good(t, asPNG(t, m), ""), good(t, asWebP(m), "")
	if !bytes.Equal(want.Large, got.Large) {
		t.Fatal("the same pixels as PNG and as WebP give different copies")
	}
}

// Lossy files, which nothing here can write, are those that the decoder's own module is tested with.
func TestLossyWebP(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image").Output()
	if err != nil {
		t.Skipf("no go command to ask where the module is: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "testdata")
	for _, name := range []string{"blue-purple-pink.lossy.webp", "yellow_rose.lossy.webp", "yellow_rose.lossy-with-alpha.webp", "tux.lossless.webp"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skip(err)
		}
		found := good(t, b, picture.WebP)
		m, err := jpeg.Decode(bytes.NewReader(found.Large))
		if err != nil || m.Bounds().Dx() != min(found.WidthPx, 1280) {
			t.Errorf("%s: %v, %v", name, err, m)
		}
		if _, err := inspect(t, b[:len(b)-len(b)/10], picture.WebP); err == nil {
			t.Errorf("%s, cut: taken", name)
		}
	}
}
