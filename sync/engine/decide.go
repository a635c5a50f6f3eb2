package engine

import (
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// candidate is a mutation on its way to an outcome.
type candidate struct {
	item      *item
	caller    Caller
	revoked   roundsv1.Revocation
	laneSeq   uint64 // 0: no device's mutation
	act       string // id of an act through the server; empty: a device's mutation
	signature []byte
	time      int64 // effective time, microseconds; decide moves it behind what the person saw
	trust     roundsv1.Trust
	now       int64
	vouched   []roundsv1.Role // of an act: roles that the server vouches for
	roles     []roundsv1.Role // set by decide
	admitted  bool
	entry     uint64 // the journal entry of one that was kept back before; else 0
}

// decision is what becomes of a candidate. Nothing of it is written yet.
type decision struct {
	outcome  *roundsv1.Outcome
	before   *stored
	after    *roundsv1.Change // nil or before.change: the record stays as it is
	conflict *roundsv1.Conflict
	derived  []Derived
	admit    *admission
}

func (c *candidate) fact() bool { return c.item.mutation.GetFact() != nil }

// creates: whether the mutation makes a record where there is none. An edit of a record that its device made itself and that the server
// refused names fields, so it is not taken for a creation.
func (c *candidate) creates() bool {
	m := c.item.mutation
	switch {
	case m.GetBase() != 0:
		return false
	case m.GetEdit() != nil:
		return len(m.GetEdit().GetFields()) == 0
	case m.GetFact() != nil:
		return !onlyAdds(m.GetFact().GetRecord())
	}
	return false
}

// decide judges and merges a candidate. It writes nothing.
func (tx *transaction) decide(c *candidate) (*decision, error) {
	d := &decision{outcome: &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED}, before: &stored{}}
	if why := c.item.problem; why != nil {
		if why.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT {
			d.refuse(c, roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, why) // a newer app's fact waits for a newer server
			return d, nil
		}
		d.reject(why)
		return d, nil
	}
	before, err := tx.record(c.item.kind, c.item.mutation.GetRecordId())
	if err != nil {
		return nil, err
	}
	d.before, d.after = before, before.change
	mutation, err := tx.base(c, before.change)
	if err != nil {
		return nil, err
	}
	c.roles = tx.scope.engine.rolesOf(c, tx.scope.name)
	if len(c.roles) == 0 && !c.admitted {
		code := roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
		if c.revoked != roundsv1.Revocation_REVOCATION_UNSPECIFIED {
			code = roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED
		}
		why := problem(code, "", "您在该时间没有此范围的权限。", "There was no right to do this here at that time.")
		d.refuse(c, roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, why)
		return d, nil
	}
	switch {
	case before.change == nil && !c.creates():
		d.park(c, roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD, problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "",
			"记录尚未到达服务器，到达后自动处理。", "The record is not here yet; this is judged when it appears."))
		return d, nil
	case before.change.GetDeleted():
		d.refuse(c, roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN, problem(roundsv1.ProblemCode_PROBLEM_CODE_DELETED, "",
			"记录已被删除。", "The record was deleted."))
		return d, nil
	}
	if c.item.kind == kindConflict && mutation.GetCommand().GetDelete() != nil {
		d.reject(problem(roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER, "", "待处理事项不能删除，只能处理。", "What waits for a person is decided, not deleted."))
		return d, nil
	}
	return d, tx.judge(c, d, mutation)
}

