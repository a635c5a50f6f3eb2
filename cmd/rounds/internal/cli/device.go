package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/server/compress"
	"github.com/rounds-sync/rounds/server/precheck"
	"github.com/rounds-sync/rounds/server/violation"
	"github.com/rounds-sync/rounds/sync/store/boltstore"
	"github.com/rounds-sync/rounds/work"
)

// answerBytes is the largest answer that this program takes from a server.
const answerBytes = 16 << 20

// device is the group of commands with which a person plays a field worker.
func (p *program) device() *cobra.Command {
	d := &deviceCommands{program: p}
	cmd := &cobra.Command{
		Use: "device", Short: d.in("Be a device: tickets, inspections and photos, offline or on", "作为设备：工单、巡检、照片，断网也能用"),
		Long: d.in("A device keeps what you do in its directory before a command returns, and delivers it when the server can be reached.\n"+
			"Listing and showing never wait for a network: they show what the device has, with your own edits on top.\n"+
			"Wherever an id is asked for, its beginning or its end is enough; people are found by name or job number, categories and places by code or name.\n\n"+
			"What the device knows that the rules would refuse, it refuses at once, with what is missing; --anyway has it sent all the same. Photos, scans,\n"+
			"answers and remarks are never refused.",
			"每条命令返回前，所做的事已存入设备目录；能连上服务器时再发送。\n"+
				"列表和查看不等网络：显示本机已有的数据，并叠加本人未发送的修改。\n"+
				"编号只需开头或末尾几位；人员可用姓名或工号，类别和位置可用代码或名称。\n\n"+
				"本机已知会被规则拒绝的操作当场拒绝并说明缺什么；加 --anyway 仍会提交。照片、扫码、答案和备注从不拒绝。"),
		Example: "  rounds device start 3f2a9c41 --photo before.jpg --source camera\n" +
			"  rounds device done 3f2a9c41 --photo after.jpg --source camera --note \"seal replaced\"\n" +
			"  rounds device approve 3f2a9c41\n" +
			"  rounds device round start 77ab01cd --tag \"$(cat tag.txt)\"\n" +
			"  rounds device answer 77ab01cd pressure --reading 3.2",
	}
	d.flags(cmd)
	cmd.AddCommand(d.enroll(), d.ticket(), d.round(), d.photo(), d.sync(), d.status(), d.outbox(), d.tray(), d.token())
	cmd.AddCommand(d.steps()...)
	cmd.AddCommand(d.scan(), d.answer(), d.approve(), d.inbox(), d.notices())
	return cmd
}

// steps are the commands of a ticket's workflow: they stand below device and, for who looks for them there, below device ticket.
func (d *deviceCommands) steps() []*cobra.Command {
	all := []*cobra.Command{d.done(), d.pause()}
	for _, step := range deviceSteps() {
		all = append(all, d.step(step))
	}
	return all
}

// deviceCommands are the flags that the commands of a device share.
type deviceCommands struct {
	*program
	dir     string
	json    bool
	offline bool
	wait    time.Duration
}

func (d *deviceCommands) flags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&d.dir, "dir", d.deviceDir(), d.in("directory of the device; also ROUNDS_DEVICE_DIR", "设备目录，也可用 ROUNDS_DEVICE_DIR"))
	flags.BoolVar(&d.json, "json", false, d.in("print JSON", "输出 JSON"))
	flags.BoolVar(&d.offline, "offline", false, d.in("do not try to reach the server; what cannot do without it is refused", "不联网；离不开服务器的命令会被拒绝"))
	flags.DurationVar(&d.wait, "wait", 10*time.Second, d.in("how long to wait for the server", "等待服务器的时长"))
	flags.String("lang", "", d.in("language: en or zh; also ROUNDS_LANG (default: the one that the server has of you, or else the system's)",
		"语言：en 或 zh，也可用 ROUNDS_LANG（默认：服务器登记的本人语言，否则系统语言）")) // read by Streams.language
}

// deviceDir is the directory of the device where none is named.
func (s Streams) deviceDir() string {
	if dir := s.getenv("ROUNDS_DEVICE_DIR"); dir != "" {
		return dir
	}
	data := s.getenv("XDG_DATA_HOME")
	if data == "" {
		data = filepath.Join(s.getenv("HOME"), ".local", "share")
	}
	return filepath.Join(data, "rounds", "device")
}

// link is how a device reaches its server, as the directory remembers it.
type link struct {
	// Server is the address that is dialled, Audience the one that the server calls itself.
	Server   string `json:"server"`
	Audience string `json:"audience"`
	// CA is a PEM file of a certificate to trust besides those of the system.
	CA string `json:"ca_file,omitempty"`
	// Language that the server last said the person is spoken to in; it stands here so that it is known before anything is opened.
	Language string `json:"language,omitempty"`
}

