package directory

import (
	"errors"
	"iter"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Nodes is what a Guard asks about the tree and its people. It answers from memory.
type Nodes interface {
	Tree
	// NodesByCode are the ids of the nodes that have a code.
	NodesByCode(code string) []string
	// NodeType is a node's level; unspecified where there is no such node.
	NodeType(node string) roundsv1.NodeType
	// NodeName is a node's name, not to be changed; nil where there is no such node.
	NodeName(node string) *roundsv1.Text
	// Erased: whether the personal data of somebody was erased.
	Erased(person engine.PersonID) bool
}

// Guard are the rules of the trade with what the directory asks besides, of whoever writes and by whichever call: an administrator's phone may break a site's settings no more than
// SetPolicy may. What stood before may stay, so that old data keeps nobody from mending the rest. Facts are never refused. It holds no state of its own.
type Guard struct {
	// Rules judge first.
	Rules engine.Rules
	// Checks of records.
	Checks *Checks
	// Nodes of the organisation.
	Nodes Nodes
	// Reference knows what the organisation shares.
	Reference *Reference
}

var _ engine.Rules = (*Guard)(nil)

// Judge implements engine.Rules.
func (g *Guard) Judge(c engine.Case) engine.Verdict {
	v := g.Rules.Judge(c)
	if v.Problem != nil || v.Park != roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED || !isDirectory(c.Kind) {
		return v
	}
	if p := g.refusal(c); p != nil {
		return engine.Verdict{Problem: p}
	}
	return v
}

func (g *Guard) refusal(c engine.Case) *roundsv1.Problem {
	before := (*roundsv1.Record)(nil)
	if c.Current != nil && !c.Current.GetDeleted() {
		before = c.Current.GetRecord()
	}
	if c.Mutation.GetCommand().GetDelete() != nil {
		return g.Reference.mayDelete(c.Scope, c.Kind, before)
	}
	edit := c.Mutation.GetEdit()
	if kind, ok := merge.KindOf(edit.GetRecord()); !ok || kind != c.Kind {
		return nil
	}
	after := edit.GetRecord()
	if before != nil {
		after = proto.CloneOf(before)
		overlay(after, edit)
	}
	if p := g.identity(c, before, after); p != nil {
		return p
	}
	if p := g.Checks.content(before, after); p != nil {
		return p
	}
	if list, was := after.GetChecklist(), before.GetChecklist(); list != nil && !was.GetPublished() && (was == nil || list.GetPublished() || !equal(list.GetItems(), was.GetItems())) {
		if p := checkQuestions(list); p != nil {
			return p
		}
	}
	if p := named(after); p != nil && named(before) == nil {
		return p
	}
	if p, _ := above(c.Kind, merge.RecordID(c.Mutation.GetRecordId()), before, after, c.Lookup); p != nil { // the engine fails the act where its store does
		return p
	}
	if p := g.Reference.calendars(c.Scope, before, after); p != nil {
		return p
	}
	if p := g.tag(c, before, after); p != nil {
		return p
	}
	return g.category(c, before.GetCategory(), after.GetCategory())
}

// identity holds a record against what it stands for: a node of the tree, or a person.
func (g *Guard) identity(c engine.Case, before, after *roundsv1.Record) *roundsv1.Problem {
	id, code, was := c.Mutation.GetRecordId(), CodeOf(after), CodeOf(before)
	var name, nameWas *roundsv1.Text
	var parent, parentWas, field string
	switch c.Kind {
	case KindSite:
		parent, parentWas, field = after.GetSite().GetUnitId(), before.GetSite().GetUnitId(), "unit_id"
		name, nameWas = after.GetSite().GetName(), before.GetSite().GetName()
		if id != nodeOf(c.Scope) {
			return wanted("record_id", id, "项目本身的编号", "the id of the site itself")
		}
	case KindUnit:
		parent, parentWas, field = after.GetUnit().GetParentId(), before.GetUnit().GetParentId(), "parent_id"
		name, nameWas = after.GetUnit().GetName(), before.GetUnit().GetName()
		path := g.Nodes.Path(id)
		if len(path) == 0 || path[0] != nodeOf(c.Scope) || g.Nodes.NodeType(id) == roundsv1.NodeType_NODE_TYPE_SITE {
			return wanted("record_id", id, "组织单元本身的编号", "the id of a unit of the organisation")
		}
		if is := after.GetUnit().GetType(); is != before.GetUnit().GetType() && is != unitTypeOf(g.Nodes.NodeType(id)) {
			return ofTree("unit", "type", "类型", "type", "CreateNode")
		}
	case KindStaff:
		s, w := after.GetStaff(), before.GetStaff()
		if g.Nodes.Erased(engine.PersonID(id)) && (s.GetName() != w.GetName() || s.GetPhone() != w.GetPhone() || s.GetCode() != w.GetCode() || !equal(s.GetAbsences(), w.GetAbsences())) {
			return problem(roundsv1.ProblemCode_PROBLEM_CODE_DELETED, "record_id", "", "此人的个人信息已依法删除，不能再填写。",
				"This person's personal data was erased, and is not written again.")
		}
		return nil
	case KindCategory, KindCalendar:
		if other := g.Reference.ofCode(c.Scope, c.Kind, code, id); code != was && other {
			return wanted("code", code, "未被占用的编码", "a code that no other has")
		}
		return nil
	default:
		return nil
	}
	if path := g.Nodes.Path(id); parent != parentWas && (len(path) < 2 || parent != path[len(path)-2]) && (parent != "" || len(path) > 1) {
		return ofTree(string(c.Kind), field, "所属上级", "place in the tree", "MoveNode")
	}
	if !proto.Equal(name, nameWas) && !proto.Equal(name, g.Nodes.NodeName(id)) {
		return ofTree(string(c.Kind), "name", "名称", "name", "RenameNode")
	}
	if code != was && !slices.Contains(g.Nodes.NodesByCode(code), id) {
		return ofTree(string(c.Kind), "code", "编码", "code", "RenameNode")
	}
	return nil
}

// category refuses a category that asks for a list that there is not.
func (g *Guard) category(c engine.Case, before, after *roundsv1.Category) *roundsv1.Problem {
	if list := after.GetChecklistId(); list != "" && list != before.GetChecklistId() && len(g.Reference.versions(c.Scope, list)) == 0 {
		zh, en := tableWords(ofChecklists)
		return unknownCode("checklist_id", list, zh, en)
	}
	return nil
}

// tag refuses a tag that another place of the site has. Where the case has no indexes, as that of a row of a table, who asks has asked before.
func (g *Guard) tag(c engine.Case, before, after *roundsv1.Record) *roundsv1.Problem {
	if c.Find == nil {
		return nil
	}
	find := func(span store.Span) iter.Seq2[engine.IndexEntry, error] { return c.Find(tagIndex, span) }
	other, place, err := tagged(c.Mutation.GetRecordId(), before, after, nil, find, c.Lookup)
	if err != nil || place == nil { // the engine fails the act where its store does
		return nil
	}
	return TagTaken(place.GetPlace().GetTag(), label(CodeOf(place), other), 0)
}

// ofTree refuses to write beside the tree what is the tree's.
func ofTree(kind, field, zh, en, call string) *roundsv1.Problem {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "edit.record."+kind+"."+field, "",
		"“"+zh+"”以组织树为准，不能在这里修改，请用 "+call+"。", "The "+en+" is the tree's and is not changed here: call "+call+".")
	if call == "CreateNode" {
		p.Sentence = &roundsv1.Text{Zh: "“类型”在建立节点（CreateNode）时确定，不能修改。", En: "The type is settled when the node is made (CreateNode), and does not change."}
	}
	p.Facts = map[string]string{"call": call}
	return p
}

// ofTheTree: whether an error is ofTree's. Whoever follows the tree has it where the tree has changed meanwhile.
func ofTheTree(err error) bool {
	var refused *engine.Error
	return errors.As(err, &refused) && refused.Problem.GetFacts()["call"] != ""
}
