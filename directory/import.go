package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// importScopes is how many scopes one Import writes at once.
const importScopes = 8

// Import takes rows of a table; see AdminService. Each row is taken or refused by itself. Rows that make nodes and people do so first, and their records
// after that: whoever is interrupted between the two sends the rows again.
func (k *Keeper) Import(ctx context.Context, caller engine.Caller, req *roundsv1.ImportRequest) (*roundsv1.ImportResponse, error) {
	table, ok := tableOf(req.GetKind())
	if !ok {
		return nil, refuse(wanted("kind", req.GetKind().String(), "一种表", "a kind of table"))
	}
	r := &run{Keeper: k, ctx: ctx, caller: caller, table: table, dry: req.GetDryRun(), columns: map[string]int{}, codes: map[ref]string{}, foreseen: map[string]bool{},
		assumed: map[ref]*roundsv1.ImportAssumption{}, rights: map[string]bool{}, lines: map[string]uint32{}, byID: map[string]string{}, seen: map[string]uint32{}, published: map[string]*roundsv1.Checklist{}, acts: map[store.Scope][]*pending{},
		census: map[store.Scope]*census{}}
	if p := r.header(req.GetColumns()); p != nil {
		return nil, refuse(p)
	}
	for _, a := range req.GetAssumed() {
		switch {
		case a.GetRemoved():
			r.going = append(r.going, a)
		case r.dry || a.GetKind() == ofCategories: // lists name categories that come after them, and categories lists: their ids follow from their codes
			r.assumed[ref{a.GetKind(), a.GetSite(), a.GetCode()}] = a
		}
	}
	for _, one := range req.GetRows() {
		r.rows = append(r.rows, &row{run: r, line: one.GetLine(), cells: one.GetCells(), result: &roundsv1.ImportResult{Line: one.GetLine()}})
	}
	if err := table.enter(r); err != nil {
		return nil, err
	}
	if err := r.write(); err != nil {
		return nil, err
	}
	return r.answer(), nil
}

// run is one Import.
type run struct {
	*Keeper
	ctx       context.Context
	caller    engine.Caller
	table     Table
	dry       bool
	columns   map[string]int
	rows      []*row
	codes     map[ref]string // what codes mean, with what this run makes
	byID      map[string]string
	foreseen  map[string]bool                // ids of what earlier calls of a dry run would have made
	byKey     map[ref]*row                   // the rows by site and code, once something asked
	published map[string]*roundsv1.Checklist // the greatest version of each series that the rows so far publish
	assumed   map[ref]*roundsv1.ImportAssumption
	going     []*roundsv1.ImportAssumption // what earlier rows of a dry run remove
	rights    map[string]bool
	lines     map[string]uint32 // of the rows so far, by the ids of their records
	seen      map[string]uint32
	acts      map[store.Scope][]*pending
	census    map[store.Scope]*census // with what the rows so far make and take away
	removed   []*removal
}

// ref is a code in its place: site is the site's code, empty for what the organisation shares.
type ref struct {
	kind       roundsv1.ImportKind
	site, code string
}

// row is one row of a run.
type row struct {
	*run
	line     uint32
	cells    []string
	siteCode string
	site     string // its node
	before   *roundsv1.Record
	result   *roundsv1.ImportResult
}

// pending is an act that is to be done for some rows.
type pending struct {
	act  engine.DeskAct
	rows []*row
}

// header takes the columns of the table.
func (r *run) header(columns []string) *roundsv1.Problem {
	for i, name := range columns {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if _, ok := r.table.column(name); !ok {
			var known []string
			for _, c := range r.table.Columns {
				known = append(known, c.Name)
			}
			list := strings.Join(known, ", ")
			return wanted("columns", name, "以下列名之一："+list, "one of the columns "+list)
		}
		if _, twice := r.columns[name]; twice {
			return wanted("columns", name, "每列只出现一次", "each column once")
		}
		r.columns[name] = i
	}
	for _, c := range r.table.Columns {
		if _, ok := r.columns[c.Name]; c.Needed && !ok {
			return missing(c.Name, c.About.GetZh(), "a column of the table: "+c.About.GetEn())
		}
	}
	return nil
}

