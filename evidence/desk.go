package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Records is where photos and what they belong to stand. *engine.Engine is one, if its Config.Index is the Desk's Index; see there for the contracts.
type Records interface {
	// Record reads a record as it stands; nil where there is none.
	Record(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)
	// Entry reads the head of a journal entry: it says how well the time of a mutation is known. nil where there is none.
	Entry(ctx context.Context, scope store.Scope, seq journal.Seq) (*roundsv1.EntryHead, error)
	// Content reads the mutation of a journal entry as it was sent; nil where there is no such entry, or its content is gone.
	Content(ctx context.Context, scope store.Scope, seq journal.Seq) ([]byte, error)
	// Find visits the entries of an index in order.
	Find(ctx context.Context, scope store.Scope, name engine.IndexName, span store.Span) iter.Seq2[engine.IndexEntry, error]
	// Write is an act of the server itself.
	Write(ctx context.Context, scope store.Scope, act func(engine.View) ([]engine.Derived, error)) error
	// Redact takes the content of fields out of a record and its history.
	Redact(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, fields []uint32, reason string) error
}

var _ Records = (*engine.Engine)(nil)

// Access knows people, devices and the organisation. Its methods answer from memory.
type Access interface {
	// Roles that a person holds over a scope at a time.
	Roles(person engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role
	// MayRead: whether a person may read a scope at a time.
	MayRead(person engine.PersonID, scope store.Scope, at time.Time) bool
	// EverHad: whether a person has or once had any role over a scope.
	EverHad(person engine.PersonID, scope store.Scope) bool
	// Scopes that belong to a person's work at a time.
	Scopes(person engine.PersonID, at time.Time) []store.Scope
	// Revoked says whether a device was revoked, and how.
	Revoked(device engine.DeviceID) roundsv1.Revocation
	// Organisation returns the scope of the organisation that a site belongs to; "" where that is not known.
	Organisation(site store.Scope) store.Scope
	// LastSeen is when a device last called; zero where that is not known.
	LastSeen(device engine.DeviceID) time.Time
}

// VerifiedFunc tells whether the evidence of a ticket or an inspection round is complete, and if so what to write in its record. Category is the
// ticket's, nil where it is not known; photos are the ids of those of the record, listed or not, nil where they were not gathered; lookup reads other records of the
// scope. It is pure but for lookup.
type VerifiedFunc func(scope store.Scope, current *roundsv1.Change, category *roundsv1.Category, photos []merge.RecordID,
	lookup func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) (*roundsv1.Edit, bool)

// Config is what a Desk is made of. Records, Driver, Access, Scopes, Verified and Now are needed; the rest has defaults.
type Config struct {
	// Records that hold the promises.
	Records Records
	// Driver keeps the bytes. The Desk does not close it.
	Driver media.Driver
	// Access knows who may do what.
	Access Access
	// Scopes returns all scopes that hold records.
	Scopes func(context.Context) ([]store.Scope, error)
	// Settings are what counts at a site, with what it inherits; the map is the caller's. Default: what the site's own record says.
	Settings func(site store.Scope) map[string]string
	// Verified decides when work goes to review.
	Verified VerifiedFunc
	// Now is the server's clock.
	Now func() time.Time
	// Logger hears what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
	// Workers look at photos beside each other. Default: one for each CPU.
	Workers int
	// Abreast is how many photos of one Plan or Finish are handled beside each other. With 1 they are handled in order, on the caller's goroutine.
	// Default: 8.
	Abreast int
	// MemoryBytes is what all photos that are being decoded may take together. Default: 1 GiB.
	MemoryBytes int64
	// HEIC decodes HEIC. Default: such photos wait, as they do while it answers picture.ErrNoDecoder.
	HEIC picture.DecodeFunc
	// Adopt takes photos whose bytes are in storage for stored, though this process did not see their device deliver them. It is for the time after the
	// records were restored from a backup older than the bytes: phones may have deleted what was stored. Where several companies share a storage,
	// a company that knows a hash of another's could claim its photo meanwhile. Nothing is taken for garbage meanwhile. Default: false.
	Adopt bool
	// MaxPhotoBytes is the largest photo that is taken. Default: 32 MiB.
	MaxPhotoBytes int64
	// PartLife is how long the URL of a part works. Default: 1 hour.
	PartLife time.Duration
	// LinkLife is how long the URL of a download works. Default: 15 minutes.
	LinkLife time.Duration
	// UploadLife is how long an upload in which nothing happens is kept. Default: 14 days.
	UploadLife time.Duration
	// Grace is how old an object must be before it can be taken for garbage. Default: 7 days.
	Grace time.Duration
	// Rest after a first failure of the worker; each further one in a row doubles it, to a minute. Default: 250 ms.
	Rest time.Duration
	// Sites whose photos are kept in memory for the search of similar ones. Default: 64.
	Sites int
}

// Desk brings bytes to the photos that promise them. It is safe for concurrent use. The calls that it answers (Plan, Finish, Describe, Link, Chase, Hold,
// Redact) fail with an *engine.Error, or with the error of their context.
type Desk struct {
	cfg        Config
	log        *slog.Logger
	inspector  *picture.Inspector
	hashes     locks[media.Hash]
	settling   locks[store.Scope] // see settle
	proved     proofs
	stats      stats
	complaints said
	decoder    decoder
	tried      said // promises that Adopt has looked for
	prints     *prints
	work       *queue
}

// New makes a desk. Run has to run for photos to be looked at.
func New(cfg Config) (*Desk, error) {
	var faults []error
	for name, missing := range map[string]bool{"Records": cfg.Records == nil, "Driver": cfg.Driver == nil, "Access": cfg.Access == nil,
		"Scopes": cfg.Scopes == nil, "Verified": cfg.Verified == nil, "Now": cfg.Now == nil} {
		if missing {
			faults = append(faults, errors.New("no "+name))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	set(&cfg.Workers, runtime.NumCPU())
	set(&cfg.Abreast, 8)
	set(&cfg.MemoryBytes, 1<<30)
	set(&cfg.MaxPhotoBytes, 32<<20)
	set(&cfg.PartLife, time.Hour)
	set(&cfg.LinkLife, 15*time.Minute)
	set(&cfg.UploadLife, 14*24*time.Hour)
	set(&cfg.Grace, 7*24*time.Hour)
	set(&cfg.Sites, 64)
	set(&cfg.Rest, 250*time.Millisecond)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Desk{cfg: cfg, log: cfg.Logger, work: newQueue(cfg.Rest)}
	d.prints = newPrints(cfg.Sites)
	d.tried.most = maxTried
	d.inspector = picture.NewInspector(picture.Config{Memory: cfg.MemoryBytes, HEIC: cfg.HEIC, Limits: picture.Limits{Bytes: cfg.MaxPhotoBytes}})
	return d, nil
}

// set gives a setting its default.
func set[T int | int64 | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// mayDeliver: bytes are taken from every device that is not to purge at once, of a person who ever had a right to the scope. What was done while the right
// stood may be handed in after it ended.
func (d *Desk) mayDeliver(caller engine.Caller, scope store.Scope) error {
	if d.cfg.Access.Revoked(caller.Device) == roundsv1.Revocation_REVOCATION_IMMEDIATE {
		return denied(scope, roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED, "设备已被停用。", "The device was revoked.")
	}
	if !d.cfg.Access.EverHad(caller.Person, scope) {
		return noRight(scope)
	}
	return nil
}

// mayRead: only who may read the scope now, on a device in service.
func (d *Desk) mayRead(caller engine.Caller, scope store.Scope) error {
	if d.cfg.Access.Revoked(caller.Device) != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		return denied(scope, roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED, "设备已被停用。", "The device was revoked.")
	}
	if !d.cfg.Access.MayRead(caller.Person, scope, d.cfg.Now()) {
		return noRight(scope)
	}
	return nil
}

// holds: whether the person has one of the roles over the scope now, on a device in service.
func (d *Desk) holds(caller engine.Caller, scope store.Scope, roles ...roundsv1.Role) bool {
	if d.cfg.Access.Revoked(caller.Device) != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
		return false
	}
	return slices.ContainsFunc(d.cfg.Access.Roles(caller.Person, scope, d.cfg.Now()), func(held roundsv1.Role) bool { return slices.Contains(roles, held) })
}

// locks has the Desk do one thing at a time with the bytes of a hash: an object must not be removed between the moment when an upload found it there and
// the moment when the record says that it is stored. And with the photos of a site: see settle. The zero value is ready.
type locks[K comparable] struct {
	mu   sync.Mutex // guards held
	held map[K]*lock
}

type lock struct {
	mu      sync.Mutex // held by whoever does something with the key
	waiting int        // guarded by the mu of its locks: who holds it and who waits for it
}

// lock waits for a key; the returned function lets go of it.
func (l *locks[K]) lock(key K) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[K]*lock{}
	}
	one := l.held[key]
	if one == nil {
		one = &lock{}
		l.held[key] = one
	}
	one.waiting++
	l.mu.Unlock()
	one.mu.Lock()
	return func() {
		one.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.waiting--; one.waiting == 0 {
			delete(l.held, key)
		}
	}
}

