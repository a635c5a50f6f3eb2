package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) photo() *cobra.Command {
	cmd := &cobra.Command{Use: "photo", Short: "Photos: promised with the words, their bytes behind them"}
	cmd.AddCommand(d.photoAdd(), d.photoHide(), d.photoList())
	return cmd
}

// photoFlags are what the photos of one call have in common.
type photoFlags struct {
	ticket, inspection, role, item, source, annotates string
	place, words                                      string
	shared, noPhotos                                  bool
}

func (d *deviceCommands) photoAdd() *cobra.Command {
	var f photoFlags
	add := &cobra.Command{Use: "add FILE... --ticket ID", Short: "Add photos to a ticket or an inspection", Args: cobra.MinimumNArgs(1)}
	add.Long = "Takes photos in: a copy of each file is kept in the device's directory, and its promise (SHA-256, size, dimensions, a small preview) is\n" +
		"queued with the words. When the server has the promise the bytes follow, in parts, for as long as --wait says; rounds device sync goes on\n" +
		"where it stopped. The copy is removed when the server has the bytes and the ticket is closed, or 14 days after."
	add.RunE = func(cmd *cobra.Command, args []string) error {
		if (f.ticket == "") == (f.inspection == "") {
			return usage(cmd, "one of --ticket and --inspection is needed")
		}
		if (f.role == "item") != (f.item != "") {
			return usage(cmd, "--role item and --item go together")
		}
		if (f.role == "annotation") != (f.annotates != "") {
			return usage(cmd, "--role annotation and --annotates go together")
		}
		in, err := f.input()
		if err != nil {
			return err
		}
		return d.with(func(ctx context.Context, s *session, args []string) error { return d.addPhotos(ctx, s, f, in, args) })(cmd, args)
	}
	flags := add.Flags()
	flags.StringVar(&f.ticket, "ticket", "", "the ticket that they belong to")
	flags.StringVar(&f.inspection, "inspection", "", "the inspection that they belong to")
	flags.StringVar(&f.role, "role", "after", "before, after, item, signature or annotation")
	flags.StringVar(&f.item, "item", "", "checklist item, for --role item")
	flags.StringVar(&f.source, "source", "gallery", "camera or gallery")
	flags.StringVar(&f.annotates, "annotates", "", "id of the photo drawn upon, for --role annotation")
	flags.StringVar(&f.place, "place", "", "id of the place, from its tag")
	flags.StringVar(&f.words, "where", "", "the place in words")
	flags.BoolVar(&f.shared, "shared", false, "the photo is shared with another ticket on purpose")
	flags.BoolVar(&f.noPhotos, "no-photos", false, "send the promise only; the bytes follow with rounds device sync")
	return add
}

// input makes of the flags what the photos have in common.
func (f photoFlags) input() (client.PhotoInput, error) {
	role, err := enumValue(roundsv1.PhotoRole_value, "PHOTO_ROLE", f.role)
	if err != nil {
		return client.PhotoInput{}, err
	}
	source, err := enumValue(roundsv1.PhotoSource_value, "PHOTO_SOURCE", f.source)
	if err != nil {
		return client.PhotoInput{}, err
	}
	in := client.PhotoInput{Role: roundsv1.PhotoRole(role), Source: roundsv1.PhotoSource(source), ItemID: f.item, AnnotationOf: client.RecordID(f.annotates),
		Shared: f.shared}
	switch {
	case f.place != "":
		in.Location = &roundsv1.Location{PlaceId: f.place, Words: f.words, Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
	case f.words != "":
		in.Location = &roundsv1.Location{Words: f.words, Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
	}
	return in, nil
}

func (d *deviceCommands) addPhotos(ctx context.Context, s *session, f photoFlags, in client.PhotoInput, paths []string) error {
	kind, part := "ticket", f.ticket
	if f.inspection != "" {
		kind, part = "inspection", f.inspection
	}
	view, err := s.find(ctx, kindOf(kind), part)
	if err != nil {
		return err
	}
	in.Subject = &roundsv1.RecordRef{Kind: kind, Id: string(view.ID)}
	if in.AnnotationOf != "" {
		of, err := s.find(ctx, kindOf("photo"), string(in.AnnotationOf))
		if err != nil {
			return err
		}
		in.AnnotationOf = of.ID
	}
	var refs []client.Ref
	for _, path := range paths {
		ref, err := d.addFile(ctx, s, view.Scope, in, path)
		if err != nil {
			return errors.Join(err, d.deliverPhotos(ctx, s, f, refs)) // those before it are queued all the same
		}
		refs = append(refs, ref)
	}
	return d.deliverPhotos(ctx, s, f, refs)
}

// addFile takes one file in.
func (d *deviceCommands) addFile(ctx context.Context, s *session, scope client.Scope, in client.PhotoInput, path string) (client.Ref, error) {
	file, err := os.Open(path)
	if err != nil {
		return client.Ref{}, err
	}
	defer func() { _ = file.Close() }() // it was only read
	in.Original = file
	ref, id, err := s.AddPhoto(ctx, scope, in)
	if err != nil {
		line, code := explain(err) // a refusal does not say of which file
		return ref, fail(code, "%s: %s", clean(path), line)
	}
	if d.json {
		return ref, nil
	}
	view, err := s.Get(ctx, scope, kindOf("photo"), id)
	if err != nil {
		return ref, err
	}
	photo := view.Record.GetPhoto()
	fmt.Fprintf(d.Out, "sha256 %x, %d bytes, %d x %d, preview of %d bytes\n", photo.GetSha256(), photo.GetSizeBytes(), photo.GetWidthPx(),
		photo.GetHeightPx(), len(photo.GetPreview()))
	if photo.GetSizeBytes() == 0 {
		fmt.Fprintf(d.Err, "note: %s is empty; it goes in as it is, and cannot count\n", clean(path))
	} else if len(photo.GetPreview()) == 0 {
		fmt.Fprintf(d.Err, "note: %s cannot be read as an image here (%s); it goes in without a preview, and the server looks into it\n", clean(path),
			photo.GetMediaType())
	}
	return ref, nil
}

// deliverPhotos sends the words, and then bytes for a while.
func (d *deviceCommands) deliverPhotos(ctx context.Context, s *session, f photoFlags, refs []client.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	how, err := d.deliver(ctx, s, refs...)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := d.tell("photo", ref.ID, how); err != nil {
			return err
		}
	}
	if !how.Sent || f.noPhotos {
		return nil
	}
	return d.sendBytes(ctx, s)
}

// sendBytes sends bytes of photos for as long as --wait says. That not all could be sent is no failure.
func (d *deviceCommands) sendBytes(ctx context.Context, s *session) error {
	within, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	if _, err := d.upload(within, s); err != nil && ctx.Err() == nil {
		waiting, statusErr := s.Status(ctx)
		if statusErr != nil {
			return statusErr
		}
		fmt.Fprintf(d.Err, "note: the bytes of %d photos wait (%s): rounds device sync goes on where it stopped\n", waiting.Photos.Waiting, lateBytes(err))
	}
	return ctx.Err()
}

// lateBytes says why bytes were not all sent.
func lateBytes(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "out of time"
	case unreachable(err):
		return absence(err)
	}
	line, _ := explain(err)
	return line
}

