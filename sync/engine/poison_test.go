package engine_test

import (
	"context"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// judgeFunc lets a test be the rules.
type judgeFunc func(engine.Case) engine.Verdict

func (f judgeFunc) Judge(c engine.Case) engine.Verdict { return f(c) }

func (w *world) judge(f judgeFunc) { w.open(func(c *engine.Config) { c.Rules = f }) }

func admit() *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}}}
}

// A mutation on which the rules panic is kept for a person; the server and the lane go on.
func TestP6RulesThatPanicBlockNobody(t *testing.T) {
	w := newWorld(t, newMemory())
	broken := true
	w.judge(func(c engine.Case) engine.Verdict {
		if broken && c.Mutation.GetEdit().GetRecord().GetTicket().GetTitle() == "poison" || broken && c.Mutation.GetFact() != nil {
			panic("a case that nobody thought of")
		}
		return rules{}.Judge(c)
	})
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "before"}))
	a.do(site, id(1), title("poison"))
	a.do(site, id(2), comment("beside it"))
	a.do(site, id(1), edit(&roundsv1.Ticket{Description: "behind it"}, 2))
	a.sync()
	if a.status(1) != "APPLIED" || a.status(2) != "CONFLICT" || a.status(3) != "QUARANTINED" || a.status(4) != "APPLIED" {
		t.Fatalf("P6: %v", a.lane(site).outcomes)
	}
	broken = false // a mended server
	a.do(site, a.outcome(site, 3).GetConflictId(), admit())
	a.sync()
	if a.status(5) != "APPLIED" || a.record(site, id(2)) == nil {
		t.Fatalf("what the panic kept back cannot be let in: %v", a.outcome(site, 5))
	}
	w.audit(site)
}

// A derived record that cannot be written does not make the mutation that it follows from block its lane.
func TestP6RulesThatDeriveWhatCannotBeBlockNobody(t *testing.T) {
	ticket := func(t *roundsv1.Ticket, fields ...uint32) *roundsv1.Edit { return edit(t, fields...) }
	for name, derived := range map[string]engine.Derived{
		"no uuid":          {RecordID: "not a uuid", Edit: create(&roundsv1.Ticket{Title: "t"})},
		"no edit":          {RecordID: merge.RecordID(id(50))},
		"deleted record":   {RecordID: merge.RecordID(id(9)), Edit: ticket(&roundsv1.Ticket{Title: "t"}, 1)},
		"field out of all": {RecordID: merge.RecordID(id(50)), Edit: ticket(&roundsv1.Ticket{}, 1<<31)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newMemory())
			w.judge(func(c engine.Case) engine.Verdict {
				v := rules{}.Judge(c)
				if c.Mutation.GetEdit().GetRecord().GetTicket().GetTitle() == "poison" || c.Mutation.GetFact().GetRecord().GetComment().GetWords() == "poison" {
					v.Derived = append(v.Derived, engine.Derived{RecordID: merge.RecordID(id(60)), Edit: create(&roundsv1.Ticket{Title: "good"})}, derived)
				}
				return v
			})
			a := w.phone("a")
			a.do(site, id(1), create(&roundsv1.Ticket{Title: "before"}))
			a.do(site, id(9), create(&roundsv1.Ticket{Title: "to be deleted"}))
			a.do(site, id(9), delete_())
			a.do(site, id(1), title("poison"))
			a.do(site, id(2), comment("poison"))
			a.do(site, id(1), edit(&roundsv1.Ticket{Description: "behind it"}, 2))
			a.sync()
			if a.status(4) != "CONFLICT" || a.status(5) != "QUARANTINED" || a.status(6) != "APPLIED" || a.ticket(id(1)).GetTitle() != "before" || a.record(site, id(60)) != nil {
				t.Fatalf("P6: %v %v", a.lane(site).outcomes, a.ticket(id(1)))
			}
			w.audit(site)
		})
	}
}

