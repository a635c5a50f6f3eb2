package client_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/link"
)

// street is a device, a link that can be cut, and a server that can be restarted behind it.
type street struct {
	t     testing.TB
	d     *rig
	media *mediaServer
	link  *link.Link

	mu   sync.Mutex // guards what follows
	http *httptest.Server
	kill func() // ends the device's life
}

func newStreet(t testing.TB, parallel int) *street {
	s := newServer(t)
	v := &street{t: t, media: newMedia(t, s)}
	v.mu.Lock()
	v.restart()
	v.mu.Unlock()
	t.Cleanup(func() { v.http.Close() })
	var err error
	v.link, err = link.Open(link.Config{Target: "the server", Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		v.mu.Lock()
		at := v.http.Listener.Addr().String()
		v.mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, at)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.link.Close() })
	v.media.url = "http://" + v.link.Addr().String()
	v.d = v.media.use(newRig(t, s, 1))
	v.d.cfg.Sync = roundsv1connect.NewSyncServiceClient(v.d.cfg.HTTP, v.media.url)
	v.d.cfg.Limits = client.Limits{PartBytes: 64 << 10, Parts: parallel}
	v.d.cfg.Timing.Standstill = time.Minute // a slow machine is no cut
	v.d.open(v.d.disk)
	return v
}

// restart ends the server in the middle of whatever it does, and starts another one on what it had stored. The caller holds the mutex.
func (v *street) restart() {
	old := v.http
	v.http = httptest.NewUnstartedServer(v.media.handler())
	v.http.Config.ErrorLog = nil
	v.http.Start()
	if old != nil {
		old.CloseClientConnections()
		go old.Close() // it waits for the request that restarts it
	}
}

// The test of the whole: the connection is cut at every part boundary and in the middle of every part, every reply is lost once, server and store
// are restarted between, and so is the device; and it ends with the same bytes, and no more than one part sent twice per cut. The parts go one by one,
// as over any link that is cut that often: each cut then is of one part, and TestUploadAbreastSurvivesCuts has several on their way.
func TestUploadSurvivesEveryCut(t *testing.T) {
	v := newStreet(t, 1)
	v.d.create(site, id1, "lamp")
	v.d.sync()
	photos := [][]byte{noise(1, 5*64<<10+1000), noise(2, 64<<10), noise(3, 200)}
	for _, content := range photos {
		v.d.addPhoto(site, content)
	}
	cuts := v.planCuts(photos)
	tally, deaths := v.persist()
	for _, content := range photos {
		if !v.media.has(content) {
			t.Errorf("the bytes of a photo of %d are not there", len(content))
		}
	}
	made, planned := cuts()
	again := v.media.again()
	t.Logf("%d cuts, %d parts began again, %d deaths of the device, tally %+v", made, again, deaths, tally)
	if made != planned {
		t.Errorf("%d of %d cuts were made", made, planned)
	}
	// A part that is there whole is not sent again: only its reply was lost.
	if parts := (planned - 4) / 3; again > 2*parts {
		t.Errorf("%d parts were sent again, after %d cuts in %d parts", again, 2*parts, parts)
	}
	if deaths < 3 || tally.Resumed == 0 {
		t.Errorf("the device died %d times, and %d bytes were resumed", deaths, tally.Resumed)
	}
}

// Where several parts travel at once, on connections of their own, one cut of the link is one cut of each.
func TestUploadAbreastSurvivesCuts(t *testing.T) {
	v := newStreet(t, 4)
	v.d.create(site, id1, "lamp")
	v.d.sync()
	content := noise(1, 40*64<<10)
	v.d.addPhoto(site, content)
	before := v.link.Counts()
	var mu sync.Mutex
	seen := map[int64]bool{}
	v.media.onPart = func(p fakePut, read int64) int {
		mu.Lock()
		defer mu.Unlock()
		if nth := p.offset / (64 << 10); nth%8 == 7 && read >= p.size/2 && !seen[nth] {
			seen[nth] = true
			v.link.Cut()
			return http.StatusInternalServerError
		}
		return 0
	}
	tally, _ := v.persist()
	cut, again := int(v.link.Counts().Cuts-before.Cuts), v.media.again()
	t.Logf("%d connections cut, %d parts began again, %d abreast, tally %+v", cut, again, v.media.widest, tally)
	if !v.media.has(content) || v.media.widest < 2 || v.media.widest > 4 || again > cut || again == 0 {
		t.Errorf("%d connections cut, %d parts began again, %d abreast", cut, again, v.media.widest)
	}
}

// persist syncs until nothing waits. A device whose life was ended goes on from its disk.
func (v *street) persist() (tally client.PhotoTally, deaths int) {
	v.t.Helper()
	for tries := 0; v.waiting() > 0; tries++ {
		if tries > 100 {
			v.t.Fatalf("no end: %+v", v.d.photos())
		}
		ctx, end := context.WithCancel(v.t.Context())
		v.mu.Lock()
		v.kill = end
		v.mu.Unlock()
		report, err := v.d.Sync(ctx)
		dead := ctx.Err() != nil
		end()
		v.t.Log(err, report.Photos)
		sum(&tally, report.Photos)
		if dead {
			deaths++
			v.d.open(v.d.disk.Crash().Clone()) // it has forgotten all but its queue
		}
	}
	return tally, deaths
}

func sum(a *client.PhotoTally, b client.PhotoTally) {
	a.Stored += b.Stored
	a.Parts += b.Parts
	a.Bytes += b.Bytes
	a.Cut += b.Cut
	a.Resumed += b.Resumed
	a.Failed += b.Failed
}

func (v *street) waiting() (n int) {
	for _, p := range v.d.photos() {
		if p.Stage != client.PhotoStored {
			n++
		}
	}
	return n
}

// planCuts arranges for each cut to happen once: of each part before its first byte, in its middle, and behind its last with its reply lost; of each
// call before it is done and with its reply lost. Every third one restarts the server too, every seventh ends the device's life. The returned function counts.
func (v *street) planCuts(photos [][]byte) func() (made, planned int) {
	done := map[string]bool{}
	// All of a cut is one moment: whoever dials meanwhile waits, so that nothing that begins after the cut is interrupted by it as well.
	once := func(what string) bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		if done[what] {
			return false
		}
		done[what] = true
		if len(done)%7 == 0 {
			v.kill()
		}
		v.link.Cut()
		if len(done)%3 == 0 {
			v.restart()
		}
		return true
	}
	planned := 4 // before and after Plan and Finish
	for _, content := range photos {
		planned += 3 * ((len(content) + 64<<10 - 1) / (64 << 10))
	}
	v.media.mu.Lock()
	defer v.media.mu.Unlock()
	v.media.onPart = func(p fakePut, read int64) int {
		name := fmt.Sprint(p.hash, p.offset)
		switch {
		case read == 0 && once(name+" begins"), p.whole && once(name+" is there"), read >= p.size/2 && read < p.size && once(name+" half"):
			return http.StatusInternalServerError // nobody hears it
		}
		return 0
	}
	v.media.onCall = func(name string, after bool) error {
		if once(fmt.Sprint(name, after)) {
			return errCut
		}
		return nil
	}
	return func() (int, int) {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(done), planned
	}
}