// maxProofs bounds what is remembered of deliveries.
const maxProofs = 10_000

// maxTried bounds the promises that Adopt remembers to have looked for: where more wait, the storage is asked for some of them again and again.
const maxTried = 1_000_000

// proofs remembers which device delivered which bytes, durably: where the record could not be written, or the same device promises them at another site too,
// they need not come again. Lost, it costs one more upload. The zero value is ready.
type proofs struct {
	mu  sync.Mutex // guards set
	set map[proof]struct{}
}

type proof struct {
	device engine.DeviceID
	hash   media.Hash
}

func (p *proofs) add(of proof) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set == nil || len(p.set) >= maxProofs {
		p.set = map[proof]struct{}{}
	}
	p.set[of] = struct{}{}
}

func (p *proofs) has(of proof) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.set[of]
	return ok
}

// said remembers what was told, so that it is told once. The zero value is ready.
type said struct {
	most int // of what is remembered; 0: maxProofs

	mu  sync.Mutex // guards set
	set map[string]struct{}
}

// add is true for what was not told yet, as far as that is remembered.
func (s *said) add(words string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, told := s.set[words]; told {
		return false
	}
	if s.set == nil || len(s.set) >= cmp.Or(s.most, maxProofs) {
		s.set = map[string]struct{}{}
	}
	s.set[words] = struct{}{}
	return true
}
