package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// act does acts at a desk and wants outcomes with these states.
func (p *phone) act(acts []engine.DeskAct, want ...string) []*roundsv1.Outcome {
	p.w.t.Helper()
	outcomes, err := p.w.Act(context.Background(), p.caller(), site, acts)
	if err != nil {
		p.w.t.Fatal(err)
	}
	var got []string
	for _, o := range outcomes {
		got = append(got, strings.TrimPrefix(o.GetStatus().String(), "OUTCOME_STATUS_"))
	}
	if !slices.Equal(got, want) {
		p.w.t.Fatalf("outcomes %v, want %v: %v", got, want, outcomes)
	}
	return outcomes
}

func (w *world) stands(id string) *roundsv1.Change {
	w.t.Helper()
	change, err := w.Record(context.Background(), site, "ticket", merge.RecordID(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return change
}

func TestP1ActsThroughTheServerStandInTheJournal(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, desk := w.phone("a"), w.phone("desk")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "pump"}))
		a.sync()
		seen := journal.Seq(a.record(site, id(1)).GetVersion())
		a.do(site, id(1), start())
		a.sync()
		acts := []engine.DeskAct{
			{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Base: seen, Edit: title("from the desk")},
			{ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(2)), Edit: create(&roundsv1.Ticket{Title: "made at the desk"})},
			{ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(3)), Edit: create(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED})},
			{ID: engine.ActID(id(103)), RecordID: merge.RecordID(id(4)), Base: 99, Fact: reading(4)},
			{ID: engine.ActID(id(104)), RecordID: merge.RecordID(id(1)), Base: seen, Command: cancel()}, // did not see the start
			{ID: engine.ActID(id(105)), RecordID: "no id", Edit: title("x")},
			{ID: engine.ActID(id(106)), RecordID: merge.RecordID(id(2)), Edit: title("again")}, // what the call itself made is seen
		}
		outcomes := desk.act(acts, "APPLIED", "APPLIED", "REJECTED", "QUARANTINED", "CONFLICT", "REJECTED", "APPLIED")
		heads := w.audit(site)
		for i, o := range outcomes {
			head := heads[o.GetSeq()-1]
			if head.GetType() != roundsv1.EntryType_ENTRY_TYPE_DESK || head.GetActId() != string(acts[i].ID) || head.GetPersonId() != string(desk.person) ||
				head.GetDeviceId() != string(desk.device) || head.GetLaneSeq() != 0 || len(head.GetSignature()) != 0 || head.GetOutcome().GetStatus() != o.GetStatus() ||
				o.GetTrust() != roundsv1.Trust_TRUST_A || o.GetTimeUs() < w.clock.Now().UnixMicro() {
				t.Fatalf("act %d: %v, %v", i, head, o)
			}
			if o.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED && o.GetProblem().GetSentence().GetZh() == "" {
				t.Fatalf("act %d: refused without a word: %v", i, o)
			}
		}
		a.sync()
		if got := a.ticket(id(1)); got.GetTitle() != "from the desk" || got.GetState() != roundsv1.TicketState_TICKET_STATE_IN_PROGRESS {
			t.Fatalf("the phone has %v", got)
		}
		if got := a.ticket(id(2)); got.GetTitle() != "again" || a.record(site, id(3)) != nil {
			t.Fatalf("the phone has %v, %v", got, a.record(site, id(3)))
		}
		w.wantHistories(nil)
	})
}

