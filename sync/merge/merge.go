// Package merge folds mutations into records. It is pure: no context, clock, chance or I/O, so that server and devices, running this
// same code, come to the same record. What becomes of edits that did not see each other is read from the descriptors alone: the option
// (rounds.v1.merge) on each field. The package knows no kind of record by name.
//
// # Registers
//
// A field under RANKED, MAX, ASK or FIXED, and each item under ANSWERS, is a register of many values: a write takes away the values
// that it saw and adds its own. The policy is only the view over what survives: one value is shown, in the record; the others stand
// beside it, in Write.sibling_values. A value equal to the shown one is kept as one more claim on it, and not folded into it: folded,
// it would be lost when a write that saw only the other claim takes that away. For the same reason two answers that say the same in
// different words both stand; Values folds them for the eye.
//
// FIXED differs in one thing: its values are never taken away, the earliest is shown, and who saw one may only repeat it.
//
// LATEST, and each key under MAP, keeps one value only, the one with the later effective time (ties: the greater device id). That
// comes to the same as the register: a mutation's effective time is always later than that of everything it saw, so the latest value
// of all is never one that another write took away.
//
// # Elements
//
// SET keeps the adds of each element (a Write.elements entry each); a remove, and an add, takes away those that it saw; the element is
// there while any add is. MAP remembers a removal as a Write.elements entry whose key is not in the record. APPEND keeps facts by
// their id: of two with one id the earlier counts. COUNTER adds up; who added is remembered as the last to touch the field.
//
// # Two laws
//
// Concurrent mutations may arrive in any order, and the record, and who wrote what of it, come out the same but for the seqs (WORKFLOW
// and SERVER fields excepted: the server arbitrates by arrival). And whatever changes a field leaves the field named in the mutation's
// own Write, so that Delta finds by seq alone what a device lacks.
package merge

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// The limits that protect a record. What would grow beyond one is answered with PROBLEM_CODE_LIMIT: an edit is refused, a fact is for
// the caller to quarantine. They are not merged: which of two mutations meets a limit depends on the order of arrival.
const (
	// MaxSurvivors is how many concurrent values one field, one item or one element of a set may have.
	MaxSurvivors = 64
	// MaxElements is how many elements a set, and how many keys a map, may have.
	MaxElements = 256
	// MaxRemembered is how many keys a MAP field may have, removed ones included.
	MaxRemembered = 512
	// MaxFacts is how many facts an APPEND field may have.
	MaxFacts = 1000
	// MaxUnknown is how many fields that this build does not know a record may have.
	MaxUnknown = 64
)

// FlagCounterBelowZero is set in Result.Flags when a sum that the mutation added to is negative after it.
const FlagCounterBelowZero = "counter_below_zero"

// FieldNumber is a field's number in its kind's message.
type FieldNumber = protoreflect.FieldNumber

// Capacity says in which capacity a mutation is made. The zero value is that of a device.
type Capacity int

const (
	// Device may not write fields under WORKFLOW and SERVER.
	Device Capacity = iota
	// Rules is the server's own: it may write every field, and it has seen everything that stands.
	Rules
)

// Input is what Apply folds in.
type Input struct {
	// Mutation is the act: a Fact or an Edit. A command's effect is an Edit in the capacity of Rules.
	Mutation *roundsv1.Mutation
	// Stamp tells who wrote it, and when. Its seq must be above the record's version; the effective time must be later than all that
	// the mutation saw (see sync.md), or P4 does not hold.
	Stamp *roundsv1.Stamp
	// Capacity tells what it may write.
	Capacity Capacity
	// Also, if not nil, is what the server's rules write besides, under the same stamp: it comes to the same as a second Apply of this edit in the
	// capacity of Rules, at half the cost. It names its fields.
	Also *roundsv1.Edit
}

