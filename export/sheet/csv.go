package sheet

import (
	"encoding/csv"
	"io"
)

// CSV writes comma-separated values as RFC 4180 tells: UTF-8, CRLF between rows, quotes where they are needed.
type CSV struct {
	to  *csv.Writer
	row []string
}

var _ Writer = (*CSV)(nil)

// NewCSV begins a table with its header. With mark it begins with the byte order mark, by which Excel knows UTF-8; other programs take it, or show it in the
// first header.
func NewCSV(to io.Writer, mark bool, header []string) (*CSV, error) {
	if mark {
		if _, err := io.WriteString(to, "\ufeff"); err != nil {
			return nil, err
		}
	}
	c := &CSV{to: csv.NewWriter(to)}
	c.to.UseCRLF = true
	return c, c.to.Write(header)
}

// Row implements Writer. A row of one empty cell would read as no row at all: tables have more columns than one.
func (c *CSV) Row(cells []Cell) error {
	c.row = c.row[:0]
	for _, cell := range cells {
		value := cell.String()
		if cell.kind == text {
			value = Harmless(value)
		}
		c.row = append(c.row, value)
	}
	return c.to.Write(c.row)
}

// Close implements Writer.
func (c *CSV) Close() error {
	c.to.Flush()
	return c.to.Error()
}
