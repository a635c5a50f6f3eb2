package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// kindOf returns the kind of an engine's error; -1 where it is none.
func kindOf(err error) engine.Kind {
	if own := (*engine.Error)(nil); errors.As(err, &own) {
		return own.Kind
	}
	return -1
}

// writes is an act that writes what it is told, whatever stands.
func writes(list ...engine.Derived) func(engine.View) ([]engine.Derived, error) {
	return func(engine.View) ([]engine.Derived, error) { return list, nil }
}

func TestTheServerWrites(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a := w.phone("a")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "pump"}))
		a.sync()
		w.clock.pass(time.Minute)
		done := &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED}
		act := func(v engine.View) ([]engine.Derived, error) {
			have, err := v.Get("ticket", merge.RecordID(id(1)))
			if err != nil {
				return nil, err
			}
			if none, err := v.Get("ticket", merge.RecordID(id(2))); none != nil || err != nil {
				return nil, fmt.Errorf("there is %v, %v", none, err)
			}
			if none, err := v.Get("ticket", "no id"); none != nil || err != nil {
				return nil, fmt.Errorf("there is %v, %v", none, err)
			}
			if !v.Now().Equal(w.clock.Now()) {
				return nil, fmt.Errorf("the act is at %v", v.Now())
			}
			if have.GetRecord().GetTicket().GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED {
				return nil, nil
			}
			return []engine.Derived{{RecordID: merge.RecordID(id(1)), Edit: edit(done, 40)}, {RecordID: merge.RecordID(id(1)), Edit: title(have.GetRecord().GetTicket().GetTitle() + "!")}}, nil
		}
		for range 3 { // the second and the third time change nothing
			if err := w.Write(context.Background(), site, act); err != nil {
				t.Fatal(err)
			}
		}
		// What stands already is no change either.
		if err := w.Write(context.Background(), site, writes(engine.Derived{RecordID: merge.RecordID(id(1)), Edit: edit(done, 40)})); err != nil {
			t.Fatal(err)
		}
		a.sync()
		if got := a.ticket(id(1)); got.GetTitle() != "pump!" || got.GetState() != done.GetState() || a.record(site, id(1)).GetTimeUs() != w.clock.Now().UnixMicro()+1 {
			t.Fatalf("the phone has %v", a.record(site, id(1)))
		}
		heads := w.audit(site)
		if len(heads) < 3 {
			t.Fatalf("%d entries", len(heads))
		}
		for _, head := range heads[len(heads)-2:] {
			if head.GetType() != roundsv1.EntryType_ENTRY_TYPE_DERIVED || head.GetCause() != 0 || head.GetRecord().GetId() != id(1) || head.GetDeviceId() != "" {
				t.Fatalf("entry %v", head)
			}
		}
		if len(heads) != 3 {
			t.Fatalf("%d entries, want a creation and two writes", len(heads))
		}
	})
}

