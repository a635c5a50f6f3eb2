package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Ref names a queued mutation, and the record that it is about.
type Ref struct {
	Scope  Scope
	Kind   merge.Kind
	ID     RecordID
	Device DeviceID
	Lane   journal.LaneSeq
}

// Option changes how Do queues a mutation.
type Option func(*doing)

type doing struct {
	seen *View
	// prepare completes the mutation in the transaction that queues it; also writes something besides.
	prepare func(store.Writer, *roundsv1.Mutation) error
	also    func(store.Writer) error
}

// Seen tells which view of the record the person was looking at. Without it that is the record as it stands when Do is called,
// which is later where a sync came between.
func Seen(v View) Option { return func(d *doing) { d.seen = &v } }

// Create queues a new record of a kind that is edited later (a ticket, an inspection): all fields that are set in record. An
// empty id makes a new one; a photo or a comment is created by Fact.
func (d *Device) Create(ctx context.Context, scope Scope, id RecordID, record *roundsv1.Record) (Ref, error) {
	id, err := d.orNew(id)
	if err != nil {
		return Ref{}, err
	}
	return d.Do(ctx, scope, &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: record}}})
}

// Edit queues the fields of a record that are named, with their values in record; a field that is named and not set there is
// cleared. Names are those of the schema ("title"). Of a set the elements in record are added, of a map its keys put; use Do
// to remove some.
func (d *Device) Edit(ctx context.Context, scope Scope, id RecordID, record *roundsv1.Record, fields ...string) (Ref, error) {
	numbers, err := fieldNumbers(record, fields)
	if err != nil {
		return Ref{}, err
	}
	edit := &roundsv1.Edit{Record: record, Fields: numbers}
	return d.Do(ctx, scope, &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Edit{Edit: edit}})
}

// Fact queues evidence: a record of its own (a photo, a comment), for which an empty id makes a new one, or elements of a
// record's readings, answers, labour, scans or counters. A well-formed fact is never refused.
func (d *Device) Fact(ctx context.Context, scope Scope, id RecordID, record *roundsv1.Record) (Ref, error) {
	id, err := d.orNew(id)
	if err != nil {
		return Ref{}, err
	}
	return d.Do(ctx, scope, &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: record}}})
}

// Command queues a transition that the server decides on.
func (d *Device) Command(ctx context.Context, scope Scope, id RecordID, command *roundsv1.Command) (Ref, error) {
	return d.Do(ctx, scope, &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Command{Command: command}})
}

func (d *Device) orNew(id RecordID) (RecordID, error) {
	if id != "" {
		return id, nil
	}
	return d.NewID()
}

// fieldNumbers finds fields of a record by their names in the schema.
func fieldNumbers(record *roundsv1.Record, names []string) ([]uint32, error) {
	message := record.ProtoReflect()
	kind := message.WhichOneof(message.Descriptor().Oneofs().ByName("kind"))
	if kind == nil {
		return nil, refusal(roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, "edit.record", "没有填写内容。", "The record has no kind.")
	}
	numbers := make([]uint32, 0, len(names))
	for _, name := range names {
		field := kind.Message().Fields().ByName(protoreflect.Name(name))
		if field == nil {
			return nil, refusal(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "edit.record."+string(kind.Name())+"."+name,
				"没有这个字段。", "There is no such field.")
		}
		numbers = append(numbers, uint32(field.Number()))
	}
	return numbers, nil
}

