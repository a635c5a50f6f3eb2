package drawn

import (
	"image"

	scaling "golang.org/x/image/draw"
)

// PreviewBytes is the most that a preview takes, as the contract of a photo allows.
const PreviewBytes = 8 << 10

// Preview makes a JPEG of at most PreviewBytes, 160 pixels wide at most, without metadata.
func Preview(img image.Image) []byte {
	for side := 160; ; side /= 2 {
		small := Shrink(img, side)
		for quality := 60; quality >= 20; quality -= 20 {
			if b := Encode(small, quality, Exif{}); len(b) <= PreviewBytes {
				return b
			}
		}
	}
}

// Shrink returns a copy of an image of at most so many pixels a side. One that is not larger comes back as it is.
func Shrink(img image.Image, side int) image.Image {
	size := img.Bounds().Size()
	longer := max(size.X, size.Y)
	if longer <= side {
		return img
	}
	small := image.NewRGBA(image.Rect(0, 0, max(1, size.X*side/longer), max(1, size.Y*side/longer)))
	scaling.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), scaling.Src, nil)
	return small
}
