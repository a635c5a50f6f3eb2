// Package demo runs a day of a community before one's eyes: the real server in a process of its own, and a crew of device libraries that work
// through hours without signal, ten-second windows over a narrow link, wrong clocks, conflicting edits, and kills of both sides. At the end the promises of the
// protocol are checked from the journals and from the devices' own records.
package demo

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/media/s3blobs"
)

// options are what a person may choose.
type options struct {
	devices int
	hours   float64
	seed    uint64
	kills   int
	photos  int
	s3      string
	json    bool
	lang    string // of the report: zh, or en
	keep    bool
	dir     string
	scenes  []int // rows of the table that are brought about; nil: all that can be
	link    func(dir, server, audience string) error
}

// gcPercent: a demo lives for a minute or two beside twenty stores; memory is cheaper for it than collecting it often.
const gcPercent = 300

// ErrBroken says that the shift ended with a promise broken; the report says which.
var ErrBroken = errors.New("a promise is broken")

// ErrDay says that no promise is broken, but that work was left which should have been finished.
var ErrDay = errors.New("the day did not end as it should")

// Command returns the command `demo`. With --keep, link makes the directory of the office's device usable from the command line, given the
// address to dial and the one that the server calls itself; nil: it is not offered.
func Command(link func(dir, server, audience string) error) *cobra.Command {
	o := options{link: link}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a whole day of a community against a real server, with all that can go wrong, and check the promises",
		Long: "Starts the real server as a child process, enters an invented community into its directory, and runs a crew of device libraries through a day:\n" +
			"residents' reports, patrols from plans, dispatch, work with photos, approvals and rework, questions and their answers; hours offline, ten-second\n" +
			"windows over a link of 64 kbit/s and 400 ms that is cut and loses replies, wrong clocks, conflicting acts of every kind, phones killed in mid-write and\n" +
			"the server killed in mid-push. In the evening everybody finishes what is due. Hours pass in seconds: server and phones go by the demo's clock.\n" +
			"It ends with a report and an independent check of the promises and of every photo. Exit code 1: a promise is broken, fewer than 99 % of the tickets\n" +
			"are closed with verified photos, or a question has neither an answer nor anybody who is asked.",
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if o.s3 != "" {
				if _, err := s3blobs.ParseURL(o.s3); err != nil {
					return fmt.Errorf("--s3: %w", err)
				}
			}
			if o.lang != "en" && o.lang != "zh" {
				return fmt.Errorf("--lang is en or zh, not %q", o.lang)
			}
			if o.photos < 0 || o.photos > 20_000 {
				return errors.New("a demo has up to 20,000 photos")
			}
			if o.devices < 4 || o.devices > 60 || o.hours <= 0 || o.hours > 72 || o.kills < 0 || o.kills > 50 {
				return errors.New("a demo has 4 to 60 devices, up to 72 hours, up to 50 kills of the server")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			debug.SetGCPercent(gcPercent)
			return run(ctx, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.devices, "devices", 20, "how many devices work, 4 to 60")
	flags.Float64Var(&o.hours, "hours", 8, "length of the shift, up to 72")
	flags.Uint64Var(&o.seed, "seed", 1, "the same seed makes the same community, crew and plan of the shift")
	flags.IntVar(&o.kills, "kills", 3, "how often the server is killed with -9 in mid-push, up to 50")
	flags.IntVar(&o.photos, "photos", 300, "about how many photos are taken, up to 20,000; the work itself needs some")
	flags.StringVar(&o.s3, "s3", "", "keep the photos in this object store instead of the server's folder: "+s3Form)
	flags.BoolVar(&o.json, "json", false, "print the report as one line of JSON")
	flags.StringVar(&o.lang, "lang", systemLanguage(), "language of the report: en or zh (default: ROUNDS_LANG, or else the system's)")
	flags.BoolVar(&o.keep, "keep", false, "leave the server up at the end and say what to try")
	flags.StringVar(&o.dir, "dir", "", "directory for the server's and the devices' data; it has to be empty; default: a temporary one, removed at the end")
	cmd.AddCommand(serveCommand(), writeCommand())
	return cmd
}

// systemLanguage is the language of the surroundings: zh, or en for all others.
func systemLanguage() string {
	for _, name := range []string{"ROUNDS_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if said := os.Getenv(name); said != "" {
			if strings.HasPrefix(said, "zh") {
				return "zh"
			}
			break
		}
	}
	return "en"
}

// demo is one run.
type demo struct {
	options
	*community.Community
	time        *timeline
	server      *child
	office      *office
	desk        *worker // the office as a worker
	workers     []*worker
	day         *day
	kills       []time.Time
	deviceKills int
	spares      int              // second phones that were handed out
	staged      map[int][]string // rows that scenes brought about, with which records
	asked       []int            // rows that the day is to show
	forks       []sighting       // lanes that were found forked
	dismissed   map[string]int64 // whose right ended, and when
	revoked     map[string]int64 // devices that were shut out, and when
	former      []promises.Device
	formerKeys  map[string]ed25519.PublicKey
	acts        []promises.Act           // at desks
	answered    map[client.RecordID]bool // questions that were decided at a desk
	progress    *progress
}

