package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

func TestOneRoundTripPushesAndPulls(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "泵房漏水", Tags: []string{"pump"}}))
		a.do(site, id(1), start())
		resp, err := a.exchange(a.request(site))
		if err != nil {
			t.Fatal(err)
		}
		a.take(resp)
		if resp.GetMore() || len(resp.GetPages()) != 1 || !resp.GetPages()[0].GetComplete() || resp.GetPages()[0].GetOwnLaneSeq() != 2 {
			t.Fatalf("one exchange is not a whole sync: %v", resp)
		}
		if a.status(1) != "APPLIED" || a.status(2) != "APPLIED" {
			t.Fatalf("outcomes: %v", a.lane(site).outcomes)
		}
		b.sync()
		want := &roundsv1.Ticket{Title: "泵房漏水", Tags: []string{"pump"}, State: roundsv1.TicketState_TICKET_STATE_IN_PROGRESS, Round: 1}
		if !proto.Equal(b.ticket(id(1)), want) || !proto.Equal(a.ticket(id(1)), want) {
			t.Fatalf("b has %v", b.ticket(id(1)))
		}
		w.audit(site)
	})
}

func TestP1EveryOutcomeStandsInTheJournalOnce(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "one"}))
		a.do(site, id(2), title("no such record"))
		a.do(site, id(1), cancel())
		a.queue(site, []byte("no mutation at all"))
		a.do(site, id(1), edit(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED}, 40))
		a.sync()
		b.sync()
		b.do(site, id(7), comment("seen"))
		b.sync()
		taken := map[engine.DeviceID]map[uint64]*roundsv1.Outcome{}
		for _, head := range w.audit(site) {
			if head.GetType() != roundsv1.EntryType_ENTRY_TYPE_MUTATION {
				continue
			}
			device := engine.DeviceID(head.GetDeviceId())
			if taken[device] == nil {
				taken[device] = map[uint64]*roundsv1.Outcome{}
			}
			if taken[device][head.GetLaneSeq()] != nil {
				t.Fatalf("lane seq %d of %s stands twice", head.GetLaneSeq(), device)
			}
			taken[device][head.GetLaneSeq()] = head.GetOutcome()
		}
		for _, p := range []*phone{a, b} {
			if len(taken[p.device]) != len(p.lane(site).contents) {
				t.Fatalf("%d of %d mutations stand in the journal", len(taken[p.device]), len(p.lane(site).contents))
			}
			for seq, outcome := range p.lane(site).outcomes {
				outcome = proto.CloneOf(outcome)
				for _, loss := range outcome.GetLosses() {
					loss.Other = nil // lost values stand beside the journal, where they can be redacted
				}
				if !proto.Equal(outcome, taken[p.device][seq]) {
					t.Errorf("lane seq %d: the device was told %v, the journal says %v", seq, outcome, taken[p.device][seq])
				}
			}
		}
	})
}

func TestP2RepeatsChangeNothing(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a := w.phone("a")
		for n := range 6 {
			a.do(site, id(n), create(&roundsv1.Ticket{Title: "t"}))
		}
		send := func(from, to uint64) *roundsv1.ExchangeResponse {
			t.Helper()
			resp, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{a.batch(site, from, to)}})
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		first := send(1, 4)
		w.clock.pass(time.Hour)
		before := dump(t, s)
		for _, again := range [][2]uint64{{1, 4}, {1, 2}, {2, 3}, {4, 4}, {1, 0}} {
			if got := send(again[0], again[1]); !slices.EqualFunc(got.GetLanes()[0].GetOutcomes(), first.GetLanes()[0].GetOutcomes(), same) {
				t.Errorf("sent again %v: other outcomes: %v", again, got)
			}
		}
		if dump(t, s) != before {
			t.Fatal("sending again changed the store")
		}
		// The tail is new, the head was taken before.
		if got := send(3, 6).GetLanes()[0]; got.GetTaken() != 6 || len(got.GetOutcomes()) != 6 {
			t.Fatalf("overlapping batch: %v", got)
		}
		if heads := w.audit(site); len(heads) != 6 {
			t.Fatalf("%d entries for 6 mutations", len(heads))
		}
	})
}

