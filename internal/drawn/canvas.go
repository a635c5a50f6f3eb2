package drawn

import (
	"image"
	"image/color"
	"math"
	"math/bits"
	"math/rand/v2"
)

// The world that a camera looks at, in units that are pixels at the default size. It is larger than what the camera sees, so that it can move.
const (
	worldW, worldH = 1600, 1200
	frameW, frameH = 1280, 960
)

// canvas is the world in luma and chroma, which is what a JPEG wants: nothing is converted for each pixel of a photo.
type canvas struct {
	scale     float64 // pixels a unit
	w, h      int
	y, cb, cr []uint8
}

func newCanvas(scale float64) *canvas {
	w, h := int(math.Ceil(worldW*scale)), int(math.Ceil(worldH*scale))
	return &canvas{scale: scale, w: w, h: h, y: make([]uint8, w*h), cb: make([]uint8, w*h), cr: make([]uint8, w*h)}
}

// ink is a colour to draw with; one that covers less than 1 lets through what is below.
type ink struct {
	y, cb, cr uint8
	cover     float64
}

func rgb(r, g, b int) ink {
	y, cb, cr := color.RGBToYCbCr(clamp8(r), clamp8(g), clamp8(b))
	return ink{y, cb, cr, 1}
}

// lit returns the ink lighter or darker.
func (k ink) lit(by int) ink {
	k.y = clamp8(int(k.y) + by)
	return k
}

// thin returns the ink covering only so much.
func (k ink) thin(cover float64) ink {
	k.cover = cover
	return k
}

func clamp8(v int) uint8 { return uint8(min(max(v, 0), 255)) }

// span draws a line of pixels, the ends in units.
func (c *canvas) span(row int, from, to float64, k ink) {
	if row < 0 || row >= c.h {
		return
	}
	a, b := max(0, int(from*c.scale+.5)), min(c.w, int(to*c.scale+.5))
	if a >= b {
		return
	}
	a, b = a+row*c.w, b+row*c.w
	if k.cover < 1 {
		m := int(k.cover * 256)
		for i := a; i < b; i++ {
			c.y[i] += uint8((int(k.y) - int(c.y[i])) * m >> 8)
			c.cb[i] += uint8((int(k.cb) - int(c.cb[i])) * m >> 8)
			c.cr[i] += uint8((int(k.cr) - int(c.cr[i])) * m >> 8)
		}
		return
	}
	fill(c.y[a:b], k.y)
	fill(c.cb[a:b], k.cb)
	fill(c.cr[a:b], k.cr)
}

func fill(s []uint8, v uint8) {
	for i := range s {
		s[i] = v
	}
}

// rows calls do for each row of pixels between two heights, with the middle of the row in units.
func (c *canvas) rows(from, to float64, do func(row int, y float64)) {
	for row := max(0, int(from*c.scale+.5)); row < min(c.h, int(to*c.scale+.5)); row++ {
		do(row, (float64(row)+.5)/c.scale)
	}
}

func (c *canvas) rect(x, y, w, h float64, k ink) {
	c.rows(y, y+h, func(row int, _ float64) { c.span(row, x, x+w, k) })
}

// slab draws a quadrangle between two level edges: from x0 to x1 at its top, from x2 to x3 at its bottom.
func (c *canvas) slab(y0, x0, x1, y1, x2, x3 float64, k ink) {
	c.rows(y0, y1, func(row int, y float64) {
		t := (y - y0) / (y1 - y0)
		c.span(row, x0+(x2-x0)*t, x1+(x3-x1)*t, k)
	})
}

func (c *canvas) disc(x, y, rx, ry float64, k ink) {
	c.rows(y-ry, y+ry, func(row int, at float64) {
		d := (at - y) / ry
		half := rx * math.Sqrt(max(0, 1-d*d))
		c.span(row, x-half, x+half, k)
	})
}

// line draws from one point to another, so many units wide.
func (c *canvas) line(x0, y0, x1, y1, wide float64, k ink) {
	steps := max(math.Abs(x1-x0), math.Abs(y1-y0)) / max(1, wide/2)
	for i := 0.0; i <= steps; i++ {
		t := i / max(1, steps)
		c.disc(x0+(x1-x0)*t, y0+(y1-y0)*t, wide/2, wide/2, k)
	}
}

