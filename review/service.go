package review

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
)

// Records is what the service asks of the engine; see there.
type Records interface {
	// Record reads one record; nil where there is none.
	Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)
	// Changes reads what changed in a scope since a position.
	Changes(ctx context.Context, scope store.Scope, since engine.Position, limits engine.ChangesLimits) (*engine.ChangesPage, error)
	// History visits the journal entries about one record.
	History(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, span engine.HistorySpan) iter.Seq2[engine.HistoryEntry, error]
	// Histories visits the journal entries about any of several records.
	Histories(ctx context.Context, scope store.Scope, of []*roundsv1.RecordRef, span engine.HistorySpan) iter.Seq2[engine.HistoryEntry, error]
	// Act does what a person does at a desk.
	Act(ctx context.Context, caller engine.Caller, scope store.Scope, acts []engine.DeskAct) ([]*roundsv1.Outcome, error)
}

var _ Records = (*engine.Engine)(nil)

// Access knows who may read what, and what people are. Its methods answer from memory and are called from many goroutines.
type Access interface {
	// MayRead: whether a person may read a scope at a time.
	MayRead(person engine.PersonID, scope store.Scope, at time.Time) bool
	// Roles that a person holds over a scope at a time.
	Roles(person engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role
}

// Lookup reads another record of the same scope; nil where there is none.
type Lookup = func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)

// Config is what a Service is made of. Records, Access, Key and Now are needed; the rest has defaults.
type Config struct {
	// Records are the engine.
	Records Records
	// Access knows people.
	Access Access
	// Key signs page tokens: 16 bytes at least. Whoever has another one does not take them.
	Key []byte
	// Now is the server's clock.
	Now func() time.Time
	// MaxBytes bounds the memory of all boards, by their own estimate. The board that is being asked is kept whatever it takes, so one scope may be larger
	// by itself. Default: 512 MiB.
	MaxBytes int64
	// Digest is the hash of the evidence of the current round of a ticket or an inspection round, as approvals carry it; the same function as the rules use. It is
	// nil where a record has none. Its error is that of lookup. Default: there is none, and approvals carry what they like.
	Digest func(record *roundsv1.Change, lookup Lookup) ([]byte, error)
	// Category returns a category of the organisation of a scope, for its name; nil where there is none. Default: none is known.
	Category func(scope store.Scope, id merge.RecordID) *roundsv1.Category
	// Person returns what somebody is called who has or had to do with a scope, by their account: of people who are not in the site's list of staff. It is "" of anybody
	// else. Default: none is known.
	Person func(ctx context.Context, scope store.Scope, person engine.PersonID) (string, error)
	// Checklist returns a version of a checklist of the organisation of a scope, 0: the newest, for its questions; nil where there is none. Default: none is known.
	Checklist func(scope store.Scope, series string, version uint32) *roundsv1.Checklist
	// Policy returns what counts at a site, for the words of its reasons. Default: policy.Default of all.
	Policy func(scope store.Scope) policy.Policy
}

// Service answers the calls of WorkService. It is safe for concurrent use. No goroutine of its own outlives a call.
type Service struct {
	cfg    Config
	boards *boards
	// approves are the roles that may confirm records of a kind, decides those that decide questions of a type.
	approves map[merge.Kind][]roundsv1.Role
	decides  map[roundsv1.ConflictType][]roundsv1.Role
	closed   atomic.Bool
}

const (
	defaultMaxBytes = 512 << 20
	leastKey        = 16
)

