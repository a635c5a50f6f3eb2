// Package bench measures a server of Rounds as its devices see it, and the limits of the machine that it runs on in the same run, so that figures
// can be told as ratios. docs/performance.md tells the workloads and what is in each figure.
//
// The server is a process of its own: its CPU time, memory and disk are read from outside. The generator of the load shares the machine with it; so
// what it sends is made, signed and compressed before a clock starts, and what it gets is looked into after the clock has stopped.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media/s3blobs"
)

// Options say what to measure and how large. Default returns those of the design's figures.
type Options struct {
	// Workloads by name, in any order; empty: all.
	Workloads []string `json:"workloads"`
	// Server is the address of a running server; empty: one of the run's own, on a temporary directory. Code enrols an administrator there.
	Server string `json:"server,omitempty"`
	Code   string `json:"-"`
	// Devices that push, Docs tickets in all, Batch at a time, over Connections, into Scopes.
	Devices     int `json:"devices"`
	Docs        int `json:"docs"`
	Batch       int `json:"batch"`
	Connections int `json:"connections"`
	Scopes      int `json:"scopes"`
	// Records that the server holds after the push: what is more than Docs is there before the clock starts.
	Records int `json:"records"`
	// Readers are the fresh devices that pull one scope each, at once.
	Readers int `json:"readers"`
	// Changes are the records that change between two pulls.
	Changes int `json:"changes"`
	// Events are the writes that one watcher waits for, one after the other.
	Events int `json:"events"`
	// Watchers that stay idle.
	Watchers int `json:"watchers"`
	// Seed of everything that is drawn.
	Seed uint64 `json:"seed"`
	// SyncDelay is added by the run's own server to each sync of its disk.
	SyncDelay time.Duration `json:"sync_delay_ns"`
	// BitsPerSecond and RoundTrip are the link of the shift.
	BitsPerSecond int           `json:"bits_per_second"`
	RoundTrip     time.Duration `json:"round_trip_ns"`
	// Photos of PhotoBytes each are uploaded, PhotosAtOnce; then BigPhotos of BigPhotoBytes each, all at once; then LookedPhotos that are images.
	Photos        int   `json:"photos"`
	PhotoBytes    int64 `json:"photo_bytes"`
	PhotosAtOnce  int   `json:"photos_at_once"`
	BigPhotos     int   `json:"big_photos"`
	BigPhotoBytes int64 `json:"big_photo_bytes"`
	LookedPhotos  int   `json:"looked_photos"`
	// DeskTickets and DeskOthers records stand at the site that desks ask about, DeskEntries in its journal. Devices push DeskPushes tickets a second while each
	// desk makes DeskRounds rounds of its questions, one every DeskPause.
	DeskTickets int           `json:"desk_tickets"`
	DeskOthers  int           `json:"desk_others"`
	DeskEntries int           `json:"desk_entries"`
	DeskPushes  int           `json:"desk_pushes"`
	DeskRounds  int           `json:"desk_rounds"`
	DeskPause   time.Duration `json:"desk_pause_ns"`
	// ImportSites and ImportStaff are how large the organisation is whose tables are imported.
	ImportSites int `json:"import_sites"`
	ImportStaff int `json:"import_staff"`
	// S3 is an object store to measure photos on too, in the form of media/s3blobs; there is a secret in it. Empty: none.
	S3 string `json:"-"`
	// Dir is where the run's own server keeps its data; empty: a temporary directory.
	Dir string `json:"-"`
}

// Default returns the sizes that the design's figures are stated for.
func Default() Options {
	return Options{Devices: 50, Docs: 50_000, Batch: 25, Connections: 16, Scopes: 10, Records: 50_000, Readers: 20, Changes: 1000, Events: 500,
		Watchers: 2000, Seed: 1, BitsPerSecond: 64_000, RoundTrip: 400 * time.Millisecond,
		Photos: 200, PhotoBytes: 1_500_000, PhotosAtOnce: 8, BigPhotos: 64, BigPhotoBytes: 20_000_000, LookedPhotos: 64,
		DeskTickets: 50_000, DeskOthers: 300_000, DeskEntries: 2_000_000, DeskPushes: 100, DeskRounds: 100, DeskPause: 100 * time.Millisecond,
		ImportSites: 6600, ImportStaff: 250_000}
}

// Workloads returns the names of all workloads, in the order in which they run.
func Workloads() []string {
	return []string{"push", "start", "pull", "delta", "live", "idle", "shift", "photos", "desk", "export", "import"}
}

