package community

import (
	"fmt"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

// categories are written as in the company's own list: one line of service each, with marks: ★ emergency, ● at least one photo of the finished work,
// ◐ before and after, ⚑ live camera only. A mark before the colon is for the whole line, one before a name for that category.
var categories = []struct {
	line  roundsv1.ServiceLine
	marks string
	names string
}{
	{roundsv1.ServiceLine_SERVICE_LINE_CLEANING, "◐⚑", "垃圾桶满溢 bin overflow · 地砖污渍 dirty tiles · 楼道垃圾 stairwell litter · 电梯轿厢脏污 lift car dirty · 大堂玻璃污渍 lobby glass · 地库积水 basement water · 地库油污 oil stain · 宠物粪便 pet waste · 建筑垃圾 builder's waste · 小广告 stickers · 垃圾房异味 refuse-room smell · 水景清洁 water feature"},
	{roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING, "◐⚑", "公区灯不亮 light out · 电梯故障 lift fault · ★困梯 trapped in lift · ★水管爆裂 burst pipe · ★停电 power cut · 门禁故障 access control · 道闸故障 barrier · 排水堵塞 drain blocked · 集水井泵故障 sump pump · 外墙脱落 façade loose · 地库漏水 basement leak · 消防设施故障 fire equipment · 井盖破损 manhole cover · 儿童设施损坏 play equipment"},
	{roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING, "●", "空调软管漏水 AC hose leak · 门锁松动 loose lock · 灶台无法点火 hob will not light · 热水器无热水 no hot water · 跳闸 breaker trips · 插座故障 socket · 水龙头漏水 tap leak · 马桶堵塞 toilet blocked · 墙面渗水 wall seepage · 窗户五金 window fitting · 地漏返味 drain smell · 可视对讲 intercom"},
	{roundsv1.ServiceLine_SERVICE_LINE_SECURITY, "●", "★火情烟雾 fire/smoke · ★治安事件 incident · 消防通道占用 fire lane blocked · 车辆乱停 bad parking · 电动车上楼 e-bike indoors · 噪音扰民 noise · 高空抛物 falling objects · 访客车辆 visitor car · 物品放行 goods release"},
	{roundsv1.ServiceLine_SERVICE_LINE_GREEN, "◐", "树枝断落 fallen branch · 病虫害 pests · 草坪破坏 lawn damage · 浇灌故障 irrigation"},
	{roundsv1.ServiceLine_SERVICE_LINE_BUTLER, "", "费用开票 invoice · 缴费疑问 fee question · 停水停电通知 outage notice · 邻里协调 neighbour dispute · 老人关怀 elder care visit · 表扬 praise"},
	{roundsv1.ServiceLine_SERVICE_LINE_HOUSING, "◐", "保修期渗漏 warranty leak · 公共部位裂缝 crack · 交付整改 handover defect"},
}

// checklists are written as name, then items: zh, en, weight, ▲ for a red line; a reading has a unit and its limits in brackets.
var checklists = []struct{ zh, en, items string }{
	{"地下车库保洁", "Basement cleaning", "车道无垃圾|lane free of litter|2 · 无积水|no standing water|3▲ · 无油污|no oil|2 · 墙柱无灰网|no cobwebs|1 · 垃圾桶≤2/3|bin at most 2/3 full|2 · 标识清洁|signs clean|1 · 排水沟通畅|gutter clear|2 · 电梯厅地面|lift lobby floor|2"},
	{"电梯", "Lift", "轿厢清洁|clean|2 · 照明|light|2 · 按钮|buttons|1 · 五方对讲|intercom works|5▲ · 平层|level|2 · 检验标志有效|certificate valid|3▲"},
	{"配电房", "Switch room", "温度|temperature|2|Cel 5 45 · 湿度|humidity|2|% 20 75 · 电压|voltage|2|V 198 235 · 电流|current|2|A 0 400 · 异响异味|noise or smell|3 · 漏水|leak|3▲ · 灭火器在位有效|extinguishers valid|3 · 门锁与警示|lock and sign|2 · 绝缘垫|insulating mat|1"},
	{"生活水泵房", "Water pump room", "出口压力|outlet pressure|3|bar 3 8 · 水箱锁闭|tank locked|5▲ · 泵运行|pump sound|3 · 无渗漏|dry|2 · 紫外消毒|UV disinfection|3 · 卫生|clean|2 · 控制柜自动位|cabinet in auto mode|3"},
	{"消防泵房与通道", "Fire pump and routes", "管网压力|network pressure|3|bar 4 12 · 阀门常开标识|valves open and marked|5▲ · 泵自动位|pump in auto mode|5▲ · 稳压泵|jockey pump|3 · 应急照明|emergency light|2 · 疏散指示|exit sign|2 · 防火门闭合|fire door closes|3 · 通道畅通|route clear|5▲ · 消火栓配件|hydrant kit|3"},
	{"管家楼栋巡查", "Butler tower patrol", "大堂|lobby|2 · 信报箱|mailboxes|1 · 公告栏|notices|1 · 楼梯灯|stair lights|2 · 防火门|fire doors|3 · 天台门锁闭|roof door locked|3▲ · 管井锁闭|pipe shaft locked|2 · 楼道杂物|corridor objects|3▲ · 电动车上楼|e-bikes indoors|3▲ · 垃圾桶|bins|2"},
	{"夜间巡逻", "Night patrol", "出入口|gates|2 · 周界|perimeter|2 · 地库各区|basement zones|2 · 天台抽查|roof sample|1 · 可疑人员|strangers|3 · 门窗|doors and windows|2"},
	{"入户维修验收", "Home repair acceptance", "穿戴鞋套|shoe covers|1 · 前后照片|before and after photo|3▲ · 功能测试|function test|3 · 清理现场|site cleaned|2 · 收费说明|charge explained|2 · 业主签字|resident signature|2"},
}

func (m *maker) catalogue() {
	for _, line := range categories {
		for _, name := range strings.Split(line.names, " · ") {
			emergency := strings.HasPrefix(name, "★")
			zh, en, _ := strings.Cut(strings.TrimPrefix(name, "★"), " ")
			c := &roundsv1.Category{Name: text(zh, en), Line: line.line, Emergency: emergency, LiveCamera: strings.Contains(line.marks, "⚑"),
				BeforePhoto: strings.Contains(line.marks, "◐"), Priority: roundsv1.Priority_PRIORITY_NORMAL}
			if line.marks != "" {
				c.AfterPhotos = 1
			}
			if emergency {
				c.Priority = roundsv1.Priority_PRIORITY_EMERGENCY
			}
			m.Categories = append(m.Categories, Category{ID: m.id("category", zh), Category: c})
			c.Code = m.CategoryCode(len(m.Categories) - 1)
		}
	}
	for n, list := range checklists {
		c := &roundsv1.Checklist{Name: text(list.zh, list.en), Version: 1, Published: true, Code: listCode(n), SeriesId: m.id("checklist", list.zh)}
		for i, line := range strings.Split(list.items, " · ") {
			parts := strings.Split(line, "|")
			item := &roundsv1.ChecklistItem{Id: fmt.Sprintf("i%02d", i+1), Question: text(parts[0], parts[1]), RedLine: strings.HasSuffix(parts[2], "▲")}
			fmt.Sscanf(parts[2], "%g", &item.Weight)
			if len(parts) > 3 {
				item.Low, item.High = new(float64), new(float64)
				fmt.Sscanf(parts[3], "%s %g %g", &item.Unit, item.Low, item.High)
			}
			c.Items = append(c.Items, item)
		}
		m.Checklists = append(m.Checklists, Checklist{ID: string(checklist.RecordID(c.GetSeriesId(), c.GetVersion())), Checklist: c})
	}
}
