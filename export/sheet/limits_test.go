package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/rounds-sync/rounds/export/sheet"
)

// What people write in any script comes through both formats as it was; what no file holds becomes U+FFFD; and a text is cut at what a cell holds and not before.
func TestTextsOfAnyKind(t *testing.T) {
	fits := strings.Repeat("水", sheet.MaxText)
	over := fits + "管"
	half := strings.Repeat("x", sheet.MaxText-1) + "😀" // two units: one too many
	for name, c := range map[string]struct{ text, csv, xlsx string }{
		"Chinese":                {text: "三号楼地库水管爆裂，“快来！”"},
		"right to left":          {text: "العربية \u200f עברית \u202eabc\u202c"},
		"emoji":                  {text: "👨‍👩‍👧‍👦 🇨🇳 👍🏽 𠮷"},
		"combining":              {text: "e\u0301 \u0e01\u0e33"},
		"control signs":          {text: "a\x00b\x01c\x1bd\x7fe\x85f", csv: "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf"},
		"no UTF-8":               {text: "a\xff\xfeb", csv: "a\ufffdb"},
		"halves of pairs":        {text: "a\xed\xa0\x80b", csv: "a\ufffdb"},
		"signs that XML has not": {text: "a\ufffeb\uffffc", csv: "a\ufffdb\ufffdc"},
		"as much as fits":        {text: fits},
		"one more":               {text: over, xlsx: "cut"},
		"half a sign more":       {text: half, xlsx: "cut"},
	} {
		t.Run(name, func(t *testing.T) {
			want := c.text
			if c.csv != "" {
				want = c.csv
			}
			var out bytes.Buffer
			w, err := sheet.NewCSV(&out, false, []string{"a", "b"})
			write(t, w, err, []sheet.Cell{sheet.Text(c.text), sheet.Int(1)})
			records, err := csv.NewReader(&out).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			got := sheet.Plain(records[1][0])
			if squeezed(got) != squeezed(want) {
				t.Errorf("CSV has %.60q, want %.60q", got, want)
			}
			out.Reset()
			x, err := sheet.NewXLSX(&out, sheet.Book{Sheet: "x", Header: []string{"a", "b"}})
			write(t, x, err, []sheet.Cell{sheet.Text(c.text), sheet.Int(1)})
			book, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			defer book.Close()
			got, err = book.GetCellValue("x", "A2")
			if err != nil {
				t.Fatal(err)
			}
			if c.xlsx == "cut" {
				if got == want || !strings.HasPrefix(want, got[:strings.LastIndex(got, " …(")]) {
					t.Errorf("the workbook has %d bytes, ending %q", len(got), got[len(got)-20:])
				}
			} else if squeezed(got) != squeezed(want) {
				t.Errorf("the workbook has %.60q, want %.60q", got, want)
			}
		})
	}
}

// squeezed takes several U+FFFD for one: how many bytes of nonsense are one sign is not asked.
func squeezed(s string) string {
	for strings.Contains(s, "\ufffd\ufffd") {
		s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
	}
	return s
}

// A worksheet has as many rows as spreadsheet programs take, 1,048,576 with its header, and the row behind them stands on the next one under the header again.
func TestAFullWorksheetIsFollowedByAnother(t *testing.T) {
	read, to := io.Pipe()
	var out bytes.Buffer
	done := make(chan error, 1)
	go func() { _, err := io.Copy(&out, read); done <- err }()
	w, err := sheet.NewXLSX(to, sheet.Book{Sheet: "历史", Header: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	row := []sheet.Cell{{}} // nothing in it, or reading it back would take long
	for range sheet.MaxRows - 1 {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Row([]sheet.Cell{sheet.Text("behind")}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_ = to.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ has, hasNot string }{
		"xl/worksheets/sheet1.xml": {`<row r="1048576">`, `<row r="1048577">`},
		"xl/worksheets/sheet2.xml": {`behind`, `<row r="3">`},
		"xl/workbook.xml":          {`name="历史 2"`, "历史 3"},
	} {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, []byte(want.has)) || bytes.Contains(content, []byte(want.hasNot)) {
			t.Errorf("%s: %q or %q", name, want.has, want.hasNot)
		}
	}
}
