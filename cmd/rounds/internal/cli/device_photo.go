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
	cmd := &cobra.Command{Use: "photo", Short: d.in("Photos: promised with the words, their bytes behind them", "照片：先登记，内容随后上传")}
	cmd.AddCommand(d.photoAdd(), d.photoHide(), d.photoList(), d.photoDraw())
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
	add := &cobra.Command{Use: "add FILE... --ticket ID", Short: d.in("Add photos to a ticket or an inspection", "给工单或巡检添加照片"), Args: cobra.MinimumNArgs(1)}
	add.Long = d.in("Takes photos in: a copy of each file is kept in the device's directory, and its promise (SHA-256, size, dimensions, a small preview) is\n"+
		"queued with the words. When the server has the promise the bytes follow, in parts, for as long as --wait says; rounds device sync goes on\n"+
		"where it stopped. The copy is removed when the server has the bytes and the ticket is closed, or 14 days after.",
		"收入照片：每个文件在设备目录中留一份副本，其登记（SHA-256、大小、尺寸、小预览）与文字一同排队发送。\n"+
			"服务器收到登记后分片上传内容，时长由 --wait 限制；rounds device sync 接着上传。\n"+
			"服务器收到内容且工单关闭后，或 14 天后，删除副本。")
	add.RunE = func(cmd *cobra.Command, args []string) error {
		if (f.ticket == "") == (f.inspection == "") {
			return usageBoth(cmd, "one of --ticket and --inspection is needed", "--ticket 和 --inspection 须给出其中一个")
		}
		if (f.role == "item") != (f.item != "") {
			return usageBoth(cmd, "--role item and --item go together", "--role item 与 --item 须一起使用")
		}
		if (f.role == "annotation") != (f.annotates != "") {
			return usageBoth(cmd, "--role annotation and --annotates go together", "--role annotation 与 --annotates 须一起使用")
		}
		in, err := f.input()
		if err != nil {
			return err
		}
		return d.with(func(ctx context.Context, s *session, args []string) error { return d.addPhotos(ctx, s, f, in, args) })(cmd, args)
	}
	flags := add.Flags()
	flags.StringVar(&f.ticket, "ticket", "", d.in("the ticket that they belong to", "所属工单"))
	flags.StringVar(&f.inspection, "inspection", "", d.in("the inspection that they belong to", "所属巡检"))
	flags.StringVar(&f.role, "role", "after", d.in("before, after, item, signature or annotation", "before 处理前、after 处理后、item 检查项、signature 签名或 annotation 标注"))
	flags.StringVar(&f.item, "item", "", d.in("checklist item, for --role item", "检查项（--role item 时）"))
	flags.StringVar(&f.source, "source", "gallery", d.in("camera or gallery", "来源：camera 现场拍摄或 gallery 相册"))
	flags.StringVar(&f.annotates, "annotates", "", d.in("id of the photo drawn upon, for --role annotation", "被标注照片的编号（--role annotation 时）"))
	flags.StringVar(&f.place, "place", "", d.in("the place, by code, name or id, as its tag says", "位置的代码、名称或编号（以标签为准）"))
	flags.StringVar(&f.words, "where", "", d.in("the place in words", "位置的文字说明"))
	flags.BoolVar(&f.shared, "shared", false, d.in("the photo is shared with another ticket on purpose", "有意与另一工单共用此照片"))
	flags.BoolVar(&f.noPhotos, "no-photos", false, d.in("send the promise only; the bytes follow with rounds device sync", "只发送登记；内容随 rounds device sync 上传"))
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
	if f.place != "" {
		if in.Location.PlaceId, err = s.placeID(ctx, view.Scope, f.place); err != nil {
			return err
		}
	}
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
	// A pipe would keep the program waiting for who writes into it.
	if stat, err := os.Stat(path); err != nil {
		return client.Ref{}, err
	} else if !stat.Mode().IsRegular() {
		return client.Ref{}, say(Failed, "%s is no file of a photo, but a folder or a device", "%s 不是照片文件，而是文件夹或设备", clean(path))
	}
	file, err := os.Open(path)
	if err != nil {
		return client.Ref{}, err
	}
	defer func() { _ = file.Close() }() // it was only read
	in.Original = file
	ref, id, err := s.AddPhoto(ctx, scope, in)
	if err != nil {
		line, code := d.explain(err) // a refusal does not say of which file
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
	fmt.Fprintf(d.Out, d.in("sha256 %x, %d bytes, %d x %d, preview of %d bytes\n", "sha256 %x，%d字节，%d x %d，预览%d字节\n"), photo.GetSha256(), photo.GetSizeBytes(), photo.GetWidthPx(),
		photo.GetHeightPx(), len(photo.GetPreview()))
	if photo.GetSizeBytes() == 0 {
		fmt.Fprintf(d.Err, d.in("note: %s is empty; it goes in as it is, and cannot count\n", "提示：%s 是空文件；照样保存，但不能算作证据\n"), clean(path))
	} else if len(photo.GetPreview()) == 0 {
		fmt.Fprintf(d.Err, d.in("note: %s cannot be read as an image here (%s); it goes in without a preview, and the server looks into it\n",
			"提示：%s 在本机无法识别为图片（%s）；先不带预览保存，由服务器检查\n"), clean(path), photo.GetMediaType())
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
		fmt.Fprintf(d.Err, d.in("note: the bytes of %d photos wait (%s): rounds device sync goes on where it stopped\n",
			"提示：%d张照片的内容还没有传完（%s）：rounds device sync 会接着传\n"), waiting.Photos.Waiting, d.lateBytes(err))
	}
	return ctx.Err()
}

