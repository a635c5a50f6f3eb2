package export_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
)

// size is a number that the environment may set.
func size(b *testing.B, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// heap is what objects on the heap take, dead ones that were not yet collected too.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// BenchmarkLargeSite writes the tickets, facts and history of a site as CSV and as workbooks: rows and bytes a second, and by how much the heap grew at most while
// one was made. What is asked is that the last does not grow with the site. ROUNDS_EXPORT_TICKETS and ROUNDS_EXPORT_ENTRIES set its size (2,000 and 20,000; a large
// site has 50,000 and 2,000,000); half of the records besides tickets are photos, half remarks.
func BenchmarkLargeSite(b *testing.B) {
	tickets0, entries := size(b, "ROUNDS_EXPORT_TICKETS", 2000), size(b, "ROUNDS_EXPORT_ENTRIES", 20_000)
	disk, err := badgerstore.Open(badgerstore.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer disk.Close()
	w := &world{t: b, access: &everybody{roles: []roundsv1.Role{roundsv1.Role_ROLE_MANAGER}}, album: album{}, now: time.Date(2026, 3, 4, 1, 2, 3, 0, time.UTC)}
	w.Engine, err = engine.Open(engine.Config{Store: disk, Rules: lets{}, Access: w.access, Index: export.Index{}, IndexVersion: export.IndexVersion,
		Now: func() time.Time { w.now = w.now.Add(time.Millisecond); return w.now }})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close(context.Background()) }()
	w.write(site, siteID, &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{Name: &roundsv1.Text{Zh: "云栖雅苑"}, TimeZone: "Asia/Shanghai"}}})
	began := time.Now()
	for n := 0; n < entries; {
		var batch []engine.Derived
		for ; len(batch) < 400 && n < entries; n++ {
			var r *roundsv1.Record
			var fields []uint32
			self, of := id(n), &roundsv1.RecordRef{Kind: "ticket", Id: id(n % tickets0)}
			switch {
			case n < tickets0:
				r = ticket(&roundsv1.Ticket{Title: fmt.Sprint("泵房漏水 ", n), Description: "接头渗漏,地面积水,请尽快处理", State: roundsv1.TicketState_TICKET_STATE_CLOSED, Round: 1, AssigneeId: string(worker),
					ReportedTimeUs: reportedUs, Moves: []*roundsv1.Move{{State: roundsv1.TicketState_TICKET_STATE_DISPATCHED, TimeUs: reportedUs + 60e6}}})
			case n < 6*tickets0 && n%2 == 0:
				r = &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: of, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Round: 1, Sha256: make([]byte, 32)}}}
			case n < 6*tickets0:
				r = &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: of, Words: "已到现场,等待配件"}}}
			default: // notes are edited again and again
				self, r, fields = of.GetId(), ticket(&roundsv1.Ticket{Notes: fmt.Sprint("备注 ", n)}), []uint32{14}
			}
			batch = append(batch, engine.Derived{RecordID: merge.RecordID(self), Edit: &roundsv1.Edit{Record: r, Fields: fields}})
		}
		if err := w.Write(context.Background(), site, func(engine.View) ([]engine.Derived, error) { return batch, nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d entries written in %v", entries, time.Since(began).Round(time.Second))
	for _, content := range []roundsv1.ExportContent{tickets, facts, history} {
		for _, format := range []roundsv1.ExportFormat{asCSV, asXLSX} {
			b.Run(fmt.Sprintf("%s/%s", content.String()[len("EXPORT_CONTENT_"):], format.String()[len("EXPORT_FORMAT_"):]), func(b *testing.B) {
				x := w.exporter()
				var rows, bytes, peak uint64
				for b.Loop() {
					runtime.GC()
					before, messages := heap(), 0
					err := x.Export(context.Background(), caller, &roundsv1.ExportRequest{Scopes: []string{string(site)}, Content: content, Format: format, Language: en},
						func(m *roundsv1.ExportResponse) error {
							bytes += uint64(len(m.GetChunk().GetData()))
							rows += m.GetEnd().GetRows()
							if messages++; messages%8 == 0 {
								peak = max(peak, heap()-min(before, heap()))
							}
							return nil
						})
					if err != nil {
						b.Fatal(err)
					}
				}
				seconds := b.Elapsed().Seconds()
				b.ReportMetric(float64(rows)/seconds, "rows/s")
				b.ReportMetric(float64(bytes)/seconds/1e6, "MB/s")
				b.ReportMetric(float64(bytes)/float64(rows), "B/row")
				b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
			})
		}
	}
}
