package picture

import (
	"image/png"
)

// deflateMost is how many times its size DEFLATE can expand data, at most.
const deflateMost = 1032

// walkPNG tells what decoding the PNG in b takes, and refuses what is cut off, asks for too much or has something behind its end. Nothing is
// expanded by it: texts and colour profiles stay compressed.
func walkPNG(b []byte, limits Limits) (outline, *Refused) {
	o := outline{decode: png.Decode}
	var raw, data int64
	for at := len(pngSignature); ; {
		if at+12 > len(b) {
			return o, truncated()
		}
		n := int64(be32(b[at:]))
		if n > 1<<31-1 {
			return o, malformed("数据块长度错误", "a chunk has an impossible length")
		}
		kind := string(b[at+4 : at+8])
		if int64(at)+12+n > int64(len(b)) {
			return o, truncated()
		}
		body := b[at+8 : at+8+int(n)]
		if at == len(pngSignature) != (kind == "IHDR") {
			return o, malformed("文件头位置错误", "its header does not stand at the front, or twice")
		}
		at += 12 + int(n)
		switch kind {
		case "IHDR":
			if n != 13 {
				return o, malformed("文件头错误", "its header is wrong")
			}
			var refused *Refused
			if raw, refused = o.header(body, limits); refused != nil {
				return o, refused
			}
		case "IDAT":
			data += n
		case "eXIf":
			if o.exif == nil {
				o.exif = body
			}
		case "IEND":
			if raw > data*deflateMost {
				return o, malformed("数据不足以构成图像", "its data cannot hold as many pixels as it says")
			}
			if rest := padding(b[at:]); len(rest) > 0 {
				return o, behindEnd(len(rest))
			}
			return o, nil
		}
	}
}

// header reads the size and returns how many bytes the pixels have before compression.
func (o *outline) header(ihdr []byte, limits Limits) (int64, *Refused) {
	if be32(ihdr) > 1<<24 || be32(ihdr[4:]) > 1<<24 {
		return 0, tooManyPixels(int(be32(ihdr)), int(be32(ihdr[4:])), limits.Pixels)
	}
	o.width, o.height = int(be32(ihdr)), int(be32(ihdr[4:]))
	if refused := checkPixels(o.width, o.height, limits.Pixels); refused != nil {
		return 0, refused
	}
	depth, colour := int64(ihdr[8]), ihdr[9]
	if depth != 1 && depth != 2 && depth != 4 && depth != 8 && depth != 16 {
		return 0, malformed("位深错误", "its depth of colour is wrong")
	}
	var samples int64
	switch colour {
	case 0, 3:
		samples = 1
	case 2:
		samples = 3
	case 4:
		samples = 2
	case 6:
		samples = 4
	default:
		return 0, malformed("颜色类型错误", "its type of colour is wrong")
	}
	pixels := int64(o.width) * int64(o.height)
	// Decoded, a pixel has at most 4 samples; an interlaced one is decoded in passes and put together; and what is no grey is laid on white.
	o.memory = pixels * 4 * max(1, depth/8)
	if ihdr[12] != 0 {
		o.memory *= 2
	}
	o.memory += 4 * pixels
	return (int64(o.width)*samples*depth + 7) / 8 * int64(o.height), nil
}
