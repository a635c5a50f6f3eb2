// Package directory keeps what an organisation shares: its units and sites, their places, assets and staff, the categories of tickets, checklists,
// calendars, plans and settings. All of them are records like any other, journalled, merged and replicated to whoever may read their scope; what is
// special is that other parts need them at once (Reference), that they are kept by administrators at a desk (Keeper), and that they come as tables
// from elsewhere, again and again (Import).
package directory

import (
	"context"
	"iter"
	"strings"

	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The kinds of records that the directory consists of, by their names in Record.
const (
	KindSite      merge.Kind = "site"
	KindPlace     merge.Kind = "place"
	KindAsset     merge.Kind = "asset"
	KindStaff     merge.Kind = "staff"
	KindCategory  merge.Kind = "category"
	KindChecklist merge.Kind = "checklist"
	KindUnit      merge.Kind = "unit"
	KindCalendar  merge.Kind = "calendar"
	KindPlan      merge.Kind = "plan"
)

// Records is where records stand. *engine.Engine is one.
type Records interface {
	// Record reads a record as it stands, also a deleted one; nil where there is none.
	Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)
	// Find visits the entries of one index.
	Find(ctx context.Context, scope store.Scope, name engine.IndexName, span store.Span) iter.Seq2[engine.IndexEntry, error]
}

var _ Records = (*engine.Engine)(nil)

// Tree is the tree of the organisation as it stands now. It answers from memory.
type Tree interface {
	// Organisation is the scope of the organisation that a site, its desk or an organisation's scope belongs to; false for any other.
	Organisation(scope store.Scope) (store.Scope, bool)
	// Path are the ids of the nodes from the root to a node, both included; none where there is no such node.
	Path(node string) []string
}

// nodeOf is the node that a scope is of: that of a site, its desk, or an organisation's root.
func nodeOf(scope store.Scope) string {
	class, id, _ := strings.Cut(string(scope), "/")
	switch class {
	case "site", "desk", "org":
		return id
	}
	return ""
}

// SiteScope is the scope of a site's work and directory.
func SiteScope(node string) store.Scope { return store.Scope("site/" + node) }

// OrgScope is the scope of what an organisation shares.
func OrgScope(root string) store.Scope { return store.Scope("org/" + root) }