// What a desk did not see it does not overwrite: the rules are told, and what waits can be let in.
func TestParkedActsAreAdmitted(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		parks := true
		w.judge(func(c engine.Case) engine.Verdict {
			if c.Mutation.GetCommand().GetTicket().GetCancel() != nil && (c.Admitted || !parks) {
				return engine.Verdict{Effect: edit(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CANCELLED}, 40)}
			}
			if c.Person != "" && c.Mutation.GetClock().GetWallUs() == 0 && c.Kind == "ticket" {
				t.Errorf("a case without a clock: %v", c.Mutation)
			}
			return rules{}.Judge(c)
		})
		a, desk, other := w.phone("a"), w.phone("desk"), w.phone("other desk")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		a.sync()
		seen := journal.Seq(a.record(site, id(1)).GetVersion())
		a.do(site, id(1), start())
		a.sync()
		o := desk.act([]engine.DeskAct{{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Base: seen, Command: cancel()}}, "CONFLICT")[0]
		// Another person may have an act with the same id: it is another act.
		p := other.act([]engine.DeskAct{{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Base: seen, Command: cancel()}}, "CONFLICT")[0]
		if o.GetConflictId() == p.GetConflictId() || o.GetSeq() == p.GetSeq() {
			t.Fatalf("one question for two acts: %v, %v", o, p)
		}
		a.sync()
		conflict := a.record(site, o.GetConflictId())
		if got := conflict.GetRecord().GetConflict(); got.GetJournalSeq() != o.GetSeq() || got.GetPersonId() != string(desk.person) || got.GetLaneSeq() != 0 {
			t.Fatalf("the question: %v", got)
		}
		admission := engine.DeskAct{ID: engine.ActID(id(101)), RecordID: merge.RecordID(o.GetConflictId()), Base: journal.Seq(conflict.GetVersion()), Command: admit()}
		other.act([]engine.DeskAct{admission}, "APPLIED")
		a.sync()
		if got := a.ticket(id(1)).GetState(); got != roundsv1.TicketState_TICKET_STATE_CANCELLED {
			t.Fatalf("the ticket is %v", got)
		}
		admission.ID = engine.ActID(id(102))
		other.act([]engine.DeskAct{admission}, "REJECTED") // it was let in before
		// What waits for its record is judged when that appears.
		waits := desk.act([]engine.DeskAct{{ID: engine.ActID(id(103)), RecordID: merge.RecordID(id(7)), Base: 1, Fact: reading(7)}}, "QUARANTINED")[0]
		a.do(site, id(7), create(&roundsv1.Ticket{Title: "seven"}))
		a.sync()
		if got := a.ticket(id(7)); len(got.GetReadings()) != 1 {
			t.Fatalf("the reading did not come in: %v", got)
		}
		if got := a.record(site, waits.GetConflictId()).GetRecord().GetConflict().GetState(); got != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED {
			t.Fatalf("the question is %v", got)
		}
		for _, head := range w.audit(site) {
			if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED && (head.GetLaneSeq() != 0 || head.GetPersonId() != string(desk.person)) {
				t.Fatalf("admitted: %v", head)
			}
		}
	})
}

func TestActsComeAfterWhatTheySaw(t *testing.T) {
	w := newWorld(t, newMemory())
	a, desk := w.phone("a"), w.phone("desk")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	w.clock.pass(-time.Hour) // the server's clock was set back
	before := w.stands(id(1))
	o := desk.act([]engine.DeskAct{{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Base: journal.Seq(before.GetVersion()), Edit: title("seen")}}, "APPLIED")[0]
	if o.GetTimeUs() != before.GetTimeUs()+1 || w.stands(id(1)).GetRecord().GetTicket().GetTitle() != "seen" {
		t.Fatalf("%v behind %v", o, before)
	}
	// On an old base that the record once had, too; and one after the other of the same device, whatever they saw.
	p := desk.act([]engine.DeskAct{
		{ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(1)), Base: journal.Seq(before.GetVersion()), Edit: title("2")}, {ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Edit: title("3")},
	}, "APPLIED", "APPLIED")
	if p[0].GetTimeUs() != o.GetTimeUs()+1 || p[1].GetTimeUs() != o.GetTimeUs()+2 || w.stands(id(1)).GetRecord().GetTicket().GetTitle() != "3" {
		t.Fatalf("%v, %v behind %v", p[0], p[1], o)
	}
	// Who saw nothing loses to what is later.
	w.clock.pass(-time.Hour)
	w.phone("blind").act([]engine.DeskAct{{ID: engine.ActID(id(103)), RecordID: merge.RecordID(id(1)), Edit: title("blind")}}, "MERGED")
	if got := w.stands(id(1)).GetRecord().GetTicket().GetTitle(); got != "3" {
		t.Fatalf("the title is %q", got)
	}
	w.audit(site)
}

