package picture_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/rounds-sync/rounds/media/picture"
)

// scene draws something with the look of a photo: a lit wall, things standing in front of it, some noise. Seeds are different scenes; the same
// seed is the same scene at every size.
func scene(seed uint64, w, h int) *image.RGBA {
	rnd := rand.New(rand.NewPCG(seed, 7))
	type thing struct {
		x, y, rx, ry, light float64
		round               bool
		tint                [3]float64
	}
	things := make([]thing, 14)
	for i := range things {
		things[i] = thing{rnd.Float64(), rnd.Float64(), 0.05 + rnd.Float64()*0.2, 0.05 + rnd.Float64()*0.2, rnd.Float64()*200 + 20, rnd.IntN(2) == 0,
			[3]float64{0.8 + rnd.Float64()*0.4, 0.8 + rnd.Float64()*0.4, 0.8 + rnd.Float64()*0.4}}
	}
	angle, low := rnd.Float64()*2*math.Pi, 60+rnd.Float64()*60
	light, tint := make([]float64, w*h), make([][3]float64, w*h)
	at := func(x, y int) (float64, float64) {
		return (float64(x) + 0.5) / float64(w), (float64(y) + 0.5) / float64(h)
	}
	for y := range h {
		for x := range w {
			fx, fy := at(x, y)
			light[y*w+x], tint[y*w+x] = low+60*(fx*math.Cos(angle)+fy*math.Sin(angle)+1), [3]float64{1, 1, 1}
		}
	}
	for _, t := range things {
		for y := max(0, int((t.y-t.ry)*float64(h))); y < min(h, int((t.y+t.ry)*float64(h))+1); y++ {
			for x := max(0, int((t.x-t.rx)*float64(w))); x < min(w, int((t.x+t.rx)*float64(w))+1); x++ {
				fx, fy := at(x, y)
				dx, dy := (fx-t.x)/t.rx, (fy-t.y)/t.ry
				if t.round && dx*dx+dy*dy < 1 || !t.round && math.Abs(dx) < 1 && math.Abs(dy) < 1 {
					light[y*w+x], tint[y*w+x] = t.light*(1-0.3*dy*dy), t.tint
				}
			}
		}
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	noise := rand.New(rand.NewPCG(seed, uint64(w)))
	for i, l := range light {
		l += float64(noise.IntN(9)) - 4
		for c, t := range tint[i] {
			m.Pix[4*i+c] = clamp(l * t)
		}
		m.Pix[4*i+3] = 255
	}
	return m
}

func clamp(v float64) uint8 { return uint8(max(0, min(255, v))) }

func asJPEG(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exifOptions are what tiff writes.
type exifOptions struct {
	orientation     uint16
	taken, offset   string
	make, model     string
	latRef, longRef string
	lat, long       [3]uint32 // degrees, minutes, hundredths of seconds
	editedOnly      bool
}

// tiff writes the structure that EXIF is carried in, little-endian.
func tiff(o exifOptions) []byte {
	type entry struct {
		tag, kind uint16
		count     uint32
		value     []byte
	}
	text := func(tag uint16, s string) entry { return entry{tag, 2, uint32(len(s) + 1), append([]byte(s), 0)} }
	short := func(tag, v uint16) entry { return entry{tag, 3, 1, binary.LittleEndian.AppendUint16(nil, v)} }
	long := func(tag uint16, v int) entry {
		return entry{tag, 4, 1, binary.LittleEndian.AppendUint32(nil, uint32(v))}
	}
	angle := func(tag uint16, v [3]uint32) entry {
		var b []byte
		for i, n := range v {
			b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, n), []uint32{1, 1, 100}[i])
		}
		return entry{tag, 5, 3, b}
	}
	directory := func(at int, entries []entry) []byte {
		head := binary.LittleEndian.AppendUint16(nil, uint16(len(entries)))
		var tail []byte
		for _, e := range entries {
			head = binary.LittleEndian.AppendUint16(head, e.tag)
			head = binary.LittleEndian.AppendUint16(head, e.kind)
			head = binary.LittleEndian.AppendUint32(head, e.count)
			if len(e.value) <= 4 {
				head = append(head, append(e.value, make([]byte, 4-len(e.value))...)...)
				continue
			}
			head = binary.LittleEndian.AppendUint32(head, uint32(at+2+12*len(entries)+4+len(tail)))
			if tail = append(tail, e.value...); len(tail)%2 == 1 {
				tail = append(tail, 0)
			}
		}
		return append(append(head, 0, 0, 0, 0), tail...)
	}
	var main, making, place []entry
	if o.make != "" {
		main = append(main, text(0x10f, o.make))
	}
	if o.model != "" {
		main = append(main, text(0x110, o.model))
	}
	if o.orientation != 0 {
		main = append(main, short(0x112, o.orientation))
	}
	if o.editedOnly {
		main = append(main, text(0x132, o.taken))
	} else if o.taken != "" {
		making = append(making, text(0x9003, o.taken))
		if o.offset != "" {
			making = append(making, text(0x9011, o.offset))
		}
	}
	if o.latRef != "" {
		place = append(place, text(1, o.latRef), angle(2, o.lat), text(3, o.longRef), angle(4, o.long))
	}
	pointers := 0
	for _, sub := range [][]entry{making, place} {
		if len(sub) > 0 {
			pointers++
		}
	}
	sizeOfMain := len(directory(8, append(main, make([]entry, pointers)...)))
	at, subs := 8+sizeOfMain, []byte(nil)
	for i, sub := range [][]entry{making, place} {
		if len(sub) > 0 {
			main = append(main, long([]uint16{0x8769, 0x8825}[i], at))
			d := directory(at, sub)
			at, subs = at+len(d), append(subs, d...)
		}
	}
	return append(append([]byte("II*\x00\x08\x00\x00\x00"), directory(8, main)...), subs...)
}

// segment puts an application segment behind a JPEG's SOI.
func segment(b []byte, code byte, body []byte) []byte {
	n := len(body) + 2
	return append(append([]byte{0xff, 0xd8, 0xff, code, byte(n >> 8), byte(n)}, body...), b[2:]...)
}

func withEXIF(b []byte, o exifOptions) []byte {
	return segment(b, 0xe1, append([]byte("Exif\x00\x00"), tiff(o)...))
}

// chunk is one of a PNG.
func chunk(kind string, body []byte) []byte {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), kind...)
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// insert puts bytes into others.
func insert(b []byte, at int, more []byte) []byte {
	return append(append(append([]byte{}, b[:at]...), more...), b[at:]...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// inspect looks into bytes with an inspector of default limits.
func inspect(t testing.TB, b []byte, promised string) (*picture.Inspection, error) {
	t.Helper()
	return inspector().Inspect(context.Background(), bytes.NewReader(b), int64(len(b)), promised)
}

func good(t testing.TB, b []byte, promised string) *picture.Inspection {
	t.Helper()
	found, err := inspect(t, b, promised)
	if err != nil {
		t.Fatalf("a good photo: %v", err)
	}
	return found
}
