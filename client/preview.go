package client

import (
	"bytes"
	"encoding/binary"
	"image"
	_ "image/gif" // decoders of what phones and browsers save
	"image/jpeg"
	_ "image/png"
	"io"
	"net/http"

	scale "golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

const (
	previewBytes   = 8 << 10 // what the schema allows
	previewLargest = 256     // pixels of the longer side
)

// looked is what could be found out about an image on the device. A field is zero where it could not.
type looked struct {
	mediaType     string
	width, height int // as the image is stored, before its orientation is applied
	preview       []byte
}

// look looks into the bytes of a photo. What cannot be decoded here, or has more pixels than are worth it, goes in without a preview: the
// server judges it. withPreview is false where the app brought its own.
func look(from io.ReadSeeker, pixels int, withPreview bool) looked {
	var found looked
	head := make([]byte, 512)
	n, _ := io.ReadFull(from, head)
	found.mediaType = sniff(head[:n])
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return found
	}
	config, format, err := image.DecodeConfig(from)
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return found
	}
	found.mediaType, found.width, found.height = "image/"+format, config.Width, config.Height
	if !withPreview || config.Width > pixels/config.Height {
		return found
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return found
	}
	orientation := 1
	if format == "jpeg" {
		orientation = jpegOrientation(from)
		if _, err := from.Seek(0, io.SeekStart); err != nil {
			return found
		}
	}
	picture, _, err := image.Decode(from)
	if err != nil {
		return found
	}
	found.preview = preview(picture, orientation)
	return found
}

// sniff guesses the media type of bytes that no decoder here reads: what iPhones save, above all.
func sniff(head []byte) string {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		switch string(head[8:12]) {
		case "heic", "heix", "hevc", "heim", "heis":
			return "image/heic"
		case "mif1", "msf1":
			return "image/heif"
		case "avif":
			return "image/avif"
		}
	}
	if len(head) == 0 {
		return ""
	}
	return http.DetectContentType(head)
}

// preview is the best small JPEG of an image that fits into its bytes, upright; nil if none does.
func preview(picture image.Image, orientation int) []byte {
	bounds := picture.Bounds()
	for side := previewLargest; side >= 16; side = side * 3 / 4 {
		factor := min(1, float64(side)/float64(max(bounds.Dx(), bounds.Dy())))
		small := image.NewRGBA(image.Rect(0, 0, max(1, int(float64(bounds.Dx())*factor)), max(1, int(float64(bounds.Dy())*factor))))
		scale.ApproxBiLinear.Scale(small, small.Bounds(), picture, bounds, scale.Src, nil)
		shown := upright(small, orientation)
		for _, quality := range []int{75, 60, 45} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, shown, &jpeg.Options{Quality: quality}); err != nil {
				return nil
			}
			if b.Len() <= previewBytes {
				return b.Bytes()
			}
		}
	}
	return nil
}

// upright turns and mirrors an image as an EXIF orientation, 1 to 8, asks for.
func upright(from *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return from
	}
	w, h := from.Rect.Dx(), from.Rect.Dy()
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		to = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			at := [...]image.Point{
				2: {X: w - 1 - x, Y: y}, 3: {X: w - 1 - x, Y: h - 1 - y}, 4: {X: x, Y: h - 1 - y}, 5: {X: y, Y: x},
				6: {X: h - 1 - y, Y: x}, 7: {X: h - 1 - y, Y: w - 1 - x}, 8: {X: y, Y: w - 1 - x},
			}[orientation]
			to.SetRGBA(at.X, at.Y, from.RGBAAt(x, y))
		}
	}
	return to
}

// exifBytes is how far into a JPEG its orientation is looked for.
const exifBytes = 64 << 10

// jpegOrientation reads the EXIF orientation of a JPEG; 1, upright as it is, where there is none that can be read.
func jpegOrientation(from io.Reader) int {
	b, err := io.ReadAll(io.LimitReader(from, exifBytes))
	if err != nil || len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		return 1
	}
	for b = b[2:]; len(b) >= 4 && b[0] == 0xff && b[1] >= 0xe0; {
		size := int(binary.BigEndian.Uint16(b[2:]))
		if size < 2 || len(b) < 2+size {
			return 1
		}
		if segment := b[4 : 2+size]; b[1] == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return tiffOrientation(segment[6:])
		}
		b = b[2+size:]
	}
	return 1
}

// tiffOrientation finds the orientation among the first tags of a TIFF block.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	tags := int(order.Uint16(b[at:]))
	for tag := b[at+2:]; tags > 0 && len(tag) >= 12; tags, tag = tags-1, tag[12:] {
		if order.Uint16(tag) != 0x0112 {
			continue
		}
		if value := int(order.Uint16(tag[8:])); value >= 1 && value <= 8 {
			return value
		}
		return 1
	}
	return 1
}