func TestAWriteThatIsRefusedWritesNothing(t *testing.T) {
	w := newWorld(t, newMemory())
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t", ReporterId: "n"}))
	a.do(site, id(9), create(&roundsv1.Ticket{Title: "to be deleted"}))
	a.do(site, id(9), delete_())
	a.sync()
	before := len(w.audit(site))
	good := engine.Derived{RecordID: merge.RecordID(id(50)), Edit: create(&roundsv1.Ticket{Title: "good"})}
	for name, bad := range map[string]engine.Derived{
		"no uuid":          {RecordID: "not a uuid", Edit: create(&roundsv1.Ticket{Title: "t"})},
		"no edit":          {RecordID: merge.RecordID(id(51))},
		"deleted record":   {RecordID: merge.RecordID(id(9)), Edit: title("t")},
		"field out of all": {RecordID: merge.RecordID(id(1)), Edit: edit(&roundsv1.Ticket{}, 1<<31)},
		"too large":        {RecordID: merge.RecordID(id(1)), Edit: title(strings.Repeat("x", 5<<20))},
	} {
		err := w.Write(context.Background(), site, writes(good, bad))
		if own := (*engine.Error)(nil); !errors.As(err, &own) || own.Kind != engine.Invalid || own.Problem == nil || own.Problem.GetScope() != string(site) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Write(context.Background(), "nowhere", writes(good)); kindOf(err) != engine.Invalid {
		t.Errorf("a scope that cannot be: %v", err)
	}
	if after := len(w.audit(site)); after != before {
		t.Fatalf("%d entries were written", after-before)
	}
}

// grouped submits acts so that they share a commit: a first one holds up the scope until all the others wait. It runs within synctest.
func grouped(w *world, acts ...func(engine.View) ([]engine.Derived, error)) []error {
	held, release := make(chan struct{}), make(chan struct{})
	errs := make([]error, len(acts))
	var all sync.WaitGroup
	var once sync.Once
	all.Go(func() {
		_ = w.Write(context.Background(), site, func(engine.View) ([]engine.Derived, error) {
			once.Do(func() { close(held) })
			<-release
			return nil, nil
		})
	})
	<-held
	for i, act := range acts {
		all.Go(func() { errs[i] = w.Write(context.Background(), site, act) })
		synctest.Wait() // it waits in the queue, behind those before it
	}
	close(release)
	all.Wait()
	return errs
}

func TestAnActsErrorIsItsOwn(t *testing.T) { synctest.Test(t, actsErrors) }

func actsErrors(t *testing.T) {
	w := newWorld(t, newMemory())
	plain, own := errors.New("the photo is not there"), &engine.Error{Kind: engine.Precondition, Cause: errors.New("too late")}
	wrapped := fmt.Errorf("desk: %w", own)
	var acts []func(engine.View) ([]engine.Derived, error)
	for n := range 8 {
		acts = append(acts, writes(engine.Derived{RecordID: merge.RecordID(id(n)), Edit: create(&roundsv1.Ticket{Title: "good"})}))
	}
	for _, err := range []error{plain, own, wrapped} {
		acts = append(acts, func(engine.View) ([]engine.Derived, error) {
			return []engine.Derived{{RecordID: merge.RecordID(id(20)), Edit: create(&roundsv1.Ticket{Title: "bad"})}}, err
		})
	}
	acts = append(acts, writes(engine.Derived{RecordID: "bad"}), func(engine.View) ([]engine.Derived, error) { panic("a case that nobody thought of") })
	errs := grouped(w, acts...)
	for n := range 8 {
		if errs[n] != nil {
			t.Errorf("act %d fails with others' errors: %v", n, errs[n])
		}
		if change, err := w.Record(context.Background(), site, "ticket", merge.RecordID(id(n))); change == nil || err != nil {
			t.Errorf("act %d wrote %v, %v", n, change, err)
		}
	}
	if !errors.Is(errs[8], plain) || kindOf(errs[8]) != engine.Internal {
		t.Errorf("a plain error: %v", errs[8])
	}
	if errs[9] != error(own) || errs[10] != wrapped {
		t.Errorf("an engine's error: %v, %v", errs[9], errs[10])
	}
	if kindOf(errs[11]) != engine.Invalid || kindOf(errs[12]) != engine.Internal {
		t.Errorf("a bad one and a panic: %v, %v", errs[11], errs[12])
	}
	if change, err := w.Record(context.Background(), site, "ticket", merge.RecordID(id(20))); change != nil || err != nil {
		t.Errorf("an act that fails wrote %v, %v", change, err)
	}
	w.audit(site)
}

// What an act says when it fails costs its neighbours nothing: they are not even asked again.
func TestAnActThatFailsDoesNotEndTheGroup(t *testing.T) { synctest.Test(t, actThatFails) }

func actThatFails(t *testing.T) {
	w := newWorld(t, newMemory())
	var asked atomic.Int64
	var acts []func(engine.View) ([]engine.Derived, error)
	for n := range 8 {
		acts = append(acts, func(engine.View) ([]engine.Derived, error) {
			asked.Add(1)
			return []engine.Derived{{RecordID: merge.RecordID(id(n)), Edit: create(&roundsv1.Ticket{Title: "good"})}}, nil
		}, func(engine.View) ([]engine.Derived, error) { return nil, errors.New("not now") })
	}
	for n, err := range grouped(w, acts...) {
		if (err != nil) != (n%2 == 1) {
			t.Errorf("act %d: %v", n, err)
		}
	}
	if asked.Load() != 8 {
		t.Errorf("8 acts were asked %d times", asked.Load())
	}
}

// An act that overlooks that the store failed writes nothing on what it did not see.
func TestAnActCannotOverlookAFault(t *testing.T) {
	armed := false
	memory := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if armed && op.Step == memstore.StepGet {
			return memstore.Fail
		}
		return memstore.None
	}})
	w := newWorld(t, memory)
	err := w.Write(context.Background(), site, func(v engine.View) ([]engine.Derived, error) {
		armed = true
		have, _ := v.Get("ticket", merge.RecordID(id(1)))
		armed = false
		if have != nil {
			return nil, nil
		}
		return []engine.Derived{{RecordID: merge.RecordID(id(1)), Edit: create(&roundsv1.Ticket{Title: "blind"})}}, nil
	})
	if !errors.Is(err, memstore.ErrInjected) || len(w.audit(site)) != 0 {
		t.Fatalf("%v", err)
	}
}