func TestP2ActsAreDoneOnce(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		ctx := context.Background()
		w := newWorld(t, s)
		a, desk := w.phone("a"), w.phone("desk")
		desk.act([]engine.DeskAct{{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Edit: create(&roundsv1.Ticket{Title: "t", ContactPhone: "1"})}}, "APPLIED")
		a.sync()
		base := journal.Seq(a.record(site, id(1)).GetVersion())
		a.do(site, id(1), title("of the phone"))
		w.clock.pass(time.Minute)
		a.sync()
		acts := []engine.DeskAct{
			{ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(1)), Base: base, Edit: title("of the desk")},
			{ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Fact: reading(1)},
			{ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Fact: reading(1)}, // twice in one call
			{ID: engine.ActID(id(103)), RecordID: merge.RecordID(id(9)), Edit: title("of nothing")},
			{ID: engine.ActID(id(104)), RecordID: merge.RecordID(id(8)), Edit: create(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED})},
		}
		first := desk.act(acts, "MERGED", "APPLIED", "APPLIED", "QUARANTINED", "REJECTED")
		if len(first[0].GetLosses()) != 1 || !proto.Equal(first[1], first[2]) {
			t.Fatalf("%v", first)
		}
		before := dump(t, s)
		for range 2 {
			w.clock.pass(time.Hour)
			again := desk.act(acts, "MERGED", "APPLIED", "APPLIED", "QUARANTINED", "REJECTED")
			for i := range first {
				if !proto.Equal(first[i], again[i]) {
					t.Fatalf("act %d: %v, then %v", i, first[i], again[i])
				}
			}
			w.open() // a restart
		}
		for name, bad := range map[string]engine.DeskAct{
			"other words":   {ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(1)), Base: base, Edit: title("other")},
			"other base":    {ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(1)), Edit: title("of the desk")},
			"other record":  {ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(2)), Fact: reading(1)},
			"other sort":    {ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Command: start()},
			"also refused":  {ID: engine.ActID(id(104)), RecordID: merge.RecordID(id(8)), Edit: create(&roundsv1.Ticket{Title: "mended"})},
			"in itself":     {ID: engine.ActID(id(200)), RecordID: merge.RecordID(id(2)), Edit: title("another")},
			"quarantined's": {ID: engine.ActID(id(103)), RecordID: merge.RecordID(id(9)), Edit: title("of nobody")},
		} {
			_, err := w.Act(ctx, desk.caller(), site, []engine.DeskAct{{ID: engine.ActID(id(200)), RecordID: merge.RecordID(id(2)), Edit: create(&roundsv1.Ticket{Title: "not done"})}, bad})
			var refused *engine.Error
			if !errors.As(err, &refused) || refused.Kind != engine.Precondition || refused.Problem.GetField() != "acts[1].id" || refused.Problem.GetFacts()["act_id"] != string(bad.ID) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if dump(t, s) != before {
			t.Fatal("the store changed")
		}
		if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{1}, "law"); err != nil {
			t.Fatal(err)
		}
		before = dump(t, s)
		again, err := w.Act(ctx, desk.caller(), site, acts[:1])
		if err != nil || again[0].GetSeq() != first[0].GetSeq() || again[0].GetLosses()[0].GetOther() != nil || dump(t, s) != before {
			t.Fatalf("what was removed by law: %v, %v", again, err)
		}
		w.audit(site)
	})
}

