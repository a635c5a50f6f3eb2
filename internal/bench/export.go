package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
)

// exportCase is one file that is made of the large site, with what the figures call it and how many rows it has at least.
type exportCase struct {
	name    string
	content roundsv1.ExportContent
	format  roundsv1.ExportFormat
	least   func(*deskSite) int
}

func exportCases() (all []exportCase) {
	for _, content := range []exportCase{
		{name: "tickets", content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS, least: func(s *deskSite) int { return len(s.tickets) }},
		{name: "rounds", content: roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS, least: func(s *deskSite) int { return s.rounds }},
		{name: "facts", content: roundsv1.ExportContent_EXPORT_CONTENT_FACTS, least: func(s *deskSite) int { return s.facts }},
		{name: "history", content: roundsv1.ExportContent_EXPORT_CONTENT_HISTORY, least: func(s *deskSite) int { return s.entries }},
	} {
		for _, format := range []roundsv1.ExportFormat{roundsv1.ExportFormat_EXPORT_FORMAT_CSV, roundsv1.ExportFormat_EXPORT_FORMAT_XLSX} {
			one := content
			one.format = format
			one.name += "_" + strings.ToLower(strings.TrimPrefix(format.String(), "EXPORT_FORMAT_"))
			all = append(all, one)
		}
	}
	return all
}

// exports: files of all that stands at the large site, one after the other while nobody else asks for anything; then the longest of them again and again while four
// desks poll and devices push, beside what the desks' questions take without it.
func (r *run) exports(ctx context.Context) error {
	site, err := r.largeSite(ctx)
	if err != nil || site == nil {
		return err
	}
	if err := errors.Join(r.server.stop(), r.serve(ctx)); err != nil {
		return err
	}
	if own, _, ok := r.server.memory(); ok {
		r.report.add("export.memory_before", float64(own)/(1<<20), "MiB")
	}
	all := exportCases()
	for _, one := range all {
		r.say("export of %s", one.name)
		got, err := r.export(ctx, site, one)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		add := func(what string, value float64, unit string) { r.report.add("export."+one.name+"_"+what, value, unit) }
		add("rows", float64(got.rows), "1")
		add("seconds", got.took.Seconds(), "s")
		add("rows_per_second", float64(got.rows)/got.took.Seconds(), "1/s")
		add("mb_per_second", float64(got.bytes)/1e6/got.took.Seconds(), "MB/s")
		add("first_byte", ms(got.first), "ms")
		if got.measured {
			add("memory_peak", float64(got.peak)/(1<<20), "MiB")
		}
	}
	return r.exportBeside(ctx, site, all[len(all)-1])
}

// exportBeside polls without an export and beside one.
func (r *run) exportBeside(ctx context.Context, site *deskSite, one exportCase) error {
	alone, err := r.poll(ctx, site)
	if err != nil {
		return err
	}
	exporting, stop := context.WithCancel(ctx)
	defer stop()
	var (
		others sync.WaitGroup
		files  int
		failed error
	)
	others.Go(func() {
		for exporting.Err() == nil {
			if _, err := r.export(exporting, site, one); err != nil {
				if exporting.Err() == nil {
					failed = err
				}
				return
			}
			files++
		}
	})
	beside, err := r.poll(ctx, site)
	stop()
	others.Wait()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	for _, name := range questions() {
		r.report.add("export."+name+"_p99_alone", ms(quantile(alone.of[name], 0.99)), "ms")
		r.report.add("export."+name+"_p99_beside", ms(quantile(beside.of[name], 0.99)), "ms")
	}
	r.report.add("export.files_beside", float64(files), "1") // whole ones
	return nil
}

// exported is what one export took.
type exported struct {
	rows        uint64
	bytes       int64
	took, first time.Duration
	peak        int64 // of the server's own memory
	measured    bool
}

// export takes one file and lets go of it.
func (r *run) export(ctx context.Context, site *deskSite, one exportCase) (got exported, err error) {
	peak := r.server.watchOwn(ctx)
	defer func() { got.peak, got.measured = peak() }()
	began := time.Now()
	client := roundsv1connect.NewExportServiceClient(http.DefaultClient, r.address)
	req := connect.NewRequest(&roundsv1.ExportRequest{Scopes: []string{site.scope}, Content: one.content, Format: one.format,
		Language: roundsv1.ExportLanguage_EXPORT_LANGUAGE_ZH})
	req.Header().Set("Authorization", "Bearer "+site.reviewers[0].token)
	stream, err := client.Export(ctx, req)
	if err != nil {
		return got, err
	}
	defer stream.Close()
	var end *roundsv1.ExportEnd
	for stream.Receive() {
		if n := len(stream.Msg().GetChunk().GetData()); n > 0 {
			if got.bytes == 0 {
				got.first = time.Since(began)
			}
			got.bytes += int64(n)
		}
		end = stream.Msg().GetEnd()
	}
	if err := stream.Err(); err != nil {
		return got, err
	}
	if got.took = time.Since(began); end == nil || end.GetSizeBytes() != got.bytes || int(end.GetRows()) < one.least(site) {
		return got, fmt.Errorf("%d bytes came of %d, with %d rows where %d were written", got.bytes, end.GetSizeBytes(), end.GetRows(), one.least(site))
	}
	got.rows = end.GetRows()
	return got, nil
}