// lateBytes says why bytes were not all sent.
func (p *program) lateBytes(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return p.in("out of time", "时间不够")
	case unreachable(err):
		return absence(p.lang, err)
	}
	line, _ := p.explain(err)
	return line
}

func (d *deviceCommands) photoList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: d.in("List the photos that are kept here: what waits, in which order, and why", "列出本机照片：等待、顺序和原因"), Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			photos, err := s.Photos(ctx)
			if err != nil {
				return err
			}
			if d.json {
				list := make([]photoJSON, 0, len(photos))
				for _, p := range photos {
					one := d.photoAsJSON(p)
					one.Judged = d.judged(ctx, s, p)
					list = append(list, one)
				}
				return printJSON(d.Out, list)
			}
			if len(photos) == 0 {
				_, err := fmt.Fprintln(d.Out, d.in("no photos are kept here", "本机没有保存照片"))
				return err
			}
			t := &table{head: d.heads("ID|编号", "STATE|状态", "SIZE|大小", "TAKEN IN|收入时间", "OF|所属", "WHY|说明")}
			for _, p := range photos {
				why := d.whyPhoto(p)
				if judged := d.judged(ctx, s, p); judged != "" && p.Stage == client.PhotoStored {
					why = judged + d.in("; the copy is kept until the work is closed, 14 days at most", "；副本保留到工单关闭，最多14天")
				}
				t.add(shortID(string(p.ID)), d.photoStage(p.Stage), bytesText(p.Size), when(p.Added.UnixMicro()),
					d.kindName(p.SubjectKind)+" "+shortID(string(p.Subject)), cut(why, 160))
			}
			return t.print(d.Out)
		})}
}

// photoStage is how far a photo is, in words; in English as programs read it.
func (p *program) photoStage(stage client.PhotoStage) string {
	if p.lang != "zh" {
		return string(stage)
	}
	switch stage {
	case client.PhotoPromised:
		return "已登记"
	case client.PhotoWaiting:
		return "等待上传"
	case client.PhotoStored:
		return "已入库"
	case client.PhotoFailed:
		return "失败"
	}
	return "上传中"
}

// whyPhoto says why a photo stands where it stands.
func (p *program) whyPhoto(of client.PhotoProgress) string {
	switch of.Stage {
	case client.PhotoPromised:
		return p.in("the words go first", "文字先发送")
	case client.PhotoWaiting:
		return p.in("waits for its turn", "排队中")
	case client.PhotoStored:
		if of.Stored.IsZero() {
			return p.in("the server has it", "服务器已有")
		}
		return fmt.Sprintf(p.in("the server has it since %s; the copy is kept until the work is closed, 14 days at most",
			"服务器于 %s 收到；副本保留到工单关闭，最多14天"), when(of.Stored.UnixMicro()))
	case client.PhotoFailed:
		return p.faultText(of)
	}
	return fmt.Sprintf(p.in("%s of %s sent", "已传 %s / %s"), bytesText(of.Sent), bytesText(of.Size))
}

// faultText is a sentence for a fault.
func (p *program) faultText(of client.PhotoProgress) string {
	switch of.Fault {
	case client.PhotoGone:
		return p.in("the copy on this device is gone: take the photo again", "本机副本已丢失：请重新拍摄")
	case client.PhotoDamaged:
		return p.in("the copy on this device is damaged and is not sent: add the same file again, or take the photo again",
			"本机副本已损坏，不会发送：请重新添加原文件或重新拍摄")
	case client.PhotoUnreadable:
		return p.in("the copy on this device cannot be read", "本机副本无法读取")
	case client.PhotoRedacted:
		return p.in("the server removed the bytes, by law or because their time was over", "服务器已依法或到期删除照片内容")
	}
	if of.Problem == nil {
		return p.in("the server would not take it", "服务器没有接收")
	}
	line, _ := explainProblemIn(p.lang, of.Problem)
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

func (p *program) photoAsJSON(of client.PhotoProgress) photoJSON {
	j := photoJSON{ID: of.ID, Scope: of.Scope, Hash: of.Hash.String(), Size: of.Size, Sent: of.Sent, State: of.Stage, Fault: of.Fault, Why: p.whyPhoto(of),
		Kind: string(of.SubjectKind), Subject: of.Subject, Added: of.Added}
	if !of.Stored.IsZero() {
		j.StoredAt = &of.Stored
	}
	return j
}