func TestRefusedRequestsChangeNothing(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		foreign := store.Scope("site/0199c0de-0000-7000-8000-00000000beef")
		w.access.set(func(a *access) { a.never[foreign] = true })
		a, clone, stranger := w.phone("a"), w.phone("a"), w.phone("stranger")
		stranger.device = "0199c0de-0000-7000-8000-0000000000ff" // not enrolled
		for n := range 5 {
			a.do(site, id(n), create(&roundsv1.Ticket{Title: "t"}))
			clone.do(site, id(n), create(&roundsv1.Ticket{Title: "another"}))
			stranger.do(site, id(n), create(&roundsv1.Ticket{Title: "t"}))
		}
		a.do(foreign, id(1), create(&roundsv1.Ticket{Title: "t"}))
		if _, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{a.batch(site, 1, 3)}}); err != nil {
			t.Fatal(err)
		}
		before := dump(t, s)
		with := func(b *roundsv1.LaneBatch, change func(*roundsv1.LaneBatch)) *roundsv1.ExchangeRequest {
			b = proto.CloneOf(b)
			change(b)
			return &roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{b}}
		}
		as := func(b *roundsv1.LaneBatch) *roundsv1.ExchangeRequest { return with(b, func(*roundsv1.LaneBatch) {}) }
		pull := func(scope string, cursor []byte) *roundsv1.ExchangeRequest {
			return &roundsv1.ExchangeRequest{Clock: a.clock(), Cursors: []*roundsv1.ScopeCursor{{Scope: scope, Cursor: cursor}}}
		}
		tests := []struct {
			name string
			who  *phone
			req  *roundsv1.ExchangeRequest
			kind engine.Kind
			code roundsv1.ProblemCode
			next uint64
		}{
			{"gap", a, as(a.batch(site, 5, 5)), engine.Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_GAP, 4},
			{"forked at the head", a, as(clone.batch(site, 4, 5)), engine.Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED, 0},
			{"forked across the head", a, as(clone.batch(site, 1, 5)), engine.Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED, 0},
			{"forked in the past", a, as(clone.batch(site, 1, 2)), engine.Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED, 0},
			{"not signed", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.Signature = nil }), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE, 0},
			{"signed before a change", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.Mutations[1] = b.Mutations[0] }), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE, 0},
			{"cut after signing", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.Mutations = b.Mutations[:1] }), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE, 0},
			{"not enrolled", stranger, as(stranger.batch(site, 1, 1)), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE, 0},
			{"signed for another scope", a, with(a.batch(site, 1, 3), func(b *roundsv1.LaneBatch) { b.Scope = "desk/0199c0de-0000-7000-8000-000000000001" }), engine.Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED, 0},
			{"lane from seq 0", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.FirstSeq = 0 }), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, 0},
			{"lane at the end of numbers", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.FirstSeq = 1<<64 - 1 }), engine.Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_GAP, 4},
			{"a short hash", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.PreviousHash = b.PreviousHash[:31] }), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, 0},
			{"a foreign scope", a, as(a.batch(foreign, 1, 1)), engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, 0},
			{"no scope at all", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.Scope = "site/../../auth" }), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, 0},
			{"one good lane, one with a gap", a, &roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{a.batch(site, 5, 5),
				func() *roundsv1.LaneBatch {
					other := store.Scope("user/0199c0de-0000-7000-8000-000000000007")
					a.do(other, id(1), comment("mine"))
					return a.batch(other, 1, 1)
				}()}}, engine.Precondition, roundsv1.ProblemCode_PROBLEM_CODE_LANE_GAP, 4},
			{"a lane twice", a, &roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{a.batch(site, 4, 4), a.batch(site, 4, 4)}}, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, 0},
			{"too many", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.Mutations = make([][]byte, 1001) }), engine.Exhausted, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, 0},
			{"too large", a, with(a.batch(site, 4, 5), func(b *roundsv1.LaneBatch) { b.Mutations = [][]byte{make([]byte, 4<<20+1)} }), engine.Exhausted, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, 0},
			{"a made-up cursor", a, pull(string(site), []byte("made up by hand")), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_CURSOR, 0},
			{"pulling a foreign scope", a, pull(string(foreign), nil), engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, 0},
		}
		for _, test := range tests {
			_, err := test.who.exchange(test.req)
			var refused *engine.Error
			if !errors.As(err, &refused) || refused.Kind != test.kind || refused.Problem.GetCode() != test.code || refused.Problem.GetExpectedLaneSeq() != test.next {
				t.Errorf("%s: %v (kind %v)", test.name, err, refused)
				continue
			}
			if refused.Problem.GetSentence().GetZh() == "" || refused.Problem.GetSentence().GetEn() == "" {
				t.Errorf("%s: no sentence", test.name)
			}
			if dump(t, s) != before {
				t.Fatalf("%s: the store changed", test.name)
			}
		}
	})
}

