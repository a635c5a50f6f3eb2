package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"syscall"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// ErrNoOriginals: the device was opened without a place for the bytes of photos.
var ErrNoOriginals = errors.New("client: no place for originals configured")

// PhotoInput is a photo that was taken. Original and Subject are needed.
type PhotoInput struct {
	// Original gives the bytes of the image, as the camera made them. It is read to its end.
	Original io.Reader
	// Subject is the ticket or inspection that it belongs to.
	Subject *roundsv1.RecordRef
	// Role says what it shows.
	Role roundsv1.PhotoRole
	// Round of the subject that it was taken in; 0: the round that the device sees the subject in, or 1.
	Round uint32
	// ItemID is the checklist item, for the role of an item.
	ItemID string
	// AnnotationOf is the photo drawn upon, for the role of an annotation.
	AnnotationOf RecordID
	// Location where the device was; nil: nothing is known.
	Location *roundsv1.Location
	// Source of the image.
	Source roundsv1.PhotoSource
	// Captured are the device's clocks at the capture; nil: now.
	Captured *roundsv1.Clock
	// Preview is a small JPEG, at most 8 KiB; nil: the device makes one where it can read the image.
	Preview []byte
	// MediaType ("image/jpeg"); "": what the bytes look like.
	MediaType string
	// Width and Height in pixels, as the image is stored; 0: what the image says of itself.
	Width, Height int
	// Shared: the capture belongs to another subject too, on purpose.
	Shared bool
}

// AddPhoto takes a photo in: its bytes are on disk, and its promise and the upload are queued, before it returns; it never waits for a network.
// The bytes are uploaded by Sync, UploadPhotos or Run once the server has the promise. A photo whose image cannot be read here goes in as well,
// without a preview. The same bytes taken twice are two photos, kept once.
//
// When it returns an error, nothing was queued, as with Do. ErrNoOriginals: the Config has no place for the bytes.
func (d *Device) AddPhoto(ctx context.Context, scope Scope, in PhotoInput) (Ref, RecordID, error) {
	ref, err := d.addPhoto(ctx, scope, in)
	if err != nil {
		return Ref{}, "", err
	}
	signal(d.photosDue)
	return ref, ref.ID, nil
}

func (d *Device) addPhoto(ctx context.Context, scope Scope, in PhotoInput) (Ref, error) {
	if d.cfg.Originals == nil {
		return Ref{}, ErrNoOriginals
	}
	if in.Original == nil || in.Subject.GetId() == "" {
		return Ref{}, refusal(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "photo.subject", "照片没有所属的工单或内容。",
			"A photo needs its bytes and what it belongs to.")
	}
	if len(in.Preview) > previewBytes {
		return Ref{}, refusal(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "photo.preview", "预览图太大。", "The preview is too large.")
	}
	me, err := d.author()
	if err != nil {
		return Ref{}, err
	}
	if in.Captured == nil {
		in.Captured = reading(d.cfg.Clock)
	}
	kept, err := d.cfg.Originals.Create(ctx)
	if err != nil {
		return Ref{}, ofOriginals(err)
	}
	hash, size, err := d.receive(ctx, in.Original, kept)
	if err != nil {
		return Ref{}, errors.Join(err, kept.Discard())
	}
	// From here on, until the queue names it, the original belongs to nobody: a sweep has to wait.
	d.originals.RLock()
	ref, err := d.keepPhoto(ctx, scope, in, me, kept, hash, size)
	d.originals.RUnlock()
	if err != nil {
		// What no photo names is removed; where that fails, by the next Open.
		return Ref{}, errors.Join(err, d.sweepOriginals(context.WithoutCancel(ctx), []PhotoHash{hash}))
	}
	return ref, nil
}

// ofOriginals is an error of the originals; a full disk is one of the store's errors.
func ofOriginals(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("client: originals: %w: %w", store.ErrFull, err)
	}
	return fmt.Errorf("client: originals: %w", err)
}

