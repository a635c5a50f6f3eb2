package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) sync() *cobra.Command {
	var follow, noPhotos bool
	var server string
	run := d.with(func(ctx context.Context, s *session, _ []string) error {
		if follow {
			return d.follow(ctx, s, noPhotos)
		}
		before, err := s.trayed(ctx)
		if err != nil {
			return err
		}
		report, err := d.syncOnce(ctx, s)
		if err == nil && !noPhotos {
			if report.Photos, err = d.upload(ctx, s); err == nil {
				err = d.sayGoodbye(ctx, s, &report)
			}
		}
		return errors.Join(d.printReport(report), d.queuedStill(ctx, s, err), d.refusedSince(ctx, s, before))
	})
	cmd := &cobra.Command{Use: "sync", Short: d.in("Deliver what is queued and bring what is new", "发送待发送的内容并取回最新数据"), Args: cobra.NoArgs,
		Long: d.in("Delivers the words first, for which --wait says how long it may take, and then the bytes of photos, for as long as they move. Interrupted\n"+
			"at any time, the next sync goes on where this one stopped. Where the server rejects something that was queued, it is told, and the exit code is 5.",
			"先发送文字（时长由 --wait 限制），再上传照片内容。随时可以中断，下次接着传。待发送的内容若被服务器拒绝，会说明原因，退出码为 5。"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.reaching(cmd); err != nil {
				return err
			}
			if server != "" {
				l, err := readLink(d.dir)
				if err != nil {
					return err
				}
				if l.Server, err = address(server); err != nil {
					return usageBoth(cmd, err.Error(), fmt.Sprintf("--server %q 不是 https://rounds.example.com 这样的地址", server))
				}
				if err := l.write(d.dir); err != nil {
					return err
				}
			}
			return run(cmd, args)
		}}
	cmd.Flags().StringVar(&server, "server", "", d.in("the server is reached at this address from now on", "今后用此地址连接服务器"))
	cmd.Flags().BoolVar(&noPhotos, "no-photos", false, d.in("words only; the bytes of photos wait for another time", "只发送文字；照片内容留待下次"))
	cmd.Flags().BoolVar(&follow, "follow", false, d.in("stay in sync until interrupted; other commands cannot use the directory meanwhile", "持续同步直到中断；其间其他命令不能使用此目录"))
	return cmd
}

// refusedSince tells what came into the tray since, and is the error of what was rejected: what was said to be queued was not done after all.
func (d *deviceCommands) refusedSince(ctx context.Context, s *session, before map[client.TrayKey]bool) error {
	items, err := s.Tray(ctx)
	if err != nil {
		return err
	}
	items = slices.DeleteFunc(items, func(item client.TrayItem) bool { return before[item.Key] || item.Status == client.TrayNotice })
	if !d.json {
		d.tellRefused(ctx, s, items)
	}
	rejected := 0
	for _, item := range items {
		if item.Status == client.TrayRejected {
			rejected++
		}
	}
	if rejected == 0 {
		return nil
	}
	return say(Refused, "of what was queued %d was not taken: rounds device tray", "待发送的内容中有%d条未被采纳：详见 rounds device tray", rejected)
}

// syncOnce syncs the words.
func (d *deviceCommands) syncOnce(ctx context.Context, s *session) (client.Report, error) {
	within, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	return s.Sync(within, client.WithoutPhotos())
}

// sayGoodbye syncs once more where a scope that is given up waited for its photos only.
func (d *deviceCommands) sayGoodbye(ctx context.Context, s *session, report *client.Report) error {
	status, err := s.Status(ctx)
	if err != nil || !slices.ContainsFunc(status.Scopes, func(one client.ScopeStatus) bool { return one.Closing }) {
		return err
	}
	more, err := d.syncOnce(ctx, s)
	more.Photos = report.Photos
	*report = more
	return err
}