func TestRefusedActsChangeNothing(t *testing.T) {
	s := newMemory()
	w := newWorld(t, s)
	w.open(func(c *engine.Config) { c.Limits.RequestBytes = 64 << 10 })
	desk, gone, lost := w.phone("desk"), w.phone("gone"), w.phone("lost")
	desk.act([]engine.DeskAct{{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Edit: create(&roundsv1.Ticket{Title: "t"})}}, "APPLIED")
	never := store.Scope("site/" + id(66))
	w.access.set(func(a *access) {
		a.until[gone.person] = w.clock.now
		a.revoked[lost.device] = roundsv1.Revocation_REVOCATION_GRACEFUL
		a.never[never] = true
	})
	good := engine.DeskAct{ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(1)), Edit: title("x")}
	many := make([]engine.DeskAct, 1001)
	for i := range many {
		many[i] = engine.DeskAct{ID: engine.ActID(id(1000 + i)), RecordID: merge.RecordID(id(1)), Edit: title("x")}
	}
	before := dump(t, s)
	for _, test := range []struct {
		name   string
		caller engine.Caller
		scope  store.Scope
		acts   []engine.DeskAct
		kind   engine.Kind
		code   roundsv1.ProblemCode
	}{
		{"a scope that is none", desk.caller(), "site/x", []engine.DeskAct{good}, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{"no role any more", gone.caller(), site, []engine.DeskAct{good}, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"never a role", desk.caller(), never, []engine.DeskAct{good}, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"a revoked device", lost.caller(), site, []engine.DeskAct{good}, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED},
		{"nobody", engine.Caller{Device: desk.device}, site, []engine.DeskAct{good}, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"no device", engine.Caller{Person: desk.person}, site, []engine.DeskAct{good}, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"an id that is none", desk.caller(), site, []engine.DeskAct{good, {ID: "x", RecordID: merge.RecordID(id(1)), Edit: title("x")}}, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{"no act", desk.caller(), site, []engine.DeskAct{good, {ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1))}}, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{"two in one", desk.caller(), site, []engine.DeskAct{{ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Edit: title("x"), Command: start()}}, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{"words that are none", desk.caller(), site, []engine.DeskAct{good, {ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Edit: title("\xff")}}, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{"too many", desk.caller(), site, many, engine.Exhausted, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT},
		{"too large", desk.caller(), site, []engine.DeskAct{good, {ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Edit: title(strings.Repeat("x", 64<<10))}}, engine.Exhausted, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT},
	} {
		_, err := w.Act(context.Background(), test.caller, test.scope, test.acts)
		var refused *engine.Error
		if !errors.As(err, &refused) || refused.Kind != test.kind || refused.Problem.GetCode() != test.code || refused.Problem.GetSentence().GetZh() == "" || refused.Problem.GetScope() == "" {
			t.Errorf("%s: %v", test.name, err)
		}
		if dump(t, s) != before {
			t.Fatalf("%s: the store changed", test.name)
		}
	}
	// What the schema says against an act is an outcome.
	w.open(func(c *engine.Config) {
		c.Validate = func(m proto.Message) error {
			if m.(*roundsv1.Mutation).GetClock() == nil {
				t.Error("validated without a clock")
			}
			return errors.New("edit.record: too long")
		}
	})
	o := desk.act([]engine.DeskAct{good}, "REJECTED")[0]
	if o.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD {
		t.Fatalf("%v", o)
	}
	w.audit(site)
}

// An import writes a thousand records with one transaction, and what does not fit in one goes into several.
func TestManyActsAreOneTransaction(t *testing.T) {
	acts := make([]engine.DeskAct, 1000)
	for i := range acts {
		acts[i] = engine.DeskAct{ID: engine.ActID(id(10_000 + i)), RecordID: merge.RecordID(id(i)), Edit: create(&roundsv1.Ticket{Title: "imported", Description: strings.Repeat("x", 600)})}
	}
	commits := 0
	heard := 0
	memory := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if op.Step == memstore.StepCommit {
			commits++
		}
		return memstore.None
	}})
	small := &narrow{Store: memstore.New(memstore.Config{}), limit: 300 << 10}
	for _, s := range []store.Store{memory, small} {
		w := newWorld(t, s)
		w.open(func(c *engine.Config) { c.Committed = func(store.Scope) { heard++ } })
		outcomes, err := w.Act(context.Background(), w.phone("desk").caller(), site, acts)
		if err != nil || len(outcomes) != len(acts) {
			t.Fatalf("%d outcomes, %v", len(outcomes), err)
		}
		for i, o := range outcomes {
			if o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED || o.GetSeq() != uint64(i+1) {
				t.Fatalf("act %d: %v", i, o)
			}
		}
		if err := w.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.audit(site)
	}
	if commits != 1 || small.refused == 0 || heard < 3 {
		t.Fatalf("%d commits, %d refused, %d hints", commits, small.refused, heard)
	}
}

