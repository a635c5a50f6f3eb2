package demo

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// lists are the categories and the checklists of the invented company, as a fresh device reads them: what its tickets and rounds are held against.
type lists struct {
	categories map[string]*roundsv1.Category
	checklists map[listVersion]*roundsv1.Checklist
	newest     map[string]uint32 // by series: the version that was published last
}

// listVersion is one version of a checklist.
type listVersion struct {
	series  string
	version uint32
}

var _ promises.Trade = lists{}

// listsOf reads the lists out of the records of all scopes.
func listsOf(scopes []promises.Scope) lists {
	l := lists{map[string]*roundsv1.Category{}, map[listVersion]*roundsv1.Checklist{}, map[string]uint32{}}
	for _, s := range scopes {
		for _, change := range s.Records {
			if c := change.GetRecord().GetCategory(); c != nil {
				l.categories[change.GetRecordId()] = c
			}
			if c := change.GetRecord().GetChecklist(); c != nil {
				l.checklists[listVersion{c.GetSeriesId(), c.GetVersion()}] = c
				if c.GetPublished() {
					l.newest[c.GetSeriesId()] = max(l.newest[c.GetSeriesId()], c.GetVersion())
				}
			}
		}
	}
	return l
}

// Category implements promises.Trade.
func (l lists) Category(_ store.Scope, id merge.RecordID) *roundsv1.Category {
	return l.categories[string(id)]
}

// Checklist implements promises.Trade.
func (l lists) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	if version == 0 {
		version = l.newest[series]
	}
	return l.checklists[listVersion{series, version}]
}
