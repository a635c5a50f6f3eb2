package client_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// server is a small server that keeps the rules of sync.proto, and holds devices to theirs: whatever a device may not send
// fails the test.
type server struct {
	t testing.TB

	mu      sync.Mutex // guards all below
	nowUS   int64
	epoch   int
	scopes  map[client.Scope]*fakeScope
	keys    map[client.DeviceID]ed25519.PublicKey
	revoked map[client.DeviceID]roundsv1.Revocation
	denied  map[client.Scope]roundsv1.Revocation
	purged  []client.Scope
	log     []*roundsv1.ExchangeRequest
	changed chan struct{} // closed and renewed at each change
	// judge may decide on a mutation in place of the merge; nil: the merge decides.
	judge func(scope client.Scope, m *roundsv1.Mutation) *roundsv1.Outcome
	// before and after may lose a request or its reply; the numbers count requests from 1.
	before, after func(n int) error
	badTokens     map[string]bool
	pageBytes     int
	stableThrough uint64
}

type fakeScope struct {
	name      client.Scope
	seq       uint64
	head      journal.Hash
	records   map[string]*roundsv1.Change // by kind/id
	lanes     map[client.DeviceID]*fakeLane
	conflicts int
}

type fakeLane struct {
	hashes   []journal.Hash // [n] is the hash at lane seq n
	contents [][]byte       // [n-1]
	outcomes []*roundsv1.Outcome
	told     uint64 // outcomes through here were sent
}

func (l *fakeLane) taken() uint64 { return uint64(len(l.contents)) }

var _ roundsv1connect.SyncServiceClient = (*server)(nil)

func newServer(t testing.TB) *server {
	return &server{
		t: t, nowUS: 1_800_000_000_000_000, scopes: map[client.Scope]*fakeScope{}, keys: map[client.DeviceID]ed25519.PublicKey{},
		revoked: map[client.DeviceID]roundsv1.Revocation{}, denied: map[client.Scope]roundsv1.Revocation{}, changed: make(chan struct{}),
		badTokens: map[string]bool{}, pageBytes: 1 << 20,
	}
}

func (s *server) scope(name client.Scope) *fakeScope {
	sc := s.scopes[name]
	if sc == nil {
		sc = &fakeScope{name: name, records: map[string]*roundsv1.Change{}, lanes: map[client.DeviceID]*fakeLane{}}
		s.scopes[name] = sc
	}
	return sc
}

func (sc *fakeScope) lane(device client.DeviceID) *fakeLane {
	l := sc.lanes[device]
	if l == nil {
		l = &fakeLane{hashes: []journal.Hash{journal.LaneStart(string(device), string(sc.name))}}
		sc.lanes[device] = l
	}
	return l
}

// clone is a backup.
func (s *server) backup() map[client.Scope]*fakeScope {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := map[client.Scope]*fakeScope{}
	for name, sc := range s.scopes {
		c := *sc
		c.records, c.lanes = map[string]*roundsv1.Change{}, map[client.DeviceID]*fakeLane{}
		for k, v := range sc.records {
			c.records[k] = v
		}
		for k, v := range sc.lanes {
			c.lanes[k] = &fakeLane{hashes: slices.Clone(v.hashes), contents: slices.Clone(v.contents), outcomes: slices.Clone(v.outcomes), told: v.told}
		}
		copied[name] = &c
	}
	return copied
}

func (s *server) restore(from map[client.Scope]*fakeScope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = from
	s.epoch++
}

func refuse(code connect.Code, problem *roundsv1.Problem) error {
	err := connect.NewError(code, errors.New(problem.GetCode().String()))
	detail, failed := connect.NewErrorDetail(problem)
	if failed != nil {
		panic(failed)
	}
	err.AddDetail(detail)
	return err
}

func (s *server) device(header string) (client.DeviceID, error) {
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || s.badTokens[token] {
		return "", refuse(connect.CodeUnauthenticated, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_TOKEN})
	}
	id, _, _ := strings.Cut(token, "#")
	return client.DeviceID(id), nil
}

// Exchange implements roundsv1connect.SyncServiceClient.
func (s *server) Exchange(
	_ context.Context, request *connect.Request[roundsv1.ExchangeRequest],
) (*connect.Response[roundsv1.ExchangeResponse], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := proto.CloneOf(request.Msg)
	s.log = append(s.log, x)
	n := len(s.log)
	if s.before != nil {
		if err := s.before(n); err != nil {
			return nil, err
		}
	}
	device, err := s.device(request.Header().Get("Authorization"))
	if err != nil {
		return nil, err
	}
	answer, err := s.answer(device, x)
	if err == nil && s.after != nil {
		err = s.after(n)
	}
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(answer), nil
}

