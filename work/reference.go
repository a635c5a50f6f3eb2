package work

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/tag"
)

// Reference knows what the organisation of a scope shares: its categories, checklists, settings and calendars. A mutation is judged in a transaction of one
// scope, so it answers from memory, and may be a moment behind. Its methods are called from many goroutines; what they return is not changed by either side.
type Reference interface {
	// Category of that id; nil where there is none.
	Category(scope store.Scope, id merge.RecordID) *roundsv1.Category
	// Checklist of a series in one version, or with version 0 in the newest that is published; nil where there is none.
	Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist
	// Policy is what counts at a site, with what it inherits.
	Policy(scope store.Scope) policy.Policy
	// Calendar of a code; the embedded Chinese one where there is none of that code.
	Calendar(scope store.Scope, code string) calendar.Calendar
}

// Tags knows the secrets that the tags of a site are made with. It is apart from Reference because they never leave the server, nor show in what it answers.
// Its methods are called from many goroutines.
type Tags interface {
	// TagKeys of a site, the one that tags are issued with first; none where its tags are not verified. The slice is not changed.
	TagKeys(scope store.Scope) tag.Keys
}

// unknown is the Reference, and the Tags, of who has none.
type unknown struct{}

var (
	_ Reference = unknown{}
	_ Tags      = unknown{}
)

// TagKeys implements Tags.
func (unknown) TagKeys(store.Scope) tag.Keys { return nil }

// Category implements Reference.
func (unknown) Category(store.Scope, merge.RecordID) *roundsv1.Category { return nil }

// Checklist implements Reference.
func (unknown) Checklist(store.Scope, string, uint32) *roundsv1.Checklist { return nil }

// Policy implements Reference.
func (unknown) Policy(store.Scope) policy.Policy { return policy.Default() }

// Calendar implements Reference.
func (unknown) Calendar(store.Scope, string) calendar.Calendar { return calendar.Calendar{} }
