package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/work/checklist"
)

// roundOf is the round of a view that a command is about.
func roundOf(v client.View) uint32 {
	return max(1, v.Record.GetInspection().GetRound(), v.Record.GetTicket().GetRound())
}

func (d *deviceCommands) approve() *cobra.Command {
	var anyway bool
	cmd := &cobra.Command{Use: "approve TICKET|ROUND", Short: d.in("Confirm finished work, as the device shows its evidence", "按本机所示证据确认完工"), Args: cobra.ExactArgs(1),
		Long: d.in("Confirms a ticket or a round on the evidence that this device shows (rounds device ticket show, round show): its hash goes with the approval, so that\n"+
			"evidence that came to the server meanwhile and speaks against it is not approved unseen. Nobody approves own work.",
			"按本设备显示的证据（rounds device ticket show、round show）确认工单或巡检：确认随附证据的哈希，\n其间到达服务器、与之不符的证据不会未经查看就被确认。任何人不能确认自己的工作。"),
		Example: "  rounds device sync && rounds device ticket show 3f2a9c41 && rounds device approve 3f2a9c41"}
	cmd.RunE = d.with(func(ctx context.Context, s *session, args []string) error {
		view, err := s.findAny(ctx, args[0], "ticket", "inspection")
		if err != nil {
			return err
		}
		return d.approveView(ctx, s, view, anyway)
	})
	d.anywayFlag(cmd, &anyway)
	return cmd
}

func (d *deviceCommands) approveView(ctx context.Context, s *session, view client.View, anyway bool) error {
	return d.ask(ctx, s, asking{name: "approve", view: view, anyway: anyway, shown: true, make: func(v client.View) (*roundsv1.Command, error) {
		digest, err := s.digest(ctx, v)
		if v.Record.GetInspection() != nil {
			return inspectionCommand(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{
				Approve: &roundsv1.InspectionApprove{Round: roundOf(v), ReviewDigest: digest}}}), err
		}
		return ticketAct(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{
			Approve: &roundsv1.TicketApprove{Round: roundOf(v), ReviewDigest: digest}}}, err)
	}})
}

func (d *deviceCommands) round() *cobra.Command {
	cmd := &cobra.Command{Use: "round", Aliases: []string{"inspect"}, Short: d.in("Inspection rounds: start at a tag, submit, review", "巡检：扫码开始、作答、提交、审核"), Example: "  rounds device round list\n" +
		"  rounds device round start 77ab01cd --tag \"R1.…\"\n  rounds device scan 77ab01cd --tag \"R1.…\"\n  rounds device answer 77ab01cd 1 pass\n" +
		"  rounds device round submit 77ab01cd"}
	cmd.AddCommand(d.inspectNew(), d.inspectList(), d.roundShow(), d.roundStart(), d.answer(),
		d.roundStep("release", "Put a planned round on devices|下发已计划的巡检", nil, func(client.View, *actFlags) *roundsv1.InspectionCommand {
			return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}}
		}),
		d.roundStep("submit", "End the walk|提交巡检", nil, func(v client.View, _ *actFlags) *roundsv1.InspectionCommand {
			return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: roundOf(v)}}}
		}),
		d.roundStep("return", "Have it walked again; --item names what is to be looked at, all where none is named|退回补检；--item 指明要补的项，不写为全部", []string{"!reason", "item"},
			func(v client.View, f *actFlags) *roundsv1.InspectionCommand {
				return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Return{
					Return: &roundsv1.InspectionReturn{Round: roundOf(v), Reason: f.reason, ItemIds: f.items}}}
			}),
		d.roundStep("excuse", "Forgive a round that was missed|对漏检免责", []string{"!reason"}, func(_ client.View, f *actFlags) *roundsv1.InspectionCommand {
			return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Excuse{Excuse: &roundsv1.InspectionExcuse{Reason: f.reason}}}
		}),
		d.roundApprove())
	return cmd
}

func (d *deviceCommands) roundApprove() *cobra.Command {
	var anyway bool
	cmd := &cobra.Command{Use: "approve ROUND", Short: d.in("Confirm the round, as the device shows its evidence", "按本机所示证据通过巡检"), Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "inspection", args[0])
			if err != nil {
				return err
			}
			return d.approveView(ctx, s, view, anyway)
		})}
	d.anywayFlag(cmd, &anyway)
	return cmd
}

