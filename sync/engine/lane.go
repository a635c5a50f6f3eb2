package engine

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// push is one LaneBatch, decoded and checked as far as that can be done outside of its scope's transaction.
type push struct {
	caller  Caller
	scope   store.Scope
	revoked roundsv1.Revocation
	clock   *roundsv1.Clock // the device's, in this request
	now     int64           // the server's, microseconds
	batch   *roundsv1.LaneBatch
	items   []item
	bytes   int

	most   int                  // so many new mutations in one transaction; 0: all
	left   int                  // so many the last commit left over
	result *roundsv1.LaneResult // set by a successful commit
}

// item is one mutation of a push.
type item struct {
	content     []byte
	contentHash journal.Hash
	laneHash    journal.Hash       // the lane's hash behind it
	mutation    *roundsv1.Mutation // nil where content is no Mutation
	kind        merge.Kind
	id          uuid.UUID
	problem     *roundsv1.Problem // what its schema says against it
}

// preparePushes decodes and checks the lanes of a request. An error refuses the request as a whole, before anything is written.
func (e *Engine) preparePushes(caller Caller, req *roundsv1.ExchangeRequest, now int64) ([]*push, error) {
	var count, size int
	seen := make(map[string]bool, len(req.GetLanes()))
	for _, batch := range req.GetLanes() {
		count += len(batch.GetMutations())
		for _, content := range batch.GetMutations() {
			size += len(content)
		}
		if seen[batch.GetScope()] {
			return nil, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "lanes.scope",
				"同一请求中同一范围只能出现一次。", "A request may carry one lane of a scope once.")
		}
		seen[batch.GetScope()] = true
	}
	if count > e.cfg.Limits.Mutations || size > e.cfg.Limits.RequestBytes {
		return nil, refuse(Exhausted, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "lanes.mutations",
			fmt.Sprintf("一次最多提交 %d 条、%d 字节，请分批提交。", e.cfg.Limits.Mutations, e.cfg.Limits.RequestBytes),
			fmt.Sprintf("At most %d mutations and %d bytes a request: send fewer at a time.", e.cfg.Limits.Mutations, e.cfg.Limits.RequestBytes))
	}
	pushes := make([]*push, 0, len(req.GetLanes()))
	for _, batch := range req.GetLanes() {
		p := &push{caller: caller, scope: store.Scope(batch.GetScope()), revoked: e.cfg.Access.Revoked(caller.Device),
			clock: req.GetClock(), now: now, batch: batch}
		if err := e.prepare(p); err != nil {
			return nil, err
		}
		pushes = append(pushes, p)
	}
	return pushes, nil
}

func (e *Engine) prepare(p *push) error {
	if !validScope(p.scope) {
		return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "lanes.scope",
			"范围名称无效。", "A scope is site/<id>, desk/<id>, user/<id> or org/<id>.").in(p.scope)
	}
	if !e.cfg.Access.EverHad(p.caller.Person, p.scope) {
		return refuse(Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "lanes.scope",
			"您没有该范围的权限。", "You have no right to write here.").in(p.scope)
	}
	mutations := p.batch.GetMutations()
	if len(mutations) == 0 {
		return nil
	}
	previous, err := journal.ParseHash(p.batch.GetPreviousHash())
	if err != nil || p.batch.GetFirstSeq() == 0 {
		return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "lanes.previous_hash",
			"队列位置无效。", "A lane begins at seq 1 and carries the 32 bytes of the hash before it.").in(p.scope)
	}
	p.items = make([]item, len(mutations))
	for i, content := range mutations {
		it := &p.items[i]
		it.content, it.contentHash = content, journal.ContentHash(content)
		previous = journal.LaneNextHashed(previous, it.contentHash)
		it.laneHash = previous
		p.bytes += len(content)
		e.decode(it)
	}
	key := e.cfg.Access.DeviceKey(p.caller.Device)
	if key == nil || !journal.VerifyHead(key, previous, p.batch.GetSignature()) {
		return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE, "lanes.signature",
			"设备签名无效。", "The lane's head is not signed by the key that this device was enrolled with.").in(p.scope)
	}
	return nil
}

// decode reads one mutation. One that cannot be read is refused by itself, with its outcome, so that it does not block those behind it.
func (e *Engine) decode(it *item) {
	m := new(roundsv1.Mutation)
	if err := proto.Unmarshal(it.content, m); err != nil {
		it.problem = problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "mutations", "数据格式错误。", "These bytes are no mutation.")
		return
	}
	it.mutation = m
	if err := e.cfg.Validate(m); err != nil {
		it.problem = malformed(err)
		return
	}
	id, ok := parseID(m.GetRecordId())
	if !ok {
		it.problem = problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "record_id", "记录编号无效。", "A record's id is a UUID in lower case.")
		return
	}
	it.id = id
	kind, ok := merge.KindOfMutation(m)
	if !ok {
		it.problem = problem(roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, "", "服务器版本较旧，暂不支持该操作。",
			"This server is older than the app and does not know this act. It is kept in the journal.")
		return
	}
	it.kind = kind
}

