package directory

import (
	"slices"
	"sort"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work/recurrence"
)

const (
	ofUnits      = roundsv1.ImportKind_IMPORT_KIND_UNITS
	ofSites      = roundsv1.ImportKind_IMPORT_KIND_SITES
	ofHolidays   = roundsv1.ImportKind_IMPORT_KIND_HOLIDAYS
	ofPolicies   = roundsv1.ImportKind_IMPORT_KIND_POLICIES
	ofChecklists = roundsv1.ImportKind_IMPORT_KIND_CHECKLISTS
	ofCategories = roundsv1.ImportKind_IMPORT_KIND_CATEGORIES
	ofPlaces     = roundsv1.ImportKind_IMPORT_KIND_PLACES
	ofAssets     = roundsv1.ImportKind_IMPORT_KIND_ASSETS
	ofStaff      = roundsv1.ImportKind_IMPORT_KIND_STAFF
	ofPlans      = roundsv1.ImportKind_IMPORT_KIND_PLANS
)

// Tables returns the tables that Import takes, in the order in which they are to come: rows refer to rows of tables before theirs, or of their own.
func Tables() []Table {
	return []Table{
		{Kind: ofUnits, Name: "units", enter: (*run).units, Columns: unitColumns()},
		{Kind: ofSites, Name: "sites", enter: (*run).sites, Columns: siteColumns()},
		{Kind: ofHolidays, Name: "holidays", enter: (*run).holidays, Columns: holidayColumns()},
		{Kind: ofPolicies, Name: "policies", enter: (*run).policies, Columns: policyColumns()},
		{Kind: ofChecklists, Name: "checklists", enter: (*run).checklists, Columns: checklistColumns()},
		{Kind: ofCategories, Name: "categories", enter: plain(KindCategory, newCategory), Columns: categoryColumns()},
		{Kind: ofStaff, Name: "staff", enter: (*run).staff, Columns: staffColumns()},
		{Kind: ofPlaces, Name: "places", enter: plain(KindPlace, newPlace), Columns: placeColumns()},
		{Kind: ofAssets, Name: "assets", enter: plain(KindAsset, newAsset), Columns: assetColumns()},
		{Kind: ofPlans, Name: "plans", enter: plain(KindPlan, newPlan), Columns: planColumns()},
	}
}

// tableOf returns the table of a kind.
func tableOf(kind roundsv1.ImportKind) (Table, bool) {
	all := Tables()
	i := slices.IndexFunc(all, func(t Table) bool { return t.Kind == kind })
	if i < 0 {
		return Table{}, false
	}
	return all[i], true
}

func newCategory(code string) *roundsv1.Record {
	// A photo of the finished work is asked for unless the table says that none is.
	return &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{Code: code, AfterPhotos: 1}}}
}

func newPlace(code string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Code: code}}}
}

func newAsset(code string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Asset{Asset: &roundsv1.Asset{Code: code}}}
}

func newPlan(string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{}}}
}

func newStaff(code string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Code: code}}}
}

func newUnit(code string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: &roundsv1.Unit{Code: code}}}
}

func newSite(code string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{Code: code}}}
}

// key is the column of the code that a row is known by.
func key(zh, en, example string) Column {
	return Column{Name: "code", Needed: true, About: about(zh, en), Example: example}
}

// siteOf is the column of the site that a row is of.
func siteOf() Column {
	return Column{Name: "site", Needed: true, Refers: ofSites, About: about("所属项目的编码", "the site's code"), Example: "S0001"}
}

// removes is the column that takes a record away.
func removes() Column {
	return Column{Name: "remove", About: about("是：删除此记录", "yes: delete the record"), Example: ""}
}

func unitColumns() []Column {
	of := (*roundsv1.Record).GetUnit
	all := []Column{key("单元编码，全组织唯一", "code, unique within the organisation", "R1"),
		{Name: "type", Needed: true, About: about("集团、区域或片区", "group, region or district"), Example: "region",
			set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
				value, ok := unitTypes().read(cell)
				if !ok {
					zh, en := unitTypes().choice()
					return wanted("type", cell, zh, en), nil
				}
				to.GetUnit().Type = roundsv1.UnitType(value)
				return nil, nil
			},
			get: func(_ *row, from *roundsv1.Record) string { return unitTypes().write(int32(from.GetUnit().GetType())) }}}
	all = append(all, names("name", "名称", "name", [2]string{"华南", "South China"}, of, func(u *roundsv1.Unit) **roundsv1.Text { return &u.Name })...)
	return append(all, code("parent", "上级单元编码；空为集团", "the unit above; empty: the group", "", ofUnits, false, of, func(u *roundsv1.Unit) *string { return &u.ParentId }))
}

