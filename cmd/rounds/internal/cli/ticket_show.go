package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
)

func (d *deviceCommands) ticketShow() *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: d.in("Show a ticket with its checklist and answers, photos, remarks and open questions", "查看工单及其检查表和结果、照片、备注和待决事项"), Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			view, err := s.find(ctx, "ticket", args[0])
			if err != nil {
				return err
			}
			about, err := s.about(ctx, view)
			if err != nil {
				return err
			}
			reference, err := s.reference(ctx)
			if err != nil {
				return err
			}
			list := reference.listOf(view)
			missing := missingOf(view, about, reference, s.lookup(ctx, view.Scope))
			if d.json {
				var parts []any
				for _, v := range about {
					parts = append(parts, viewJSON(v))
				}
				all := map[string]any{"ticket": viewJSON(view), "about": parts, "writes": writesJSON(view)}
				if list != nil {
					all["checklist"] = asJSON(list)
				}
				if missing != nil {
					all["missing"] = asJSON(missing)
				}
				return printJSON(d.Out, all)
			}
			people, err := d.names(ctx, s, view.Scope)
			if err != nil {
				return err
			}
			category, err := s.categoryName(ctx, view.Record.GetTicket().GetCategoryId(), d.text)
			if err != nil {
				return err
			}
			where := d.place(view.Record.GetTicket().GetLocation())
			if id := view.Record.GetTicket().GetLocation().GetPlaceId(); id != "" && view.Record.GetTicket().GetLocation().GetWords() == "" {
				placeName, err := s.placeNames(ctx, view.Scope, d.text)
				if err != nil {
					return err
				}
				where = placeName(id)
			}
			if err := d.printTicket(view, about, people, category, where, missing, reference.Policy(view.Scope)); err != nil {
				return err
			}
			return d.printTicketAnswers(view.Record.GetTicket(), list)
		})}
}

// printTicketAnswers prints what the ticket's checklist asks and what was answered; nothing where it has neither.
func (d *deviceCommands) printTicketAnswers(t *roundsv1.Ticket, list *roundsv1.Checklist) error {
	asks := t.GetRequirements().GetChecklistId() != ""
	if !asks && len(t.GetAnswers()) == 0 {
		return nil
	}
	fmt.Fprintln(d.Out)
	if list == nil && asks {
		fmt.Fprintln(d.Out, d.in("the checklist has not come to this device: rounds device sync", "检查表还没有到本机：请运行 rounds device sync"))
		if len(t.GetAnswers()) == 0 {
			return nil
		}
	}
	return d.printAnswers(list, nil, t.GetAnswers(), shortID)
}

// about returns the photos, remarks and conflicts of a record.
func (s *session) about(ctx context.Context, of client.View) ([]client.View, error) {
	var all []client.View
	for view, err := range s.List(ctx, of.Scope, "photo") {
		if err != nil {
			return nil, err
		}
		if view.Record.GetPhoto().GetSubject().GetId() == string(of.ID) {
			all = append(all, view)
		}
	}
	for view, err := range s.List(ctx, of.Scope, "comment") {
		if err != nil {
			return nil, err
		}
		if view.Record.GetComment().GetSubject().GetId() == string(of.ID) {
			all = append(all, view)
		}
	}
	for view, err := range s.List(ctx, of.Scope, "conflict") {
		if err != nil {
			return nil, err
		}
		c := view.Record.GetConflict()
		if c.GetSubject().GetId() == string(of.ID) && c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			all = append(all, view)
		}
	}
	return all, nil
}

// missingOf is what a ticket that was reported as done still waits for, as far as the device knows its photos; nil: nothing, or it waits for no photos.
func missingOf(v client.View, about []client.View, known work.Reference, lookup func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) *roundsv1.Problem {
	var photos []merge.RecordID
	for _, one := range about {
		if one.Kind == kindOf("photo") {
			photos = append(photos, one.ID)
		}
	}
	return work.New(work.Config{Reference: known}).Missing(v.Scope, v.Change, nil, photos, lookup)
}

func writesJSON(v client.View) []any {
	var list []any
	for _, w := range v.Change.GetWrites() {
		list = append(list, asJSON(w))
	}
	return list
}

