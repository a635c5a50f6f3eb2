package auth

import (
	"math/bits"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// roleSet is a set of roles, a bit each.
type roleSet uint32

func setOf(roles ...roundsv1.Role) roleSet {
	var s roleSet
	for _, r := range roles {
		s |= 1 << uint(r)
	}
	return s
}

func (s roleSet) list() []roundsv1.Role {
	if s == 0 {
		return nil
	}
	list := make([]roundsv1.Role, 0, bits.OnesCount32(uint32(s)))
	for rest := s; rest != 0; rest &= rest - 1 {
		list = append(list, roundsv1.Role(bits.TrailingZeros32(uint32(rest))))
	}
	return list
}

// desk are the roles that open a site's desk: the household ledger, the ratings, the inbox.
const desk = 1<<roundsv1.Role_ROLE_BUTLER | 1<<roundsv1.Role_ROLE_DISPATCHER | 1<<roundsv1.Role_ROLE_SUPERVISOR |
	1<<roundsv1.Role_ROLE_MANAGER | 1<<roundsv1.Role_ROLE_AUDITOR

// site are the roles that open a site's work. A resident sees a redacted feed, never the scope, in which everybody's homes stand;
// an administrator sees no work.
const site = desk | 1<<roundsv1.Role_ROLE_WORKER | 1<<roundsv1.Role_ROLE_FOREMAN

const (
	deskRoles roleSet = desk
	siteRoles roleSet = site
)

// opens says which roles open scopes of a kind for reading. user/ and org/ are opened otherwise.
func opens(kind scopeKind) roleSet {
	switch kind {
	case scopeSite:
		return siteRoles
	case scopeDesk:
		return deskRoles
	}
	return 0
}

// at returns the roles of a person at a node, from grants there and above.
func (x *index) at(person uid, n int32, t int64) roleSet {
	grants := x.grants[person]
	if len(grants) == 0 || n == none || x.barred(person, t) {
		return 0
	}
	var room [maxDepth]int32
	path := x.path(room[:0], n, t)
	var s roleSet
	for _, g := range grants {
		if !g.holds(t) {
			continue
		}
		for _, p := range path {
			if p == g.node {
				s |= 1 << uint(g.role)
				break
			}
		}
	}
	return s
}

// anywhere returns all roles that a person holds somewhere.
func (x *index) anywhere(person uid, t int64) roleSet {
	if x.barred(person, t) {
		return 0
	}
	var s roleSet
	for _, g := range x.grants[person] {
		if g.holds(t) {
			s |= 1 << uint(g.role)
		}
	}
	return s
}

// within says whether a person holds any role in the tree of a root.
func (x *index) within(person uid, root int32, t int64) bool {
	if root == none || x.nodes[root].parent != none || x.barred(person, t) {
		return false
	}
	for _, g := range x.grants[person] {
		if g.holds(t) && x.root(g.node) == root {
			return true
		}
	}
	return false
}

// roles answers RolesAt.
func (x *index) roles(person uid, kind scopeKind, id uid, t int64) roleSet {
	switch kind {
	case scopeSite:
		if n := x.findUID(id); n != none && x.nodes[n].typ == roundsv1.NodeType_NODE_TYPE_SITE {
			return x.at(person, n, t)
		}
	case scopeDesk:
		if n := x.findUID(id); n != none && x.nodes[n].typ == roundsv1.NodeType_NODE_TYPE_SITE {
			return x.at(person, n, t) & deskRoles
		}
	case scopeOrg:
		if n := x.findUID(id); n != none && x.nodes[n].parent == none {
			return x.at(person, n, t)
		}
	case scopeUser:
		if person == id {
			return x.anywhere(person, t)
		}
	}
	return 0
}

// mayRead answers MayRead.
func (x *index) mayRead(person uid, kind scopeKind, id uid, t int64) bool {
	switch kind {
	case scopeUser:
		return person == id && !x.barred(person, t)
	case scopeOrg:
		return x.within(person, x.findUID(id), t)
	}
	return x.roles(person, kind, id, t)&opens(kind) != 0
}

// everHad answers EverHad.
func (x *index) everHad(person uid, kind scopeKind, id uid, now int64) bool {
	if kind == scopeUser {
		return person == id
	}
	n := x.findUID(id)
	if n == none {
		return false
	}
	for _, g := range x.grants[person] {
		past := g.span.meet(span{0, now + 1})
		switch kind {
		case scopeOrg:
			if !past.empty() && x.root(g.node) == n {
				return true
			}
		case scopeDesk:
			if deskRoles&(1<<uint(g.role)) != 0 && x.everUnder(n, g.node, past) {
				return true
			}
		case scopeSite:
			if x.everUnder(n, g.node, past) {
				return true
			}
		}
	}
	return false
}

// everUnder says whether n was top or stood below it at some moment of when.
func (x *index) everUnder(n, top int32, when span) bool {
	if when.empty() || n == none {
		return false
	}
	if n == top {
		return true
	}
	begin := int64(0)
	for _, m := range x.nodes[n].moves {
		if x.everUnder(m.parent, top, when.meet(span{begin, m.until})) {
			return true
		}
		begin = m.until
	}
	return x.everUnder(x.nodes[n].parent, top, when.meet(span{begin, forever}))
}
