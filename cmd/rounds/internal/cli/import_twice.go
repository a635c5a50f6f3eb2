package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
)

// seen is what a pass has come by so far. The server sees the rows of one call, and would take what stands again in a later one for a change of the first. Keys are kept by their hashes: a run
// has a quarter of a million.
type seen struct {
	keys     map[uint64]stand
	tags     map[uint64]tagged // of places, as the check has them
	freed    map[uint64]string // tags that places let go, by who had them
	versions map[uint64]stand  // of checklists, with the call that they went with
	calls    int
}

// stand is where something stands first: the number of the file, or of the call, and the line.
type stand struct{ at, line int32 }

// tagged is a place that has a tag.
type tagged struct {
	code string
	line uint32
}

func newSeen() seen {
	return seen{keys: map[uint64]stand{}, tags: map[uint64]tagged{}, freed: map[uint64]string{}, versions: map[uint64]stand{}}
}

// twice refuses a row whose key stands in an earlier one of the run.
func (i *importing) twice(at int, f tableFile, columns []string, row *roundsv1.ImportRow) bool {
	of := f.table.Kind
	names := keyOf(of)
	var key []string
	for _, name := range names {
		key = append(key, cellOf(columns, row, name))
	}
	if slices.Contains(key, "") {
		return false // no key at all: the server says so
	}
	if of == roundsv1.ImportKind_IMPORT_KIND_SITES {
		of = roundsv1.ImportKind_IMPORT_KIND_UNITS // no site has the code of a unit
	}
	if i.again(at, f, row, i.hash(of, "key", strings.Join(key, "\x00")), names, key) {
		return true
	}
	if of != roundsv1.ImportKind_IMPORT_KIND_STAFF {
		return false
	}
	external := cmp.Or(cellOf(columns, row, "external_id"), key[0]) // people are found by it
	return i.again(at, f, row, i.hash(of, "external", external), []string{"external_id"}, []string{external})
}

// again refuses a row if its key, by its hash, stands in an earlier one; else it is noted.
func (i *importing) again(at int, f tableFile, row *roundsv1.ImportRow, hash uint64, names, key []string) bool {
	first, stands := i.seen.keys[hash]
	if !stands {
		i.seen.keys[hash] = stand{int32(at), int32(row.GetLine())}
		return false
	}
	en, zh := fmt.Sprintf("line %d", first.line), fmt.Sprintf("第 %d 行", first.line)
	if int(first.at) != at {
		file := i.show.files[first.at].File
		en, zh = en+" of "+file, " "+file+" "+zh
	}
	i.show.refused(at, importFault{at: at, File: f.path, Line: int(row.GetLine()), Column: names[len(names)-1],
		Message: fmt.Sprintf("%s %s stands in %s already", strings.Join(names, ", "), strings.Join(key, ", "), en),
		Zh:      fmt.Sprintf("与%s重复：%s", zh, strings.Join(key, "、")), Facts: map[string]string{"value": key[len(key)-1], "line": strconv.Itoa(int(first.line))}})
	return true
}

// apart refuses a row of a checklist's version of which an earlier call had the first rows: the server makes a version of what one call has of it.
func (i *importing) apart(at int, f tableFile, version string, row *roundsv1.ImportRow) bool {
	hash := i.hash(f.table.Kind, "version", version)
	first, stands := i.seen.versions[hash]
	if !stands {
		i.seen.versions[hash] = stand{int32(i.seen.calls), int32(row.GetLine())}
		return false
	}
	if int(first.at) == i.seen.calls {
		return false
	}
	code, number, _ := strings.Cut(version, "\x00")
	i.show.refused(at, importFault{at: at, File: f.path, Line: int(row.GetLine()), Column: "version",
		Message: fmt.Sprintf("version %s of %s begins in line %d: put its rows together", number, code, first.line),
		Zh:      fmt.Sprintf("%s 第 %s 版从第 %d 行开始：请把同一版的各行放在一起", code, number, first.line),
		Facts:   map[string]string{"value": number, "line": strconv.Itoa(int(first.line))}})
	return true
}

// tagged refuses, in the answer to one call of a check, the rows that give a place a tag which a row of an earlier call has for another; and lets pass those that take a tag which such a row has let
// go. Calls with places come one after the other.
func (i *importing) tagged(at int, b *batch, resp *roundsv1.ImportResponse) {
	if b.file.table.Kind != roundsv1.ImportKind_IMPORT_KIND_PLACES {
		return
	}
	results := map[uint32]*roundsv1.ImportResult{}
	for _, r := range resp.GetResults() {
		results[r.GetLine()] = r
	}
	for _, row := range b.rows {
		site, code, tag := cellOf(b.columns, row, "site"), cellOf(b.columns, row, "code"), cellOf(b.columns, row, "tag")
		key := func(tag string) uint64 { return i.hash(b.file.table.Kind, "tag", site+"\x00"+tag) }
		r := results[row.GetLine()]
		p := r.GetProblem()
		if had, free := i.seen.freed[key(tag)]; free && p.GetField() == "tag" && p.GetFacts()["place"] == had && p.GetFacts()["line"] == "" {
			r.Status, r.Problem = roundsv1.ImportStatus_IMPORT_STATUS_CHANGED, nil
		} else if p != nil {
			continue
		}
		before, gives := "", r.GetStatus() == roundsv1.ImportStatus_IMPORT_STATUS_CREATED
		for _, cell := range r.GetCells() {
			if cell.GetColumn() == "tag" {
				before, gives = cell.GetBefore(), true
			}
		}
		if first, stands := i.seen.tags[key(tag)]; stands && (gives || p != nil) {
			r.Status, r.Problem, r.Cells = roundsv1.ImportStatus_IMPORT_STATUS_REFUSED, directory.TagTaken(tag, first.code, first.line), nil
			continue
		}
		if tag != "" && tag != directory.TagAuto {
			i.seen.tags[key(tag)] = tagged{strings.Clone(code), row.GetLine()} // the cell alone, without its row
		}
		if before != "" {
			i.seen.freed[key(before)] = strings.Clone(code)
		}
	}
}

// keyOf are the columns that a row of a table is known by, the one that names it last.
func keyOf(kind roundsv1.ImportKind) []string {
	switch kind {
	case roundsv1.ImportKind_IMPORT_KIND_PLACES, roundsv1.ImportKind_IMPORT_KIND_ASSETS, roundsv1.ImportKind_IMPORT_KIND_PLANS:
		return []string{"site", "code"}
	case roundsv1.ImportKind_IMPORT_KIND_HOLIDAYS:
		return []string{"calendar", "date"}
	case roundsv1.ImportKind_IMPORT_KIND_POLICIES:
		return []string{"node", "key"}
	case roundsv1.ImportKind_IMPORT_KIND_CHECKLISTS:
		return []string{"code", "version", "item"}
	}
	return []string{"code"}
}

// versionIn names the checklist's version that a row is of; empty for other tables.
func versionIn(t directory.Table, columns []string, row *roundsv1.ImportRow) string {
	if t.Kind != roundsv1.ImportKind_IMPORT_KIND_CHECKLISTS {
		return ""
	}
	return cellOf(columns, row, "code") + "\x00" + cellOf(columns, row, "version")
}
