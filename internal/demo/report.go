package demo

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
)

// Report is what a run came to, as --json prints it.
type Report struct {
	Seed             uint64                 `json:"seed"`
	Devices          int                    `json:"devices"`
	MutationsQueued  int                    `json:"mutations_queued"`
	MutationsTaken   int                    `json:"mutations_taken"`
	Applied          int                    `json:"applied"`
	Merged           int                    `json:"merged"`
	Conflicts        int                    `json:"conflicts"`
	Rejected         int                    `json:"rejected"`
	Quarantined      int                    `json:"quarantined"`
	Facts            int                    `json:"facts"`
	FactsKept        int                    `json:"facts_kept"`
	FactsQuarantined int                    `json:"facts_quarantined"`
	Lost             int                    `json:"lost"`
	Duplicated       int                    `json:"duplicated"`
	Converged        bool                   `json:"converged"`
	ServerKills      int                    `json:"server_kills"`
	DeviceKills      int                    `json:"device_kills"`
	Cuts             int64                  `json:"cut_connections"`
	LostReplies      int64                  `json:"lost_replies"`
	BytesUp          int64                  `json:"bytes_up"`
	BytesDown        int64                  `json:"bytes_down"`
	RoundTrips       int64                  `json:"round_trips"`
	Photos           Photos                 `json:"photos"`
	Day              *Day                   `json:"day"`
	Promises         map[promises.Name]bool `json:"promises"`
	Broken           []promises.Name        `json:"broken,omitempty"`
	Findings         []string               `json:"findings,omitempty"`
	Seconds          float64                `json:"seconds"`

	missing int // queued by the demo's memory, and not in a phone's record
}

// mostFindings is how many findings a report carries.
const mostFindings = 50

func (r *Report) fill(found promises.Report) {
	c := found.Counts
	r.MutationsQueued, r.MutationsTaken = c.Queued+r.missing, c.Taken
	r.Applied, r.Merged, r.Conflicts, r.Rejected, r.Quarantined = c.Applied, c.Merged, c.Conflicts, c.Rejected, c.Quarantined
	r.Facts, r.FactsKept, r.FactsQuarantined = c.Facts, c.KeptFacts, c.QuarantinedFacts
	r.Lost, r.Duplicated, r.Converged = c.Lost+r.missing, c.Duplicated, found.Converged
	r.Promises, r.Broken = found.Held, found.Broken()
	if r.missing > 0 {
		r.Promises[promises.P10] = false
		r.Broken = append(r.Broken, promises.P10)
		r.Findings = append(r.Findings, fmt.Sprintf("P10: %d mutations that a phone had said were on disk are not in its record", r.missing))
	}
	for _, f := range found.Findings {
		if len(r.Findings) < mostFindings {
			r.Findings = append(r.Findings, f.String())
		}
	}
}

// evidenceKept is the promise that the photos are checked for: no photo counts before its bytes are durable and hashed again, none is lost, and no ticket
// closes without them but by two people.
const evidenceKept = promises.P9

// prove adds what was found out about the photos.
func (r *Report) prove(wrong []string) {
	if len(wrong) > 0 && r.Promises[evidenceKept] {
		r.Promises[evidenceKept] = false
		r.Broken = append(r.Broken, evidenceKept)
	}
	for _, words := range wrong[:min(len(wrong), mostFindings)] {
		r.Findings = append(r.Findings, "P9: "+words)
	}
}

// promiseWords says what each promise is, as pairs.
func promiseWords() map[promises.Name]string {
	return map[promises.Name]string{
		promises.P1:  "every outcome stands in the journal, once|每个结果都在日志中，且只有一次",
		promises.P2:  "repeats, doubles, cuts and lost replies changed nothing|重发、重复、断线和丢失的应答没有改变任何内容",
		promises.P3:  "devices at the same cursor hold the same records|同一进度的设备持有相同的记录",
		promises.P4:  "merging in other orders gives the same values|以其他顺序合并得到相同的值",
		promises.P5:  "no value vanished; every fact is kept or quarantined|没有值消失；每条事实都保留或隔离",
		promises.P6:  "nothing blocked anything|互不阻塞",
		promises.P7:  "a device's own mutations are in its snapshots|设备自己的变更都在它的快照中",
		promises.P8:  "no record is where it has no right to be|没有记录出现在无权之处",
		evidenceKept: "no closure without verified photos and another's word; every photo is as it was taken|没有核验的照片和他人确认就不关闭；每张照片与拍摄时相同",
		promises.P10: "kills of server and devices broke none of these|杀掉服务器和设备没有破坏以上各项",
		promises.P12: "the journals are whole, and signed by the devices|日志完整，并有设备签名",
		promises.P13: "wrong clocks broke none of these|错误的时钟没有破坏以上各项",
	}
}

