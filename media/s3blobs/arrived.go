package s3blobs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rounds-sync/rounds/media"
)

// arrived is what the bucket holds of an upload.
type arrived struct {
	folder folder
	size   int64
	keys   []string     // all objects in the folder
	parts  []media.Span // those that are parts
	joined bool         // the multipart upload was completed: all is here
	begun  bool         // it was planned; otherwise all that is here came late, to URLs of an upload that is over
	last   time.Time    // when something happened last

	multi string                     // the id of the multipart upload that parts go to; "": there is none
	ids   []string                   // of all its multipart uploads: two servers may have begun one each
	slots map[int64]minio.ObjectPart // the slots that it holds
}

// arrived asks the store.
func (s *Store) arrived(ctx context.Context, f folder, size int64) (*arrived, error) {
	ctx2, cancel := s.within(ctx, 0)
	defer cancel()
	a := &arrived{folder: f, size: size}
	for o, err := range s.keys(ctx2, string(f)) {
		if err != nil {
			return nil, fail(ctx, "list", err)
		}
		a.keys = append(a.keys, o.Key)
		a.touched(o.LastModified)
		if o.Key == f.plan() {
			a.begun = true
		} else if o.Key == f.joined() {
			a.joined = o.Size == size
		} else if span, ok := f.partOf(o.Key); ok && o.Size == span.Size {
			a.parts = append(a.parts, span)
		}
	}
	if slots(size) == 0 {
		return a, nil
	}
	return a, s.arrivedSlots(ctx, ctx2, a)
}

func (a *arrived) touched(at time.Time) {
	if at.After(a.last) {
		a.last = at
	}
}

// arrivedSlots asks for the multipart upload and what it holds.
func (s *Store) arrivedSlots(ctx, ctx2 context.Context, a *arrived) error {
	key := a.folder.joined()
	page, err := s.api.ListMultipartUploads(ctx2, s.cfg.Bucket, key, "", "", "", 1000)
	if err != nil {
		return fail(ctx, "list multipart uploads", err)
	}
	all := slices.DeleteFunc(page.Uploads, func(u minio.ObjectMultipartInfo) bool { return u.Key != key })
	// Whoever asks has to come to the same one.
	slices.SortFunc(all, func(x, y minio.ObjectMultipartInfo) int {
		return cmp.Or(x.Initiated.Compare(y.Initiated), strings.Compare(x.UploadID, y.UploadID))
	})
	for _, u := range all {
		a.ids = append(a.ids, u.UploadID)
		a.touched(u.Initiated)
	}
	a.slots = map[int64]minio.ObjectPart{}
	if len(a.ids) == 0 {
		return nil
	}
	a.multi = a.ids[0]
	for after := 0; ; {
		page, err := s.api.ListObjectParts(ctx2, s.cfg.Bucket, key, a.multi, after, 1000)
		if gone(err) {
			a.multi, a.ids, a.slots = "", a.ids[1:], map[int64]minio.ObjectPart{} // completed or aborted this moment
			return nil
		}
		if err != nil {
			return fail(ctx, "list parts", err)
		}
		for _, p := range page.ObjectParts {
			n := int64(p.PartNumber) - 1
			if n >= 0 && n < slots(a.size) && p.Size == slot(n, a.size).Size {
				a.slots[n] = p
				a.touched(p.LastModified)
			}
		}
		if after = page.NextPartNumberMarker; !page.IsTruncated || after == 0 {
			return nil
		}
	}
}

// here is what has arrived, as ranges of the whole.
func (a *arrived) here() []media.Span {
	if a.joined {
		return []media.Span{{Offset: 0, Size: a.size}}
	}
	here := slices.Clone(a.parts)
	for n := range a.slots {
		here = append(here, slot(n, a.size))
	}
	return here
}
