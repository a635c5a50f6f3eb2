package picture_test

import (
	"encoding/binary"
	"image"
)

// lsbWriter writes bits the way lossless WebP has them: the lowest first.
type lsbWriter struct {
	b []byte
	n int
}

func (w *lsbWriter) bits(v, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

func (w *lsbWriter) code(v uint8) {
	for i := 7; i >= 0; i-- {
		w.bits(int(v>>i&1), 1)
	}
}

// losslessWebP is the bitstream of an image, every value of every channel in a code of eight bits.
func losslessWebP(m image.Image, sayW, sayH int) []byte {
	var w lsbWriter
	w.bits(0x2f, 8)
	w.bits(sayW-1, 14)
	w.bits(sayH-1, 14)
	w.bits(0, 4+3) // no alpha, version 0; no transformation, no cache, no groups
	for _, alphabet := range []int{280, 256, 256, 256} {
		w.bits(0, 1)
		w.bits(8, 4) // lengths of twelve lengths follow: 0 and 8 occur
		for _, length := range []int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8} {
			if length == 0 || length == 8 {
				w.bits(1, 3)
			} else {
				w.bits(0, 3)
			}
		}
		w.bits(0, 1)
		for symbol := range alphabet {
			if symbol < 256 {
				w.bits(1, 1)
			} else {
				w.bits(0, 1)
			}
		}
	}
	w.bits(0b0001, 4) // distances: one symbol, 0
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, blue, a := m.At(x, y).RGBA()
			for _, v := range []uint32{g, r, blue, a} {
				w.code(uint8(v >> 8))
			}
		}
	}
	return w.b
}

func riffChunk(kind string, body []byte) []byte {
	b := join([]byte(kind), binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

func riff(chunks ...[]byte) []byte {
	return riffChunk("RIFF", join(append([][]byte{[]byte("WEBP")}, chunks...)...))
}

func asWebP(m image.Image, more ...[]byte) []byte {
	size := m.Bounds().Size()
	return riff(append([][]byte{riffChunk("VP8L", losslessWebP(m, size.X, size.Y))}, more...)...)
}

// canvas is the header of an extended file.
func canvas(flags byte, w, h int) []byte {
	return riffChunk("VP8X", []byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), 0, byte(h - 1), byte((h - 1) >> 8), 0})
}
