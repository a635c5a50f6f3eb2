package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"golang.org/x/sync/semaphore"
)

// Limits bound what one photo may ask for.
type Limits struct {
	// Bytes is the largest file; 0: 32 MiB.
	Bytes int64
	// Pixels is the largest product of width and height, told before anything is decoded; 0: 64,000,000.
	Pixels int64
	// Scans is the most passes of a JPEG over its image; 0: 32. Cameras write 1, progressive encoders about 10.
	Scans int
}

// Config says how an Inspector works.
type Config struct {
	// Memory is the budget, bytes, that all photos which are looked at in one moment share; 0: 1 GiB. A quarter holds their files, the rest
	// what decoding them takes, by an estimate from above. A photo that needs more than the whole of either part is refused as too large.
	Memory int64
	// Limits of one photo.
	Limits Limits
	// Location in which times without a zone are read; nil: UTC.
	Location *time.Location
	// HEIC decodes HEIC; nil: what may be such a photo is answered with ErrNoDecoder. It is called with files whose structure was walked: every
	// coded picture in them within the limits.
	HEIC DecodeFunc
}

// Inspector looks into photos. Its methods may be called from any number of goroutines; calls beyond the budget of memory wait.
type Inspector struct {
	config         Config
	files, decodes *semaphore.Weighted
	fileBudget     int64
	decodeBudget   int64
}

// NewInspector returns an inspector.
func NewInspector(c Config) *Inspector {
	if c.Memory <= 0 {
		c.Memory = 1 << 30
	}
	if c.Limits.Bytes <= 0 {
		c.Limits.Bytes = 32 << 20
	}
	if c.Limits.Pixels <= 0 {
		c.Limits.Pixels = 64_000_000
	}
	if c.Limits.Scans <= 0 {
		c.Limits.Scans = 32
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	i := &Inspector{config: c, fileBudget: c.Memory / 4}
	i.decodeBudget = c.Memory - i.fileBudget
	i.files, i.decodes = semaphore.NewWeighted(i.fileBudget), semaphore.NewWeighted(i.decodeBudget)
	return i
}

// Inspection is what was found out about a photo.
type Inspection struct {
	// MediaType by content: JPEG, PNG, WebP or HEIC.
	MediaType string
	// WidthPx and HeightPx of the original as it is shown: upright.
	WidthPx, HeightPx int
	// EXIF is what the image says of its making.
	EXIF EXIF
	// FrequencyHash and DifferenceHash are perceptual hashes: of photos that look alike few of the 64 bits differ.
	FrequencyHash, DifferenceHash uint64
	// Featureless photos are too dark or too even for their hashes to mean anything.
	Featureless bool
	// Large and Small are copies for the screen, at most 1,280 and 320 pixels a side: JPEGs, upright, without any metadata.
	Large, Small []byte
}

// outline is what walking a photo's structure tells, before anything is decoded.
type outline struct {
	width, height int   // as coded; 0: the decoder tells
	memory        int64 // that decoding takes, bytes, at most
	exif          []byte
	upright       bool                                 // the decoder applies the orientation; the one in the EXIF does not count
	decode        func(io.Reader) (image.Image, error) // to the end; nil: by Config.HEIC
	pixels        int64                                // that Config.HEIC may answer with
}

// Inspect reads size bytes of a photo and looks into them. promised is the media type that was promised; "" is none.
//
// It answers *Refused where the photo cannot count, the context's error where that ended, the reader's where reading failed (io.ErrUnexpectedEOF where
// it ended early), for a HEIC photo ErrNoDecoder or ErrDecoderFailed where it could not be decoded for a reason that need not be its own, and nothing
// else.
func (i *Inspector) Inspect(ctx context.Context, r io.Reader, size int64, promised string) (*Inspection, error) {
	switch limit := min(i.config.Limits.Bytes, i.fileBudget); {
	case size <= 0:
		return nil, empty()
	case size > limit:
		return nil, tooManyBytes(size, limit)
	}
	if err := i.files.Acquire(ctx, size); err != nil {
		return nil, err
	}
	defer i.files.Release(size)
	b := make([]byte, size)
	if _, err := io.ReadFull(&obedient{ctx, r}, b); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("picture: reading: %w", err)
	}

	mediaType := sniff(b)
	switch {
	case mediaType == "":
		return nil, notAPhoto(b)
	case promised != "" && !sameType(promised, mediaType):
		return nil, wrongType(mediaType)
	}
	o, refused := i.walk(mediaType, b)
	if refused != nil {
		return nil, refused
	}
	if refused := disguise(b); refused != nil {
		return nil, refused
	}
	if o.memory += workspace; o.memory > i.decodeBudget {
		return nil, tooMuchMemory(o.memory, i.decodeBudget)
	}
	if err := i.decodes.Acquire(ctx, o.memory); err != nil {
		return nil, err
	}
	defer i.decodes.Release(o.memory)
	found, err := i.look(ctx, b, o)
	if err != nil {
		return nil, err
	}
	found.MediaType = mediaType
	return found, nil
}

