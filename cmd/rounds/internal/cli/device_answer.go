package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/text/width"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/work/checklist"
)

// answerFlags are the flags of an answer.
type answerFlags struct {
	note, checkpoint, source string
	reading                  *float64
	photos                   []string
}

func (d *deviceCommands) answer() *cobra.Command {
	var f answerFlags
	var value string
	cmd := &cobra.Command{Use: "answer ROUND|TICKET ITEM [pass|fail|na|skip]", Short: d.in("Answer one item of the checklist", "作答一个检查项"), Args: cobra.RangeArgs(2, 3),
		Long: d.in("Answers one item of the checklist of a round or a ticket. ITEM is the item's id, its number in the list, or a part of its question. A reading says by\n"+
			"itself whether it passes. A failed item needs a photo and a note, a skipped one its reason as the note; on a round, a failure makes its ticket.",
			"回答巡检或工单检查表的一项。ITEM 为检查项编号、序号或问题的一部分。读数自身决定是否合格。\n不合格须附照片和备注，跳过须在备注中写明原因；巡检中的不合格会生成工单。"),
		Example: "  rounds device answer 77ab01cd dry pass\n  rounds device answer 77ab01cd 4 --reading 3.2\n" +
			"  rounds device answer 77ab01cd gutter fail --note \"blocked by leaves\" --photo gutter.jpg --checkpoint B2-A"}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		result := roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED
		if len(args) == 3 {
			var err error
			if result, err = answerResult(args[2]); err != nil {
				return err
			}
		}
		if f.reading = nil; cmd.Flags().Changed("reading") {
			measured, err := readNumber(value)
			if err != nil {
				return err
			}
			f.reading = &measured
		} else if len(args) < 3 {
			return usageBoth(cmd, "it needs pass, fail, na or skip, or --reading", "须给出 pass、fail、na、skip 之一，或 --reading 读数")
		}
		return d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.findAny(ctx, args[0], "inspection", "ticket")
			if err != nil {
				return err
			}
			return d.answerItem(ctx, s, view, args[1], result, f)
		})(cmd, args)
	}
	flags := cmd.Flags()
	flags.StringVar(&f.note, "note", "", d.in("in your words; of a skipped item the reason", "说明；跳过时写原因"))
	flags.StringVar(&value, "reading", "", d.in("the measured value, in the item's unit", "读数"))
	flags.StringArrayVar(&f.photos, "photo", nil, d.in("file of a photo of it; may be given more than once", "照片文件；可多次"))
	flags.StringVar(&f.checkpoint, "checkpoint", "", d.in("the place, by code, name or id, of an item that is asked at each checkpoint", "逐点检查项所在检查点"))
	flags.StringVar(&f.source, "source", "gallery", d.in("where photos come from: camera or gallery", "照片来源：camera 或 gallery"))
	return cmd
}

// narrow makes full-width digits and signs, which a Chinese keyboard writes, those that everybody reads.
func narrow(text string) string {
	return strings.ReplaceAll(width.Narrow.String(strings.ReplaceAll(text, "。", ".")), "−", "-")
}

// readNumber reads a measured value as people write it.
func readNumber(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(narrow(text)), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, say(Usage, "--reading %q is no number: 3.2 say", "--reading %q 不是数字：例如 3.2", text)
	}
	return n, nil
}

// answerResult reads a verdict.
func answerResult(name string) (roundsv1.AnswerResult, error) {
	switch strings.ToLower(name) {
	case "pass", "ok", "合格":
		return roundsv1.AnswerResult_ANSWER_RESULT_PASS, nil
	case "fail", "不合格":
		return roundsv1.AnswerResult_ANSWER_RESULT_FAIL, nil
	case "na", "n/a", "not-applicable", "not_applicable", "不适用":
		return roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE, nil
	case "skip", "skipped", "跳过":
		return roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED, nil
	}
	return 0, say(Usage, "%q is none of pass, fail, na, skip", "%q 不是 pass 合格、fail 不合格、na 不适用、skip 跳过 之一", name)
}

