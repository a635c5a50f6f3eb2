package community

import (
	"fmt"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The sizes of the site. Homes are 4 a floor.
const (
	towers       = 8
	homesAFloor  = 4
	fireZones    = 18
	sumpPits     = 14
	gardenZones  = 6
	gates        = 3
	baysOfB1     = 612
	baysOfB2     = 588
	firstTopTo   = 30 // floors of the first tower; they grow to 33
	floorsSpread = 4
)

func (m *maker) place(parent string, t roundsv1.PlaceType, code string, name *roundsv1.Text, signal roundsv1.Signal, at rect) string {
	p := Place{ID: m.id("place", code), Place: &roundsv1.Place{ParentId: parent, Type: t, Code: code, Name: name, Signal: signal,
		Tag: "rounds:tag:" + strings.ToLower(code), Outline: at.wkt()}}
	m.Places = append(m.Places, p)
	return p.ID
}

func (m *maker) places() {
	none, weak, ok := roundsv1.Signal_SIGNAL_NONE, roundsv1.Signal_SIGNAL_WEAK, roundsv1.Signal_SIGNAL_OK
	building, floor, zone := roundsv1.PlaceType_PLACE_TYPE_BUILDING, roundsv1.PlaceType_PLACE_TYPE_FLOOR, roundsv1.PlaceType_PLACE_TYPE_ZONE
	room, point := roundsv1.PlaceType_PLACE_TYPE_ROOM, roundsv1.PlaceType_PLACE_TYPE_POINT
	for t := 1; t <= towers; t++ {
		tower := m.place("", building, fmt.Sprintf("T%d", t), text(fmt.Sprintf("%d栋", t), fmt.Sprintf("Tower %d", t)), ok, towerAt(t-1))
		for s := 1; s <= 2; s++ {
			m.place(tower, zone, fmt.Sprintf("T%d-ST%d", t, s), text(fmt.Sprintf("%d栋%d号楼梯", t, s), fmt.Sprintf("Tower %d stairs %d", t, s)), weak, towerAt(t-1).in(s-1, 4, 1))
			m.place(tower, room, fmt.Sprintf("T%d-L%d", t, s), text(fmt.Sprintf("%d栋%d号电梯", t, s), fmt.Sprintf("Tower %d lift %d", t, s)), none, towerAt(t-1).in(s+1, 4, 1))
		}
		for f := 1; f <= firstTopTo+(t-1)%floorsSpread; f++ {
			m.place(tower, floor, fmt.Sprintf("T%d-F%02d", t, f), text(fmt.Sprintf("%d栋%d层", t, f), fmt.Sprintf("Tower %d floor %d", t, f)), ok, towerAt(t-1))
		}
	}
	b1 := m.place("", floor, "B1", text("地下一层", "Basement 1"), weak, ground())
	b2 := m.place("", floor, "B2", text("地下二层", "Basement 2"), none, ground())
	for z := 1; z <= fireZones; z++ {
		parent, signal := b1, weak
		if z > fireZones/2 {
			parent, signal = b2, none
		}
		m.place(parent, zone, fmt.Sprintf("FZ%02d", z), text(fmt.Sprintf("防火分区%d", z), fmt.Sprintf("Fire zone %d", z)), signal, ground().in(z-1, 3, 3))
	}
	for i, name := range [][2]string{{"高压配电房", "HV switch room"}, {"低压配电房", "LV switch room"}, {"发电机房", "Generator room"}, {"生活水泵房", "Water pump room"},
		{"消防泵房", "Fire pump room"}, {"风机房一", "Fan room 1"}, {"风机房二", "Fan room 2"}, {"风机房三", "Fan room 3"}, {"弱电机房", "ELV room"},
		{"换热站", "Heat exchange station"}, {"垃圾房", "Refuse room"}, {"隔油间", "Grease trap room"}} {
		m.place(b2, room, fmt.Sprintf("PR%02d", i+1), text(name[0], name[1]), none, rect{0, 0, siteWidth, 24}.in(i, 12, 1))
	}
	for p := 1; p <= sumpPits; p++ {
		m.place(b2, point, fmt.Sprintf("SP%02d", p), text(fmt.Sprintf("集水井%d", p), fmt.Sprintf("Sump pit %d", p)), none, spot(10+16*float64(p-1), 190))
	}
	for g := 1; g <= gardenZones; g++ {
		m.place("", zone, fmt.Sprintf("GZ%d", g), text(fmt.Sprintf("园区%d", g), fmt.Sprintf("Garden zone %d", g)), ok, ground().in(g-1, 3, 2))
	}
	for g := 1; g <= gates; g++ {
		m.place("", point, fmt.Sprintf("GT%d", g), text(fmt.Sprintf("%d号门", g), fmt.Sprintf("Gate %d", g)), ok, spot(siteWidth/2*float64(g-1), 0))
	}
	m.place("", building, "KG", text("幼儿园", "Kindergarten"), ok, rect{siteWidth + 5, 20, 40, 60})
	m.place("", building, "CH", text("会所", "Clubhouse"), ok, rect{siteWidth + 5, 100, 40, 40})
}

// Homes is how many homes the site has.
func (c *Community) Homes() int {
	floors := 0
	for _, p := range c.Places {
		if p.GetType() == roundsv1.PlaceType_PLACE_TYPE_FLOOR && strings.HasPrefix(p.GetCode(), "T") {
			floors++
		}
	}
	return floors * homesAFloor
}

// Bays is how many parking bays the basements have.
func (c *Community) Bays() int { return baysOfB1 + baysOfB2 }

func (m *maker) assets() {
	byCode := map[string]string{}
	for _, p := range m.Places {
		byCode[p.GetCode()] = p.ID
	}
	add := func(count int, kind, zh, en string, where func(i int) string) {
		for i := range count {
			code := fmt.Sprintf("%s-%03d", strings.ToUpper(kind), i+1)
			m.Assets = append(m.Assets, Asset{ID: m.id("asset", code), Asset: &roundsv1.Asset{PlaceId: byCode[where(i)], Code: code, Type: kind,
				Name: text(fmt.Sprintf("%s%d", zh, i+1), fmt.Sprintf("%s %d", en, i+1))}})
		}
	}
	zone := func(i int) string { return fmt.Sprintf("FZ%02d", i%fireZones+1) }
	tower := func(i int) string { return fmt.Sprintf("T%d", i%towers+1) }
	add(16, "lift", "电梯", "Lift", func(i int) string { return fmt.Sprintf("T%d-L%d", i/2+1, i%2+1) })
	add(9, "pump", "水泵", "Pump", func(i int) string { return []string{"PR04", "PR05", "SP01"}[i%3] })
	add(4, "transformer", "变压器", "Transformer", func(int) string { return "PR01" })
	add(38, "box", "配电箱", "Distribution box", zone)
	add(160, "extinguisher", "灭火器组", "Extinguisher group", zone) // 640 in groups of 4
	add(52, "camera", "摄像机", "Camera", tower)
	add(6, "barrier", "道闸", "Barrier", func(i int) string { return fmt.Sprintf("GT%d", i%gates+1) })
	add(120, "lamp", "照明回路", "Lamp circuit", zone)
	add(15, "part", "备件", "Spare part", func(int) string { return "PR09" })
	for i := range m.Assets {
		if m.Assets[i].GetType() == "part" {
			m.Assets[i].Stock = int64(5 + m.random.IntN(40))
		}
	}
}
