package server

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// index is what one part of the server wants indexed, and under which version.
type index struct {
	of      engine.Index
	version string
}

// indexes are those of all parts. Their names differ.
func indexes() []index {
	return []index{{evidence.Index{}, evidence.IndexVersion}, {directory.Index{}, directory.IndexVersion}, {schedule.Index{}, schedule.IndexVersion}, {export.Index{}, export.IndexVersion}}
}

// version names the versions of all: when one changes, all indexes are made anew.
func version(all []index) string {
	versions := make([]string, len(all))
	for i, one := range all {
		versions[i] = one.version
	}
	return strings.Join(versions, ", ")
}

// Index is what a server has indexed of the records, and under which version: for who opens an engine on a server's store.
func Index() (engine.Index, string) { return joined(indexes()), version(indexes()) }

// joined is the index of all parts.
type joined []index

var _ engine.Index = joined(nil)

// Entries implements engine.Index.
func (all joined) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	if len(all) == 1 {
		return all[0].of.Entries(kind, change)
	}
	var entries []engine.IndexEntry
	for _, one := range all {
		entries = append(entries, one.of.Entries(kind, change)...)
	}
	return entries
}