func (r *Report) print(p paper) {
	p.say("\nThe day of %d devices, seed %d, took %.0f s.\n|\n%d 台设备的一天，种子 %d，用时 %.0f 秒。\n", r.Devices, r.Seed, r.Seconds)
	rows := []struct {
		words string
		value any
	}{
		{"mutations queued on phones|手机上排队的变更", r.MutationsQueued}, {"taken by the server|服务器已接收", r.MutationsTaken},
		{"  left on the phone that was lost|  留在丢失的手机上", r.MutationsQueued - r.MutationsTaken - r.Lost}, {"  applied|  已生效", r.Applied},
		{"  merged (somebody's value lost, and is named)|  已合并（落选的值有记录）", r.Merged}, {"  in conflict, for a person|  冲突，由人决定", r.Conflicts},
		{"  rejected, with the reason|  未采纳，有原因", r.Rejected}, {"  quarantined|  已隔离", r.Quarantined}, {"facts|事实", r.Facts}, {"  kept|  已保留", r.FactsKept},
		{"  quarantined|  已隔离", r.FactsQuarantined}, {"lost|丢失", r.Lost}, {"duplicated|重复", r.Duplicated}, {"all devices hold the same|所有设备内容一致", r.Converged},
		{"kill -9 of the server|kill -9 服务器", r.ServerKills}, {"kill -9 of a device|kill -9 设备", r.DeviceKills}, {"connections cut|断线次数", r.Cuts},
		{"replies lost|丢失的应答", r.LostReplies}, {"bytes up|上行字节数", r.BytesUp}, {"bytes down|下行字节数", r.BytesDown}, {"round trips|往返次数", r.RoundTrips},
	}
	for _, row := range rows {
		p.line(row.words, row.value)
	}
	fmt.Fprintln(p.out)
	if r.Day != nil {
		r.Day.print(p)
		fmt.Fprintln(p.out)
	}
	r.Photos.print(p)
	fmt.Fprintln(p.out)
	for _, name := range promises.Names() {
		mark := "held|兑现"
		if !r.Promises[name] {
			mark = "BROKEN|被打破"
		}
		fmt.Fprintf(p.out, "  %s %s  %s\n", wide(string(name), 4), wide(p.in(mark), 6), p.in(promiseWords()[name]))
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(p.out)
		for _, f := range r.Findings {
			fmt.Fprintln(p.out, "  "+f)
		}
	}
	fmt.Fprintln(p.out)
}

// verdict is nil where every promise was held and the day ended as it should; else the program ends with an exit code that is not 0.
func (r *Report) verdict() error {
	if len(r.Broken) > 0 {
		return ErrBroken
	}
	if faults := r.Day.faults(); len(faults) > 0 {
		return fmt.Errorf("%w: %s", ErrDay, strings.Join(faults, "; "))
	}
	return nil
}

// disk opens the store of the server's process, which must have ended.
func (c *child) disk() (*badgerstore.Store, error) {
	return badgerstore.Open(badgerstore.Config{Dir: filepath.Join(c.data(), "store"), ReadOnly: true})
}

// stay starts the server again and waits until the person has seen enough.
func (d *demo) stay(ctx context.Context, out io.Writer) error {
	ready, err := d.server.start(ctx)
	if err != nil {
		return err
	}
	if err := d.time.run(1); err != nil {
		return err
	}
	if err := d.office.off(ctx); err != nil {
		return err
	}
	office := filepath.Join(d.dir, "office")
	fmt.Fprintf(out, `The server stays up at %s; Ctrl-C ends it.
Its data and that of all phones stands in %s.
In another terminal (go build -o bin/rounds ./cmd/rounds makes the program) try:

  curl -s %s/grpc.health.v1.Health/Check -H 'Content-Type: application/json' -d '{}'
`, ready.Address, d.dir, ready.Address)
	if d.link != nil {
		if err := d.link(office, ready.Address, d.office.url); err != nil {
			return err
		}
		fmt.Fprintf(out, `  bin/rounds device status --dir %s
  bin/rounds device ticket list --all --dir %s
  bin/rounds desk list --dir %s --site %s
  bin/rounds admin person list --dir %s
  bin/rounds media chase --dir %s --site %s
`, office, office, office, d.Site.Code, office, office, d.Site.Code)
	}
	verify := ""
	if d.s3 == "" {
		verify = "  bin/rounds media verify --data " + d.server.data() + "\n"
	}
	fmt.Fprintf(out, `
After Ctrl-C:

  bin/rounds audit --data %s
%s
`, d.server.data(), verify)
	<-ctx.Done()
	return nil
}
