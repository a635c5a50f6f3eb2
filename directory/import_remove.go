package directory

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// removal is a row that takes a record away.
type removal struct {
	row    *row
	scope  store.Scope
	kind   merge.Kind
	before *roundsv1.Change
}

// censusOf is the census of a scope, with what this run makes and takes away.
func (r *run) censusOf(scope store.Scope) *census {
	if r.census[scope] == nil {
		r.census[scope] = r.Keeper.census(scope)
	}
	return r.census[scope]
}

// removes notes that a row takes a record away. Whether it may is asked when all rows are known: what uses it may be taken away or moved by another row.
func (r *row) removes(scope store.Scope, kind merge.Kind, before *roundsv1.Change) {
	if before == nil || before.GetDeleted() {
		r.status(roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED)
		return
	}
	r.censusOf(scope).shall[before.GetRecordId()] = nil
	r.removed = append(r.removed, &removal{r, scope, kind, before})
}

// remove queues the deletions that may be, and refuses the others as DeleteDirectory does.
func (r *run) remove() error {
	if err := r.gone(); err != nil {
		return err
	}
	why := func(one *removal) (*roundsv1.Problem, error) {
		return r.mayDelete(r.ctx, one.scope, one.kind, one.before.GetRecordId(), one.before.GetRecord(), r.censusOf(one.scope))
	}
	stays := map[*removal]bool{}
	for again := true; again; { // what stays uses others, and they stay as well
		again = false
		for _, one := range r.removed {
			if stays[one] {
				continue
			}
			p, err := why(one)
			if err != nil {
				return err
			}
			if p != nil {
				delete(r.censusOf(one.scope).shall, one.before.GetRecordId())
				stays[one], again = true, true
			}
		}
	}
	for one := range stays {
		p, err := why(one)
		if err != nil {
			return err
		}
		p.Field = "remove"
		one.row.refuse(p)
	}
	for _, one := range r.removed {
		if one.row.refused() {
			continue
		}
		one.row.status(roundsv1.ImportStatus_IMPORT_STATUS_CHANGED)
		one.row.changed("remove", "no")
		r.queue(one.scope, &pending{act: r.deletion(r.caller, one.kind, one.before, "import"), rows: []*row{one.row}})
	}
	return nil
}

// gone notes what earlier rows of a dry run take away.
func (r *run) gone() error {
	if !r.dry || len(r.removed) == 0 {
		return nil
	}
	kinds := map[roundsv1.ImportKind]merge.Kind{ofPlaces: KindPlace, ofAssets: KindAsset, ofPlans: KindPlan}
	for _, a := range r.going {
		kind, ok := kinds[a.GetKind()]
		site, found, err := (&row{run: r}).node(ofSites, strings.TrimSpace(a.GetSite()))
		if !ok || !found || err != nil {
			continue // no such site: the row itself was told
		}
		id, before, err := r.standing(SiteScope(site), kind, site, a.GetCode())
		if err != nil || before == nil {
			continue
		}
		r.censusOf(SiteScope(site)).shall[id] = nil
	}
	return nil
}
