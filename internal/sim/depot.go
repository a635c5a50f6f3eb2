package sim

import (
	"context"
	"crypto/sha256"
	"io"
	"iter"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
)

// depot is the storage of photos. It stays when what it stands on is replaced: by a start after a crash, or by a backup.
type depot struct {
	ph     *photography
	memory *mediatest.Memory
	backup *mediatest.Memory
	fuse   mediaFuse
	sums   map[*byte]media.Hash // of bytes that were hashed before; they are never changed
	born   map[media.Hash]int64 // when an original came to stand under its address, by the true time
}

var _ media.Driver = (*depot)(nil)

// mediaFuse makes one of the next steps of the storage of photos fail.
type mediaFuse struct {
	left   int // steps until then; 0: never
	kind   mediatest.Fault
	writes bool // count only what writes
	struck mediatest.Fault
}

func (f *mediaFuse) strike(op mediatest.Op) mediatest.Fault {
	if f.left == 0 {
		return mediatest.None
	}
	switch op.Step {
	case mediatest.StepPut, mediatest.StepDelete, mediatest.StepPlan, mediatest.StepPart, mediatest.StepStore, mediatest.StepDrop:
	default:
		if f.writes {
			return mediatest.None
		}
	}
	if f.left--; f.left > 0 {
		return mediatest.None
	}
	f.struck = f.kind
	return f.kind
}

// mediaFaults are what may strike the storage of photos.
func mediaFaults() []mediatest.Fault {
	return []mediatest.Fault{mediatest.CrashBefore, mediatest.CrashAfter, mediatest.Fail, mediatest.ReplyLost, mediatest.ReplyLost, mediatest.Full}
}

func newDepot(ph *photography) *depot {
	d := &depot{ph: ph, sums: map[*byte]media.Hash{}, born: map[media.Hash]int64{}}
	d.memory = mediatest.NewMemory(mediatest.MemoryConfig{Now: func() time.Time { return timeOf(ph.w.server.now()) },
		Fault: func(op mediatest.Op) mediatest.Fault { return d.fuse.strike(op) }, Unsynced: ph.w.options.UnsyncedPhotos})
	return d
}

// light lets one of the next steps fail.
func (d *depot) light() {
	w := d.ph.w
	if w.plan.serverFaults && !w.healed && w.chance(4) {
		d.fuse = mediaFuse{left: 1 + w.rand.IntN(12), kind: pick(w, mediaFaults()), writes: w.chance(2)}
	}
}

// after deals with what struck during a call. It is true when something did.
func (d *depot) after() bool {
	struck := d.fuse.struck
	d.fuse = mediaFuse{}
	if struck == mediatest.None {
		return false
	}
	d.ph.w.seen.MediaFaults++
	d.ph.w.note("photos: %v struck their storage", struck)
	if struck == mediatest.CrashBefore || struck == mediatest.CrashAfter {
		d.kill()
	}
	return true
}

// kill cuts the storage's power and starts it again.
func (d *depot) kill() {
	d.ph.w.seen.MediaKills++
	d.memory = d.memory.Crash()
	d.ph.w.note("photos: their storage was killed and started again: %v", d.memory)
	d.ph.audit()
}

// holds: whether the bytes of a hash would be there after a crash now, of a size, and are what their address says.
func (d *depot) holds(h media.Hash, size int64) bool {
	content := d.memory.Durable(media.At(media.Original, h))
	return len(content) > 0 && int64(len(content)) == size && d.sum(content) == h
}

func (d *depot) sum(content []byte) media.Hash {
	sum, known := d.sums[&content[0]]
	if !known {
		sum = sha256.Sum256(content)
		d.sums[&content[0]] = sum
	}
	return sum
}

// Put implements media.Objects.
func (d *depot) Put(ctx context.Context, at media.Address, mediaType string, content []byte) error {
	return d.memory.Put(ctx, at, mediaType, content)
}

// Open implements media.Objects.
func (d *depot) Open(ctx context.Context, at media.Address) (media.Object, error) {
	return d.memory.Open(ctx, at)
}

// Delete implements media.Objects. What a photo names that counts as stored must not go, nor what is so young that its photo may still be on its way.
func (d *depot) Delete(ctx context.Context, at media.Address) error {
	err := d.memory.Delete(ctx, at)
	if class, h, bad := at.Parse(); bad == nil && class == media.Original {
		if age := time.Duration(d.ph.w.now-d.born[h]) * time.Microsecond; age < grace-4*time.Hour && !d.ph.redacted[h] {
			d.ph.wrong("P11: the bytes of %s were removed %v after they came", h, age)
		}
		d.ph.removed(h)
	}
	return err
}

// List implements media.Objects.
func (d *depot) List(ctx context.Context, prefix string) iter.Seq2[media.Info, error] {
	return d.memory.List(ctx, prefix)
}

// Link implements media.Objects.
func (d *depot) Link(ctx context.Context, at media.Address, options media.LinkOptions) (string, error) {
	return d.memory.Link(ctx, at, options)
}

// Check implements media.Objects.
func (d *depot) Check(ctx context.Context) error { return d.memory.Check(ctx) }

// Plan implements media.Uploads.
func (d *depot) Plan(ctx context.Context, u media.Upload, want media.Want) (media.Plan, error) {
	return d.memory.Plan(ctx, u, want)
}

// Finish implements media.Uploads. What comes to stand under an address must be what the address says, whoever checked it.
func (d *depot) Finish(ctx context.Context, u media.Upload, check func(io.Reader) error) error {
	at := media.At(media.Original, u.Hash)
	before := d.memory.Durable(at)
	err := d.memory.Finish(ctx, u, check)
	content := d.memory.Durable(at)
	if before == nil && content != nil {
		d.born[u.Hash] = d.ph.w.now
	}
	if len(content) > 0 && d.sum(content) != u.Hash {
		d.ph.wrong("P9: under the address of %s rest other bytes", u.Hash)
	}
	return err
}

// Abort implements media.Uploads.
func (d *depot) Abort(ctx context.Context, u media.Upload) error { return d.memory.Abort(ctx, u) }

// Sweep implements media.Uploads.
func (d *depot) Sweep(ctx context.Context, before time.Time) (int, error) {
	return d.memory.Sweep(ctx, before)
}
