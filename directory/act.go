package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// actsAtOnce bounds the acts of one call to the engine, well within its own limits.
const actsAtOnce = 250

// act does acts in one scope, as the person who calls, and has the Reference follow what it keeps of them.
func (k *Keeper) act(ctx context.Context, caller engine.Caller, scope store.Scope, acts []engine.DeskAct) ([]*roundsv1.Outcome, error) {
	var all []*roundsv1.Outcome
	followed := strings.HasPrefix(string(scope), "org/")
	for from := 0; from < len(acts); from += actsAtOnce {
		part := acts[from:min(from+actsAtOnce, len(acts))]
		some, err := k.cfg.Desk.Act(ctx, caller, scope, part)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	for _, a := range acts {
		followed = followed || a.Edit.GetRecord().GetSite() != nil
	}
	if followed {
		if err := k.cfg.Reference.Refresh(ctx, scope); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// vouched are the roles with which somebody writes a record who keeps its node and has no role in the scope where it stands: the administrator of a region keeps its unit, whose
// record stands with those of all. None where the scope's own roles count.
func (k *Keeper) vouched(caller engine.Caller, kind merge.Kind, node string) []roundsv1.Role {
	if kind != KindUnit || k.cfg.Organisation.MayKeep(caller.Person, k.rootOf(node)) || !k.cfg.Organisation.MayKeep(caller.Person, node) {
		return nil
	}
	return []roundsv1.Role{roundsv1.Role_ROLE_ADMIN}
}

// placeOf says in which scope records of a kind stand, for a node; false for a kind that is not of the directory, or not of such a node.
func (k *Keeper) placeOf(kind merge.Kind, node string) (store.Scope, bool) {
	switch kind {
	case KindSite, KindPlace, KindAsset, KindStaff, KindPlan:
		return SiteScope(node), k.cfg.Organisation.NodeType(node) == roundsv1.NodeType_NODE_TYPE_SITE
	case KindUnit, KindCategory, KindChecklist, KindCalendar:
		org, ok := k.cfg.Organisation.Organisation(OrgScope(k.rootOf(node)))
		return org, ok
	}
	return "", false
}

// rootOf is the root above a node; empty where there is no such node.
func (k *Keeper) rootOf(node string) string {
	if path := k.cfg.Organisation.Path(node); len(path) > 0 {
		return path[0]
	}
	return ""
}

// mayKeep: whether the caller is an administrator at a node. A site that a dry run assumes is as good as the root.
func (r *run) mayKeep(node string) bool {
	may, known := r.rights[node]
	if !known {
		asked := node
		if r.dry && r.cfg.Organisation.NodeType(node) == roundsv1.NodeType_NODE_TYPE_UNSPECIFIED {
			asked = r.cfg.Root
		}
		may = r.cfg.Organisation.MayKeep(r.caller.Person, asked)
		r.rights[node] = may
	}
	return may
}

// ambiguous is the error of a code that several have: data of an older release, or of devices that made two at once.
type ambiguous struct {
	code string
	ids  []string
}

func (e *ambiguous) Error() string {
	return fmt.Sprintf("directory: the code %q is ambiguous: %s", e.code, strings.Join(e.ids, ", "))
}

// problem is the refusal of a cell with such a code.
func (e *ambiguous) problem(column string) *roundsv1.Problem {
	p := wanted(column, e.code, fmt.Sprintf("只属于一处的编码：现有 %d 处使用它（%s），请先改正", len(e.ids), someOf(e.ids)),
		fmt.Sprintf("a code that one alone has: it is ambiguous, %d have it (%s); mend them first", len(e.ids), someOf(e.ids)))
	p.Facts["ambiguous"] = someOf(e.ids)
	return p
}

// find says what the code in a column means; the problem says that nothing has it, or several.
func (r *row) find(column string, kind roundsv1.ImportKind, code string) (string, *roundsv1.Problem, error) {
	zh, en := tableWords(kind)
	if code == "" {
		return "", unknownCode(column, code, zh, en), nil
	}
	id, found, err := r.resolve(kind, code)
	var several *ambiguous
	switch {
	case errors.As(err, &several):
		return "", several.problem(column), nil
	case err != nil:
		return "", nil, err
	case !found:
		if p := r.below(column, kind, code); p != nil {
			return "", p, nil
		}
		return "", unknownCode(column, code, zh, en), nil
	}
	return id, nil, nil
}

// resolve says what a code means: a node, or a record of the row's site or of the organisation. False where nothing has it; an *ambiguous where several have.
func (r *row) resolve(kind roundsv1.ImportKind, code string) (string, bool, error) {
	at := ref{kind: kind, code: code}
	scope, record := OrgScope(r.cfg.Root), KindCategory
	switch kind {
	case ofUnits, ofSites, ofPolicies:
		return r.node(kind, code)
	case ofPlaces, ofAssets, ofStaff:
		at.site, scope = r.siteCode, SiteScope(r.site)
		record = map[roundsv1.ImportKind]merge.Kind{ofPlaces: KindPlace, ofAssets: KindAsset, ofStaff: KindStaff}[kind]
	case ofChecklists:
		record = KindChecklist
	}
	if id, known := r.codes[at]; known {
		return id, true, nil
	}
	id, err := r.byCode(scope, record, code)
	if err != nil {
		return "", false, err
	}
	if id != "" && kind == ofChecklists {
		one, err := r.cfg.Desk.Record(r.ctx, scope, record, merge.RecordID(id))
		if err != nil {
			return "", false, err
		}
		if series := one.GetRecord().GetChecklist().GetSeriesId(); series != "" {
			id = series
		}
	}
	if id == "" {
		if r.assumed[at] == nil {
			return "", false, nil
		}
		id = idOf(r.cfg.Root, record, r.site, code, 0)
		if kind == ofStaff {
			id = r.personID(code)
		}
		r.foreseen[id] = true
	}
	r.codes[at], r.byID[id] = id, code
	return id, true, nil
}

// personID is the id of a person of whom nobody knew before.
func (r *run) personID(code string) string { return idOf(r.cfg.Root, "person", "", code, 0) }

// nodeID is the id of a node of which nobody knew before.
func (r *run) nodeID(code string) string { return idOf(r.cfg.Root, "node", "", code, 0) }

// node says which unit or site has a code.
func (r *run) node(kind roundsv1.ImportKind, code string) (string, bool, error) {
	for _, of := range []roundsv1.ImportKind{ofUnits, ofSites} {
		if kind != of && kind != ofPolicies {
			continue
		}
		if id, known := r.codes[ref{kind: of, code: code}]; known {
			return id, true, nil
		}
	}
	var found []string
	for _, id := range r.cfg.Organisation.NodesByCode(code) {
		site := r.cfg.Organisation.NodeType(id) == roundsv1.NodeType_NODE_TYPE_SITE
		if kind == ofPolicies || site == (kind == ofSites) {
			found = append(found, id)
		}
	}
	of := kind
	switch {
	case len(found) == 1:
		r.byID[found[0]] = code
		if kind == ofPolicies {
			return found[0], true, nil
		}
		r.codes[ref{kind: kind, code: code}] = found[0]
		return found[0], true, nil
	case len(found) > 1:
		return "", false, &ambiguous{code, found}
	case kind == ofPolicies && r.assumed[ref{kind: ofSites, code: code}] != nil:
		of = ofSites
	case kind == ofPolicies:
		of = ofUnits
	}
	if r.assumed[ref{kind: of, code: code}] == nil {
		return "", false, nil
	}
	id := r.nodeID(code)
	r.codes[ref{kind: of, code: code}], r.byID[id] = id, code
	return id, true, nil
}

// codeOf is the code of what an id names, as far as this run knows it or the records tell; else the id itself.
func (r *row) codeOf(kind roundsv1.ImportKind, id string) string {
	if id == "" {
		return ""
	}
	if code, known := r.byID[id]; known {
		return code
	}
	kinds, scope := []merge.Kind{KindUnit}, OrgScope(r.cfg.Root)
	switch kind {
	case ofUnits:
	case ofPlaces:
		kinds, scope = []merge.Kind{KindPlace}, SiteScope(r.site)
	case ofAssets:
		kinds, scope = []merge.Kind{KindAsset}, SiteScope(r.site)
	case ofStaff:
		kinds, scope = []merge.Kind{KindStaff}, SiteScope(r.site)
	case ofCategories:
		kinds = []merge.Kind{KindCategory}
	case ofChecklists:
		if list := r.cfg.Reference.versions(scope, id); len(list) > 0 {
			return list[0].GetCode()
		}
	case ofSites:
		kinds, scope = []merge.Kind{KindSite}, SiteScope(id)
	}
	for _, k := range kinds {
		if one, err := r.cfg.Desk.Record(r.ctx, scope, k, merge.RecordID(id)); err == nil && one != nil {
			if code := CodeOf(one.GetRecord()); code != "" {
				r.byID[id] = code
				return code
			}
		}
	}
	return id
}

// setStock sets the stock of a new part. That of one that stands is counted by those who take from it.
func (r *row) setStock(to *roundsv1.Asset, cell string) *roundsv1.Problem {
	if r.before != nil || cell == "" {
		return nil
	}
	n, ok := number(cell)
	if !ok || n != float64(int64(n)) || n < 0 {
		return wanted("stock", cell, "非负整数", "a whole number from 0")
	}
	to.Stock = int64(n)
	return nil
}

// inColumns is a refusal of a request or a record as one of a row.
func (r *run) inColumns(p *roundsv1.Problem) *roundsv1.Problem {
	p.Field = r.columnOf(p.GetField())
	if p.GetFacts()["call"] != "" { // the record follows the tree, and somebody changed that at the same time
		p.Sentence = &roundsv1.Text{Zh: "组织树刚被他人修改，请重新导入。", En: "Somebody changed the tree at the same time: import again."}
	}
	return p
}

// columnOf says which column a field of a request or record stands in.
func (r *run) columnOf(field string) string {
	if i := strings.LastIndexByte(field, '.'); i >= 0 {
		field = field[i+1:]
	}
	switch field {
	case "node_id", "person_id":
		return "code"
	case "recurrence":
		return "times"
	case "checkpoint_ids", "butler_ids":
		return strings.TrimSuffix(field, "_ids") + "s"
	case "window_us", "min_gap_us", "max_gap_us":
		return strings.TrimSuffix(field, "_us")
	case "parent_id":
		if r.table.Kind == ofSites {
			return "unit"
		}
		return "parent"
	case "home_node_id", "unit_id":
		return "site"
	}
	if _, ok := r.table.column(field); ok {
		return field
	}
	if _, ok := r.table.column(strings.TrimSuffix(field, "_id")); ok {
		return strings.TrimSuffix(field, "_id")
	}
	return field
}
