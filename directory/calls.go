package directory

import (
	"context"
	"encoding/base64"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// PutDirectory creates or changes one record. A unit or a site is made and renamed with the tree (CreateNode, RenameNode, MoveNode, Import): here its other
// fields are kept.
func (k *Keeper) PutDirectory(ctx context.Context, caller engine.Caller, req *roundsv1.PutDirectoryRequest) (*roundsv1.PutDirectoryResponse, error) {
	edit, node, id := req.GetEdit(), strings.ToLower(req.GetNodeId()), strings.ToLower(req.GetRecordId())
	kind, ok := merge.KindOf(edit.GetRecord())
	scope, stands := k.placeOf(kind, node)
	switch {
	case !ok || !isDirectory(kind):
		return nil, refuse(wanted("edit.record", string(kind), "目录里的一类记录", "a record of the directory"))
	case !stands:
		return nil, refuse(wanted("node_id", node, "有这类记录的节点：项目，或组织根节点", "a node that has such records: a site, or the root"))
	case (kind == KindUnit || kind == KindSite) && id != "" && id != node:
		return nil, refuse(wanted("record_id", id, "节点本身的编号", "the id of the node itself"))
	}
	if kind == KindUnit || kind == KindSite {
		id = node
	} else if kind == KindCategory || kind == KindChecklist || kind == KindCalendar {
		node = k.rootOf(node)
	}
	if id == "" {
		id = k.newID(kind, node, edit.GetRecord())
	}
	if !k.mayWrite(caller, kind, node) {
		return nil, refuse(noRight())
	}
	edit, err := k.issued(scope, id, edit)
	if err != nil {
		return nil, err
	}
	actID := strings.ToLower(req.GetActId())
	same := func(m *roundsv1.Mutation) bool {
		return m.GetRecordId() == id && m.GetBase() == req.GetBase() && proto.Equal(m.GetEdit(), edit)
	}
	outcome, err := k.once(ctx, caller, kind, node, actID, same, func() (*roundsv1.Outcome, error) {
		before, err := k.cfg.Desk.Record(ctx, scope, kind, merge.RecordID(id))
		if err != nil {
			return nil, err
		}
		p, err := k.checkIdentity(ctx, caller, kind, node, before.GetRecord(), edit)
		if p == nil && err == nil {
			p, err = k.checkPut(ctx, scope, kind, id, before, edit)
		}
		if err != nil || p != nil {
			if p != nil {
				err = refuse(p)
			}
			return nil, err
		}
		act := engine.DeskAct{ID: engine.ActID(actID), RecordID: merge.RecordID(id), Base: journal.Seq(req.GetBase()), Edit: edit}
		if act.ID == "" {
			act.ID = k.actOf(caller, merge.RecordID(id), before, edit).ID
		}
		return k.one(ctx, caller, kind, node, act)
	})
	if err != nil {
		return nil, err
	}
	now, err := k.cfg.Desk.Record(ctx, scope, kind, merge.RecordID(id))
	return &roundsv1.PutDirectoryResponse{Record: now, Outcome: outcome}, err
}

// newID is the id of a new record: from its code, or of a list's version from series and version, so that a repeated call makes one record.
func (k *Keeper) newID(kind merge.Kind, node string, record *roundsv1.Record) string {
	site := ""
	if kind == KindPlace || kind == KindAsset || kind == KindStaff || kind == KindPlan {
		site = node
	}
	name := CodeOf(record)
	if list := record.GetChecklist(); list != nil && list.GetSeriesId() != "" {
		return string(ChecklistID(list.GetSeriesId(), list.GetVersion()))
	}
	if name == "" { // nothing to know it by again: what it says has to do
		name = "\x00" + string(sameBytes(record))
	}
	return idOf(k.rootOf(node), kind, site, name, 0)
}

// checkPut refuses what may not be put.
func (k *Keeper) checkPut(ctx context.Context, scope store.Scope, kind merge.Kind, id string, before *roundsv1.Change, edit *roundsv1.Edit) (*roundsv1.Problem, error) {
	after := edit.GetRecord()
	if before != nil && !before.GetDeleted() {
		merged := proto.CloneOf(before.GetRecord())
		overlay(merged, edit)
		after = merged
	}
	if p, err := k.checkCode(ctx, scope, kind, id, after); p != nil || err != nil {
		return p, err
	}
	if p, err := k.sameTag(ctx, scope, id, before.GetRecord(), after); p != nil || err != nil {
		return p, err
	}
	return k.check(kind, merge.RecordID(id), before.GetRecord(), after, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		return k.cfg.Desk.Record(ctx, scope, kind, id)
	})
}

// mayWrite: whether somebody may write records of a kind. What is of a site is judged by the rules of the trade besides, so that a table of theirs may
// let managers keep rosters and plans; for the rest it takes an administrator.
func (k *Keeper) mayWrite(caller engine.Caller, kind merge.Kind, node string) bool {
	switch kind {
	case KindStaff, KindPlan:
		return k.cfg.Organisation.MayKeep(caller.Person, node) || k.cfg.Organisation.MayRead(caller.Person, SiteScope(node), k.cfg.Now())
	case KindUnit, KindSite, KindPlace, KindAsset:
		return k.cfg.Organisation.MayKeep(caller.Person, node)
	}
	return k.cfg.Organisation.MayKeep(caller.Person, k.rootOf(node))
}

