package community

import (
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Name of the group, the root of the organisation.
const (
	GroupZh = "和邻物业集团"
	GroupEn = "Helin Property"
)

// organisation makes 3 regions with 2 cities each, which are regions within regions, 12 districts, and 24 sites.
func (m *maker) organisation() {
	regions := []struct {
		zh, en string
		cities [][2]string
	}{
		{"华南", "South China", [][2]string{{"深州", "Shenzhou"}, {"粤州", "Yuezhou"}}},
		{"华东", "East China", [][2]string{{"杭城", "Hangcheng"}, {"沪江", "Hujiang"}}},
		{"华北", "North China", [][2]string{{"燕城", "Yancheng"}, {"津门", "Jinmen"}}},
	}
	names := [][2]string{{"云栖雅苑", "Yunqi Court"}, {"松涛里", "Pine Wave Lane"}, {"望湖居", "Lake View"}, {"晴川府", "Qingchuan House"},
		{"竹影台", "Bamboo Terrace"}, {"银杏苑", "Ginkgo Garden"}, {"星河湾里", "Star River"}, {"梧桐坊", "Wutong Square"},
		{"听雨轩", "Rain House"}, {"江语花园", "River Words"}, {"明月台", "Moon Terrace"}, {"青禾里", "Green Grain Lane"}}
	site := 0
	for r, region := range regions {
		regionID := m.node("", roundsv1.NodeType_NODE_TYPE_REGION, text(region.zh, region.en), fmt.Sprintf("R%d", r+1))
		for c, city := range region.cities {
			cityID := m.node(regionID, roundsv1.NodeType_NODE_TYPE_REGION, text(city[0], city[1]), fmt.Sprintf("R%dC%d", r+1, c+1))
			for d, side := range [][2]string{{"东片区", "east"}, {"西片区", "west"}} {
				districtID := m.node(cityID, roundsv1.NodeType_NODE_TYPE_DISTRICT, text(city[0]+side[0], city[1]+" "+side[1]), fmt.Sprintf("R%dC%dD%d", r+1, c+1, d+1))
				for range 2 {
					name, phase := names[site%len(names)], ""
					if site >= len(names) {
						phase = "二期"
					}
					code := fmt.Sprintf("S%04d", site+1)
					m.node(districtID, roundsv1.NodeType_NODE_TYPE_SITE, text(name[0]+phase, name[1]+map[bool]string{true: " II"}[phase != ""]), code)
					if site == 0 {
						m.Site = m.Nodes[len(m.Nodes)-1]
					}
					site++
				}
			}
		}
	}
}

func (m *maker) node(parent string, t roundsv1.NodeType, name *roundsv1.Text, code string) string {
	n := Node{ID: m.id("node", code), Parent: parent, Type: t, Name: name, Code: code}
	m.Nodes = append(m.Nodes, n)
	return n.ID
}

var surnames = []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕")

var givenNames = []string{"建国", "秀英", "志强", "桂兰", "海燕", "文斌", "丽华", "国庆", "晓明", "春梅", "永福", "玉珍", "立新", "雪梅", "德胜", "小红",
	"兴旺", "金凤", "长江", "翠兰", "宏伟", "月英", "家豪", "淑芬", "振华", "美玲", "新民", "彩霞", "卫东", "艳红"}

// crew makes the 62 people of the site.
func (m *maker) crew() {
	add := func(count int, role roundsv1.Role, line roundsv1.ServiceLine, job *roundsv1.Text, skills ...string) {
		for range count {
			n := len(m.Crew)
			name := string(surnames[m.random.IntN(len(surnames))]) + givenNames[(n*7+int(m.seed%30))%len(givenNames)]
			m.Crew = append(m.Crew, Person{ID: m.id("person", fmt.Sprint(n)), Name: name, Role: role, Staff: &roundsv1.Staff{
				Name: name, Code: StaffCode(n), Line: line, Skills: skills, Job: job, Phone: fmt.Sprintf("1%02d%08d", 30+m.random.IntN(60), m.random.IntN(100_000_000))}})
		}
	}
	butler, cleaning, engineering := roundsv1.ServiceLine_SERVICE_LINE_BUTLER, roundsv1.ServiceLine_SERVICE_LINE_CLEANING, roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING
	security, green := roundsv1.ServiceLine_SERVICE_LINE_SECURITY, roundsv1.ServiceLine_SERVICE_LINE_GREEN
	add(1, roundsv1.Role_ROLE_MANAGER, butler, text("项目经理", "site manager"))
	add(1, roundsv1.Role_ROLE_SUPERVISOR, butler, text("品质主管", "quality supervisor"))
	add(2, roundsv1.Role_ROLE_BUTLER, butler, text("管家", "butler"))
	add(3, roundsv1.Role_ROLE_DISPATCHER, butler, text("客服", "customer service"))
	add(1, roundsv1.Role_ROLE_FOREMAN, cleaning, text("保洁班长", "cleaning foreman"))
	add(20, roundsv1.Role_ROLE_WORKER, cleaning, text("保洁员", "cleaner"))
	add(1, roundsv1.Role_ROLE_FOREMAN, engineering, text("工程班长", "engineering foreman"))
	engineers := len(m.Crew)
	add(8, roundsv1.Role_ROLE_WORKER, engineering, text("工程师傅", "engineer"))
	for i, skills := range [][]string{{"electric"}, {"electric"}, {"electric", "lift"}, {"electric", "hvac"}, {"plumbing"}, {"plumbing"}, {"plumbing"}, {"plumbing", "hvac"}} {
		m.Crew[engineers+i].Skills = skills
	}
	add(1, roundsv1.Role_ROLE_FOREMAN, security, text("秩序队长", "security captain"))
	guards := len(m.Crew)
	add(20, roundsv1.Role_ROLE_WORKER, security, text("秩序员", "guard"))
	for i := range 10 {
		m.Crew[guards+10+i].Night = true
	}
	add(4, roundsv1.Role_ROLE_WORKER, green, text("绿化工", "gardener"))
	for i := range m.Crew {
		from := "080000"
		if m.Crew[i].Night {
			from = "200000"
		}
		m.Crew[i].Duties = []*roundsv1.Duty{{Recurrence: "DTSTART:20240101T" + from + "\nRRULE:FREQ=DAILY", Minutes: 12 * 60}} // 08 to 20, or 20 to 08
	}
}