// judge asks the rules and merges.
func (tx *transaction) judge(c *candidate, d *decision, mutation *roundsv1.Mutation) error {
	var failed error
	current := d.before.change
	verdict := tx.scope.engine.ask(tx.caseOf(c, current, mutation, &failed))
	if failed != nil {
		return failed
	}
	d.outcome.Flags = verdict.Flags
	switch {
	case verdict.Park != roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED:
		d.park(c, verdict.Park, verdict.Problem)
		d.conflict.Sides = verdict.Sides
		if c.fact() {
			return nil
		}
		can, err := tx.derivable(c, current, verdict.Derived)
		if can {
			d.derived = verdict.Derived
		}
		return err
	case verdict.Problem != nil:
		d.refuse(c, roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, verdict.Problem)
		return nil
	}
	stamp := &roundsv1.Stamp{Seq: tx.head.GetSeq() + 1, DeviceId: string(c.caller.Device), TimeUs: c.time,
		PersonId: string(c.caller.Person), Roles: c.roles}
	after := current
	if command := mutation.GetCommand(); command == nil {
		input := merge.Input{Mutation: mutation, Stamp: stamp, Capacity: merge.Device, Also: verdict.Effect}
		merged := merge.Apply(current, input)
		if merged.Problem != nil {
			if input.Also = nil; verdict.Effect != nil && merge.Apply(current, input).Problem == nil {
				d.failed(c, tx, "effect")
				return nil
			}
			d.refuseMerge(c, merged.Problem)
			return nil
		}
		if full(d.before, merged.Change, len(c.item.content)) {
			d.refuse(c, roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, problemOfFull())
			return nil
		}
		after = merged.Change
		d.outcome.Losses = merged.Losses
		d.outcome.Flags = append(d.outcome.Flags, merged.Flags...)
		if len(merged.Losses) > 0 {
			d.outcome.Status = roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED
		}
	} else if command.GetDelete() != nil {
		after = merge.Tombstone(current, stamp)
	} else if verdict.Effect != nil {
		effect := &roundsv1.Mutation{RecordId: mutation.GetRecordId(), Act: &roundsv1.Mutation_Edit{Edit: verdict.Effect}}
		merged := merge.Apply(after, merge.Input{Mutation: effect, Stamp: stamp, Capacity: merge.Rules})
		if merged.Problem != nil {
			d.failed(c, tx, "effect")
			return nil
		}
		after = merged.Change
	}
	if can, err := tx.derivable(c, after, verdict.Derived); err != nil || !can {
		d.failed(c, tx, "derived record")
		return err
	}
	if verdict.Admit != 0 {
		admission, why, err := tx.readmit(uint64(verdict.Admit))
		if err != nil {
			return err
		}
		if why != nil {
			d.refuse(c, roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, why)
			return nil
		}
		d.admit = admission
	}
	d.after, d.derived = back(current, after), verdict.Derived
	return nil
}

// caseOf is a candidate as the rules see it, on the record as it stands. What fails in a look at other records is noted in failed.
func (tx *transaction) caseOf(c *candidate, current *roundsv1.Change, mutation *roundsv1.Mutation, failed *error) Case {
	is := Case{
		Scope: tx.scope.name, Kind: c.item.kind, Current: current, Mutation: mutation, Person: c.caller.Person, Device: c.caller.Device,
		Roles: c.roles, Time: time.UnixMicro(c.time).UTC(), Trust: c.trust, Taken: time.UnixMicro(c.now).UTC(), Admitted: c.admitted,
		Saw: saw(current, mutation.GetBase(), c.caller.Device, c.time),
		Lookup: func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
			other, err := tx.record(kind, string(id))
			if err != nil {
				*failed = err
				return nil, err
			}
			return other.change, nil
		},
	}
	if tx.scope.engine.cfg.Index != nil {
		is.Find = func(name IndexName, span store.Span) iter.Seq2[IndexEntry, error] {
			return func(yield func(IndexEntry, error) bool) {
				page, err := tx.found(name, span)
				for _, entry := range page {
					if !yield(entry, nil) {
						return
					}
				}
				if err != nil {
					*failed = err
					yield(IndexEntry{}, err)
				}
			}
		}
	}
	return is
}

// found are the first entries of an index within a span, with those of what the transaction wrote so far.
func (tx *transaction) found(name IndexName, span store.Span) ([]IndexEntry, error) {
	if err := tx.flush(); err != nil {
		return nil, err
	}
	page, _, err := indexPage(tx.w, name, len(indexKey(name, nil)), within(name, span))
	return page, err
}

// maxRecord bounds the bytes of one record, with who wrote what of it: it travels whole, and has to fit in a store's value many times over.
const maxRecord = 4 << 20

func problemOfFull() *roundsv1.Problem {
	return problem(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "record_id", "该记录内容已满，请新建记录。", "This record is full. Go on in a new one.")
}

// full: whether a mutation of so many bytes would let a record grow beyond maxRecord. What makes it smaller is never refused.
func full(before *stored, after *roundsv1.Change, added int) bool {
	if len(before.encoded)+4*(before.grown+added) <= maxRecord {
		return false // nearly always, without measuring: a mutation adds its content, and names for it
	}
	return proto.Size(after) > max(maxRecord, len(before.encoded))
}

// ask asks the rules. A mutation on which they panic is kept for a person: it must not end the server, nor block its lane.
func (e *Engine) ask(c Case) (v Verdict) {
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("rules panicked", "scope", string(c.Scope), "kind", string(c.Kind), "record", c.Mutation.GetRecordId(),
				"panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			v = Verdict{Park: roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, Problem: problemOfServer()}
		}
	}()
	return e.cfg.Rules.Judge(c)
}

func problemOfServer() *roundsv1.Problem {
	return problem(roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED, "", "服务器无法判断该操作，已保留，等待人工处理。",
		"The server failed to judge this. It is kept, and waits for a person.")
}

// back brings an evicted record into the working set again when something was written to it.
func back(before, after *roundsv1.Change) *roundsv1.Change {
	if after == before || !after.GetEvicted() || after.GetDeleted() {
		return after
	}
	live := proto.CloneOf(after)
	live.Evicted, live.Entered = false, after.GetVersion()
	return live
}

