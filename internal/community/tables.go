package community

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Scale is how large a company's tables are.
type Scale struct {
	// Sites of the whole company; the first one in full detail. 0: the 24 of New.
	Sites int
	// Staff of the whole company, the crew of the first site among them. 0: that crew alone.
	Staff int
}

// WriteTables writes the tables of a company as rounds import takes them into a directory, from the seed of New and at any scale: with 6,600 sites and
// 250,000 people it is as large as the largest of the trade. The same seed writes the same bytes.
func WriteTables(dir string, seed uint64, scale Scale) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	c := New(seed)
	t := &tables{Community: c, dir: dir, scale: scale, random: rand.New(rand.NewPCG(seed, 0x7461626c6573))}
	t.scale.Sites, t.scale.Staff = max(scale.Sites, 24), max(scale.Staff, len(c.Crew))
	return errors.Join(t.tree(), t.write("holidays", t.holidays), t.write("policies", t.policies), t.write("checklists", t.checklists),
		t.write("categories", t.categories), t.write("places", t.places), t.write("assets", t.assets), t.write("staff", t.staff), t.write("plans", t.plans))
}

// tables writes tables.
type tables struct {
	*Community
	dir    string
	scale  Scale
	random *rand.Rand
	units  []Node // that have sites
}

// write writes one table; rows are handed to put.
func (t *tables) write(name string, rows func(put func(...string))) (err error) {
	file, err := os.Create(filepath.Join(t.dir, name+".csv"))
	if err != nil {
		return err
	}
	w := csv.NewWriter(file)
	rows(func(cells ...string) {
		err = errors.Join(err, w.Write(cells))
	})
	w.Flush()
	return errors.Join(err, w.Error(), file.Close())
}

func (t *tables) tree() error {
	codes := map[string]string{}
	err := t.write("units", func(put func(...string)) {
		put("code", "type", "name_zh", "name_en", "parent")
		put("HQ", "group", GroupZh, GroupEn, "")
		for _, n := range t.Nodes {
			codes[n.ID] = n.Code
			kind := "district"
			if n.Type == roundsv1.NodeType_NODE_TYPE_REGION {
				kind = "region"
			}
			if n.Type == roundsv1.NodeType_NODE_TYPE_SITE {
				continue
			}
			put(n.Code, kind, n.Name.GetZh(), n.Name.GetEn(), codes[n.Parent])
			if strings.Contains(n.Code, "D") {
				t.units = append(t.units, n)
			}
		}
		for i := range max(0, (t.scale.Sites-24+11)/12-len(t.units)) { // a district for every dozen sites
			above := t.units[i%12]
			n := Node{Code: fmt.Sprintf("%sX%03d", above.Code, i+1), Name: text(fmt.Sprintf("%s第%d片", above.Name.GetZh(), i+1), fmt.Sprintf("%s part %d", above.Name.GetEn(), i+1))}
			put(n.Code, "district", n.Name.GetZh(), n.Name.GetEn(), above.Code)
			t.units = append(t.units, n)
		}
	})
	return errors.Join(err, t.write("sites", func(put func(...string)) {
		put("code", "name_zh", "name_en", "unit", "time_zone")
		for _, n := range t.Nodes {
			if n.Type == roundsv1.NodeType_NODE_TYPE_SITE {
				put(n.Code, n.Name.GetZh(), n.Name.GetEn(), codes[n.Parent], "Asia/Shanghai")
			}
		}
		for i := 24; i < t.scale.Sites; i++ {
			unit := t.units[i%len(t.units)]
			put(siteCode(i), fmt.Sprintf("和邻%d号院", i+1), fmt.Sprintf("Helin Court %d", i+1), unit.Code, "Asia/Shanghai")
		}
	}))
}

func siteCode(i int) string { return fmt.Sprintf("S%04d", i+1) }

func (t *tables) holidays(put func(...string)) {
	put("calendar", "date", "day", "holiday", "name_zh", "name_en")
	for _, d := range [][3]string{{"2027-01-01", "off", "元旦"}, {"2027-01-02", "off", "元旦"}, {"2027-01-03", "off", "元旦"}, {"2027-01-04", "work", "元旦"}} {
		put("helin", d[0], d[1], d[2], "和邻工作日历", "Helin working days")
	}
}

