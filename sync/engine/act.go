package engine

import (
	"context"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// DeskAct is one thing that a person does through the server, without a lane. Exactly one of Fact, Edit and Command is set; they mean what they mean in a
// Mutation, and are not changed.
type DeskAct struct {
	// ID names the act: a UUID in lower case that the caller makes. One person's act with one id is done once in a scope, however often it is sent.
	ID string
	// RecordID of the record, a UUID in lower case. For a new record the caller makes it.
	RecordID string
	// Base is Change.version of the record as the person saw it; 0 for a record that the person did not have. A creation is an Edit without fields on
	// base 0.
	Base journal.Seq
	// Fact is appended evidence.
	Fact *roundsv1.Fact
	// Edit sets fields.
	Edit *roundsv1.Edit
	// Command is a transition asked for.
	Command *roundsv1.Command
}

// Act does what a person does through the server: at a desk, or with an import. Each act is judged by the Rules, merged and journalled as a device's
// mutation is, under an entry of type DESK that carries the caller and the act's id, and no signature: the server attests who it was. It returns one
// outcome for each act, in their order, once all are on disk. A refused act is an outcome, journalled with its content, and holds up no other.
//
// The server sets the clocks: the effective time is now, or just after what the person saw or the caller's device wrote in the record before; trust is A;
// the roles are those of that moment. The person saw what Base says, and what the caller's own device wrote.
//
// An act whose id the same person sent before changes nothing and has its first outcome again, whatever became of the record since, also after a crash.
// The same id with another content is an error, and so are ids that are no UUIDs (Invalid), more than Config.Limits allow (Exhausted), and a person
// without a role in the scope or a revoked device (Denied). A call that fails has changed nothing, except where the cause is a fault of the store or ctx
// ended, or where its acts were too many for one transaction: then some may have been done, and sending all again is harmless. An error is an *Error.
func (e *Engine) Act(ctx context.Context, caller Caller, scope store.Scope, acts []DeskAct) ([]*roundsv1.Outcome, error) {
	return nil, unavailable(nil)
}
