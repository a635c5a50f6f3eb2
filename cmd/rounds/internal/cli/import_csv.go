package cli

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/export/sheet"
)

// tableFile is one file that is to be imported.
type tableFile struct {
	path  string
	table directory.Table
	size  int64
}

// csvFault is a file that is no table.
type csvFault struct {
	line     int // 0: the file as a whole
	what, zh string
}

func (f *csvFault) Error() string { return f.what }

// of is the fault as one of a file of the import.
func (f *csvFault) of(at int, path string) importFault {
	return importFault{at: at, File: path, Line: f.line, Message: f.what, Zh: f.zh}
}

// tableReader reads the rows of one file.
type tableReader struct {
	file    *os.File
	csv     *csv.Reader
	columns []string
}

// counted counts the bytes that are read of a file, for the bar.
type counted struct {
	from io.Reader
	to   *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.to.Add(int64(n))
	return n, err
}

// openTable opens a file and reads its header. Besides UTF-8, with or without a mark at its beginning, it takes what spreadsheets save: UTF-16 with a mark,
// and GB18030, which every GBK text is.
func openTable(f tableFile, progress *atomic.Int64) (_ *tableReader, err error) {
	// A pipe would keep the program waiting for who writes into it, and a device may have no end.
	if stat, err := os.Stat(f.path); err != nil {
		return nil, err
	} else if !stat.Mode().IsRegular() {
		return nil, &csvFault{what: "it is a pipe or a device, not a file: save the table as a file first", zh: "不是文件，而是管道或设备：请先将表格保存为文件"}
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	decoder, err := decoderOf(file)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	text := bufio.NewReaderSize(transform.NewReader(counted{file, progress}, decoder), 64<<10)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	r := &tableReader{file: file, csv: csv.NewReader(text)}
	r.csv.Comma = separator(text)
	r.csv.FieldsPerRecord, r.csv.ReuseRecord = -1, false
	header, err := r.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &csvFault{what: "the file is empty: its first line names the columns", zh: "文件是空的：第一行应是列名"}
	case err != nil:
		return nil, faultOf(err)
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	for len(header) > 0 && header[len(header)-1] == "" {
		header = header[:len(header)-1]
	}
	if fault := headerFault(f.table, header); fault != nil {
		return nil, fault
	}
	r.columns = header
	return r, nil
}

// headerFault says what is wrong with the names of the columns; nil where nothing is. The server says the same, of the whole file and without its name.
func headerFault(t directory.Table, header []string) error {
	known := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		known[i] = c.Name
	}
	for i, name := range header {
		switch {
		case !slices.Contains(known, name):
			return &csvFault{1, fmt.Sprintf("%s has no column %q: its columns are %s", t.Name, name, strings.Join(known, ", ")),
				fmt.Sprintf("%s 没有 %q 这一列：可用的列是 %s", t.Name, name, strings.Join(known, "、"))}
		case slices.Contains(header[:i], name):
			return &csvFault{1, fmt.Sprintf("the column %s stands twice", name), fmt.Sprintf("%s 这一列出现了两次", name)}
		}
	}
	for _, c := range t.Columns {
		if c.Needed && !slices.Contains(header, c.Name) {
			return &csvFault{1, fmt.Sprintf("the column %s is missing: %s", c.Name, c.About.GetEn()), fmt.Sprintf("缺少 %s 这一列：%s", c.Name, c.About.GetZh())}
		}
	}
	return nil
}

// separator is what stands between the columns of the header: some spreadsheets write tabs or semicolons.
func separator(text *bufio.Reader) rune {
	head, _ := text.Peek(4 << 10)
	line, _, _ := bytes.Cut(head, []byte("\n"))
	switch {
	case bytes.ContainsRune(line, ','):
		return ','
	case bytes.ContainsRune(line, '\t'):
		return '\t'
	case bytes.ContainsRune(line, ';'):
		return ';'
	}
	return ','
}

// decoderOf looks through a file for what its letters are.
func decoderOf(file io.Reader) (transform.Transformer, error) {
	buf := make([]byte, 64<<10)
	for left, first := 0, true; ; first = false {
		n, err := io.ReadFull(file, buf[left:])
		text := buf[:left+n]
		if first && len(text) >= 2 && (text[0] == 0xff && text[1] == 0xfe || text[0] == 0xfe && text[1] == 0xff) {
			return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder(), nil
		}
		over := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !over {
			return nil, err
		}
		end := len(text)
		for cut := 1; !over && cut < utf8.UTFMax; cut++ { // the last letter may be cut
			if utf8.RuneStart(text[end-cut]) {
				if !utf8.FullRune(text[end-cut:]) {
					end -= cut
				}
				break
			}
		}
		switch {
		case !utf8.Valid(text[:end]):
			return simplifiedchinese.GB18030.NewDecoder(), nil
		case over:
			return transform.Nop, nil
		}
		left = copy(buf, text[end:])
	}
}

// next reads the next row that is not empty; nil at the end.
func (r *tableReader) next() (*roundsv1.ImportRow, error) {
	for {
		cells, err := r.csv.Read()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, faultOf(err)
		}
		line, _ := r.csv.FieldPos(0)
		for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		switch {
		case len(cells) == 0:
			continue
		case len(cells) > len(r.columns):
			return nil, &csvFault{line, fmt.Sprintf("the row has %d cells and the header %d: a cell with a comma or a line break in it needs quotes", len(cells), len(r.columns)),
				fmt.Sprintf("本行有 %d 个单元格，表头只有 %d 个：含逗号或换行的单元格要加引号", len(cells), len(r.columns))}
		}
		for i, cell := range cells {
			if plain := sheet.Plain(cell); plain != cell && sheet.Harmless(plain) == cell {
				cells[i] = plain // as a report or an export has it
			}
			if len(cell) > 65536 {
				return nil, &csvFault{line, "a cell of more than 64 KiB", "单元格超过 64 KiB"}
			}
			if !utf8.ValidString(cell) || strings.ContainsRune(cell, utf8.RuneError) {
				return nil, &csvFault{line, "letters that are neither UTF-8 nor GB18030: save the file as UTF-8", "文字既不是 UTF-8 也不是 GB18030：请把文件另存为 UTF-8"}
			}
		}
		return &roundsv1.ImportRow{Line: uint32(line), Cells: cells}, nil
	}
}

func (r *tableReader) close() { _ = r.file.Close() }

// faultOf says where a file is no CSV.
func faultOf(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		if errors.Is(parse.Err, csv.ErrQuote) || errors.Is(parse.Err, csv.ErrBareQuote) {
			return &csvFault{parse.StartLine, "a quotation mark that is not closed, or stands within a cell: a cell with quotation marks is quoted as a whole, and each mark in it doubled",
				"引号没有闭合，或出现在单元格中间：含引号的单元格要整体加引号，其中的每个引号写两遍"}
		}
		return &csvFault{parse.StartLine, "this is no CSV: " + parse.Err.Error(), "这不是 CSV 文件：" + parse.Err.Error()}
	}
	return err
}
