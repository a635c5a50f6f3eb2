package client_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// noise is bytes that look like nothing.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// drawn is a JPEG of something.
func drawn(t testing.TB, width, height int) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetRGBA(x, y, color.RGBA{R: uint8(x), G: uint8(y), B: uint8(x * y >> 6), A: 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (r *rig) addPhoto(scope client.Scope, content []byte) client.RecordID {
	r.t.Helper()
	_, id, err := r.AddPhoto(r.t.Context(), scope, client.PhotoInput{Original: bytes.NewReader(content), Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER,
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(id1)}, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA})
	if err != nil {
		r.t.Fatalf("AddPhoto: %v", err)
	}
	return id
}

func (r *rig) photos() []client.PhotoProgress {
	r.t.Helper()
	list, err := r.Photos(r.t.Context())
	if err != nil {
		r.t.Fatalf("Photos: %v", err)
	}
	return list
}

// kept tells whether the device has the original still.
func (r *rig) kept(content []byte) bool {
	r.t.Helper()
	o, err := r.OpenOriginal(r.t.Context(), hashOf(content))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		r.t.Fatalf("OpenOriginal: %v", err)
	}
	got := make([]byte, o.Size())
	if _, err := o.ReadAt(got, 0); err != nil || !bytes.Equal(got, content) {
		r.t.Fatalf("the original has other bytes: %v", err)
	}
	if err := o.Close(); err != nil {
		r.t.Fatal(err)
	}
	return true
}

func (r *rig) photo(scope client.Scope, id client.RecordID) *roundsv1.Photo {
	r.t.Helper()
	v, err := r.Get(r.t.Context(), scope, "photo", id)
	if err != nil {
		r.t.Fatalf("Get: %v", err)
	}
	return v.Record.GetPhoto()
}

func TestPhotoIsPromisedThenUploaded(t *testing.T) {
	s := newServer(t)
	m := newMedia(t, s)
	d := m.use(newRig(t, s, 1))
	d.create(site, id1, "lamp")
	content := drawn(t, 640, 480)
	id := d.addPhoto(site, content)
	if p := d.photos(); len(p) != 1 || p[0].Stage != client.PhotoPromised || p[0].ID != id || p[0].Size != int64(len(content)) {
		t.Fatalf("queued: %+v", p)
	}
	if tally, err := d.UploadPhotos(t.Context()); err != nil || tally.Failed != 0 || len(m.plans) != 0 {
		t.Fatalf("%d plans before the words: %+v, %v", len(m.plans), tally, err)
	}
	report := d.sync()
	if report.Photos.Stored != 1 || report.Photos.Bytes != int64(len(content)) || report.Photos.Resumed != 0 || !m.has(content) {
		t.Fatalf("report %+v", report.Photos)
	}
	photo := d.photo(site, id)
	if photo.GetCaptureNumber() != 1 || photo.GetRound() != 1 || photo.GetMediaType() != "image/jpeg" || photo.GetWidthPx() != 640 ||
		photo.GetHeightPx() != 480 || photo.GetSizeBytes() != int64(len(content)) || photo.GetCaptured().GetBootId() == "" || photo.GetPersonId() == "" {
		t.Fatalf("promise %v", photo)
	}
	if n := len(photo.GetPreview()); n == 0 || n > 8<<10 {
		t.Fatalf("preview of %d bytes", n)
	}
	if small, err := jpeg.DecodeConfig(bytes.NewReader(photo.GetPreview())); err != nil || small.Width < 100 {
		t.Fatalf("preview %+v, %v", small, err)
	}
	if !d.kept(content) {
		t.Fatal("the original is gone while its ticket is open")
	}
	if status, err := d.Status(t.Context()); err != nil || status.Photos.Waiting != 0 || status.Photos.Kept != 1 {
		t.Fatalf("status %+v, %v", status.Photos, err)
	}
}

func hashOf(content []byte) client.PhotoHash { return sha256.Sum256(content) }
