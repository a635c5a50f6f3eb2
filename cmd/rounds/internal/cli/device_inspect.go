package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
	cmd.AddCommand(d.inspectNew(), d.inspectList(), d.inspectShow(), d.inspectAnswer(),
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
	var site, title, checklist string
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
			round := &roundsv1.Inspection{Title: title, ChecklistId: checklist, WindowStartUs: now.UnixMicro(), WindowEndUs: now.Add(window).UnixMicro()}
			if checklist != "" {
				list, err := s.find(ctx, "checklist", checklist)
				if err != nil {
					return err
				}
				round.ChecklistId, round.ChecklistVersion = string(list.ID), list.Record.GetChecklist().GetVersion()
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
	cmd.Flags().StringVar(&checklist, "checklist", "", "id of the checklist")
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
			t := &table{head: []string{"ID", "STATE", "FROM", "UNTIL", "ANSWERS", "TITLE", ""}}
			for _, v := range views {
				i := v.Record.GetInspection()
				t.add(shortID(string(v.ID)), inspectionState(i), when(i.GetWindowStartUs()), when(i.GetWindowEndUs()), strconv.Itoa(len(i.GetAnswers())),
					cut(i.GetTitle(), 60), pendingMark(v))
			}
			if len(t.rows) == 0 {
				_, err := fmt.Fprintln(d.Out, "no inspections")
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

func (d *deviceCommands) inspectShow() *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Show a round with its questions and answers", Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			v, err := s.find(ctx, "inspection", args[0])
			if err != nil {
				return err
			}
			if d.json {
				return printJSON(d.Out, viewJSON(v))
			}
			i := v.Record.GetInspection()
			fmt.Fprintf(d.Out, "inspection   %s\ntitle        %s\nstate        %s %s\nwindow       %s to %s\n\n", v.ID, clean(i.GetTitle()), inspectionState(i),
				pendingMark(v), when(i.GetWindowStartUs()), when(i.GetWindowEndUs()))
			t := &table{head: []string{"ITEM", "ANSWER", "READING", "NOTE", "QUESTION"}}
			asked, err := s.questions(ctx, i.GetChecklistId())
			if err != nil {
				return err
			}
			answers := maps.Clone(i.GetAnswers())
			row := func(item, question string) {
				a := answers[item]
				reading := "-"
				if a != nil && a.Reading != nil {
					reading = strconv.FormatFloat(a.GetReading(), 'g', -1, 64)
				}
				t.add(clean(item), strings.ToLower(enumName(a.GetResult().String(), "ANSWER_RESULT")), reading, cut(a.GetNote(), 40), question)
				delete(answers, item)
			}
			for _, q := range asked {
				row(q.GetId(), cut(textOf(q.GetQuestion()), 60))
			}
			for _, item := range slices.Sorted(maps.Keys(answers)) {
				row(item, "")
			}
			return t.print(d.Out)
		})}
}

// questions returns the items of a checklist, none where the device does not have it.
func (s *session) questions(ctx context.Context, checklist string) ([]*roundsv1.ChecklistItem, error) {
	if checklist == "" {
		return nil, nil
	}
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		for v, err := range s.List(ctx, scope, "checklist") {
			if err != nil {
				return nil, err
			}
			if string(v.ID) == checklist {
				return v.Record.GetChecklist().GetItems(), nil
			}
		}
	}
	return nil, nil
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
