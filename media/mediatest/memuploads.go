package mediatest

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

// Plan implements media.Uploads.
func (m *Memory) Plan(ctx context.Context, u media.Upload, want media.Want) (media.Plan, error) {
	if err := errors.Join(u.Validate(), want.Validate()); err != nil {
		return media.Plan{}, err
	}
	if err := ctx.Err(); err != nil {
		return media.Plan{}, err
	}
	var here []media.Span
	err := m.write(StepPlan, func(s *state) error {
		id := door.IDOf(u)
		up, ok := s.uploads[id]
		if !ok {
			up = upload{size: u.Size, parts: map[media.Span][]byte{}}
		}
		up.touched = m.cfg.Now()
		s.uploads[id] = up
		here = slices.Collect(maps.Keys(up.parts))
		return nil
	})
	if err != nil {
		return media.Plan{}, err
	}
	return m.door.Plan(u, here, want)
}

// Finish implements media.Uploads.
func (m *Memory) Finish(ctx context.Context, u media.Upload, check func(io.Reader) error) error {
	if err := u.Validate(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.read(StepFinish); err != nil {
		return err
	}
	id := door.IDOf(u)
	var content []byte
	err := m.change(func(s *state) error {
		up, ok := s.uploads[id]
		if !ok {
			return media.ErrNotFound
		}
		pieces, err := media.Assemble(up.size, slices.Collect(maps.Keys(up.parts)))
		for _, p := range pieces {
			content = append(content, up.parts[p.Part][p.Skip:p.Skip+p.Size]...)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := check(&reader{ctx: ctx, content: content}); err != nil {
		if ctx.Err() != nil { // the bytes are as good as before
			return err
		}
		if dropped := m.drop(id); dropped != nil {
			return dropped
		}
		return err
	}
	at := media.At(media.Original, u.Hash)
	err = m.write(StepStore, func(s *state) error {
		if _, ok := s.objects[at]; ok {
			return nil
		}
		if err := m.room(s, int64(len(content))); err != nil {
			return err
		}
		s.bytes += int64(len(content))
		s.objects[at] = object{content: content, info: media.Info{Address: at, Size: int64(len(content)), Modified: m.cfg.Now()}}
		return nil
	})
	if err != nil {
		return err
	}
	return m.drop(id)
}

// reader reads in pieces, as a disk would, and stops when the context ends.
type reader struct {
	ctx     context.Context // of the Finish that it belongs to
	content []byte
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if len(r.content) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.content[:min(len(r.content), 32<<10)])
	r.content = r.content[n:]
	return n, nil
}

// drop removes an upload.
func (m *Memory) drop(id door.UploadID) error {
	return m.write(StepDrop, func(s *state) error {
		for _, part := range s.uploads[id].parts {
			s.bytes -= int64(len(part))
		}
		delete(s.uploads, id)
		return nil
	})
}

// Abort implements media.Uploads.
func (m *Memory) Abort(ctx context.Context, u media.Upload) error {
	if err := errors.Join(u.Validate(), ctx.Err()); err != nil {
		return err
	}
	return m.drop(door.IDOf(u))
}

// Sweep implements media.Uploads.
func (m *Memory) Sweep(ctx context.Context, before time.Time) (int, error) {
	if err := errors.Join(ctx.Err(), m.read(StepSweep)); err != nil {
		return 0, err
	}
	var old []door.UploadID
	err := m.change(func(s *state) error {
		for id, up := range s.uploads {
			if up.touched.Before(before) {
				old = append(old, id)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.SortFunc(old, func(a, b door.UploadID) int { return slices.Compare(a[:], b[:]) })
	for n, id := range old {
		if err := m.drop(id); err != nil {
			return n, err
		}
	}
	return len(old), nil
}

// behind is what the door sees of a Memory.
type behind struct{ *Memory }

var _ door.Storage = behind{}

// HasPart implements door.Storage.
func (b behind) HasPart(_ context.Context, id door.UploadID, span media.Span) (here bool, err error) {
	err = b.change(func(s *state) error {
		up, ok := s.uploads[id]
		if !ok {
			return media.ErrNotFound
		}
		here = has(up, span)
		return nil
	})
	return here, err
}

func has(up upload, span media.Span) bool {
	var shifted []media.Span
	for s := range up.parts { // the span as a small upload of its own
		from, to := max(s.Offset, span.Offset), min(s.End(), span.End())
		shifted = append(shifted, media.Span{Offset: from - span.Offset, Size: to - from})
	}
	_, err := media.Assemble(span.Size, shifted)
	return err == nil
}

// PutPart implements door.Storage.
func (b behind) PutPart(_ context.Context, id door.UploadID, span media.Span, body io.Reader) error {
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return b.write(StepPart, func(s *state) error {
		up, ok := s.uploads[id]
		switch {
		case !ok:
			return media.ErrNotFound
		case span.End() > up.size:
			return media.ErrInvalid
		case has(up, span):
			return nil
		}
		if err := b.room(s, span.Size); err != nil {
			return err
		}
		s.bytes += span.Size
		up.parts[span] = content
		up.touched = b.cfg.Now()
		s.uploads[id] = up
		return nil
	})
}