func (t *tables) policies(put func(...string)) {
	put("node", "key", "value")
	put("HQ", "service.review", "4h")
	put("R1", "service.normal.respond", "15m")
	put("R1C1", "service.minor.finish", "60h")
	put(t.Site.Code, "service.normal.respond", "12m")
}

func (t *tables) checklists(put func(...string)) {
	put("code", "version", "name_zh", "name_en", "item", "question_zh", "question_en", "weight", "red_line", "unit", "low", "high")
	for i, l := range t.Checklists {
		for _, item := range l.GetItems() {
			low, high := "", ""
			if item.Low != nil {
				low, high = number(item.GetLow()), number(item.GetHigh())
			}
			put(listCode(i), "1", l.GetName().GetZh(), l.GetName().GetEn(), item.GetId(), item.GetQuestion().GetZh(), item.GetQuestion().GetEn(),
				number(item.GetWeight()), yes(item.GetRedLine()), item.GetUnit(), low, high)
		}
	}
}

func listCode(i int) string { return fmt.Sprintf("CL%02d", i+1) }

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func lineWord(l roundsv1.ServiceLine) string {
	return strings.ToLower(strings.TrimPrefix(l.String(), "SERVICE_LINE_"))
}

func (t *tables) categories(put func(...string)) {
	put("code", "name_zh", "name_en", "line", "priority", "emergency", "before_photo", "after_photos", "live_camera")
	for i, c := range t.Categories {
		put(t.CategoryCode(i), c.GetName().GetZh(), c.GetName().GetEn(), lineWord(c.GetLine()),
			strings.ToLower(strings.TrimPrefix(c.GetPriority().String(), "PRIORITY_")), yes(c.GetEmergency()), yes(c.GetBeforePhoto()),
			strconv.Itoa(int(c.GetAfterPhotos())), yes(c.GetLiveCamera()))
	}
}

// CategoryCode is the code of the nth category: its trade, and its number there.
func (c *Community) CategoryCode(n int) string {
	number := 1
	for _, before := range c.Categories[:n] {
		if before.GetLine() == c.Categories[n].GetLine() {
			number++
		}
	}
	return fmt.Sprintf("%s-%02d", strings.ToUpper(lineWord(c.Categories[n].GetLine())[:3]), number)
}

// places of the site in full detail, and a gate and a building of each of the others.
func (t *tables) places(put func(...string)) {
	put("site", "code", "name_zh", "name_en", "type", "parent", "tag", "signal", "outline", "butlers")
	codes := map[string]string{}
	for _, p := range t.Places {
		codes[p.ID] = p.GetCode()
		put(t.Site.Code, p.GetCode(), p.GetName().GetZh(), p.GetName().GetEn(), strings.ToLower(strings.TrimPrefix(p.GetType().String(), "PLACE_TYPE_")),
			codes[p.GetParentId()], p.GetTag(), strings.ToLower(strings.TrimPrefix(p.GetSignal().String(), "SIGNAL_")), p.GetOutline(), t.butlersOf(p))
	}
	for i := 1; i < t.scale.Sites; i++ {
		put(siteCode(i), "T1", "1栋", "Tower 1", "building", "", "", "ok", "", "")
		put(siteCode(i), "GT1", "1号门", "Gate 1", "point", "", "", "ok", "", "")
	}
}

// butlersOf are the job numbers of the butlers of a tower, who look after its units and stand in for each other. None of any other place.
func (t *tables) butlersOf(p Place) string {
	if p.GetType() != roundsv1.PlaceType_PLACE_TYPE_BUILDING || !strings.HasPrefix(p.GetCode(), "T") {
		return ""
	}
	var codes []string
	for _, butler := range t.In(roundsv1.Role_ROLE_BUTLER) {
		codes = append(codes, butler.GetCode())
	}
	return strings.Join(codes, ";")
}

