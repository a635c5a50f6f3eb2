package s3blobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rounds-sync/rounds/media"
)

// Put implements media.Objects.
func (s *Store) Put(ctx context.Context, at media.Address, mediaType string, content []byte) error {
	if _, _, err := at.Parse(); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	return s.write(ctx, s.cfg.Prefix+string(at), mediaType, content, "")
}

// write puts content under a key. With a hash (hexadecimal) the store refuses what has another one.
func (s *Store) write(ctx context.Context, key, mediaType string, content []byte, sha256Hex string) error {
	ctx2, cancel := s.within(ctx, int64(len(content)))
	defer cancel()
	_, err := s.api.PutObject(ctx2, s.cfg.Bucket, key, bytes.NewReader(content), int64(len(content)), "", sha256Hex, minio.PutObjectOptions{
		ContentType: mediaType, ServerSideEncryption: s.sse,
		DisableContentSha256: true, // not in chunks, each with a signature: over the whole, where there is a hash
		SendContentMd5:       true,
	})
	return fail(ctx, "write", err)
}

// memoryObjectBytes is the largest object that is kept in memory while it is read.
const memoryObjectBytes = 1 << 20

// Open implements media.Objects. It fetches the object whole before it returns, larger ones into a temporary file, so that reading on does not depend on
// the store any more.
func (s *Store) Open(ctx context.Context, at media.Address) (media.Object, error) {
	if _, _, err := at.Parse(); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	d := s.download(ctx, s.cfg.Prefix+string(at), media.Span{Size: -1})
	defer d.close()
	if err := d.open(); err != nil {
		return nil, err
	}
	o := &object{info: media.Info{Address: at, Size: d.info.Size, MediaType: d.info.ContentType, Modified: d.info.LastModified}}
	if d.info.Size <= memoryObjectBytes {
		content := make([]byte, d.info.Size)
		if _, err := d.readFull(content); err != nil {
			return nil, err
		}
		o.reader = bytes.NewReader(content)
		return o, nil
	}
	file, err := os.CreateTemp(s.cfg.TempDir, "rounds-object-")
	if err != nil {
		return nil, fmt.Errorf("s3blobs: %w", err)
	}
	o.reader, o.file = file, file
	n, err := io.Copy(file, d)
	if err == nil && n != d.info.Size {
		err = fmt.Errorf("s3blobs: read: %w: %d bytes of %d", media.ErrUnavailable, n, d.info.Size)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// object is an object that was fetched.
type object struct {
	reader interface {
		io.ReadSeeker
		io.ReaderAt
	}
	file *os.File // nil: in memory
	info media.Info
}

var _ media.Object = (*object)(nil)

func (o *object) Read(p []byte) (int, error)                { return o.reader.Read(p) }
func (o *object) ReadAt(p []byte, at int64) (int, error)    { return o.reader.ReadAt(p, at) }
func (o *object) Seek(off int64, whence int) (int64, error) { return o.reader.Seek(off, whence) }

// Info implements media.Object.
func (o *object) Info() media.Info { return o.info }

// Close implements io.Closer.
func (o *object) Close() error {
	if o.file == nil {
		return nil
	}
	err := errors.Join(o.file.Close(), os.Remove(o.file.Name()))
	o.file = nil
	return err
}

// Delete implements media.Objects.
func (s *Store) Delete(ctx context.Context, at media.Address) error {
	if _, _, err := at.Parse(); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	ctx2, cancel := s.within(ctx, 0)
	defer cancel()
	err := s.api.RemoveObject(ctx2, s.cfg.Bucket, s.cfg.Prefix+string(at), minio.RemoveObjectOptions{})
	if gone(err) {
		return nil
	}
	return fail(ctx, "delete", err)
}

// List implements media.Objects. Media types are not listed.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[media.Info, error] {
	return func(yield func(media.Info, error) bool) {
		if err := s.begin(ctx); err != nil {
			yield(media.Info{}, err)
			return
		}
		for _, class := range []media.Class{media.Large, media.Report, media.Original, media.Small} { // in the order of their names
			below := string(class) + "/"
			if strings.HasPrefix(prefix, below) {
				below = prefix
			} else if !strings.HasPrefix(below, prefix) {
				continue
			}
			if strings.Trim(below[len(class):], "/0123456789abcdef") != "" {
				continue // no address is like this, and stores differ in what they say to it
			}
			for o, err := range s.keys(ctx, s.cfg.Prefix+below) {
				if err != nil {
					yield(media.Info{}, err)
					return
				}
				at := media.Address(strings.TrimPrefix(o.Key, s.cfg.Prefix))
				if _, _, err := at.Parse(); err != nil {
					continue // not ours
				}
				if !yield(media.Info{Address: at, Size: o.Size, Modified: o.LastModified}, nil) {
					return
				}
			}
		}
	}
}

// keys visits what stands below a prefix, in order.
func (s *Store) keys(ctx context.Context, prefix string) iter.Seq2[minio.ObjectInfo, error] {
	return func(yield func(minio.ObjectInfo, error) bool) {
		for o := range s.api.ListObjectsIter(ctx, s.cfg.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			if err := fail(ctx, "list", o.Err); !yield(o, err) || err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(minio.ObjectInfo{}, fail(ctx, "list", err))
		}
	}
}

// Link implements media.Objects. The store accepts links of a week at most.
func (s *Store) Link(ctx context.Context, at media.Address, o media.LinkOptions) (string, error) {
	if _, _, err := at.Parse(); err != nil {
		return "", err
	}
	if err := s.begin(ctx); err != nil {
		return "", err
	}
	answer := url.Values{}
	if o.MediaType != "" {
		answer.Set("response-content-type", o.MediaType)
	}
	if o.FileName != "" {
		how := mime.FormatMediaType("attachment", map[string]string{"filename": o.FileName})
		if how == "" {
			how = "attachment"
		}
		answer.Set("response-content-disposition", how)
	}
	return s.sign(ctx, http.MethodGet, s.cfg.Prefix+string(at), o.Until, answer, nil)
}

// sign makes a URL that works until a time; the header must go with it.
func (s *Store) sign(ctx context.Context, method, key string, until time.Time, query url.Values, header http.Header) (string, error) {
	lasts := min(until.Sub(s.cfg.Now()), 7*24*time.Hour).Truncate(time.Second)
	if lasts < time.Second {
		return "", fmt.Errorf("%w: a link that ends before it begins", media.ErrInvalid)
	}
	u, err := s.public.PresignHeader(ctx, method, s.cfg.Bucket, key, lasts, query, header)
	if err != nil {
		return "", fail(ctx, "sign", err)
	}
	return u.String(), nil
}
