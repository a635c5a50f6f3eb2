package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

// media is the group of commands about the bytes of photos.
func (p *program) media() *cobra.Command {
	cmd := &cobra.Command{Use: "media", Short: p.in("The bytes of photos: verify the store, chase what is missing, keep, remove, score the checks", "照片内容：核验存储、追查缺失、保留、删除、评测检查")}
	d := &deviceCommands{program: p}
	for _, one := range []*cobra.Command{d.mediaChase(), d.mediaHold(), d.mediaRedact()} {
		d.flags(one)
		cmd.AddCommand(one)
	}
	cmd.AddCommand(p.mediaVerify(), p.mediaScore())
	return cmd
}

// siteOrID finds a site as site does, and takes the whole id of one that the device does not hold: an administrator keeps sites without reading them.
func (s *session) siteOrID(ctx context.Context, asked string) (client.Scope, error) {
	id := strings.TrimPrefix(asked, "site/")
	if parsed, err := uuid.Parse(id); err == nil && parsed.String() == id {
		return client.Scope("site/" + id), nil
	}
	return s.site(ctx, asked)
}

func (d *deviceCommands) mediaChase() *cobra.Command {
	var site, device, person string
	var most int
	cmd := &cobra.Command{Use: "chase", Short: d.in("List photos that were promised and have not arrived, the oldest first", "列出已登记而未送达的照片，最早的在前"), Args: cobra.NoArgs,
		Long: d.in("Lists every photo of a site that somebody promised and whose bytes are not on the server, with its age and who has to see to it: who took it\n"+
			"for a day, then whoever the work was given to, and from the third day on the foremen. Without a leading role it lists your own.",
			"列出项目中已登记而内容不在服务器上的照片，连同已过时间和责任人：第一天是拍摄人，之后是工作的承接人，第三天起是班长。\n没有管理角色时只列出您自己的。")}
	cmd.RunE = d.online(func(ctx context.Context, s *session, _ []string) error {
		scope, err := s.siteOrID(ctx, site)
		if err != nil {
			return err
		}
		if person != "" {
			if person, err = s.person(ctx, scope, person); err != nil {
				return err
			}
		}
		all := &roundsv1.ChaseResponse{}
		for page := ""; ; {
			resp, err := call(ctx, s, s.remote.media.Chase, &roundsv1.ChaseRequest{Scope: string(scope), DeviceId: device, PersonId: person,
				PageSize: uint32(min(500, max(1, most-len(all.Photos)))), PageToken: page})
			if err != nil {
				return err
			}
			all.Photos = append(all.Photos, resp.GetPhotos()...)
			if page == "" {
				all.Devices = resp.GetDevices()
			}
			if page = resp.GetNextPageToken(); page == "" || len(all.Photos) >= most {
				all.NextPageToken = page
				break
			}
		}
		return d.show(all, func() error { return d.printChase(ctx, s, scope, all) })
	})
	cmd.Flags().StringVar(&site, "site", "", d.in("the site, by code, name or id (default: the only one)", "项目的编码、名称或编号（默认：唯一的项目）"))
	cmd.Flags().StringVar(&device, "device", "", d.in("only what this device holds, by its whole id", "只列出此设备持有的（完整编号）"))
	cmd.Flags().StringVar(&person, "person", "", d.in("only what this person took, by name, id or me", "只列出此人拍摄的（姓名、编号或 me）"))
	cmd.Flags().IntVar(&most, "most", 1000, d.in("how many photos to list at most", "最多列出多少张"))
	return cmd
}

// printChase prints what is missing for people.
func (d *deviceCommands) printChase(ctx context.Context, s *session, scope client.Scope, all *roundsv1.ChaseResponse) error {
	names, err := d.names(ctx, s, scope)
	if err != nil {
		return err
	}
	t := &table{head: d.heads("PHOTO|照片", "AGE|已过", "LEVEL|级别", "SEES TO IT|责任人", "TOOK IT|拍摄人", "DEVICE|设备", "SIZE|大小", "STATE|状态", "OF|所属")}
	for _, m := range all.GetPhotos() {
		owner := names.of(m.GetOwnerId())
		if m.GetOwnerId() == "" {
			owner = d.in("foremen", "班长")
		}
		state := d.bytesWords(&roundsv1.Photo{State: m.GetState()})
		t.add(shortID(m.GetPhotoId()), d.ageText(m.GetAgeUs()), fmt.Sprint(m.GetLevel()), owner, names.of(m.GetPersonId()), shortID(m.GetDeviceId()),
			bytesText(m.GetSizeBytes()), state, d.kindName(merge.Kind(m.GetSubject().GetKind()))+" "+clean(shortID(m.GetSubject().GetId())))
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("nothing is missing, of what you may see: every photo that was promised here is stored, or was refused",
			"在您可见的范围内没有缺失：登记的照片都已入库，或已被判不合格"))
		return err
	}
	if err := t.print(d.Out); err != nil {
		return err
	}
	if all.GetNextPageToken() != "" {
		fmt.Fprintln(d.Err, d.in("there are more: ask for them with --most", "还有更多：用 --most 列出"))
	}
	t = &table{head: d.heads("DEVICE|设备", "WHOSE|持有人", "WAITING|待上传", "BYTES|大小", "OLDEST|最早", "LAST SEEN|最近联系")}
	for _, one := range all.GetDevices() {
		t.add(shortID(one.GetDeviceId()), names.of(one.GetPersonId()), fmt.Sprint(one.GetPhotos()), bytesText(one.GetBytes()), when(one.GetOldestUs()),
			when(one.GetLastSeenUs()))
	}
	if len(t.rows) == 0 {
		return nil
	}
	fmt.Fprintln(d.Out)
	return t.print(d.Out)
}

