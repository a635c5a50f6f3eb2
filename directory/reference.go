package directory

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// ReferenceConfig is what a Reference is made of.
type ReferenceConfig struct {
	// Tree of the organisation.
	Tree Tree
	// Log hears of settings that cannot be read. Default: nothing is logged.
	Log *slog.Logger
}

// Reference is the work.Reference of a server: it holds in memory what the rules of the trade ask about: categories, checklists, calendars, and the settings of units and sites. It never
// reads the store while it is asked, so it may be asked from within a transaction, and may be behind the store by the moment that Run takes to follow.
// Its methods may be called from any number of goroutines.
type Reference struct {
	tree Tree
	log  *slog.Logger

	mu       sync.RWMutex // guards what follows; nothing is waited for while it is held
	records  Records      // nil until Load
	orgs     map[store.Scope]*shared
	begun    uint64 // how often reading an organisation was begun
	sites    map[store.Scope]*siteState
	policies map[store.Scope]*inherited
	dirty    map[store.Scope]bool
	told     map[string]bool // faults that were logged

	woken chan struct{}
}

// shared is what one organisation shares, at a moment. It is not changed once made.
type shared struct {
	begun      uint64 // the number of its reading
	records    map[listedRecord]*roundsv1.Record
	versions   map[listedRecord]uint64
	checklists map[string][]*roundsv1.Checklist // by series, by ascending version
	calendars  map[string]calendar.Calendar
	units      map[string]*roundsv1.Unit
}

type listedRecord struct{ kind, id string }

// siteState is a site's own record at a moment.
type siteState struct {
	version uint64
	site    *roundsv1.Site
}

// inherited is a policy with what it was made of. It holds for as long as these are what stands.
type inherited struct {
	layers []Layer
	policy policy.Policy
}

// Layer is what one node of the organisation sets.
type Layer struct {
	// Node that sets it.
	Node string
	// Settings by key; not to be changed.
	Settings map[string]string
	// TimeZone of a site's own record; empty for units.
	TimeZone string

	source any // the message that it is of: a *Unit or a *Site, which is replaced and never changed
}

// NewReference returns a Reference that knows nothing yet: Load makes it ready.
func NewReference(cfg ReferenceConfig) *Reference {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Reference{tree: cfg.Tree, log: cfg.Log, orgs: map[store.Scope]*shared{}, sites: map[store.Scope]*siteState{},
		policies: map[store.Scope]*inherited{}, dirty: map[store.Scope]bool{}, told: map[string]bool{}, woken: make(chan struct{}, 1)}
}

// Load reads the scopes of organisations and sites among those given, and takes records as what Run follows. Call it before anything is judged.
func (r *Reference) Load(ctx context.Context, records Records, scopes []store.Scope) error {
	r.mu.Lock()
	r.records = records
	r.mu.Unlock()
	for _, scope := range scopes {
		if err := r.Refresh(ctx, scope); err != nil {
			return err
		}
	}
	return nil
}

// Changed hints that a scope has changed. It never blocks, so it may be called from a scope's commits.
func (r *Reference) Changed(scope store.Scope) {
	if !follows(scope) {
		return
	}
	r.mu.Lock()
	r.dirty[scope] = true
	r.mu.Unlock()
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// follows: whether a scope holds anything that the Reference keeps.
func follows(scope store.Scope) bool {
	return strings.HasPrefix(string(scope), "org/") || strings.HasPrefix(string(scope), "site/")
}

// Run follows what Changed hinted at, until ctx ends.
func (r *Reference) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.woken:
		}
		for scope, ok := r.next(); ok && ctx.Err() == nil; scope, ok = r.next() {
			if err := r.Refresh(ctx, scope); err != nil && ctx.Err() == nil {
				r.log.ErrorContext(ctx, "directory: a scope cannot be read", "scope", string(scope), "error", err)
			}
		}
	}
}

func (r *Reference) next() (store.Scope, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for scope := range r.dirty {
		delete(r.dirty, scope)
		return scope, r.records != nil
	}
	return "", false
}

