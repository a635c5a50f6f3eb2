// Package heic decodes HEIC photos with libheif and libde265, which run as WebAssembly inside the process: without cgo, and with no way out of the
// memory that each photo is given. It is a package of its own so that a server can be built without it: those two libraries are under the LGPL
// (docs/decisions/0011).
package heic

import (
	"image"
	"io"

	"github.com/gen2brain/heic"
)

// New returns a decoder for picture.Config.HEIC, which may be used from any number of goroutines. Call New before any photo is decoded.
//
// It decodes the primary image upright. It cannot be interrupted: give it only what package picture has walked. The first photo takes about a
// second longer, in which the decoder is compiled. A libheif that is installed on the machine is not used, as that would run outside of the
// sandbox; the build tag nodynamic leaves out even the look for it.
func New() func(io.Reader) (image.Image, error) {
	heic.ForceWasmMode = true
	return decode
}

func decode(r io.Reader) (image.Image, error) {
	m, err := heic.Decode(r)
	switch m := m.(type) {
	case *image.YCbCr:
		mend(m.Y, m.YStride)
	case *image.Gray:
		mend(m.Pix, m.Stride)
	case *image.NRGBA:
		mend(m.Pix, m.Stride)
	case *image.RGBA:
		mend(m.Pix, m.Stride)
	}
	return m, err
}

// mend replaces the first bytes of an image by those of a line below. The library gives the image's memory back to the sandbox's allocator before it
// returns the image, and the allocator writes its links there.
func mend(pixels []byte, stride int) {
	const links = 24
	if stride <= 0 {
		return
	}
	if below := (links + stride - 1) / stride * stride; below+links <= len(pixels) {
		copy(pixels[:links], pixels[below:])
	}
}
