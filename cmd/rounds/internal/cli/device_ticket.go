package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

func (d *deviceCommands) ticket() *cobra.Command {
	cmd := &cobra.Command{Use: "ticket", Short: d.in("Tickets: report, work on, finish", "工单：上报、处理、完工")}
	cmd.AddCommand(d.ticketNew(), d.ticketList(), d.ticketShow(), d.ticketEdit(), d.ticketComment())
	cmd.AddCommand(d.steps()...)
	cmd.AddCommand(d.approve())
	return cmd
}

// ticketFields are the flags that fill a ticket.
type ticketFields struct {
	title, description, words, priority, notes, phone, asset string
	tags                                                     []string
	where                                                    whereFlags
}

func (f *ticketFields) flags(p *program, cmd *cobra.Command, created bool) {
	flags := cmd.Flags()
	flags.StringVar(&f.title, "title", "", p.in("in a few words", "标题"))
	flags.StringVar(&f.description, "description", "", p.in("what is wrong", "问题描述"))
	f.where.flags(p, cmd)
	urgent, zh := "minor, normal, urgent or emergency", "minor 一般、normal 普通、urgent 加急、emergency 紧急"
	if !created {
		urgent, zh = urgent+"; by who gives out work or leads, not by who does it", zh+"；由派单或管理人员修改，处理人不能改"
	}
	flags.StringVar(&f.priority, "priority", "", p.in(urgent, zh))
	flags.StringVar(&f.notes, "notes", "", p.in("the crew's working notes", "班组备忘"))
	flags.StringVar(&f.phone, "phone", "", p.in("whom to call", "联系电话"))
	flags.StringVar(&f.asset, "asset", "", p.in("the asset, by code, name or id", "设备的代码、名称或编号"))
	flags.StringSliceVar(&f.tags, "tag", nil, p.in("label to add; may be given more than once", "添加标签；可多次"))
	if created {
		flags.StringVar(&f.words, "words", "", p.in("the customer's own words; cannot be changed later", "客户原话；以后不能改"))
	}
}

// look finds the place and the asset that the flags name, sets their fields, and returns the names of these in the schema.
func (f *ticketFields) look(ctx context.Context, d *deviceCommands, s *session, scope client.Scope, cmd *cobra.Command, t *roundsv1.Ticket) (fields []string, err error) {
	if f.where.given(cmd) {
		if t.Location, err = f.where.location(ctx, d, s, scope); err != nil {
			return nil, err
		}
		fields = append(fields, "location")
	}
	if cmd.Flags().Changed("asset") {
		if t.AssetId, err = s.assetID(ctx, scope, f.asset); err != nil {
			return nil, err
		}
		fields = append(fields, "asset_id")
	}
	return fields, nil
}

// fill sets the other fields whose flags were given, and returns their names in the schema.
func (f *ticketFields) fill(cmd *cobra.Command, t *roundsv1.Ticket) ([]string, error) {
	var fields []string
	set := func(flag, field string, how func()) {
		if cmd.Flags().Changed(flag) {
			how()
			fields = append(fields, field)
		}
	}
	set("title", "title", func() { t.Title = f.title })
	set("description", "description", func() { t.Description = f.description })
	set("notes", "notes", func() { t.Notes = f.notes })
	set("phone", "contact_phone", func() { t.ContactPhone = f.phone })
	set("tag", "tags", func() { t.Tags = f.tags })
	if cmd.Flags().Lookup("words") != nil {
		set("words", "customer_words", func() { t.CustomerWords = f.words })
	}
	if cmd.Flags().Changed("priority") {
		v, err := enumValue(roundsv1.Priority_value, "PRIORITY", f.priority)
		if err != nil {
			return nil, err
		}
		t.Priority = roundsv1.Priority(v)
		fields = append(fields, "priority")
	}
	return fields, nil
}

