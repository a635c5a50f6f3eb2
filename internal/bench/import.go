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

// imports: the tables of an invented organisation are taken in, as rounds import does it after its check; then again, with nothing changed; and once more with one row in
// a hundred changed.
func (r *run) imports(ctx context.Context) error {
	if r.server == nil {
		r.say("the server is not the run's own: import is left out")
		return nil
	}
	dir := filepath.Join(r.dir, "tables")
	if err := community.WriteTables(dir, r.options.Seed, community.Scale{Sites: r.options.ImportSites, Staff: r.options.ImportStaff}); err != nil {
		return err
	}
	tables, err := readTables(dir)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	// A server that starts anew: what it takes is the import's.
	if err := errors.Join(r.server.stop(), r.serve(ctx)); err != nil {
		return err
	}
	data := filepath.Join(r.dir, "data")
	disk, err := diskBytes(data)
	if err != nil {
		return err
	}
	before, _, _ := r.server.memory()
	first, err := r.importOnce(ctx, tables)
	if err != nil {
		return err
	}
	if first.unchanged > 0 {
		return fmt.Errorf("%d rows of %d stood already", first.unchanged, first.rows)
	}
	r.report.add("import.rows", float64(first.rows), "1")
	r.report.add("import.seconds", first.took.Seconds(), "s")
	r.report.add("import.rows_per_second", float64(first.rows)/first.took.Seconds(), "1/s")
	if first.measured {
		r.report.add("import.server_cpu_per_1000_rows", ms(first.cpu)*1000/float64(first.rows), "ms")
		r.report.add("import.memory_before", float64(before)/(1<<20), "MiB")
		r.report.add("import.memory_peak", float64(first.peak)/(1<<20), "MiB")
	}
	after, err := diskBytes(data)
	if err != nil {
		return err
	}
	r.report.add("import.disk_per_row", float64(after-disk)/float64(first.rows), "B")

	again, err := r.importOnce(ctx, tables)
	if err != nil {
		return err
	}
	if again.unchanged != again.rows {
		return fmt.Errorf("of %d rows that stood already %d were not left as they are", again.rows, again.rows-again.unchanged)
	}
	r.report.add("import.again_seconds", again.took.Seconds(), "s")
	altered := alter(tables)
	changed, err := r.importOnce(ctx, tables)
	if err != nil {
		return err
	}
	if changed.changed != altered || changed.unchanged != changed.rows-altered {
		return fmt.Errorf("%d rows were changed, not %d", changed.changed, altered)
	}
	r.report.add("import.changed_rows", float64(altered), "1")
	r.report.add("import.changed_seconds", changed.took.Seconds(), "s")
	return nil
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

// importOnce sends all rows of all tables.
func (r *run) importOnce(ctx context.Context, tables []*csvTable) (imported, error) {
	used, _ := r.server.cpu()
	peak := r.server.watchOwn(ctx)
	began := time.Now()
	var sum imported
	for _, t := range tables {
		if err := r.importTable(ctx, t, &sum); err != nil {
			peak()
			return sum, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	sum.took = time.Since(began)
	usedBy, ok := r.server.cpu()
	most, told := peak()
	sum.cpu, sum.peak, sum.measured = usedBy-used, most, ok && told
	return sum, nil
}

// importTable sends the rows of one table.
func (r *run) importTable(ctx context.Context, t *csvTable, sum *imported) error {
	calls := t.calls()
	beside := 1
	switch t.Kind {
	case roundsv1.ImportKind_IMPORT_KIND_STAFF, roundsv1.ImportKind_IMPORT_KIND_ASSETS, roundsv1.ImportKind_IMPORT_KIND_PLANS,
		roundsv1.ImportKind_IMPORT_KIND_POLICIES, roundsv1.ImportKind_IMPORT_KIND_SITES:
		beside = importBeside
	}
	var mu sync.Mutex // guards sum
	return inParallel(beside, len(calls), func(i int) error {
		resp, err := r.town.admin.Import(ctx, connect.NewRequest(&roundsv1.ImportRequest{Kind: t.Kind, Columns: t.columns, Rows: calls[i]}))
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sum.rows += len(calls[i])
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
