package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/server/compress"
)

// desk is the group of commands with which a person plays a desk: a butler, a dispatcher, a supervisor.
func (p *program) desk() *cobra.Command {
	d := &deskCommands{deviceCommands: &deviceCommands{program: p}}
	cmd := &cobra.Command{
		Use: "desk", Short: d.in("Be a desk: lists of the work, what waits for review, stories, decisions, open questions", "作为工作台：列表、待审核、经过、裁决、待决事项"),
		Long: p.in("A desk asks the server: what it shows is as of now, of the whole site, and what it decides is done when the command returns.\n"+
			"It goes by the right of the person whose device is in --dir. docs/desk.md tells the same calls by curl.",
			"工作台直接查询服务器：显示的是整个项目此刻的情况，命令返回时裁决已完成。\n权限以 --dir 中设备所属的人为准。docs/desk.md 说明如何用 curl 做同样的调用。"),
	}
	d.flags(cmd)
	cmd.PersistentFlags().StringVar(&d.site, "site", "", d.in("the site, by code, name or id (default: the only one)", "项目代码、名称或编号（默认：唯一的项目）"))
	cmd.AddCommand(d.list(), d.queue(), d.story(), d.approve(), d.reject(), d.ask(), d.inbox())
	return cmd
}

// deskCommands are the flags that the commands of a desk share.
type deskCommands struct {
	*deviceCommands
	site string
}

// deskSession is a desk at one site.
type deskSession struct {
	*session
	work  roundsv1connect.WorkServiceClient
	scope client.Scope
}

// at opens the desk for one command.
func (d *deskCommands) at(run func(ctx context.Context, s *deskSession, args []string) error) func(*cobra.Command, []string) error {
	return d.online(func(ctx context.Context, s *session, args []string) error {
		scope, err := s.siteOrID(ctx, d.site)
		if err != nil {
			return err
		}
		options := connect.WithClientOptions(compress.Client(answerBytes), connect.WithCompressMinBytes(1<<10), connect.WithReadMaxBytes(answerBytes))
		return run(ctx, &deskSession{session: s, scope: scope, work: roundsv1connect.NewWorkServiceClient(s.remote.http, s.link.Server, options)}, args)
	})
}

// mostFlag adds --most: how many rows a command prints, one at least.
func (d *deskCommands) mostFlag(cmd *cobra.Command, most *int, usual int) {
	cmd.Flags().IntVar(most, "most", usual, d.in("how many to list at most", "最多列出几条"))
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *most < 1 {
			return usageBoth(cmd, "--most is 1 at least", "--most 至少为 1")
		}
		return nil
	}
}

// name is what people call an id.
func (d *deskCommands) name(names map[string]*roundsv1.Text, id string) string {
	switch name := d.text(names[id]); {
	case id == "":
		return "-"
	case name != "":
		return name
	}
	return shortID(id)
}

// where is a place by its name, or as place tells it.
func (d *deskCommands) where(names map[string]*roundsv1.Text, l *roundsv1.Location) string {
	if l.GetWords() == "" && names[l.GetPlaceId()] != nil {
		return d.name(names, l.GetPlaceId())
	}
	return d.place(l)
}

