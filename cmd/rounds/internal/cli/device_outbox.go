package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

// outbox lists what waits to be sent.
func (d *deviceCommands) outbox() *cobra.Command {
	return &cobra.Command{Use: "outbox", Short: d.in("List what waits to be sent", "查看待发送的内容"), Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			views, err := s.pending(ctx)
			if err != nil {
				return err
			}
			if d.json {
				list := make([]any, 0, len(views))
				for _, v := range views {
					list = append(list, viewJSON(v))
				}
				return printJSON(d.Out, list)
			}
			if len(views) == 0 {
				_, err := fmt.Fprintln(d.Out, d.in("nothing waits to be sent", "没有待发送的内容"))
				return err
			}
			t := &table{head: d.heads("ID|编号", "WHAT|类别", "NOT SENT|未发送", "ABOUT|内容", "STANDS|状态")}
			for _, v := range views {
				about := v.Record.GetTicket().GetTitle() + v.Record.GetInspection().GetTitle() + v.Record.GetComment().GetWords()
				if of := v.Record.GetPhoto(); of != nil {
					about = d.subjectTitle(ctx, s, v.Scope, of.GetSubject())
				}
				t.add(shortID(string(v.ID)), d.kindName(v.Kind), fmt.Sprint(v.Pending), cut(about, 60), d.standing(v.Record))
			}
			return t.print(d.Out)
		})}
}

// pending are the records of which something waits to be sent, by kind.
func (s *session) pending(ctx context.Context) ([]client.View, error) {
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var all []client.View
	for _, scope := range scopes {
		for _, kind := range []merge.Kind{"ticket", "inspection", "photo", "comment", "conflict", "notice", "asset", "plan", "staff", "site"} {
			for v, err := range s.List(ctx, scope, kind) {
				if err != nil {
					return nil, err
				}
				if v.Pending > 0 {
					all = append(all, v)
				}
			}
		}
	}
	return all, nil
}

// kindName is a kind of record in words.
func (p *program) kindName(kind merge.Kind) string {
	zh := map[merge.Kind]string{"ticket": "工单", "inspection": "巡检", "photo": "照片", "comment": "备注", "conflict": "待决事项", "notice": "通知", "asset": "设备", "plan": "计划",
		"staff": "人员", "site": "项目"}[kind]
	if zh == "" {
		zh = string(kind)
	}
	return p.in(string(kind), zh)
}
