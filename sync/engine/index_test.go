package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// words indexes tickets by their title and by their tags, and conflicts by their state. It knows nothing of other kinds.
type words struct{}

func (words) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	switch record := change.GetRecord(); kind {
	case "ticket":
		ticket := record.GetTicket()
		entries := []engine.IndexEntry{{Name: "title", Key: wordKey(ticket.GetTitle(), change.GetRecordId()), Value: []byte(ticket.GetState().String())}}
		for _, tag := range ticket.GetTags() {
			entries = append(entries, engine.IndexEntry{Name: "tag", Key: wordKey(tag, change.GetRecordId())})
		}
		return entries
	case "conflict":
		return []engine.IndexEntry{{Name: "state", Key: wordKey(record.GetConflict().GetState().String(), change.GetRecordId())}}
	}
	return nil
}

func wordKey(word, id string) []byte { return []byte(word + "\x00" + id) }

// indexFunc lets a test be the index.
type indexFunc func(merge.Kind, *roundsv1.Change) []engine.IndexEntry

func (f indexFunc) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	return f(kind, change)
}

// index opens an engine with an index of a version.
func (w *world) index(index engine.Index, version string) {
	w.t.Helper()
	w.open(func(c *engine.Config) { c.Index, c.IndexVersion = index, version })
}

// find returns an index's entries in a span, a line each.
func (w *world) find(name engine.IndexName, span store.Span) []string {
	w.t.Helper()
	var lines []string
	for entry, err := range w.Find(context.Background(), site, name, span) {
		if err != nil {
			w.t.Fatal(err)
		}
		if entry.Name != name {
			w.t.Fatalf("an entry of %q in %q", entry.Name, name)
		}
		lines = append(lines, line(entry))
	}
	return lines
}

func line(e engine.IndexEntry) string {
	return strings.ReplaceAll(fmt.Sprintf("%s=%s", e.Key, e.Value), "\x00", " ")
}

// wantIndexes compares the indexes with what the records, by their ids, put into them.
func (w *world) wantIndexes(names []engine.IndexName, ids map[string]merge.Kind) {
	w.t.Helper()
	want := map[engine.IndexName][]string{}
	for id, kind := range ids {
		change, err := w.Record(context.Background(), site, kind, merge.RecordID(id))
		if err != nil {
			w.t.Fatal(err)
		}
		if change == nil || change.GetDeleted() {
			continue
		}
		for _, e := range (words{}).Entries(kind, change) {
			want[e.Name] = append(want[e.Name], line(e))
		}
	}
	for _, name := range names {
		slices.Sort(want[name])
		if got := w.find(name, store.Span{}); !slices.Equal(got, want[name]) {
			w.t.Fatalf("index %s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want[name], "\n"))
		}
	}
}

func TestIndexesFollowTheirRecords(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		w.index(words{}, "1")
		a, b := w.phone("a"), w.phone("b")
		ids := map[string]merge.Kind{id(1): "ticket", id(2): "ticket", id(3): "ticket", id(4): "ticket"}
		names := []engine.IndexName{"title", "tag", "state"}
		want := func(step string, titles ...string) {
			t.Helper()
			w.wantIndexes(names, ids)
			var got []string
			for _, l := range w.find("title", store.Span{}) {
				got = append(got, strings.Fields(l)[0])
			}
			if !slices.Equal(got, titles) {
				t.Fatalf("%s: %v, want %v", step, got, titles)
			}
		}
		if got := w.find("title", store.Span{}); got != nil {
			t.Fatalf("of a scope that nobody wrote to: %v", got)
		}
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "pump", Tags: []string{"wet", "loud"}}))
		a.do(site, id(2), create(&roundsv1.Ticket{Title: "lift"}))
		a.sync()
		want("created", "lift", "pump")
		a.do(site, id(1), edit(&roundsv1.Ticket{Title: "valve", Tags: []string{"urgent"}}, 1, 11))
		a.do(site, id(1), title("window")) // twice in one transaction
		a.do(site, id(1), start())
		a.sync()
		want("edited", "lift", "window")
		if err := w.Evict(context.Background(), site, "ticket", merge.RecordID(id(1))); err != nil {
			t.Fatal(err)
		}
		want("evicted", "lift", "window")
		a.do(site, id(2), delete_())
		a.sync()
		want("deleted", "window")
		a.do(site, id(3), create(&roundsv1.Ticket{Title: "door"})) // not sent yet
		w.clock.pass(time.Hour)
		b.do(site, id(3), title("waited")) // quarantined until there is such a record
		b.sync()
		ids[b.outcome(site, 1).GetConflictId()] = "conflict"
		want("kept back", "window")
		a.sync()
		want("let in", "waited", "window")
		if err := w.Write(context.Background(), site, func(engine.View) ([]engine.Derived, error) {
			return []engine.Derived{{RecordID: merge.RecordID(id(3)), Edit: title("written")}, {RecordID: merge.RecordID(id(4)), Edit: create(&roundsv1.Ticket{Title: "made"})}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		want("written by the server", "made", "window", "written")
		if _, err := w.Maintain(context.Background(), site); err != nil {
			t.Fatal(err)
		}
		want("maintained", "made", "window", "written")
		w.audit(site)
	})
}