func run(ctx context.Context, o options, out, log io.Writer) (err error) {
	began := time.Now()
	var alive *os.File
	if o.dir == "" {
		if n := sweep(os.TempDir()); n > 0 {
			fmt.Fprintf(log, "removed what %d killed demos had left in %s\n", n, os.TempDir())
		}
		if o.dir, alive, err = temporary(os.TempDir(), o.keep); err != nil {
			return err
		}
		if alive != nil {
			defer func() { err = errors.Join(err, os.RemoveAll(o.dir), alive.Close()) }()
		}
	} else if err := ownDir(o.dir); err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	begin := time.Date(2026, 7, 6, 8, 0, 0, 0, time.FixedZone("CST", 8*3600))
	view := &progress{out: log, begin: begin, hours: o.hours, now: begin}
	if f, ok := log.(*os.File); ok {
		view.live = term.IsTerminal(int(f.Fd()))
		view.wide = func() int { wide, _, _ := term.GetSize(int(f.Fd())); return wide } // 0 where it is not known
	}
	logs, err := os.Create(filepath.Join(o.dir, "server.log"))
	if err != nil {
		return err
	}
	defer logs.Close()
	at := newTimeline(begin)
	d := &demo{options: o, Community: community.New(o.seed), time: at, progress: view, server: &child{exe: exe, dir: o.dir, s3: o.s3, time: at, logs: logs, alive: alive}}
	d.staged, d.dismissed, d.revoked, d.formerKeys = map[int][]string{}, map[string]int64{}, map[string]int64{}, map[string]ed25519.PublicKey{}
	d.answered = map[client.RecordID]bool{}
	at.told = d.server.tell
	defer func() { err = errors.Join(err, d.end(context.WithoutCancel(ctx))) }()
	if err := d.prepare(ctx); err != nil {
		return explain(err, logs.Name())
	}
	random := rand.New(rand.NewPCG(o.seed, 0x7368696674))
	events := append(plan(d.workers, begin, o.hours, random), d.misfortunes(begin, o.hours, random)...)
	events = append(events, d.stageScenes(begin, o.hours)...)
	for at := deskTime; at < o.hours; at += deskTime {
		events = append(events, event{at: begin.Add(time.Duration(at * float64(time.Hour))), phone: -1, does: d.atDesks})
	}
	for n := range d.options.kills {
		d.kills = append(d.kills, begin.Add(time.Duration((float64(n)+0.5)/float64(o.kills)*o.hours*float64(time.Hour))))
	}
	view.step("the shift goes on")
	if err := d.run(ctx, events); err != nil {
		return explain(err, logs.Name())
	}
	d.time.jump(begin.Add(time.Duration(o.hours * float64(time.Hour))))
	view.at(d.time.Now())
	view.step("everybody is back and has a signal")
	if err := d.settle(ctx); err != nil {
		return explain(err, logs.Name())
	}
	view.step("checking the promises")
	report, err := d.check(ctx)
	if err != nil {
		return explain(err, logs.Name())
	}
	report.Seconds = time.Since(began).Seconds()
	if o.json {
		if err := json.NewEncoder(out).Encode(report); err != nil {
			return err
		}
	} else {
		report.print(paper{out, o.lang})
	}
	if o.keep {
		if o.json {
			out = log // the standard output holds JSON alone
		}
		if err := d.stay(ctx, out); err != nil {
			return err
		}
	}
	return report.verdict()
}

// ownDir makes a directory for a demo, which has to be empty: another may run in it, or have been killed there, and nothing of anybody's is overwritten.
func ownDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	held, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		return fmt.Errorf("--dir: %s is not empty: another demo may run there, or may have been ended there; name a new directory, or remove it first", dir)
	}
	return nil
}

// explain adds to an error where the server's words are.
func explain(err error, logs string) error {
	if text, readErr := os.ReadFile(logs); readErr == nil && len(text) > 0 {
		return fmt.Errorf("%w\nthe server said:\n%s", err, text[max(0, len(text)-2000):])
	}
	return err
}

