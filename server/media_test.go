package server_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/internal/objectstore"
	"github.com/rounds-sync/rounds/media/mediatest"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/journal"
)

func (w *world) media() roundsv1connect.MediaServiceClient {
	return roundsv1connect.NewMediaServiceClient(w.http, w.base)
}

// grant gives a device's person a role at the site.
func (d *device) grant(role roundsv1.Role) {
	d.w.t.Helper()
	_, err := d.w.Authority().Admin().CreateGrant(d.w.t.Context(), d.w.device.identity(), &roundsv1.CreateGrantRequest{
		PersonId: d.person, NodeId: strings.TrimPrefix(string(d.w.site), "site/"), Role: role})
	if err != nil {
		d.w.t.Fatal(err)
	}
	d.w.clock.add(time.Second)
}

// fact sends one fact and returns the record's id.
func (d *device) fact(record *roundsv1.Record) string {
	d.w.t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	b := &roundsv1.LaneBatch{Scope: string(d.w.site), FirstSeq: d.seq + 1}
	if d.seq == 0 {
		d.lane = journal.LaneStart(d.id, b.Scope)
	}
	b.PreviousHash = bytes.Clone(d.lane[:])
	m, err := proto.Marshal(&roundsv1.Mutation{RecordId: id, Clock: d.clockNow(), Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: record}}})
	if err != nil {
		d.w.t.Fatal(err)
	}
	b.Mutations = [][]byte{m}
	d.lane, d.seq = journal.LaneNext(d.lane, m), d.seq+1
	b.Signature = journal.SignHead(d.key, d.lane)
	d.exchange(&roundsv1.ExchangeRequest{Clock: d.clockNow(), Lanes: []*roundsv1.LaneBatch{b}})
	return id
}

func photoOf(content []byte, person string) *roundsv1.Record {
	sum := sha256.Sum256(content)
	return &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uuid.NewString()},
		Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Round: 1, Sha256: sum[:], SizeBytes: int64(len(content)), MediaType: "image/jpeg", PersonId: person,
		Preview: []byte("small"), Captured: &roundsv1.Clock{WallUs: 1, BootId: "b", MonotonicUs: 1}}}}
}

// deliver uploads a photo as a device does, and returns the result of Finish.
func (d *device) deliver(content []byte) *roundsv1.FinishResult {
	d.w.t.Helper()
	sum := sha256.Sum256(content)
	plan, err := d.w.media().Plan(d.w.t.Context(), as(d, &roundsv1.PlanRequest{Scope: string(d.w.site), Sha256: [][]byte{sum[:]}, PartBytes: 64 << 10}))
	if err != nil {
		d.w.t.Fatal(err)
	}
	for _, part := range plan.Msg.GetResults()[0].GetUpload().GetParts() {
		if status := d.w.put(part, content[part.GetOffset():part.GetOffset()+part.GetSize()]); status != http.StatusOK {
			d.w.t.Fatalf("PUT answered %d", status)
		}
	}
	done, err := d.w.media().Finish(d.w.t.Context(), as(d, &roundsv1.FinishRequest{Scope: string(d.w.site), Sha256: [][]byte{sum[:]}}))
	if err != nil {
		d.w.t.Fatal(err)
	}
	return done.Msg.GetResults()[0]
}

func (w *world) put(part *roundsv1.UploadPart, b []byte) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, part.GetUrl(), bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	sum := md5.Sum(b)
	req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	for name, value := range part.GetHeaders() {
		req.Header.Set(name, value)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

func (w *world) get(url string, header ...string) (int, []byte, http.Header) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, b, resp.Header
}

