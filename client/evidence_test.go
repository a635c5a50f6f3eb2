package client_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/link"
	rounds "github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// town is the real server on a disk, a link to it that can be cut, and a device at the other end.
type town struct {
	t    testing.TB
	cfg  rounds.Config
	link *link.Link
	http *http.Client

	d      *client.Device
	disk   *memstore.Store
	device client.Config
	site   client.Scope

	mu     sync.Mutex // guards what follows
	server *rounds.Server
	end    func() // ends the device's life

	// What was cut, by a name for each moment; begun counts the parts that left, by their Content-MD5.
	done  map[string]bool
	begun map[string]int
}

func newTown(t testing.TB) *town {
	v := &town{t: t, done: map[string]bool{}, begun: map[string]int{}}
	var err error
	v.link, err = link.Open(link.Config{Target: "the server", Dial: v.dial})
	if err != nil {
		t.Fatal(err)
	}
	v.cfg = rounds.Default()
	v.cfg.Listen, v.cfg.Admin.Listen, v.cfg.Data = "127.0.0.1:0", "", t.TempDir()
	v.cfg.URL = "http://" + v.link.Addr().String()
	v.cfg.Timeouts.Drain = time.Millisecond
	v.cfg.Limits.DeviceRate, v.cfg.Limits.AddressRate = 0, 0
	v.cfg.Inject.Logger, v.cfg.Inject.Out = slog.New(slog.DiscardHandler), io.Discard
	v.mu.Lock()
	v.start()
	v.mu.Unlock()
	t.Cleanup(func() {
		_ = v.link.Close()
		v.mu.Lock()
		defer v.mu.Unlock()
		_ = v.server.Close()
	})
	code := v.server.Founding().Code
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	v.http = &http.Client{Transport: &cutting{town: v, to: transport}}
	folder, err := client.Folder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v.disk = memstore.New(memstore.Config{})
	admissions := roundsv1connect.NewAuthServiceClient(&http.Client{Transport: transport}, v.cfg.URL)
	me, err := client.Enrol(t.Context(), v.disk, client.Enrolment{Auth: admissions, Audience: v.cfg.URL, Code: string(code)})
	if err != nil {
		t.Fatal(err)
	}
	node, err := v.server.Authority().Admin().CreateNode(t.Context(),
		auth.Identity{Person: auth.PersonID(me.Person), Device: auth.DeviceID(me.Device), State: v.server.Authority().DeviceState(auth.DeviceID(me.Device))},
		&roundsv1.CreateNodeRequest{ParentId: string(v.server.Founding().Root), Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: &roundsv1.Text{Zh: "云栖雅苑"}})
	if err != nil {
		t.Fatal(err)
	}
	v.site = client.Scope("site/" + node.GetNode().GetNodeId())
	v.device = client.Config{Sync: roundsv1connect.NewSyncServiceClient(v.http, v.cfg.URL), Media: roundsv1connect.NewMediaServiceClient(v.http, v.cfg.URL),
		HTTP: v.http, Originals: folder, Limits: client.Limits{PartBytes: 64 << 10, Parts: 1},
		Timing: client.Timing{BackoffFirst: time.Millisecond, BackoffMax: 10 * time.Millisecond, Standstill: time.Minute}}
	v.open(admissions)
	return v
}

// open starts the device on its disk, as after a crash.
func (v *town) open(admissions roundsv1connect.AuthServiceClient) {
	v.t.Helper()
	v.disk = v.disk.Crash().Clone()
	tokens, err := client.OpenTokens(v.t.Context(), v.disk, admissions, nil, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	v.device.Store, v.device.Tokens = v.disk, tokens
	if v.d, err = client.Open(v.t.Context(), v.device); err != nil {
		v.t.Fatal(err)
	}
}

// start starts the server on its disk. The caller holds the mutex.
func (v *town) start() {
	started, err := rounds.Start(context.Background(), v.cfg)
	if err != nil {
		v.t.Error(err)
		return
	}
	v.server = started
}

func (v *town) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	v.mu.Lock()
	at := v.server.Addr().String()
	v.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, at)
}

// cut cuts everything at a moment, if it was not done at this one before. Every fifth time the server and its stores restart too, every seventh the
// device dies. All of it is one moment: whoever dials meanwhile waits, so that nothing that begins after the cut is interrupted by it as well.
func (v *town) cut(moment string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done == nil || v.done[moment] {
		return false
	}
	v.done[moment] = true
	if len(v.done)%7 == 0 {
		v.end()
	}
	v.link.Cut()
	if len(v.done)%5 == 0 {
		_ = v.server.Close() // with calls open: it says so
		v.start()
	}
	return true
}

