package cli

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/sheet"
)

// importFile is what became of the rows of one file.
type importFile struct {
	File      string `json:"file"`
	Kind      string `json:"kind"`
	Rows      int    `json:"rows"`
	Created   int    `json:"created"`
	Changed   int    `json:"changed"`
	Unchanged int    `json:"unchanged"`
	Refused   int    `json:"refused"`
}

// importFault is one row at fault.
type importFault struct {
	at      int
	File    string            `json:"file"`
	Line    int               `json:"line"`
	Column  string            `json:"column,omitempty"`
	Message string            `json:"message"`
	Zh      string            `json:"message_zh,omitempty"`
	Facts   map[string]string `json:"facts,omitempty"`
}

// importShow counts and shows how an import goes.
type importShow struct {
	bytes  atomic.Int64 // read so far, in all passes
	unseen atomic.Int64
	begun  time.Time
	now    func() time.Time

	mu     sync.Mutex // guards what follows
	files  []importFile
	list   []importFault
	faults int
	most   int
	phase  string
	rows   int
	bars   *mpb.Progress
	bar    *mpb.Bar
	total  int64
	lines  io.Writer // where no bar can be: a line now and then
	told   time.Time // of the last line
}

// lineEvery is how often an import says how far it is where there is no terminal.
const lineEvery = 5 * time.Second

func (i *importing) newShow(files []tableFile, passes int) *importShow {
	s := &importShow{begun: i.Now(), now: i.Now, most: i.most}
	for _, f := range files {
		s.files = append(s.files, importFile{File: filepath.Base(f.path), Kind: f.table.Name})
		s.total += f.size * int64(passes)
	}
	file, ok := i.Err.(*os.File)
	if i.json {
		return s
	}
	if !ok || !term.IsTerminal(int(file.Fd())) {
		s.lines = i.Err
		return s
	}
	s.bars = mpb.New(mpb.WithOutput(file), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
	s.bar = s.bars.AddBar(max(s.total, 1),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return s.words() }, decor.WC{W: 34, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 8})))
	return s
}

func (s *importShow) words() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%s %d rows, %d at fault", s.phase, s.rows, s.faults)
}

// begin begins a pass.
func (s *importShow) begin(phase string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.rows = phase, 0
	if s.lines != nil {
		s.told = s.now()
		fmt.Fprintf(s.lines, "%s %d files\n", phase, len(s.files))
	}
	for i := range s.files {
		s.files[i].Rows, s.files[i].Created, s.files[i].Changed, s.files[i].Unchanged, s.files[i].Refused = 0, 0, 0, 0, 0
	}
}

// took counts what became of a batch.
func (s *importShow) took(at int, b *batch, resp *roundsv1.ImportResponse, _ bool) {
	s.mu.Lock()
	f := &s.files[at]
	f.Rows += len(b.rows)
	s.rows += len(b.rows)
	f.Unchanged += int(resp.GetUnchanged())
	for _, r := range resp.GetResults() {
		switch r.GetStatus() {
		case roundsv1.ImportStatus_IMPORT_STATUS_CREATED:
			f.Created++
		case roundsv1.ImportStatus_IMPORT_STATUS_CHANGED:
			f.Changed++
		case roundsv1.ImportStatus_IMPORT_STATUS_REFUSED:
			f.Refused++
			line, _ := explainProblem(r.GetProblem())
			s.fault(importFault{at: at, File: b.file.path, Line: int(r.GetLine()), Column: r.GetProblem().GetField(), Message: line,
				Zh: r.GetProblem().GetSentence().GetZh(), Facts: r.GetProblem().GetFacts()})
		}
	}
	bar := s.bar
	if now := s.now(); s.lines != nil && now.Sub(s.told) >= lineEvery {
		s.told = now
		fmt.Fprintf(s.lines, "%s %s: %d rows, %d at fault, %d %%\n", s.phase, s.files[at].File, s.rows, s.faults, 100*min(s.bytes.Load(), s.total)/max(s.total, 1))
	}
	s.mu.Unlock()
	if bar != nil {
		bar.SetCurrent(min(s.bytes.Load(), s.total-1))
	}
}