// Do queues one mutation: durably, in the order of the calls, without waiting for a network. It fills in base, base time and
// clock of a copy of m. What can never be accepted (a fixed field, a field of the server, a limit) is answered with a
// ProblemError and not queued; a fact is not judged here. When Do returns an error, the mutation is not queued, except that
// the outcome of a failed write of the store may be unknown.
//
// ErrNotEnrolled, ErrRevoked and ErrClosed say that nothing can be queued; store.ErrFull that there is no room on the device.
func (d *Device) Do(ctx context.Context, scope Scope, m *roundsv1.Mutation, options ...Option) (Ref, error) {
	var how doing
	for _, option := range options {
		option(&how)
	}
	ref, err := d.checked(scope, m)
	if err != nil {
		return Ref{}, err
	}
	for {
		me, err := d.author()
		if err != nil {
			return Ref{}, err
		}
		done, err := d.queue(ctx, scope, ref, m, how, me)
		if errors.Is(err, errMoving) {
			if err := d.moveLane(ctx, scope); err != nil {
				return Ref{}, in(scope, err)
			}
			continue
		}
		if err != nil {
			return Ref{}, in(scope, err)
		}
		signal(d.queued)
		return done, nil
	}
}

// checked looks at what can be known of a mutation without the record.
func (d *Device) checked(scope Scope, m *roundsv1.Mutation) (recordRef, error) {
	if len(scope) < 3 || len(scope) > 128 || scope == deviceScope {
		return recordRef{}, refusal(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "scope", "范围名称无效。", "This is no scope.")
	}
	kind, ok := merge.KindOfMutation(m)
	if !ok {
		return recordRef{}, refusal(roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, "act", "没有填写内容。", "The mutation says nothing.")
	}
	if id, err := uuid.Parse(m.GetRecordId()); err != nil || id.String() != m.GetRecordId() {
		return recordRef{}, refusal(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "record_id",
			"记录编号无效。", "The record's id is not a UUID in lower case.")
	}
	return recordRef{kind: kind, id: RecordID(m.GetRecordId())}, nil
}

// errMoving: the lane belongs to an earlier identity; its mutations have to be moved first.
var errMoving = errors.New("client: the lane is being moved")

// queue appends one mutation to the lane of me, in one transaction.
func (d *Device) queue(ctx context.Context, scope Scope, about recordRef, m *roundsv1.Mutation, how doing, me self) (Ref, error) {
	ref := Ref{Scope: scope, Kind: about.kind, ID: about.id, Device: me.Device}
	var head hexHash
	err := d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
		lane, err := d.laneOf(w, scope, me)
		if err != nil {
			return err
		}
		var replica replicaState
		if _, err := load(w, single(tableReplica), &replica); err != nil {
			return err
		}
		if replica.Closing != open {
			return ErrRevoked
		}
		m := m
		if how.prepare != nil {
			m = proto.CloneOf(m)
			if err := how.prepare(w, m); err != nil {
				return err
			}
		}
		content, err := d.encode(w, about, m, how)
		if err != nil {
			return err
		}
		if err := appendMutation(w, &lane, about, content); err != nil {
			return err
		}
		if how.also != nil {
			if err := how.also(w); err != nil {
				return err
			}
		}
		ref.Lane, head = lane.Last, lane.Head
		return save(w, single(tableLane), lane)
	})
	if err != nil && ref.Lane != 0 && d.stands(scope, me.branch, ref.Lane, head) {
		return ref, nil
	}
	return ref, err
}

// stands tells, after a write whose reply is not known, whether it was done.
func (d *Device) stands(scope Scope, of branch, seq journal.LaneSeq, head hexHash) bool {
	done := false
	err := d.cfg.Store.View(context.Background(), scope, func(r store.Reader) error {
		value, err := r.Get(laneKey(tableOutbox, of, seq))
		if err != nil {
			return err
		}
		entry, err := decodeOutbox(value)
		if err != nil {
			return err
		}
		done = journal.LaneNext(entry.previous, entry.content) == journal.Hash(head)
		return nil
	})
	return err == nil && done
}

// laneOf returns the lane of the present identity in a scope, beginning it where there is none.
func (d *Device) laneOf(r store.Reader, scope Scope, me self) (laneState, error) {
	var lane laneState
	found, err := load(r, single(tableLane), &lane)
	if err != nil {
		return lane, err
	}
	if !found {
		return d.newLane(scope, me), nil
	}
	if lane.Branch != me.branch || lane.Old != nil {
		return lane, errMoving
	}
	return lane, nil
}