// Desks and phones act at once, and send again.
func TestActsBesidePhones(t *testing.T) {
	w := newWorld(t, newMemory())
	var all sync.WaitGroup
	for n := range 4 {
		desk, p := w.phone(fmt.Sprint("desk ", n)), w.phone(fmt.Sprint("phone ", n))
		for range 2 {
			all.Go(func() {
				for i := range 20 {
					act := engine.DeskAct{ID: engine.ActID(id(1000 + i)), RecordID: merge.RecordID(id(n)), Edit: create(&roundsv1.Ticket{Title: fmt.Sprint(i)})}
					if _, err := w.Act(context.Background(), desk.caller(), site, []engine.DeskAct{act}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Go(func() {
			for i := range 5 {
				p.do(site, id(n), create(&roundsv1.Ticket{Title: fmt.Sprint("phone ", i)}))
				if _, err := p.exchange(p.request(site)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	acts := map[string]int{}
	for _, head := range w.audit(site) {
		if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DESK {
			acts[head.GetPersonId()+head.GetActId()]++
		}
	}
	for act, n := range acts {
		if n != 1 {
			t.Errorf("%s was done %d times", act, n)
		}
	}
	if len(acts) != 80 {
		t.Errorf("%d acts", len(acts))
	}
}

// A desk's morning is run once for every step of the store and every fault at it. However it went, sending again comes to the same end.
func TestP10ActsSurviveACrashAtEveryStep(t *testing.T) {
	ends := map[string]int{}
	for i, fault := range []memstore.Fault{memstore.CrashBefore, memstore.CrashAfter, memstore.ReplyLost, memstore.Full} {
		for n := 1 + uint64(i%stride); ; n += stride {
			end, struck := deskWithFault(t, fault, n)
			if !struck {
				break
			}
			ends[end]++
		}
	}
	want, _ := deskWithFault(t, memstore.None, 0)
	if len(ends) != 1 || ends[want] < 100/stride {
		t.Fatalf("P10: %d ends, that without faults came %d times", len(ends), ends[want])
	}
}

func deskWithFault(t *testing.T, fault memstore.Fault, at uint64) (end string, struck bool) {
	t.Helper()
	memory := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if op.N == at {
			struck = true
			return fault
		}
		return memstore.None
	}})
	w := newWorld(t, memory)
	a, desk := w.phone("a"), w.phone("desk")
	told := map[string]*roundsv1.Outcome{}
	again := func(do func() error) {
		t.Helper()
		for range 5 {
			err := do()
			if err == nil {
				return
			}
			if !struck {
				t.Fatalf("refused without a fault: %v", err)
			}
			memory = memory.Crash()
			w.store = memory
			w.open()
		}
		t.Fatal("no way through")
	}
	act := func(acts ...engine.DeskAct) {
		t.Helper()
		again(func() error {
			outcomes, err := w.Act(context.Background(), desk.caller(), site, acts)
			for i, o := range outcomes {
				if before := told[string(acts[i].ID)]; before != nil && !proto.Equal(before, o) {
					t.Fatalf("%v at step %d: %v, then %v", fault, at, before, o)
				}
				told[string(acts[i].ID)] = o
			}
			return err
		})
	}
	made := []engine.DeskAct{
		{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Edit: create(&roundsv1.Ticket{Title: "t", ContactPhone: "1"})}, {ID: engine.ActID(id(101)), RecordID: merge.RecordID(id(2)), Base: 1, Fact: reading(2)},
	}
	act(made...)
	a.do(site, id(1), title("phone"))
	a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "2"}, 15))
	again(func() error {
		resp, err := a.exchange(a.request(site))
		if err == nil {
			a.take(resp)
		}
		return err
	})
	w.clock.pass(time.Minute)
	act(engine.DeskAct{ID: engine.ActID(id(102)), RecordID: merge.RecordID(id(1)), Base: 1, Edit: edit(&roundsv1.Ticket{Title: "desk", ContactPhone: "3"}, 1, 15)},
		engine.DeskAct{ID: engine.ActID(id(103)), RecordID: merge.RecordID(id(1)), Base: 1, Command: cancel()}, engine.DeskAct{ID: engine.ActID(id(104)), RecordID: merge.RecordID(id(2)), Edit: create(&roundsv1.Ticket{Title: "two"})})
	act(made...) // once more
	w.store = memory.CloneWith(memstore.Config{})
	w.open()
	acts := 0
	for _, head := range w.audit(site) {
		if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DESK {
			if acts++; !sameFirst(told[head.GetActId()], head.GetOutcome()) {
				t.Fatalf("P1: the desk was told %v, the journal says %v", told[head.GetActId()], head.GetOutcome())
			}
		}
	}
	if acts != 5 {
		t.Fatalf("P1: %v at step %d: %d acts in the journal", fault, at, acts)
	}
	for _, n := range []int{1, 2} {
		record := proto.CloneOf(w.stands(id(n)))
		end += fmt.Sprintf("%x\n", encoded(t, record.GetRecord()))
	}
	return end, struck
}

// sameFirst compares an outcome with that of a head, which has no values that lost.
func sameFirst(told, head *roundsv1.Outcome) bool {
	told = proto.CloneOf(told)
	for _, loss := range told.GetLosses() {
		loss.Other = nil
	}
	return proto.Equal(told, head)
}

// TestP2ActsWithVouchedRoles: who keeps one record of a scope and holds no role over it acts under their own name, once, and nobody else's right grows by it.
func TestP2ActsWithVouchedRoles(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		keeper := w.phone("keeper")
		w.access.set(func(a *access) { a.until[keeper.person] = w.clock.Now() }) // no role over the scope, but for what is vouched for
		act := engine.DeskAct{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Edit: create(&roundsv1.Ticket{Title: "kept"}), Roles: []roundsv1.Role{roundsv1.Role_ROLE_MANAGER}}
		bare := act
		bare.ID, bare.Roles = engine.ActID(id(101)), nil
		for _, acts := range [][]engine.DeskAct{{bare}, {act, bare}} {
			var refused *engine.Error
			if _, err := w.Act(t.Context(), keeper.caller(), site, acts); !errors.As(err, &refused) || refused.Kind != engine.Denied {
				t.Fatalf("an act that nobody vouches for: %v", err)
			}
		}
		if m, o, err := w.Acted(t.Context(), keeper.person, site, act.ID); m != nil || o != nil || err != nil {
			t.Fatalf("before the act: %v %v %v", m, o, err)
		}
		first := keeper.act([]engine.DeskAct{act}, "APPLIED")
		again := keeper.act([]engine.DeskAct{act}, "APPLIED")
		head := w.audit(site)[first[0].GetSeq()-1]
		if again[0].GetSeq() != first[0].GetSeq() || head.GetPersonId() != string(keeper.person) || !slices.Equal(head.GetRoles(), act.Roles) ||
			head.GetType() != roundsv1.EntryType_ENTRY_TYPE_DESK {
			t.Fatalf("%v, again %v, journalled as %v", first, again, head)
		}
		m, o, err := w.Acted(t.Context(), keeper.person, site, act.ID)
		if err != nil || o.GetSeq() != first[0].GetSeq() || m.GetRecordId() != string(act.RecordID) || !proto.Equal(m.GetEdit(), act.Edit) {
			t.Fatalf("after the act: %v %v %v", m, o, err)
		}
		if m, o, err := w.Acted(t.Context(), "somebody", site, act.ID); m != nil || o != nil || err != nil {
			t.Fatalf("somebody else's: %v %v %v", m, o, err)
		}
		if _, _, err := w.Acted(t.Context(), keeper.person, site, "none"); err == nil {
			t.Fatal("no id is taken for one")
		}
	})
}
