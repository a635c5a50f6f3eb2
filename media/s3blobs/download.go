package s3blobs

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"

	"github.com/rounds-sync/rounds/media"
)

// download reads an object or a range of it. When the connection breaks it goes on from there, as long as it is still the same object. It is not for
// use from several goroutines.
type download struct {
	s      *Store
	ctx    context.Context // the caller's
	cancel context.CancelFunc
	key    string
	span   media.Span // Size < 0: to the end
	at     int64      // bytes that were read
	body   io.ReadCloser
	info   minio.ObjectInfo // known once the body is open
	tries  int              // connections that may still break
	err    error            // the end, or what broke for good
}

func (s *Store) download(ctx context.Context, key string, span media.Span) *download {
	return &download{s: s, ctx: ctx, key: key, span: span, tries: max(0, s.cfg.Retries)}
}

// open asks for what is still to be read.
func (d *download) open() error {
	var opts minio.GetObjectOptions
	if d.info.ETag != "" {
		_ = opts.SetMatchETag(d.info.ETag) // fails for an empty one only
	}
	from := d.span.Offset + d.at
	switch {
	case d.span.Size >= 0:
		_ = opts.SetRange(from, d.span.Offset+d.span.Size-1)
	case from > 0:
		_ = opts.SetRange(from, 0)
	}
	bytes := max(d.span.Size, d.info.Size, 0)
	if d.info.ETag == "" && d.span.Size < 0 {
		bytes = maxUnknownBytes
	}
	ctx, cancel := d.s.within(d.ctx, bytes)
	body, info, _, err := d.s.api.GetObject(ctx, d.s.cfg.Bucket, d.key, opts)
	if err != nil {
		cancel()
		return fail(d.ctx, "read", err)
	}
	if d.info.ETag == "" {
		d.info = info
	}
	d.body, d.cancel = body, cancel
	return nil
}

// maxUnknownBytes is what an object is taken for, in reckoning how long reading it may take, before its size is known.
const maxUnknownBytes = 64 << 20

// Read implements io.Reader. Its errors are those of package media.
func (d *download) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if d.body == nil {
		if d.err = d.open(); d.err != nil {
			return 0, d.err
		}
	}
	n, err := d.body.Read(p)
	d.at += int64(n)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		d.err = io.EOF
	case d.tries > 0 && d.ctx.Err() == nil && n == 0:
		d.tries--
		d.close()
		return d.Read(p)
	case n > 0: // the next Read meets the same error
	default:
		d.err = fail(d.ctx, "read", err)
	}
	if d.err != nil && n > 0 {
		return n, nil
	}
	return n, d.err
}

// readFull fills p, or answers what went wrong; media.ErrUnavailable for an object that is shorter.
func (d *download) readFull(p []byte) (int, error) {
	n, err := io.ReadFull(d, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("s3blobs: read: %w: %d bytes of %d", media.ErrUnavailable, n, len(p))
	}
	return n, err
}

func (d *download) close() {
	if d.body != nil {
		_ = d.body.Close() // it was read; how its end is taken changes nothing
		d.cancel()
		d.body = nil
	}
}
