package cli

import (
	"context"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// deviceReference is what the device has of the organisation, as the rules ask for it. A device that has none of it refuses nothing for want of it.
type deviceReference struct {
	categories map[string]*roundsv1.Category
	checklists map[string][]*roundsv1.Checklist // by series
	policies   map[store.Scope]policy.Policy
}

var _ work.Reference = (*deviceReference)(nil)

// reference reads what the device has.
func (s *session) reference(ctx context.Context) (*deviceReference, error) {
	r := &deviceReference{categories: map[string]*roundsv1.Category{}, checklists: map[string][]*roundsv1.Checklist{}, policies: map[store.Scope]policy.Policy{}}
	units, sites := map[string]*roundsv1.Unit{}, map[client.Scope]*roundsv1.Site{}
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		kinds := []merge.Kind{"category", "checklist", "unit"}
		if strings.HasPrefix(string(scope), "site/") {
			kinds = []merge.Kind{"site"}
		}
		for _, kind := range kinds {
			for v, err := range s.List(ctx, scope, kind) {
				if err != nil {
					return nil, err
				}
				switch one := v.Record; {
				case v.Deleted:
				case one.GetCategory() != nil:
					r.categories[string(v.ID)] = one.GetCategory()
				case one.GetChecklist() != nil:
					series := one.GetChecklist().GetSeriesId()
					if series == "" {
						series = string(v.ID)
					}
					r.checklists[series] = append(r.checklists[series], one.GetChecklist())
				case one.GetUnit() != nil:
					units[string(v.ID)] = one.GetUnit()
				case one.GetSite() != nil:
					sites[scope] = one.GetSite()
				}
			}
		}
	}
	for scope, site := range sites {
		r.policies[scope] = policyOf(site, units)
	}
	return r, nil
}

// policyOf is what counts at a site with what it inherits from the units above. A setting that cannot be read counts as not set.
func policyOf(site *roundsv1.Site, units map[string]*roundsv1.Unit) policy.Policy {
	layers := []map[string]string{site.GetPolicy()}
	seen := map[string]bool{}
	for id := site.GetUnitId(); units[id] != nil && !seen[id]; id = units[id].GetParentId() {
		seen[id] = true
		layers = append(layers, units[id].GetPolicy())
	}
	slices.Reverse(layers)
	p, _ := policy.Parse(layers...)
	if _, err := calendar.Zone(site.GetTimeZone()); site.GetTimeZone() != "" && err == nil {
		p.TimeZone = site.GetTimeZone()
	}
	return p
}

// Category implements work.Reference. Where the device has no categories at all, each is taken for one that is in use.
func (r *deviceReference) Category(_ store.Scope, id merge.RecordID) *roundsv1.Category {
	if len(r.categories) == 0 {
		return &roundsv1.Category{}
	}
	return r.categories[string(id)]
}

// Checklist implements work.Reference.
func (r *deviceReference) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	var newest *roundsv1.Checklist
	for _, list := range r.checklists[series] {
		if version != 0 && list.GetVersion() == version {
			return list
		}
		if version == 0 && list.GetPublished() && list.GetVersion() >= newest.GetVersion() {
			newest = list
		}
	}
	return newest
}

// Policy implements work.Reference.
func (r *deviceReference) Policy(scope store.Scope) policy.Policy {
	if p, ok := r.policies[scope]; ok {
		return p
	}
	return policy.Default()
}

// Calendar implements work.Reference: the device reckons no deadlines.
func (r *deviceReference) Calendar(store.Scope, string) calendar.Calendar { return calendar.Calendar{} }

// listOf is the checklist that a ticket or a round is answered with; nil where it has none, or the device does not have it.
func (r *deviceReference) listOf(v client.View) *roundsv1.Checklist {
	if i := v.Record.GetInspection(); i != nil {
		return r.list(v.Scope, i.GetChecklistId(), i.GetChecklistVersion())
	}
	need := v.Record.GetTicket().GetRequirements()
	return r.list(v.Scope, need.GetChecklistId(), need.GetChecklistVersion())
}

// list finds a checklist by its series, or by the id of a record of it.
func (r *deviceReference) list(scope client.Scope, series string, version uint32) *roundsv1.Checklist {
	if series == "" {
		return nil
	}
	return r.Checklist(scope, series, version)
}
