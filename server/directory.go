package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/sync/store"
)

// organisation answers the directory's questions about the tree from an Authority.
type organisation struct{ of *auth.Authority }

var _ directory.Tree = organisation{}

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
