package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) notices() *cobra.Command {
	var names []string
	var seen, all bool
	cmd := &cobra.Command{Use: "notices", Short: d.in("What you are told: unseen first; --seen marks it as seen", "通知：未读在前；--seen 标为已读"), Args: cobra.NoArgs,
		Long: d.in("Lists the notices for you and for your roles, as the server last said which you have, those that you have not seen first; --role names other roles.\n"+
			"--seen marks all that is listed as seen.",
			"列出给您和您角色的通知（按服务器上次告知的角色；--role 可另指定），未读在前。--seen 把列出的标为已读。"),
		Example: "  rounds device notices\n  rounds device notices --role foreman --seen"}
	cmd.RunE = d.with(func(ctx context.Context, s *session, _ []string) error {
		roles, err := roleValues(names)
		if err != nil {
			return err
		}
		views, others, err := s.noticesFor(ctx, roles, all)
		if err != nil {
			return err
		}
		if err := d.printNotices(ctx, s, views, others); err != nil {
			return err
		}
		if !seen {
			return nil
		}
		return d.markSeen(ctx, s, views)
	})
	cmd.Flags().StringSliceVar(&names, "role", nil, d.in("what is told to everybody with this role (foreman, butler, supervisor ...); may be repeated (default: your roles)",
		"发给此角色的；可多次（默认：您的角色）"))
	cmd.Flags().BoolVar(&seen, "seen", false, d.in("mark what is listed as seen", "把列出的标为已读"))
	cmd.Flags().BoolVar(&all, "all", false, d.in("also those that you have seen", "包括已读的"))
	return cmd
}

// noticesFor are the notices for the person, unseen ones first, the newest first among them; and how many unseen ones are for roles that were not named.
func (s *session) noticesFor(ctx context.Context, roles []roundsv1.Role, all bool) (views []client.View, others int, err error) {
	sites, err := s.sites(ctx)
	if err != nil {
		return nil, 0, err
	}
	me := string(s.me)
	unseen := func(v client.View) bool { return !slices.Contains(v.Record.GetNotice().GetSeenByIds(), me) }
	for _, scope := range sites {
		mine, err := s.rolesAsked(ctx, scope, roles)
		if err != nil {
			return nil, 0, err
		}
		for v, err := range s.List(ctx, scope, "notice") {
			if err != nil {
				return nil, 0, err
			}
			n := v.Record.GetNotice()
			switch {
			case !all && !unseen(v):
			case slices.Contains(n.GetPersonIds(), me) || slices.Contains(mine, n.GetRole()):
				views = append(views, v)
			case n.GetRole() != 0 && unseen(v):
				others++
			}
		}
	}
	slices.SortStableFunc(views, func(a, b client.View) int {
		if unseen(a) != unseen(b) {
			if unseen(a) {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Record.GetNotice().GetTimeUs(), a.Record.GetNotice().GetTimeUs())
	})
	return views, others, nil
}

func (d *deviceCommands) printNotices(ctx context.Context, s *session, views []client.View, others int) error {
	if d.json {
		list := make([]any, 0, len(views))
		for _, v := range views {
			list = append(list, viewJSON(v))
		}
		return printJSON(d.Out, list)
	}
	t := &table{head: d.heads("|", "WHEN|时间", "ABOUT|对象", "WHAT|类型", "SAYS|内容")}
	for _, v := range views {
		n := v.Record.GetNotice()
		mark := "*"
		if slices.Contains(n.GetSeenByIds(), string(s.me)) {
			mark = ""
		}
		t.add(mark, when(n.GetTimeUs()), d.subjectTitle(ctx, s, v.Scope, n.GetSubject()), d.in(enumName(n.GetCode().String(), "NOTICE_CODE"), d.term(n.GetCode())), cut(d.text(n.GetSentence()), 120))
	}
	if len(t.rows) == 0 {
		fmt.Fprintln(d.Out, d.in("nothing new", "没有新通知"))
	} else if err := t.print(d.Out); err != nil {
		return err
	}
	if others > 0 {
		fmt.Fprintf(d.Err, d.in("%d more are for other roles: --role\n", "另有%d条发给其他角色的通知：--role\n"), others)
	}
	return nil
}

// markSeen marks notices as seen, and delivers that.
func (d *deviceCommands) markSeen(ctx context.Context, s *session, views []client.View) error {
	var refs []client.Ref
	for _, v := range views {
		if slices.Contains(v.Record.GetNotice().GetSeenByIds(), string(s.me)) {
			continue
		}
		ref, err := s.Edit(ctx, v.Scope, v.ID, &roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{SeenByIds: []string{string(s.me)}}}}, "seen_by_ids")
		if err != nil {
			return err
		}
		refs = append(refs, ref)
	}
	if len(refs) == 0 {
		return nil
	}
	how, err := d.deliver(ctx, s, refs...)
	if err != nil {
		return err
	}
	if !d.json {
		fmt.Fprintf(d.Err, d.in("%d marked as seen: %s\n", "已标记%d条为已读：%s\n"), len(refs), d.way(how))
	}
	return d.refusal(how)
}
