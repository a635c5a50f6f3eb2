package directory

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// checkIdentity refuses an edit of a unit or a site that would have its record name another node than the tree has: rights and settings follow the tree, and
// devices would show the node elsewhere. What the record says already may be said again.
func (k *Keeper) checkIdentity(ctx context.Context, caller engine.Caller, kind merge.Kind, node string, before *roundsv1.Record, edit *roundsv1.Edit) (*roundsv1.Problem, error) {
	if kind != KindUnit && kind != KindSite {
		return nil, nil
	}
	done, err := k.cfg.Organisation.EnterNodes(ctx, caller, []NodeEntry{{ID: node}}, true) // dry: only to hear how it stands
	if err != nil {
		return nil, err
	}
	if done[0].Problem != nil {
		return done[0].Problem, nil
	}
	n := done[0].Node
	tree := &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{Name: n.GetName(), Code: n.GetCode(), UnitId: n.GetParentId()}}}
	if kind == KindUnit {
		tree = &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: &roundsv1.Unit{Name: n.GetName(), Code: n.GetCode(), ParentId: n.GetParentId(),
			Type: unitTypeOf(n.GetType())}}}
	}
	if before == nil {
		before = blank(tree)
	}
	is, stands, was := content(edit.GetRecord()), content(tree), content(before)
	for _, of := range []struct{ field, call, zh, en string }{
		{"name", "RenameNode", "名称", "name"}, {"code", "Import", "编码", "code"}, {"unit_id", "MoveNode", "所属单元", "unit"},
		{"parent_id", "MoveNode", "上级单元", "unit above"}, {"type", "CreateNode", "类型", "type"},
	} {
		field := is.Descriptor().Fields().ByName(protoreflect.Name(of.field))
		if field == nil || !puts(edit, is, field) || same(field, is, stands) || is.Has(field) && same(field, is, was) {
			continue
		}
		p := ofTree(string(kind), of.field, of.zh, of.en, of.call)
		return p, nil
	}
	return nil, nil
}

// puts: whether an edit sets a field. One that names no fields sets those that its record has.
func puts(edit *roundsv1.Edit, of protoreflect.Message, field protoreflect.FieldDescriptor) bool {
	if len(edit.GetFields()) > 0 {
		return slices.Contains(edit.GetFields(), uint32(field.Number()))
	}
	return of.Has(field)
}

func same(field protoreflect.FieldDescriptor, a, b protoreflect.Message) bool {
	if field.Message() != nil {
		return proto.Equal(a.Get(field).Message().Interface(), b.Get(field).Message().Interface()) || !a.Has(field) && !b.Has(field)
	}
	return a.Get(field).Equal(b.Get(field))
}
