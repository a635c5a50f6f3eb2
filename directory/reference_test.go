package directory_test

import (
	"context"
	"iter"
	"strconv"
	"sync"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

const root, site = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"

// small is a tree of a root and one site.
type small struct{}

func (small) Organisation(store.Scope) (store.Scope, bool) { return directory.OrgScope(root), true }

func (small) Path(node string) []string {
	if node == root {
		return []string{root}
	}
	return []string{root, node}
}

// shelf is a store of records as small as it can be.
type shelf struct {
	mu  sync.Mutex // guards all
	all map[string]*roundsv1.Change
}

func (s *shelf) put(id string, version uint64, record *roundsv1.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[id] = &roundsv1.Change{RecordId: id, Version: version, Record: record}
}

func (s *shelf) Record(_ context.Context, _ store.Scope, _ merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[string(id)], nil
}

func (s *shelf) Find(context.Context, store.Scope, engine.IndexName, store.Span) iter.Seq2[engine.IndexEntry, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []engine.IndexEntry
	for _, c := range s.all {
		if kind, _ := merge.KindOf(c.GetRecord()); kind != directory.KindSite {
			entries = append(entries, directory.Index{}.Entries(kind, c)...)
		}
	}
	return func(yield func(engine.IndexEntry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func unit(respond string) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: &roundsv1.Unit{Policy: map[string]string{"service.normal.respond": respond}}}}
}

func TestReferenceFollowsWhileItIsAsked(t *testing.T) {
	s := &shelf{all: map[string]*roundsv1.Change{}}
	r := directory.NewReference(directory.ReferenceConfig{Tree: small{}})
	org, at := directory.OrgScope(root), directory.SiteScope(site)
	s.put(root, 1, unit("1m"))
	s.put(site, 1, &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{TimeZone: "Asia/Tokyo"}}})
	if err := r.Load(t.Context(), s, []store.Scope{org, at}); err != nil {
		t.Fatal(err)
	}
	if p := r.Policy(at); p.Tiers[roundsv1.Priority_PRIORITY_NORMAL].Respond != time.Minute || p.TimeZone != "Asia/Tokyo" {
		t.Fatalf("policy %+v", p)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			last := time.Minute
			for range 200 {
				now := r.Policy(at).Tiers[roundsv1.Priority_PRIORITY_NORMAL].Respond
				if now < last {
					t.Errorf("from %v back to %v", last, now)
				}
				last = now
				r.Category(at, "x")
				r.Checklist(at, "x", 0)
				r.Calendar(at, "cn")
			}
		})
	}
	for v := range 50 {
		s.put(root, uint64(v+2), unit(strconv.Itoa(v+2)+"m"))
		r.Changed(org)
	}
	asking.Wait()
	stop()
	running.Wait()
	if err := r.Refresh(t.Context(), org); err != nil {
		t.Fatal(err)
	}
	if got := r.Policy(at).Tiers[roundsv1.Priority_PRIORITY_NORMAL].Respond; got != 51*time.Minute {
		t.Errorf("in the end %v", got)
	}
	s.put(root, 99, unit("soon"))
	if err := r.Refresh(t.Context(), org); err != nil {
		t.Fatal(err)
	}
	if faults := r.Faults(at); len(faults) != 1 || faults[0].Node != root || faults[0].Key != "service.normal.respond" || faults[0].Wanted == "" {
		t.Errorf("faults %+v", faults)
	}
	if got := r.Policy(at).Tiers[roundsv1.Priority_PRIORITY_NORMAL].Respond; got != 15*time.Minute {
		t.Errorf("a setting that cannot be read counts: %v", got)
	}
}

// stuck is a shelf of which one reading of the index stands still when it has read all.
type stuck struct {
	*shelf
	read, goOn chan struct{} // nil: none does
}

func (s *stuck) Find(ctx context.Context, scope store.Scope, name engine.IndexName, span store.Span) iter.Seq2[engine.IndexEntry, error] {
	entries, read, goOn := s.shelf.Find(ctx, scope, name, span), s.read, s.goOn
	s.read = nil
	return func(yield func(engine.IndexEntry, error) bool) {
		entries(yield)
		if read != nil {
			close(read)
			<-goOn
		}
	}
}

// TestWhatIsKnownStaysKnown: what was committed before a Refresh is known after it, and stays so when somebody who had read before it comes to an end later.
func TestWhatIsKnownStaysKnown(t *testing.T) {
	s := &stuck{shelf: &shelf{all: map[string]*roundsv1.Change{}}}
	r := directory.NewReference(directory.ReferenceConfig{Tree: small{}})
	org := directory.OrgScope(root)
	respond := func() time.Duration {
		return r.Policy(directory.SiteScope(site)).Tiers[roundsv1.Priority_PRIORITY_NORMAL].Respond
	}
	s.put(root, 1, unit("1m"))
	if err := r.Load(t.Context(), s, []store.Scope{org}); err != nil {
		t.Fatal(err)
	}
	s.put(root, 2, unit("2m"))
	read := make(chan struct{})
	s.read, s.goOn = read, make(chan struct{})
	slow := make(chan error, 1)
	go func() { slow <- r.Refresh(t.Context(), org) }()
	<-read

	s.put(root, 3, unit("3m"))
	if err := r.Refresh(t.Context(), org); err != nil {
		t.Fatal(err)
	}
	if got := respond(); got != 3*time.Minute {
		t.Errorf("after it was read: %v", got)
	}
	close(s.goOn)
	if err := <-slow; err != nil {
		t.Fatal(err)
	}
	if got := respond(); got != 3*time.Minute {
		t.Errorf("after another reading, which had begun before, ended: %v", got)
	}
}

func TestOnlyPublishedChecklistsAreTheNewest(t *testing.T) {
	s := &shelf{all: map[string]*roundsv1.Change{}}
	for version, published := range map[uint32]bool{1: true, 2: true, 3: false} {
		s.put(string(directory.ChecklistID("series", version)), uint64(version), &roundsv1.Record{Kind: &roundsv1.Record_Checklist{
			Checklist: &roundsv1.Checklist{SeriesId: "series", Version: version, Published: published}}})
	}
	r := directory.NewReference(directory.ReferenceConfig{Tree: small{}})
	if err := r.Load(t.Context(), s, []store.Scope{directory.OrgScope(root)}); err != nil {
		t.Fatal(err)
	}
	at := directory.SiteScope(site)
	if got := r.Checklist(at, "series", 0).GetVersion(); got != 2 {
		t.Errorf("the newest is %d", got)
	}
	if r.Checklist(at, "series", 3) == nil || r.Checklist(at, "series", 4) != nil || r.Checklist(at, "other", 0) != nil {
		t.Error("versions are not found as they are")
	}
}