// roundStep makes a command of a round that needs no more than its flags.
func (d *deviceCommands) roundStep(name, short string, flags []string, make func(client.View, *actFlags) *roundsv1.InspectionCommand) *cobra.Command {
	f := &actFlags{}
	cmd := &cobra.Command{Use: name + " ROUND", Short: d.between(short), Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "inspection", args[0])
			if err != nil {
				return err
			}
			return d.ask(ctx, s, asking{name: name, view: view, anyway: f.anyway, shown: name == "return",
				make: func(v client.View) (*roundsv1.Command, error) { return inspectionCommand(make(v, f)), nil }})
		})}
	for _, flag := range flags {
		f.add(d.program, cmd, flag)
	}
	d.anywayFlag(cmd, &f.anyway)
	return cmd
}

func (d *deviceCommands) roundStart() *cobra.Command {
	var payload, broken, checkpoint, source string
	var anyway bool
	cmd := &cobra.Command{Use: "start ROUND", Short: d.in("Begin the walk at the tag of the first checkpoint", "在第一个检查点扫码开始巡检"), Args: cobra.ExactArgs(1),
		Long: d.in("Begins the walk and records the visit of the first checkpoint. Where its tag is broken, --broken takes a photo that shows it, and a ticket is made of it.",
			"开始巡检并记录第一个检查点的到访。标签损坏时用 --broken 附上照片，并为此生成工单。"),
		Example: "  rounds device round start 77ab01cd --tag \"R1.…\"\n" +
			"  rounds device round start 77ab01cd --broken tag.jpg"}
	cmd.RunE = d.with(func(ctx context.Context, s *session, args []string) error {
		view, err := s.find(ctx, "inspection", args[0])
		if err != nil {
			return err
		}
		a := asking{name: "start", view: view, anyway: anyway, photos: broken != ""}
		start := &roundsv1.InspectionStart{ScanPayload: payload}
		if broken != "" {
			in, err := photoFlags{role: "before", source: source}.input()
			if err != nil {
				return err
			}
			if a.facts, err = d.take(ctx, s, view, in, []string{broken}); err != nil {
				return err
			}
			start.BrokenTagPhotoId = string(a.facts[0].ID)
			if route := view.Record.GetInspection().GetCheckpointIds(); checkpoint == "" && len(route) > 0 {
				checkpoint = route[0]
			}
		}
		if payload != "" || checkpoint != "" {
			at, err := s.checkpoint(ctx, view, payload, checkpoint)
			if err != nil {
				return err
			}
			ref, err := d.visit(ctx, s, view, payload, at)
			if err != nil {
				return err
			}
			a.facts = append(a.facts, ref)
		}
		a.make = func(client.View) (*roundsv1.Command, error) {
			return inspectionCommand(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: start}}), nil
		}
		return d.ask(ctx, s, a)
	})
	flags := cmd.Flags()
	flags.StringVar(&payload, "tag", "", d.in("what the tag of the first checkpoint says", "第一个检查点的标签内容"))
	flags.StringVar(&broken, "broken", "", d.in("file of a photo that shows that the tag is broken", "证明标签损坏的照片文件"))
	flags.StringVar(&checkpoint, "checkpoint", "", d.in("the checkpoint, by code, name or id, where the tag does not say it", "检查点的编码、名称或编号（标签不能说明时）"))
	flags.StringVar(&source, "source", "gallery", d.in("where the photo comes from: camera or gallery", "照片来源：camera 现场拍摄或 gallery 相册"))
	cmd.MarkFlagsMutuallyExclusive("tag", "broken")
	d.anywayFlag(cmd, &anyway)
	return cmd
}

func (d *deviceCommands) roundShow() *cobra.Command {
	return &cobra.Command{Use: "show ROUND", Short: d.in("Show a round with its checkpoints, questions and answers", "查看巡检的检查点、检查项和答案"), Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			v, err := s.find(ctx, "inspection", args[0])
			if err != nil {
				return err
			}
			if d.json {
				return printJSON(d.Out, viewJSON(v))
			}
			return d.printRound(ctx, s, v)
		})}
}