// ageText is an age in the two units that matter.
func (p *program) ageText(us int64) string {
	age := time.Duration(us) * time.Microsecond
	switch {
	case age < time.Minute:
		return fmt.Sprintf(p.in("%ds", "%d秒"), int(age.Seconds()))
	case age < time.Hour:
		return fmt.Sprintf(p.in("%dm", "%d分钟"), int(age.Minutes()))
	case age < 48*time.Hour:
		return fmt.Sprintf(p.in("%dh%02dm", "%d小时%02d分"), int(age.Hours()), int(age.Minutes())%60)
	}
	return fmt.Sprintf(p.in("%dd%02dh", "%d天%02d小时"), int(age.Hours())/24, int(age.Hours())%24)
}

// photoCommand is a command about one photo that the device knows of, or that is named by its whole id.
func (d *deviceCommands) photoCommand(use, short, long string, run func(context.Context, *session, client.Scope, string) error) *cobra.Command {
	var site string
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ExactArgs(1)}
	cmd.RunE = d.online(func(ctx context.Context, s *session, args []string) error {
		id := strings.ToLower(args[0])
		if len(id) == 36 && site != "" {
			scope, err := s.siteOrID(ctx, site)
			if err != nil {
				return err
			}
			return run(ctx, s, scope, id)
		}
		view, err := s.find(ctx, "photo", id)
		if err != nil {
			return err
		}
		return run(ctx, s, view.Scope, string(view.ID))
	})
	cmd.Flags().StringVar(&site, "site", "", d.in("the site, where the device does not hold the photo and its whole id is given", "项目（本机没有该照片、给出完整编号时）"))
	return cmd
}

func (d *deviceCommands) mediaHold() *cobra.Command {
	var reason string
	var end bool
	cmd := d.photoCommand("hold PHOTO --reason TEXT", d.in("Keep a photo from being removed, or with --end let go of it", "保留照片不被清理；--end 解除保留"), "",
		func(ctx context.Context, s *session, scope client.Scope, id string) error {
			// To the server a hold without a reason is its end: one whose words went missing on the way must not become that.
			if !end && strings.TrimSpace(reason) == "" {
				return say(Usage, "--reason needs words; --end ends a hold", "--reason 须写明原因；--end 解除保留")
			}
			resp, err := call(ctx, s, s.remote.media.Hold, &roundsv1.HoldRequest{Scope: string(scope), PhotoId: id, Reason: reason})
			if err != nil {
				return err
			}
			return d.show(resp, func() error {
				words := d.in("held: it is not removed, whatever the retention", "已保留：不论保存期限都不清理")
				if end {
					words = d.in("no longer held", "不再保留")
				}
				_, err := fmt.Fprintf(d.Out, d.in("photo %s %s\n", "照片 %s %s\n"), shortID(id), words)
				return err
			})
		})
	cmd.Flags().StringVar(&reason, "reason", "", d.in("why it must be kept", "保留的原因"))
	cmd.Flags().BoolVar(&end, "end", false, d.in("end the hold", "解除保留"))
	cmd.MarkFlagsOneRequired("reason", "end")
	cmd.MarkFlagsMutuallyExclusive("reason", "end")
	return cmd
}

func (d *deviceCommands) mediaRedact() *cobra.Command {
	var reason string
	cmd := d.photoCommand("redact PHOTO --reason TEXT", d.in("Remove a photo's bytes and preview for good", "永久删除照片的内容和预览"),
		d.in("Removes the bytes, the copies and the preview of a photo, also from the history. The record, its hash and the reason stay. It cannot be undone.",
			"删除照片的内容、副本和预览，包括历史中的；记录、哈希和原因保留。不可恢复。"),
		func(ctx context.Context, s *session, scope client.Scope, id string) error {
			if strings.TrimSpace(reason) == "" {
				return say(Usage, "--reason needs words", "--reason 须写明原因")
			}
			resp, err := call(ctx, s, s.remote.media.Redact, &roundsv1.RedactRequest{Scope: string(scope), PhotoId: id, Reason: reason})
			if err != nil {
				return err
			}
			return d.show(resp, func() error {
				words := d.in("its bytes are gone", "内容已删除")
				if !resp.GetRemoved() {
					words = d.in("another photo has the same bytes, which stay for that one", "另一张照片的内容相同，因此内容保留")
				}
				_, err := fmt.Fprintf(d.Out, d.in("photo %s redacted: %s\n", "照片 %s 已依规删除：%s\n"), shortID(id), words)
				return err
			})
		})
	cmd.Flags().StringVar(&reason, "reason", "", d.in("why, for the history", "原因，记入历史"))
	if err := cmd.MarkFlagRequired("reason"); err != nil {
		panic(err) // of a flag that there is not
	}
	return cmd
}