func (d *deskCommands) list() *cobra.Command {
	var states, categories, people, places, flags, priorities []string
	var text, sort string
	var overdue, questioned, descending, rounds bool
	var escalation uint32
	var most int
	cmd := &cobra.Command{Use: "list", Short: d.in("List tickets, or with --rounds inspection rounds, that fit", "列出符合条件的工单，或 --rounds 巡检"), Args: cobra.NoArgs}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, _ []string) error {
		var err error
		if categories, err = each(categories, func(asked string) (string, error) { return s.category(ctx, asked) }); err != nil {
			return err
		}
		if people, err = each(people, func(asked string) (string, error) { return s.person(ctx, s.scope, asked) }); err != nil {
			return err
		}
		if places, err = each(places, func(asked string) (string, error) { return s.placeID(ctx, s.scope, asked) }); err != nil {
			return err
		}
		if rounds {
			return d.listRounds(ctx, s, &roundsv1.InspectionFilter{PersonIds: people, PlaceIds: places, Flags: flags, Overdue: overdue, Text: text}, states, most)
		}
		filter := &roundsv1.TicketFilter{CategoryIds: categories, AssigneeIds: people, PlaceIds: places, Flags: flags, Overdue: overdue, Questioned: questioned,
			Escalation: escalation, Text: text}
		for _, name := range states {
			v, err := ticketStateNamed(name)
			if err != nil {
				return err
			}
			filter.States = append(filter.States, v)
		}
		for _, name := range priorities {
			v, err := enumValue(roundsv1.Priority_value, "PRIORITY", name)
			if err != nil {
				return err
			}
			filter.Priorities = append(filter.Priorities, roundsv1.Priority(v))
		}
		by, err := enumValue(roundsv1.TicketSort_value, "TICKET_SORT", sort)
		if err != nil {
			return err
		}
		all := &roundsv1.ListTicketsResponse{Names: map[string]*roundsv1.Text{}}
		for page := ""; ; {
			resp, err := call(ctx, s.session, s.work.ListTickets, &roundsv1.ListTicketsRequest{Scopes: []string{string(s.scope)}, Filter: filter,
				Sort: roundsv1.TicketSort(by), Descending: descending, PageSize: uint32(min(500, most-len(all.Rows))), PageToken: page})
			if err != nil {
				return err
			}
			all.Rows, all.Total = append(all.Rows, resp.GetRows()...), resp.GetTotal()
			for id, name := range resp.GetNames() {
				all.Names[id] = name
			}
			if page = resp.GetNextPageToken(); page == "" || len(all.Rows) >= most {
				all.NextPageToken = page
				break
			}
		}
		return d.show(all, func() error { return d.printTickets(all) })
	})
	f := cmd.Flags()
	f.BoolVar(&rounds, "rounds", false, d.in("inspection rounds, not tickets", "巡检，不是工单"))
	f.StringSliceVar(&states, "state", nil, d.in("in this state (new, in_progress, pending_review ...); may be repeated, as others may", "处于此状态（new、in_progress、pending_review……）；与其他选项一样可多次"))
	f.StringSliceVar(&categories, "category", nil, d.in("of this category, by code, name or id", "此类别（代码、名称或编号）"))
	f.StringSliceVar(&people, "person", nil, d.in("given to this person: me, or by name, job number or id", "派给此人（me、姓名、工号或编号）"))
	f.StringSliceVar(&places, "place", nil, d.in("at this place or below it, by code, name or id", "此位置及其下级（代码、名称或编号）"))
	f.StringSliceVar(&priorities, "priority", nil, d.in("of this priority (minor, normal, urgent, emergency)", "此优先级（minor 一般、normal 普通、urgent 加急、emergency 紧急）"))
	f.StringSliceVar(&flags, "flag", nil, d.in("with this mark", "带此标记"))
	f.Uint32Var(&escalation, "escalation", 0, d.in("escalated to this level at least", "至少升级到此级"))
	f.BoolVar(&overdue, "overdue", false, d.in("with a deadline that has passed", "已超时的"))
	f.BoolVar(&questioned, "questioned", false, d.in("with an open question", "有待决事项的"))
	f.StringVar(&text, "text", "", d.in("with all of these words, anywhere", "包含全部这些词"))
	f.StringVar(&sort, "sort", "reported", d.in("order: reported, updated, due, priority, escalation", "排序：reported 上报、updated 更新、due 时限、priority 优先级、escalation 升级"))
	f.BoolVar(&descending, "descending", false, d.in("from the greatest to the smallest", "从大到小"))
	d.mostFlag(cmd, &most, 50)
	return cmd
}

// printTickets prints tickets for people.
func (d *deskCommands) printTickets(all *roundsv1.ListTicketsResponse) error {
	t := &table{head: d.heads("TICKET|工单", "STATE|状态", "PRIORITY|优先级", "TITLE|标题", "PLACE|位置", "ASSIGNEE|处理人", "REPORTED|上报", "DUE|时限")}
	for _, row := range all.GetRows() {
		of := row.GetRecord().GetTicket()
		due := when(row.GetDueUs())
		if row.GetOverdue() {
			due += " !"
		}
		t.add(shortID(row.GetRecordId()), d.ticketStanding(of.GetState()), d.priority(of.GetPriority()), cut(of.GetTitle(), 40),
			cut(d.where(all.GetNames(), of.GetLocation()), 24), d.name(all.GetNames(), of.GetAssigneeId()), when(of.GetReportedTimeUs()), due)
	}
	return d.printTable(t, all.GetTotal(), all.GetNextPageToken() != "")
}