func (d *deviceCommands) printRound(ctx context.Context, s *session, v client.View) error {
	i := v.Record.GetInspection()
	reference, err := s.reference(ctx)
	if err != nil {
		return err
	}
	placeName, err := s.placeNames(ctx, v.Scope, d.text)
	if err != nil {
		return err
	}
	people, err := d.names(ctx, s, v.Scope)
	if err != nil {
		return err
	}
	state := d.roundStanding(i.GetState())
	if v.Pending > 0 {
		state += d.in(" (not confirmed)", "（未确认）")
	}
	list := reference.listOf(v)
	lines := [][2]string{{d.in("round", "巡检"), string(v.ID)}, {d.in("title", "标题"), clean(i.GetTitle())}, {d.in("state", "状态"), state},
		{d.in("why", "原因"), clean(d.text(reference.Policy(v.Scope).WhyReturned(i.GetStateReason())))}, {d.in("window", "时间窗"), when(i.GetWindowStartUs()) + " - " + when(i.GetWindowEndUs())},
		{d.in("inspector", "巡检人"), people.of(i.GetInspectorId())}, {d.in("flags", "标记"), d.marks(i.GetFlags())}}
	if i.GetState() >= roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED {
		score := strconv.FormatFloat(i.GetScore(), 'f', 1, 64)
		if i.GetFailed() {
			score += d.in(", failed at a red line", "，红线项不合格")
		}
		lines = append(lines, [2]string{d.in("score", "得分"), score})
	}
	for _, line := range lines {
		if line[1] != "" && line[1] != "-" {
			fmt.Fprintf(d.Out, "%s%s %s\n", line[0], strings.Repeat(" ", max(0, 10-cellsOf(line[0]))), line[1])
		}
	}
	if len(i.GetCheckpointIds()) > 0 {
		t := &table{head: d.heads("CHECKPOINT|检查点", "VISITED|到达时间", "BY|人员", "FLAGS|标记")}
		for _, id := range i.GetCheckpointIds() {
			at, by, flags := "-", "-", ""
			for _, visit := range i.GetOfficialVisits() {
				if visit.GetCheckpointId() == id && visit.GetRound() == roundOf(v) {
					at, by, flags = when(visit.GetTimeUs()), people.of(visit.GetPersonId()), d.marks(visit.GetFlags())
				}
			}
			t.add(placeName(id), at, by, flags)
		}
		fmt.Fprintln(d.Out)
		if err := t.print(d.Out); err != nil {
			return err
		}
	}
	fmt.Fprintln(d.Out)
	return d.printAnswers(list, i.GetCheckpointIds(), i.GetAnswers(), placeName)
}

// printAnswers prints what is asked, and every answer: those too that do not count.
func (d *deviceCommands) printAnswers(list *roundsv1.Checklist, route []string, answers map[string]*roundsv1.Answer, placeName func(string) string) error {
	t := &table{head: d.heads("NO|序号", "ITEM|检查项", "AT|位置", "ANSWER|结果", "READING|读数", "PHOTOS|照片", "NOTE|说明", "QUESTION|内容")}
	number := map[string]string{}
	for n, item := range list.GetItems() {
		number[item.GetId()] = strconv.Itoa(n + 1)
	}
	asked := checklist.Ask(list, route, answers)
	var strange []string
	for _, key := range slices.Sorted(maps.Keys(answers)) {
		if q, known := checklist.Find(list, route, key); !known {
			strange = append(strange, key)
		} else if !slices.Contains(asked, q) {
			asked = append(asked, q) // at a checkpoint, beside one for the whole round
		}
	}
	for _, q := range asked {
		a := answers[q.Key]
		value, at := "-", "-"
		if a != nil && a.Reading != nil {
			value = strings.TrimSpace(strconv.FormatFloat(a.GetReading(), 'g', -1, 64) + " " + q.Item.GetUnit())
		}
		if q.Checkpoint != "" {
			at = placeName(q.Checkpoint)
		}
		t.add(number[q.Item.GetId()], q.Item.GetId(), at, d.verdict(checklist.Result(q.Item, a)), value, strconv.Itoa(len(a.GetPhotoIds())), cut(a.GetNote(), 40),
			cut(d.text(q.Item.GetQuestion()), 60))
	}
	for _, key := range strange {
		a := answers[key]
		t.add("-", key, "-", d.verdict(a.GetResult()), "-", strconv.Itoa(len(a.GetPhotoIds())), cut(a.GetNote(), 40), "")
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("nothing is asked, as far as this device knows", "本机没有此巡检的检查项"))
		return err
	}
	return t.print(d.Out)
}

func (d *deviceCommands) verdict(r roundsv1.AnswerResult) string {
	switch r {
	case roundsv1.AnswerResult_ANSWER_RESULT_PASS:
		return d.in("pass", "合格")
	case roundsv1.AnswerResult_ANSWER_RESULT_FAIL:
		return d.in("FAIL", "不合格")
	case roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED:
		return d.in("skipped", "跳过")
	case roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE:
		return d.in("does not apply", "不适用")
	}
	return "-"
}