func (o Options) check() error {
	var faults []error
	for _, name := range o.Workloads {
		if !slices.Contains(Workloads(), name) {
			faults = append(faults, fmt.Errorf("no workload is called %q: they are %s", name, strings.Join(Workloads(), ", ")))
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"devices", o.Devices}, {"docs", o.Docs}, {"batch", o.Batch}, {"connections", o.Connections}, {"scopes", o.Scopes}, {"readers", o.Readers},
		{"changes", o.Changes}, {"events", o.Events}, {"watchers", o.Watchers}, {"bits-per-second", o.BitsPerSecond},
		{"photos", o.Photos}, {"photos-at-once", o.PhotosAtOnce}, {"big-photos", o.BigPhotos}, {"looked-photos", o.LookedPhotos},
		{"desk-tickets", o.DeskTickets}, {"desk-others", o.DeskOthers}, {"desk-entries", o.DeskEntries}, {"desk-pushes", o.DeskPushes},
		{"desk-rounds", o.DeskRounds}, {"desk-pause", int(o.DeskPause)}, {"import-sites", o.ImportSites}, {"import-staff", o.ImportStaff},
	} {
		if n.value < 1 {
			faults = append(faults, fmt.Errorf("--%s must be at least 1", n.name))
		}
	}
	if o.PhotoBytes < headBytes || o.BigPhotoBytes < headBytes {
		faults = append(faults, fmt.Errorf("--photo-bytes and --big-photo-bytes must be at least %d", headBytes))
	}
	if o.S3 != "" {
		if _, err := s3blobs.ParseURL(o.S3); err != nil {
			faults = append(faults, fmt.Errorf("--s3: %w", err))
		}
	}
	if o.Batch > maxMutations {
		faults = append(faults, fmt.Errorf("--batch is at most %d", maxMutations))
	}
	if o.Records < o.Docs {
		faults = append(faults, errors.New("--records is what is stored after the push: not less than --docs"))
	}
	if o.Changes > o.Records {
		faults = append(faults, errors.New("--changes is more than --records"))
	}
	if o.SyncDelay < 0 || o.RoundTrip < 0 {
		faults = append(faults, errors.New("a delay is negative"))
	}
	if o.Server != "" && (o.Code == "" || o.SyncDelay > 0) {
		faults = append(faults, errors.New("with --server also --code is needed, and --sync-delay is the server's own setting"))
	}
	return errors.Join(faults...)
}

// run is one run of the benchmark.
type run struct {
	options Options
	now     func() time.Time
	self    string // the program
	dir     string
	note    io.Writer // progress, for people
	env     []string  // of the server, besides the run's own
	report  *Report

	server  *process // nil: a running one is measured
	address string
	town    *town
	office  *device // may read every site
	ids     map[string][]string
	stored  int
	site    *deskSite // nil until a workload needs it
}

// Run measures. progress hears what goes on. The program that calls it must have the commands `serve` and, with Command, `bench`: it is run again for
// the servers that are measured.
func Run(ctx context.Context, options Options, progress io.Writer) (_ *Report, err error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the generator's memory is of no interest, its time is the server's
	if len(options.Workloads) == 0 {
		options.Workloads = Workloads()
	}
	r := &run{options: options, now: time.Now, self: self, dir: options.Dir, note: progress, ids: map[string][]string{},
		report: &Report{Machine: machine(), Options: options, Begun: time.Now()}}
	if r.dir == "" {
		if r.dir, err = os.MkdirTemp("", "rounds-bench-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	}
	if err := r.limits(ctx); err != nil {
		return nil, fmt.Errorf("the machine's limits: %w", err)
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if r.server != nil {
			err = errors.Join(err, r.server.stop())
		}
	}()
	for _, w := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"push", r.push}, {"start", r.restart}, {"pull", r.pull}, {"delta", r.delta}, {"live", r.live}, {"idle", r.idle}, {"shift", r.shift}, {"photos", r.photos},
		{"desk", r.desk}, {"export", r.exports}, {"import", r.imports},
	} {
		if !slices.Contains(options.Workloads, w.name) {
			continue
		}
		if !slices.Contains([]string{"push", "photos", "desk", "export", "import"}, w.name) && r.stored == 0 {
			if err := r.fill(ctx, options.Records); err != nil {
				return nil, fmt.Errorf("filling: %w", err)
			}
		}
		r.say("%s", w.name)
		runtime.GC()
		if err := w.run(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w%s", w.name, err, r.server.lastWords())
		}
	}
	r.report.Seconds = time.Since(r.report.Begun).Seconds()
	return r.report, nil
}

func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.note, "%6.1f s  "+format+"\n", append([]any{time.Since(r.report.Begun).Seconds()}, args...)...)
}

// serve starts the run's own server, or starts it again where it was.
func (r *run) serve(ctx context.Context) error {
	listen := "127.0.0.1:0"
	if r.address != "" {
		listen = strings.TrimPrefix(r.address, "http://")
	}
	p, err := r.serveOn(ctx, listen, "data")
	if err != nil {
		return err
	}
	r.server, r.address = p, p.address
	return nil
}

// serveOn starts a server on a folder of the run's directory.
func (r *run) serveOn(ctx context.Context, listen, data string) (*process, error) {
	return r.start(ctx, "serve", "--listen", listen, "--admin-listen", "127.0.0.1:0", "--data", filepath.Join(r.dir, data), "--log-level", "warn",
		"--limits-device-rate", "0", "--limits-address-rate", "0", "--auth-access-life", "24h", "--store-sync-delay", r.options.SyncDelay.String())
}

// open makes the connection to the server and what is needed there.
func (r *run) open(ctx context.Context) error {
	r.address = trimmed(r.options.Server)
	url, code, root := r.address, r.options.Code, ""
	if r.address == "" {
		if err := r.serve(ctx); err != nil {
			return err
		}
		url, code, root = r.server.url, r.server.code, r.server.root
	}
	r.say("making %d sites and enrolling", r.options.Scopes)
	var err error
	if r.town, err = r.settle(ctx, r.address, url, code, root, r.options.Scopes); err != nil {
		return err
	}
	office, err := r.crew(ctx, r.town, roundsv1.Role_ROLE_MANAGER, 1, 1)
	if err != nil {
		return err
	}
	r.office = office[0]
	return nil
}

func machine() Machine {
	m := Machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m
	}
	for _, line := range strings.Split(string(text), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}
