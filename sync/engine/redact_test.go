package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

const secret = "door code 4711"

// standsIn returns the keys of a scope under which words stand.
func standsIn(t *testing.T, s store.Store, words string) (keys []string) {
	t.Helper()
	err := s.View(context.Background(), site, func(r store.Reader) error {
		for entry, err := range r.Scan(store.Span{}) {
			if err != nil {
				return err
			}
			if bytes.Contains(entry.Value, []byte(words)) || bytes.Contains(entry.Key, []byte(words)) {
				keys = append(keys, fmt.Sprintf("%q", entry.Key))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// reasons returns the reasons that a scope's journal tells, and counts the entries without their content.
func (w *world) reasons() (told []string, redacted int) {
	w.t.Helper()
	w.audit(site)
	for encoded, err := range w.Journal(context.Background(), site, 1) {
		if err != nil {
			w.t.Fatal(err)
		}
		head, content, _, err := journal.Open(encoded)
		if err != nil {
			w.t.Fatal(err)
		}
		if head.GetReason() != "" {
			if head.GetType() != roundsv1.EntryType_ENTRY_TYPE_DERIVED || head.GetCause() != 0 || len(content) == 0 {
				w.t.Fatalf("a redaction's entry: %v", head)
			}
			told = append(told, head.GetReason())
		}
		if journal.Redacted(head, content) {
			redacted++
		}
	}
	return told, redacted
}

func TestRedaction(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		w.index(words{}, "1")
		a, b, away := w.phone("a"), w.phone("b"), w.phone("away")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t", Description: "kept", ContactPhone: "1"}))
		a.do(site, id(2), comment(secret))
		a.do(site, id(3), comment("something else"))
		a.sync()
		b.sync()
		away.sync()
		// Values that won, lost, stand beside each other and were overwritten, in a register that keeps all of them and in one that does not.
		b.do(site, id(1), edit(&roundsv1.Ticket{Title: secret + " b", ContactPhone: secret + " 2", Tags: []string{secret, "wet"}}, 1, 11, 15))
		b.do(site, id(1), edit(&roundsv1.Ticket{Description: "kept too"}, 2))
		w.clock.pass(time.Minute)
		a.do(site, id(1), edit(&roundsv1.Ticket{Title: secret + " a", ContactPhone: secret + " 3"}, 1, 15))
		a.sync()
		b.sync()
		if open := w.find("state", store.Span{}); len(open) != 1 || !strings.Contains(open[0], "OPEN") {
			t.Fatalf("nobody is asked: %v", open)
		}
		ctx := context.Background()
		if err := w.Redact(ctx, site, "comment", merge.RecordID(id(2)), []uint32{2}, "court order 1"); err != nil {
			t.Fatal(err)
		}
		if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{15, 1, 11, 15}, "court order 2"); err != nil {
			t.Fatal(err)
		}
		if keys := standsIn(t, s, secret); keys != nil {
			t.Fatalf("it still stands under %s", strings.Join(keys, ", "))
		}
		told, redacted := w.reasons()
		if strings.Join(told, ", ") != "court order 1, court order 2" || redacted != 4 {
			t.Fatalf("the journal tells %q, and %d entries have lost their content", told, redacted)
		}
		for _, p := range []*phone{a, b, away, w.phone("fresh")} {
			p.sync() // compares the state hash
			if got := p.ticket(id(1)); got.GetTitle() != "" || got.GetContactPhone() != "" || got.GetTags() != nil || got.GetDescription() != "kept too" {
				t.Fatalf("a device has %v", got)
			}
			if got := p.record(site, id(2)).GetRecord().GetComment(); got.GetWords() != "" || got.GetSubject().GetId() != id(1) {
				t.Fatalf("a device has %v", got)
			}
			if got := p.record(site, id(3)).GetRecord().GetComment().GetWords(); got != "something else" {
				t.Fatalf("a device has %q", got)
			}
		}
		if open := w.find("state", store.Span{}); len(open) != 1 || !strings.Contains(open[0], "RESOLVED") {
			t.Fatalf("somebody is still asked which is right: %v", open)
		}
		w.wantIndexes([]engine.IndexName{"title", "tag"}, map[string]merge.Kind{id(1): "ticket"})
		b.lane(site).confirmed, b.lane(site).outcomes = 0, map[uint64]*roundsv1.Outcome{} // the reply was lost: it is told once more, without the values
		b.sync()
		if o := b.outcome(site, 1); o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED || strings.Contains(o.String(), secret) || len(o.GetLosses()) == 0 {
			t.Fatalf("outcome %v", o)
		}
		// Life goes on: what LATEST holds may be written again, what is FIXED may not.
		a.do(site, id(1), title("anew"))
		a.do(site, id(2), &roundsv1.Edit{Fields: []uint32{2}, Record: comment("again").GetRecord()})
		a.sync()
		if a.status(5) != "APPLIED" || a.status(6) != "REJECTED" || a.ticket(id(1)).GetTitle() != "anew" {
			t.Fatalf("%v %v", a.outcome(site, 5), a.outcome(site, 6))
		}
		w.audit(site)
	})
}

// What is out of sight is redacted too: what waits, what was evicted, what was deleted.
func TestRedactionOfWhatIsOutOfSight(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	b.do(site, id(1), title(secret))
	b.sync()
	conflict := b.outcome(site, 1).GetConflictId()
	if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{1}, "before it appeared"); err != nil {
		t.Fatal(err)
	}
	if keys := standsIn(t, w.store, secret); keys != nil {
		t.Fatalf("what waits still stands under %v", keys)
	}
	a.do(site, conflict, admit())
	a.sync()
	if o := a.outcome(site, 1); o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED || o.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_REDACTED {
		t.Fatalf("let in: %v", o)
	}
	w.clock.pass(time.Hour)
	a.do(site, id(1), create(&roundsv1.Ticket{Title: secret, Description: "d"}))
	a.sync()
	if a.status(2) != "APPLIED" {
		t.Fatalf("the record may not appear: %v", a.outcome(site, 2))
	}
	if c, err := w.Record(ctx, site, "conflict", merge.RecordID(conflict)); err != nil || c.GetRecord().GetConflict().GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED {
		t.Fatalf("the question stands: %v, %v", c, err)
	}
	if err := w.Evict(ctx, site, "ticket", merge.RecordID(id(1))); err != nil {
		t.Fatal(err)
	}
	if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{1}, "evicted"); err != nil {
		t.Fatal(err)
	}
	if c, err := w.Record(ctx, site, "ticket", merge.RecordID(id(1))); err != nil || !c.GetEvicted() || c.GetRecord().GetTicket().GetDescription() != "d" || standsIn(t, w.store, secret) != nil {
		t.Fatalf("an evicted record: %v, %v, %v", c, err, standsIn(t, w.store, secret))
	}
	a.do(site, id(5), create(&roundsv1.Ticket{Title: secret}))
	a.do(site, id(5), delete_())
	a.sync()
	if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(5)), []uint32{1}, "deleted"); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(500 * 24 * time.Hour)
	a.sync()
	if _, err := w.Maintain(ctx, site); err != nil {
		t.Fatal(err)
	}
	if keys := standsIn(t, w.store, secret); keys != nil {
		t.Fatalf("a deleted record's stand under %v", keys)
	}
	if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(5)), []uint32{1}, "forgotten"); err != nil { // not even its tombstone stands
		t.Fatal(err)
	}
	told, _ := w.reasons()
	if strings.Join(told, ", ") != "before it appeared, evicted, deleted, forgotten" {
		t.Fatalf("the journal tells %q", told)
	}
	fresh := w.phone("fresh")
	fresh.sync()
}

