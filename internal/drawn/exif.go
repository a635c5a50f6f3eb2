package drawn

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// Exif is what a photo says about its own making.
type Exif struct {
	// Taken is the time of the making, written to the second in the time's own zone; zero: the photo does not say.
	Taken time.Time
	// Zoneless leaves the zone of Taken out, as older phones do.
	Zoneless bool
	// Location is where it was made; nil: the photo does not say.
	Location *Point
	// Camera is the model of the phone; empty: the photo does not say.
	Camera string
}

// Point is a position, degrees, WGS 84.
type Point struct {
	Latitude, Longitude float64
}

// Offset returns the point so many metres to the north and to the east. It is good to a thousandth for distances within a city.
func (p Point) Offset(northM, eastM float64) Point {
	const degreeM = 111_320
	return Point{p.Latitude + northM/degreeM, p.Longitude + eastM/(degreeM*math.Cos(p.Latitude*math.Pi/180))}
}

// The tags and field types of EXIF 2.32 that are written here.
const (
	tagMake, tagModel, tagOrientation, tagDateTime = 0x010f, 0x0110, 0x0112, 0x0132
	tagExifIFD, tagGPSIFD                          = 0x8769, 0x8825
	tagOriginal, tagOffsetOriginal                 = 0x9003, 0x9011
	tagLatRef, tagLat, tagLonRef, tagLon           = 1, 2, 3, 4

	typeASCII, typeShort, typeLong, typeRational = 2, 3, 4, 5
)

// entry is one field of a directory; value is in big-endian order.
type entry struct {
	tag, kind uint16
	count     uint32
	value     []byte
}

func ascii(tag uint16, text string) entry {
	return entry{tag, typeASCII, uint32(len(text) + 1), append([]byte(text), 0)}
}

func pointer(tag uint16, to int) entry {
	return entry{tag, typeLong, 1, binary.BigEndian.AppendUint32(nil, uint32(to))}
}

// degrees writes an angle as degrees, minutes and ten-thousandths of a second.
func degrees(tag uint16, angle float64) entry {
	const perSecond = 10_000
	units := uint32(math.Round(math.Abs(angle) * 3600 * perSecond))
	var b []byte
	for _, v := range []uint32{units / (3600 * perSecond), 1, units / (60 * perSecond) % 60, 1, units % (60 * perSecond), perSecond} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return entry{tag, typeRational, 3, b}
}

// directorySize is what appendDirectory writes.
func directorySize(entries []entry) int {
	n := 2 + 12*len(entries) + 4
	for _, e := range entries {
		if len(e.value) > 4 {
			n += len(e.value) + len(e.value)%2
		}
	}
	return n
}

// appendDirectory writes a directory that begins at b's end, then the values that do not fit into it. b begins with the TIFF header.
func appendDirectory(b []byte, entries []entry) []byte {
	slices.SortFunc(entries, func(a, b entry) int { return int(a.tag) - int(b.tag) })
	at := len(b) + 2 + 12*len(entries) + 4
	var values []byte
	b = binary.BigEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = binary.BigEndian.AppendUint16(b, e.tag)
		b = binary.BigEndian.AppendUint16(b, e.kind)
		b = binary.BigEndian.AppendUint32(b, e.count)
		if len(e.value) <= 4 {
			b = append(b, append(e.value, 0, 0, 0, 0)[:4]...)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(at+len(values)))
		values = append(values, e.value...)
		if len(values)%2 == 1 {
			values = append(values, 0)
		}
	}
	return append(append(b, 0, 0, 0, 0), values...)
}

// segment returns the APP1 segment of a JPEG with what x says, or nil where it says nothing.
func (x Exif) segment() []byte {
	if x.Taken.IsZero() && x.Location == nil && x.Camera == "" {
		return nil
	}
	first := []entry{{tagOrientation, typeShort, 1, []byte{0, 1}}}
	var inner, gps []entry
	if x.Camera != "" {
		first = append(first, ascii(tagMake, "Drawn"), ascii(tagModel, x.Camera))
	}
	if !x.Taken.IsZero() {
		text := x.Taken.Format("2006:01:02 15:04:05")
		first = append(first, ascii(tagDateTime, text))
		inner = append(inner, ascii(tagOriginal, text))
		if !x.Zoneless {
			inner = append(inner, ascii(tagOffsetOriginal, x.Taken.Format("-07:00")))
		}
	}
	if x.Location != nil {
		north, east := "N", "E"
		if x.Location.Latitude < 0 {
			north = "S"
		}
		if x.Location.Longitude < 0 {
			east = "W"
		}
		gps = []entry{ascii(tagLatRef, north), degrees(tagLat, x.Location.Latitude), ascii(tagLonRef, east), degrees(tagLon, x.Location.Longitude)}
	}
	// The directories follow each other; the first one points to the others.
	const header = 8
	size := directorySize(first)
	for _, other := range [][]entry{inner, gps} {
		if len(other) > 0 {
			size += 12
		}
	}
	at := header + size
	if len(inner) > 0 {
		first = append(first, pointer(tagExifIFD, at))
		at += directorySize(inner)
	}
	if len(gps) > 0 {
		first = append(first, pointer(tagGPSIFD, at))
	}
	tiff := appendDirectory([]byte{'M', 'M', 0, 42, 0, 0, 0, header}, first)
	for _, other := range [][]entry{inner, gps} {
		if len(other) > 0 {
			tiff = appendDirectory(tiff, other)
		}
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	return append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2)), body...)
}

// With returns a JPEG that says x in place of what it said. What is no JPEG comes back as it is.
func (x Exif) With(photo []byte) []byte {
	if len(photo) < 4 || photo[0] != 0xff || photo[1] != 0xd8 {
		return photo
	}
	rest := photo[2:]
	for len(rest) >= 4 && rest[0] == 0xff && rest[1] == 0xe1 {
		n := 2 + int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest) {
			return photo
		}
		rest = rest[n:]
	}
	return slices.Concat(photo[:2], x.segment(), rest)
}
