package fileblobs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

// Finish implements media.Uploads. The check reads the very file that becomes the object, as the file system gives it back. An upload that came as one
// part is that file: nothing is copied, it gets a second name. Several parts are copied into one file, by the kernel where it can, and that file is read
// again: hashing the bytes on their way from the parts would save the reading, but prove nothing of what rests at the end.
func (b *Blobs) Finish(ctx context.Context, u media.Upload, check func(io.Reader) error) error {
	if err := u.Validate(); err != nil {
		return err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	id := door.IDOf(u)
	giveBack, err := b.turns.take(ctx, id)
	if err != nil {
		return err
	}
	defer giveBack()
	here, err := b.parts(id)
	if err != nil {
		return err
	}
	pieces, err := media.Assemble(u.Size, here)
	if err != nil {
		return err
	}
	if len(pieces) == 1 {
		err = b.finishOne(ctx, u, filepath.Join(b.uploadDir(id), partName(pieces[0].Part)), check)
	} else {
		err = b.finishMany(ctx, u, id, pieces, check)
	}
	var refused *refusal
	if errors.As(err, &refused) {
		if err := b.drop(id); err != nil {
			return errors.Join(refused.reason, err)
		}
		return refused.reason
	}
	if err != nil {
		return err
	}
	// Not synced: if the machine dies now the upload may be back, its object is there all the same, and finishing it again does no harm.
	return b.drop(id)
}

// refusal is the word of a check that has read what it wanted to read.
type refusal struct{ reason error }

// Error implements error.
func (r *refusal) Error() string { return r.reason.Error() }

// finishOne keeps a part that is the whole. It was synced before it got its name.
func (b *Blobs) finishOne(ctx context.Context, u media.Upload, part string, check func(io.Reader) error) error {
	f, err := os.Open(part)
	if err != nil {
		return fault(err)
	}
	defer func() { _ = f.Close() }()
	if err := show(ctx, f, check); err != nil {
		return err
	}
	return b.keepObject(u.Hash, part)
}

// finishMany puts parts together. They stay until all is done.
func (b *Blobs) finishMany(ctx context.Context, u media.Upload, id door.UploadID, pieces []media.Piece, check func(io.Reader) error) error {
	if err := b.room(u.Size); err != nil {
		return err
	}
	b.coming.Add(u.Size)
	defer b.coming.Add(-u.Size)
	t, err := b.temp()
	if err != nil {
		return err
	}
	defer t.discard()
	for _, piece := range pieces {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := filepath.Join(b.uploadDir(id), partName(piece.Part))
		err := appendPiece(t.File, part, piece)
		if errors.Is(err, io.EOF) { // a disk that lied about a sync, and then lost its power
			return errors.Join(media.ErrIncomplete, os.Remove(part))
		}
		if err != nil {
			return fault(err)
		}
	}
	synced := make(chan error, 1)
	go func() { synced <- b.syncFile(t.File) }() // while it is read: the disk and the processor are busy at the same time
	_, err = t.Seek(0, io.SeekStart)
	if err == nil {
		err = show(ctx, t.File, check)
	}
	if syncErr := <-synced; err == nil {
		err = fault(syncErr)
	}
	if err != nil {
		return err
	}
	return b.keepObject(u.Hash, t.Name())
}

// appendPiece copies from one file to another without passing through this process where the system can do that.
func appendPiece(to *os.File, path string, piece media.Piece) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	if _, err := from.Seek(piece.Skip, io.SeekStart); err != nil {
		return err
	}
	_, err = io.CopyN(to, from, piece.Size)
	return err
}

// show lets the check read, and tells whether it was the check that refused or the reading that failed.
func show(ctx context.Context, f *os.File, check func(io.Reader) error) error {
	r := &reader{ctx: ctx, file: f}
	err := check(r)
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case r.err != nil:
		return fault(err)
	}
	return &refusal{err}
}

// reader reads a file until the context ends, and remembers why it could not.
type reader struct {
	ctx  context.Context // of the one Finish
	file *os.File
	err  error
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.file.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// keepObject gives a synced file its name as an original, beside the one that it has. An object that stands there stays.
func (b *Blobs) keepObject(h media.Hash, path string) error {
	s, err := b.shelf(media.Original, h)
	if err != nil {
		return err
	}
	if err := b.stamp(path); err != nil {
		return fault(err)
	}
	err = os.Link(path, s.path())
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if _, stat := os.Lstat(s.path()); !errors.Is(stat, fs.ErrNotExist) || isFull(err) {
			return fault(errors.Join(err, stat))
		}
		// A file system without second names. Two who do this at once have the same checked bytes.
		err = os.Rename(path, s.path())
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fault(err)
	}
	return s.sync()
}
