package picture_test

import (
	"encoding/binary"
	"image"
	"image/color"
)

// A HEIC encoder for tests, the plainest that the standard allows: every block of 16 by 16 is coded as its samples (I_PCM), so what is decoded is
// exactly what was put in, and only one bin of each block goes through the arithmetic coder with a context. ITU-T H.265, 7.3 and 9.3.

type bitWriter struct {
	b []byte
	n int // bits
}

func (w *bitWriter) bit(v int) {
	if w.n%8 == 0 {
		w.b = append(w.b, 0)
	}
	w.b[len(w.b)-1] |= byte(v&1) << (7 - w.n%8)
	w.n++
}

func (w *bitWriter) bits(v uint64, n int) {
	for n--; n >= 0; n-- {
		w.bit(int(v >> n & 1))
	}
}

func (w *bitWriter) golomb(v int) {
	n := 0
	for (v+1)>>(n+1) != 0 {
		n++
	}
	w.bits(0, n)
	w.bits(uint64(v+1), n+1)
}

func (w *bitWriter) align() {
	for w.n%8 != 0 {
		w.bit(0)
	}
}

func (w *bitWriter) stop() []byte {
	w.bit(1)
	w.align()
	return w.b
}

// nal writes a unit of the bitstream, with the bytes that break up start codes.
func nal(kind byte, payload []byte) []byte {
	out, zeros := []byte{kind << 1, 1}, 0
	for _, c := range payload {
		if zeros >= 2 && c <= 3 {
			out, zeros = append(out, 3), 0
		}
		if out = append(out, c); c == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

func profile(w *bitWriter) {
	w.bits(3, 8) // main still picture
	w.bits(0x70000000, 32)
	w.bits(0b1001, 4)
	w.bits(0, 44)
	w.bits(186, 8)
}

func videoParameters() []byte {
	var w bitWriter
	w.bits(0, 4)
	w.bits(3, 2)
	w.bits(0, 9)
	w.bit(1)
	w.bits(0xffff, 16)
	profile(&w)
	w.bit(1)
	for range 3 {
		w.golomb(0)
	}
	w.bits(0, 6)
	w.golomb(0)
	w.bits(0, 2)
	return nal(32, w.stop())
}

// sequenceParameters are those of a picture of whole blocks, of which a part is shown.
func sequenceParameters(codedW, codedH, shownW, shownH int) []byte {
	var w bitWriter
	w.bits(0, 7)
	w.bit(1)
	profile(&w)
	w.golomb(0)
	w.golomb(1) // 4:2:0
	w.golomb(codedW)
	w.golomb(codedH)
	w.bit(1)
	for _, v := range []int{0, (codedW - shownW) / 2, 0, (codedH - shownH) / 2} {
		w.golomb(v)
	}
	for range 3 {
		w.golomb(0)
	}
	w.bit(1)
	for range 3 {
		w.golomb(0)
	}
	for _, v := range []int{0, 1, 0, 2, 0, 0} { // blocks of 8 to 16
		w.golomb(v)
	}
	w.bits(0, 3)
	w.bit(1) // samples as they are, of 8 bits, unfiltered
	w.bits(0x77, 8)
	w.golomb(0)
	w.golomb(1)
	w.bit(1)
	w.golomb(0)
	w.bits(0, 5)
	return nal(33, w.stop())
}

func pictureParameters() []byte {
	var w bitWriter
	w.golomb(0)
	w.golomb(0)
	w.bits(0, 7)
	w.golomb(0)
	w.golomb(0)
	w.golomb(0)
	w.bits(0, 3)
	w.golomb(0)
	w.golomb(0)
	w.bits(0, 7)
	w.bits(0b101, 3) // no deblocking
	w.bits(0, 2)
	w.golomb(0)
	w.bits(0, 2)
	return nal(34, w.stop())
}

// rangeOfLess is the last column of table 9-52: the coder is begun anew at every block, so that its range is always in the last quarter.
var rangeOfLess = [64]uint32{240, 227, 216, 205, 195, 185, 175, 166, 158, 150, 142, 135, 128, 122, 116, 110, 104, 99, 94, 89, 85, 80, 76, 72, 69, 65,
	62, 59, 56, 53, 50, 48, 45, 43, 41, 39, 37, 35, 33, 31, 30, 28, 27, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 14, 13, 12, 12, 11, 11, 10, 9, 2}

// slice codes a picture of whole blocks.
func slice(m *image.YCbCr) []byte {
	var w bitWriter
	w.bits(0b10, 2)
	w.golomb(0)
	w.golomb(2)
	w.golomb(0)
	w.bit(1)
	w.align()
	state, across, down := 0, m.Rect.Dx()/16, m.Rect.Dy()/16
	for block := range across * down {
		low, width := uint32(0), uint32(510)
		if block > 0 {
			width -= 2 // not the end of the slice
		}
		width -= rangeOfLess[state] // not split, which is the likelier
		state = min(state+1, 62)
		width -= 2 // samples follow
		flush(&w, low+width)
		x, y := block%across*16, block/across*16
		for dy := range 16 {
			w.b = append(w.b, m.Y[(y+dy)*m.YStride+x:][:16]...)
		}
		for _, plane := range [][]byte{m.Cb, m.Cr} {
			for dy := range 8 {
				w.b = append(w.b, plane[(y/2+dy)*m.CStride+x/2:][:8]...)
			}
		}
		w.n = 8 * len(w.b)
	}
	flush(&w, 510-2) // the end of the slice
	return nal(19, w.b)
}

// flush ends the arithmetic coder, from which no bit came before: ten bits of its low end, the first of which is never written, and a one.
func flush(w *bitWriter, low uint32) {
	w.bits(uint64(low|1)&0x1ff, 9)
	w.align()
}

// yuv returns an image as YCbCr of whole blocks, the edges repeated.
func yuv(m image.Image, w, h int) *image.YCbCr {
	out := image.NewYCbCr(image.Rect(0, 0, (w+15)/16*16, (h+15)/16*16), image.YCbCrSubsampleRatio420)
	b := m.Bounds()
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			r, g, blue, _ := m.At(b.Min.X+min(x, w-1, b.Dx()-1), b.Min.Y+min(y, h-1, b.Dy()-1)).RGBA()
			l, cb, cr := color.RGBToYCbCr(uint8(r>>8), uint8(g>>8), uint8(blue>>8))
			out.Y[out.YOffset(x, y)], out.Cb[out.COffset(x, y)], out.Cr[out.COffset(x, y)] = l, cb, cr
		}
	}
	return out
}

