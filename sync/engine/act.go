package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// ActID names an act of a person through the server: a UUID in lower case.
type ActID string

// DeskAct is one thing that a person does through the server, without a lane. Exactly one of Fact, Edit and Command is set; they mean what they mean in a
// Mutation, and are not changed.
type DeskAct struct {
	// ID names the act: a UUID in lower case that the caller makes. One person's act with one id is done once in a scope, however often it is sent.
	ID ActID
	// RecordID of the record, a UUID in lower case. For a new record the caller makes it.
	RecordID merge.RecordID
	// Base is Change.version of the record as the person saw it; 0 for a record that the person did not have. A creation is an Edit without fields on
	// base 0.
	Base journal.Seq
	// Fact is appended evidence.
	Fact *roundsv1.Fact
	// Edit sets fields.
	Edit *roundsv1.Edit
	// Command is a transition asked for.
	Command *roundsv1.Command
	// Roles that the server vouches for: the act is judged with them, also where it had to wait, and journalled with them, in place of those that Access knows of the whole scope. They are for who keeps
	// one record of a scope and not all of it, as the administrator of a region its unit; whoever sets them has asked for that right. None: Access is asked.
	Roles []roundsv1.Role
}

// Act does what a person does through the server: at a desk, or with an import. Each act is judged by the Rules, merged and journalled as a device's
// mutation is, under an entry of type DESK that carries the caller and the act's id, and no signature: the server attests who it was. It returns one
// outcome for each act, in their order, once all are on disk. A refused act is an outcome, journalled with its content, and holds up no other.
//
// The server sets the clocks: the effective time is now, or just after what the person saw or the caller's device wrote in the record before; trust is A;
// the roles are those of that moment. The person saw what Base says, and what the caller's own device wrote.
//
// An act whose id the same person sent before changes nothing and has its first outcome again, whatever became of the record since, also after a crash.
// The same id with another content is an error (Precondition), and so are ids that are no UUIDs (Invalid), more than Config.Limits allow (Exhausted), and a person
// without a role in the scope or a revoked device (Denied). A call that fails has changed nothing, except where the cause is a fault of the store or ctx
// ended, or where its acts were too many for one transaction: then some may have been done, and sending all again is harmless. An error is an *Error.
func (e *Engine) Act(ctx context.Context, caller Caller, scope store.Scope, acts []DeskAct) ([]*roundsv1.Outcome, error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	now := e.cfg.Now()
	vouched := len(acts) > 0 && !slices.ContainsFunc(acts, func(a DeskAct) bool { return len(a.Roles) == 0 })
	if err := e.mayAct(caller, scope, now, vouched); err != nil {
		return nil, err
	}
	items, err := e.prepareActs(scope, acts, now)
	if err != nil {
		return nil, err
	}
	outcomes := make([]*roundsv1.Outcome, 0, len(items))
	for most := len(items); len(outcomes) < len(items); {
		next := items[len(outcomes):min(len(outcomes)+most, len(items))]
		size := 0
		for i := range next {
			size += len(next[i].content)
		}
		var told []*roundsv1.Outcome
		err := e.scope(scope).submit(ctx, size, func(tx *transaction) (err error) {
			told, err = tx.act(caller, next, now.UnixMicro())
			return err
		})
		switch {
		case errors.Is(err, store.ErrTooLarge) && len(next) > 1:
			most = len(next) / 2
		case err != nil:
			return nil, err
		default:
			outcomes = append(outcomes, told...)
		}
	}
	if !e.cfg.Access.MayRead(caller.Person, scope, e.cfg.Now()) {
		result := &roundsv1.LaneResult{Outcomes: outcomes}
		withoutContent(result)
	}
	return outcomes, nil
}

// mayAct refuses who has nothing to do in a scope. Vouched: the roles come with every act.
func (e *Engine) mayAct(caller Caller, scope store.Scope, now time.Time, vouched bool) error {
	switch {
	case !validScope(scope):
		return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "scope",
			"范围名称无效。", "A scope is site/<id>, desk/<id>, user/<id> or org/<id>.").in(scope)
	case caller.Person == "" || caller.Device == "" || !vouched && len(e.cfg.Access.Roles(caller.Person, scope, now)) == 0:
		return refuse(Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "scope",
			"您没有该范围的权限。", "You have no right to write here.").in(scope)
	case e.cfg.Access.Revoked(caller.Device) != roundsv1.Revocation_REVOCATION_UNSPECIFIED:
		return refuse(Denied, roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED, "scope",
			"该设备已被停用。", "This device was revoked.").in(scope)
	}
	return nil
}

