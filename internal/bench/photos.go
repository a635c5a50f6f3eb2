package bench

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/internal/bench/corpus"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media/s3blobs"
)

// partBytes is the part size that the workload asks for: a photo of 1.5 MB goes in two.
const partBytes = 1 << 20

// lookTime is how long the server may take to look at the photos.
const lookTime = 5 * time.Minute

// photos: photos are promised as facts, and then their bytes are uploaded: in parts, several photos at a time, on the run's own server with its
// embedded storage, and where an object store is named, on another one with that. Noise stands for photos where it is the bytes that count, since a
// server that looks into images beside would be measured with it; then drawn photos are uploaded and looked at.
func (r *run) photos(ctx context.Context) error {
	if err := r.photosAt(ctx, r.server, r.town, r.address, "", ""); err != nil {
		return err
	}
	if r.options.S3 == "" {
		return nil
	}
	store, err := s3blobs.ParseURL(r.options.S3)
	if err != nil {
		return err
	}
	r.say("photos on the object store")
	other := &run{options: r.options, now: r.now, self: r.self, dir: filepath.Join(r.dir, "s3"), note: r.note, report: r.report, ids: map[string][]string{},
		// The address of the store holds a secret, which the list of processes should not show.
		env: []string{"ROUNDS_MEDIA_S3=" + r.options.S3}}
	other.options.Scopes = 1
	if err := os.MkdirAll(other.dir, 0o700); err != nil {
		return err
	}
	if err := other.serve(ctx); err != nil {
		return err
	}
	err = func() (err error) {
		if other.town, err = other.settle(ctx, other.address, other.server.url, other.server.code, other.server.root, 1); err != nil {
			return err
		}
		if err := other.photosAt(ctx, other.server, other.town, other.address, "_s3", store.Endpoint); err != nil {
			return err
		}
		return r.plainPuts(ctx)
	}()
	return cmp.Or(err, other.server.stop())
}

// bigADevice is how many large photos one device has under way at once: a server takes no more than a few from each.
const bigADevice = 16

// sender is a device that uploads.
type sender struct {
	*run
	device *device
	scope  string
	words  *corpus.Corpus
	media  roundsv1connect.MediaServiceClient
	sync   roundsv1connect.SyncServiceClient
	parts  *parts
	store  string // host of the object store that parts have to go to; empty: the server's own
}

func (r *run) photosAt(ctx context.Context, p *process, t *town, address, suffix, store string) error {
	o := r.options
	devices, err := r.crew(ctx, t, roundsv1.Role_ROLE_WORKER, (o.BigPhotos+bigADevice-1)/bigADevice, 1)
	if err != nil {
		return err
	}
	senders := make([]*sender, len(devices))
	for i, d := range devices {
		senders[i] = &sender{run: r, store: store, device: d, scope: t.scopes[0], words: corpus.New(r.options.Seed, 12_000_000+uint64(i)), parts: newParts(),
			media: roundsv1connect.NewMediaServiceClient(plainClient(), address, bearing(d.token)),
			sync:  roundsv1connect.NewSyncServiceClient(plainClient(), address, bearing(d.token))}
		defer senders[i].parts.close()
	}
	s := senders[0]
	add := func(name string, value float64, unit string) { r.report.add("photos."+name+suffix, value, unit) }

	// Throughput.
	batch := noises(o.Seed, o.Photos, o.PhotoBytes)
	before, told := p.cpu()
	took, err := s.upload(ctx, batch, o.PhotosAtOnce)
	if err != nil {
		return err
	}
	gb := float64(o.Photos) * float64(o.PhotoBytes) / 1e9
	add("mb_per_second", 1000*gb/took.Seconds(), "MB/s")
	if after, ok := p.cpu(); told && ok {
		add("server_cpu_per_gb", (after-before).Seconds()/gb, "s")
	}

	// Memory while large ones arrive.
	big := noises(o.Seed+1, o.BigPhotos, o.BigPhotoBytes)
	own, _, _ := p.memory()
	peak := p.watchPeak()
	slowest := make([]time.Duration, len(senders))
	if err := inParallel(len(senders), len(senders), func(i int) (err error) {
		own := big[i*bigADevice : min(len(big), (i+1)*bigADevice)]
		slowest[i], err = senders[i].upload(ctx, own, len(own))
		return err
	}); err != nil {
		return err
	}
	took = quantile(slowest, 1)
	if highest, ok := peak(); ok {
		add("big_memory_before", float64(own)/(1<<20), "MiB")
		add("big_memory_peak", float64(highest)/(1<<20), "MiB")
	}
	add("big_mb_per_second", float64(o.BigPhotos)*float64(o.BigPhotoBytes)/1e6/took.Seconds(), "MB/s")

	// Looking into photos.
	if err := s.looked(ctx, p, drawings(o.Seed, o.LookedPhotos), "looked", suffix); err != nil {
		return err
	}
	large := o.LookedPhotos / 8
	if suffix != "" || large == 0 {
		return nil // it is the same work wherever the bytes rest
	}
	peak = p.watchPeak()
	if err := s.looked(ctx, p, largeDrawings(o.Seed, large), "looked_12mp", ""); err != nil {
		return err
	}
	if highest, ok := peak(); ok {
		add("looked_12mp_memory_peak", float64(highest)/(1<<20), "MiB")
	}
	return nil
}

// looked uploads photos and waits until the server has looked at all of them.
func (s *sender) looked(ctx context.Context, p *process, photos []photo, name, suffix string) error {
	before, told := p.cpu()
	began := time.Now()
	if _, err := s.upload(ctx, photos, s.options.PhotosAtOnce); err != nil {
		return err
	}
	if err := s.settled(ctx, photos); err != nil {
		return err
	}
	s.report.add("photos."+name+"_per_second"+suffix, float64(len(photos))/time.Since(began).Seconds(), "1/s")
	if after, ok := p.cpu(); told && ok {
		s.report.add("photos."+name+"_server_cpu"+suffix, ms(after-before)/float64(len(photos)), "ms")
	}
	return nil
}

// drawings are photos as phones make them, of 120 to 400 KB.
func drawings(seed uint64, n int) []photo {
	all := make([]photo, n)
	scenes := drawn.Scenes()
	for i := range all {
		all[i] = jpegPhoto(drawn.Photo(seed<<32|uint64(i), scenes[i%len(scenes)], drawn.Options{Exif: drawn.Exif{Camera: "D1 Pro", Taken: time.Now()}}))
	}
	return all
}

// largeDrawings are photos of 12 megapixels. Drawing them is slow, so there are few places, and the rest differ in the time that they say.
func largeDrawings(seed uint64, n int) []photo {
	plain := make([][]byte, min(n, 2))
	for i := range plain {
		plain[i] = drawn.Photo(seed<<32|uint64(i), drawn.Pipes, drawn.Options{WidthPx: 4000})
	}
	all := make([]photo, n)
	for i := range all {
		x := drawn.Exif{Camera: "D1 Pro", Taken: time.Now().Add(time.Duration(i) * time.Second)}
		all[i] = jpegPhoto(x.With(plain[i%len(plain)]))
	}
	return all
}

// settled waits until photos were looked at.
func (s *sender) settled(ctx context.Context, photos []photo) error {
	late := time.Now().Add(lookTime)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for from := 0; from < len(photos); {
		some := photos[from:min(len(photos), from+describeAtOnce)]
		waiting, err := s.waiting(ctx, some)
		switch {
		case err != nil:
			return err
		case waiting == 0:
			from += len(some)
			continue
		case time.Now().After(late):
			return fmt.Errorf("%d photos are not looked at after %v", waiting, lookTime)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