// malformed says what Validate has against a mutation: in the error's own Problem, where it has one.
func malformed(err error) *roundsv1.Problem {
	var told interface{ Problem() *roundsv1.Problem }
	if errors.As(err, &told) {
		return told.Problem()
	}
	return problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "", "数据不符合要求："+err.Error(), err.Error())
}

func validScope(s store.Scope) bool {
	class, id, ok := strings.Cut(string(s), "/")
	if !ok {
		return false
	}
	switch class {
	case "site", "desk", "user", "org":
		_, ok = parseID(id)
		return ok
	}
	return false
}

// lane reads what is kept of a device's lane.
func readLane(r store.Reader, device DeviceID, scope store.Scope) (*roundsv1.Lane, error) {
	lane := new(roundsv1.Lane)
	found, err := readMessage(r, deviceKey(tableLane, device), lane)
	if err == nil && !found {
		start := journal.LaneStart(string(device), string(scope))
		lane.Hash = start[:]
	}
	return lane, err
}

// fits compares a push with the lane as it stands: where the first new mutation is, or why the push cannot be taken.
func fits(r store.Reader, p *push, lane *roundsv1.Lane) (fresh int, err error) {
	if len(p.items) == 0 {
		return 0, nil
	}
	first, taken := p.batch.GetFirstSeq(), lane.GetTaken()
	last := first + uint64(len(p.items)) - 1
	if first > taken+1 || last < first {
		gap := refuse(Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_GAP, "lanes.first_seq",
			"队列缺少数据，请从指定位置重新发送。", fmt.Sprintf("Mutations are missing: send the lane again from seq %d.", taken+1)).in(p.scope)
		gap.Problem.ExpectedLaneSeq = taken + 1
		return 0, gap
	}
	forked := refuse(Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED, "lanes.mutations",
		"该手机的数据出现分叉（可能被克隆或恢复），请重新注册设备，未提交的数据会一并重发。",
		"The lane has other content here: the phone was cloned or restored. Enrol anew and send the branch again.").in(p.scope)
	switch {
	case first == taken+1:
		if !bytes.Equal(p.batch.GetPreviousHash(), lane.GetHash()) {
			return 0, forked
		}
		return 0, nil
	case last >= taken:
		fresh = int(taken - first + 1)
		if p.items[fresh-1].laneHash != journal.Hash(lane.GetHash()) {
			return 0, forked
		}
		return fresh, nil
	}
	// All of it was taken before and more came since: compare content by content.
	i := 0
	err = laneEntries(r, p.caller.Device, first, last, func(head *roundsv1.EntryHead) error {
		if !bytes.Equal(head.GetContentHash(), p.items[i].contentHash[:]) {
			return forked
		}
		i++
		return nil
	})
	return len(p.items), err
}

// laneEntries visits the journal entries of a lane's mutations from one lane seq through another.
func laneEntries(r store.Reader, device DeviceID, from, to uint64, visit func(*roundsv1.EntryHead) error) error {
	start := from
	for entry, err := range r.Scan(store.Span{From: runKey(device, 0), To: runKey(device, from+1), Reverse: true}) {
		if err != nil {
			return err
		}
		if start, err = keySeq(entry.Key); err != nil {
			return err
		}
		break
	}
	var seqs []uint64
	next := start
	for entry, err := range r.Scan(store.Span{From: runKey(device, start), To: runKey(device, to+1)}) {
		if err != nil {
			return err
		}
		run := new(roundsv1.LaneRun)
		if err := proto.Unmarshal(entry.Value, run); err != nil {
			return err
		}
		for _, seq := range run.GetJournalSeqs() {
			if next >= from && next <= to {
				seqs = append(seqs, seq)
			}
			next++
		}
	}
	for _, seq := range seqs {
		head, _, err := readEntry(r, seq)
		if err != nil {
			return err
		}
		if err := visit(head); err != nil {
			return err
		}
	}
	return nil
}

func readEntry(r store.Reader, seq uint64) (*roundsv1.EntryHead, []byte, error) {
	encoded, err := r.Get(seqKey(tableJournal, seq))
	if err != nil {
		return nil, nil, fmt.Errorf("journal entry %d: %w", seq, err)
	}
	head, content, _, err := journal.Open(encoded)
	if err != nil {
		return nil, nil, fmt.Errorf("journal entry %d: %w", seq, err)
	}
	return head, content, nil
}
