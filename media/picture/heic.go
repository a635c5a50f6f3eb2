package picture

import (
	"maps"
	"slices"
)

// walkHEIC tells what decoding the HEIC in b takes, and refuses what is cut off, asks for too much or has something behind its end. The sizes come
// from the bitstreams' own parameter sets, which are what a decoder makes room for; what the container says must agree with them.
func walkHEIC(b []byte, limits Limits) (outline, *Refused) {
	o := outline{upright: true}
	h, refused := readHEIF(b)
	if refused != nil {
		return o, refused
	}
	primary := h.items[h.primary]
	if primary == nil {
		return o, malformed("没有主图像", "it does not say which image it shows")
	}
	var pixels int64 // of all that is decoded for the one image
	switch primary.kind {
	case "hvc1", "hev1":
		o.width, o.height, refused = h.coded(primary, limits, &pixels)
	case "grid":
		o.width, o.height, refused = h.grid(primary, limits, &pixels)
	default:
		refused = malformed("不支持的图像结构", "its image is of a kind that no phone writes")
	}
	if refused != nil {
		return o, refused
	}
	o.pixels = int64(o.width) * int64(o.height)
	if h.property(primary, "clap") != nil {
		o.width, o.height = 0, 0 // cut to a size that the decoder tells
	}
	for _, id := range slices.Sorted(maps.Keys(h.items)) {
		item := h.items[id]
		if item.kind == "Exif" && o.exif == nil && len(item.data) > 8 {
			if skip := uint64(be32(item.data)) + 4; skip < uint64(len(item.data)) {
				o.exif = item.data[skip:]
			}
		}
		// What belongs to the image, as its transparency, may be decoded with it.
		if id != h.primary && slices.Contains(item.references["auxl"], h.primary) {
			if refused := h.auxiliary(item, limits, &pixels); refused != nil {
				return o, refused
			}
		}
	}
	each := int64(heicPixel)
	if primary.kind == "grid" {
		each = heicTilePixel
	}
	o.memory = heicBase + heicByte*int64(len(b)) + each*pixels
	return o, nil
}

const (
	// What decoding takes at all, for every byte of the file, for every pixel of an image coded whole, and for one of an image in tiles, bytes: in a
	// process of command rounds-heic and here. Measured on photos of 3 to 12 megapixels, and rounded up.
	heicBase      = 56 << 20
	heicByte      = 6
	heicPixel     = 24
	heicTilePixel = 20
)

func (h *heif) auxiliary(item *heifItem, limits Limits, pixels *int64) *Refused {
	var refused *Refused
	switch item.kind {
	case "hvc1", "hev1":
		_, _, refused = h.coded(item, limits, pixels)
	case "grid":
		_, _, refused = h.grid(item, limits, pixels)
	}
	return refused
}

// grid checks an image that is put together of tiles, and adds what decoding them takes.
func (h *heif) grid(item *heifItem, limits Limits, pixels *int64) (int, int, *Refused) {
	s := scanner{b: item.data}
	s.take(1)
	size := wide(s.uint(1)&1 == 1)
	rows, columns := int(s.uint(1))+1, int(s.uint(1))+1
	w, height := int(s.uint(size)), int(s.uint(size))
	tiles := item.references["dimg"]
	if s.short || rows*columns != len(tiles) {
		return 0, 0, malformed("拼接结构错误", "its grid has not the tiles that it says")
	}
	if refused := checkPixels(w, height, limits.Pixels); refused != nil {
		return 0, 0, refused
	}
	var firstW, firstH int
	for n, id := range tiles {
		tile := h.items[id]
		if tile == nil || tile.kind != "hvc1" && tile.kind != "hev1" {
			return 0, 0, malformed("拼接结构错误", "its grid is of something else than coded tiles")
		}
		tileW, tileH, refused := h.coded(tile, limits, pixels)
		if refused != nil {
			return 0, 0, refused
		}
		if n == 0 {
			firstW, firstH = tileW, tileH
		}
		if tileW != firstW || tileH != firstH {
			return 0, 0, malformed("拼接结构错误", "its tiles are of different sizes")
		}
	}
	// The tiles cover the image, and none of them lies outside of it.
	if w > columns*firstW || height > rows*firstH || w <= (columns-1)*firstW || height <= (rows-1)*firstH {
		return 0, 0, malformed("拼接结构错误", "its tiles do not cover the image")
	}
	return w, height, nil
}

// coded checks one coded image, and adds what decoding it takes. All that is decoded for one photo may be a quarter more than its limit, for the
// tiles at the edges.
func (h *heif) coded(item *heifItem, limits Limits, pixels *int64) (int, int, *Refused) {
	config := scanner{b: h.property(item, "hvcC")}
	ispe := scanner{b: h.property(item, "ispe")}
	ispe.take(4)
	w, height := int(ispe.uint(4)), int(ispe.uint(4))
	config.take(21)
	lengthSize := int(config.uint(1)&3) + 1
	if config.short || ispe.short {
		return 0, 0, malformed("缺少解码参数", "what its decoder needs to know is missing")
	}
	var decoded int64
	found := false
	check := func(nal []byte) *Refused {
		if len(nal) < 2 || nal[0]>>1&0x3f != nalSPS {
			return nil
		}
		codedW, codedH, shownW, shownH, ok := pictureSize(nal)
		if !ok {
			return malformed("解码参数错误", "what its decoder needs to know is wrong")
		}
		if refused := checkPixels(codedW, codedH, limits.Pixels+limits.Pixels/4); refused != nil {
			return refused
		}
		if shownW != w || shownH != height {
			return malformed("容器与码流尺寸不符", "its container says another size than its bitstream")
		}
		decoded, found = max(decoded, int64(codedW)*int64(codedH)), true
		return nil
	}
	for arrays := config.uint(1); arrays > 0 && !config.short; arrays-- {
		config.take(1)
		for n := config.uint(2); n > 0 && !config.short; n-- {
			if refused := check(config.take(int(config.uint(2)))); refused != nil {
				return 0, 0, refused
			}
		}
	}
	pictures, units := 0, 0
	for stream := (scanner{b: item.data}); len(stream.b) > 0; units++ {
		nal := stream.take(int(stream.uint(lengthSize)))
		switch {
		case stream.short:
			return 0, 0, truncated()
		case units >= maxNALs:
			return 0, 0, tooMuchWork("码流单元过多", "more pieces of bitstream than any phone writes")
		}
		if len(nal) < 3 {
			continue
		}
		if refused := check(nal); refused != nil {
			return 0, 0, refused
		}
		switch kind := nal[0] >> 1 & 0x3f; {
		case kind >= nalFirstOther:
		case kind < nalFirstIRAP || kind > nalLastIRAP:
			return 0, 0, malformed("是视频而不是照片", "it is part of a video, not a photo")
		case nal[2]&0x80 != 0:
			pictures++
		}
	}
	switch {
	case config.short || !found:
		return 0, 0, malformed("缺少解码参数", "what its decoder needs to know is missing")
	case pictures != 1:
		return 0, 0, malformed("码流中的图像数不为一", "there is not one picture in its bitstream")
	}
	if *pixels += decoded; *pixels > limits.Pixels+limits.Pixels/4 {
		return 0, 0, tooManyPixels(w, height, limits.Pixels)
	}
	return w, height, checkPixels(w, height, limits.Pixels)
}