// A question whose record somebody deleted, and a verdict that lets in what is not waiting, are no reason to block either.
func TestP6DeletedConflictsAndFalseAdmissionsBlockNobody(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	w.judge(func(c engine.Case) engine.Verdict {
		v := rules{}.Judge(c)
		switch c.Mutation.GetEdit().GetRecord().GetTicket().GetTitle() {
		case "admits":
			v.Admit = 1 << 40
		case "admits what was applied":
			v.Admit = 4
		}
		return v
	})
	b.do(site, id(1), title("waits"))
	b.sync()
	kind := &roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: &roundsv1.Delete{Kind: "conflict"}}}
	b.do(site, b.outcome(site, 1).GetConflictId(), kind)
	b.sync()
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.do(site, id(1), title("admits"))
	a.do(site, id(1), title("admits what was applied"))
	a.do(site, id(1), edit(&roundsv1.Ticket{Description: "goes on"}, 2))
	a.sync()
	if a.status(1) != "APPLIED" || a.status(2) != "REJECTED" || a.status(3) != "REJECTED" || a.status(4) != "APPLIED" {
		t.Fatalf("P6: %v", a.lane(site).outcomes)
	}
	w.audit(site)
}

// All readings of one long shift, on one ticket, in one request.
func TestAShiftOnOneTicketFitsInOneRequest(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t", Description: strings.Repeat("水", 20_000)}))
		for n := range 500 {
			a.do(site, id(1), reading(n))
		}
		a.sync()
		b.sync()
		if got := len(b.ticket(id(1)).GetReadings()); got != 500 {
			t.Fatalf("%d readings", got)
		}
		w.audit(site)
	})
}

// A record that grew too large for the store takes no more, and nothing waits behind that.
func TestP6ARecordThatIsFullBlocksNobody(t *testing.T) {
	w := newWorld(t, newMemory())
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	large := strings.Repeat("x", 60_000)
	for n := range 400 {
		a.do(site, id(1), &roundsv1.Fact{Record: record(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: id(9000 + n), Quantity: large}}})})
	}
	a.do(site, id(2), create(&roundsv1.Ticket{Title: "behind"}))
	for from := uint64(1); from <= 402; from += 60 {
		resp, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), Lanes: []*roundsv1.LaneBatch{a.batch(site, from, min(402, from+59))}})
		if err != nil {
			t.Fatalf("P6: the lane stands at %d: %v", from, err)
		}
		a.take(resp)
	}
	if a.status(2) != "APPLIED" || a.status(401) != "QUARANTINED" || a.status(402) != "APPLIED" {
		t.Fatalf("P6: %v", a.outcome(site, 401))
	}
	w.audit(site)
}

// narrow is a store whose transactions take less than others.
type narrow struct {
	store.Store
	limit   int
	refused int
}

func (n *narrow) Update(ctx context.Context, scope store.Scope, f func(store.Writer) error) error {
	return n.Store.Update(ctx, scope, func(w store.Writer) error { return f(&narrowWriter{Writer: w, of: n, left: n.limit}) })
}

type narrowWriter struct {
	store.Writer
	of   *narrow
	left int
}

func (w *narrowWriter) Set(key, value []byte) error {
	if w.left -= len(key) + len(value) + store.WriteOverhead; w.left < 0 {
		w.of.refused++
		return store.ErrTooLarge
	}
	return w.Writer.Set(key, value)
}

// What does not fit in one transaction of the store goes into several, and is one lane all the same.
func TestARequestTooLargeForATransaction(t *testing.T) {
	s := &narrow{Store: newMemory(), limit: store.MaxTransaction / 10}
	w := newWorld(t, s)
	a, b := w.phone("a"), w.phone("b")
	for n := range 12 {
		a.do(site, id(n), create(&roundsv1.Ticket{Description: strings.Repeat("x", 300<<10)}))
		a.sync()
	}
	for n := range 12 {
		a.do(site, id(n), title("touched")) // each writes a tenth of what a transaction takes
	}
	if s.refused > 0 {
		t.Fatal("what comes one by one is too large")
	}
	a.sync()
	if s.refused == 0 {
		t.Fatal("all fits in one transaction: this test tests nothing")
	}
	for seq := range a.lane(site).contents {
		if got := a.status(uint64(seq + 1)); got != "APPLIED" {
			t.Fatalf("lane seq %d: %v", seq+1, a.outcome(site, uint64(seq+1)))
		}
	}
	b.sync()
	if len(b.replicas[site]) != 12 || b.ticket(id(11)).GetTitle() != "touched" {
		t.Fatalf("b has %d", len(b.replicas[site]))
	}
	w.audit(site)
}
