package fileblobs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

func (b *Blobs) uploadDir(id door.UploadID) string {
	return b.path(uploadsName, hex.EncodeToString(id[:]))
}

// Plan implements media.Uploads. The folder that it makes is synced with the first part: what a power cut may take of it is an upload without a byte,
// of which the device hears at its next PUT.
func (b *Blobs) Plan(ctx context.Context, u media.Upload, want media.Want) (media.Plan, error) {
	if err := errors.Join(u.Validate(), want.Validate()); err != nil {
		return media.Plan{}, err
	}
	if u.Size > b.cfg.MaxUploadBytes {
		return media.Plan{}, fmt.Errorf("%w: an upload of %d bytes; at most %d are taken", media.ErrInvalid, u.Size, b.cfg.MaxUploadBytes)
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return media.Plan{}, err
	}
	defer leave()
	id := door.IDOf(u)
	if err := os.Mkdir(b.uploadDir(id), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return media.Plan{}, fault(err)
	}
	if err := b.stamp(b.uploadDir(id)); err != nil {
		return media.Plan{}, fault(err)
	}
	here, err := b.parts(id)
	if err != nil {
		return media.Plan{}, err
	}
	return b.door.Plan(u, here, want)
}

func partName(s media.Span) string {
	return strconv.FormatInt(s.Offset, 10) + "-" + strconv.FormatInt(s.Size, 10)
}

// parts lists what is here of an upload. ErrNotFound: there is no such upload.
func (b *Blobs) parts(id door.UploadID) ([]media.Span, error) {
	entries, err := os.ReadDir(b.uploadDir(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, media.ErrNotFound
	}
	if err != nil {
		return nil, fault(err)
	}
	spans := make([]media.Span, 0, len(entries))
	for _, e := range entries {
		offset, size, _ := strings.Cut(e.Name(), "-")
		span := media.Span{}
		span.Offset, err = strconv.ParseInt(offset, 10, 64)
		if err == nil {
			span.Size, err = strconv.ParseInt(size, 10, 64)
		}
		if err != nil || partName(span) != e.Name() {
			continue // nothing of ours
		}
		spans = append(spans, span)
	}
	return spans, nil
}

// Abort implements media.Uploads.
func (b *Blobs) Abort(ctx context.Context, u media.Upload) error {
	if err := u.Validate(); err != nil {
		return err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	id := door.IDOf(u)
	giveBack, err := b.turns.take(ctx, id)
	if err != nil {
		return err
	}
	defer giveBack()
	if err := b.drop(id); err != nil {
		return err
	}
	return fault(b.syncs.dir(b.path(uploadsName)))
}

// drop makes an upload disappear, in one instant. It is called in the upload's turn.
func (b *Blobs) drop(id door.UploadID) error {
	b.begun.remove(id)
	if err := b.throw(b.uploadDir(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault(err)
	}
	return nil
}

// Sweep implements media.Uploads. It also removes what could not be removed before.
func (b *Blobs) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	leave, err := b.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	if err := b.emptyTemp(); err != nil {
		return 0, fault(err)
	}
	entries, err := os.ReadDir(b.path(uploadsName))
	if err != nil {
		return 0, fault(err)
	}
	for _, e := range entries {
		raw, err := hex.DecodeString(e.Name())
		if err != nil || len(raw) != len(door.UploadID{}) {
			continue // nothing of ours
		}
		dropped, err := b.dropIfOld(ctx, door.UploadID(raw), before)
		if err != nil {
			return swept, err
		}
		if dropped {
			swept++
		}
	}
	if swept == 0 {
		return 0, nil
	}
	return swept, fault(b.syncs.dir(b.path(uploadsName)))
}

func (b *Blobs) dropIfOld(ctx context.Context, id door.UploadID, before time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if info, err := os.Stat(b.uploadDir(id)); err != nil || !info.ModTime().Before(before) { // most are not old, and somebody may have their turn
		return false, missingIsFine(err)
	}
	giveBack, err := b.turns.take(ctx, id)
	if err != nil {
		return false, err
	}
	defer giveBack()
	info, err := os.Stat(b.uploadDir(id))
	if err != nil || !info.ModTime().Before(before) {
		return false, missingIsFine(err)
	}
	return true, b.drop(id)
}

func missingIsFine(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fault(err)
}