// follow keeps in sync until it is interrupted.
func (d *deviceCommands) follow(ctx context.Context, s *session, noPhotos bool) error {
	fmt.Fprintln(d.Err, d.in("keeping in sync; Ctrl-C ends it", "持续同步中；按 Ctrl-C 结束"))
	var options []client.SyncOption
	if noPhotos {
		options = append(options, client.WithoutPhotos())
	} else if !d.json {
		s.shown.Store(newUploads(d.program, d.Err)) // lines, for a bar would stand there for hours
	}
	if err := s.Run(ctx, options...); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// queuedStill adds to an unreachable server what waits for it.
func (d *deviceCommands) queuedStill(ctx context.Context, s *session, err error) error {
	if err == nil || !unreachable(err) {
		return err
	}
	status, statusErr := s.Status(ctx)
	if statusErr != nil {
		return err
	}
	queued := 0
	for _, scope := range status.Scopes {
		queued += scope.Queued
	}
	waits := d.in("nothing is queued", "没有待发送的内容")
	if queued > 0 {
		waits = fmt.Sprintf(d.in("%d queued, will be sent when it can", "%d条待发送，联网后发送"), queued)
	}
	if n := status.Photos.Waiting; n > 0 {
		waits += fmt.Sprintf(d.in("; bytes of photos that wait: %d, %s", "；待上传照片%d张，%s"), n, bytesText(status.Photos.Bytes))
	}
	if why := absence(d.lang, err); why != absence(d.lang, nil) {
		return say(Unreachable, "the server at %s says: %s: %s", "服务器 %s 答复：%s：%s", s.link.Server, why, waits)
	}
	return say(Unreachable, "the server at %s cannot be reached: %s", "连不上服务器 %s：%s", s.link.Server, waits)
}

func (d *deviceCommands) printReport(r client.Report) error {
	if d.json {
		return printJSON(d.Out, reportAsJSON(r))
	}
	_, err := fmt.Fprintf(d.Out, d.in("sent %d (%d applied, %d merged, %d in conflict, %d rejected, %d quarantined), %d records changed, %d round trips\n",
		"已发送%d条（采纳%d，合并%d，待裁决%d，未采纳%d，隔离%d）；%d条记录有变化，往返%d次\n"),
		r.Sent, r.Applied, r.Merged, r.Conflicts, r.Rejected, r.Quarantined, r.Changed, r.Exchanges)
	if p := r.Photos; err == nil && p != (client.PhotoTally{}) {
		_, err = fmt.Fprintf(d.Out, d.in("photos: %d stored (%d of them known there already), %s in %d parts, %s saved by resuming, %d failed (rounds device photo list)\n",
			"照片：已存%d张（其中%d张服务器已有），%s，分%d段，续传省下%s，失败%d张（rounds device photo list）\n"),
			p.Stored, p.Deduplicated, bytesText(p.Bytes), p.Parts, bytesText(p.Resumed), p.Failed)
	}
	return err
}

func (d *deviceCommands) status() *cobra.Command {
	return &cobra.Command{Use: "status", Short: d.in("Show how the device stands", "查看本机状态"), Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			status, err := s.Status(ctx)
			if err != nil {
				return err
			}
			identity, err := s.Identity()
			if err != nil {
				return err
			}
			roles, err := s.anyRoles(ctx)
			if err != nil {
				return err
			}
			if d.json {
				return d.statusJSON(ctx, s, identity, status, roles)
			}
			me, err := s.myName(ctx)
			if err != nil {
				return err
			}
			line := func(en, zh, value string) {
				name := d.in(en, zh)
				fmt.Fprintf(d.Out, "%s%s %s\n", name, strings.Repeat(" ", max(0, 8-cellsOf(name))), value)
			}
			line("device", "设备", string(identity.Device))
			line("person", "人员", strings.TrimSpace(string(identity.Person)+" "+me))
			if len(roles) > 0 {
				words := make([]string, len(roles))
				for i, role := range roles {
					words[i] = d.term(role)
				}
				line("roles", "角色", strings.Join(words, d.in(", ", "、")))
			}
			if s.link.Language != "" {
				line("speaks", "语言", map[string]string{"zh": "中文", "en": "English"}[s.link.Language])
			}
			line("server", "服务器", s.link.Server)
			contact := d.in("never", "从未")
			if !status.Contact.IsZero() {
				contact = fmt.Sprintf(d.in("%s, this clock is off by %v", "%s，本机时钟偏差 %v"), when(status.Contact.UnixMicro()), status.Offset.Round(1e6))
			}
			line("contact", "联系", contact)
			if status.Revoked {
				line("revoked", "停用", d.in("the device delivers what it may and purges", "本机发送完可发送的内容后清空"))
			}
			if p := status.Photos; p.Waiting+p.Kept > 0 {
				line("photos", "照片", fmt.Sprintf(d.in("%d wait (%s), %d of them cannot be sent as things stand; %d are on the server and kept here still",
					"%d张待上传（%s），其中%d张目前无法发送；%d张服务器已有、本机仍保留"), p.Waiting, bytesText(p.Bytes), p.Failed, p.Kept))
			}
			t := &table{head: d.heads("SCOPE|范围", "NAME|名称", "QUEUED|待发送", "WAITING|待答复", "TRAY|反馈", "STANDS|状态")}
			for _, one := range status.Scopes {
				name, err := s.scopeName(ctx, one.Scope)
				if err != nil {
					return err
				}
				t.add(string(one.Scope), name, strconv.Itoa(one.Queued), strconv.Itoa(one.Waiting), strconv.Itoa(one.Tray), d.scopeStanding(one))
			}
			fmt.Fprintln(d.Out)
			return t.print(d.Out)
		})}
}

