package drawn

import (
	"math/rand/v2"
	"strconv"
)

// maker draws one place. What comes from place is the same in each of its photos; what comes from shot is of that moment.
type maker struct {
	*canvas
	place, shot *rand.Rand
}

// between draws a number of the place.
func (m *maker) between(low, high float64) float64 { return low + (high-low)*m.place.Float64() }

// one picks for the place.
func (m *maker) one(inks ...ink) ink { return inks[m.place.IntN(len(inks))] }

func (c *canvas) paint(scene Scene, place, shot *rand.Rand, o Options) {
	m := &maker{canvas: c, place: place, shot: shot}
	switch scene {
	case Bins:
		m.room(m.between(380, 760))
		m.bins()
	case Pipes:
		m.room(m.between(800, 1050))
		m.pipes()
	case Door:
		m.room(m.between(850, 1050))
		m.door()
	case Meter:
		m.room(m.between(900, 1150))
		m.meters(o.Reading)
	case Lift:
		m.room(m.between(850, 1000))
		m.lift()
	case Bays:
		m.room(m.between(300, 560))
		m.bays()
	case Garden:
		m.garden()
	case Wall:
		shade := int(m.between(120, 200))
		m.rect(0, 0, worldW, worldH, rgb(shade, shade-4, shade-10))
		return // no lamp, no dirt: there is nothing to see
	default:
		m.room(m.between(140, 520))
		m.tiles()
	}
	for range 3 + m.place.IntN(3) {
		m.glow(m.between(0, worldW), m.between(0, worldH), m.between(250, 620), m.between(-75, 75))
	}
	for range 2 { // the hour of the day, a flash, somebody's shadow
		m.glow(worldW*m.shot.Float64(), worldH*m.shot.Float64(), 250+400*m.shot.Float64(), 100*(m.shot.Float64()-.5))
	}
	if o.Stage == Before {
		top := 520.
		if scene == Meter {
			top = 900 // dirt on the floor; the digits stay readable
		}
		m.dirt(top)
	}
}

// room is a wall and a floor that meet at a height.
func (m *maker) room(horizon float64) {
	wall := m.one(rgb(196, 192, 180), rgb(176, 186, 190), rgb(206, 198, 170), rgb(150, 152, 150), rgb(120, 132, 140), rgb(214, 214, 210))
	floor := m.one(rgb(120, 118, 112), rgb(96, 104, 100), rgb(140, 126, 108), rgb(78, 82, 86), rgb(150, 150, 146), rgb(84, 110, 98))
	m.rect(0, 0, worldW, horizon, wall)
	if m.place.IntN(2) == 0 { // a band of another colour along the wall
		m.rect(0, horizon*m.between(.5, .8), worldW, horizon, wall.lit(-int(m.between(25, 60))))
	}
	m.rect(0, horizon, worldW, worldH-horizon, floor)
	m.rect(0, horizon-18, worldW, 18, floor.lit(-40))
	for range m.place.IntN(3) { // ducts and trays
		y := m.between(0, horizon*.5)
		m.rect(0, y, worldW, m.between(14, 60), wall.lit(int(m.between(-70, 30))))
	}
	for range m.place.IntN(3) { // columns
		x, w := m.between(0, worldW), m.between(50, 150)
		m.rect(x, 0, w, horizon+m.between(10, 90), wall.lit(int(m.between(-60, 40))))
	}
	for range 1 + m.place.IntN(3) { // notices
		x, y := m.between(150, 1400), m.between(60, max(80, horizon-200))
		w, h := m.between(60, 170), m.between(50, 150)
		m.rect(x, y, w, h, m.one(rgb(236, 236, 228), rgb(30, 96, 170), rgb(214, 190, 40), rgb(30, 130, 80)))
		for i := y + 14; i < y+h-10; i += 16 {
			m.rect(x+8, i, (w-16)*m.between(.5, 1), 5, rgb(70, 70, 76))
		}
	}
}

