package layout

import "strings"

// Rules is what Check holds a tree against. Patterns are folders from the root of the module, or import paths of others:
// "sync/merge" is that one package, "api/..." is api and all below it, "..." is everything.
type Rules struct {
	Module    string   // the module's path
	Table     []Row    // who may import whom
	Tests     []string // what the tests of every package may import, besides what their row says
	Clock     []string // packages that may read the machine's clock
	NoNames   []string // names that no package may have
	MaxLines  int      // of a file that is neither generated nor a test
	HalfWidth []string // whole strings that may have half-width marks beside Chinese characters
	Inside    []string // packages whose signatures are not looked at: what is generated, and what runs and proves the product
	Strings   []string // ids in exported signatures that are bare all the same: package, owner, name
}

// Row tells what the packages that For matches may import. Of several rows that match, the longest For counts, and an exact one
// before a pattern.
type Row struct {
	For   string
	May   []string // of our packages
	Tests []string // of our packages, in test files, besides May
	Never []string // of any packages, outside test files
}

// Table returns the rules of this project. A new package needs a row here: where it stands is decided before it is written.
func Table() Rules {
	const (
		api     = "api/..."
		merge   = "sync/merge"
		journal = "sync/journal"
		store   = "sync/store"
		stores  = "sync/store/..."
		engine  = "sync/engine"
	)
	everything := []string{"..."}
	return Rules{
		Module: "github.com/rounds-sync/rounds",
		Table: []Row{
			{For: api, May: []string{api}},

			// Merging is pure, so that server and devices come to the same result: it has no context, clock, chance or I/O.
			{For: merge, May: []string{api}, Never: []string{
				"context", "crypto/rand", "io/fs", "log/...", "math/rand/...", "net/...", "os/...", "syscall", "time"}},
			{For: journal, May: []string{api}},

			{For: store, May: []string{api}},
			// What drivers share stands in sync/store/internal; one driver does not lean on another.
			{For: stores, May: []string{store, "sync/store/internal/..."}, Tests: []string{stores}},

			{For: engine, May: []string{api, merge, journal, store}, Tests: []string{"work", "auth"}},
			// Of the store, work needs the names of scopes alone.
			{For: "work", May: []string{api, merge, store, engine, "work/..."}, Tests: []string{journal}},
			// Calendars, policies, deadlines, tags: each pure, and by itself.
			{For: "work/...", May: []string{api, merge, "work/..."}},
			// What happens by the clock alone: deadlines, plans, reminders.
			{For: "schedule", May: []string{api, merge, journal, store, engine, "work/..."}, Tests: []string{"work"}},
			// What a desk asks: lists, the review queue, stories, decisions.
			{For: "review", May: []string{api, merge, journal, store, engine, "work", "work/..."}},
			// The organisation's units, sites, places, staff, categories and settings.
			{For: "directory", May: []string{api, merge, journal, store, engine, "work/..."}, Tests: []string{"work", "auth"}},
			// Tickets and rounds as files.
			{For: "export/...", May: []string{api, merge, journal, store, engine, "work", "work/...", "review", "export/..."}},

			{For: "media", May: []string{api}, Tests: []string{"media/mediatest"}},
			{For: "media/...", May: []string{api, "media", "media/internal/..."}, Tests: []string{"media/..."}},
			// What ties promised photos to their bytes: it knows records and storage, and of the trade only what it is handed.
			{For: "evidence", May: []string{api, "media/...", merge, journal, store, engine}, Tests: []string{"work"}},
			{For: "auth", May: []string{api}},
			{For: "auth/...", May: []string{api, "auth"}},

			// The device library never sees the server's side; its tests run against the real one.
			{For: "client", May: []string{api, merge, journal, store}, Tests: everything},

			{For: "web/...", May: []string{"web/..."}},
			{For: "server/...", May: []string{api, "sync/...", "work", "work/...", "schedule", "review", "directory", "export", "media/...", "evidence", "auth/...", "web/...", "server/..."}, Tests: everything},
			{For: "internal/...", May: everything},
			{For: "cmd/...", May: everything},
		},
		Tests:    []string{stores, "internal/..."},
		Clock:    []string{"server/...", "cmd/...", "internal/demo", "internal/bench"},
		NoNames:  []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "lib"},
		MaxLines: 600,
		Inside:   []string{"api/...", "cmd/...", "internal/..."},
		Strings: []string{
			// A node or a person, as the call says.
			"auth.Entered.ID", "directory.NodeEntry.ID", "directory.PersonEntry.ID", "directory.Entered.ID",
			// An item is named within its checklist.
			"client.PhotoInput.ItemID",
			// Checks know neither engine nor records; their ids are compared, and nothing else.
			"media/check.Case.ID", "media/check.Other.ID", "media/check.Area.PlaceIDs", "media/check.Scan.PlaceID",
			// 64 bits of what a picture looks like.
			"media/picture.Inspection.FrequencyHash", "media/picture.Inspection.DifferenceHash",
			// A verifier needs the schema alone: scopes and devices are the bytes that were hashed.
			"sync/journal.NewWriter.scope", "sync/journal.Fault.Scope", "sync/journal.LaneStart.device", "sync/journal.LaneStart.scope",
			"sync/journal.Config.Scope", "sync/journal.Config.Key.device", "sync/journal.Lane.Device", "server.Archive.DeviceKey.device",
			// Of whatever kind the field names.
			"review.ActWords.named.id",
			// A line of a file for programs.
			"server.Ready.Person",
			// Each by itself, below the packages that have the types.
			"work/roster.Candidate.ID", "work/tag.DeriveKey.site", "work/tag.Tag.Site",
		},
		HalfWidth: []string{
			";；",                  // what separates codes, as people type it
			"%s%s,%s。%s(%d:%02d)", // remarks of the benchmarks: what was measured stays as long as it was
		},
	}
}

// row returns the row that counts for a package.
func (r Rules) row(dir string) (Row, bool) {
	var best Row
	found := false
	for _, row := range r.Table {
		switch {
		case !match(row.For, dir):
		case row.For == dir:
			return row, true
		case !found || len(row.For) > len(best.For):
			best, found = row, true
		}
	}
	return best, found
}

// match tells whether pattern names the package at p.
func match(pattern, p string) bool {
	base, below := strings.CutSuffix(pattern, "...")
	if !below {
		return pattern == p
	}
	base = strings.TrimSuffix(base, "/")
	return base == "" || p == base || strings.HasPrefix(p, base+"/")
}
