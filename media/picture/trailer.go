package picture

import "bytes"

// maxPictures is how many further JPEGs may follow one that announces them (a gain map, a depth map, a preview).
const maxPictures = 16

// jpegTrailer holds what stands behind the end of a JPEG against the few things that phones really append. Each must be announced where the
// phone announces it, and be whole:
//
//   - zero bytes, as some cameras pad their files;
//   - further JPEGs, announced by a multi-picture index (CIPA DC-007), each walked like the first;
//   - one video, announced by the XMP of a motion photo, as boxes of ISO base media that end with the file;
//   - Samsung's trailer, which ends with its directory ("SEFH" … "SEFT"), entries lying in front of it.
//
// They may follow one another in this order. All else is refused. None of it is ever decoded or shown.
func jpegTrailer(rest []byte, w jpegWalk, limits Limits) *Refused {
	all := len(rest)
	for range maxPictures {
		next := padding(rest)
		if !w.pictures || sniff(next) != JPEG {
			break
		}
		walked, refused := markers(next, limits)
		if refused != nil {
			return refused
		}
		rest = next[walked.end:]
	}
	rest = samsung(rest)
	if w.motion {
		// The length of its first box begins with zeros too.
		if at := bytes.Index(rest, []byte("ftyp")) - 4; at >= 0 && len(padding(rest[:at])) == 0 && len(rest[at:]) >= 16 && !heicBrand(rest[at:]) {
			rest = boxes(rest[at:])
		}
	}
	if len(padding(rest)) > 0 {
		return behindEnd(all)
	}
	return nil
}

// padding returns b without the zero bytes at its front.
func padding(b []byte) []byte { return bytes.TrimLeft(b, "\x00") }

// samsung cuts Samsung's trailer off the end, if b is one or has one behind a video; what is in front of its first entry stays.
func samsung(b []byte) []byte {
	if len(b) < 20 || string(b[len(b)-4:]) != "SEFT" {
		return b
	}
	length := int64(le32(b[len(b)-8:]))
	head := int64(len(b)) - 8 - length
	if length < 12 || head < 0 || string(b[head:head+4]) != "SEFH" {
		return b
	}
	count := int64(le32(b[head+8:]))
	if count < 1 || count > 64 || 12+12*count > length {
		return b
	}
	first := head
	for n := range count {
		entry := b[head+12+12*n:]
		offset, size := int64(le32(entry[4:])), int64(le32(entry[8:]))
		if offset > head || size > offset || size < 8 || le16(b[head-offset+2:]) != le16(entry[2:]) {
			return b
		}
		first = min(first, head-offset)
	}
	return b[:first]
}

// boxes returns b behind the boxes of ISO base media at its front.
func boxes(b []byte) []byte {
	for len(b) >= 8 {
		switch string(b[4:8]) {
		case "ftyp", "moov", "mdat", "free", "skip", "wide", "uuid", "meta", "moof", "mfra", "sidx", "styp", "udta", "mpvd":
		default:
			return b
		}
		size := uint64(be32(b))
		if size == 1 && len(b) >= 16 {
			size = be64(b[8:])
		}
		if size < 8 || size > uint64(len(b)) {
			return b
		}
		b = b[size:]
	}
	return b
}
