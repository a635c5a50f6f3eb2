package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/internal/bench"
	"github.com/rounds-sync/rounds/internal/objectstore"
	"github.com/rounds-sync/rounds/server"
)

// TestMain lets the test binary be the program that Run starts its servers from.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || (os.Args[1] != "serve" && os.Args[1] != "bench") {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := program().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func program() *cobra.Command {
	root := &cobra.Command{Use: "rounds", SilenceUsage: true, SilenceErrors: true}
	serve := &cobra.Command{Use: "serve", RunE: func(cmd *cobra.Command, _ []string) error {
		loaded, err := server.Load(cmd.Flags(), os.Environ())
		if err != nil {
			return err
		}
		return server.Run(cmd.Context(), loaded.Config)
	}}
	server.AddFlags(serve.Flags())
	root.AddCommand(serve, bench.Command())
	return root
}

// tiny is a run of all workloads in a second or two.
func tiny() []string {
	return strings.Fields("bench --devices 3 --docs 120 --records 150 --batch 10 --connections 2 --scopes 2 --readers 3 --changes 20 --events 10 " +
		"--watchers 12 --seed 7 --bits-per-second 4000000 --round-trip 10ms --json " +
		"--photos 3 --photo-bytes 1200000 --photos-at-once 3 --big-photos 1 --big-photo-bytes 2500000 --looked-photos 8 " +
		"--desk-tickets 200 --desk-others 1200 --desk-entries 2500 --desk-rounds 5 --desk-pause 1ms " +
		"--import-sites 24 --import-staff 300")
}

func runTiny(t *testing.T, more ...string) bench.Report {
	t.Helper()
	var out bytes.Buffer
	root := program()
	root.SetArgs(append(tiny(), more...))
	root.SetOut(&out)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var report bench.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return report
}

// TestAll: every workload runs against a real server in a process of its own, and every figure is there.
func TestAll(t *testing.T) {
	report := runTiny(t)
	want := strings.Fields(`limits.fsync_p50 limits.fsync_p99 limits.sha256 limits.empty_call_p50 limits.empty_call_p99
		limits.bare_docs_per_second limits.bare_batch_p99
		push.docs_per_second push.batch_p50 push.batch_p99 push.of_bare_server push.payload_per_doc push.mutation_per_doc push.wire_bytes_up_per_doc
		push.wire_bytes_down_per_doc push.disk_over_payload push.disk_over_payload_restarted
		start.ready start.first_answer start.records
		pull.one_first_docs_per_second pull.one_docs_per_second pull.one_requests pull.wire_bytes_per_doc pull.one_decoded_docs_per_second
		pull.twenty_docs_per_second pull.twenty_docs
		delta.bytes delta.first delta.again delta.nothing_new_p50 delta.nothing_new_bytes delta.nothing_new_round_trips
		delta.nothing_new_p50_http2 delta.nothing_new_bytes_http2
		live.p50 live.p99 live.writer_answer_p50
		idle.watchers idle.write_reaches_p50 idle.write_reaches_last idle.writer_answer_p50
		idle.watchers_http2 idle.write_reaches_p50_http2 idle.write_reaches_last_http2 idle.writer_answer_p50_http2
		shift.mutations shift.content_bytes shift.bytes_up shift.bytes_down shift.round_trips shift.loopback shift.link_seconds
		photos.mb_per_second photos.big_mb_per_second photos.looked_per_second photos.looked_12mp_per_second
		desk.load desk.first_story desk.records desk.entries desk.queue_p50 desk.queue_p99 desk.list_p50 desk.list_p99 desk.text_p50 desk.text_p99
		desk.story_p50 desk.story_p99 desk.inbox_p50 desk.inbox_p99
		import.rows import.seconds import.rows_per_second import.disk import.disk_per_row import.again_seconds import.changed_rows import.changed_seconds`)
	for _, of := range []string{"tickets", "rounds", "facts", "history"} {
		for _, format := range []string{"csv", "xlsx"} {
			for _, what := range []string{"rows", "seconds", "rows_per_second", "mb_per_second", "first_byte"} {
				want = append(want, "export."+of+"_"+format+"_"+what)
			}
		}
	}
	for _, question := range []string{"queue", "list", "text", "story", "inbox"} {
		want = append(want, "export."+question+"_p99_alone", "export."+question+"_p99_beside")
	}
	zeroIsFine := map[string]bool{"export.files_beside": true} // the desks may be done before a file is
	want = append(want, "export.files_beside")
	if runtime.GOOS == "linux" {
		for _, name := range strings.Fields(`limits.bare_cpu_per_doc push.server_cpu_per_doc push.server_memory push.server_mapped pull.server_cpu_per_doc
			pull.twenty_server_cpu_per_doc delta.server_cpu_per_change idle.memory_per_watcher idle.memory_per_watcher_http2 start.idle_memory start.idle_memory_own
			photos.server_cpu_per_gb photos.big_memory_before photos.big_memory_peak photos.looked_server_cpu photos.looked_12mp_server_cpu
			photos.looked_12mp_memory_peak desk.memory_before desk.memory_loaded desk.memory_after desk.server_cpu_per_question
			desk.pushed_per_second import.server_cpu_per_1000_rows import.memory_before import.memory_peak
			export.memory_before export.tickets_csv_memory_peak export.tickets_xlsx_memory_peak export.rounds_csv_memory_peak export.rounds_xlsx_memory_peak
			export.facts_csv_memory_peak export.facts_xlsx_memory_peak export.history_csv_memory_peak export.history_xlsx_memory_peak`) {
			want = append(want, name)
			zeroIsFine[name] = true // so little was done that the system's clock does not see it
		}
	}
	for _, name := range want {
		f, found := report.Find(name)
		switch {
		case !found:
			t.Errorf("%s is missing", name)
		case f.Value <= 0 && !zeroIsFine[name]:
			t.Errorf("%s is %v %s", name, f.Value, f.Unit)
		case f.Unit == "":
			t.Errorf("%s has no unit", name)
		}
	}
	if len(report.Figures) != len(want) {
		t.Errorf("%d figures, %d of them known to this test", len(report.Figures), len(want))
	}
	for name, exact := range map[string]float64{"start.records": 150, "shift.mutations": 328, "shift.round_trips": 1,
		"idle.watchers": 12, "delta.nothing_new_round_trips": 1, "desk.entries": 2500} {
		if f, _ := report.Find(name); f.Value != exact {
			t.Errorf("%s is %v, not %v", name, f.Value, exact)
		}
	}
	// Each reader has its site whole; a question or a notice of the server may come with it.
	if f, _ := report.Find("pull.twenty_docs"); f.Value < 3*75 || f.Value > 3*75+15 {
		t.Errorf("%s is %v, not about %v", f.Name, f.Value, 3*75)
	}
	for _, f := range report.Figures {
		if f.Goal == nil {
			continue
		}
		if more := f.Unit == "1/s" || f.Unit == "MB/s"; f.Value > 0 && (*f.Ratio >= 1) != (f.Value == *f.Goal || (f.Value > *f.Goal) == more) {
			t.Errorf("%s: %v with the goal %v is a ratio of %v", f.Name, f.Value, *f.Goal, *f.Ratio)
		}
	}
	var table bytes.Buffer
	if err := report.WriteTable(&table); err != nil || !strings.Contains(table.String(), "push.docs_per_second") {
		t.Errorf("the table: %v\n%s", err, table.String())
	}
}

