package schedule

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// Records is where records stand, with the Index of this package. *engine.Engine is one.
type Records interface {
	// Find visits the entries of one index.
	Find(ctx context.Context, scope store.Scope, name engine.IndexName, span store.Span) iter.Seq2[engine.IndexEntry, error]
	// Record reads a record as it stands; nil where there is none.
	Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)
	// Changes reads what changed in a scope since a position; Position is where it stands.
	Changes(ctx context.Context, scope store.Scope, since engine.Position, limits engine.ChangesLimits) (*engine.ChangesPage, error)
	Position(ctx context.Context, scope store.Scope) (engine.Position, error)
	// Evict takes a record out of the working set: devices drop it, queries still find it.
	Evict(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) error
	// Write is an act of the server in one transaction.
	Write(ctx context.Context, scope store.Scope, act func(engine.View) ([]engine.Derived, error)) error
}

var _ Records = (*engine.Engine)(nil)

// Reference knows what counts at a site. It answers from memory, and may be a moment behind. A work.Reference is one.
type Reference interface {
	// Policy is what counts at a site, with what it inherits.
	Policy(scope store.Scope) policy.Policy
	// Calendar of a code.
	Calendar(scope store.Scope, code string) calendar.Calendar
	// Category of that id; nil where there is none.
	Category(scope store.Scope, id merge.RecordID) *roundsv1.Category
	// Checklist of a series in one version, or with version 0 in the newest that is published; nil where there is none.
	Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist
}

// Telling is what a notice says and to whom, as work.Telling.
type Telling struct {
	// About is the record that it is about.
	About *roundsv1.RecordRef
	// Code says what it is about.
	Code roundsv1.NoticeCode
	// People who are told by name, 64 at most.
	People []engine.PersonID
	// Role whose holders are told besides; 0: nobody.
	Role roundsv1.Role
	// Sentence that is told.
	Sentence *roundsv1.Text
	// CausedBy is the person whose act caused it; empty for the server.
	CausedBy engine.PersonID
	// Cause tells this deadline from every other about the same record, so that the same thing is told once.
	Cause string
	// TimeUs is the effective time, microseconds since 1970.
	TimeUs int64
}

// Reminding is a reminder of a question that waits, as work.Reminding.
type Reminding struct {
	// Level is 0 for its owner, 1 for who is above, and so on.
	Level int
	// Person who is told by name; empty: nobody.
	Person engine.PersonID
	// Role whose holders are told; 0: nobody besides.
	Role roundsv1.Role
	// Sentence that is told.
	Sentence *roundsv1.Text
	// Reminders and RemindUs are what the question says afterwards: how often its owner was reminded, and when it is reminded of next, microseconds since 1970.
	Reminders uint32
	RemindUs  int64
}

// Config is what a Worker is made of. What has no default is needed.
type Config struct {
	// Records is where records stand.
	Records Records
	// Reference knows what counts at a site.
	Reference Reference
	// Scopes lists all scopes. Those of sites are looked through.
	Scopes func(ctx context.Context) ([]store.Scope, error)
	// Notice is a notice as it is written: work.NoticeOf. It is pure.
	Notice func(Telling) engine.Derived
	// EvidenceLost is what is written when photos of a ticket or an inspection round do not come: a question, with a sentence, and the mark of the record where some that
	// it names are not here; at a moment, microseconds since 1970: work.EvidenceLost. It is pure but for lookup, whose error is returned.
	EvidenceLost func(record *roundsv1.Change, lookup func(merge.Kind, merge.RecordID) (*roundsv1.Change, error), sentence *roundsv1.Text, atUs int64) (
		question engine.Derived, mark string, err error)
	// Duplicates: whether two tickets are perhaps about the same thing, reported within some time of each other: work.Duplicates. It is pure. Where it says
	// so, both have the category, and the place by its id or in the same words.
	Duplicates func(a, b *roundsv1.Ticket, within time.Duration) bool
	// DuplicateQuestion is what is written about two such tickets at a moment, microseconds since 1970, the question first: work.DuplicateQuestion. It is pure.
	DuplicateQuestion func(a, b *roundsv1.Change, atUs int64) []engine.Derived
	// Remind says what is to be done about a question at a time; false where nothing is: work.Reminder. It is pure.
	Remind func(c *roundsv1.Conflict, p policy.Policy, now time.Time) (Reminding, bool)
	// Answered returns the edit that closes an open question which has found its answer in the record that it is about, nil where that is not known; false where it
	// waits on: work.Answered and work.ResolutionOf. It is pure.
	Answered func(question, subject *roundsv1.Change) (*roundsv1.Edit, bool)
	// Dispatch gives a ticket to a person, as the rules let it; false: they refused. Default: tickets are given out by people alone.
	Dispatch func(ctx context.Context, to Giving) (taken bool, err error)
	// MayWork: whether a person may be given tickets of a site. It answers from memory. Needed with Dispatch.
	MayWork func(person engine.PersonID, scope store.Scope, at time.Time) bool
	// Now is the server's clock. Default: time.Now.
	Now func() time.Time
	// Logger hears what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
	// Workers look through so many scopes at a time. Default: 4.
	Workers int
}

func (c Config) whole() (Config, error) {
	var faults []error
	for _, need := range []struct {
		name string
		have bool
	}{{"Records", c.Records != nil}, {"Reference", c.Reference != nil}, {"Scopes", c.Scopes != nil}, {"Notice", c.Notice != nil}, {"EvidenceLost", c.EvidenceLost != nil},
		{"Duplicates", c.Duplicates != nil}, {"DuplicateQuestion", c.DuplicateQuestion != nil}, {"Remind", c.Remind != nil},
		{"Answered", c.Answered != nil}} {
		if !need.have {
			faults = append(faults, errors.New("schedule: no "+need.name))
		}
	}
	if c.Dispatch != nil && c.MayWork == nil {
		faults = append(faults, errors.New("schedule: no MayWork"))
	}
	if c.Workers < 0 {
		faults = append(faults, errors.New("schedule: Workers is negative"))
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(faults...)
}

// ref names a record.
func ref(kind merge.Kind, id merge.RecordID) *roundsv1.RecordRef {
	return &roundsv1.RecordRef{Kind: string(kind), Id: string(id)}
}