func (m *maker) tiles() {
	base := m.one(rgb(176, 168, 150), rgb(140, 146, 150), rgb(190, 186, 178), rgb(122, 112, 100), rgb(160, 130, 110))
	top, side := m.between(140, 420), m.between(90, 190)
	lean, checks := m.between(-.3, .3), m.place.IntN(3) == 0
	for y, height := top, side*.5; y < worldH; y, height = y+height, height*1.14 {
		wide := height * m.between(1.35, 1.4)
		shift := lean*(y-top) + m.between(0, 1)*wide
		for i, x := 0, shift-wide*float64(int(shift/wide)+1); x < worldW; i, x = i+1, x+wide {
			shade := int(m.between(-14, 14))
			if m.place.IntN(14) == 0 || (checks && i%2 == 0) {
				shade -= 45
			}
			m.slab(y+2, x+2, x+wide-2, y+height-2, x+2+lean*height, x+wide-2+lean*height, base.lit(shade))
		}
	}
	x, y := m.between(250, 1350), m.between(650, 1050)
	m.disc(x, y, 70, 40, rgb(60, 62, 64))
	for i := -50.0; i <= 50; i += 20 {
		m.rect(x+i-4, y-24, 8, 48, rgb(140, 142, 144))
	}
}

func (m *maker) bins() {
	n := 2 + m.place.IntN(3)
	floor := m.between(820, 1080)
	for i := range n {
		w := m.between(190, 300)
		x := 120 + (float64(i)+m.between(0, .4))*1350/float64(n)
		h := m.between(330, 560)
		body := m.one(rgb(40, 110, 62), rgb(44, 84, 150), rgb(90, 92, 96), rgb(150, 42, 40), rgb(200, 150, 40))
		y := floor - h + m.between(-60, 60)
		m.slab(y, x, x+w, y+h, x+w*.1, x+w*.9, body)
		m.rect(x-12, y-34, w+24, 40, body.lit(-34))
		m.rect(x+w*.3, y+h*.3, w*.4, h*.2, rgb(232, 232, 226))
		m.disc(x+w*.5, y+h*.4, w*.1, w*.1, body.lit(20))
		m.disc(x+w*.2, y+h, 26, 26, rgb(26, 26, 28))
		m.disc(x+w*.8, y+h, 26, 26, rgb(26, 26, 28))
		for k := x + 20; k < x+w-20; k += 34 {
			m.rect(k, y+h*.6, 8, h*.3, body.lit(18))
		}
	}
}

func (m *maker) pipes() {
	colours := []ink{rgb(168, 44, 40), rgb(40, 96, 160), rgb(60, 130, 76), rgb(170, 172, 174), rgb(196, 168, 50)}
	for range 3 + m.place.IntN(4) {
		k, thick := colours[m.place.IntN(len(colours))], m.between(30, 110)
		if m.place.IntN(2) == 0 {
			y := m.between(80, 900)
			m.pipe(0, y, worldW, thick, false, k)
			if m.place.IntN(2) == 0 {
				m.valve(m.between(200, 1400), y+thick/2, m.between(40, 90))
			}
		} else {
			x := m.between(80, 1450)
			m.pipe(x, 0, m.between(700, worldH), thick, true, k)
			if m.place.IntN(2) == 0 {
				m.valve(x+thick/2, m.between(200, 800), m.between(40, 90))
			}
		}
	}
	for range 1 + m.place.IntN(2) {
		x, y, r := m.between(250, 1350), m.between(200, 800), m.between(60, 110)
		m.disc(x, y, r, r, rgb(40, 42, 44))
		m.disc(x, y, r*.88, r*.88, rgb(236, 236, 230))
		m.line(x, y, x+r*m.between(-.7, .7), y-r*.6, 8, rgb(190, 30, 30))
	}
	if m.place.IntN(2) == 0 { // a pump on its base
		x, y := m.between(200, 1100), m.between(820, 980)
		k := m.one(rgb(44, 84, 150), rgb(50, 120, 80), rgb(120, 122, 124))
		m.rect(x-30, y+150, 420, 50, rgb(66, 68, 70))
		m.rect(x+120, y, 240, 150, k)
		m.disc(x+70, y+75, 90, 90, k.lit(-26))
	}
}

// pipe is level, or upright, from a point so far.
func (m *maker) pipe(x, y, length, thick float64, upright bool, k ink) {
	for i := range 6 { // round: lighter in the middle
		at, part := float64(i)/6, k.lit([]int{-40, -6, 24, 14, -14, -46}[i])
		if upright {
			m.rect(x+at*thick, y, thick/6+1, length, part)
		} else {
			m.rect(x, y+at*thick, length, thick/6+1, part)
		}
	}
	for at := m.between(60, 400); at < length; at += m.between(250, 500) { // flanges
		if upright {
			m.rect(x-thick*.2, y+at, thick*1.4, 26, k.lit(-30))
		} else {
			m.rect(x+at, y-thick*.2, 26, thick*1.4, k.lit(-30))
		}
	}
}