// settledPhoto waits until the server has looked at a photo, as a device sees it.
func (d *device) settledPhoto(id string) *roundsv1.PhotoDescription {
	d.w.t.Helper()
	deadline := time.After(patience)
	for {
		resp, err := d.w.media().Describe(d.w.t.Context(), as(d, &roundsv1.DescribeRequest{Scope: string(d.w.site), PhotoIds: []string{id}}))
		if err != nil {
			d.w.t.Fatal(err)
		}
		one := resp.Msg.GetPhotos()[0]
		switch one.GetPhoto().GetState() {
		case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
			return one
		}
		select {
		case <-deadline:
			d.w.t.Fatalf("still %v", one.GetPhoto().GetState())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestPhotoOverTheWire: a photo from its promise to its download, through the real server and files.
func TestPhotoOverTheWire(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.DeviceRate = 0 })
	d := w.device
	d.grant(roundsv1.Role_ROLE_WORKER)
	content := drawn.Photo(1, drawn.Tiles, drawn.Options{WidthPx: 640, Quality: 95})
	id := d.fact(photoOf(content, d.person))
	if got := d.deliver(content); got.GetStored() == nil {
		t.Fatalf("%v", got)
	}
	one := d.settledPhoto(id)
	if len(one.GetSizes()) != 3 || one.GetPhoto().GetPreview() != nil || one.GetPhoto().GetReport().GetWidthPx() != 640 {
		t.Fatalf("%v", one)
	}
	for size, check := range map[roundsv1.PhotoSize]func([]byte) bool{
		roundsv1.PhotoSize_PHOTO_SIZE_ORIGINAL: func(b []byte) bool { return bytes.Equal(b, content) },
		roundsv1.PhotoSize_PHOTO_SIZE_LARGE:    func(b []byte) bool { return bytes.HasPrefix(b, []byte{0xff, 0xd8}) },
		roundsv1.PhotoSize_PHOTO_SIZE_SMALL:    func(b []byte) bool { return bytes.HasPrefix(b, []byte{0xff, 0xd8}) && len(b) < len(content) },
	} {
		links, err := w.media().Link(t.Context(), as(d, &roundsv1.LinkRequest{Scope: string(w.site), PhotoIds: []string{id, uuid.NewString()}, Size: size}))
		if err != nil {
			t.Fatal(err)
		}
		link := links.Msg.GetLinks()[0]
		status, b, header := w.get(link.GetUrl())
		if status != http.StatusOK || !check(b) || header.Get("Content-Type") != "image/jpeg" || link.GetMediaType() != "image/jpeg" {
			t.Errorf("%v: %d, %d bytes, %v", size, status, len(b), header)
		}
		if links.Msg.GetLinks()[1].GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD {
			t.Errorf("of no photo: %v", links.Msg.GetLinks()[1])
		}
		if size != roundsv1.PhotoSize_PHOTO_SIZE_ORIGINAL {
			continue
		}
		status, b, _ = w.get(link.GetUrl(), "Range", "bytes=100-199")
		if status != http.StatusPartialContent || !bytes.Equal(b, content[100:200]) {
			t.Errorf("a range: %d, %d bytes", status, len(b))
		}
		if status, _, _ := w.get(link.GetUrl() + "0"); status == http.StatusOK {
			t.Error("a changed link was followed")
		}
		w.clock.add(time.Hour)
		if status, _, _ := w.get(link.GetUrl()); status == http.StatusOK {
			t.Error("an expired link was followed")
		}
		w.clock.add(-time.Hour)
	}
	sum := sha256.Sum256(content)
	plan, err := w.media().Plan(t.Context(), as(d, &roundsv1.PlanRequest{Scope: string(w.site), Sha256: [][]byte{sum[:]}}))
	if err != nil || plan.Msg.GetResults()[0].GetStored() == nil {
		t.Fatalf("%v %v", plan, err)
	}
	if info, err := os.Stat(filepath.Join(w.data, "media.key")); err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Errorf("the key: %v %v", info, err)
	}
	for _, want := range []string{"rounds_photos_received_total 1", "rounds_photos_waiting 0", `rounds_photos_settled_total{state="`} {
		eventually(t, "metrics with "+want, func() bool { // they are counted behind the record
			status, metrics, _ := w.get("http://" + w.AdminAddr().String() + "/metrics")
			return status == http.StatusOK && strings.Contains(string(metrics), want)
		})
	}
}

// TestPhotoInAnObjectStore: the same over a real object store, whose addresses the device is sent to; and through its absence.
func TestPhotoInAnObjectStore(t *testing.T) {
	minio := objectstore.Test(t)
	w := start(t, func(c *server.Config) { c.Media.S3, c.Limits.DeviceRate, c.Inject.Now = minio.URL("photos"), 0, nil })
	d := w.device
	d.grant(roundsv1.Role_ROLE_WORKER)
	content := drawn.Photo(5, drawn.Tiles, drawn.Options{WidthPx: 640, Quality: 95})
	id := d.fact(photoOf(content, d.person))
	if got := d.deliver(content); got.GetStored() == nil {
		t.Fatalf("%v", got)
	}
	if one := d.settledPhoto(id); len(one.GetSizes()) != 3 {
		t.Fatalf("%v", one)
	}
	links, err := w.media().Link(t.Context(), as(d, &roundsv1.LinkRequest{Scope: string(w.site), PhotoIds: []string{id}, Size: roundsv1.PhotoSize_PHOTO_SIZE_ORIGINAL}))
	if err != nil {
		t.Fatal(err)
	}
	link := links.Msg.GetLinks()[0].GetUrl()
	if !strings.Contains(link, minio.Endpoint()) {
		t.Errorf("the device is sent to another place")
	}
	if status, b, _ := w.get(link); status != http.StatusOK || !bytes.Equal(b, content) {
		t.Errorf("%d, %d bytes", status, len(b))
	}
}