// cutting cuts the link at every moment of a request.
type cutting struct {
	town *town
	to   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c *cutting) RoundTrip(request *http.Request) (*http.Response, error) {
	name := request.URL.Path[strings.LastIndexByte(request.URL.Path, '/')+1:]
	if sum := request.Header.Get("Content-MD5"); sum != "" {
		name = sum
		c.town.mu.Lock()
		c.town.begun[sum]++
		c.town.mu.Unlock()
		served := request.Clone(request.Context())
		served.GetBody = nil
		served.Body = &halved{ReadCloser: request.Body, town: c.town, name: name, half: request.ContentLength / 2}
		request = served
		if c.town.cut(name + " begins") {
			return nil, errCut
		}
	}
	answer, err := c.to.RoundTrip(request)
	if err == nil && c.town.cut(name+" is answered") {
		_ = answer.Body.Close()
		return nil, errCut
	}
	return answer, err
}

// halved is a body that is cut in its middle.
type halved struct {
	io.ReadCloser
	town *town
	name string
	half int64
}

// Read implements io.Reader.
func (h *halved) Read(b []byte) (int, error) {
	if h.half > 0 && int64(len(b)) > h.half {
		b = b[:h.half]
	}
	n, err := h.ReadCloser.Read(b)
	if h.half -= int64(n); h.half <= 0 && h.half+int64(n) > 0 && h.town.cut(h.name+" half") {
		return 0, errCut
	}
	return n, err
}

// THE test, with the real server: the connection is cut at every part boundary and in the middle of every part, every reply is lost once, server and
// store are restarted between, and the device dies now and then; it ends with identical bytes, and no more than one part sent twice per cut.
func TestEvidenceSurvivesEveryCut(t *testing.T) {
	v := newTown(t)
	admissions := roundsv1connect.NewAuthServiceClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, v.cfg.URL)
	ref, err := v.d.Create(t.Context(), v.site, "", ticket(&roundsv1.Ticket{Title: "lamp"}))
	if err != nil {
		t.Fatal(err)
	}
	var noisy bytes.Buffer
	loud := image.NewGray(image.Rect(0, 0, 640, 480))
	copy(loud.Pix, noise(9, len(loud.Pix)))
	if err := jpeg.Encode(&noisy, loud, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	contents := [][]byte{drawn(t, 320, 240), noisy.Bytes()}
	var ids []string
	parts := 0
	for _, content := range contents {
		_, id, err := v.d.AddPhoto(t.Context(), v.site, client.PhotoInput{Original: bytes.NewReader(content), Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER,
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(ref.ID)}, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(id))
		parts += (len(content) + 64<<10 - 1) / (64 << 10)
	}
	var tally client.PhotoTally
	deaths := 0
	for tries, waiting := 0, 1; waiting > 0; tries++ {
		if tries > 100 {
			t.Fatal("no end")
		}
		ctx, end := context.WithCancel(t.Context())
		v.mu.Lock()
		v.end = end
		v.mu.Unlock()
		report, err := v.d.Sync(ctx)
		sum(&tally, report.Photos)
		t.Log(err, report.Photos)
		if ctx.Err() != nil {
			deaths++
			v.open(admissions)
		}
		end()
		status, err := v.d.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waiting = status.Photos.Waiting
	}
	v.mu.Lock()
	made, again := len(v.done), 0
	for _, n := range v.begun {
		again += n - 1
	}
	v.done = nil // no more cuts
	v.mu.Unlock()
	t.Logf("%d parts, %d cuts, %d parts sent again, %d deaths of the device, tally %+v", parts, made, again, deaths, tally)
	if planned := 3*parts + 3; made < planned {
		t.Errorf("%d of %d cuts were made", made, planned)
	}
	// A part that is there whole is not sent again: only its reply was lost.
	if again > 2*parts || tally.Resumed == 0 || deaths == 0 {
		t.Errorf("%d parts were sent again for %d cuts in %d parts, %d bytes resumed", again, 2*parts, parts, tally.Resumed)
	}
	v.wantIdentical(ids, contents)
}

// wantIdentical downloads the photos and holds them against what was taken.
func (v *town) wantIdentical(ids []string, contents [][]byte) {
	v.t.Helper()
	token, err := v.device.Tokens.Token(v.t.Context(), "")
	if err != nil {
		v.t.Fatal(err)
	}
	request := connect.NewRequest(&roundsv1.LinkRequest{Scope: string(v.site), PhotoIds: ids, Size: roundsv1.PhotoSize_PHOTO_SIZE_ORIGINAL})
	request.Header().Set("Authorization", "Bearer "+string(token))
	links, err := v.device.Media.Link(v.t.Context(), request)
	if err != nil {
		v.t.Fatal(err)
	}
	for i, one := range links.Msg.GetLinks() {
		answer, err := v.http.Get(one.GetUrl())
		if err != nil {
			v.t.Fatal(err)
		}
		got, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			v.t.Fatal(err)
		}
		if !bytes.Equal(got, contents[i]) {
			v.t.Errorf("photo %d comes back as %d other bytes (%s)", i, len(got), answer.Status)
		}
	}
}