// TestRedactionOfWhatAQuestionSays: who decides is told what waits, in the question. When that is erased, the question says it no more, nor does its history;
// its neighbours stay.
func TestRedactionOfWhatAQuestionSays(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, newMemory())
	w.open(func(c *engine.Config) {
		c.Question = func(c *roundsv1.Conflict, of engine.Case) {
			words := string(of.Kind) + ": " + of.Mutation.GetEdit().GetRecord().GetTicket().GetTitle()
			c.Sides = []*roundsv1.Side{{PersonId: string(of.Person), Sentence: &roundsv1.Text{En: words}}}
		}
	})
	a, b := w.phone("a"), w.phone("b")
	b.do(site, id(1), title(secret))
	b.do(site, id(2), title("harmless"))
	b.sync()
	said := func(lane uint64) string {
		c, err := w.Record(ctx, site, "conflict", merge.RecordID(b.outcome(site, lane).GetConflictId()))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(func() (all []string) {
			for _, side := range c.GetRecord().GetConflict().GetSides() {
				all = append(all, side.GetSentence().GetEn())
			}
			return all
		}(), "; ")
	}
	if said(1) != "ticket: "+secret || said(2) != "ticket: harmless" {
		t.Fatalf("the questions say %q and %q", said(1), said(2))
	}
	if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{1}, "asked for"); err != nil {
		t.Fatal(err)
	}
	if keys := standsIn(t, w.store, secret); keys != nil {
		t.Fatalf("it still stands under %v", keys)
	}
	if said(1) != "" || said(2) != "ticket: harmless" {
		t.Fatalf("now the questions say %q and %q", said(1), said(2))
	}
	if told, _ := w.reasons(); strings.Join(told, ", ") != "asked for, asked for" { // of the question, and of the record
		t.Fatalf("the journal tells %q", told)
	}
	a.sync()
	w.audit(site)
}

