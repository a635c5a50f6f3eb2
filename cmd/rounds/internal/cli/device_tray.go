package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/term"
)

func (d *deviceCommands) tray() *cobra.Command {
	cmd := &cobra.Command{Use: "tray", Args: cobra.NoArgs,
		Short: d.in("Show what was not taken, or waits for a person, and what became of it", "查看未被采纳或等待裁决的内容及其结果"),
		Long: d.in("Lists what the server did not take, what waits for a person, and what met the values of others. An item that was rejected can be mended and sent\n"+
			"again, sent again as it was on top of the record as it stands now, or discarded; nothing goes from here by itself but what is decided.",
			"列出服务器未采纳的、等待裁决的、与他人修改相遇的内容。未被采纳的可以修改后重发（mend）、按现状原样重发（resend）或丢弃（discard）。"),
		Example: "  rounds device tray show 1\n  rounds device tray mend 1 reason=\"no ladder here\"\n  rounds device tray resend 1\n  rounds device tray discard 1",
		RunE: d.with(func(ctx context.Context, s *session, _ []string) error {
			items, err := s.Tray(ctx)
			if err != nil {
				return err
			}
			return d.printTray(items)
		})}
	cmd.AddCommand(
		&cobra.Command{Use: "show NUMBER", Short: d.in("Show an item with what it says and why it is here", "查看一条反馈的内容和原因"), Args: cobra.ExactArgs(1),
			RunE: d.with(func(ctx context.Context, s *session, args []string) error {
				item, err := s.trayItem(ctx, args[0])
				if err != nil {
					return err
				}
				return d.printItem(ctx, s, args[0], item)
			})},
		&cobra.Command{Use: "mend NUMBER FIELD=VALUE...", Short: d.in("Change what a rejected item says, and send it again", "修改未被采纳的内容并重发"), Args: cobra.MinimumNArgs(2),
			Long: d.in("Changes fields of a rejected item and sends it again, on top of the record as it stands now. FIELD is one that rounds device tray show names; an empty\n"+
				"VALUE takes it away. People, categories and tickets are found by name, code or a part of the id.",
				"修改未被采纳内容的字段，并在记录现状上重发。FIELD 是 rounds device tray show 列出的字段；VALUE 为空则清除。人员、类别、工单可用姓名、代码或部分编号。"),
			RunE: d.with(func(ctx context.Context, s *session, args []string) error {
				item, err := s.trayItem(ctx, args[0])
				if err != nil {
					return err
				}
				mended, err := s.mended(ctx, item, args[1:])
				if err != nil {
					return err
				}
				return d.resend(ctx, s, args[0], item, mended)
			})},
		&cobra.Command{Use: "resend NUMBER", Short: d.in("Send a rejected item again, on top of the record as it stands", "按记录现状原样重发未被采纳的内容"), Args: cobra.ExactArgs(1),
			RunE: d.with(func(ctx context.Context, s *session, args []string) error {
				item, err := s.trayItem(ctx, args[0])
				if err != nil {
					return err
				}
				return d.resend(ctx, s, args[0], item, nil)
			})},
		&cobra.Command{Use: "discard NUMBER", Short: d.in("Take an item from the tray for good", "丢弃一条反馈"), Args: cobra.ExactArgs(1),
			RunE: d.with(func(ctx context.Context, s *session, args []string) error {
				item, err := s.trayItem(ctx, args[0])
				if err != nil {
					return err
				}
				if err := s.Discard(ctx, item.Key); err != nil {
					return err
				}
				if d.json {
					return printJSON(d.Out, map[string]any{"done": "discarded", "id": item.ID})
				}
				_, err = fmt.Fprintf(d.Out, d.in("discarded %s %s\n", "已丢弃 %s %s\n"), d.actName(item.Mutation), item.ID)
				return err
			})})
	return cmd
}

// resend sends a rejected item again, as it was or as it was mended.
func (d *deviceCommands) resend(ctx context.Context, s *session, number string, item client.TrayItem, mended *roundsv1.Mutation) error {
	if item.Status != client.TrayRejected {
		return say(Refused, "item %s is %s: only what was rejected can be sent again", "第 %s 条的状态是「%s」：只有未被采纳的才能重发", number, d.trayStatus(item.Status))
	}
	ref, err := s.Resend(ctx, item.Key, mended)
	if err != nil {
		return err
	}
	how, err := d.deliver(ctx, s, ref)
	if err != nil {
		return err
	}
	view, err := s.Get(ctx, item.Key.Scope, item.Kind, item.ID)
	if err != nil {
		return d.tell(d.in("resent", "重发"), ref.ID, how) // of a record that is not here
	}
	return d.tellStanding(d.in("resent", "重发")+" "+d.actName(item.Mutation), view, how)
}

