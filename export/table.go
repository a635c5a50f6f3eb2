package export

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/sheet"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Media types of the files.
const (
	mediaCSV  = "text/csv; charset=utf-8"
	mediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	mediaPDF  = "application/pdf"
)

// line is one row under way: what fills it names each column as it goes, so that headers and cells cannot come apart.
type line struct {
	ctx   context.Context
	lang  language
	heads []string // gathered where naming is set
	cells []sheet.Cell
	// naming: nothing is looked up, only the headers are asked for.
	naming bool
	err    error
}

func (l *line) add(zh, en string, cell sheet.Cell) {
	if l.naming {
		l.heads = append(l.heads, l.lang.of(word{zh, en}))
		return
	}
	l.cells = append(l.cells, cell)
}

func (l *line) text(zh, en, value string) { l.add(zh, en, sheet.Text(value)) }

// number writes one that means something at 0, too.
func number[N ~int | ~int32 | ~int64 | ~uint32 | ~uint64](l *line, zh, en string, n N) {
	l.add(zh, en, sheet.Int(n))
}

// enum writes two columns: the code, which programs read, and the word.
func (l *line) enum(zh, en string, value protoreflect.Enum) {
	l.text(zh+"代码", en+" code", code(value))
	l.text(zh, en, l.lang.in(value))
}

func (l *line) time(s *scope, zh, en string, us int64) {
	l.add(zh, en, sheet.Time(s.at(us)))
}

func (l *line) yes(zh, en string, is bool) {
	value := ""
	if is {
		value = l.lang.of(word{"是", "yes"})
	}
	l.text(zh, en, value)
}

// person writes two columns: the id and the name.
func (l *line) person(s *scope, zh, en, id string) {
	l.text(zh+"编号", en+" id", id)
	l.text(zh, en, l.look(func() (string, error) { return s.names.person(l.ctx, id) }))
}

// look asks the directory; the first error counts.
func (l *line) look(ask func() (string, error)) string {
	if l.naming || l.err != nil {
		return ""
	}
	found, err := ask()
	l.err = err
	return found
}

// source is what a table's rows are made from.
type source struct {
	name  word
	kinds []merge.Kind // of records; none: entries of the journal
	fill  func(l *line, s *scope, from any)
	// rows of one record, each handed to write; nil: the record itself is the one row.
	rows func(s *scope, kind merge.Kind, change *roundsv1.Change, write func(from any) error) error
}

// source of what was asked for.
func (j *job) source() source {
	switch j.req.GetContent() {
	case roundsv1.ExportContent_EXPORT_CONTENT_TICKETS:
		return source{word{"工单", "tickets"}, []merge.Kind{kindTicket}, j.ticketRow, nil}
	case roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS:
		return source{word{"巡检", "rounds"}, []merge.Kind{kindInspection}, j.roundRow, nil}
	case roundsv1.ExportContent_EXPORT_CONTENT_FACTS:
		return source{word{"事实", "facts"}, []merge.Kind{kindTicket, kindInspection, kindPhoto, kindComment}, j.factRow, j.facts}
	}
	return source{word{"历史", "history"}, nil, j.entryRow, nil}
}

// table writes a file of rows.
func (j *job) table(ctx context.Context) error {
	from := j.source()
	l := &line{ctx: ctx, lang: j.lang, naming: true}
	from.fill(l, j.scopes[0], nil)
	header := l.heads
	l.naming = false

	name, mediaType := fileName(from.name.en, j.scopes, j.now.In(j.scopes[0].zone).Format("20060102-150405"))+".csv", mediaCSV
	workbook := j.req.GetFormat() == roundsv1.ExportFormat_EXPORT_FORMAT_XLSX
	if workbook {
		name, mediaType = strings.TrimSuffix(name, ".csv")+".xlsx", mediaXLSX
	}
	if err := j.out.head(name, mediaType, 0); err != nil {
		return err
	}
	var to sheet.Writer
	var err error
	if workbook {
		to, err = sheet.NewXLSX(j.out, sheet.Book{Sheet: j.lang.of(from.name), Header: header, Title: name, Created: j.now})
	} else {
		to, err = sheet.NewCSV(j.out, j.req.GetByteOrderMark(), header)
	}
	if err != nil {
		return err
	}
	most := j.cfg.MaxRows
	if asked := j.req.GetMaxRows(); asked > 0 {
		most = min(most, asked)
	}
	before := uint64(0) // what was looked through in the scopes before
	for _, s := range j.scopes {
		write := func(what any) error {
			if j.out.rows >= most {
				return tooMany(most)
			}
			l.cells = l.cells[:0]
			if from.fill(l, s, what); l.err != nil {
				return l.err
			}
			j.out.rows++
			return to.Row(l.cells)
		}
		if from.kinds == nil {
			err = j.entries(ctx, s, before, write)
		} else {
			err = j.records(ctx, s, before, from, write)
		}
		if err != nil {
			return err
		}
		before += uint64(s.head)
	}
	return to.Close()
}