func (s *server) answer(device client.DeviceID, x *roundsv1.ExchangeRequest) (*roundsv1.ExchangeResponse, error) {
	s.nowUS += 1000
	if x.GetClock().GetBootId() == "" {
		s.t.Errorf("a request without the device's clock")
	}
	if s.revoked[device] == roundsv1.Revocation_REVOCATION_IMMEDIATE && len(x.GetPurged()) == 0 && s.keys[device] == nil {
		return nil, refuse(connect.CodePermissionDenied, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED})
	}
	total := 0
	for _, batch := range x.GetLanes() {
		total += len(batch.GetMutations())
		if err := s.admit(device, batch); err != nil {
			return nil, err
		}
	}
	if total > 1000 {
		s.t.Errorf("%d mutations in one request", total)
	}
	for _, name := range x.GetPurged() {
		s.purged = append(s.purged, client.Scope(name))
	}
	answer := &roundsv1.ExchangeResponse{ServerTimeUs: s.nowUS, Revoked: s.revoked[device]}
	for _, batch := range x.GetLanes() {
		answer.Lanes = append(answer.Lanes, s.take(device, batch))
	}
	for _, check := range x.GetChecks() {
		answer.Repairs = append(answer.Repairs, s.compare(check)...)
	}
	budget := s.pageBytes
	if asked := int(x.GetMaxBytes()); asked > 0 {
		budget = min(budget, asked)
	}
	named := map[client.Scope]bool{}
	for _, c := range x.GetCursors() {
		name := client.Scope(c.GetScope())
		if named[name] {
			s.t.Errorf("scope %s is asked for twice", name)
		}
		named[name] = true
		s.page(device, name, c.GetCursor(), &budget, answer)
	}
	if x.GetDiscover() {
		for _, name := range s.names() {
			if !named[name] && s.denied[name] == 0 {
				s.page(device, name, nil, &budget, answer)
			}
		}
	}
	return answer, nil
}

func (s *server) names() []client.Scope {
	var names []client.Scope
	for name := range s.scopes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// admit checks a batch without changing anything.
func (s *server) admit(device client.DeviceID, batch *roundsv1.LaneBatch) error {
	name := client.Scope(batch.GetScope())
	l := s.scope(name).lane(device)
	if batch.GetConfirmed() > l.told && s.epoch == 0 {
		s.t.Errorf("%s: outcomes confirmed through %d, sent were those through %d", name, batch.GetConfirmed(), l.told)
	}
	first := batch.GetFirstSeq()
	if len(batch.GetMutations()) == 0 {
		if first != 0 || len(batch.GetPreviousHash())+len(batch.GetSignature()) != 0 {
			s.t.Errorf("%s: needless fields in a batch without mutations", name)
		}
		return nil
	}
	if first > l.taken()+1 {
		return refuse(connect.CodeFailedPrecondition, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_LANE_GAP,
			Scope: batch.GetScope(), ExpectedLaneSeq: l.taken() + 1})
	}
	fork := refuse(connect.CodeFailedPrecondition, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED, Scope: batch.GetScope()})
	if first == 0 {
		s.t.Errorf("%s: mutations without first_seq", name)
		return fork
	}
	hash := journal.Hash(batch.GetPreviousHash())
	if hash != l.hashes[first-1] {
		return fork
	}
	for i, content := range batch.GetMutations() {
		hash = journal.LaneNext(hash, content)
		if at := int(first) + i; at < len(l.hashes) && l.hashes[at] != hash {
			return fork
		}
	}
	if !journal.VerifyHead(s.keys[device], hash, batch.GetSignature()) {
		s.t.Errorf("%s: the lane's head is not signed by the device's key", name)
		return refuse(connect.CodePermissionDenied, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE, Scope: batch.GetScope()})
	}
	return nil
}

