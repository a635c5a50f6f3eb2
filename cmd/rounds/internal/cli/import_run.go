package cli

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
)

// The bounds of one batch, within the server's.
const (
	batchRows    = 1000
	batchBytes   = 3 << 20
	batchAssumed = 4000
)

// importing is one run of rounds import.
type importing struct {
	*deviceCommands
	dryRun, skipCheck bool
	report, kind      string
	most              int

	seed  maphash.Seed
	codes map[uint64][]roundsv1.Role // the codes of all rows so far, of a quarter of a million people, by their hashes; and the roles that rows of staff name
	seen  seen
	gone  map[string][]*roundsv1.ImportAssumption // what rows of this pass take away, by its site
	show  *importShow
	book  *importBook
}

// batch is some rows of one file, and what became of them.
type batch struct {
	file    tableFile
	columns []string
	rows    []*roundsv1.ImportRow
	assumed map[string]*roundsv1.ImportAssumption
	bytes   int
}

// run checks everything, then writes it.
func (i *importing) run(ctx context.Context, s *session, files []tableFile) (err error) {
	i.seed, i.codes = maphash.MakeSeed(), map[uint64][]roundsv1.Role{}
	if i.book, err = openBook(i.report, i.lang); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.book.close()) }()
	passes := 2
	if i.dryRun || i.skipCheck {
		passes = 1
	}
	i.show = i.newShow(files, passes)
	defer i.show.stop(false) // whatever the end
	i.foresee(files)
	if !i.skipCheck {
		i.show.begin(i.in("checking", "检查"))
		if err := i.pass(ctx, s, files, true); err != nil {
			return i.stopped(err)
		}
		if i.show.faults > 0 || i.dryRun {
			return i.show.end(i, true)
		}
	}
	i.show.begin(i.in("importing", "导入"))
	if err := i.pass(ctx, s, files, false); err != nil {
		return i.stopped(err)
	}
	return i.show.end(i, false)
}

// stopped says what to do after an import that did not come to its end.
func (i *importing) stopped(err error) error {
	line, code := explain(err)
	if code != Unreachable && code != Failed {
		return err
	}
	zh, _ := explainIn("zh", err)
	line, zh = line+"; what was imported stays: run it again, and it goes on", zh+"；已导入的保留，再运行一次即可继续"
	if i.book.rows > 0 {
		line += fmt.Sprintf(", with --report %s: to undo it takes both reports", i.book.other)
		zh += fmt.Sprintf("，并用 --report %s：撤销时两份报告都要用", i.book.other)
	}
	return &exit{code: code, line: line, zh: zh, cause: err}
}

// foresee notes the codes of categories, which checklists name though they come after them.
func (i *importing) foresee(files []tableFile) {
	for _, f := range files {
		if f.table.Kind != roundsv1.ImportKind_IMPORT_KIND_CATEGORIES {
			continue
		}
		r, err := openTable(f, &i.show.unseen)
		if err != nil {
			continue // the pass tells
		}
		for {
			row, err := r.next()
			if row == nil || err != nil {
				break
			}
			i.note(f.table, r.columns, row)
		}
		r.close()
	}
}

// parallel: whether rows of a table never refer to rows of the same table, so that several batches may be on their way.
func parallel(t directory.Table) int {
	switch t.Kind {
	case roundsv1.ImportKind_IMPORT_KIND_STAFF, roundsv1.ImportKind_IMPORT_KIND_ASSETS, roundsv1.ImportKind_IMPORT_KIND_PLANS,
		roundsv1.ImportKind_IMPORT_KIND_POLICIES, roundsv1.ImportKind_IMPORT_KIND_SITES:
		return 3
	}
	return 1
}

// pass sends every row of every file once. Rows that take something away come last, and the tables of these in the opposite order: a room goes after what stands in it.
func (i *importing) pass(ctx context.Context, s *session, files []tableFile, dry bool) error {
	i.seen, i.gone = newSeen(), map[string][]*roundsv1.ImportAssumption{}
	var taking []int // files with such rows, the last first
	for at, f := range files {
		takes, err := i.file(ctx, s, at, f, dry, false)
		if takes {
			taking = append([]int{at}, taking...)
		}
		if err != nil {
			var fault *csvFault
			if !errors.As(err, &fault) {
				return err
			}
			i.show.malformed(at, f, fault)
			if !dry {
				told := fault.of(at, f.path)
				return &exit{code: Refused, line: told.in("en"), zh: told.in("zh"), cause: err}
			}
		}
	}
	for _, at := range taking {
		if _, err := i.file(ctx, s, at, files[at], dry, true); err != nil && !isFault(err) { // a fault was told
			return err
		}
	}
	return nil
}

