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
		Use: "desk", Short: "Be a desk: lists of the work, what waits for review, stories, decisions, open questions",
		Long: "A desk asks the server: what it shows is as of now, of the whole site, and what it decides is done when the command returns.\n" +
			"It goes by the right of the person whose device is in --dir. docs/desk.md tells the same calls by curl.",
	}
	d.flags(cmd)
	cmd.PersistentFlags().StringVar(&d.lang, "lang", "en", "language of sentences, names and headings: en or zh")
	cmd.PersistentFlags().StringVar(&d.site, "site", "", "the site, by code, name or id (default: the only one)")
	cmd.AddCommand(d.list(), d.queue(), d.story(), d.approve(), d.reject(), d.ask(), d.inbox())
	return cmd
}

// deskCommands are the flags that the commands of a desk share.
type deskCommands struct {
	*deviceCommands
	lang string
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
	open := d.online(func(ctx context.Context, s *session, args []string) error {
		scope, err := s.siteOrID(ctx, d.site)
		if err != nil {
			return err
		}
		options := connect.WithClientOptions(compress.Client(answerBytes), connect.WithCompressMinBytes(1<<10), connect.WithReadMaxBytes(answerBytes))
		return run(ctx, &deskSession{session: s, scope: scope, work: roundsv1connect.NewWorkServiceClient(s.remote.http, s.link.Server, options)}, args)
	})
	return func(cmd *cobra.Command, args []string) error {
		if d.lang != "en" && d.lang != "zh" {
			return usage(cmd, fmt.Sprintf("--lang is en or zh, not %q", d.lang))
		}
		return open(cmd, args)
	}
}

// in chooses between the two languages.
func (d *deskCommands) in(en, zh string) string {
	if d.lang == "zh" {
		return zh
	}
	return en
}

// heads are the headings of a table, as "EN|中文".
func (d *deskCommands) heads(both ...string) []string {
	heads := make([]string, len(both))
	for i, one := range both {
		en, zh, _ := strings.Cut(one, "|")
		heads[i] = d.in(en, zh)
	}
	return heads
}

// text is a text in the language asked for, or in the other where it has that alone.
func (d *deskCommands) text(t *roundsv1.Text) string {
	if one := d.in(t.GetEn(), t.GetZh()); one != "" {
		return one
	}
	return textOf(t)
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
	return place(l)
}

func (d *deskCommands) list() *cobra.Command {
	var states, categories, people, places, flags, priorities []string
	var text, sort string
	var overdue, questioned, descending, rounds bool
	var escalation uint32
	var most int
	cmd := &cobra.Command{Use: "list", Short: "List tickets, or with --rounds inspection rounds, that fit", Args: cobra.NoArgs}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, _ []string) error {
		if rounds {
			return d.listRounds(ctx, s, &roundsv1.InspectionFilter{PersonIds: people, PlaceIds: places, Flags: flags, Overdue: overdue, Text: text}, states, most)
		}
		filter := &roundsv1.TicketFilter{CategoryIds: categories, AssigneeIds: people, PlaceIds: places, Flags: flags, Overdue: overdue, Questioned: questioned,
			Escalation: escalation, Text: text}
		for _, name := range states {
			v, err := enumValue(roundsv1.TicketState_value, "TICKET_STATE", name)
			if err != nil {
				return err
			}
			filter.States = append(filter.States, roundsv1.TicketState(v))
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
				Sort: roundsv1.TicketSort(by), Descending: descending, PageSize: uint32(min(500, max(1, most-len(all.Rows)))), PageToken: page})
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
	f.BoolVar(&rounds, "rounds", false, "inspection rounds, not tickets")
	f.StringSliceVar(&states, "state", nil, "in this state (new, in_progress, pending_review ...); may be repeated, as others may")
	f.StringSliceVar(&categories, "category", nil, "of this category, by its id")
	f.StringSliceVar(&people, "person", nil, "given to this person, by the whole id")
	f.StringSliceVar(&places, "place", nil, "at this place or below it, by its id")
	f.StringSliceVar(&priorities, "priority", nil, "of this priority (minor, normal, urgent, emergency)")
	f.StringSliceVar(&flags, "flag", nil, "with this mark")
	f.Uint32Var(&escalation, "escalation", 0, "escalated to this level at least")
	f.BoolVar(&overdue, "overdue", false, "with a deadline that has passed")
	f.BoolVar(&questioned, "questioned", false, "with an open question")
	f.StringVar(&text, "text", "", "with all of these words, anywhere")
	f.StringVar(&sort, "sort", "reported", "order: reported, updated, due, priority, escalation")
	f.BoolVar(&descending, "descending", false, "from the greatest to the smallest")
	f.IntVar(&most, "most", 50, "how many to list at most")
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
		t.add(shortID(row.GetRecordId()), ticketState(of), strings.ToLower(enumName(of.GetPriority().String(), "PRIORITY")), cut(of.GetTitle(), 40),
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
		fmt.Fprintf(d.Err, d.in("%d of %d%s: ask for more with --most\n", "已列出 %d / %d%s,用 --most 查看更多\n"), len(t.rows), total, least)
	}
	return nil
}