// numbered puts n entries of a ticket into an index, by their numbers.
func numbered(n int) indexFunc {
	return func(_ merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
		var entries []engine.IndexEntry
		for i := range n {
			key := fmt.Sprintf("%s %03d", change.GetRecordId()[24:], i)
			entries = append(entries, engine.IndexEntry{Name: "n", Key: []byte(key), Value: bytes.Repeat([]byte("v"), 8<<10)},
				engine.IndexEntry{Name: "n2", Key: []byte(key)})
		}
		return entries
	}
}

func TestFindVisitsASpanInOrder(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		w.index(numbered(100), "1")
		a := w.phone("a")
		var all []string
		for n := range 8 {
			a.do(site, id(n), create(&roundsv1.Ticket{Title: "t"}))
			for i := range 100 {
				all = append(all, fmt.Sprintf("%012x %03d", n, i))
			}
		}
		a.sync()
		keys := func(span store.Span) (keys []string) {
			var before []engine.IndexEntry
			for entry, err := range w.Find(context.Background(), site, "n", span) {
				if err != nil {
					t.Fatal(err)
				}
				before = append(before, entry)
			}
			for _, entry := range before { // looked at when all is read: the slices are ours
				keys = append(keys, string(entry.Key))
				if len(entry.Value) != 8<<10 || entry.Value[0] != 'v' {
					t.Fatalf("value of %s: %d bytes", entry.Key, len(entry.Value))
				}
			}
			return keys
		}
		for name, c := range map[string]struct {
			span store.Span
			want []string
		}{
			"all":       {store.Span{}, all},
			"from":      {store.Span{From: []byte(all[250])}, all[250:]},
			"to":        {store.Span{To: []byte(all[300])}, all[:300]},
			"between":   {store.Span{From: []byte(all[3]), To: []byte(all[500])}, all[3:500]},
			"a record":  {store.Prefix([]byte(all[300][:12])), all[300:400]},
			"none":      {store.Span{From: []byte(all[3]), To: []byte(all[3])}, nil},
			"to no key": {store.Span{To: []byte{}}, nil},
		} {
			if got := keys(c.span); !slices.Equal(got, c.want) {
				t.Errorf("%s: %d keys, want %d", name, len(got), len(c.want))
			}
			c.span.Reverse = true
			backwards := slices.Clone(c.want)
			slices.Reverse(backwards)
			if got := keys(c.span); !slices.Equal(got, backwards) {
				t.Errorf("%s, backwards: %d keys, want %d", name, len(got), len(c.want))
			}
		}
		for range w.Find(context.Background(), site, "n", store.Span{}) {
			break // who has seen enough may leave
		}
	})
}