func isFault(err error) bool {
	var fault *csvFault
	return errors.As(err, &fault)
}

// file sends the rows of one file that take something away, or all others; and says whether there are any of the first.
func (i *importing) file(ctx context.Context, s *session, at int, f tableFile, dry, removing bool) (takes bool, err error) {
	progress := &i.show.bytes
	if removing {
		progress = &i.show.unseen
	}
	r, err := openTable(f, progress)
	if err != nil {
		return false, err
	}
	defer r.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		running sync.WaitGroup
		mu      sync.Mutex // guards failed
		failed  error
		room    = make(chan struct{}, parallel(f.table))
	)
	send := func(b *batch) {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			if err := i.send(ctx, s, at, b, dry); err != nil {
				mu.Lock()
				if failed == nil {
					failed = err
				}
				mu.Unlock()
				stop()
			}
		})
	}
	var broken error
	b := &batch{file: f, columns: r.columns, assumed: map[string]*roundsv1.ImportAssumption{}}
	group := ""
	for ctx.Err() == nil {
		row, err := r.next()
		if err != nil {
			broken = err // what came before is sent: in a check for its own faults, else as far as it came
			break
		}
		if row == nil {
			break
		}
		removes := directory.Removes(cellOf(r.columns, row, "remove"))
		if takes = takes || removes; removes != removing || i.twice(at, f, r.columns, row) {
			continue
		}
		size := 0
		for _, cell := range row.GetCells() {
			size += len(cell) + 8
		}
		// The rows of one version of a checklist stay together.
		own := versionIn(f.table, r.columns, row)
		full := len(b.rows) >= batchRows || b.bytes+size > batchBytes || len(b.assumed) >= batchAssumed || own != "" && own != group && len(b.rows) > batchRows-256
		if full && len(b.rows) > 0 {
			send(b)
			i.seen.calls++
			b = &batch{file: f, columns: r.columns, assumed: map[string]*roundsv1.ImportAssumption{}}
		}
		if own != "" && i.apart(at, f, own, row) {
			continue
		}
		group = own
		i.assume(b, row, dry)
		if removes {
			i.takes(b, row, dry)
		} else {
			i.note(f.table, r.columns, row)
		}
		b.rows, b.bytes = append(b.rows, row), b.bytes+size
	}
	if i.seen.calls++; len(b.rows) > 0 && (broken == nil || dry) {
		send(b)
	}
	running.Wait()
	if failed != nil {
		return takes, failed
	}
	if err := context.Cause(ctx); err != nil {
		return takes, err
	}
	return takes, broken
}

func cellOf(columns []string, row *roundsv1.ImportRow, name string) string {
	if at := slices.Index(columns, name); at >= 0 && at < len(row.GetCells()) {
		return strings.TrimSpace(row.GetCells()[at])
	}
	return ""
}

// hash stands for a code in its place.
func (i *importing) hash(kind roundsv1.ImportKind, site, code string) uint64 {
	return maphash.String(i.seed, fmt.Sprintf("%d\x00%s\x00%s", kind, site, code))
}

// note remembers the code of a row, for the rows that refer to it.
func (i *importing) note(t directory.Table, columns []string, row *roundsv1.ImportRow) {
	code := cellOf(columns, row, "code")
	if t.Kind == roundsv1.ImportKind_IMPORT_KIND_HOLIDAYS {
		code = cellOf(columns, row, "calendar")
	}
	if code == "" {
		return
	}
	site := ""
	switch t.Kind {
	case roundsv1.ImportKind_IMPORT_KIND_PLACES, roundsv1.ImportKind_IMPORT_KIND_ASSETS, roundsv1.ImportKind_IMPORT_KIND_STAFF:
		site = cellOf(columns, row, "site")
	}
	var roles []roundsv1.Role
	if t.Kind == roundsv1.ImportKind_IMPORT_KIND_STAFF {
		roles = directory.RolesNamed(cellOf(columns, row, "role"), cellOf(columns, row, "more_roles"))
	}
	i.codes[i.hash(t.Kind, site, code)] = roles
}

