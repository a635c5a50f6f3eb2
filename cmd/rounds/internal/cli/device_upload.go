package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/rounds-sync/rounds/client"
)

// upload sends the bytes of photos, and shows how it goes: with a bar for each and one for all on a terminal, else with a line for each that ends.
func (d *deviceCommands) upload(ctx context.Context, s *session) (client.PhotoTally, error) {
	status, err := s.Status(ctx)
	if err != nil {
		return client.PhotoTally{}, err
	}
	if status.Photos.Waiting > 0 {
		show := d.showUploads(status.Photos.Waiting, status.Photos.Bytes)
		s.shown.Store(show)
		defer func() {
			s.shown.Store(nil)
			show.end()
		}()
	}
	return s.UploadPhotos(ctx)
}

// uploads shows how uploads go.
type uploads struct {
	words *program     // how it is said
	to    io.Writer    // lines go there; nil: none
	of    int          // photos
	count atomic.Int64 // of those that are stored. Beside the mutex: a bar asks for it while it draws, and whoever adds a bar waits until all are drawn

	mu    sync.Mutex    // guards what follows
	bars  *mpb.Progress // nil: none, or none any more
	each  map[client.RecordID]*mpb.Bar
	total *mpb.Bar
	sent  map[client.RecordID]int64
	ended map[client.RecordID]bool
}

// newUploads shows lines.
func newUploads(words *program, to io.Writer) *uploads {
	return &uploads{words: words, to: to, sent: map[client.RecordID]int64{}, each: map[client.RecordID]*mpb.Bar{}, ended: map[client.RecordID]bool{}}
}

// showUploads begins to show the upload of so many photos of so many bytes.
func (d *deviceCommands) showUploads(photos int, bytes int64) *uploads {
	if d.json {
		return newUploads(d.program, nil)
	}
	if bars := d.bars(); bars != nil {
		return newUploads(d.program, nil).draw(bars, photos, bytes)
	}
	return newUploads(d.program, d.Err)
}

// draw shows bars from here on.
func (u *uploads) draw(on *mpb.Progress, photos int, bytes int64) *uploads {
	u.bars, u.of = on, photos
	u.total = u.bars.AddBar(bytes, mpb.BarPriority(1<<20),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return u.counted() }, decor.WC{W: 20, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f"), decor.Percentage(decor.WC{W: 6})))
	return u
}

func (u *uploads) counted() string {
	return fmt.Sprintf(u.words.in("%d of %d photos", "照片 %d / %d"), u.count.Load(), u.of)
}

// hear takes in how far one photo has come.
func (u *uploads) hear(p client.PhotoProgress) {
	bar, total, line := u.note(p)
	if line != "" {
		fmt.Fprintln(u.to, line)
	}
	if bar == nil {
		return
	}
	total.SetCurrent(u.all())
	switch p.Stage {
	case client.PhotoStored:
		bar.SetCurrent(max(p.Size, 1))
	case client.PhotoFailed:
		bar.Abort(true)
	default:
		bar.SetCurrent(max(min(p.Sent, p.Size-1), 0)) // it is over when the server says so
	}
}

// note remembers how far a photo has come, and returns its bar and the one of all, or the line to print.
func (u *uploads) note(p client.PhotoProgress) (bar, total *mpb.Bar, line string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent[p.ID] = p.Sent
	over := p.Stage == client.PhotoStored || p.Stage == client.PhotoFailed
	if over && !u.ended[p.ID] {
		u.ended[p.ID] = true
		if p.Stage == client.PhotoStored {
			u.count.Add(1)
		}
		if u.to != nil {
			line = fmt.Sprintf(u.words.in("photo %s: %s, %s", "照片 %s：%s，%s"), shortID(string(p.ID)), u.words.photoStage(p.Stage), bytesText(p.Size))
			if p.Stage == client.PhotoFailed {
				line = fmt.Sprintf(u.words.in("photo %s: %s", "照片 %s：%s"), shortID(string(p.ID)), clean(u.words.faultText(p)))
			}
		}
	}
	if u.bars == nil {
		return nil, nil, line
	}
	if u.each[p.ID] == nil {
		u.each[p.ID] = u.bars.AddBar(max(p.Size, 1), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(shortID(string(p.ID)), decor.WC{W: 20, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f"), decor.Percentage(decor.WC{W: 6})))
	}
	return u.each[p.ID], u.total, ""
}

// all counts the bytes of all photos that are there or on their way.
func (u *uploads) all() (n int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, sent := range u.sent {
		n += sent
	}
	return n
}

// end ends the showing; what is not complete stays as it is. What is heard later is not drawn.
func (u *uploads) end() {
	u.mu.Lock()
	bars, left := u.bars, slices.Collect(maps.Values(u.each))
	u.bars = nil
	u.mu.Unlock()
	if bars == nil {
		return
	}
	for _, bar := range left {
		bar.Abort(true)
	}
	endBar(bars, u.total)
}