func linkPath(dir string) string { return filepath.Join(dir, "server.json") }

func readLink(dir string) (link, error) {
	var l link
	text, err := os.ReadFile(linkPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return l, client.ErrNotEnrolled
	}
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("%s: %w", linkPath(dir), err)
	}
	return l, nil
}

func (l link) write(dir string) error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	part := linkPath(dir) + ".part"
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, linkPath(dir))
}

// Link makes a directory that a device library keeps usable by the commands of this package: server is the address to dial, audience the
// one that the server calls itself.
func Link(dir, server, audience string) error {
	return link{Server: server, Audience: audience}.write(dir)
}

// remote are the services of a server.
type remote struct {
	http  *http.Client
	sync  roundsv1connect.SyncServiceClient
	media roundsv1connect.MediaServiceClient
	parts *http.Client // for the bytes of photos
	auth  roundsv1connect.AuthServiceClient
	admin roundsv1connect.AdminServiceClient
}

// dial makes the clients of a server; it does not reach for the network.
func (l link) dial() (*remote, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 8,
		ForceAttemptHTTP2: true,
	}
	if l.CA != "" {
		text, err := os.ReadFile(l.CA)
		if err != nil {
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate", l.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	r := &remote{http: &http.Client{Transport: transport}}
	// A part of a photo goes where the server said, and nowhere else.
	r.parts = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	options := connect.WithClientOptions(compress.Client(answerBytes), connect.WithCompressMinBytes(1<<10), connect.WithReadMaxBytes(answerBytes))
	r.sync = roundsv1connect.NewSyncServiceClient(r.http, l.Server, options)
	r.media = roundsv1connect.NewMediaServiceClient(r.http, l.Server, options)
	r.auth = roundsv1connect.NewAuthServiceClient(r.http, l.Server, options)
	r.admin = roundsv1connect.NewAdminServiceClient(r.http, l.Server, options)
	return r, nil
}

// session is an open device.
type session struct {
	*client.Device
	dir    string
	link   link
	remote *remote
	rules  *work.Rules // knows no organisation: it foresees what commands do
	store  *boltstore.Store
	tokens *client.StoredTokens
	me     client.PersonID
	shown  atomic.Pointer[uploads] // who shows how uploads go
	warned []string                // marks that the person was told of
}

func (d *deviceCommands) openStore() (*boltstore.Store, error) {
	return boltstore.Open(boltstore.Config{Dir: d.dir, LockTimeout: 2 * time.Second})
}

// open opens the device of the directory.
func (d *deviceCommands) open(ctx context.Context) (_ *session, err error) {
	l, err := readLink(d.dir)
	if err != nil {
		return nil, err
	}
	s := &session{dir: d.dir, link: l, rules: work.New(work.Config{})}
	if s.remote, err = l.dial(); err != nil {
		return nil, err
	}
	if s.store, err = d.openStore(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = s.store.Close()
		}
	}()
	tokens, err := client.OpenTokens(ctx, s.store, s.remote.auth, nil, nil)
	if err != nil {
		return nil, err
	}
	s.tokens = tokens
	// Behind the store's lock: one process has the folder.
	originals, err := client.Folder(filepath.Join(d.dir, "originals"))
	if err != nil {
		return nil, err
	}
	progress := func(p client.PhotoProgress) {
		if shown := s.shown.Load(); shown != nil {
			shown.hear(p)
		}
	}
	if s.Device, err = client.Open(ctx, client.Config{Store: s.store, Sync: s.remote.sync, Tokens: tokens, Media: s.remote.media, HTTP: s.remote.parts,
		Originals: originals, Progress: progress, Foresee: s.foresee,
		Validate: violation.By(precheck.New(protovalidate.GlobalValidator))}); err != nil {
		return nil, err
	}
	identity, err := s.Identity()
	if err != nil {
		return nil, err
	}
	s.me = identity.Person
	return s, nil
}

func (s *session) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return errors.Join(s.Device.Close(ctx), s.store.Close())
}

// with opens the device for one command.
func (d *deviceCommands) with(run func(ctx context.Context, s *session, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := checkLanguage(cmd); err != nil {
			return err
		}
		s, err := d.open(cmd.Context())
		if err != nil {
			return err
		}
		return errors.Join(run(cmd.Context(), s, args), d.listen(cmd.Context(), s), s.close(cmd.Context()))
	}
}
