package drawn

func (m *maker) lift() {
	x, y, w, h := m.between(200, 620), m.between(140, 280), m.between(520, 760), m.between(680, 780)
	steel := m.one(rgb(176, 178, 180), rgb(186, 160, 110), rgb(130, 134, 140), rgb(150, 120, 96))
	m.rect(x-50, y-60, w+100, h+60, steel.lit(-50))
	m.rect(x, y, w, h, steel)
	gap := m.between(0, 1)
	if m.place.IntN(2) == 0 { // it stands open: the car
		gap *= .6
		m.rect(x+w*(.5-gap/2), y, w*gap, h, rgb(226, 214, 190))
		m.rect(x+w*(.5-gap/2), y+h*.86, w*gap, h*.14, rgb(104, 92, 80))
		m.rect(x+w*(.5-gap/2), y+h*m.between(.4, .6), w*gap, 22, steel.lit(-20))
	} else {
		m.rect(x+w/2-3, y, 6, h, steel.lit(-80))
	}
	bx := x + w + m.between(90, 200)
	m.rect(bx, y+h*m.between(.3, .5), 84, 200, steel.lit(20))
	m.disc(bx+42, y+h*.55, 24, 24, m.one(rgb(230, 60, 40), rgb(240, 240, 236)))
	m.rect(x+w*.35, y-48, w*.3, 40, rgb(20, 20, 24))
	m.digits(x+w*.4, y-44, w*.2, 32, m.place.IntN(30)+1)
	if m.place.IntN(2) == 0 { // a plant, or a chair
		px := m.between(60, 180)
		m.rect(px, 860, 110, 140, rgb(130, 90, 60))
		for range 14 {
			m.disc(px+m.between(-40, 150), m.between(640, 860), m.between(20, 50), m.between(30, 70), rgb(30, int(m.between(80, 130)), 50))
		}
	}
}

func (m *maker) bays() {
	white, horizon := m.one(rgb(226, 226, 220), rgb(220, 180, 50)), m.between(300, 500)
	vanish := m.between(300, 1300)
	for x := -1600 + m.between(0, 400); x < 3200; x += m.between(330, 520) { // lines that meet far away
		m.slab(horizon, vanish+(x-vanish)*.12, vanish+(x+30-vanish)*.12, worldH, x, x+30, white)
	}
	if m.place.IntN(2) == 0 {
		m.rect(0, m.between(horizon+60, 900), worldW, 22, white)
	}
	for range 1 + m.place.IntN(3) { // columns with bands and a number
		x, w := m.between(60, 1450), m.between(90, 190)
		base := m.between(620, 1000)
		m.rect(x, 0, w, base, m.one(rgb(200, 200, 194), rgb(170, 172, 170), rgb(150, 160, 166)))
		band := m.one(rgb(36, 110, 180), rgb(220, 120, 30), rgb(40, 140, 90))
		m.rect(x, base*.35, w, base*.22, band)
		m.digits(x+w*.15, base*.4, w*.7, 44, m.place.IntN(999))
		for i := 0.0; i < 4; i++ {
			m.rect(x, base-40*(i+1), w, 20, rgb(226, 190, 30))
		}
	}
	if m.place.IntN(3) > 0 { // a car
		x, y := m.between(100, 1100), m.between(480, 760)
		k := m.one(rgb(200, 200, 204), rgb(30, 32, 36), rgb(140, 26, 30), rgb(40, 60, 110))
		m.slab(y, x+90, x+330, y+90, x+40, x+390, rgb(60, 70, 80))
		m.rect(x, y+90, 430, 130, k)
		m.disc(x+90, y+220, 46, 46, rgb(20, 20, 22))
		m.disc(x+340, y+220, 46, 46, rgb(20, 20, 22))
	}
}

func (m *maker) garden() {
	sky := m.between(100, 480)
	m.rect(0, 0, worldW, sky, m.one(rgb(170, 200, 226), rgb(206, 212, 214), rgb(140, 170, 200)))
	m.rect(0, sky, worldW, worldH-sky, m.one(rgb(84, 128, 60), rgb(100, 120, 66), rgb(70, 110, 60)))
	x0, x1 := m.between(100, 1200), m.between(0, 1300)
	m.slab(sky, x0, x0+m.between(40, 120), worldH, x1, x1+m.between(260, 560), m.one(rgb(180, 172, 160), rgb(150, 150, 150), rgb(170, 120, 96)))
	for range 40 + m.place.IntN(60) { // shrubs
		y := m.between(sky-60, worldH)
		size := 20 + (y-sky)*.09
		m.disc(m.between(0, worldW), y, size*m.between(.8, 2), size*m.between(.6, 1.3), rgb(int(m.between(30, 80)), int(m.between(70, 140)), 44))
	}
	for range 1 + m.place.IntN(3) { // trees
		x, y := m.between(60, 1500), m.between(sky, sky+300)
		m.rect(x-20, y-m.between(200, 400), 40, 400, rgb(90, 70, 52))
		for range 16 {
			m.disc(x+m.between(-150, 150), y-m.between(180, 460), m.between(40, 90), m.between(40, 90), rgb(40, int(m.between(80, 120)), 40))
		}
	}
	if m.place.IntN(2) == 0 { // a lamp
		x := m.between(200, 1400)
		m.rect(x, 100, 16, 800, rgb(40, 42, 44))
		m.disc(x+8, 100, 50, 50, rgb(240, 236, 210))
	}
}

// dirt is what the work takes away, below a height: puddles or stains, and litter. Where it lies comes from the shot, for no two days are alike.
func (m *maker) dirt(top float64) {
	some := func(low, high float64) float64 { return low + (high-low)*m.shot.Float64() }
	for range 2 + m.shot.IntN(3) { // stains and puddles
		x, y := some(300, 1300), some(top+30, 1020)
		k := []ink{rgb(40, 34, 28), rgb(60, 50, 30), rgb(150, 170, 180), rgb(90, 70, 40)}[m.shot.IntN(4)].thin(.72)
		for range 5 {
			m.disc(x+some(-90, 90), y+some(-45, 45), some(70, 190), some(40, 100), k)
		}
	}
	for range 10 + m.shot.IntN(16) { // litter
		x, y := some(240, 1360), some(top, 1080)
		k := []ink{rgb(240, 240, 236), rgb(200, 50, 40), rgb(50, 80, 160), rgb(130, 96, 56), rgb(30, 30, 30), rgb(230, 200, 60)}[m.shot.IntN(6)]
		switch w, h := some(24, 110), some(18, 80); m.shot.IntN(3) {
		case 0:
			m.disc(x, y, w/2, h/2, k)
		case 1:
			m.slab(y, x+some(0, w), x+w+some(0, 30), y+h, x-some(0, 30), x+some(w*.3, w), k)
		default:
			m.line(x, y, x+some(-w, w), y+some(-h, h), some(8, 22), k)
		}
	}
}