// TestChosen: one workload alone is measured on a store that was filled for it, with a slow disk.
func TestChosen(t *testing.T) {
	report := runTiny(t, "--sync-delay", "1ms", "delta")
	if _, found := report.Find("push.docs_per_second"); found {
		t.Error("push was measured")
	}
	if f, found := report.Find("delta.bytes"); !found || f.Value <= 0 {
		t.Error("delta was not")
	}
	if report.Options.SyncDelay != time.Millisecond || report.Options.Records != 150 {
		t.Errorf("the report tells other options: %+v", report.Options)
	}
}

// TestRunningServer: a server that somebody else started is measured by its address and an administrator's code.
func TestRunningServer(t *testing.T) {
	cfg := server.Default()
	cfg.Listen, cfg.Admin.Listen, cfg.Data, cfg.Log.Level = "127.0.0.1:0", "", t.TempDir(), "error"
	cfg.Inject.Out = io.Discard
	s, err := server.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	report := runTiny(t, "push", "start", "pull", "--server", s.URL()+"/", "--code", string(s.Founding().Code))
	if f, found := report.Find("push.docs_per_second"); !found || f.Value <= 0 {
		t.Error("push was not measured")
	}
	for _, name := range []string{"push.server_cpu_per_doc", "start.ready", "push.disk_over_payload"} {
		if f, found := report.Find(name); found {
			t.Errorf("%s of a process that is not the run's own: %v", name, f.Value)
		}
	}
}

// TestPhotosOnAnObjectStore: with an object store the same is measured there, and held against plain PUTs.
func TestPhotosOnAnObjectStore(t *testing.T) {
	store := objectstore.Test(t)
	report := runTiny(t, "photos", "--looked-photos", "1", "--big-photos", "1", "--s3", store.URL("rounds-bench"))
	for _, name := range strings.Fields("photos.mb_per_second photos.mb_per_second_s3 photos.plain_put_signed_mb_per_second_s3 " +
		"photos.plain_put_unsigned_mb_per_second_s3 photos.of_plain_put_s3 photos.looked_per_second_s3") {
		if f, found := report.Find(name); !found || f.Value <= 0 {
			t.Errorf("%s is %v", name, f.Value)
		}
	}
	var out bytes.Buffer
	if err := report.WriteJSON(&out); err != nil || strings.Contains(out.String(), store.SecretKey()) {
		t.Errorf("the report tells the store's secret, or %v", err)
	}
}

// TestOptions: all faults are told at once.
func TestOptions(t *testing.T) {
	o := bench.Default()
	o.Workloads, o.Devices, o.Records, o.SyncDelay = []string{"push", "rest"}, 0, 10, -1
	_, err := bench.Run(t.Context(), o, io.Discard)
	if err == nil {
		t.Fatal("they were taken")
	}
	for _, part := range []string{`"rest"`, "--devices", "--records", "negative"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not told in: %v", part, err)
		}
	}
}
