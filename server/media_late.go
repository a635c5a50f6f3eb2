package server

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/rounds-sync/rounds/media"
)

// closingDriver is a driver that the server closes.
type closingDriver interface {
	media.Driver
	io.Closer
}

// lateDriver is an object store that need not answer when the server starts: words are taken all the same, and photos once it does.
type lateDriver struct {
	open func(context.Context) (closingDriver, error)

	mu     sync.Mutex // guards what follows; held while it is opened
	driver closingDriver
	tried  time.Time // of the last attempt
	closed bool
}

var _ closingDriver = (*lateDriver)(nil)

// retryOpen is how long after an attempt the next one is made.
const retryOpen = 2 * time.Second

// openLate opens a driver. What is wrong with its settings is an error; that it does not answer is none.
func openLate(ctx context.Context, open func(context.Context) (closingDriver, error)) (*lateDriver, error) {
	l := &lateDriver{open: open}
	if _, err := l.get(ctx); err != nil && !errors.Is(err, media.ErrUnavailable) {
		return nil, err
	}
	return l, nil
}

func (l *lateDriver) get(ctx context.Context) (media.Driver, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch now := time.Now(); {
	case l.closed:
		return nil, media.ErrClosed
	case l.driver != nil:
		return l.driver, nil
	case now.Sub(l.tried) < retryOpen:
		return nil, media.ErrUnavailable
	default:
		l.tried = now
	}
	driver, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	l.driver = driver
	return driver, nil
}

// Close implements io.Closer.
func (l *lateDriver) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.driver == nil {
		return nil
	}
	return l.driver.Close()
}

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
