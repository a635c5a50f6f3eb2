package s3blobs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/minio/minio-go/v7"

	"github.com/rounds-sync/rounds/media"
)

// Plan implements media.Uploads. Uploads are of 5 GiB at most; URLs work for a week at most.
func (s *Store) Plan(ctx context.Context, u media.Upload, want media.Want) (media.Plan, error) {
	if err := validate(u); err != nil {
		return media.Plan{}, err
	}
	if err := want.Validate(); err != nil {
		return media.Plan{}, err
	}
	if err := s.begin(ctx); err != nil {
		return media.Plan{}, err
	}
	f := s.folderOf(u)
	unlock, err := s.locks.lock(ctx, f)
	if err != nil {
		return media.Plan{}, err
	}
	defer unlock()
	// The mark stands before a URL is given out, so that nothing is sent to an upload that Sweep does not find.
	var a *arrived
	err = both(ctx, func(ctx context.Context) error {
		return s.write(ctx, f.plan(), "text/plain", []byte("rounds"), "")
	}, func(ctx context.Context) (err error) {
		a, err = s.arrived(ctx, f, u.Size)
		return err
	})
	if err != nil {
		return media.Plan{}, err
	}
	here := a.here()
	multi := want.PartBytes >= SlotBytes && slots(u.Size) > 0 && (len(here) > 0 || u.Size > want.PartBytes)
	if multi {
		want.PartBytes = SlotBytes
	}
	var plan media.Plan
	var spans []media.Span
	plan.Received, spans, plan.More = media.Missing(u.Size, here, want)
	for _, span := range spans {
		n := span.Offset / SlotBytes
		inSlot := multi && span == slot(n, u.Size)
		if inSlot && a.multi == "" {
			if err := s.beginMulti(ctx, a); err != nil {
				return media.Plan{}, err
			}
		}
		part, err := s.part(ctx, a, span, inSlot, want)
		if err != nil {
			return media.Plan{}, err
		}
		plan.Parts = append(plan.Parts, part)
	}
	return plan, nil
}

// part signs the URL of one part. The length is signed too: no other number of bytes can be sent there.
func (s *Store) part(ctx context.Context, a *arrived, span media.Span, inSlot bool, want media.Want) (media.Part, error) {
	part := media.Part{Offset: span.Offset, Size: span.Size, Header: http.Header{}}
	key, query := a.folder.part(span), url.Values(nil)
	if inSlot {
		key, query = a.folder.joined(), url.Values{"uploadId": {a.multi}, "partNumber": {strconv.FormatInt(span.Offset/SlotBytes+1, 10)}}
	} else if s.sse != nil {
		s.sse.Marshal(part.Header)
	}
	signed := maps.Clone(part.Header)
	signed.Set("Content-Length", strconv.FormatInt(span.Size, 10))
	var err error
	part.URL, err = s.sign(ctx, http.MethodPut, key, want.Until, query, signed)
	return part, err
}

// beginMulti begins the multipart upload.
func (s *Store) beginMulti(ctx context.Context, a *arrived) error {
	ctx2, cancel := s.within(ctx, 0)
	defer cancel()
	id, err := s.api.NewMultipartUpload(ctx2, s.cfg.Bucket, a.folder.joined(), minio.PutObjectOptions{
		ContentType: mediaType, ServerSideEncryption: s.sse,
	})
	if err != nil {
		return fail(ctx, "begin a multipart upload", err)
	}
	// Another server may have begun one too: both ask, and take the same.
	if err := s.arrivedSlots(ctx, ctx2, a); err != nil {
		return err
	}
	if a.multi == "" {
		a.multi, a.ids = id, []string{id} // a store that lists late
	}
	return nil
}

// mediaType of what a device sent: nobody has looked into it.
const mediaType = "application/octet-stream"

func validate(u media.Upload) error {
	if err := u.Validate(); err != nil {
		return err
	}
	if u.Size > maxUploadBytes {
		return fmt.Errorf("%w: an upload of %d bytes", media.ErrInvalid, u.Size)
	}
	return nil
}
