package likeness

import "math/bits"

// odd are the bits of the frequency hash whose horizontal frequency is odd. The hash goes along the diagonals of the frequencies, from the one
// after the mean and from the left of each, its first bit being the highest.
const odd uint64 = 0b01_010_0101_01010_010101_0101010_01010101_010101010_0101010101_0101010101

// Mirrored returns the print that the mirror image would have, left and right turned round: out of the print alone, without the image. It is right
// but for the bits that noise decides: of those, a few may differ.
//
// In the difference hash, the lines run the other way and brighter becomes darker. In the frequency hash, a frequency that is odd from left to
// right changes its sign.
func (p Print) Mirrored() Print {
	p.Frequency ^= odd
	p.Difference = ^bits.ReverseBytes64(bits.Reverse64(p.Difference))
	return p
}
