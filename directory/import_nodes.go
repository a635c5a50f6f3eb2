package directory

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// nodeRow is a row that makes a node of the tree, and the record that stands for it.
type nodeRow struct {
	*row
	code   string
	entry  NodeEntry
	before *roundsv1.Change
	after  *roundsv1.Record
}

func (r *run) units() error {
	return r.nodes(ofUnits, KindUnit, newUnit, func(string) store.Scope { return OrgScope(r.cfg.Root) })
}

func (r *run) sites() error { return r.nodes(ofSites, KindSite, newSite, SiteScope) }

// nodes enters units or sites: first into the tree, all at once, then their records.
func (r *run) nodes(of roundsv1.ImportKind, kind merge.Kind, blank func(string) *roundsv1.Record, scopeOf func(string) store.Scope) error {
	var list []*nodeRow
	for _, row := range r.rows {
		n := &nodeRow{row: row}
		if err := n.read(of, kind, blank, scopeOf); err != nil {
			return err
		}
		if !row.refused() {
			list = append(list, n)
			r.codes[ref{kind: of, code: n.code}], r.byID[n.entry.ID] = n.entry.ID, n.code
		}
	}
	if err := r.enterNodes(list); err != nil {
		return err
	}
	for _, n := range list {
		if n.refused() {
			continue
		}
		scope := scopeOf(n.entry.ID)
		if queued, err := n.put(scope, kind, n.entry.ID, n.before, n.after); err != nil {
			return err
		} else if queued && kind == KindUnit {
			r.acts[scope][len(r.acts[scope])-1].act.Roles = r.vouched(r.caller, kind, n.entry.ID)
		}
	}
	return nil
}

// read makes a node and a record of a row.
func (n *nodeRow) read(of roundsv1.ImportKind, kind merge.Kind, blank func(string) *roundsv1.Record, scopeOf func(string) store.Scope) error {
	var ok bool
	if n.code, ok = n.located(); !ok {
		return nil
	}
	id, found, err := n.existing(of)
	if err != nil || n.refused() {
		return err
	}
	n.result.RecordId = id
	if n.before, err = n.cfg.Desk.Record(n.ctx, scopeOf(id), kind, merge.RecordID(id)); err != nil {
		return err
	}
	if n.after, err = n.filled(n.before.GetRecord(), blank(n.code)); err != nil || n.refused() {
		return err
	}
	n.entry = NodeEntry{ID: id, Code: n.code, Type: roundsv1.NodeType_NODE_TYPE_SITE}
	name, parent := n.after.GetSite().GetName(), n.after.GetSite().GetUnitId()
	_, above := n.columns["unit"]
	if of == ofUnits {
		unit := n.after.GetUnit()
		n.entry.Type, name, parent = nodeTypeOf(unit.GetType()), unit.GetName(), unit.GetParentId()
		unit.Code = n.code
		if is := n.cfg.Organisation.NodeType(id); is != roundsv1.NodeType_NODE_TYPE_UNSPECIFIED && is != n.entry.Type {
			word := unitTypes().write(int32(unitTypeOf(is)))
			n.refuse(wanted("type", unitTypes().write(int32(unit.GetType())), "建立时的类型（"+word+"），不能修改", "the type that it was made with, "+word+": it does not change"))
			return nil
		}
		_, above = n.columns["parent"]
	} else {
		n.after.GetSite().Code = n.code
	}
	if name.GetZh() != "" || name.GetEn() != "" {
		n.entry.Name = name
	} else if !found {
		n.refuse(missing("name_zh", "至少用一种语言填写名称", "a name in one language at least"))
		return nil
	}
	switch {
	case id == n.cfg.Root && parent != "":
		cell, _ := n.cell("parent")
		n.refuse(wanted("parent", cell, "空：集团之上没有上级", "nothing: the group stands at the top"))
		return nil
	case id == n.cfg.Root:
	case parent == "" && (above || !found):
		parent = n.cfg.Root // what names nothing above it stands below the group
	case parent == "":
		if path := n.cfg.Organisation.Path(id); len(path) > 1 {
			parent = path[len(path)-2]
		}
	}
	n.entry.Parent = parent
	if of == ofUnits {
		n.after.GetUnit().ParentId = parent
	} else {
		n.after.GetSite().UnitId = parent
	}
	// Before the tree has anything of it. What the record says of the tree is what the tree is asked for, so what passes here is not refused later.
	p, err := n.check(kind, merge.RecordID(id), n.before.GetRecord(), n.after, n.lookup(scopeOf(id)))
	if p == nil && n.before.GetDeleted() {
		p = deleted()
	}
	if p != nil {
		n.refuse(p)
	}
	return err
}

