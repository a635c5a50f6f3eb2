package export

import (
	"encoding/hex"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/sheet"
)

// ticketRow fills the row of one ticket.
func (j *job) ticketRow(l *line, s *scope, from any) {
	change, _ := from.(*roundsv1.Change)
	t := change.GetRecord().GetTicket()
	l.text("范围", "scope", string(s.name))
	l.text("项目", "site", s.site)
	l.text("时区", "time zone", s.zoneName())
	l.text("工单编号", "ticket id", change.GetRecordId())
	l.text("标题", "title", t.GetTitle())
	l.enum("状态", "state", t.GetState())
	number(l, "轮次", "round", t.GetRound())
	l.enum("优先级", "priority", t.GetPriority())
	l.text("类别编号", "category id", t.GetCategoryId())
	l.text("类别", "category", l.look(func() (string, error) { return s.names.category(l.ctx, t.GetCategoryId()) }))
	l.text("地点编号", "place id", t.GetLocation().GetPlaceId())
	l.text("地点", "place", l.look(func() (string, error) { return s.names.where(l.ctx, t.GetLocation()) }))
	l.enum("来源", "channel", t.GetChannel())
	l.time(s, "上报时间", "reported", reported(change))
	l.text("描述", "description", t.GetDescription())
	l.text("客户原话", "customer's words", t.GetCustomerWords())
	l.private(s, "报事人", "reporter", t.GetReporterId())
	l.private(s, "户号", "household", t.GetHouseholdId())
	l.private(s, "联系电话", "contact phone", t.GetContactPhone())
	l.person(s, "处理人", "assignee", t.GetAssigneeId())
	l.text("协作人", "crew", l.look(func() (string, error) { return s.names.people(l.ctx, crewOf(t)) }))
	number(l, "派单次数", "dispatches", t.GetAssignEpoch())
	number(l, "升级级别", "escalation level", t.GetEscalationLevel())
	l.text("挂起原因", "pause reason", t.GetPauseReason())
	l.text("挂起原因说明", "pause reason in words", l.lang.text(s.policy.WhyMoved(t.GetPauseReason())))
	l.text("状态原因", "state reason", t.GetStateReason())
	l.text("状态原因说明", "state reason in words", l.lang.text(s.policy.WhyReturned(t.GetStateReason())))
	l.time(s, "受理时间", "triaged", firstMove(t, roundsv1.TicketState_TICKET_STATE_TRIAGED))
	l.time(s, "派单时间", "dispatched", firstMove(t, roundsv1.TicketState_TICKET_STATE_DISPATCHED))
	l.time(s, "接单时间", "accepted", firstMove(t, roundsv1.TicketState_TICKET_STATE_ACCEPTED))
	l.time(s, "开工时间", "started", firstMove(t, roundsv1.TicketState_TICKET_STATE_IN_PROGRESS))
	l.time(s, "最近完工时间", "last completion", lastCompletion(t.GetCompletions()).GetTimeUs())
	l.person(s, "完工人", "completed by", lastCompletion(t.GetCompletions()).GetPersonId())
	l.time(s, "关闭时间", "closed", t.GetClosedTimeUs())
	l.text("确认人", "approved by", l.look(func() (string, error) { return s.names.people(l.ctx, t.GetApproverIds()) }))
	for _, step := range steps() {
		d := currentDeadline(t, step)
		zh, en := chinese.in(step), english.in(step)
		l.time(s, zh+"时限", en+" due", d.GetDueUs())
		l.time(s, zh+"实际", en+" done", d.GetDoneUs())
		l.enum(zh+"结果", en+" result", d.GetState())
	}
	number(l, "返工次数", "times sent back", countReviews(t.GetReviews(), roundsv1.Verdict_VERDICT_REJECTED))
	l.enum("客户评价", "acceptance", t.GetAcceptance())
	l.add("收费", "charge", charge(t))
	l.text("标签", "tags", strings.Join(t.GetTags(), ", "))
	l.text("标记", "flags", strings.Join(t.GetFlags(), ", "))
	l.text("备注", "notes", t.GetNotes())
	l.text("设施", "asset", l.look(func() (string, error) { return s.names.asset(l.ctx, t.GetAssetId()) }))
	l.text("上级工单", "parent ticket", t.GetParentId())
	l.text("并入工单", "merged into", t.GetMergedIntoId())
	l.text("来自巡检", "from round", t.GetOrigin().GetInspectionId())
	l.text("最近确认摘要", "last review digest", hex.EncodeToString(lastReview(t.GetReviews()).GetDigest()))
	number(l, "版本", "version", change.GetVersion())
}

// crewOf are those of the crew who work with the assignee: whoever starts a ticket is of its crew, the assignee too.
func crewOf(t *roundsv1.Ticket) []string {
	return slices.DeleteFunc(slices.Clone(t.GetCrewIds()), func(id string) bool { return id == t.GetAssigneeId() })
}

// private writes what says who a household is and how it is reached, for those who may see it.
func (l *line) private(s *scope, zh, en, value string) {
	if !l.naming && !s.personal {
		value = ""
	}
	l.text(zh, en, value)
}

// zoneName is the scope's time zone, as the row's times are told in it.
func (s *scope) zoneName() string {
	if s.zone == nil {
		return ""
	}
	return s.zone.String()
}

func steps() []roundsv1.Step {
	return []roundsv1.Step{roundsv1.Step_STEP_RESPOND, roundsv1.Step_STEP_ARRIVE, roundsv1.Step_STEP_FINISH, roundsv1.Step_STEP_REVIEW, roundsv1.Step_STEP_FOLLOW_UP}
}

// currentDeadline of a step is that of the latest round that has one.
func currentDeadline(t *roundsv1.Ticket, step roundsv1.Step) (found *roundsv1.Deadline) {
	for _, d := range t.GetDeadlines() {
		if d.GetStep() == step && (found == nil || d.GetRound() >= found.GetRound()) {
			found = d
		}
	}
	return found
}

func firstMove(t *roundsv1.Ticket, to roundsv1.TicketState) int64 {
	for _, m := range t.GetMoves() {
		if m.GetState() == to {
			return m.GetTimeUs()
		}
	}
	return 0
}

func lastCompletion(all []*roundsv1.Completion) (last *roundsv1.Completion) {
	for _, c := range all {
		if last == nil || c.GetTimeUs() >= last.GetTimeUs() {
			last = c
		}
	}
	return last
}

func lastReview(all []*roundsv1.Review) (last *roundsv1.Review) {
	for _, r := range all {
		if last == nil || r.GetTimeUs() >= last.GetTimeUs() {
			last = r
		}
	}
	return last
}

func countReviews(all []*roundsv1.Review, verdict roundsv1.Verdict) (n int) {
	for _, r := range all {
		if r.GetVerdict() == verdict {
			n++
		}
	}
	return n
}

// charge is in the site's currency; a ticket without one has none.
func charge(t *roundsv1.Ticket) sheet.Cell {
	if t.GetChargeCents() == 0 {
		return sheet.Cell{}
	}
	return sheet.Number(float64(t.GetChargeCents()) / 100)
}
