package evidence

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/picture"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Describe tells how far photos have come and what was found, to who may read the scope.
func (d *Desk) Describe(ctx context.Context, caller engine.Caller, req *roundsv1.DescribeRequest) (*roundsv1.DescribeResponse, error) {
	scope := store.Scope(req.GetScope())
	if err := d.mayRead(caller, scope); err != nil {
		return nil, err
	}
	resp := &roundsv1.DescribeResponse{}
	for _, id := range req.GetPhotoIds() {
		photo, err := d.photo(ctx, scope, id)
		if err != nil {
			return nil, err
		}
		if photo == nil {
			continue
		}
		without := proto.CloneOf(photo)
		without.Preview = nil
		resp.Photos = append(resp.Photos, &roundsv1.PhotoDescription{PhotoId: id, Photo: without, Sizes: sizesOf(photo)})
	}
	return resp, nil
}

// photo reads a photo; nil where there is none.
func (d *Desk) photo(ctx context.Context, scope store.Scope, id string) (*roundsv1.Photo, error) {
	change, err := d.cfg.Records.Record(ctx, scope, kindPhoto, merge.RecordID(id))
	if err != nil || change.GetDeleted() {
		return nil, err
	}
	return change.GetRecord().GetPhoto(), nil
}

// sizesOf are the copies of a photo that can be downloaded.
func sizesOf(photo *roundsv1.Photo) []roundsv1.PhotoSize {
	switch {
	case !hasBytes(photo):
		return nil
	case photo.GetReport().GetWidthPx() == 0:
		return []roundsv1.PhotoSize{roundsv1.PhotoSize_PHOTO_SIZE_ORIGINAL}
	}
	return []roundsv1.PhotoSize{roundsv1.PhotoSize_PHOTO_SIZE_ORIGINAL, roundsv1.PhotoSize_PHOTO_SIZE_LARGE, roundsv1.PhotoSize_PHOTO_SIZE_SMALL}
}

// Link gives addresses to download from, to who may read the scope now. They work for Config.LinkLife, whatever becomes of the right meanwhile.
func (d *Desk) Link(ctx context.Context, caller engine.Caller, req *roundsv1.LinkRequest) (*roundsv1.LinkResponse, error) {
	scope := store.Scope(req.GetScope())
	if err := d.mayRead(caller, scope); err != nil {
		return nil, err
	}
	resp := &roundsv1.LinkResponse{}
	until := d.cfg.Now().Add(d.cfg.LinkLife)
	for _, id := range req.GetPhotoIds() {
		photo, err := d.photo(ctx, scope, id)
		if err != nil {
			return nil, err
		}
		link := &roundsv1.PhotoLink{PhotoId: id}
		resp.Links = append(resp.Links, link)
		if link.Problem = notShown(photo, req.GetSize()); link.Problem != nil {
			link.Problem.Scope = string(scope)
			continue
		}
		at, options := linkOf(photo, req.GetSize())
		options.Until = until
		if link.Url, err = d.cfg.Driver.Link(ctx, at, options); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			d.storageFailed("link", err)
			link.Problem = ofStorage(err)
			continue
		}
		link.ExpiresUs, link.MediaType = until.UnixMicro(), options.MediaType
	}
	return resp, nil
}

// notShown says why a copy of a photo cannot be downloaded; nil where it can.
func notShown(photo *roundsv1.Photo, size roundsv1.PhotoSize) *roundsv1.Problem {
	switch {
	case photo == nil:
		return problem(codeNoRecord, "没有这张照片。", "There is no such photo.")
	case photo.GetState() == stateRedacted:
		return problem(codeRedacted, "照片已依规删除。", "The bytes of this photo were removed for good.")
	case !hasBytes(photo):
		return problem(codeMissing, "照片尚未上传。", "The photo has not arrived.")
	}
	if slices.Contains(sizesOf(photo), size) {
		return nil
	}
	return problem(codeState, "照片尚未处理或无法解码，只能下载原图。", "The photo was not looked at yet, or cannot be decoded: only the original can be downloaded.")
}

// linkOf is where a copy stands and how it is shown. What is no image that browsers know is saved, never shown.
func linkOf(photo *roundsv1.Photo, size roundsv1.PhotoSize) (media.Address, media.LinkOptions) {
	h := media.Hash(photo.GetSha256())
	switch size {
	case roundsv1.PhotoSize_PHOTO_SIZE_LARGE:
		return media.At(media.Large, h), media.LinkOptions{MediaType: picture.JPEG}
	case roundsv1.PhotoSize_PHOTO_SIZE_SMALL:
		return media.At(media.Small, h), media.LinkOptions{MediaType: picture.JPEG}
	}
	switch found := photo.GetReport().GetMediaType(); found {
	case picture.JPEG, picture.PNG, picture.WebP, picture.HEIC:
		return media.At(media.Original, h), media.LinkOptions{MediaType: found}
	}
	return media.At(media.Original, h), media.LinkOptions{MediaType: "application/octet-stream", FileName: h.String()[:16] + ".bin"}
}