// printTable prints a table, and how many there are besides.
func (d *deskCommands) printTable(t *table, total uint32, more bool) error {
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("nothing fits", "没有符合条件的记录"))
		return err
	}
	if err := t.print(d.Out); err != nil {
		return err
	}
	if more {
		least := ""
		if total >= 10_000 {
			least = "+"
		}
		fmt.Fprintf(d.Err, d.in("%d of %d%s: ask for more with --most\n", "已列出 %d / %d%s，用 --most 查看更多\n"), len(t.rows), total, least)
	}
	return nil
}

// each finds what is meant by each name.
func each(names []string, find func(string) (string, error)) ([]string, error) {
	var found []string
	for _, name := range names {
		one, err := find(name)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

// listRounds lists inspection rounds.
func (d *deskCommands) listRounds(ctx context.Context, s *deskSession, filter *roundsv1.InspectionFilter, states []string, most int) error {
	for _, name := range states {
		v, err := roundStateNamed(name)
		if err != nil {
			return err
		}
		filter.States = append(filter.States, v)
	}
	all, err := call(ctx, s.session, s.work.ListInspections, &roundsv1.ListInspectionsRequest{Scopes: []string{string(s.scope)}, Filter: filter,
		Descending: true, PageSize: uint32(min(500, most))})
	if err != nil {
		return err
	}
	return d.show(all, func() error {
		t := &table{head: d.heads("ROUND|巡检", "STATE|状态", "TITLE|标题", "WINDOW|时间窗", "INSPECTOR|巡检人", "SCORE|得分")}
		for _, row := range all.GetRows() {
			of := row.GetRecord().GetInspection()
			t.add(shortID(row.GetRecordId()), d.roundStanding(of.GetState()), cut(of.GetTitle(), 40),
				when(of.GetWindowStartUs()), d.name(all.GetNames(), of.GetInspectorId()), fmt.Sprint(of.GetScore()))
		}
		return d.printTable(t, all.GetTotal(), all.GetNextPageToken() != "")
	})
}

func (d *deskCommands) inbox() *cobra.Command {
	var everybody bool
	var types []string
	var age time.Duration
	var most int
	cmd := &cobra.Command{Use: "inbox", Short: d.in("List open questions that are yours to decide, the oldest first", "列出待您裁决的事项，最早的在前"), Args: cobra.NoArgs}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, _ []string) error {
		req := &roundsv1.InboxRequest{Scopes: []string{string(s.scope)}, Everybody: everybody, MinAgeUs: max(0, age.Microseconds()), PageSize: uint32(min(500, most))}
		for _, name := range types {
			v, err := enumValue(roundsv1.ConflictType_value, "CONFLICT_TYPE", name)
			if err != nil {
				return err
			}
			req.Types = append(req.Types, roundsv1.ConflictType(v))
		}
		all, err := call(ctx, s.session, s.work.Inbox, req)
		if err != nil {
			return err
		}
		return d.show(all, func() error {
			t := &table{head: d.heads("QUESTION|事项", "TYPE|类型", "AGE|已等待", "ABOUT|关于", "SIDES|双方", "WHAT|内容", "ACTIONS|可选操作")}
			for _, item := range all.GetItems() {
				q := item.GetRow().GetRecord().GetConflict()
				var sides, actions []string
				for _, side := range item.GetSides() {
					if side.GetSide().GetPersonId() != "" {
						sides = append(sides, d.name(all.GetNames(), side.GetSide().GetPersonId()))
					}
				}
				for _, action := range item.GetActions() {
					actions = append(actions, d.typed(action))
				}
				t.add(shortID(item.GetRow().GetRecordId()), d.term(q.GetType()), d.ageText(item.GetAgeUs()),
					cut(item.GetSubjectTitle(), 24), strings.Join(sides, " / "), cut(d.text(waitsFor(q)), 80), strings.Join(actions, ", "))
			}
			return d.printTable(t, all.GetTotal(), all.GetNextPageToken() != "")
		})
	})
	cmd.Flags().BoolVar(&everybody, "all", false, d.in("also those that are for other people", "包括给他人的"))
	cmd.Flags().StringSliceVar(&types, "type", nil, d.in("of this type (double_work, stale_approval ...)", "此类型（double_work、stale_approval……）"))
	cmd.Flags().DurationVar(&age, "age", 0, d.in("open for this long at least", "至少等待了多久"))
	d.mostFlag(cmd, &most, 50)
	return cmd
}
