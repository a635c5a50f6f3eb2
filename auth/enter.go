package auth

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// NodeEntry is a node as it shall be.
type NodeEntry struct {
	// ID of the node. Where no node has it, one is made.
	ID NodeID
	// Parent is the node above it; empty: as it is. An earlier entry may make it.
	Parent NodeID
	// Type of a new node; that of an existing one does not change.
	Type roundsv1.NodeType
	// Name; nil: as it is.
	Name *roundsv1.Text
	// Code; empty: as it is.
	Code string
}

// Entered is what became of an entry.
type Entered struct {
	// ID of the node or the person.
	ID string
	// Created: it was not there before.
	Created bool
	// Changed says which parts are others now: parent, name or code of a node; name, home_node_id, external_id, language or grants of a person.
	Changed []string
	// NodeBefore and PersonBefore are how it stood before; nil where it is new. GrantsBefore are the person's grants that ran.
	NodeBefore   *roundsv1.Node
	PersonBefore *roundsv1.Person
	GrantsBefore []*roundsv1.Grant
	// Refused is why nothing was done for this entry; nil where it was taken.
	Refused *Error
}

// errDry has a committed operation leave nothing behind.
var errDry = errors.New("auth: a dry run")

// EnterNodes makes and changes nodes, all in one transaction, so that a list of thousands costs a few syncs of the disk. What each may do is what
// CreateNode, RenameNode and MoveNode may; an entry that is refused keeps no other from being taken. With dry the answers are those that would be, and
// nothing is done. The error is of the store, or says that the caller is nobody in service.
func (d Admin) EnterNodes(ctx context.Context, who Identity, entries []NodeEntry, dry bool) ([]Entered, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	var results []Entered
	err = d.a.committer.commit(ctx, func(t *tx) error {
		results = make([]Entered, len(entries))
		now := d.a.now().UnixMicro()
		fresh := map[uid]bool{} // made by this very list: the index does not know them yet
		for i, e := range entries {
			if err := d.enterNode(t, actor, e, now, fresh, &results[i]); !refused(err, &results[i]) {
				return err
			}
		}
		if dry {
			return errDry
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDry) {
		return nil, err
	}
	if !dry {
		d.did(ctx, who, "enter nodes", count(results))
	}
	return results, nil
}

// refused notes a refusal; false for a fault of the store.
func refused(err error, in *Entered) bool {
	var own *Error
	if errors.As(err, &own) {
		in.Refused = own
		return true
	}
	return err == nil
}

// nodeOrFresh reads a node at which the actor is an administrator, also one that this transaction made.
func (d Admin) nodeOrFresh(t *tx, actor uid, id NodeID, field string, now int64, fresh map[uid]bool) (uid, *roundsv1.Node, error) {
	u, ok := parseUID(string(id))
	if !ok || !fresh[u] {
		return d.node(t, actor, string(id), field, now)
	}
	n := &roundsv1.Node{}
	_, err := read(t, key(keyNode, u[:]), n)
	return u, n, err
}

func (d Admin) enterNode(t *tx, actor uid, e NodeEntry, now int64, fresh map[uid]bool, to *Entered) error {
	id, ok := parseUID(string(e.ID))
	if !ok {
		return badField("node_id", "编号无效", "This is no id")
	}
	to.ID = id.String()
	n := &roundsv1.Node{}
	found, err := read(t, key(keyNode, id[:]), n)
	if err != nil {
		return err
	}
	if !found {
		parentID, parent, err := d.nodeOrFresh(t, actor, e.Parent, "parent_id", now, fresh)
		if err != nil {
			return err
		}
		if err := fits(t, e.Type, 1, parent, id); err != nil {
			return err
		}
		if err := d.takeCode(t, id, "", e.Code); err != nil {
			return err
		}
		n = &roundsv1.Node{NodeId: id.String(), ParentId: parentID.String(), Type: e.Type, Name: e.Name, Code: e.Code, CreatedUs: now}
		fresh[id], to.Created = true, true
		t.apply(func(x *index) { x.setNode(n) })
		return t.write(key(keyNode, id[:]), n)
	}
	to.NodeBefore = proto.CloneOf(n)
	if !fresh[id] && !d.a.index.mayAt(actor, n.GetNodeId(), now) {
		return noRight()
	}
	before := n.GetCode()
	if e.Name != nil && !proto.Equal(e.Name, n.GetName()) {
		n.Name, to.Changed = e.Name, append(to.Changed, "name")
	}
	if e.Code != "" && e.Code != n.GetCode() {
		n.Code, to.Changed = e.Code, append(to.Changed, "code")
	}
	if e.Parent != "" && string(e.Parent) != n.GetParentId() {
		if err := d.moveWithin(t, actor, id, n, e.Parent, now, fresh); err != nil {
			to.Changed = nil
			return err
		}
		to.Changed = append(to.Changed, "parent")
	}
	if len(to.Changed) == 0 {
		return nil
	}
	if err := d.takeCode(t, id, before, n.GetCode()); err != nil {
		to.Changed = nil
		return err
	}
	if slices.Contains(to.Changed, "parent") {
		t.tell(Change{})
	}
	t.apply(func(x *index) { x.setNode(n) })
	return t.write(key(keyNode, id[:]), n)
}

// moveWithin puts a node under another one, in the message alone.
func (d Admin) moveWithin(t *tx, actor, id uid, n *roundsv1.Node, to NodeID, now int64, fresh map[uid]bool) error {
	if n.GetParentId() == "" {
		return badField("node_id", "根节点不能移动", "The root cannot be moved")
	}
	parentID, parent, err := d.nodeOrFresh(t, actor, to, "parent_id", now, fresh)
	if err != nil {
		return err
	}
	if !fresh[id] && !d.a.index.mayAt(actor, n.GetParentId(), now) {
		return noRight()
	}
	if err := fits(t, n.GetType(), d.a.index.heightOf(id), parent, id); err != nil {
		return err
	}
	if len(n.GetMoves()) >= maxMoves {
		return tooMany("node_id")
	}
	n.Moves = append(n.Moves, &roundsv1.NodeMove{ParentId: n.GetParentId(), UntilUs: now})
	n.ParentId = parentID.String()
	return nil
}

// NodesByCode returns the ids of the nodes that have a code, in no order.
func (a *Authority) NodesByCode(code string) []NodeID {
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	var ids []NodeID
	for _, n := range a.index.codes[code] {
		ids = append(ids, NodeID(a.index.nodes[n].id.String()))
	}
	return ids
}

// NodeType returns the level of a node; unspecified where there is no such node.
func (a *Authority) NodeType(node NodeID) roundsv1.NodeType {
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	if n := a.index.find(string(node)); n != none {
		return a.index.nodes[n].typ
	}
	return roundsv1.NodeType_NODE_TYPE_UNSPECIFIED
}

// NodeName returns the name of a node, not to be changed; nil where there is no such node.
func (a *Authority) NodeName(node NodeID) *roundsv1.Text {
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	if n := a.index.find(string(node)); n != none {
		return a.index.nodes[n].name
	}
	return nil
}

// AdminAt says whether a person is an administrator at a node or above it now.
func (a *Authority) AdminAt(person PersonID, node NodeID) bool {
	id, ok := parseUID(string(person))
	return ok && a.index.mayAt(id, string(node), a.now().UnixMicro())
}

// setCode notes a node's code.
func (x *index) setCode(at int32, code string) {
	n := &x.nodes[at]
	if n.code == code {
		return
	}
	if n.code != "" {
		left := slices.DeleteFunc(slices.Clone(x.codes[n.code]), func(other int32) bool { return other == at })
		if x.codes[n.code] = left; len(left) == 0 {
			delete(x.codes, n.code)
		}
	}
	if n.code = code; code != "" {
		x.codes[code] = append(x.codes[code], at)
	}
}