// TestPhotoRights: each call of the service asks for its own right.
func TestPhotoRights(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.DeviceRate = 0 })
	boss := w.device
	boss.grant(roundsv1.Role_ROLE_MANAGER)
	li := w.hired(t, "Li", roundsv1.Role_ROLE_WORKER)
	stranger := w.hired(t, "Wang", roundsv1.Role_ROLE_UNSPECIFIED)
	content := drawn.Photo(2, drawn.Pipes, drawn.Options{WidthPx: 320})
	id := li.fact(photoOf(content, li.person))
	sum := sha256.Sum256(content)
	scope := string(w.site)
	calls := map[string]func(*device) error{
		"plan": func(d *device) error {
			_, err := w.media().Plan(t.Context(), as(d, &roundsv1.PlanRequest{Scope: scope, Sha256: [][]byte{sum[:]}}))
			return err
		},
		"finish": func(d *device) error {
			_, err := w.media().Finish(t.Context(), as(d, &roundsv1.FinishRequest{Scope: scope, Sha256: [][]byte{sum[:]}}))
			return err
		},
		"describe": func(d *device) error {
			_, err := w.media().Describe(t.Context(), as(d, &roundsv1.DescribeRequest{Scope: scope, PhotoIds: []string{id}}))
			return err
		},
		"link": func(d *device) error {
			_, err := w.media().Link(t.Context(), as(d, &roundsv1.LinkRequest{Scope: scope, PhotoIds: []string{id}, Size: 1}))
			return err
		},
		"chase": func(d *device) error {
			_, err := w.media().Chase(t.Context(), as(d, &roundsv1.ChaseRequest{Scope: scope}))
			return err
		},
		"chase another's": func(d *device) error {
			_, err := w.media().Chase(t.Context(), as(d, &roundsv1.ChaseRequest{Scope: scope, PersonId: boss.person}))
			return err
		},
		"hold": func(d *device) error {
			_, err := w.media().Hold(t.Context(), as(d, &roundsv1.HoldRequest{Scope: scope, PhotoId: id, Reason: ""}))
			return err
		},
		"redact": func(d *device) error {
			_, err := w.media().Redact(t.Context(), as(d, &roundsv1.RedactRequest{Scope: scope, PhotoId: uuid.NewString(), Reason: "x"}))
			if connect.CodeOf(err) == connect.CodeInvalidArgument { // there is no such photo: the right was there
				return nil
			}
			return err
		},
	}
	may := map[string]string{"boss": "plan finish describe link chase chase another's hold redact", "li": "plan finish describe link chase", "stranger": ""}
	for name, d := range map[string]*device{"boss": boss, "li": li, "stranger": stranger} {
		for call, make := range calls {
			err := make(d)
			if allowed := strings.Contains(may[name], call); allowed != (err == nil) || err != nil && connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("%s by %s: %v", call, name, err)
			}
		}
	}
	revoke := func(how roundsv1.Revocation) {
		if _, err := w.Authority().Admin().RevokeDevice(t.Context(), w.device.identity(), &roundsv1.RevokeDeviceRequest{DeviceId: li.id, Revocation: how}); err != nil {
			t.Fatal(err)
		}
	}
	revoke(roundsv1.Revocation_REVOCATION_GRACEFUL)
	if got := li.deliver(content); got.GetStored() == nil {
		t.Errorf("a device that delivers before it purges: %v", got)
	}
	for call, make := range calls {
		if err := make(li); (err == nil) != (call == "plan" || call == "finish") {
			t.Errorf("%s by a revoked device: %v", call, err)
		}
	}
}

// hired is a new person with a device and a role at the site; unspecified: none.
func (w *world) hired(t *testing.T, name string, role roundsv1.Role) *device {
	t.Helper()
	a := w.Authority().Admin()
	person, err := a.CreatePerson(t.Context(), w.device.identity(), &roundsv1.CreatePersonRequest{Name: name, HomeNodeId: string(w.Founding().Root)})
	if err != nil {
		t.Fatal(err)
	}
	code, err := a.CreateEnrolmentCode(t.Context(), w.device.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: person.GetPerson().GetPersonId()})
	if err != nil {
		t.Fatal(err)
	}
	d := w.enrol(code.GetCode())
	if role != 0 {
		d.grant(role)
	}
	return d
}