// itemOf finds an item of a list: by its id, its number from 1, or what only one question says. A list that the device does not have takes any id.
func itemOf(list *roundsv1.Checklist, asked string) (*roundsv1.ChecklistItem, error) {
	if list == nil {
		return &roundsv1.ChecklistItem{Id: asked}, nil
	}
	var known []choice
	var found []*roundsv1.ChecklistItem
	for _, item := range list.GetItems() {
		if item.GetId() == asked {
			return item, nil
		}
		zh, en := item.GetQuestion().GetZh(), item.GetQuestion().GetEn()
		if asked != "" && (strings.Contains(zh, asked) || strings.Contains(strings.ToLower(en), strings.ToLower(asked))) {
			found = append(found, item)
		}
		known = append(known, choice{id: item.GetId(), code: item.GetId(), names: []string{zh, en}})
	}
	if n, err := strconv.Atoi(asked); err == nil && n >= 1 && n <= len(list.GetItems()) {
		return list.GetItems()[n-1], nil
	}
	if len(found) == 1 {
		return found[0], nil
	}
	like := alike(asked, known)
	if len(like) == 0 {
		like = known
	}
	if len(found) > 1 {
		return nil, say(Usage, "%d items fit %q: give the id or the number of one", "有%d项符合 %q：请给出编号或序号", len(found), asked)
	}
	return nil, say(Usage, "the checklist has no item %q: perhaps %s", "检查表没有 %q 这一项，是不是 %s?", asked, labels(like))
}

func (d *deviceCommands) answerItem(ctx context.Context, s *session, v client.View, asked string, result roundsv1.AnswerResult, f answerFlags) error {
	reference, err := s.reference(ctx)
	if err != nil {
		return err
	}
	item, err := itemOf(reference.listOf(v), asked)
	if err != nil {
		return err
	}
	at := ""
	if f.checkpoint != "" {
		if at, err = s.checkpoint(ctx, v, "", f.checkpoint); err != nil {
			return err
		}
	}
	in, err := photoFlags{role: "item", item: item.GetId(), source: f.source}.input()
	if err != nil {
		return err
	}
	a := asking{name: "answer", view: v, photos: len(f.photos) > 0}
	if a.facts, err = d.take(ctx, s, v, in, f.photos); err != nil {
		return err
	}
	answer := &roundsv1.Answer{Result: result, Reading: f.reading, Note: f.note, Answered: reading(client.SystemClock(d.Now))}
	for _, ref := range a.facts {
		answer.PhotoIds = append(answer.PhotoIds, string(ref.ID))
	}
	if result == roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED {
		answer.Result = checklist.Result(item, answer)
	}
	answers := map[string]*roundsv1.Answer{checklist.Key(at, item.GetId()): answer}
	record := &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Answers: answers}}}
	if v.Record.GetInspection() != nil {
		record.Kind = &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Answers: answers}}
	}
	ref, err := s.Fact(ctx, v.Scope, v.ID, record)
	if err != nil {
		return err
	}
	if err := d.finish(ctx, s, a, append(slices.Clip(a.facts), ref)); err != nil {
		return err
	}
	for _, line := range d.answerNotes(item, answer) {
		fmt.Fprintln(d.Err, line)
	}
	return nil
}

// answerNotes say what an answer still lacks before its round can be submitted. The answer itself is kept whatever it lacks.
func (d *deviceCommands) answerNotes(item *roundsv1.ChecklistItem, a *roundsv1.Answer) (notes []string) {
	const failed = roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	result := checklist.Result(item, a)
	if checklist.Impossible(item, a) {
		notes = append(notes, d.in("note: this reading cannot be: check it, and answer again", "提示：此读数不可能，请核对后重新填写"))
	} else if checklist.AsksReading(item) && result == roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED {
		notes = append(notes, d.in("note: this item asks for a reading: give --reading", "提示：此项须填写读数（--reading）"))
	}
	if result == failed && a.GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_PASS {
		notes = append(notes, d.in("note: the reading is outside of the limits, so the item fails", "提示：读数超出范围，此项计为不合格"))
	}
	if result == failed && len(a.GetPhotoIds()) == 0 && !item.GetFailWithoutPhoto() {
		notes = append(notes, d.in("note: a failed item needs a photo: answer again with --photo", "提示：不合格项须附照片，请带 --photo 重新作答"))
	}
	if result == failed && a.GetNote() == "" && !item.GetFailWithoutNote() {
		notes = append(notes, d.in("note: a failed item needs a note: answer again with --note", "提示：不合格项须写说明，请带 --note 重新作答"))
	}
	if result == roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED && a.GetNote() == "" {
		notes = append(notes, d.in("note: a skipped item needs its reason: answer again with --note", "提示：跳过须写原因，请带 --note 重新作答"))
	}
	return notes
}