// statusJSON prints how the device stands for programs.
func (d *deviceCommands) statusJSON(ctx context.Context, s *session, identity client.Identity, status client.Status, roles []roundsv1.Role) error {
	all := statusJSON{Device: identity.Device, Person: identity.Person, Server: s.link.Server, Directory: d.dir, Language: s.link.Language,
		ClockOff: status.Offset.Microseconds(), Revoked: status.Revoked, Untold: status.Untold, PhotosWaiting: status.Photos.Waiting,
		PhotoBytes: status.Photos.Bytes, PhotosFailed: status.Photos.Failed, PhotosKept: status.Photos.Kept}
	for _, role := range roles {
		all.Roles = append(all.Roles, strings.ToLower(enumName(role.String(), "ROLE")))
	}
	if !status.Contact.IsZero() {
		all.Contact = &status.Contact
	}
	for _, one := range status.Scopes {
		name, err := s.scopeName(ctx, one.Scope)
		if err != nil {
			return err
		}
		all.Scopes = append(all.Scopes, scopeAsJSON(one, name))
	}
	return printJSON(d.Out, all)
}

// myName is what the crew calls the person; "" where the device has no such record.
func (s *session) myName(ctx context.Context) (string, error) {
	sites, err := s.sites(ctx)
	if err != nil {
		return "", err
	}
	for _, scope := range sites {
		view, err := s.Get(ctx, scope, "staff", client.RecordID(s.me))
		switch {
		case err == nil:
			return clean(strings.TrimSpace(view.Record.GetStaff().GetName() + " " + view.Record.GetStaff().GetCode())), nil
		case !errors.Is(err, client.ErrNoRecord):
			return "", err
		}
	}
	return "", nil
}

func (s *session) scopeName(ctx context.Context, scope client.Scope) (string, error) {
	for view, err := range s.List(ctx, scope, "site") {
		if err != nil {
			return "", err
		}
		site := view.Record.GetSite()
		return clean(textOf(site.GetName()) + " " + site.GetCode()), nil
	}
	return "", nil
}

// scopeStanding is standing in the person's language.
func (d *deviceCommands) scopeStanding(s client.ScopeStatus) string {
	words := standing(s)
	return d.in(words, map[string]string{"copied: enrol anew": "目录被复制：请重新注册", "refused for now: see tray": "暂停接收：见 tray", "given up once delivered": "发送完后放弃",
		"being repaired": "修复中", "complete": "完整", "not complete": "尚未取全"}[words])
}

func standing(s client.ScopeStatus) string {
	switch {
	case s.Forked:
		return "copied: enrol anew"
	case s.Parked:
		return "refused for now: see tray"
	case s.Closing:
		return "given up once delivered"
	case s.Diverged:
		return "being repaired"
	case s.Complete:
		return "complete"
	}
	return "not complete"
}