// TestPhotosAfterRestart: an upload goes on after the server and its files were closed and opened again, at another port.
func TestPhotosAfterRestart(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.DeviceRate = 0 })
	d := w.device
	d.grant(roundsv1.Role_ROLE_WORKER)
	content := bytes.Repeat([]byte("not an image, but bytes all the same. "), 6000)
	id := d.fact(photoOf(content, d.person))
	sum := sha256.Sum256(content)
	req := &roundsv1.PlanRequest{Scope: string(w.site), Sha256: [][]byte{sum[:]}, PartBytes: 64 << 10}
	plan, err := w.media().Plan(t.Context(), as(d, req))
	if err != nil {
		t.Fatal(err)
	}
	parts := plan.Msg.GetResults()[0].GetUpload().GetParts()
	if len(parts) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	w.put(parts[1], content[parts[1].GetOffset():parts[1].GetOffset()+parts[1].GetSize()])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := base(t)
	cfg.Data, cfg.Limits.DeviceRate = w.data, 0
	cfg.Inject.Store, cfg.Inject.Now = w.store, w.clock.Now
	if w.Server, err = server.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	w.base = "http://" + w.Addr().String()
	plan, err = w.media().Plan(t.Context(), as(d, req))
	if err != nil {
		t.Fatal(err)
	}
	up := plan.Msg.GetResults()[0].GetUpload()
	if up.GetReceivedBytes() != parts[1].GetSize() || len(up.GetParts()) != len(parts)-1 {
		t.Fatalf("resumed with %d bytes and %d parts", up.GetReceivedBytes(), len(up.GetParts()))
	}
	if got := d.deliver(content); got.GetStored() == nil {
		t.Fatalf("%v", got)
	}
	if one := d.settledPhoto(id); one.GetPhoto().GetState() != roundsv1.PhotoState_PHOTO_STATE_HARD || len(one.GetSizes()) != 1 {
		t.Fatalf("what is no image: %v", one)
	}
	links, err := w.media().Link(t.Context(), as(d, &roundsv1.LinkRequest{Scope: string(w.site), PhotoIds: []string{id}, Size: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if status, _, header := w.get(links.Msg.GetLinks()[0].GetUrl()); status != 200 || header.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("what is no image is shown: %d %v", status, header)
	}
}

// TestStorageOutOfOrder: with the storage of photos gone words still travel, readiness tells, and photos are asked to wait.
func TestStorageOutOfOrder(t *testing.T) {
	fail := make(chan struct{})
	memory := mediatest.NewMemory(mediatest.MemoryConfig{Fault: func(mediatest.Op) mediatest.Fault {
		select {
		case <-fail:
			return mediatest.Fail
		default:
			return mediatest.None
		}
	}})
	w := start(t, func(c *server.Config) { c.Inject.Media = memory })
	d := w.device
	d.grant(roundsv1.Role_ROLE_WORKER)
	ready := func() int { status, _, _ := w.get("http://" + w.AdminAddr().String() + "/readyz"); return status }
	if ready() != http.StatusOK {
		t.Fatal("not ready")
	}
	close(fail)
	if ready() != http.StatusServiceUnavailable {
		t.Fatal("ready without a storage")
	}
	content := []byte("a photo")
	d.fact(photoOf(content, d.person))
	sum := sha256.Sum256(content)
	plan, err := w.media().Plan(t.Context(), as(d, &roundsv1.PlanRequest{Scope: string(w.site), Sha256: [][]byte{sum[:]}}))
	if err != nil {
		t.Fatal(err)
	}
	if p := plan.Msg.GetResults()[0].GetProblem(); p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE || p.GetRetryAfter() == nil {
		t.Fatalf("%v", p)
	}
	if _, err := w.media().Describe(t.Context(), connect.NewRequest(&roundsv1.DescribeRequest{})); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Fatalf("without a token: %v", err)
	}
}

// TestPartsFromBrowsers: an origin that may call may send parts and read ranges.
func TestPartsFromBrowsers(t *testing.T) {
	w := start(t, func(c *server.Config) { c.CORS.Origins = []string{"https://console.example.com"} })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.base+"/media/v1/anything", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://console.example.com")
	req.Header.Set("Access-Control-Request-Method", "PUT")
	req.Header.Set("Access-Control-Request-Headers", "content-md5")
	resp, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.Header.Get("Access-Control-Allow-Origin") == "" || !strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "PUT") {
		t.Fatalf("%v", resp.Header)
	}
}
