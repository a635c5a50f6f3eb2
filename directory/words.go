package directory

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// word is one value of an enum as cells write it, in English and in Chinese.
type word struct {
	value  int32
	en, zh string
}

// words are the values that a column takes.
type words []word

// read finds a value by its English or its Chinese name, in any case.
func (all words) read(cell string) (int32, bool) {
	cell = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(cell)), "-", "_")
	for _, w := range all {
		if cell == w.en || cell == w.zh {
			return w.value, true
		}
	}
	return 0, false
}

// write is the English name of a value; empty for one that has none.
func (all words) write(value int32) string {
	for _, w := range all {
		if w.value == value {
			return w.en
		}
	}
	return ""
}

// choice tells what there is to choose, in both languages.
func (all words) choice() (zh, en string) {
	var zhs, ens []string
	for _, w := range all {
		if !slices.Contains(ens, w.en) {
			zhs, ens = append(zhs, w.zh), append(ens, w.en)
		}
	}
	return strings.Join(zhs, "、") + "之一", "one of " + strings.Join(ens, ", ")
}

func serviceLines() words {
	return words{{int32(roundsv1.ServiceLine_SERVICE_LINE_CLEANING), "cleaning", "保洁"}, {int32(roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING), "engineering", "工程"},
		{int32(roundsv1.ServiceLine_SERVICE_LINE_SECURITY), "security", "秩序"}, {int32(roundsv1.ServiceLine_SERVICE_LINE_SECURITY), "security", "安保"},
		{int32(roundsv1.ServiceLine_SERVICE_LINE_GREEN), "green", "绿化"}, {int32(roundsv1.ServiceLine_SERVICE_LINE_BUTLER), "butler", "管家"},
		{int32(roundsv1.ServiceLine_SERVICE_LINE_BUTLER), "butler", "客服"}, {int32(roundsv1.ServiceLine_SERVICE_LINE_HOUSING), "housing", "房产"}}
}

func priorities() words {
	return words{{int32(roundsv1.Priority_PRIORITY_MINOR), "minor", "一般"}, {int32(roundsv1.Priority_PRIORITY_NORMAL), "normal", "普通"},
		{int32(roundsv1.Priority_PRIORITY_URGENT), "urgent", "加急"}, {int32(roundsv1.Priority_PRIORITY_EMERGENCY), "emergency", "紧急"}}
}

func roles() words {
	return words{{int32(roundsv1.Role_ROLE_WORKER), "worker", "员工"}, {int32(roundsv1.Role_ROLE_FOREMAN), "foreman", "班长"},
		{int32(roundsv1.Role_ROLE_BUTLER), "butler", "管家"}, {int32(roundsv1.Role_ROLE_DISPATCHER), "dispatcher", "客服"},
		{int32(roundsv1.Role_ROLE_SUPERVISOR), "supervisor", "品质主管"}, {int32(roundsv1.Role_ROLE_MANAGER), "manager", "经理"},
		{int32(roundsv1.Role_ROLE_ADMIN), "admin", "管理员"}, {int32(roundsv1.Role_ROLE_AUDITOR), "auditor", "审计"},
		{int32(roundsv1.Role_ROLE_RESIDENT), "resident", "住户"}}
}

// RolesNamed are the roles that the cells role and more_roles of a row of staff.csv name, wherever they are. What is no role is left out.
func RolesNamed(role, more string) []roundsv1.Role {
	var all []roundsv1.Role
	for _, part := range append(list(more), role) {
		word, _, _ := strings.Cut(part, "@")
		if value, ok := roles().read(word); ok && !slices.Contains(all, roundsv1.Role(value)) {
			all = append(all, roundsv1.Role(value))
		}
	}
	return all
}

func placeTypes() words {
	return words{{int32(roundsv1.PlaceType_PLACE_TYPE_BUILDING), "building", "楼栋"}, {int32(roundsv1.PlaceType_PLACE_TYPE_FLOOR), "floor", "楼层"},
		{int32(roundsv1.PlaceType_PLACE_TYPE_ZONE), "zone", "区域"}, {int32(roundsv1.PlaceType_PLACE_TYPE_ROOM), "room", "房间"},
		{int32(roundsv1.PlaceType_PLACE_TYPE_POINT), "point", "点位"}}
}

func signals() words {
	return words{{int32(roundsv1.Signal_SIGNAL_NONE), "none", "无"}, {int32(roundsv1.Signal_SIGNAL_WEAK), "weak", "弱"}, {int32(roundsv1.Signal_SIGNAL_OK), "ok", "好"}}
}

func unitTypes() words {
	return words{{int32(roundsv1.UnitType_UNIT_TYPE_GROUP), "group", "集团"}, {int32(roundsv1.UnitType_UNIT_TYPE_REGION), "region", "区域"},
		{int32(roundsv1.UnitType_UNIT_TYPE_DISTRICT), "district", "片区"}}
}

func planDays() words {
	return words{{int32(roundsv1.PlanDays_PLAN_DAYS_UNSPECIFIED), "every", "每天"}, {int32(roundsv1.PlanDays_PLAN_DAYS_WORKING), "working", "工作日"},
		{int32(roundsv1.PlanDays_PLAN_DAYS_OFF), "off", "休息日"}, {int32(roundsv1.PlanDays_PLAN_DAYS_NEXT_WORKING), "next_working", "顺延"}}
}

// The days of holidays.csv.
const (
	dayNormal int32 = iota
	dayOff
	dayWork
)

func dayKinds() words {
	return words{{dayOff, "off", "休"}, {dayWork, "work", "班"}, {dayNormal, "normal", "平"}}
}

func languages() words { return words{{0, "", ""}, {1, "zh", "中文"}, {2, "en", "英文"}} }

// yesNo reads a cell that says yes or no; nothing is no.
func yesNo(cell string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "yes", "y", "true", "1", "是":
		return true, true
	case "no", "n", "false", "0", "否", "":
		return false, true
	}
	return false, false
}

func saysYes(value bool) string {
	if value {
		return "yes"
	}
	return "no"
}

// Removes says whether the cell remove of a row asks to take its record away.
func Removes(cell string) bool {
	yes, ok := yesNo(cell)
	return ok && yes
}
