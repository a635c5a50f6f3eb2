package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
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

// importFault is one row at fault, or a file that is no table.
type importFault struct {
	at      int
	File    string            `json:"file"`
	Line    int               `json:"line"` // 0: the file as a whole
	Column  string            `json:"column,omitempty"`
	Message string            `json:"message"`
	Zh      string            `json:"message_zh,omitempty"`
	Facts   map[string]string `json:"facts,omitempty"`
}

// in says in a language what is wrong, and where: after a path and a line, which editors and terminals lead to.
func (f importFault) in(lang string) string {
	where := f.File
	if f.Line > 0 {
		where += ":" + strconv.Itoa(f.Line)
	}
	return clean(where + ": " + pick(lang, f.Message, cmp.Or(f.Zh, f.Message)))
}

// importShow counts and shows how an import goes.
type importShow struct {
	words  *program     // how it is said
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
	bars   *mpb.Progress // nil: none, or none any more
	bar    *mpb.Bar
	total  int64
	lines  io.Writer // where no bar can be: a line now and then
	told   time.Time // of the last line
}

// lineEvery is how often an import says how far it is where there is no terminal.
const lineEvery = 5 * time.Second

func (i *importing) newShow(files []tableFile, passes int) *importShow {
	s := &importShow{words: i.program, begun: i.Now(), now: i.Now, most: i.most}
	for _, f := range files {
		s.files = append(s.files, importFile{File: filepath.Base(f.path), Kind: f.table.Name})
		s.total += f.size * int64(passes)
	}
	if i.json {
		return s
	}
	if s.bars = i.bars(); s.bars == nil {
		s.lines = i.Err
		return s
	}
	s.bar = s.bars.AddBar(max(s.total, 1),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return s.state() }, decor.WC{W: 34, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 8})))
	return s
}

// state is how far a pass is, beside its bar.
func (s *importShow) state() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase + " " + s.counted()
}

// counted counts the rows so far. The caller holds s.mu.
func (s *importShow) counted() string {
	return fmt.Sprintf(s.words.in("%s, %d at fault", "%s，%d 处有错"), number(s.words.lang, s.rows, "row", "行"), s.faults)
}

// number is so many of something, in a language.
func number(lang string, n int, en, zh string) string {
	if n != 1 {
		en += "s"
	}
	return fmt.Sprintf("%d %s", n, pick(lang, en, zh))
}

// begin begins a pass, which people read of under a name.
func (s *importShow) begin(phase string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.rows = phase, 0
	if s.lines != nil {
		s.told = s.now()
		fmt.Fprintf(s.lines, "%s %s\n", phase, number(s.words.lang, len(s.files), "file", "个文件"))
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
			en, _ := explainProblemIn("en", r.GetProblem())
			zh, _ := explainProblemIn("zh", spokenFacts(r.GetProblem()))
			s.fault(importFault{at: at, File: b.file.path, Line: int(r.GetLine()), Column: r.GetProblem().GetField(), Message: en, Zh: zh, Facts: r.GetProblem().GetFacts()})
		}
	}
	bar := s.bar
	if now := s.now(); s.lines != nil && now.Sub(s.told) >= lineEvery {
		s.told = now
		fmt.Fprintf(s.lines, s.words.in("%s %s: %s, %d %%\n", "%s %s：%s，%d %%\n"), s.phase, s.files[at].File, s.counted(), 100*min(s.bytes.Load(), s.total)/max(s.total, 1))
	}
	s.mu.Unlock()
	if bar != nil {
		bar.SetCurrent(min(s.bytes.Load(), s.total-1))
	}
}

// spokenFacts is a problem without the fact of what is wanted: it is English, and the sentence says it in the language of who reads.
func spokenFacts(p *roundsv1.Problem) *roundsv1.Problem {
	spoken := proto.CloneOf(p)
	delete(spoken.GetFacts(), "wanted")
	return spoken
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
	s.fault(fault.of(at, f.path))
}

// stop ends the bar, which is full where everything was done. It may be called again.
func (s *importShow) stop(full bool) {
	if s.bars == nil {
		return
	}
	if full {
		s.bar.SetCurrent(max(s.total, 1))
	}
	endBar(s.bars, s.bar)
	s.bars = nil
}

// end prints what became of everything. Rows at fault make the command fail.
func (s *importShow) end(i *importing, checked bool) error {
	s.stop(!checked || i.dryRun)
	s.sort()
	shown := s.list[:min(len(s.list), s.most)]
	took := s.now().Sub(s.begun)
	print := s.print
	if i.json {
		print = s.printJSON
	}
	if err := print(i, checked, shown, took); err != nil {
		return err
	}
	faults := func(lang string) string { return number(lang, s.faults, "fault", "处错误") }
	switch {
	case s.faults > 0 && checked:
		return say(Refused, "%[1]s, and nothing was written: mend what is told above, or import the rest with --skip-check",
			"%[2]s，未写入任何内容：请按上面的说明改正，或用 --skip-check 导入其余的行", faults("en"), faults("zh"))
	case s.faults > 0:
		return say(Refused, "%[1]s: the rows that are told above were not taken", "%[2]s：上面列出的行没有导入", faults("en"), faults("zh"))
	}
	return nil
}

// print prints for people what became of everything.
func (s *importShow) print(i *importing, checked bool, shown []importFault, took time.Duration) error {
	for _, f := range shown {
		fmt.Fprintln(i.Err, f.in(i.lang))
	}
	if more := s.faults - len(shown); more > 0 {
		fmt.Fprintf(i.Err, i.in("and %d more (--max-errors shows them)\n", "还有 %d 处（用 --max-errors 显示）\n"), more)
	}
	t := &table{head: i.heads("FILE|文件", "ROWS|行数", "CREATED|新建", "CHANGED|修改", "UNCHANGED|未变", "REFUSED|拒绝")}
	for _, f := range s.files {
		t.add(f.File, strconv.Itoa(f.Rows), strconv.Itoa(f.Created), strconv.Itoa(f.Changed), strconv.Itoa(f.Unchanged), strconv.Itoa(f.Refused))
	}
	if err := t.print(i.Out); err != nil {
		return err
	}
	what := i.in("imported, %v\n", "已导入，%v\n")
	if checked {
		what = i.in("checked; nothing was written, %v\n", "已检查，未写入任何内容，%v\n")
	}
	_, err := fmt.Fprintf(i.Out, what, took.Round(10*time.Millisecond))
	return err
}

// printJSON prints the same for programs.
func (s *importShow) printJSON(i *importing, checked bool, shown []importFault, took time.Duration) error {
	return printJSON(i.Out, struct {
		DryRun  bool          `json:"dry_run"`
		Written bool          `json:"written"`
		Files   []importFile  `json:"files"`
		Faults  int           `json:"faults"`
		Errors  []importFault `json:"errors"`
		Seconds float64       `json:"seconds"`
	}{i.dryRun, !checked, s.files, s.faults, shown, took.Seconds()})
}
