package s3blobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/rounds-sync/rounds/media"
)

// Finish implements media.Uploads. Besides what check says, the store itself refuses bytes of another hash where they are written from here.
func (s *Store) Finish(ctx context.Context, u media.Upload, check func(io.Reader) error) error {
	if err := validate(u); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	f := s.folderOf(u)
	unlock, err := s.locks.lock(ctx, f)
	if err != nil {
		return err
	}
	defer unlock()
	a, err := s.arrived(ctx, f, u.Size)
	switch {
	case err != nil:
		return err
	case !a.begun:
		return fmt.Errorf("s3blobs: finish: %w", media.ErrNotFound)
	}
	pieces, err := media.Assemble(u.Size, a.here())
	if err != nil {
		return fmt.Errorf("s3blobs: finish: %w", err)
	}
	if len(a.slots) > 0 || a.joined || u.Size > media.MaxPartBytes {
		err = s.finishLarge(ctx, u, a, pieces, check)
	} else {
		err = s.finishSmall(ctx, u, a, pieces, check)
	}
	var refused *refusal
	if err == nil || errors.As(err, &refused) {
		if dropErr := s.drop(ctx, a); dropErr != nil && err == nil {
			// The photo is stored; what is left over is for the next Finish, or for Sweep.
			s.cfg.Logger.WarnContext(ctx, "parts of a finished upload are left over", "error", dropErr)
		} else if dropErr != nil {
			s.cfg.Logger.WarnContext(ctx, "parts of a refused upload are left over", "error", dropErr)
		}
	}
	if refused != nil {
		return refused.why
	}
	return err
}

// refusal carries the check's error through.
type refusal struct{ why error }

func (r *refusal) Error() string { return r.why.Error() }

// examine shows bytes to the check. A storage that could not be read is not the fault of the bytes, whatever the check makes of it.
func examine(check func(io.Reader) error, r io.Reader) error {
	watched := &watched{r: r}
	err := check(watched)
	if watched.err != nil {
		return watched.err
	}
	if err != nil {
		return &refusal{err}
	}
	return nil
}

type watched struct {
	r   io.Reader
	err error // the first that was not the end
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && w.err == nil {
		w.err = err
	}
	return n, err
}

// finishSmall reads the parts into memory, has them checked there, and writes what was checked. The parts themselves can be overwritten all the time by
// whoever has their URLs; so they are read once only.
func (s *Store) finishSmall(ctx context.Context, u media.Upload, a *arrived, pieces []media.Piece, check func(io.Reader) error) error {
	if err := s.memory.Acquire(ctx, u.Size); err != nil {
		return fmt.Errorf("s3blobs: finish: %w", err)
	}
	defer s.memory.Release(u.Size)
	at := s.cfg.Prefix + string(media.At(media.Original, u.Hash))
	content, stands := make([]byte, u.Size), false
	err := both(ctx, func(ctx context.Context) error {
		return s.fetch(ctx, a, pieces, content)
	}, func(ctx context.Context) (err error) {
		stands, err = s.stands(ctx, at)
		return err
	})
	if err != nil {
		return err
	}
	if err := examine(check, bytes.NewReader(content)); err != nil || stands {
		return err
	}
	return s.write(ctx, at, mediaType, content, u.Hash.String())
}

// fetch reads pieces, one behind the other, into memory. A few requests go at once: a store far away takes its time for each.
func (s *Store) fetch(ctx context.Context, a *arrived, pieces []media.Piece, into []byte) error {
	group, ctx2 := errgroup.WithContext(ctx)
	group.SetLimit(fetchesAtOnce)
	for _, p := range pieces {
		here := into[:p.Size]
		into = into[p.Size:]
		group.Go(func() error {
			d := s.download(ctx2, a.folder.part(p.Part), media.Span{Offset: p.Skip, Size: p.Size})
			defer d.close()
			_, err := d.readFull(here)
			return err
		})
	}
	return group.Wait()
}

// fetchesAtOnce is how many parts one call reads at the same time.
const fetchesAtOnce = 4

// both does two things at once and returns the error of the one that failed first.
func both(ctx context.Context, one, other func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return one(ctx) })
	group.Go(func() error { return other(ctx) })
	return group.Wait()
}

