package picture

import (
	"golang.org/x/image/webp"
)

const (
	// losslessTables is what the tables of a lossless WebP take at most, whatever its size: 65,536 groups of five trees.
	losslessTables = 192 << 20
)

// walkWebP tells what decoding the WebP in b takes, and refuses what is cut off, moves, asks for too much or has something behind its end.
func walkWebP(b []byte, limits Limits) (outline, *Refused) {
	o := outline{decode: webp.Decode}
	end := 8 + int64(le32(b[4:]))
	if end > int64(len(b)) {
		return o, truncated()
	}
	if rest := padding(b[end:]); len(rest) > 0 {
		return o, behindEnd(len(rest))
	}
	var canvasW, canvasH int
	for at := int64(12); at < end; {
		if at+8 > end {
			return o, malformed("数据块错误", "its last chunk is broken")
		}
		kind, n := string(b[at:at+4]), int64(le32(b[at+4:]))
		if at += 8; at+n > end {
			return o, truncated()
		}
		body := b[at : at+n]
		at += n + n&1
		switch kind {
		case "VP8X":
			if n < 10 {
				return o, malformed("文件头错误", "its header is wrong")
			}
			if body[0]&2 != 0 {
				return o, malformed("是动画而不是照片", "it is an animation, not a photo")
			}
			canvasW, canvasH = int(le24(body[4:]))+1, int(le24(body[7:]))+1
			if refused := checkPixels(canvasW, canvasH, limits.Pixels); refused != nil {
				return o, refused
			}
		case "VP8 ", "VP8L":
			if o.width != 0 {
				return o, malformed("有两幅图像", "there are two images in it")
			}
			if refused := o.bitstream(kind, body, limits); refused != nil {
				return o, refused
			}
		case "ALPH": // may be lossless inside
			o.memory += losslessTables + 9*int64(canvasW)*int64(canvasH)
		case "EXIF":
			if o.exif == nil {
				o.exif = body
			}
		}
	}
	switch {
	case o.width == 0:
		return o, malformed("没有图像数据", "there is no image in it")
	case canvasW != 0 && (canvasW != o.width || canvasH != o.height):
		return o, malformed("图像与画布尺寸不同", "its image has not the size of its canvas")
	}
	return o, nil
}

// bitstream reads the size out of a lossy or lossless image's first bytes.
func (o *outline) bitstream(kind string, body []byte, limits Limits) *Refused {
	if len(body) < 10 {
		return truncated()
	}
	if kind == "VP8 " {
		if body[0]&1 != 0 || body[3] != 0x9d || body[4] != 1 || body[5] != 0x2a {
			return malformed("文件头错误", "its header is wrong")
		}
		o.width, o.height = int(le16(body[6:])&0x3fff), int(le16(body[8:])&0x3fff)
		o.memory += 2*int64(o.width+16)*int64(o.height+16) + int64(len(body))
	} else {
		if body[0] != 0x2f {
			return malformed("文件头错误", "its header is wrong")
		}
		bits := le32(body[1:])
		o.width, o.height = int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1
		// Pixels, the maps of its transformations, the tables, and the pixels once more laid on white.
		o.memory += losslessTables + 14*int64(o.width)*int64(o.height)
	}
	return checkPixels(o.width, o.height, limits.Pixels)
}
