package engine_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// history returns what History says, as seqs, after holding each entry against the journal's own.
func (w *world) history(kind merge.Kind, id string, span engine.HistorySpan) (seqs []uint64) {
	w.t.Helper()
	for entry, err := range w.History(context.Background(), site, kind, merge.RecordID(id), span) {
		if err != nil {
			w.t.Fatal(err)
		}
		encoded, hash, err := journal.Seal(journal.Hash(entry.Head.GetPrevious()), proto.CloneOf(entry.Head), entry.Content)
		if err == nil && !journal.Redacted(entry.Head, entry.Content) {
			var head *roundsv1.EntryHead
			if head, _, _, err = journal.Open(encoded); err == nil && (!proto.Equal(head, entry.Head) || hash != entry.Hash) {
				err = fmt.Errorf("it is not as it was sealed")
			}
		}
		if err != nil || entry.Outcome.GetSeq() != entry.Head.GetOutcome().GetSeq() {
			w.t.Fatalf("entry %d: %v", entry.Head.GetSeq(), err)
		}
		seqs = append(seqs, entry.Head.GetSeq())
	}
	return seqs
}

// recordName names a record.
type recordName struct {
	Kind merge.Kind
	ID   string
}

// subjects reads the journal: which entries are about which record, and which name a record of no kind that the server knew.
func (w *world) subjects() (of map[recordName][]uint64, unread map[string][]uint64, nameless []uint64) {
	of, unread = map[recordName][]uint64{}, map[string][]uint64{}
	for encoded, err := range w.Journal(context.Background(), site, 1) {
		if err != nil {
			w.t.Fatal(err)
		}
		head, content, _, err := journal.Open(encoded)
		if err != nil {
			w.t.Fatal(err)
		}
		m := new(roundsv1.Mutation)
		switch ref := head.GetRecord(); {
		case ref != nil:
			name := recordName{Kind: merge.Kind(ref.GetKind()), ID: ref.GetId()}
			of[name] = append(of[name], head.GetSeq())
		case proto.Unmarshal(content, m) == nil && len(m.GetRecordId()) == 36:
			unread[m.GetRecordId()] = append(unread[m.GetRecordId()], head.GetSeq())
		default:
			nameless = append(nameless, head.GetSeq())
		}
	}
	return of, unread, nameless
}

// wantHistories holds the histories of all records together against the journal.
func (w *world) wantHistories(random *rand.Rand) {
	w.t.Helper()
	of, unread, nameless := w.subjects()
	for id := range unread {
		for _, kind := range []merge.Kind{"ticket", "comment"} {
			if name := (recordName{Kind: kind, ID: id}); of[name] == nil {
				of[name] = nil
			}
		}
	}
	told := map[uint64]bool{}
	for name, want := range of {
		want = slices.Sorted(slices.Values(slices.Concat(want, unread[name.ID])))
		got := w.history(name.Kind, name.ID, engine.HistorySpan{})
		if !slices.Equal(got, want) {
			w.t.Fatalf("history of %v: %v, want %v", name, got, want)
		}
		for _, seq := range got {
			told[seq] = true
		}
		back := w.history(name.Kind, name.ID, engine.HistorySpan{Reverse: true})
		if slices.Reverse(back); !slices.Equal(back, want) {
			w.t.Fatalf("history of %v, backwards: %v, want %v", name, back, want)
		}
		if random == nil || len(want) == 0 {
			continue
		}
		last := want[len(want)-1] + 2
		from, to := random.Uint64N(last), random.Uint64N(last)
		part := slices.DeleteFunc(slices.Clone(want), func(seq uint64) bool { return seq < from || to != 0 && seq >= to })
		span := engine.HistorySpan{From: journal.Seq(from), To: journal.Seq(to), Reverse: random.IntN(2) == 0}
		got = w.history(name.Kind, name.ID, span)
		if span.Reverse {
			slices.Reverse(got)
		}
		if !slices.Equal(got, part) {
			w.t.Fatalf("history of %v within %+v: %v, want %v", name, span, got, part)
		}
		for _, one := range []uint64{1 + random.Uint64N(last), want[random.IntN(len(want))]} {
			span := engine.HistorySpan{From: journal.Seq(one), To: journal.Seq(one + 1)}
			if got, part := w.history(name.Kind, name.ID, span), slices.Contains(want, one); part != slices.Equal(got, []uint64{one}) || !part && len(got) > 0 {
				w.t.Fatalf("entry %d of %v: %v, want it: %v", one, name, got, part)
			}
		}
	}
	// Those of some together, one of them named twice.
	for range 4 {
		var refs []*roundsv1.RecordRef
		var want []uint64
		for name, own := range of {
			if random == nil || random.IntN(2) == 0 {
				ref := &roundsv1.RecordRef{Kind: string(name.Kind), Id: name.ID}
				refs, want = append(refs, ref, ref)[:len(refs)+1+len(refs)%2], append(append(want, own...), unread[name.ID]...)
			}
		}
		span := engine.HistorySpan{Reverse: random != nil && random.IntN(2) == 0}
		if len(want) > 0 && random != nil {
			span.From = journal.Seq(random.Uint64N(20))
		}
		slices.Sort(want)
		want = slices.DeleteFunc(slices.Compact(want), func(seq uint64) bool { return seq < uint64(span.From) })
		var got []uint64
		for entry, err := range w.Histories(context.Background(), site, refs, span) {
			if err != nil {
				w.t.Fatal(err)
			}
			got = append(got, entry.Head.GetSeq())
		}
		if span.Reverse {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) {
			w.t.Fatalf("histories of %v within %+v: %v, want %v", refs, span, got, want)
		}
	}
	end, _, err := w.Head(context.Background(), site)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(told)+len(nameless) != int(end) {
		w.t.Fatalf("%d entries are in a history, %d name no record, the journal has %d", len(told), len(nameless), end)
	}
}