// Result is what came of a mutation.
type Result struct {
	// Change is the record after it; nil when Problem is set.
	Change *roundsv1.Change
	// Changed tells whether anything in the record differs. When false, Change is the current one itself, at its old version.
	Changed bool
	// Losses names, by ascending field, the values that lost to concurrent ones, as roundsv1.Loss says. The removal of an element that
	// stays, because somebody else added it too, is one.
	Losses []*roundsv1.Loss
	// Asks are the fields of the whole record under ASK that have more than one value after it, ascending.
	Asks []FieldNumber
	// Flags are marks for the outcome: FlagCounterBelowZero.
	Flags []string
	// Problem is set when the mutation was refused as a whole.
	Problem *roundsv1.Problem
}

// Apply folds a mutation into a record. A current of nil says that the record does not exist. Apply never modifies what it is given,
// and the result may share messages with it: treat all of them as frozen. It is safe for concurrent use and does not panic whatever
// the input says.
//
// An Edit is refused for: a kind or act that this build does not know (UNKNOWN_ACT); a base other than 0 without a record (NO_RECORD);
// a deleted record (DELETED); another kind than the record's, or a removal where nothing can be removed (INVALID_FIELD); a device's
// write of a WORKFLOW, SERVER or APPEND field (FIELD_WORKFLOW, FIELD_SERVER, FIELD_FACT); a FIXED field written on top of a base, or by
// who saw a value of it, unless it repeats one (FIELD_FIXED); a limit above, or a sum that overflows (LIMIT). Of SET, MAP, ANSWERS and
// COUNTER fields the mask alone clears nothing: what goes is named in Edit.removed.
//
// A Fact is refused for the kind, the deleted record, WORKFLOW and SERVER fields and limits likewise, and else for these only:
// there is no record and it carries no FIXED field that would make one (NO_RECORD); an element without an id (INVALID_FIELD); the id
// of a record of FIXED fields used again by its device for other content (FIELD_FIXED); a field that is not evidence on a record that
// the fact does not make (INVALID_FIELD), or one that this build does not know there (UNKNOWN_ACT). A fact that makes a record may set
// every field that an Edit may, and evidence. Repeated by who saw the record, it changes nothing.
func Apply(current *roundsv1.Change, in Input) Result {
	m, problem := newMerger(current, in)
	if problem == nil {
		switch act := in.Mutation.GetAct().(type) {
		case *roundsv1.Mutation_Fact:
			problem = m.fact(act.Fact)
		case *roundsv1.Mutation_Edit:
			problem = m.edit(act.Edit)
		}
	}
	if problem == nil && m.besides(in.Also) {
		problem = m.also(in.Also)
		in.Also = nil
	}
	if problem != nil {
		return Result{Problem: problem}
	}
	result := m.finish()
	if in.Also == nil {
		return result
	}
	// It writes again what the mutation wrote: one after the other.
	also := &roundsv1.Mutation{RecordId: in.Mutation.GetRecordId(), Act: &roundsv1.Mutation_Edit{Edit: in.Also}}
	second := Apply(result.Change, Input{Mutation: also, Stamp: in.Stamp, Capacity: Rules})
	if second.Problem == nil {
		second.Changed = second.Changed || result.Changed
		second.Losses, second.Flags = append(result.Losses, second.Losses...), append(result.Flags, second.Flags...)
	}
	return second
}

// Tombstone returns what stands for a deleted record: its id, its kind and the version at which it went. A current of nil gives nil.
func Tombstone(current *roundsv1.Change, stamp *roundsv1.Stamp) *roundsv1.Change {
	if current == nil {
		return nil
	}
	return &roundsv1.Change{
		RecordId: current.GetRecordId(),
		Version:  stamp.GetSeq(),
		Record:   restrictRecord(current.GetRecord(), func(FieldNumber) bool { return false }),
		TimeUs:   max(current.GetTimeUs(), stamp.GetTimeUs()),
		Deleted:  true,
	}
}
