package directory

import (
	"fmt"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// judged says why a record is not written as a row has it: what every record is held against, and what the rules will say when it is written.
func (r *run) judged(scope store.Scope, kind merge.Kind, id string, before *roundsv1.Change, after *roundsv1.Record, edit *roundsv1.Edit) (*roundsv1.Problem, error) {
	if edit == nil {
		return nil, nil
	}
	if kind == KindPlace {
		if p, err := r.sameTag(scope, id, before.GetRecord(), after); p != nil || err != nil {
			return p, err
		}
	}
	p, err := r.check(kind, merge.RecordID(id), before.GetRecord(), after, r.lookup(scope))
	switch {
	case err != nil:
		return nil, err
	case p != nil:
		return r.inColumns(p), nil
	}
	if kind == KindUnit || kind == KindSite {
		return nil, nil // the tree was asked, and its record says what it says
	}
	return r.refusedAs(scope, kind, id, before, edit), nil
}

// refusedAs is what the rules say to an edit of the one who imports. Rights were asked before. What is only foreseen nobody knows the versions of, and is let pass.
func (r *run) refusedAs(scope store.Scope, kind merge.Kind, id string, before *roundsv1.Change, edit *roundsv1.Edit) *roundsv1.Problem {
	if before.GetDeleted() {
		return deleted()
	}
	if edit == nil {
		return nil
	}
	now := r.cfg.Now()
	p := r.cfg.Rules.Judge(engine.Case{Scope: scope, Kind: kind, Current: before, Person: r.caller.Person, Device: r.caller.Device, Time: now, Taken: now, Saw: true, Admitted: true,
		Mutation: &roundsv1.Mutation{RecordId: id, Base: before.GetVersion(), Act: &roundsv1.Mutation_Edit{Edit: edit}}, Lookup: r.lookup(scope)}).Problem
	if p == nil {
		return nil
	}
	record := edit.GetRecord()
	if p.GetFacts()["key"] == calendarKey && r.assumed[ref{kind: ofHolidays, code: p.GetFacts()["value"]}] != nil {
		return nil
	}
	if strings.HasSuffix(p.GetField(), "checklist_id") && r.foreseen[record.GetPlan().GetChecklistId()+record.GetCategory().GetChecklistId()] {
		return nil
	}
	return r.inColumns(p)
}

// deleted is the refusal to write to what was deleted.
func deleted() *roundsv1.Problem {
	return problem(roundsv1.ProblemCode_PROBLEM_CODE_DELETED, "code", "", "此记录已被删除，不能再写入。", "This record was deleted, and is not written again.")
}

// lookup reads records of a scope as they shall be after the rows so far.
func (r *run) lookup(scope store.Scope) func(merge.Kind, merge.RecordID) (*roundsv1.Change, error) {
	return func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		if record := r.censusOf(scope).shall[string(id)]; record != nil {
			if of, ok := merge.KindOf(record); ok && of == kind {
				return &roundsv1.Change{RecordId: string(id), Record: record}, nil
			}
		}
		change, err := r.cfg.Desk.Record(r.ctx, scope, kind, id)
		if change == nil && err == nil && r.foreseen[string(id)] {
			return &roundsv1.Change{RecordId: string(id), Record: &roundsv1.Record{}}, nil
		}
		return change, err
	}
}

// inOrder refuses to publish a version of a list below one that this call publishes already; those that were published before the rules know. Crews would have the greater one
// all the same.
func (r *run) inOrder(series string, before, list *roundsv1.Checklist) *roundsv1.Problem {
	if !list.GetPublished() || before.GetPublished() {
		return nil
	}
	if newest := r.published[series]; newest.GetVersion() > list.GetVersion() {
		next := strconv.FormatUint(uint64(newest.GetVersion())+1, 10)
		return wanted("version", strconv.FormatUint(uint64(list.GetVersion()), 10), "大于前面各行已发布版本的版本（从 "+next+" 起）", "a version above those that rows before it publish: "+next)
	}
	r.published[series] = list
	return nil
}

// below refuses a code of the row's own table that only this row, one below it or one that was refused has: rows come after those that they name, and two that name each other never can.
func (r *row) below(column string, kind roundsv1.ImportKind, code string) *roundsv1.Problem {
	own, _ := r.cell("code")
	if kind != r.table.Kind || code == "" {
		return nil
	}
	named := r.rowOf(code)
	switch {
	case named == nil:
		return nil
	case code == own:
		return wanted(column, code, "不是自己的另一个上级", "another one than itself")
	case r.leads(named, column, own): // whichever of them comes first
		return wanted(column, code, fmt.Sprintf("不在自己下级之中的上级（第 %d 行的“%s”在“%s”之下）", named.line, short(code), short(own)),
			fmt.Sprintf("one that is not below it: %s, in line %d, stands below %s", short(code), named.line, short(own)))
	}
	if named.line < r.line {
		return wanted(column, code, fmt.Sprintf("一个正确的行的编码：第 %d 行有错，请先改正该行", named.line),
			fmt.Sprintf("a code of a row that is right: line %d is refused, mend that row first", named.line))
	}
	p := wanted(column, code, fmt.Sprintf("前面各行已有的编码：它在第 %d 行，请把该行移到本行之前", named.line),
		fmt.Sprintf("a code of a row before this one: it stands in line %d, put that row before this one", named.line))
	p.Facts["line"] = strconv.FormatUint(uint64(named.line), 10)
	return p
}

// rowOf is the row of this call that has a code, at the same site; nil where none has.
func (r *row) rowOf(code string) *row {
	site, _ := r.cell("site")
	if r.byKey == nil {
		r.byKey = map[ref]*row{}
		for _, one := range r.rows {
			has, _ := one.cell("code")
			at, _ := one.cell("site")
			r.byKey[ref{site: at, code: has}] = one
		}
	}
	return r.byKey[ref{site: site, code: code}]
}

// leads: whether the codes in a column lead from a row to a code.
func (r *row) leads(from *row, column, to string) bool {
	for range deepest {
		if from == nil {
			return false
		}
		next, _ := from.cell(column)
		if next == to {
			return true
		}
		from = r.rowOf(next)
	}
	return false
}
