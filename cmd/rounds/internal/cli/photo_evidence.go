package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

// photoHide is the way out for a ticket that a photo keeps from review: a leader takes the photo out of sight.
func (d *deviceCommands) photoHide() *cobra.Command {
	var reason string
	var end bool
	cmd := &cobra.Command{Use: "hide PHOTO --reason TEXT", Short: d.in("Take a photo out of sight, or with --end show it again", "隐藏照片；--end 恢复显示"), Args: cobra.ExactArgs(1),
		Long: d.in("Takes a photo out of sight, as a foreman, butler, supervisor or manager. It neither counts as evidence any more nor keeps its ticket from\n"+
			"review; one that cannot count still does where who hides it did some of the work. Its bytes, its findings and the reason stay in the history. With --end it is\n"+
			"shown again, and counts again.",
			"以班长、管家、主管或项目经理的身份隐藏照片。它不再计为证据，也不再妨碍工单送审；\n但被判无效的照片，由参与处理的人隐藏的，仍会妨碍。内容、检查结果和原因保留在历史中。加 --end 则重新显示并计入。")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !end && strings.TrimSpace(reason) == "" {
			return usageBoth(cmd, "--reason needs words", "--reason 须写明原因")
		}
		return d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "photo", args[0])
			if err != nil {
				return err
			}
			photo := &roundsv1.Photo{}
			if !end {
				photo.Hidden = &roundsv1.Hidden{Reason: reason, PersonId: string(s.me)}
			}
			ref, err := s.Edit(ctx, view.Scope, view.ID, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}}, "hidden")
			if err != nil {
				return err
			}
			how, err := d.deliver(ctx, s, ref)
			if err != nil {
				return err
			}
			what := d.in("hidden", "已隐藏")
			if end {
				what = d.in("shown again", "已恢复显示")
			}
			return d.tell(what, view.ID, how)
		})(cmd, args)
	}
	cmd.Flags().StringVar(&reason, "reason", "", d.in("why", "原因"))
	cmd.Flags().BoolVar(&end, "end", false, d.in("show it again", "重新显示"))
	cmd.MarkFlagsOneRequired("reason", "end")
	cmd.MarkFlagsMutuallyExclusive("reason", "end")
	return cmd
}

// evidenceLines are what a reviewer has to know of a photo: who took it out of sight and why, what is held by law, and what the checks found but for notes.
func (d *deviceCommands) evidenceLines(p *roundsv1.Photo, people names) (lines []string) {
	if h := p.GetHidden(); h != nil {
		lines = append(lines, fmt.Sprintf(d.in("hidden by %s: %s", "%s已隐藏：%s"), people.of(h.GetPersonId()), clean(h.GetReason())))
	}
	if hold := p.GetLegalHold(); hold != "" {
		lines = append(lines, d.in("held: ", "依法保全：")+clean(hold))
	}
	for _, f := range p.GetReport().GetFindings() {
		if f.GetSeverity() == roundsv1.Severity_SEVERITY_NOTE {
			continue
		}
		line := d.finding(d.term(f.GetSeverity()), f)
		if other := f.GetOtherPhotoId(); other != "" {
			line += fmt.Sprintf(d.in(" (photo %s of %s %s)", "（照片 %s，属于%s %s）"), clean(shortID(other)), d.kindName(merge.Kind(f.GetOtherSubject().GetKind())),
				clean(shortID(f.GetOtherSubject().GetId())))
		}
		lines = append(lines, line)
	}
	return lines
}

// finding says what a check found, and how bad it is. The code of the check is for English alone: it is English.
func (p *program) finding(how string, f *roundsv1.Finding) string {
	sentence := clean(p.text(f.GetSentence()))
	if p.lang == "zh" {
		return how + "：" + sentence
	}
	return how + " " + enumName(f.GetCode().String(), "CHECK_CODE") + ": " + sentence
}

// countsNot tells whether a photo is known not to count as evidence: refused by a check, removed, or taken out of sight.
func countsNot(p *roundsv1.Photo) bool {
	switch p.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_HARD, roundsv1.PhotoState_PHOTO_STATE_REDACTED:
		return true
	}
	return p.GetHidden() != nil
}

// judged says what the server made of the bytes of a photo that it has, as the device knows it; "" while it is still to be looked at.
func (d *deviceCommands) judged(ctx context.Context, s *session, p client.PhotoProgress) string {
	view, err := s.Get(ctx, p.Scope, "photo", p.ID)
	if err != nil {
		return "" // a record that the device no longer holds
	}
	photo := view.Record.GetPhoto()
	switch photo.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_CLEAN:
		return d.in("clean", "合格")
	case roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
		if f := photo.GetReport().GetFindings(); len(f) > 0 {
			return strings.TrimRight(d.finding(d.bytesWords(photo), f[0]), ".。")
		}
		return d.bytesWords(photo)
	case roundsv1.PhotoState_PHOTO_STATE_REDACTED:
		return d.in("the bytes were removed", "内容已删除")
	}
	return ""
}
