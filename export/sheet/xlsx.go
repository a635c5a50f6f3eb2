package sheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/flate"
)

// The limits of a workbook.
const (
	// MaxRows of a worksheet, with its header.
	MaxRows = 1 << 20
	// MaxText is the length of a cell's text, in units of UTF-16. A longer one is cut, and says so at its end.
	MaxText = 32767
	// maxSheet is how many bytes of XML a worksheet has before the next begins: below what a ZIP file without extensions holds.
	maxSheet = 3 << 30
)

// Book is what a workbook is made of.
type Book struct {
	// Sheet is the name of the worksheet; further ones have a number behind it. At most 24 characters, none of []:*?/\.
	Sheet string
	// Header is the first row of every worksheet.
	Header []string
	// Title, and Created, the moment that the file says it was made: the same rows at the same moment give the same bytes.
	Title   string
	Created time.Time
	// Rows of a worksheet, with its header. Default and most: MaxRows.
	Rows int
}

// XLSX writes a workbook (Office Open XML). It goes out part by part, each compressed as it comes: nothing is kept, on disk or in memory. Where a worksheet
// is full the next one begins.
type XLSX struct {
	book   Book
	zip    *zip.Writer
	to     *bufio.Writer // of the worksheet that is open
	count  *counter
	sheets int
	rows   int // of the worksheet that is open
}

