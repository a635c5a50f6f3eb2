package memstore

import (
	"errors"
	"fmt"

	"github.com/rounds-sync/rounds/sync/store"
)

var (
	// ErrCrashed is what a crashed store answers to every call. It is also a store.ErrClosed.
	ErrCrashed = fmt.Errorf("memstore: crashed: %w", store.ErrClosed)
	// ErrInjected is the error of an operation that was made to fail without effect.
	ErrInjected = errors.New("memstore: injected failure")
	// ErrReplyLost is the error of an operation that was done, durably, and whose reply was made to get lost.
	ErrReplyLost = errors.New("memstore: injected loss of the reply")
)

// Step is a moment of a store's work at which a Fault can strike.
type Step uint8

// The steps of the store's methods, in the order in which they come.
const (
	StepView   Step = iota + 1 // before the function of a View runs
	StepUpdate                 // before the function of an Update runs
	StepGet                    // each Get
	StepScan                   // the beginning of each Scan
	StepCommit                 // an Update that wrote something, between its function and its return
	StepDrop                   // each Drop
	StepScopes                 // each Scopes
)

// String names the step.
func (s Step) String() string {
	names := [...]string{"none", "View", "Update", "Get", "Scan", "Commit", "Drop", "Scopes"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("Step(%d)", uint8(s))
}

// Op is one step of one call.
type Op struct {
	// N counts the steps of this store from 1. A store made by Crash or Clone goes on counting.
	N    uint64
	Step Step
	// Scope is empty at StepScopes.
	Scope store.Scope
	// Writes is how many Sets and Deletes a StepCommit is about to commit.
	Writes int
}

// Fault is what happens to an Op.
type Fault uint8

// The faults. At steps that do not write, ReplyLost is Fail, and CrashAfter is CrashBefore; Full strikes only steps that write.
const (
	// None lets the operation be.
	None Fault = iota
	// Fail answers ErrInjected; nothing was done.
	Fail
	// ReplyLost does the operation, durably, and answers ErrReplyLost.
	ReplyLost
	// Full answers store.ErrFull; nothing was done.
	Full
	// CrashBefore crashes the store before the operation has any effect.
	CrashBefore
	// CrashAfter does the operation, durably, and crashes the store before its reply.
	CrashAfter
)

// String names the fault.
func (f Fault) String() string {
	names := [...]string{"None", "Fail", "ReplyLost", "Full", "CrashBefore", "CrashAfter"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("Fault(%d)", uint8(f))
}

// strike asks the configured hook what becomes of a step.
func (s *Store) strike(step Step, scope store.Scope, writes int) Fault {
	if s.cfg.Fault == nil {
		return None
	}
	return s.cfg.Fault(Op{N: s.ops.Add(1), Step: step, Scope: scope, Writes: writes})
}

// readFault is the error, if any, of a step that does not write.
func (s *Store) readFault(step Step, scope store.Scope) error {
	switch s.strike(step, scope, 0) {
	case Fail, ReplyLost:
		return ErrInjected
	case CrashBefore, CrashAfter:
		s.crash()
	}
	return s.alive()
}

// writeStep runs apply under the fault of a step that writes. apply takes effect at once or returns ErrCrashed.
func (s *Store) writeStep(step Step, scope store.Scope, writes int, apply func() error) error {
	fault := s.strike(step, scope, writes)
	switch fault {
	case Fail:
		return ErrInjected
	case Full:
		return store.ErrFull
	case CrashBefore:
		s.crash()
	}
	if err := apply(); err != nil {
		return err
	}
	switch fault {
	case ReplyLost:
		return ErrReplyLost
	case CrashAfter:
		s.crash()
		return ErrCrashed
	}
	return nil
}