// trayItem finds an item by its number in the list.
func (s *session) trayItem(ctx context.Context, number string) (client.TrayItem, error) {
	items, err := s.Tray(ctx)
	if err != nil {
		return client.TrayItem{}, err
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(items) {
		return client.TrayItem{}, say(Usage, "the tray has no item %q: rounds device tray lists %d", "没有第 %q 条反馈：rounds device tray 列出%d条", number, len(items))
	}
	return items[n-1], nil
}

func (d *deviceCommands) printTray(items []client.TrayItem) error {
	if d.json {
		list := make([]any, 0, len(items))
		for i, item := range items {
			list = append(list, trayJSON(strconv.Itoa(i+1), item))
		}
		return printJSON(d.Out, list)
	}
	if len(items) == 0 {
		_, err := fmt.Fprintln(d.Out, d.in("the tray is empty", "没有未处理的反馈"))
		return err
	}
	t := &table{head: d.heads("NO|序号", "STATUS|状态", "ABOUT|类别", "ID|编号", "WHAT|操作", "WHY|说明")}
	for i, item := range items {
		why := d.sentence(item)
		if item.Status == client.TrayNotice {
			why = fmt.Sprintf(d.in("of its values %d met those of others", "%d处内容与他人的修改相遇"), len(item.Outcome.GetLosses()))
		}
		if item.Resolution != "" {
			why = d.in("decided: ", "已裁决：") + item.Resolution
		}
		t.add(strconv.Itoa(i+1), d.trayStatus(item.Status), d.kindName(item.Kind), shortID(string(item.ID)), d.actName(item.Mutation), cut(why, 100))
	}
	if err := t.print(d.Out); err != nil {
		return err
	}
	_, err := fmt.Fprintln(d.Err, d.in("rounds device tray show NO says more; then mend, resend or discard it", "rounds device tray show 序号 查看详情；然后可 mend 修改、resend 重发或 discard 丢弃"))
	return err
}

// trayJSON is an item for programs.
func trayJSON(number string, item client.TrayItem) map[string]any {
	one := map[string]any{"number": json.Number(number), "scope": item.Key.Scope, "lane_seq": item.Key.Lane, "status": item.Status, "kind": item.Kind, "id": item.ID,
		"outcome": asJSON(item.Outcome), "resolution": item.Resolution, "problem": refusedBy(string(item.Status), item.Outcome.GetProblem())}
	if item.Mutation != nil {
		one["mutation"] = asJSON(item.Mutation)
	}
	return one
}

// actName is what a mutation does, in words.
func (p *program) actName(m *roundsv1.Mutation) string { return p.did(actName(m)) }

// did is what an act is called that has a name on the command line; the name itself where it has no words.
func (p *program) did(name string) string {
	if p.lang != "zh" {
		return name
	}
	if words := map[string]string{"fact": "添加", "done": "报完工", "scan": "扫码", "answer": "作答", "edited": "修改", "visit": "扫码", "work": "登记工时"}[name]; words != "" {
		return words
	}
	return cmp.Or(term.Operation(strings.ReplaceAll(name, "-", "_")).GetZh(), p.kindName(merge.Kind(name)))
}

// actName says what a mutation does.
func actName(m *roundsv1.Mutation) string {
	switch {
	case m.GetFact() != nil:
		return "fact"
	case m.GetEdit() != nil:
		return "edit"
	case m.GetCommand() != nil:
		c := m.GetCommand().ProtoReflect()
		of := c.WhichOneof(c.Descriptor().Oneofs().ByName("command"))
		if of == nil {
			return "command"
		}
		inner := c.Get(of).Message()
		if which := inner.Descriptor().Oneofs().ByName("command"); which != nil {
			if step := inner.WhichOneof(which); step != nil {
				return string(step.Name())
			}
		}
		return string(of.Name())
	}
	return "-"
}