// Acts that look before they write do not overwrite each other, however many there are at once.
func TestActsSeeEachOther(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		if err := w.Write(context.Background(), site, writes(engine.Derived{RecordID: merge.RecordID(id(1)), Edit: create(&roundsv1.Ticket{Title: "t"})})); err != nil {
			t.Fatal(err)
		}
		const writers, each = 8, 10
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range each {
					if err := w.Write(context.Background(), site, func(v engine.View) ([]engine.Derived, error) {
						have, err := v.Get("ticket", merge.RecordID(id(1)))
						return []engine.Derived{{RecordID: merge.RecordID(id(1)), Edit: title(have.GetRecord().GetTicket().GetTitle() + ".")}}, err
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		change, err := w.Record(context.Background(), site, "ticket", merge.RecordID(id(1)))
		if err != nil || len(change.GetRecord().GetTicket().GetTitle()) != 1+writers*each {
			t.Fatalf("%v, %v", change, err)
		}
		w.audit(site)
	})
}

// A fault strikes at every step of an act of the server, which is tried again until it succeeds: it is done once.
func TestP10AnActIsDoneOnceWhateverFails(t *testing.T) {
	var want []byte
	for _, fault := range []memstore.Fault{memstore.None, memstore.CrashBefore, memstore.CrashAfter, memstore.Fail, memstore.ReplyLost, memstore.Full} {
		for n := uint64(1); ; n++ {
			struck := false
			memory := memstore.New(memstore.Config{})
			w := newWorld(t, memory)
			w.index(words{}, "1")
			a := w.phone("a")
			a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
			a.sync()
			start := memory.Steps()
			memory = memory.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
				if op.N != start+n {
					return memstore.None
				}
				struck = true
				return fault
			}})
			w.store = memory
			w.index(words{}, "1")
			act := func(v engine.View) ([]engine.Derived, error) {
				have, err := v.Get("ticket", merge.RecordID(id(2)))
				if err != nil || have != nil {
					return nil, err
				}
				return []engine.Derived{{RecordID: merge.RecordID(id(1)), Edit: title("seen")}, {RecordID: merge.RecordID(id(2)), Edit: create(&roundsv1.Ticket{Title: "made"})}}, nil
			}
			for try := 0; ; try++ {
				err := w.Write(context.Background(), site, act)
				if err == nil {
					break
				}
				if !struck || try > 3 {
					t.Fatalf("%v at step %d: %v", fault, n, err)
				}
				memory = memory.Crash()
				w.store = memory
				w.index(words{}, "1")
			}
			w.store = memory.CloneWith(memstore.Config{})
			w.index(words{}, "1")
			if heads := w.audit(site); len(heads) != 3 {
				t.Fatalf("P1: %v at step %d: %d entries", fault, n, len(heads))
			}
			if got := strings.Join(w.find("title", store.Span{}), " "); got != "made "+id(2)+"=TICKET_STATE_UNSPECIFIED seen "+id(1)+"=TICKET_STATE_NEW" {
				t.Fatalf("%v at step %d: the index has %s", fault, n, got)
			}
			a.w = w
			a.sync()
			got := encoded(t, a.record(site, id(1)))
			if want == nil {
				want = got
			}
			if !proto.Equal(a.ticket(id(2)), &roundsv1.Ticket{Title: "made"}) || string(got) != string(want) {
				t.Fatalf("%v at step %d: %v", fault, n, a.replicas[site])
			}
			if fault == memstore.None || !struck {
				break
			}
		}
	}
}

func TestCommitsAreHintedAt(t *testing.T) {
	var heard atomic.Int64
	other := store.Scope("site/" + id(77))
	w := newWorld(t, newMemory())
	w.open(func(c *engine.Config) {
		c.Committed = func(scope store.Scope) {
			if scope != site {
				t.Errorf("heard of %s", scope)
			}
			heard.Add(1)
		}
	})
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	if err := w.Write(context.Background(), site, writes(engine.Derived{RecordID: merge.RecordID(id(1)), Edit: title("u")})); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(context.Background(), other, writes()); err != nil { // changes nothing
		t.Fatal(err)
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if heard.Load() == 0 || heard.Load() > 2 {
		t.Fatalf("heard %d times of two commits", heard.Load())
	}
	if err := w.Write(context.Background(), site, writes()); kindOf(err) != engine.Unavailable {
		t.Fatalf("a closed engine: %v", err)
	}
}