// newLane begins a lane, or goes on where it was when the scope was purged.
func (d *Device) newLane(scope Scope, me self) laneState {
	d.mu.Lock()
	defer d.mu.Unlock()
	if was, ok := d.purged[scope]; ok && was.Lane.Branch == me.branch {
		return was.Lane
	}
	return laneState{Branch: me.branch, Head: hexHash(me.laneStart(scope)), Floor: 1}
}

// encode turns a mutation into the bytes that travel and rest, and refuses what can never be accepted.
func (d *Device) encode(r store.Reader, about recordRef, m *roundsv1.Mutation, how doing) ([]byte, error) {
	p, err := d.project(r, about)
	if err != nil {
		return nil, err
	}
	m = proto.CloneOf(m)
	m.Clock = reading(d.cfg.Clock)
	m.Base, m.BaseTimeUs = p.snapshot.GetVersion(), p.snapshot.GetTimeUs()
	if how.seen != nil {
		m.Base, m.BaseTimeUs = how.seen.Version, how.seen.timeUS
	}
	if err := unreadable(m.ProtoReflect()); err != nil {
		return nil, err
	}
	if d.cfg.Validate != nil {
		if err := d.cfg.Validate(m); err != nil {
			return nil, &ProblemError{Cause: err, Problem: malformed(err)}
		}
	}
	if problem := d.judge(p, m); problem != nil {
		return nil, &ProblemError{Problem: problem}
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding the mutation: %w", err)
	}
	if len(content) > d.cfg.Limits.MutationBytes {
		return nil, refusal(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "", "内容太大。", "This is too large.")
	}
	return content, nil
}

// malformed says what Validate has against a mutation: in the error's own Problem, where it has one.
func malformed(err error) *roundsv1.Problem {
	var told interface{ Problem() *roundsv1.Problem }
	if errors.As(err, &told) {
		return told.Problem()
	}
	return &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, Sentence: &roundsv1.Text{Zh: "填写的内容不符合要求。", En: err.Error()}}
}

// judge refuses an edit that no server would ever take, by the same code as the server. What may come out differently there is
// queued.
func (d *Device) judge(p projection, m *roundsv1.Mutation) *roundsv1.Problem {
	if m.GetEdit() == nil {
		return nil
	}
	result := merge.Apply(p.shown, merge.Input{Mutation: m, Stamp: d.provisional(p, m, 2*provisionalSeq-1)})
	hopeless := []roundsv1.ProblemCode{
		roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT,
		roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FIXED, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER,
		roundsv1.ProblemCode_PROBLEM_CODE_FIELD_WORKFLOW, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FACT,
		roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT,
	}
	if slices.Contains(hopeless, result.Problem.GetCode()) {
		return result.Problem
	}
	return nil
}

// appendMutation puts content behind the lane's last mutation: outbox, ledger, and on top of its record. The caller saves the
// lane.
func appendMutation(w store.Writer, lane *laneState, about recordRef, content []byte) error {
	seq := lane.Last + 1
	entry := outboxEntry{previous: journal.Hash(lane.Head), content: content}
	if err := w.Set(laneKey(tableOutbox, lane.Branch, seq), entry.encode()); err != nil {
		return err
	}
	hash := journal.ContentHash(content)
	if err := w.Set(laneKey(tableLedger, lane.Branch, seq), ledgerEntry{content: hash}.encode()); err != nil {
		return err
	}
	if err := w.Set(pendingKey(about, lane.Branch, seq), []byte{0}); err != nil {
		return err
	}
	lane.Last, lane.Head = seq, hexHash(journal.LaneNextHashed(entry.previous, hash))
	lane.Bytes += int64(len(content))
	return nil
}