func (t *tables) assets(put func(...string)) {
	put("site", "code", "name_zh", "name_en", "type", "place", "stock")
	codes := map[string]string{}
	for _, p := range t.Places {
		codes[p.ID] = p.GetCode()
	}
	for _, a := range t.Assets {
		stock := ""
		if a.GetStock() > 0 {
			stock = strconv.FormatInt(a.GetStock(), 10)
		}
		put(t.Site.Code, a.GetCode(), a.GetName().GetZh(), a.GetName().GetEn(), a.GetType(), codes[a.GetPlaceId()], stock)
	}
}

// staff: the crew of the site, then as many a site as it takes, with the crew's own jobs in turn.
func (t *tables) staff(put func(...string)) {
	put("code", "name", "site", "role", "line", "skills", "phone", "job_zh", "job_en", "duties", "language")
	row := func(n int, name, site, phone string, p Person) {
		duty := "08:00-20:00 daily"
		if p.Night {
			duty = "20:00-08:00 daily"
		}
		put(StaffCode(n), name, site, strings.ToLower(strings.TrimPrefix(p.Role.String(), "ROLE_")), lineWord(p.GetLine()), strings.Join(p.GetSkills(), ";"), phone,
			p.GetJob().GetZh(), p.GetJob().GetEn(), duty, "zh")
	}
	for n, p := range t.Crew {
		row(n, p.Name, t.Site.Code, p.GetPhone(), p)
	}
	others := t.scale.Staff - len(t.Crew)
	for n := range others {
		site := 1 + n*(t.scale.Sites-1)/max(others, 1) // the people of a site stand together
		p := t.Crew[(n*7+n/11)%len(t.Crew)]
		name := string(surnames[t.random.IntN(len(surnames))]) + givenNames[t.random.IntN(len(givenNames))]
		row(len(t.Crew)+n, name, siteCode(site), fmt.Sprintf("1%02d%08d", 30+t.random.IntN(60), t.random.IntN(100_000_000)), p)
	}
}

// StaffCode is the job number of the nth person, the crew of the site first.
func StaffCode(n int) string { return fmt.Sprintf("E%06d", n+1) }

func (t *tables) plans(put func(...string)) {
	put("site", "code", "name_zh", "name_en", "checklist", "checkpoints", "ordered", "min_gap", "max_gap", "times", "window", "days")
	put(t.Site.Code, "GARAGE", "地下车库保洁", "Basement cleaning", listCode(0), "B1;B2", "no", "", "", "08:00 daily", "4h", "every")
	put(t.Site.Code, "SWITCH", "配电房巡检", "Switch room", listCode(2), "PR01;PR02", "yes", "", "", "09:00,21:00 daily", "2h", "every")
	put(t.Site.Code, "PUMPS", "水泵房巡检", "Pump room", listCode(3), "PR04;PR05", "no", "", "", "10:00 daily", "3h", "every")
	put(t.Site.Code, "TOWERS", "楼栋巡查", "Tower patrol", listCode(5), "T1;T2;T3;T4;T5;T6;T7;T8", "no", "", "", "09:00 weekly MO", "9h", "next_working")
	for tower := 1; tower <= towers; tower++ {
		put(t.Site.Code, fmt.Sprintf("LIFT%d", tower), fmt.Sprintf("%d栋电梯", tower), fmt.Sprintf("Lifts of tower %d", tower), listCode(1),
			fmt.Sprintf("T%d-L1;T%d-L2", tower, tower), "no", "", "", "08:00 daily", "8h", "every")
	}
	put(t.Site.Code, "FIRE", "消防泵房与通道", "Fire pump and routes", listCode(4), "PR05;FZ01;FZ10", "no", "", "", "13:00 daily", "3h", "every")
	put(t.Site.Code, "GATES", "门岗巡查", "Gates and perimeter", listCode(6), "GT1;GT2;GT3", "yes", "1m", "30m", "08:00,09:00,10:00,11:00,12:00,13:00,14:00,15:00 daily",
		"1h", "every")
	put(t.Site.Code, "NIGHT", "夜间巡逻", "Night patrol", listCode(6), "GT1;GZ1;GZ2;B1;FZ01;FZ02;B2;FZ10;FZ11;GZ3;GT2;GZ4;GT3;GZ5", "yes", "2m", "12m",
		"20:00,23:00,02:00 daily", "3h", "every")
}
