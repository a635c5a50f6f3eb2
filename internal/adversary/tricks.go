package adversary

import (
	"bytes"
	"image/jpeg"
	"math"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
)

const (
	empty       = roundsv1.CheckCode_CHECK_CODE_EMPTY
	undecodable = roundsv1.CheckCode_CHECK_CODE_UNDECODABLE
	tooLarge    = roundsv1.CheckCode_CHECK_CODE_TOO_LARGE
	wrongType   = roundsv1.CheckCode_CHECK_CODE_WRONG_TYPE
	polyglot    = roundsv1.CheckCode_CHECK_CODE_POLYGLOT
	reused      = roundsv1.CheckCode_CHECK_CODE_REUSED
	near        = roundsv1.CheckCode_CHECK_CODE_NEAR_DUPLICATE
	featureless = roundsv1.CheckCode_CHECK_CODE_FEATURELESS
	noChange    = roundsv1.CheckCode_CHECK_CODE_NO_CHANGE
	exifTime    = roundsv1.CheckCode_CHECK_CODE_EXIF_TIME
	exifMissing = roundsv1.CheckCode_CHECK_CODE_EXIF_MISSING
	dispatch    = roundsv1.CheckCode_CHECK_CODE_BEFORE_DISPATCH
	rejection   = roundsv1.CheckCode_CHECK_CODE_BEFORE_REJECTION
	outside     = roundsv1.CheckCode_CHECK_CODE_OUTSIDE
	mock        = roundsv1.CheckCode_CHECK_CODE_MOCK_LOCATION
	unknown     = roundsv1.CheckCode_CHECK_CODE_PLACE_UNKNOWN
	notCamera   = roundsv1.CheckCode_CHECK_CODE_NOT_CAMERA
	gap         = roundsv1.CheckCode_CHECK_CODE_GAP
	wrongPixels = roundsv1.CheckCode_CHECK_CODE_WRONG_PIXELS
)

// again is a kind that takes an older photo of another ticket, does something to it, and sends it as new. Every second one goes through a
// messenger, which leaves no EXIF; the others have their date set to now.
func again(name Kind, edit func(m *maker) func(*edited), want ...roundsv1.CheckCode) kind {
	return kind{name, func(m *maker, name Kind, out func(Item)) {
		source := m.past[m.random.IntN(len(m.past))]
		m.count++
		s := source
		s.ticket = m.ticket()
		i := m.item(name, s)
		i.Want = append([]roundsv1.CheckCode{near}, want...)
		x := drawn.Exif{Taken: m.now, Camera: "D7"}
		if m.random.IntN(2) == 0 && !slices.Contains(want, exifMissing) {
			x, i.Want = drawn.Exif{}, append(i.Want, exifMissing)
		}
		change, quality := edit(m), 70+m.random.IntN(20)
		i.render = func() []byte {
			e := decode(m.draw(source), quality)
			change(e)
			return x.With(e.encode())
		}
		out(i)
	}}
}

// broken is a kind whose bytes are an honest photo's, spoiled.
func broken(name Kind, want roundsv1.CheckCode, spoil func(m *maker) func([]byte) []byte) kind {
	return one(name, func(m *maker, i *Item) {
		render, do := i.render, spoil(m)
		i.render = func() []byte { return do(render()) }
	}, want)
}

// unchanged is a before-photo, honest, and an after-photo that is made from it.
func unchanged(name Kind, edit func(m *maker) func(*edited)) kind {
	return kind{name, func(m *maker, name Kind, out func(Item)) {
		before := m.aim()
		before.o.Stage, before.ticket = drawn.Before, m.ticket()
		first := m.item(name, before)
		first.Case.Photo.Role, first.Honest = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE, true
		out(first)
		m.past = append(m.past, before)
		m.step()
		m.count++
		second := m.item(name, before)
		second.Want = []roundsv1.CheckCode{noChange}
		x, change := drawn.Exif{Taken: m.now, Camera: "D7"}, edit(m)
		second.render = func() []byte {
			e := decode(m.draw(before), 82)
			change(e)
			return x.With(e.encode())
		}
		out(second)
	}}
}

