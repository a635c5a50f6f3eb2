package picture_test

import (
	"image"
	"io"
	"os"
	"testing"

	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/media/picture/heic"
)

var decodeHEIC func(io.Reader) (image.Image, error)

func TestMain(m *testing.M) {
	decodeHEIC = heic.New()
	os.Exit(m.Run())
}

func inspector() *picture.Inspector { return picture.NewInspector(picture.Config{HEIC: decodeHEIC}) }
