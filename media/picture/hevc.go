package picture

// The kinds of units of an HEVC bitstream that count here.
const (
	nalFirstIRAP, nalLastIRAP = 16, 21 // pictures that stand for themselves
	nalFirstOther             = 32     // from here on: no pictures
	nalSPS                    = 33
	maxNALs                   = 4096
)

// bitReader reads the bits of a parameter set, leaving out the bytes that were put in to break up start codes.
type bitReader struct {
	b     []byte
	at    int // bit
	short bool
}

func newBitReader(nal []byte) *bitReader {
	out := make([]byte, 0, len(nal))
	for i, c := range nal {
		if c == 3 && i >= 2 && nal[i-1] == 0 && nal[i-2] == 0 {
			continue
		}
		out = append(out, c)
	}
	return &bitReader{b: out}
}

func (r *bitReader) bits(n int) (v uint64) {
	for range n {
		if r.at>>3 >= len(r.b) {
			r.short = true
			return 0
		}
		v = v<<1 | uint64(r.b[r.at>>3]>>(7-r.at&7)&1)
		r.at++
	}
	return v
}

func (r *bitReader) skip(n int) { r.at += n }

// golomb reads an unsigned Exp-Golomb number; of an absurd one, a great one.
func (r *bitReader) golomb() uint64 {
	zeros := 0
	for r.bits(1) == 0 {
		if zeros++; r.short || zeros > 31 {
			r.short = true
			return 1 << 32
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// pictureSize reads from a sequence parameter set (ITU-T H.265, 7.3.2.2) the size that is decoded, and the size that is shown.
func pictureSize(nal []byte) (codedW, codedH, shownW, shownH int, ok bool) {
	if len(nal) < 16 || len(nal) > 1<<14 {
		return 0, 0, 0, 0, false
	}
	r := newBitReader(nal[2:])
	r.skip(4)
	layers := int(r.bits(3))
	r.skip(1)
	// profile_tier_level: the general part, then of each layer what its flags say.
	r.skip(96)
	var length int
	for range layers {
		length += int(88*r.bits(1) + 8*r.bits(1))
	}
	if layers > 0 {
		r.skip(2 * (8 - layers))
	}
	r.skip(length)
	r.golomb()
	chroma := r.golomb()
	if chroma == 3 {
		r.skip(1)
	}
	w, h := r.golomb(), r.golomb()
	var left, right, top, bottom uint64
	if r.bits(1) == 1 {
		left, right, top, bottom = r.golomb(), r.golomb(), r.golomb(), r.golomb()
	}
	unitW, unitH := uint64(1), uint64(1)
	if chroma == 1 || chroma == 2 {
		unitW = 2
	}
	if chroma == 1 {
		unitH = 2
	}
	if r.short || chroma > 3 || w > 1<<16 || h > 1<<16 || unitW*(left+right) >= w || unitH*(top+bottom) >= h {
		return 0, 0, 0, 0, false
	}
	return int(w), int(h), int(w - unitW*(left+right)), int(h - unitH*(top+bottom)), true
}
