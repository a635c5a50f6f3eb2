package mediatest

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/rounds-sync/rounds/media"
)

var (
	// ErrCrashed is what a crashed Memory answers to every call. It is also a media.ErrClosed.
	ErrCrashed = fmt.Errorf("mediatest: crashed: %w", media.ErrClosed)
	// ErrInjected is the error of an operation that was made to fail without effect.
	ErrInjected = errors.New("mediatest: injected failure")
	// ErrReplyLost is the error of an operation that was done, durably, and whose reply was made to get lost.
	ErrReplyLost = fmt.Errorf("mediatest: injected loss of the reply: %w", media.ErrUnavailable)
)

// Step is a moment of a Memory's work at which a Fault can strike.
type Step uint8

// The steps, by the methods that they belong to. Those that write are StepPut, StepDelete, StepPlan (it begins the upload), StepPart, StepStore,
// StepDrop.
const (
	StepPut    Step = iota + 1 // each Put
	StepOpen                   // each Open, also that of a GET
	StepDelete                 // each Delete
	StepList                   // the beginning of each List
	StepLink                   // each Link
	StepCheck                  // each Check
	StepPlan                   // each Plan
	StepPart                   // a part that has come whole by PUT, before it is kept
	StepFinish                 // the beginning of each Finish
	StepStore                  // in Finish, when the check was passed: the object appears
	StepDrop                   // in Finish, Abort and Sweep: one upload disappears
	StepSweep                  // the beginning of each Sweep
)

// String names the step.
func (s Step) String() string {
	names := [...]string{"none", "Put", "Open", "Delete", "List", "Link", "Check", "Plan", "Part", "Finish", "Store", "Drop", "Sweep"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("Step(%d)", uint8(s))
}

// Op is one step of one call.
type Op struct {
	// N counts the steps of this Memory from 1. One made by Crash or Clone goes on counting.
	N    uint64
	Step Step
}

// Fault is what happens to an Op.
type Fault uint8

// The faults. At steps that do not write, ReplyLost is Fail, CrashAfter is CrashBefore, and Full is None.
const (
	// None lets the operation be.
	None Fault = iota
	// Fail answers ErrInjected; nothing was done.
	Fail
	// ReplyLost does the operation, durably, and answers ErrReplyLost.
	ReplyLost
	// Full answers media.ErrFull; nothing was done. StepDelete and StepDrop make room and are spared.
	Full
	// CrashBefore crashes the Memory before the operation has any effect.
	CrashBefore
	// CrashAfter does the operation, durably, and crashes the Memory before its reply.
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

// Nth makes a hook for MemoryConfig.Fault that lets one fault happen, to the n-th step from 1 on that is of a kind given, of any kind without. It may
// be called from any number of goroutines.
func Nth(n uint64, fault Fault, steps ...Step) func(Op) Fault {
	var seen atomic.Uint64
	return func(op Op) Fault {
		counts := len(steps) == 0
		for _, step := range steps {
			counts = counts || step == op.Step
		}
		if counts && seen.Add(1) == n {
			return fault
		}
		return None
	}
}

func (m *Memory) strike(step Step) Fault {
	if m.cfg.Fault == nil {
		return None
	}
	return m.cfg.Fault(Op{N: m.ops.Add(1), Step: step})
}

// read is a step that does not write.
func (m *Memory) read(step Step) error {
	switch m.strike(step) {
	case Fail, ReplyLost:
		return ErrInjected
	case CrashBefore, CrashAfter:
		m.crash()
	}
	return m.alive()
}

// write runs change, which takes effect at once, under the fault of a step that writes.
func (m *Memory) write(step Step, change func(*state) error) error {
	fault := m.strike(step)
	switch fault {
	case Fail:
		return ErrInjected
	case Full:
		if step != StepDelete && step != StepDrop {
			return media.ErrFull
		}
	case CrashBefore:
		m.crash()
	}
	if err := m.change(change); err != nil {
		return err
	}
	switch fault {
	case ReplyLost:
		return ErrReplyLost
	case CrashAfter:
		m.crash()
		return ErrCrashed
	}
	return nil
}
