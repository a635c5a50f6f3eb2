package engine

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// conflictSpace is the UUID name space of conflict records: their ids follow from what they are about, so that the same question is asked once.
var conflictSpace = uuid.MustParse("6f1f1f0a-6a7e-5d0b-9d5c-1d3c9a0f7a11")

const kindConflict = merge.Kind("conflict")

func conflictID(about ...string) string {
	var name []byte
	for _, part := range about {
		name = protowire.AppendString(name, part)
	}
	return uuid.NewSHA1(conflictSpace, name).String()
}

// conflictID names the question that a candidate is, if it has to wait.
func (c *candidate) conflictID() string {
	if c.act != "" {
		return conflictID(string(c.caller.Person), c.act)
	}
	return conflictID(string(c.caller.Device), string(protowire.AppendVarint(nil, c.laneSeq)))
}

// park opens the conflict of a mutation that waits for a person or for its record.
func (tx *transaction) park(c *candidate, d *decision, seq uint64) error {
	d.conflict.JournalSeq = or(c.entry, seq)
	if d.conflict.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD && d.before.change == nil {
		if err := tx.w.Set(waitingKey(c.item.kind, c.item.id, seq), []byte(d.outcome.GetConflictId())); err != nil {
			return err
		}
		tx.head.Waiting++
	}
	var failed error
	of := Case{Scope: tx.scope.name, Person: c.caller.Person, Device: c.caller.Device, Time: time.UnixMicro(c.time).UTC()}
	if c.item.mutation != nil {
		of = tx.caseOf(c, d.before.change, c.item.mutation, &failed)
	}
	if err := tx.open(d.outcome.GetConflictId(), d.conflict, c.time, seq, of); err != nil {
		return err
	}
	return failed
}

// open writes a conflict: a new record, or over the one that was there before. Of is the case of the mutation that waits.
func (tx *transaction) open(id string, conflict *roundsv1.Conflict, at int64, cause uint64, of Case) error {
	conflict = tx.scope.engine.complete(conflict, of)
	before, err := tx.record(kindConflict, id)
	if err != nil {
		return err
	}
	if before.change == nil {
		return tx.derive(id, conflictEdit(conflict), at, cause)
	}
	// All that was said of the question before goes, also what was decided; but the photo that waits (10) is the same.
	return tx.derive(id, conflictEdit(conflict, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, fieldConflictState, fieldConflictResolution,
		fieldConflictResolver, 43, 44, 45), at, cause)
}

// complete lets Config.Question say more about a conflict. What the engine itself says of it stays; a function that panics has said nothing.
func (e *Engine) complete(conflict *roundsv1.Conflict, of Case) (completed *roundsv1.Conflict) {
	if e.cfg.Question == nil {
		return conflict
	}
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("question panicked", "type", conflict.GetType().String(), "record", conflict.GetSubject().GetId(), "panic", fmt.Sprint(r),
				"stack", string(debug.Stack()))
			completed = conflict
		}
	}()
	said := proto.CloneOf(conflict)
	e.cfg.Question(said, of)
	completed = proto.CloneOf(conflict)
	completed.Sentence, completed.Sides, completed.Actions, completed.OwnerRole = said.Sentence, said.Sides, said.Actions, said.OwnerRole
	completed.RemindUs, completed.OwnerId = said.RemindUs, said.OwnerId
	return completed
}

func conflictEdit(conflict *roundsv1.Conflict, fields ...uint32) *roundsv1.Edit {
	return &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: conflict}}, Fields: fields}
}

// Field numbers of Conflict that the engine writes again.
const (
	fieldConflictSides      = 11
	fieldConflictState      = 40
	fieldConflictResolution = 41
	fieldConflictResolver   = 42
)

func resolved(how string) *roundsv1.Edit {
	return conflictEdit(&roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: how},
		fieldConflictState, fieldConflictResolution)
}

// derive writes a record that follows from the entry cause, 0 for an act of the server itself, with a journal entry of its own. What waited for the record
// is judged then.
func (tx *transaction) derive(id string, edit *roundsv1.Edit, at int64, cause uint64) error {
	kind, ok := merge.KindOf(edit.GetRecord())
	if !ok {
		return fmt.Errorf("engine: a derived record of no known kind, after entry %d", cause)
	}
	before, err := tx.record(kind, id)
	if err != nil {
		return err
	}
	if kind == kindConflict && before.change.GetDeleted() {
		tx.scope.engine.log.Error("a conflict record was deleted", "scope", string(tx.scope.name), "record", id, "cause", cause)
		return nil
	}
	seq := tx.head.GetSeq() + 1
	m, merged := derived(id, edit, before.change, at, seq)
	if merged.Problem != nil {
		return fmt.Errorf("engine: derived %s %s after entry %d: %s: %s", kind, id, cause, merged.Problem.GetField(), merged.Problem.GetSentence().GetEn())
	}
	if !merged.Changed || cause == 0 && repeats(before.change, merged.Change) {
		return nil
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	if err := tx.enter(&roundsv1.EntryHead{
		Seq: seq, Type: roundsv1.EntryType_ENTRY_TYPE_DERIVED, Record: &roundsv1.RecordRef{Kind: string(kind), Id: id}, Cause: cause,
		TakenUs: tx.scope.engine.cfg.Now().UnixMicro(), RecordTimeUs: merged.Change.GetTimeUs(),
		Outcome: &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, Seq: seq, TimeUs: max(at, before.change.GetTimeUs()+1)},
	}, journal.ContentHash(content), content); err != nil {
		return err
	}
	if err := tx.put(kind, before, back(before.change, merged.Change), len(content)); err != nil || before.change != nil {
		return err
	}
	parsed, _ := parseID(id)
	return tx.release(kind, parsed, seq)
}

