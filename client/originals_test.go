package client_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [strange] *name*")
	folder, err := client.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	content := noise(1, 1000)
	write := func() client.NewOriginal {
		n, err := folder.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Write(content); err != nil {
			t.Fatal(err)
		}
		return n
	}
	kept, dropped := write(), write()
	write() // begun, and never ended
	if _, err := folder.Open(t.Context(), hashOf(content)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("found before it was kept: %v", err)
	}
	if err := errors.Join(kept.Keep(hashOf(content)), kept.Discard(), dropped.Discard(), dropped.Discard()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "somebody's.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if folder, err = client.Folder(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("the folder holds %v, %v", entries, err)
	}
	o, err := folder.Open(t.Context(), hashOf(content))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, o.Size())
	if _, err := o.ReadAt(got, 0); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("other bytes: %v", err)
	}
	if err := errors.Join(o.Close(), folder.Remove(t.Context(), hashOf(content)), folder.Remove(t.Context(), hashOf(content))); err != nil {
		t.Fatal(err)
	}
	for hash, err := range folder.List(t.Context()) {
		t.Fatalf("left: %v, %v", hash, err)
	}
}

// What nothing names, as after a crash between file and store, is swept at the next Open; a photo that was not queued leaves nothing.
func TestOrphansAreSwept(t *testing.T) {
	d, _ := evidence(t)
	content := noise(1, 1000)
	n, err := d.cfg.Originals.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := n.Keep(hashOf(content)); err != nil {
		t.Fatal(err)
	}
	d.open(d.disk)
	if files := d.files(); len(files) != 0 {
		t.Fatalf("left: %v", files)
	}
	subject := &roundsv1.RecordRef{Kind: "ticket", Id: string(id1)}
	for name, in := range map[string]client.PhotoInput{
		"too large":       {Original: strings.NewReader(strings.Repeat("x", 2000)), Subject: subject},
		"preview":         {Original: bytes.NewReader(content), Subject: subject, Preview: make([]byte, 8<<10+1)},
		"without subject": {Original: bytes.NewReader(content)},
		"without bytes":   {Subject: subject},
	} {
		d.cfg.Limits.PhotoBytes = 1500
		d.open(d.disk)
		var refused *client.ProblemError
		if _, _, err := d.AddPhoto(t.Context(), site, in); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := d.AddPhoto(t.Context(), "no", client.PhotoInput{Original: bytes.NewReader(content), Subject: subject}); err == nil {
		t.Error("a photo of no scope")
	}
	if files := d.files(); len(files) != 0 || len(d.photos()) != 0 {
		t.Errorf("left: %v", files)
	}
	d.cfg.Originals = nil
	d.open(d.disk)
	if _, _, err := d.AddPhoto(t.Context(), site, client.PhotoInput{Original: bytes.NewReader(content), Subject: subject}); !errors.Is(err, client.ErrNoOriginals) {
		t.Errorf("without originals: %v", err)
	}
}

// withOrientation puts an EXIF orientation into a JPEG.
func withOrientation(content []byte, orientation uint16) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	tiff = append(binary.BigEndian.AppendUint16(tiff, orientation), 0, 0, 0, 0, 0, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(segment)+2))
	return append(append(head, segment...), content[2:]...)
}

// A preview fits whatever the image, stands upright, and is missing where the image cannot be read; the photo goes in all the same.
func TestPreviews(t *testing.T) {
	d, _ := evidence(t)
	d.cfg.Limits.PreviewPixels = 200_000
	d.open(d.disk)
	loud := image.NewGray(image.Rect(0, 0, 300, 200))
	copy(loud.Pix, noise(9, len(loud.Pix)))
	var noisy bytes.Buffer
	if err := jpeg.Encode(&noisy, loud, nil); err != nil {
		t.Fatal(err)
	}
	// White above, black below, lying on its right side as a phone saves it: orientation 6 puts it upright.
	lying := image.NewRGBA(image.Rect(0, 0, 200, 100))
	for y := range 100 {
		for x := range 200 {
			c := color.RGBA{A: 255}
			if x < 100 {
				c = color.RGBA{R: 255, G: 255, B: 255, A: 255}
			}
			lying.SetRGBA(x, y, c)
		}
	}
	var sideways bytes.Buffer
	if err := jpeg.Encode(&sideways, lying, nil); err != nil {
		t.Fatal(err)
	}
	heic := append([]byte("\x00\x00\x00\x18ftypheic"), noise(4, 500)...)
	for name, c := range map[string]struct {
		content []byte
		kind    string
		shown   bool
	}{
		"drawn":     {drawn(t, 400, 300), "image/jpeg", true},
		"noise":     {noisy.Bytes(), "image/jpeg", true},
		"lying":     {withOrientation(sideways.Bytes(), 6), "image/jpeg", true},
		"truncated": {drawn(t, 400, 300)[:4000], "image/jpeg", false},
		"large":     {drawn(t, 500, 500), "image/jpeg", false},
		"heic":      {heic, "image/heic", false},
		"text":      {[]byte("this is no image"), "text/plain; charset=utf-8", false},
		"empty":     {nil, "", false},
	} {
		photo := d.photo(site, d.addPhoto(site, c.content))
		if len(photo.GetPreview()) > 8<<10 || (len(photo.GetPreview()) > 0) != c.shown || photo.GetMediaType() != c.kind || photo.GetSizeBytes() != int64(len(c.content)) {
			t.Errorf("%s: preview of %d bytes, %q", name, len(photo.GetPreview()), photo.GetMediaType())
		}
		if name != "lying" {
			continue
		}
		small, err := jpeg.Decode(bytes.NewReader(photo.GetPreview()))
		if err != nil || small.Bounds().Dx() != 100 || small.Bounds().Dy() != 200 {
			t.Fatalf("the preview of what lies on its side: %v, %v", small.Bounds(), err)
		}
		top, _, _, _ := small.At(50, 20).RGBA()
		bottom, _, _, _ := small.At(50, 180).RGBA()
		if top < 0xc000 || bottom > 0x4000 {
			t.Errorf("it stands on its head: %x above, %x below", top, bottom)
		}
	}
	if report := d.sync(); report.Photos.Stored != 8 {
		t.Errorf("%+v: %+v", report.Photos, d.photos())
	}
}
