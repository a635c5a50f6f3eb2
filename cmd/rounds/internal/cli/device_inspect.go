package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

func kindOf(name string) merge.Kind { return merge.Kind(name) }

func (d *deviceCommands) inspectNew() *cobra.Command {
	var site, title, list string
	var route []string
	var ordered bool
	var window time.Duration
	cmd := &cobra.Command{Use: "new --title TEXT", Short: d.in("Plan a round that begins now", "新建一个现在开始的巡检"), Args: cobra.NoArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(title) == "" {
			return usageBoth(cmd, "--title is needed", "须给出 --title")
		}
		if window <= 0 {
			return usageBoth(cmd, "--window is how long there is for the walk, more than 0", "--window 是巡检的时长，须大于 0")
		}
		if list == "" && len(route) == 0 {
			return usageBoth(cmd, "a round needs --checklist, --checkpoint or both", "巡检须有 --checklist 或 --checkpoint，或两者都有")
		}
		return d.with(func(ctx context.Context, s *session, _ []string) error {
			scope, err := s.site(ctx, site)
			if err != nil {
				return err
			}
			now := d.Now()
			round := &roundsv1.Inspection{Title: title, WindowStartUs: now.UnixMicro(), WindowEndUs: now.Add(window).UnixMicro()}
			if err := s.plan(ctx, scope, round, list, route, ordered); err != nil {
				return err
			}
			ref, err := s.Create(ctx, scope, "", &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: round}})
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell("inspection", ref.ID, how)
		})(cmd, args)
	}
	cmd.Flags().StringVar(&title, "title", "", d.in("in a few words", "标题"))
	cmd.Flags().StringVar(&list, "checklist", "", d.in("the checklist, by code, name or id", "检查表的代码、名称或编号"))
	cmd.Flags().StringSliceVar(&route, "checkpoint", nil, d.in("a place to be visited, by code, name or id; may be given more than once", "检查点的代码、名称或编号；可多次"))
	cmd.Flags().BoolVar(&ordered, "ordered", false, d.in("the checkpoints are to be visited in this order", "须按此顺序到点"))
	cmd.Flags().StringVar(&site, "site", "", d.in("the site, by code, name or id (default: the only one)", "项目代码、名称或编号（默认：唯一的项目）"))
	cmd.Flags().DurationVar(&window, "window", 8*time.Hour, d.in("until when it is to be walked, from now", "时限，从现在起"))
	return cmd
}

func (d *deviceCommands) inspectList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: d.in("List rounds, newest first", "列出巡检，新的在前"), Args: cobra.NoArgs,
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			scopes, err := s.sites(ctx)
			if err != nil {
				return err
			}
			var views []client.View
			for _, scope := range scopes {
				for view, err := range s.List(ctx, scope, "inspection") {
					if err != nil {
						return err
					}
					views = append(views, view)
				}
			}
			slices.Reverse(views) // ids begin with the time, within a site
			slices.SortStableFunc(views, func(a, b client.View) int {
				return cmp.Compare(b.Record.GetInspection().GetWindowStartUs(), a.Record.GetInspection().GetWindowStartUs())
			})
			if d.json {
				list := make([]any, 0, len(views))
				for _, v := range views {
					list = append(list, viewJSON(v))
				}
				return printJSON(d.Out, list)
			}
			t := &table{head: d.heads("ID|编号", "STATE|状态", "FROM|开始", "UNTIL|结束", "ANSWERS|已答", "TITLE|标题", "")}
			for _, v := range views {
				i := v.Record.GetInspection()
				t.add(shortID(string(v.ID)), d.roundStanding(i.GetState()), when(i.GetWindowStartUs()), when(i.GetWindowEndUs()), strconv.Itoa(len(i.GetAnswers())),
					cut(i.GetTitle(), 60), d.pendingMark(v))
			}
			if len(t.rows) == 0 {
				_, err := fmt.Fprintln(d.Out, d.in("no inspections", "没有巡检"))
				return err
			}
			return t.print(d.Out)
		})}
}

func inspectionState(i *roundsv1.Inspection) string {
	if i.GetState() == 0 {
		return "not sent"
	}
	return strings.ToLower(enumName(i.GetState().String(), "INSPECTION_STATE"))
}

// plan fills in what a round asks: the newest version of a checklist, and the checkpoints.
func (s *session) plan(ctx context.Context, scope client.Scope, round *roundsv1.Inspection, list string, route []string, ordered bool) error {
	for _, asked := range route {
		id, err := s.placeID(ctx, scope, asked)
		if err != nil {
			return err
		}
		if slices.Contains(round.CheckpointIds, id) {
			return say(Usage, "the checkpoint %q is named twice: name each once", "检查点 %q 写了两次：每个只写一次", asked)
		}
		round.CheckpointIds = append(round.CheckpointIds, id)
	}
	if ordered {
		round.Route = &roundsv1.Route{Ordered: true}
	}
	if list == "" {
		return nil
	}
	reference, err := s.reference(ctx)
	if err != nil {
		return err
	}
	var known []choice
	for series := range reference.checklists {
		if newest := reference.Checklist(scope, series, 0); newest != nil {
			known = append(known, choice{id: series, code: newest.GetCode(), names: []string{newest.GetName().GetZh(), newest.GetName().GetEn()}})
		}
	}
	slices.SortFunc(known, func(a, b choice) int { return cmp.Compare(a.id, b.id) })
	if round.ChecklistId, err = choose("checklist", list, known, "a whole id"); err != nil {
		return err
	}
	round.ChecklistVersion = reference.Checklist(scope, round.ChecklistId, 0).GetVersion()
	return nil
}
