package auth

import (
	"context"
	"errors"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

const (
	maxGrants      = 256 // of a person
	maxSuspensions = 100 // of a person
	maxMoves       = 100 // of a node
	maxOpenCodes   = 16  // of a person
)

// Admin is what administrators do: the methods of AdminService on messages that the caller has validated. Each takes the Identity of who
// asks and checks their right; each returns once its change is durable and in force. Refusals: NO_RIGHT, NO_RECORD, INVALID_FIELD,
// STATE (the last administrator, a deleted person), LIMIT. What the calls mean stands in admin.proto.
type Admin struct {
	a *Authority
}

// Admin returns what administrators do.
func (a *Authority) Admin() Admin { return Admin{a} }

// begin checks that somebody in service asks, and answers with the person.
func (d Admin) begin(who Identity) (uid, error) {
	id, ok := parseUID(string(who.Person))
	if !ok || !who.InService() {
		return uid{}, noRight()
	}
	return id, nil
}

// did logs what an administrator did.
func (d Admin) did(ctx context.Context, who Identity, what, id string) {
	d.a.log.InfoContext(ctx, "administration", "action", what, "target", id, "person_id", string(who.Person), "device_id", string(who.Device))
}

// mayAt says whether a person is an administrator at a node or above it.
func (x *index) mayAt(actor uid, nodeID string, t int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.adminAt(actor, x.find(nodeID), t)
}

func (x *index) adminAt(actor uid, n int32, t int64) bool {
	return x.at(actor, n, t)&setOf(roundsv1.Role_ROLE_ADMIN) != 0
}

// mayActFor says whether an administrator may do what would let them act as a person: they are an administrator over the home node and
// over every node where the person holds a role or will hold one.
func (x *index) mayActFor(actorID string, person uid, home string, t int64) bool {
	actor, ok := parseUID(actorID)
	if !ok {
		return false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if !x.adminAt(actor, x.find(home), t) {
		return false
	}
	for _, g := range x.grants[person] {
		if g.until > t && !g.empty() && !x.adminAt(actor, g.node, t) {
			return false
		}
	}
	return true
}

// atSomeRoot says whether a person is an administrator at the root.
func (x *index) atSomeRoot(actor uid, t int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i := range x.nodes {
		if x.nodes[i].parent == none && x.adminAt(actor, int32(i), t) {
			return true
		}
	}
	return false
}

func (x *index) barredNow(person uid, t int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.barred(person, t)
}

// home returns the home node of a person, or "" where nothing can be read.
func home(r Reader, person uid) string {
	var p roundsv1.Person
	if found, err := read(r, key(keyPerson, person[:]), &p); err != nil || !found {
		return ""
	}
	return p.GetHomeNodeId()
}

// kept reads a person whom the actor keeps.
func (d Admin) kept(r Reader, actor uid, personID string, t int64) (uid, *roundsv1.Person, error) {
	id, ok := parseUID(personID)
	if !ok {
		return uid{}, nil, noRecord("person_id")
	}
	p := &roundsv1.Person{}
	found, err := read(r, key(keyPerson, id[:]), p)
	switch {
	case err != nil:
		return uid{}, nil, err
	case !found:
		return uid{}, nil, noRecord("person_id")
	case !d.a.index.mayAt(actor, p.GetHomeNodeId(), t):
		return uid{}, nil, noRight()
	}
	return id, p, nil
}

// keptAlive is kept, for a person who was not deleted.
func (d Admin) keptAlive(r Reader, actor uid, personID string, t int64) (uid, *roundsv1.Person, error) {
	id, p, err := d.kept(r, actor, personID, t)
	if err == nil && p.GetDeletedUs() != 0 {
		err = wasDeleted()
	}
	return id, p, err
}

func wasDeleted() *Error {
	return refuse(roundsv1.ProblemCode_PROBLEM_CODE_DELETED, "该人员已被删除", "The person was deleted")
}

func tooMany(field string) *Error {
	e := refuse(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "数量超过上限", "More than the limit allows")
	e.Problem.Field = field
	return e
}

// node reads a node at which the actor is an administrator, or above which.
func (d Admin) node(r Reader, actor uid, nodeID, field string, t int64) (uid, *roundsv1.Node, error) {
	id, ok := parseUID(nodeID)
	if !ok {
		return uid{}, nil, noRecord(field)
	}
	n := &roundsv1.Node{}
	found, err := read(r, key(keyNode, id[:]), n)
	switch {
	case err != nil:
		return uid{}, nil, err
	case !found:
		return uid{}, nil, noRecord(field)
	case !d.a.index.mayAt(actor, n.GetNodeId(), t):
		return uid{}, nil, noRight()
	}
	return id, n, nil
}

// chosen returns the id that a creation brings, or a new one.
func (d Admin) chosen(asked, field string) (uid, error) {
	if asked == "" {
		return newUID(d.a.now(), d.a.cfg.Rand)
	}
	id, ok := parseUID(asked)
	if !ok || id == (uid{}) {
		return uid{}, badField(field, "编号无效", "This is no id")
	}
	return id, nil
}

// lastOne refuses what would leave the organisation without an administrator at its root for good. gone says which grants no longer
// count.
func (d Admin) lastOne(r Reader, root uid, now int64, gone func(person, grant uid) bool) error {
	type holder struct{ person, grant uid }
	var all []holder
	prefix := key(keyGrantAt, root[:])
	for e, err := range r.Scan(prefix, after(prefix)) {
		if err != nil {
			return err
		}
		all = append(all, holder{uid(e.Value), uid(e.Key[len(prefix):])})
	}
	before := false
	for _, h := range all {
		var g roundsv1.Grant
		var p roundsv1.Person
		if _, err := read(r, key(keyGrant, h.person[:], h.grant[:]), &g); err != nil {
			return err
		}
		if g.GetRole() != roundsv1.Role_ROLE_ADMIN || g.GetFromUs() > now || g.GetUntilUs() != 0 {
			continue
		}
		if _, err := read(r, key(keyPerson, h.person[:]), &p); err != nil {
			return err
		}
		if p.GetDeletedUs() != 0 || suspendedForGood(&p) {
			continue
		}
		if !gone(h.person, h.grant) {
			return nil
		}
		before = true
	}
	if !before {
		return nil // it is not this act that leaves nobody
	}
	return refuse(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "组织根节点至少需要一名管理员",
		"The organisation would be left without an administrator: name another one first")
}

func suspendedForGood(p *roundsv1.Person) bool {
	for _, s := range p.GetSuspensions() {
		if s.GetUntilUs() == 0 {
			return true
		}
	}
	return false
}

// roots returns the ids of the roots.
func (x *index) roots() []uid {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []uid
	for i := range x.nodes {
		if x.nodes[i].parent == none {
			ids = append(ids, x.nodes[i].id)
		}
	}
	return ids
}

// lastPerson is lastOne for an act that takes every right from a person.
func (d Admin) lastPerson(r Reader, person uid, now int64) error {
	for _, root := range d.a.index.roots() {
		if err := d.lastOne(r, root, now, func(p, _ uid) bool { return p == person }); err != nil {
			return err
		}
	}
	return nil
}

var errLongTree = errors.New("the tree would be deeper than its limit")