func (d *decision) reject(why *roundsv1.Problem) {
	d.after, d.derived, d.admit = d.before.change, nil, nil
	d.outcome.Status, d.outcome.Problem, d.outcome.Losses = roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED, why, nil
}

// refuse rejects an edit or a command; a fact is never refused but kept for a supervisor.
func (d *decision) refuse(c *candidate, as roundsv1.ConflictType, why *roundsv1.Problem) {
	if c.fact() && !c.admitted {
		d.park(c, as, why)
		return
	}
	d.reject(why)
}

// failed keeps a mutation for a person because the rules want written what cannot be: that is no fault of who sent it.
func (d *decision) failed(c *candidate, tx *transaction, what string) {
	tx.scope.engine.log.Error("rules want what cannot be written", "what", what, "scope", string(tx.scope.name), "kind", string(c.item.kind),
		"record", c.item.mutation.GetRecordId(), "device", string(c.caller.Device), "lane_seq", c.laneSeq, "act", c.act)
	d.outcome.Flags = nil
	d.park(c, roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, problemOfServer())
}

// refuseMerge refuses what merging refused: a fact that is not well-formed is rejected, one that no longer fits is kept.
func (d *decision) refuseMerge(c *candidate, why *roundsv1.Problem) {
	switch why.GetCode() {
	case roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD:
		d.refuse(c, roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, why)
	default:
		d.reject(why)
	}
}

// park keeps a mutation for a person, or until its record appears.
func (d *decision) park(c *candidate, as roundsv1.ConflictType, why *roundsv1.Problem) {
	d.reject(why)
	d.outcome.Status = roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT
	if c.fact() || as == roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD {
		d.outcome.Status = roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED
	}
	d.outcome.ConflictId = c.conflictID()
	d.conflict = &roundsv1.Conflict{
		Type: as, Subject: &roundsv1.RecordRef{Kind: string(c.item.kind), Id: c.item.mutation.GetRecordId()}, DeviceId: string(c.caller.Device),
		LaneSeq: c.laneSeq, PersonId: string(c.caller.Person), Sentence: why.GetSentence(), OpenedTimeUs: c.time,
		State: roundsv1.ConflictState_CONFLICT_STATE_OPEN,
	}
}

// rolesOf returns what a candidate's person was in a scope at the effective time. Where that time is not well known the right must hold
// at both ends: then, and when the server took it. A device that was revoked as lost has none.
func (e *Engine) rolesOf(c *candidate, scope store.Scope) []roundsv1.Role {
	if c.revoked == roundsv1.Revocation_REVOCATION_IMMEDIATE {
		return nil
	}
	if len(c.vouched) > 0 {
		return c.vouched
	}
	roles := e.cfg.Access.Roles(c.caller.Person, scope, time.UnixMicro(c.time))
	if c.trust == roundsv1.Trust_TRUST_A || len(roles) == 0 {
		return roles
	}
	taken := e.cfg.Access.Roles(c.caller.Person, scope, time.UnixMicro(c.now))
	return slices.DeleteFunc(slices.Clone(roles), func(r roundsv1.Role) bool { return !slices.Contains(taken, r) })
}

// base checks the version that a mutation was made on, and moves its effective time behind what the person saw. A base that the record never
// had (the server was restored from a backup, or the device is wrong) counts as having seen nothing: then nothing is overwritten.
func (tx *transaction) base(c *candidate, current *roundsv1.Change) (*roundsv1.Mutation, error) {
	m := c.item.mutation
	if m.GetBase() == 0 || current == nil {
		return m, nil
	}
	known := m.GetBase() == current.GetVersion() && m.GetBaseTimeUs() == current.GetTimeUs()
	if !known && m.GetBase() <= tx.head.GetSeq() {
		head, _, err := readEntry(tx.w, m.GetBase())
		if err != nil {
			return nil, err
		}
		known = head.GetRecord().GetId() == m.GetRecordId() && head.GetRecord().GetKind() == string(c.item.kind) &&
			head.GetRecordTimeUs() == m.GetBaseTimeUs()
	}
	if known {
		c.time = max(c.time, m.GetBaseTimeUs()+1)
		return m, nil
	}
	blind := proto.CloneOf(m)
	blind.Base, blind.BaseTimeUs = 0, 0
	return blind, nil
}

// saw: whether the person was looking at all that stands in a record, but for what the device itself had written by then.
func saw(current *roundsv1.Change, base uint64, device DeviceID, time int64) bool {
	for _, write := range current.GetWrites() {
		own := write.GetStamp().GetDeviceId() == string(device) && write.GetStamp().GetTimeUs() <= time
		if write.GetStamp().GetSeq() > base && !own {
			return false
		}
	}
	return true
}