// glow is a pool of light, or with a negative strength a shadow, that fades towards its edge.
func (c *canvas) glow(x, y, radius, strength float64) {
	c.rows(y-radius, y+radius, func(row int, at float64) {
		dy := (at - y) / radius
		half := radius * math.Sqrt(max(0, 1-dy*dy))
		from, to := max(0, int((x-half)*c.scale)), min(c.w, int((x+half)*c.scale))
		for i := from; i < to; i++ {
			dx := (float64(i)/c.scale - x) / radius
			near := max(0, 1-dx*dx-dy*dy)
			p := &c.y[row*c.w+i]
			*p = clamp8(int(*p) + int(strength*near*near))
		}
	})
}

// view is how the camera stands: where its middle looks, how far it is turned and how near it is; and how much light it takes in.
type view struct {
	x, y, turn, zoom, shear float64
	gain                    float64
}

// lens decides how the camera stands.
func lens(stand *rand.Rand) view {
	return view{x: worldW/2 + 260*(stand.Float64()-.5), y: worldH/2 + 200*(stand.Float64()-.5), turn: .2 * (stand.Float64() - .5),
		zoom: .92 + .36*stand.Float64(), shear: .12 * (stand.Float64() - .5)}
}

// shoot makes the photo: where each pixel looks, the light there, and the noise of the sensor. The walk through the world is in sixteenths of
// a bit, as whole numbers, so that it is quick.
func (c *canvas) shoot(width int, v view, shot *rand.Rand) image.Image {
	height := width * 3 / 4
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	sin, cos := math.Sincos(v.turn)
	step := frameW / float64(width) / v.zoom * c.scale * 65536
	ax, ay := int(step*cos), int(step*(sin+v.shear))
	bx, by := int(-step*sin), int(step*cos)
	x0 := int(v.x*c.scale*65536) - (ax*width+bx*height)/2
	y0 := int(v.y*c.scale*65536) - (ay*width+by*height)/2

	grain := noise(shot, width)
	sides, centre := falloff(width), falloff(height)
	tilt := (shot.Float64() - .5) * .15
	for y := range height {
		wx, wy := x0+bx*y, y0+by*y
		row := img.Y[y*img.YStride:][:width]
		at := shot.IntN(len(grain))
		level := int(v.gain * float64(centre[y]) * (1 + tilt*(float64(y)/float64(height)-.5)))
		for x := range row {
			i := c.index(wx, wy)
			luma := (int(c.y[i])*level>>8)*sides[x]>>8 + int(grain[(at+x)&(len(grain)-1)])
			row[x] = clamp8(luma)
			if x&1 == 0 && y&1 == 0 {
				j := y/2*img.CStride + x/2
				img.Cb[j], img.Cr[j] = fade(c.cb[i], level), fade(c.cr[i], level)
			}
			wx, wy = wx+ax, wy+ay
		}
	}
	return img
}

// index returns where in the world a point lies, in 1/65536 of a pixel; beyond its edge, the edge.
func (c *canvas) index(x, y int) int {
	return min(max(y>>16, 0), c.h-1)*c.w + min(max(x>>16, 0), c.w-1)
}

// fade takes the colour away where there is little light.
func fade(v uint8, level int) uint8 { return uint8(128 + (int(v)-128)*min(level, 256)>>8) }

// falloff is how a lens darkens to the edges, in 1/256.
func falloff(n int) []int {
	f := make([]int, n)
	for i := range f {
		d := 2*float64(i)/float64(n) - 1
		f[i] = int(256 * (1 - .08*d*d))
	}
	return f
}

// noise is a stretch of a sensor's noise, longer than a line, of a length that is a power of two.
func noise(shot *rand.Rand, width int) []int8 {
	grain := make([]int8, 1<<bits.Len(uint(4*width)))
	for i := 0; i < len(grain); i += 8 {
		dice := shot.Uint64()
		for j := range 8 {
			b := int(dice >> (8 * j) & 255)
			grain[i+j] = int8((b&15 + b>>4) - 15) // two dice: small values are likelier
		}
	}
	for i := range grain {
		grain[i] = grain[i] * 2 / 5
	}
	return grain
}
