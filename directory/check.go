package directory

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/recurrence"
)

// number reads a number as people write it.
func number(cell string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// check holds a record, as it shall be, against what the schema and the directory ask of it. The problem's field is the record's.
func (k *Keeper) check(ctx context.Context, scope store.Scope, kind merge.Kind, id string, before, after *roundsv1.Record) (*roundsv1.Problem, error) {
	if err := k.cfg.Validate(after); err != nil {
		return invalid(err), nil
	}
	if p := k.checkContent(before, after); p != nil {
		return p, nil
	}
	if p := named(after); p != nil {
		return p, nil
	}
	return k.checkAbove(ctx, scope, kind, id, after)
}

// invalid is the refusal of a record that breaks a rule of its schema.
func invalid(err error) *roundsv1.Problem {
	path, what, _ := strings.Cut(err.Error(), ": ")
	field := path[strings.LastIndexByte(path, '.')+1:]
	return problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, field, "", "“"+field+"”的内容不符合要求:"+what+"。", field+": "+what+".")
}

// named refuses a record that lists would show as nothing.
func named(record *roundsv1.Record) *roundsv1.Problem {
	var name *roundsv1.Text
	switch r := record.GetKind().(type) {
	case *roundsv1.Record_Site:
		name = r.Site.GetName()
	case *roundsv1.Record_Place:
		name = r.Place.GetName()
	case *roundsv1.Record_Asset:
		name = r.Asset.GetName()
	case *roundsv1.Record_Category:
		name = r.Category.GetName()
	case *roundsv1.Record_Checklist:
		name = r.Checklist.GetName()
	case *roundsv1.Record_Plan:
		name = r.Plan.GetName()
	case *roundsv1.Record_Staff:
		name = &roundsv1.Text{Zh: r.Staff.GetName()}
	default:
		return nil
	}
	if name.GetZh() == "" && name.GetEn() == "" {
		return missing("name", "至少用一种语言填写名称", "a name in one language at least")
	}
	return nil
}

// checkContent is the part that needs the record alone.
func (k *Keeper) checkContent(before, after *roundsv1.Record) *roundsv1.Problem {
	switch r := after.GetKind().(type) {
	case *roundsv1.Record_Site:
		if zone := r.Site.GetTimeZone(); zone != "" {
			if _, err := calendar.Zone(zone); err != nil {
				return wanted("time_zone", zone, "时区,如 Asia/Shanghai", "a time zone as Asia/Shanghai")
			}
		}
		return k.checkSettings(before.GetSite().GetPolicy(), r.Site.GetPolicy())
	case *roundsv1.Record_Unit:
		return k.checkSettings(before.GetUnit().GetPolicy(), r.Unit.GetPolicy())
	case *roundsv1.Record_Place:
		if text := r.Place.GetOutline(); text != "" && text != before.GetPlace().GetOutline() {
			if err := k.cfg.Outline(text); err != nil {
				p := wanted("outline", text, "WKT 多边形(经度在前,首尾点相同)", "a WKT POLYGON, longitude first, its rings closed")
				p.Facts["why"] = err.Error()
				return p
			}
		}
	case *roundsv1.Record_Staff:
		for _, d := range r.Staff.GetDuties() {
			if p := checkRule("duties", d.GetRecurrence()); p != nil {
				return p
			}
		}
	case *roundsv1.Record_Plan:
		if r.Plan.GetWindowUs() == 0 {
			return missing("window", "请填写时间窗长度", "how long a window is")
		}
		return checkRule("times", r.Plan.GetRecurrence())
	case *roundsv1.Record_Calendar:
		_, err := calendar.New(r.Calendar.GetDays())
		var day *calendar.DayError
		if errors.As(err, &day) {
			return wanted("date", day.Date, "不重复的有效日期", "a day that there is, named once ("+day.Why+")")
		}
	case *roundsv1.Record_Checklist:
		return checkChecklist(before.GetChecklist(), r.Checklist)
	}
	return nil
}

