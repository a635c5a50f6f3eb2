package engine

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// View is what an act of the server looks at: one scope as it stands in the act's transaction. It is valid while the act runs, for its goroutine.
type View interface {
	// Get reads a record, also an evicted or a deleted one; nil where there is none. The change is not to be changed. An error is the store's, and
	// fails the act whatever it returns.
	Get(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)
	// Now is the moment of the act, by the server's clock.
	Now() time.Time
}

// writeBytes is what a Write counts for in a group whose bytes are bounded: what it will write is not known before.
const writeBytes = 4 << 10

// Write is an act of the server itself, in one transaction: act looks at records as they stand and returns what to write, in this order. Each record
// that changes gets a DERIVED journal entry with cause 0, at the effective time now or just after the record's. Where nothing changes nothing is
// written, so an act that asks what stands before it answers may be sent again: the second time does nothing.
//
// act may run more than once, and also after ctx has ended; it must be pure but for what it leaves through its closure, and quick: the scope's other
// writers wait. An error of act is returned as it is where it is or wraps an *Error, else wrapped in one of kind Internal; then nothing was written, and
// what others wrote in the same commit stands. What merging refuses is an *Error of kind Invalid. Of any other error see Error.
func (e *Engine) Write(ctx context.Context, scope store.Scope, act func(View) ([]Derived, error)) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	if !validScope(scope) {
		return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "scope",
			"范围名称无效。", "A scope is site/<id>, desk/<id>, user/<id> or org/<id>.").in(scope)
	}
	return e.scope(scope).submit(ctx, writeBytes, func(tx *transaction) error { return tx.write(act) })
}

// view is the View of one act.
type view struct {
	tx     *transaction
	now    time.Time
	failed error // of the store
}

var _ View = (*view)(nil)

func (v *view) Now() time.Time { return v.now }

func (v *view) Get(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	have, err := v.tx.record(kind, string(id))
	if err != nil {
		v.failed = err
		return nil, err
	}
	return have.change, nil
}

// write runs an act and writes what it returns, or nothing.
func (tx *transaction) write(act func(View) ([]Derived, error)) error {
	v := &view{tx: tx, now: tx.scope.engine.cfg.Now()}
	list, err := act(v)
	switch own := (*Error)(nil); {
	case v.failed != nil:
		return v.failed
	case err != nil && errors.As(err, &own):
		return err
	case err != nil:
		return &Error{Kind: Internal, Cause: err}
	}
	at := v.now.UnixMicro()
	why, err := tx.try(list, at, tx.head.GetSeq()+1, map[recordName]*roundsv1.Change{})
	if err != nil {
		return err
	}
	if why != nil {
		why = proto.CloneOf(why)
		why.Scope = string(tx.scope.name)
		return &Error{Kind: Invalid, Problem: why}
	}
	for _, one := range list {
		if err := tx.derive(string(one.RecordID), one.Edit, at, 0); err != nil {
			return err
		}
	}
	return nil
}

// try merges what shall be derived without writing it: once other things are written it is too late to find out that it cannot be. Tried holds records
// as they will be by then, and is added to; seq is the first that may be used. The problem says what cannot be.
func (tx *transaction) try(list []Derived, at int64, seq uint64, tried map[recordName]*roundsv1.Change) (*roundsv1.Problem, error) {
	for i, one := range list {
		kind, known := merge.KindOf(one.Edit.GetRecord())
		if !known {
			return problem(roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, "edit.record", "记录类型未知。", "This is no kind of record."), nil
		}
		name := recordName{kind, string(one.RecordID)}
		if _, valid := parseID(name.id); !valid {
			return problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "record_id", "记录编号无效。", "A record's id is a UUID in lower case."), nil
		}
		have, err := tx.record(kind, name.id)
		if err != nil {
			return nil, err
		}
		before, again := tried[name]
		if !again {
			before = have.change
		}
		_, merged := derived(name.id, one.Edit, before, at, seq+uint64(i))
		if merged.Problem != nil {
			return merged.Problem, nil
		}
		if full(have, merged.Change, proto.Size(one.Edit)) {
			return problemOfFull(), nil
		}
		tried[name] = merged.Change
	}
	return nil, nil
}

// repeats: whether the server wrote what stands already: the same values, and none beside them that are gone now. To merging that is a change, for the
// values are another's then; to an act of the server, which may come twice, it is none.
func repeats(before, after *roundsv1.Change) bool {
	return before != nil && beside(before) == beside(after) && proto.Equal(before.GetRecord(), after.GetRecord())
}

// beside counts the values that stand beside shown ones.
func beside(change *roundsv1.Change) int {
	n := 0
	for _, write := range change.GetWrites() {
		n += len(write.GetSiblings()) + len(write.GetSiblingElements())
	}
	return n
}
