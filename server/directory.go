package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/media/check"
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

// loadReference reads what the rules ask about into memory, before anything is judged.
func (s *Server) loadReference(ctx context.Context) error {
	scopes, err := s.recordScopes(ctx)
	if err == nil {
		err = s.reference.Load(ctx, s.engine, scopes)
	}
	if err != nil {
		return fmt.Errorf("server: directory: %w", err)
	}
	return nil
}

// Reference is what the rules know of the organisation, for a program that looks at it beside the server.
func (s *Server) Reference() *directory.Reference { return s.reference }

// keeper returns how administrators keep the directory.
func (s *Server) keeper() *directory.Keeper {
	return directory.New(directory.Config{
		Desk: s.engine, Organisation: organisation{s.authority}, Reference: s.reference, Checks: s.guard.Checks, Scopes: s.recordScopes,
		Validate: func(m proto.Message) error { return firstField(s.validator.Validate(m)) },
		Tag:      s.tags.issue, Root: string(s.founding.Root), Now: s.cfg.Inject.Now, Log: s.log,
	})
}

// guarded are the rules with what the directory asks besides, of whoever writes.
func (s *Server) guarded(rules engine.Rules) *directory.Guard {
	return &directory.Guard{Rules: rules, Nodes: organisation{s.authority}, Reference: s.reference, Checks: directory.NewChecks(families(), func(text string) error {
		_, err := check.ParseOutline(text)
		return err
	})}
}

// families are the settings that parts of the server read besides those of the trade.
func families() []directory.Family {
	photos := directory.Family{Check: func(settings map[string]string) map[string]string {
		_, err := check.ParsePolicy(settings)
		wanted := map[string]string{}
		for _, one := range parts(err) {
			var fault *check.SettingError
			if errors.As(one, &fault) {
				wanted[fault.Key] = fault.Want
			}
		}
		return wanted
	}}
	for _, one := range check.Settings() {
		photos.Known = append(photos.Known, directory.Known{Key: one.Key, Default: one.Default, About: &roundsv1.Text{En: one.Meaning}})
	}
	retention := directory.Family{
		Known: []directory.Known{{Key: evidence.RetentionKey, Default: "0", About: &roundsv1.Text{Zh: "已结束工作的照片保留天数,0 为永久",
			En: "days for which photos of ended work are kept; 0: for ever"}}},
		Check: func(settings map[string]string) map[string]string {
			text, set := settings[evidence.RetentionKey]
			if days, err := strconv.Atoi(text); !set || err == nil && days >= 0 && days <= evidence.MaxRetentionDays {
				return nil
			}
			return map[string]string{evidence.RetentionKey: fmt.Sprintf("a whole number of days from 0 to %d", evidence.MaxRetentionDays)}
		}}
	return []directory.Family{photos, retention}
}

// parts takes a joined error apart.
func parts(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
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
func (o organisation) Erased(person string) bool { return o.of.Erased(auth.PersonID(person)) }

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
		list[i] = auth.PersonEntry{ID: auth.PersonID(p.ID), External: p.External, Name: p.Name, Home: p.Home, Language: p.Language, Leaves: p.Leaves}
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