var _ Writer = (*XLSX)(nil)

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainNS  = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	relNS   = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	pkgNS   = `http://schemas.openxmlformats.org/package/2006/`
	typeOf  = `application/vnd.openxmlformats-officedocument.spreadsheetml.`

	// Every .xml is a worksheet but for those named: so the list can stand first, as readers like it, while nobody knows how many worksheets will come.
	contentTypes = xmlHead + `<Types xmlns="` + pkgNS + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="` + typeOf + `worksheet+xml"/><Override PartName="/xl/workbook.xml" ContentType="` + typeOf + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + typeOf + `styles+xml"/>` +
		`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`

	packageRels = xmlHead + `<Relationships xmlns="` + pkgNS + `relationships"><Relationship Id="rId1" Type="` + relNS + `/officeDocument" Target="xl/workbook.xml"/>` +
		`<Relationship Id="rId2" Type="` + pkgNS + `relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`

	// Styles by number: plain, header, date and time, text that stays a text.
	styles = xmlHead + `<styleSheet xmlns="` + mainNS + `"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>` +
		`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>` +
		`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

	styleHeader, styleTime, styleText = "1", "2", "3"
)

// NewXLSX begins a workbook with its first worksheet.
func NewXLSX(to io.Writer, book Book) (*XLSX, error) {
	if book.Rows <= 1 || book.Rows > MaxRows {
		book.Rows = MaxRows
	}
	x := &XLSX{book: book, zip: zip.NewWriter(to)}
	x.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 3) })
	if err := errors.Join(x.part("[Content_Types].xml", contentTypes), x.part("_rels/.rels", packageRels)); err != nil {
		return nil, err
	}
	return x, x.sheet()
}

// create begins a part of the file. A ZIP entry ends where the next begins.
func (x *XLSX) create(name string) (io.Writer, error) {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	if y := x.book.Created.Year(); y >= 1980 && y < 2107 { // what a ZIP entry can say
		header.Modified = x.book.Created.UTC()
	}
	return x.zip.CreateHeader(header)
}

func (x *XLSX) part(name, content string) error {
	w, err := x.create(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, content)
	return err
}

// counter counts the bytes that go through it.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// sheet begins the next worksheet.
func (x *XLSX) sheet() error {
	x.sheets++
	x.rows = 0
	w, err := x.create(fmt.Sprintf("xl/worksheets/sheet%d.xml", x.sheets))
	if err != nil {
		return err
	}
	x.count = &counter{to: w}
	if x.to == nil {
		x.to = bufio.NewWriterSize(x.count, 64<<10)
	} else {
		x.to.Reset(x.count)
	}
	fmt.Fprintf(x.to, `%s<worksheet xmlns="%s"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>`+
		`</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>`, xmlHead, mainNS)
	if n := len(x.book.Header); n > 0 {
		fmt.Fprintf(x.to, `<cols><col min="1" max="%d" width="20" customWidth="1"/></cols>`, n)
	}
	if _, err := x.to.WriteString("<sheetData>"); err != nil {
		return err
	}
	header := make([]Cell, len(x.book.Header))
	for i, name := range x.book.Header {
		header[i] = Text(name)
	}
	return x.write(header, styleHeader)
}

// endSheet ends the worksheet that is open.
func (x *XLSX) endSheet() error {
	if _, err := x.to.WriteString("</sheetData></worksheet>"); err != nil {
		return err
	}
	return x.to.Flush()
}

// Row implements Writer.
func (x *XLSX) Row(cells []Cell) error {
	if x.rows >= x.book.Rows || x.count.n >= maxSheet {
		if err := errors.Join(x.endSheet(), x.sheet()); err != nil {
			return err
		}
	}
	return x.write(cells, styleText)
}

func (x *XLSX) write(cells []Cell, textStyle string) error {
	x.rows++
	row := strconv.Itoa(x.rows)
	x.to.WriteString(`<row r="` + row + `">`) // the last write tells the error
	for i, cell := range cells {
		at := ` r="` + column(i) + row + `"`
		switch cell.kind {
		case text:
			x.to.WriteString(`<c` + at + ` s="` + textStyle + `" t="inlineStr"><is><t xml:space="preserve">`)
			_ = xml.EscapeText(x.to, []byte(escaped(fit(cell.text))))
			x.to.WriteString(`</t></is></c>`)
		case number:
			x.to.WriteString(`<c` + at + `><v>` + cell.text + `</v></c>`)
		case moment:
			if serial, ok := serialOf(cell.time); ok {
				x.to.WriteString(`<c` + at + ` s="` + styleTime + `"><v>` + serial + `</v></c>`)
			} else { // a phone that was set to the year 12000: the words say it
				x.to.WriteString(`<c` + at + ` s="` + styleText + `" t="inlineStr"><is><t>` + cell.String() + `</t></is></c>`)
			}
		}
	}
	_, err := x.to.WriteString(`</row>`)
	return err
}

// Close implements Writer.
func (x *XLSX) Close() error {
	if err := x.endSheet(); err != nil {
		return err
	}
	var book, rels strings.Builder
	book.WriteString(xmlHead + `<workbook xmlns="` + mainNS + `" xmlns:r="` + relNS + `"><bookViews><workbookView/></bookViews><sheets>`)
	rels.WriteString(xmlHead + `<Relationships xmlns="` + pkgNS + `relationships">`)
	for i := 1; i <= x.sheets; i++ {
		name := x.book.Sheet
		if i > 1 {
			name += " " + strconv.Itoa(i)
		}
		book.WriteString(`<sheet name="`)
		_ = xml.EscapeText(&book, []byte(name))
		fmt.Fprintf(&book, `" sheetId="%d" r:id="rId%d"/>`, i, i)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i, relNS, i)
	}
	book.WriteString(`</sheets></workbook>`)
	fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/></Relationships>`, x.sheets+1, relNS)
	var core strings.Builder
	core.WriteString(xmlHead + `<cp:coreProperties xmlns:cp="` + pkgNS + `metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" ` +
		`xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>`)
	_ = xml.EscapeText(&core, []byte(tidy(x.book.Title)))
	fmt.Fprintf(&core, `</dc:title><dcterms:created xsi:type="dcterms:W3CDTF">%s</dcterms:created></cp:coreProperties>`, x.book.Created.UTC().Format(time.RFC3339))
	return errors.Join(x.part("docProps/core.xml", core.String()), x.part("xl/styles.xml", styles), x.part("xl/workbook.xml", book.String()),
		x.part("xl/_rels/workbook.xml.rels", rels.String()), x.zip.Close())
}

// column is the name of a column from 0: A, B, ... Z, AA.
func column(i int) string {
	var name []byte
	for i++; i > 0; i = (i - 1) / 26 {
		name = append([]byte{byte('A' + (i-1)%26)}, name...)
	}
	return string(name)
}

// serialOf is a moment as a spreadsheet counts it: days since 1899-12-30, by the clock on the wall of its zone.
func serialOf(t time.Time) (string, bool) {
	if t.Year() < 1901 || t.Year() > 9999 {
		return "", false
	}
	_, offset := t.Zone()
	const day, epoch = 86400, 25569 // days from 1899-12-30 to 1970-01-01
	ms := t.UnixMilli() + int64(offset)*1000
	return strconv.FormatFloat(float64(epoch)+float64(ms)/(day*1000), 'f', -1, 64), true
}

// reserved is how a workbook writes a character that XML does not hold.
var reserved = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// escaped keeps a text that looks like a reserved character from being read as one: the first character of each such part is written so itself.
func escaped(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	// Step by step: what matches may begin with the end of the match before.
	var b strings.Builder
	for {
		at := reserved.FindStringIndex(s)
		if at == nil {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:at[0]] + "_x005F_")
		s = s[at[0]+1:]
	}
}

// fit cuts a text to what a cell holds.
func fit(s string) string {
	if len(s) <= MaxText { // a byte is a unit at most
		return s
	}
	const room = 40
	units, keep := 0, 0
	for i, r := range s {
		if units <= MaxText-room {
			keep = i
		}
		units += max(1, utf16.RuneLen(r))
	}
	if units <= MaxText {
		return s
	}
	return s[:keep] + fmt.Sprintf(" …(%d)", len(s)-keep)
}