func TestRedactionRefuses(t *testing.T) {
	w := newWorld(t, newMemory())
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	for name, c := range map[string]struct {
		scope  store.Scope
		kind   merge.Kind
		id     string
		fields []uint32
		reason string
	}{
		"scope":     {"nowhere", "ticket", id(1), []uint32{1}, "r"},
		"kind":      {site, "tickets", id(1), []uint32{1}, "r"},
		"id":        {site, "ticket", "1", []uint32{1}, "r"},
		"no field":  {site, "ticket", id(1), nil, "r"},
		"field":     {site, "ticket", id(1), []uint32{1, 999}, "r"},
		"no reason": {site, "ticket", id(1), []uint32{1}, ""},
		"reason":    {site, "ticket", id(1), []uint32{1}, strings.Repeat("x", engine.MaxReason+1)},
		"bytes":     {site, "ticket", id(1), []uint32{1}, "\xff"},
		"no record": {site, "ticket", id(2), []uint32{1}, "r"},
		"of a kind": {site, "comment", id(1), []uint32{1}, "r"},
	} {
		if err := w.Redact(context.Background(), c.scope, c.kind, merge.RecordID(c.id), c.fields, c.reason); kindOf(err) != engine.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.audit(site)) != 1 || a.sync() == nil || a.ticket(id(1)).GetTitle() != "t" {
		t.Error("what was refused was done")
	}
}

// A redaction is cut at every step of the store, by every fault, while others write: it is finished by the same call again, or by maintenance, and told
// of once.
func TestP10RedactionIsFinishedWhateverFails(t *testing.T) {
	ctx := context.Background()
	memory := newMemory()
	w := newWorld(t, memory)
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: secret}))
	for n := range 520 { // more than a page
		a.do(site, id(1), title(fmt.Sprint(secret, n)))
		if n%4 == 0 {
			a.do(site, id(2+n), create(&roundsv1.Ticket{Title: "t"}))
		}
	}
	a.sync()
	before, _, err := w.Head(ctx, site)
	if err != nil {
		t.Fatal(err)
	}
	ended := func() bool {
		now, _, err := w.Head(ctx, site)
		if err != nil {
			t.Fatal(err)
		}
		return now > before
	}
	finished, tries := map[string]int{}, 0
	for _, fault := range []memstore.Fault{memstore.CrashAfter, memstore.ReplyLost} {
		for n := uint64(1); ; n += 1 + n {
			struck, start := false, memory.Steps()
			w.store = memory.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
				if struck = struck || op.N == start+n; op.N == start+n {
					return fault
				}
				return memstore.None
			}})
			w.open()
			err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{1}, "law")
			if !struck {
				break
			}
			w.store = w.store.(*memstore.Store).Crash().CloneWith(memstore.Config{})
			w.open()
			if tries++; err != nil && tries%2 == 0 {
				if _, err := w.Maintain(ctx, site); err != nil {
					t.Fatal(err)
				}
				if ended() {
					finished["by maintenance"]++
				}
			}
			if !ended() {
				if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{1}, "law"); err != nil {
					t.Fatal(err)
				}
				finished["by the same call"]++
			}
			told, redacted := w.reasons()
			if len(told) != 1 || redacted != 521 || standsIn(t, w.store, secret) != nil {
				t.Fatalf("%v at step %d: told of %d times, %d entries, stands %v", fault, n, len(told), redacted, standsIn(t, w.store, secret))
			}
		}
	}
	if finished["by maintenance"] < 3 || finished["by the same call"] < 3 {
		t.Fatalf("this test tests little: %v", finished)
	}
}

