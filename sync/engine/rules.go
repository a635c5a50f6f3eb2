package engine

import (
	"crypto/ed25519"
	"iter"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Rules is the trade: what a command does, and who may write what. An implementation is pure: it looks at the case alone, so that a mutation
// is judged the same whenever it is judged again. Its methods are called from many goroutines.
type Rules interface {
	// Judge decides on one mutation before it is merged.
	Judge(Case) Verdict
}

// Case is one mutation to be judged.
type Case struct {
	// Scope that it writes in.
	Scope store.Scope
	// Kind of the record.
	Kind merge.Kind
	// Current is the record as it stands, nil where there is none; not to be changed.
	Current *roundsv1.Change
	// Mutation itself; not to be changed.
	Mutation *roundsv1.Mutation
	// Person who did it, and the device it was done on.
	Person PersonID
	Device DeviceID
	// Roles the person had in the scope at the effective time, as far as that time is known; none where a right has ended.
	Roles []roundsv1.Role
	// Time is the effective time.
	Time time.Time
	// Trust says how well it is known.
	Trust roundsv1.Trust
	// Taken is when the mutation first came to the server, by its clock; of one that was kept back, then. Zero on a device that foresees.
	Taken time.Time
	// Saw is false where Current was changed after what the person was looking at.
	Saw bool
	// Admitted is true when a person has let in what had been kept back: rights are not asked again.
	Admitted bool
	// Lookup reads another record of the same scope; nil where there is none. Valid during the call.
	Lookup func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error)
	// Find visits entries of one index of the same scope as Engine.Find does, the first 256 of them, with those of what the same transaction wrote before. While
	// indexes are rebuilt it finds what they have so far. Nil where there are none, as on a device. Valid during the call.
	Find func(name IndexName, span store.Span) iter.Seq2[IndexEntry, error]
}

// Seq is journal.Seq, for Rules: they know of the engine alone.
type Seq = journal.Seq

// Verdict is what Rules decide. The zero value lets the mutation be merged as it is.
type Verdict struct {
	// Problem refuses it, or says what is asked where Park is set.
	Problem *roundsv1.Problem
	// Park keeps it for a person instead of refusing it, as a conflict of this type. A fact is quarantined, a command or an edit is in conflict.
	Park roundsv1.ConflictType
	// Sides of the question that Park opens, the one that stands first; none: the mutation alone is one.
	Sides []*roundsv1.Side
	// Effect is what the rules write in the record itself: an edit that may touch workflow and server fields.
	Effect *roundsv1.Edit
	// Derived are further records that the rules write, in the same scope and transaction.
	Derived []Derived
	// Flags mark the outcome.
	Flags []string
	// Admit names the journal entry of a mutation that is let in by this command; 0: none.
	Admit Seq
}

// Derived is one record that the rules write besides.
type Derived struct {
	// RecordID is a UUID derived from what it follows from, so that the same case makes the same record.
	RecordID merge.RecordID
	// Edit creates the record or changes it.
	Edit *roundsv1.Edit
}

// Access knows people and devices. Its methods are called on every request and answer from memory.
type Access interface {
	// Roles that a person holds over a scope at a time.
	Roles(person PersonID, scope store.Scope, at time.Time) []roundsv1.Role
	// MayRead: whether a person may read a scope at a time.
	MayRead(person PersonID, scope store.Scope, at time.Time) bool
	// EverHad: whether a person has or once had any role over a scope.
	EverHad(person PersonID, scope store.Scope) bool
	// Scopes that belong to a person's work at a time: what a device pulls that asks to discover.
	Scopes(person PersonID, at time.Time) []store.Scope
	// DeviceKey returns the public key that a device was enrolled with, or nil.
	DeviceKey(device DeviceID) ed25519.PublicKey
	// Revoked says whether a device was revoked, and how.
	Revoked(device DeviceID) roundsv1.Revocation
}

// Caller is the device that makes a request, as its token proves.
type Caller struct {
	// Device that calls.
	Device DeviceID
	// Person whom it is enrolled to.
	Person PersonID
}