// walk walks the structure of a photo.
func (i *Inspector) walk(mediaType string, b []byte) (outline, *Refused) {
	var o outline
	var refused *Refused
	switch mediaType {
	case JPEG:
		o, refused = walkJPEG(b, i.config.Limits)
	case PNG:
		o, refused = walkPNG(b, i.config.Limits)
	case WebP:
		o, refused = walkWebP(b, i.config.Limits)
	default:
		o, refused = walkHEIC(b, i.config.Limits)
	}
	return o, refused
}

// look decodes a photo and takes from it what is asked. Whatever panics on the way was brought to it by the photo.
func (i *Inspector) look(ctx context.Context, b []byte, o outline) (found *Inspection, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = nil, undecodable(fmt.Errorf("panic: %v", p))
		}
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	exif, orientation := readEXIF(o.exif, i.config.Location)
	if o.upright {
		orientation = 1
	}
	img, err := i.decode(ctx, b, o)
	switch {
	case errors.Is(err, ErrNoDecoder) || errors.Is(err, ErrDecoderFailed):
		return nil, err
	case err != nil:
		return nil, undecodable(err)
	}
	size := img.Bounds().Size()
	if size.X <= 0 || size.Y <= 0 || (o.width > 0 && size != image.Pt(o.width, o.height) && size != image.Pt(o.height, o.width)) {
		return nil, malformed("解码后的尺寸与文件头不符", "it decodes to another size than it says")
	}
	found = &Inspection{WidthPx: size.X, HeightPx: size.Y, EXIF: exif}
	if orientation >= 5 {
		found.WidthPx, found.HeightPx = size.Y, size.X
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	large := turn(shrink(img, LargeSide), orientation)
	small := shrink(large, SmallSide)
	found.FrequencyHash, found.DifferenceHash, found.Featureless = hashes(large)
	if found.Large, err = encode(large, largeQuality); err != nil {
		return nil, err
	}
	if found.Small, err = encode(small, smallQuality); err != nil {
		return nil, err
	}
	return found, nil
}

// decode decodes a photo.
func (i *Inspector) decode(ctx context.Context, b []byte, o outline) (image.Image, error) {
	switch {
	case o.decode != nil:
		return o.decode(&obedient{ctx, bytes.NewReader(b)})
	case i.config.HEIC == nil:
		return nil, ErrNoDecoder
	}
	return i.config.HEIC(ctx, b, o.pixels)
}

// obedient is a reader that ends with its context.
type obedient struct {
	ctx context.Context
	r   io.Reader
}

// Read reads while the context lasts.
func (o *obedient) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	return o.r.Read(p)
}

// checkPixels refuses what has too many pixels, or none.
func checkPixels(w, h int, limit int64) *Refused {
	switch {
	case w <= 0 || h <= 0:
		return malformed("宽或高为零", "its width or height is zero")
	case int64(w)*int64(h) > limit:
		return tooManyPixels(w, h, limit)
	}
	return nil
}