// derived merges what the server writes into a record.
func derived(id string, edit *roundsv1.Edit, before *roundsv1.Change, at int64, seq uint64) (*roundsv1.Mutation, merge.Result) {
	m := &roundsv1.Mutation{RecordId: id, Base: before.GetVersion(), BaseTimeUs: before.GetTimeUs(), Act: &roundsv1.Mutation_Edit{Edit: edit}}
	return m, merge.Apply(before, merge.Input{Mutation: m, Capacity: merge.Rules,
		Stamp: &roundsv1.Stamp{Seq: seq, TimeUs: max(at, before.GetTimeUs()+1), Roles: []roundsv1.Role{roundsv1.Role_ROLE_SYSTEM}}})
}

// derivable tries whether what the rules want written besides can be: once the mutation has its entry it is too late to find out. After is the
// mutation's own record as it will be.
func (tx *transaction) derivable(c *candidate, after *roundsv1.Change, list []Derived) (bool, error) {
	if len(list) == 0 {
		return true, nil
	}
	tried := map[recordName]*roundsv1.Change{{c.item.kind, c.item.mutation.GetRecordId()}: after}
	why, err := tx.try(list, c.time, tx.head.GetSeq()+2, tried)
	return why == nil && err == nil, err
}

// askAgain opens a conflict for each field that must not be guessed and now has several values, and closes those that have one again.
func (tx *transaction) askAgain(c *candidate, d *decision, seq uint64) error {
	before, after := asks(d.before.change), asks(d.after)
	for _, field := range after {
		sides := sidesOf(c.item.kind, d.after, field)
		if slices.Contains(before, field) {
			if len(sides) > len(sidesOf(c.item.kind, d.before.change, field)) { // one more entered a value
				if err := tx.derive(tx.askID(c, d, field), conflictEdit(&roundsv1.Conflict{Sides: sides}, fieldConflictSides), c.time, seq); err != nil {
					return err
				}
			}
			continue
		}
		conflict := &roundsv1.Conflict{
			Type: roundsv1.ConflictType_CONFLICT_TYPE_ASK, Field: uint32(field), OpenedTimeUs: c.time,
			Subject: &roundsv1.RecordRef{Kind: string(c.item.kind), Id: d.after.GetRecordId()}, DeviceId: string(c.caller.Device),
			LaneSeq: c.laneSeq, PersonId: string(c.caller.Person), State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, Sides: sides,
			Sentence: &roundsv1.Text{Zh: "两人填写的内容不同，请确认哪个正确。", En: "Two people entered different values; say which is right."},
		}
		if err := tx.open(tx.askID(c, d, field), conflict, c.time, seq, Case{}); err != nil {
			return err
		}
	}
	for _, field := range before {
		if !slices.Contains(after, field) {
			if err := tx.derive(tx.askID(c, d, field), resolved("answered"), c.time, seq); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxSides is how many sides the schema lets a conflict have.
const maxSides = 16

// sidesOf are who entered the values of a field that stand beside each other, the earlier first. They do not say which: a number that is erased from the record later
// must not stand in the question.
func sidesOf(kind merge.Kind, change *roundsv1.Change, field merge.FieldNumber) []*roundsv1.Side {
	var sides []*roundsv1.Side
	for _, w := range change.GetWrites() {
		if len(sides) < maxSides && (slices.Contains(w.GetShown(), uint32(field)) || slices.Contains(w.GetSiblings(), uint32(field))) {
			sides = append(sides, &roundsv1.Side{Record: &roundsv1.RecordRef{Kind: string(kind), Id: change.GetRecordId()}, PersonId: w.GetStamp().GetPersonId(),
				DeviceId: w.GetStamp().GetDeviceId(), TimeUs: w.GetStamp().GetTimeUs(), JournalSeq: w.GetStamp().GetSeq(),
				Sentence: &roundsv1.Text{Zh: "填写了其中一个值。", En: "Entered one of the values."}})
		}
	}
	slices.SortFunc(sides, func(a, b *roundsv1.Side) int { return cmp.Compare(a.GetJournalSeq(), b.GetJournalSeq()) })
	return sides
}

func (tx *transaction) askID(c *candidate, d *decision, field merge.FieldNumber) string {
	return conflictID(string(tx.scope.name), string(c.item.kind), d.after.GetRecordId(), string(protowire.AppendVarint(nil, uint64(field))))
}