// cell is what a row says in a column; false where the table has no such column.
func (r *row) cell(name string) (string, bool) {
	i, ok := r.columns[name]
	if !ok || i >= len(r.cells) {
		return "", ok
	}
	return strings.TrimSpace(r.cells[i]), true
}

// refuse ends a row.
func (r *row) refuse(p *roundsv1.Problem) {
	if r.result.GetStatus() != roundsv1.ImportStatus_IMPORT_STATUS_REFUSED {
		r.result.Status, r.result.Problem, r.result.Cells = roundsv1.ImportStatus_IMPORT_STATUS_REFUSED, p, nil
	}
}

func (r *row) refused() bool {
	return r.result.GetStatus() == roundsv1.ImportStatus_IMPORT_STATUS_REFUSED
}

// status notes what became of a row, if nothing stronger is known.
func (r *row) status(s roundsv1.ImportStatus) {
	if now := r.result.GetStatus(); now == roundsv1.ImportStatus_IMPORT_STATUS_UNSPECIFIED || now == roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED ||
		now == roundsv1.ImportStatus_IMPORT_STATUS_CHANGED && s == roundsv1.ImportStatus_IMPORT_STATUS_CREATED {
		r.result.Status = s
	}
}

// changed notes a cell that changed something.
func (r *row) changed(column, before string) {
	if slices.ContainsFunc(r.result.Cells, func(c *roundsv1.ImportedCell) bool { return c.GetColumn() == column }) {
		return
	}
	r.result.Cells = append(r.result.Cells, &roundsv1.ImportedCell{Column: column, Before: before})
}

// once refuses a row whose key stands in an earlier one of the run.
func (r *row) once(column, key, shown string) bool {
	if line, twice := r.seen[key]; twice {
		p := wanted(column, shown, fmt.Sprintf("不与第 %d 行重复的编码", line), fmt.Sprintf("another code than that of line %d", line))
		r.refuse(p)
		return false
	}
	r.seen[key] = r.line
	return true
}

// located reads code and site of a row; false where it was refused.
func (r *row) located() (code string, ok bool) {
	if code, ok = r.keyed("code", "每行都要有编码", "each row has a code"); !ok {
		return "", false
	}
	if _, sited := r.columns["site"]; !sited {
		return code, r.once("code", code, code)
	}
	r.siteCode, _ = r.cell("site")
	id, p, err := r.find("site", ofSites, r.siteCode)
	if err != nil {
		p = faulty()
	}
	if p != nil {
		r.refuse(p)
		return "", false
	}
	r.site = id
	return code, r.once("code", id+"\x00"+code, code)
}

// faulty is the refusal of a row at which the store failed: it is tried again with the next run.
func faulty() *roundsv1.Problem {
	return &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE,
		Sentence: &roundsv1.Text{Zh: "服务器暂时无法读取，请重新导入。", En: "The server could not read its store: import again."}}
}

// plain is the way of tables whose rows are records and nothing else.
func plain(kind merge.Kind, blank func(code string) *roundsv1.Record) func(*run) error {
	return func(r *run) error {
		for _, row := range r.rows {
			if err := row.plain(kind, blank); err != nil {
				return err
			}
		}
		return r.remove()
	}
}

func (r *row) plain(kind merge.Kind, blank func(code string) *roundsv1.Record) error {
	code, ok := r.located()
	if !ok {
		return nil
	}
	scope, node := OrgScope(r.cfg.Root), r.cfg.Root
	if r.site != "" {
		scope, node = SiteScope(r.site), r.site
	}
	if !r.mayKeep(node) {
		r.refuse(noRight())
		return nil
	}
	id, before, err := r.standing(scope, kind, r.site, code)
	var several *ambiguous
	switch {
	case errors.As(err, &several):
		r.refuse(several.problem("code"))
		return nil
	case err != nil:
		return err
	}
	r.result.RecordId = id
	if cell, ok := r.cell("remove"); ok {
		if gone, ok := yesNo(cell); !ok {
			r.refuse(wanted("remove", cell, "是或否", "yes or no"))
			return nil
		} else if gone {
			r.removes(scope, kind, before)
			return nil
		}
	}
	after, err := r.filled(before.GetRecord(), blank(code))
	if err != nil || r.refused() {
		return err
	}
	if _, err := r.put(scope, kind, id, before, after); err != nil {
		return err
	}
	if !r.refused() {
		r.codes[ref{r.table.Kind, r.siteCode, code}], r.byID[id] = id, code
		r.censusOf(scope).shall[id], r.lines[id] = after, r.line
	}
	return nil
}