func (d *deviceCommands) ticketNew() *cobra.Command {
	var f ticketFields
	var site string
	cmd := &cobra.Command{Use: "new --title TEXT", Short: d.in("Report something", "上报"), Args: cobra.NoArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ticket := &roundsv1.Ticket{}
		if _, err := f.fill(cmd, ticket); err != nil { // a creation carries all that is set
			return err
		}
		if strings.TrimSpace(f.title) == "" {
			return usageBoth(cmd, "--title is needed", "须给出 --title")
		}
		return d.with(func(ctx context.Context, s *session, _ []string) error {
			scope, err := s.site(ctx, site)
			if err != nil {
				return err
			}
			if _, err := f.look(ctx, d, s, scope, cmd, ticket); err != nil {
				return err
			}
			ticket.ReporterId = string(s.me)
			ref, err := s.Create(ctx, scope, "", &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: ticket}})
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell("ticket", ref.ID, how)
		})(cmd, args)
	}
	f.flags(d.program, cmd, true)
	cmd.Flags().StringVar(&site, "site", "", d.in("the site, by code, name or id (default: the only one)", "项目代码、名称或编号（默认：唯一的项目）"))
	return cmd
}

func (d *deviceCommands) ticketEdit() *cobra.Command {
	var f ticketFields
	var untag []string
	cmd := &cobra.Command{Use: "edit ID", Short: d.in("Change fields of a ticket", "修改工单字段"), Args: cobra.ExactArgs(1)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ticket := &roundsv1.Ticket{}
		fields, err := f.fill(cmd, ticket)
		if err != nil {
			return err
		}
		if len(fields) == 0 && len(untag) == 0 && !f.where.given(cmd) && !cmd.Flags().Changed("asset") {
			return usageBoth(cmd, "nothing to change", "没有要修改的内容")
		}
		return d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "ticket", args[0])
			if err != nil {
				return err
			}
			looked, err := f.look(ctx, d, s, view.Scope, cmd, ticket)
			if err != nil {
				return err
			}
			ref, err := s.editTicket(ctx, view, ticket, append(slices.Clip(fields), looked...), untag)
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell("edited", view.ID, how)
		})(cmd, args)
	}
	f.flags(d.program, cmd, false)
	cmd.Flags().StringSliceVar(&untag, "untag", nil, d.in("label to take away; may be given more than once", "去掉标签；可多次"))
	return cmd
}

// editTicket queues an edit; of the labels some may go while others come.
func (s *session) editTicket(ctx context.Context, view client.View, ticket *roundsv1.Ticket, fields, untag []string) (client.Ref, error) {
	record := &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: ticket}}
	if len(untag) == 0 {
		return s.Edit(ctx, view.Scope, view.ID, record, fields...)
	}
	edit := &roundsv1.Edit{Record: record, Removed: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Tags: untag}}}}
	all := ticket.ProtoReflect().Descriptor().Fields()
	tagged := false
	for _, name := range fields {
		tagged = tagged || name == "tags"
		edit.Fields = append(edit.Fields, uint32(all.ByTextName(name).Number()))
	}
	if !tagged {
		edit.Fields = append(edit.Fields, uint32(all.ByTextName("tags").Number()))
	}
	return s.Do(ctx, view.Scope, &roundsv1.Mutation{RecordId: string(view.ID), Act: &roundsv1.Mutation_Edit{Edit: edit}}, client.Seen(view))
}

func (d *deviceCommands) ticketComment() *cobra.Command {
	return &cobra.Command{Use: "comment ID WORDS", Short: d.in("Add a remark", "添加备注"), Args: cobra.ExactArgs(2),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "ticket", args[0])
			if err != nil {
				return err
			}
			clock := client.SystemClock(d.Now)
			ref, err := s.Fact(ctx, view.Scope, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
				Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(view.ID)}, Words: args[1], PersonId: string(s.me), Said: reading(clock)}}})
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell("remark", ref.ID, how)
		})}
}

func reading(c client.Clock) *roundsv1.Clock {
	return &roundsv1.Clock{WallUs: c.Wall().UnixMicro(), BootId: c.Boot(), MonotonicUs: c.Monotonic().Microseconds()}
}

