package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	_ "image/gif" // decoders of what phones and browsers save
	"image/jpeg"
	_ "image/png"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

const (
	previewBytes   = 8 << 10   // what the schema allows
	photoBytes     = 100 << 20 // more is no photo of a phone
	photoPixels    = 200 << 20
	previewLargest = 256 // pixels of the longer side
)

func (d *deviceCommands) photo() *cobra.Command {
	cmd := &cobra.Command{Use: "photo", Short: "Photos, as the promise of an image"}
	var ticket, inspection, role, item string
	add := &cobra.Command{Use: "add FILE --ticket ID", Short: "Add a photo to a ticket or an inspection", Args: cobra.ExactArgs(1)}
	add.Long = "Records the photo as a fact: its SHA-256, size, dimensions and a small preview, all of which is synced. The bytes of the image stay in the\n" +
		"file for now: uploading them is not part of this version."
	add.RunE = func(cmd *cobra.Command, args []string) error {
		if (ticket == "") == (inspection == "") {
			return usage(cmd, "one of --ticket and --inspection is needed")
		}
		value, err := enumValue(roundsv1.PhotoRole_value, "PHOTO_ROLE", role)
		if err != nil {
			return err
		}
		photo, err := readPhoto(args[0])
		if err != nil {
			return err
		}
		photo.Role, photo.ItemId = roundsv1.PhotoRole(value), item
		return d.with(func(ctx context.Context, s *session, args []string) error {
			kind, part := "ticket", ticket
			if inspection != "" {
				kind, part = "inspection", inspection
			}
			return d.addPhoto(ctx, s, kind, part, photo)
		})(cmd, args)
	}
	add.Flags().StringVar(&ticket, "ticket", "", "the ticket that it belongs to")
	add.Flags().StringVar(&inspection, "inspection", "", "the inspection that it belongs to")
	add.Flags().StringVar(&role, "role", "after", "before, after, item or signature")
	add.Flags().StringVar(&item, "item", "", "checklist item, for --role item")
	cmd.AddCommand(add)
	return cmd
}

func (d *deviceCommands) addPhoto(ctx context.Context, s *session, kind, part string, photo *roundsv1.Photo) error {
	view, err := s.find(ctx, kindOf(kind), part)
	if err != nil {
		return err
	}
	photo.Subject = &roundsv1.RecordRef{Kind: kind, Id: string(view.ID)}
	photo.Round = max(1, view.Record.GetTicket().GetRound(), view.Record.GetInspection().GetRound())
	photo.PersonId = string(s.me)
	photo.Captured = reading(client.SystemClock(d.Now))
	ref, err := s.Fact(ctx, view.Scope, "", &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}})
	if err != nil {
		return err
	}
	how, err := d.deliver(ctx, s, ref)
	if err != nil {
		return err
	}
	if !d.json {
		fmt.Fprintf(d.Out, "sha256 %x, %d bytes, %d x %d, preview of %d bytes\n", photo.GetSha256(), photo.GetSizeBytes(), photo.GetWidthPx(),
			photo.GetHeightPx(), len(photo.GetPreview()))
	}
	fmt.Fprintln(d.Err, "note: the photo is recorded and synced as a promise; uploading its bytes comes with a later version, so keep the file")
	return d.tell("photo", ref.ID, how)
}

// readPhoto describes the image of a file.
func readPhoto(path string) (*roundsv1.Photo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, photoBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > photoBytes {
		return nil, fail(Failed, "%s is larger than %d MiB: that is no photo", path, photoBytes>>20)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fail(Failed, "%s is no image that can be read (JPEG, PNG, GIF, WebP): %v", path, err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width*config.Height > photoPixels {
		return nil, fail(Failed, "%s has %d x %d pixels, more than a photo has", path, config.Width, config.Height)
	}
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fail(Failed, "%s is damaged: %v", path, err)
	}
	small, err := preview(picture)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return &roundsv1.Photo{Sha256: sum[:], SizeBytes: int64(len(data)), MediaType: "image/" + format, WidthPx: uint32(config.Width),
		HeightPx: uint32(config.Height), Source: roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY, Preview: small}, nil
}

// preview is the best small JPEG of an image that fits into its bytes.
func preview(picture image.Image) ([]byte, error) {
	bounds := picture.Bounds()
	for side := previewLargest; side >= 16; side = side * 3 / 4 {
		scale := min(1, float64(side)/float64(max(bounds.Dx(), bounds.Dy())))
		small := image.NewRGBA(image.Rect(0, 0, max(1, int(float64(bounds.Dx())*scale)), max(1, int(float64(bounds.Dy())*scale))))
		draw.ApproxBiLinear.Scale(small, small.Bounds(), picture, bounds, draw.Src, nil)
		for _, quality := range []int{75, 60, 45} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: quality}); err != nil {
				return nil, err
			}
			if b.Len() <= previewBytes {
				return b.Bytes(), nil
			}
		}
	}
	return nil, nil
}