func siteColumns() []Column {
	of := (*roundsv1.Record).GetSite
	all := []Column{key("项目编码，全组织唯一", "code, unique within the organisation", "S0001")}
	all = append(all, names("name", "名称", "name", [2]string{"云栖雅苑", "Yunqi Court"}, of, func(s *roundsv1.Site) **roundsv1.Text { return &s.Name })...)
	unit := code("unit", "所属单元编码", "the unit that it belongs to", "R1C1D1", ofUnits, false, of, func(s *roundsv1.Site) *string { return &s.UnitId })
	return append(all, unit, str("time_zone", "时区", "IANA time zone", "Asia/Shanghai", of, func(s *roundsv1.Site) *string { return &s.TimeZone }))
}

func holidayColumns() []Column {
	return []Column{
		{Name: "calendar", Needed: true, About: about("日历编码", "the calendar's code, as settings name it"), Example: "cn"},
		{Name: "date", Needed: true, About: about("日期", "the day, as 2026-10-01"), Example: "2026-10-01"},
		{Name: "day", Needed: true, About: about("休、班或平", "off, work or normal"), Example: "off"},
		{Name: "holiday", About: about("节日名称", "which holiday it belongs to"), Example: "国庆节"},
		{Name: "name_zh", About: about("日历名称（中文）", "the calendar's name, Chinese"), Example: "中国节假日"},
		{Name: "name_en", About: about("日历名称（英文）", "the calendar's name, English"), Example: "Chinese holidays"},
	}
}

func policyColumns() []Column {
	return []Column{
		{Name: "node", Needed: true, Refers: ofPolicies, About: about("单元或项目编码", "code of the unit or site"), Example: "R1"},
		{Name: "key", Needed: true, About: about("设置项", "the setting: rounds admin policy keys lists them"), Example: "service.normal.respond"},
		{Name: "value", Needed: true, About: about("值；空为不设置、沿用上级", "its value; empty: not set here, the unit above counts"), Example: "15m"},
	}
}

func checklistColumns() []Column {
	column := func(name, zh, en, example string, needed bool) Column {
		return Column{Name: name, Needed: needed, About: about(zh, en), Example: example}
	}
	return []Column{
		column("code", "检查表编码", "code of the checklist", "CL03", true), column("version", "版本，从 1 起", "its version, from 1", "1", true),
		column("name_zh", "名称（中文）", "name, Chinese", "配电房", false), column("name_en", "名称（英文）", "name, English", "Switch room", false),
		column("item", "检查项编号，永不改作他用", "the question's id, never used for another one", "i01", true),
		column("question_zh", "检查项（中文）", "the question, Chinese", "温度", false), column("question_en", "检查项（英文）", "the question, English", "temperature", false),
		column("weight", "权重", "how much it counts", "2", false), column("red_line", "红线项：是或否", "failing it fails the round: yes or no", "no", false),
		column("unit", "读数单位（UCUM）", "UCUM unit of a reading", "Cel", false), column("low", "合格下限", "least reading that passes", "5", false),
		column("high", "合格上限", "greatest reading that passes", "45", false), column("least", "可能的最小读数", "readings below are impossible", "-40", false),
		column("greatest", "可能的最大读数", "readings above are impossible", "120", false),
		column("optional", "可不填：是或否", "may be left unanswered: yes or no", "no", false),
		column("fail_photo", "不合格须拍照：是或否（空为是）", "failing needs a photo: yes or no (empty: yes)", "yes", false),
		column("fail_note", "不合格须备注：是或否（空为是）", "failing needs a note: yes or no (empty: yes)", "yes", false),
		{Name: "category", Refers: ofCategories, About: about("不合格时自动开单的类别编码", "category of the ticket that a failure makes"), Example: ""},
		column("published", "发布：是或否（空为是）。已发布的版本不可再改", "crews use it: yes or no (empty: yes); a published version is not changed any more", "yes", false),
	}
}

