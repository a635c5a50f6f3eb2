package server

import (
	"context"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// organisation answers the directory's questions about the tree from an Authority.
type organisation struct{ of *auth.Authority }

var (
	_ directory.Organisation = organisation{}
	_ directory.Nodes        = organisation{}
)

// Organisation implements directory.Tree.
func (o organisation) Organisation(scope store.Scope) (store.Scope, bool) {
	if id, is := strings.CutPrefix(string(scope), "org/"); is {
		path := o.of.Path(auth.NodeID(id))
		return scope, len(path) == 1
	}
	found, ok := o.of.OrganisationOf(auth.Scope(scope))
	return store.Scope(found), ok
}

// Path implements directory.Tree.
func (o organisation) Path(node string) []string {
	nodes := o.of.Path(auth.NodeID(node))
	path := make([]string, len(nodes))
	for i, n := range nodes {
		path[i] = string(n)
	}
	return path
}

// NodesByCode implements directory.Organisation.
func (o organisation) NodesByCode(code string) []string {
	var ids []string
	for _, id := range o.of.NodesByCode(code) {
		ids = append(ids, string(id))
	}
	return ids
}

// NodeType implements directory.Organisation.
func (o organisation) NodeType(node string) roundsv1.NodeType {
	return o.of.NodeType(auth.NodeID(node))
}

// NodeName implements directory.Nodes.
func (o organisation) NodeName(node string) *roundsv1.Text { return o.of.NodeName(auth.NodeID(node)) }

// Erased implements directory.Nodes.
func (o organisation) Erased(person engine.PersonID) bool { return o.of.Erased(auth.PersonID(person)) }

// MayKeep implements directory.Organisation.
func (o organisation) MayKeep(person engine.PersonID, node string) bool {
	return o.of.AdminAt(auth.PersonID(person), auth.NodeID(node))
}

// MayRead implements directory.Organisation.
func (o organisation) MayRead(person engine.PersonID, scope store.Scope, at time.Time) bool {
	return o.of.MayRead(auth.PersonID(person), auth.Scope(scope), at)
}

// RolesAt implements directory.Organisation.
func (o organisation) RolesAt(person engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role {
	return o.of.RolesAt(auth.PersonID(person), auth.Scope(scope), at)
}

// EnterNodes implements directory.Organisation.
func (o organisation) EnterNodes(ctx context.Context, _ engine.Caller, nodes []directory.NodeEntry, dry bool) ([]directory.Entered, error) {
	list := make([]auth.NodeEntry, len(nodes))
	for i, n := range nodes {
		list[i] = auth.NodeEntry{ID: auth.NodeID(n.ID), Parent: auth.NodeID(n.Parent), Type: n.Type, Name: n.Name, Code: n.Code}
	}
	done, err := o.of.Admin().EnterNodes(ctx, identityOf(ctx), list, dry)
	return entered(done), err
}

// EnterPeople implements directory.Organisation.
func (o organisation) EnterPeople(ctx context.Context, _ engine.Caller, people []directory.PersonEntry, dry bool) ([]directory.Entered, error) {
	list := make([]auth.PersonEntry, len(people))
	for i, p := range people {
		list[i] = auth.PersonEntry{ID: auth.PersonID(p.ID), External: p.External, Name: p.Name, Home: p.Home, Language: p.Language, Leaves: p.Leaves, OnlyNew: p.OnlyNew}
		if p.Grants != nil {
			list[i].Grants = make([]auth.GrantEntry, len(p.Grants))
		}
		for j, g := range p.Grants {
			list[i].Grants[j] = auth.GrantEntry{Role: g.Role, Node: auth.NodeID(g.Node)}
		}
	}
	done, err := o.of.Admin().EnterPeople(ctx, identityOf(ctx), list, dry)
	return entered(done), err
}

// entered is what the directory hears of what became of a list.
func entered(done []auth.Entered) []directory.Entered {
	list := make([]directory.Entered, len(done))
	for i, e := range done {
		list[i] = directory.Entered{ID: e.ID, Created: e.Created, Changed: e.Changed, Node: e.NodeBefore, Person: e.PersonBefore, Grants: e.GrantsBefore}
		if e.Refused != nil {
			list[i].Problem = e.Refused.Problem
		}
	}
	return list
}
