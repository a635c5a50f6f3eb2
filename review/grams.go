package review

import (
	mathbits "math/bits"
	"math/rand/v2"
	"strings"
)

// sliceCount is how many bits a text's signature has: about a tenth of them is set for a ticket of a few hundred characters.
const sliceCount = 2048

// grams tells which rows of a table may hold a word, so that a search looks into few texts. Each text has a signature: for each of its characters and each two
// that follow each other a bit is set, chosen by a hash; a word can only be where all its bits are set. The signatures stand bit by bit, not row by row, so a
// search reads a few bitmaps and not all signatures (bit-sliced signature files: Faloutsos and Christodoulakis 1984; Goodwin and others, BitFunnel, 2017).
type grams struct {
	seed   [2]uint64            // drawn, so that nobody writes texts whose signatures hold everything
	slices [sliceCount][]uint64 // of each bit, the rows that have it
	rows   int                  // that the slices have room for: a multiple of 64
}

func newGrams() *grams { return &grams{seed: [2]uint64{rand.Uint64(), rand.Uint64()}} }

// signature is a set of bits.
type signature [sliceCount / 64]uint64

func (g *grams) signature(text string) (s signature) {
	before := rune(0) // none
	for _, r := range text {
		if r == '\n' { // between two fields
			before = 0
			continue
		}
		s.set(g.hash(0, r))
		if before != 0 {
			s.set(g.hash(before, r))
		}
		before = r
	}
	return s
}

// hash of one character, or of two that follow each other. It multiplies and folds, as wyhash does for what fits a word.
func (g *grams) hash(before, r rune) uint64 {
	high, low := mathbits.Mul64(uint64(before)<<32|uint64(r)^g.seed[0], g.seed[1]|1)
	return high ^ low
}

func (s *signature) set(hash uint64) {
	bit := hash % sliceCount
	s[bit/64] |= 1 << (bit % 64)
}

// put says which text a row has instead of the one before.
func (g *grams) put(row int, before, text string) {
	if before == text {
		return
	}
	for row >= g.rows {
		g.grow()
	}
	was, is := g.signature(before), g.signature(text)
	at, mask := row/64, uint64(1)<<(row%64)
	for i := range is {
		for left := was[i] &^ is[i]; left != 0; left &= left - 1 {
			g.slices[i*64+mathbits.TrailingZeros64(left)][at] &^= mask
		}
		for left := is[i] &^ was[i]; left != 0; left &= left - 1 {
			g.slices[i*64+mathbits.TrailingZeros64(left)][at] |= mask
		}
	}
}

// grow doubles the room.
func (g *grams) grow() {
	g.rows = max(2*g.rows, 64)
	for i, slice := range g.slices {
		g.slices[i] = make([]uint64, g.rows/64)
		copy(g.slices[i], slice)
	}
}

// size is what the signatures take, bytes.
func (g *grams) size() int64 { return int64(g.rows) * sliceCount / 8 }

// candidates are rows that may hold something; nil: all may.
type candidates []uint64

// lets: whether a row may. Behind the last one are rows that never had a text.
func (c candidates) lets(row int) bool {
	return c == nil || row/64 < len(c) && c[row/64]&(1<<(row%64)) != 0
}

// may returns the rows whose text may hold a word.
func (g *grams) may(word string) (rows candidates) {
	for i, left := range g.signature(strings.ReplaceAll(word, between, "")) {
		for ; left != 0; left &= left - 1 {
			slice := g.slices[i*64+mathbits.TrailingZeros64(left)]
			if rows == nil {
				rows = append(make(candidates, 0, len(slice)+1), slice...)
				continue
			}
			for at := range rows {
				rows[at] &= slice[at]
			}
		}
	}
	return rows
}