func (m *maker) valve(x, y, r float64) {
	red := m.one(rgb(190, 36, 34), rgb(36, 80, 170), rgb(220, 180, 40))
	m.disc(x, y, r, r, red)
	m.disc(x, y, r*.72, r*.72, rgb(84, 86, 88))
	turn := m.between(-1, 1)
	m.line(x-r*.8, y-r*.8*turn, x+r*.8, y+r*.8*turn, r*.2, red)
	m.line(x+r*.8*turn, y-r*.8, x-r*.8*turn, y+r*.8, r*.2, red)
}

func (m *maker) door() {
	for range 1 + m.place.IntN(2) {
		x, y, w := m.between(150, 900), m.between(120, 320), m.between(360, 560)
		h := m.between(680, 800)
		k := m.one(rgb(120, 60, 44), rgb(140, 144, 150), rgb(60, 96, 84), rgb(170, 150, 120), rgb(150, 40, 36))
		m.rect(x-24, y-24, w+48, h+24, k.lit(-46))
		m.rect(x, y, w, h, k)
		if m.place.IntN(2) == 0 {
			m.rect(x+w/2-3, y, 6, h, k.lit(-60))
		}
		if m.place.IntN(3) > 0 {
			m.rect(x+w*m.between(.15, .5), y+60, w*.26, m.between(120, 260), rgb(190, 210, 216))
		}
		m.rect(x+w*m.between(.1, .8), y+h*.52, 26, 96, rgb(206, 206, 200))
		m.rect(x+w*.2, y-100, w*.6, 66, rgb(20, 140, 80)) // the sign above it
		m.rect(x+w*.28, y-84, w*.2, 34, rgb(236, 246, 238))
	}
}

func (m *maker) meters(reading int) {
	x, y, w, h := m.between(180, 420), m.between(120, 260), m.between(820, 1080), m.between(640, 800)
	body := m.one(rgb(170, 172, 170), rgb(196, 190, 170), rgb(120, 130, 140), rgb(150, 160, 150))
	m.rect(x-16, y-16, w+32, h+32, body.lit(-60))
	m.rect(x, y, w, h, body)
	rows, columns := 1+m.place.IntN(2), 1+m.place.IntN(3)
	for row := range rows {
		for column := range columns {
			mw, mh := w/float64(columns), h/float64(rows)
			mx, my := x+float64(column)*mw+mw*.1, y+float64(row)*mh+mh*m.between(.1, .3)
			m.rect(mx, my, mw*.8, mh*.5, rgb(30, 32, 34))
			m.rect(mx+mw*.05, my+mh*.06, mw*.7, mh*.34, m.one(rgb(170, 190, 150), rgb(40, 52, 40)))
			value := reading
			if value == 0 {
				value = m.place.IntN(900_000) + m.shot.IntN(90_000)
			}
			m.digits(mx+mw*.1, my+mh*.12, mw*.6, mh*.2, value)
		}
	}
	for range 3 + m.place.IntN(6) { // lamps and buttons
		bx, by := x+w*m.between(.08, .92), y+h*m.between(.8, .95)
		m.disc(bx, by, 24, 24, m.one(rgb(200, 30, 30), rgb(40, 170, 70), rgb(230, 190, 40), rgb(30, 30, 34)))
	}
	m.rect(x+w*m.between(.05, .8), y+h*m.between(.55, .7), 120, 84, rgb(226, 196, 40)) // a warning
}

// segments of each digit: top, upper left, upper right, middle, lower left, lower right, bottom.
const segments = "1110111 0010010 1011101 1011011 0111010 1101011 1101111 1010010 1111111 1111011"

// digits writes a number of six digits into a box, as a display of seven segments does.
func (m *maker) digits(x, y, w, h float64, value int) {
	text := strconv.Itoa(1_000_000 + value%1_000_000)[1:]
	k := rgb(12, 14, 12)
	if i := int(y*m.scale)*m.w + int(x*m.scale); i < len(m.y) && m.y[i] < 90 {
		k = rgb(120, 250, 130) // a display that shines
	}
	step := w / 6
	for i, digit := range text {
		on := segments[8*int(digit-'0'):][:7]
		left, wide, thick := x+float64(i)*step, step*.62, step*.13
		for s, box := range [7][4]float64{
			{0, 0, wide, thick}, {0, 0, thick, h / 2}, {wide - thick, 0, thick, h / 2}, {0, h/2 - thick/2, wide, thick},
			{0, h / 2, thick, h / 2}, {wide - thick, h / 2, thick, h / 2}, {0, h - thick, wide, thick},
		} {
			if on[s] == '1' {
				m.rect(left+box[0], y+box[1], box[2], box[3], k)
			}
		}
	}
}