func (d *deviceCommands) ticketList() *cobra.Command {
	var site, state string
	var all bool
	cmd := &cobra.Command{Use: "list", Short: d.in("List tickets, newest first", "列出工单，新的在前"), Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			var want roundsv1.TicketState
			if state != "" {
				var err error
				if want, err = ticketStateNamed(state); err != nil {
					return err
				}
			}
			scopes, err := s.sites(ctx)
			if err != nil {
				return err
			}
			if site != "" {
				scope, err := s.site(ctx, site)
				if err != nil {
					return err
				}
				scopes = []client.Scope{scope}
			}
			var views []client.View
			people := map[client.Scope]names{}
			for _, scope := range scopes {
				if people[scope], err = d.names(ctx, s, scope); err != nil {
					return err
				}
				for view, err := range s.List(ctx, scope, "ticket") {
					if err != nil {
						return err
					}
					if ticketWanted(view.Record.GetTicket().GetState(), want, all) {
						views = append(views, view)
					}
				}
			}
			slices.SortStableFunc(views, func(a, b client.View) int { return cmp.Compare(reported(a), reported(b)) })
			return d.printTickets(views, people)
		})}
	cmd.Flags().StringVar(&site, "site", "", d.in("only this site, by code, name or id", "只看此项目"))
	cmd.Flags().StringVar(&state, "state", "", d.in("only this state (new, in-progress, ...)", "只看此状态（待受理、处理中……）"))
	cmd.Flags().BoolVar(&all, "all", false, d.in("also those that are closed, cancelled or merged", "包括已关闭、已取消、已合并的"))
	return cmd
}

func ticketWanted(state, want roundsv1.TicketState, all bool) bool {
	if want != 0 {
		return state == want
	}
	switch state {
	case roundsv1.TicketState_TICKET_STATE_CLOSED, roundsv1.TicketState_TICKET_STATE_CANCELLED, roundsv1.TicketState_TICKET_STATE_MERGED:
		return all
	}
	return true
}

// reported is when a ticket was reported; one that the server does not have yet comes after all others.
func reported(v client.View) int64 {
	if at := v.Record.GetTicket().GetReportedTimeUs(); at != 0 {
		return at
	}
	return math.MaxInt64
}

func (d *deviceCommands) printTickets(views []client.View, people map[client.Scope]names) error {
	if d.json {
		list := make([]any, 0, len(views))
		for i := len(views) - 1; i >= 0; i-- {
			list = append(list, viewJSON(views[i]))
		}
		return printJSON(d.Out, list)
	}
	t := &table{head: d.heads("ID|编号", "STATE|状态", "PRIORITY|优先级", "ASSIGNEE|处理人", "REPORTED|上报", "DUE|时限", "TITLE|标题", "")}
	for i := len(views) - 1; i >= 0; i-- {
		v := views[i]
		ticket := v.Record.GetTicket()
		t.add(shortID(string(v.ID)), d.ticketStanding(ticket.GetState()), d.priority(ticket.GetPriority()),
			people[v.Scope].of(ticket.GetAssigneeId()), when(ticket.GetReportedTimeUs()), d.due(ticket), cut(ticket.GetTitle(), 60), d.pendingMark(v))
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("no tickets", "没有工单"))
		return err
	}
	return t.print(d.Out)
}

func ticketState(t *roundsv1.Ticket) string {
	if t.GetState() == 0 {
		return "not sent"
	}
	return strings.ToLower(enumName(t.GetState().String(), "TICKET_STATE"))
}

// pendingMark marks what the server has not confirmed yet.
func (d *deviceCommands) pendingMark(v client.View) string {
	if v.Pending == 0 {
		return ""
	}
	return fmt.Sprintf(d.in("(%d not sent)", "（%d条未发送）"), v.Pending)
}

// viewJSON is a record for programs.
func viewJSON(v client.View) any {
	return map[string]any{"scope": v.Scope, "kind": v.Kind, "id": v.ID, "version": v.Version, "pending": v.Pending, "record": asJSON(v.Record)}
}