// standing finds the record of a code: by the id that follows from it, or by the code itself. Before is nil where there is none, and id the new one's.
func (r *run) standing(scope store.Scope, kind merge.Kind, site, code string) (id string, before *roundsv1.Change, err error) {
	for again := 0; ; again++ {
		id = idOf(r.cfg.Root, kind, site, code, again)
		before, err = r.cfg.Desk.Record(r.ctx, scope, kind, merge.RecordID(id))
		if err != nil || before != nil && !before.GetDeleted() {
			return id, before, err
		}
		if before == nil {
			break
		}
	}
	found, err := r.byCode(scope, kind, code)
	if err != nil || found == "" {
		return id, nil, err
	}
	before, err = r.cfg.Desk.Record(r.ctx, scope, kind, merge.RecordID(found))
	return found, before, err
}

// byCode finds the record that has a code; empty where none has, or the kind has no codes, and an *ambiguous where several have. The versions of a list have one.
func (k *Keeper) byCode(ctx context.Context, scope store.Scope, kind merge.Kind, code string) (string, error) {
	if code == "" {
		return "", nil
	}
	var ids []string
	for e, err := range k.cfg.Desk.Find(ctx, scope, indexName, ofCode(kind, code)) {
		if err != nil {
			return "", err
		}
		if one, ok := readEntry(e); ok {
			ids = append(ids, one.id)
		}
	}
	switch {
	case len(ids) == 0:
		return "", nil
	case len(ids) > 1 && kind != KindChecklist:
		return "", &ambiguous{code, ids}
	}
	return ids[0], nil
}

func (r *run) byCode(scope store.Scope, kind merge.Kind, code string) (string, error) {
	return r.Keeper.byCode(r.ctx, scope, kind, code)
}

// filled is a record with the cells of the row in it; nil where the row was refused.
func (r *row) filled(before, blank *roundsv1.Record) (*roundsv1.Record, error) {
	r.before = before
	after := blank
	if before != nil {
		after = proto.CloneOf(before)
	}
	for _, c := range r.table.Columns {
		cell, has := r.cell(c.Name)
		if !has || c.set == nil {
			continue
		}
		p, err := c.set(r, after, cell)
		if err != nil {
			return nil, err
		}
		if p != nil {
			r.refuse(p)
			return nil, nil
		}
	}
	if plan := after.GetPlan(); plan != nil && proto.Equal(plan.GetRoute(), &roundsv1.Route{}) && before.GetPlan().GetRoute() == nil {
		plan.Route = nil
	}
	return after, nil
}

// put queues the act that makes a record say what the row says, and notes what that changes. False where it says so already, or the row was refused.
func (r *row) put(scope store.Scope, kind merge.Kind, id string, before *roundsv1.Change, after *roundsv1.Record) (bool, error) {
	if p, err := r.issue(scope, id, after); err != nil || p != nil {
		if p != nil {
			r.refuse(p)
		}
		return false, err
	}
	edit := editOf(kind, before.GetRecord(), after)
	if edit == nil {
		r.status(roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED)
		return false, nil
	}
	if p, err := r.judged(scope, kind, id, before, after, edit); err != nil || p != nil {
		if p != nil {
			r.refuse(p)
		}
		return false, err
	}
	if before == nil {
		r.status(roundsv1.ImportStatus_IMPORT_STATUS_CREATED)
	} else {
		r.status(roundsv1.ImportStatus_IMPORT_STATUS_CHANGED)
		was := proto.CloneOf(before.GetRecord())
		for _, c := range r.table.Columns {
			if _, has := r.cell(c.Name); has && c.get != nil {
				if old := c.get(r, was); old != c.get(r, after) {
					r.changed(c.Name, old)
				}
			}
		}
	}
	if r.dry {
		return false, nil
	}
	r.queue(scope, &pending{act: r.actOf(id, before, edit), rows: []*row{r}})
	return true, nil
}