// finishLarge completes the multipart upload, with what came otherwise put into its slots. What was completed cannot be changed by whoever has URLs; so it
// is checked where it stands, and copied by the store itself.
func (s *Store) finishLarge(ctx context.Context, u media.Upload, a *arrived, pieces []media.Piece, check func(io.Reader) error) error {
	if !a.joined {
		if err := s.join(ctx, a, pieces); err != nil {
			return err
		}
	}
	d := s.download(ctx, a.folder.joined(), media.Span{Size: u.Size})
	defer d.close()
	if err := examine(check, d); err != nil {
		return err
	}
	at := s.cfg.Prefix + string(media.At(media.Original, u.Hash))
	stands, err := s.stands(ctx, at)
	if err != nil || stands {
		return err
	}
	ctx2, cancel := s.within(ctx, u.Size)
	defer cancel()
	_, err = s.api.Client.CopyObject(ctx2,
		minio.CopyDestOptions{Bucket: s.cfg.Bucket, Object: at, Encryption: s.sse},
		minio.CopySrcOptions{Bucket: s.cfg.Bucket, Object: a.folder.joined(), MatchETag: d.info.ETag})
	return fail(ctx, "copy", err)
}

// join fills the slots that no part came to and completes the multipart upload.
func (s *Store) join(ctx context.Context, a *arrived, pieces []media.Piece) error {
	if a.multi == "" {
		if err := s.beginMulti(ctx, a); err != nil {
			return err
		}
	}
	var parts []minio.CompletePart
	for n := range slots(a.size) {
		p, here := a.slots[n]
		if !here {
			var err error
			if p.ETag, err = s.fill(ctx, a, n, pieces); err != nil {
				return err
			}
		}
		parts = append(parts, minio.CompletePart{PartNumber: int(n) + 1, ETag: p.ETag})
	}
	ctx2, cancel := s.within(ctx, a.size)
	defer cancel()
	_, err := s.api.CompleteMultipartUpload(ctx2, s.cfg.Bucket, a.folder.joined(), a.multi, parts, minio.PutObjectOptions{})
	if gone(err) {
		// Done, and the answer was lost? Then it stands there now.
		if info, statErr := s.api.StatObject(ctx2, s.cfg.Bucket, a.folder.joined(), minio.StatObjectOptions{}); statErr == nil && info.Size == a.size {
			err = nil
		}
	}
	if err != nil {
		return fail(ctx, "complete a multipart upload", err)
	}
	a.ids = slices.DeleteFunc(a.ids, func(id string) bool { return id == a.multi })
	a.keys = append(a.keys, a.folder.joined())
	return nil
}

// fill puts one slot's bytes from the parts that hold them into the multipart upload.
func (s *Store) fill(ctx context.Context, a *arrived, n int64, pieces []media.Piece) (etag string, err error) {
	want := slot(n, a.size)
	if err := s.memory.Acquire(ctx, want.Size); err != nil {
		return "", fmt.Errorf("s3blobs: finish: %w", err)
	}
	defer s.memory.Release(want.Size)
	content := make([]byte, want.Size)
	if err := s.fetch(ctx, a, within(pieces, want), content); err != nil {
		return "", err
	}
	ctx2, cancel := s.within(ctx, want.Size)
	defer cancel()
	p, err := s.api.PutObjectPart(ctx2, s.cfg.Bucket, a.folder.joined(), a.multi, int(n)+1, bytes.NewReader(content), want.Size,
		minio.PutObjectPartOptions{DisableContentSha256: true})
	return p.ETag, fail(ctx, "fill a slot", err)
}

// within returns the pieces of a range.
func within(pieces []media.Piece, want media.Span) (in []media.Piece) {
	for _, p := range pieces {
		from := p.Part.Offset + p.Skip
		end := min(from+p.Size, want.End())
		begin := max(from, want.Offset)
		if begin < end {
			in = append(in, media.Piece{Part: p.Part, Skip: begin - p.Part.Offset, Size: end - begin})
		}
	}
	return in
}

// stands tells whether there is an object.
func (s *Store) stands(ctx context.Context, key string) (bool, error) {
	ctx2, cancel := s.within(ctx, 0)
	defer cancel()
	_, err := s.api.StatObject(ctx2, s.cfg.Bucket, key, minio.StatObjectOptions{})
	if gone(err) {
		return false, nil
	}
	return err == nil, fail(ctx, "look for an object", err)
}
