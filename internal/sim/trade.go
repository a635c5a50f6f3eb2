package sim

import (
	"slices"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// trade is what the organisation of every history shares: categories that ask for this and that, a checklist in two versions, and the settings that every site
// begins with.
type trade struct{}

var (
	_ work.Reference = trade{}
	_ promises.Trade = trade{}
)

// walkList is the series of the checklist that rounds are walked with.
const walkList = "0199c0de-0000-7000-8000-00000000aaaa"

// gearList is the series of the checklist that tickets of gear are worked through with.
const gearList = "0199c0de-0000-7000-8000-00000000bbbb"

// gear is that checklist, made once: an item that passes or fails, and a reading with limits. A failure needs its photo and its note.
var gear = sync.OnceValue(func() *roundsv1.Checklist {
	low, high, greatest := 1.0, 4.0, 100.0
	return &roundsv1.Checklist{SeriesId: gearList, Version: 1, Published: true, Items: []*roundsv1.ChecklistItem{{Id: "g1", Weight: 1},
		{Id: "g2", Weight: 1, Unit: "bar", Low: &low, High: &high, Greatest: &greatest}}}
})

// lists are the versions of the checklist that rounds are walked with, made once; the last is the newest.
var lists = sync.OnceValue(func() []*roundsv1.Checklist {
	low, high, greatest := 1.0, 4.0, 100.0
	tag := &roundsv1.ChecklistItem{Id: "i1", Weight: 2, RedLine: true, FailWithoutPhoto: true, CategoryId: "pipe"}
	gauge := &roundsv1.ChecklistItem{Id: "i2", Weight: 1, Unit: "bar", Low: &low, High: &high, Greatest: &greatest, FailWithoutPhoto: true, FailWithoutNote: true}
	return []*roundsv1.Checklist{
		{SeriesId: walkList, Version: 2, Published: true, Items: []*roundsv1.ChecklistItem{{Id: "i1", Weight: 5, FailWithoutPhoto: true}, gauge}},
		{SeriesId: walkList, Version: 3, Published: true, Items: []*roundsv1.ChecklistItem{tag, gauge, {Id: "i3", Weight: 3, CategoryId: "lamp"},
			{Id: "i4", Weight: 1, OptionalItem: true, FailWithoutPhoto: true, FailWithoutNote: true}}},
	}
})

// asked are the categories and what they ask for. Triage names others now and then.
var asked = sync.OnceValue(func() map[string]*roundsv1.Category {
	return map[string]*roundsv1.Category{"lamp": {AfterPhotos: 1}, "pipe": {AfterPhotos: 2, LiveCamera: true}, "dirt": {AfterPhotos: 1, BeforePhoto: true}, "word": {},
		"gear": {AfterPhotos: 1, ChecklistId: gearList}}
})

// categories are the names of those that are chosen, the usual ones the more often.
func categories() []string {
	return []string{"lamp", "lamp", "gear", "gear", "gear", "pipe", "dirt", "word"}
}

// Category implements work.Reference.
func (trade) Category(_ store.Scope, id merge.RecordID) *roundsv1.Category {
	return asked()[string(id)]
}

// Checklist implements work.Reference.
func (trade) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	all := lists()
	switch series {
	case gearList:
		all = []*roundsv1.Checklist{gear()}
	case walkList:
	default:
		return nil
	}
	if version == 0 {
		return all[len(all)-1]
	}
	for _, list := range all {
		if list.GetVersion() == version {
			return list
		}
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