// records hands the rows of a scope's records to write: each record once, as it stands when it is come to.
func (j *job) records(ctx context.Context, s *scope, before uint64, from source, write func(any) error) error {
	visit := func(kind merge.Kind, change *roundsv1.Change) error {
		if from.rows != nil {
			return from.rows(s, kind, change, write)
		}
		if !j.wanted(change) {
			return nil
		}
		return write(change)
	}
	if id := j.req.GetRecordId(); id != "" {
		return j.recordsOf(ctx, s, id, from, visit)
	}
	// A record that changes while this goes on comes again, at its new version.
	seen := map[uuid.UUID]struct{}{}
	for since := (engine.Position{}); ; {
		page, err := j.cfg.Records.Changes(ctx, s.name, since, engine.ChangesLimits{Records: 500})
		switch {
		case err != nil:
			return err
		case page.Reset:
			return anotherPast(s.name)
		}
		for _, change := range page.Changes {
			kind := kindOf(change.GetRecord(), from.kinds)
			if kind == "" || change.GetDeleted() {
				continue
			}
			id, err := uuid.Parse(change.GetRecordId())
			if err != nil {
				continue
			}
			if _, again := seen[id]; again {
				continue
			}
			seen[id] = struct{}{}
			if err := visit(kind, change); err != nil {
				return err
			}
		}
		since = page.Position
		if err := j.out.progress(before + min(uint64(since.Seq), uint64(s.head))); err != nil {
			return err
		}
		if !page.More {
			return nil
		}
	}
}

// recordsOf visits one ticket or round, and where facts are asked for what belongs to it.
func (j *job) recordsOf(ctx context.Context, s *scope, id string, from source, visit func(merge.Kind, *roundsv1.Change) error) error {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id {
		return noRecord(s.name)
	}
	found := false
	for _, kind := range from.kinds {
		if kind != kindTicket && kind != kindInspection {
			continue
		}
		change, err := j.cfg.Records.Record(ctx, s.name, kind, merge.RecordID(id))
		if err != nil {
			return err
		}
		if change == nil || change.GetDeleted() {
			continue
		}
		found = true
		if err := visit(kind, change); err != nil {
			return err
		}
		if from.rows != nil {
			if err := j.belonging(ctx, s.name, kind, change, visit); err != nil {
				return err
			}
		}
	}
	if !found && len(j.scopes) == 1 {
		return noRecord(s.name)
	}
	return nil
}

// kindOf is the kind of a record, "" where it is none of these.
func kindOf(r *roundsv1.Record, of []merge.Kind) merge.Kind {
	if kind, ok := merge.KindOf(r); ok && slices.Contains(of, kind) {
		return kind
	}
	return ""
}

// wanted: whether a ticket or round is in the time range and one of the states that were asked for.
func (j *job) wanted(change *roundsv1.Change) bool {
	if inspection := change.GetRecord().GetInspection(); inspection != nil {
		return j.stateWanted(change.GetRecord()) && j.within(inspection.GetWindowStartUs())
	}
	return j.stateWanted(change.GetRecord()) && j.within(reported(change))
}

// reported is when a ticket was.
func reported(change *roundsv1.Change) int64 {
	first := int64(0)
	if writes := change.GetWrites(); len(writes) > 0 {
		first = writes[0].GetStamp().GetTimeUs()
	}
	return cmp.Or(change.GetRecord().GetTicket().GetReportedTimeUs(), first)
}

func (j *job) stateWanted(r *roundsv1.Record) bool {
	if t := r.GetTicket(); t != nil {
		return oneOf(j.req.GetTicketStates(), t.GetState())
	}
	if i := r.GetInspection(); i != nil {
		return oneOf(j.req.GetInspectionStates(), i.GetState())
	}
	return true
}

// oneOf: none means all.
func oneOf[T comparable](of []T, one T) bool {
	return len(of) == 0 || slices.Contains(of, one)
}

// fileName is a name that every system takes.
func fileName(what string, scopes []*scope, at string) string {
	name := "rounds-" + what
	if len(scopes) == 1 {
		id := string(scopes[0].name)
		name += "-" + id[max(0, len(id)-8):]
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, name) + "-" + at
}