// actOf is an edit as an act, with an id that follows from who edits what to what: sent again, it is the same act.
func (k *Keeper) actOf(caller engine.Caller, id merge.RecordID, before *roundsv1.Change, edit *roundsv1.Edit) engine.DeskAct {
	name := fmt.Sprintf("act\x00%s\x00%s\x00%d\x00", caller.Person, id, before.GetVersion())
	return engine.DeskAct{ID: engine.ActID(uuid.NewSHA1(space(k.cfg.Root), append([]byte(name), sameBytes(edit)...)).String()), RecordID: id,
		Base: journal.Seq(before.GetVersion()), Edit: edit}
}

func (r *run) actOf(id string, before *roundsv1.Change, edit *roundsv1.Edit) engine.DeskAct {
	return r.Keeper.actOf(r.caller, merge.RecordID(id), before, edit)
}

// deletion is the act that deletes a record.
func (k *Keeper) deletion(caller engine.Caller, kind merge.Kind, before *roundsv1.Change, reason string) engine.DeskAct {
	name := fmt.Sprintf("delete\x00%s\x00%s\x00%d", caller.Person, before.GetRecordId(), before.GetVersion())
	return engine.DeskAct{ID: engine.ActID(uuid.NewSHA1(space(k.cfg.Root), []byte(name)).String()), RecordID: merge.RecordID(before.GetRecordId()), Base: journal.Seq(before.GetVersion()),
		Command: &roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{Kind: string(kind), Reason: reason}}}}
}

func (r *run) queue(scope store.Scope, p *pending) { r.acts[scope] = append(r.acts[scope], p) }

// write does what was queued, some scopes at once.
func (r *run) write() error {
	if r.dry {
		return nil
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex // guards failed
		failed  error
		room    = make(chan struct{}, importScopes)
	)
	for scope, list := range r.acts {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			if err := r.writeScope(scope, list); err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return failed
}

// writeScope does what was queued for one scope. A row is in the acts of one goroutine at a time: only a person who moves has acts in two scopes, and
// the second is of no row.
func (r *run) writeScope(scope store.Scope, list []*pending) error {
	list = slices.DeleteFunc(slices.Clone(list), func(p *pending) bool { return slices.ContainsFunc(p.rows, (*row).refused) })
	acts := make([]engine.DeskAct, len(list))
	for i, p := range list {
		acts[i] = p.act
	}
	outcomes, err := r.act(r.ctx, r.caller, scope, acts)
	if err != nil {
		return err
	}
	for i, p := range list {
		if problem := refusalOf(outcomes[i]); problem != nil {
			problem = r.inColumns(problem)
			for _, row := range p.rows {
				row.refuse(problem)
			}
		}
	}
	return nil
}

// refusalOf says why an act was not taken; nil where it was.
func refusalOf(o *roundsv1.Outcome) *roundsv1.Problem {
	switch o.GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		return nil
	}
	if p := o.GetProblem(); p != nil {
		return p
	}
	return &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED,
		Sentence: &roundsv1.Text{Zh: "有人同时修改了此记录，请重试。", En: "Somebody else changed the record at the same time: try again."}}
}

// answer tells what became of the rows. Of those that are as they were, their number is enough.
func (r *run) answer() *roundsv1.ImportResponse {
	resp := &roundsv1.ImportResponse{}
	for _, row := range r.rows {
		if row.result.GetStatus() == roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED {
			resp.Unchanged++
			continue
		}
		resp.Results = append(resp.Results, row.result)
	}
	return resp
}
