package fileblobs

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

// behind is what the door sees of Blobs.
type behind struct{ *Blobs }

var _ door.Storage = behind{}

// HasPart implements door.Storage. A part that is here may have come from a PUT that is not answered yet, so its folder is synced before yes is said.
func (b behind) HasPart(ctx context.Context, id door.UploadID, span media.Span) (bool, error) {
	leave, err := b.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	here, err := b.parts(id)
	if err != nil || !covered(here, span) {
		return false, err
	}
	if b.begun.has(id) {
		return true, missingIsFine(b.syncs.dir(b.uploadDir(id))) // what a Finish has taken meanwhile is durable elsewhere
	}
	giveBack, err := b.turns.take(ctx, id)
	if err != nil {
		return false, err
	}
	defer giveBack()
	if here, err = b.parts(id); err != nil || !covered(here, span) {
		return false, err
	}
	return true, b.begin(id)
}

// covered tells whether parts hold all of a span.
func covered(here []media.Span, span media.Span) bool {
	shifted := make([]media.Span, 0, len(here))
	for _, s := range here { // the span as a small upload of its own
		from, to := max(s.Offset, span.Offset), min(s.End(), span.End())
		shifted = append(shifted, media.Span{Offset: from - span.Offset, Size: to - from})
	}
	_, err := media.Assemble(span.Size, shifted)
	return err == nil
}

// PutPart implements door.Storage.
func (b behind) PutPart(ctx context.Context, id door.UploadID, span media.Span, body io.Reader) error {
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := b.room(span.Size); err != nil {
		return err
	}
	t, err := b.temp()
	if err != nil {
		return err
	}
	defer t.discard()
	if err := b.copy(t.File, body); err != nil {
		return err
	}
	if info, err := t.Stat(); err != nil || info.Size() != span.Size {
		return fault(errors.Join(err, errors.New("a part of another size than its name")))
	}
	if err := b.syncFile(t.File); err != nil {
		return fault(err)
	}
	return b.keep(ctx, t, id, span)
}

// copy writes a body to a file, in large pieces. What the body says comes back as it is. Only io.EOF itself is a good end: a connection that was cut
// says io.ErrUnexpectedEOF, which is why io.ReadFull would not do here.
func (b *Blobs) copy(to *os.File, body io.Reader) error {
	pooled := b.buf.Get().(*[]byte)
	defer b.buf.Put(pooled)
	buf, filled := *pooled, 0
	for {
		n, err := body.Read(buf[filled:])
		filled += n
		if filled == len(buf) || err == io.EOF {
			if err := b.append(to, buf[:filled]); err != nil {
				return err
			}
			filled = 0
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case b.gate.isClosed():
			return media.ErrClosed
		}
	}
}

// append writes what came of a part, if there is still room for it. Only that takes room: a part that was announced and does not come takes none from others.
func (b *Blobs) append(to *os.File, p []byte) error {
	b.coming.Add(int64(len(p)))
	defer b.coming.Add(-int64(len(p)))
	if err := b.room(0); err != nil {
		return err
	}
	_, err := to.Write(p)
	return fault(err)
}

// keep gives a part its name, unless it is here already: parts that have a name never change, so what a Finish has checked is what it keeps.
func (b *Blobs) keep(ctx context.Context, t *tempFile, id door.UploadID, span media.Span) error {
	known, err := b.name(ctx, t, id, span)
	if err != nil || !known {
		return err
	}
	// Out of turn, so that the parts of one upload share their syncs.
	return missingIsFine(b.syncs.dir(b.uploadDir(id)))
}

// name is the part of keep that has to be done in the upload's turn. It syncs the first part itself, and leaves the others to be synced (known).
func (b *Blobs) name(ctx context.Context, t *tempFile, id door.UploadID, span media.Span) (known bool, err error) {
	giveBack, err := b.turns.take(ctx, id)
	if err != nil {
		return false, err
	}
	defer giveBack()
	here, err := b.parts(id)
	if err != nil {
		return false, err
	}
	if b.overrun(here, span) {
		if err := b.drop(id); err != nil {
			return false, err
		}
		return false, media.ErrNotFound
	}
	if !covered(here, span) {
		if err := os.Rename(t.Name(), filepath.Join(b.uploadDir(id), partName(span))); err != nil {
			return false, fault(err)
		}
	}
	if err := b.stamp(b.uploadDir(id)); err != nil {
		return false, fault(err)
	}
	if b.begun.has(id) {
		return true, nil
	}
	return false, b.begin(id)
}

// overrun: parts overlap so much that an upload takes more than twice what the largest photo does, or are so small that there are many times as many as it
// has. No device that sends what is missing comes near that; one that has parts named in ever other sizes, and sends them all, begins anew.
func (b *Blobs) overrun(here []media.Span, more media.Span) bool {
	held := more.Size
	for _, s := range here {
		held += s.Size
	}
	return held > 2*b.cfg.MaxUploadBytes || int64(len(here)) > 4*(b.cfg.MaxUploadBytes/media.MinPartBytes)+64
}

// begin makes the names of an upload's parts durable, and that of its folder. It is called in the upload's turn: nobody drops it meanwhile.
func (b *Blobs) begin(id door.UploadID) error {
	if err := b.syncs.all([]string{b.uploadDir(id), b.path(uploadsName)}); err != nil {
		return fault(err)
	}
	b.begun.add(id)
	return nil
}
