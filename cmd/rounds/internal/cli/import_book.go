package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/sheet"
)

// importBook is the report: what was created and changed, with what stood before. What people wrote is made harmless to spreadsheets, as in exports.
type importBook struct {
	lang  string // of the problems
	other string // a path for the next report

	mu   sync.Mutex // guards what follows
	file *os.File   // nil: no report is wanted
	csv  *csv.Writer
	rows int
}

// bookHead is the first line of a report.
const bookHead = "file,line,status,id,code,column,before,problem\n"

// openBook begins a report. One that is there already is written over only where it tells of nothing, as after a check that found faults: any other undoes the
// import that wrote it.
func openBook(path, lang string) (*importBook, error) {
	if path == "" {
		return &importBook{}, nil
	}
	other := otherPath(path)
	tells, err := tellsSomething(path)
	if tells {
		return nil, say(Failed, "%s is there already, and what is in it undoes the import that wrote it: keep it, and run this again with another file (--report %s). After an import that was "+
			"interrupted this one goes on, and to undo it takes both", "%s 已存在，撤销写出它的那次导入要用到它：请保留，换一个文件再运行（--report %s）。若上次导入中断，这次会接着导入，撤销时两份都要用", path, other)
	}
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.WriteString(bookHead)
	return &importBook{lang: lang, other: other, file: file, csv: csv.NewWriter(file)}, err
}

// tellsSomething: whether there is a file with more in it than the first line of a report.
func tellsSomething(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil || !info.Mode().IsRegular():
		return false, err
	case info.Size() > int64(len(bookHead)):
		return true, nil
	}
	text, err := os.ReadFile(path)
	return !strings.HasPrefix(bookHead, string(text)), err
}

// otherPath is a path like another one where there is no file yet: report-2.csv beside report.csv.
func otherPath(path string) string {
	ext := filepath.Ext(path)
	for n := 2; ; n++ {
		other := fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), n, ext)
		if _, err := os.Lstat(other); err != nil {
			return other
		}
	}
}

// write adds what became of a batch, and has it on disk.
func (b *importBook) write(of *batch, resp *roundsv1.ImportResponse) error {
	if b.file == nil {
		return nil
	}
	byLine := make(map[uint32]*roundsv1.ImportRow, len(of.rows))
	for _, row := range of.rows {
		byLine[row.GetLine()] = row
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range resp.GetResults() {
		status := enumName(r.GetStatus().String(), "IMPORT_STATUS")
		head := []string{filepath.Base(of.file.path), strconv.Itoa(int(r.GetLine())), status, r.GetRecordId(), cellOf(of.columns, byLine[r.GetLine()], "code")}
		cells := r.GetCells()
		if len(cells) == 0 || r.GetStatus() == roundsv1.ImportStatus_IMPORT_STATUS_CREATED {
			cells = []*roundsv1.ImportedCell{{}}
		}
		for _, c := range cells {
			row := append(slices.Clone(head), c.GetColumn(), c.GetBefore(), textIn(b.lang, r.GetProblem().GetSentence()))
			for i, cell := range row {
				row[i] = sheet.Harmless(cell)
			}
			if err := b.csv.Write(row); err != nil {
				return err
			}
			b.rows++
		}
	}
	b.csv.Flush()
	return b.csv.Error()
}

func (b *importBook) close() error {
	if b.file == nil {
		return nil
	}
	b.csv.Flush()
	if err := b.csv.Error(); err != nil {
		_ = b.file.Close()
		return err
	}
	return b.file.Close()
}