func TestP6NothingBlocks(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		b.do(site, id(5), create(&roundsv1.Ticket{Title: "b's"}))
		b.sync()
		a.queue(site, []byte{0xff, 0xff})                                                                          // 1: no mutation
		a.do(site, "not a uuid", create(&roundsv1.Ticket{Title: "x"}))                                             // 2
		a.do(site, id(404), title("of nothing"))                                                                   // 3: waits for its record
		a.do(site, id(1), create(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED, Title: "sly"})) // 4: writes a workflow field
		a.do(site, id(2), create(&roundsv1.Ticket{Title: "good"}))                                                 // 5
		a.do(site, id(2), reading(1))                                                                              // 6
		resp := a.sync()
		var got []string
		for seq := uint64(1); seq <= 6; seq++ {
			got = append(got, a.status(seq))
		}
		want := []string{"REJECTED", "REJECTED", "QUARANTINED", "REJECTED", "APPLIED", "APPLIED"}
		if !slices.Equal(got, want) {
			t.Fatalf("outcomes %v, want %v", got, want)
		}
		if resp.GetLanes()[0].GetTaken() != 6 || a.ticket(id(5)).GetTitle() != "b's" || len(a.ticket(id(2)).GetReadings()) != 1 {
			t.Fatalf("what stood behind was held up: %v", a.replicas[site])
		}
		for _, seq := range []uint64{1, 2, 4} {
			if a.outcome(site, seq).GetProblem().GetSentence().GetZh() == "" {
				t.Errorf("lane seq %d: refused without a word: %v", seq, a.outcome(site, seq))
			}
		}
		if heads := w.audit(site); heads[1].GetLaneSeq() != 1 {
			t.Fatalf("the refused one is not in the journal: %v", heads)
		}
	})
}

func TestQuarantinedMutationIsJudgedWhenItsRecordAppears(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		b.do(site, id(1), reading(7)) // b heard of a's ticket by radio
		b.do(site, id(1), title("from b"))
		b.sync()
		if b.status(1) != "QUARANTINED" || b.status(2) != "QUARANTINED" {
			t.Fatalf("outcomes: %v", b.lane(site).outcomes)
		}
		conflict := b.record(site, b.outcome(site, 1).GetConflictId()).GetRecord().GetConflict()
		if conflict.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || conflict.GetSubject().GetId() != id(1) {
			t.Fatalf("conflict: %v", conflict)
		}
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "from a"}))
		a.sync()
		b.sync()
		if got := b.ticket(id(1)); len(got.GetReadings()) != 1 || got.GetReadings()[0].GetValue() != 7 {
			t.Fatalf("the reading did not come in: %v", got)
		}
		for seq := uint64(1); seq <= 2; seq++ {
			if c := b.record(site, b.outcome(site, seq).GetConflictId()).GetRecord().GetConflict(); c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED {
				t.Errorf("conflict of lane seq %d: %v", seq, c)
			}
		}
		w.audit(site)
	})
}

func TestParkedCommandIsAdmittedByAPerson(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		a.sync()
		b.sync()
		a.do(site, id(1), start())
		a.sync()
		b.do(site, id(1), cancel()) // saw it before the start
		b.sync()
		if b.status(1) != "CONFLICT" || b.ticket(id(1)).GetState() != roundsv1.TicketState_TICKET_STATE_IN_PROGRESS {
			t.Fatalf("%v, %v", b.outcome(site, 1), b.ticket(id(1)))
		}
		// The rules of this test park whatever did not see the start, so letting it in does not help: the command that lets it in is refused.
		conflict := b.outcome(site, 1).GetConflictId()
		admit := &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}}}
		b.do(site, conflict, admit)
		b.sync()
		if b.status(2) != "REJECTED" || b.record(site, conflict).GetRecord().GetConflict().GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			t.Fatalf("%v", b.outcome(site, 2))
		}
		w.audit(site)
	})
}

func TestFactsOfRevokedPeopleAreKept(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		boss, a := w.phone("boss"), w.phone("a")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		a.sync()
		a.do(site, id(3), comment("before"))
		w.clock.pass(time.Minute)
		w.access.set(func(x *access) { x.until[a.person] = w.clock.Now() })
		w.clock.pass(time.Minute)
		a.do(site, id(2), comment("after"))
		a.do(site, id(1), title("after"))
		resp := a.sync()
		got := []string{a.status(2), a.status(3), a.status(4)}
		if !slices.Equal(got, []string{"APPLIED", "QUARANTINED", "REJECTED"}) {
			t.Fatalf("outcomes %v", got)
		}
		if resp.GetPages()[0].GetRevoked() != roundsv1.Revocation_REVOCATION_GRACEFUL || a.replicas[site] != nil {
			t.Fatal("P8: the scope was not taken back")
		}
		boss.sync()
		conflict := a.outcome(site, 3).GetConflictId()
		boss.do(site, conflict, &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}}})
		boss.sync()
		if boss.status(1) != "APPLIED" || boss.record(site, id(2)).GetRecord().GetComment().GetWords() != "after" {
			t.Fatalf("the fact was not let in: %v %v", boss.outcome(site, 1), boss.replicas[site])
		}
		w.audit(site)
	})
}