// Refresh reads a scope now, so that what was committed before the call is known after it. It must not be called from within a transaction.
func (r *Reference) Refresh(ctx context.Context, scope store.Scope) error {
	r.mu.RLock()
	records := r.records
	r.mu.RUnlock()
	switch {
	case records == nil || !follows(scope):
		return nil
	case strings.HasPrefix(string(scope), "org/"):
		return r.refreshShared(ctx, records, scope)
	}
	change, err := records.Record(ctx, scope, KindSite, merge.RecordID(nodeOf(scope)))
	if err != nil {
		return err
	}
	state := &siteState{version: change.GetVersion()}
	if !change.GetDeleted() {
		state.site = change.GetRecord().GetSite()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if have := r.sites[scope]; change != nil && (have == nil || have.version < state.version) {
		r.sites[scope] = state
	}
	return nil
}

// refreshShared reads what changed of an organisation's shared records. Where several read at once, what began to be read last stands: it has all that the others were called for.
func (r *Reference) refreshShared(ctx context.Context, records Records, scope store.Scope) error {
	r.mu.Lock()
	r.begun++
	after := &shared{begun: r.begun, records: map[listedRecord]*roundsv1.Record{}, versions: map[listedRecord]uint64{}}
	before := r.orgs[scope]
	r.mu.Unlock()
	for e, err := range records.Find(ctx, scope, indexName, store.Span{}) {
		if err != nil {
			return err
		}
		one, ok := readEntry(e)
		if !ok {
			continue
		}
		name := listedRecord{string(one.kind), one.id}
		if before != nil && before.versions[name] == one.version {
			after.records[name], after.versions[name] = before.records[name], one.version
			continue
		}
		change, err := records.Record(ctx, scope, one.kind, merge.RecordID(one.id))
		switch {
		case err != nil:
			return err
		case change == nil || change.GetDeleted():
		default:
			after.records[name], after.versions[name] = change.GetRecord(), change.GetVersion()
		}
	}
	after.sort()
	r.mu.Lock()
	defer r.mu.Unlock()
	if have := r.orgs[scope]; have == nil || have.begun < after.begun {
		r.orgs[scope] = after
	}
	return nil
}

// sort makes the ways to look records up.
func (s *shared) sort() {
	s.checklists, s.calendars, s.units = map[string][]*roundsv1.Checklist{}, map[string]calendar.Calendar{}, map[string]*roundsv1.Unit{}
	for name, record := range s.records {
		switch of := record.GetKind().(type) {
		case *roundsv1.Record_Checklist:
			series := of.Checklist.GetSeriesId()
			if series == "" {
				series = name.id // from before there were series
			}
			s.checklists[series] = append(s.checklists[series], of.Checklist)
		case *roundsv1.Record_Calendar:
			s.calendars[of.Calendar.GetCode()] = calendarOf(of.Calendar)
		case *roundsv1.Record_Unit:
			s.units[name.id] = of.Unit
		}
	}
	for _, versions := range s.checklists {
		slices.SortFunc(versions, func(a, b *roundsv1.Checklist) int { return int(a.GetVersion()) - int(b.GetVersion()) })
	}
}

// shared returns what the organisation of a scope shares; nil where nothing is known.
func (r *Reference) shared(scope store.Scope) *shared {
	org, ok := r.tree.Organisation(scope)
	if !ok {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.orgs[org]
}

// Category implements work.Reference.
func (r *Reference) Category(scope store.Scope, id merge.RecordID) *roundsv1.Category {
	if s := r.shared(scope); s != nil {
		return s.records[listedRecord{string(KindCategory), string(id)}].GetCategory()
	}
	return nil
}

// Checklist implements work.Reference. The id of a single version is taken for its series, too, as categories from before there were series have it.
func (r *Reference) Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist {
	s := r.shared(scope)
	if s == nil {
		return nil
	}
	versions := s.checklists[series]
	if version == 0 {
		for _, one := range slices.Backward(versions) {
			if one.GetPublished() {
				return one
			}
		}
		return nil
	}
	for _, one := range versions {
		if one.GetVersion() == version {
			return one
		}
	}
	return nil
}

// Calendar implements work.Reference.
func (r *Reference) Calendar(scope store.Scope, code string) calendar.Calendar {
	if s := r.shared(scope); s != nil {
		if c, ok := s.calendars[code]; ok {
			return c
		}
	}
	return calendar.China()
}

// Layers are what the nodes from the group down to the node of a scope set, as far as they set anything.
func (r *Reference) Layers(scope store.Scope) []Layer {
	node := nodeOf(scope)
	path := r.tree.Path(node)
	s := r.shared(scope)
	var layers []Layer
	for _, id := range path {
		if s != nil {
			if unit := s.units[id]; len(unit.GetPolicy()) > 0 {
				layers = append(layers, Layer{Node: id, Settings: unit.GetPolicy(), source: unit})
			}
		}
		if id != node {
			continue
		}
		r.mu.RLock()
		state := r.sites[SiteScope(id)]
		r.mu.RUnlock()
		if state != nil && (len(state.site.GetPolicy()) > 0 || state.site.GetTimeZone() != "") {
			layers = append(layers, Layer{Node: id, Settings: state.site.GetPolicy(), TimeZone: state.site.GetTimeZone(), source: state.site})
		}
	}
	return layers
}

// Policy implements work.Reference. A setting that cannot be read does not count, and is logged once; see Faults.
func (r *Reference) Policy(scope store.Scope) policy.Policy {
	layers := r.Layers(scope)
	r.mu.RLock()
	have := r.policies[scope]
	r.mu.RUnlock()
	if have != nil && slices.EqualFunc(have.layers, layers, sameLayer) {
		return have.policy
	}
	made, faults := effective(layers)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policies[scope] = &inherited{layers: layers, policy: made}
	for _, f := range faults {
		if key := f.Node + "\x00" + f.Key + "\x00" + f.Value; !r.told[key] {
			r.told[key] = true
			r.log.Warn("a setting cannot be read and does not count", "node", f.Node, "key", f.Key, "wanted", f.Wanted)
		}
	}
	return made
}

// sameLayer: whether two layers are the same ones. Records are replaced, never changed, so it is enough to compare whose they are.
func sameLayer(a, b Layer) bool { return a.Node == b.Node && a.source == b.source }

// versions of a checklist, by its series, by ascending version.
func (r *Reference) versions(scope store.Scope, series string) []*roundsv1.Checklist {
	if s := r.shared(scope); s != nil {
		return s.checklists[series]
	}
	return nil
}
