package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/internal/promises"
)

// TestMain lets the test's binary be the child processes too, as the demo's own binary is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "demo" {
		root := &cobra.Command{Use: "rounds", SilenceUsage: true, SilenceErrors: true}
		root.AddCommand(Command(nil))
		if err := root.Execute(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A short shift with everything that a long one has: the report is whole, and every promise is held.
func TestShortShift(t *testing.T) {
	var out, log bytes.Buffer
	o := options{devices: 7, hours: 1.5, seed: 5, kills: 2, json: true, dir: t.TempDir()}
	if err := run(context.Background(), o, &out, &log); err != nil {
		t.Fatalf("%v\n%s\n%s", err, log.String(), out.String())
	}
	var printed map[string]any
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"seed", "devices", "mutations_queued", "mutations_taken", "applied", "merged", "conflicts", "rejected", "quarantined", "lost",
		"duplicated", "converged", "server_kills", "device_kills", "bytes_up", "bytes_down", "round_trips", "promises", "seconds"} {
		if _, ok := printed[key]; !ok {
			t.Errorf("no %s in the report", key)
		}
	}
	var r Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Lost != 0 || r.Duplicated != 0 || !r.Converged || r.ServerKills != 2 || r.DeviceKills == 0 || r.MutationsQueued < 500 || r.MutationsTaken > r.MutationsQueued ||
		r.BytesUp == 0 || r.BytesDown == 0 || r.RoundTrips == 0 || r.Facts != r.FactsKept+r.FactsQuarantined {
		t.Errorf("report: %s", out.String())
	}
	for _, name := range promises.Names() {
		if held, ok := r.Promises[name]; !held || !ok {
			t.Errorf("%s: %v %v", name, held, r.Findings)
		}
	}
}

// A report of a broken promise says which, and what is wrong.
func TestReportOfABrokenPromise(t *testing.T) {
	r := &Report{Promises: map[promises.Name]bool{}, missing: 2}
	held := map[promises.Name]bool{}
	for _, name := range promises.Names() {
		held[name] = name != promises.P5
	}
	r.fill(promises.Report{Held: held, Findings: []promises.Finding{{Promise: promises.P5, Scope: "site/x", Words: "a value vanished"}}})
	var out strings.Builder
	r.print(&out)
	for _, want := range []string{"P5   BROKEN", "P10  BROKEN", "site/x: a value vanished", "2 mutations that a phone had said"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if len(r.Broken) != 2 || r.Lost != 2 {
		t.Errorf("broken %v, lost %d", r.Broken, r.Lost)
	}
}

func TestClockLines(t *testing.T) {
	l := line{shown: time.Date(2026, 7, 6, 8, 0, 0, 123000, time.UTC), real: time.UnixMicro(1_700_000_000_000_001), rate: 40}
	if got, err := parseLine(l.String()); err != nil || !got.shown.Equal(l.shown) || !got.real.Equal(l.real) || got.rate != l.rate {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1", "1 2", "a b c", "1 2 x"} {
		if _, err := parseLine(bad); err == nil {
			t.Errorf("%q is a clock", bad)
		}
	}
}
