package picture

// Limits of the boxes of one HEIC file. An iPhone's 48 megapixel photo has about 200 items.
const (
	maxMeta       = 4 << 20
	maxItems      = 1024
	maxProperties = 1024
	maxExtents    = 4096
	maxReferences = 4096
)

// heifItem is one item of a HEIF file: a coded image, a grid of them, EXIF.
type heifItem struct {
	kind       string
	properties []int // into heif.properties
	data       []byte
	located    bool
	references map[string][]uint32 // by kind, to other items
}

type heifProperty struct {
	kind string
	body []byte
}

// heif is what the meta box of a HEIF file tells.
type heif struct {
	file       []byte
	primary    uint32
	items      map[uint32]*heifItem
	properties []heifProperty
	inner      []byte // the idat box
	located    int64  // bytes of all items together
	extents    int
}

// scanner reads numbers off the front of bytes. Beyond their end it reads zeros and remembers.
type scanner struct {
	b     []byte
	short bool
}

func (s *scanner) take(n int) []byte {
	if n < 0 || n > len(s.b) {
		s.short, s.b = true, nil
		return make([]byte, min(max(n, 0), 16))
	}
	out := s.b[:n]
	s.b = s.b[n:]
	return out
}

// uint reads a number of n bytes, 0 to 8.
func (s *scanner) uint(n int) (v uint64) {
	for _, c := range s.take(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

// box reads the next box: its kind and body. At the end, and where a box does not fit, it returns "".
func (s *scanner) box() (string, []byte) {
	if len(s.b) == 0 {
		return "", nil
	}
	whole := len(s.b)
	size, kind := s.uint(4), string(s.take(4))
	switch size {
	case 0: // to the end
		size = uint64(whole)
	case 1:
		size = s.uint(8)
	}
	header := whole - len(s.b)
	if s.short || size < uint64(header) || size > uint64(whole) {
		s.short, s.b = true, nil
		return "", nil
	}
	return kind, s.take(int(size) - header)
}

// full reads a box's version and flags.
func (s *scanner) full() (version byte, flags uint32) {
	v := s.uint(4)
	return byte(v >> 24), uint32(v & 0xffffff)
}

// readHEIF reads the boxes of a file. Boxes that it does not know it leaves alone where they may be, and refuses on the top.
func readHEIF(b []byte) (*heif, *Refused) {
	h := &heif{file: b, items: map[uint32]*heifItem{}}
	s, metas := scanner{b: b}, 0
	for len(s.b) > 0 {
		left := len(s.b)
		kind, body := s.box()
		switch kind {
		case "meta":
			if metas++; metas > 1 || len(body) > maxMeta {
				return nil, malformed("元数据错误", "it has two lists of contents, or one of an absurd size")
			}
			if refused := h.meta(body); refused != nil {
				return nil, refused
			}
		// What phones write beside it: the data, padding, live photos and bursts, Samsung's additions.
		case "ftyp", "mdat", "free", "skip", "wide", "uuid", "moov", "sefd", "mpvd", "idat":
		default:
			if s.short && metas > 0 && knownBox(b[len(b)-left:]) {
				return nil, truncated()
			}
			if metas == 0 {
				return nil, truncated()
			}
			if rest := padding(b[len(b)-left:]); len(rest) == 0 {
				return h, nil
			}
			return nil, behindEnd(left)
		}
	}
	if metas == 0 {
		return nil, malformed("没有图像数据", "there is no image in it")
	}
	return h, nil
}

// knownBox tells whether a box that does not fit is one that was cut off.
func knownBox(b []byte) bool {
	return len(b) < 8 || string(b[4:8]) == "mdat" || string(b[4:8]) == "moov" || string(b[4:8]) == "free" || string(b[4:8]) == "uuid"
}

// meta reads the list of contents.
func (h *heif) meta(body []byte) *Refused {
	broken := malformed("元数据错误", "its list of contents is wrong")
	s := scanner{b: body}
	s.full()
	var locations, associations, references []byte
	for len(s.b) > 0 {
		kind, body := s.box()
		in := scanner{b: body}
		switch kind {
		case "":
			return broken
		case "pitm":
			version, _ := in.full()
			h.primary = uint32(in.uint(wide(version >= 1)))
		case "iinf":
			version, _ := in.full()
			if n := in.uint(wide(version >= 1)); n > maxItems {
				return tooMuchWork("条目过多", "more parts than any phone writes")
			}
			for len(in.b) > 0 {
				if !h.entry(&in) || len(h.items) > maxItems {
					return broken
				}
			}
		case "iprp":
			for len(in.b) > 0 {
				kind, body := in.box()
				switch kind {
				case "":
					return broken
				case "ipco":
					for list := (scanner{b: body}); len(list.b) > 0; {
						kind, body := list.box()
						if kind == "" || len(h.properties) >= maxProperties {
							return broken
						}
						h.properties = append(h.properties, heifProperty{kind, body})
					}
				case "ipma":
					associations = body
				}
			}
		case "iloc":
			locations = body
		case "iref":
			references = body
		case "idat":
			h.inner = body
		}
		if in.short {
			return broken
		}
	}
	if !h.associate(associations) || !h.refer(references) {
		return broken
	}
	return h.locate(locations)
}

// wide is the width of ids: 4 bytes or 2.
func wide(yes bool) int {
	if yes {
		return 4
	}
	return 2
}

// entry reads one infe box.
func (h *heif) entry(in *scanner) bool {
	kind, body := in.box()
	if kind != "infe" {
		return false
	}
	s := scanner{b: body}
	version, _ := s.full()
	if version < 2 {
		return true // of no kind that concerns images
	}
	id := uint32(s.uint(wide(version >= 3)))
	s.take(2)
	item := &heifItem{kind: string(s.take(4)), references: map[string][]uint32{}}
	if _, twice := h.items[id]; twice || s.short {
		return false
	}
	h.items[id] = item
	return true
}

// associate reads which properties items have.
func (h *heif) associate(body []byte) bool {
	if body == nil {
		return true
	}
	s := scanner{b: body}
	version, flags := s.full()
	total := 0
	for n := s.uint(4); n > 0 && !s.short; n-- {
		item := h.items[uint32(s.uint(wide(version >= 1)))]
		for m := s.uint(1); m > 0 && !s.short; m-- {
			index := int(s.uint(1))
			if flags&1 != 0 {
				index = (index&0x7f)<<8 | int(s.uint(1))
			} else {
				index &= 0x7f
			}
			if total++; total > maxExtents {
				return false
			}
			if item != nil && index > 0 && index <= len(h.properties) {
				item.properties = append(item.properties, index-1)
			}
		}
	}
	return !s.short
}

// refer reads which items refer to which.
func (h *heif) refer(body []byte) bool {
	if body == nil {
		return true
	}
	s := scanner{b: body}
	version, _ := s.full()
	total := 0
	for len(s.b) > 0 {
		kind, body := s.box()
		in := scanner{b: body}
		from := h.items[uint32(in.uint(wide(version >= 1)))]
		for n := in.uint(2); n > 0 && !in.short; n-- {
			to := uint32(in.uint(wide(version >= 1)))
			if total++; total > maxReferences {
				return false
			}
			if from != nil {
				from.references[kind] = append(from.references[kind], to)
			}
		}
		if kind == "" || in.short {
			return false
		}
	}
	return true
}

// locate reads where the data of items stand. All of them together may not be more than twice the file, or a few bytes would be read over and over.
func (h *heif) locate(body []byte) *Refused {
	broken := malformed("元数据错误", "its list of contents is wrong")
	s := scanner{b: body}
	version, _ := s.full()
	sizes := s.uint(2)
	offsetSize, lengthSize, baseSize, indexSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if max(offsetSize, lengthSize, baseSize, indexSize) > 8 || version > 2 {
		return broken
	}
	for n := s.uint(wide(version == 2)); n > 0 && !s.short; n-- {
		item, method := h.items[uint32(s.uint(wide(version == 2)))], uint64(0)
		if version >= 1 {
			method = s.uint(2) & 15
		}
		s.take(2)
		base := s.uint(baseSize)
		for m := s.uint(2); m > 0 && !s.short; m-- {
			if version >= 1 {
				s.take(indexSize)
			}
			at, length := base+s.uint(offsetSize), s.uint(lengthSize)
			if item == nil || s.short {
				continue
			}
			from := h.file
			switch method {
			case 0:
			case 1:
				from = h.inner
			default:
				return broken
			}
			h.extents++
			h.located += int64(min(length, uint64(len(h.file))))
			switch size := uint64(len(from)); {
			case at > size || length > size-at:
				return truncated()
			case h.extents > maxExtents || h.located > 2*int64(len(h.file)):
				return tooMuchWork("数据区重叠", "more data than the file has")
			case length == 0:
				length = size - at
			}
			if part := from[at : at+length]; item.located {
				item.data = append(item.data[:len(item.data):len(item.data)], part...)
			} else {
				item.data, item.located = part, true
			}
		}
	}
	if s.short {
		return broken
	}
	return nil
}

// property returns the first property of a kind that an item has, or nil.
func (h *heif) property(item *heifItem, kind string) []byte {
	for _, n := range item.properties {
		if h.properties[n].kind == kind {
			return h.properties[n].body
		}
	}
	return nil
}
