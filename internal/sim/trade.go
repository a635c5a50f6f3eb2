package sim

import (
	"slices"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// trade is what the organisation of every history shares: three categories that ask for a photo, one checklist, and the settings that every site begins with.
type trade struct{}

var _ work.Reference = trade{}

// walkList is the series of the checklist that rounds are walked with.
const walkList = "0199c0de-0000-7000-8000-00000000aaaa"

// lists are the checklist that rounds are walked with, made once.
var lists = sync.OnceValue(func() *roundsv1.Checklist {
	low, high, greatest := 1.0, 4.0, 100.0
	return &roundsv1.Checklist{SeriesId: walkList, Version: 3, Published: true, Items: []*roundsv1.ChecklistItem{
		{Id: "i1", Weight: 2, RedLine: true, FailWithoutPhoto: true, CategoryId: "pipe"},
		{Id: "i2", Weight: 1, Unit: "bar", Low: &low, High: &high, Greatest: &greatest, FailWithoutPhoto: true, FailWithoutNote: true},
	}}
})

// categories are all there are. Triage names others now and then.
func categories() []string { return []string{"lamp", "pipe", "dirt"} }

// Category implements work.Reference.
func (trade) Category(_ store.Scope, id string) *roundsv1.Category {
	if !slices.Contains(categories(), id) {
		return nil
	}
	return &roundsv1.Category{AfterPhotos: 1}
}

// Checklist implements work.Reference.
func (trade) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	if list := lists(); series == walkList && (version == 0 || version == list.GetVersion()) {
		return list
	}
	return nil
}

// Policy implements work.Reference.
func (trade) Policy(store.Scope) policy.Policy { return policy.Default() }

// Calendar implements work.Reference.
func (trade) Calendar(store.Scope, string) calendar.Calendar { return calendar.Calendar{} }

// permitted are the roles that may do something, to all records or to what they reported.
var permitted = sync.OnceValue(func() map[work.Permission]bool {
	all := map[work.Permission]bool{}
	for _, p := range work.Permissions() {
		p.Own = false
		all[p] = true
	}
	return all
})

// may: whether a phone's person has the right to do something, as far as roles go.
func (p *phone) may(kind merge.Kind, op work.Operation) bool {
	return slices.ContainsFunc(p.w.access.roles[p.person], func(role roundsv1.Role) bool {
		return permitted()[work.Permission{Role: role, Kind: kind, Operation: op}]
	})
}
