package cli

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
)

// sitesFile writes sites.csv with some bytes.
func sitesFile(t *testing.T, text string) tableFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sites.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, table := range directory.Tables() {
		if table.Name == "sites" {
			return tableFile{path: path, table: table, size: int64(len(text))}
		}
	}
	t.Fatal("no such table")
	return tableFile{}
}

// rowsOf reads all rows of a file; the fault is where it is no table.
func rowsOf(t *testing.T, f tableFile) (rows []*roundsv1.ImportRow, fault *csvFault) {
	t.Helper()
	r, err := openTable(f, new(atomic.Int64))
	for err == nil {
		var row *roundsv1.ImportRow
		if row, err = r.next(); row == nil {
			break
		}
		rows = append(rows, row)
	}
	if r != nil {
		r.close()
	}
	if err != nil && !errors.As(err, &fault) {
		t.Fatal(err)
	}
	return rows, fault
}

// TestTablesAreReadAsSpreadsheetsSaveThem, in every encoding and with every separator.
func TestTablesAreReadAsSpreadsheetsSaveThem(t *testing.T) {
	const text = "code,name_zh,name_en\r\nS1,云栖雅苑,\"Yunqi, the \"\"Court\"\"\"\r\n\r\nS2,\"松涛\n里\",Pine\r\n"
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"UTF-8": text, "UTF-8 with a mark": "\ufeff" + text, "GBK": gbk, "UTF-16": utf16,
		"semicolons": strings.NewReplacer(",the", ", the", ",", ";").Replace(strings.Replace(text, "Yunqi, the", "Yunqi# the", 1)),
		"tabs":       strings.ReplaceAll(strings.Replace(text, "Yunqi, the", "Yunqi# the", 1), ",", "\t")} {
		rows, fault := rowsOf(t, sitesFile(t, text))
		if fault != nil || len(rows) != 2 || rows[0].GetLine() != 2 || rows[1].GetLine() != 4 || rows[0].GetCells()[1] != "云栖雅苑" || rows[1].GetCells()[1] != "松涛\n里" ||
			!strings.HasSuffix(rows[0].GetCells()[2], ` the "Court"`) {
			t.Errorf("%s: %v %v", name, rows, fault)
		}
	}
}

// TestFilesThatAreNoTables are told by the line.
func TestFilesThatAreNoTables(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
		what       string
	}{
		{"nothing", "", 0, "empty"},
		{"a column that there is not", "code,colour\nS1,red\n", 1, "colour"},
		{"a column twice", "code,code\nS1,S1\n", 1, "twice"},
		{"no column of codes", "name_zh\n云栖\n", 1, "code is missing"},
		{"a quote within a cell", "code,name_zh\nS1,a\"b\n", 2, "quotation"},
		{"a quote that is not closed", "code,name_zh\nS1,a\nS2,\"b\n", 3, "quotation"},
		{"too many cells", "code,name_zh\nS1,a\nS2,b,c\n", 3, "cells"},
		{"letters that are none", "code,name_zh\nS1,\xff\xff\xff\n", 2, "UTF-8"},
		{"too long a cell", "code,name_zh\nS1," + strings.Repeat("x", 65537) + "\n", 2, "64 KiB"},
	} {
		if rows, fault := rowsOf(t, sitesFile(t, c.text)); fault == nil || fault.line != c.line || !strings.Contains(fault.what, c.what) {
			t.Errorf("%s: %d rows, %+v", c.name, len(rows), fault)
		}
	}
}

// TestAKeyStandsOnceInARun, also where two rows with it come in different calls, or in two files of a kind.
func TestAKeyStandsOnceInARun(t *testing.T) {
	f := sitesFile(t, "code\n")
	i := &importing{seed: maphash.MakeSeed(), seen: newSeen(), show: &importShow{words: &program{}, files: make([]importFile, 2), most: 5}}
	row := func(line uint32, cells ...string) *roundsv1.ImportRow {
		return &roundsv1.ImportRow{Line: line, Cells: cells}
	}
	if i.twice(0, f, []string{"code"}, row(2, "S1")) || i.twice(0, f, []string{"code"}, row(3, "S2")) || i.twice(0, f, []string{"code"}, row(4, "")) {
		t.Error("a key that stands once is refused")
	}
	if !i.twice(1, f, []string{"name_zh", "code"}, row(9, "x", "S1")) || i.show.faults != 1 {
		t.Fatal("a key that stands twice is not refused")
	}
	if got := i.show.list[0]; got.Line != 9 || got.Column != "code" || got.Facts["line"] != "2" || i.show.files[1].Refused != 1 {
		t.Errorf("%+v", got)
	}
	f.table.Kind = roundsv1.ImportKind_IMPORT_KIND_PLACES
	columns := []string{"site", "code"}
	if i.twice(0, f, columns, row(2, "S1", "B1")) || i.twice(0, f, columns, row(3, "S2", "B1")) || !i.twice(0, f, columns, row(4, "S1", "B1")) {
		t.Error("places are known by their site and their code")
	}
}

