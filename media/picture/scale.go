package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
)

// The longest side of the copies, pixels.
const (
	LargeSide = 1280
	SmallSide = 320
)

const (
	largeQuality = 80
	smallQuality = 75
	// workspace is what scaling, turning, hashing and encoding take besides the decoded image, bytes, at most.
	workspace = 16 << 20
)

// shrink returns img with no side longer than most, averaging over the area that each pixel covers; a smaller image keeps its size. The result
// has its chroma at half the size, as JPEG wants it. What is transparent is laid on white.
func shrink(img image.Image, most int) *image.YCbCr {
	size := img.Bounds().Size()
	to := fit(size, most)
	out := image.NewYCbCr(image.Rectangle{Max: to}, image.YCbCrSubsampleRatio420)
	half := out.Rect.Max.Add(image.Pt(1, 1)).Div(2)
	switch src := img.(type) {
	case *image.YCbCr:
		average(out.Y, out.YStride, to, src.Y[src.YOffset(src.Rect.Min.X, src.Rect.Min.Y):], src.YStride, size, 1)
		chroma := chromaSize(src)
		at := src.COffset(src.Rect.Min.X, src.Rect.Min.Y)
		average(out.Cb, out.CStride, half, src.Cb[at:], src.CStride, chroma, 1)
		average(out.Cr, out.CStride, half, src.Cr[at:], src.CStride, chroma, 1)
	case *image.Gray:
		average(out.Y, out.YStride, to, src.Pix[src.PixOffset(src.Rect.Min.X, src.Rect.Min.Y):], src.Stride, size, 1)
		for i := range out.Cb {
			out.Cb[i], out.Cr[i] = 128, 128
		}
	default:
		flat := image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(flat, flat.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(flat, flat.Rect, img, img.Bounds().Min, draw.Over)
		small := image.NewRGBA(image.Rectangle{Max: to})
		average(small.Pix, small.Stride, to, flat.Pix, flat.Stride, size, 4)
		fromRGBA(out, small)
	}
	return out
}

// fit returns size, made smaller in proportion where a side is longer than most.
func fit(size image.Point, most int) image.Point {
	if longest := max(size.X, size.Y); longest > most {
		return image.Pt(max(1, (size.X*most+longest/2)/longest), max(1, (size.Y*most+longest/2)/longest))
	}
	return size
}

func chromaSize(m *image.YCbCr) image.Point {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		w = (w + 1) / 2
	case image.YCbCrSubsampleRatio420:
		w, h = (w+1)/2, (h+1)/2
	case image.YCbCrSubsampleRatio440:
		h = (h + 1) / 2
	case image.YCbCrSubsampleRatio411:
		w = (w + 3) / 4
	case image.YCbCrSubsampleRatio410:
		w, h = (w+3)/4, (h+1)/2
	}
	return image.Pt(w, h)
}

// average scales a plane of pixels, each of some interleaved channels of a byte, so that each pixel of dst is the mean of the area of src that it
// covers, parts of pixels counting in part. The arithmetic is exact: a pixel of src is dstSize units long, one of dst srcSize units.
func average(dst []byte, dstStride int, to image.Point, src []byte, srcStride int, from image.Point, channels int) {
	if to == from {
		for y := range to.Y {
			copy(dst[y*dstStride:y*dstStride+to.X*channels], src[y*srcStride:])
		}
		return
	}
	row, sum := make([]uint32, to.X*channels), make([]uint64, to.X*channels)
	area := uint64(from.X) * uint64(from.Y)
	have := -1 // the line of src that row holds
	for y := range to.Y {
		clear(sum)
		low, high := y*from.Y, (y+1)*from.Y
		for line := low / to.Y; line*to.Y < high; line++ {
			if line != have {
				across(row, src[line*srcStride:], to.X, from.X, channels)
				have = line
			}
			weight := uint64(min(high, (line+1)*to.Y) - max(low, line*to.Y))
			for i, v := range row {
				sum[i] += weight * uint64(v)
			}
		}
		out := dst[y*dstStride:][:len(sum)]
		for i, v := range sum {
			out[i] = byte((v + area/2) / area)
		}
	}
}

// across scales one line; each value of row is the weighted sum of what it covers, the weights adding up to from.
func across(row []uint32, src []byte, to, from, channels int) {
	for x := range to {
		low, high := x*from, (x+1)*from
		first, last := low/to, (high-1)/to
		for c := range channels {
			var sum uint32
			if first == last {
				sum = uint32(high-low) * uint32(src[first*channels+c])
			} else {
				for i := first + 1; i < last; i++ {
					sum += uint32(src[i*channels+c])
				}
				sum *= uint32(to)
				sum += uint32((first+1)*to-low) * uint32(src[first*channels+c])
				sum += uint32(high-last*to) * uint32(src[last*channels+c])
			}
			row[x*channels+c] = sum
		}
	}
}

// fromRGBA fills out from an opaque image of the same size, the chroma being the mean of four pixels.
func fromRGBA(out *image.YCbCr, m *image.RGBA) {
	size := m.Rect.Size()
	for y := 0; y < size.Y; y += 2 {
		for x := 0; x < size.X; x += 2 {
			var cb, cr, n int
			for dy := 0; dy < 2 && y+dy < size.Y; dy++ {
				for dx := 0; dx < 2 && x+dx < size.X; dx++ {
					p := m.Pix[m.PixOffset(x+dx, y+dy):]
					l, b, r := color.RGBToYCbCr(p[0], p[1], p[2])
					out.Y[(y+dy)*out.YStride+x+dx] = l
					cb, cr, n = cb+int(b), cr+int(r), n+1
				}
			}
			at := y/2*out.CStride + x/2
			out.Cb[at], out.Cr[at] = byte((cb+n/2)/n), byte((cr+n/2)/n)
		}
	}
}

// turn applies an EXIF orientation, 1 to 8, so that the image stands upright.
func turn(m *image.YCbCr, orientation int) *image.YCbCr {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	size := m.Rect.Size()
	to := size
	if orientation >= 5 {
		to = image.Pt(size.Y, size.X)
	}
	out := image.NewYCbCr(image.Rectangle{Max: to}, image.YCbCrSubsampleRatio420)
	half := size.Add(image.Pt(1, 1)).Div(2)
	turnPlane(out.Y, out.YStride, m.Y, m.YStride, size, orientation)
	turnPlane(out.Cb, out.CStride, m.Cb, m.CStride, half, orientation)
	turnPlane(out.Cr, out.CStride, m.Cr, m.CStride, half, orientation)
	return out
}

// turnPlane turns a plane whose size is that of src.
func turnPlane(dst []byte, dstStride int, src []byte, srcStride int, size image.Point, orientation int) {
	right, bottom := size.X-1, size.Y-1
	for y := range size.Y {
		for x, v := range src[y*srcStride : y*srcStride+size.X] {
			var tx, ty int
			switch orientation {
			case 2:
				tx, ty = right-x, y
			case 3:
				tx, ty = right-x, bottom-y
			case 4:
				tx, ty = x, bottom-y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = bottom-y, x
			case 7:
				tx, ty = bottom-y, right-x
			case 8:
				tx, ty = y, right-x
			}
			dst[ty*dstStride+tx] = v
		}
	}
}

func encode(m *image.YCbCr, quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