// prepare starts the server, founds the company and hands out the phones.
func (d *demo) prepare(ctx context.Context) error {
	d.progress.step("starting the server")
	ready, err := d.server.start(ctx)
	if err != nil {
		return err
	}
	d.progress.step("founding the company")
	if err := d.time.run(1); err != nil {
		return err
	}
	if d.office, err = openOffice(ctx, d.dir, ready, d.time); err != nil {
		return err
	}
	if err := d.office.found(ctx, d.Community, filepath.Join(d.dir, "tables"), d.progress.step); err != nil {
		return err
	}
	site := client.Scope("site/" + d.Site.ID)
	d.desk = &worker{phone: d.office.phone, Community: d.Community, site: site}
	d.progress.step("handing out phones")
	d.day = &day{pace: pace{begin: d.progress.begin, hours: d.hours, wanted: int(float64(d.devices) * d.hours * ticketsAnHour)}, taken: map[client.RecordID]bool{}}
	planted := &plants{tricks: tricks(), times: map[string]int{}, since: onePlanted - 2} // also a short day has one
	for i, person := range d.crew() {
		p, err := newPhone(d.dir, fmt.Sprintf("phone-%02d", i+1), ready.Address[len("http://"):], d.time, d.seed*1000+uint64(i)+1)
		if err != nil {
			return err
		}
		p.Person, p.url = person, ready.URL
		p.camera = &camera{random: rand.New(rand.NewPCG(d.seed*1000+uint64(i)+1, 0x63616d657261)), plants: planted, begin: d.progress.begin, hours: d.hours,
			wanted: (d.options.photos + d.devices - 1) / d.devices, took: d.progress.took}
		w := &worker{phone: p, Community: d.Community, site: site, day: d.day, number: i}
		switch i {
		case d.devices - 1: // works at another site
			p.visitor = d.devices >= withVisitor
		case d.devices - 2:
			p.leaves = d.devices >= withLeaver
		case d.devices - 3:
			p.lost = d.devices >= withLost
		}
		if p.visitor {
			w.site = client.Scope("site/" + d.Nodes[len(d.Nodes)-1].ID)
		}
		var code string
		if p.visitor {
			p.Person = community.Person{ID: uuid.NewSHA1(uuid.Nil, []byte(person.ID)).String(), Name: person.Name, Role: roundsv1.Role_ROLE_WORKER, Staff: person.Staff}
			code, err = d.office.hire(ctx, p.Person, string(w.site)[len("site/"):])
		} else {
			code, err = d.office.phoneFor(ctx, person)
		}
		if err != nil {
			return err
		}
		if err := errors.Join(p.enrol(ctx, code), p.on(ctx)); err != nil {
			return err
		}
		if _, err := p.device.Sync(ctx); err != nil {
			return err
		}
		p.link.Off()
		p.dropIdle()
		d.workers = append(d.workers, w)
	}
	var hands []community.Person
	for _, w := range d.workers {
		if w.Role == roundsv1.Role_ROLE_WORKER && !w.visitor && !w.Night {
			hands = append(hands, w.Person)
		}
	}
	for _, w := range d.workers {
		w.hands = hands
	}
	d.time.jump(d.time.Now())
	return nil
}

// So many devices at least, and somebody works at another site, loses the right to this one, loses the phone: the others can still do all the work.
const (
	withVisitor, withLeaver, withLost = 6, 8, 9
)

// crew picks who works: somebody of each office, and workers.
func (d *demo) crew() []community.Person {
	var crew []community.Person
	for _, role := range []roundsv1.Role{roundsv1.Role_ROLE_DISPATCHER, roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_BUTLER} {
		if len(crew) < d.devices-2 {
			crew = append(crew, d.In(role)[0])
		}
	}
	// Of each trade some, and nobody of the night shift.
	lines := map[roundsv1.ServiceLine][]community.Person{}
	for _, p := range d.In(roundsv1.Role_ROLE_WORKER) {
		if !p.Night {
			lines[p.GetLine()] = append(lines[p.GetLine()], p)
		}
	}
	var rest []community.Person
	for i := range d.devices {
		for _, line := range []roundsv1.ServiceLine{roundsv1.ServiceLine_SERVICE_LINE_CLEANING, roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING,
			roundsv1.ServiceLine_SERVICE_LINE_SECURITY, roundsv1.ServiceLine_SERVICE_LINE_GREEN} {
			if i < len(lines[line]) {
				rest = append(rest, lines[line][i])
			}
		}
	}
	rest = append(rest, d.In(roundsv1.Role_ROLE_BUTLER)[1:]...)
	rest = append(rest, d.In(roundsv1.Role_ROLE_DISPATCHER)[1:]...)
	rest = append(rest, d.In(roundsv1.Role_ROLE_FOREMAN)[1:]...)
	for _, p := range d.In(roundsv1.Role_ROLE_WORKER) {
		if p.Night {
			rest = append(rest, p)
		}
	}
	return append(crew, rest[:d.devices-len(crew)]...)
}

// withOffice lets time run while the office calls the server.
func (d *demo) withOffice(call func() error) error {
	if err := d.time.run(1); err != nil {
		return err
	}
	defer func() { d.time.jump(d.time.Now()) }()
	return call()
}

// end closes what is open.
func (d *demo) end(ctx context.Context) error {
	var faults []error
	if d.office != nil {
		faults = append(faults, d.office.off(ctx), d.office.link.Close())
	}
	for _, w := range d.workers {
		faults = append(faults, w.off(ctx), w.link.Close())
	}
	return errors.Join(append(faults, d.server.stop())...)
}