// deskItem is one act of a call, checked as far as that can be done outside of its scope's transaction.
type deskItem struct {
	item
	id    uuid.UUID
	text  string
	at    string          // the path of the act, for problems
	roles []roundsv1.Role // that the server vouches for
}

// prepareActs checks the acts of a call. An error refuses the call, before anything is written.
func (e *Engine) prepareActs(scope store.Scope, acts []DeskAct, now time.Time) ([]deskItem, error) {
	limits, size := e.cfg.Limits, 0
	tooMany := func() error {
		over := refuse(Exhausted, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "acts",
			fmt.Sprintf("一次最多提交 %d 条、%d 字节，请分批提交。", limits.Mutations, limits.RequestBytes),
			fmt.Sprintf("At most %d acts and %d bytes a call: send fewer at a time.", limits.Mutations, limits.RequestBytes)).in(scope)
		over.Problem.Facts = map[string]string{"acts": strconv.Itoa(limits.Mutations), "bytes": strconv.Itoa(limits.RequestBytes)}
		return over
	}
	if len(acts) > limits.Mutations {
		return nil, tooMany()
	}
	items := make([]deskItem, len(acts))
	for i, act := range acts {
		it := &items[i]
		it.at, it.text, it.roles = "acts["+strconv.Itoa(i)+"]", string(act.ID), slices.Clone(act.Roles)
		var ok bool
		if it.id, ok = parseID(string(act.ID)); !ok {
			return nil, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, it.at+".id",
				"操作编号无效。", "An act's id is a UUID in lower case.").in(scope)
		}
		m, ok := act.mutation(now)
		if !ok {
			return nil, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, it.at,
				"一次操作只能是一项事实、修改或指令。", "An act is one fact, one edit or one command.").in(scope)
		}
		var err error
		if it.content, err = marshalAct(m); err != nil {
			return nil, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, it.at,
				"数据格式错误。", "This act cannot be encoded: "+err.Error()).in(scope)
		}
		if size += len(it.content); size > limits.RequestBytes {
			return nil, tooMany()
		}
		e.decode(&it.item) // from the bytes: nothing of the caller's is kept
	}
	return items, nil
}

// mutation returns the act as a Mutation of the server's clock, without the base's time; false where it is not one act.
func (a *DeskAct) mutation(now time.Time) (*roundsv1.Mutation, bool) {
	m := &roundsv1.Mutation{RecordId: string(a.RecordID), Base: uint64(a.Base), Clock: &roundsv1.Clock{WallUs: now.UnixMicro()}}
	n := 0
	if a.Fact != nil {
		m.Act, n = &roundsv1.Mutation_Fact{Fact: a.Fact}, n+1
	}
	if a.Edit != nil {
		m.Act, n = &roundsv1.Mutation_Edit{Edit: a.Edit}, n+1
	}
	if a.Command != nil {
		m.Act, n = &roundsv1.Mutation_Command{Command: a.Command}, n+1
	}
	return m, n == 1
}