// refused notes a row that was not sent at all.
func (s *importShow) refused(at int, f importFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[at].Rows++
	s.files[at].Refused++
	s.rows++
	s.fault(f)
}

// fault notes a row at fault, as far as they are to be shown.
func (s *importShow) fault(f importFault) {
	s.faults++
	if s.list = append(s.list, f); len(s.list) > 4*s.most+1000 { // keep the first lines; batches come in any order
		s.sort()
		s.list = s.list[:s.most]
	}
}

func (s *importShow) sort() {
	slices.SortStableFunc(s.list, func(a, b importFault) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.Line, b.Line)) })
}

// malformed notes a file that is no table from some line on.
func (s *importShow) malformed(at int, f tableFile, fault *csvFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[at].Refused++
	s.fault(importFault{at: at, File: f.path, Line: fault.line, Message: fault.what})
}

// stop takes the bar away.
func (s *importShow) stop() {
	if s.bars != nil {
		s.bar.Abort(false)
		s.bars.Wait()
	}
}

// end prints what became of everything. Rows at fault make the command fail.
func (s *importShow) end(i *importing, checked bool) error {
	if s.bars != nil {
		s.bar.SetTotal(-1, true)
		s.bars.Wait()
	}
	s.sort()
	shown := s.list[:min(len(s.list), s.most)]
	took := s.now().Sub(s.begun)
	if i.json {
		if err := printJSON(i.Out, struct {
			DryRun  bool          `json:"dry_run"`
			Written bool          `json:"written"`
			Files   []importFile  `json:"files"`
			Faults  int           `json:"faults"`
			Errors  []importFault `json:"errors"`
			Seconds float64       `json:"seconds"`
		}{i.dryRun, !checked, s.files, s.faults, shown, took.Seconds()}); err != nil {
			return err
		}
	} else {
		for _, f := range shown {
			fmt.Fprintf(i.Err, "%s:%d: %s\n", clean(f.File), f.Line, clean(f.Message))
		}
		if more := s.faults - len(shown); more > 0 {
			fmt.Fprintf(i.Err, "and %d more (--max-errors shows them)\n", more)
		}
		t := &table{head: []string{"FILE", "ROWS", "CREATED", "CHANGED", "UNCHANGED", "REFUSED"}}
		for _, f := range s.files {
			t.add(f.File, strconv.Itoa(f.Rows), strconv.Itoa(f.Created), strconv.Itoa(f.Changed), strconv.Itoa(f.Unchanged), strconv.Itoa(f.Refused))
		}
		if err := t.print(i.Out); err != nil {
			return err
		}
		what := "imported"
		if checked {
			what = "checked; nothing was written"
		}
		fmt.Fprintf(i.Out, "%s, %v\n", what, took.Round(10*time.Millisecond))
	}
	switch {
	case s.faults > 0 && checked:
		return fail(Refused, "%d rows are at fault and nothing was written: mend them, or import the others with --skip-check", s.faults)
	case s.faults > 0:
		return fail(Refused, "%d rows were not taken", s.faults)
	}
	return nil
}

// importBook is the report: what was created and changed, with what stood before. What people wrote is made harmless to spreadsheets, as in exports.
type importBook struct {
	mu   sync.Mutex // guards what follows
	file *os.File
	csv  *csv.Writer
}

func openBook(path string) (*importBook, error) {
	if path == "" {
		return &importBook{}, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	b := &importBook{file: file, csv: csv.NewWriter(file)}
	return b, b.csv.Write([]string{"file", "line", "status", "id", "code", "column", "before", "problem"})
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
			row := append(slices.Clone(head), c.GetColumn(), c.GetBefore(), r.GetProblem().GetSentence().GetEn())
			for i, cell := range row {
				row[i] = sheet.Harmless(cell)
			}
			if err := b.csv.Write(row); err != nil {
				return err
			}
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