// tamperedKinds are what people do to get by without the work, and what goes wrong by itself.
func tamperedKinds() []kind {
	crop := func(m *maker, most float64) func(*edited) {
		w, h, x, y := m.between(.02, most), m.between(.02, most), m.between(0, 1), m.between(0, 1)
		return func(e *edited) { e.crop(w, h, x, y) }
	}
	brightness := func(m *maker) func(*edited) {
		gain := m.between(.65, 1.45)
		return func(e *edited) { e.brighten(gain) }
	}
	return []kind{
		{"the same bytes on another ticket", func(m *maker, name Kind, out func(Item)) {
			s := m.past[m.random.IntN(len(m.past))]
			m.count++
			s.ticket = m.ticket()
			i := m.item(name, s)
			i.Want, i.May = []roundsv1.CheckCode{reused}, []roundsv1.CheckCode{near} // of other photos that were made from it
			if m.now.Sub(s.at) > 10*time.Minute {
				i.Want = append(i.Want, exifTime)
			}
			out(i)
		}},
		again("resized", func(m *maker) func(*edited) {
			factor := m.between(.35, .9)
			return func(e *edited) { e.resize(factor) }
		}),
		again("recompressed", func(m *maker) func(*edited) {
			quality := 25 + m.random.IntN(45)
			return func(e *edited) { e.quality = quality }
		}),
		again("cropped by at most 10 %", func(m *maker) func(*edited) { return crop(m, .1) }),
		again("brighter or darker", func(m *maker) func(*edited) { return brightness(m) }),
		again("flipped", func(*maker) func(*edited) { return (*edited).flip }),
		{"screenshot", func(m *maker, name Kind, out func(Item)) {
			again(name, func(*maker) func(*edited) { return (*edited).screenshot }, exifMissing).make(m, name, func(i Item) {
				i.Case.Photo.MediaType, i.Case.Photo.Source = "image/png", roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY
				i.May = []roundsv1.CheckCode{reused} // the same photo, shot from the screen twice
				if i.Case.LiveCamera {
					i.Want = append(i.Want, notCamera)
				}
				out(i)
			})
		}},
		one("EXIF stripped", func(m *maker, i *Item) {
			render := i.render
			i.render = func() []byte { return drawn.Exif{}.With(render()) }
		}, exifMissing),
		one("EXIF date of another time", func(m *maker, i *Item) {
			taken := m.now.Add(-time.Duration(math.Exp(m.between(math.Log(700), math.Log(30*86400))) * float64(time.Second)))
			render := i.render
			i.render = func() []byte { return drawn.Exif{Taken: taken, Camera: "D2"}.With(render()) }
		}, exifTime),
		one("GPS outside", func(m *maker, i *Item) {
			loc := i.Case.Photo.Location
			far := math.Exp(m.between(math.Log(100), math.Log(20_000)))
			angle := m.between(0, 2*math.Pi)
			p := drawn.Point{Latitude: loc.Latitude, Longitude: loc.Longitude}.Offset(far*math.Sin(angle), far*math.Cos(angle))
			loc.Latitude, loc.Longitude = p.Latitude, p.Longitude
		}, outside),
		one("place made up", func(_ *maker, i *Item) { i.Case.Photo.Location.Mocked = true }, mock),
		one("from the gallery", func(_ *maker, i *Item) {
			i.Case.LiveCamera, i.Case.Photo.Source = true, roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY
		}, notCamera),
		one("near-black basement", func(m *maker, i *Item) { m.dim(i, drawn.Door, m.between(.005, .06)) }, featureless, unknown),
		one("flat wall", func(m *maker, i *Item) { m.dim(i, drawn.Wall, 1) }, featureless, unknown),
		unchanged("the before-photo sent as after", func(*maker) func(*edited) { return func(*edited) {} }),
		unchanged("nothing was done, taken again", func(m *maker) func(*edited) {
			a, b := crop(m, .04), m.between(.85, 1.15)
			return func(e *edited) { a(e); e.brighten(b) }
		}),
		one("taken before the dispatch", func(m *maker, i *Item) {
			i.Case.DispatchedUs = i.Case.CapturedUs + int64(m.between(61, 7200)*1e6)
		}, dispatch),
		one("taken before the rejection", func(m *maker, i *Item) {
			i.Case.Photo.Round, i.Case.RejectedUs = 2, i.Case.CapturedUs+int64(m.between(61, 7200)*1e6)
		}, rejection),
		one("photos kept back", func(m *maker, i *Item) {
			i.Case.Missing = []uint64{m.count - 1}
		}, gap),
		one("another size than promised", func(_ *maker, i *Item) {
			i.lie = func(p *roundsv1.Photo) { p.WidthPx, p.HeightPx = 4032, 3024 }
		}, wrongPixels),
		broken("cut off", undecodable, func(m *maker) func([]byte) []byte {
			share := m.between(.1, .98)
			return func(b []byte) []byte { return b[:int(float64(len(b))*share)] }
		}),
		broken("no bytes", empty, func(*maker) func([]byte) []byte { return func([]byte) []byte { return nil } }),
		broken("decode bomb", tooLarge, func(*maker) func([]byte) []byte { return inflate }),
		broken("not the promised type", wrongType, func(*maker) func([]byte) []byte {
			return func(b []byte) []byte {
				e := decode(b, 0)
				return e.encode() // quality 0 is PNG
			}
		}),
		broken("an archive behind the image", polyglot, func(*maker) func([]byte) []byte {
			return func(b []byte) []byte { return append(b, "PK\x03\x04\x14\x00\x00\x00\x08\x00 payload"...) }
		}),
	}
}

// dim has an item show a scene in little light, where there is no fix.
func (m *maker) dim(i *Item, scene drawn.Scene, light float64) {
	m.noFix(i)
	s := m.aim()
	s.o.Light = light
	i.render = func() []byte { return drawn.Photo(m.seed<<16+uint64(s.place), scene, s.o) }
}

// inflate has a JPEG say that it is 60,000 pixels wide and high.
func inflate(b []byte) []byte {
	at := bytes.Index(b, []byte{0xff, 0xc0, 0x00, 0x11})
	if at < 0 {
		return b
	}
	b = slices.Clone(b)
	copy(b[at+5:], []byte{0xea, 0x60, 0xea, 0x60})
	return b
}

// decode takes a drawn photo apart to be edited.
func decode(b []byte, quality int) *edited {
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		panic("adversary: a drawn photo: " + err.Error()) // it was just encoded
	}
	return &edited{img: img, quality: quality}
}