func checkRule(field, rule string) *roundsv1.Problem {
	_, err := recurrence.Parse(rule)
	var bad *recurrence.RuleError
	if errors.As(err, &bad) {
		p := wanted(field, rule, "RFC 5545 的重复规则", "a rule of RFC 5545: "+bad.Want)
		p.Facts["part"] = bad.Part
		return p
	}
	return nil
}

// checkChecklist holds a version of a list against the one rule that matters: what crews have begun with is not changed under them.
func checkChecklist(before, after *roundsv1.Checklist) *roundsv1.Problem {
	if before.GetPublished() && !proto.Equal(before, after) {
		next := strconv.FormatUint(uint64(before.GetVersion())+1, 10)
		p := problem(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "version", strconv.FormatUint(uint64(before.GetVersion()), 10),
			"此版本已发布,不能再改:请作为第 "+next+" 版导入。", "This version is published and is not changed any more: make it version "+next+".")
		p.Facts["wanted"] = next
		return p
	}
	if after.GetVersion() == 0 {
		return wanted("version", "0", "从 1 起的整数", "a whole number from 1")
	}
	seen := map[string]bool{}
	for _, item := range after.GetItems() {
		switch {
		case seen[item.GetId()]:
			return wanted("item", item.GetId(), "不重复的检查项编号", "a question's id, once in a list")
		case item.GetQuestion().GetZh() == "" && item.GetQuestion().GetEn() == "":
			return missing("question", "至少用一种语言填写检查项", "the question, in one language at least")
		case item.Low != nil && item.High != nil && item.GetLow() > item.GetHigh():
			return wanted("low", strconv.FormatFloat(item.GetLow(), 'g', -1, 64), "不大于合格上限的数", "a number not above the greatest that passes")
		case item.Least != nil && item.Greatest != nil && item.GetLeast() > item.GetGreatest():
			return wanted("least", strconv.FormatFloat(item.GetLeast(), 'g', -1, 64), "不大于可能最大读数的数", "a number not above the greatest possible")
		}
		seen[item.GetId()] = true
	}
	if len(after.GetItems()) == 0 {
		return missing("item", "检查表至少有一项", "a question at least")
	}
	return nil
}

// checkCode refuses a code that another record has. An import asks by code what stands, and needs it not.
func (k *Keeper) checkCode(ctx context.Context, scope store.Scope, kind merge.Kind, id string, after *roundsv1.Record) (*roundsv1.Problem, error) {
	code := CodeOf(after)
	if code == "" || kind == KindChecklist {
		return nil, nil
	}
	for e, err := range k.cfg.Desk.Find(ctx, scope, indexName, ofCode(kind, code)) {
		if err != nil {
			return nil, err
		}
		if one, ok := readEntry(e); ok && one.id != id {
			return wanted("code", code, "未被占用的编码", "a code that no other has"), nil
		}
	}
	return nil, nil
}

// checkAbove refuses a place or a category that would stand within itself.
func (k *Keeper) checkAbove(ctx context.Context, scope store.Scope, kind merge.Kind, id string, after *roundsv1.Record) (*roundsv1.Problem, error) {
	parent := func(r *roundsv1.Record) string { return r.GetPlace().GetParentId() }
	if kind == KindCategory {
		parent = func(r *roundsv1.Record) string { return r.GetCategory().GetParentId() }
	}
	for up, depth := parent(after), 0; up != ""; depth++ {
		if up == id || depth == 32 {
			return wanted("parent", up, "不在自己下级之中的上级", "one above it that is not below it"), nil
		}
		above, err := k.cfg.Desk.Record(ctx, scope, kind, up)
		if err != nil {
			return nil, err
		}
		up = parent(above.GetRecord())
	}
	return nil, nil
}

// checkSettings refuses settings that are new or others than before, and that nothing here understands. What stood before stays.
func (k *Keeper) checkSettings(before, after map[string]string) *roundsv1.Problem {
	for key, value := range after {
		if old, stood := before[key]; stood && old == value {
			continue
		}
		if p := k.checkSetting(key, value); p != nil {
			return p
		}
	}
	return nil
}
