package adversary

import (
	"fmt"
	"strconv"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
)

func itoa(n int) string { return strconv.Itoa(n) }

// outline is a place of 60 m by 40 m, as the directory has it.
func outline(middle drawn.Point) string {
	a, b := middle.Offset(-20, -30), middle.Offset(20, 30)
	return fmt.Sprintf("POLYGON ((%[1]f %[2]f, %[3]f %[2]f, %[3]f %[4]f, %[1]f %[4]f, %[1]f %[2]f))", a.Longitude, a.Latitude, b.Longitude, b.Latitude)
}

// honest emits what a kind makes, as nobody's fault.
func (m *maker) honest(k kind) {
	k.make(m, k.name, func(i Item) {
		i.Honest = true
		m.out(i)
	})
}

// trick emits what a kind makes; honest photos that belong to it say so themselves.
func (m *maker) trick(k kind) { k.make(m, k.name, m.out) }

// kind is a way to take or to spoil a photo.
type kind struct {
	name Kind
	make func(m *maker, name Kind, out func(Item))
}

// one is a kind of which each is one photo of its own.
func one(name Kind, change func(m *maker, i *Item), want ...roundsv1.CheckCode) kind {
	return kind{name, func(m *maker, name Kind, out func(Item)) {
		s := m.aim()
		s.ticket = m.ticket()
		i := m.item(name, s)
		i.Want = want
		if change != nil {
			change(m, &i)
		}
		if i.Want == nil && !i.single {
			m.past = append(m.past, s)
		}
		out(i)
	}}
}

func (m *maker) noFix(i *Item) {
	i.Case.Photo.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX}
	i.Case.Area.Signal = roundsv1.Signal_SIGNAL_NONE
}

// pair is a photo before and one after the work.
func pair(name Kind, steady bool) kind {
	return kind{name, func(m *maker, name Kind, out func(Item)) {
		before := m.aim()
		before.o.Stage, before.ticket = drawn.Before, m.ticket()
		if steady {
			before.o.Stand = m.count
		}
		first := m.item(name, before)
		first.Case.Photo.Role = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE
		out(first)
		m.step()
		after := m.aimAt(before.place, drawn.After)
		after.o.Stand, after.ticket = before.o.Stand, before.ticket
		out(m.item(name, after))
		m.past = append(m.past, before, after)
	}}
}

// honestKinds are the ways in which photos are taken by people who do their work. Places come again: most photos are of a place that was
// photographed before, on another day.
func honestKinds() []kind {
	return []kind{
		one("the same places again, on other tickets", nil),
		pair("before and after, from the hand", false),
		one("the same places again, on other tickets", nil),
		pair("before and after, from the same spot", true),
		one("basement without a fix", func(m *maker, i *Item) { m.noFix(i) }, unknown),
		one("basement, tag scanned", func(m *maker, i *Item) {
			m.noFix(i)
			loc := i.Case.Photo.Location
			loc.Source, loc.PlaceId = roundsv1.LocationSource_LOCATION_SOURCE_TAG, i.Case.Area.PlaceIDs[0]
		}),
		one("basement, last fix some minutes old", func(m *maker, i *Item) {
			loc := i.Case.Photo.Location
			age := m.between(60, 3600)
			far := where(m.random.IntN(places)) // anywhere within reach
			old := drawn.Point{Latitude: loc.Latitude, Longitude: loc.Longitude}
			share := min(1, age*1.2/2500)
			loc.Source, loc.AgeUs = roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX, int64(age*1e6)
			loc.Latitude += (far.Latitude - old.Latitude) * share
			loc.Longitude += (far.Longitude - old.Longitude) * share
			i.Case.Area.Signal = roundsv1.Signal_SIGNAL_NONE
		}),
		one("the phone's clock is wrong", func(m *maker, i *Item) {
			wrong := time.Duration(m.between(-72, 72) * float64(time.Hour)).Truncate(time.Second)
			i.Case.Photo.Captured.WallUs += wrong.Microseconds()
			render := i.render
			taken := m.now.Add(wrong)
			i.single = true
			i.render = func() []byte { return drawn.Exif{Taken: taken, Camera: "D4"}.With(render()) }
		}),
		one("second round, after the rejection", func(m *maker, i *Item) {
			i.Case.Photo.Round, i.Case.RejectedUs = 2, i.Case.CapturedUs-int64(m.between(5, 7200)*1e6)
		}),
	}
}
