package server

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/rounds-sync/rounds/media"
)

var _ closingDriver = (*lateDriver)(nil)

// Put implements media.Objects.
func (l *lateDriver) Put(ctx context.Context, at media.Address, mediaType string, content []byte) error {
	d, err := l.get(ctx)
	if err != nil {
		return err
	}
	return d.Put(ctx, at, mediaType, content)
}

// Open implements media.Objects.
func (l *lateDriver) Open(ctx context.Context, at media.Address) (media.Object, error) {
	d, err := l.get(ctx)
	if err != nil {
		return nil, err
	}
	return d.Open(ctx, at)
}

// Delete implements media.Objects.
func (l *lateDriver) Delete(ctx context.Context, at media.Address) error {
	d, err := l.get(ctx)
	if err != nil {
		return err
	}
	return d.Delete(ctx, at)
}

// List implements media.Objects.
func (l *lateDriver) List(ctx context.Context, prefix string) iter.Seq2[media.Info, error] {
	return func(yield func(media.Info, error) bool) {
		d, err := l.get(ctx)
		if err != nil {
			yield(media.Info{}, err)
			return
		}
		d.List(ctx, prefix)(yield)
	}
}

// Link implements media.Objects.
func (l *lateDriver) Link(ctx context.Context, at media.Address, options media.LinkOptions) (string, error) {
	d, err := l.get(ctx)
	if err != nil {
		return "", err
	}
	return d.Link(ctx, at, options)
}

// Check implements media.Objects.
func (l *lateDriver) Check(ctx context.Context) error {
	d, err := l.get(ctx)
	if err != nil {
		return err
	}
	return d.Check(ctx)
}

// Plan implements media.Uploads.
func (l *lateDriver) Plan(ctx context.Context, upload media.Upload, want media.Want) (media.Plan, error) {
	d, err := l.get(ctx)
	if err != nil {
		return media.Plan{}, err
	}
	return d.Plan(ctx, upload, want)
}

// Finish implements media.Uploads.
func (l *lateDriver) Finish(ctx context.Context, upload media.Upload, check func(io.Reader) error) error {
	d, err := l.get(ctx)
	if err != nil {
		return err
	}
	return d.Finish(ctx, upload, check)
}

// Abort implements media.Uploads.
func (l *lateDriver) Abort(ctx context.Context, upload media.Upload) error {
	d, err := l.get(ctx)
	if err != nil {
		return err
	}
	return d.Abort(ctx, upload)
}

// Sweep implements media.Uploads.
func (l *lateDriver) Sweep(ctx context.Context, before time.Time) (int, error) {
	d, err := l.get(ctx)
	if err != nil {
		return 0, err
	}
	return d.Sweep(ctx, before)
}