func (d *deviceCommands) photoList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the photos that are kept here: what waits, in which order, and why", Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			photos, err := s.Photos(ctx)
			if err != nil {
				return err
			}
			if d.json {
				list := make([]photoJSON, 0, len(photos))
				for _, p := range photos {
					one := photoAsJSON(p)
					one.Judged = s.judged(ctx, p)
					list = append(list, one)
				}
				return printJSON(d.Out, list)
			}
			if len(photos) == 0 {
				_, err := fmt.Fprintln(d.Out, "no photos are kept here")
				return err
			}
			t := &table{head: []string{"ID", "STATE", "SIZE", "TAKEN IN", "OF", "WHY"}}
			for _, p := range photos {
				why := whyPhoto(p)
				if judged := s.judged(ctx, p); judged != "" && p.Stage == client.PhotoStored {
					why = judged + "; the copy is kept until the work is closed, 14 days at most"
				}
				t.add(shortID(string(p.ID)), string(p.Stage), bytesText(p.Size), when(p.Added.UnixMicro()),
					string(p.SubjectKind)+" "+shortID(string(p.Subject)), cut(why, 160))
			}
			return t.print(d.Out)
		})}
}

// whyPhoto says why a photo stands where it stands.
func whyPhoto(p client.PhotoProgress) string {
	switch p.Stage {
	case client.PhotoPromised:
		return "the words go first"
	case client.PhotoWaiting:
		return "waits for its turn"
	case client.PhotoStored:
		if p.Stored.IsZero() {
			return "the server has it"
		}
		return "the server has it since " + when(p.Stored.UnixMicro()) + "; the copy is kept until the work is closed, 14 days at most"
	case client.PhotoFailed:
		return faultText(p)
	}
	return fmt.Sprintf("%s of %s sent", bytesText(p.Sent), bytesText(p.Size))
}

// faultText is a sentence for a fault.
func faultText(p client.PhotoProgress) string {
	switch p.Fault {
	case client.PhotoGone:
		return "the copy on this device is gone: take the photo again"
	case client.PhotoDamaged:
		return "the copy on this device is damaged and is not sent: add the same file again, or take the photo again"
	case client.PhotoUnreadable:
		return "the copy on this device cannot be read"
	case client.PhotoRedacted:
		return "the server removed the bytes, by law or because their time was over"
	}
	if p.Problem == nil {
		return "the server would not take it"
	}
	line, _ := explainProblem(p.Problem)
	return line
}

// bytesText is a size for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// photoJSON is a photo that is kept, as --json prints it.
type photoJSON struct {
	ID       client.RecordID   `json:"id"`
	Scope    client.Scope      `json:"scope"`
	Hash     string            `json:"sha256"`
	Size     int64             `json:"size_bytes"`
	Sent     int64             `json:"sent_bytes"`
	State    client.PhotoStage `json:"state"`
	Fault    client.PhotoFault `json:"fault,omitempty"`
	Why      string            `json:"why,omitempty"`
	Judged   string            `json:"judged,omitempty"`
	Kind     string            `json:"subject_kind"`
	Subject  client.RecordID   `json:"subject_id"`
	Added    time.Time         `json:"added"`
	StoredAt *time.Time        `json:"stored,omitempty"`
}

func photoAsJSON(p client.PhotoProgress) photoJSON {
	j := photoJSON{ID: p.ID, Scope: p.Scope, Hash: p.Hash.String(), Size: p.Size, Sent: p.Sent, State: p.Stage, Fault: p.Fault, Why: whyPhoto(p),
		Kind: string(p.SubjectKind), Subject: p.Subject, Added: p.Added}
	if !p.Stored.IsZero() {
		j.StoredAt = &p.Stored
	}
	return j
}
