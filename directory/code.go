package directory

import (
	"strings"
	"unicode"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// longestCode is how many bytes a code has at most.
const longestCode = 64

// unusable refuses a code that nobody could write in a table or see on a screen: one with letters that do not show, blanks around it, or the semicolon that stands between several codes
// of a cell. Nil for one that may be used, and for none.
func unusable(field, code string) *roundsv1.Problem {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if strings.TrimSpace(code) == code && !strings.ContainsFunc(code, hidden) && !strings.ContainsAny(code, ";；") {
		return nil
	}
	return wanted(field, code, "不含控制字符、分号和首尾空格的编码", "a code without control characters, semicolons, or blanks around it")
}

// unusableCode refuses the code of a record that it had not before. Those of units and sites are the tree's.
func unusableCode(before, after *roundsv1.Record) *roundsv1.Problem {
	code := CodeOf(after)
	if code == CodeOf(before) || after.GetUnit() != nil || after.GetSite() != nil {
		return nil
	}
	return unusable("code", code)
}

// keyed reads the cell by which a row is known; false where it was refused.
func (r *row) keyed(column, zh, en string) (string, bool) {
	code, _ := r.cell(column)
	p := unusable(column, code)
	switch {
	case code == "":
		p = missing(column, zh, en)
	case len(code) > longestCode:
		p = wanted(column, code, "最多 64 字节的编码", "a code of at most 64 bytes")
	}
	if p != nil {
		r.refuse(p)
	}
	return code, p == nil
}