// overlay writes what an edit sets into a record, as it will be where nobody else edits it: for checks alone.
func overlay(record *roundsv1.Record, edit *roundsv1.Edit) {
	to, from := content(record), content(edit.GetRecord())
	fields := map[uint32]bool{}
	for _, f := range edit.GetFields() {
		fields[f] = true
	}
	for i := range from.Descriptor().Fields().Len() {
		field := from.Descriptor().Fields().Get(i)
		if len(fields) > 0 && !fields[uint32(field.Number())] || len(fields) == 0 && !from.Has(field) {
			continue
		}
		switch {
		case field.IsMap():
			from.Get(field).Map().Range(overMap(to.Mutable(field).Map()))
		case from.Has(field):
			to.Set(field, from.Get(field))
		default:
			to.Clear(field)
		}
	}
}

// ListDirectory lists records of one kind, in the order of their codes. Who keeps the node may ask, and who may read its scope.
func (k *Keeper) ListDirectory(ctx context.Context, caller engine.Caller, req *roundsv1.ListDirectoryRequest) (*roundsv1.ListDirectoryResponse, error) {
	kind, node := merge.Kind(req.GetKind()), strings.ToLower(req.GetNodeId())
	scope, ok := k.placeOf(kind, node)
	switch {
	case !ok:
		return nil, refuse(wanted("kind", req.GetKind(), "此节点有的一类目录记录", "a kind of records of the directory that the node has"))
	case !k.maySee(caller, nodeOf(scope)):
		return nil, refuse(noRight())
	}
	span := store.Prefix(append(append([]byte(kind), 0), req.GetCodePrefix()...))
	if req.GetPageToken() != "" {
		behind, err := base64.RawURLEncoding.DecodeString(req.GetPageToken())
		if err != nil || string(behind) < string(span.From) || string(behind) >= string(span.To) {
			return nil, refuse(problem(roundsv1.ProblemCode_PROBLEM_CODE_LINK, "page_token", "", "分页标记无效，请从头查询。", "This is no page token of such a list: begin anew."))
		}
		span.From = append(behind, 0)
	}
	most := int(req.GetPageSize())
	if most == 0 {
		most = 100
	}
	resp := &roundsv1.ListDirectoryResponse{}
	var last []byte
	size := 0
	for e, err := range k.cfg.Desk.Find(ctx, scope, indexName, span) {
		if err != nil {
			return nil, err
		}
		if len(resp.Records) == most || size > 4<<20 {
			resp.NextPageToken = base64.RawURLEncoding.EncodeToString(last)
			break
		}
		one, ok := readEntry(e)
		last = e.Key
		if !ok {
			continue
		}
		change, err := k.cfg.Desk.Record(ctx, scope, kind, merge.RecordID(one.id))
		if err != nil {
			return nil, err
		}
		if change != nil && !change.GetDeleted() {
			resp.Records = append(resp.Records, change)
			size += proto.Size(change)
		}
	}
	return resp, nil
}

// DeleteDirectory deletes one record. Units and sites are not deleted: their work stands below them.
func (k *Keeper) DeleteDirectory(ctx context.Context, caller engine.Caller, req *roundsv1.DeleteDirectoryRequest) (*roundsv1.DeleteDirectoryResponse, error) {
	kind, node, id := merge.Kind(req.GetKind()), strings.ToLower(req.GetNodeId()), strings.ToLower(req.GetRecordId())
	scope, ok := k.placeOf(kind, node)
	switch {
	case !ok || kind == KindUnit || kind == KindSite:
		return nil, refuse(wanted("kind", req.GetKind(), "此节点可删除的一类记录", "a kind of records of the node that can be deleted"))
	case !k.mayWrite(caller, kind, node):
		return nil, refuse(noRight())
	}
	actID := strings.ToLower(req.GetActId())
	same := func(m *roundsv1.Mutation) bool {
		gone := m.GetCommand().GetDelete()
		return m.GetRecordId() == id && gone != nil && gone.GetKind() == string(kind) && gone.GetReason() == req.GetReason()
	}
	outcome, err := k.once(ctx, caller, kind, node, actID, same, func() (*roundsv1.Outcome, error) {
		before, err := k.cfg.Desk.Record(ctx, scope, kind, merge.RecordID(id))
		if err != nil {
			return nil, err
		}
		if before == nil {
			return nil, refuse(problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "record_id", "", "没有这条记录。", "There is no such record."))
		}
		if !before.GetDeleted() {
			if p, err := k.mayDelete(ctx, scope, kind, id, before.GetRecord(), k.census(scope)); err != nil || p != nil {
				if p != nil {
					err = refuse(p)
				}
				return nil, err
			}
		}
		act := k.deletion(caller, kind, before, req.GetReason())
		if actID != "" {
			act.ID = engine.ActID(actID)
		}
		return k.one(ctx, caller, kind, node, act)
	})
	return &roundsv1.DeleteDirectoryResponse{Outcome: outcome}, err
}

// mayDelete says why a record stays, and what uses it; nil where it may go.
func (k *Keeper) mayDelete(ctx context.Context, scope store.Scope, kind merge.Kind, id string, record *roundsv1.Record, all *census) (*roundsv1.Problem, error) {
	p := k.cfg.Reference.mayDelete(scope, kind, record)
	by, err := k.usesOf(ctx, scope, kind, id, record, all)
	switch {
	case err != nil || len(by) == 0:
		return p, err
	case p != nil:
		p.Facts["used_by"] = someOf(by)
		return p, nil
	case kind == KindChecklist && len(k.cfg.Reference.versions(scope, record.GetChecklist().GetSeriesId())) > 1:
		return nil, nil // a draft beside other versions of the list that is used
	}
	return inUse(by), nil
}
