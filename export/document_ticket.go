package export

import (
	"cmp"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// ticket writes what stands in a ticket.
func (p *paper) ticket(t *roundsv1.Ticket) {
	p.doc.Pair(p.say("状态", "State"), p.state(t.GetState()))
	p.doc.Pair(p.say("类别", "Category"), cmp.Or(p.line.look(func() (string, error) { return p.s.names.category(p.ctx, t.GetCategoryId()) }), t.GetCategoryId()))
	p.doc.Pair(p.say("优先级", "Priority"), p.lang.in(t.GetPriority()))
	p.doc.Pair(p.say("地点", "Place"), p.line.look(func() (string, error) { return p.s.names.where(p.ctx, t.GetLocation()) }))
	p.doc.Pair(p.say("设施", "Asset"), p.line.look(func() (string, error) { return p.s.names.asset(p.ctx, t.GetAssetId()) }))
	p.doc.Pair(p.say("上报时间", "Reported"), p.when(reported(p.change)))
	p.doc.Pair(p.say("来源", "Channel"), p.lang.in(t.GetChannel()))
	if p.s.personal {
		p.doc.Pair(p.say("报事人", "Reporter"), p.person(t.GetReporterId()))
		p.doc.Pair(p.say("户号", "Household"), t.GetHouseholdId())
		p.doc.Pair(p.say("联系电话", "Contact phone"), t.GetContactPhone())
	}
	p.doc.Pair(p.say("客户原话", "Customer's words"), t.GetCustomerWords())
	p.doc.Pair(p.say("描述", "Description"), t.GetDescription())
	p.doc.Pair(p.say("处理人", "Assignee"), p.person(t.GetAssigneeId()))
	p.doc.Pair(p.say("协作人", "Crew"), p.people(crewOf(t)))
	p.doc.Pair(p.say("轮次", "Round"), strconv.Itoa(int(t.GetRound())))
	if t.GetEscalationLevel() > 0 {
		p.doc.Pair(p.say("升级级别", "Escalation level"), strconv.Itoa(int(t.GetEscalationLevel())))
	}
	p.doc.Pair(p.say("关闭时间", "Closed"), p.when(t.GetClosedTimeUs()))
	p.doc.Pair(p.say("确认人", "Approved by"), p.people(t.GetApproverIds()))
	p.doc.Pair(p.say("客户评价", "Customer"), p.lang.in(t.GetAcceptance()))
	p.doc.Pair(p.say("状态原因", "Reason"), p.lang.text(p.s.policy.WhyReturned(t.GetStateReason())))
	p.doc.Pair(p.say("标记", "Flags"), p.flags(t.GetFlags()))
	p.doc.Pair(p.say("备注", "Notes"), t.GetNotes())

	var moves []moment
	for _, m := range t.GetMoves() {
		note := p.lang.text(p.s.policy.WhyMoved(m.GetReason()))
		if m.GetStopsClock() {
			note += p.say("（停止计时）", " (the clocks stop)")
		}
		if m.GetLate() {
			note += p.say("（补传）", " (arrived late)")
		}
		if !m.GetExact() {
			note += p.say("（时间为推算）", " (time estimated)")
		}
		moves = append(moves, moment{m.GetTimeUs(), p.state(m.GetState()), m.GetPersonId(), note})
	}
	p.timeline(moves, t.GetCompletions(), t.GetReviews())

	var rows [][]string
	for _, d := range t.GetDeadlines() {
		note := p.lang.in(d.GetState())
		if d.GetOfflineFalseAlarm() {
			note += p.say("（离线误报）", " (false alarm, offline)")
		}
		rows = append(rows, []string{p.lang.in(d.GetStep()), strconv.Itoa(int(d.GetRound())), p.when(d.GetDueUs()), p.when(d.GetDoneUs()), note, p.person(d.GetOwnerId())})
	}
	p.section("时限", "Deadlines", []float64{0.12, 0.08, 0.22, 0.22, 0.2, 0.16}, [][2]string{{"环节", "Step"}, {"轮次", "Round"}, {"时限", "Due"}, {"实际", "Done"},
		{"结果", "Result"}, {"责任人", "Owner"}}, rows)
	p.answers(t.GetAnswers(), ticketAnswers, t.GetRequirements().GetChecklistId(), t.GetRequirements().GetChecklistVersion(), nil)
	p.measured(t.GetReadings(), t.GetLabour(), ticketReadings, ticketLabour)
}