func (d *deviceCommands) printTicket(v client.View, about []client.View, people names, category, where string, missing *roundsv1.Problem, site policy.Policy) error {
	t := v.Record.GetTicket()
	line := d.line
	line("ticket", "工单", string(v.ID))
	line("title", "标题", t.GetTitle())
	line("state", "状态", strings.TrimSpace(d.ticketStanding(t.GetState())+" "+d.pendingMark(v)))
	line("why", "原因", d.text(site.WhyReturned(t.GetStateReason())))
	line("waits for", "挂起原因", d.text(site.WhyMoved(t.GetPauseReason())))
	line("priority", "优先级", d.priority(t.GetPriority()))
	line("category", "类别", category)
	line("needs", "要求", d.needs(t.GetRequirements()))
	line("missing", "还缺", d.text(missing.GetSentence()))
	line("place", "位置", where)
	if l := t.GetLocation(); l.GetAccuracyM() > 0 {
		line("fix", "定位", fmt.Sprintf("%.5f, %.5f ± %.0f m", l.GetLatitude(), l.GetLongitude(), l.GetAccuracyM()))
	}
	line("reported", "上报", fmt.Sprintf(d.in("%s by %s", "%s，%s"), when(t.GetReportedTimeUs()), people.of(t.GetReporterId())))
	for _, due := range d.deadlines(t) {
		line("due", "时限", due)
	}
	for _, one := range t.GetReadings() {
		line("reading", "读数", strings.TrimSpace(fmt.Sprintf("%s %s %s", one.GetQuantity(), strconv.FormatFloat(one.GetValue(), 'g', -1, 64), one.GetUnit())))
	}
	line("words", "客户原话", t.GetCustomerWords())
	line("description", "描述", t.GetDescription())
	line("notes", "备忘", t.GetNotes())
	line("phone", "电话", t.GetContactPhone())
	line("assignee", "处理人", people.of(t.GetAssigneeId()))
	line("round", "轮次", fmt.Sprint(max(1, t.GetRound())))
	if level := t.GetEscalationLevel(); level > 0 {
		line("escalated", "升级", fmt.Sprintf(d.in("level %d", "%d级"), level))
	}
	line("merged into", "并入", shortID(t.GetMergedIntoId()))
	line("tags", "标签", strings.Join(t.GetTags(), d.in(", ", "、")))
	line("flags", "标记", d.marks(t.GetFlags()))
	for _, number := range siblings(v) {
		field := t.ProtoReflect().Descriptor().Fields().ByNumber(number)
		if field != nil {
			line("two values", "多个值", d.fieldName(field)+d.in(": more than one person wrote it; see --json", "：多人填写不一致，见 --json"))
		}
	}
	for _, one := range about {
		r := one.Record
		switch {
		case r.GetPhoto() != nil:
			p := r.GetPhoto()
			line("photo", "照片", strings.TrimSpace(fmt.Sprintf(d.in("%s %s, %s, %d x %d, by %s: %s %s", "%s %s，%s，%d x %d，%s：%s %s"), shortID(string(one.ID)),
				d.term(p.GetRole()), bytesText(p.GetSizeBytes()), p.GetWidthPx(), p.GetHeightPx(),
				people.of(p.GetPersonId()), d.bytesWords(p), d.pendingMark(one))))
			for _, words := range d.evidenceLines(p, people) {
				line("", "", words)
			}
		case r.GetComment() != nil:
			c := r.GetComment()
			line("remark", "备注", fmt.Sprintf(d.in("%s, %s: %s %s", "%s，%s：%s %s"), people.of(c.GetPersonId()), when(c.GetSaid().GetWallUs()), clean(c.GetWords()), d.pendingMark(one)))
		case r.GetConflict() != nil:
			line("open", "待裁决", fmt.Sprintf("%s %s", shortID(string(one.ID)), d.text(r.GetConflict().GetSentence())))
		}
	}
	return nil
}

// deadlines are the times of the current round that run, and those that were missed.
func (d *deviceCommands) deadlines(t *roundsv1.Ticket) (lines []string) {
	for _, one := range t.GetDeadlines() {
		if one.GetRound() != max(1, t.GetRound()) || one.GetDueUs() == 0 {
			continue
		}
		state := ""
		switch one.GetState() {
		case roundsv1.DeadlineState_DEADLINE_STATE_OPEN:
			if one.GetDueUs() < d.Now().UnixMicro() {
				state = d.in("overdue", "已超时")
			}
		case roundsv1.DeadlineState_DEADLINE_STATE_STOPPED:
			state = d.in("clock stopped", "已停表")
		case roundsv1.DeadlineState_DEADLINE_STATE_BREACHED:
			state = d.in("missed", "超时")
		case roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED:
			state = d.in("disputed", "时间有争议")
		default:
			continue
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", d.term(one.GetStep()), when(one.GetDueUs()), state)))
	}
	return lines
}

// due is the earliest deadline whose step is still to be done, marked where it has passed; "-" where there is none. A missed one counts until it is done, as at a desk.
func (d *deviceCommands) due(t *roundsv1.Ticket) string {
	var first int64
	for _, one := range t.GetDeadlines() {
		open := one.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_OPEN || one.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
		if open && one.GetDoneUs() == 0 && one.GetDueUs() > 0 && (first == 0 || one.GetDueUs() < first) {
			first = one.GetDueUs()
		}
	}
	if first != 0 && first < d.Now().UnixMicro() {
		return when(first) + " !"
	}
	return when(first)
}

// needs are what a ticket asks of the work.
func (d *deviceCommands) needs(r *roundsv1.Requirements) string {
	var parts []string
	if r.GetBeforePhoto() {
		parts = append(parts, d.in("a photo before", "处理前照片"))
	}
	if n := r.GetAfterPhotos(); n > 0 {
		parts = append(parts, fmt.Sprintf(d.in("%d after", "处理后照片%d张"), n))
	}
	if r.GetLiveCamera() {
		parts = append(parts, d.in("by the live camera", "须实时拍摄"))
	}
	if r.GetChecklistId() != "" {
		parts = append(parts, d.in("the checklist", "检查表"))
	}
	return strings.Join(parts, d.in(", ", "，"))
}

// fieldNumber is the number of a field in its message.
type fieldNumber = protoreflect.FieldNumber

// siblings returns the fields of a record in which more than one value stands.
func siblings(v client.View) []fieldNumber {
	var all []fieldNumber
	for _, w := range v.Change.GetWrites() {
		for _, n := range w.GetSiblings() {
			if !slices.Contains(all, fieldNumber(n)) {
				all = append(all, fieldNumber(n))
			}
		}
	}
	return all
}