// looked is a store that calls after each View that was made while it is armed.
type looked struct {
	store.Store
	armed func()
}

func (l *looked) View(ctx context.Context, scope store.Scope, read func(store.Reader) error) error {
	err := l.Store.View(ctx, scope, read)
	if then := l.armed; then != nil {
		l.armed = nil
		then()
		l.armed = then
	}
	return err
}

// What is written while a redaction goes through the journal does not slip by, whenever it comes.
func TestRedactionWhileOthersWrite(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		l := &looked{Store: s}
		w := newWorld(t, l)
		a := w.phone("a")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: secret}))
		a.sync()
		writes := 0
		l.armed = func() { // behind the redaction's back, each time that it has looked, but for the last: then it is done
			if writes == 3 {
				return
			}
			a.do(site, id(1), title(fmt.Sprint(secret, writes)))
			a.sync()
			writes++
		}
		if err := w.Redact(context.Background(), site, "ticket", merge.RecordID(id(1)), []uint32{1}, "law"); err != nil {
			t.Fatal(err)
		}
		if l.armed = nil; writes < 3 {
			t.Fatalf("it looked %d times: this test tests nothing", writes)
		}
		a.sync()
		if a.ticket(id(1)).GetTitle() != "" || standsIn(t, s, secret) != nil {
			t.Fatalf("it stands: %v", a.ticket(id(1)))
		}
		w.audit(site)
	})
}

// A watcher is not told from memory what was redacted since.
func TestRedactionIsForgottenByTheMemoryOfCommits(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	b.sync()
	ctx, leave := context.WithCancel(context.Background())
	heard, watched := make(chan *roundsv1.WatchResponse, 64), make(chan error, 1)
	req := &roundsv1.WatchRequest{Cursors: []*roundsv1.ScopeCursor{{Scope: string(site), Cursor: a.cursors[site]}}}
	go func() {
		watched <- w.Watch(ctx, a.caller(), req, func(m *roundsv1.WatchResponse) error {
			decoded, err := engine.Decoded(m)
			heard <- decoded
			return err
		})
	}()
	<-heard
	b.do(site, id(1), title(secret))
	if _, err := b.exchange(b.request(site)); err != nil {
		t.Fatal(err)
	}
	if first := <-heard; !strings.Contains(first.String(), secret) {
		t.Fatalf("heard %v", first)
	}
	if err := w.Redact(context.Background(), site, "ticket", merge.RecordID(id(1)), []uint32{1}, "law"); err != nil {
		t.Fatal(err)
	}
	if last := <-heard; strings.Contains(last.String(), secret) || len(last.GetPages()[0].GetChanges()) != 1 {
		t.Fatalf("heard %v", last)
	}
	// b stands where it stood before the secret, and asks now.
	resp, err := b.exchange(&roundsv1.ExchangeRequest{Clock: b.clock(), Cursors: []*roundsv1.ScopeCursor{{Scope: string(site), Cursor: b.cursors[site]}}})
	if err != nil || strings.Contains(resp.String(), secret) {
		t.Fatalf("%v, %v", resp, err)
	}
	leave()
	if err := <-watched; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