// receive copies an original to where it will rest, and returns its hash and size.
func (d *Device) receive(ctx context.Context, from io.Reader, to io.Writer) (PhotoHash, int64, error) {
	sum := sha256.New()
	most := d.cfg.Limits.PhotoBytes
	size, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(cancelled{ctx, from}, most+1))
	if err != nil {
		return PhotoHash{}, 0, ofOriginals(err)
	}
	if size > most {
		return PhotoHash{}, 0, refusal(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "photo.size_bytes", "照片文件太大。", "The file is too large for a photo.")
	}
	return PhotoHash(sum.Sum(nil)), size, nil
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (c cancelled) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.from.Read(b)
}

// keepPhoto makes the original durable, and then queues the promise and the upload in one transaction. A crash between the two leaves an
// original that nothing names, which the next Open removes.
func (d *Device) keepPhoto(
	ctx context.Context, scope Scope, in PhotoInput, me self, kept NewOriginal, hash PhotoHash, size int64,
) (Ref, error) {
	if err := kept.Keep(hash); err != nil {
		return Ref{}, ofOriginals(err)
	}
	found, err := d.lookAt(ctx, hash, in.Preview == nil)
	if err != nil {
		return Ref{}, err
	}
	photo := &roundsv1.Photo{
		Subject: in.Subject, Role: in.Role, Round: in.Round, ItemId: in.ItemID, AnnotationOfId: string(in.AnnotationOf), Sha256: hash[:], SizeBytes: size,
		MediaType: or(in.MediaType, found.mediaType), WidthPx: uint32(or(in.Width, found.width)), HeightPx: uint32(or(in.Height, found.height)),
		Captured: in.Captured, Location: in.Location, Source: in.Source, Preview: found.preview, PersonId: string(me.Person), Shared: in.Shared,
	}
	if in.Preview != nil {
		photo.Preview = in.Preview
	}
	id, err := d.NewID()
	if err != nil {
		return Ref{}, err
	}
	m := &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{
		Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}}}}}
	state := photoState{Hash: hexHash(hash), Size: size, SubjectKind: in.Subject.GetKind(), SubjectID: in.Subject.GetId(), AddedUS: d.now()}
	return d.Do(ctx, scope, m, func(how *doing) {
		how.prepare = func(w store.Writer, m *roundsv1.Mutation) error {
			return d.numberPhoto(w, scope, m.GetFact().GetRecord().GetPhoto())
		}
		how.also = func(w store.Writer) error { return save(w, photoKey(id), state) }
	})
}

// lookAt looks into an original that is kept.
func (d *Device) lookAt(ctx context.Context, hash PhotoHash, withPreview bool) (looked, error) {
	original, err := d.cfg.Originals.Open(ctx, hash)
	if err != nil {
		return looked{}, fmt.Errorf("client: originals: %w", err)
	}
	defer func() { _ = original.Close() }() // it was only read
	return look(io.NewSectionReader(original, 0, original.Size()), d.cfg.Limits.PreviewPixels, withPreview), nil
}

// numberPhoto gives a photo the next number of the device's own count in the scope, and the round of its subject as it stands here.
func (d *Device) numberPhoto(w store.Writer, scope Scope, photo *roundsv1.Photo) error {
	var count photoCount
	found, err := load(w, single(tablePhotoCount), &count)
	if err != nil {
		return err
	}
	if !found {
		d.mu.Lock()
		count.Captured = d.purged[scope].Photos
		d.mu.Unlock()
	}
	count.Captured++
	photo.CaptureNumber = count.Captured
	if photo.Round == 0 {
		ref := recordRef{kind: merge.Kind(photo.GetSubject().GetKind()), id: RecordID(photo.GetSubject().GetId())}
		p, err := d.project(w, ref)
		if err != nil {
			return err
		}
		subject := p.shown.GetRecord()
		photo.Round = max(1, subject.GetTicket().GetRound(), subject.GetInspection().GetRound())
	}
	return save(w, single(tablePhotoCount), count)
}
