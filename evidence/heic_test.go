package evidence_test

import (
	"bytes"
	"context"
	_ "embed"
	stdimage "image"
	"sync/atomic"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media/picture"
)

// aHEIC is a photo of 64 by 48 pixels.
//
//go:embed testdata/photo.heic
var aHEIC []byte

// TestWaitsForADecoder: photos that nothing here can decode stay STORED and unjudged, of many of them few are read, they hold up no others, and a server
// that has a decoder looks at them.
func TestWaitsForADecoder(t *testing.T) {
	var there atomic.Bool
	var asked atomic.Int32
	w := newWorld(t, func(c *evidence.Config) {
		c.HEIC = func(context.Context, []byte, int64) (stdimage.Image, error) {
			if asked.Add(1); !there.Load() {
				return nil, picture.ErrNoDecoder
			}
			return stdimage.NewGray(stdimage.Rect(0, 0, 64, 48)), nil
		}
	})
	li := w.phone("li", worker)
	heic := func(p *roundsv1.Photo) { p.MediaType, p.WidthPx, p.HeightPx = picture.HEIC, 64, 48 }
	var waiting []string
	for n := range byte(5) {
		content := bytes.Clone(aHEIC)
		content[len(content)-100] ^= n // a sample of the image
		waiting = append(waiting, li.promise(content, heic))
		li.upload(site, content)
	}
	other := image(120, drawn.After)
	photo := li.promise(other)
	li.upload(site, other)
	w.settled(photo)
	for _, id := range waiting {
		if p := w.photo(id); p.GetState() != stateStored || len(p.GetFindings()) > 0 {
			t.Fatalf("without a decoder: %v %v", p.GetState(), p.GetFindings())
		}
	}
	if n := asked.Load(); n < 1 || n > 2 { // two look at photos
		t.Errorf("%d of five photos were read to find out that there is no decoder", n)
	}
	if s := w.desk.Stats(); s.Failures > 0 {
		t.Errorf("%d failures are counted", s.Failures)
	}
	there.Store(true)
	w.start()
	w.settled(waiting...)
	for _, id := range waiting {
		if p := w.photo(id); w.found(id, "UNDECODABLE") || p.GetReport().GetMediaType() != picture.HEIC {
			t.Fatalf("with a decoder: %v %v", p.GetState(), p.GetFindings())
		}
	}
}
