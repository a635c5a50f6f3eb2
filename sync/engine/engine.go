// Package engine reconciles devices with the server: it takes their lanes exactly once, gives every mutation its effective time and its
// outcome, merges it, writes the journal, and serves each device what it lacks of the scopes that its person may read.
//
// The engine knows no kind of record. What fields become when two people edit them stands in the schema and is done by package merge; what a
// command may do it asks of Rules; who may read and what they are it asks of Access; bytes rest in a store.Store. One transaction assigns the
// seq, merges, and writes outcome, journal and change index, so an outcome that was sent is on disk.
//
// In one scope one transaction runs at a time and takes along all requests that wait for it (group commit); scopes run beside each other.
package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// DeviceID names an enrolled device: a UUID in lower case.
type DeviceID string

// PersonID names a person: a UUID in lower case.
type PersonID string

// Config is what an engine is made of. Store, Rules and Access are needed; the rest has defaults.
type Config struct {
	// Store keeps everything. The engine does not close it.
	Store store.Store
	// Rules decide on commands and on who may write what.
	Rules Rules
	// Access knows who may read what.
	Access Access
	// Index says what records put into the secondary indexes that Find reads. Default: there are none.
	Index Index
	// IndexVersion names the definition of Index, in a few bytes. With another one a scope's indexes are built anew at its first use: change it
	// whenever Index.Entries comes to say anything else of records that stand.
	IndexVersion string
	// Committed, if not nil, hears after each commit which scope changed. It is a hint: one may be lost with a crash, or come twice, or of a commit that
	// failed. It is called from the scope's commits, so it must not block, nor wait for the engine.
	Committed func(scope store.Scope)
	// Question, if not nil, completes what waits for a person before it is written, for questions that the engine asks and for acts that Rules park: it may
	// set Sentence, Sides, Actions, OwnerRole, OwnerId and RemindUs; what else it changes is dropped. The case is that of the mutation that waits, whose contents
	// nobody but the server has; it is empty for a question about values that stand in a record, its Kind is empty where the mutation cannot be read. What
	// Sides say of the mutation goes with it when Redact takes its content. It must be pure, and is called from many goroutines.
	Question func(*roundsv1.Conflict, Case)
	// Validate checks one decoded message against the rules of its schema; its error is shown to the person, as its method
	// Problem() *roundsv1.Problem says it where it has one. Default: nothing is checked.
	Validate func(proto.Message) error
	// Now is the server's clock. Default: time.Now.
	Now func() time.Time
	// Rand draws epochs. Default: crypto/rand.Reader.
	Rand io.Reader
	// Logger hears what an operator should know. Default: nothing is logged.
	Logger *slog.Logger
	// Limits bound what a request may ask.
	Limits Limits
	// TombstoneLife is how long a deletion is kept for devices that have not passed it. Default: 400 days.
	TombstoneLife time.Duration
	// Heartbeat is the silence after which a watcher hears that the stream lives. Default: 30 seconds.
	Heartbeat time.Duration
}

// Limits bound one request. The zero value of a field means its default.
type Limits struct {
	// Mutations in one request. Default: 1,000.
	Mutations int
	// Bytes of mutations in one request. Default: 4 MiB.
	RequestBytes int
	// PageBytes of changes that an Exchange sends unless it is asked for another number. Default: 1 MiB.
	PageBytes int
	// MaxPageBytes that an Exchange or a Watch sends whatever it is asked for. Default: 4 MiB.
	MaxPageBytes int
	// GroupBytes of mutations that share one transaction; one request may be larger by itself. Default: 1 MiB.
	GroupBytes int
}

// Engine is safe for concurrent use.
type Engine struct {
	cfg Config
	log *slog.Logger

	mu     sync.Mutex // guards what follows
	scopes map[store.Scope]*scope
	closed bool
	done   chan struct{} // closed by Close
	busy   sync.WaitGroup
}

// Open makes an engine on a store. It reads nothing until the first request.
func Open(cfg Config) (*Engine, error) {
	var faults []error
	if cfg.Store == nil {
		faults = append(faults, errors.New("no Store"))
	}
	if cfg.Rules == nil {
		faults = append(faults, errors.New("no Rules"))
	}
	if cfg.Access == nil {
		faults = append(faults, errors.New("no Access"))
	}
	for _, n := range []int{cfg.Limits.Mutations, cfg.Limits.RequestBytes, cfg.Limits.PageBytes, cfg.Limits.MaxPageBytes, cfg.Limits.GroupBytes} {
		if n < 0 {
			faults = append(faults, fmt.Errorf("a limit is negative: %d", n))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	cfg.Limits.Mutations = or(cfg.Limits.Mutations, 1000)
	cfg.Limits.RequestBytes = or(cfg.Limits.RequestBytes, 4<<20)
	cfg.Limits.PageBytes = or(cfg.Limits.PageBytes, 1<<20)
	cfg.Limits.MaxPageBytes = or(cfg.Limits.MaxPageBytes, 4<<20)
	cfg.Limits.GroupBytes = or(cfg.Limits.GroupBytes, 1<<20)
	cfg.TombstoneLife = or(cfg.TombstoneLife, 400*24*time.Hour)
	cfg.Heartbeat = or(cfg.Heartbeat, 30*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Validate == nil {
		cfg.Validate = func(proto.Message) error { return nil }
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Engine{cfg: cfg, log: log, scopes: map[store.Scope]*scope{}, done: make(chan struct{})}, nil
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Close ends all streams, telling their devices to resume, waits for running commits, and answers later calls with Unavailable. It returns
// early with ctx's error; the store may be closed only after a nil return.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.done)
	}
	e.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		e.busy.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter counts a call in, so that Close waits for it; the returned function counts it out.
func (e *Engine) enter() (leave func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, unavailable(errors.New("engine: closed"))
	}
	e.busy.Add(1)
	return e.busy.Done, nil
}

// scope returns the engine's memory of a scope, making it at the first call.
func (e *Engine) scope(name store.Scope) *scope {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.scopes[name]
	if s == nil {
		s = &scope{engine: e, name: name, watchers: map[*watcher]struct{}{}}
		e.scopes[name] = s
	}
	return s
}