func TestFactsOfNewerAppsAreKept(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a := w.phone("a")
		newer := protowire.AppendBytes(protowire.AppendTag(nil, 99, protowire.BytesType), []byte("of a kind or a field that this server does not know"))
		ofKind, ofField := new(roundsv1.Record), record(&roundsv1.Ticket{})
		ofKind.ProtoReflect().SetUnknown(newer)
		ofField.GetTicket().ProtoReflect().SetUnknown(newer)
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		a.do(site, id(2), &roundsv1.Fact{Record: ofKind})
		a.do(site, id(1), &roundsv1.Fact{Record: ofField})
		a.do(site, id(3), &roundsv1.Edit{Record: ofKind})
		a.sync()
		got := []string{a.status(2), a.status(3), a.status(4)}
		if !slices.Equal(got, []string{"QUARANTINED", "QUARANTINED", "REJECTED"}) {
			t.Fatalf("outcomes %v", got)
		}
		for seq := uint64(2); seq <= 3; seq++ {
			if c := a.record(site, a.outcome(site, seq).GetConflictId()).GetRecord().GetConflict(); c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
				t.Errorf("lane seq %d waits nowhere: %v", seq, c)
			}
		}
		w.audit(site)
	})
}

func TestP5EveryFactIsKeptOrQuarantined(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		a.sync()
		b.sync()
		facts := 0
		for n := range 20 { // two phones count and measure at once, on what is there, is deleted, and never was
			for m, p := range []*phone{a, b} {
				p.do(site, id(1), reading(2*n+m))
				p.do(site, id(404), reading(100+2*n+m))
				p.do(site, id(1000+2*n+m), comment("said"))
				facts += 3
			}
		}
		a.sync()
		b.sync()
		a.do(site, id(1), delete_())
		a.sync()
		b.do(site, id(1), reading(77))
		facts++
		b.sync()
		fresh := w.phone("fresh")
		fresh.sync()
		comments, waiting, gone := 0, 0, 40
		for _, change := range fresh.replicas[site] {
			if change.GetRecord().GetComment() != nil {
				comments++
			}
			if c := change.GetRecord().GetConflict(); c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
				waiting++
			}
		}
		if comments+waiting+gone != facts || comments != 40 || waiting != 41 {
			t.Fatalf("P5: %d facts sent, %d remarks, %d waiting, %d on the ticket that was deleted", facts, comments, waiting, gone)
		}
		w.audit(site)
	})
}

func TestAskOpensAndClosesAQuestion(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		a.sync()
		b.sync()
		a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "111"}, 15))
		w.clock.pass(time.Second)
		b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "222"}, 15))
		a.sync()
		b.sync()
		open := func() (found []*roundsv1.Conflict) {
			for _, change := range b.replicas[site] {
				if c := change.GetRecord().GetConflict(); c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
					found = append(found, c)
				}
			}
			return found
		}
		if b.status(1) != "MERGED" || b.ticket(id(1)).GetContactPhone() != "111" || len(open()) != 1 || open()[0].GetField() != 15 {
			t.Fatalf("%v %v %v", b.outcome(site, 1), b.ticket(id(1)), open())
		}
		b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "222"}, 15)) // having seen both
		b.sync()
		if b.ticket(id(1)).GetContactPhone() != "222" || len(open()) != 0 {
			t.Fatalf("%v %v", b.ticket(id(1)), open())
		}
		w.audit(site)
	})
}

// dump is the store's whole content as one string.
func dump(t *testing.T, s store.Store) string {
	t.Helper()
	var all []byte
	scopes, err := s.Scopes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		all = append(append(all, scope...), 0)
		if err := s.View(context.Background(), scope, func(r store.Reader) error {
			for entry, err := range r.Scan(store.Span{}) {
				if err != nil {
					return err
				}
				all = append(append(append(append(all, entry.Key...), 0), entry.Value...), 0)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	hash := journal.ContentHash(all)
	return string(hash[:])
}

func same(a, b *roundsv1.Outcome) bool { return proto.Equal(a, b) }