// listRounds lists inspection rounds.
func (d *deskCommands) listRounds(ctx context.Context, s *deskSession, filter *roundsv1.InspectionFilter, states []string, most int) error {
	for _, name := range states {
		v, err := enumValue(roundsv1.InspectionState_value, "INSPECTION_STATE", name)
		if err != nil {
			return err
		}
		filter.States = append(filter.States, roundsv1.InspectionState(v))
	}
	all, err := call(ctx, s.session, s.work.ListInspections, &roundsv1.ListInspectionsRequest{Scopes: []string{string(s.scope)}, Filter: filter,
		Descending: true, PageSize: uint32(min(500, max(1, most)))})
	if err != nil {
		return err
	}
	return d.show(all, func() error {
		t := &table{head: d.heads("ROUND|巡检", "STATE|状态", "TITLE|标题", "WINDOW|时间窗", "INSPECTOR|巡检人", "SCORE|得分")}
		for _, row := range all.GetRows() {
			of := row.GetRecord().GetInspection()
			t.add(shortID(row.GetRecordId()), strings.ToLower(enumName(of.GetState().String(), "INSPECTION_STATE")), cut(of.GetTitle(), 40),
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
	cmd := &cobra.Command{Use: "inbox", Short: "List open questions that are yours to decide, the oldest first", Args: cobra.NoArgs}
	cmd.RunE = d.at(func(ctx context.Context, s *deskSession, _ []string) error {
		req := &roundsv1.InboxRequest{Scopes: []string{string(s.scope)}, Everybody: everybody, MinAgeUs: max(0, age.Microseconds()), PageSize: uint32(min(500, max(1, most)))}
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
					sides = append(sides, d.name(all.GetNames(), side.GetSide().GetPersonId()))
				}
				for _, action := range item.GetActions() {
					actions = append(actions, strings.ToLower(enumName(action.String(), "CONFLICT_ACTION")))
				}
				t.add(shortID(item.GetRow().GetRecordId()), strings.ToLower(enumName(q.GetType().String(), "CONFLICT_TYPE")), ageText(item.GetAgeUs()),
					cut(item.GetSubjectTitle(), 24), strings.Join(sides, " / "), cut(d.text(q.GetSentence()), 60), strings.Join(actions, ", "))
			}
			return d.printTable(t, all.GetTotal(), all.GetNextPageToken() != "")
		})
	})
	cmd.Flags().BoolVar(&everybody, "all", false, "also those that are for other people")
	cmd.Flags().StringSliceVar(&types, "type", nil, "of this type (double_work, stale_approval ...)")
	cmd.Flags().DurationVar(&age, "age", 0, "open for this long at least")
	cmd.Flags().IntVar(&most, "most", 50, "how many to list at most")
	return cmd
}
