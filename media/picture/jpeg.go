package picture

import (
	"bytes"
	"image/jpeg"
)

// jpegWalk is what one JPEG's markers tell.
type jpegWalk struct {
	width, height int
	components    int
	samples       int64 // of all components, rounded up to whole MCUs
	progressive   bool
	scans         int
	exif          []byte
	pictures      bool // a multi-picture index is there: further JPEGs follow the end
	motion        bool // its XMP says that a video follows the end
	end           int  // behind its EOI
}

// walkJPEG tells what decoding the JPEG in b takes, and refuses what is cut off, asks for too much or has something unknown behind its end.
func walkJPEG(b []byte, limits Limits) (outline, *Refused) {
	w, refused := markers(b, limits)
	if refused != nil {
		return outline{}, refused
	}
	if refused := jpegTrailer(b[w.end:], w, limits); refused != nil {
		return outline{}, refused
	}
	o := outline{width: w.width, height: w.height, exif: w.exif, decode: jpeg.Decode, memory: w.samples}
	if w.progressive {
		o.memory += 4 * w.samples // the coefficients
	}
	if w.components != 1 && w.components != 3 {
		o.memory += 8 * int64(w.width) * int64(w.height) // CMYK, and the RGBA it becomes
	}
	return o, nil
}

// markers walks one JPEG from its SOI to its EOI.
func markers(b []byte, limits Limits) (jpegWalk, *Refused) {
	var w jpegWalk
	for at := 2; ; {
		// A marker: 0xff, as often as one likes, and a code.
		if at >= len(b) {
			return w, truncated()
		}
		if b[at] != 0xff {
			return w, malformed("标记缺失", "a marker is missing between its segments")
		}
		for at < len(b) && b[at] == 0xff {
			at++
		}
		if at >= len(b) {
			return w, truncated()
		}
		code := b[at]
		at++
		switch {
		case code == 0xd9: // EOI
			if w.scans == 0 {
				return w, malformed("没有图像数据", "there is no image in it")
			}
			w.end = at
			return w, nil
		case code == 0xd8 || code == 0x01 || code >= 0xd0 && code <= 0xd7 || code == 0:
			return w, malformed("标记位置错误", "a marker stands where it cannot")
		}
		if at+2 > len(b) {
			return w, truncated()
		}
		n := int(be16(b[at:]))
		if n < 2 {
			return w, malformed("段长度错误", "a segment has no length")
		}
		if at+n > len(b) {
			return w, truncated()
		}
		body := b[at+2 : at+n]
		at += n
		switch {
		case code >= 0xc0 && code <= 0xcf && code != 0xc4 && code != 0xc8 && code != 0xcc:
			if refused := w.frame(code, body, limits); refused != nil {
				return w, refused
			}
		case code == 0xe1 && w.exif == nil && bytes.HasPrefix(body, []byte("Exif\x00")) && len(body) > 6:
			w.exif = body[6:]
		case code == 0xe1 && bytes.HasPrefix(body, []byte("http://ns.adobe.com/xap/1.0/\x00")):
			w.motion = w.motion || bytes.Contains(body, []byte("MotionPhoto")) || bytes.Contains(body, []byte("MicroVideo"))
		case code == 0xe2 && bytes.HasPrefix(body, []byte("MPF\x00")):
			w.pictures = true
		case code == 0xda:
			if w.components == 0 {
				return w, malformed("没有帧头", "its data begin without a header")
			}
			if w.scans++; w.scans > limits.Scans {
				return w, tooMuchWork("扫描次数过多", "more passes over the image than any camera writes")
			}
			at = skipScan(b, at)
		}
	}
}

// frame reads the header of the image.
func (w *jpegWalk) frame(code byte, body []byte, limits Limits) *Refused {
	switch {
	case w.components != 0:
		return malformed("有两个帧头", "it has two headers")
	case code > 0xc2:
		return malformed("不支持的 JPEG 编码", "it is of a kind of JPEG that no phone writes (lossless, arithmetic or hierarchical)")
	case len(body) < 6 || body[5] == 0 || body[5] > 4 || len(body) < 6+3*int(body[5]):
		return malformed("帧头错误", "its header is wrong")
	}
	w.height, w.width, w.components, w.progressive = int(be16(body[1:])), int(be16(body[3:])), int(body[5]), code == 0xc2
	if refused := checkPixels(w.width, w.height, limits.Pixels); refused != nil {
		return refused
	}
	var most, all int64
	hMax, vMax := 1, 1
	for c := range w.components {
		h, v := int(body[7+3*c]>>4), int(body[7+3*c]&15)
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return malformed("采样系数错误", "its sampling is wrong")
		}
		hMax, vMax, all = max(hMax, h), max(vMax, v), all+int64(h*v)
	}
	across, down := (w.width+8*hMax-1)/(8*hMax), (w.height+8*vMax-1)/(8*vMax)
	most = int64(across) * int64(down) * 64
	w.samples = most * all
	return nil
}

// skipScan returns where the compressed data that begin at a place end: at the next marker that is no restart.
func skipScan(b []byte, at int) int {
	for {
		next := bytes.IndexByte(b[at:], 0xff)
		if next < 0 || at+next+1 >= len(b) {
			return len(b)
		}
		at += next
		if c := b[at+1]; c != 0 && c != 0xff && (c < 0xd0 || c > 0xd7) {
			return at
		}
		at++
		if b[at] != 0xff {
			at++
		}
	}
}
