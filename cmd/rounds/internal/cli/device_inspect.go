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

func (d *deviceCommands) inspect() *cobra.Command {
	cmd := &cobra.Command{Use: "inspect", Short: "Inspection rounds: walk, answer, submit"}
	cmd.AddCommand(d.inspectNew(), d.inspectList(), d.roundShow(), d.inspectAnswer(),
		d.inspectStep("release", "Put the round on devices", func(client.View) *roundsv1.InspectionCommand {
			return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}}
		}),
		d.inspectStep("start", "Begin the walk", func(client.View) *roundsv1.InspectionCommand {
			return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{}}}
		}),
		d.inspectStep("submit", "End the walk", func(v client.View) *roundsv1.InspectionCommand {
			return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{
				Submit: &roundsv1.InspectionSubmit{Round: max(1, v.Record.GetInspection().GetRound())}}}
		}))
	return cmd
}

func (d *deviceCommands) inspectNew() *cobra.Command {
	var site, title, list string
	var route []string
	var ordered bool
	var window time.Duration
	cmd := &cobra.Command{Use: "new --title TEXT", Short: "Plan a round that begins now", Args: cobra.NoArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if title == "" {
			return usage(cmd, "--title is needed")
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
	cmd.Flags().StringVar(&title, "title", "", "in a few words")
	cmd.Flags().StringVar(&list, "checklist", "", "the checklist, by code, name or id")
	cmd.Flags().StringSliceVar(&route, "checkpoint", nil, "a place to be visited, by code, name or id; may be given more than once")
	cmd.Flags().BoolVar(&ordered, "ordered", false, "the checkpoints are to be visited in this order")
	cmd.Flags().StringVar(&site, "site", "", "the site, by code, name or id (default: the only one)")
	cmd.Flags().DurationVar(&window, "window", 8*time.Hour, "until when it is to be walked, from now")
	return cmd
}

func (d *deviceCommands) inspectList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List rounds, newest first", Args: cobra.NoArgs,
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
				t.add(shortID(string(v.ID)), d.in(inspectionState(i), d.roundStanding(i.GetState())), when(i.GetWindowStartUs()), when(i.GetWindowEndUs()), strconv.Itoa(len(i.GetAnswers())),
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

func (d *deviceCommands) inspectAnswer() *cobra.Command {
	var note string
	var value float64
	cmd := &cobra.Command{Use: "answer ID ITEM pass|fail|skipped|not-applicable", Short: "Answer one item of the checklist", Args: cobra.ExactArgs(3)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		result, err := enumValue(roundsv1.AnswerResult_value, "ANSWER_RESULT", args[2])
		if err != nil {
			return err
		}
		answer := &roundsv1.Answer{Result: roundsv1.AnswerResult(result), Note: note, Answered: reading(client.SystemClock(d.Now))}
		if cmd.Flags().Changed("reading") {
			answer.Reading = &value
		}
		return d.with(func(ctx context.Context, s *session, args []string) error {
			v, err := s.find(ctx, "inspection", args[0])
			if err != nil {
				return err
			}
			ref, err := s.Fact(ctx, v.Scope, v.ID, &roundsv1.Record{Kind: &roundsv1.Record_Inspection{
				Inspection: &roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{args[1]: answer}}}})
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell("answer", v.ID, how)
		})(cmd, args)
	}
	cmd.Flags().StringVar(&note, "note", "", "in your words")
	cmd.Flags().Float64Var(&value, "reading", 0, "the measured value, in the item's unit")
	return cmd
}

func (d *deviceCommands) inspectStep(name, short string, make func(client.View) *roundsv1.InspectionCommand) *cobra.Command {
	return &cobra.Command{Use: name + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			v, err := s.find(ctx, "inspection", args[0])
			if err != nil {
				return err
			}
			ref, err := s.Command(ctx, v.Scope, v.ID, &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: make(v)}})
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			return d.tell(name, v.ID, how)
		})}
}