func categoryColumns() []Column {
	of := (*roundsv1.Record).GetCategory
	all := []Column{key("类别编码，全组织唯一", "code, unique within the organisation", "ENG-01")}
	all = append(all, names("name", "名称", "name", [2]string{"公区灯不亮", "light out"}, of, func(c *roundsv1.Category) **roundsv1.Text { return &c.Name })...)
	return append(all,
		code("parent", "上级类别编码", "the category above", "", ofCategories, false, of, func(c *roundsv1.Category) *string { return &c.ParentId }),
		choice("line", "专业线", "trade", "engineering", serviceLines(), of, func(c *roundsv1.Category) *roundsv1.ServiceLine { return &c.Line }),
		choice("priority", "优先级", "priority", "normal", priorities(), of, func(c *roundsv1.Category) *roundsv1.Priority { return &c.Priority }),
		flag("emergency", "应急", "skips the queue", of, func(c *roundsv1.Category) *bool { return &c.Emergency }),
		flag("before_photo", "须有作业前照片", "a photo before the work is required", of, func(c *roundsv1.Category) *bool { return &c.BeforePhoto }),
		otherwise("1", whole("after_photos", "作业后照片张数，0 为不需要（空为 1）", "photos of the finished work that are required; 0: none (empty: 1)", "1", 64, of,
			func(c *roundsv1.Category) uint64 { return uint64(c.GetAfterPhotos()) }, func(c *roundsv1.Category, n uint64) { c.AfterPhotos = uint32(n) })),
		flag("live_camera", "仅限现场拍摄", "photos must come from the live camera", of, func(c *roundsv1.Category) *bool { return &c.LiveCamera }),
		code("checklist", "检查表编码", "the checklist to be answered", "", ofChecklists, false, of, func(c *roundsv1.Category) *string { return &c.ChecklistId }),
		str("skill", "所需技能", "the skill that it needs", "electric", of, func(c *roundsv1.Category) *string { return &c.Skill }),
		flag("retired", "停用", "no longer to be chosen", of, func(c *roundsv1.Category) *bool { return &c.Retired }))
}

func placeColumns() []Column {
	of := (*roundsv1.Record).GetPlace
	all := []Column{siteOf(), key("位置编码，项目内唯一", "code, unique within the site", "T1-F01")}
	all = append(all, names("name", "名称", "name", [2]string{"1栋1层", "Tower 1 floor 1"}, of, func(p *roundsv1.Place) **roundsv1.Text { return &p.Name })...)
	return append(all,
		choice("type", "类型", "what it is", "floor", placeTypes(), of, func(p *roundsv1.Place) *roundsv1.PlaceType { return &p.Type }),
		code("parent", "上级位置编码", "the place above", "T1", ofPlaces, true, of, func(p *roundsv1.Place) *string { return &p.ParentId }),
		str("tag", "二维码/NFC 标签内容；auto：由服务器签发", "what its QR or NFC tag says; auto: the server issues it", "", of, func(p *roundsv1.Place) *string { return &p.Tag }),
		choice("signal", "信号", "what a phone receives there", "ok", signals(), of, func(p *roundsv1.Place) *roundsv1.Signal { return &p.Signal }),
		str("outline", "轮廓（WKT 多边形，WGS 84）", "its outline, as WKT polygon in WGS 84", "", of, func(p *roundsv1.Place) *string { return &p.Outline }),
		Column{Name: "butlers", Refers: ofStaff, Local: true, Many: true, About: about("负责此处及其下级的管家工号，用分号隔开；空为上级位置的管家",
			"job numbers of the butlers who look after it and all below it, with ; between; empty: those of the place above"), Example: "E000003;E000004",
			set: setButlers, get: getButlers},
		removes())
}

func assetColumns() []Column {
	of := (*roundsv1.Record).GetAsset
	all := []Column{siteOf(), key("设备编码，项目内唯一", "code, unique within the site", "LIFT-001")}
	all = append(all, names("name", "名称", "name", [2]string{"电梯1", "Lift 1"}, of, func(a *roundsv1.Asset) **roundsv1.Text { return &a.Name })...)
	return append(all,
		str("type", "类型", "what it is", "lift", of, func(a *roundsv1.Asset) *string { return &a.Type }),
		code("place", "所在位置编码", "where it stands", "T1-L1", ofPlaces, true, of, func(a *roundsv1.Asset) *string { return &a.PlaceId }),
		Column{Name: "stock", About: about("备件初始库存（仅新建时）", "pieces in stock, of a new one alone"), Example: "",
			set: func(r *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
				return r.setStock(to.GetAsset(), cell), nil
			}},
		removes())
}

