package directory

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Desk is the engine, as the directory uses it.
type Desk interface {
	Records
	// Act does what a person does through the server.
	Act(ctx context.Context, caller engine.Caller, scope store.Scope, acts []engine.DeskAct) ([]*roundsv1.Outcome, error)
	// Acted is what a person did in a scope under the id of an act, and what became of it; nil where nothing was.
	Acted(ctx context.Context, person engine.PersonID, scope store.Scope, act engine.ActID) (*roundsv1.Mutation, *roundsv1.Outcome, error)
	// History visits the journal entries about one record.
	History(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, span engine.HistorySpan) iter.Seq2[engine.HistoryEntry, error]
	// Redact removes fields of a record as law demands.
	Redact(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, fields []uint32, reason string) error
}

var _ Desk = (*engine.Engine)(nil)

// Organisation is who keeps the tree and the people.
type Organisation interface {
	Tree
	// MayKeep: whether a person is an administrator at a node or above it.
	MayKeep(person engine.PersonID, node string) bool
	// MayRead: whether a person may read a scope at a time.
	MayRead(person engine.PersonID, scope store.Scope, at time.Time) bool
	// RolesAt are the roles that a person has in a scope at a time.
	RolesAt(person engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role
	// NodesByCode are the ids of the nodes that have a code.
	NodesByCode(code string) []string
	// NodeType is a node's level; unspecified where there is no such node.
	NodeType(node string) roundsv1.NodeType
	// EnterNodes makes and changes nodes in one transaction, each by itself refused or taken; with dry nothing is done. Errors are of the store.
	EnterNodes(ctx context.Context, caller engine.Caller, nodes []NodeEntry, dry bool) ([]Entered, error)
	// EnterPeople makes and changes people and their grants in one transaction, each by itself refused or taken; with dry nothing is done. Errors are
	// of the store.
	EnterPeople(ctx context.Context, caller engine.Caller, people []PersonEntry, dry bool) ([]Entered, error)
}

// NodeEntry is a node as it shall be.
type NodeEntry struct {
	// ID of the node. Where none has it, one is made.
	ID string
	// Parent above it; empty: as it is.
	Parent string
	// Type of a new one.
	Type roundsv1.NodeType
	// Name; nil: as it is.
	Name *roundsv1.Text
	// Code of it.
	Code string
}

// PersonEntry is a person as they shall be.
type PersonEntry struct {
	// ID of a new person.
	ID string
	// External is what the person is found by; where nobody has it, ID counts.
	External string
	// Name, Home and Language; nil: as they are.
	Name, Home, Language *string
	// Grants are the roles that the table gives; nil: as they are. Roles that were given otherwise stay.
	Grants []GrantEntry
	// Leaves ends every grant.
	Leaves bool
	// OnlyNew: of somebody who is there already is only told how they stand, and what would change.
	OnlyNew bool
}

// GrantEntry is a role at a node.
type GrantEntry struct {
	Role roundsv1.Role
	Node string
}

// Entered is what became of an entry.
type Entered struct {
	// ID of the node or the person.
	ID string
	// Created: it was not there before.
	Created bool
	// Changed says which parts are others now: parent, name or code of a node; name, home_node_id, external_id, language or grants of a person.
	Changed []string
	// Node and Person are how it stood before; nil where it is new. Grants are the person's grants that ran.
	Node   *roundsv1.Node
	Person *roundsv1.Person
	Grants []*roundsv1.Grant
	// Problem says why nothing was done; nil where it was taken.
	Problem *roundsv1.Problem
}

// Config is what a Keeper is made of. All of it is needed but Tag and Log.
type Config struct {
	// Desk keeps the records.
	Desk Desk
	// Organisation keeps tree and people.
	Organisation Organisation
	// Reference follows what is written.
	Reference *Reference
	// Checks are what records are held against; the Guard's own will do.
	Checks *Checks
	// Rules judge what is written: the Guard. What is imported is held against them before anything of it is written.
	Rules engine.Rules
	// Scopes are all that there are: an erased person may stand in the list of staff of any site.
	Scopes func(ctx context.Context) ([]store.Scope, error)
	// Tag issues what the tag of a site's place says, where "auto" is entered for it; nil: none is issued. Asked again it answers the same.
	Tag func(site store.Scope, place string) (string, error)
	// Root is the node of the organisation that is kept.
	Root string
	// Validate checks a record against the rules of its schema; its error names the field.
	Validate func(proto.Message) error
	// Now is the clock.
	Now func() time.Time
	// Log hears who changed what.
	Log *slog.Logger
}

// Keeper is how administrators keep the directory: the calls of AdminService that are about records. Rights are asked here: what is of a site needs
// ROLE_ADMIN at the site or above it, or what the rules of the trade grant there; what the organisation shares needs it at the root, a unit at the unit
// or above it. Every change is an act of the person who calls, journalled in the record's scope. Refusals are *engine.Error with a Problem. Its methods
// may be called from any number of goroutines.
type Keeper struct {
	*Checks
	cfg Config
}

// New returns a Keeper.
func New(cfg Config) *Keeper {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{Checks: cfg.Checks, cfg: cfg}
}