// New makes a Service. It reads nothing until the first call.
func New(cfg Config) (*Service, error) {
	var faults []error
	if cfg.Records == nil {
		faults = append(faults, errors.New("no Records"))
	}
	if cfg.Access == nil {
		faults = append(faults, errors.New("no Access"))
	}
	if cfg.Now == nil {
		faults = append(faults, errors.New("no Now"))
	}
	if len(cfg.Key) < leastKey {
		faults = append(faults, fmt.Errorf("a Key of %d bytes", len(cfg.Key)))
	}
	if cfg.MaxBytes < 0 {
		faults = append(faults, errors.New("MaxBytes is negative"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.Policy == nil {
		cfg.Policy = func(store.Scope) policy.Policy { return policy.Default() }
	}
	key := sha256.Sum256(append([]byte("rounds.review.page.v1\x00"), cfg.Key...))
	cfg.Key = key[:]
	s := &Service{cfg: cfg, boards: newBoards(cfg.Records, cfg.MaxBytes), approves: map[merge.Kind][]roundsv1.Role{},
		decides: map[roundsv1.ConflictType][]roundsv1.Role{}}
	for _, p := range work.Permissions() {
		if p.Operation == work.Approve && !p.Own {
			s.approves[p.Kind] = append(s.approves[p.Kind], p.Role)
		}
	}
	for _, d := range work.Deciders() {
		s.decides[d.Type] = append(s.decides[d.Type], d.Role)
	}
	return s, nil
}

// Close lets go of all boards. Calls that run end as they would; later ones answer Unavailable. It may be called more than once.
func (s *Service) Close() {
	s.closed.Store(true)
	s.boards.clear()
}

// Stats says what the boards hold, for metrics.
type Stats struct {
	// Boards that are held.
	Boards int
	// Bytes that they take, by their own estimate.
	Bytes int64
	// Loads counts the boards that were read from the beginning.
	Loads int64
}

// Stats returns what the boards hold now.
func (s *Service) Stats() Stats { return s.boards.stats() }

// Kinds of records that a board looks at.
const (
	kindTicket     merge.Kind = "ticket"
	kindInspection merge.Kind = "inspection"
	kindPhoto      merge.Kind = "photo"
	kindComment    merge.Kind = "comment"
	kindConflict   merge.Kind = "conflict"
	kindNotice     merge.Kind = "notice"
	kindPlace      merge.Kind = "place"
	kindStaff      merge.Kind = "staff"
)

// desk is one call: who asks, when, and the boards of the scopes that are asked about, up to date.
type desk struct {
	*Service
	caller engine.Caller
	now    time.Time
	scopes []store.Scope
	boards []*board // one for each scope
}

// open checks the caller's rights and brings the boards up to date. The caller of open closes the desk.
func (s *Service) open(ctx context.Context, caller engine.Caller, scopes ...string) (*desk, error) {
	if s.closed.Load() {
		return nil, &engine.Error{Kind: engine.Unavailable, Problem: problem(0, "", "服务器正在停止，请稍后重试。", "The server is stopping; try again later.")}
	}
	d := &desk{Service: s, caller: caller, now: s.cfg.Now()}
	for _, name := range scopes {
		scope := store.Scope(name)
		if !s.cfg.Access.MayRead(caller.Person, scope, d.now) {
			return nil, noRight(scope)
		}
		d.scopes = append(d.scopes, scope)
	}
	for _, scope := range d.scopes {
		b := s.boards.take(scope)
		d.boards = append(d.boards, b)
		if err := b.follow(ctx); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

// close gives the boards back.
func (d *desk) close() {
	for _, b := range d.boards {
		d.Service.boards.giveBack(b)
	}
	if d.closed.Load() {
		d.Service.boards.clear()
	}
}

// holds: whether the caller has one of the roles over a scope.
func (d *desk) holds(scope store.Scope, roles ...roundsv1.Role) bool {
	return slices.ContainsFunc(d.cfg.Access.Roles(d.caller.Person, scope, d.now), func(held roundsv1.Role) bool { return slices.Contains(roles, held) })
}

// digest is the hash of what a reviewer of a ticket or a round sees; nil where there is none.
func (d *desk) digest(ctx context.Context, scope int, change *roundsv1.Change) ([]byte, error) {
	if d.cfg.Digest == nil {
		return nil, nil
	}
	return d.cfg.Digest(change, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		u, ok := parseUID(string(id))
		if !ok {
			return nil, nil
		}
		return d.record(ctx, scope, kind, u)
	})
}
