package directory

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Follow has the record of a unit or a site say what the tree says of its node: name, code, the node above. It is called after whatever changed the node, by who did so, and again where
// that call failed between the two: the same call mends it. Where two change a node at once, each follows until the record says what the tree says last.
func (k *Keeper) Follow(ctx context.Context, caller engine.Caller, node string) error {
	node = strings.ToLower(node)
	var overtaken error
	for range mostFollowed {
		done, err := k.cfg.Organisation.EnterNodes(ctx, caller, []NodeEntry{{ID: node}}, true) // dry: only to hear how it stands
		switch {
		case err != nil:
			return err
		case done[0].Problem != nil:
			return refuse(done[0].Problem)
		}
		n := done[0].Node
		kind := KindUnit
		if n.GetType() == roundsv1.NodeType_NODE_TYPE_SITE {
			kind = KindSite
		}
		scope, ok := k.placeOf(kind, node)
		if !ok {
			return nil
		}
		before, err := k.cfg.Desk.Record(ctx, scope, kind, merge.RecordID(node))
		if err != nil {
			return err
		}
		if before.GetDeleted() {
			return nil // nothing is written to what was deleted; what an older release let go stays gone
		}
		edit := editOf(kind, before.GetRecord(), asTree(n, before.GetRecord()))
		if edit == nil {
			return nil
		}
		act := k.actOf(caller, merge.RecordID(node), before, edit)
		act.Roles = k.vouched(caller, kind, node)
		_, err = k.one(ctx, caller, kind, node, act)
		if overtaken = err; err != nil && !ofTheTree(err) {
			return err
		}
	}
	return overtaken // others go on changing it, and each follows
}

// mostFollowed bounds how often one call follows a node that others change meanwhile.
const mostFollowed = 8

// asTree is the record of a node with what the tree says of it.
func asTree(n *roundsv1.Node, before *roundsv1.Record) *roundsv1.Record {
	if n.GetType() == roundsv1.NodeType_NODE_TYPE_SITE {
		site := proto.CloneOf(before.GetSite())
		if site == nil {
			site = &roundsv1.Site{}
		}
		site.Name, site.Code, site.UnitId = n.GetName(), n.GetCode(), n.GetParentId()
		return &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: site}}
	}
	unit := proto.CloneOf(before.GetUnit())
	if unit == nil {
		unit = &roundsv1.Unit{}
	}
	unit.Name, unit.Code, unit.ParentId, unit.Type = n.GetName(), n.GetCode(), n.GetParentId(), unitTypeOf(n.GetType())
	return &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: unit}}
}

// erased is the reason of the redactions that Forget makes, as journals keep it for good.
const erased = "personal data erased with the person"

// Numbers of Staff's fields that say who somebody is.
const (
	staffName     = 1
	staffPhone    = 4
	staffCode     = 6
	staffAbsences = 8
)

// Forget takes what says who somebody is out of the lists of staff of all sites, after the person's own data was erased: name, phone, job number, and when and why they were away. The entries
// stay, marked as left, so that what names them goes on to name somebody; the journals lose the contents that carried these fields. It may be repeated: what is done is not done
// again, what came in since is.
func (k *Keeper) Forget(ctx context.Context, caller engine.Caller, person engine.PersonID) error {
	entry := merge.RecordID(strings.ToLower(string(person)))
	scopes, err := k.cfg.Scopes(ctx)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		if !strings.HasPrefix(string(scope), "site/") {
			continue
		}
		before, err := k.cfg.Desk.Record(ctx, scope, KindStaff, entry)
		if err != nil {
			return err
		}
		if before == nil {
			continue
		}
		if !before.GetDeleted() && !before.GetRecord().GetStaff().GetLeft() {
			edit := &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Left: true}}}, Fields: []uint32{9}}
			act := k.actOf(caller, entry, before, edit)
			act.Roles = []roundsv1.Role{roundsv1.Role_ROLE_ADMIN} // who may erase a person may take them off any list, wherever they once worked
			outcomes, err := k.act(ctx, caller, scope, []engine.DeskAct{act})
			if err != nil {
				return err
			}
			if p := refusalOf(outcomes[0]); p != nil {
				return refuse(p)
			}
		}
		told, err := k.tells(ctx, scope, entry, before.GetRecord().GetStaff())
		if err != nil {
			return err
		}
		if told {
			if err := k.cfg.Desk.Redact(ctx, scope, KindStaff, entry, []uint32{staffName, staffPhone, staffCode, staffAbsences}, erased); err != nil {
				return err
			}
		}
	}
	return nil
}

func identifies(s *roundsv1.Staff) bool {
	return s.GetName() != "" || s.GetPhone() != "" || s.GetCode() != "" || len(s.GetAbsences()) > 0
}

// tells: whether the record of somebody, or an entry of its journal since the last redaction, says who it is.
func (k *Keeper) tells(ctx context.Context, scope store.Scope, entry merge.RecordID, now *roundsv1.Staff) (bool, error) {
	if identifies(now) {
		return true, nil
	}
	for e, err := range k.cfg.Desk.History(ctx, scope, KindStaff, entry, engine.HistorySpan{Reverse: true}) {
		switch {
		case err != nil:
			return false, err
		case e.Head.GetReason() == erased:
			return false, nil
		case len(e.Content) == 0:
			continue
		}
		m := new(roundsv1.Mutation)
		if err := proto.Unmarshal(e.Content, m); err != nil {
			return true, nil
		}
		if identifies(m.GetEdit().GetRecord().GetStaff()) || identifies(m.GetFact().GetRecord().GetStaff()) {
			return true, nil
		}
	}
	return false, nil
}