// The histories of all records together are the journal, whatever was sent, and however far the history table is.
func TestHistoriesTogetherAreTheJournal(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		ctx := context.Background()
		random := rand.New(rand.NewPCG(4, 44))
		w := newWorld(t, s)
		a, b := w.phone("a"), w.phone("b")
		for round := range 4 {
			for range 25 {
				p := []*phone{a, b}[random.IntN(2)]
				n := random.IntN(12)
				switch random.IntN(9) {
				case 0:
					p.do(site, id(n), create(&roundsv1.Ticket{Title: "t", ContactPhone: fmt.Sprint(n)}))
				case 1:
					p.do(site, id(n), edit(&roundsv1.Ticket{ContactPhone: fmt.Sprint(random.IntN(9))}, 15))
				case 2:
					p.do(site, id(n), reading(random.IntN(1000)))
				case 3:
					p.do(site, id(n), cancel())
				case 4:
					p.queue(site, []byte{0xff})
				case 5:
					p.queue(site, unknownAct(t, id(n)))
				case 6:
					p.do(site, id(700+n), create(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED})) // refused
				case 7:
					p.do(site, id(n), delete_())
				default:
					p.do(site, id(n), title(fmt.Sprint("round ", round)))
				}
			}
			a.sync()
			b.sync()
			if _, err := w.Act(ctx, a.caller(), site, []engine.DeskAct{{ID: engine.ActID(id(5000 + round)), RecordID: merge.RecordID(id(round)), Edit: title("desk")}}); err != nil {
				t.Fatal(err)
			}
			if err := w.Write(ctx, site, writes(engine.Derived{RecordID: merge.RecordID(id(800 + round)), Edit: create(&roundsv1.Ticket{Title: "of the server"})})); err != nil {
				t.Fatal(err)
			}
			if err := w.Evict(ctx, site, "ticket", merge.RecordID(id(800+round))); err != nil {
				t.Fatal(err)
			}
			if round == 1 {
				if _, err := w.Maintain(ctx, site); err != nil {
					t.Fatal(err)
				}
			}
			if round%2 == 1 { // once with nothing left to the journal, once with some
				w.wantHistories(random)
			}
		}
		if err := w.Redact(ctx, site, "ticket", merge.RecordID(id(1)), []uint32{1, 15}, "law"); err != nil {
			t.Fatal(err)
		}
		// What was removed with unreadable content in it is told of all the same, so it is counted by what History says.
		gone := 0
		for entry, err := range w.History(ctx, site, "ticket", merge.RecordID(id(1)), engine.HistorySpan{}) {
			if err != nil {
				t.Fatal(err)
			}
			if journal.Redacted(entry.Head, entry.Content) {
				if gone++; entry.Content != nil {
					t.Fatalf("entry %d has a content of %d bytes", entry.Head.GetSeq(), len(entry.Content))
				}
			}
		}
		_, redacted := w.reasons()
		if gone != redacted || gone == 0 {
			t.Fatalf("%d entries of the history were redacted, %d in the journal", gone, redacted)
		}
	})
}