func (s *server) take(device client.DeviceID, batch *roundsv1.LaneBatch) *roundsv1.LaneResult {
	sc := s.scope(client.Scope(batch.GetScope()))
	l := sc.lane(device)
	for i, content := range batch.GetMutations() {
		if at := batch.GetFirstSeq() + uint64(i); at == l.taken()+1 {
			l.hashes = append(l.hashes, journal.LaneNext(l.hashes[at-1], content))
			l.contents = append(l.contents, content)
			l.outcomes = append(l.outcomes, s.apply(sc, device, at, content))
			s.notify()
		}
	}
	result := &roundsv1.LaneResult{Scope: batch.GetScope(), Taken: l.taken(), Stable: min(l.taken(), s.stableThrough)}
	for at := batch.GetConfirmed() + 1; at <= l.taken(); at++ {
		result.Outcomes = append(result.Outcomes, l.outcomes[at-1])
	}
	l.told = max(l.told, l.taken())
	return result
}

func (s *server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) apply(sc *fakeScope, device client.DeviceID, laneSeq uint64, content []byte) *roundsv1.Outcome {
	m := new(roundsv1.Mutation)
	if err := proto.Unmarshal(content, m); err != nil {
		s.t.Errorf("a mutation that cannot be read: %v", err)
	}
	sc.seq++
	sc.head = sha256.Sum256(append(sc.head[:], content...))
	outcome := &roundsv1.Outcome{LaneSeq: laneSeq, Seq: sc.seq, Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, TimeUs: s.nowUS}
	if s.judge != nil {
		if decided := s.judge(sc.name, m); decided != nil {
			decided.LaneSeq, decided.Seq, decided.TimeUs = laneSeq, sc.seq, cmp.Or(decided.TimeUs, s.nowUS)
			return decided
		}
	}
	kind, _ := merge.KindOfMutation(m)
	key := string(kind) + "/" + m.GetRecordId()
	stamp := &roundsv1.Stamp{Seq: sc.seq, DeviceId: string(device), TimeUs: max(s.nowUS, m.GetBaseTimeUs()+1)}
	in := merge.Input{Mutation: m, Stamp: stamp}
	if m.GetCommand() != nil {
		in.Mutation = proto.CloneOf(m)
		in.Mutation.Act = &roundsv1.Mutation_Edit{Edit: startEffect()}
		in.Capacity = merge.Rules
	}
	if m.GetCommand().GetDelete() != nil {
		sc.records[key] = merge.Tombstone(sc.records[key], stamp)
		return outcome
	}
	result := merge.Apply(sc.records[key], in)
	switch {
	case result.Problem != nil && m.GetFact() == nil:
		outcome.Status, outcome.Problem = roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED, result.Problem
		return outcome
	case result.Problem != nil:
		outcome.Status, outcome.Problem = roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED, result.Problem
		outcome.ConflictId = s.openConflict(sc)
		return outcome
	case len(result.Losses) > 0:
		outcome.Status, outcome.Losses = roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED, result.Losses
	}
	sc.records[key] = result.Change
	return outcome
}

// startEffect is what the fake's rules make of every command.
func startEffect() *roundsv1.Edit {
	return &roundsv1.Edit{Fields: []uint32{40}, Record: ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_IN_PROGRESS})}
}

// openConflict and resolve stand for the engine's conflict records.
func (s *server) openConflict(sc *fakeScope) string {
	sc.conflicts++
	id := string(client.DerivedID("0198c0de-0000-7000-8000-000000000000", string(sc.name), fmt.Sprint(sc.conflicts)))
	s.writeAsRules(sc, id, &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{
		Type: roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD, State: roundsv1.ConflictState_CONFLICT_STATE_OPEN}}})
	return id
}

func (s *server) writeAsRules(sc *fakeScope, id string, record *roundsv1.Record) {
	kind, _ := merge.KindOf(record)
	key := string(kind) + "/" + id
	sc.seq++
	sc.head = sha256.Sum256(append(sc.head[:], id...))
	var fields []uint32
	inner := record.ProtoReflect().Get(record.ProtoReflect().WhichOneof(record.ProtoReflect().Descriptor().Oneofs().ByName("kind"))).Message()
	for i := range inner.Descriptor().Fields().Len() {
		if fd := inner.Descriptor().Fields().Get(i); inner.Has(fd) {
			fields = append(fields, uint32(fd.Number()))
		}
	}
	result := merge.Apply(sc.records[key], merge.Input{Capacity: merge.Rules,
		Stamp: &roundsv1.Stamp{Seq: sc.seq, TimeUs: s.nowUS},
		Mutation: &roundsv1.Mutation{RecordId: id, Base: sc.records[key].GetVersion(),
			Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: record, Fields: fields}}}})
	if result.Problem != nil {
		s.t.Fatalf("the fake's own write: %v", result.Problem)
	}
	sc.records[key] = result.Change
	s.notify()
}

