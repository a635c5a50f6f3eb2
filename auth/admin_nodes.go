package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"unicode"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// CreateNode adds a node to the organisation tree.
func (d Admin) CreateNode(ctx context.Context, who Identity, req *roundsv1.CreateNodeRequest) (
	*roundsv1.CreateNodeResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	id, err := d.chosen(req.GetNodeId(), "node_id")
	if err != nil {
		return nil, err
	}
	var n *roundsv1.Node
	err = d.a.committer.commit(ctx, func(t *tx) error {
		now := d.a.now().UnixMicro()
		parentID, parent, err := d.node(t, actor, req.GetParentId(), "parent_id", now)
		if err != nil {
			return err
		}
		n = &roundsv1.Node{}
		if found, err := read(t, key(keyNode, id[:]), n); err != nil {
			return err
		} else if found {
			if !d.a.index.mayAt(actor, n.GetNodeId(), now) || n.GetType() != req.GetType() {
				return badField("node_id", "编号已被占用", "The id is another node's")
			}
			return nil
		}
		if err := fits(t, req.GetType(), 1, parent, id); err != nil {
			return err
		}
		if err := d.takeCode(t, id, "", req.GetCode()); err != nil {
			return err
		}
		n = &roundsv1.Node{NodeId: id.String(), ParentId: parentID.String(), Type: req.GetType(), Name: req.GetName(), Code: req.GetCode(),
			CreatedUs: now}
		t.apply(func(x *index) { x.setNode(n) })
		return t.write(key(keyNode, id[:]), n)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "create node", n.GetNodeId())
	return &roundsv1.CreateNodeResponse{Node: n}, nil
}

// usableCode: whether people can write a code in a table, where a semicolon stands between several, and see all of it on a screen.
func usableCode(code string) bool {
	return strings.TrimSpace(code) == code && !strings.ContainsAny(code, ";；") && !strings.ContainsFunc(code, func(r rune) bool { return !unicode.IsPrint(r) })
}

// takeCode gives a node a code, which no other has: codes are what tables and people name nodes by. A node keeps the code that it has, also where an older release let it share one. It
// asks the store, not the index alone, so that two at once do not both get it.
func (d Admin) takeCode(t *tx, self uid, before, code string) error {
	if code == before {
		return nil
	}
	if code != "" {
		if !usableCode(code) {
			return badField("code", "编码不能含控制字符、分号或首尾空格", "A code has no control characters, no semicolons and no blanks around it")
		}
		others := d.a.index.coded(code)
		if ref, found, err := t.Get(nodeCodeAt(code)); err != nil {
			return err
		} else if found {
			others = append(others, uid(ref))
		}
		for _, other := range others {
			n := &roundsv1.Node{}
			found, err := read(t, key(keyNode, other[:]), n)
			if err != nil {
				return err
			}
			if found && other != self && n.GetCode() == code {
				return badField("code", "编码已被其他节点占用", "The code is another node's")
			}
		}
		t.set(nodeCodeAt(code), self[:])
	}
	if before == "" {
		return nil
	}
	ref, found, err := t.Get(nodeCodeAt(before))
	if err == nil && found && uid(ref) == self {
		t.delete(nodeCodeAt(before))
	}
	return err
}

func nodeCodeAt(code string) []byte {
	hash := sha256.Sum256([]byte(code))
	return key(keyNodeCode, hash[:])
}

// coded are the nodes that have a code.
func (x *index) coded(code string) []uid {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []uid
	for _, n := range x.codes[code] {
		ids = append(ids, x.nodes[n].id)
	}
	return ids
}

// fits checks that a node may stand under a parent: its level is not above the parent's, nothing stands below a site, the tree stays
// shallow, and the parent is not below the node itself. It reads the store, not the index, so that two moves at once make no circle.
func fits(r Reader, typ roundsv1.NodeType, height int, parent *roundsv1.Node, self uid) error {
	if typ < parent.GetType() || parent.GetType() == roundsv1.NodeType_NODE_TYPE_SITE || typ == roundsv1.NodeType_NODE_TYPE_GROUP {
		return badField("parent_id", "上级节点的层级不符", "A node of this level cannot stand under that one")
	}
	depth := 1
	for up := parent; ; depth++ {
		if up.GetNodeId() == self.String() {
			return badField("parent_id", "不能移动到自己的下级", "A node cannot stand below itself")
		}
		if depth+height > maxDepth {
			return tooMany("parent_id").because(errLongTree)
		}
		if up.GetParentId() == "" {
			return nil
		}
		id, _ := parseUID(up.GetParentId())
		next := &roundsv1.Node{}
		if _, err := read(r, key(keyNode, id[:]), next); err != nil {
			return err
		}
		up = next
	}
}

// RenameNode changes a node's name and code.
func (d Admin) RenameNode(ctx context.Context, who Identity, req *roundsv1.RenameNodeRequest) (
	*roundsv1.RenameNodeResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	var n *roundsv1.Node
	err = d.a.committer.commit(ctx, func(t *tx) (err error) {
		var id uid
		if id, n, err = d.node(t, actor, req.GetNodeId(), "node_id", d.a.now().UnixMicro()); err != nil {
			return err
		}
		if req.Code != nil {
			if err := d.takeCode(t, id, n.GetCode(), req.GetCode()); err != nil {
				return err
			}
			n.Code = req.GetCode()
		}
		n.Name = req.GetName()
		t.apply(func(x *index) { x.setNode(n) })
		return t.write(key(keyNode, id[:]), n)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "rename node", n.GetNodeId())
	return &roundsv1.RenameNodeResponse{Node: n}, nil
}

// MoveNode puts a node, with everything below it, under another one from now on.
func (d Admin) MoveNode(ctx context.Context, who Identity, req *roundsv1.MoveNodeRequest) (*roundsv1.MoveNodeResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	var n *roundsv1.Node
	err = d.a.committer.commit(ctx, func(t *tx) (err error) {
		var id uid
		now := d.a.now().UnixMicro()
		if id, n, err = d.node(t, actor, req.GetNodeId(), "node_id", now); err != nil {
			return err
		}
		if n.GetParentId() == "" {
			return badField("node_id", "根节点不能移动", "The root cannot be moved")
		}
		parentID, parent, err := d.node(t, actor, req.GetParentId(), "parent_id", now)
		if err != nil {
			return err
		}
		if n.GetParentId() == parentID.String() {
			return nil
		}
		if !d.a.index.mayAt(actor, n.GetParentId(), now) { // taking it out of somebody's tree needs the right there
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
		t.apply(func(x *index) { x.setNode(n) })
		t.tell(Change{})
		return t.write(key(keyNode, id[:]), n)
	})
	if err != nil {
		return nil, err
	}
	d.did(ctx, who, "move node", n.GetNodeId())
	return &roundsv1.MoveNodeResponse{Node: n}, nil
}

func (x *index) heightOf(id uid) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := x.findUID(id)
	if n == none {
		return 1
	}
	return x.height(n)
}

// ListNodes lists a node and all below it, parents before children.
func (d Admin) ListNodes(ctx context.Context, who Identity, req *roundsv1.ListNodesRequest) (*roundsv1.ListNodesResponse, error) {
	actor, err := d.begin(who)
	if err != nil {
		return nil, err
	}
	position, err := decodePage(req.GetPageToken(), "nodes", req.GetNodeId())
	if err != nil {
		return nil, err
	}
	now := d.a.now().UnixMicro()
	var all [][]byte
	if req.GetNodeId() == "" {
		all = d.a.index.administered(actor, now)
	} else {
		err = d.a.cfg.Store.View(ctx, func(r Reader) error {
			id, _, err := d.node(r, actor, req.GetNodeId(), "node_id", now)
			all = d.a.index.below(id)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	resp := &roundsv1.ListNodesResponse{}
	err = d.a.cfg.Store.View(ctx, func(r Reader) error {
		resp.Reset()
		p := pager{size: pageSize(req.GetPageSize())}
		for _, at := range all {
			if position != nil && bytes.Compare(at, position) <= 0 {
				continue
			}
			if p.full() {
				break
			}
			n := &roundsv1.Node{}
			found, err := read(r, key(keyNode, at[1:]), n)
			if err != nil {
				return err
			}
			if found {
				resp.Nodes = append(resp.Nodes, n)
			}
			p.looked(at, found)
		}
		resp.NextPageToken = p.next("nodes", req.GetNodeId())
		return nil
	})
	return resp, err
}

// below returns a node and all below it, each as its depth and its id, so that parents come first.
func (x *index) below(top uid) [][]byte {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return inOrder(x.collect(nil, x.findUID(top)))
}

func inOrder(all [][]byte) [][]byte {
	slices.SortFunc(all, bytes.Compare)
	return slices.CompactFunc(all, bytes.Equal)
}

func (x *index) collect(to [][]byte, n int32) [][]byte {
	if n == none {
		return to
	}
	to = append(to, append([]byte{byte(x.depth(n))}, x.nodes[n].id[:]...))
	for _, c := range x.nodes[n].children {
		to = x.collect(to, c)
	}
	return to
}

// administered is below for every node at which a person is an administrator.
func (x *index) administered(actor uid, t int64) [][]byte {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all [][]byte
	if x.barred(actor, t) {
		return nil
	}
	for _, g := range x.grants[actor] {
		if g.role == roundsv1.Role_ROLE_ADMIN && g.holds(t) {
			all = x.collect(all, g.node)
		}
	}
	return inOrder(all)
}

// subtree returns the ids of a node and all below it, in ascending order.
func (x *index) subtree(top uid) []uid {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []uid
	for _, at := range x.collect(nil, x.findUID(top)) {
		ids = append(ids, uid(at[1:]))
	}
	slices.SortFunc(ids, func(a, b uid) int { return bytes.Compare(a[:], b[:]) })
	return ids
}