// unknownAct is a mutation of a newer app.
func unknownAct(t *testing.T, id string) []byte {
	t.Helper()
	m, err := proto.Marshal(&roundsv1.Mutation{RecordId: id, Clock: &roundsv1.Clock{WallUs: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return append(m, 0x82, 0x7d, 0x01, 0x78)
}

// A history longer than a page comes page by page, of what the table has and of what it does not have yet.
func TestHistoryOfAnOldTicket(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		a := w.phone("a")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		for n := range 449 {
			a.do(site, id(1+n%3/2), title(fmt.Sprint(n))) // two thirds about the one, a third about another
		}
		a.sync()
		random := rand.New(rand.NewPCG(1, 1))
		w.wantHistories(random)
		for range 100 {
			a.do(site, id(1), title("more"))
		}
		a.sync()
		w.wantHistories(random)
		n := 0
		for _, err := range w.History(context.Background(), site, "ticket", merge.RecordID(id(1)), engine.HistorySpan{Reverse: true}) {
			if n++; err != nil || n == 3 {
				break // nobody has to read to the end
			}
		}
		for _, bad := range []struct {
			scope store.Scope
			kind  merge.Kind
			id    string
		}{{"site/x", "ticket", id(1)}, {site, "", id(1)}, {site, "ticket", "x"}} {
			for _, err := range w.History(context.Background(), bad.scope, bad.kind, merge.RecordID(bad.id), engine.HistorySpan{}) {
				if kindOf(err) != engine.Invalid {
					t.Fatalf("%v: %v", bad, err)
				}
			}
		}
		for entry, err := range w.History(context.Background(), "site/"+store.Scope(id(55)), "ticket", merge.RecordID(id(1)), engine.HistorySpan{}) {
			t.Fatalf("of a scope that is not: %v, %v", entry, err)
		}
	})
}

// lastRelease is a scope as the release before the history table left it.
func lastRelease(t *testing.T, cfg memstore.Config) *memstore.Store {
	t.Helper()
	text, err := os.ReadFile("testdata/before-histories.hex")
	if err != nil {
		t.Fatal(err)
	}
	s := memstore.New(memstore.Config{})
	err = s.Update(context.Background(), site, func(w store.Writer) error {
		for line := range bytes.Lines(text) {
			key, value, ok := strings.Cut(strings.TrimSpace(string(line)), " ")
			k, err := hex.DecodeString(key)
			if err != nil || !ok {
				continue // the words above it
			}
			v, err := hex.DecodeString(value)
			if err != nil {
				return err
			}
			if err := w.Set(k, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.CloneWith(cfg)
}

func TestAScopeOfTheLastReleaseHasItsHistories(t *testing.T) {
	w := newWorld(t, lastRelease(t, memstore.Config{Paranoid: true}))
	a := w.phone("a")
	w.phone("b")
	if heads := w.audit(site); len(heads) != 27 {
		t.Fatalf("%d entries", len(heads))
	}
	if got := w.history("ticket", id(4), engine.HistorySpan{}); !slices.Equal(got, []uint64{8}) {
		t.Fatalf("of a record that never came to be: %v", got)
	}
	w.wantHistories(nil)
	act := []engine.DeskAct{{ID: engine.ActID(id(100)), RecordID: merge.RecordID(id(1)), Base: 27, Edit: title("today")}}
	if outcomes, err := w.Act(context.Background(), a.caller(), site, act); err != nil || outcomes[0].GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		t.Fatalf("%v, %v", outcomes, err)
	}
	if page, err := w.Changes(context.Background(), site, engine.Position{}, engine.ChangesLimits{}); err != nil || len(page.Changes) != 7 || page.Position.Seq != 28 {
		t.Fatalf("%v, %v", page, err)
	}
	w.wantHistories(nil)
}

// Filling the histories of an older release is interrupted at every step, and somebody writes between.
func TestP10HistoriesAreFilledWhateverFails(t *testing.T) {
	old := newWorld(t, newMemory())
	p := old.phone("a")
	for n := range 300 {
		p.do(site, id(1+n), create(&roundsv1.Ticket{Title: "t"}))
	}
	for n := range 2100 { // more than one step
		p.do(site, id(1+n%300), title(fmt.Sprint(n)))
		if n%900 == 0 {
			p.sync()
		}
	}
	p.sync()
	memory := old.store.(*memstore.Store)
	struckAt := 0
	for _, fault := range []memstore.Fault{memstore.CrashBefore, memstore.CrashAfter, memstore.ReplyLost, memstore.Fail} {
		for n := uint64(1); ; n += 1 + n/4 {
			struck, start := false, memory.Steps()
			w := &world{t: t, clock: newClock(), access: newAccess()}
			w.store = memory.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
				if op.N != start+n {
					return memstore.None
				}
				struck = true
				return fault
			}})
			w.phone("a")
			w.open()
			for _, err := range w.History(context.Background(), site, "ticket", merge.RecordID(id(2)), engine.HistorySpan{}) {
				if err != nil && !struck {
					t.Fatal(err)
				}
			}
			if !struck {
				break
			}
			struckAt++
			w.store = w.store.(*memstore.Store).Crash().CloneWith(memstore.Config{})
			w.open()
			if err := w.Write(context.Background(), site, writes(engine.Derived{RecordID: merge.RecordID(id(2)), Edit: title("between")})); err != nil {
				t.Fatal(err)
			}
			end, _, err := w.Head(context.Background(), site)
			if err != nil {
				t.Fatal(err)
			}
			got := w.history("ticket", id(2), engine.HistorySpan{})
			if len(got) != 9 || got[len(got)-1] != uint64(end) {
				t.Fatalf("%v at step %d: %d entries through %d of %d", fault, n, len(got), got[len(got)-1], end)
			}
		}
	}
	if struckAt < 30 {
		t.Fatalf("only %d faults struck", struckAt)
	}
}