// existing says which node a row is about, and whether there is one.
func (n *nodeRow) existing(of roundsv1.ImportKind) (id string, found bool, err error) {
	kind, _ := n.cell("type")
	if value, ok := unitTypes().read(kind); of == ofUnits && ok && roundsv1.UnitType(value) == roundsv1.UnitType_UNIT_TYPE_GROUP {
		return n.cfg.Root, true, nil // there is one group, and it is there
	}
	all := n.cfg.Organisation.NodesByCode(n.code)
	switch {
	case len(all) == 0:
		id := n.nodeID(n.code)
		return id, n.cfg.Organisation.NodeType(id) != roundsv1.NodeType_NODE_TYPE_UNSPECIFIED, nil
	case len(all) > 1:
		n.refuse((&ambiguous{n.code, all}).problem("code"))
		return "", false, nil
	}
	if (n.cfg.Organisation.NodeType(all[0]) == roundsv1.NodeType_NODE_TYPE_SITE) != (of == ofSites) {
		n.refuse(wanted("code", n.code, "未被项目或单元占用的编码", "a code that no site and no unit has"))
		return "", false, nil
	}
	return all[0], true, nil
}

// enterNodes brings nodes into the tree. In a dry run those below what is only assumed are left out: the tree would not find them.
func (r *run) enterNodes(list []*nodeRow) error {
	entered := make([]*nodeRow, 0, len(list))
	var entries []NodeEntry
	made := map[string]bool{}
	for _, n := range list {
		parent := n.entry.Parent
		known := parent == "" || made[parent] || r.cfg.Organisation.NodeType(parent) != roundsv1.NodeType_NODE_TYPE_UNSPECIFIED
		if r.dry && !known {
			n.status(roundsv1.ImportStatus_IMPORT_STATUS_CREATED)
			continue
		}
		made[n.entry.ID] = true
		entered, entries = append(entered, n), append(entries, n.entry)
	}
	if len(entries) == 0 {
		return nil
	}
	done, err := r.cfg.Organisation.EnterNodes(r.ctx, r.caller, entries, r.dry)
	if err != nil {
		return err
	}
	for i, n := range entered {
		switch e := done[i]; {
		case e.Problem != nil:
			n.refuse(r.inColumns(e.Problem))
		case e.Created:
			n.status(roundsv1.ImportStatus_IMPORT_STATUS_CREATED)
		case len(e.Changed) > 0:
			n.status(roundsv1.ImportStatus_IMPORT_STATUS_CHANGED)
			n.movedOrRenamed(e)
		default:
			n.status(roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED)
		}
	}
	return nil
}

// movedOrRenamed notes which cells changed the node.
func (n *nodeRow) movedOrRenamed(e Entered) {
	if slices.Contains(e.Changed, "parent") {
		column := "parent"
		if n.table.Kind == ofSites {
			column = "unit"
		}
		n.changed(column, n.codeOf(ofUnits, e.Node.GetParentId()))
	}
	if slices.Contains(e.Changed, "code") {
		n.changed("code", e.Node.GetCode())
	}
	if slices.Contains(e.Changed, "name") {
		for column, before := range map[string][2]string{"name_zh": {e.Node.GetName().GetZh(), n.entry.Name.GetZh()},
			"name_en": {e.Node.GetName().GetEn(), n.entry.Name.GetEn()}} {
			if before[0] != before[1] {
				n.changed(column, before[0])
			}
		}
	}
}

func nodeTypeOf(t roundsv1.UnitType) roundsv1.NodeType {
	switch t {
	case roundsv1.UnitType_UNIT_TYPE_GROUP:
		return roundsv1.NodeType_NODE_TYPE_GROUP
	case roundsv1.UnitType_UNIT_TYPE_REGION:
		return roundsv1.NodeType_NODE_TYPE_REGION
	}
	return roundsv1.NodeType_NODE_TYPE_DISTRICT
}
