package bench

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/internal/community"
)

// The bounds of one call, as rounds import keeps them.
const (
	importRows   = 1000
	importBytes  = 3 << 20
	importBeside = 3 // calls on their way at once, of tables whose rows do not refer to each other
)

// importEvery: of so many rows one is changed.
const importEvery = 100

// imports: the tables of an invented organisation are taken in by a server that has nothing yet, as rounds import does it after its check; then again, with nothing
// changed; and once more with one row in a hundred changed.
func (r *run) imports(ctx context.Context) (err error) {
	if r.server == nil {
		r.say("the server is not the run's own: import is left out")
		return nil
	}
	dir := filepath.Join(r.dir, "tables")
	if err := community.WriteTables(dir, r.options.Seed, community.Scale{Sites: r.options.ImportSites, Staff: r.options.ImportStaff}); err != nil {
		return err
	}
	tables, err := readTables(dir)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	i := &importing{tables: tables}
	if i.server, err = r.serveOn(ctx, "127.0.0.1:0", "import"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.server.stop()) }()
	town, err := r.settle(ctx, i.server.address, i.server.url, i.server.code, i.server.root, 0)
	if err != nil {
		return err
	}
	i.admin = town.admin
	before, _, _ := i.server.memory()
	r.say("importing")
	first, err := i.once(ctx)
	if err != nil {
		return err
	}
	disk, err := diskBytes(filepath.Join(r.dir, "import"))
	if err != nil {
		return err
	}
	r.say("importing again")
	again, err := i.once(ctx)
	if err != nil {
		return err
	}
	altered := alter(tables)
	r.say("importing with %d rows changed", altered)
	changed, err := i.once(ctx)
	if err != nil {
		return err
	}
	if first.unchanged > 0 || again.unchanged != again.rows || changed.changed != altered || changed.unchanged != changed.rows-altered {
		return fmt.Errorf("of %d rows %d stood already; then %d did, then %d, with %d of %d changed", first.rows, first.unchanged, again.unchanged, changed.unchanged,
			changed.changed, altered)
	}
	r.report.add("import.rows", float64(first.rows), "1")
	r.report.add("import.seconds", first.took.Seconds(), "s")
	r.report.add("import.rows_per_second", float64(first.rows)/first.took.Seconds(), "1/s")
	if first.measured {
		r.report.add("import.server_cpu_per_1000_rows", ms(first.cpu)*1000/float64(first.rows), "ms")
		r.report.add("import.memory_before", float64(before)/(1<<20), "MiB")
		r.report.add("import.memory_peak", float64(max(first.peak, again.peak, changed.peak))/(1<<20), "MiB")
	}
	r.report.add("import.disk", float64(disk)/(1<<20), "MiB")
	r.report.add("import.disk_per_row", float64(disk)/float64(first.rows), "B")
	r.report.add("import.again_seconds", again.took.Seconds(), "s")
	r.report.add("import.changed_rows", float64(altered), "1")
	r.report.add("import.changed_seconds", changed.took.Seconds(), "s")
	return nil
}

// importing is what is imported, and where.
type importing struct {
	server *process
	admin  roundsv1connect.AdminServiceClient
	tables []*csvTable
}

// csvTable is one table in memory.
type csvTable struct {
	directory.Table
	columns []string
	rows    []*roundsv1.ImportRow
}

// readTables reads the tables of a directory, in the order in which rows refer to each other.
func readTables(dir string) (tables []*csvTable, err error) {
	for _, of := range directory.Tables() {
		t := &csvTable{Table: of}
		if err := t.read(filepath.Join(dir, of.Name+".csv")); err != nil {
			return nil, fmt.Errorf("%s: %w", of.Name, err)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func (t *csvTable) read(path string) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	from := csv.NewReader(file)
	if t.columns, err = from.Read(); err != nil {
		return err
	}
	for {
		cells, err := from.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		t.rows = append(t.rows, &roundsv1.ImportRow{Line: uint32(len(t.rows) + 2), Cells: cells})
	}
}

// alter changes one row in a hundred of the large tables and tells how many.
func alter(tables []*csvTable) (altered int) {
	column := map[roundsv1.ImportKind]string{roundsv1.ImportKind_IMPORT_KIND_SITES: "name_en", roundsv1.ImportKind_IMPORT_KIND_PLACES: "name_en",
		roundsv1.ImportKind_IMPORT_KIND_STAFF: "phone"}
	for _, t := range tables {
		at := slices.Index(t.columns, column[t.Kind])
		for n := 0; at >= 0 && n < len(t.rows); n += importEvery {
			t.rows[n].Cells[at] += "0"
			altered++
		}
	}
	return altered
}

// imported is what became of the rows of one import, and what it cost.
type imported struct {
	rows, created, changed, unchanged int
	took, cpu                         time.Duration
	peak                              int64
	measured                          bool
}

// once sends all rows of all tables.
func (i *importing) once(ctx context.Context) (imported, error) {
	used, _ := i.server.cpu()
	peak := i.server.watchOwn(ctx)
	began := time.Now()
	var sum imported
	for _, t := range i.tables {
		if err := i.send(ctx, t, &sum); err != nil {
			peak()
			return sum, fmt.Errorf("%s: %w%s", t.Name, err, i.server.lastWords())
		}
	}
	sum.took = time.Since(began)
	usedBy, ok := i.server.cpu()
	most, told := peak()
	sum.cpu, sum.peak, sum.measured = usedBy-used, most, ok && told
	return sum, nil
}

// send sends the rows of one table.
func (i *importing) send(ctx context.Context, t *csvTable, sum *imported) error {
	calls := t.calls()
	beside := 1
	switch t.Kind {
	case roundsv1.ImportKind_IMPORT_KIND_STAFF, roundsv1.ImportKind_IMPORT_KIND_ASSETS, roundsv1.ImportKind_IMPORT_KIND_PLANS,
		roundsv1.ImportKind_IMPORT_KIND_POLICIES, roundsv1.ImportKind_IMPORT_KIND_SITES:
		beside = importBeside
	}
	var mu sync.Mutex // guards sum
	return inParallel(beside, len(calls), func(n int) error {
		resp, err := i.admin.Import(ctx, connect.NewRequest(&roundsv1.ImportRequest{Kind: t.Kind, Columns: t.columns, Rows: calls[n]}))
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sum.rows += len(calls[n])
		sum.unchanged += int(resp.Msg.GetUnchanged())
		for _, one := range resp.Msg.GetResults() {
			switch one.GetStatus() {
			case roundsv1.ImportStatus_IMPORT_STATUS_CREATED:
				sum.created++
			case roundsv1.ImportStatus_IMPORT_STATUS_CHANGED:
				sum.changed++
			default:
				return fmt.Errorf("line %d was not taken: %v", one.GetLine(), one.GetProblem())
			}
		}
		return nil
	})
}

// calls are the rows of a table as they are sent: as many in one call as it may carry.
func (t *csvTable) calls() (all [][]*roundsv1.ImportRow) {
	var one []*roundsv1.ImportRow
	size := 0
	for _, row := range t.rows {
		bytes := 0
		for _, cell := range row.GetCells() {
			bytes += len(cell) + 8
		}
		if len(one) == importRows || size+bytes > importBytes {
			all, one, size = append(all, one), nil, 0
		}
		one, size = append(one, row), size+bytes
	}
	if len(one) > 0 {
		all = append(all, one)
	}
	return all
}
