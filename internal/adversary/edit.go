package adversary

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"golang.org/x/image/draw"

	"github.com/rounds-sync/rounds/internal/drawn"
)

// edited is a photo in somebody's image editor.
type edited struct {
	img     image.Image
	quality int // of the JPEG; 0: a PNG
}

// encode saves it, without EXIF.
func (e *edited) encode() []byte {
	if e.quality > 0 {
		return drawn.Encode(e.img, e.quality, drawn.Exif{})
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, e.img); err != nil {
		panic("adversary: an image without size: " + err.Error()) // a buffer takes everything
	}
	return b.Bytes()
}

// resize makes it smaller.
func (e *edited) resize(factor float64) {
	size := e.img.Bounds().Size()
	to := image.NewRGBA(image.Rect(0, 0, max(1, int(float64(size.X)*factor)), max(1, int(float64(size.Y)*factor))))
	draw.ApproxBiLinear.Scale(to, to.Rect, e.img, e.img.Bounds(), draw.Src, nil)
	e.img = to
}

// crop cuts parts of the width and height off; x and y say how much of that at the left and the top.
func (e *edited) crop(width, height, x, y float64) {
	r := e.img.Bounds()
	w, h := float64(r.Dx())*width, float64(r.Dy())*height
	from := image.Rect(r.Min.X+int(w*x), r.Min.Y+int(h*y), r.Max.X-int(w*(1-x)), r.Max.Y-int(h*(1-y)))
	to := image.NewRGBA(image.Rectangle{Max: from.Size()})
	draw.Draw(to, to.Rect, e.img, from.Min, draw.Src)
	e.img = to
}

// pixels returns the photo as one whose pixels can be changed.
func (e *edited) pixels() *image.RGBA {
	r := e.img.Bounds()
	to := image.NewRGBA(image.Rectangle{Max: r.Size()})
	draw.Draw(to, to.Rect, e.img, r.Min, draw.Src)
	e.img = to
	return to
}

func (e *edited) brighten(gain float64) {
	var to [256]uint8
	for i := range to {
		to[i] = uint8(min(255, float64(i)*gain))
	}
	p := e.pixels().Pix
	for i := 0; i < len(p); i += 4 {
		p[i], p[i+1], p[i+2] = to[p[i]], to[p[i+1]], to[p[i+2]]
	}
}

// flip turns left and right round.
func (e *edited) flip() {
	m := e.pixels()
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		for a, b := 0, len(row)-4; a < b; a, b = a+4, b-4 {
			var t [4]byte
			copy(t[:], row[a:])
			copy(row[a:a+4], row[b:])
			copy(row[b:], t[:])
		}
	}
}

// screenshot shows it on a phone: bars above and below, as a PNG.
func (e *edited) screenshot() {
	r := e.img.Bounds()
	to := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dx()*19/9))
	draw.Draw(to, to.Rect, image.NewUniform(color.Gray{Y: 16}), image.Point{}, draw.Src)
	draw.Draw(to, image.Rect(0, 0, r.Dx(), r.Dx()/12), image.NewUniform(color.Gray{Y: 230}), image.Point{}, draw.Src)
	at := image.Pt(0, (to.Rect.Dy()-r.Dy())/2)
	draw.Draw(to, image.Rectangle{Min: at, Max: at.Add(r.Size())}, e.img, r.Min, draw.Src)
	e.img, e.quality = to, 0
}