// TestProgressInLines: without a terminal an import says how far it is, now and then and not with each batch; with --json it says nothing but its result.
func TestProgressInLines(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	for _, json := range []bool{false, true} {
		var out strings.Builder
		i := &importing{deviceCommands: &deviceCommands{program: &program{}}, most: 5}
		i.program.Err, i.program.Now, i.json = &out, func() time.Time { return at }, json
		f := sitesFile(t, "code\nS1\n")
		f.size = 1000
		s := i.newShow([]tableFile{f}, 1)
		s.begin("checking")
		for range 100 {
			s.bytes.Add(10)
			at = at.Add(time.Second)
			s.took(0, &batch{file: f, rows: make([]*roundsv1.ImportRow, 7)}, &roundsv1.ImportResponse{Unchanged: 7}, true)
		}
		lines := strings.Count(out.String(), "\n")
		if json && lines != 0 || !json && (lines != 21 || !strings.Contains(out.String(), "checking sites.csv: 700 rows, 0 at fault, 100 %")) || strings.Contains(out.String(), "\r") {
			t.Errorf("json %v: %d lines: %s", json, lines, out.String())
		}
	}
}

// TestTheReportIsHarmless: what people wrote is no formula in the report of an import, whatever cell it stands in.
func TestTheReportIsHarmless(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.csv")
	book, err := openBook(path, "en")
	if err != nil {
		t.Fatal(err)
	}
	of := &batch{file: tableFile{path: "=1.csv"}, columns: []string{"code", "name"}, rows: []*roundsv1.ImportRow{{Line: 2, Cells: []string{"@code", "x"}}}}
	err = book.write(of, &roundsv1.ImportResponse{Results: []*roundsv1.ImportResult{{Line: 2, RecordId: "id", Status: roundsv1.ImportStatus_IMPORT_STATUS_CHANGED,
		Cells:   []*roundsv1.ImportedCell{{Column: "name", Before: "=cmd|' /C calc'!A0"}, {Column: "phone", Before: "+86 139"}},
		Problem: &roundsv1.Problem{Sentence: &roundsv1.Text{En: "-said"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := book.close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	want := "file,line,status,id,code,column,before,problem\n" +
		"'=1.csv,2,CHANGED,id,'@code,name,'=cmd|' /C calc'!A0,'-said\n" +
		"'=1.csv,2,CHANGED,id,'@code,phone,'+86 139,'-said\n"
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
}

// TestWhatWasMadeHarmlessIsReadAsItWas: a cell of a report puts back what stood before. An apostrophe that somebody wrote stays.
func TestWhatWasMadeHarmlessIsReadAsItWas(t *testing.T) {
	rows, fault := rowsOf(t, sitesFile(t, "code,name_zh,name_en\nS1,'=cmd|x,'+86 139\nS2,''quoted,'Kolkata\n"))
	if fault != nil || len(rows) != 2 {
		t.Fatal(rows, fault)
	}
	for i, want := range [][]string{{"S1", "=cmd|x", "+86 139"}, {"S2", "'quoted", "'Kolkata"}} {
		if got := rows[i].GetCells(); !slices.Equal(got, want) {
			t.Errorf("row %d is read as %q, not %q", i+1, got, want)
		}
	}
}

// TestAnInterruptedImportNamesAnotherReport, in both languages, as soon as its own one tells of something: the run that goes on would otherwise have nowhere to tell the rest.
func TestAnInterruptedImportNamesAnotherReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.csv")
	book, err := openBook(path, "en")
	if err != nil {
		t.Fatal(err)
	}
	i := &importing{book: book}
	for rows, told := range []bool{false, true} {
		book.rows = rows
		for lang, goesOn := range map[string]string{"en": "run it again", "zh": "再运行一次"} {
			line, code := explainIn(lang, i.stopped(context.Canceled))
			if code != Failed || !strings.Contains(line, goesOn) || strings.Contains(line, "--report "+strings.TrimSuffix(path, ".csv")+"-2.csv") != told {
				t.Errorf("after %d rows of the report: %d %s", rows, code, line)
			}
		}
	}
	if err := book.close(); err != nil {
		t.Fatal(err)
	}
}

// TestATagStandsOnceInACheck, also where the rows come in different calls, of which the server sees one at a time: both lines are told. A place that has had it all the time may go on to have
// it, and one takes what another has let go before.
func TestATagStandsOnceInACheck(t *testing.T) {
	i := &importing{seed: maphash.MakeSeed(), seen: newSeen()}
	f := sitesFile(t, "code\n")
	f.table.Kind = roundsv1.ImportKind_IMPORT_KIND_PLACES
	const created, changed = roundsv1.ImportStatus_IMPORT_STATUS_CREATED, roundsv1.ImportStatus_IMPORT_STATUS_CHANGED
	check := func(line uint32, code, tag string, r *roundsv1.ImportResult) *roundsv1.ImportResult {
		resp := &roundsv1.ImportResponse{}
		if r != nil {
			r.Line, resp.Results = line, []*roundsv1.ImportResult{r}
		}
		i.tagged(0, &batch{file: f, columns: []string{"site", "code", "tag"}, rows: []*roundsv1.ImportRow{{Line: line, Cells: []string{"S1", code, tag}}}}, resp)
		return r
	}
	was := func(tag string) *roundsv1.ImportResult {
		return &roundsv1.ImportResult{Status: changed, Cells: []*roundsv1.ImportedCell{{Column: "tag", Before: tag}}}
	}
	check(10, "G1", "T1", &roundsv1.ImportResult{Status: created})
	check(11, "G2", "auto", was("T2"))
	check(12, "G3", "T3", nil)
	for _, c := range []struct {
		line      uint32
		code, tag string
		result    *roundsv1.ImportResult
		first     string // the line that has it; "" where the row is right
	}{
		{5000, "G4", "T1", &roundsv1.ImportResult{Status: created}, "10"},
		{5001, "G5", "T1", was(""), "10"},
		{5002, "G6", "auto", was(""), ""},
		{5003, "G7", "T3", &roundsv1.ImportResult{Status: changed}, ""}, // both had it before
		{5004, "G8", "T2", &roundsv1.ImportResult{Status: roundsv1.ImportStatus_IMPORT_STATUS_REFUSED, Problem: directory.TagTaken("T2", "G2", 0)}, ""},
		{5005, "G9", "T2", &roundsv1.ImportResult{Status: roundsv1.ImportStatus_IMPORT_STATUS_REFUSED, Problem: directory.TagTaken("T2", "G2", 0)}, "5004"},
	} {
		r := check(c.line, c.code, c.tag, c.result)
		p := r.GetProblem()
		if refused := r.GetStatus() == roundsv1.ImportStatus_IMPORT_STATUS_REFUSED; refused != (c.first != "") || p.GetFacts()["line"] != c.first ||
			refused && (!strings.Contains(p.GetSentence().GetEn(), "line "+c.first) || !strings.Contains(p.GetSentence().GetZh(), "第 "+c.first+" 行")) {
			t.Errorf("line %d: %v", c.line, r)
		}
	}
}

// TestWhatStandsAgainIsTold: a site with the code of a unit of another file, somebody with the external id of another, and rows of a checklist's version of which a call before had the first.
func TestWhatStandsAgainIsTold(t *testing.T) {
	i := &importing{seed: maphash.MakeSeed(), seen: newSeen(), show: &importShow{words: &program{}, files: []importFile{{File: "units.csv"}, {File: "sites.csv"}}, most: 9}}
	f := sitesFile(t, "code\n")
	told := func(kind roundsv1.ImportKind, at int, columns string, line uint32, cells ...string) bool {
		f.table.Kind = kind
		return i.twice(at, f, strings.Split(columns, ","), &roundsv1.ImportRow{Line: line, Cells: cells})
	}
	const units, sites, staff = roundsv1.ImportKind_IMPORT_KIND_UNITS, roundsv1.ImportKind_IMPORT_KIND_SITES, roundsv1.ImportKind_IMPORT_KIND_STAFF
	if told(units, 0, "code", 2, "R1") || told(sites, 1, "code", 2, "S1") || !told(sites, 1, "code", 3, "R1") {
		t.Error("a site has no code of a unit")
	}
	if told(staff, 1, "code,external_id", 2, "E1", "x") || told(staff, 1, "code,external_id", 3, "E2", "E2") || !told(staff, 1, "code,external_id", 4, "E3", "x") ||
		!told(staff, 1, "code,external_id", 5, "x") {
		t.Error("an external id is one person's")
	}
	f.table.Kind = roundsv1.ImportKind_IMPORT_KIND_CHECKLISTS
	version := func(line uint32) bool { return i.apart(1, f, "C1\x001", &roundsv1.ImportRow{Line: line}) }
	first, beside := version(2), version(9)
	i.seen.calls++
	if first || beside || !version(2000) {
		t.Error("a version's rows go in one call")
	}
	var got []string
	for _, one := range i.show.list {
		got = append(got, fmt.Sprint(one.Line, " ", one.Column, " ", one.Facts["line"], " ", one.Message))
	}
	want := []string{"3 code 2 code R1 stands in line 2 of units.csv already", "4 external_id 2 external_id x stands in line 2 already", "5 external_id 2 external_id x stands in line 2 already",
		"2000 version 2 version 1 of C1 begins in line 2: put its rows together"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
