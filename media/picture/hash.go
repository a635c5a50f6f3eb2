package picture

import (
	"image"
	"math"
	"slices"
)

// When a photo is featureless. Luminance goes from 0 to 255, and is looked at on a grid of 64 by 64 means, so that noise and dust do not count.
const (
	// DarkMean: a photo whose mean luminance is below is dark.
	DarkMean = 20
	// FlatDeviation: one whose luminance has a smaller standard deviation is flat: a wall, fog, a finger on the lens.
	FlatDeviation = 8
	// FewDifferences: one in which fewer than this of the 64 differences that the difference hash is made of reach 2 has no content that hash
	// could tell from noise.
	FewDifferences = 16
)

const (
	gridSide = 64
	waveSide = 32
)

// hashes returns the two perceptual hashes of an upright image, and whether they mean nothing.
//
// The frequency hash follows C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010): the image as 32 by 32 means
// of luminance, its discrete cosine transform, and one bit for each of the lowest frequencies, telling whether it is above their median. Ours are
// the 64 lowest after the mean, along the diagonals, so that photos which differ in brightness alone hash alike.
//
// The difference hash is that of N. Krawetz ("Kind of Like That", 2013): 9 by 8 means of luminance, one bit for each pair of neighbours in a line,
// telling whether the right one is brighter.
func hashes(m *image.YCbCr) (frequency, difference uint64, featureless bool) {
	size := m.Rect.Size()
	var grid [gridSide * gridSide]byte
	average(grid[:], gridSide, image.Pt(gridSide, gridSide), m.Y, m.YStride, size, 1)
	mean, deviation := spread(grid[:])

	var wave [waveSide * waveSide]byte
	average(wave[:], waveSide, image.Pt(waveSide, waveSide), m.Y, m.YStride, size, 1)
	var pairs [9 * 8]byte
	average(pairs[:], 9, image.Pt(9, 8), m.Y, m.YStride, size, 1)
	difference, told := byDifferences(&pairs)
	return byFrequencies(&wave), difference, mean < DarkMean || deviation < FlatDeviation || told < FewDifferences
}

// spread returns the mean of values and their standard deviation.
func spread(values []byte) (mean, deviation float64) {
	var sum, squares float64
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(values))
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean))
}

// byDifferences returns the hash, and how many of its bits are of neighbours that differ by 2 or more.
func byDifferences(p *[9 * 8]byte) (hash uint64, told int) {
	for y := range 8 {
		for x := range 8 {
			left, right := int(p[9*y+x]), int(p[9*y+x+1])
			hash <<= 1
			if right > left {
				hash |= 1
			}
			if right-left >= 2 || left-right >= 2 {
				told++
			}
		}
	}
	return hash, told
}

// byFrequencies returns the hash by the 64 lowest frequencies.
func byFrequencies(p *[waveSide * waveSide]byte) uint64 {
	// 64 frequencies after the mean fill the diagonals 1 to 9 (2 + 3 + … + 10 = 54) and ten of the eleven of diagonal 10.
	const most = 11
	var cosines [most][waveSide]float64
	for u := range most {
		for x := range waveSide {
			cosines[u][x] = math.Cos(math.Pi * float64(u) * (float64(x) + 0.5) / waveSide)
		}
	}
	var lines [most][waveSide]float64 // by horizontal frequency and line
	for y := range waveSide {
		for u := range most {
			var sum float64
			for x := range waveSide {
				sum += float64(p[waveSide*y+x]) * cosines[u][x]
			}
			lines[u][y] = sum
		}
	}
	var found [64]float64
	n := 0
	for diagonal := 1; n < len(found); diagonal++ {
		for u := 0; u <= diagonal && n < len(found); u++ {
			v := diagonal - u
			var sum float64
			for y := range waveSide {
				sum += lines[u][y] * cosines[v][y]
			}
			if u == 0 || v == 0 {
				sum /= math.Sqrt2
			}
			found[n] = sum
			n++
		}
	}
	sorted := found
	slices.Sort(sorted[:])
	median := (sorted[31] + sorted[32]) / 2
	var hash uint64
	for _, v := range found {
		hash <<= 1
		if v > median {
			hash |= 1
		}
	}
	return hash
}
