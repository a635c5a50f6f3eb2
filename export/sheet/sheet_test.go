package sheet_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/rounds-sync/rounds/export/sheet"
)

var shanghai = time.FixedZone("CST", 8*3600)

// nasty are texts that a spreadsheet program, CSV or XML could take for something else.
var nasty = []string{
	`=cmd|'/C calc'!A1`, "+86 138 0000 0000", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "　＝1", "'already", "'=1", "a,b;\"c\"\r\nd", "<x>&amp;", "_x0041_",
	"_x_x0041_x0041_", "水管爆裂 😀", "]]>", "0123", "1e5", "TRUE", "=HYPERLINK(\"http://x\")", "\ufeff=1", "−1",
}

func write(t *testing.T, w sheet.Writer, err error, rows ...[]sheet.Cell) {
	t.Helper()
	for _, row := range rows {
		if err == nil {
			err = w.Row(row)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What is read back from CSV is what was written, with an apostrophe where a program would compute.
func TestCSVReadBack(t *testing.T) {
	var out bytes.Buffer
	w, err := sheet.NewCSV(&out, true, []string{"words", "n", "time"})
	at := time.Date(2026, 3, 4, 5, 6, 7, 890e6, shanghai)
	var rows [][]sheet.Cell
	for i, s := range nasty {
		rows = append(rows, []sheet.Cell{sheet.Text(s), sheet.Int(-i), sheet.Time(at)})
	}
	write(t, w, err, rows...)
	if !bytes.HasPrefix(out.Bytes(), []byte("\xef\xbb\xbfwords,n,time\r\n")) {
		t.Fatalf("it begins with %q", out.String()[:30])
	}
	records, err := csv.NewReader(bytes.NewReader(out.Bytes()[3:])).ReadAll()
	if err != nil || len(records) != len(nasty)+1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, s := range nasty {
		got := records[i+1]
		want := strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
		if sheet.Plain(got[0]) != want {
			t.Errorf("%q came back as %q", s, got[0])
		}
		if strings.ContainsAny(got[0][:1], "=+-@\t\r\n") {
			t.Errorf("%q is left live: %q", s, got[0])
		}
		if got[1] != fmt.Sprint(-i) || got[2] != "2026-03-04T05:06:07.890+08:00" {
			t.Errorf("number and time are %q", got[1:])
		}
	}
}

// A workbook holds the texts as they are, as texts, and numbers and dates as such; a full worksheet is followed by another, and none has a formula.
func TestXLSXReadBack(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 3, 4, 17, 6, 7, 0, shanghai)
	w, err := sheet.NewXLSX(&out, sheet.Book{Sheet: "工单", Header: []string{"words", "n", "time"}, Title: "a & b", Created: at, Rows: 10})
	var rows [][]sheet.Cell
	for i, s := range nasty {
		rows = append(rows, []sheet.Cell{sheet.Text(s), sheet.Number(float64(i) / 4), sheet.Time(at)})
	}
	write(t, w, err, rows...)
	book, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	names := book.GetSheetList()
	if len(names) != 3 || names[0] != "工单" || names[2] != "工单 3" {
		t.Fatalf("worksheets are %q", names)
	}
	n := 0
	for _, name := range names {
		rows, err := book.GetRows(name, excelize.Options{RawCellValue: true})
		if err != nil || len(rows) > 10 || rows[0][0] != "words" {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		for i, row := range rows[1:] {
			want := strings.ReplaceAll(strings.ReplaceAll(nasty[n], "\r\n", "\n"), "\r", "\n")
			if row[0] != want || row[1] != fmt.Sprint(float64(n)/4) {
				t.Errorf("%q came back as %q", want, row)
			}
			cell := fmt.Sprintf("A%d", i+2)
			if f, _ := book.GetCellFormula(name, cell); f != "" {
				t.Errorf("%s is a formula: %q", cell, f)
			}
			if k, _ := book.GetCellType(name, cell); k != excelize.CellTypeInlineString {
				t.Errorf("%s is of type %v", cell, k)
			}
			if shown, _ := book.GetCellValue(name, fmt.Sprintf("C%d", i+2)); shown != "2026-03-04 17:06:07" {
				t.Errorf("the time is shown as %q", shown)
			}
			n++
		}
	}
	if n != len(nasty) {
		t.Errorf("%d rows of %d", n, len(nasty))
	}
}

// The same rows give the same bytes, and a text beyond what a cell holds is cut between characters and says so.
func TestXLSXBounds(t *testing.T) {
	make := func() []byte {
		var out bytes.Buffer
		w, err := sheet.NewXLSX(&out, sheet.Book{Sheet: "x", Header: []string{"a", "b"}, Created: time.Unix(1e9, 0)})
		write(t, w, err, []sheet.Cell{sheet.Text(strings.Repeat("水😀", 12000)), sheet.Time(time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC))})
		return out.Bytes()
	}
	one := make()
	if !bytes.Equal(one, make()) {
		t.Error("two files differ")
	}
	book, err := excelize.OpenReader(bytes.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	got, _ := book.GetCellValue("x", "A2")
	if n := len([]rune(got)) + strings.Count(got, "😀"); n > sheet.MaxText || n < sheet.MaxText-60 || !utf8.ValidString(got) || !strings.HasSuffix(got, ")") {
		t.Errorf("%d units, ends with %q", n, got[len(got)-20:])
	}
	if got, _ := book.GetCellValue("x", "B2"); !strings.HasPrefix(got, "12000-01-01T") {
		t.Errorf("the year 12000 is %q", got)
	}
}

// A table is not held in memory: what comes is written on.
func TestXLSXStreams(t *testing.T) {
	var n counting
	w, err := sheet.NewXLSX(&n, sheet.Book{Sheet: "x", Header: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	word := make([]byte, 64)
	state := uint64(1)
	for range 20000 {
		for i := range word {
			state = state*6364136223846793005 + 1442695040888963407
			word[i] = 'a' + byte(state>>33)%26
		}
		if err := w.Row([]sheet.Cell{sheet.Text(string(word))}); err != nil {
			t.Fatal(err)
		}
	}
	if n < 500_000 { // of about 1 MB
		t.Errorf("%d bytes were written on before the end", n)
	}
}

type counting int

func (c *counting) Write(p []byte) (int, error) { *c += counting(len(p)); return len(p), nil }

var _ io.Writer = (*counting)(nil)

func FuzzHarmless(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := sheet.Harmless(s)
		if sheet.Plain(h) != s {
			t.Fatalf("%q: %q is not undone", s, h)
		}
		trimmed := strings.TrimLeft(h, " \u00a0\u3000\ufeff\u200b")
		if trimmed != "" && strings.ContainsAny(trimmed[:1], "=+-@\t\r\n") {
			t.Fatalf("%q is left live: %q", s, h)
		}
		// Through a whole file, too.
		var out bytes.Buffer
		w, err := sheet.NewCSV(&out, false, []string{"a", "b"})
		write(t, w, err, []sheet.Cell{sheet.Text(s), sheet.Int(1)})
		records, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(records) != 2 || len(records[1]) != 2 || records[1][1] != "1" {
			t.Fatalf("%q: %v, %v", s, records, err)
		}
		if got := sheet.Plain(records[1][0]); got != sheet.Text(s).String() {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