// Who writes while somebody reads, and from within the reading, is not held up; what stands all the time is read once.
func TestFindWhileOthersWrite(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		w.index(words{}, "1")
		a := w.phone("a")
		const stand = 600
		for n := range stand {
			a.do(site, id(n), create(&roundsv1.Ticket{Title: fmt.Sprintf("%04d", 2*n)}))
		}
		a.sync()
		seen := map[string]int{}
		for entry, err := range w.Find(context.Background(), site, "title", store.Span{}) {
			if err != nil {
				t.Fatal(err)
			}
			word, _, _ := strings.Cut(string(entry.Key), "\x00")
			if seen[word]++; len(seen)%50 == 1 {
				n := 1000 + len(seen)
				a.do(site, id(n), create(&roundsv1.Ticket{Title: fmt.Sprintf("%04d", 2*(n%stand)+1)}))
				a.sync()
			}
		}
		for n := range stand {
			if seen[fmt.Sprintf("%04d", 2*n)] != 1 {
				t.Fatalf("%04d was visited %d times", 2*n, seen[fmt.Sprintf("%04d", 2*n)])
			}
		}
	})
}

func TestFindRefuses(t *testing.T) {
	w := newWorld(t, newMemory())
	find := func(ctx context.Context, scope store.Scope, name engine.IndexName) (err error) {
		for _, err = range w.Find(ctx, scope, name, store.Span{}) {
			break
		}
		return err
	}
	if err := find(context.Background(), site, "title"); kindOf(err) != engine.Internal || err == nil {
		t.Errorf("an engine without indexes: %v", err)
	}
	w.index(words{}, "1")
	for _, name := range []engine.IndexName{"", "a\x00b", engine.IndexName(strings.Repeat("n", engine.MaxIndexName+1))} {
		if err := find(context.Background(), site, name); kindOf(err) != engine.Invalid {
			t.Errorf("index %q: %v", name, err)
		}
	}
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	ended, end := context.WithCancel(context.Background())
	end()
	if err := find(ended, site, "title"); err == nil {
		t.Error("a context that has ended reads on")
	}
}

// What a stranger puts into a record must not block a lane, whatever the index makes of it.
func TestP6AnIndexThatFailsBlocksNobody(t *testing.T) {
	w := newWorld(t, newMemory())
	w.index(indexFunc(func(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
		entries := words{}.Entries(kind, change)
		switch change.GetRecord().GetTicket().GetTitle() {
		case "panic":
			panic("a title that nobody thought of")
		case "long":
			entries = append(entries, engine.IndexEntry{Name: "title", Key: make([]byte, engine.MaxIndexKey+1)},
				engine.IndexEntry{Name: "title", Key: []byte("v"), Value: make([]byte, engine.MaxIndexValue+1)},
				engine.IndexEntry{Name: "a\x00", Key: []byte("n")}, engine.IndexEntry{Name: "title", Key: make([]byte, engine.MaxIndexKey)})
		case "many":
			for n := range 2 * engine.MaxIndexEntries {
				entries = append(entries, engine.IndexEntry{Name: "many", Key: []byte(fmt.Sprint(n))})
			}
		}
		return entries
	}), "1")
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "first"}))
	a.sync()
	for _, words := range []string{"panic", "long", "many", "last"} {
		a.do(site, id(1), title(words))
		a.sync()
		switch words {
		case "panic":
			if got := w.find("title", store.Span{}); got != nil {
				t.Fatalf("an index that panics has %v", got)
			}
		case "long":
			if got := w.find("title", store.Span{}); len(got) != 2 {
				t.Fatalf("%d entries are within the limits", len(got))
			}
		case "many":
			if got := w.find("many", store.Span{}); len(got) != engine.MaxIndexEntries-1 {
				t.Fatalf("%d entries are within the limits", len(got))
			}
		}
	}
	if got := w.find("title", store.Span{}); len(got) != 1 || !strings.HasPrefix(got[0], "last") || w.find("many", store.Span{}) != nil {
		t.Fatalf("P6: in the end %v", got)
	}
}

