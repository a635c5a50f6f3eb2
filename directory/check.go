package directory

import (
	"context"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/checklist"
)

// number reads a number as people write it.
func number(cell string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// check holds a record, as it shall be, against what the schema and the directory ask of it. The problem's field is the record's. Lookup reads other records of its scope, as they shall be.
func (k *Keeper) check(kind merge.Kind, id merge.RecordID, before, after *roundsv1.Record, lookup func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) (*roundsv1.Problem, error) {
	if err := k.cfg.Validate(after); err != nil {
		return invalid(err), nil
	}
	if p := k.content(before, after); p != nil {
		return p, nil
	}
	if list := after.GetChecklist(); list != nil {
		if p := checkChecklist(before.GetChecklist(), list); p != nil {
			return p, nil
		}
	}
	if p := named(after); p != nil {
		return p, nil
	}
	return above(kind, id, before, after, lookup)
}

// invalid is the refusal of a record that breaks a rule of its schema.
func invalid(err error) *roundsv1.Problem {
	path, what, _ := strings.Cut(err.Error(), ": ")
	field := path[strings.LastIndexByte(path, '.')+1:]
	return problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, field, "", "“"+field+"”的内容不符合要求："+what+"。", field+": "+what+".")
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

// checkChecklist holds a version of a list against the one rule that matters: what crews have begun with is not changed under them.
func checkChecklist(before, after *roundsv1.Checklist) *roundsv1.Problem {
	if before.GetPublished() && !proto.Equal(before, after) {
		next := strconv.FormatUint(uint64(before.GetVersion())+1, 10)
		p := problem(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "version", strconv.FormatUint(uint64(before.GetVersion()), 10),
			"此版本已发布，不能再改：请作为第 "+next+" 版导入。", "This version is published and is not changed any more: make it version "+next+".")
		p.Facts["wanted"] = next
		return p
	}
	return checkQuestions(after)
}

// checkQuestions refuses a list that nobody could answer.
func checkQuestions(after *roundsv1.Checklist) *roundsv1.Problem {
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
		}
		if p := unusable("item", item.GetId()); p != nil {
			return p
		}
		if p := checkMeasure(item); p != nil {
			return p
		}
		seen[item.GetId()] = true
	}
	if len(after.GetItems()) == 0 {
		return missing("item", "检查表至少有一项", "a question at least")
	}
	return nil
}

// mostWeight is the greatest weight of a question: beyond it a list is mistyped, and sums of weights lose what the others count.
const mostWeight = 1000

// checkMeasure refuses a question that is measured so that no reading could pass, or some that pass could not be.
func checkMeasure(item *roundsv1.ChecklistItem) *roundsv1.Problem {
	over := func(a, b *float64) bool { return a != nil && b != nil && *a > *b }
	number := func(n *float64) string { return strconv.FormatFloat(*n, 'g', -1, 64) }
	for _, n := range []struct {
		field string
		value *float64
	}{{"weight", &item.Weight}, {"low", item.Low}, {"high", item.High}, {"least", item.Least}, {"greatest", item.Greatest}} {
		if n.value != nil && (math.IsNaN(*n.value) || math.IsInf(*n.value, 0)) {
			return wanted(n.field, number(n.value), "数字", "a number")
		}
	}
	switch {
	case item.GetWeight() > mostWeight:
		return wanted("weight", number(&item.Weight), "0 到 1000 的数", "a number from 0 to 1000")
	case over(item.Low, item.High):
		return wanted("low", number(item.Low), "不大于合格上限的数", "a number not above the greatest that passes")
	case over(item.Least, item.Greatest):
		return wanted("least", number(item.Least), "不大于可能最大读数的数", "a number not above the greatest possible")
	case over(item.Least, item.Low), over(item.Least, item.High):
		return wanted("least", number(item.Least), "不大于合格上下限的数，否则合格的读数会被当作不可能", "a number not above those that pass: a reading that passes would be impossible")
	case over(item.Low, item.Greatest), over(item.High, item.Greatest):
		return wanted("greatest", number(item.Greatest), "不小于合格上下限的数，否则合格的读数会被当作不可能", "a number not below those that pass: a reading that passes would be impossible")
	case item.GetUnit() == "" && checklist.AsksReading(item):
		return missing("unit", "读数的单位（UCUM；无量纲为 1）", "the unit of the reading, in UCUM; 1 for a plain number")
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

// deepest is how many levels stand above a place or a category at most.
const deepest = 32

// above refuses a place or a category that would stand within itself. What stood so before may stay.
func above(kind merge.Kind, id merge.RecordID, before, after *roundsv1.Record, lookup func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) (*roundsv1.Problem, error) {
	parent := func(r *roundsv1.Record) string { return r.GetPlace().GetParentId() }
	switch kind {
	case KindCategory:
		parent = func(r *roundsv1.Record) string { return r.GetCategory().GetParentId() }
	case KindPlace:
	default:
		return nil, nil
	}
	if before != nil && parent(before) == parent(after) {
		return nil, nil
	}
	code := ""
	for up, depth := parent(after), 0; up != ""; depth++ {
		one, err := lookup(kind, merge.RecordID(up))
		if err != nil {
			return nil, err
		}
		if depth == 0 {
			code = label(CodeOf(one.GetRecord()), up)
		}
		if up == string(id) || depth == deepest {
			return wanted("parent", code, "不是自己、也不在自己下级之中的上级", "one above it that is neither itself nor below it"), nil
		}
		up = parent(one.GetRecord())
	}
	return nil, nil
}
