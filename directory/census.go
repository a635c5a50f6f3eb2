package directory

import (
	"context"
	"maps"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// census are the records of a scope's directory as they stand, each kind read once, and as they shall be. It is for one goroutine.
type census struct {
	keeper *Keeper
	scope  store.Scope
	read   map[merge.Kind][]stander
	// shall has records as they shall be, by their ids, where that differs from how they stand: nil for what goes.
	shall map[string]*roundsv1.Record
}

// stander is a record that stands.
type stander struct {
	code, id string
	record   *roundsv1.Record
}

func (k *Keeper) census(scope store.Scope) *census {
	return &census{keeper: k, scope: scope, read: map[merge.Kind][]stander{}, shall: map[string]*roundsv1.Record{}}
}

// of are the records of a kind as they stand.
func (c *census) of(ctx context.Context, kind merge.Kind) ([]stander, error) {
	if all, known := c.read[kind]; known {
		return all, nil
	}
	var all []stander
	for e, err := range c.keeper.cfg.Desk.Find(ctx, c.scope, indexName, store.Prefix(append([]byte(kind), 0))) {
		if err != nil {
			return nil, err
		}
		one, ok := readEntry(e)
		if !ok {
			continue
		}
		change, err := c.keeper.cfg.Desk.Record(ctx, c.scope, kind, merge.RecordID(one.id))
		if err != nil {
			return nil, err
		}
		if change != nil && !change.GetDeleted() {
			all = append(all, stander{one.code, one.id, change.GetRecord()})
		}
	}
	c.read[kind] = all
	return all, nil
}

// users names the records of a kind that use something, the first few.
func (c *census) users(ctx context.Context, kind merge.Kind, uses func(*roundsv1.Record) bool) ([]string, error) {
	stand, err := c.of(ctx, kind)
	if err != nil {
		return nil, err
	}
	var by []string
	seen := map[string]bool{}
	use := func(code, id string, record *roundsv1.Record) {
		if record == nil || !uses(record) {
			return
		}
		name := string(kind) + " " + label(code, id)
		if plan := record.GetPlan(); plan != nil {
			name = "plan " + label(plan.GetName().GetZh()+plan.GetName().GetEn(), id)
		}
		by = append(by, name)
	}
	for _, one := range stand {
		record, known := c.shall[one.id]
		if seen[one.id] = known; !known {
			record = one.record
		}
		if use(one.code, one.id, record); len(by) >= mostUses {
			return by, nil
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.shall)) { // what is made
		if of, ok := merge.KindOf(c.shall[id]); ok && of == kind && !seen[id] {
			use(CodeOf(c.shall[id]), id, c.shall[id])
		}
	}
	return by, nil
}