// write changes a record from somewhere else.
func (s *server) write(scope client.Scope, id client.RecordID, record *roundsv1.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nowUS += 1000
	s.writeAsRules(s.scope(scope), string(id), record)
}

type fakeCursor struct{ Epoch, Complete, At, Began uint64 }

func (s *server) page(device client.DeviceID, name client.Scope, from []byte, budget *int, answer *roundsv1.ExchangeResponse) {
	if how := s.denied[name]; how != 0 {
		answer.Pages = append(answer.Pages, &roundsv1.ScopePage{Scope: string(name), Revoked: how})
		return
	}
	var c fakeCursor
	if len(from) > 0 {
		if err := json.Unmarshal(from, &c); err != nil {
			s.t.Errorf("%s: a cursor that the server did not make: %q", name, from)
			return
		}
	}
	page := &roundsv1.ScopePage{Scope: string(name)}
	if c.Epoch != uint64(s.epoch) || (len(from) == 0 && s.epoch > 0) {
		c = fakeCursor{Epoch: uint64(s.epoch)}
		page.Reset_ = true
	}
	sc := s.scope(name)
	var next []*roundsv1.Change
	for _, change := range sc.records {
		if change.GetVersion() > c.At {
			next = append(next, change)
		}
	}
	slices.SortFunc(next, func(a, b *roundsv1.Change) int { return int(a.GetVersion()) - int(b.GetVersion()) })
	page.Complete = true
	for _, change := range next {
		delta := merge.Delta(change, c.Complete)
		if *budget <= 0 && len(page.Changes) > 0 {
			page.Complete = false
			answer.More = true
			break
		}
		if delta == nil {
			continue
		}
		if !(delta.GetDeleted() && c.Complete == 0) {
			page.Changes = append(page.Changes, delta)
			*budget -= proto.Size(delta)
		}
		c.At = change.GetVersion()
	}
	if page.Complete {
		c.At, c.Complete = sc.seq, sc.seq
		hash := sc.stateHash()
		page.StateHash, page.JournalSeq, page.JournalHash = hash[:], sc.seq, bytes.Clone(sc.head[:])
		page.OwnLaneSeq = sc.lane(device).taken()
		page.Stable = min(s.stableThrough, sc.lane(device).taken())
	}
	page.Cursor, _ = json.Marshal(c)
	answer.Pages = append(answer.Pages, page)
}

func (sc *fakeScope) stateHash() merge.StateHash {
	var sum merge.StateHash
	for _, change := range sc.records {
		sum.Add(merge.Hash(change))
	}
	return sum
}

func (s *server) compare(check *roundsv1.RangeCheck) []*roundsv1.RangeRepair {
	sc := s.scope(client.Scope(check.GetScope()))
	var c fakeCursor
	if err := json.Unmarshal(check.GetCursor(), &c); err != nil || c.Complete != sc.seq || c.Epoch != uint64(s.epoch) {
		return []*roundsv1.RangeRepair{{Scope: check.GetScope(), Range: check.GetRanges()[0], Stale: true}}
	}
	var repairs []*roundsv1.RangeRepair
	covered := map[string]bool{}
	for _, r := range check.GetRanges() {
		var sum merge.StateHash
		repair := &roundsv1.RangeRepair{Scope: check.GetScope(), Range: r}
		for key, change := range sc.records {
			kind, _ := merge.KindOf(change.GetRecord())
			at := [2]string{string(kind), change.GetRecordId()}
			first, last := [2]string{r.GetFirst().GetKind(), r.GetFirst().GetId()}, [2]string{r.GetLast().GetKind(), r.GetLast().GetId()}
			if less(at, first) || less(last, at) {
				continue
			}
			if covered[key] {
				s.t.Errorf("ranges overlap at %s", key)
			}
			covered[key] = true
			sum.Add(merge.Hash(change))
			if !change.GetDeleted() {
				repair.Changes = append(repair.Changes, change)
			}
		}
		if !bytes.Equal(sum[:], r.GetStateHash()) {
			repairs = append(repairs, repair)
		}
	}
	return repairs
}

func less(a, b [2]string) bool { return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]) }

// Watch implements roundsv1connect.SyncServiceClient; the tests of streams use a real handler in its place.
func (s *server) Watch(
	context.Context, *connect.Request[roundsv1.WatchRequest],
) (*connect.ServerStreamForClient[roundsv1.WatchResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("no streams"))
}
