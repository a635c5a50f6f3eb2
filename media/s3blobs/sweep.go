package s3blobs

import (
	"context"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rounds-sync/rounds/media"
)

// Abort implements media.Uploads. URLs that were given out go on working until they expire: what is sent to them then is an upload that nobody
// planned, which Sweep finds.
func (s *Store) Abort(ctx context.Context, u media.Upload) error {
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
	if err != nil {
		return err
	}
	return s.drop(ctx, a)
}

// drop removes all that there is of an upload: multipart uploads first, for the objects are what leads to them.
func (s *Store) drop(ctx context.Context, a *arrived) error {
	ctx2, cancel := s.within(ctx, 0)
	defer cancel()
	for _, id := range a.ids {
		if err := s.api.AbortMultipartUpload(ctx2, s.cfg.Bucket, a.folder.joined(), id); err != nil && !gone(err) {
			return fail(ctx, "abort a multipart upload", err)
		}
	}
	objects := make(chan minio.ObjectInfo, len(a.keys))
	for _, key := range a.keys {
		objects <- minio.ObjectInfo{Key: key}
	}
	close(objects)
	var first error
	for result := range s.api.RemoveObjects(ctx2, s.cfg.Bucket, objects, minio.RemoveObjectsOptions{}) {
		if first == nil && !gone(result.Err) {
			first = fail(ctx, "remove parts", result.Err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fail(ctx, "remove parts", err)
	}
	return first
}

// Sweep implements media.Uploads.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	swept := 0
	var now folder // whose objects are being listed
	var size int64
	var last time.Time
	look := func() error {
		if now == "" || !last.Before(before) {
			return nil
		}
		did, err := s.sweepOne(ctx, now, size, before)
		if did {
			swept++
		}
		return err
	}
	for o, err := range s.keys(ctx, s.cfg.Prefix+uploadsDir) {
		if err != nil {
			return swept, err
		}
		f, n, ok := s.folderIn(o.Key)
		if !ok {
			continue // not ours
		}
		if f != now {
			if err := look(); err != nil {
				return swept, err
			}
			now, size, last = f, n, time.Time{}
		}
		last = slices.MaxFunc([]time.Time{last, o.LastModified}, time.Time.Compare)
	}
	return swept, look()
}

// sweepOne drops an upload if nothing has happened in its slots either.
func (s *Store) sweepOne(ctx context.Context, f folder, size int64, before time.Time) (bool, error) {
	unlock, err := s.locks.lock(ctx, f)
	if err != nil {
		return false, err
	}
	defer unlock()
	a, err := s.arrived(ctx, f, size)
	if err != nil || a.last.IsZero() || !a.last.Before(before) {
		return false, err
	}
	return true, s.drop(ctx, a)
}