func marshalAct(m *roundsv1.Mutation) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// act does the acts of a person that were not done before, and returns the outcomes of all.
func (tx *transaction) act(caller Caller, items []deskItem, now int64) ([]*roundsv1.Outcome, error) {
	// All are looked at before any is written: a call that is refused has changed nothing.
	called, before := make(map[uuid.UUID]*deskItem, len(items)), make([]*roundsv1.EntryHead, len(items))
	for i := range items {
		it := &items[i]
		if first := called[it.id]; first != nil {
			if !sameAct(first.mutation, it.mutation) {
				return nil, reused(tx.scope.name, it)
			}
			continue
		}
		called[it.id] = it
		head, content, err := tx.acted(caller.Person, it.id)
		before[i] = head
		switch {
		case err != nil:
			return nil, err
		case head == nil || journal.Redacted(head, content):
			continue // what was removed by law can be compared with nothing: the act has its outcome
		}
		m := new(roundsv1.Mutation)
		if err := proto.Unmarshal(content, m); err != nil {
			return nil, fmt.Errorf("engine: journal entry %d: %w", head.GetSeq(), err)
		}
		if !sameAct(m, it.mutation) {
			return nil, reused(tx.scope.name, it)
		}
	}
	outcomes := make([]*roundsv1.Outcome, len(items))
	for i := range items {
		head, err := before[i], error(nil)
		if called[items[i].id] != &items[i] { // the call's own, twice
			if head, _, err = tx.acted(caller.Person, items[i].id); err != nil {
				return nil, err
			}
		}
		if head != nil {
			if outcomes[i], err = fullOutcome(tx.w, head); err != nil {
				return nil, err
			}
			continue
		}
		if outcomes[i], err = tx.actOnce(caller, &items[i], now); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// actOnce does one act that was not done before.
func (tx *transaction) actOnce(caller Caller, it *deskItem, now int64) (*roundsv1.Outcome, error) {
	one := it.item
	c := &candidate{item: &one, caller: caller, act: it.text, vouched: it.roles, time: now, trust: roundsv1.Trust_TRUST_A, now: now}
	if one.kind != "" {
		have, err := tx.record(one.kind, one.mutation.GetRecordId())
		if err != nil {
			return nil, err
		}
		for _, write := range have.change.GetWrites() {
			if stamp := write.GetStamp(); stamp.GetDeviceId() == string(caller.Device) {
				c.time = max(c.time, stamp.GetTimeUs()+1)
			}
		}
		if one.mutation.GetBase() != 0 {
			one.mutation = proto.CloneOf(one.mutation)
			if one.mutation.BaseTimeUs, err = tx.timeAt(&one, have.change); err != nil {
				return nil, err
			}
			if one.content, err = marshalAct(one.mutation); err != nil {
				return nil, err
			}
		}
	}
	one.contentHash = journal.ContentHash(one.content)
	outcome, err := tx.settle(c)
	if err != nil {
		return nil, err
	}
	return outcome, tx.w.Set(actKey(caller.Person, it.id), seqValue(outcome.GetSeq()))
}

// timeAt returns the time that a record had at the base of a mutation; 0 where it never had that version.
func (tx *transaction) timeAt(it *item, current *roundsv1.Change) (int64, error) {
	base := it.mutation.GetBase()
	switch {
	case base == current.GetVersion():
		return current.GetTimeUs(), nil
	case base > tx.head.GetSeq():
		return 0, nil
	}
	head, _, err := readEntry(tx.w, base)
	if err != nil || head.GetRecord().GetKind() != string(it.kind) || head.GetRecord().GetId() != it.mutation.GetRecordId() {
		return 0, err
	}
	return head.GetRecordTimeUs(), nil
}

// Acted returns what a person did in a scope under the id of an act, and what became of it: nil where nothing was. The mutation is nil where the journal holds it no more,
// its content having been removed by law. For who makes an act of what stands: done again it would be another one, and is the same call. It asks for nobody's rights.
func (e *Engine) Acted(ctx context.Context, person PersonID, scope store.Scope, id ActID) (m *roundsv1.Mutation, outcome *roundsv1.Outcome, err error) {
	act, ok := parseID(string(id))
	if !ok || !validScope(scope) {
		return nil, nil, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "act_id", "操作编号无效。", "An act's id is a UUID in lower case.").in(scope)
	}
	err = e.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		m, outcome = nil, nil
		head, content, err := readAct(r, person, act)
		if err != nil || head == nil {
			return err
		}
		if outcome, err = fullOutcome(r, head); err != nil || journal.Redacted(head, content) {
			return err
		}
		m = new(roundsv1.Mutation)
		return proto.Unmarshal(content, m)
	})
	return m, outcome, wrap(err)
}

// acted reads the journal entry of a person's act; nil where there is none.
func (tx *transaction) acted(person PersonID, act uuid.UUID) (*roundsv1.EntryHead, []byte, error) {
	return readAct(tx.w, person, act)
}

func readAct(r store.Reader, person PersonID, act uuid.UUID) (*roundsv1.EntryHead, []byte, error) {
	value, err := r.Get(actKey(person, act))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	seq, err := valueSeq(value)
	if err != nil {
		return nil, nil, err
	}
	return readEntry(r, seq)
}

// sameAct: whether two mutations say the same, whenever they came and whatever the server added.
func sameAct(a, b *roundsv1.Mutation) bool {
	a, b = proto.CloneOf(a), proto.CloneOf(b)
	a.Clock, a.BaseTimeUs, b.Clock, b.BaseTimeUs = nil, 0, nil, 0
	return proto.Equal(a, b)
}

func reused(scope store.Scope, it *deskItem) error {
	again := refuse(Precondition, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, it.at+".id",
		"该操作编号已用于其他内容，请刷新后重试。", "This act's id was used for another act: make a new one.").in(scope)
	again.Problem.Facts = map[string]string{"act_id": it.text}
	return again
}
