package export

import (
	"cmp"
	"fmt"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// round writes what stands in an inspection round.
func (p *paper) round(i *roundsv1.Inspection) {
	list := p.checklist(p.s, i.GetChecklistId(), i.GetChecklistVersion())
	p.doc.Pair(p.say("状态", "State"), p.state(i.GetState()))
	p.doc.Pair(p.say("检查表", "Checklist"), fmt.Sprintf("%s v%d", cmp.Or(p.lang.text(list.GetName()), i.GetChecklistId()), i.GetChecklistVersion()))
	p.doc.Pair(p.say("窗口", "Window"), p.when(i.GetWindowStartUs())+" – "+p.when(i.GetWindowEndUs()))
	p.doc.Pair(p.say("巡检人", "Inspector"), p.person(i.GetInspectorId()))
	p.doc.Pair(p.say("轮次", "Round"), strconv.Itoa(int(i.GetRound())))
	if len(i.GetCompletions()) > 0 {
		p.doc.Pair(p.say("得分", "Score"), strconv.FormatFloat(i.GetScore(), 'f', -1, 64))
	}
	if i.GetFailed() {
		p.doc.Pair(p.say("红线", "Red line"), p.say("已触碰，本次不通过", "crossed: the round has failed"))
	}
	if t := i.GetTally(); t != nil {
		p.doc.Pair(p.say("统计", "Tally"), fmt.Sprintf(p.say("合格 %d，不合格 %d，不适用 %d，跳过 %d，未答 %d", "passed %d, failed %d, not applicable %d, skipped %d, open %d"),
			t.GetPassed(), t.GetFailed(), t.GetNotApplicable(), t.GetSkipped(), t.GetOpen()))
	}
	p.doc.Pair(p.say("状态原因", "Reason"), p.lang.text(p.s.policy.WhyReturned(i.GetStateReason())))
	p.doc.Pair(p.say("标记", "Flags"), p.flags(i.GetFlags()))
	p.doc.Pair(p.say("备注", "Notes"), i.GetNotes())
	p.timeline(nil, i.GetCompletions(), i.GetReviews())

	var rows [][]string
	for _, v := range i.GetOfficialVisits() {
		rows = append(rows, []string{strconv.Itoa(int(v.GetRound())), cmp.Or(p.line.look(func() (string, error) { return p.s.names.place(p.ctx, v.GetCheckpointId()) }), v.GetCheckpointId()),
			p.when(v.GetTimeUs()), p.person(v.GetPersonId()), p.people(v.GetConfirmedByIds()), p.flags(v.GetFlags())})
	}
	p.section("点位", "Checkpoints", []float64{0.08, 0.28, 0.2, 0.14, 0.14, 0.16}, [][2]string{{"轮次", "Round"}, {"点位", "Checkpoint"}, {"时间", "Time"}, {"人员", "Person"},
		{"同行", "Confirmed by"}, {"标记", "Flags"}}, rows)
	p.answers(i.GetAnswers(), roundAnswers, i.GetChecklistId(), i.GetChecklistVersion(), i.GetCheckpointIds())
	p.measured(i.GetReadings(), i.GetLabour(), roundReadings, roundLabour)
}