func planColumns() []Column {
	of := (*roundsv1.Record).GetPlan
	all := []Column{siteOf(), key("计划编码，项目内唯一", "code, unique within the site", "NIGHT")}
	all = append(all, names("name", "名称", "name", [2]string{"夜间巡逻", "Night patrol"}, of, func(p *roundsv1.Plan) **roundsv1.Text { return &p.Name })...)
	return append(all,
		code("checklist", "检查表编码", "the checklist", "CL07", ofChecklists, false, of, func(p *roundsv1.Plan) *string { return &p.ChecklistId }),
		Column{Name: "checkpoints", Refers: ofPlaces, Local: true, Many: true, About: about("检查点位置编码，按路线顺序，用分号隔开", "codes of the checkpoints, in the order of the route, with ; between"),
			Example: "GT1;B1;B2", set: setCheckpoints, get: getCheckpoints},
		flag("ordered", "须按顺序", "to be visited in this order", of, func(p *roundsv1.Plan) *bool { return &routeOf(p).Ordered }),
		span("min_gap", "两点间最短间隔", "least time between two checkpoints", "2m", of, func(p *roundsv1.Plan) int64 { return p.GetRoute().GetMinGapUs() },
			func(p *roundsv1.Plan, us int64) { routeOf(p).MinGapUs = us }),
		span("max_gap", "两点间最长间隔", "greatest time between two checkpoints", "12m", of, func(p *roundsv1.Plan) int64 { return p.GetRoute().GetMaxGapUs() },
			func(p *roundsv1.Plan, us int64) { routeOf(p).MaxGapUs = us }),
		Column{Name: "times", About: about("开始时间：08:00,20:00 daily 或 09:00 weekly MO,TH 或 10:00 monthly 1,15，或 RFC 5545",
			"when windows begin: 08:00,20:00 daily or 09:00 weekly MO,TH or 10:00 monthly 1,15, or RFC 5545"), Example: "22:00 daily",
			set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
				rule, ok := readTimes(cell)
				if why := (*recurrence.RuleError)(nil); !ok && looksLikeRule(cell, &why) {
					return notARule("times", cell, why), nil
				}
				if !ok {
					return wanted("times", cell, "开始时间，如 08:00,20:00 daily 或 09:00 weekly MO,TH（各时间分钟数相同）",
						"times as 08:00,20:00 daily or 09:00 weekly MO,TH or 10:00 monthly 1,15, all at the same minute"), nil
				}
				to.GetPlan().Recurrence = rule
				return nil, nil
			},
			get: func(_ *row, from *roundsv1.Record) string { return from.GetPlan().GetRecurrence() }},
		span("window", "时间窗长度", "how long a window is", "2h", of, func(p *roundsv1.Plan) int64 { return p.GetWindowUs() },
			func(p *roundsv1.Plan, us int64) { p.WindowUs = us }),
		choice("days", "在哪些日子", "on which days", "every", planDays(), of, func(p *roundsv1.Plan) *roundsv1.PlanDays { return &p.Days }),
		code("assignee", "执行人工号", "job number of who walks it; empty: whoever starts", "", ofStaff, true, of, func(p *roundsv1.Plan) *string { return &p.AssigneeId }),
		flag("suspended", "暂停", "makes no rounds for now", of, func(p *roundsv1.Plan) *bool { return &p.Suspended }), removes())
}

func routeOf(p *roundsv1.Plan) *roundsv1.Route {
	if p.Route == nil {
		p.Route = &roundsv1.Route{}
	}
	return p.Route
}

func setCheckpoints(r *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
	var ids []string
	for _, one := range list(cell) {
		id, p, err := r.find("checkpoints", ofPlaces, one)
		if err != nil || p != nil {
			return p, err
		}
		ids = append(ids, id)
	}
	to.GetPlan().CheckpointIds = ids
	return nil, nil
}

// mostButlers is how many the schema lets a place have.
const mostButlers = 16