func isoBox(kind string, parts ...[]byte) []byte {
	body := join(parts...)
	return join(u32(8+len(body)), []byte(kind), body)
}

func fullBox(kind string, version byte, parts ...[]byte) []byte {
	return isoBox(kind, append([][]byte{{version, 0, 0, 0}}, parts...)...)
}

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

// heicOptions are what asHEIC writes.
type heicOptions struct {
	tile     int    // side of the tiles of a grid; 0: no grid
	turns    int    // quarter turns against the clock, as shown
	exif     []byte // a TIFF structure
	sayW     int    // what the container says instead of the real width
	spsW     int    // what the bitstream says instead
	rows     int    // what the grid says instead
	sameTile bool   // all of the grid is its first tile
	tail     []byte // boxes behind
	twice    bool   // the picture is in its item twice
	cut      int    // width and height that the container cuts out of the middle of one picture
}

// asHEIC writes an image as HEIC, the way iPhones do: the list of contents first, tiles that share their parameters, the grid in the list.
func asHEIC(m image.Image, o heicOptions) []byte {
	size := m.Bounds().Size()
	tileW, tileH, columns, rows := size.X, size.Y, 1, 1
	if o.tile > 0 {
		tileW, tileH, columns, rows = o.tile, o.tile, (size.X+o.tile-1)/o.tile, (size.Y+o.tile-1)/o.tile
	}
	whole := yuv(m, size.X, size.Y)
	var data [][]byte
	var infos, locations, associations []byte
	var ids []byte
	count := 0
	add := func(kind string, content []byte, properties ...byte) int {
		count++
		infos = append(infos, fullBox("infe", 2, u16(count), u16(0), []byte(kind), []byte{0})...)
		if content != nil {
			data = append(data, content)
		}
		if len(properties) > 0 {
			associations = join(associations, u16(count), []byte{byte(len(properties))}, properties)
		}
		return count
	}
	codedW, codedH := (tileW+15)/16*16, (tileH+15)/16*16
	for n := range columns * rows {
		if n > 0 && o.sameTile {
			ids = append(ids, u16(1)...)
			continue
		}
		x, y := n%columns*tileW, n/columns*tileH
		part := yuv(whole.SubImage(image.Rect(x, y, min(x+tileW, size.X), min(y+tileH, size.Y))), tileW, tileH)
		unit := slice(part)
		content := join(u32(len(unit)), unit)
		if o.twice {
			content = join(content, content)
		}
		properties := []byte{1 | 0x80, 2, 5}
		if o.tile == 0 && o.turns > 0 {
			properties = append(properties, 4|0x80)
		}
		if o.cut > 0 {
			properties = append(properties, 6|0x80)
		}
		ids = append(ids, u16(add("hvc1", content, properties...))...)
	}
	primary, references, grid := 1, []byte(nil), []byte(nil)
	if o.tile > 0 {
		say := rows
		if o.rows > 0 {
			say = o.rows
		}
		grid = join([]byte{0, 0, byte(say - 1), byte(columns - 1)}, u16(size.X), u16(size.Y))
		properties := []byte{3, 5}
		if o.turns > 0 {
			properties = append(properties, 4|0x80)
		}
		primary = add("grid", nil, properties...)
		references = isoBox("dimg", u16(primary), u16(len(ids)/2), ids)
	}
	if o.exif != nil {
		id := add("Exif", join(u32(6), []byte("Exif\x00\x00"), o.exif))
		references = join(references, isoBox("cdsc", u16(id), u16(1), u16(primary)))
	}
	spsW, sayW := codedW, tileW
	if o.spsW > 0 {
		spsW = o.spsW
	}
	if o.sayW > 0 {
		sayW = o.sayW
	}
	arrays := []byte{3}
	for i, unit := range [][]byte{videoParameters(), sequenceParameters(spsW, codedH, spsW-(codedW-tileW), tileH), pictureParameters()} {
		arrays = join(arrays, []byte{0x80 | byte(32+i)}, u16(1), u16(len(unit)), unit)
	}
	config := join([]byte{1, 3, 0x70, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 186, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f}, arrays)
	properties := isoBox("iprp", isoBox("ipco", isoBox("hvcC", config), fullBox("ispe", 0, u32(sayW), u32(tileH)),
		fullBox("ispe", 0, u32(size.X), u32(size.Y)), isoBox("irot", []byte{byte(o.turns)}),
		isoBox("colr", []byte("nclx"), u16(1), u16(13), u16(6), []byte{0x80}), // as JPEG has its colours, all values used
		isoBox("clap", u32(o.cut), u32(1), u32(o.cut), u32(1), u32(0), u32(1), u32(0), u32(1))),
		fullBox("ipma", 0, u32(countAssociations(associations)), associations))
	head := isoBox("ftyp", []byte("heic"), u32(0), []byte("mif1heic"))
	build := func(start int) []byte {
		locations = nil
		at, n := start, 0
		for id := 1; id <= count; id++ {
			if id == primary && o.tile > 0 {
				locations = join(locations, u16(id), u16(1), u16(0), u16(1), u32(0), u32(len(grid)))
				continue
			}
			locations = join(locations, u16(id), u16(0), u16(0), u16(1), u32(at), u32(len(data[n])))
			at, n = at+len(data[n]), n+1
		}
		parts := [][]byte{fullBox("hdlr", 0, u32(0), []byte("pict"), make([]byte, 13)), fullBox("pitm", 0, u16(primary)),
			fullBox("iinf", 0, u16(count), infos)}
		if references != nil {
			parts = append(parts, fullBox("iref", 0, references))
		}
		parts = append(parts, properties, fullBox("iloc", 1, []byte{0x44, 0}, u16(count), locations), isoBox("idat", grid))
		return fullBox("meta", 0, parts...)
	}
	meta := build(0)
	return join(head, build(len(head)+len(meta)+8), isoBox("mdat", data...), o.tail)
}

func countAssociations(b []byte) (n int) {
	for len(b) > 0 {
		b = b[3+int(b[2]):]
		n++
	}
	return n
}
