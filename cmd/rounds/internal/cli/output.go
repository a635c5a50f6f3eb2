package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/width"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// table prints rows in columns, with Chinese characters two cells wide.
type table struct {
	head []string
	rows [][]string
}

// add adds a row. Cells may hold what anybody wrote: they are cleaned.
func (t *table) add(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = clean(cell)
	}
	t.rows = append(t.rows, row)
}

func (t *table) print(to io.Writer) error {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], cellsOf(cell))
		}
	}
	for _, row := range append([][]string{t.head}, t.rows...) {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-cellsOf(cell)+2))
			}
		}
		if _, err := fmt.Fprintln(to, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// cellsOf counts the cells that a text takes in a terminal.
func cellsOf(s string) (n int) {
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// printJSON prints a value as indented JSON.
func printJSON(to io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(to, string(text))
	return err
}

// asJSON is a message as a part of JSON.
func asJSON(m proto.Message) json.RawMessage {
	text, err := protojson.Marshal(m)
	if err != nil {
		return json.RawMessage(`null`)
	}
	return text
}

// clean keeps control characters of texts, which come from anybody, away from the terminal, and a text on its line.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return ' '
		}
		return r
	}, s)
}

// cut shortens a text to some cells.
func cut(s string, most int) string {
	s = clean(s)
	if cellsOf(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += cellsOf(string(r)); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// shortID is the end of an id, where ids made at the same time differ. Not every id that somebody wrote into a record is one.
func shortID(id string) string { return clean(id[max(0, len(id)-8):]) }

func when(us int64) string {
	if us == 0 {
		return "-"
	}
	return time.UnixMicro(us).Local().Format("2006-01-02 15:04")
}

func textOf(t *roundsv1.Text) string {
	switch {
	case t.GetEn() == "" || t.GetEn() == t.GetZh():
		return t.GetZh()
	case t.GetZh() == "":
		return t.GetEn()
	}
	return t.GetZh() + " / " + t.GetEn()
}

// enumName is the short form of an enum value: IN_PROGRESS for TICKET_STATE_IN_PROGRESS.
func enumName(full, prefix string) string {
	name := strings.TrimPrefix(full, prefix+"_")
	if name == "UNSPECIFIED" {
		return "-"
	}
	return name
}

// enumValue finds a value by its short form, in any case and with - for _.
func enumValue(values map[string]int32, prefix, name string) (int32, error) {
	full := prefix + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if v, ok := values[full]; ok && v != 0 {
		return v, nil
	}
	var numbers []int32
	for _, v := range values {
		if v != 0 {
			numbers = append(numbers, v)
		}
	}
	slices.Sort(numbers)
	known := make([]string, len(numbers))
	for one, v := range values {
		if i, ok := slices.BinarySearch(numbers, v); ok {
			known[i] = strings.ToLower(strings.TrimPrefix(one, prefix+"_"))
		}
	}
	return 0, say(Usage, "%q is none of %s", "%q 不是以下之一：%s", name, strings.Join(known, ", "))
}