// setButlers takes people of the site's staff who are butlers there. Who stood there already may stay.
func setButlers(r *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
	var ids []string
	for _, one := range list(cell) {
		id, p, err := r.find("butlers", ofStaff, one)
		if err != nil || p != nil {
			return p, err
		}
		if !slices.Contains(r.before.GetPlace().GetButlerIds(), id) && !r.isButler(id, one) {
			return wanted("butlers", one, "本项目的管家（staff.csv 的角色 butler）", "the job number of a butler of the site (role butler in staff.csv)"), nil
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) > mostButlers {
		return wanted("butlers", cell, "最多 16 人", "16 people at most"), nil
	}
	to.GetPlace().ButlerIds = ids
	return nil, nil
}

// isButler: whether somebody of the row's site has the role there now, or gets it with an earlier row of a dry run.
func (r *row) isButler(person, code string) bool {
	const butler = roundsv1.Role_ROLE_BUTLER
	return slices.Contains(r.assumed[ref{ofStaff, r.siteCode, code}].GetRoles(), butler) ||
		slices.Contains(r.cfg.Organisation.RolesAt(engine.PersonID(person), SiteScope(r.site), r.cfg.Now()), butler)
}

func getButlers(r *row, from *roundsv1.Record) string {
	var codes []string
	for _, id := range from.GetPlace().GetButlerIds() {
		codes = append(codes, r.codeOf(ofStaff, id))
	}
	slices.Sort(codes)
	return strings.Join(codes, ";")
}

func getCheckpoints(r *row, from *roundsv1.Record) string {
	var codes []string
	for _, id := range from.GetPlan().GetCheckpointIds() {
		codes = append(codes, r.codeOf(ofPlaces, id))
	}
	return strings.Join(codes, ";")
}

func staffColumns() []Column {
	of := (*roundsv1.Record).GetStaff
	all := []Column{key("工号，全组织唯一", "job number, unique within the organisation", "E000001"),
		str("name", "姓名", "the name", "王建国", of, func(s *roundsv1.Staff) *string { return &s.Name }),
		{Name: "site", Refers: ofPolicies, About: about("所在项目（或单元）编码", "code of the site, or of the unit, where the person works"), Example: "S0001"},
		{Name: "role", About: about("在该处的角色", "the role there: worker, foreman, butler, dispatcher, supervisor, manager, admin or auditor; empty: none"), Example: "worker"},
		{Name: "more_roles", Many: true, Refers: ofPolicies, About: about("其他处的角色：角色@编码，分号隔开", "roles elsewhere, as foreman@S0002, with ; between"), Example: ""},
		choice("line", "专业线", "trade", "engineering", serviceLines(), of, func(s *roundsv1.Staff) *roundsv1.ServiceLine { return &s.Line }),
		{Name: "skills", Many: true, About: about("技能，分号隔开", "skills, with ; between"), Example: "electric;lift",
			set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
				skills := list(cell)
				sort.Strings(skills)
				to.GetStaff().Skills = slices.Compact(skills)
				return nil, nil
			},
			get: func(_ *row, from *roundsv1.Record) string {
				return strings.Join(slices.Sorted(slices.Values(from.GetStaff().GetSkills())), ";")
			}},
		str("phone", "工作电话", "work phone", "13800000000", of, func(s *roundsv1.Staff) *string { return &s.Phone })}
	all = append(all, names("job", "岗位", "the job's title", [2]string{"工程师傅", "engineer"}, of, func(s *roundsv1.Staff) **roundsv1.Text { return &s.Job })...)
	return append(all,
		Column{Name: "duties", About: about("班次：08:00-20:00 daily 或 20:00-08:00 MO,TU，多个用 | 隔开；空为随时", "shifts: 08:00-20:00 daily or 20:00-08:00 MO,TU, several with | between; empty: always"),
			Example: "08:00-20:00 daily",
			set: func(_ *row, to *roundsv1.Record, cell string) (*roundsv1.Problem, error) {
				duties, ok := readDuties(cell)
				if !ok {
					return wanted("duties", cell, "班次，如 08:00-20:00 daily 或 20:00-08:00 MO,TU", "shifts as 08:00-20:00 daily or 20:00-08:00 MO,TU"), nil
				}
				to.GetStaff().Duties = duties
				return nil, nil
			},
			get: func(_ *row, from *roundsv1.Record) string { return writeDuties(from.GetStaff().GetDuties()) }},
		Column{Name: "language", About: about("语言：zh 或 en", "language: zh or en"), Example: "zh"},
		Column{Name: "external_id", About: about("统一身份认证中的账号；空为工号", "what the identity provider calls the person; empty: the job number"), Example: ""},
		flag("left", "已离职（收回全部角色）", "has left: all roles end", of, func(s *roundsv1.Staff) *bool { return &s.Left }))
}