// assume tells the server which codes of a row stand in rows that a check has not written.
func (i *importing) assume(b *batch, row *roundsv1.ImportRow, dry bool) {
	add := func(kind roundsv1.ImportKind, site, code string) {
		if code == "" || !dry && kind != roundsv1.ImportKind_IMPORT_KIND_CATEGORIES {
			return
		}
		key := fmt.Sprintf("%d\x00%s\x00%s", kind, site, code)
		if roles, known := i.codes[i.hash(kind, site, code)]; known && b.assumed[key] == nil {
			b.assumed[key] = &roundsv1.ImportAssumption{Kind: kind, Site: site, Code: code, Roles: roles}
		}
	}
	if b.file.table.Kind == roundsv1.ImportKind_IMPORT_KIND_POLICIES && directory.NamesCalendar(cellOf(b.columns, row, "key")) {
		add(roundsv1.ImportKind_IMPORT_KIND_HOLIDAYS, "", cellOf(b.columns, row, "value"))
	}
	for _, c := range b.file.table.Columns {
		if c.Refers == roundsv1.ImportKind_IMPORT_KIND_UNSPECIFIED {
			continue
		}
		cell := cellOf(b.columns, row, c.Name)
		codes := []string{cell}
		if c.Many {
			codes = strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '\uff1b' })
		}
		site := ""
		if c.Local {
			site = cellOf(b.columns, row, "site")
		}
		for _, code := range codes {
			code = strings.TrimSpace(code[strings.LastIndexByte(code, '@')+1:])
			if c.Refers == roundsv1.ImportKind_IMPORT_KIND_POLICIES { // units and sites alike
				add(roundsv1.ImportKind_IMPORT_KIND_UNITS, "", code)
				add(roundsv1.ImportKind_IMPORT_KIND_SITES, "", code)
				continue
			}
			add(c.Refers, site, code)
		}
	}
}

// takes tells the server what rows in earlier calls of a check take away at the site of a row that takes something away as well, and notes what that one takes.
func (i *importing) takes(b *batch, row *roundsv1.ImportRow, dry bool) {
	if !dry {
		return
	}
	site, code := cellOf(b.columns, row, "site"), cellOf(b.columns, row, "code")
	for _, a := range i.gone[site][max(0, len(i.gone[site])-batchAssumed/2):] {
		b.assumed[fmt.Sprintf("gone\x00%d\x00%s\x00%s", a.GetKind(), site, a.GetCode())] = a
	}
	i.gone[site] = append(i.gone[site], &roundsv1.ImportAssumption{Kind: b.file.table.Kind, Site: site, Code: code, Removed: true})
}

// send sends one batch and takes in what became of its rows.
func (i *importing) send(ctx context.Context, s *session, at int, b *batch, dry bool) error {
	req := &roundsv1.ImportRequest{Kind: b.file.table.Kind, Columns: b.columns, Rows: b.rows, DryRun: dry}
	for _, a := range b.assumed {
		req.Assumed = append(req.Assumed, a)
	}
	for {
		one, cancel := context.WithTimeout(ctx, patience)
		resp, err := call(one, s, s.remote.admin.Import, req)
		cancel()
		if wait := retryAfter(err); wait > 0 {
			select {
			case <-time.After(wait):
				continue
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if err != nil {
			return err
		}
		if dry {
			i.tagged(at, b, resp)
		}
		i.show.took(at, b, resp, dry)
		if !dry || i.dryRun {
			return i.book.write(b, resp)
		}
		return nil
	}
}

// retryAfter is how long the server asks to wait before the same call; 0 where waiting does not help.
func retryAfter(err error) time.Duration {
	var refused *connect.Error
	if !errors.As(err, &refused) {
		return 0
	}
	for _, d := range refused.Details() {
		if value, err := d.Value(); err == nil {
			if p, ok := value.(*roundsv1.Problem); ok && p.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_RATE {
				return max(p.GetRetryAfter().AsDuration(), 100*time.Millisecond)
			}
		}
	}
	return 0
}