// A random history, with crashes, with changes of the index's version and with engines that have none, ends in the indexes that the records say.
func TestIndexesOfARandomHistory(t *testing.T) {
	for seed := range uint64(indexSeeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomHistory(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func randomHistory(t *testing.T, random *rand.Rand) {
	memory := memstore.New(memstore.Config{Paranoid: true})
	w := newWorld(t, memory)
	version := 1
	w.index(words{}, "1")
	a := w.phone("a")
	ids := map[string]merge.Kind{}
	word := func() string { return string(rune('a' + random.IntN(6))) }
	for range 60 {
		n := random.IntN(40)
		switch draw := random.IntN(20); {
		case draw < 6:
			a.do(site, id(n), create(&roundsv1.Ticket{Title: word(), Tags: []string{word(), word()}}))
			ids[id(n)] = "ticket"
		case draw < 11:
			a.do(site, id(n), edit(&roundsv1.Ticket{Title: word(), Tags: []string{word()}}, 1, 11))
		case draw < 12:
			a.do(site, id(n), delete_())
		case draw < 13:
			if err := w.Evict(context.Background(), site, "ticket", merge.RecordID(id(n))); err != nil {
				t.Fatal(err)
			}
		case draw < 15:
			if err := w.Write(context.Background(), site, func(v engine.View) ([]engine.Derived, error) {
				if have, err := v.Get("ticket", merge.RecordID(id(n))); have == nil || have.GetDeleted() {
					return nil, err
				}
				return []engine.Derived{{RecordID: merge.RecordID(id(n)), Edit: title(word())}}, nil
			}); err != nil {
				t.Fatal(err)
			}
		case draw < 16:
			memory = memory.Crash()
			w.store = memory
			w.index(words{}, fmt.Sprint(version))
		case draw < 17:
			version++
			w.index(words{}, fmt.Sprint(version))
		case draw < 18:
			w.open() // without indexes
			a.do(site, id(n), title(word()))
			a.sync()
			w.index(words{}, fmt.Sprint(version))
		case draw < 19:
			w.find("tag", store.Span{})
		default:
			a.sync()
		}
	}
	a.sync()
	for seq := range a.lane(site).contents {
		if conflict := a.outcome(site, uint64(seq+1)).GetConflictId(); conflict != "" {
			ids[conflict] = "conflict"
		}
	}
	names := []engine.IndexName{"title", "tag", "state"}
	w.wantIndexes(names, ids)
	w.index(words{}, "built afresh")
	w.wantIndexes(names, ids)
	w.audit(site)
}

// onceEach are rules that keep a title to one ticket.
func onceEach(c engine.Case) engine.Verdict {
	wanted := c.Mutation.GetEdit().GetRecord().GetTicket().GetTitle()
	for e, err := range c.Find("title", store.Prefix([]byte(wanted+"\x00"))) {
		if err != nil || !bytes.HasSuffix(e.Key, []byte(c.Mutation.GetRecordId())) {
			return engine.Verdict{Problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_STATE, Field: "title"}}
		}
	}
	return rules{}.Judge(c)
}

// TestRulesFindWhatTheirTransactionWrote: rules that keep a title to one ticket see the one that came just before in the same request, one whose title was changed there, and one that stood.
func TestRulesFindWhatTheirTransactionWrote(t *testing.T) {
	onStores(t, func(t *testing.T, s store.Store) {
		w := newWorld(t, s)
		w.open(func(cfg *engine.Config) {
			cfg.Index, cfg.IndexVersion, cfg.Rules = words{}, "1", judgeFunc(onceEach)
		})

		a := w.phone("a")
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "pump"}))
		a.do(site, id(2), create(&roundsv1.Ticket{Title: "pump"}))
		a.do(site, id(1), title("valve"))
		a.do(site, id(3), create(&roundsv1.Ticket{Title: "pump"}))
		a.do(site, id(4), create(&roundsv1.Ticket{Title: "valve"}))
		a.sync()
		a.do(site, id(5), create(&roundsv1.Ticket{Title: "pump"}))
		a.sync()
		var got []string
		for seq := range uint64(6) {
			got = append(got, a.status(seq+1))
		}
		if want := "[APPLIED REJECTED APPLIED APPLIED REJECTED REJECTED]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
		w.wantIndexes([]engine.IndexName{"title", "tag"}, map[string]merge.Kind{id(1): "ticket", id(3): "ticket"})
		w.audit(site)
	})
}
