// Package sheet writes tables as files for spreadsheet programs: CSV and workbooks. Rows go out as they come, so that a table of any length takes the same
// memory, and the same rows give the same bytes.
//
// Cells hold what strangers wrote, and a spreadsheet program takes a text that begins like a formula for one, which may read other files or call other
// machines when somebody opens the table. In a workbook a text is stored as a text, which is never computed, and marked so that it stays one when it is
// edited. CSV knows no types: see Harmless.
package sheet

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Cell is one value of a row. The zero Cell is empty.
type Cell struct {
	kind   kind
	text   string
	number float64
	time   time.Time
}

type kind uint8

const (
	empty kind = iota
	text
	number
	moment
)

// Text is a cell with words. Where they are not valid UTF-8, or have control characters that no format holds, U+FFFD stands instead; line ends become LF.
func Text(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{kind: text, text: tidy(s)}
}

// Int is a cell with a whole number. Beyond 2^53 a workbook shows the nearest number that it can.
func Int[N ~int | ~int32 | ~int64 | ~uint32 | ~uint64](n N) Cell {
	return Cell{kind: number, text: strconv.FormatInt(int64(n), 10), number: float64(n)}
}

// Number is a cell with a number, in the shortest form that is read back as the same one. What is no number is an empty cell.
func Number(f float64) Cell {
	if f != f || f > 1e300 || f < -1e300 {
		return Cell{}
	}
	return Cell{kind: number, text: strconv.FormatFloat(f, 'f', -1, 64), number: f}
}

// Time is a cell with a moment, shown in the moment's own zone: ISO 8601 with the offset in CSV, a date of the spreadsheet in a workbook, which knows no
// zones. The zero time is an empty cell.
func Time(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{kind: moment, time: t}
}

// isoTime is how CSV has a moment: ISO 8601, to the millisecond.
const isoTime = "2006-01-02T15:04:05.000Z07:00"

// String is the cell as CSV has it, before Harmless.
func (c Cell) String() string {
	if c.kind == moment {
		return c.time.Format(isoTime)
	}
	return c.text
}

// Writer writes one table. Its methods are called from one goroutine, and not after an error.
type Writer interface {
	// Row writes one row.
	Row(cells []Cell) error
	// Close ends the table and writes what is left of it. It does not close what it writes to.
	Close() error
}

// Harmless returns a text that no spreadsheet program takes for a formula: before one that begins with = + - @, with one of their full-width forms, with a
// tab, a carriage return or a line feed, also behind spaces, it puts an apostrophe; and before one that begins with an apostrophe, so that Plain knows what
// to take away.
func Harmless(s string) string {
	if dangerous(s) || strings.HasPrefix(s, "'") {
		return "'" + s
	}
	return s
}

// Plain is what Harmless was given.
func Plain(s string) string { return strings.TrimPrefix(s, "'") }

func dangerous(s string) bool {
	for _, r := range s {
		switch r {
		case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '−', '﹣', '﹢', '﹦', '﹫':
			return true
		case ' ', '\u00a0', '\u3000', '\ufeff', '\u200b':
			continue
		}
		return false
	}
	return false
}

// tidy makes a text one that CSV and XML hold.
func tidy(s string) string {
	clean := utf8.ValidString(s)
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= ' ' && s[i] != 0x7f || s[i] == '\n' || s[i] == '\t'
	}
	if clean && !strings.ContainsAny(s, "\ufffe\uffff") {
		return s
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r == 0x7f || r == '\ufffe' || r == '\uffff':
			return utf8.RuneError
		}
		return r
	}, s)
}
